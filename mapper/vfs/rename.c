/*
 * rename.c - rename and move. Onto an existing file the old item stays and gets the new content, so
 * that its id, its versions and its sharing links live on; then the source goes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/str.h"
#include "local.h"
#include "local_only.h"
#include "online.h"
#include "rename.h"
#include "settle.h"
#include "uploads.h"

#define UNDO_MS 30000
#define SOURCE_AGE_MS 3000           /* what was saved a moment ago is known */
#define FETCH_TO_REPLACE (64u << 20) /* larger sources that are not here are moved aside */

/* --- to a free name --- */

/* The tree after our own rename; lock held. */
static int move_in_tree(struct rename *r, const struct graph_item *item, struct error *err)
{
    struct online_vfs *online = r->online;
    struct node *other = tree_child(online->tree, r->to, r->new_name);
    int code = 0;

    if ((r->node->flags | r->to->flags) & NODE_GONE) {
        return 0; /* deleted meanwhile: nothing to show */
    }
    if (other && other != r->node) {
        folder_doubt(r->to);
        tree_remove(online->tree, other);
    }
    if (r->node->flags & NODE_HEARD) {
        folder_doubt(tree_parent(online->tree, r->node)); /* others may have moved it since */
    }
    code = tree_move(online->tree, r->node, r->to, r->new_name, err);
    tree_edit(online->tree, r->node);
    forget_negatives(online, r->to);
    listing_note_added(online, r->to, r->node);
    if (code == 0 && item) {
        code = tree_apply_own(online, r->node, item, err);
    }
    return code;
}

static int send_rename(struct rename *r, const char *name, struct graph_item *item,
                       const struct call *call, struct error *err)
{
    struct online_vfs *online = r->online;
    struct graph_update update = {.name = name, .modified_ms = -1, .created_ms = -1};
    struct place place = {0};
    struct place folder = {0};
    int code = place_of(&place, online, r->node, true, call, err);

    if (code == 0 && r->from != r->to) {
        code = place_of(&folder, online, r->to, true, call, err);
        update.parent_id = folder.item_id;
        if (r->node->kind == VFS_FILE) { /* a move resets them (graph-facts 2.3) */
            mutex_lock(&online->lock);
            update.modified_ms = r->node->modified_ms;
            update.created_ms = r->node->created_ms;
            mutex_unlock(&online->lock);
        }
    }
    if (code == 0) {
        code = graph_update_item(item, place.account, place.drive_id, place.item_id, &update, call,
                                 err);
        mutex_lock(&online->lock);
        note_denied(online, r->node, code);
        mutex_unlock(&online->lock);
    }
    place_clear(&place);
    place_clear(&folder);
    return code;
}

/* A name that nobody has: beside the file, for the time of two requests. */
static int make_aside(char **out, const char *name, struct error *err)
{
    unsigned char random[4] = {0};
    int code = secret_random(random, sizeof(random), err);

    return code < 0 ? code
                    : str_format(out, err, "%.200s.%02x%02x%02x%02x.tmp", name, random[0],
                                 random[1], random[2], random[3]);
}

/* Undoing what succeeded must not end with the patience of the caller. */
static struct call call_to_undo(void)
{
    return (struct call){.priority = CALL_SAVE, .deadline_ms = online_now() + UNDO_MS};
}

/* Only the case changes, and the service takes the old spelling for another file's name: by way of
 * a third name. */
static int send_in_two_steps(struct rename *r, struct graph_item *item, const struct call *call,
                             struct error *err)
{
    char *aside = NULL;
    char *old_name = NULL;
    int code = make_aside(&aside, r->new_name, err);

    if (code == 0) {
        mutex_lock(&r->online->lock);
        code = str_copy(&old_name, node_name(r->node), err);
        mutex_unlock(&r->online->lock);
    }
    if (code == 0) {
        code = send_rename(r, aside, item, call, err);
    }
    if (code == 0) {
        graph_item_clear(item);
        *item = (struct graph_item){0};
        code = send_rename(r, r->new_name, item, call, err);
        if (code < 0) {
            struct graph_item back = {0};
            struct call undo = call_to_undo();

            (void)send_rename(r, old_name, &back, &undo, NULL);
            graph_item_clear(&back);
        }
    }
    free(old_name);
    free(aside);
    return code;
}

/* The uploads of the file go where it goes; held. `is_local`: it is made there. */
static int move_uploads(struct rename *r, struct body *body, bool is_local, const struct call *call,
                        struct error *err)
{
    struct place folder = {0};
    char *path = NULL;
    char *below = NULL;
    int code = 0;

