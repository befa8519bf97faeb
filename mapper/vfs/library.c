/*
 * library.c - the libraries we carry: added without a request, verified by their first use.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "names.h"
#include "online.h"
#include "settle.h"
#include "uploads.h"

int64_t online_now(void)
{
    return clock_mono_ms(clock_system());
}

void place_clear(struct place *place)
{
    free(place->drive_id);
    free(place->item_id);
    *place = (struct place){0};
}

struct library *library_of(struct online_vfs *online, struct node *node)
{
    struct node *root = tree_root(online->tree, node);

    /* What is gone stands alone and may be a file. */
    return root->kind == VFS_FOLDER && root->folder ? root->folder->library : NULL;
}

int node_path(struct online_vfs *online, struct node *node, char **out, struct error *err)
{
    char *path = NULL;
    int code = str_copy(&path, "", err);

    while (code == 0 && node && node->parent) {
        char *longer = NULL;

        code = *path ? str_format(&longer, err, "%s/%s", node_name(node), path)
                     : str_copy(&longer, node_name(node), err);
        free(path);
        path = longer;
        node = tree_parent(online->tree, node);
    }
    if (code < 0) {
        free(path);
        return code;
    }
    *out = path;
    return 0;
}

/* The path after the host name, decoded, as the service counts it: "/sites/a/Shared Documents". */
static size_t path_units_of(const char *url, const char *folder_path)
{
    const char *host = url ? strstr(url, "://") : NULL;
    const char *path = host ? strchr(host + 3, '/') : NULL;
    char *decoded = NULL;
    size_t units = 0;

    if (path && str_percent_decode(&decoded, path, NULL) == 0) {
        units = name_units(decoded);
    } else if (path) {
        units = name_units(path);
    }
    free(decoded);
    return units + (folder_path ? 1 + name_units(folder_path) : 0);
}

static void library_free(struct library *library)
{
    if (!library) {
        return;
    }
    account_unref(library->account);
    free(library->key);
    free(library->site_id);
    free(library->list_id);
    free(library->url);
    free(library->folder_path);
    free(library->drive_id);
    free(library->root_item_id);
    free(library);
}

void libraries_free(struct online_vfs *online)
{
    feeds_free(online);
    while (online->libraries) {
        struct library *library = online->libraries;

        online->libraries = library->next;
        library_free(library);
    }
}

static int library_new(struct library **out, struct online_vfs *online,
                       const struct online_library *from, struct error *err)
{
    struct library *library = calloc(1, sizeof(*library));
    struct {
        char **to;
        const char *text;
    } texts[] = {{&library->key, from->key},
                 {&library->site_id, from->site_id},
                 {&library->list_id, from->list_id},
                 {&library->url, from->url},
                 {&library->drive_id, from->drive_id}};
    int code = 0;

    if (!library) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a library");
    }
    for (size_t i = 0; code == 0 && i < sizeof(texts) / sizeof(texts[0]); i++) {
        code = str_copy(texts[i].to, texts[i].text, err);
    }
    if (code == 0 && from->folder_path && *from->folder_path) {
        code = str_copy(&library->folder_path, from->folder_path, err);
    }
    if (code < 0) {
        library_free(library);
        return code;
    }
    library->online = online;
    library->account = account_ref(from->account);
    library->is_verified = from->is_verified;
    library->is_read_only = from->is_read_only;
    library->path_units = path_units_of(from->url, library->folder_path);
    *out = library;
    return 0;
}

/* Lock held. */
static struct library *find_library(struct online_vfs *online, const char *key)
{
    struct library *library = online->libraries;

    while (library && (library->is_removed || strcmp(library->key, key) != 0)) {
        library = library->next;
    }
    return library;
}

int online_vfs_add(struct online_vfs *online, uint64_t *root_id, const struct online_library *from,
                   struct error *err)
{
    struct library *library = NULL;
    struct library *found = NULL;
    int code = library_new(&library, online, from, err);

