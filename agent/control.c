#include "control.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "base/thread.h"
#include "channel.h"
#include "control_wire.h"

#define CONTROL_CLIENTS 16
#define CONTROL_REQUEST_MAX (64u << 10)
#define CONTROL_REQUEST_MS 10000
#define REAP_MS 1000

struct connection {
    struct control *control;
    struct thread thread;
    struct channel *channel;
    bool is_used;
    atomic_bool has_ended; /* the thread is done and can be joined */
};

struct control {
    control_handler_fn handler;
    void *payload;
    struct channel_listener *listener;
    atomic_bool is_stopping;
    struct thread thread;
    struct connection connections[CONTROL_CLIENTS]; /* touched by the listening thread only */
};

static void send_event(const struct control_request *request, cJSON *event)
{
    struct connection *connection = request->connection;
    cJSON *line = cJSON_CreateObject();

    cJSON_AddItemToObject(line, "event", event);
    control_send_line(connection->channel, line, NULL);
    cJSON_Delete(line);
}

static bool is_cancelled(const struct control_request *request)
{
    struct connection *connection = request->connection;

    return atomic_load(&connection->control->is_stopping) || channel_is_gone(connection->channel);
}

static void send_error(struct channel *channel, const struct error *error)
{
    cJSON *line = cJSON_CreateObject();
    cJSON *object = cJSON_AddObjectToObject(line, "error");

    cJSON_AddStringToObject(object, "code", error_name(error->code));
    cJSON_AddNumberToObject(object, "number", error->code);
    cJSON_AddStringToObject(object, "message", error->message);
    control_send_line(channel, line, NULL);
    cJSON_Delete(line);
}

static void send_result(struct channel *channel, cJSON *result)
{
    cJSON *line = cJSON_CreateObject();

    cJSON_AddItemToObject(line, "result", result ? result : cJSON_CreateObject());
    control_send_line(channel, line, NULL);
    cJSON_Delete(line);
}

static int read_request(cJSON **out, struct connection *connection, struct error *err)
{
    struct control_reader reader;
    int code;

    control_reader_init(&reader, connection->channel, CONTROL_REQUEST_MAX);
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
        send_error(connection->channel, &err);
    } else {
        send_result(connection->channel, result);
    }
    cJSON_Delete(line);
    channel_end(connection->channel);
    process_give_back(); /* a status of hundreds of libraries is a megabyte while it is written */
    atomic_store(&connection->has_ended, true);
    return NULL;
}

static void reap(struct control *control, bool all)
{
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        struct connection *connection = &control->connections[i];

        if (connection->is_used && (all || atomic_load(&connection->has_ended))) {
            thread_join(&connection->thread);
            channel_close(connection->channel);
            connection->is_used = false;
        }
    }
}

static void take_client(struct control *control, struct channel *channel)
{
    struct error err = {0};

    reap(control, false);
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        struct connection *connection = &control->connections[i];

        if (connection->is_used) {
            continue;
        }
        connection->control = control;
        connection->channel = channel;
        atomic_store(&connection->has_ended, false);
        if (thread_start(&connection->thread, "control", serve, connection, &err) < 0) {
            log_error(LOG_AGENT, &err, "a client of the control channel is turned away");
            channel_close(channel);
            return;
        }
        connection->is_used = true;
        return;
    }
    error_set(&err, ERR_BUSY, "the agent answers %d requests already; try again", CONTROL_CLIENTS);
    send_error(channel, &err);
    channel_close(channel);
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
    struct error err = {0};

    while (!atomic_load(&control->is_stopping)) {
        struct channel *channel = NULL;
        int code =
            channel_accept(&channel, control->listener, is_any_used(control) ? REAP_MS : -1, &err);

        if (code == 0) {
            take_client(control, channel);
        } else if (code == ERR_TIMED_OUT) {
            reap(control, false);
        } else if (code != ERR_CANCELLED) {
            log_error(LOG_AGENT, &err, "the control channel");
        }
    }
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        if (control->connections[i].is_used) {
            channel_wake(control->connections[i].channel); /* who waits for a request */
        }
    }
    reap(control, true);
    return NULL;
}

int control_start(struct control **out, const char *path, control_handler_fn handler, void *payload,
                  struct error *err)
{
    struct control *control = calloc(1, sizeof(*control));
    int code;

    if (!control) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the control channel");
    }
    control->handler = handler;
    control->payload = payload;
    code = channel_listen(&control->listener, path, err);
    if (code == 0) {
        code = thread_start(&control->thread, "control-listen", listen_loop, control, err);
    }
    if (code < 0) {
        channel_listener_free(control->listener);
        free(control);
        return code;
    }
    *out = control;
    return 0;
}

void control_stop(struct control *control)
{
    if (!control) {
        return;
    }
    atomic_store(&control->is_stopping, true);
    channel_stop(control->listener);
    thread_join(&control->thread);
    channel_listener_free(control->listener);
    free(control);
}
