/*
 * session_events.h - what of a session goes into the system's event log (setting EventLog).
 *
 * Looks every few seconds at where things stand, and tells what is another than last time: so a
 * state is told once however often it is tried, and what passes within seconds not at all.
 *
 * The numbers are for monitoring and never change their meaning. agent/win32/messages.mc has them
 * again, since Windows wants them in a file of its own; tests/agent/test_session_events.c compares.
 */
#ifndef AGENT_SESSION_EVENTS_H
#define AGENT_SESSION_EVENTS_H

#include "base/error.h"

struct session;
struct session_events;

/*         name                  number kind     what is told */
#define SESSION_EVENTS(X)                                                            \
    X(AGENT_STARTED, 1, INFO) /* with its version */                                 \
    X(AGENT_ENDED, 2, INFO)                                                          \
    X(SIGNED_IN, 10, INFO)       /* with the tenant */                               \
    X(SIGN_IN_NEEDED, 11, ERROR) /* nobody is signed in, and why */                  \
    X(TENANT_REFUSED, 12, ERROR) /* by AllowedTenants */                             \
    X(OFFLINE, 13, INFO)         /* Entra is not reached */                          \
    X(NOT_MOUNTED, 20, ERROR)    /* nothing is shown, and why */                     \
    X(MOUNTED_AGAIN, 21, INFO)                                                       \
    X(MAPPING_FAILED, 22, ERROR) /* how many, and why the first */                   \
    X(FILES_BLOCKED, 30, ERROR)  /* closed files that need a person */               \
    X(FILES_UNBLOCKED, 31, INFO)                                                     \
    X(CONFLICT_COPY, 32, WARNING)  /* someone else saved meanwhile: both are kept */ \
    X(DELETES_PAUSED, 33, WARNING) /* MassDeleteThreshold */                         \
    X(FILES_SENT, 34, INFO)        /* all that waited is on the server */            \
    X(POLICY_CHANGED, 40, INFO)                                                      \
    X(POLICY_BROKEN, 41, ERROR)     /* a source cannot be used */                    \
    X(POLICY_WARNINGS, 42, WARNING) /* values that are not used */

enum session_event {
#define SESSION_EVENT(name, number, kind) SESSION_EVENT_##name = (number),
    SESSION_EVENTS(SESSION_EVENT)
#undef SESSION_EVENT
};

/* Opens the log and tells AGENT_STARTED. `address` as event_log_open(). Without an event log all
 * else goes on: *out is NULL then, and the error says why. */
int session_events_start(struct session_events **out, struct session *session, const char *address,
                         struct error *err);

/* Tells what is new. From the thread that ticks. NULL is fine. */
void session_events_look(struct session_events *events);

/* What is new of files, and AGENT_ENDED. While the vfs is there. NULL is fine. */
void session_events_stop(struct session_events *events);

#endif
