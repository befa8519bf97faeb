/*
 * namespace_internal.h - what the files of the namespace share. One mutex guards the tree; no call
 * into the inner vfs and no listener is called while it is held.
 */
#ifndef TRANSPORT_NAMESPACE_INTERNAL_H
#define TRANSPORT_NAMESPACE_INTERNAL_H

#include "base/thread.h"
#include "listener.h"
#include "transport/namespace.h"

#define NAMESPACE_BUCKETS 4096u
#define NAMESPACE_LETTERS "drives" /* the folder of the links */

enum entry_kind { ENTRY_FOLDER, ENTRY_MAPPING, ENTRY_LINK };

struct entry {
    uint64_t id; /* with VFS_NAMESPACE_BIT; VFS_ROOT for the root */
    enum entry_kind kind;
    char *name;
    struct entry *parent; /* NULL: the root, or taken away */
    uint64_t holds;
    int64_t made_ms;

    struct entry **children; /* folders: by name, without case */
    size_t child_count;
    size_t child_capacity;

    char *path; /* mappings: as attached; links: the target */
    char *label;
    uint64_t root_id;
    char letter;
    struct entry *next_by_root;

    struct entry *next_by_id;
};

struct namespace
{
    struct vfs base; /* must stay first */
    struct vfs *inner;
    struct listener listener;
    struct mutex lock; /* guards all below, and every entry */
    struct entry *root;
    struct entry *by_id[NAMESPACE_BUCKETS];
    struct entry *by_root[NAMESPACE_BUCKETS]; /* mappings, by root_id */
    uint64_t last_id;
    size_t mapping_count;
};

/* One thing the listener must hear; collected under the lock, told without it. */
struct notice {
    uint64_t parent;
    uint64_t id;
    char *name;
};
struct notices {
    struct notice items[48]; /* more than two paths of the greatest depth */
    size_t count;
};

/* namespace_tree.c; the lock is held. */
int entries_init(struct namespace *ns, struct error *err);
void entries_clear(struct namespace *ns);
struct entry *entry_find(struct namespace *ns, uint64_t id);
struct entry *entry_child(const struct entry *folder, const char *name, bool with_labels);

/* Gives back a hold; an entry that was taken away is freed with the last one. */
void entry_release(struct namespace *ns, struct entry *entry, uint64_t count);

/* The mapping attached at exactly this path; NULL if there is none. */
struct entry *entry_at(struct namespace *ns, const char *path);
int entries_attach(struct namespace *ns, const struct mapping *mapping, struct notices *notices,
                   struct error *err);
void entries_detach(struct namespace *ns, struct entry *mapping, struct notices *notices);

/* Ids of the mappings that show the inner folder `root_id`, at most `limit`. */
size_t entries_showing(struct namespace *ns, uint64_t root_id, uint64_t *ids, size_t limit);

/* Tells and frees; the lock is not held. */
void notices_tell(struct namespace *ns, struct notices *notices);

#endif
