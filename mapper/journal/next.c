#include "mapper/journal.h"

#define FIRST_MS 2000
#define LONGEST_MS 300000
#define LOCKED_FIRST_MS 10000
#define LOCKED_LIMIT_MS (60 * 60 * 1000) /* co-authoring locks outlive the program by minutes */
#define SIGNED_OUT_MS 300000
#define NO_SPACE_MS (15 * 60 * 1000)
#define PROTOCOL_TRIES 5

/* Doubled with each try; half of it is left to chance, so that many do not come back as one. */
static int64_t back_off(int64_t first_ms, unsigned attempts, uint32_t random)
{
    int64_t wait_ms = first_ms;

    while (attempts-- > 0 && wait_ms < LONGEST_MS) {
        wait_ms *= 2;
    }
    wait_ms = wait_ms < LONGEST_MS ? wait_ms : LONGEST_MS;
    return wait_ms / 2 + (int64_t)(random % (uint32_t)(wait_ms / 2 + 1));
}

static enum journal_step two_versions(const struct journal_row *row,
                                      const struct journal_try *tried)
{
    return tried->keeps_both || row->is_copy ? JOURNAL_STEP_COPY : JOURNAL_STEP_CONFLICT;
}

static enum journal_step locked(const struct journal_row *row, const struct journal_try *tried,
                                int64_t *due_ms)
{
    if (row->locked_ms > 0 && tried->now_ms - row->locked_ms >= LOCKED_LIMIT_MS) {
        return two_versions(row, tried);
    }
    *due_ms = tried->now_ms + back_off(LOCKED_FIRST_MS, row->attempts, tried->random);
    return JOURNAL_STEP_RETRY;
}

enum journal_step journal_next(const struct journal_row *row, const struct journal_try *tried,
                               int64_t *due_ms)
{
    bool is_new = !row->item_id || !*row->item_id;

    *due_ms = tried->now_ms;
    switch (tried->code) {
    case ERR_CANCELLED: /* by us: it goes on when we do */
        return JOURNAL_STEP_RETRY;
    case ERR_NOT_FOUND:
    case ERR_STALE:
    case ERR_GONE:
        return is_new ? JOURNAL_STEP_BLOCK : two_versions(row, tried);
    case ERR_EXISTS:
    case ERR_CHANGED:
        return is_new ? two_versions(row, tried) : JOURNAL_STEP_COMPARE;
    case ERR_LOCKED:
        return locked(row, tried, due_ms);
    case ERR_NO_SPACE:
        *due_ms += NO_SPACE_MS;
        return JOURNAL_STEP_RETRY;
    case ERR_SIGNED_OUT:
        *due_ms += SIGNED_OUT_MS;
        return JOURNAL_STEP_RETRY;
    case ERR_PROTOCOL:
        if (row->attempts + 1 >= PROTOCOL_TRIES) {
            return JOURNAL_STEP_BLOCK;
        }
        break;
    case ERR_IS_FOLDER: /* a folder took its place */
    case ERR_NOT_FOLDER:
        return two_versions(row, tried);
    default:
        if (error_retry(tried->code) == RETRY_NEVER) {
            return JOURNAL_STEP_BLOCK;
        }
        break;
    }
    *due_ms += back_off(FIRST_MS, row->attempts, tried->random);
    return JOURNAL_STEP_RETRY;
}
