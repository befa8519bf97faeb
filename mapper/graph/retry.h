/*
 * retry.h - what to do after one attempt of a request: pure decisions, no clock, no network.
 *
 *   outcome of the attempt               | again?                       | waits
 *   429, 509, 503 with Retry-After       | yes (the service refused it) | the whole scope: Retry-After or back-off
 *   408, 500, 502, 503 without it, 504   | only what is idempotent      | this request: full jitter
 *   no connection, refused stream        | yes (nothing reached it)     | this request: full jitter
 *   transfer failed, stalled, cut short  | only what is idempotent      | this request: full jitter
 *   the proxy asks who we are           | no: a wrong password, sent again, locks accounts | -
 *   any other status                     | no, it is the answer         | -
 *
 * A 503 counts as throttling as graph-facts 2.14 and 4 group it, if it carries the Retry-After that they say it has.
 * Without one, a gateway or one service (search) failed: that must not stop the files of the whole tenant, and the
 * request may have been passed on before.
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
    bool is_unknown_user;   /* the proxy did not accept who we are, or does not know it */
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

/* Whether the whole scope has to wait. retry_after_ms: -1 = the answer had none. */
bool retry_is_throttle(int status, int64_t retry_after_ms);

/* How long the whole scope has to wait since a part of a $batch was throttled; 0: it was not. */
int64_t retry_part_pause(int status, int64_t retry_after_ms);

void retry_decide(struct retry_verdict *out, const struct retry_attempt *attempt);

/* Header Retry-After: seconds or an HTTP date, as milliseconds from `wall_ms` on, within
 * [0, RETRY_AFTER_MAX_MS]; -1 when it is neither. */
int64_t retry_parse_after(const char *text, int64_t wall_ms);

#endif
