/*
 * arrival.c - an upload of a new file that ended without an answer: the server may have the file,
 * and we do not know it. Before such a file is deleted or renamed here, what arrived goes: nothing
 * else would ever take it away, and the user would find it again.
 */
#include "arrival.h"

#include <stdlib.h>

#include "base/str.h"
#include "body.h"
#include "local.h"
#include "mapper/quickxor.h"
#include "online.h"
#include "uploads.h"

static int find(struct graph_item *item, struct account *account, const struct arrival *arrival,
                const struct call *call, struct error *err)
{
    return arrival->folder_id
               ? graph_get_child(item, account, arrival->drive_id, arrival->folder_id,
                                 arrival->name, call, err)
               : graph_get_item_by_path(item, account, arrival->drive_id, arrival->name, call, err);
}

int arrival_remove(char **item_id, struct account *account, const struct arrival *arrival,
                   const struct call *call, struct error *err)
{
    struct graph_item item = {0};
    int code = find(&item, account, arrival, call, err);

    /* With other bytes it is somebody else's, who was there first. */
    if (code == 0 && item.kind == GRAPH_FILE && item.size_bytes == arrival->size_bytes &&
        str_equal(item.quick_xor_hash, arrival->hash)) {
        code = graph_delete_item(account, arrival->drive_id, item.id, call, err);
        if (code == 0 && item_id) {
            *item_id = item.id;
            item.id = NULL;
        }
    }
    if (code == ERR_NOT_FOUND || code == ERR_STALE || code == ERR_GONE) {
        error_clear(err); /* it did not arrive */
        code = 0;
    }
    graph_item_clear(&item);
    return code;
}

/* One try that may have arrived. */
struct sent_try {
    struct local_file *file; /* referenced; NULL: no such try */
    uint64_t size;
};

/* The try after `skip` others: a save that waits for the one before it may have arrived as well as
 * that one, when they are of an agent before this one. Saves of the body are paused. */
static int sent_bytes(struct body *body, unsigned skip, struct sent_try *out, struct error *err)
{
    struct uploads *uploads = body->online->uploads;
    bool is_found = false;
    char *path = NULL;
    int code = 0;

    *out = (struct sent_try){0};
    mutex_lock(&body->lock);
    if (body->may_have_arrived && body->spool && skip-- == 0) {
        *out = (struct sent_try){local_ref(body->spool), body->size_bytes};
        is_found = true;
    }
    mutex_unlock(&body->lock);
    mutex_lock(&uploads->lock);
    for (const struct upload *at = uploads->first; at && !is_found; at = at->next) {
        if (at->body == body && at->row.may_have_arrived && !*at->row.item_id && skip-- == 0) {
            *out = (struct sent_try){at->file ? local_ref(at->file) : NULL, at->row.size_bytes};
            code = at->file ? 0 : upload_path(&path, uploads, at->row.spool, err);
            is_found = true;
        }
    }
    mutex_unlock(&uploads->lock);
    if (code == 0 && path) {
        code = local_open(&out->file, path, false, err);
    }
    free(path);
    return code;
}

static int read_file(void *payload, void *data, size_t size, uint64_t offset, size_t *got,
                     struct error *err)
{
    return local_read(payload, data, size, offset, got, err);
}

/* *name: NULL when the folder is not there any more. */
static int place_of_file(struct place *place, char **name, struct online_vfs *online,
                         struct node *node, const struct call *call, struct error *err)
{
    struct node *folder = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    folder = tree_parent(online->tree, node);
    if (folder) {
        tree_hold(online->tree, folder);
        code = str_copy(name, node_name(node), err);
    }
    mutex_unlock(&online->lock);
    if (code == 0 && folder) {
        code = place_of(place, online, folder, false, call, err);
    }
    node_put(online, folder);
    return code;
}

/* *removed: the id of what went. */
static int take_back(char **removed, const struct sent_try *sent, const struct place *place,
                     const char *name, const struct call *call, struct error *err)
{
    struct graph_source source = {read_file, sent->file, sent->size};
    struct arrival arrival = {.drive_id = place->drive_id,
                              .folder_id = place->item_id,
                              .name = name,
                              .size_bytes = sent->size};
    char hash[29] = "";
    int code = quickxor_of_source(hash, &source, err);

    arrival.hash = hash;
    return code < 0 ? code : arrival_remove(removed, place->account, &arrival, call, err);
}

int arrival_take_back(struct online_vfs *online, struct node *node, struct body *body,
                      const struct call *call, struct error *err)
{
    struct place place = {0};
    struct sent_try sent = {0};
    char *name = NULL;
    char *removed = NULL;
    int code = sent_bytes(body, 0, &sent, err);

    if (code == 0 && sent.file) {
        code = place_of_file(&place, &name, online, node, call, err);
    }
    for (unsigned tries = 1; code == 0 && sent.file && name && !removed; tries++) {
        code = take_back(&removed, &sent, &place, name, call, err);
        local_close(sent.file);
        sent.file = NULL;
        if (code == 0 && !removed) {
            code = sent_bytes(body, tries, &sent, err);
        }
    }
    if (removed) {
        mutex_lock(&online->lock);
        tree_bury(online->tree, place.library->root, removed);
        mutex_unlock(&online->lock);
    }
    local_close(sent.file);
    place_clear(&place);
    free(removed);
    free(name);
    return code;
}
