#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "control_wire.h"

#define CONTROL_CLIENTS 16
#define CONTROL_REQUEST_MAX (64u << 10)
#define CONTROL_REQUEST_MS 10000
#define REAP_MS 1000
#define CONTROL_SEND_S 10 /* a client that does not read its answer */

struct connection {
    struct control *control;
    struct thread thread;
    int fd;
    bool is_used;
    atomic_bool has_ended; /* the thread is done and can be joined */
};

struct control {
    control_handler_fn handler;
    void *payload;
    char *path;
    int listener;
    int wake[2]; /* written to when stopping */
    atomic_bool is_stopping;
    struct thread thread;
    struct connection connections[CONTROL_CLIENTS]; /* touched by the listening thread only */
};

static void send_event(const struct control_request *request, cJSON *event)
{
    struct connection *connection = request->connection;
    cJSON *line = cJSON_CreateObject();

    cJSON_AddItemToObject(line, "event", event);
    control_send_line(connection->fd, line, NULL);
    cJSON_Delete(line);
}

static bool is_cancelled(const struct control_request *request)
{
    struct connection *connection = request->connection;
    struct pollfd poll_fd = {.fd = connection->fd, .events = POLLRDHUP};

    if (atomic_load(&connection->control->is_stopping)) {
        return true;
    }
    return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

static void send_error(int fd, const struct error *error)
{
    cJSON *line = cJSON_CreateObject();
    cJSON *object = cJSON_AddObjectToObject(line, "error");

    cJSON_AddStringToObject(object, "code", error_name(error->code));
    cJSON_AddNumberToObject(object, "number", error->code);
    cJSON_AddStringToObject(object, "message", error->message);
    control_send_line(fd, line, NULL);
    cJSON_Delete(line);
}

static void send_result(int fd, cJSON *result)
{
    cJSON *line = cJSON_CreateObject();

    cJSON_AddItemToObject(line, "result", result ? result : cJSON_CreateObject());
    control_send_line(fd, line, NULL);
    cJSON_Delete(line);
}

static int read_request(cJSON **out, struct connection *connection, struct error *err)
{
    struct control_reader reader;
    int code;

    control_reader_init(&reader, connection->fd, CONTROL_REQUEST_MAX);
    code = control_read_line(out, &reader, clock_mono_ms(clock_system()) + CONTROL_REQUEST_MS, err);
    control_reader_clear(&reader);
    return code;
}

static void *serve(void *payload)
{
    struct connection *connection = payload;
    struct control_request request = {
        .send_event = send_event, .is_cancelled = is_cancelled, .connection = connection};
    struct error err = {0};
    cJSON *line = NULL;
    cJSON *result = NULL;
    int code = read_request(&line, connection, &err);

    if (code == 0) {
        request.command = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, "command"));
        request.arguments = cJSON_GetObjectItemCaseSensitive(line, "arguments");
        code = request.command ? connection->control->handler(connection->control->payload,
                                                              &request, &result, &err)
                               : error_set(&err, ERR_INVALID, "a request names a command");
    }
    if (code < 0) {
        send_error(connection->fd, &err);
    } else {
        send_result(connection->fd, result);
    }
    cJSON_Delete(line);
    shutdown(connection->fd, SHUT_RDWR);
    atomic_store(&connection->has_ended, true);
    return NULL;
}

/* The folder is private already; this holds even where somebody opened it. */
static bool is_own_user(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

static void reap(struct control *control, bool all)
{
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        struct connection *connection = &control->connections[i];

        if (connection->is_used && (all || atomic_load(&connection->has_ended))) {
            thread_join(&connection->thread);
            close(connection->fd);
            connection->is_used = false;
        }
    }
}

