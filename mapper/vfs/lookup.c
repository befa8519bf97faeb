/*
 * lookup.c - an item by its name in a folder: from memory while it is fresh, else asked for. By its id:
 * refresh.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "body.h"
#include "link.h"
#include "listing.h"
#include "local_only.h"
#include "online.h"
#include "settle.h"
#include "uploads.h"

/* So many single look-ups in a folder that was not listed cost more than listing it: one request of
 * 2 RU brings 1,000 entries, a single item costs 1 RU. */
#define MISSES_BEFORE_LISTING 3

int node_get(struct online_vfs *online, struct node **out, uint64_t id, int kind, struct error *err)
{
    struct node *node = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    node = tree_find(online->tree, id);
    if (!node || (node->flags & NODE_GONE)) {
        code = error_set(err, ERR_STALE, "the item is no longer there");
    } else if (kind == VFS_FOLDER && node->kind != VFS_FOLDER) {
        code = error_set(err, ERR_NOT_FOLDER, "'%.120s' is not a folder", node_name(node));
    } else if (kind == VFS_FILE && node->kind == VFS_FOLDER) {
        code = error_set(err, ERR_IS_FOLDER, "'%.120s' is a folder", node_name(node));
    } else {
        tree_hold(online->tree, node);
        *out = node;
    }
    mutex_unlock(&online->lock);
    return code;
}

void node_put(struct online_vfs *online, struct node *node)
{
    if (node) {
        mutex_lock(&online->lock);
        tree_release(online->tree, node, 1);
        mutex_unlock(&online->lock);
    }
}

void online_tell(struct online_vfs *online, uint64_t parent, const char *name, uint64_t id)
{
    vfs_changed_fn listener = NULL;
    void *payload = NULL;

    mutex_lock(&online->lock);
    listener = online->listener;
    payload = online->listener_payload;
    if (listener) {
        online->listener_running++;
    }
    mutex_unlock(&online->lock);
    if (listener) {
        listener(payload, parent, name, id);
        mutex_lock(&online->lock);
        online->listener_running--;
        cond_broadcast(&online->changed);
        mutex_unlock(&online->lock);
    }
}

/* --- names that were not there a moment ago; lock held --- */

static bool is_negative(const struct online_vfs *online, const struct node *folder,
                        const char *name)
{
    uint64_t hash = str_hash_nocase(name);
    int64_t since_ms = online_now() - NEGATIVE_MS;

    for (size_t i = 0; i < NEGATIVES; i++) {
        const struct negative *negative = &online->negatives[i];

        if (negative->name_hash == hash && negative->folder == node_id(folder) &&
            negative->at_ms > since_ms) {
            return online->options.metadata_ms >= NEGATIVE_MS;
        }
    }
    return false;
}

static void add_negative(struct online_vfs *online, const struct node *folder, const char *name)
{
    online->negatives[online->next_negative++ % NEGATIVES] =
        (struct negative){node_id(folder), str_hash_nocase(name), online_now()};
}

void forget_negatives(struct online_vfs *online, const struct node *folder)
{
    for (size_t i = 0; i < NEGATIVES; i++) {
        if (online->negatives[i].folder == node_id(folder)) {
            online->negatives[i] = (struct negative){0};
        }
    }
}

/* --- asking --- */

uint64_t ask_key(const char *what, uint64_t of, const char *detail)
{
    uint64_t key = str_hash(what) * 31 + of;

    return key * UINT64_C(0x9e3779b97f4a7c15) ^ str_hash(detail ? detail : "");
}

void ask_begin(struct online_vfs *online, struct ask *ask, uint64_t key)
{
    uint32_t needed = 0;

    ask->key = key;
    ask->began = tree_edits(online->tree);
    ask->edit = ask->began;
    for (const struct ask *other = online->asks; other; other = other->next) {
        if (key && other->key == key && other->began < ask->edit) {
            ask->edit = other->began;
        }
    }
    ask->next = online->asks;
    online->asks = ask;
    needed = ask->edit;
    for (const struct ask *other = ask->next; other; other = other->next) {
        needed = other->edit < needed ? other->edit : needed;
    }
    /* Not when a question ends: its answer goes into the tree after. */
    tree_need_edits(online->tree, needed);
}

