#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#define CLIENTS 16
#define SEND_S 10 /* for who does not read what is sent */
#define PAUSE_MS 1000

struct channel {
    int fd;
};

struct channel_listener {
    char *path;
    int fd;
    int wake[2]; /* written to when stopping, and never read */
};

static int make_channel(struct channel **out, int fd, struct error *err)
{
    const struct timeval patience = {.tv_sec = SEND_S};
    struct channel *channel = calloc(1, sizeof(*channel));

    if (!channel) {
        close(fd);
        return error_set(err, ERR_NO_MEMORY, "no memory for a control channel");
    }
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    channel->fd = fd;
    *out = channel;
    return 0;
}

static int set_address(struct sockaddr_un *address, const char *path, struct error *err)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address->sun_path)) {
        return error_set(err, ERR_INVALID, "path of the control socket too long: '%s'", path);
    }
    memcpy(address->sun_path, path, strlen(path) + 1);
    return 0;
}

/* The folder is private already; this holds even where somebody opened it. */
static bool is_own_user(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

int channel_connect(struct channel **out, const char *path, struct error *err)
{
    struct sockaddr_un address;
    int fd;
    int code = set_address(&address, path, err);

    if (code < 0) {
        return code;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return error_set_os(err, ERR_IO, errno, "no socket");
    }
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        int saved = errno;

        close(fd);
        if (saved == ENOENT || saved == ECONNREFUSED) {
            return error_set(err, ERR_NOT_FOUND,
                             "no agent runs for this user; start it with `mooring agent`");
        }
        return error_set_os(err, error_from_errno(saved), saved, "cannot reach the agent at '%s'",
                            path);
    }
    if (!is_own_user(fd)) {
        close(fd);
        return error_set(err, ERR_DENIED, "what listens at '%s' belongs to another user", path);
    }
    return make_channel(out, fd, err);
}

int channel_read(struct channel *channel, void *data, size_t size, size_t *got, int64_t deadline_ms,
                 struct error *err)
{
    for (;;) {
        struct pollfd poll_fd = {.fd = channel->fd, .events = POLLIN};
        int64_t wait = deadline_ms ? deadline_ms - clock_mono_ms(clock_system()) : -1;
        ssize_t done;

        if (deadline_ms && wait <= 0) {
            return error_set(err, ERR_TIMED_OUT, "the other end of the control channel is silent");
        }
        if (poll(&poll_fd, 1, (int)wait) <= 0) {
            continue;
        }
        done = recv(channel->fd, data, size, 0);
        if (done > 0) {
            *got = (size_t)done;
            return 0;
        }
        if (done == 0 || errno != EINTR) {
            return error_set(err, ERR_UNREACHABLE, "the other end of the control channel closed");
        }
    }
}

int channel_write(struct channel *channel, const void *data, size_t size, struct error *err)
{
    const char *at = data;

    while (size > 0) {
        ssize_t done = send(channel->fd, at, size, MSG_NOSIGNAL);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return error_set_os(err, ERR_UNREACHABLE, errno, "cannot write to the control channel");
        }
        at += done;
        size -= (size_t)done;
    }
    return 0;
}

bool channel_is_gone(struct channel *channel)
{
    struct pollfd poll_fd = {.fd = channel->fd, .events = POLLRDHUP};

    return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void channel_wake(struct channel *channel)
{
    shutdown(channel->fd, SHUT_RD);
}

void channel_end(struct channel *channel)
{
    shutdown(channel->fd, SHUT_RDWR);
}

void channel_close(struct channel *channel)
{
    if (channel) {
        close(channel->fd);
        free(channel);
    }
}

static int open_socket(struct channel_listener *listener, const char *path, struct error *err)
{
    struct sockaddr_un address;
    int code = set_address(&address, path, err);

    if (code < 0) {
        return code;
    }
    if (pipe2(listener->wake, O_CLOEXEC) != 0) {
        return error_set_os(err, ERR_IO, errno, "no pipe for the control socket");
    }
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener->fd < 0) {
        return error_set_os(err, ERR_IO, errno, "no control socket");
    }
    unlink(path); /* the caller holds the agent's lock: who made it is dead */
    if (bind(listener->fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        chmod(path, 0600) != 0 || listen(listener->fd, CLIENTS) != 0) {
        return error_set_os(err, ERR_IO, errno, "cannot listen at '%s'", path);
    }
    return str_copy(&listener->path, path, err);
}

int channel_listen(struct channel_listener **out, const char *path, struct error *err)
{
    struct channel_listener *listener = calloc(1, sizeof(*listener));
    int code;

    if (!listener) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the control socket");
    }
    listener->fd = listener->wake[0] = listener->wake[1] = -1;
    code = open_socket(listener, path, err);
    if (code < 0) {
        channel_listener_free(listener);
        return code;
    }
    *out = listener;
    return 0;
}

int channel_accept(struct channel **out, struct channel_listener *listener, int64_t wait_ms,
                   struct error *err)
{
    for (;;) {
        struct pollfd fds[2] = {{.fd = listener->fd, .events = POLLIN},
                                {.fd = listener->wake[0], .events = POLLIN}};
        int fd;

        if (poll(fds, 2, (int)wait_ms) <= 0) {
            return error_set(err, ERR_TIMED_OUT, "no client");
        }
        if (fds[1].revents) {
            return error_set(err, ERR_CANCELLED, "the control channel ends");
        }
        fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0 && is_own_user(fd)) {
            return make_channel(out, fd, err);
        }
        if (fd >= 0) {
            log_write(LOG_LEVEL_ERROR, LOG_AGENT, "another user tried the control socket");
            close(fd);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            poll(&fds[1], 1, PAUSE_MS); /* no descriptor left: without a pause this would spin */
            return error_set(err, ERR_TIMED_OUT, "no client could be taken");
        }
    }
}

void channel_stop(struct channel_listener *listener)
{
    if (write(listener->wake[1], "x", 1) < 0) {
        log_write(LOG_LEVEL_ERROR, LOG_AGENT, "the control thread ends with its next poll");
    }
}

void channel_listener_free(struct channel_listener *listener)
{
    if (!listener) {
        return;
    }
    if (listener->fd >= 0) {
        close(listener->fd);
    }
    for (size_t i = 0; i < 2; i++) {
        if (listener->wake[i] >= 0) {
            close(listener->wake[i]);
        }
    }
    if (listener->path) {
        unlink(listener->path);
    }
    free(listener->path);
    free(listener);
}