static void take_client(struct control *control, int fd)
{
    const struct timeval patience = {.tv_sec = CONTROL_SEND_S};
    struct error err = {0};

    reap(control, false);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        struct connection *connection = &control->connections[i];

        if (connection->is_used) {
            continue;
        }
        connection->control = control;
        connection->fd = fd;
        atomic_store(&connection->has_ended, false);
        if (thread_start(&connection->thread, "control", serve, connection, &err) < 0) {
            log_error(LOG_AGENT, &err, "a client of the control socket is turned away");
            close(fd);
            return;
        }
        connection->is_used = true;
        return;
    }
    error_set(&err, ERR_BUSY, "the agent answers %d requests already; try again", CONTROL_CLIENTS);
    send_error(fd, &err);
    close(fd);
}

static bool is_any_used(const struct control *control)
{
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        if (control->connections[i].is_used) {
            return true;
        }
    }
    return false;
}

static void *listen_loop(void *payload)
{
    struct control *control = payload;
    struct pollfd fds[2] = {{.fd = control->listener, .events = POLLIN},
                            {.fd = control->wake[0], .events = POLLIN}};

    while (!atomic_load(&control->is_stopping)) {
        int fd;

        if (poll(fds, 2, is_any_used(control) ? REAP_MS : -1) <= 0) {
            reap(control, false);
            continue;
        }
        if (fds[1].revents) {
            break;
        }
        fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno != EINTR && errno != ECONNABORTED) { /* no descriptor left: poll would spin */
                poll(&fds[1], 1, REAP_MS);
                reap(control, false);
            }
            continue;
        }
        if (!is_own_user(fd)) {
            log_write(LOG_LEVEL_ERROR, LOG_AGENT, "another user tried the control socket");
            close(fd);
            continue;
        }
        take_client(control, fd);
    }
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        if (control->connections[i].is_used) {
            shutdown(control->connections[i].fd, SHUT_RD); /* wakes who waits for a request */
        }
    }
    reap(control, true);
    return NULL;
}

static int open_listener(struct control *control, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(control->path) >= sizeof(address.sun_path)) {
        return error_set(err, ERR_INVALID, "path of the control socket too long: '%s'",
                         control->path);
    }
    memcpy(address.sun_path, control->path, strlen(control->path) + 1);
    control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (control->listener < 0) {
        return error_set_os(err, ERR_IO, errno, "no control socket");
    }
    unlink(control->path);
    if (bind(control->listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        chmod(control->path, 0600) != 0 || listen(control->listener, CONTROL_CLIENTS) != 0) {
        return error_set_os(err, ERR_IO, errno, "cannot listen at '%s'", control->path);
    }
    return 0;
}

static void control_free(struct control *control)
{
    if (!control) {
        return;
    }
    if (control->listener >= 0) {
        close(control->listener);
    }
    for (size_t i = 0; i < 2; i++) {
        if (control->wake[i] >= 0) {
            close(control->wake[i]);
        }
    }
    free(control->path);
    free(control);
}

int control_start(struct control **out, const char *path, control_handler_fn handler, void *payload,
                  struct error *err)
{
    struct control *control = calloc(1, sizeof(*control));
    int code = 0;

    if (!control) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the control socket");
    }
    control->handler = handler;
    control->payload = payload;
    control->listener = -1;
    control->wake[0] = control->wake[1] = -1;
    control->path = strdup(path);
    if (!control->path) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for the control socket");
        goto out;
    }
    if (pipe2(control->wake, O_CLOEXEC) != 0) {
        code = error_set_os(err, ERR_IO, errno, "no pipe for the control socket");
        goto out;
    }
    code = open_listener(control, err);
    if (code == 0) {
        code = thread_start(&control->thread, "control-listen", listen_loop, control, err);
    }
    if (code == 0) {
        *out = control;
        control = NULL;
    }
out:
    control_free(control);
    return code;
}

void control_stop(struct control *control)
{
    if (!control) {
        return;
    }
    atomic_store(&control->is_stopping, true);
    if (write(control->wake[1], "x", 1) < 0) {
        log_write(LOG_LEVEL_ERROR, LOG_AGENT, "the control thread ends with its next poll");
    }
    thread_join(&control->thread);
    unlink(control->path);
    control_free(control);
}
