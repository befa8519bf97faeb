/*
 * caller.c - whether who asked is still there.
 *
 * The kernel says when a program that waits for us is interrupted, but not of its read-ahead: that
 * nobody waits for, or anybody who needs one of the pages, and some of those cannot be killed (who
 * truncates the file, who opens it). So a read that takes long looks by itself.
 */
#include "np_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KILLED (UINT64_C(1) << (SIGKILL - 1)) /* what any deadly signal becomes */

/* The text behind `key` in what the kernel says of a thread; NULL: there is none. */
static const char *field(const char *status, const char *key)
{
    const char *at = strstr(status, key);

    return at ? at + strlen(key) : NULL;
}

bool np_caller_is_ending(pid_t pid)
{
    char status[4096];
    const char *state = NULL;
    const char *pending = NULL;
    ssize_t length = 0;
    int file = -1;

    if (pid <= 0) {
        return false; /* of another pid namespace, or the kernel's own */
    }
    if (kill(pid, 0) < 0 && errno == ESRCH) {
        return true;
    }
    snprintf(status, sizeof(status), "/proc/%ld/status", (long)pid);
    file = open(status, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return false; /* hidden from us */
    }
    length = read(file, status, sizeof(status) - 1);
    close(file);
    status[length > 0 ? length : 0] = '\0';
    state = field(status, "\nState:\t");
    pending = field(status, "\nSigPnd:\t");
    return (state && (*state == 'Z' || *state == 'X')) ||
           (pending && (strtoull(pending, NULL, 16) & KILLED));
}
