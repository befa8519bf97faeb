/*
 * change.c - attributes, new folders, deletes. Each is one request, and the tree is brought up to
 * date from its answer.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "body.h"
#include "listing.h"
#include "local_only.h"
#include "online.h"
#include "save.h"
#include "settle.h"
#include "uploads.h"

#define KEEP_READABLE (64u * 1024 * 1024) /* an open file that is deleted is fetched up to here */

int change_begin(struct online_vfs *online, struct node **folder, struct node **node,
                 uint64_t parent, const char *name, const struct call *call, struct error *err)
{
    int code = node_get(online, folder, parent, VFS_FOLDER, err);

    if (code < 0) {
        return code;
    }
    code = lookup_child(online, node, *folder, name, call, err);
    if (code == 0) {
        mutex_lock(&online->lock);
        code = check_changeable(online, *folder, err);
        if (code == 0) {
            code = check_changeable(online, *node, err);
        }
        mutex_unlock(&online->lock);
    }
    return code;
}

/* --- the open file of what is changed --- */

bool body_has_left(struct body *body, const struct node *node)
{
    bool has_left = false;

    mutex_lock(&body->online->lock);
    has_left = body->node != node;
    mutex_unlock(&body->online->lock);
    return has_left;
}

int body_borrow_paused(struct online_vfs *online, struct body **out, struct node *node,
                       const struct call *call, struct error *err)
{
    struct body *body = NULL;
    int code = 0;

    while (code == 0 && (body = body_borrow(online, node)) != NULL) {
        code = body_pause_saves(body, call, err);
        if (code == 0 && !body_has_left(body, node)) {
            break;
        }
        if (code == 0) {
            body_resume_saves(body);
        }
        body_put(body);
        body = NULL;
    }
    *out = body;
    return code;
}

/* --- attributes --- */

/* Lock held. */
static bool has_times(const struct node *node, const struct vfs_set *set)
{
    return (!(set->flags & VFS_SET_MODIFIED) || node->modified_ms == set->modified_ms) &&
           (!(set->flags & VFS_SET_CREATED) || node->created_ms == set->created_ms);
}

/* Times of a file that is as the server has it: one PATCH. */
static int send_times(struct online_vfs *online, struct node *node, const struct vfs_set *set,
                      const struct call *call, struct error *err)
{
    struct graph_update update = {
        .modified_ms = set->flags & VFS_SET_MODIFIED ? set->modified_ms : -1,
        .created_ms = set->flags & VFS_SET_CREATED ? set->created_ms : -1,
    };
    struct graph_item item = {0};
    struct place place = {0};
    bool is_so = false;
    int code = 0;

    mutex_lock(&online->lock);
    is_so = has_times(node, set);
    mutex_unlock(&online->lock);
    if (is_so) { /* a copy that sets them twice would make a version of nothing */
        return 0;
    }
    code = place_of(&place, online, node, true, call, err);
    if (code == 0) {
        code = graph_update_item(&item, place.account, place.drive_id, place.item_id, &update, call,
                                 err);
    }
    mutex_lock(&online->lock);
    note_denied(online, node, code);
    if (code == 0 && !(node->flags & NODE_GONE)) {
        code = tree_apply_own(online, node, &item, place.asked_edit, err);
    }
    mutex_unlock(&online->lock);
    graph_item_clear(&item);
    place_clear(&place);
    return code;
}

/* Into the draft or its upload, when there is one that will be saved: true. */
static bool keep_times(struct body *body, const struct vfs_set *set)
{
    bool is_kept = false;

    bool is_pending =
        uploads_take_times(body, set->flags & VFS_SET_MODIFIED ? set->modified_ms : -1,
                           set->flags & VFS_SET_CREATED ? set->created_ms : -1);

    mutex_lock(&body->lock);
    is_kept = body->is_dirty || body->is_local_only || is_pending;
    if (is_kept && (set->flags & VFS_SET_MODIFIED)) {
        body->modified_ms = set->modified_ms;
    }
    if (is_kept && (set->flags & VFS_SET_CREATED)) {
        body->created_ms = set->created_ms;
    }
    mutex_unlock(&body->lock);
    return is_kept;
}

