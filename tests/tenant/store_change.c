/* Changes to the items of a library: each leaves its mark for delta, raises the right counters, and
 * keeps the sizes of the folders above. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate.h"
#include "ids.h"
#include "store.h"

enum { VERSIONS_KEPT = 500 };

static int64_t drive_now(const struct drive *d)
{
    return world_now(d->tenant->world);
}

static void mark_changed(struct item *it)
{
    struct drive *d = it->drive;
    if (it->newer != NULL) {
        it->newer->older = it->older;
    }
    if (it->older != NULL) {
        it->older->newer = it->newer;
    }
    if (d->newest == it) {
        d->newest = it->older;
    }
    it->older = d->newest;
    it->newer = NULL;
    if (d->newest != NULL) {
        d->newest->newer = it;
    }
    d->newest = it;
    it->changed_seq = ++d->seq;
    it->changed_ms = world_now_ms(d->tenant->world);
    d->modified = it->changed_ms / 1000;
}

/* Bytes came or went below a folder. Its time moves, its eTag does not. */
static void add_size(struct item *folder, int64_t bytes)
{
    int64_t now = folder == NULL ? 0 : drive_now(folder->drive);
    for (; folder != NULL; folder = store_parent(folder)) {
        folder->size_delta += bytes;
        folder->modified = now;
    }
}

static void insert_child(struct item *parent, struct item *it)
{
    size_t at = 0;
    size_t high = parent->n_children;
    while (at < high) {
        size_t middle = at + (high - at) / 2;
        if (name_compare(parent->children[middle]->name, it->name) < 0) {
            at = middle + 1;
        } else {
            high = middle;
        }
    }
    if (parent->n_children == parent->cap_children) {
        parent->cap_children = parent->cap_children == 0 ? 8 : parent->cap_children * 2;
        parent->children = xrealloc(parent->children, parent->cap_children * sizeof(struct item *));
    }
    memmove(parent->children + at + 1, parent->children + at,
            (parent->n_children - at) * sizeof(struct item *));
    parent->children[at] = it;
    parent->n_children++;
    it->parent_serial = parent->serial;
}

/* Takes an item out of its folder's list; sizes are the caller's. */
static void detach(struct item *it)
{
    struct item *parent = store_parent(it);
    if (it->in_place) {
        it->in_place = false;
        parent->gen_removed++;
        return;
    }
    for (size_t i = 0; i < parent->n_children; i++) {
        if (parent->children[i] == it) {
            memmove(parent->children + i, parent->children + i + 1,
                    (parent->n_children - i - 1) * sizeof(struct item *));
            parent->n_children--;
            return;
        }
    }
}

static struct item *new_item(struct drive *d, const char *name, enum item_kind kind,
                             struct user *by)
{
    struct item *it = xcalloc(1, sizeof(*it));
    if (d->n_explicit == d->cap_explicit) {
        d->cap_explicit = d->cap_explicit == 0 ? 4 : d->cap_explicit * 2;
        d->explicit_items = xrealloc(d->explicit_items, d->cap_explicit * sizeof(struct item *));
    }
    d->explicit_items[d->n_explicit++] = it;
    it->drive = d;
    it->serial = d->n_explicit;
    it->kind = kind;
    it->name = xstrdup(name);
    it->name_is_own = true;
    it->created = it->modified = it->fs_created = it->fs_modified = drive_now(d);
    it->created_by = it->modified_by = by;
    it->etag_n = it->ctag_n = it->version_n = 1;
    return it;
}

struct item *store_add(struct item *parent, const char *name, enum item_kind kind,
                       struct content *content, struct user *by)
{
    struct item *it = new_item(parent->drive, name, kind, by);
    it->content = content;
    insert_child(parent, it);
    add_size(parent, kind == ITEM_FILE ? content->size : 0);
    mark_changed(it);
    return it;
}

static void modified_by(struct item *it, struct user *by)
{
    it->modified = drive_now(it->drive);
    it->modified_by = by;
    it->etag_n++;
    mark_changed(it);
}

void store_touch(struct item *it, struct user *by)
{
    modified_by(it, by);
}

