/*
 * rename.c - rename and move, to a name that is free; onto a file it is rename_replace.c's.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/str.h"
#include "body.h"
#include "listing.h"
#include "online.h"
#include "rename.h"
#include "settle.h"
#include "uploads.h"

#define UNDO_MS 30000

/* --- to a free name --- */

/* The node is gone: deleted meanwhile, or the changes told of the new name first, which a file of our
 * own had that the server did not know. What is there is asked for at the next look. */
static void show_renamed(struct rename *r, struct node *other, const struct graph_item *item)
{
    struct online_vfs *online = r->online;
    struct node *node = NULL;

    if (other) {
        tree_remove(online->tree, other);
    }
    forget_negatives(online, r->to);
    folder_doubt(r->to);
    if (tree_apply_item(online, &node, r->to, item, UINT32_MAX, NULL) == 0 && node) {
        tree_edit(online->tree, node);
        listing_note_added(online, r->to, node);
        node_doubt(online, node);
    }
}

int rename_in_tree(struct rename *r, const struct graph_item *item, struct error *err)
{
    struct online_vfs *online = r->online;
    struct node *other = tree_child(online->tree, r->to, r->new_name);
    int code = 0;

    if ((r->node->flags | r->to->flags) & NODE_GONE) {
        if (item && !(r->to->flags & NODE_GONE)) {
            show_renamed(r, other, item);
        }
        return 0;
    }
    if (tree_is_inside(online->tree, r->to, r->node)) { /* others turned them round since */
        folder_doubt(r->to);
        folder_doubt(tree_parent(online->tree, r->node));
        return 0;
    }
    if ((r->node->flags & NODE_HEARD) || (item && r->node->edit > r->asked_edit)) {
        folder_doubt(tree_parent(online->tree, r->node)); /* others may have moved it since */
    }
    code = tree_move(online->tree, r->node, r->to, r->new_name, err);
    if (code < 0) {
        return code;
    }
    if (other && other != r->node) { /* after it: the node may come out of it */
        folder_doubt(r->to);
        tree_remove(online->tree, other);
    }
    if (item) {
        code = tree_apply_own(online, r->node, item, r->asked_edit, err);
    }
    tree_edit(online->tree, r->node);
    forget_negatives(online, r->to);
    listing_note_added(online, r->to, r->node);
    return code;
}

int rename_on_server(struct rename *r, const char *name, struct graph_item *item,
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
        r->asked_edit = place.asked_edit;
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

int rename_aside_name(char **out, const char *name, struct error *err)
{
    unsigned char random[4] = {0};
    int code = secret_random(random, sizeof(random), err);

    return code < 0 ? code
                    : str_format(out, err, "%.200s.%02x%02x%02x%02x.tmp", name, random[0],
                                 random[1], random[2], random[3]);
}

struct call rename_call_to_undo(void)
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
    int code = rename_aside_name(&aside, r->new_name, err);

    if (code == 0) {
        mutex_lock(&r->online->lock);
        code = str_copy(&old_name, node_name(r->node), err);
        mutex_unlock(&r->online->lock);
    }
    if (code == 0) {
        code = rename_on_server(r, aside, item, call, err);
    }
    if (code == 0) {
        graph_item_clear(item);
        *item = (struct graph_item){0};
        code = rename_on_server(r, r->new_name, item, call, err);
        if (code < 0) {
            struct graph_item back = {0};
            struct call undo = rename_call_to_undo();

            (void)rename_on_server(r, old_name, &back, &undo, NULL);
            graph_item_clear(&back);
        }
    }
    free(old_name);
    free(aside);
    return code;
}

int rename_uploads(struct online_vfs *online, struct body *body, struct node *to,
                   const char *new_name, const struct call *call, struct error *err)
{
    struct place folder = {0};
    char *path = NULL;
    char *below = NULL;
    int code = 0;

    if (!body || !uploads_has(body)) {
        return 0;
    }
    code = place_of(&folder, online, to, false, call, err); /* there may be no line */
    if (code == 0) {
        mutex_lock(&online->lock);
        code = node_path(online, to, &path, err);
        mutex_unlock(&online->lock);
    }
    if (code == 0) {
        code = str_format(&below, err, "%s%s%s", path, *path ? "/" : "", new_name);
    }
    if (code == 0) {
        code = uploads_move(body, folder.item_id ? folder.item_id : "", new_name, below, err);
    }
    free(below);
    free(path);
    place_clear(&folder);
    return code;
}

int rename_to_free(struct rename *r, const struct call *call, struct error *err)
{
    struct online_vfs *online = r->online;
    struct body *body = NULL;
    struct graph_item item = {0};
    bool is_local = false;
    int code = body_borrow_paused(online, &body, r->node, call, err);

    if (code < 0) {
        return code;
    }
    mutex_lock(&online->lock);
    is_local = r->node->flags & NODE_LOCAL;
    mutex_unlock(&online->lock);
    if (is_local && body) {
        code = arrival_take_back(online, r->node, body, call, err);
    }
    if (is_local && code == 0) {
        code = rename_uploads(online, body, r->to, r->new_name, call, err);
    }
    mutex_lock(&online->lock);
    if (is_local && code == 0) {
        struct node *other = tree_child(online->tree, r->to, r->new_name);

        /* It gets there under its new name, unless that was taken since we looked. */
        code = other && other != r->node
                   ? error_set(err, ERR_EXISTS, "'%.120s' was made meanwhile", r->new_name)
                   : rename_in_tree(r, NULL, err);
    }
    mutex_unlock(&online->lock);
    if (!is_local) {
        code = rename_on_server(r, r->new_name, &item, call, err);
        if (code == ERR_EXISTS && r->target == r->node) {
            code = send_in_two_steps(r, &item, call, err);
        }
        if (code == 0) {
            /* Whatever the journal says: the upload finds its item by id, the path is for people. */
            (void)rename_uploads(online, body, r->to, r->new_name, call, NULL);
            mutex_lock(&online->lock);
            code = rename_in_tree(r, &item, err);
            mutex_unlock(&online->lock);
        }
    }
    if (body) {
        body_resume_saves(body);
    }
    body_put(body);
    graph_item_clear(&item);
    return code;
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

/* To the letter. */
static bool has_name(struct rename *r, const char *name)
{
    bool has = false;

    mutex_lock(&r->online->lock);
    has = strcmp(node_name(r->node), name) == 0;
    mutex_unlock(&r->online->lock);
    return has;
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
        return rename_to_free(r, call, err);
    }
    if (code < 0) {
        return code;
    }
    if (r->target == r->node) {
        return has_name(r, r->new_name) ? 0 : rename_to_free(r, call, err);
    }
    code = check_replace(r, call, err);
    if (code == 0 && r->node->kind == VFS_FILE) {
        return rename_replace(r, call, err);
    }
    if (code == 0) {
        code = delete_node(r->online, r->target, call, err);
    }
    return code < 0 ? code : rename_to_free(r, call, err);
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
