#include "events.h"

#include <stddef.h>

int agent_events_start(struct agent_events **out, agent_event_fn handler, void *payload,
                       struct error *err)
{
    (void)handler;
    (void)payload;
    (void)err;
    *out = NULL;
    return 0;
}

void agent_events_stop(struct agent_events *events)
{
    (void)events;
}
