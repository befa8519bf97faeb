/*
 * control.h - the agent's ear: a local socket that only the session's user can open; lines of JSON.
 *
 * A client sends one line `{"command":"status","arguments":{...}}` and reads lines: any number of
 * `{"event":{...}}`, then one `{"result":{...}}` or
 * `{"error":{"code":"SIGNED_OUT","message":"..."}}`. Then both close.
 */
#ifndef AGENT_CONTROL_H
#define AGENT_CONTROL_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/error.h"

struct control;

/* One request being answered. */
struct control_request {
    const char *command;
    const cJSON *arguments; /* an object, or NULL */

    /* Sends an event; takes `event` over. */
    void (*send_event)(const struct control_request *request, cJSON *event);

    /* Whether nobody waits for the answer any more: the client went away or the agent stops. */
    bool (*is_cancelled)(const struct control_request *request);
    void *connection;
};

/* Answers on a thread of its own: *result is an object handed over, on success. */
typedef int (*control_handler_fn)(void *payload, const struct control_request *request,
                                  cJSON **result, struct error *err);

/* Listens at `path` (a socket left by a dead agent is replaced: the caller holds the agent's lock).
 * At most 16 clients at once, 64 KiB a request, 10 s to send it. */
int control_start(struct control **out, const char *path, control_handler_fn handler, void *payload,
                  struct error *err);

/* Stops listening, cancels what runs, waits for it, removes the socket. NULL is fine. */
void control_stop(struct control *control);

/* The client's side: sends a request and waits. `on_event` may be NULL; the events are lent.
 * *result is the caller's. ERR_NOT_FOUND when no agent runs; otherwise the agent's own error. */
typedef void (*control_event_fn)(void *payload, const cJSON *event);
int control_call(cJSON **result, const char *path, const char *command, const cJSON *arguments,
                 control_event_fn on_event, void *payload, struct error *err);

#endif