void ask_end(struct online_vfs *online, struct ask *ask)
{
    struct ask **at = &online->asks;

    while (*at != ask) {
        at = &(*at)->next;
    }
    *at = ask->next;
}

static int ask_name(struct graph_item *item, const struct place *place, const char *name,
                    const struct call *call, struct error *err)
{
    return place->item_id
               ? graph_get_child(item, place->account, place->drive_id, place->item_id, name, call,
                                 err)
               : graph_get_item_by_path(item, place->account, place->drive_id, name, call, err);
}

/* By the name that we show: of a notebook that is not quite its own. */
static int ask_shown_name(struct graph_item *item, const struct place *place, const char *name,
                          const struct call *call, struct error *err)
{
    struct error error = {0};
    char *target = NULL;
    int code = ask_name(item, place, name, call, &error);

    if (code == ERR_NOT_FOUND && link_target_name(&target, name, NULL) == 0 && target) {
        code = ask_name(item, place, target, call, &error);
        if (code == 0 && !link_is(item)) {
            graph_item_clear(item);
            code = error_set(&error, ERR_NOT_FOUND, "there is no '%.120s'", name);
        }
    }
    if (code == 0) {
        code = link_adapt(item, &error);
    }
    if (code < 0 && err) {
        *err = error;
    }
    free(target);
    return code;
}

/* Asks for one child and puts the answer into the tree; *out held. Without the lock. */
static int ask_child(struct online_vfs *online, struct node **out, struct node *folder,
                     const char *name, const struct call *call, struct error *err)
{
    struct place place = {0};
    struct graph_item item = {0};
    struct node *known = NULL;
    struct ask ask = {0};
    int code = place_of(&place, online, folder, false, call, err);

    if (code < 0) {
        return code;
    }
    mutex_lock(&online->lock);
    ask_begin(online, &ask, ask_key("child", str_hash(node_item_id(folder)), name));
    mutex_unlock(&online->lock);
    code = ask_shown_name(&item, &place, name, call, err);
    mutex_lock(&online->lock);
    ask_end(online, &ask);
    known = tree_child(online->tree, folder, name);
    if (code == ERR_NOT_FOUND && known && !(known->flags & NODE_LOCAL) && known->edit <= ask.edit &&
        !settle_of(online, known)) {
        tree_remove(online->tree, known);
        known = NULL;
        doubt_if_old(online, folder, NULL, ask.edit);
    }
    if (code == 0 && (folder->flags & NODE_GONE)) {
        code = error_set(err, ERR_STALE, "the folder is no longer there");
    }
    if (code == 0) {
        code = tree_apply_item(online, &known, folder, &item, ask.edit, err);
        doubt_if_old(online, folder, known, ask.edit);
    }
    if (code == 0 && known) { /* making room for what is shown may drop what nobody holds */
        tree_hold(online->tree, known);
        uploads_show(online, folder);
        tree_release(online->tree, known, 1);
    }
    if (code == ERR_NOT_FOUND && known) {
        code = 0; /* made here meanwhile */
    }
    if (code == 0 && (!known || !str_equal_nocase(node_name(known), name))) {
        code = error_set(err, ERR_NOT_FOUND, "there is no '%.120s'", name);
    }
    if (code == ERR_NOT_FOUND) {
        add_negative(online, folder, name);
    }
    if (code == 0) {
        *out = known;
        tree_hold(online->tree, known);
        if (item.download_url && item.id && strcmp(item.id, node_item_id(known)) == 0) {
            keep_url(online, known, &item.download_url);
        }
    }
    mutex_unlock(&online->lock);
    graph_item_clear(&item);
    place_clear(&place);
    return code;
}

