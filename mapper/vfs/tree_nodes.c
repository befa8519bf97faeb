/*
 * tree_nodes.c - nodes one by one: where they are stored, found and dropped. tree.c keeps the rules.
 */
#include "tree_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct node *tree_at(const struct tree *tree, uint32_t index)
{
    return index ? &tree->chunks[index / CHUNK][index % CHUNK] : NULL;
}

uint64_t node_id(const struct node *node)
{
    return ((uint64_t)node->generation << 32) | node->index;
}

struct node *tree_find_exact(struct tree *tree, uint64_t id)
{
    uint32_t index = (uint32_t)id;
    struct node *node = NULL;

    if (index == 0 || index / CHUNK >= tree->chunk_count) {
        return NULL;
    }
    node = tree_at(tree, index);
    return (node->flags & NODE_USED) && node->generation == (uint32_t)(id >> 32) ? node : NULL;
}

struct node *tree_find(struct tree *tree, uint64_t id)
{
    struct node *node = tree_find_exact(tree, id);

    while (node && (node->flags & NODE_ALIAS)) {
        node = tree_at(tree, node->parent);
    }
    return node;
}

struct node *tree_parent(const struct tree *tree, const struct node *node)
{
    return node->flags & NODE_GONE ? NULL
                                   : tree_at(tree, node->parent); /* an alias has no folder */
}

struct node *tree_root(const struct tree *tree, struct node *node)
{
    struct node *parent = NULL;

    while ((parent = tree_parent(tree, node)) != NULL) {
        node = parent;
    }
    return node;
}

struct folder *tree_folder(struct node *node)
{
    assert(node->kind == VFS_FOLDER);
    if (!node->folder) {
        node->folder = calloc(1, sizeof(*node->folder));
    }
    return node->folder;
}

/* --- hash tables --- */

static uint32_t name_hash(uint32_t parent, const char *name)
{
    uint64_t hash = str_hash_nocase(name) ^ ((uint64_t)parent * UINT64_C(0x9e3779b97f4a7c15));

    return (uint32_t)(hash ^ (hash >> 32));
}

static uint32_t item_hash(const char *item_id)
{
    uint64_t hash = str_hash(item_id);

    return (uint32_t)(hash ^ (hash >> 32));
}

static void link_name(struct tree *tree, struct node *node)
{
    uint32_t *head = &tree->by_name[node->name_hash & (tree->buckets - 1)];

    node->name_next = *head;
    *head = node->index;
}

static void link_item(struct tree *tree, struct node *node)
{
    uint32_t *head = &tree->by_item[item_hash(node_item_id(node)) & (tree->buckets - 1)];

    if (*node_item_id(node)) {
        node->item_next = *head;
        *head = node->index;
    }
}

static void unlink_name(struct tree *tree, struct node *node)
{
    uint32_t *at = &tree->by_name[node->name_hash & (tree->buckets - 1)];

    while (*at && *at != node->index) {
        at = &tree_at(tree, *at)->name_next;
    }
    if (*at) {
        *at = node->name_next;
    }
    node->name_next = 0;
}

static void unlink_item(struct tree *tree, struct node *node)
{
    uint32_t *at = &tree->by_item[item_hash(node_item_id(node)) & (tree->buckets - 1)];

    while (*at && *at != node->index) {
        at = &tree_at(tree, *at)->item_next;
    }
    if (*at) {
        *at = node->item_next;
    }
    node->item_next = 0;
}

void tree_link_names(struct tree *tree, struct node *node)
{
    node->name_hash = name_hash(node->parent, node_name(node));
    link_name(tree, node);
    link_item(tree, node);
}

void tree_unlink_names(struct tree *tree, struct node *node)
{
    unlink_name(tree, node);
    unlink_item(tree, node);
}

/* Roots stand in no table: they have no parent and no name. */
static void relink_all(struct tree *tree)
{
    for (uint32_t i = 1; i < tree->chunk_count * CHUNK; i++) {
        struct node *node = tree_at(tree, i);

        if ((node->flags & NODE_USED) && !(node->flags & NODE_GONE) && node->parent) {
            link_name(tree, node);
            link_item(tree, node);
        }
    }
}

