/*
 * vfs.h - the file system that a transport serves. Who calls owns the interface: the transports
 * call it, so it stands here; memfs.c (the model) and the online vfs of the mapper implement it,
 * and one contract test runs on both.
 *
 * Everything is named by a 64-bit id that is valid while somebody holds it: lookup, create and
 * mkdir add one hold to the id they return, forget takes holds away. VFS_ROOT is always valid. An
 * id is never reused for another item while it is held, and an item that was deleted answers
 * getattr with ERR_STALE until it is forgotten; so does an id that nobody holds, should a caller
 * use one after all. What is open goes on: an open file of a deleted item reads, writes and answers
 * getattr with its `file`, and is dropped with its last close.
 *
 * Programs on this machine see each other's writes at once, as on any local disk: what one open
 * file wrote, another open file of the same item reads, and getattr counts it. What comes from
 * elsewhere (a foreign edit, a rename onto the item) never mixes into a file that is open: it reads
 * on in its own version or fails, and never gives bytes of two versions.
 *
 * Names are UTF-8, compared without case and kept in the case they were made with. Every call may
 * come from any thread, several at once, also for one file. Every call returns by its deadline:
 * ERR_TIMED_OUT, or ERR_CANCELLED when the caller gave up. What the errors become on each system is
 * the transports' table (DESIGN.md, "The online vfs"):
 *
 *   TOO_LARGE -> EFBIG         READ_ONLY, DENIED, LOCKED -> EACCES
 *   BAD_NAME, INVALID -> EINVAL                           NAME_TOO_LONG -> ENAMETOOLONG
 *   CROSS_LIBRARY -> EXDEV     NO_SPACE -> ENOSPC         NOT_PERMITTED -> EPERM
 *   NOT_FOUND -> ENOENT        EXISTS -> EEXIST           NOT_EMPTY -> ENOTEMPTY
 *   IS_FOLDER -> EISDIR        NOT_FOLDER -> ENOTDIR      STALE -> ESTALE
 *   CANCELLED -> EINTR         NO_MEMORY -> ENOMEM        LIMIT -> EMFILE
 *   everything else (UNREACHABLE, TIMED_OUT, SERVER, THROTTLED, SIGNED_OUT, CHANGED, ...) -> EIO
 */
#ifndef TRANSPORT_VFS_H
#define TRANSPORT_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define VFS_ROOT 1u

/* Ids from here on belong to the namespace above a file system; no implementation of vfs hands out
 * such an id. */
#define VFS_NAMESPACE_BIT (UINT64_C(1) << 63)

/* Cookies of readdir are at most this, so that a transport has room for its own ("." and ".."). */
#define VFS_COOKIE_MAX (UINT64_C(1) << 62)

/* Longest name of one item, in bytes of UTF-8 (255 UTF-16 units at three bytes each). */
#define VFS_NAME_MAX 765

enum vfs_kind { VFS_FILE, VFS_FOLDER, VFS_LINK /* only in the namespace: a drive letter */ };

struct vfs_attr {
    uint64_t id;
    enum vfs_kind kind;
    bool is_read_only;   /* for this user, by permission, policy or size */
    bool is_blocked;     /* opening answers TOO_LARGE */
    uint64_t size_bytes; /* of the content a reader would get now; 0 for folders */
    int64_t modified_ms; /* since 1970, UTC; the program-set time where there is one */
    int64_t created_ms;
    uint64_t version; /* of a file's content: another number whenever a reader would get other bytes
                         than before, also after a local write that nobody has saved yet. The same
                         bytes may get another number (a restart), but not by being saved. 0: unknown */
};

/* Who calls and how long we have. A zero struct means: no deadline but the implementation's own,
 * cannot be cancelled. Borrowed for the time of the call. */
struct vfs_call {
    int64_t deadline_ms; /* on clock_system()'s monotonic clock; 0 = the implementation's default
                            (60 s) */
    bool (*is_cancelled)(
        void *payload); /* may be NULL; polled at least every 200 ms while waiting */
    void *payload;
    uint32_t pid; /* of the calling process, 0 if unknown */
};

