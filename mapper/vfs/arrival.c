/*
 * arrival.c - an upload of a new file that ended without an answer: the server may have the file,
 * and we do not know it. Before such a file is deleted or renamed here, what arrived goes: nothing
 * else would ever take it away, and the user would find it again.
 */
#include <stdlib.h>

#include "base/str.h"
#include "online.h"
#include "uploads.h"

/* Whether one of the body's tries may have arrived, and how long it was. Its saves are paused. */
static bool may_have_arrived(struct body *body, uint64_t *size)
{
    struct uploads *uploads = body->online->uploads;
    bool may_have = false;

    mutex_lock(&body->lock);
    may_have = body->may_have_arrived;
    *size = body->size_bytes;
    mutex_unlock(&body->lock);
    mutex_lock(&uploads->lock);
    for (const struct upload *upload = uploads->first; upload; upload = upload->next) {
        if (upload->body == body && upload->row.may_have_arrived && !*upload->row.item_id) {
            may_have = true;
            *size = upload->row.size_bytes;
        }
    }
    mutex_unlock(&uploads->lock);
    return may_have;
}

static int find(struct graph_item *item, const struct place *folder, const char *name,
                const struct call *call, struct error *err)
{
    return folder->item_id
               ? graph_get_child(item, folder->account, folder->drive_id, folder->item_id, name,
                                 call, err)
               : graph_get_item_by_path(item, folder->account, folder->drive_id, name, call, err);
}

int arrival_take_back(struct online_vfs *online, struct node *node, struct body *body,
                      const struct call *call, struct error *err)
{
    struct graph_item item = {0};
    struct place place = {0};
    struct node *folder = NULL;
    char *name = NULL;
    uint64_t size = 0;
    int code = 0;

    if (!may_have_arrived(body, &size)) {
        return 0;
    }
    mutex_lock(&online->lock);
    folder = tree_parent(online->tree, node);
    if (folder) {
        tree_hold(online->tree, folder);
        code = str_copy(&name, node_name(node), err);
    }
    mutex_unlock(&online->lock);
    if (!folder) {
        return 0;
    }
    if (code == 0) {
        code = place_of(&place, online, folder, false, call, err);
    }
    if (code == 0) {
        code = find(&item, &place, name, call, err);
    }
    /* Of another length it is somebody else's, who was there first. */
    if (code == 0 && item.kind == GRAPH_FILE && item.size_bytes == size) {
        code = graph_delete_item(place.account, place.drive_id, item.id, call, err);
        if (code == 0) {
            mutex_lock(&online->lock);
            tree_bury(online->tree, item.id);
            mutex_unlock(&online->lock);
        }
    }
    if (code == ERR_NOT_FOUND || code == ERR_STALE || code == ERR_GONE) {
        error_clear(err); /* it did not arrive */
        code = 0;
    }
    node_put(online, folder);
    graph_item_clear(&item);
    place_clear(&place);
    free(name);
    return code;
}
