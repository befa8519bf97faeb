/*
 * np_internal.h - what the files of the FUSE transport share.
 *
 * One session serves one mount. Workers take turns to read the device (one waits, the others work
 * or queue behind it), so that stopping needs no signals: the waiting one is woken through an
 * eventfd. The session ends in one of three ways - stop(), a user who unmounts, an error of the
 * device - and always in the same order: no new requests, running ones end or are left to a reaper
 * thread, then everything is freed.
 *
 * Locks, each alone, never one inside another: `lock` (workers), `reader` (the turn to read),
 * handles.lock, holds.lock, buffers.lock, names.lock, notes.lock. None is held while the vfs or the
 * kernel is called, but `reader` while reading the device.
 */
#ifndef TRANSPORT_NP_INTERNAL_H
#define TRANSPORT_NP_INTERNAL_H

#define FUSE_USE_VERSION 312
#include <fuse3/fuse_lowlevel.h>

#include <stdatomic.h>
#include <sys/types.h>

#include "base/thread.h"
#include "errors.h"
#include "np/notes.h"
#include "transport/namespace.h"
#include "transport/transport.h"

#define NP_IO_MAX (1024u * 1024) /* largest read and write that we take from the kernel */

/* How long the kernel may lead by itself from a name to an item. */
#define NP_NAME_SECONDS 1.0

/* An open file or listing as the kernel knows it (fuse_file_info.fh). */
struct np_handle {
    uint64_t ino;
    struct vfs_file *file; /* one of the two */
    struct vfs_dir *dir;
    bool is_writable;
    _Atomic uint64_t version; /* of the content when it was opened; 0: unknown, or it is apart */
    atomic_bool has_pages;    /* of `version`: the kernel has dropped those of before */
    bool is_apart;            /* reads past the kernel's pages (pages.c); of np_handles.lock */
    atomic_bool is_dirty;     /* written since the last flush */
    unsigned references;      /* the kernel's, and one for each np_handle_borrow() */
    struct np_handle *previous;
    struct np_handle *next;
};

#define NP_HANDLE_BUCKETS 256
struct np_handles {
    struct mutex lock; /* guards the lists and the references */
    struct np_handle *buckets[NP_HANDLE_BUCKETS];
};

/* How many holds the kernel has on each id; given back when the mount ends without forgetting. */
struct np_holds {
    struct mutex lock;
    uint64_t *ids; /* 0: free. Apart from the counts: 12 bytes a slot and not 16 */
    uint32_t *counts;
    size_t capacity; /* a power of two */
    size_t used;
};

/* Memory for reads, between two of them. */
#define NP_BUFFERS_KEPT 4
struct np_buffers {
    struct mutex lock;
    char *kept[NP_BUFFERS_KEPT];
    size_t count;
};

/*
 * The files that the kernel may know by name, each by one. The kernel takes each spelling of a name
 * for a name of its own: when a file is renamed, replaced or deleted by one, another would still
 * lead to it, and a program that writes "a.txt" would write into what was "A.TXT" and is now "a.bak".
 * The kernel cannot be told in time, since it holds the folder until we have answered. So:
 *
 * - Only a listing gives a name to remember, in its own spelling. The kernel holds the folder while
 *   it puts the names in their places, so no change through the folder comes in between.
 * - The kernel moves and drops by itself the name that an operation is called with. One that comes
 *   by another spelling waits until the remembered one is over (np_name_settle); then all names of
 *   that folder are.
 * - When a rename gives the content of a file to the item that it replaced, the kernel has put the
 *   number of the former in the place of the latter. That number is "left": it answers ERR_STALE,
 *   and the kernel asks for the name (path walks are repeated with LOOKUP_REVAL by themselves).
 * - What others change is told (notes.h), as what the kernel remembers of items is.
 *
 * Folders need none of this: a folder has one name in the kernel, since looking it up by another
 * moves the first (d_splice_alias). So the kernel may remember any name of a folder.
 */
