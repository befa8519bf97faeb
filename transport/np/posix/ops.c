/*
 * ops.c - items: lookup, attributes, making, removing, renaming. And what all operations share.
 */
#include "np_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

/* How long the kernel may answer by itself for what an item is. Foreign changes are told (notes.c);
 * this is for what nobody tells. For names there is NP_NAME_SECONDS. */
#define REMEMBER_SECONDS 1.0

#define BLOCK 4096u
#define UNKNOWN_SPACE (UINT64_C(1) << 50) /* shown when the quota is not known */

bool np_op_is_cancelled(void *payload)
{
    struct np_op *op = payload;

    return atomic_load(&op->np->is_cancelling) || fuse_req_interrupted(op->req);
}

static void begin(struct np_op *op, fuse_req_t req, bool is_save)
{
    struct np *np = fuse_req_userdata(req);
    int64_t wait_ms = is_save ? np->save_deadline_ms : np->deadline_ms;

    *op = (struct np_op){.np = np, .req = req};
    op->call.deadline_ms = wait_ms > 0 ? clock_mono_ms(clock_system()) + wait_ms : 0;
    op->call.is_cancelled = np_op_is_cancelled;
    op->call.payload = op;
    op->call.pid = (uint32_t)fuse_req_ctx(req)->pid;
}

void np_op_begin(struct np_op *op, fuse_req_t req)
{
    begin(op, req, false);
}

void np_op_begin_save(struct np_op *op, fuse_req_t req)
{
    begin(op, req, true);
}

void np_op_fail(struct np_op *op, int code, const char *what)
{
    int number = np_errno(code);

    /* EIO tells the program no reason, so the log must have it */
    if (number == EIO) {
        log_error(LOG_TRANSPORT, &op->err, "%s failed", what);
    } else if (code != ERR_NOT_FOUND) {
        log_debug(LOG_TRANSPORT, "%s: %s [%s]", what, op->err.message, error_name(code));
    }
    fuse_reply_err(op->req, number);
}

void np_op_fail_save(struct np_op *op, int code, const char *what)
{
    log_error(LOG_TRANSPORT, &op->err, "%s failed", what);
    fuse_reply_err(op->req, np_errno(code));
}

int np_op_left(struct np_op *op)
{
    return error_set(&op->err, ERR_STALE, "another item has the name by now");
}

static struct timespec from_ms(int64_t ms)
{
    int64_t rest = ms % 1000;
    int64_t seconds = ms / 1000;

    if (rest < 0) {
        rest += 1000;
        seconds--;
    }
    return (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)rest * 1000000};
}

void np_stat(const struct np *np, struct stat *out, const struct vfs_attr *attr)
{
    static const mode_t modes[] = {
        [VFS_FILE] = S_IFREG | 0600, [VFS_FOLDER] = S_IFDIR | 0700, [VFS_LINK] = S_IFLNK | 0777};

    memset(out, 0, sizeof(*out));
    out->st_ino = attr->id;
    out->st_mode = modes[attr->kind];
    if (attr->is_read_only && attr->kind != VFS_LINK) {
        out->st_mode &= ~(mode_t)0222;
    }
    out->st_nlink = 1; /* of folders too: their number of subfolders is not known */
    out->st_uid = np->uid;
    out->st_gid = np->gid;
    out->st_size = (off_t)attr->size_bytes;
    out->st_blksize = 128 * 1024;
    out->st_blocks = (blkcnt_t)((attr->size_bytes + 511) / 512);
    out->st_mtim = from_ms(attr->modified_ms);
    out->st_ctim = out->st_mtim;
    out->st_atim = out->st_mtim;
}

/* Its size is one for all who have the item open: where they read several versions, it is asked for each
 * time. */
static double attr_seconds(struct np *np, const struct vfs_attr *attr)
{
    return np_pages_are_split(np, attr) ? 0.0 : REMEMBER_SECONDS;
}

