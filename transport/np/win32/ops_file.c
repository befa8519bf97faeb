/*
 * ops_file.c - content: read, write, size, and what closing a file means.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#define WIN32_NO_STATUS /* ntstatus.h has all of them */
#include <windows.h>
#undef WIN32_NO_STATUS
#include <ntstatus.h>

#include "fsp.h"
#include "volume.h"

#include "base/log.h"
#include "base/str.h"

/* Called with the node's lock. */
static int set_size(struct op *op, struct node *node, uint64_t size, struct vfs_attr *attr)
{
    struct vfs_set set = {.flags = VFS_SET_SIZE, .size_bytes = size};
    int code = node_need_content(op, node, VFS_WRITE);

    if (code == 0) {
        code = vfs_setattr(op->volume->vfs, attr, node->id, node->file, &set, &op->call, &op->err);
    }
    if (code == 0) {
        node->is_dirty = true;
    }
    return code;
}

static fsp_status overwrite(fsp_fs fs, void *context, uint32_t attributes, BOOLEAN replaces,
                            uint64_t allocation, struct fsp_file_info *info)
{
    struct node *node = context;
    struct vfs_attr attr;
    struct op op;
    int code;

    (void)attributes;
    (void)replaces;
    (void)allocation;
    op_begin(&op, fs);
    mutex_lock(&node->lock);
    code = set_size(&op, node, 0, &attr);
    mutex_unlock(&node->lock);
    if (code == 0) {
        node_info(&op, node, info, &attr);
    }
    return op_status(code);
}

static void remove_item(struct op *op, const struct node *node, const wchar_t *name)
{
    uint64_t parent = 0;
    char *last = NULL;
    int code = path_parent(op, &parent, &last, name);

    if (code == 0) {
        code = node->kind == VFS_FOLDER
                   ? vfs_rmdir(op->volume->vfs, parent, last, &op->call, &op->err)
                   : vfs_unlink(op->volume->vfs, parent, last, &op->call, &op->err);
        vfs_forget(op->volume->vfs, parent, 1);
        str_free(&last);
    }
    if (code < 0) { /* Windows tells no program */
        log_error(LOG_TRANSPORT, &op->err, "deleting an item that was closed");
    }
}

/* The last handle of a program is closed; the kernel may still read and write what is mapped. */
static void cleanup(fsp_fs fs, void *context, wchar_t *name, ULONG flags)
{
    struct node *node = context;
    struct op op;

    op_begin_save(&op, fs);
    if (flags & FSP_CLEANUP_DELETE) {
        remove_item(&op, node, name);
        mutex_lock(&node->lock);
        node->is_dirty = false; /* what nobody can reach is not sent */
        mutex_unlock(&node->lock);
        return;
    }
    mutex_lock(&node->lock);
    if (node->is_dirty && vfs_flush(op.volume->vfs, node->file, &op.call, &op.err) < 0) {
        log_error(LOG_TRANSPORT, &op.err, "a closed file waits to be sent");
    }
    node->is_dirty = false; /* what flush could not save stays in the spool */
    mutex_unlock(&node->lock);
}

static void close_item(fsp_fs fs, void *context)
{
    struct node *node = context;
    struct op op;

    op_begin_save(&op, fs);
    if (node->is_dirty && vfs_flush(op.volume->vfs, node->file, &op.call, &op.err) < 0) {
        log_error(LOG_TRANSPORT, &op.err, "a closed file waits to be sent");
    }
    node_free(op.volume, node);
}

static fsp_status read_item(fsp_fs fs, void *context, void *data, uint64_t offset, ULONG size,
                            ULONG *got)
{
    struct node *node = context;
    size_t done = 0;
    struct op op;
    int code;

    op_begin(&op, fs);
    mutex_lock(&node->lock);
    code = node_need_content(&op, node, VFS_READ);
    mutex_unlock(&node->lock); /* reads may run side by side: `file` changes no more after this */
    if (code == 0) {
        code = vfs_read(op.volume->vfs, node->file, data, size, offset, &done, &op.call, &op.err);
    }
    *got = (ULONG)done;
    return code == 0 && done == 0 && size > 0 ? STATUS_END_OF_FILE : op_status(code);
}

static fsp_status write_item(fsp_fs fs, void *context, void *data, uint64_t offset, ULONG size,
                             BOOLEAN to_end, BOOLEAN is_constrained, ULONG *done,
                             struct fsp_file_info *info)
{
    struct node *node = context;
    struct vfs_attr attr = {0};
    struct op op;
    int code;

    op_begin(&op, fs);
    *done = 0;
    mutex_lock(&node->lock);
    code = node_need_content(&op, node, VFS_READ | VFS_WRITE);
    if (code == 0) {
        code = vfs_getattr(op.volume->vfs, &attr, node->id, node->file, &op.call, &op.err);
    }
    offset = to_end ? attr.size_bytes : offset;
    if (is_constrained) { /* the cache writes whole pages: the file must not grow by it */
        uint64_t room = offset < attr.size_bytes ? attr.size_bytes - offset : 0;

        size = size < room ? size : (ULONG)room;
    }
    if (code == 0 && size > 0) {
        code = vfs_write(op.volume->vfs, node->file, data, size, offset, &op.call, &op.err);
        node->is_dirty = node->is_dirty || code == 0;
    }
    if (code == 0) {
        *done = size;
        code = node_refresh(&op, node, info);
    }
    mutex_unlock(&node->lock);
    return op_status(code);
}

static fsp_status flush(fsp_fs fs, void *context, struct fsp_file_info *info)
{
    struct node *node = context;
    struct op op;
    int code = 0;

    if (!node) { /* the whole volume: each file is safe when it was closed */
        return STATUS_SUCCESS;
    }
    op_begin_save(&op, fs);
    mutex_lock(&node->lock);
    if (node->is_dirty) {
        code = vfs_fsync(op.volume->vfs, node->file, &op.call, &op.err);
        node->is_dirty = code < 0;
    }
    if (code == 0) {
        code = node_refresh(&op, node, info);
    }
    mutex_unlock(&node->lock);
    return op_status(code);
}

static fsp_status set_file_size(fsp_fs fs, void *context, uint64_t size, BOOLEAN is_allocation,
                                struct fsp_file_info *info)
{
    struct node *node = context;
    struct vfs_attr attr;
    struct op op;
    int code;

    op_begin(&op, fs);
    mutex_lock(&node->lock);
    code = vfs_getattr(op.volume->vfs, &attr, node->id, node->file, &op.call, &op.err);
    /* room is not reserved, but less room than content cuts it */
    if (code == 0 && (!is_allocation || size < attr.size_bytes)) {
        code = set_size(&op, node, size, &attr);
    }
    mutex_unlock(&node->lock);
    if (code == 0) {
        node_info(&op, node, info, &attr);
    }
    return op_status(code);
}

void ops_add_content(struct fsp_interface *interface)
{
    interface->overwrite = overwrite;
    interface->cleanup = cleanup;
    interface->close = close_item;
    interface->read = read_item;
    interface->write = write_item;
    interface->flush = flush;
    interface->set_file_size = set_file_size;
}