struct np_name {
    uint64_t id; /* 0: free */
    uint64_t parent;
    uint64_t hash; /* of the name */
    int64_t told_ms;
    bool is_left;
};

struct np_names {
    struct mutex lock; /* guards what follows */
    struct np_name *slots;
    size_t capacity; /* a power of two */
    size_t used;
    int64_t last_ms;       /* when the last was told */
    int64_t full_until_ms; /* no use to look for room before */
};

struct np_worker {
    struct np *np;
    struct thread thread;
    enum { WORKER_NONE, WORKER_RUNS, WORKER_ENDED } state;
};

struct np {
    struct transport base; /* must stay first */
    char *root;
    int64_t deadline_ms;
    int64_t save_deadline_ms;
    unsigned max_threads;
    uid_t uid;
    gid_t gid;

    struct namespace *ns;
    struct vfs *vfs; /* of ns, lent */
    struct fuse_session *session;
    int wake_fd;       /* eventfd: readable once is_ending */
    bool is_mounted;   /* was, by us; it may be gone again */
    dev_t mounted_dev; /* of our mount, to tell it from another at the same place */

    struct mutex reader;       /* the turn to read the device */
    atomic_bool is_ending;     /* workers read no further requests */
    atomic_bool is_cancelling; /* operations that run are to end with ERR_CANCELLED */
    atomic_bool is_gone;       /* the kernel ended the session */

    struct mutex lock;         /* guards the workers */
    struct cond idle;          /* `active` or `alive` became less */
    struct np_worker *workers; /* max_threads */
    unsigned alive;
    unsigned waiting; /* for the turn or for a request */
    unsigned active;  /* serving one */

    struct np_handles handles;
    struct np_holds holds;
    struct np_buffers buffers;
    struct np_names names;
    struct np_notes notes; /* what the kernel is to be told */
};

/* One operation: the call to hand to the vfs, and where its error goes. */
struct np_op {
    struct np *np;
    fuse_req_t req;
    struct vfs_call call;
    int64_t look_ms; /* of a read: when to look next whether the caller is there */
    struct error err;
};

/* loop.c */
int np_loop_start(struct np *np, struct error *err);
bool np_loop_wait(struct np *np, bool for_all,
                  int64_t until_ms); /* until none is active, or alive */
void np_loop_end(struct np *np);     /* asks; then wait for_all */
void np_loop_join(struct np *np);    /* none is alive */

/* mount.c. np_mount_prepare(): the folder is there, empty and free, after a dead agent's mount was
 * taken away; *out is its canonical path. */
int np_mount_prepare(char **out, const char *root, struct error *err);
int np_mount_check_device(struct error *err);
bool np_mount_find(const char *path, dev_t *dev, char *type, size_t type_size);
int np_mount_remove(const char *path, struct error *err); /* lazily */

/* Lets all who wait for the mount `dev`, which is in place at `path`, have an error, where the
 * system offers it. Closing the device does that too, but not while one of our own calls is inside
 * it. */
void np_mount_abort(const char *path, dev_t dev);

/* handles.c */
struct np_handle *np_handle_new(struct np *np, uint64_t ino);
void np_handle_add(struct np *np, struct np_handle *handle);
struct np_handle *np_handle_borrow(struct np *np, uint64_t ino, bool writable_first);
void np_handle_release(struct np *np, struct np_handle *handle);

/* All open files of the item, each borrowed; the list is the caller's to free. False: no memory. */
bool np_handles_borrow(struct np *np, struct np_handle ***out, size_t *count, uint64_t ino);
void np_handle_set_apart(struct np *np, struct np_handle *handle);
bool np_handle_is_apart(struct np *np, const struct np_handle *handle);
void np_handles_close_all(struct np *np);
int np_holds_add(struct np *np, uint64_t id);
void np_holds_forget(struct np *np, uint64_t id, uint64_t count); /* hands on to the vfs */
void np_holds_forget_all(struct np *np);

