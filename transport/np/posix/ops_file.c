/*
 * ops_file.c - open files.
 */
#include "np_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

#define LOOK_MS 200 /* as often as a waiting operation asks whether it is cancelled */

static struct np_handle *handle_of(const struct fuse_file_info *fi)
{
    return (struct np_handle *)(uintptr_t)fi->fh;
}

static unsigned open_flags(int flags)
{
    unsigned out = VFS_READ;

    if ((flags & O_ACCMODE) == O_WRONLY) {
        out = VFS_WRITE;
    } else if ((flags & O_ACCMODE) == O_RDWR) {
        out = VFS_READ | VFS_WRITE;
    }
    if (flags & O_TRUNC) {
        out |= VFS_WRITE | VFS_TRUNCATE;
    }
    return out;
}

/* Adds it to what is open, and fills what the kernel is told of it. */
static void give(struct np *np, struct np_handle *handle, struct fuse_file_info *fi, unsigned flags)
{
    enum np_pages pages = NP_PAGES_OLD;

    handle->is_writable = (flags & VFS_WRITE) != 0;
    np_handle_add(np, handle);
    fi->fh = (uint64_t)(uintptr_t)handle;
    pages = np_pages_of(np, handle);
    if (pages == NP_PAGES_OTHERS) {
        np_handle_set_apart(np, handle);
    }
    fi->direct_io = pages == NP_PAGES_OTHERS;
    /* To drop pages is to wait for those that are on their way, where no signal reaches (fuse_open(),
     * invalidate_inode_pages2()). */
    fi->keep_cache = pages != NP_PAGES_OLD;
    fi->noflush = !handle->is_writable; /* nothing to save */
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    unsigned flags = open_flags(fi->flags);
    struct np_handle *handle = NULL;
    struct np_op op;
    int code = 0;

    np_op_begin(&op, req);
    handle = np_handle_new(op.np, ino);
    if (!handle) {
        code = error_set(&op.err, ERR_NO_MEMORY, "no memory for an open file");
    } else if (np_number_is_left(op.np, ino)) {
        code = np_op_left(&op);
    } else {
        code = vfs_open(op.np->vfs, &handle->file, ino, flags, &op.call, &op.err);
    }
    if (code < 0) {
        free(handle);
        np_op_fail(&op, code, "open");
        return;
    }
    atomic_store(&handle->is_dirty, (flags & VFS_TRUNCATE) != 0);
    give(op.np, handle, fi, flags);
    if (fuse_reply_open(req, fi) < 0) { /* nobody will close it */
        np_handle_release(op.np, handle);
    }
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                      struct fuse_file_info *fi)
{
    unsigned flags = open_flags(fi->flags) | (fi->flags & O_EXCL ? VFS_EXCLUSIVE : 0u);
    struct fuse_entry_param entry;
    struct np_handle *handle = NULL;
    struct vfs_attr attr;
    struct np_op op;
    int code = 0;

    (void)mode;
    np_op_begin(&op, req);
    handle = np_handle_new(op.np, 0);
    code = handle ? vfs_create(op.np->vfs, &handle->file, &attr, parent, name, flags, &op.call,
                               &op.err)
                  : error_set(&op.err, ERR_NO_MEMORY, "no memory for an open file");
    if (code == 0 && np_holds_add(op.np, attr.id) < 0) {
        vfs_close(op.np->vfs, handle->file);
        vfs_forget(op.np->vfs, attr.id, 1);
        code = error_set(&op.err, ERR_NO_MEMORY, "no memory for an open file");
    }
    if (code < 0) {
        free(handle);
        np_op_fail(&op, code, "create");
        return;
    }
    handle->ino = attr.id;
    atomic_store(&handle->is_dirty, true); /* a new file is saved even if nothing is written */
    give(op.np, handle, fi, flags);
    fi->noflush = 0;
    np_entry(op.np, &entry, &attr);
    if (fuse_reply_create(req, &entry, fi) < 0) {
        np_handle_release(op.np, handle);
        np_holds_forget(op.np, attr.id, 1);
    }
}

/* Also when the caller ended: of read-ahead the kernel tells nothing. What it was for is read again by
 * whoever else needs it. */
static bool is_read_cancelled(void *payload)
{
    struct np_op *op = payload;
    int64_t now_ms = 0;

    if (np_op_is_cancelled(op)) {
        return true;
    }
    now_ms = clock_mono_ms(clock_system());
    if (now_ms < op->look_ms) {
        return false;
    }
    op->look_ms = now_ms + LOOK_MS;
    return np_caller_is_ending((pid_t)op->call.pid);
}

