/*
 * ledger.h - how many resource units (graph-facts section 4) were spent within a sliding window.
 * Pure: the time comes in.
 *
 * The window is kept in LEDGER_SLOTS parts; what is older than the window leaves a part at a time,
 * so the sum is never too low and at most one part too high. Not thread-safe.
 */
#ifndef GRAPH_LEDGER_H
#define GRAPH_LEDGER_H

#include <stdint.h>

#define LEDGER_SLOTS 60

struct ledger {
    int64_t slot_ms;
    int64_t newest; /* number of the newest slot since time 0 */
    uint32_t slots[LEDGER_SLOTS + 1];
    uint32_t sum;
};

void ledger_init(struct ledger *ledger, int64_t window_ms);

/* Another window; what was spent is kept as far as it fits. */
void ledger_set_window(struct ledger *ledger, int64_t window_ms, int64_t now_ms);

void ledger_add(struct ledger *ledger, int64_t now_ms, uint32_t units);
uint32_t ledger_sum(struct ledger *ledger, int64_t now_ms);

/* When the sum will have fallen to `limit` or below if nothing is added; now_ms when it has. */
int64_t ledger_when_below(struct ledger *ledger, int64_t now_ms, uint32_t limit);

#endif