    if (!body || !uploads_has(body)) {
        return 0;
    }
    code = place_of(&folder, r->online, r->to, true, call, err);
    if (code == 0) {
        mutex_lock(&r->online->lock);
        code = node_path(r->online, r->to, &path, err);
        mutex_unlock(&r->online->lock);
    }
    if (code == 0) {
        code = str_format(&below, err, "%s%s%s", path, *path ? "/" : "", r->new_name);
    }
    if (code == 0) {
        code = uploads_move(body, folder.item_id, r->new_name, below, err);
    }
    if (code < 0 && !is_local) {
        error_clear(err); /* it finds its item by id; the path is for people */
        code = 0;
    }
    free(below);
    free(path);
    place_clear(&folder);
    return code;
}

static int rename_free(struct rename *r, const struct call *call, struct error *err)
{
    struct online_vfs *online = r->online;
    struct body *body = body_borrow(online, r->node);
    struct graph_item item = {0};
    bool is_local = false;
    int code = body ? body_pause_saves(body, call, err) : 0;

    if (code < 0) {
        body_put(body);
        return code;
    }
    mutex_lock(&online->lock);
    is_local = r->node->flags & NODE_LOCAL;
    mutex_unlock(&online->lock);
    if (is_local && body) {
        code = arrival_take_back(online, r->node, body, call, err);
    }
    if (is_local && code == 0) {
        code = move_uploads(r, body, true, call, err);
    }
    mutex_lock(&online->lock);
    if (is_local && code == 0) {
        struct node *other = tree_child(online->tree, r->to, r->new_name);

        /* It gets there under its new name, unless that was taken since we looked. */
        code = other && other != r->node
                   ? error_set(err, ERR_EXISTS, "'%.120s' was made meanwhile", r->new_name)
                   : move_in_tree(r, NULL, err);
    }
    mutex_unlock(&online->lock);
    if (!is_local) {
        code = send_rename(r, r->new_name, &item, call, err);
        if (code == ERR_EXISTS && r->target == r->node) {
            code = send_in_two_steps(r, &item, call, err);
        }
        if (code == 0) {
            /* The server has it under its new name, whatever the journal says. */
            int written = move_uploads(r, body, false, call, err);

            mutex_lock(&online->lock);
            code = move_in_tree(r, &item, err);
            mutex_unlock(&online->lock);
            code = code == 0 ? written : code;
        }
    }
    if (body) {
        body_resume_saves(body);
    }
    body_put(body);
    graph_item_clear(&item);
    return code;
}

/* --- onto a file --- */

/* The bytes of the source, all of them here. */
struct bytes {
    struct body *body;       /* its draft, or ... */
    struct content *content; /* ... the cached version */
};

static int read_bytes(void *payload, void *data, size_t size, uint64_t offset, size_t *got,
                      struct error *err)
{
    const struct bytes *bytes = payload;

    return bytes->content ? content_read_local(bytes->content, data, size, offset, got, err)
                          : local_read(bytes->body->spool, data, size, offset, got, err);
}

/* The source's body has saves paused. 1: too large to be brought here. */
static int gather(struct rename *r, struct bytes *bytes, uint64_t *size, const struct call *call,
                  struct error *err)
{
    struct body *body = bytes->body;
    struct content_source source = body_source(body);
    int code = 0;

    if (body->spool) {
        code = body_complete(body, call, err);
        *size = body->size_bytes;
        return code;
    }
    *size = content_size(body->base);
    if (*size > FETCH_TO_REPLACE) {
        struct content_key key = {body->base->drive_id, body->base->item_id, body->base->version};

        if (!cache_has_all(r->online->cache, &key)) {
            return 1;
        }
    }
    code = content_fetch_all(body->base, &source, call, err);
    if (code == 0) {
        *size = content_size(body->base);
        bytes->content = body->base;
    }
    return code;
}

static int send_replace(struct rename *r, struct bytes *bytes, uint64_t size,
                        struct graph_item *item, const struct call *call, struct error *err)
{
    struct online_vfs *online = r->online;
    struct graph_source source = {read_bytes, bytes, size};
    struct graph_upload upload = {.created_ms = -1};
    struct call longer = *call;
    struct place place = {0};
    char *version = NULL;
    int code = place_of(&place, online, r->target, true, call, err);

