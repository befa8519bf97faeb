/*
 * lookup.c - one item: from memory while it is fresh, else asked for; and how the service's word
 * reaches the tree.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "link.h"
#include "local_only.h"
#include "online.h"
#include "settle.h"
#include "uploads.h"

/* So many single look-ups in a folder that was not listed cost more than listing it: one request of
 * 2 RU brings 1,000 entries, a single item costs 1 RU. */
#define MISSES_BEFORE_LISTING 3

#define ASKS_MAX 5 /* for one item, while others change it */

#define FRESH_URL_MS 1000 /* the version is believed for an opening by it, as JUST_NOW_MS says */

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

/* --- freshness; lock held --- */

void node_confirm(struct online_vfs *online, struct node *node)
{
    node->checked_s = (uint32_t)((online_now() - online->started_ms) / 1000);
}

static bool is_younger(const struct online_vfs *online, const struct node *node, int64_t age_ms)
{
    int64_t checked_ms = online->started_ms + (int64_t)node->checked_s * 1000;

    return online_now() - checked_ms < age_ms;
}

/* ... or the changes that came later would have told. */
static bool is_followed_lately(struct online_vfs *online, struct node *node, int64_t age_ms)
{
    return node_is_covered(online, node) &&
           library_is_followed_since(library_of(online, node), online_now() - age_ms);
}

bool node_is_fresh(struct online_vfs *online, struct node *node)
{
    int64_t age_ms = online->options.metadata_ms;

    return (node->flags & NODE_LOCAL) || is_younger(online, node, age_ms) ||
           is_followed_lately(online, node, age_ms);
}

