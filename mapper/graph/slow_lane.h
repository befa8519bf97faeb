/*
 * slow_lane.h - a thread for the rare steps of a download that must wait (a new token), since the
 * network thread must not.
 */
#ifndef GRAPH_SLOW_LANE_H
#define GRAPH_SLOW_LANE_H

#include "base/error.h"

struct slow_lane;

/* One piece of work; lives in the object it works for. */
struct slow_job {
    struct slow_job *next;
    void (*run)(void *payload);
    void *payload;
};

int slow_lane_new(struct slow_lane **out, struct error *err);

/* Runs what is queued, then ends the thread: what is added later is never run. Twice is fine. */
void slow_lane_stop(struct slow_lane *lane);
void slow_lane_free(struct slow_lane *lane);

/* Runs `job` soon, after those before it. Never fails; any thread; not twice at once. */
void slow_lane_add(struct slow_lane *lane, struct slow_job *job);

#endif