/* caller.c: whether the thread ended or was killed, so that nobody waits for its answer. */
bool np_caller_is_ending(pid_t pid);

/* pages.c. What the kernel's pages of an item are to a file that is being opened. */
enum np_pages {
    NP_PAGES_OTHERS, /* perhaps of another version: it is to read past them */
    NP_PAGES_OLD,    /* what is there may be of before: they are to be dropped */
    NP_PAGES_RIGHT,  /* the very bytes: another one that uses them was opened on these */
};
/* Once, when `handle` was added and nothing was read. */
enum np_pages np_pages_of(struct np *np, struct np_handle *handle);

/* Whether an open file of the item has another version than this. */
bool np_pages_are_split(struct np *np, const struct vfs_attr *attr);

/* buffers.c. `size` is the same for both; NULL: no memory. */
char *np_buffer_take(struct np *np, size_t size);
void np_buffer_give(struct np *np, char *data, size_t size);
void np_buffers_clear(struct np *np);

/* names.c. Times are of a clock that stands still while the machine sleeps. */
void np_names_init(struct np_names *names);
void np_names_clear(struct np_names *names);

/* Whether the kernel may remember that `text` in `parent` is `id`; it does from now on. */
bool np_names_tell(struct np_names *names, uint64_t id, uint64_t parent, const char *text,
                   int64_t now_ms);

/* The folder in which `id` may be remembered by another name than this one; 0: it is not. */
uint64_t np_names_other(struct np_names *names, uint64_t id, uint64_t parent, const char *text,
                        int64_t now_ms);

/* All that was told of the folder until then is over. */
void np_names_end(struct np_names *names, uint64_t parent, int64_t until_ms);

/* The kernel moved the name of `id`. `is_left`: another item has it now. */
void np_names_move(struct np_names *names, uint64_t id, uint64_t parent, const char *text,
                   bool is_left, int64_t now_ms);
bool np_names_is_left(struct np_names *names, uint64_t id, int64_t now_ms);

/* The same for a mount, now. */
bool np_name_is_remembered(struct np *np, uint64_t id, uint64_t parent, const char *name);
void np_name_moved(struct np *np, uint64_t id, uint64_t parent, const char *name, bool is_left);
bool np_number_is_left(struct np *np, uint64_t id);

/* Before an operation that takes `name` away from its item, or gives it to another: returns when the
 * kernel knows the item by no other name. *id (may be NULL) is the item; 0: there is none, or
 * nothing is remembered. ERR_CANCELLED. */
int np_name_settle(struct np_op *op, uint64_t *id, uint64_t parent, const char *name);

/* ops.c, ops_file.c, ops_dir.c */
void np_op_begin(struct np_op *op, fuse_req_t req);
void np_op_begin_save(struct np_op *op, fuse_req_t req); /* with the deadline for sending a file */
bool np_op_is_cancelled(void *op); /* by the kernel, or since the mount ends */
void np_op_fail(struct np_op *op, int code, const char *what);

/* The same for data that did not arrive: always in the log, since many programs show nobody what close() said. */
void np_op_fail_save(struct np_op *op, int code, const char *what);
int np_op_left(struct np_op *op); /* ERR_STALE, of a number that is left */
void np_stat(const struct np *np, struct stat *out, const struct vfs_attr *attr);
void np_entry(struct np *np, struct fuse_entry_param *out, const struct vfs_attr *attr);

/* Counts the hold that the vfs gave and answers with the entry. */
void np_reply_entry(struct np_op *op, const struct vfs_attr *attr);

/* Errors of closing that no program can be told of go to the log. */
void np_save_rest(struct np *np, struct np_handle *handle);
void np_ops_add_files(struct fuse_lowlevel_ops *ops);
void np_ops_add_folders(struct fuse_lowlevel_ops *ops);
void np_ops_add_items(struct fuse_lowlevel_ops *ops);
void np_ops_add_xattr(struct fuse_lowlevel_ops *ops);

#endif