/* The node of an open file, held. */
static struct node *hold_node(struct body *body)
{
    struct node *node = NULL;

    mutex_lock(&body->online->lock);
    node = body->node;
    tree_hold(body->online->tree, node);
    mutex_unlock(&body->online->lock);
    return node;
}

/* ... of an open file that has nothing to save. Its saves are paused. */
static int send_body_times(struct body *body, const struct vfs_set *set, const struct call *call,
                           struct error *err)
{
    struct online_vfs *online = body->online;
    struct node *node = hold_node(body);
    int code = send_times(online, node, set, call, err);

    mutex_lock(&online->lock);
    mutex_lock(&body->lock);
    /* Where the service has eTags only, new times are a new version of the same content. */
    if (code == 0 && body->version && !*node_ctag(node) && !(node->flags & NODE_GONE)) {
        (void)str_copy(&body->version, node_version(node), NULL);
    }
    mutex_unlock(&body->lock);
    mutex_unlock(&online->lock);
    node_put(online, node);
    return code;
}

/* Times belong to the content: they go where the body is once its save, which may become a conflict
 * copy, is over. */
static int set_times(struct body *body, const struct vfs_set *set, const struct call *call,
                     struct error *err)
{
    int code = body_pause_saves(body, call, err);

    if (code == 0) {
        code = keep_times(body, set) ? 0 : send_body_times(body, set, call, err);
        body_resume_saves(body);
    }
    return code;
}

/* It has the size, and nobody can say whether on the server, too. */
static bool has_failed(struct body *body)
{
    bool is_so = false;

    mutex_lock(&body->lock);
    is_so = body->is_dirty && body->has_failed;
    mutex_unlock(&body->lock);
    return is_so;
}

/* A new size without an open file: opened, cut or grown, saved. */
static int set_size(struct online_vfs *online, uint64_t id, uint64_t size,
                    const struct vfs_call *vfs_call, const struct call *call, struct error *err)
{
    struct vfs_file *file = NULL;
    int code = online_open(&online->base, &file, id, VFS_WRITE, vfs_call, err);

    if (code < 0) {
        return code;
    }
    if (body_size(file->body) != size) {
        code = body_resize(file->body, size, call, err);
        if (code == 0) {
            code = save_body(file->body, call, err);
        }
    } else if (has_failed(file->body)) {
        code = save_body(file->body, call, err); /* set again, as that was refused the first time */
    }
    online_close(&online->base, file);
    return code;
}

static int set_file(struct online_vfs *online, struct node *node, struct vfs_file *file,
                    const struct vfs_set *set, const struct vfs_call *vfs_call,
                    const struct call *call, struct error *err)
{
    struct body *body = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    code = file ? 0 : check_writable(online, node, err);
    mutex_unlock(&online->lock);
    if (code == 0 && (set->flags & VFS_SET_SIZE)) {
        if (!file) {
            code = set_size(online, node_id(node), set->size_bytes, vfs_call, call, err);
        } else if (!(file->flags & VFS_WRITE)) {
            code = error_set(err, ERR_INVALID, "the file is not open for writing");
        } else {
            code = body_resize(file->body, set->size_bytes, call, err);
        }
    }
    if (code == 0 && (set->flags & (VFS_SET_MODIFIED | VFS_SET_CREATED))) {
        body = file ? NULL : body_borrow(online, node);
        code = file || body ? set_times(file ? file->body : body, set, call, err)
                            : send_times(online, node, set, call, err);
        body_put(body);
    }
    return code;
}

