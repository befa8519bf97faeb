/*
 * event_log.c - the local syslog socket, spoken to without syslog(3): that waits while the daemon
 * hangs, and this must not. The form is the one that glibc sends, but for the time, which daemons
 * put in themselves: "<PRI>name[pid]: text" (RFC 3164 section 4.1).
 */
#include "base/event_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/str.h"

#define LINE_MAX_BYTES 1024 /* RFC 3164: what a receiver has to take */

struct event_log {
    char *source;
    struct sockaddr_un address;
    int fd;
};

int event_log_open(struct event_log **out, const char *source, const char *address,
                   struct error *err)
{
    struct event_log *log = calloc(1, sizeof(*log));
    const char *path = address ? address : "/dev/log";
    int code;

    if (!log) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the event log");
    }
    log->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    log->address.sun_family = AF_UNIX;
    code = log->fd < 0 ? error_set_os(err, ERR_IO, errno, "no socket for the event log")
                       : str_copy(&log->source, source, err);
    if (code == 0 && strlen(path) >= sizeof(log->address.sun_path)) {
        code = error_set(err, ERR_INVALID, "the path of the event log is too long");
    }
    if (code < 0) {
        event_log_close(log);
        return code;
    }
    memcpy(log->address.sun_path, path, strlen(path) + 1);
    *out = log;
    return 0;
}

void event_log_close(struct event_log *log)
{
    if (log) {
        if (log->fd >= 0) {
            close(log->fd);
        }
        free(log->source);
        free(log);
    }
}

void event_log_write(struct event_log *log, enum event_kind kind, unsigned number, const char *text)
{
    static const int priorities[] = {LOG_USER | LOG_INFO, LOG_USER | LOG_WARNING,
                                     LOG_USER | LOG_ERR};
    char line[LINE_MAX_BYTES];
    int length = snprintf(line, sizeof(line), "<%d>%s[%ld]: [%u] %s", priorities[kind], log->source,
                          (long)getpid(), number, text);

    if (length < 0) {
        return;
    }
    for (char *c = line; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F) { /* one event, one line */
            *c = ' ';
        }
    }
    /* no connection is kept: the daemon may have been started anew */
    (void)!sendto(log->fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL,
                  (const struct sockaddr *)&log->address, sizeof(log->address));
}
