/* Changes of the drive in memory, told as the service tells them: without cTags, deleted items
 * without a name. */
#include "fake_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

void fake_resync(struct fake *fake)
{
    mutex_lock(&fake->lock);
    fake->gone_seq = ++fake->seq;
    mutex_unlock(&fake->lock);
}

void fake_set_awkward(struct fake *fake, bool is_awkward)
{
    mutex_lock(&fake->lock);
    fake->is_awkward = is_awkward;
    mutex_unlock(&fake->lock);
}

void fake_try_remove(struct fake *fake, const char *path)
{
    uint32_t index = 0;

    mutex_lock(&fake->lock);
    index = fake_walk(fake, path, false);
    if (index != UINT32_MAX) {
        fake_remove_item(fake, index);
    }
    mutex_unlock(&fake->lock);
}

static void try_update(struct fake *fake, const char *path, const char *new_name,
                       const char *folder)
{
    struct graph_update update = {.name = new_name, .modified_ms = -1, .created_ms = -1};
    uint32_t index = 0;
    uint32_t parent = 0;

    mutex_lock(&fake->lock);
    index = fake_walk(fake, path, false);
    parent = folder ? fake_walk(fake, folder, false) : 0;
    if (index != UINT32_MAX && parent != UINT32_MAX) {
        update.parent_id = folder ? fake->items[parent].id : NULL;
        (void)fake_update_item(fake, index, &update, NULL);
    }
    mutex_unlock(&fake->lock);
}

void fake_try_rename(struct fake *fake, const char *path, const char *new_name)
{
    try_update(fake, path, new_name, NULL);
}

void fake_try_move(struct fake *fake, const char *path, const char *folder)
{
    try_update(fake, path, NULL, folder);
}

int64_t fake_size(struct fake *fake, const char *path)
{
    uint32_t index = 0;
    int64_t size = -1;

    mutex_lock(&fake->lock);
    index = fake_walk(fake, path, false);
    size = index == UINT32_MAX ? -1 : (int64_t)fake->items[index].size;
    mutex_unlock(&fake->lock);
    return size;
}

/* One set on its way: what changed after `from`, page by page. The root has number 0 and never
 * changes. */
struct walk {
    uint64_t from;
    uint64_t cursor;
    uint64_t until; /* awkward, newest first: what changes meanwhile is for the next set */
};

/* The first (or, awkward, the last) change on this side of the cursor; 0: none. */
static uint32_t next_change(const struct fake *fake, const struct walk *walk)
{
    bool is_backward = walk->until > 0;
    uint32_t best = 0;

    for (uint32_t i = 1; i < fake->count; i++) {
        uint64_t seq = fake->items[i].seq;
        bool fits = seq > walk->from && (is_backward ? seq < walk->cursor : seq > walk->cursor);
        bool is_better =
            !best || (is_backward ? seq > fake->items[best].seq : seq < fake->items[best].seq);

        best = fits && is_better ? i : best;
    }
    return best;
}

static void fill_change(struct fake *fake, struct graph_item *out, uint32_t index)
{
    fake_fill(fake, out, index, false);
    free(out->ctag);
    out->ctag = NULL;
    if (fake->items[index].is_gone) {
        out->kind = GRAPH_DELETED;
        free(out->name);
        out->name = NULL;
    }
}

static void fill_page(struct fake *fake, struct graph_items *out, struct walk *walk)
{
    size_t limit = fake->page ? fake->page : 200;
    uint32_t at = 0;

    out->items = calloc(limit * 2, sizeof(*out->items));
    while (out->count + 1 < limit * 2 && (at = next_change(fake, walk)) != 0) {
        fill_change(fake, &out->items[out->count++], at);
        if (walk->until) {
            fill_change(fake, &out->items[out->count++], at);
        }
        walk->cursor = fake->items[at].seq;
    }
    if (next_change(fake, walk)) {
        str_format(&out->next_link, NULL, "next %" PRIu64 " %" PRIu64 " %" PRIu64, walk->from,
                   walk->cursor, walk->until);
    } else {
        str_format(&out->delta_link, NULL, "delta %" PRIu64, walk->until ? walk->until : fake->seq);
    }
}

int graph_delta(struct graph_items *out, struct account *account, const char *drive_id,
                const char *link, bool is_latest, const struct call *call, struct error *err)
{
    struct fake *fake = account->fake;
    struct walk walk = {0};
    int code = fake_enter(fake, FAKE_DELTA, call, err);

    (void)drive_id;
    *out = (struct graph_items){0};
    if (code == 0 && link) {
        bool is_next = sscanf(link, "next %" SCNu64 " %" SCNu64 " %" SCNu64, &walk.from,
                              &walk.cursor, &walk.until) == 3;

        if (!is_next && sscanf(link, "delta %" SCNu64, &walk.from) != 1) {
            code = error_set(err, ERR_INVALID, "a link that nobody gave out");
        } else if (walk.from < fake->gone_seq) {
            code = error_set(err, ERR_GONE, "resyncRequired");
        } else if (is_next || !fake->is_awkward) {
            walk.cursor = is_next ? walk.cursor : walk.from;
            fill_page(fake, out, &walk);
        } else { /* an empty page first */
            str_format(&out->next_link, NULL, "next %" PRIu64 " %" PRIu64 " %" PRIu64, walk.from,
                       fake->seq + 1, fake->seq + (fake->seq == 0));
        }
    } else if (code == 0 && is_latest) {
        str_format(&out->delta_link, NULL, "delta %" PRIu64, fake->seq);
    } else if (code == 0) {
        code = error_set(err, ERR_INVALID, "this drive is never enumerated whole");
    }
    fake_leave(fake);
    return code;
}

int graph_list_latest(struct graph_items *out, bool *is_listed, char **link,
                      struct account *account, const char *drive_id, const char *folder_id,
                      unsigned page_size, const struct call *call, struct error *err)
{
    struct fake *fake = account->fake;
    struct graph_items page = {0};
    bool is_failing = false;
    int code = graph_delta(&page, account, drive_id, NULL, true, call, err);

    *out = (struct graph_items){0};
    *is_listed = false;
    if (code == 0) {
        *link = page.delta_link;
        page.delta_link = NULL;
    }
    graph_items_clear(&page);
    mutex_lock(&fake->lock);
    is_failing = fake->faults[FAKE_LIST].times > 0;
    mutex_unlock(&fake->lock);
    if (code == 0 && !is_failing) {
        *is_listed = graph_list_children(out, account, drive_id, folder_id, NULL, page_size, call,
                                         NULL) == 0;
    }
    return code;
}

void graph_pages_clear(struct graph_page *pages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        graph_items_clear(&pages[i].items);
    }
}

int graph_list_folders(struct graph_page *pages, struct account *account, const char *drive_id,
                       const char *const *folder_ids, size_t count, unsigned page_size,
                       const struct call *call, struct error *err)
{
    struct fake *fake = account->fake;
    int code = fake_enter(fake, FAKE_BATCH, call, err);

    mutex_unlock(&fake->lock);
    for (size_t i = 0; i < count; i++) {
        pages[i] = (struct graph_page){0};
        if (code == 0) {
            pages[i].code = graph_list_children(&pages[i].items, account, drive_id, folder_ids[i],
                                                NULL, page_size, call, &pages[i].err);
        }
    }
    return code;
}
