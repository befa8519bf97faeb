/*
 * events.h - what the system tells a program of the session: its end, waking up, another network.
 * Windows tells by messages to a top-level window (hidden; message-only windows are not told of the
 * end of a session). Linux tells the end by SIGTERM (base/process.h), a new route to everywhere by
 * rtnetlink, and nothing of sleep.
 */
#ifndef AGENT_EVENTS_H
#define AGENT_EVENTS_H

#include "base/error.h"

enum agent_event {
    AGENT_EVENT_END,     /* the session ends: the handler asks for the agent's end, and the session
                            waits some seconds until agent_events_stop() */
    AGENT_EVENT_RESUME,  /* the machine slept */
    AGENT_EVENT_NETWORK, /* an interface came, changed or went; on Linux a route out came */
};

struct agent_events;
typedef void (*agent_event_fn)(void *payload, enum agent_event event);

/* The handler is called on a thread of events.c, or of the system. *out may be NULL. */
int agent_events_start(struct agent_events **out, agent_event_fn handler, void *payload,
                       struct error *err);
void agent_events_stop(struct agent_events *events); /* no call after it; NULL is fine */

#endif