    call_extend(&longer, size);
    if (code == 0) {
        mutex_lock(&online->lock);
        code = str_copy(&version, node_version(r->target), err);
        upload.modified_ms = bytes->body->modified_ms >= 0 ? bytes->body->modified_ms
                             : r->node->modified_ms > 0    ? r->node->modified_ms
                                                           : -1;
        mutex_unlock(&online->lock);
    }
    if (code == 0) {
        code = upload_begin(online, err);
    }
    if (code == 0) {
        upload.drive_id = place.drive_id;
        upload.item_id = place.item_id;
        upload.if_match = version && *version ? version : NULL;
        code = graph_upload(item, place.account, &upload, &source, &longer, err);
        upload_end(online);
    }
    mutex_lock(&online->lock);
    note_denied(online, r->target, code);
    mutex_unlock(&online->lock);
    free(version);
    place_clear(&place);
    return code;
}

/* The source's open handles follow its content to the target; lock held. */
static void hand_over(struct rename *r, struct body *body)
{
    struct online_vfs *online = r->online;

    if (r->target->body) {
        r->target->body = NULL; /* its handles keep the version that they have */
    }
    r->node->body = NULL;
    tree_hold(online->tree, r->target);
    tree_release(online->tree, body->node, 1);
    body->node = r->target;
    r->target->body = body;
    mutex_lock(&body->lock);
    if (body->spool) {
        (void)str_copy(&body->version, node_version(r->target), NULL);
        (void)str_copy(&body->item_id, node_item_id(r->target), NULL);
        body->is_dirty = false;
        body->has_failed = false;
        body->modified_ms = -1;
        body->created_ms = -1;
        body->base_limit = 0;
        body->doubt_end = 0;
        draft_saved(body);
    } else {
        /* It reads the version it has; that version is no longer what the target has. */
        r->target->body = NULL;
    }
    mutex_unlock(&body->lock);
}

/* The target has the content: tree first, then the source's item. */
static int replaced(struct rename *r, struct body *body, const struct graph_item *item,
                    const struct call *call, struct error *err)
{
    struct online_vfs *online = r->online;
    struct place place = {0};
    bool is_local = false;
    bool was_kept = false;
    bool was_waiting = false;
    int code = 0;

    mutex_lock(&online->lock);
    is_local = r->node->flags & NODE_LOCAL;
    mutex_unlock(&online->lock);
    if (!is_local) {
        mutex_lock(&online->lock);
        code = r->node->flags & NODE_GONE ? 0 : settle_delete(online, r->node, err);
        mutex_unlock(&online->lock);
    }
    if (code == 1) {
        code = place_of(&place, online, r->node, true, call, err);
        if (code == 0) {
            code = graph_delete_item(place.account, place.drive_id, place.item_id, call, err);
        }
        if (code == ERR_NOT_FOUND || code == ERR_STALE) {
            error_clear(err);
            code = 0;
        }
    }
    mutex_lock(&online->lock);
    if (!(r->target->flags & NODE_GONE)) {
        (void)tree_apply_own(online, r->target, item, NULL);
    }
    if (code == 0 && !((r->target->flags | r->node->flags) & NODE_GONE)) {
        tree_bury(online->tree, node_item_id(r->node));
        hand_over(r, body);
        tree_replace(online->tree, r->node, r->target);
    }
    was_kept = code == 0 && local_only_leave(online, body);
    was_waiting = code == 0 && settle_forget_new(online, body);
    mutex_unlock(&online->lock);
    if (was_kept) {
        body_put(body);
    }
    if (was_waiting) {
        body_put(body);
    }
    place_clear(&place);
    return code;
}

/* Too large to be sent again: the old item steps aside, the new one takes its name, the old one
 * goes. Both are never missing; the old item's id is lost, to the recycle bin. */
static int replace_aside(struct rename *r, const struct call *call, struct error *err)
{
    struct rename aside = *r;
    char *name = NULL;
    int code = make_aside(&name, r->new_name, err);

    if (code < 0) {
        return code;
    }
    aside.from = r->to;
    aside.node = r->target;
    aside.target = NULL;
    aside.new_name = name;
    code = rename_free(&aside, call, err);
    if (code == 0) {
        struct node *old = r->target;

        r->target = NULL;
        code = rename_free(r, call, err);
        r->target = old;
        if (code < 0) {
            struct call undo = call_to_undo();

            aside.new_name = r->new_name;
            (void)rename_free(&aside, &undo, NULL);
        }
    }
    if (code == 0) {
        code = delete_node(r->online, r->target, call, err);
    }
    free(name);
    return code;
}