void np_entry(struct np *np, struct fuse_entry_param *out, const struct vfs_attr *attr)
{
    memset(out, 0, sizeof(*out));
    out->ino = attr->id;
    out->attr_timeout = attr_seconds(np, attr);
    out->entry_timeout = attr->kind == VFS_FOLDER ? NP_NAME_SECONDS : 0.0;
    np_stat(np, &out->attr, attr);
}

void np_reply_entry(struct np_op *op, const struct vfs_attr *attr)
{
    struct fuse_entry_param entry;

    if (np_holds_add(op->np, attr->id) < 0) {
        vfs_forget(op->np->vfs, attr->id, 1);
        fuse_reply_err(op->req, ENOMEM);
        return;
    }
    np_entry(op->np, &entry, attr);
    if (fuse_reply_entry(op->req, &entry) < 0) { /* the caller is gone, and the kernel forgot */
        np_holds_forget(op->np, attr->id, 1);
    }
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct vfs_attr attr;
    struct np_op op;
    int code = 0;

    np_op_begin(&op, req);
    code = vfs_lookup(op.np->vfs, &attr, parent, name, &op.call, &op.err);
    if (code < 0) {
        np_op_fail(&op, code, "lookup");
        return;
    }
    np_reply_entry(&op, &attr);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
    np_holds_forget(fuse_req_userdata(req), ino, count);
    fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < count; i++) {
        np_holds_forget(fuse_req_userdata(req), forgets[i].ino, forgets[i].nlookup);
    }
    fuse_reply_none(req);
}

/* fstat() of a deleted file comes without the open file, so one is looked for. */
static int get_attr(struct np_op *op, struct vfs_attr *attr, uint64_t ino,
                    const struct fuse_file_info *fi)
{
    struct np_handle *given = fi ? (struct np_handle *)(uintptr_t)fi->fh : NULL;
    struct np_handle *open = NULL;
    int code = 0;

    if (!given && np_number_is_left(op->np, ino)) {
        open = np_handle_borrow(op->np, ino, true);
        if (!open) {
            return np_op_left(op);
        }
    }
    code = vfs_getattr(op->np->vfs, attr, ino, given ? given->file : NULL, &op->call, &op->err);
    if (code == ERR_STALE && !given) {
        open = open ? open : np_handle_borrow(op->np, ino, true);
        if (open) {
            code = vfs_getattr(op->np->vfs, attr, ino, open->file, &op->call, &op->err);
        }
    }
    np_handle_release(op->np, open);
    return code;
}

/* With the number of the item that took this one over, if one did: fstat() and stat() of the name that
 * it has by now are to agree. */
static void reply_attr(struct np_op *op, const struct vfs_attr *attr)
{
    struct stat st;

    np_stat(op->np, &st, attr);
    fuse_reply_attr(op->req, &st, attr_seconds(op->np, attr));
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct vfs_attr attr;
    struct np_op op;
    int code = 0;

    np_op_begin(&op, req);
    code = get_attr(&op, &attr, ino, fi);
    if (code < 0) {
        np_op_fail(&op, code, "getattr");
        return;
    }
    reply_attr(&op, &attr);
}

static struct vfs_set wanted(const struct stat *st, int to_set)
{
    struct vfs_set set = {.flags = 0};

    if (to_set & FUSE_SET_ATTR_SIZE) {
        set.flags |= VFS_SET_SIZE;
        set.size_bytes = (uint64_t)st->st_size;
    }
    if (to_set & FUSE_SET_ATTR_MTIME_NOW) {
        set.flags |= VFS_SET_MODIFIED;
        set.modified_ms = clock_wall_ms(clock_system());
    } else if (to_set & FUSE_SET_ATTR_MTIME) {
        set.flags |= VFS_SET_MODIFIED;
        set.modified_ms = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
    }
    return set;
}

