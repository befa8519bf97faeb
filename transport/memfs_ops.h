/*
 * memfs_ops.h - what memfs.c and memfs_file.c share: entering a call, and the slots of files.
 */
#ifndef TRANSPORT_MEMFS_OPS_H
#define TRANSPORT_MEMFS_OPS_H

#include "memfs_internal.h"

struct memfs *memfs_of(struct vfs *vfs);

/* Waits as the options say, then takes the lock; on failure it is not held. */
int memfs_enter(struct memfs *fs, const struct vfs_call *call, struct error *err);

/* `content` is the version to describe; NULL for folders. */
void memfs_describe(const struct memfs *fs, struct vfs_attr *out, const struct node *node,
                    const struct content *content);

int memfs_getattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                  const struct vfs_call *call, struct error *err);
int memfs_setattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                  const struct vfs_set *set, const struct vfs_call *call, struct error *err);
int memfs_open(struct vfs *vfs, struct vfs_file **out, uint64_t id, unsigned flags,
               const struct vfs_call *call, struct error *err);
int memfs_create(struct vfs *vfs, struct vfs_file **out, struct vfs_attr *attr, uint64_t parent,
                 const char *name, unsigned flags, const struct vfs_call *call, struct error *err);
int memfs_read(struct vfs *vfs, struct vfs_file *file, void *data, size_t size, uint64_t offset,
               size_t *got, const struct vfs_call *call, struct error *err);
int memfs_write(struct vfs *vfs, struct vfs_file *file, const void *data, size_t size,
                uint64_t offset, const struct vfs_call *call, struct error *err);
int memfs_flush(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *call,
                struct error *err);
void memfs_close(struct vfs *vfs, struct vfs_file *file);
void memfs_abandon(struct vfs *vfs, struct vfs_file *file);

#endif