int online_setattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                   const struct vfs_set *set, const struct vfs_call *vfs_call, struct error *err)
{
    struct online_vfs *online = online_of(vfs);
    struct call call = call_begin(vfs_call, CALL_SAVE);
    struct node *node = NULL;
    int code = 0;

    if (file) {
        node = hold_node(file->body);
    } else {
        code = node_get(online, &node, id, set->flags & VFS_SET_SIZE ? VFS_FILE : -1, err);
    }
    /* Times of folders are the server's: what is in them moves them on anyway. */
    if (code == 0 && node->kind == VFS_FILE) {
        code = set_file(online, node, file, set, vfs_call, &call, err);
    }
    node_put(online, node);
    return code < 0 ? code : online_getattr(vfs, out, id, file, vfs_call, err);
}

/* --- folders --- */

/* We made it: it is empty, unless others were there before we knew of it. Lock held. */
static void show_empty(struct online_vfs *online, struct node *node, uint32_t asked_edit)
{
    const struct library *library = library_of(online, node);
    bool is_doubtful = may_have_missed(library, asked_edit) ||
                       tree_is_buried(online->tree, library->root, node_item_id(node), asked_edit);

    if (tree_folder(node)) {
        node->folder->is_complete = true;
        node->folder->epoch = is_doubtful ? 0 : library_epoch(library);
        node->folder->complete_ms = online_now();
    }
    if (is_doubtful) {
        node_doubt(online, node);
    }
}

/* The folder that the service made; *out held for the caller. */
static int add_folder(struct online_vfs *online, struct node **out, struct node *folder,
                      const struct graph_item *item, uint32_t asked_edit, struct error *err)
{
    struct node *node = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    if (folder->flags & NODE_GONE) {
        code = error_set(err, ERR_STALE, "the folder is no longer there");
    } else {
        /* UINT32_MAX: it is newer than anything that stands in its way. */
        code = tree_apply_item(online, &node, folder, item, UINT32_MAX, err);
    }
    if (code == 0 && (!node || node->kind != VFS_FOLDER)) {
        code = error_set(err, ERR_PROTOCOL, "the answer for a new folder is not a folder");
    }
    if (code == 0) {
        tree_edit(online->tree, node);
        forget_negatives(online, folder);
        listing_note_added(online, folder, node);
        tree_hold(online->tree, node);
        show_empty(online, node, asked_edit);
        *out = node;
    }
    mutex_unlock(&online->lock);
    return code;
}

static int mkdir_in(struct online_vfs *online, struct node **out, struct node *folder,
                    const char *name, const struct call *call, struct error *err)
{
    struct graph_item item = {0};
    struct place place = {0};
    int code = check_name(online, folder, name, true, err);

    if (code == 0) {
        mutex_lock(&online->lock);
        code = check_writable(online, folder, err);
        if (code == 0 && tree_child(online->tree, folder, name)) {
            code = error_set(err, ERR_EXISTS, "'%.120s' is already there", name);
        }
        mutex_unlock(&online->lock);
    }
    if (code == 0) {
        code = settle_clear_place(online, folder, name, call, err);
    }
    if (code == 0) {
        code = place_of(&place, online, folder, true, call, err);
    }
    if (code == 0) {
        code = graph_create_folder(&item, place.account, place.drive_id, place.item_id, name, call,
                                   err);
        mutex_lock(&online->lock);
        note_denied(online, folder, code);
        mutex_unlock(&online->lock);
    }
    if (code == 0) {
        code = add_folder(online, out, folder, &item, place.asked_edit, err);
    }
    graph_item_clear(&item);
    place_clear(&place);
    return code;
}

int online_mkdir(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
                 const struct vfs_call *vfs_call, struct error *err)
{
    struct online_vfs *online = online_of(vfs);
    struct call call = call_begin(vfs_call, CALL_SAVE);
    struct node *folder = NULL;
    struct node *node = NULL;
    int code = node_get(online, &folder, parent, VFS_FOLDER, err);

    if (code < 0) {
        return code;
    }
    code = mkdir_in(online, &node, folder, name, &call, err);
    if (code == 0) {
        mutex_lock(&online->lock);
        node_attr(online, node, out);
        mutex_unlock(&online->lock);
    }
    node_put(online, folder);
    return code;
}