enum vfs_open_flags { VFS_READ = 1, VFS_WRITE = 2, VFS_TRUNCATE = 4, VFS_EXCLUSIVE = 8 };
enum vfs_rename_flags { VFS_RENAME_NO_REPLACE = 1 };
enum vfs_set_flags { VFS_SET_SIZE = 1, VFS_SET_MODIFIED = 2, VFS_SET_CREATED = 4 };

struct vfs_set {
    unsigned flags; /* VFS_SET_*: which of the following count */
    uint64_t size_bytes;
    int64_t modified_ms;
    int64_t created_ms;
};

struct vfs_space {
    uint64_t total_bytes; /* both 0: unknown (quota is missing for some users) */
    uint64_t free_bytes;
};

struct vfs;
struct vfs_file; /* one open file; belongs to the implementation */
struct vfs_dir;  /* one running listing */

/* Takes one entry; false: no room, call me again with the cookie of the last entry that I took.
 * `attr` has no hold: attr->id is 0 when the implementation gives none out here, otherwise an id
 * for display (inode number) only. */
typedef bool (*vfs_entry_fn)(void *payload, const char *name, const struct vfs_attr *attr,
                             uint64_t cookie);

/* What changed on its own (foreign edits, uploads that ended): called from the implementation's
 * threads, with none of its locks held. `name` is the entry in folder `parent`, or NULL when `id`
 * itself changed content or attributes. */
typedef void (*vfs_changed_fn)(void *payload, uint64_t parent, const char *name, uint64_t id);

struct vfs_ops {
    /* The entry `name` in the folder `parent`, with one hold. ERR_NOT_FOUND, ERR_NOT_FOLDER. */
    int (*lookup)(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
                  const struct vfs_call *call, struct error *err);

    /* Gives back `count` holds of lookup, create and mkdir. Never fails, never waits. */
    void (*forget)(struct vfs *vfs, uint64_t id, uint64_t count);

    /* `file` is an open file of `id`, or NULL. An open file answers with its own size. */
    int (*getattr)(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                   const struct vfs_call *call, struct error *err);

    /* Changes what set->flags name, returns the new state. Size 0 and growing are allowed; growing
     * fills with zeros. Without an open file a new size is saved before this returns. Times of
     * folders may be ignored. */
    int (*setattr)(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                   const struct vfs_set *set, const struct vfs_call *call, struct error *err);

    /* A listing in which every entry that is there from start to end appears exactly once. A page
     * that fails is an error of readdir and never a short list; readdir after an error fails again.
     * Entries come without "." and "..". Cookies start above 0 and end below VFS_COOKIE_MAX;
     * readdir(0) begins, from the current state. It returns 0 when fill has no more room and at the
     * end; a call in which fill is not called is the end. `dir` is used by one thread at a time;
     * `fill` may be called with locks held and must not call into the vfs. */
    int (*opendir)(struct vfs *vfs, struct vfs_dir **out, uint64_t id, const struct vfs_call *call,
                   struct error *err);
    int (*readdir)(struct vfs *vfs, struct vfs_dir *dir, uint64_t cookie, vfs_entry_fn fill,
                   void *payload, const struct vfs_call *call, struct error *err);
    void (*closedir)(struct vfs *vfs, struct vfs_dir *dir);

    /* Opens what is there; flags of enum vfs_open_flags. Opening to read downloads nothing yet. The
     * handle keeps the version it was opened with. TOO_LARGE above the limit, READ_ONLY for writing
     * what may not be written. */
    int (*open)(struct vfs *vfs, struct vfs_file **out, uint64_t id, unsigned flags,
                const struct vfs_call *call, struct error *err);

    /* Makes a file and opens it; with VFS_EXCLUSIVE an existing one is ERR_EXISTS, else it is
     * opened (and truncated when VFS_TRUNCATE). One hold on attr->id. Refused names are BAD_NAME
     * here and nowhere later. */
    int (*create)(struct vfs *vfs, struct vfs_file **out, struct vfs_attr *attr, uint64_t parent,
                  const char *name, unsigned flags, const struct vfs_call *call, struct error *err);