/* Owner, mode and time of access have no meaning on the server: accepted without effect. */
static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set,
                       struct fuse_file_info *fi)
{
    struct vfs_set set = wanted(st, to_set);
    struct np_handle *given = fi ? (struct np_handle *)(uintptr_t)fi->fh : NULL;
    struct np_handle *open = NULL;
    struct vfs_attr attr;
    struct np_op op;
    int code = 0;

    if (set.flags & VFS_SET_SIZE) {
        np_op_begin_save(&op, req);
    } else {
        np_op_begin(&op, req);
    }
    if (!given && !(set.flags & VFS_SET_SIZE)) { /* futimens() comes without the open file */
        open = np_handle_borrow(op.np, ino, true);
        given = open;
    }
    if (set.flags == 0) {
        code = get_attr(&op, &attr, ino, fi);
    } else {
        code = vfs_setattr(op.np->vfs, &attr, ino, given ? given->file : NULL, &set, &op.call,
                           &op.err);
    }
    if (code == 0 && given && (set.flags & VFS_SET_SIZE)) {
        atomic_store(&given->is_dirty, true);
    }
    np_handle_release(op.np, open);
    if (code < 0) {
        np_op_fail(&op, code, "setattr");
        return;
    }
    reply_attr(&op, &attr);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
    char *target = NULL;
    struct np_op op;
    int code = 0;

    np_op_begin(&op, req);
    code = vfs_readlink(op.np->vfs, &target, ino, &op.err);
    if (code < 0) {
        np_op_fail(&op, code, "readlink");
        return;
    }
    fuse_reply_readlink(req, target);
    str_free(&target);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    struct vfs_attr attr;
    struct np_op op;
    int code = 0;

    (void)mode;
    np_op_begin(&op, req);
    code = vfs_mkdir(op.np->vfs, &attr, parent, name, &op.call, &op.err);
    if (code < 0) {
        np_op_fail(&op, code, "mkdir");
        return;
    }
    np_reply_entry(&op, &attr);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    struct np_op op;
    int code = 0;

    (void)dev;
    if (!S_ISREG(mode)) {
        fuse_reply_err(req, EPERM);
        return;
    }
    np_op_begin_save(&op, req);
    code = vfs_create(op.np->vfs, &file, &attr, parent, name, VFS_WRITE | VFS_EXCLUSIVE, &op.call,
                      &op.err);
    if (code == 0) {
        code = vfs_flush(op.np->vfs, file, &op.call, &op.err);
        vfs_close(op.np->vfs, file);
        if (code < 0) {
            vfs_forget(op.np->vfs, attr.id, 1);
        }
    }
    if (code < 0) {
        np_op_fail(&op, code, "mknod");
        return;
    }
    np_reply_entry(&op, &attr);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct np_op op;
    int code = 0;

    np_op_begin(&op, req);
    code = np_name_settle(&op, NULL, parent, name);
    if (code == 0) {
        code = vfs_unlink(op.np->vfs, parent, name, &op.call, &op.err);
    }
    if (code < 0) {
        np_op_fail(&op, code, "unlink");
        return;
    }
    fuse_reply_err(req, 0);
}

static void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct np_op op;
    int code = 0;

    np_op_begin(&op, req);
    code = vfs_rmdir(op.np->vfs, parent, name, &op.call, &op.err);
    if (code < 0) {
        np_op_fail(&op, code, "rmdir");
        return;
    }
    fuse_reply_err(req, 0);
}

/* What was replaced keeps its id, but the kernel has put the source's (`id`; 0: it remembers none) in
 * its place, and remembers size and bytes of what was replaced. */
