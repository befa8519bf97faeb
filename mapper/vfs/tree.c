#include "tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define CHUNK 1024u                /* nodes made at once; they never move */
#define CHUNKS_MAX (1u << 21)      /* 2^31 nodes: an index fits 32 bits */
#define GENERATION_MAX 0x3fffffffu /* keeps ids below VFS_NAMESPACE_BIT */
#define TEXT_MAX 60000u            /* of all texts of one item: offsets fit 16 bits */

#define GRAVES 4096u /* deletes remembered; a power of two */

struct grave {
    uint64_t hash; /* of the item id */
    uint32_t edit;
};

struct tree {
    struct node **chunks;
    uint32_t chunk_count;
    uint32_t free_slot; /* 0: none */
    uint32_t used;
    uint32_t limit;
    uint32_t *by_name; /* heads of chains, `buckets` each */
    uint32_t *by_item;
    uint32_t buckets;   /* a power of two */
    uint32_t lru_first; /* most recently used of those nobody holds */
    uint32_t lru_last;
    uint32_t edits;
    uint64_t text_bytes;
    struct grave graves[GRAVES];
};

struct node *tree_at(const struct tree *tree, uint32_t index)
{
    return index ? &tree->chunks[index / CHUNK][index % CHUNK] : NULL;
}

uint64_t node_id(const struct node *node)
{
    return ((uint64_t)node->generation << 32) | node->index;
}

const char *node_item_id(const struct node *node)
{
    return node->text;
}

const char *node_ctag(const struct node *node)
{
    return node->text + node->ctag_at;
}

const char *node_etag(const struct node *node)
{
    return node->text + node->etag_at;
}

const char *node_name(const struct node *node)
{
    return node->text + node->name_at;
}

const char *node_version(const struct node *node)
{
    return *node_ctag(node) ? node_ctag(node) : node_etag(node);
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

static int grow_tables(struct tree *tree, struct error *err)
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

static void lru_remove(struct tree *tree, struct node *node)
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

static void lru_add(struct tree *tree, struct node *node)
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
        lru_remove(tree, node);
        lru_add(tree, node);
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

        chunks = realloc(tree->chunks, capacity * sizeof(*chunks));
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

static void free_slot(struct tree *tree, struct node *node)
{
    uint32_t generation = node->generation < GENERATION_MAX ? node->generation + 1 : 1;
    uint32_t index = node->index;

    if (node->text) {
        tree->text_bytes -= node->name_at + strlen(node_name(node)) + 1;
    }
    if (node->kind == VFS_FOLDER && node->folder) {
        free(node->folder);
    }
    free(node->text);
    *node = (struct node){.index = index, .generation = generation, .next = tree->free_slot};
    tree->free_slot = index;
    tree->used--;
}

/* --- places in a folder --- */

static int link_child(struct tree *tree, struct node *node, struct node *parent, struct error *err)
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
    node->name_hash = name_hash(parent->index, node_name(node));
    link_name(tree, node);
    link_item(tree, node);
    return 0;
}

