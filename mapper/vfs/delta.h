/*
 * delta.h - one set of changes, as the service tells them by delta, and how it reaches the tree.
 *
 * A set may name an item several times (the last word counts), name it before its folder, leave
 * out the name of what was deleted and the cTag of everything (graph-facts 2.6). It is applied whole
 * or not at all: all pages first, then under the lock.
 */
#ifndef MAPPER_VFS_DELTA_H
#define MAPPER_VFS_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "mapper/graph.h"

struct library;

/* In one set. More is cheaper to list again where somebody looks. */
#define DELTA_CHANGES_MAX 20000u

struct delta {
    struct graph_item *items;
    size_t count;
    size_t capacity;
};
void delta_clear(struct delta *delta);

/* Takes the items out of a page. ERR_LIMIT: more than DELTA_CHANGES_MAX. */
int delta_take(struct delta *delta, struct graph_items *page, struct error *err);

/* Something to tell the listener: vfs_changed_fn. */
struct delta_event {
    uint64_t parent;
    uint64_t id;
    char *name; /* NULL: `id` itself */
};

struct delta_result {
    struct delta_event *events;
    size_t count;
    size_t capacity;
    size_t changed;   /* items that somebody else changed, and that we know */
    bool is_doubtful; /* of an item that we changed meanwhile: the set is to be asked for again */
};
void delta_result_clear(struct delta_result *result);

/* online->lock is held. `asked_edit`: tree_edits() when the set was asked for. `is_last`: the set is
 * not asked for again; what is doubtful is to be asked for one by one. What fails half way leaves a
 * tree that is sound, but not up to date: the stream has to begin anew. */
int delta_apply(struct library *library, struct delta *delta, uint32_t asked_edit, bool is_last,
                struct delta_result *result, struct error *err);

#endif
