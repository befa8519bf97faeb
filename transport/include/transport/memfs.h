/*
 * memfs.h - a file system in memory: the model that says what vfs.h means, and what transports
 * serve in tests.
 */
#ifndef TRANSPORT_MEMFS_H
#define TRANSPORT_MEMFS_H

#include "transport/vfs.h"

struct memfs_options {
    uint64_t max_bytes;       /* of all contents; 0 = 1 GiB. Beyond: ERR_NO_SPACE */
    uint64_t blocked_above;   /* size above which open answers TOO_LARGE; 0 = never */
    uint64_t read_only_above; /* size above which opening to write answers READ_ONLY; 0 = never */
    int64_t delay_ms;         /* waited in every call, to find what holds locks while waiting */
    bool takes_any_name; /* also what SharePoint would refuse: programs' own files, like "~$x" */
};

/* `options` may be NULL. The caller ends it with vfs_unref(). */
int memfs_new(struct vfs **out, const struct memfs_options *options, struct error *err);

/* An edit that comes from elsewhere, as another user's: the file `name` in the folder `parent` gets
 * this content (it is made when missing; `data` NULL deletes it) and the listener is told. What is
 * open keeps the version that it has. `vfs` must be a memfs. */
int memfs_edit(struct vfs *vfs, uint64_t parent, const char *name, const void *data, size_t size,
               struct error *err);

#endif
