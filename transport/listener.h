/*
 * listener.h - who is told of changes by a vfs: the slot `listen` of vfs.h, once for all
 * implementations.
 */
#ifndef TRANSPORT_LISTENER_H
#define TRANSPORT_LISTENER_H

#include "base/thread.h"
#include "transport/vfs.h"

struct listener {
    struct mutex lock; /* guards all below */
    struct cond idle;
    vfs_changed_fn changed;
    void *payload;
    unsigned running; /* calls of `changed` that have not returned */
};

void listener_init(struct listener *listener);
void listener_clear(struct listener *listener);

/* Returns when the one before is no longer running; so not from within `changed`. */
void listener_set(struct listener *listener, vfs_changed_fn changed, void *payload);

/* Calls the one who listens, if there is one, without a lock of the listener held. */
void listener_tell(struct listener *listener, uint64_t parent, const char *name, uint64_t id);

#endif
