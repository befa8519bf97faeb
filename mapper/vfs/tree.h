/*
 * tree.h - what we know of the libraries: one small node per item, found by id, by name in its
 * folder and by the service's item id. Knows nothing of the network or of open files.
 *
 * Not thread-safe: the online vfs guards it with its one lock, and never waits while holding it. A
 * pointer to a node is good until the lock is given up; a held node (tree_hold) stays valid longer.
 *
 * Memory: a node is 104 bytes, its texts (item id, cTag, eTag, name) one piece (tree_text.c), its places in
 * the two hash tables 16 bytes at most. What the eTag has in common with the cTag, a GUID (graph-facts
 * 2.3), is stored once. Nodes that nobody holds are dropped, least recently used
 * first, when there are more than the limit; a folder that lost a child this way is no longer
 * complete.
 */
#ifndef MAPPER_VFS_TREE_H
#define MAPPER_VFS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "transport/vfs.h"

struct body;
struct library;
struct listing;

enum node_flags {
    NODE_USED = 1,         /* the slot is taken */
    NODE_GONE = 2,         /* deleted; waits for its last hold */
    NODE_ALIAS = 4,        /* GONE, and `kept` is the item that took its content over */
    NODE_LOCAL = 8,        /* made here and not on the server yet: no item id */
    NODE_INFECTED = 16,    /* the service found malware: opening is denied */
    NODE_CHECKED_OUT = 32, /* by somebody else */
    NODE_DENIED = 64,      /* a write was answered 403; believed until the item is listed again */
    NODE_HEARD = 128 /* changed, as delta says, which tells no cTag: the one here may be old */
};

/* What facts tell; the rest is ours. */
#define NODE_TOLD (NODE_LOCAL | NODE_INFECTED | NODE_CHECKED_OUT | NODE_HEARD)

/* What only visited folders have. */
struct folder {
    uint32_t first;
    uint32_t last;
    uint32_t count;
    uint32_t misses; /* single look-ups that went to the server; many are worth a listing */
    uint32_t doubts; /* counts: a listing that was under way at one does not make it covered */
    bool is_complete;
    uint32_t epoch;      /* the library's, when that listing began: changes since come by delta */
    int64_t complete_ms; /* when the listing that completed it began */
    struct listing *listing; /* one that runs now; belongs to its readers */
    struct library *library; /* roots only */
    int64_t denied_ms;       /* when a change in it was answered 403; 0: never */
    /* of a walk through the folders in it (prefetch.c) */
    int64_t walk_ms;       /* when one of them, or one below, was listed last */
    uint32_t walk_last;    /* which */
    uint32_t walk_entries; /* how many entries they have, about */
    uint32_t walks;        /* how many, one after the other */
};

struct node {
    char *text; /* item id, cTag, eTag (as tree_text.c packs it) and name, each with its NUL */
    union {
        struct folder *folder; /* folders; NULL until visited */
        struct body *body;     /* files; NULL unless open. Not a reference */
    };
    uint64_t size_bytes;
    int64_t modified_ms;
    int64_t created_ms;
    uint32_t index; /* of this node; its slot */
    uint32_t generation;
    uint32_t parent; /* 0: a root, or gone */
    uint32_t next;   /* in the folder, in order of arrival; free slots: the next free one */
    uint32_t prev;
    uint32_t name_next;
    uint32_t item_next;
    uint32_t lru_next;
    uint32_t lru_prev;
    uint32_t holds;
    uint32_t name_hash;
    uint32_t edit;      /* when we changed it last, by tree->edits */
    uint32_t checked_s; /* when the server told us last, on our own clock; 0: to be asked for */
    uint32_t listed;    /* the listing that saw it last */
    uint16_t ctag_at;
    uint16_t etag_at;
    uint16_t name_at;
    uint8_t kind; /* enum vfs_kind; does not change, and is read without the lock */
    uint8_t flags;
};

/* The texts of a node, while they are nobody's. */
struct node_text {
    char *text; /* as above; NULL: none */
    uint16_t ctag_at;
    uint16_t etag_at;
    uint16_t name_at;
};

/* What the service (or we) say about an item. Borrowed. NULL text is "". */
struct node_facts {
    enum vfs_kind kind;
    const char *name;
    const char *item_id;
    const char *ctag;
    const char *etag;
    uint64_t size_bytes;
    int64_t modified_ms;
    int64_t created_ms;
    uint8_t flags; /* of NODE_TOLD */
};