int tree_grow_tables(struct tree *tree, struct error *err)
{
    uint32_t buckets = tree->buckets ? tree->buckets * 2 : 1024;
    uint32_t *by_name = NULL;
    uint32_t *by_item = NULL;

    if (tree->used < tree->buckets || tree->buckets >= (1u << 30)) {
        return 0;
    }
    by_name = calloc(buckets, sizeof(*by_name));
    by_item = calloc(buckets, sizeof(*by_item));
    if (!by_name || !by_item) {
        free(by_name);
        free(by_item);
        return tree->buckets ? 0 : error_set(err, ERR_NO_MEMORY, "no memory for the tree");
    }
    free(tree->by_name);
    free(tree->by_item);
    tree->by_name = by_name;
    tree->by_item = by_item;
    tree->buckets = buckets;
    relink_all(tree);
    return 0;
}

struct node *tree_child(const struct tree *tree, const struct node *parent, const char *name)
{
    uint32_t hash = name_hash(parent->index, name);
    struct node *node = tree_at(tree, tree->by_name[hash & (tree->buckets - 1)]);

    while (node && (node->name_hash != hash || node->parent != parent->index ||
                    !str_equal_nocase(node_name(node), name))) {
        node = tree_at(tree, node->name_next);
    }
    return node;
}

struct node *tree_item(const struct tree *tree, const struct node *root, const char *item_id)
{
    struct node *node = tree_at(tree, tree->by_item[item_hash(item_id) & (tree->buckets - 1)]);

    while (node && (strcmp(node_item_id(node), item_id) != 0 || tree_root(tree, node) != root)) {
        node = tree_at(tree, node->item_next);
    }
    return node;
}

/* --- least recently used of what nobody holds --- */

void tree_lru_remove(struct tree *tree, struct node *node)
{
    struct node *before = tree_at(tree, node->lru_prev);
    struct node *after = tree_at(tree, node->lru_next);

    if (!before && !after && tree->lru_first != node->index) {
        return;
    }
    if (before) {
        before->lru_next = node->lru_next;
    } else {
        tree->lru_first = node->lru_next;
    }
    if (after) {
        after->lru_prev = node->lru_prev;
    } else {
        tree->lru_last = node->lru_prev;
    }
    node->lru_next = 0;
    node->lru_prev = 0;
}

void tree_lru_add(struct tree *tree, struct node *node)
{
    struct node *first = tree_at(tree, tree->lru_first);

    node->lru_prev = 0;
    node->lru_next = tree->lru_first;
    if (first) {
        first->lru_prev = node->index;
    } else {
        tree->lru_last = node->index;
    }
    tree->lru_first = node->index;
}

void tree_touch(struct tree *tree, struct node *node)
{
    if (node->holds == 0 && !(node->flags & NODE_GONE)) {
        tree_lru_remove(tree, node);
        tree_lru_add(tree, node);
    }
}

/* --- slots --- */

static int add_chunk(struct tree *tree, struct error *err)
{
    struct node **chunks = NULL;
    struct node *chunk = NULL;

    if (tree->chunk_count >= CHUNKS_MAX) {
        return error_set(err, ERR_LIMIT, "too many items are in use");
    }
    if ((tree->chunk_count & (tree->chunk_count - 1)) == 0) {
        size_t capacity = tree->chunk_count ? (size_t)tree->chunk_count * 2 : 1;

        chunks = realloc(tree->chunks, capacity * sizeof(struct node *));
        if (!chunks) {
            return error_set(err, ERR_NO_MEMORY, "no memory for more items");
        }
        tree->chunks = chunks;
    }
    chunk = calloc(CHUNK, sizeof(*chunk));
    if (!chunk) {
        return error_set(err, ERR_NO_MEMORY, "no memory for more items");
    }
    tree->chunks[tree->chunk_count] = chunk;
    /* Index 0 means "none"; index 1 with generation 0 would be VFS_ROOT, which the caller adds
     * first and never gives back. */
    for (uint32_t i = CHUNK; i-- > (tree->chunk_count == 0 ? 1u : 0u);) {
        chunk[i].index = tree->chunk_count * CHUNK + i;
        chunk[i].next = tree->free_slot;
        tree->free_slot = chunk[i].index;
    }
    tree->chunk_count++;
    return 0;
}

