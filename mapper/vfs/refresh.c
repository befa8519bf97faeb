/*
 * refresh.c - how old what is known of an item is, and asking for it by its id when that is too old.
 */
#include <stdlib.h>

#include "base/secret.h"
#include "base/str.h"
#include "link.h"
#include "online.h"

#define ASKS_MAX 5 /* for one item, while others change it */

#define FRESH_URL_MS 1000 /* the version is believed for an opening by it, as JUST_NOW_MS says */

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

/* --- download addresses of a moment ago; lock held --- */

void keep_url(struct online_vfs *online, const struct node *node, char **url)
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

void doubt_if_old(struct online_vfs *online, struct node *folder, struct node *node,
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
