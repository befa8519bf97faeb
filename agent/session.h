/*
 * session.h - one agent in one user session: from policy to mappings, and back at the end.
 *
 *   policy -> accounts (a thread each: sign in, identify, discover, wait) -> plan -> apply -> watch
 *
 * What the last session knew is mapped first and verified afterwards, so that a logon needs no
 * answer from anywhere before the libraries are there.
 */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/error.h"
#include "control.h"
#include "paths.h"

struct policy;
struct session;

/* Tells the person in front of the terminal (and nobody else): one line. */
typedef void (*session_say_fn)(void *payload, const char *line);

struct session_options {
    const struct agent_paths *paths; /* borrowed until session_free() */
    struct policy *policy;           /* taken over on success */
    session_say_fn say;
    void *say_payload;
};

/* Takes the lock of the single instance, mounts, shows what the last session knew, starts the
 * accounts. ERR_BUSY when an agent of this user runs already; ERR_UNSUPPORTED when there is no
 * transport, with how to mend it. */
int session_start(struct session **out, const struct session_options *options, struct error *err);

/* To be called every few seconds from the main thread: looks after the mount. */
void session_tick(struct session *session);

/* Asks for a new round of discovery of every account, now. Any thread. */
void session_refresh(struct session *session);

/* Drains uploads, takes mappings away, unmounts, ends all threads. NULL is fine. */
void session_stop(struct session *session);

/* The handler of the control channel; payload is the session. */
int session_control(void *payload, const struct control_request *request, cJSON **result,
                    struct error *err);

#endif