    if (code < 0) {
        return code;
    }
    mutex_lock(&online->lock);
    found = find_library(online, from->key);
    if (found) {
        found->is_read_only = from->is_read_only;
        *root_id = node_id(found->root);
    } else {
        code = tree_add_root(online->tree, &library->root, library, err);
        if (code == 0) {
            library->next = online->libraries;
            online->libraries = library;
            *root_id = node_id(library->root);
            uploads_attach(online->uploads, library);
            settle_attach(online, library);
            library = NULL;
        }
    }
    mutex_unlock(&online->lock);
    library_free(library);
    return code;
}

/* The struct stays until the vfs ends: open files and running calls point to it. */
void online_vfs_remove(struct online_vfs *online, uint64_t root_id)
{
    struct node *root = NULL;

    mutex_lock(&online->lock);
    root = root_id == VFS_ROOT ? NULL : tree_find(online->tree, root_id);
    if (root && root->kind == VFS_FOLDER && root->folder && root->folder->library &&
        !root->folder->library->is_removed) {
        root->folder->library->is_removed = true;
        library_leave_feed(root->folder->library);
        tree_remove(online->tree, root);
        tree_release(online->tree, root, 1);
    }
    mutex_unlock(&online->lock);
}

void online_vfs_on_verified(struct online_vfs *online, online_vfs_verified_fn verified,
                            void *payload)
{
    mutex_lock(&online->lock);
    online->verified = verified;
    online->verified_payload = payload;
    while (online->verified_running > 0) {
        cond_wait(&online->changed, &online->lock);
    }
    mutex_unlock(&online->lock);
}

/* --- the first use --- */

/* Asks the service; without the lock. */
static int ask_drive(struct library *library, char **drive_id, const struct call *call,
                     struct error *err)
{
    struct graph_drive drive = {0};
    int code = graph_verify_drive(&drive, library->account, library->drive_id, library->site_id,
                                  library->list_id, library->url, call, err);

    if (code == 0 && !drive.id) {
        code = error_set(err, ERR_PROTOCOL, "the answer for a library has no id");
    }
    if (code == 0) {
        *drive_id = drive.id;
        drive.id = NULL;
    }
    graph_drive_clear(&drive);
    return code;
}

static int ask_folder(struct library *library, char **item_id, const char *drive_id,
                      const struct call *call, struct error *err)
{
    struct graph_item item = {0};
    int code =
        graph_get_item_by_path(&item, library->account, drive_id, library->folder_path, call, err);

    if (code == 0 && (item.kind != GRAPH_FOLDER || !item.id)) {
        code = error_set(err, ERR_NOT_FOLDER, "'%.120s' is not a folder of the library",
                         library->folder_path);
    }
    if (code == 0) {
        *item_id = item.id;
        item.id = NULL;
    }
    graph_item_clear(&item);
    return code;
}

static bool is_prepared(const struct library *library)
{
    return library->is_verified && (!library->folder_path || library->root_item_id);
}

/* The part of library_prepare() that asks; without the lock, by one thread at a time. */
static int prepare_now(struct library *library, bool *was_verified, char **drive_id, char **item_id,
                       const struct call *call, struct error *err)
{
    int code = 0;

    if (!*was_verified) {
        code = ask_drive(library, drive_id, call, err);
    }
    if (code == 0 && library->folder_path) {
        code = ask_folder(library, item_id, *drive_id ? *drive_id : library->drive_id, call, err);
    }
    return code;
}

