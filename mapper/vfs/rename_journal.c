/*
 * rename_journal.c - renames that need no request, since what is renamed waits in the journal.
 */
#include "rename.h"

#include <stdlib.h>

#include "base/str.h"
#include "body.h"
#include "uploads.h"

/* The target's node takes the source's place, with the upload that is on its way; lock held. */
static void show_redirected(struct rename *r, struct body *body)
{
    struct online_vfs *online = r->online;

    if ((r->target->flags | r->node->flags) & NODE_GONE) {
        return;
    }
    rename_move_body(r, body);
    mutex_lock(&body->lock);
    (void)str_copy(&body->item_id, node_item_id(r->target), NULL);
    (void)str_copy(&body->version, node_version(r->target), NULL);
    mutex_unlock(&body->lock);
    tree_edit(online->tree, r->target);
    tree_replace(online->tree, r->node, r->target);
}

int rename_in_journal(struct rename *r, struct body *body, struct body *other,
                      const struct call *call, struct error *err)
{
    struct online_vfs *online = r->online;
    struct upload_target to = {.name = r->new_name};
    struct place place = {0};
    struct place folder = {0};
    char *version = NULL;
    char *path = NULL;
    bool is_ours = false;
    int code = 0;

    mutex_lock(&online->lock);
    mutex_lock(&body->lock);
    is_ours = (r->node->flags & NODE_LOCAL) && !body->is_dirty && uploads_has(body);
    mutex_unlock(&body->lock);
    mutex_unlock(&online->lock);
    if (!is_ours) {
        return 1;
    }
    code = place_of(&place, online, r->target, true, call, err);
    code = code < 0 ? code : place_of(&folder, online, r->to, false, call, err);
    if (code == 0) {
        mutex_lock(&online->lock);
        code = str_copy(&version, node_version(r->target), err);
        code = code < 0 ? code : node_path(online, r->target, &path, err);
        mutex_unlock(&online->lock);
    }
    if (code == 0) {
        to.drive_id = place.drive_id;
        to.parent_id = folder.item_id;
        to.path = path;
        to.item_id = place.item_id;
        to.version = version;
        code = uploads_redirect(body, &to, other, NULL, err);
    }
    if (code == 0) {
        mutex_lock(&online->lock);
        show_redirected(r, body);
        mutex_unlock(&online->lock);
    }
    free(path);
    free(version);
    place_clear(&folder);
    place_clear(&place);
    return code;
}
