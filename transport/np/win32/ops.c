/*
 * ops.c - what WinFsp asks about items and content. Each callback runs on a thread of WinFsp's, many
 * at once. WinFsp checks access by the descriptor that we give, and keeps the rules of sharing and
 * of locks itself.
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
#include "base/win32.h"

#define CREATE_FOLDER 1u /* FILE_DIRECTORY_FILE */
#define MAX_LABEL 31

fsp_status op_status(int code)
{
    switch (code) {
    case 0:
        return STATUS_SUCCESS;
    case ERR_TOO_LARGE:
        return STATUS_FILE_TOO_LARGE;
    case ERR_READ_ONLY:
    case ERR_DENIED:
    case ERR_NOT_PERMITTED:
        return STATUS_ACCESS_DENIED;
    case ERR_LOCKED:
        return STATUS_SHARING_VIOLATION;
    case ERR_BAD_NAME:
        return STATUS_OBJECT_NAME_INVALID;
    case ERR_INVALID:
        return STATUS_INVALID_PARAMETER;
    case ERR_CROSS_LIBRARY:
        return STATUS_NOT_SAME_DEVICE;
    case ERR_NO_SPACE:
        return STATUS_DISK_FULL;
    case ERR_NOT_FOUND:
        return STATUS_OBJECT_NAME_NOT_FOUND;
    case ERR_EXISTS:
        return STATUS_OBJECT_NAME_COLLISION;
    case ERR_NOT_EMPTY:
        return STATUS_DIRECTORY_NOT_EMPTY;
    case ERR_IS_FOLDER:
        return STATUS_FILE_IS_A_DIRECTORY;
    case ERR_NOT_FOLDER:
        return STATUS_NOT_A_DIRECTORY;
    case ERR_STALE:
        return STATUS_FILE_INVALID;
    case ERR_CANCELLED:
        return STATUS_CANCELLED;
    case ERR_TIMED_OUT:
        return STATUS_IO_TIMEOUT;
    case ERR_UNREACHABLE:
        return STATUS_NETWORK_UNREACHABLE;
    case ERR_NO_MEMORY:
        return STATUS_INSUFFICIENT_RESOURCES;
    case ERR_LIMIT:
        return STATUS_TOO_MANY_OPENED_FILES;
    default:
        return STATUS_UNEXPECTED_IO_ERROR;
    }
}

static fsp_status get_volume_info(fsp_fs fs, struct fsp_volume_info *info)
{
    struct vfs_space space = {0, 0};
    wchar_t *label = NULL;
    struct op op;
    int code;

    op_begin(&op, fs);
    memset(info, 0, sizeof(*info));
    code = vfs_statfs(op.volume->vfs, &space, op.volume->root, &op.call, &op.err);
    if (code == 0 && space.total_bytes == 0) { /* unknown: programs must not see a full disk */
        space.total_bytes = UINT64_C(1) << 40;
        space.free_bytes = UINT64_C(1) << 40;
    }
    info->total_bytes = space.total_bytes;
    info->free_bytes = space.free_bytes;
    if (code == 0 && win32_wide(&label, op.volume->folder, NULL) == 0) {
        size_t units = wcslen(label) < MAX_LABEL ? wcslen(label) : MAX_LABEL;

        memcpy(info->label, label, units * sizeof(*label));
        info->label_bytes = (uint16_t)(units * sizeof(*label));
    }
    free(label);
    return op_status(code);
}

static fsp_status copy_descriptor(const struct volume *volume, void *descriptor, size_t *size)
{
    size_t room;

    if (!size) {
        return STATUS_SUCCESS;
    }
    room = *size;
    *size = volume->descriptor_bytes;
    if (room < volume->descriptor_bytes) {
        return STATUS_BUFFER_OVERFLOW;
    }
    if (descriptor) {
        memcpy(descriptor, volume->descriptor, volume->descriptor_bytes);
    }
    return STATUS_SUCCESS;
}