    /* *got < size only at the end of the file. */
    int (*read)(struct vfs *vfs, struct vfs_file *file, void *data, size_t size, uint64_t offset,
                size_t *got, const struct vfs_call *call, struct error *err);

    /* All or nothing. Beyond the end fills with zeros. */
    int (*write)(struct vfs *vfs, struct vfs_file *file, const void *data, size_t size,
                 uint64_t offset, const struct vfs_call *call, struct error *err);

    /* A handle is being closed by a program (FUSE flush; may come several times, also from another
     * process). When it has unsaved writes, returns after they are safe by WriteMode, with the
     * error the program must see. */
    int (*flush)(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *call,
                 struct error *err);

    /* Durable when it returns 0: as flush. */
    int (*fsync)(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *call,
                 struct error *err);

    /* The last use of the handle; frees it. What flush could not save stays in the spool. Never
     * fails. */
    void (*close)(struct vfs *vfs, struct vfs_file *file);

    /* Instead of close, when what was written is not to be kept (an upload broke off): the item has
     * the content of its last flush again, and a file that was never flushed since it was made is
     * gone. Who reads it through another handle keeps what he sees. When another handle has
     * unflushed writes of its own, or an earlier save of the file is still under way, nothing is
     * taken back: then the writes stay as those of a program that ended are kept, and are not sent
     * by this call. Never fails. Optional: where it is NULL, the handle is closed. */
    void (*abandon)(struct vfs *vfs, struct vfs_file *file);

    int (*mkdir)(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
                 const struct vfs_call *call, struct error *err);
    int (*unlink)(struct vfs *vfs, uint64_t parent, const char *name, const struct vfs_call *call,
                  struct error *err);

    /* An empty folder only: ERR_NOT_EMPTY. */
    int (*rmdir)(struct vfs *vfs, uint64_t parent, const char *name, const struct vfs_call *call,
                 struct error *err);

    /* Replaces an existing file (or an empty folder by a folder) unless VFS_RENAME_NO_REPLACE
     * (ERR_EXISTS); a folder onto a file is ERR_NOT_FOLDER, a file onto a folder ERR_IS_FOLDER.
     * Renaming onto an existing file keeps that item and gives it the new content: lookup of the
     * new name answers the kept item's id. The source's id, while held, answers for the kept item
     * or with ERR_STALE; an open file of the source goes on writing what is now the kept item.
     * Changing only the case is a rename; onto the same name changes nothing and succeeds. Between
     * libraries: ERR_CROSS_LIBRARY. A folder into itself: ERR_INVALID. */
    int (*rename)(struct vfs *vfs, uint64_t parent, const char *name, uint64_t new_parent,
                  const char *new_name, unsigned flags, const struct vfs_call *call,
                  struct error *err);

    int (*statfs)(struct vfs *vfs, struct vfs_space *out, uint64_t id, const struct vfs_call *call,
                  struct error *err);

    /* The target of a VFS_LINK; *out is the caller's to free. Optional: NULL where there are no
     * links. */
    int (*readlink)(struct vfs *vfs, char **out, uint64_t id, struct error *err);

    /* A fact about an item by its name, for people and scripts ("id", "etag", "state", "weburl");
     * *out is the caller's to free. ERR_NOT_FOUND: it has none of this name. May wait for the
     * network. Optional: NULL where there are none. */
    int (*attribute)(struct vfs *vfs, char **out, uint64_t id, const char *name,
                     const struct vfs_call *call, struct error *err);

    /* Who is told of changes; NULL takes it away and returns when no call is running any more.
     * Optional. */
    void (*listen)(struct vfs *vfs, vfs_changed_fn changed, void *payload);

    /* The last reference is gone. Copes with a half-built instance. */
    void (*free)(struct vfs *vfs);
};

/* First member of every implementation. Made with vfs_init(); ends with its last vfs_unref(). */
struct vfs {
    const struct vfs_ops *ops;
    _Atomic int references;
};

