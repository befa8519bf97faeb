/*
 * rename_waiting.c - a file renamed onto one that was made here and is not on the server yet: then
 * there is no item to keep, and what waits to be sent of it is dropped.
 */
#include "rename.h"

#include <stdlib.h>

#include "base/str.h"
#include "body.h"
#include "settle.h"
#include "uploads.h"

/* In two steps. 1: it is there by now. */
static int drop_local_target(struct rename *r, const struct call *call, struct error *err)
{
    int code = delete_local(r->online, r->target, call, err);

    if (code == 0) {
        node_put(r->online, r->target);
        r->target = NULL;
        code = rename_to_free(r, call, err);
    }
    return code;
}

/* The source's item takes the name that the target was to get. One that had arrived all the same
 * gives way. */
static int rename_over_waiting(struct rename *r, struct body *other, struct graph_item *item,
                               const struct call *call, struct error *err)
{
    char *item_id = NULL;
    int code = 0;

    mutex_lock(&r->online->lock);
    code = str_copy(&item_id, node_item_id(r->node), err);
    mutex_unlock(&r->online->lock);
    code = code < 0 ? code : uploads_doubt(other, JOURNAL_RENAMED, item_id, "", 0, err);
    free(item_id);
    if (code < 0) {
        return code;
    }
    code = rename_on_server(r, r->new_name, item, call, err);
    if (code == ERR_EXISTS && arrival_take_back(r->online, r->target, other, call, NULL) == 0) {
        error_clear(err);
        code = rename_on_server(r, r->new_name, item, call, err);
    }
    if (code == 0) {
        uploads_drop(other);
    } else {
        rename_end_doubt(NULL, other);
    }
    return code;
}

/* The target waits for its upload, which is not to come any more: its row goes with the change of
 * the source's, or after the server has renamed the source, so that no crash loses both. With saves
 * of both paused. 1: it has to be done in two steps. */
static int replace_waiting_target(struct rename *r, struct body *body, struct body *other,
                                  bool is_source_local, const struct call *call, struct error *err)
{
    struct online_vfs *online = r->online;
    struct upload_target to = {.name = r->new_name};
    struct graph_item item = {0};
    struct place folder = {0};
    char *path = NULL;
    /* There may be no line. */
    int code = is_source_local ? place_of(&folder, online, r->to, false, call, err) : 0;

    if (code == 0 && is_source_local) {
        mutex_lock(&online->lock);
        code = node_path(online, r->target, &path, err);
        mutex_unlock(&online->lock);
        to.drive_id = folder.drive_id;
        to.parent_id = folder.item_id;
        to.path = path;
        code = code < 0 ? code : uploads_redirect(body, &to, other, NULL, err);
    } else if (code == 0) {
        code = rename_over_waiting(r, other, &item, call, err);
    }
    if (code == 0) {
        mutex_lock(&online->lock);
        if (!(r->target->flags & NODE_GONE)) {
            r->target->body = NULL;
        }
        code = rename_in_tree(r, is_source_local ? NULL : &item, err);
        mutex_unlock(&online->lock);
        mutex_lock(&other->lock);
        other->is_removed = true;
        mutex_unlock(&other->lock);
    }
    graph_item_clear(&item);
    place_clear(&folder);
    free(path);
    return code;
}

/* `other` is the target's body, and waits for its upload. 1: it does not, or the source has none. */
static int replace_in_journal(struct rename *r, struct body *body, struct body *other,
                              const struct call *call, struct error *err)
{
    struct online_vfs *online = r->online;
    bool is_source_local = false;
    bool is_still_local = false;
    int code = 0;

    if (!uploads_has(other)) {
        return 1;
    }
    code = body ? rename_pause_both(body, other, call, err) : body_pause_saves(other, call, err);
    if (code < 0) {
        return code;
    }
    mutex_lock(&online->lock);
    is_still_local = r->target->flags & NODE_LOCAL;
    is_source_local = r->node->flags & NODE_LOCAL;
    mutex_unlock(&online->lock);
    code = 1;
    if (is_still_local && (!is_source_local || (body && uploads_has(body)))) {
        code = replace_waiting_target(r, body, other, is_source_local, call, err);
    }
    body_resume_saves(other);
    if (body) {
        body_resume_saves(body);
    }
    return code;
}

int rename_onto_waiting(struct rename *r, const struct call *call, struct error *err)
{
    struct body *body = body_borrow(r->online, r->node);
    struct body *other = body_borrow(r->online, r->target);
    int code = 1;

    if (other) {
        code = uploads_hold(other, call, err);
        if (code == 0) {
            code = settle_end_wait(r->online, other, call, err);
            code = code < 0 ? code : replace_in_journal(r, body, other, call, err);
            uploads_release(other);
        }
    }
    body_put(other);
    body_put(body);
    if (code != 1) {
        return code;
    }
    code = drop_local_target(r, call, err);
    return code == 1 ? rename_replace(r, call, err) : code; /* it arrived while we waited for it */
}
