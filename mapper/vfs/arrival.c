/*
 * arrival.c - an upload of a new file that ended without an answer: the server may have the file,
 * and we do not know it. Before such a file is deleted or renamed here, what arrived goes: nothing
 * else would ever take it away, and the user would find it again.
 */
#include "arrival.h"

#include <stdlib.h>

#include "base/str.h"
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

/* The bytes of the try that may have arrived; *file is referenced. NULL: none may have. Saves of the
 * body are paused. */
static int sent_bytes(struct body *body, struct local_file **file, uint64_t *size,
                      struct error *err)
{
    struct uploads *uploads = body->online->uploads;
    char *path = NULL;
    int code = 0;

    mutex_lock(&body->lock);
    if (body->may_have_arrived && body->spool) {
        *file = local_ref(body->spool);
        *size = body->size_bytes;
    }
    mutex_unlock(&body->lock);
    mutex_lock(&uploads->lock);
    for (const struct upload *upload = uploads->first; upload && code == 0; upload = upload->next) {
        if (upload->body != body || !upload->row.may_have_arrived || *upload->row.item_id) {
            continue;
        }
        local_close(*file);
        str_free(&path);
        *file = upload->file ? local_ref(upload->file) : NULL;
        *size = upload->row.size_bytes;
        code = *file ? 0 : upload_path(&path, uploads, upload->row.spool, err);
    }
    mutex_unlock(&uploads->lock);
    if (code == 0 && path) {
        code = local_open(file, path, false, err);
    }
    free(path);
    return code;
}

static int read_file(void *payload, void *data, size_t size, uint64_t offset, size_t *got,
                     struct error *err)
{
    return local_read(payload, data, size, offset, got, err);
}

int arrival_take_back(struct online_vfs *online, struct node *node, struct body *body,
                      const struct call *call, struct error *err)
{
    struct arrival arrival = {0};
    struct local_file *file = NULL;
    struct place place = {0};
    struct node *folder = NULL;
    char hash[29] = "";
    char *name = NULL;
    char *removed = NULL;
    int code = sent_bytes(body, &file, &arrival.size_bytes, err);

    if (code < 0 || !file) {
        return code;
    }
    mutex_lock(&online->lock);
    folder = tree_parent(online->tree, node);
    if (folder) {
        tree_hold(online->tree, folder);
        code = str_copy(&name, node_name(node), err);
    }
    mutex_unlock(&online->lock);
    if (code == 0 && folder) {
        struct graph_source source = {read_file, file, arrival.size_bytes};

        code = quickxor_of_source(hash, &source, err);
    }
    if (code == 0 && folder) {
        code = place_of(&place, online, folder, false, call, err);
    }
    if (code == 0 && folder) {
        arrival.drive_id = place.drive_id;
        arrival.folder_id = place.item_id;
        arrival.name = name;
        arrival.hash = hash;
        code = arrival_remove(&removed, place.account, &arrival, call, err);
    }
    if (removed) {
        mutex_lock(&online->lock);
        tree_bury(online->tree, removed);
        mutex_unlock(&online->lock);
    }
    node_put(online, folder);
    local_close(file);
    place_clear(&place);
    free(removed);
    free(name);
    return code;
}