bool folder_is_fresh(struct online_vfs *online, struct node *node)
{
    int64_t since_ms = online_now() - online->options.metadata_ms;

    return node->folder && node->folder->is_complete &&
           (node->folder->complete_ms > since_ms ||
            (folder_is_covered(online, node) &&
             library_is_followed_since(library_of(online, node), since_ms)));
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

/* --- download addresses of a moment ago; lock held --- */

static void keep_url(struct online_vfs *online, const struct node *node, char **url)
{
    struct fresh_url *fresh = &online->urls[online->next_url++ % FRESH_URLS];

    secret_free(&fresh->url);
    *fresh =
        (struct fresh_url){node_id(node), str_hash_nocase(node_version(node)), online_now(), *url};
    *url = NULL;
}

/* Of the version that is known; NULL when there is none. */
static char *take_url(struct online_vfs *online, const struct node *node)
{
    uint64_t version_hash = str_hash_nocase(node_version(node));
    int64_t since_ms = online_now() - FRESH_URL_MS;
    char *url = NULL;

    for (size_t i = 0; i < FRESH_URLS && !url; i++) {
        struct fresh_url *fresh = &online->urls[i];

        if (fresh->node == node_id(node) && fresh->version_hash == version_hash &&
            fresh->at_ms > since_ms) {
            url = fresh->url;
            *fresh = (struct fresh_url){0};
        }
    }
    return url;
}

void forget_urls(struct online_vfs *online)
{
    for (size_t i = 0; i < FRESH_URLS; i++) {
        secret_free(&online->urls[i].url);
        online->urls[i] = (struct fresh_url){0};
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

/* The answer may be older than the token of the stream: what changed between the two nobody tells. */
static void doubt_if_old(struct online_vfs *online, struct node *folder, struct node *node,
                         uint32_t asked_edit)
{
    const struct library *library = library_of(online, folder);

    if (library && asked_edit < library_epoch_edit(library)) {
        folder_doubt(folder);
        if (node) {
            node_doubt(online, node);
        }
    }
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
        code = tree_apply_item(online, out, folder, &item, ask.edit, err);
        known = *out;
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
    bool is_known =
        folder_is_fresh(online, folder) || (is_followed && folder_is_covered(online, folder));

    uploads_show(online, folder);
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

/* Whether what is known of a node is new enough to be used. What only delta told of a file is not:
 * its version is not known. Lock held. */
static bool is_usable(struct online_vfs *online, struct node *node, int64_t max_age_ms)
{
    return (node->flags & NODE_LOCAL) ||
           (!(node->flags & NODE_HEARD) &&
            (is_younger(online, node, max_age_ms) || is_followed_lately(online, node, max_age_ms)));
}

/* Where all that is known is as old as this node, one request for changes tells of all of it. */
static int follow_node(struct online_vfs *online, struct node *node, int64_t max_age_ms,
                       bool *is_fresh, const struct call *call, struct error *err)
{
    struct library *library = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    library = library_of(online, node);
    *is_fresh = is_usable(online, node, max_age_ms);
    if (library) {
        library_touch(library);
    }
    if (*is_fresh || !library || max_age_ms < online->options.metadata_ms ||
        (node->flags & NODE_HEARD) || !node_is_covered(online, node)) {
        mutex_unlock(&online->lock);
        return 0;
    }
    mutex_unlock(&online->lock);
    code = follow_update(library, online_now() - max_age_ms, call, err);
    if (code == 1) {
        mutex_lock(&online->lock);
        *is_fresh = !(node->flags & (NODE_HEARD | NODE_GONE));
        mutex_unlock(&online->lock);
    }
    return code < 0 ? code : 0;
}

/* Somebody may have moved it into a folder that we know, or out of our sight. */
static struct node *folder_now(struct online_vfs *online, struct node *node,
                               const struct graph_item *item)
{
    struct node *there =
        item->parent_id ? tree_item(online->tree, tree_root(online->tree, node), item->parent_id)
                        : NULL;

    return there && there->kind == VFS_FOLDER ? there : tree_parent(online->tree, node);
}

/* Asks for the item. *url gets a download URL that came along. Without the lock. */
static int ask_node(struct online_vfs *online, struct node *node, char **url,
                    const struct call *call, struct error *err)
{
    struct place place = {0};
    struct graph_item item = {0};
    struct node *applied = NULL;
    struct ask ask = {0};
    bool is_there = false;
    int code = 0;

    mutex_lock(&online->lock);
    ask_begin(online, &ask, ask_key("item", 0, node_item_id(node)));
    mutex_unlock(&online->lock);
    code = place_of(&place, online, node, false, call, err);
    if (code == 0) {
        code = graph_get_item(&item, place.account, place.drive_id, place.item_id, call, err);
    }
    if (code == 0) {
        code = link_adapt(&item, err);
    }
    mutex_lock(&online->lock);
    ask_end(online, &ask);
    is_there = tree_parent(online->tree, node) != NULL;
    if (code == ERR_NOT_FOUND && node->edit <= ask.edit && is_there) {
        struct node *folder = tree_parent(online->tree, node);

        tree_remove(online->tree, node);
        doubt_if_old(online, folder, NULL, ask.edit);
        code = error_set(err, ERR_STALE, "the item is no longer there");
    }
    if (code == 0 && is_there) {
        struct node *folder = folder_now(online, node, &item);

        code = tree_apply_item(online, &applied, folder, &item, ask.edit, err);
        doubt_if_old(online, folder, applied, ask.edit);
    }
    if (code == 0 && (node->flags & NODE_GONE)) {
        code = error_set(err, ERR_STALE, "the item is no longer there");
    }
    mutex_unlock(&online->lock);
    if (code == 0) {
        secret_free(url);
        *url = item.download_url;
        item.download_url = NULL;
    }
    graph_item_clear(&item);
    place_clear(&place);
    return code;
}

/* What only delta told of: size and version are not of one answer. */
static bool is_heard(struct online_vfs *online, const struct node *node)
{
    bool is_so = false;

    mutex_lock(&online->lock);
    is_so = (node->flags & (NODE_HEARD | NODE_GONE)) == NODE_HEARD;
    mutex_unlock(&online->lock);
    return is_so;
}

int refresh_node(struct online_vfs *online, struct node *node, int64_t max_age_ms, char **url,
                 const struct call *call, struct error *err)
{
    bool is_fresh = false;
    char *found = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    max_age_ms = max_age_ms < 0 ? online->options.metadata_ms : max_age_ms;
    mutex_unlock(&online->lock);
    code = follow_node(online, node, max_age_ms, &is_fresh, call, err);
    if (code == 0 && is_fresh) {
        mutex_lock(&online->lock);
        found = url ? take_url(online, node) : NULL;
        mutex_unlock(&online->lock);
    }
    /* An answer that crossed a change is not taken: the next one is of after it. */
    for (int tries = 0; code == 0 && !is_fresh && tries < ASKS_MAX; tries++) {
        code = ask_node(online, node, &found, call, err);
        is_fresh = code == 0 && !is_heard(online, node);
    }
    if (code == 0 && url && found) {
        secret_free(url);
        *url = found;
        found = NULL;
    }
    secret_free(&found);
    return code;
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