static void unlink_child(struct tree *tree, struct node *node)
{
    struct node *parent = tree_at(tree, node->parent);
    struct node *before = tree_at(tree, node->prev);
    struct node *after = tree_at(tree, node->next);

    if (!parent) {
        return;
    }
    unlink_name(tree, node);
    unlink_item(tree, node);
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

static bool can_drop(const struct node *node)
{
    return node->holds == 0 && !(node->flags & NODE_LOCAL) &&
           (node->kind != VFS_FOLDER || !node->folder ||
            (node->folder->count == 0 && !node->folder->listing));
}

/* Makes room for one node. Looks at a few only, so that adding stays cheap when all are in use. */
static void drop_unused(struct tree *tree, const struct node *keep)
{
    uint32_t looks = 32;

    while (tree->used >= tree->limit && tree->lru_last && looks-- > 0) {
        struct node *node = tree_at(tree, tree->lru_last);
        struct node *parent = tree_at(tree, node->parent);

        lru_remove(tree, node);
        if (node == keep || !can_drop(node)) {
            lru_add(tree, node);
            continue;
        }
        parent->folder->is_complete = false;
        unlink_child(tree, node);
        free_slot(tree, node);
    }
}

static int make_node(struct tree *tree, struct node **out, struct error *err)
{
    int code = grow_tables(tree, err);

    if (code == 0 && !tree->free_slot) {
        code = add_chunk(tree, err);
    }
    if (code < 0) {
        return code;
    }
    *out = tree_at(tree, tree->free_slot);
    tree->free_slot = (*out)->next;
    (*out)->next = 0;
    (*out)->flags = NODE_USED;
    tree->used++;
    return 0;
}

static const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

static int set_text(struct tree *tree, struct node *node, const char *item_id, const char *ctag,
                    const char *etag, const char *name, struct error *err)
{
    size_t item_size = strlen(item_id) + 1;
    size_t ctag_size = strlen(ctag) + 1;
    size_t etag_size = strlen(etag) + 1;
    size_t name_size = strlen(name) + 1;
    size_t total = item_size + ctag_size + etag_size + name_size;
    char *text = NULL;

    if (total > TEXT_MAX || name_size > VFS_NAME_MAX + 1) {
        return error_set(err, ERR_PROTOCOL, "an item has ids or a name that are too long");
    }
    text = malloc(total);
    if (!text) {
        return error_set(err, ERR_NO_MEMORY, "no memory for an item");
    }
    memcpy(text, item_id, item_size);
    memcpy(text + item_size, ctag, ctag_size);
    memcpy(text + item_size + ctag_size, etag, etag_size);
    memcpy(text + item_size + ctag_size + etag_size, name, name_size);
    if (node->text) {
        tree->text_bytes -= node->name_at + strlen(node_name(node)) + 1;
        free(node->text);
    }
    node->text = text;
    node->ctag_at = (uint16_t)item_size;
    node->etag_at = (uint16_t)(item_size + ctag_size);
    node->name_at = (uint16_t)(item_size + ctag_size + etag_size);
    tree->text_bytes += total;
    return 0;
}

static int set_facts(struct tree *tree, struct node *node, const struct node_facts *facts,
                     struct error *err)
{
    const uint8_t told = NODE_LOCAL | NODE_INFECTED | NODE_CHECKED_OUT;
    int code = set_text(tree, node, text_or_empty(facts->item_id), text_or_empty(facts->ctag),
                        text_or_empty(facts->etag), text_or_empty(facts->name), err);

    if (code < 0) {
        return code;
    }
    node->kind = (uint8_t)facts->kind;
    node->size_bytes = facts->size_bytes;
    node->modified_ms = facts->modified_ms;
    node->created_ms = facts->created_ms;
    node->flags = (uint8_t)((node->flags & ~told) | (facts->flags & told));
    return 0;
}

/* --- public --- */

int tree_new(struct tree **out, uint32_t limit, struct error *err)
{
    struct tree *tree = calloc(1, sizeof(*tree));
    int code = 0;

    if (!tree) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the tree");
    }
    tree->limit = limit;
    code = grow_tables(tree, err);
    if (code < 0) {
        free(tree);
        return code;
    }
    *out = tree;
    return 0;
}

void tree_free(struct tree *tree)
{
    if (!tree) {
        return;
    }
    for (uint32_t i = 1; i < tree->chunk_count * CHUNK; i++) {
        struct node *node = tree_at(tree, i);

        if ((node->flags & NODE_USED) && node->kind == VFS_FOLDER) {
            free(node->folder);
        }
        free(node->text);
    }
    for (uint32_t i = 0; i < tree->chunk_count; i++) {
        free(tree->chunks[i]);
    }
    free(tree->chunks);
    free(tree->by_name);
    free(tree->by_item);
    free(tree);
}

int tree_add_root(struct tree *tree, struct node **out, struct library *library, struct error *err)
{
    struct node *node = NULL;
    int code = make_node(tree, &node, err);

    if (code < 0) {
        return code;
    }
    code = set_facts(tree, node, &(struct node_facts){.kind = VFS_FOLDER}, err);
    if (code == 0 && !tree_folder(node)) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for a library");
    }
    if (code < 0) {
        free_slot(tree, node);
        return code;
    }
    node->holds = 1;
    node->folder->library = library;
    *out = node;
    return 0;
}

int tree_add(struct tree *tree, struct node **out, struct node *parent,
             const struct node_facts *facts, struct error *err)
{
    struct node *node = NULL;
    int code = 0;

    assert(!tree_child(tree, parent, facts->name));
    if (tree->used >= tree->limit) {
        drop_unused(tree, parent);
    }
    code = make_node(tree, &node, err);
    if (code == 0) {
        code = set_facts(tree, node, facts, err);
        if (code == 0) {
            code = link_child(tree, node, parent, err);
        }
        if (code < 0) {
            free_slot(tree, node);
        }
    }
    if (code == 0) {
        lru_add(tree, node);
        *out = node;
    }
    return code;
}