/* --- deletes --- */

/* The server has it no more; neither has the tree. */
static void forget_node(struct online_vfs *online, struct node *node, struct body *body)
{
    struct node *folder = NULL;

    mutex_lock(&online->lock);
    folder = tree_parent(online->tree, node);
    if (folder) {
        node_drop_content(online, node);
        tree_bury(online->tree, tree_root(online->tree, node), node_item_id(node));
        if (node->kind == VFS_FILE) {
            node->body = NULL;
        }
        tree_remove(online->tree, node);
    }
    mutex_unlock(&online->lock);
    if (body) {
        mutex_lock(&body->lock);
        body->is_removed = true;
        mutex_unlock(&body->lock);
    }
}

/* Nothing keeps the body of a deleted file any more. */
static void let_go(struct online_vfs *online, struct body *body)
{
    bool was_kept = false;
    struct settling *waiting = NULL;

    mutex_lock(&online->lock);
    was_kept = local_only_leave(online, body);
    waiting = settle_forget_new(online, body);
    mutex_unlock(&online->lock);
    if (was_kept) {
        body_put(body);
    }
    settle_free(online, waiting);
    settle_drop_kept(body);
}

/* Whoever has the file open goes on reading it after it is gone from the server. */
static void fetch_for_readers(struct body *body, const struct call *call)
{
    struct content_source source = body_source(body);
    bool has_draft = false;

    mutex_lock(&body->lock);
    has_draft = body->spool != NULL;
    mutex_unlock(&body->lock);
    if (!has_draft && body->base && content_size(body->base) <= KEEP_READABLE) {
        (void)content_fetch_all(body->base, &source, call, NULL);
    }
}

static int delete_on_server(struct online_vfs *online, struct node *node, const struct call *call,
                            struct error *err)
{
    struct place place = {0};
    int code = place_of(&place, online, node, true, call, err);

    if (code == 0 && node->kind == VFS_FOLDER) {
        settle_folder_goes(online, node);
    }
    if (code == 0) {
        code = graph_delete_item(place.account, place.drive_id, place.item_id, call, err);
    }
    /* Somebody was faster: what was asked for is so. A refusal is not remembered: what may not
     * be deleted (a retention hold, a record) may be changed all the same. */
    if (code == ERR_NOT_FOUND || code == ERR_STALE) {
        error_clear(err);
        code = 0;
    }
    place_clear(&place);
    return code;
}

enum how {
    DELETE_NOW,
    DELETE_SETTLED, /* the server may be told later (settle.h) */
    DELETE_LOCAL    /* only what is not on the server; else 1 */
};

static int delete_here(struct online_vfs *online, struct node *node, enum how how,
                       const struct call *call, struct error *err)
{
    struct body *body = NULL;
    struct settling *settling = NULL;
    bool is_local = false;
    int code = body_borrow_paused(online, &body, node, call, err);

    if (code < 0) {
        return code;
    }
    mutex_lock(&online->lock);
    is_local = node->flags & NODE_LOCAL;
    mutex_unlock(&online->lock);
    if (is_local && body) {
        code = arrival_take_back(online, node, body, call, err);
    } else if (!is_local && how == DELETE_LOCAL) {
        code = 1;
    } else if (!is_local) {
        if (body) {
            fetch_for_readers(body, call);
        }
        code = 1;
        if (how == DELETE_SETTLED) {
            mutex_lock(&online->lock);
            code = node->flags & NODE_GONE ? 0 : settle_delete(online, &settling, node, err);
            mutex_unlock(&online->lock);
        }
        code = code == 1 ? delete_on_server(online, node, call, err) : code;
    }
    if (code == 0 && body && settling) {
        uploads_shelve(body, settling); /* it may be the middle of a save */
    } else if (code == 0 && body) {
        uploads_drop(body);
    }
    if (code == 0) {
        forget_node(online, node, body);
    }
    if (code == 0 && node->kind == VFS_FOLDER) {
        settle_folder_gone(online, node);
    }
    settle_written(online, settling);
    if (body) {
        body_resume_saves(body);
        if (code == 0) {
            let_go(online, body);
        }
    }
    body_put(body);
    return code;
}

