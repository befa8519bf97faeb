#include "debounce.h"

void debounce_note(struct debounce *debounce, int64_t now_ms)
{
    if (!debounce->is_pending) {
        debounce->is_pending = true;
        debounce->first_ms = now_ms;
    }
    debounce->last_ms = now_ms;
}

int64_t debounce_wait_ms(const struct debounce *debounce, int64_t now_ms)
{
    int64_t quiet = debounce->last_ms + DEBOUNCE_QUIET_MS;
    int64_t most = debounce->first_ms + DEBOUNCE_MOST_MS;
    int64_t due = quiet < most ? quiet : most;

    if (!debounce->is_pending) {
        return -1;
    }
    return due > now_ms ? due - now_ms : 0;
}

bool debounce_take(struct debounce *debounce, int64_t now_ms)
{
    if (debounce_wait_ms(debounce, now_ms) != 0) {
        return false;
    }
    debounce->is_pending = false;
    return true;
}
