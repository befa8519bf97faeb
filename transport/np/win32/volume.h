/*
 * volume.h - what the files of the WinFsp transport share. Included after windows.h and fsp.h.
 *
 *   np.c       the transport: a volume per tenant, letters     volume.c    one volume
 *   ops.c      what WinFsp asks about items                    ops_dir.c   listings
 *   ops_file.c content                                         node.c      open items
 *   path.c     names: UTF-16 with '\' to ids of the vfs        attributes.c  what Windows is told
 *   notes.c    tells the driver what changed elsewhere
 */
#ifndef NP_VOLUME_H
#define NP_VOLUME_H

#include <stdatomic.h>

#include "base/thread.h"
#include "transport/vfs.h"

/* Which files are shown as offline; one for all volumes of a transport. */
struct offline {
    struct mutex lock; /* guards the text */
    char *exclude;     /* extensions of those that are not, "pdf|msg"; NULL: none is */
};

struct volume {
    const struct fsp_api *api; /* lent */
    struct vfs *vfs;           /* a reference: the namespace */
    char *folder;              /* the first component of all paths in it */
    char *share;               /* its name for other programs: \\server\share */
    uint64_t root;             /* `folder` in the vfs, held */
    fsp_fs fs;
    bool is_dispatching;
    int64_t deadline_ms;
    int64_t save_deadline_ms;
    void *descriptor; /* of every item: this user and the system */
    DWORD descriptor_bytes;
    atomic_bool is_stopped;           /* by WinFsp: its driver is being replaced */
    const atomic_bool *is_cancelling; /* lent: what runs is to end with ERR_CANCELLED */
    struct offline *offline;          /* lent */
    struct mutex lock;                /* guards what follows */
    struct node *nodes;               /* all that is open; their paths are guarded by it, too */
};

/* An open item; WinFsp's file context. One handle is one node. */
struct node {
    uint64_t id; /* held */
    enum vfs_kind kind;
    unsigned access;       /* enum vfs_open_flags that the program asked for */
    struct mutex lock;     /* guards what follows */
    struct vfs_file *file; /* NULL until content is needed */
    unsigned open_flags;   /* of `file` */
    bool is_dirty;
    struct vfs_dir *dir; /* NULL until it is listed */
    uint64_t cookie;     /* behind `last` */
    char *last;          /* the last name of the last answer; NULL: the beginning */

    /* guarded by the volume's lock */
    char *path; /* from the volume's root on, with '\' */
    struct node *next;
    struct node **self; /* what points here */
};

struct volume_options {
    const struct fsp_api *api;             /* these four outlive the volume */
    const struct fsp_interface *interface; /* of ops_add_...() */
    const atomic_bool *is_cancelling;
    struct offline *offline;
    struct vfs *vfs;
    const char *folder; /* there is such a folder in the vfs */
    const char *server;
    const char *user_tag; /* NULL: none */
    int64_t deadline_ms;
    int64_t save_deadline_ms;
    unsigned max_threads;
};

/* Shows `folder` as \\server\folder, or \\server\folder~user_tag; the second session of a user
 * gets a number behind the tag. ERR_BUSY: another program or user has the name. */
int volume_new(struct volume **out, const struct volume_options *options, struct error *err);
void volume_free(struct volume *volume); /* NULL is fine; ends the dispatcher first */

/* One operation. */
struct op {
    struct volume *volume;
    struct vfs_call call;
    struct error err;
};
void op_begin(struct op *op, fsp_fs fs);
void op_begin_save(struct op *op, fsp_fs fs);
fsp_status op_status(int code);

/* The item at `name`, with a hold to be given back. */
int path_find(struct op *op, struct vfs_attr *out, const wchar_t *name);

/* The folder (with a hold) that `name` lies in, and its last component (the caller frees).
 * ERR_INVALID for the root. */
int path_parent(struct op *op, uint64_t *parent, char **last, const wchar_t *name);

/* `name` in UTF-8, with '\'. ERR_BAD_NAME. */
int path_text(struct op *op, char **out, const wchar_t *name);

int64_t filetime_to_ms(uint64_t filetime);

/* What Windows is told of an item; `name` is its name or path. */
void info_fill(const struct volume *volume, struct fsp_file_info *out, const struct vfs_attr *attr,
               const char *name);

/* NULL: no file is marked from now on. */
int offline_set(struct offline *offline, const char *exclude, struct error *err);

/* A new open item. Takes over the hold of attr->id, also when it fails. */
int node_new(struct op *op, struct node **out, const struct vfs_attr *attr, const wchar_t *name,
             uint32_t access);
void node_free(struct volume *volume, struct node *node);

/* Opens the content with what is needed, when it is not open so. Called with the node's lock. */
int node_need_content(struct op *op, struct node *node, unsigned flags);

/* The item as it is now. Called with the node's lock, or before anybody else has it. */
int node_refresh(struct op *op, struct node *node, struct fsp_file_info *info);
void node_info(struct op *op, struct node *node, struct fsp_file_info *info,
               const struct vfs_attr *attr);

/* What is open at `from` and below it is now at `to`. */
void nodes_moved(struct volume *volume, const char *from, const char *to);

/* Tells the driver of a change, as vfs_changed_fn, when somebody has it open: only then anybody
 * looks. What is lost is seen after a second anyhow. */
void volume_tell(struct volume *volume, uint64_t parent, const char *name, uint64_t id);

void ops_add_items(struct fsp_interface *interface);
void ops_add_content(struct fsp_interface *interface);
void ops_add_folders(struct fsp_interface *interface);

/* Whether the folder has no entry. */
int folder_is_empty(struct op *op, uint64_t id, bool *out);

#endif
