/*
 * call.h - who waits for an answer from the service, how long, and how important it is.
 */
#ifndef MAPPER_CALL_H
#define MAPPER_CALL_H

#include <stdbool.h>
#include <stdint.h>

/* In falling order. The last two are background work: they stop above the soft limit of
 * RequestSoftLimit, where a refresh waits and a prefetch is ERR_THROTTLED at once. */
enum call_priority { CALL_READ, CALL_LISTING, CALL_SAVE, CALL_REFRESH, CALL_PREFETCH };

/* Borrowed for the time of the call. A zero struct is CALL_READ with 60 s. */
struct call {
    enum call_priority priority;
    int64_t deadline_ms;                 /* clock_system()'s monotonic clock; 0 = 60 s from now */
    bool (*is_cancelled)(void *payload); /* may be NULL; polled at least every 200 ms */
    /* May be NULL. Of background work: somebody waits for its answer now, so that what is not on its
     * way yet goes as CALL_LISTING. Polled together with is_cancelled, which must be there. */
    bool (*is_awaited)(void *payload);
    void *payload;
};

#endif
