/*
 * memfs_internal.h - what the files of memfs share. One mutex guards everything; nothing waits
 * while holding it. Functions here are called with it held.
 */
#ifndef TRANSPORT_MEMFS_INTERNAL_H
#define TRANSPORT_MEMFS_INTERNAL_H

#include "base/thread.h"
#include "listener.h"
#include "transport/memfs.h"

#define CONTENT_CHUNK (64u * 1024)

/* One version of a file's bytes. A missing chunk is zeros. */
struct content {
    unsigned references; /* the node's, and one for each open file */
    uint64_t size;
    unsigned char **chunks;
    size_t chunk_count;
    uint64_t version;      /* of memfs.last_version, when it changed last */
    unsigned writers;      /* open files with writes that were not flushed */
    struct content *saved; /* as it was before the first of those; owned. NULL: there are none */
    bool is_superseded;    /* the item got another version from elsewhere */
};

struct node {
    uint64_t id;
    enum vfs_kind kind;
    char *name;
    struct node *parent; /* NULL: the root, or deleted */
    uint64_t seq;        /* its cookie in the parent's listing */
    int64_t modified_ms;
    int64_t created_ms;
    uint64_t holds;
    unsigned uses;           /* open files and listings, and nodes whose `kept` this is */
    struct node *kept;       /* the item that took this one's content over in a rename */
    struct content *content; /* files */
    struct node **children;  /* folders, in order of seq */
    size_t child_count;
    size_t child_capacity;
    struct node *next_by_id;
    struct node *next_by_name;
};

struct memfs {
    struct vfs base; /* must stay first */
    struct memfs_options options;
    struct mutex lock; /* guards all below, and every node and content */
    struct node *root;
    struct node **by_id;   /* bucket_count chains each */
    struct node **by_name; /* by parent and folded name; what is linked */
    size_t bucket_count;
    size_t node_count;
    uint64_t last_id;
    uint64_t last_seq;
    uint64_t last_version;
    uint64_t used_bytes;
    struct listener listener;
};

static inline int memfs_check_name(const struct memfs *fs, const char *name, struct error *err)
{
    return fs->options.takes_any_name ? 0 : vfs_check_name(name, err);
}

/* content.c: *used_bytes is the file system's account. */
struct content *memfs_content_new(struct error *err);
void memfs_content_unref(struct memfs *fs, struct content *content);
int memfs_content_resize(struct memfs *fs, struct content *content, uint64_t size,
                         struct error *err);
int memfs_content_write(struct memfs *fs, struct content *content, const void *data, size_t size,
                        uint64_t offset, struct error *err);
/* A copy of its own, with its version. */
int memfs_content_copy(struct memfs *fs, struct content **out, const struct content *content,
                       struct error *err);
size_t memfs_content_read(const struct content *content, void *data, size_t size, uint64_t offset);

/* tree.c */
int memfs_tree_init(struct memfs *fs, struct error *err);
void memfs_tree_clear(struct memfs *fs);

/* The live item of `id`: ERR_STALE when it was deleted or was never handed out. memfs_tree_any() takes
 * deleted ones too, as long as somebody has them; NULL otherwise. */
int memfs_tree_find(struct memfs *fs, struct node **out, uint64_t id, struct error *err);
int memfs_tree_find_folder(struct memfs *fs, struct node **out, uint64_t id, struct error *err);
struct node *memfs_tree_any(struct memfs *fs, uint64_t id);
struct node *memfs_tree_child(struct memfs *fs, const struct node *parent, const char *name);

/* The item that a node stands for now: itself, or the one that took it over. */
struct node *memfs_tree_kept(struct node *node);

int memfs_tree_add(struct memfs *fs, struct node **out, struct node *parent, const char *name,
                   enum vfs_kind kind, struct error *err);
int memfs_tree_move(struct memfs *fs, struct node *node, struct node *parent, const char *name,
                    struct error *err);

/* Takes the node out of its folder; it is freed when nobody has it any more. */
void memfs_tree_unlink(struct memfs *fs, struct node *node);
void memfs_tree_release(struct memfs *fs, struct node *node);

/* Index of the first child whose seq is above `cookie`. */
size_t memfs_tree_after(const struct node *folder, uint64_t cookie);

#endif