int delete_node(struct online_vfs *online, struct node *node, const struct call *call,
                struct error *err)
{
    return delete_here(online, node, DELETE_NOW, call, err);
}

int delete_local(struct online_vfs *online, struct node *node, const struct call *call,
                 struct error *err)
{
    return delete_here(online, node, DELETE_LOCAL, call, err);
}

/* A delete that a program asked for: counts against MassDeleteThreshold. */
static int delete_counted(struct online_vfs *online, struct node *node, bool may_wait,
                          const struct call *call, struct error *err)
{
    uint32_t items = 0;
    int code = 0;

    mutex_lock(&online->lock);
    /* What only ever was here is nobody's loss. */
    items = node->flags & NODE_LOCAL ? 0 : tree_count_items(online->tree, node);
    mutex_unlock(&online->lock);
    code = guard_delete(online->guard, items, err);
    if (code < 0) {
        return code;
    }
    code = delete_here(online, node, may_wait ? DELETE_SETTLED : DELETE_NOW, call, err);
    if (code < 0) {
        guard_delete_failed(online->guard, items);
    }
    return code;
}

int online_unlink(struct vfs *vfs, uint64_t parent, const char *name,
                  const struct vfs_call *vfs_call, struct error *err)
{
    struct online_vfs *online = online_of(vfs);
    struct call call = call_begin(vfs_call, CALL_SAVE);
    struct node *folder = NULL;
    struct node *node = NULL;
    int code = change_begin(online, &folder, &node, parent, name, &call, err);

    if (code == 0 && node->kind == VFS_FOLDER) {
        code = error_set(err, ERR_IS_FOLDER, "'%.120s' is a folder", name);
    }
    if (code == 0) {
        code = delete_counted(online, node, true, &call, err);
    }
    node_put(online, node);
    node_put(online, folder);
    return code;
}

int check_empty(struct online_vfs *online, struct node *folder, const struct call *call,
                struct error *err)
{
    bool is_fresh = false;
    uint32_t count = 0;
    int code = 0;

    mutex_lock(&online->lock);
    is_fresh = folder_is_fresh(online, folder);
    mutex_unlock(&online->lock);
    if (!is_fresh) {
        code = listing_run_all(online, folder, call, err);
    }
    mutex_lock(&online->lock);
    count = folder->folder ? folder->folder->count : 0;
    mutex_unlock(&online->lock);
    if (code == 0 && count > 0) {
        code = error_set(err, ERR_NOT_EMPTY, "the folder is not empty");
    }
    return code;
}

int online_rmdir(struct vfs *vfs, uint64_t parent, const char *name,
                 const struct vfs_call *vfs_call, struct error *err)
{
    struct online_vfs *online = online_of(vfs);
    struct call call = call_begin(vfs_call, CALL_SAVE);
    struct node *folder = NULL;
    struct node *node = NULL;
    int code = change_begin(online, &folder, &node, parent, name, &call, err);

    if (code == 0 && node->kind != VFS_FOLDER) {
        code = error_set(err, ERR_NOT_FOLDER, "'%.120s' is not a folder", name);
    }
    if (code == 0) {
        code = check_empty(online, node, &call, err);
    }
    if (code == 0) {
        code = delete_counted(online, node, false, &call, err);
    }
    node_put(online, node);
    node_put(online, folder);
    return code;
}
