/*
 * attribute.c - named facts about an item: "id", "etag", "state", "weburl".
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "online.h"
#include "uploads.h"

/* online->lock is held. */
static const char *state_of(const struct node *node)
{
    if (node->flags & NODE_LOCAL) {
        return "new";
    }
    if (node->kind != VFS_FILE || !node->body) {
        return "saved";
    }
    return uploads_has(node->body) ? "uploading" : "open";
}

/* The only one that costs a request. */
static int ask_web_url(char **out, struct online_vfs *online, struct node *node,
                       const struct call *call, struct error *err)
{
    struct graph_item item = {0};
    struct place place = {0};
    int code = place_of(&place, online, node, false, call, err);

    if (code == 0) {
        code = graph_get_item(&item, place.account, place.drive_id, place.item_id, call, err);
    }
    if (code == 0) {
        code = item.web_url && str_starts_with(item.web_url, "https://")
                   ? str_copy(out, item.web_url, err)
                   : error_set(err, ERR_NOT_FOUND, "the service gave no address");
    }
    graph_item_clear(&item);
    place_clear(&place);
    return code;
}

int online_attribute(struct vfs *vfs, char **out, uint64_t id, const char *name,
                     const struct vfs_call *vfs_call, struct error *err)
{
    struct online_vfs *online = online_of(vfs);
    struct call call = call_begin(vfs_call, CALL_LISTING);
    struct node *node = NULL;
    const char *text = NULL;
    char *etag = NULL;
    bool is_local;
    int code = node_get(online, &node, id, -1, err);

    if (code < 0) {
        return code;
    }
    mutex_lock(&online->lock);
    is_local = (node->flags & NODE_LOCAL) != 0 || !library_of(online, node);
    if (strcmp(name, "id") == 0) {
        text = node_item_id(node);
    } else if (strcmp(name, "etag") == 0) {
        (void)node_copy_etag(&etag, node, NULL);
        text = etag;
    } else if (strcmp(name, "state") == 0) {
        text = state_of(node);
    }
    code = text && *text ? str_copy(out, text, err) : ERR_NOT_FOUND;
    mutex_unlock(&online->lock);
    free(etag);
    if (!text && !is_local && strcmp(name, "weburl") == 0) {
        code = ask_web_url(out, online, node, &call, err);
    } else if (code == ERR_NOT_FOUND) {
        error_set(err, code, "the item has no attribute '%.40s'", name);
    }
    node_put(online, node);
    return code;
}
