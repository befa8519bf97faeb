/*
 * tree_private.h - inside the tree: its state, and what tree_nodes.c does for tree.c: slots, texts,
 * the two hash tables, places in folders and the list of what nobody holds.
 */
#ifndef MAPPER_VFS_TREE_PRIVATE_H
#define MAPPER_VFS_TREE_PRIVATE_H

#include "tree.h"

#define CHUNK 1024u                /* nodes made at once; they never move */
#define CHUNKS_MAX (1u << 21)      /* 2^31 nodes: an index fits 32 bits */
#define GENERATION_MAX 0x3fffffffu /* keeps ids below VFS_NAMESPACE_BIT */
#define TEXT_MAX 60000u            /* of all texts of one item: offsets fit 16 bits */

#define GRAVES 4096u /* deletes remembered; a power of two */

struct grave {
    uint64_t hash; /* of the item id */
    uint32_t edit;
};

#define TEXT_PIECE 8u
#define TEXT_PIECES_MAX 64u /* longer texts are allocated one by one */

/* Memory for texts. */
struct texts {
    char *slabs; /* the first; each begins with the next */
    char *fresh; /* of the first one: never used yet */
    size_t fresh_size;
    char *free[TEXT_PIECES_MAX + 1]; /* by size; each begins with the next */
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
    uint32_t needed_edit; /* what was edited after it is not dropped */
    uint64_t text_bytes;
    struct texts texts;
    struct grave graves[GRAVES];
    uint32_t last_burial; /* the last edit in graves */
};

/* A slot for a new node, and back. A root (no parent) stands in no table. */
int tree_make(struct tree *tree, struct node **out, enum vfs_kind kind, struct error *err);
void tree_free_slot(struct tree *tree, struct node *node);
int tree_grow_tables(struct tree *tree, struct error *err);

/* tree_text.c */
void tree_drop_text(struct tree *tree, struct node *node);
void tree_take_text(struct tree *tree, struct node *node, struct node_text *made);
void tree_free_texts(struct tree *tree);
int tree_set_facts(struct tree *tree, struct node *node, const struct node_facts *facts,
                   struct error *err);
void tree_set_made(struct tree *tree, struct node *node, const struct node_facts *facts,
                   struct node_text *made);

/* Into a folder, with both tables, and out of it. */
int tree_link(struct tree *tree, struct node *node, struct node *parent, struct error *err);
void tree_unlink(struct tree *tree, struct node *node);
void tree_link_names(struct tree *tree, struct node *node);
void tree_unlink_names(struct tree *tree, struct node *node);

/* Unheld nodes, by use; removing what is not in the list is fine. */
void tree_lru_add(struct tree *tree, struct node *node);
void tree_lru_remove(struct tree *tree, struct node *node);
void tree_drop_unused(struct tree *tree, const struct node *keep);

#endif