/* A program's own file of a name that the service refuses: it has none. Lock held. */
static bool is_unknown_there(const struct online_vfs *online, const char *name)
{
    return local_only_matches(online, name) && vfs_check_name(name, NULL) < 0;
}

/* From memory, if memory knows; lock held. 1: it does not. `is_followed`: the changes until now are
 * in it. */
static int remembered_child(struct online_vfs *online, struct node **out, struct node *folder,
                            const char *name, bool is_followed, struct error *err)
{
    struct node *node = NULL;
    bool is_open = false;
    bool is_known = false;

    uploads_show(online, folder); /* first: making room for it may drop what was known */
    is_known =
        folder_is_fresh(online, folder) || (is_followed && folder_is_covered(online, folder));
    node = tree_child(online->tree, folder, name);
    is_open = node && node->kind == VFS_FILE && node->body;
    if (node && (is_known || is_open || node_is_fresh(online, node) ||
                 (is_followed && node_is_covered(online, node)))) {
        tree_hold(online->tree, node);
        *out = node;
        return 0;
    }
    if (!node && (is_known || is_negative(online, folder, name) ||
                  settle_keeps_place(online, folder, name) || is_unknown_there(online, name))) {
        return error_set(err, ERR_NOT_FOUND, "there is no '%.120s'", name);
    }
    return 1;
}

/* Counts a single look-up that goes to the server; true: a listing is cheaper now. Lock held. */
static bool count_miss(struct node *folder)
{
    struct folder *part = tree_folder(folder);

    if (!part || ++part->misses <= MISSES_BEFORE_LISTING) {
        return false;
    }
    part->misses = 0;
    return true;
}

/* Whether asking for the changes of the library would tell; lock held. */
static bool would_changes_tell(struct online_vfs *online, struct node *folder, const char *name)
{
    struct node *node = tree_child(online->tree, folder, name);

    return folder_is_covered(online, folder) || (node && node_is_covered(online, node));
}

/* What is known by now, or by the changes since. 1: neither knows. */
static int known_child(struct online_vfs *online, struct node **out, struct node *folder,
                       const char *name, bool *is_listing_cheaper, const struct call *call,
                       struct error *err)
{
    struct library *library = NULL;
    int64_t since_ms = 0;
    bool asks_changes = false;
    int code = 0;

    mutex_lock(&online->lock);
    library = library_of(online, folder);
    since_ms = online_now() - online->options.metadata_ms;
    if (folder->flags & NODE_GONE) {
        code = error_set(err, ERR_STALE, "the folder is no longer there");
    } else if (!library) {
        code = error_set(err, ERR_NOT_FOUND, "there is no '%.120s'", name);
    } else {
        library_touch(library);
        code = remembered_child(online, out, folder, name, false, err);
        asks_changes = code == 1 && would_changes_tell(online, folder, name);
    }
    if (asks_changes) {
        mutex_unlock(&online->lock);
        code = follow_update(library, since_ms, call, err);
        mutex_lock(&online->lock);
        code = code < 0 ? code : remembered_child(online, out, folder, name, code == 1, err);
    }
    *is_listing_cheaper = code == 1 && count_miss(folder);
    mutex_unlock(&online->lock);
    return code;
}

int lookup_child(struct online_vfs *online, struct node **out, struct node *folder,
                 const char *name, const struct call *call, struct error *err)
{
    bool is_listing_cheaper = false;
    int code = known_child(online, out, folder, name, &is_listing_cheaper, call, err);

    if (code <= 0) {
        return code;
    }
    if (is_listing_cheaper) {
        code = listing_run_all(online, folder, call, err);
        if (code < 0) {
            return code;
        }
        mutex_lock(&online->lock);
        code = remembered_child(online, out, folder, name, false, err);
        mutex_unlock(&online->lock);
    }
    return code == 1 ? ask_child(online, out, folder, name, call, err) : code;
}