static void note_rename(struct np_op *op, uint64_t id, uint64_t parent, const char *name)
{
    struct vfs *vfs = op->np->vfs;
    struct vfs_attr attr;

    if (id != 0) { /* taken over, or, where both versions are kept, still there */
        bool is_left = vfs_getattr(vfs, &attr, id, NULL, &op->call, NULL) < 0 || attr.id != id;

        np_name_moved(op->np, id, parent, name, is_left);
    }
    np_notes_add(&op->np->notes, parent, name, 0);
    if (vfs_lookup(vfs, &attr, parent, name, &op->call, NULL) == 0) {
        np_notes_add(&op->np->notes, parent, NULL, attr.id);
        vfs_forget(vfs, attr.id, 1);
    }
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
                      const char *new_name, unsigned flags)
{
    uint64_t id = 0;
    struct np_op op;
    int code = 0;

    if (flags & ~(unsigned)RENAME_NOREPLACE) { /* the server cannot exchange */
        fuse_reply_err(req, EINVAL);
        return;
    }
    np_op_begin_save(&op, req); /* replacing may send the content */
    code = np_name_settle(&op, &id, parent, name);
    if (code == 0) {
        code = np_name_settle(&op, NULL, new_parent, new_name);
    }
    if (code == 0) {
        code = vfs_rename(op.np->vfs, parent, name, new_parent, new_name,
                          flags & RENAME_NOREPLACE ? VFS_RENAME_NO_REPLACE : 0, &op.call, &op.err);
    }
    if (code < 0) {
        np_op_fail(&op, code, "rename");
        return;
    }
    note_rename(&op, id, new_parent, new_name);
    fuse_reply_err(req, 0);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
    (void)target;
    (void)parent;
    (void)name;
    fuse_reply_err(req, EPERM);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
    (void)ino;
    (void)new_parent;
    (void)new_name;
    fuse_reply_err(req, EPERM);
}

static void op_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
    struct vfs_attr attr;
    struct np_op op;
    bool is_denied = false;
    int code = 0;

    np_op_begin(&op, req);
    code = get_attr(&op, &attr, ino, NULL);
    if (code < 0) {
        np_op_fail(&op, code, "access");
        return;
    }
    is_denied = ((mask & W_OK) && attr.is_read_only) || ((mask & X_OK) && attr.kind == VFS_FILE);
    fuse_reply_err(req, is_denied ? EACCES : 0);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
    struct vfs_space space = {.total_bytes = 0};
    struct statvfs out = {.f_bsize = BLOCK, .f_frsize = BLOCK, .f_namemax = 255};
    struct np_op op;
    int code = 0;

    np_op_begin(&op, req);
    code = vfs_statfs(op.np->vfs, &space, ino ? ino : VFS_ROOT, &op.call, &op.err);
    if (code < 0) {
        np_op_fail(&op, code, "statfs");
        return;
    }
    if (space.total_bytes == 0) {
        space.total_bytes = UNKNOWN_SPACE;
        space.free_bytes = UNKNOWN_SPACE;
    }
    out.f_blocks = space.total_bytes / BLOCK;
    out.f_bfree = space.free_bytes / BLOCK;
    out.f_bavail = out.f_bfree;
    fuse_reply_statfs(req, &out);
}

static void op_init(void *payload, struct fuse_conn_info *conn)
{
    (void)payload;
    conn->max_write = NP_IO_MAX;
    conn->max_readahead = NP_IO_MAX;
    conn->want |= conn->capable &
                  (FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_PARALLEL_DIROPS |
                   FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO);
    /* Written through: an error must reach the program that wrote. Copied, not spliced: what a
     * device is spliced into is a pipe that every thread would need. */
    conn->want &= ~(unsigned)(FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_SPLICE_READ |
                              FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
}

void np_ops_add_items(struct fuse_lowlevel_ops *ops)
{
    ops->init = op_init;
    ops->lookup = op_lookup;
    ops->forget = op_forget;
    ops->forget_multi = op_forget_multi;
    ops->getattr = op_getattr;
    ops->setattr = op_setattr;
    ops->readlink = op_readlink;
    ops->mkdir = op_mkdir;
    ops->mknod = op_mknod;
    ops->unlink = op_unlink;
    ops->rmdir = op_rmdir;
    ops->rename = op_rename;
    ops->symlink = op_symlink;
    ops->link = op_link;
    ops->access = op_access;
    ops->statfs = op_statfs;
}
