/*
 * upload_judge.c - an agent died between telling the server of a rename and taking the rows that it
 * replaced out of the journal. The rows say what would be on the server if it came to that; here the
 * server is asked. What cannot be told apart with certainty counts as not done: then the bytes go up,
 * if need be as a conflict copy, and nothing is lost.
 */
#include <stdlib.h>

#include "arrival.h"
#include "base/str.h"
#include "uploads.h"

static bool has_name(const struct graph_item *item, const struct journal_row *row)
{
    return item->name && str_equal_nocase(item->name, row->name) &&
           (!*row->parent_id || str_equal(item->parent_id, row->parent_id));
}

static bool has_content(const struct graph_item *item, const struct journal_row *row)
{
    bool is_old = str_equal(row->other_id, row->item_id) && *row->version &&
                  (str_equal(item->ctag, row->version) || str_equal(item->etag, row->version));

    return !is_old && item->kind == GRAPH_FILE && item->size_bytes == row->other_size &&
           str_equal(item->quick_xor_hash, row->other_hash);
}

/* The target has the bytes of this row's file, which was to go then. What others made of it since
 * stays. */
static int remove_source(struct account *account, const struct journal_row *row,
                         const struct call *call, struct error *err)
{
    struct graph_item item = {0};
    int code = 0;

    if (!*row->item_id) {
        struct arrival arrival = {.drive_id = row->drive_id,
                                  .folder_id = *row->parent_id ? row->parent_id : NULL,
                                  .name = row->name,
                                  .hash = row->other_hash,
                                  .size_bytes = row->other_size};

        return arrival_remove(NULL, account, &arrival, call, err);
    }
    code = graph_get_item(&item, account, row->drive_id, row->item_id, call, err);
    if (code == 0 && (str_equal(item.ctag, row->version) || str_equal(item.etag, row->version))) {
        code = graph_delete_item(account, row->drive_id, row->item_id, call, err);
    }
    if (code == ERR_NOT_FOUND || code == ERR_STALE || code == ERR_GONE) {
        error_clear(err);
        code = 0;
    }
    graph_item_clear(&item);
    return code;
}

int upload_judge(struct upload *upload, struct journal_row *row, const struct call *call,
                 struct error *err)
{
    struct account *account = upload->library->account;
    struct graph_item item = {0};
    bool is_replaced = false;
    int code = graph_get_item(&item, account, row->drive_id, row->other_id, call, err);

    if (code == ERR_NOT_FOUND || code == ERR_GONE) {
        error_clear(err);
        code = 0;
    } else if (code == 0) {
        is_replaced =
            row->doubt == JOURNAL_RENAMED ? has_name(&item, row) : has_content(&item, row);
    }
    graph_item_clear(&item);
    if (code == 0 && is_replaced && row->doubt == JOURNAL_REPLACED &&
        !str_equal(row->other_id, row->item_id)) {
        code = remove_source(account, row, call, err);
    }
    if (code == 0) {
        row->doubt = JOURNAL_SURE; /* written with what the try brings */
    }
    return code < 0 ? code : is_replaced;
}