/* "No such name" and "no such folder" are two answers on Windows. */
static fsp_status missing(struct op *op, const wchar_t *name)
{
    uint64_t parent = 0;
    char *last = NULL;
    int code = path_parent(op, &parent, &last, name);

    if (code == 0) {
        vfs_forget(op->volume->vfs, parent, 1);
        str_free(&last);
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    return code == ERR_NOT_FOUND || code == ERR_NOT_FOLDER ? STATUS_OBJECT_PATH_NOT_FOUND
                                                           : op_status(code);
}

static fsp_status get_security_by_name(fsp_fs fs, wchar_t *name, uint32_t *attributes,
                                       void *descriptor, size_t *size)
{
    struct fsp_file_info info;
    struct vfs_attr attr;
    struct op op;
    int code;

    op_begin(&op, fs);
    code = path_find(&op, &attr, name);
    if (code == ERR_NOT_FOUND || code == ERR_NOT_FOLDER) {
        return missing(&op, name);
    }
    if (code < 0) {
        return op_status(code);
    }
    vfs_forget(op.volume->vfs, attr.id, 1);
    if (attributes) {
        info_fill(&info, &attr);
        *attributes = info.attributes;
    }
    return copy_descriptor(op.volume, descriptor, size);
}

static fsp_status get_security(fsp_fs fs, void *context, void *descriptor, size_t *size)
{
    (void)context;
    return copy_descriptor(fs->user_context, descriptor, size);
}

static void node_free(struct volume *volume, struct node *node)
{
    vfs_close(volume->vfs, node->file);
    if (node->dir) {
        vfs_closedir(volume->vfs, node->dir);
    }
    vfs_forget(volume->vfs, node->id, 1);
    mutex_clear(&node->lock);
    str_free(&node->last);
    free(node);
}

/* Takes over the hold of attr->id, also when it fails. */
static int node_new(struct op *op, struct node **out, const struct vfs_attr *attr, uint32_t access)
{
    struct node *node = calloc(1, sizeof(*node));

    if (!node) {
        vfs_forget(op->volume->vfs, attr->id, 1);
        return error_set(&op->err, ERR_NO_MEMORY, "no memory for an open file");
    }
    mutex_init(&node->lock);
    node->id = attr->id;
    node->kind = attr->kind;
    node->access = (access & (FILE_READ_DATA | FILE_EXECUTE) ? VFS_READ : 0) |
                   (access & (FILE_WRITE_DATA | FILE_APPEND_DATA) ? VFS_WRITE : 0);
    *out = node;
    return 0;
}

/* Opens the content with what is needed, when it is not open so. Called with the node's lock. */
static int need_content(struct op *op, struct node *node, unsigned flags)
{
    struct vfs_file *file = NULL;
    int code;

    /* who writes may read: the file must not change under those who use it without the lock */
    flags = (flags | node->access) & VFS_WRITE ? VFS_READ | VFS_WRITE : VFS_READ;
    if (node->kind != VFS_FILE) {
        return error_set(&op->err, ERR_IS_FOLDER, "a folder has no content");
    }
    if (node->file && (node->open_flags & flags) == flags) {
        return 0;
    }
    code = vfs_open(op->volume->vfs, &file, node->id, flags, &op->call, &op->err);
    if (code == 0) {
        vfs_close(op->volume->vfs, node->file);
        node->file = file;
        node->open_flags = flags;
    }
    return code;
}

static int refresh(struct op *op, struct node *node, struct fsp_file_info *info)
{
    struct vfs_attr attr;
    int code = vfs_getattr(op->volume->vfs, &attr, node->id, node->file, &op->call, &op->err);

    if (code == 0) {
        info_fill(info, &attr);
    }
    return code;
}

static fsp_status create(fsp_fs fs, wchar_t *name, uint32_t options, uint32_t access,
                         uint32_t attributes, void *descriptor, uint64_t allocation, void **context,
                         struct fsp_file_info *info)
{
    unsigned flags = VFS_READ | VFS_WRITE | VFS_EXCLUSIVE;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    struct node *node = NULL;
    uint64_t parent = 0;
    char *last = NULL;
    struct op op;
    int code;

    (void)attributes;
    (void)descriptor;
    (void)allocation;
    op_begin(&op, fs);
    code = path_parent(&op, &parent, &last, name);
    if (code < 0) {
        return code == ERR_NOT_FOUND ? STATUS_OBJECT_PATH_NOT_FOUND : op_status(code);
    }
    if (options & CREATE_FOLDER) {
        code = vfs_mkdir(op.volume->vfs, &attr, parent, last, &op.call, &op.err);
    } else {
        code = vfs_create(op.volume->vfs, &file, &attr, parent, last, flags, &op.call, &op.err);
    }
    if (code == 0) {
        code = node_new(&op, &node, &attr, access);
        if (code < 0) {
            vfs_close(op.volume->vfs, file);
        }
    }
    if (code == 0) {
        node->file = file;
        node->open_flags = VFS_READ | VFS_WRITE;
        info_fill(info, &attr);
        *context = node;
    }
    vfs_forget(op.volume->vfs, parent, 1);
    str_free(&last);
    return op_status(code);
}

/* Opening to write is asked of the vfs now, because the program must hear the answer now. */
static fsp_status open_item(fsp_fs fs, wchar_t *name, uint32_t options, uint32_t access,
                            void **context, struct fsp_file_info *info)
{
    struct node *node = NULL;
    struct vfs_attr attr;
    struct op op;
    int code;

    (void)options;
    op_begin(&op, fs);
    code = path_find(&op, &attr, name);
    if (code < 0) {
        return code == ERR_NOT_FOUND || code == ERR_NOT_FOLDER ? missing(&op, name)
                                                               : op_status(code);
    }
    code = node_new(&op, &node, &attr, access);
    if (code == 0 && node->kind == VFS_FILE && node->access) {
        code = need_content(&op, node, 0);
    }
    if (code == 0) {
        code = refresh(&op, node, info);
    }
    if (code == 0) {
        *context = node;
    } else if (node) {
        node_free(op.volume, node);
    }
    return op_status(code);
}

/* Called with the node's lock. */
static int set_size(struct op *op, struct node *node, uint64_t size, struct vfs_attr *attr)
{
    struct vfs_set set = {.flags = VFS_SET_SIZE, .size_bytes = size};
    int code = need_content(op, node, VFS_WRITE);

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
        info_fill(info, &attr);
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
    code = need_content(&op, node, VFS_READ);
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
    code = need_content(&op, node, VFS_READ | VFS_WRITE);
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
        code = refresh(&op, node, info);
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
        code = refresh(&op, node, info);
    }
    mutex_unlock(&node->lock);
    return op_status(code);
}

