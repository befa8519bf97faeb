#include "graph/loopback.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <winsock2.h>
#include <ws2tcpip.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/win32.h"

#define LISTENERS 2
#define CLIENTS 16           /* browsers open some ahead and leave them idle */
#define HEAD_MAX 16384       /* codes are some kilobytes long */
#define CLIENT_LIFE_MS 20000 /* for a whole request */
#define POLL_MS 100
#define PORT_TRIES 16

struct client {
    SOCKET fd; /* INVALID_SOCKET: free */
    int64_t since_ms;
    size_t used;
    char head[HEAD_MAX + 1];
};

struct loopback {
    bool is_started; /* WSAStartup() */
    SOCKET listeners[LISTENERS];
    unsigned port;
    struct client clients[CLIENTS];
};

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

static bool make_nonblocking(SOCKET fd)
{
    u_long one = 1;

    SetHandleInformation((HANDLE)fd, HANDLE_FLAG_INHERIT, 0);
    return ioctlsocket(fd, FIONBIO, &one) == 0;
}

static SOCKET listen_at(int family, const struct sockaddr *address, int size)
{
    SOCKET fd = WSASocketW(family, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_OVERLAPPED);
    const int on = 1;

    if (fd == INVALID_SOCKET) {
        return fd;
    }
    /* without it, another program could take the port over while we listen */
    if (setsockopt(fd, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof(on)) != 0 ||
        (family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, (const char *)&on, sizeof(on)) != 0) ||
        !make_nonblocking(fd) || bind(fd, address, size) != 0 || listen(fd, CLIENTS) != 0) {
        int saved = WSAGetLastError();

        closesocket(fd);
        WSASetLastError(saved);
        fd = INVALID_SOCKET;
    }
    return fd;
}

/* 0, or a WSAE*. WSAEADDRINUSE: ::1 has this port taken, try another. */
static int open_pair(struct loopback *loopback)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    int size = sizeof(v4);

    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v6.sin6_addr = in6addr_loopback;
    loopback->listeners[0] = listen_at(AF_INET, (struct sockaddr *)&v4, sizeof(v4));
    if (loopback->listeners[0] == INVALID_SOCKET ||
        getsockname(loopback->listeners[0], (struct sockaddr *)&v4, &size) != 0) {
        return WSAGetLastError();
    }
    loopback->port = ntohs(v4.sin_port);
    v6.sin6_port = v4.sin_port;
    loopback->listeners[1] = listen_at(AF_INET6, (struct sockaddr *)&v6, sizeof(v6));
    if (loopback->listeners[1] == INVALID_SOCKET &&
        (WSAGetLastError() == WSAEADDRINUSE || WSAGetLastError() == WSAEACCES)) {
        closesocket(loopback->listeners[0]);
        loopback->listeners[0] = INVALID_SOCKET;
        return WSAEADDRINUSE;
    }
    return 0; /* a machine without IPv6 has no browser that goes there */
}

int loopback_open(struct loopback **out, struct error *err)
{
    struct loopback *loopback = calloc(1, sizeof(*loopback));
    int os_code = WSAEADDRINUSE;
    WSADATA data;

    if (!loopback) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the sign-in listener");
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        loopback->clients[i].fd = INVALID_SOCKET;
    }
    loopback->listeners[0] = INVALID_SOCKET;
    loopback->listeners[1] = INVALID_SOCKET;
    loopback->is_started = WSAStartup(MAKEWORD(2, 2), &data) == 0;
    for (int i = 0; i < PORT_TRIES && os_code == WSAEADDRINUSE && loopback->is_started; i++) {
        os_code = open_pair(loopback);
    }
    if (os_code) {
        loopback_close(loopback);
        return win32_failed(err, (unsigned long)os_code,
                            "cannot listen on loopback for the browser's answer");
    }
    *out = loopback;
    return 0;
}

unsigned loopback_port(const struct loopback *loopback)
{
    return loopback->port;
}

static void drop(struct client *client)
{
    closesocket(client->fd);
    client->fd = INVALID_SOCKET;
    secret_wipe(client->head, sizeof(client->head)); /* may hold a code */
    client->used = 0;
}

