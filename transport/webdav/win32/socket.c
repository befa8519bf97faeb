/*
 * socket.c - sockets on Windows. A SOCKET is a handle, whose value fits an int (MSDN: 32 bits of a
 * handle count).
 */
#include "webdav/webdav_internal.h"

#include <winsock2.h>
#include <ws2tcpip.h>

#define BACKLOG 200

static int failed(struct error *err, int code, const char *what, unsigned port)
{
    return error_set_os(err, code, WSAGetLastError(), "%s port %u", what, port);
}

/* Never anything but 127.0.0.1, and nobody else beside us. */
static int bind_loopback(SOCKET s, uint16_t *port, struct error *err)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int size = sizeof(address);
    u_long non_blocking = 1;
    BOOL on = TRUE;

    setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof(on));
    if (bind(s, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        int why = WSAGetLastError();

        if (why == WSAEADDRINUSE || why == WSAEACCES) {
            return error_set(err, ERR_BUSY,
                             "port %u of this machine is in use; choose another WebDavPort, or 0",
                             (unsigned)*port);
        }
        return failed(err, ERR_IO, "cannot use", *port);
    }
    if (listen(s, BACKLOG) != 0 || ioctlsocket(s, FIONBIO, &non_blocking) != 0 ||
        getsockname(s, (struct sockaddr *)&address, &size) != 0) {
        return failed(err, ERR_IO, "cannot listen on", *port);
    }
    *port = ntohs(address.sin_port);
    return 0;
}

int dav_listen(int *out, uint16_t *port, struct error *err)
{
    WSADATA data;
    SOCKET s = INVALID_SOCKET;
    int code = 0;

    /* counted by the system, and undone with the process */
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return error_set(err, ERR_UNSUPPORTED, "this system has no sockets");
    }
    s = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                   WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (s == INVALID_SOCKET) {
        return failed(err, ERR_LIMIT, "no socket for", *port);
    }
    code = bind_loopback(s, port, err);
    if (code < 0) {
        closesocket(s);
        return code;
    }
    *out = (int)s;
    return 0;
}

void dav_listen_close(int socket)
{
    if (socket >= 0) {
        closesocket((SOCKET)socket);
    }
}

void dav_hang_up(int socket)
{
    shutdown((SOCKET)socket, SD_BOTH);
}

/* Nothing to read is no end; an end is 0 bytes that can be read. */
bool dav_is_hung_up(int socket)
{
    WSAPOLLFD fd = {0};
    char byte = 0;

    fd.fd = (SOCKET)socket;
    fd.events = POLLRDNORM;
    if (WSAPoll(&fd, 1, 0) <= 0) {
        return false;
    }
    if (fd.revents & (POLLERR | POLLHUP)) {
        return true;
    }
    return (fd.revents & POLLRDNORM) && recv((SOCKET)socket, &byte, 1, MSG_PEEK) == 0;
}