struct tree;

/* `limit`: more nodes than this are kept only while somebody holds them. */
int tree_new(struct tree **out, uint32_t limit, struct error *err);
void tree_free(struct tree *tree);

/* A folder without parent; held once. */
int tree_add_root(struct tree *tree, struct node **out, struct library *library, struct error *err);

/* The node of an id, an alias replaced by the item it stands for; NULL when there is none. Gone
 * nodes are returned: look at NODE_GONE. */
struct node *tree_find(struct tree *tree, uint64_t id);
/* The same without following an alias: for giving holds back. */
struct node *tree_find_exact(struct tree *tree, uint64_t id);
uint64_t node_id(const struct node *node);
struct node *tree_at(const struct tree *tree, uint32_t index); /* 0 gives NULL */

const char *node_item_id(const struct node *node);
const char *node_ctag(const struct node *node);
const char *node_name(const struct node *node);
bool node_has_etag(const struct node *node, const char *etag);              /* NULL: none */
int node_copy_etag(char **out, const struct node *node, struct error *err); /* "": none */
/* cTag, or eTag where the service gave no cTag: names a version of the content. */
const char *node_version(const struct node *node);

/* A OneNote notebook, shown as a small file that leads to it: the address stands for its version. */
bool node_is_link(const struct node *node);

/* The folder part, made when missing; NULL: no memory. */
struct folder *tree_folder(struct node *node);
struct node *tree_parent(const struct tree *tree, const struct node *node);
struct node *tree_root(const struct tree *tree, struct node *node);
struct node *tree_child(const struct tree *tree, const struct node *parent, const char *name);
struct node *tree_item(const struct tree *tree, const struct node *root, const char *item_id);

/* May drop others that nobody holds, never `parent` or the new one. The name must be free. */
int tree_add(struct tree *tree, struct node **out, struct node *parent,
             const struct node_facts *facts, struct error *err);

/* Whether the folder (NULL: none) is the node, or somewhere below it. */
bool tree_is_inside(const struct tree *tree, const struct node *folder, const struct node *node);

/* New facts for a node that stays where it is, except for its name, which must be free. */
int tree_update(struct tree *tree, struct node *node, const struct node_facts *facts,
                struct error *err);
/* ... in two steps, of which the second cannot fail: the texts are made of `facts` before, and dropped
 * or taken over; of its `facts` only the rest counts. */
int tree_make_text(struct tree *tree, struct node_text *out, const struct node_facts *facts,
                   struct error *err);
void tree_drop_made(struct tree *tree, struct node_text *made); /* none is fine */
void tree_update_made(struct tree *tree, struct node *node, const struct node_facts *facts,
                      struct node_text *made);
/* ERR_PROTOCOL when the parent is inside the node: what others moved meanwhile crossed this. */
int tree_move(struct tree *tree, struct node *node, struct node *parent, const char *name,
              struct error *err);

/* The item is gone, with all below it. Nodes that are held wait as NODE_GONE. */
void tree_remove(struct tree *tree, struct node *node);

/* The file `node` is gone and its id leads to `kept` from now on. */
void tree_replace(struct tree *tree, struct node *node, struct node *kept);

/* It and all that is known below it; what is not on the server does not count. */
uint32_t tree_count_items(const struct tree *tree, const struct node *node);

void tree_hold(struct tree *tree, struct node *node);
void tree_release(struct tree *tree, struct node *node, uint64_t count);
void tree_touch(struct tree *tree, struct node *node);

/* Counts our own changes, so that an answer that was asked for before one cannot undo it. */
uint32_t tree_edit(struct tree *tree, struct node *node);
uint32_t tree_edits(const struct tree *tree);
uint32_t tree_count_edit(struct tree *tree); /* one that is of no node */
/* Answers to questions that were asked at `after` are still to come: what was edited since is not
 * dropped, or nothing would tell that they are older. */
void tree_need_edits(struct tree *tree, uint32_t after);

/* We deleted an item, or it went out of sight below `root`: an answer that was asked for before must
 * not bring it back there. Remembers the last few thousand. */
void tree_bury(struct tree *tree, const struct node *root, const char *item_id);
bool tree_is_buried(const struct tree *tree, const struct node *root, const char *item_id,
                    uint32_t asked_edit);

uint64_t tree_count(const struct tree *tree);
uint64_t tree_bytes(const struct tree *tree);

#endif