/* With saves of both files paused; 1: the bytes are too many to be brought here. */
static int replace_paused(struct rename *r, struct body *body, struct body *other,
                          const struct call *call, struct error *err)
{
    struct bytes bytes = {.body = body};
    struct graph_item item = {0};
    uint64_t size = 0;
    int code = rename_in_journal(r, body, other, call, err);

    if (code <= 0) {
        return code;
    }
    code = gather(r, &bytes, &size, call, err);
    if (code == 0) {
        code = send_replace(r, &bytes, size, &item, call, err);
    }
    if (code == 0) {
        uploads_drop(body); /* the server has its bytes, and the target's are replaced */
        if (other) {
            uploads_drop(other);
        }
        code = replaced(r, body, &item, call, err);
    }
    graph_item_clear(&item);
    return code;
}

/* Always in the same order, so that two renames that cross each other do not wait for each other.
 */
static int pause_both(struct body *body, struct body *other, const struct call *call,
                      struct error *err)
{
    struct body *first = other && other < body ? other : body;
    struct body *second = first == body ? other : body;
    int code = body_pause_saves(first, call, err);

    if (code == 0 && second) {
        code = body_pause_saves(second, call, err);
        if (code < 0) {
            body_resume_saves(first);
        }
    }
    return code;
}

/* What others made of the target, and we show, may be replaced; but of its version only delta told
 * so far, which has no cTag. One that a program here has open binds it: that is a conflict. */
static int learn_version(struct rename *r, const struct call *call, struct error *err)
{
    bool is_heard = false;

    mutex_lock(&r->online->lock);
    is_heard = (r->target->flags & NODE_HEARD) && !r->target->body;
    mutex_unlock(&r->online->lock);
    return is_heard ? refresh_node(r->online, r->target, -1, NULL, call, err) : 0;
}

