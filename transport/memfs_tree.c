/*
 * memfs_tree.c - the items of memfs: found by id and by name, listed in order of making.
 */
#include "memfs_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define FIRST_BUCKETS 1024u

static size_t id_bucket(const struct memfs *fs, uint64_t id)
{
    return (size_t)(id * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (fs->bucket_count - 1);
}

static size_t name_bucket(const struct memfs *fs, uint64_t parent, const char *name)
{
    uint64_t hash = str_hash_nocase(name) ^ parent * UINT64_C(0x9E3779B97F4A7C15);

    return (size_t)(hash ^ hash >> 29) & (fs->bucket_count - 1);
}

static void insert_id(struct memfs *fs, struct node *node)
{
    struct node **bucket = &fs->by_id[id_bucket(fs, node->id)];

    node->next_by_id = *bucket;
    *bucket = node;
}

static void insert_name(struct memfs *fs, struct node *node)
{
    struct node **bucket = &fs->by_name[name_bucket(fs, node->parent->id, node->name)];

    node->next_by_name = *bucket;
    *bucket = node;
}

static void remove_name(struct memfs *fs, struct node *node)
{
    struct node **at = &fs->by_name[name_bucket(fs, node->parent->id, node->name)];

    while (*at != node) {
        at = &(*at)->next_by_name;
    }
    *at = node->next_by_name;
}

static void remove_id(struct memfs *fs, struct node *node)
{
    struct node **at = &fs->by_id[id_bucket(fs, node->id)];

    while (*at != node) {
        at = &(*at)->next_by_id;
    }
    *at = node->next_by_id;
}

/* Doubles the tables. Without memory the chains just get longer. */
static void widen(struct memfs *fs)
{
    size_t old_count = fs->bucket_count;
    struct node **old = fs->by_id;
    struct node **by_id = calloc(old_count * 2, sizeof(struct node *));
    struct node **by_name = calloc(old_count * 2, sizeof(struct node *));

    if (!by_id || !by_name) {
        free(by_id);
        free(by_name);
        return;
    }
    free(fs->by_name);
    fs->by_id = by_id;
    fs->by_name = by_name;
    fs->bucket_count = old_count * 2;
    for (size_t i = 0; i < old_count; i++) {
        for (struct node *node = old[i], *next = NULL; node; node = next) {
            next = node->next_by_id;
            insert_id(fs, node);
            if (node->parent) {
                insert_name(fs, node);
            }
        }
    }
    free(old);
}

static void node_free(struct memfs *fs, struct node *node)
{
    if (node) {
        memfs_content_unref(fs, node->content);
        free(node->children);
        free(node->name);
        free(node);
    }
}

static struct node *node_new(enum vfs_kind kind, const char *name, struct error *err)
{
    struct node *node = calloc(1, sizeof(*node));

    if (!node) {
        error_set(err, ERR_NO_MEMORY, "no memory for an item");
        return NULL;
    }
    node->kind = kind;
    node->modified_ms = clock_wall_ms(clock_system());
    node->created_ms = node->modified_ms;
    if (str_copy(&node->name, name, err) < 0) {
        free(node);
        return NULL;
    }
    return node;
}

int memfs_tree_init(struct memfs *fs, struct error *err)
{
    fs->bucket_count = FIRST_BUCKETS;
    fs->by_id = calloc(fs->bucket_count, sizeof(struct node *));
    fs->by_name = calloc(fs->bucket_count, sizeof(struct node *));
    if (!fs->by_id || !fs->by_name) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a file system");
    }
    fs->root = node_new(VFS_FOLDER, "", err);
    if (!fs->root) {
        return ERR_NO_MEMORY;
    }
    fs->last_id = VFS_ROOT;
    fs->root->id = VFS_ROOT;
    fs->node_count = 1;
    insert_id(fs, fs->root);
    return 0;
}

void memfs_tree_clear(struct memfs *fs)
{
    for (size_t i = 0; fs->by_id && i < fs->bucket_count; i++) {
        for (struct node *node = fs->by_id[i], *next = NULL; node; node = next) {
            next = node->next_by_id;
            node_free(fs, node);
        }
    }
    free(fs->by_id);
    free(fs->by_name);
}

struct node *memfs_tree_kept(struct node *node)
{
    while (node->kept) {
        node = node->kept;
    }
    return node;
}

struct node *memfs_tree_any(struct memfs *fs, uint64_t id)
{
    struct node *node = fs->by_id[id_bucket(fs, id)];

    while (node && node->id != id) {
        node = node->next_by_id;
    }
    return node;
}

