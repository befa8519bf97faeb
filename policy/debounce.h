/*
 * debounce.h - when a source that changes has changed: after a moment of quiet, and not later than
 * a bound, so that one that never is quiet is read too. Pure; time is monotonic milliseconds.
 */
#ifndef POLICY_DEBOUNCE_H
#define POLICY_DEBOUNCE_H

#include <stdbool.h>
#include <stdint.h>

enum { DEBOUNCE_QUIET_MS = 300, DEBOUNCE_MOST_MS = 1200 };

/* Zero-initialise: nothing has changed. */
struct debounce {
    bool is_pending;
    int64_t first_ms;
    int64_t last_ms;
};

/* Something changed now. */
void debounce_note(struct debounce *debounce, int64_t now_ms);

/* How long to wait until it is time to tell: 0 now, -1 nothing has changed. */
int64_t debounce_wait_ms(const struct debounce *debounce, int64_t now_ms);

/* True, once, when it is time. */
bool debounce_take(struct debounce *debounce, int64_t now_ms);

#endif
