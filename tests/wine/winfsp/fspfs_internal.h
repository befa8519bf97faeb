/*
 * fspfs_internal.h - what the files of fspfs share. Included after fspfs.h.
 */
#ifndef TESTS_FSPFS_INTERNAL_H
#define TESTS_FSPFS_INTERNAL_H

#include "base/thread.h"

#define FOLDER_FILE 1u /* FILE_DIRECTORY_FILE */
#define EPOCH_MS INT64_C(11644473600000)

/* A name that somebody holds: open, as a program holds a folder that it works in. */
struct item {
    uint64_t id;
    uint64_t holds;
    void *context;
    wchar_t *path;
    struct item *next;
};

struct fspfs {
    struct vfs base; /* must stay first */
    struct double_volume *volume;
    struct mutex lock; /* guards the items */
    struct item *items;
    struct item root; /* not in the list */
};

struct vfs_file {
    void *context;
    bool is_modified; /* only then the driver tells of the close of the last handle */
};

struct vfs_dir {
    void *context;
    wchar_t marker[256]; /* the last name of the last answer; "": none yet */
    unsigned char *chunk;
    ULONG used;
    ULONG at;        /* of the next entry in `chunk` */
    uint64_t cookie; /* of the entry before it */
    bool is_over;
};

struct fspfs *fs_of(struct vfs *vfs);
const struct fsp_interface *fspfs_calls(const struct fspfs *fs);
fsp_fs volume_of(struct fspfs *fs);

/* The error of the vfs for a status; 0 for a good one. */
int fspfs_failed(struct error *err, fsp_status status);

void describe(struct vfs_attr *out, const struct fsp_file_info *info);

/* The path of `name` in the folder `id`, or of the item itself; the caller frees. NULL: nobody holds
 * it. */
wchar_t *path_of(struct fspfs *fs, uint64_t id, const char *name);

/* Opens as the DLL does: access is checked by the answer to the name first. `wanted` is
 * FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_NORMAL (a file) or 0. */
fsp_status open_path(struct fspfs *fs, void **context, struct fsp_file_info *info, wchar_t *path,
                     uint32_t access, uint32_t wanted);
void fspfs_close(struct fspfs *fs, void *context, bool is_modified);

/* fspfs_file.c */
int fsp_opendir(struct vfs *vfs, struct vfs_dir **out, uint64_t id, const struct vfs_call *call,
                struct error *err);
int fsp_readdir(struct vfs *vfs, struct vfs_dir *dir, uint64_t cookie, vfs_entry_fn fill,
                void *payload, const struct vfs_call *call, struct error *err);
void fsp_closedir(struct vfs *vfs, struct vfs_dir *dir);
int fsp_read(struct vfs *vfs, struct vfs_file *file, void *data, size_t size, uint64_t offset,
             size_t *got, const struct vfs_call *call, struct error *err);
int fsp_write(struct vfs *vfs, struct vfs_file *file, const void *data, size_t size,
              uint64_t offset, const struct vfs_call *call, struct error *err);
int fsp_flush(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *call,
              struct error *err);
void fsp_close(struct vfs *vfs, struct vfs_file *file);
int fsp_statfs(struct vfs *vfs, struct vfs_space *out, uint64_t id, const struct vfs_call *call,
               struct error *err);

#endif