static fsp_status get_file_info(fsp_fs fs, void *context, struct fsp_file_info *info)
{
    struct node *node = context;
    struct op op;
    int code;

    op_begin(&op, fs);
    mutex_lock(&node->lock);
    code = refresh(&op, node, info);
    mutex_unlock(&node->lock);
    return op_status(code);
}

static fsp_status set_basic_info(fsp_fs fs, void *context, uint32_t attributes, uint64_t created,
                                 uint64_t accessed, uint64_t modified, uint64_t changed,
                                 struct fsp_file_info *info)
{
    struct vfs_set set = {.flags =
                              (modified ? VFS_SET_MODIFIED : 0) | (created ? VFS_SET_CREATED : 0),
                          .modified_ms = filetime_to_ms(modified),
                          .created_ms = filetime_to_ms(created)};
    struct node *node = context;
    struct vfs_attr attr;
    struct op op;
    int code = 0;

    (void)attributes; /* nothing on the server keeps them */
    (void)accessed;
    (void)changed;
    op_begin(&op, fs);
    mutex_lock(&node->lock);
    if (set.flags) {
        code = vfs_setattr(op.volume->vfs, &attr, node->id, node->file, &set, &op.call, &op.err);
    }
    if (code == 0) {
        code = refresh(&op, node, info);
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
        info_fill(info, &attr);
    }
    return op_status(code);
}

static fsp_status can_delete(fsp_fs fs, void *context, wchar_t *name)
{
    struct node *node = context;
    struct vfs_attr attr;
    bool is_empty = true;
    struct op op;
    int code;

    (void)name;
    op_begin(&op, fs);
    code = vfs_getattr(op.volume->vfs, &attr, node->id, NULL, &op.call, &op.err);
    if (code == 0 && attr.is_read_only) {
        return STATUS_CANNOT_DELETE;
    }
    if (code == 0 && node->kind == VFS_FOLDER) {
        code = folder_is_empty(&op, node->id, &is_empty);
    }
    return code == 0 && !is_empty ? STATUS_DIRECTORY_NOT_EMPTY : op_status(code);
}

static fsp_status rename_item(fsp_fs fs, void *context, wchar_t *name, wchar_t *new_name,
                              BOOLEAN replaces)
{
    uint64_t from = 0;
    uint64_t to = 0;
    char *last = NULL;
    char *new_last = NULL;
    struct op op;
    int code;

    (void)context;
    op_begin(&op, fs);
    code = path_parent(&op, &from, &last, name);
    if (code == 0) {
        code = path_parent(&op, &to, &new_last, new_name);
        if (code == 0) {
            code = vfs_rename(op.volume->vfs, from, last, to, new_last,
                              replaces ? 0 : VFS_RENAME_NO_REPLACE, &op.call, &op.err);
            vfs_forget(op.volume->vfs, to, 1);
        } else if (code == ERR_NOT_FOUND) {
            code = 0;
            to = 0;
        }
        vfs_forget(op.volume->vfs, from, 1);
    }
    str_free(&last);
    if (code == 0 && !new_last) {
        return STATUS_OBJECT_PATH_NOT_FOUND;
    }
    str_free(&new_last);
    /* what Windows says when a folder is in the way of a file */
    return code == ERR_IS_FOLDER || code == ERR_NOT_FOLDER ? STATUS_ACCESS_DENIED : op_status(code);
}

/* WinFsp is being updated, or its driver went away: agents look at volume->is_stopped. */
static void dispatcher_stopped(fsp_fs fs, BOOLEAN normally)
{
    struct volume *volume = fs->user_context;

    if (!normally) {
        atomic_store(&volume->is_stopped, true);
    }
}

void ops_add_items(struct fsp_interface *interface)
{
    interface->get_volume_info = get_volume_info;
    interface->get_security_by_name = get_security_by_name;
    interface->create = create;
    interface->open = open_item;
    interface->overwrite = overwrite;
    interface->cleanup = cleanup;
    interface->close = close_item;
    interface->read = read_item;
    interface->write = write_item;
    interface->flush = flush;
    interface->get_file_info = get_file_info;
    interface->set_basic_info = set_basic_info;
    interface->set_file_size = set_file_size;
    interface->can_delete = can_delete;
    interface->rename = rename_item;
    interface->get_security = get_security;
    interface->dispatcher_stopped = dispatcher_stopped;
}