int library_prepare(struct library *library, const struct call *call, struct error *err)
{
    struct online_vfs *online = library->online;
    online_vfs_verified_fn verified = NULL;
    void *payload = NULL;
    char *drive_id = NULL;
    char *item_id = NULL;
    bool was_verified = false;
    int code = 0;

    mutex_lock(&online->lock);
    while (library->is_preparing && !is_prepared(library) && code == 0) {
        code = call_wait(call, &online->changed, &online->lock, err);
    }
    if (code < 0 || is_prepared(library)) {
        mutex_unlock(&online->lock);
        return code;
    }
    library->is_preparing = true;
    was_verified = library->is_verified;
    mutex_unlock(&online->lock);
    code = prepare_now(library, &was_verified, &drive_id, &item_id, call, err);
    mutex_lock(&online->lock);
    library->is_preparing = false;
    if (drive_id) {
        verified = online->verified;
        payload = online->verified_payload;
        online->verified_running += verified != NULL;
        library->is_verified = true;
        if (!library->drive_id || strcmp(library->drive_id, drive_id) != 0) {
            free(library->drive_id);
            library->drive_id = drive_id;
            drive_id = NULL;
        }
    }
    if (item_id) {
        free(library->root_item_id);
        library->root_item_id = item_id;
    }
    cond_broadcast(&online->changed);
    mutex_unlock(&online->lock);
    if (verified) {
        /* Written once, before is_verified: may be read without the lock from here on. */
        verified(payload, library->key, library->drive_id);
        mutex_lock(&online->lock);
        online->verified_running--;
        cond_broadcast(&online->changed);
        mutex_unlock(&online->lock);
    }
    free(drive_id);
    return code;
}

int library_root_id(char **out, struct library *library, const char *drive_id,
                    const struct call *call, struct error *err)
{
    struct graph_item item = {0};
    bool is_own = false;
    int code = 0;

    mutex_lock(&library->online->lock);
    is_own = !library->folder_path && str_equal(library->drive_id, drive_id);
    code = str_copy(out, is_own && library->root_item_id ? library->root_item_id : "", err);
    mutex_unlock(&library->online->lock);
    if (code < 0 || **out) {
        return code;
    }
    code = graph_get_item(&item, library->account, drive_id, NULL, call, err);
    if (code == 0 && !item.id) {
        code = error_set(err, ERR_PROTOCOL, "the root of the library has no id");
    }
    if (code == 0 && is_own) {
        mutex_lock(&library->online->lock);
        if (!library->root_item_id) {
            (void)str_copy(&library->root_item_id, item.id, NULL); /* else: asked for again */
        }
        mutex_unlock(&library->online->lock);
    }
    if (code == 0) {
        code = str_copy(out, item.id, err);
    }
    graph_item_clear(&item);
    return code;
}

int place_of(struct place *out, struct online_vfs *online, struct node *node, bool needs_id,
             const struct call *call, struct error *err)
{
    struct library *library = NULL;
    struct place place = {0};
    char *root_id = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    library = library_of(online, node);
    if ((node->flags & NODE_GONE) || !library || library->is_removed) {
        mutex_unlock(&online->lock);
        return error_set(err, ERR_STALE, "the item is no longer there");
    }
    mutex_unlock(&online->lock);
    code = library_prepare(library, call, err);
    if (code == 0 && needs_id && node == library->root && !library->folder_path) {
        code = library_root_id(&root_id, library, library->drive_id, call, err);
    }
    if (code < 0) {
        free(root_id);
        return code;
    }
    mutex_lock(&online->lock);
    place.library = library;
    place.account = library->account;
    place.asked_edit = tree_edits(online->tree);
    code = library_join_feed(library, err);
    if (code == 0) {
        code = str_copy(&place.drive_id, library->drive_id, err);
    }
    if (code == 0) {
        code = str_copy(&place.item_id,
                        root_id                 ? root_id
                        : node == library->root ? library->root_item_id
                                                : node_item_id(node),
                        err);
    }
    if (code == 0 && node != library->root && !*place.item_id) {
        code = error_set(err, ERR_BUSY, "'%.120s' is not on the server yet", node_name(node));
    }
    mutex_unlock(&online->lock);
    free(root_id);
    if (code < 0) {
        place_clear(&place);
        return code;
    }
    *out = place;
    return 0;
}
