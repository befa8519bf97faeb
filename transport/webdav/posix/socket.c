/*
 * socket.c - sockets on Linux.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "webdav/webdav_internal.h"

#define BACKLOG \
    1024 /* who is flooded refuses, quickly; who has no place in the queue waits a second */

/* Never anything but 127.0.0.1. */
static int bind_loopback(int fd, uint16_t *port, struct error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(*port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    int on = 1;

    /* a port that an agent before us used may be taken again at once */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        if (errno == EADDRINUSE) {
            return error_set(err, ERR_BUSY,
                             "port %u of this machine is in use; choose another WebDavPort, or 0",
                             (unsigned)*port);
        }
        return error_set_os(err, ERR_IO, errno, "cannot use port %u", (unsigned)*port);
    }
    if (listen(fd, BACKLOG) < 0 || getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        return error_set_os(err, ERR_IO, errno, "cannot listen on port %u", (unsigned)*port);
    }
    *port = ntohs(address.sin_port);
    return 0;
}

int dav_listen(int *out, uint16_t *port, struct error *err)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int code = 0;

    if (fd < 0) {
        return error_set_os(err, ERR_LIMIT, errno, "no socket for the WebDAV server");
    }
    code = bind_loopback(fd, port, err);
    if (code < 0) {
        close(fd);
        return code;
    }
    *out = fd;
    return 0;
}

void dav_listen_close(int socket)
{
    if (socket >= 0) {
        close(socket);
    }
}

void dav_hang_up(int socket)
{
    shutdown(socket, SHUT_RDWR);
}

bool dav_is_hung_up(int socket)
{
    struct pollfd fd = {.fd = socket, .events = POLLRDHUP};

    return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}
