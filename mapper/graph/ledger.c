#include "graph/ledger.h"

#include <string.h>

#define SLOTS (LEDGER_SLOTS + 1)

void ledger_init(struct ledger *ledger, int64_t window_ms)
{
    memset(ledger, 0, sizeof(*ledger));
    ledger->slot_ms = window_ms / LEDGER_SLOTS > 0 ? window_ms / LEDGER_SLOTS : 1;
}

static void move_to(struct ledger *ledger, int64_t now_ms)
{
    int64_t slot = now_ms / ledger->slot_ms;

    if (slot - ledger->newest > LEDGER_SLOTS) {
        memset(ledger->slots, 0, sizeof(ledger->slots));
        ledger->sum = 0;
        ledger->newest = slot;
        return;
    }
    while (ledger->newest < slot) {
        ledger->newest++;
        ledger->sum -= ledger->slots[ledger->newest % SLOTS];
        ledger->slots[ledger->newest % SLOTS] = 0;
    }
}

void ledger_set_window(struct ledger *ledger, int64_t window_ms, int64_t now_ms)
{
    struct ledger next;

    ledger_init(&next, window_ms);
    if (next.slot_ms == ledger->slot_ms) {
        return;
    }
    ledger_add(&next, now_ms, ledger_sum(ledger, now_ms));
    *ledger = next;
}

void ledger_add(struct ledger *ledger, int64_t now_ms, uint32_t units)
{
    move_to(ledger, now_ms);
    if (units > UINT32_MAX - ledger->sum) {
        units = UINT32_MAX - ledger->sum;
    }
    ledger->slots[ledger->newest % SLOTS] += units;
    ledger->sum += units;
}

uint32_t ledger_sum(struct ledger *ledger, int64_t now_ms)
{
    move_to(ledger, now_ms);
    return ledger->sum;
}

int64_t ledger_when_below(struct ledger *ledger, int64_t now_ms, uint32_t limit)
{
    uint32_t left = ledger_sum(ledger, now_ms);

    if (left <= limit) {
        return now_ms;
    }
    for (int64_t slot = ledger->newest - LEDGER_SLOTS; slot <= ledger->newest; slot++) {
        if (slot < 0) {
            continue;
        }
        left -= ledger->slots[slot % SLOTS];
        if (left <= limit) {
            return (slot + SLOTS) * ledger->slot_ms;
        }
    }
    return now_ms + SLOTS * ledger->slot_ms;
}