void loopback_close(struct loopback *loopback)
{
    if (!loopback) {
        return;
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        if (loopback->clients[i].fd != INVALID_SOCKET) {
            drop(&loopback->clients[i]);
        }
    }
    for (size_t i = 0; i < LISTENERS; i++) {
        if (loopback->listeners[i] != INVALID_SOCKET) {
            closesocket(loopback->listeners[i]);
        }
    }
    if (loopback->is_started) {
        WSACleanup();
    }
    free(loopback);
}

/* A free place, or that of the one who has had longest. */
static struct client *place_for_client(struct loopback *loopback)
{
    struct client *oldest = &loopback->clients[0];

    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *client = &loopback->clients[i];

        if (client->fd == INVALID_SOCKET) {
            return client;
        }
        if (client->since_ms < oldest->since_ms) {
            oldest = client;
        }
    }
    drop(oldest);
    return oldest;
}

static void accept_client(struct loopback *loopback, SOCKET listener)
{
    SOCKET fd = accept(listener, NULL, NULL);

    if (fd != INVALID_SOCKET && !make_nonblocking(fd)) {
        closesocket(fd);
    } else if (fd != INVALID_SOCKET) {
        struct client *client = place_for_client(loopback);

        client->fd = fd;
        client->since_ms = now_ms();
        client->used = 0;
    }
}

/* The answer is far smaller than a socket's buffer: what does not fit at once is not waited for. */
static void answer(struct client *client, const char *text)
{
    char rest[512];

    (void)send(client->fd, text, (int)strlen(text), 0);
    shutdown(client->fd, SD_SEND);
    /* unread bytes would turn our close into a reset, and the page would not be seen */
    while (recv(client->fd, rest, sizeof(rest), 0) > 0) {
    }
    drop(client);
}

/* True when this request ended the wait. */
static bool serve(struct client *client, const struct loopback_callbacks *callbacks)
{
    enum loopback_verdict verdict = LOOPBACK_REFUSE;
    int got = recv(client->fd, client->head + client->used, (int)(HEAD_MAX - client->used), 0);

    if (got <= 0) {
        if (got == 0 || WSAGetLastError() != WSAEWOULDBLOCK) {
            drop(client);
        }
        return false;
    }
    client->used += (size_t)got;
    client->head[client->used] = '\0';
    if (strstr(client->head, "\r\n\r\n")) {
        answer(client, loopback_answer(client->head, callbacks, &verdict));
    } else if (client->used == HEAD_MAX || strlen(client->head) != client->used) {
        drop(client);
    }
    return verdict != LOOPBACK_REFUSE;
}

/* Those that are there now. */
static void fill_set(struct loopback *loopback, fd_set *set)
{
    FD_ZERO(set);
    for (size_t i = 0; i < LISTENERS; i++) {
        if (loopback->listeners[i] != INVALID_SOCKET) {
            FD_SET(loopback->listeners[i], set);
        }
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *client = &loopback->clients[i];

        if (client->fd != INVALID_SOCKET && now_ms() - client->since_ms > CLIENT_LIFE_MS) {
            drop(client);
        }
        if (client->fd != INVALID_SOCKET) {
            FD_SET(client->fd, set);
        }
    }
}

int loopback_wait(struct loopback *loopback, const struct loopback_callbacks *callbacks,
                  struct error *err)
{
    int code;

    while ((code = callbacks->check(callbacks->payload, err)) == 0) {
        struct timeval wait = {.tv_usec = POLL_MS * 1000};
        fd_set set;

        fill_set(loopback, &set);
        if (select(0, &set, NULL, NULL, &wait) <= 0) {
            continue;
        }
        for (size_t i = 0; i < CLIENTS; i++) { /* before places change hands */
            SOCKET fd = loopback->clients[i].fd;

            if (fd != INVALID_SOCKET && FD_ISSET(fd, &set) &&
                serve(&loopback->clients[i], callbacks)) {
                return 0;
            }
        }
        for (size_t i = 0; i < LISTENERS; i++) {
            SOCKET fd = loopback->listeners[i];

            if (fd != INVALID_SOCKET && FD_ISSET(fd, &set)) {
                accept_client(loopback, fd);
            }
        }
    }
    return code;
}