int memfs_tree_find(struct memfs *fs, struct node **out, uint64_t id, struct error *err)
{
    struct node *node = memfs_tree_any(fs, id);

    node = node ? memfs_tree_kept(node) : NULL;
    if (!node || (!node->parent && node != fs->root)) {
        return error_set(err, ERR_STALE, "the item is no longer there");
    }
    *out = node;
    return 0;
}

int memfs_tree_find_folder(struct memfs *fs, struct node **out, uint64_t id, struct error *err)
{
    int code = memfs_tree_find(fs, out, id, err);

    if (code == 0 && (*out)->kind != VFS_FOLDER) {
        code = error_set(err, ERR_NOT_FOLDER, "'%s' is not a folder", (*out)->name);
    }
    return code;
}

struct node *memfs_tree_child(struct memfs *fs, const struct node *parent, const char *name)
{
    struct node *node = fs->by_name[name_bucket(fs, parent->id, name)];

    while (node && (node->parent != parent || !str_equal_nocase(node->name, name))) {
        node = node->next_by_name;
    }
    return node;
}

size_t memfs_tree_after(const struct node *folder, uint64_t cookie)
{
    size_t low = 0;
    size_t high = folder->child_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (folder->children[middle]->seq > cookie) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static int make_room(struct node *folder, struct error *err)
{
    size_t capacity = folder->child_capacity ? folder->child_capacity * 2 : 8;
    struct node **children = folder->children;

    if (folder->child_count < folder->child_capacity) {
        return 0;
    }
    children = realloc(children, capacity * sizeof(struct node *));
    if (!children) {
        return error_set(err, ERR_NO_MEMORY, "no memory for an entry");
    }
    folder->children = children;
    folder->child_capacity = capacity;
    return 0;
}

/* Puts the node at the end of the folder; there is room. */
static void link_child(struct memfs *fs, struct node *folder, struct node *node)
{
    node->parent = folder;
    node->seq = ++fs->last_seq;
    folder->children[folder->child_count++] = node;
    folder->modified_ms = clock_wall_ms(clock_system());
    insert_name(fs, node);
}

static void unlink_child(struct memfs *fs, struct node *node)
{
    struct node *folder = node->parent;
    size_t at = memfs_tree_after(folder, node->seq) - 1;

    remove_name(fs, node);
    memmove(folder->children + at, folder->children + at + 1,
            (folder->child_count - at - 1) * sizeof(struct node *));
    folder->child_count--;
    folder->modified_ms = clock_wall_ms(clock_system());
    node->parent = NULL;
}

int memfs_tree_add(struct memfs *fs, struct node **out, struct node *parent, const char *name,
                   enum vfs_kind kind, struct error *err)
{
    struct node *node = node_new(kind, name, err);
    int code = node ? make_room(parent, err) : ERR_NO_MEMORY;

    if (code == 0 && kind == VFS_FILE) {
        node->content = memfs_content_new(err);
        code = node->content ? 0 : ERR_NO_MEMORY;
    }
    if (code < 0) {
        node_free(fs, node);
        return code;
    }
    node->id = ++fs->last_id;
    insert_id(fs, node);
    link_child(fs, parent, node);
    if (++fs->node_count > fs->bucket_count) {
        widen(fs);
    }
    *out = node;
    return 0;
}

int memfs_tree_move(struct memfs *fs, struct node *node, struct node *parent, const char *name,
                    struct error *err)
{
    char *copy = NULL;
    int code = str_copy(&copy, name, err);

    if (code == 0 && parent != node->parent) {
        code = make_room(parent, err);
    }
    if (code < 0) {
        free(copy);
        return code;
    }
    if (parent == node->parent) { /* keeps its place: a running listing shows it once */
        remove_name(fs, node);
        free(node->name);
        node->name = copy;
        insert_name(fs, node);
    } else {
        unlink_child(fs, node);
        free(node->name);
        node->name = copy;
        link_child(fs, parent, node);
    }
    return 0;
}

void memfs_tree_unlink(struct memfs *fs, struct node *node)
{
    unlink_child(fs, node);
    memfs_tree_release(fs, node);
}

void memfs_tree_release(struct memfs *fs, struct node *node)
{
    while (node && node != fs->root && !node->parent && node->holds == 0 && node->uses == 0) {
        struct node *kept = node->kept;

        remove_id(fs, node);
        fs->node_count--;
        node_free(fs, node);
        if (kept) {
            kept->uses--;
        }
        node = kept;
    }
}