void vfs_init(struct vfs *vfs, const struct vfs_ops *ops);
struct vfs *vfs_ref(struct vfs *vfs);
void vfs_unref(struct vfs *vfs); /* NULL is fine */

/* Whether SharePoint would take an item of this name: ERR_BAD_NAME with what is wrong about it. For
 * implementations; files that never leave the machine need not pass. */
int vfs_check_name(const char *name, struct error *err);

/* The public calls: as the slots above, and what no implementation should have to check is refused
 * here. An empty name, ".", ".." and a name with '/' are ERR_INVALID. A name of more than
 * VFS_NAME_MAX bytes or 255 UTF-16 units is ERR_NAME_TOO_LONG where it would be given (create,
 * mkdir, the target of rename), one that is not UTF-8 ERR_BAD_NAME; both are ERR_NOT_FOUND
 * elsewhere. Opening needs VFS_READ or VFS_WRITE, VFS_TRUNCATE needs VFS_WRITE: ERR_INVALID. Offsets
 * beyond INT64_MAX are ERR_TOO_LARGE to write and the end of the file to read. Reading and writing 0
 * bytes succeeds. A `call` of NULL is allowed; implementations never see it. forget of VFS_ROOT, or
 * of 0 holds, and closing or abandoning NULL do nothing. */
int vfs_lookup(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
               const struct vfs_call *call, struct error *err);
void vfs_forget(struct vfs *vfs, uint64_t id, uint64_t count);
int vfs_getattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                const struct vfs_call *call, struct error *err);
int vfs_setattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                const struct vfs_set *set, const struct vfs_call *call, struct error *err);
int vfs_opendir(struct vfs *vfs, struct vfs_dir **out, uint64_t id, const struct vfs_call *call,
                struct error *err);
int vfs_readdir(struct vfs *vfs, struct vfs_dir *dir, uint64_t cookie, vfs_entry_fn fill,
                void *payload, const struct vfs_call *call, struct error *err);
void vfs_closedir(struct vfs *vfs, struct vfs_dir *dir);
int vfs_open(struct vfs *vfs, struct vfs_file **out, uint64_t id, unsigned flags,
             const struct vfs_call *call, struct error *err);
int vfs_create(struct vfs *vfs, struct vfs_file **out, struct vfs_attr *attr, uint64_t parent,
               const char *name, unsigned flags, const struct vfs_call *call, struct error *err);
int vfs_read(struct vfs *vfs, struct vfs_file *file, void *data, size_t size, uint64_t offset,
             size_t *got, const struct vfs_call *call, struct error *err);
int vfs_write(struct vfs *vfs, struct vfs_file *file, const void *data, size_t size,
              uint64_t offset, const struct vfs_call *call, struct error *err);
int vfs_flush(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *call,
              struct error *err);
int vfs_fsync(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *call,
              struct error *err);
void vfs_close(struct vfs *vfs, struct vfs_file *file);
void vfs_abandon(struct vfs *vfs, struct vfs_file *file);
int vfs_mkdir(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
              const struct vfs_call *call, struct error *err);
int vfs_unlink(struct vfs *vfs, uint64_t parent, const char *name, const struct vfs_call *call,
               struct error *err);
int vfs_rmdir(struct vfs *vfs, uint64_t parent, const char *name, const struct vfs_call *call,
              struct error *err);
int vfs_rename(struct vfs *vfs, uint64_t parent, const char *name, uint64_t new_parent,
               const char *new_name, unsigned flags, const struct vfs_call *call,
               struct error *err);
int vfs_statfs(struct vfs *vfs, struct vfs_space *out, uint64_t id, const struct vfs_call *call,
               struct error *err);
int vfs_readlink(struct vfs *vfs, char **out, uint64_t id, struct error *err);
int vfs_attribute(struct vfs *vfs, char **out, uint64_t id, const char *name,
                  const struct vfs_call *call, struct error *err);
void vfs_listen(struct vfs *vfs, vfs_changed_fn changed, void *payload);

#endif
