#include "graph/loopback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"

#define LISTENERS 2
#define CLIENTS 16           /* browsers open some ahead and leave them idle */
#define HEAD_MAX 16384       /* codes are some kilobytes long */
#define CLIENT_LIFE_MS 20000 /* for a whole request */
#define POLL_MS 100
#define PORT_TRIES 16

struct client {
    int fd; /* -1: free */
    int64_t since_ms;
    size_t used;
    char head[HEAD_MAX + 1];
};

struct loopback {
    int listeners[LISTENERS]; /* -1: none */
    unsigned port;
    struct client clients[CLIENTS];
};

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

static int listen_at(int family, const struct sockaddr *address, socklen_t size)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int one = 1;

    /* no SO_REUSEADDR: nobody shall share the port */
    if (fd >= 0 && ((family == AF_INET6 &&
                     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) != 0) ||
                    bind(fd, address, size) != 0 || listen(fd, CLIENTS) != 0)) {
        int saved = errno;

        close(fd);
        errno = saved;
        fd = -1;
    }
    return fd;
}

/* 0, or an errno. EADDRINUSE: ::1 has this port taken, try another. */
static int open_pair(struct loopback *loopback)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t size = sizeof(v4);

    loopback->listeners[0] = listen_at(AF_INET, (struct sockaddr *)&v4, sizeof(v4));
    if (loopback->listeners[0] < 0 ||
        getsockname(loopback->listeners[0], (struct sockaddr *)&v4, &size) != 0) {
        return errno;
    }
    loopback->port = ntohs(v4.sin_port);
    v6.sin6_port = v4.sin_port;
    loopback->listeners[1] = listen_at(AF_INET6, (struct sockaddr *)&v6, sizeof(v6));
    if (loopback->listeners[1] < 0 && errno == EADDRINUSE) {
        close(loopback->listeners[0]);
        loopback->listeners[0] = -1;
        return EADDRINUSE;
    }
    return 0; /* a machine without IPv6 has no browser that goes there */
}

int loopback_open(struct loopback **out, struct error *err)
{
    struct loopback *loopback = calloc(1, sizeof(*loopback));
    int os_code = EADDRINUSE;

    if (!loopback) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the sign-in listener");
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        loopback->clients[i].fd = -1;
    }
    loopback->listeners[0] = -1;
    loopback->listeners[1] = -1;
    for (int i = 0; i < PORT_TRIES && os_code == EADDRINUSE; i++) {
        os_code = open_pair(loopback);
    }
    if (os_code) {
        loopback_close(loopback);
        return error_set_os(err, error_from_errno(os_code), os_code,
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
    close(client->fd);
    client->fd = -1;
    secret_wipe(client->head, sizeof(client->head)); /* may hold a code */
    client->used = 0;
}

void loopback_close(struct loopback *loopback)
{
    if (!loopback) {
        return;
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        if (loopback->clients[i].fd >= 0) {
            drop(&loopback->clients[i]);
        }
    }
    for (size_t i = 0; i < LISTENERS; i++) {
        if (loopback->listeners[i] >= 0) {
            close(loopback->listeners[i]);
        }
    }
    free(loopback);
}

/* A free place, or that of the one who has had longest. */
static struct client *place_for_client(struct loopback *loopback)
{
    struct client *oldest = &loopback->clients[0];

    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *client = &loopback->clients[i];

        if (client->fd < 0) {
            return client;
        }
        if (client->since_ms < oldest->since_ms) {
            oldest = client;
        }
    }
    drop(oldest);
    return oldest;
}

static void accept_client(struct loopback *loopback, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0) {
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

    (void)send(client->fd, text, strlen(text), MSG_NOSIGNAL);
    shutdown(client->fd, SHUT_WR);
    /* unread bytes would turn our close into a reset, and the page would not be seen */
    while (recv(client->fd, rest, sizeof(rest), 0) > 0) {
    }
    drop(client);
}

/* True when this request ended the wait. */
static bool serve(struct client *client, const struct loopback_callbacks *callbacks)
{
    enum loopback_verdict verdict = LOOPBACK_REFUSE;
    ssize_t got = recv(client->fd, client->head + client->used, HEAD_MAX - client->used, 0);

    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
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

static size_t fill_poll(struct loopback *loopback, struct pollfd *fds)
{
    for (size_t i = 0; i < LISTENERS; i++) {
        fds[i] = (struct pollfd){.fd = loopback->listeners[i], .events = POLLIN};
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *client = &loopback->clients[i];

        if (client->fd >= 0 && now_ms() - client->since_ms > CLIENT_LIFE_MS) {
            drop(client);
        }
        fds[LISTENERS + i] = (struct pollfd){.fd = client->fd, .events = POLLIN};
    }
    return LISTENERS + CLIENTS;
}

int loopback_wait(struct loopback *loopback, const struct loopback_callbacks *callbacks,
                  struct error *err)
{
    struct pollfd fds[LISTENERS + CLIENTS];
    int code;

    while ((code = callbacks->check(callbacks->payload, err)) == 0) {
        if (poll(fds, fill_poll(loopback, fds), POLL_MS) <= 0) {
            continue;
        }
        for (size_t i = 0; i < CLIENTS; i++) { /* before places change hands */
            if (fds[LISTENERS + i].revents && serve(&loopback->clients[i], callbacks)) {
                return 0;
            }
        }
        for (size_t i = 0; i < LISTENERS; i++) {
            if (fds[i].revents & POLLIN) {
                accept_client(loopback, fds[i].fd);
            }
        }
    }
    return code;
}