/* The target was made here and is not on the server yet: then there is no item to keep. */
static int drop_local_target(struct rename *r, const struct call *call, struct error *err)
{
    int code = delete_node(r->online, r->target, call, err);

    if (code == 0) {
        node_put(r->online, r->target);
        r->target = NULL;
        code = rename_free(r, call, err);
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
    int code = place_of(&folder, online, r->to, true, call, err);

    if (code == 0 && is_source_local) {
        mutex_lock(&online->lock);
        code = node_path(online, r->target, &path, err);
        mutex_unlock(&online->lock);
        to.drive_id = folder.drive_id;
        to.parent_id = folder.item_id;
        to.path = path;
        code = code < 0 ? code : uploads_redirect(body, &to, other, err);
    } else if (code == 0) {
        code = send_rename(r, r->new_name, &item, call, err);
        if (code == 0) {
            uploads_drop(other);
        }
    }
    if (code == 0) {
        mutex_lock(&online->lock);
        if (!(r->target->flags & NODE_GONE)) {
            r->target->body = NULL;
        }
        code = move_in_tree(r, is_source_local ? NULL : &item, err);
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

static int replace_file(struct rename *r, const struct call *call, struct error *err);

static int replace_local_target(struct rename *r, const struct call *call, struct error *err)
{
    struct online_vfs *online = r->online;
    struct body *body = body_borrow(online, r->node);
    struct body *other = body_borrow(online, r->target);
    bool is_source_local = false;
    bool is_still_local = true;
    int code = 1;

    if (other && uploads_has(other)) {
        code = body ? pause_both(body, other, call, err) : body_pause_saves(other, call, err);
        if (code == 0) {
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
        }
    }
    body_put(other);
    body_put(body);
    if (code != 1) {
        return code;
    }
    /* It may have arrived while we waited for it. */
    return is_still_local ? drop_local_target(r, call, err) : replace_file(r, call, err);
}

static int replace_file(struct rename *r, const struct call *call, struct error *err)
{
    struct online_vfs *online = r->online;
    struct body *body = NULL;
    struct body *other = NULL;
    bool is_local_target = false;
    int code = 0;

    /* What is sent must be the newest: the source's item goes away after it. */
    code = refresh_node(online, r->node, SOURCE_AGE_MS, NULL, call, err);
    if (code == 0) {
        code = learn_version(r, call, err);
    }
    if (code < 0) {
        return code;
    }
    mutex_lock(&online->lock);
    is_local_target = r->target->flags & NODE_LOCAL;
    if ((r->node->flags | r->target->flags) & NODE_GONE) {
        code = error_set(err, ERR_STALE, "the item is no longer there");
    } else if (!is_local_target) {
        code = body_get(online, &body, r->node, err);
    }
    mutex_unlock(&online->lock);
    if (code == 0 && is_local_target) {
        return replace_local_target(r, call, err);
    }
    if (!body) {
        return code;
    }
    other = body_borrow(online, r->target);
    code = pause_both(body, other, call, err);
    if (code == 0) {
        code = replace_paused(r, body, other, call, err);
        if (other && code == 0) {
            mutex_lock(&other->lock);
            other->is_removed = true; /* like an unlinked file: its handles go on, unsaved */
            mutex_unlock(&other->lock);
        }
        if (other) {
            body_resume_saves(other);
        }
        body_resume_saves(body);
    }
    body_put(other);
    body_put(body);
    return code == 1 ? replace_aside(r, call, err) : code;
}

/* --- deciding --- */

static bool is_below(struct online_vfs *online, struct node *node, const struct node *ancestor)
{
    while (node && node != ancestor) {
        node = tree_parent(online->tree, node);
    }
    return node != NULL;
}

static int check_rename(struct rename *r, struct error *err)
{
    struct online_vfs *online = r->online;
    int code = 0;

    mutex_lock(&online->lock);
    if (library_of(online, r->from) != library_of(online, r->to)) {
        code = error_set(err, ERR_CROSS_LIBRARY, "the target is in another library");
    } else if (is_below(online, r->to, r->node)) {
        code = error_set(err, ERR_INVALID, "'%.120s' cannot move into itself", node_name(r->node));
    } else {
        code = check_writable(online, r->to, err);
    }
    mutex_unlock(&online->lock);
    if (code == 0) {
        code = check_name(online, r->to, r->new_name, r->node->kind == VFS_FOLDER, err);
    }
    return code;
}

static int check_replace(struct rename *r, const struct call *call, struct error *err)
{
    struct online_vfs *online = r->online;
    int code = 0;

    if (r->flags & VFS_RENAME_NO_REPLACE) {
        return error_set(err, ERR_EXISTS, "'%.120s' is already there", r->new_name);
    }
    if (r->node->kind == VFS_FOLDER && r->target->kind != VFS_FOLDER) {
        return error_set(err, ERR_NOT_FOLDER, "'%.120s' is a file", r->new_name);
    }
    if (r->node->kind != VFS_FOLDER && r->target->kind == VFS_FOLDER) {
        return error_set(err, ERR_IS_FOLDER, "'%.120s' is a folder", r->new_name);
    }
    mutex_lock(&online->lock);
    code = check_writable(online, r->target, err);
    mutex_unlock(&online->lock);
    if (code == 0 && r->target->kind == VFS_FOLDER) {
        code = check_empty(online, r->target, call, err);
    }
    return code;
}

static int rename_found(struct rename *r, const struct call *call, struct error *err)
{
    int code = check_rename(r, err);

    if (code < 0) {
        return code;
    }
    code = lookup_child(r->online, &r->target, r->to, r->new_name, call, err);
    if (code == ERR_NOT_FOUND) {
        error_clear(err);
        return rename_free(r, call, err);
    }
    if (code < 0) {
        return code;
    }
    if (r->target == r->node) {
        return strcmp(node_name(r->node), r->new_name) == 0 ? 0 : rename_free(r, call, err);
    }
    code = check_replace(r, call, err);
    if (code == 0 && r->node->kind == VFS_FILE) {
        return replace_file(r, call, err);
    }
    if (code == 0) {
        code = delete_node(r->online, r->target, call, err);
    }
    return code < 0 ? code : rename_free(r, call, err);
}

int online_rename(struct vfs *vfs, uint64_t parent, const char *name, uint64_t new_parent,
                  const char *new_name, unsigned flags, const struct vfs_call *vfs_call,
                  struct error *err)
{
    struct online_vfs *online = online_of(vfs);
    struct call call = call_begin(vfs_call, CALL_SAVE);
    struct rename r = {.online = online, .new_name = new_name, .flags = flags};
    struct body *held = NULL;
    int code = change_begin(online, &r.from, &r.node, parent, name, &call, err);

    if (code == 0) {
        code = node_get(online, &r.to, new_parent, VFS_FOLDER, err);
    }
    if (code == 0) {
        code = settle_rename(online, r.from, r.node, r.to, new_name, flags, &held, &call, err);
    }
    if (code == 1) {
        code = rename_found(&r, &call, err);
    }
    settle_renamed(online, held, code);
    node_put(online, r.target);
    node_put(online, r.node);
    node_put(online, r.to);
    node_put(online, r.from);
    return code;
}
