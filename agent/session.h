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
struct policy_sources;
struct session;
struct settings;

/* The person in front of the terminal; any may be NULL. `say` and `progress` come from any thread. */
struct session_terminal {
    /* One line that stays, without its newline; may hold text of servers. */
    void (*say)(void *payload, const char *line);
    /* What takes long right now, to be overwritten by the next; "" when it is over. */
    void (*progress)(void *payload, const char *line);
    /* Whether the end shall not wait for uploads any longer; asked while they are waited for. */
    bool (*is_impatient)(void *payload);
    void *payload;
};

/* Opens the log as the settings say, also while it is in use. */
typedef int (*session_log_fn)(void *payload, const struct settings *settings, struct error *err);

struct session_options {
    const struct agent_paths *paths; /* borrowed until session_stop() */
    struct policy *policy;           /* taken over on success */

    /* Where `policy` came from: watched, and read again when something changes. Taken over on
     * success, and zeroed then. NULL: the policy stays as it is. */
    struct policy_sources *sources;
    session_log_fn
        set_log; /* told when the settings of the log change, with the terminal's payload; may
                               be NULL */
    struct session_terminal terminal;
};

/* Takes the lock of the single instance, mounts, shows what the last session knew, starts the
 * accounts. ERR_BUSY when an agent of this user runs already; ERR_UNSUPPORTED when there is no
 * transport, with how to mend it. */
int session_start(struct session **out, const struct session_options *options, struct error *err);

/* To be called every few seconds from the main thread: looks after the mount and the sign-ins. */
void session_tick(struct session *session);

/* Tells by `progress` what the first discovery is doing; false once all accounts have had theirs. */
bool session_show_progress(struct session *session);

/* Asks for a new round of discovery of every account, now. Any thread. */
void session_refresh(struct session *session);

/* Another network, or awake after sleep: what failed for want of a network is tried again now. Any
 * thread. */
void session_network_changed(struct session *session);

/* Reads the sources of policy again and puts into effect what changed: limits, the log, accounts,
 * mappings, the mount; nobody else is told anything. The watch of the sources calls it. Returns when
 * it is done. Any thread; session_stop() waits for it. */
int session_reload(struct session *session, struct error *err);

/* Whether policy Enabled was turned off: time for session_stop(). */
bool session_is_disabled(struct session *session);

/* Ends the accounts, waits for uploads (DrainSeconds; status is answered meanwhile), takes mappings
 * away, unmounts, ends all threads. NULL is fine. */
void session_stop(struct session *session);

/* The handler of the control channel; payload is the session. */
int session_control(void *payload, const struct control_request *request, cJSON **result,
                    struct error *err);

#endif
