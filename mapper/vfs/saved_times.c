/*
 * saved_times.c - the times of a file whose upload could not bring them.
 */
#include "save.h"

#include "base/log.h"

/* Services keep seconds, or more. */
static bool is_time(int64_t wanted_ms, int64_t has_ms)
{
    return wanted_ms < 0 || (wanted_ms - has_ms < 1000 && has_ms - wanted_ms < 1000);
}

static bool is_forbidden(int code)
{
    return code == ERR_DENIED || code == ERR_READ_ONLY || code == ERR_NOT_PERMITTED ||
           code == ERR_INVALID;
}

int upload_settle_times(struct graph_item *item, struct account *account, const char *drive_id,
                        int64_t modified_ms, int64_t created_ms, const struct call *call,
                        struct error *err)
{
    struct graph_update update = {.modified_ms = modified_ms, .created_ms = created_ms};
    struct graph_item newer = {0};
    struct error error = {0};
    int code = 0;

    if (!item->id ||
        (is_time(modified_ms, item->modified_ms) && is_time(created_ms, item->created_ms))) {
        return 0;
    }
    code = graph_update_item(&newer, account, drive_id, item->id, &update, call, &error);
    if (code == 0) {
        graph_item_clear(item);
        *item = newer;
        return 0;
    }
    graph_item_clear(&newer);
    if (is_forbidden(code)) {
        log_error(LOG_VFS, &error, "'%s' is saved, with the server's times",
                  item->name ? item->name : item->id);
        return 0;
    }
    if (err) {
        *err = error;
    }
    return code;
}
