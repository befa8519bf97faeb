#include "tree_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

int tree_new(struct tree **out, uint32_t limit, struct error *err)
{
    struct tree *tree = calloc(1, sizeof(*tree));
    int code = 0;

    if (!tree) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the tree");
    }
    tree->limit = limit;
    tree->needed_edit = UINT32_MAX;
    code = tree_grow_tables(tree, err);
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
        tree_drop_text(tree, node);
    }
    for (uint32_t i = 0; i < tree->chunk_count; i++) {
        free(tree->chunks[i]);
    }
    tree_free_texts(tree);
    free(tree->chunks);
    free(tree->by_name);
    free(tree->by_item);
    free(tree);
}

int tree_add_root(struct tree *tree, struct node **out, struct library *library, struct error *err)
{
    struct node *node = NULL;
    int code = tree_make(tree, &node, VFS_FOLDER, err);

    if (code < 0) {
        return code;
    }
    code = tree_set_facts(tree, node, &(struct node_facts){.kind = VFS_FOLDER}, err);
    if (code == 0 && !tree_folder(node)) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for a library");
    }
    if (code < 0) {
        tree_free_slot(tree, node);
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
        tree_drop_unused(tree, parent);
    }
    code = tree_make(tree, &node, facts->kind, err);
    if (code == 0) {
        code = tree_set_facts(tree, node, facts, err);
        if (code == 0) {
            code = tree_link(tree, node, parent, err);
        }
        if (code < 0) {
            tree_free_slot(tree, node);
        }
    }
    if (code == 0) {
        tree_lru_add(tree, node);
        *out = node;
    }
    return code;
}

int tree_update(struct tree *tree, struct node *node, const struct node_facts *facts,
                struct error *err)
{
    struct node_text made = {0};
    int code = tree_make_text(tree, &made, facts, err);

    if (code == 0) {
        tree_update_made(tree, node, facts, &made);
    }
    return code;
}

void tree_update_made(struct tree *tree, struct node *node, const struct node_facts *facts,
                      struct node_text *made)
{
    bool is_linked = node->parent != 0;

    if (is_linked) {
        tree_unlink_names(tree, node);
    }
    tree_set_made(tree, node, facts, made);
    if (is_linked) {
        tree_link_names(tree, node);
    }
}

bool tree_is_inside(const struct tree *tree, const struct node *folder, const struct node *node)
{
    while (folder && folder != node) {
        folder = tree_parent(tree, folder);
    }
    return folder != NULL;
}

int tree_move(struct tree *tree, struct node *node, struct node *parent, const char *name,
              struct error *err)
{
    struct node_facts facts = {
        .item_id = node_item_id(node), .ctag = node_ctag(node), .name = name};
    struct node_text made = {0};
    char *etag = NULL;
    int code = tree_folder(parent) ? 0 : error_set(err, ERR_NO_MEMORY, "no memory for a folder");

    if (code == 0 && tree_is_inside(tree, parent, node)) {
        code = error_set(err, ERR_PROTOCOL, "the server names a folder inside itself");
    }
    if (code == 0) {
        code = node_copy_etag(&etag, node, err);
    }
    if (code == 0) {
        facts.etag = etag;
        code = tree_make_text(tree, &made, &facts, err);
    }
    if (code == 0) {
        tree_unlink(tree, node);
        tree_take_text(tree, node, &made);
        (void)tree_link(tree, node, parent, NULL); /* its folder part is there */
    }
    free(etag);
    return code;
}

/* A node without children. */
static void remove_one(struct tree *tree, struct node *node)
{
    tree_lru_remove(tree, node);
    tree_unlink(tree, node);
    if (node->holds == 0) {
        tree_free_slot(tree, node);
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

uint32_t tree_count_items(const struct tree *tree, const struct node *node)
{
    const struct node *at = node;
    uint32_t count = 0;

    for (;;) {
        count += !(at->flags & NODE_LOCAL);
        if (at->kind == VFS_FOLDER && at->folder && at->folder->first) {
            at = tree_at(tree, at->folder->first);
            continue;
        }
        while (at != node && !at->next) {
            at = tree_at(tree, at->parent);
        }
        if (at == node) {
            return count;
        }
        at = tree_at(tree, at->next);
    }
}

void tree_hold(struct tree *tree, struct node *node)
{
    if (node->holds++ == 0) {
        tree_lru_remove(tree, node);
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
            tree_lru_add(tree, node);
            return;
        }
        if (node->flags & NODE_ALIAS) {
            kept = tree_at(tree, node->parent);
        }
        tree_free_slot(tree, node);
        node = kept;
        count = 1;
    }
}

uint32_t tree_edit(struct tree *tree, struct node *node)
{
    node->edit = ++tree->edits;
    return node->edit;
}

uint32_t tree_count_edit(struct tree *tree)
{
    return ++tree->edits;
}

uint32_t tree_edits(const struct tree *tree)
{
    return tree->edits;
}

void tree_need_edits(struct tree *tree, uint32_t after)
{
    tree->needed_edit = after;
}

static uint64_t grave_hash(const struct node *root, const char *item_id)
{
    return str_hash(item_id) ^ (uint64_t)root->index * UINT64_C(0x9e3779b97f4a7c15);
}

void tree_bury(struct tree *tree, const struct node *root, const char *item_id)
{
    uint64_t hash = grave_hash(root, item_id);

    if (*item_id) {
        tree->graves[hash % GRAVES] = (struct grave){hash, ++tree->edits};
        tree->last_burial = tree->edits;
    }
}

bool tree_is_buried(const struct tree *tree, const struct node *root, const char *item_id,
                    uint32_t asked_edit)
{
    const struct grave *grave = NULL;
    uint64_t hash = 0;

    if (tree->last_burial <= asked_edit) {
        return false; /* so it is for each entry of nearly every listing */
    }
    hash = grave_hash(root, item_id);
    grave = &tree->graves[hash % GRAVES];
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