/* Keeps the current content as a version before something replaces it. */
static void push_version(struct item *it)
{
    if (it->drive->no_versions) {
        return;
    }
    if (it->n_versions == VERSIONS_KEPT) {
        content_unref(it->versions[0].content);
        memmove(it->versions, it->versions + 1, (VERSIONS_KEPT - 1) * sizeof(struct version));
        it->n_versions--;
    }
    it->versions = xrealloc(it->versions, (it->n_versions + 1) * sizeof(struct version));
    it->versions[it->n_versions++] = (struct version){
        .number = it->version_n,
        .content = content_ref(it->content),
        .modified = it->modified,
        .modified_by = it->modified_by,
    };
    it->version_n++;
}

void store_add_old_version(struct item *it, struct content *content, struct user *by)
{
    struct content *current = it->content;
    it->content = content;
    push_version(it);
    content_unref(content);
    it->content = current;
    it->modified_by = by;
    it->etag_n++;
    it->ctag_n++;
}

void store_set_content(struct item *it, struct content *content, struct user *by)
{
    push_version(it);
    add_size(store_parent(it), content->size - it->content->size);
    content_unref(it->content);
    it->content = content;
    it->ctag_n++;
    modified_by(it, by);
    it->fs_modified = it->modified;
}

void store_rewrite(struct item *it, struct content *content)
{
    add_size(store_parent(it), content->size - it->content->size);
    content_unref(it->content);
    it->content = content;
    it->ctag_n++;
    it->etag_n++;
    mark_changed(it);
}

void store_set_times(struct item *it, int64_t fs_created, int64_t fs_modified, struct user *by)
{
    if (it->kind ==
        ITEM_FILE) { /* a new version although no byte changed: rclone's no_versions help tells */
        push_version(it);
    }
    if (fs_created >= 0) {
        it->fs_created = fs_created;
    }
    if (fs_modified >= 0) {
        it->fs_modified = fs_modified;
    }
    modified_by(it, by);
}

void store_move(struct item *it, struct item *new_parent, const char *new_name, struct user *by)
{
    int64_t size = store_size(it);
    bool moves = it->parent_serial != new_parent->serial;
    if (moves) {
        add_size(store_parent(it), -size);
    }
    detach(it);
    if (new_name != NULL) {
        char *copy = xstrdup(new_name); /* new_name may be the old one */
        if (it->name_is_own) {
            free((char *)it->name);
        }
        it->name = copy;
        it->name_is_own = true;
    }
    insert_child(new_parent, it);
    if (moves) {
        add_size(new_parent, size);
    }
    modified_by(it, by);
    if (moves) { /* the client's time is lost unless it sends it again */
        it->fs_modified = it->modified;
    }
}

/* Delta tells of everything below, as far as it was ever touched. */
static void mark_below(struct item *folder)
{
    for (size_t i = 0; i < folder->n_children; i++) {
        mark_below(folder->children[i]);
        mark_changed(folder->children[i]);
    }
}

void store_delete(struct item *it, struct user *by)
{
    int64_t size = store_size(it);
    add_size(store_parent(it), -size);
    detach(it);
    mark_below(it);
    it->is_deleted = true;
    it->drive->quota_deleted += size;
    modified_by(it, by);
}

void store_purge(struct item *it, struct user *by)
{
    if (!it->is_deleted) {
        store_delete(it, by);
    }
    if (!it->is_purged) {
        it->is_purged = true;
        it->drive->quota_deleted -= store_size(it);
    }
}

bool store_restore(struct item *it, struct user *by)
{
    struct item *parent = store_parent(it);
    int64_t size = store_size(it);
    if (!it->is_deleted || it->is_purged || parent == NULL || store_is_gone(parent) ||
        store_child(parent, it->name) != NULL) {
        return false;
    }
    it->is_deleted = false;
    it->drive->quota_deleted -= size;
    insert_child(parent, it);
    add_size(parent, size);
    mark_below(it);
    modified_by(it, by);
    return true;
}