int tree_update(struct tree *tree, struct node *node, const struct node_facts *facts,
                struct error *err)
{
    bool is_linked = node->parent != 0;
    int code = 0;

    if (is_linked) {
        unlink_name(tree, node);
        unlink_item(tree, node);
    }
    code = set_facts(tree, node, facts, err);
    if (is_linked) {
        node->name_hash = name_hash(node->parent, node_name(node));
        link_name(tree, node);
        link_item(tree, node);
    }
    return code;
}

int tree_move(struct tree *tree, struct node *node, struct node *parent, const char *name,
              struct error *err)
{
    char *copies[3] = {NULL, NULL, NULL};
    int code = tree_folder(parent) ? 0 : error_set(err, ERR_NO_MEMORY, "no memory for a folder");

    if (code == 0) {
        code = str_copy(&copies[0], node_item_id(node), err);
    }
    if (code == 0) {
        code = str_copy(&copies[1], node_ctag(node), err);
    }
    if (code == 0) {
        code = str_copy(&copies[2], node_etag(node), err);
    }
    if (code == 0) {
        unlink_child(tree, node);
        code = set_text(tree, node, copies[0], copies[1], copies[2], name, err);
        (void)link_child(tree, node, parent, NULL); /* its folder part is there */
    }
    for (size_t i = 0; i < 3; i++) {
        free(copies[i]);
    }
    return code;
}

/* A node without children. */
static void remove_one(struct tree *tree, struct node *node)
{
    lru_remove(tree, node);
    unlink_child(tree, node);
    if (node->holds == 0) {
        free_slot(tree, node);
        return;
    }
    node->flags |= NODE_GONE;
}

void tree_remove(struct tree *tree, struct node *node)
{
    struct node *at = node;

    for (;;) {
        struct node *parent = tree_at(tree, at->parent);
        bool is_last = at == node;

        if (at->kind == VFS_FOLDER && at->folder && at->folder->first) {
            at = tree_at(tree, at->folder->first);
            continue;
        }
        remove_one(tree, at);
        if (is_last) {
            return;
        }
        at = parent;
    }
}

void tree_replace(struct tree *tree, struct node *node, struct node *kept)
{
    if (node->holds == 0) {
        tree_remove(tree, node);
        return;
    }
    remove_one(tree, node);
    node->flags |= NODE_ALIAS;
    node->parent = kept->index; /* given back with the last hold of `node` */
    tree_hold(tree, kept);
}

void tree_hold(struct tree *tree, struct node *node)
{
    if (node->holds++ == 0) {
        lru_remove(tree, node);
    }
}

/* `node` itself, never what an alias stands for. */
void tree_release(struct tree *tree, struct node *node, uint64_t count)
{
    while (node) {
        struct node *kept = NULL;

        assert(node->holds >= count);
        node->holds -= (uint32_t)count;
        if (node->holds > 0) {
            return;
        }
        if (!(node->flags & NODE_GONE)) {
            lru_add(tree, node);
            return;
        }
        if (node->flags & NODE_ALIAS) {
            kept = tree_at(tree, node->parent);
        }
        free_slot(tree, node);
        node = kept;
        count = 1;
    }
}

uint32_t tree_edit(struct tree *tree, struct node *node)
{
    node->edit = ++tree->edits;
    return node->edit;
}

uint32_t tree_edits(const struct tree *tree)
{
    return tree->edits;
}

void tree_bury(struct tree *tree, const char *item_id)
{
    uint64_t hash = str_hash(item_id);

    if (*item_id) {
        tree->graves[hash % GRAVES] = (struct grave){hash, ++tree->edits};
    }
}

bool tree_is_buried(const struct tree *tree, const char *item_id, uint32_t asked_edit)
{
    uint64_t hash = str_hash(item_id);
    const struct grave *grave = &tree->graves[hash % GRAVES];

    return grave->hash == hash && grave->edit > asked_edit;
}

uint64_t tree_count(const struct tree *tree)
{
    return tree->used;
}

uint64_t tree_bytes(const struct tree *tree)
{
    return (uint64_t)tree->chunk_count * CHUNK * sizeof(struct node) +
           (uint64_t)tree->buckets * 2 * sizeof(uint32_t) + tree->text_bytes;
}