void tree_free_slot(struct tree *tree, struct node *node)
{
    uint32_t generation = node->generation < GENERATION_MAX ? node->generation + 1 : 1;
    uint32_t index = node->index;

    if (node->kind == VFS_FOLDER && node->folder) {
        free(node->folder);
    }
    tree_drop_text(tree, node);
    *node = (struct node){.index = index, .generation = generation, .next = tree->free_slot};
    tree->free_slot = index;
    tree->used--;
}

/* --- places in a folder --- */

int tree_link(struct tree *tree, struct node *node, struct node *parent, struct error *err)
{
    struct folder *folder = tree_folder(parent);
    struct node *last = NULL;

    if (!folder) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a folder");
    }
    last = tree_at(tree, folder->last);
    node->parent = parent->index;
    node->prev = folder->last;
    node->next = 0;
    if (last) {
        last->next = node->index;
    } else {
        folder->first = node->index;
    }
    folder->last = node->index;
    folder->count++;
    tree_link_names(tree, node);
    return 0;
}

void tree_unlink(struct tree *tree, struct node *node)
{
    struct node *parent = tree_at(tree, node->parent);
    struct node *before = tree_at(tree, node->prev);
    struct node *after = tree_at(tree, node->next);

    if (!parent) {
        return;
    }
    tree_unlink_names(tree, node);
    if (before) {
        before->next = node->next;
    } else {
        parent->folder->first = node->next;
    }
    if (after) {
        after->prev = node->prev;
    } else {
        parent->folder->last = node->prev;
    }
    parent->folder->count--;
    node->parent = 0;
    node->next = 0;
    node->prev = 0;
}

/* Not while its folder is being listed: what a page does not name because it is newer, or was named
 * before, would be missing when the listing is complete. */
static bool can_drop(const struct tree *tree, const struct node *node)
{
    const struct node *parent = tree_at(tree, node->parent);

    return node->holds == 0 && !(node->flags & NODE_LOCAL) && node->edit <= tree->needed_edit &&
           !parent->folder->listing &&
           (node->kind != VFS_FOLDER || !node->folder ||
            (node->folder->count == 0 && !node->folder->listing));
}

/* Makes room for one node. Looks at a few only, so that adding stays cheap when all are in use. */
void tree_drop_unused(struct tree *tree, const struct node *keep)
{
    uint32_t looks = 32;

    while (tree->used >= tree->limit && tree->lru_last && looks-- > 0) {
        struct node *node = tree_at(tree, tree->lru_last);
        struct node *parent = tree_at(tree, node->parent);

        tree_lru_remove(tree, node);
        if (node == keep || !can_drop(tree, node)) {
            tree_lru_add(tree, node);
            continue;
        }
        parent->folder->is_complete = false;
        tree_unlink(tree, node);
        tree_free_slot(tree, node);
    }
}

int tree_make(struct tree *tree, struct node **out, enum vfs_kind kind, struct error *err)
{
    int code = tree_grow_tables(tree, err);
    struct node *node = NULL;

    if (code == 0 && !tree->free_slot) {
        code = add_chunk(tree, err);
    }
    if (code < 0) {
        return code;
    }
    node = tree_at(tree, tree->free_slot);
    if (!node) {
        return error_set(err, ERR_NO_MEMORY, "no place for an item");
    }
    tree->free_slot = node->next;
    node->next = 0;
    node->flags = NODE_USED;
    node->kind = kind;
    *out = node;
    tree->used++;
    return 0;
}

int tree_set_facts(struct tree *tree, struct node *node, const struct node_facts *facts,
                   struct error *err)
{
    struct node_text made = {0};
    int code = tree_make_text(tree, &made, facts, err);

    if (code == 0) {
        tree_set_made(tree, node, facts, &made);
    }
    return code;
}

void tree_set_made(struct tree *tree, struct node *node, const struct node_facts *facts,
                   struct node_text *made)
{
    tree_take_text(tree, node, made);
    assert(node->kind == facts->kind); /* which is read without the lock */
    node->size_bytes = facts->size_bytes;
    node->modified_ms = facts->modified_ms;
    node->created_ms = facts->created_ms;
    node->flags = (uint8_t)((node->flags & ~NODE_TOLD) | (facts->flags & NODE_TOLD));
}
