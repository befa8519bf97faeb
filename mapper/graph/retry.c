#include "graph/retry.h"

#include "base/clock.h"
#include "base/str.h"

#define BACKOFF_BASE_MS 200
#define BACKOFF_MAX_MS 10000
#define THROTTLE_BASE_MS 2000
#define THROTTLE_MAX_MS 120000
#define THROTTLE_MIN_MS 250
#define PART_PAUSE_MS 1000 /* of one that does not say how long */

/* base * 2^(n-1), at most max. */
static int64_t grow(int64_t base, unsigned n, int64_t max)
{
    int64_t value = base;

    for (unsigned i = 1; i < n && value < max; i++) {
        value *= 2;
    }
    return value < max ? value : max;
}

bool retry_is_throttle(int status, int64_t retry_after_ms)
{
    return status == 429 || status == 509 || (status == 503 && retry_after_ms >= 0);
}

int64_t retry_part_pause(int status, int64_t retry_after_ms)
{
    int64_t wait_ms = retry_after_ms > 0 ? retry_after_ms : PART_PAUSE_MS;

    return retry_is_throttle(status, retry_after_ms > 0 ? retry_after_ms : -1) ? wait_ms : 0;
}

static bool is_server_failure(int status)
{
    return status == 408 || (status >= 500 && status <= 504 && status != 501);
}

static int64_t throttle_delay(const struct retry_attempt *attempt)
{
    int64_t window;

    if (attempt->retry_after_ms >= 0) {
        return attempt->retry_after_ms > THROTTLE_MIN_MS ? attempt->retry_after_ms
                                                         : THROTTLE_MIN_MS;
    }
    /* Half fixed, half jitter: without a word from the service, too early is worse than too late.
     */
    window = grow(THROTTLE_BASE_MS, attempt->throttles ? attempt->throttles : 1, THROTTLE_MAX_MS);
    return window / 2 + (int64_t)(attempt->random % (uint32_t)(window / 2 + 1));
}

void retry_decide(struct retry_verdict *out, const struct retry_attempt *attempt)
{
    bool is_safe = attempt->is_idempotent;

    out->is_again = false;
    out->is_throttle = retry_is_throttle(attempt->status, attempt->retry_after_ms);
    out->delay_ms = 0;
    if (out->is_throttle) {
        out->delay_ms = throttle_delay(attempt);
        is_safe = true; /* refused before anything was done */
    } else if (attempt->status == 0 || is_server_failure(attempt->status)) {
        int64_t window = grow(BACKOFF_BASE_MS, attempt->number, BACKOFF_MAX_MS);

        out->delay_ms = (int64_t)(attempt->random % (uint32_t)(window + 1));
        if (attempt->retry_after_ms > out->delay_ms) {
            out->delay_ms = attempt->retry_after_ms;
        }
        is_safe = is_safe || (attempt->status == 0 && !attempt->reached_server);
    } else {
        return;
    }
    out->is_again = is_safe && !attempt->is_unknown_user && !attempt->has_given_data &&
                    attempt->number < RETRY_ATTEMPTS_MAX;
}

int64_t retry_parse_after(const char *text, int64_t wall_ms)
{
    int64_t seconds;
    int64_t when;
    int64_t wait;

    if (str_to_int64(text, 0, INT64_MAX / 2000, &seconds)) {
        wait = seconds * 1000;
    } else if (clock_parse_http_date(text, &when)) {
        wait = when > wall_ms ? when - wall_ms : 0;
    } else {
        return -1;
    }
    return wait < RETRY_AFTER_MAX_MS ? wait : RETRY_AFTER_MAX_MS;
}
