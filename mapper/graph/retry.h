/*
 * retry.h - what to do after one attempt of a request: pure decisions, no clock, no network.
 *
 *   outcome of the attempt              | again?                         | waits
 *   429, 503, 509                       | yes (the service refused it)   | Retry-After or back-off;
 * the |                                | whole scope waits with it 408, 500, 502, 504 | only what
 * is idempotent        | full jitter no connection, refused stream       | yes (nothing reached the
 * host) | full jitter transfer failed, stalled, cut short | only what is idempotent        | full
 * jitter any other status                    | no, it is the answer           | -
 *
 * 503 counts as throttling as graph-facts 2.14 and 4 group it. A non-idempotent request is sent
 * again after a 503 only when the answer carries Retry-After: without it, a gateway may have failed
 * after it had passed the request on.
 */
#ifndef GRAPH_RETRY_H
#define GRAPH_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#define RETRY_ATTEMPTS_MAX 8
#define RETRY_AFTER_MAX_MS (3600 * (int64_t)1000) /* a longer wish is treated as this */

struct retry_attempt {
    int status;             /* of the answer; 0: none came */
    bool reached_server;    /* something of the request may have reached it */
    bool is_idempotent;     /* sending it twice does no harm */
    bool has_given_data;    /* part of the answer went to the caller already */
    int64_t retry_after_ms; /* -1: absent */
    unsigned number;        /* of this attempt, from 1 */
    unsigned throttles;     /* in a row in this scope, this one included; for the back-off */
    uint32_t random;        /* any; drawn by the caller */
};

struct retry_verdict {
    bool is_again;
    bool is_throttle; /* everything to the scope waits for delay_ms */
    int64_t delay_ms;
};

bool retry_is_throttle(int status);
void retry_decide(struct retry_verdict *out, const struct retry_attempt *attempt);

/* Header Retry-After: seconds or an HTTP date, as milliseconds from `wall_ms` on, within
 * [0, RETRY_AFTER_MAX_MS]; -1 when it is neither. */
int64_t retry_parse_after(const char *text, int64_t wall_ms);

#endif
