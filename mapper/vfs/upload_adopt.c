/*
 * upload_adopt.c - what an agent before this one left is shown as it was when its program closed it:
 * a new file is in its folder, and one that was replaced has the new size and bytes, before any of
 * it is sent.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "body.h"
#include "listing.h"
#include "local.h"
#include "save.h"
#include "uploads.h"

static bool is_orphan(const struct upload *upload, const struct library *library)
{
    return !upload->body && !upload->is_done && !upload->shelf && upload->library == library;
}

/* The root's id may not be known: then the path tells. */
static bool is_in(const struct journal_row *row, const struct library *library,
                  const struct node *folder)
{
    if (folder != library->root) {
        return str_equal(row->parent_id, node_item_id(folder));
    }
    if (library->root_item_id && row->parent_id && *row->parent_id) {
        return str_equal(row->parent_id, library->root_item_id);
    }
    return row->path && !strchr(row->path, '/');
}

/* A new file at the place of the body's. */
static bool is_new_at(const struct journal_row *row, const struct body *body)
{
    return (!row->item_id || !*row->item_id) && str_equal(row->name, node_name(body->node)) &&
           is_in(row, body->library, tree_parent(body->online->tree, body->node));
}

/* The item was made by the upload that this one comes after, and the journal does not say so yet. */
static bool is_after_done(const struct upload *upload, const struct body *body)
{
    return upload->waits_for && upload->waits_for->is_done && is_new_at(&upload->row, body) &&
           is_new_at(&upload->waits_for->row, body) &&
           upload->waits_for->row.size_bytes == body->node->size_bytes;
}

static bool is_of(const struct upload *upload, const struct body *body)
{
    if (!is_orphan(upload, body->library)) {
        return false;
    }
    if (*body->item_id) {
        return str_equal(upload->row.item_id, body->item_id) || is_after_done(upload, body);
    }
    return is_new_at(&upload->row, body);
}

/* The draft is what `newest` has; uploads->lock held. */
static void take_spool(struct uploads *uploads, struct body *body, const struct upload *newest)
{
    const struct journal_row *row = &newest->row;
    struct local_file *file = NULL;
    char *path = NULL;

    if (upload_path(&path, uploads, row->spool, NULL) == 0 &&
        local_open(&file, path, false, NULL) == 0 &&
        (!row->item_id || !*row->item_id || str_copy(&body->version, row->version, NULL) == 0)) {
        local_park(file); /* it may be one of thousands */
        body->spool = file;
        body->spool_path = path;
        body->size_bytes = row->size_bytes;
        body->sealed_bytes = row->size_bytes;
        body->modified_ms = row->modified_ms;
        body->created_ms = row->created_ms;
        body->touched_ms = row->since_ms;
        return;
    }
    local_close(file);
    free(path);
}

void uploads_adopt(struct body *body)
{
    struct uploads *uploads = body->online->uploads;
    struct upload *newest = NULL;

    mutex_lock(&uploads->lock);
    for (struct upload *at = uploads->first; at; at = at->next) {
        newest = is_of(at, body) ? at : newest;
    }
    if (newest) {
        take_spool(uploads, body, newest);
    }
    for (struct upload *at = uploads->first; at && body->spool; at = at->next) {
        if (is_of(at, body)) {
            at->body = body;
            body->refs++;
        }
    }
    body->pending = body->spool ? newest : NULL;
    mutex_unlock(&uploads->lock);
    if (body->spool) {
        draft_enlist(body);
    }
}

/* --- showing --- */

struct orphan {
    int64_t row_id;
    char *name;
    char *item_id;
    uint64_t size_bytes;
    int64_t modified_ms;
    int64_t created_ms;
};

static void orphan_clear(struct orphan *orphan)
{
    free(orphan->name);
    free(orphan->item_id);
    *orphan = (struct orphan){0};
}

/* The next one that may be in the folder, after the row `*last`; false: there is none. */
static bool next_orphan(struct uploads *uploads, struct orphan *out, const struct node *folder,
                        const struct library *library, int64_t *last)
{
    bool is_found = false;

    mutex_lock(&uploads->lock);
    for (const struct upload *at = uploads->first; at && !is_found; at = at->next) {
        const struct journal_row *row = &at->row;
        bool has_item = row->item_id && *row->item_id;

        if (row->id <= *last || !is_orphan(at, library) ||
            (!has_item && !is_in(row, library, folder))) {
            continue;
        }
        *last = row->id;
        is_found = true;
        out->size_bytes = row->size_bytes;
        out->modified_ms = row->modified_ms >= 0 ? row->modified_ms : row->since_ms;
        out->created_ms = row->created_ms >= 0 ? row->created_ms : row->since_ms;
        if (str_copy(&out->name, row->name, NULL) < 0 ||
            str_copy(&out->item_id, row->item_id, NULL) < 0) {
            orphan_clear(out); /* no memory: it is shown another time */
            is_found = false;
        }
    }
    mutex_unlock(&uploads->lock);
    return is_found;
}

static void show_new(struct online_vfs *online, struct node *folder, const struct orphan *orphan)
{
    struct node_facts facts = {.kind = VFS_FILE,
                               .name = orphan->name,
                               .size_bytes = orphan->size_bytes,
                               .modified_ms = orphan->modified_ms,
                               .created_ms = orphan->created_ms,
                               .flags = NODE_LOCAL};
    struct node *node = tree_child(online->tree, folder, orphan->name);

    if (node) { /* perhaps this very file */
        if (node->kind == VFS_FILE && !node->body && !(node->flags & NODE_LOCAL)) {
            (void)body_show(online, node);
        }
        return;
    }
    if (tree_add(online->tree, &node, folder, &facts, NULL) < 0) {
        return;
    }
    if (!body_show(online, node)) { /* sent meanwhile */
        tree_remove(online->tree, node);
        return;
    }
    tree_edit(online->tree, node);
    forget_negatives(online, folder);
    listing_note_added(online, folder, node);
}

void uploads_show(struct online_vfs *online, struct node *folder)
{
    struct uploads *uploads = online->uploads;
    const struct library *library = library_of(online, folder);
    struct orphan orphan = {0};
    int64_t last = 0;
    bool has_orphans = false;

    mutex_lock(&uploads->lock);
    for (const struct upload *at = uploads->has_orphans ? uploads->first : NULL; at && !has_orphans;
         at = at->next) {
        has_orphans = !at->body && !at->is_done;
    }
    uploads->has_orphans = has_orphans;
    mutex_unlock(&uploads->lock);
    while (has_orphans && library && !library->is_removed &&
           next_orphan(uploads, &orphan, folder, library, &last)) {
        struct node *node =
            *orphan.item_id ? tree_item(online->tree, library->root, orphan.item_id) : NULL;

        if (!*orphan.item_id) {
            show_new(online, folder, &orphan);
        } else if (node && node->kind == VFS_FILE && node->parent == folder->index && !node->body) {
            (void)body_show(online, node);
        }
        orphan_clear(&orphan);
    }
}