/* --- slots --- */

void node_attr(struct online_vfs *online, const struct node *node, struct vfs_attr *out)
{
    const struct online_vfs_options *options = &online->options;

    *out = (struct vfs_attr){.id = node_id(node),
                             .kind = node->kind,
                             .size_bytes = node->size_bytes,
                             .modified_ms = node->modified_ms,
                             .created_ms = node->created_ms};
    out->is_read_only = check_writable(online, node, NULL) < 0;
    if (node->kind == VFS_FILE) {
        out->is_blocked = options->blocked_above && node->size_bytes > options->blocked_above;
        if (node->body) {
            body_attr(node->body, out);
        } else {
            out->version = version_of(online, node, NULL);
        }
    }
}

int online_lookup(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
                  const struct vfs_call *vfs_call, struct error *err)
{
    struct online_vfs *online = online_of(vfs);
    struct call call = call_begin(vfs_call, CALL_LISTING);
    struct node *folder = NULL;
    struct node *node = NULL;
    int code = node_get(online, &folder, parent, VFS_FOLDER, err);

    if (code < 0) {
        return code;
    }
    code = call_check(&call, err);
    if (code == 0) {
        code = lookup_child(online, &node, folder, name, &call, err);
    }
    if (code == 0) {
        mutex_lock(&online->lock);
        node_attr(online, node, out); /* the hold goes to the caller */
        mutex_unlock(&online->lock);
    }
    node_put(online, folder);
    return code;
}

void online_forget(struct vfs *vfs, uint64_t id, uint64_t count)
{
    struct online_vfs *online = online_of(vfs);
    struct node *node = NULL;

    if (count == 0 || id == VFS_ROOT) {
        return;
    }
    mutex_lock(&online->lock);
    node = tree_find_exact(online->tree, id);
    if (node) {
        tree_release(online->tree, node, count < node->holds ? count : node->holds);
    }
    mutex_unlock(&online->lock);
}

int online_getattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                   const struct vfs_call *vfs_call, struct error *err)
{
    struct online_vfs *online = online_of(vfs);
    struct call call = call_begin(vfs_call, CALL_LISTING);
    struct node *node = NULL;
    struct node *folder = NULL;
    bool asks = false;
    int code = 0;

    if (file) {
        mutex_lock(&online->lock);
        node = file->body->node;
        node_attr(online, node, out);
        out->id = id;
        body_attr(file->body, out);
        mutex_unlock(&online->lock);
        return 0;
    }
    code = node_get(online, &node, id, -1, err);
    if (code < 0) {
        return code;
    }
    mutex_lock(&online->lock);
    /* Folders answer from memory: nothing of theirs that we show changes, and a look at the roots
     * of 300 libraries must not make 300 requests. */
    asks = node->kind == VFS_FILE && !node->body && !node_is_fresh(online, node) &&
           !folder_is_fresh(online, tree_parent(online->tree, node));
    if (asks && !node_is_covered(online, node)) {
        folder = tree_parent(online->tree, node);
        folder = folder_is_covered(online, folder) || count_miss(folder) ? folder : NULL;
    }
    if (folder) {
        tree_hold(online->tree, folder);
    }
    mutex_unlock(&online->lock);
    if (folder) {
        code = listing_run_all(online, folder, &call, err);
        node_put(online, folder);
        asks = false;
    }
    if (asks && code == 0) {
        code = refresh_node(online, node, -1, NULL, &call, err);
    }
    if (code == 0) {
        mutex_lock(&online->lock);
        if (node->flags & NODE_GONE) {
            code = error_set(err, ERR_STALE, "the item is no longer there");
        } else {
            node_attr(online, node, out);
        }
        mutex_unlock(&online->lock);
    }
    node_put(online, node);
    return code;
}