/* Copied. Cached content could be spliced from its file into the device: a bare server that did so
 * took 0.3 to 0.4 s of processor time for a GB in place of 0.8 to 1.1 (100 MB in the system's cache,
 * read ten times). But a read may be put together from draft and cache, what is spliced must be kept
 * from trimming and from writers until the kernel has it, and each thread would need a pipe. */
static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                    struct fuse_file_info *fi)
{
    size_t got = 0;
    char *data = NULL;
    struct np_op op;
    int code = 0;

    (void)ino;
    np_op_begin(&op, req);
    op.call.is_cancelled = is_read_cancelled;
    op.look_ms = clock_mono_ms(clock_system()) + LOOK_MS;
    /* A program reads when its open() is over, and in that old pages are dropped. */
    atomic_store(&handle_of(fi)->has_pages, true);
    data = np_buffer_take(op.np, size);
    code = data ? vfs_read(op.np->vfs, handle_of(fi)->file, data, size, (uint64_t)offset, &got,
                           &op.call, &op.err)
                : error_set(&op.err, ERR_NO_MEMORY, "no memory to read %zu bytes", size);
    if (code < 0) {
        np_op_fail(&op, code, "read");
    } else {
        fuse_reply_buf(req, data, got);
    }
    np_buffer_give(op.np, data, size);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
                     struct fuse_file_info *fi)
{
    struct np_handle *handle = handle_of(fi);
    struct np_op op;
    int code = 0;

    np_op_begin(&op, req);
    atomic_store(&handle->is_dirty, true);
    code = vfs_write(op.np->vfs, handle->file, data, size, (uint64_t)offset, &op.call, &op.err);
    if (code < 0) {
        np_op_fail(&op, code, "write");
        return;
    }
    if (np_handle_is_apart(op.np, handle)) { /* older kernels keep pages beside such a write */
        np_notes_add(&op.np->notes, 0, NULL, ino);
    }
    fuse_reply_write(req, size);
}

/* flush and fsync: the place where the errors of saving reach the program. */
static void save(fuse_req_t req, struct fuse_file_info *fi, bool is_sync)
{
    struct np_handle *handle = handle_of(fi);
    struct np_op op;
    int code = 0;

    np_op_begin_save(&op, req);
    atomic_store(&handle->is_dirty, false); /* before: a write meanwhile sets it again */
    code = is_sync ? vfs_fsync(op.np->vfs, handle->file, &op.call, &op.err)
                   : vfs_flush(op.np->vfs, handle->file, &op.call, &op.err);
    if (code < 0) {
        np_op_fail_save(&op, code, is_sync ? "fsync" : "saving a file");
        return;
    }
    fuse_reply_err(req, 0);
}

static void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    save(req, fi, false);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *fi)
{
    (void)ino;
    (void)data_only;
    save(req, fi, true);
}

/* Pages of a mapping that outlived the program's close are written after the last flush, and what
 * was open when the mount ended had none. */
void np_save_rest(struct np *np, struct np_handle *handle)
{
    struct vfs_call call = {.deadline_ms = 0};
    struct error err = {0};

    if (atomic_load(&handle->is_dirty) && vfs_flush(np->vfs, handle->file, &call, &err) < 0) {
        log_error(LOG_TRANSPORT, &err, "a file was closed without a flush and is not saved");
    }
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    np_handle_release(fuse_req_userdata(req), handle_of(fi));
    fuse_reply_err(req, 0);
}

/* Only what lseek() and write() could do too: the file grows by zeros. */
static void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
                         struct fuse_file_info *fi)
{
    struct np_handle *handle = handle_of(fi);
    struct vfs_set set = {.flags = VFS_SET_SIZE, .size_bytes = (uint64_t)(offset + length)};
    struct vfs_attr attr;
    struct np_op op;
    int code = 0;

    if (mode != 0) {
        fuse_reply_err(req, EOPNOTSUPP);
        return;
    }
    np_op_begin(&op, req);
    code = vfs_getattr(op.np->vfs, &attr, ino, handle->file, &op.call, &op.err);
    if (code == 0 && attr.size_bytes < set.size_bytes) {
        atomic_store(&handle->is_dirty, true);
        code = vfs_setattr(op.np->vfs, &attr, ino, handle->file, &set, &op.call, &op.err);
    }
    if (code < 0) {
        np_op_fail(&op, code, "fallocate");
        return;
    }
    fuse_reply_err(req, 0);
}

void np_ops_add_files(struct fuse_lowlevel_ops *ops)
{
    ops->open = op_open;
    ops->create = op_create;
    ops->read = op_read;
    ops->write = op_write;
    ops->flush = op_flush;
    ops->fsync = op_fsync;
    ops->release = op_release;
    ops->fallocate = op_fallocate;
}