char *store_free_name(struct item *parent, const char *name)
{
    const char *dot = strrchr(name, '.');
    int stem = (int)(dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name));
    for (unsigned i = 0;; i++) {
        char *probe = i == 0 ? xstrdup(name) : xasprintf("%.*s %u%s", stem, name, i, name + stem);
        if (store_child(parent, probe) == NULL) {
            return probe;
        }
        free(probe);
    }
}

void store_generate(struct item *folder, const struct generator_spec *spec)
{
    struct drive *d = folder->drive;
    struct generator *g = generator_new(folder, spec);
    int64_t size = generator_size(g, 0);
    g->index = (unsigned)d->n_generators;
    d->generators = xrealloc(d->generators, (d->n_generators + 1) * sizeof(struct generator *));
    d->generators[d->n_generators++] = g;
    add_size(store_parent(folder), size);
    folder->gen = g;
    folder->gen_folder = 0;
}

/* ---- the drive itself ---- */

static const int64_t DEFAULT_QUOTA = INT64_C(27487790694400); /* 25 TB, the usual one of a site */

struct drive *store_new_drive(struct site *site, const char *name, const char *url_name,
                              const char *list_guid)
{
    struct drive *d = xcalloc(1, sizeof(*d));
    char *encoded = url_encode(url_name);
    d->tenant = site->tenant;
    d->site = site;
    d->name = xstrdup(name);
    d->url_name = xstrdup(url_name);
    d->web_url = xasprintf("%s/%s", site->web_url, encoded);
    free(encoded);
    d->description = xstrdup("");
    snprintf(d->list_guid, sizeof(d->list_guid), "%s", list_guid);
    drive_id_format(d->id, site->site_guid, site->web_guid, list_guid);
    d->drive_type = site->is_personal ? "business" : "documentLibrary";
    d->id_key = hash_text(d->id);
    uint64_t prefix = mix64(d->id_key);
    memcpy(d->id_prefix, &prefix, sizeof(d->id_prefix));
    d->default_access = ACCESS_WRITE;
    d->quota_total = DEFAULT_QUOTA;
    d->created = d->modified = site->created;
    d->root = new_item(d, "root", ITEM_FOLDER, NULL);
    d->root->created = d->root->modified = d->root->fs_created = d->root->fs_modified =
        site->created;
    return d;
}

void store_rename_drive(struct drive *d, const char *name, const char *url_name)
{
    char *encoded = url_encode(url_name);
    char *old[] = {d->name, d->url_name, d->web_url};
    d->name = xstrdup(name);
    d->url_name = xstrdup(url_name);
    d->web_url = xasprintf("%s/%s", d->site->web_url, encoded);
    free(encoded);
    for (size_t i = 0; i < COUNT_OF(old); i++) {
        free(old[i]); /* last: an argument may be one of them */
    }
}

static void free_item(struct item *it)
{
    if (it == NULL) {
        return;
    }
    if (it->name_is_own) {
        free((char *)it->name);
    }
    content_unref(it->content);
    content_unref(it->checkout_content);
    for (size_t i = 0; i < it->n_versions; i++) {
        content_unref(it->versions[i].content);
    }
    for (size_t i = 0; i < it->n_links; i++) {
        free(it->links[i].id);
        free(it->links[i].type);
        free(it->links[i].scope);
        free(it->links[i].web_url);
        free(it->links[i].share_id);
    }
    free(it->links);
    free(it->versions);
    free(it->children);
    free(it->malware);
    free(it->retention_label);
    free(it->description);
    free(it);
}

void store_free_drive(struct drive *d)
{
    if (d == NULL) {
        return;
    }
    for (size_t i = 0; i < d->n_explicit; i++) {
        free_item(d->explicit_items[i]);
    }
    for (size_t i = 0; i < d->cap_touched; i++) {
        free_item(d->touched[i]);
    }
    for (size_t i = 0; i < d->n_generators; i++) {
        generator_free(d->generators[i]);
    }
    free(d->explicit_items);
    free(d->touched);
    free(d->generators);
    free(d->access);
    free(d->name);
    free(d->url_name);
    free(d->web_url);
    free(d->description);
    free(d);
}
