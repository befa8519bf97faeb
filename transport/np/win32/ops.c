/*
 * ops.c - what WinFsp asks about items. Each callback runs on a thread of WinFsp's, many
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
    struct vfs_attr attr;
    char *last = NULL;
    int code = path_parent(op, &parent, &last, name);

    if (code == 0) {
        code = vfs_getattr(op->volume->vfs, &attr, parent, NULL, &op->call, &op->err);
        vfs_forget(op->volume->vfs, parent, 1);
        str_free(&last);
    }
    if (code == 0) {
        return attr.kind == VFS_FOLDER ? STATUS_OBJECT_NAME_NOT_FOUND
                                       : STATUS_OBJECT_PATH_NOT_FOUND;
    }
    return code == ERR_NOT_FOUND || code == ERR_NOT_FOLDER ? STATUS_OBJECT_PATH_NOT_FOUND
                                                           : op_status(code);
}

static fsp_status get_security_by_name(fsp_fs fs, wchar_t *name, uint32_t *attributes,
                                       void *descriptor, size_t *size)
{
    struct fsp_file_info info;
    struct vfs_attr attr;
    char *text = NULL;
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
        code = path_text(&op, &text, name);
        if (code == 0) {
            info_fill(op.volume, &info, &attr, text);
            *attributes = info.attributes;
        }
        str_free(&text);
    }
    return code < 0 ? op_status(code) : copy_descriptor(op.volume, descriptor, size);
}

static fsp_status get_security(fsp_fs fs, void *context, void *descriptor, size_t *size)
{
    (void)context;
    return copy_descriptor(fs->user_context, descriptor, size);
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
        code = node_new(&op, &node, &attr, name, access);
        if (code < 0) {
            vfs_close(op.volume->vfs, file);
        }
    }
    if (code == 0) {
        node->file = file;
        node->open_flags = VFS_READ | VFS_WRITE;
        node_info(&op, node, info, &attr);
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
    code = node_new(&op, &node, &attr, name, access);
    if (code == 0 && node->kind == VFS_FILE && node->access) {
        code = node_need_content(&op, node, 0);
    }
    if (code == 0) {
        code = node_refresh(&op, node, info);
    }
    if (code == 0) {
        *context = node;
    } else if (node) {
        node_free(op.volume, node);
    }
    return op_status(code);
}

static fsp_status get_file_info(fsp_fs fs, void *context, struct fsp_file_info *info)
{
    struct node *node = context;
    struct op op;
    int code;

    op_begin(&op, fs);
    mutex_lock(&node->lock);
    code = node_refresh(&op, node, info);
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
        code = node_refresh(&op, node, info);
    }
    mutex_unlock(&node->lock);
    return op_status(code);
}

/* Whether what is asked for now can be done when the handle is closed: then nobody hears of an error
 * any more. The attribute "read-only" of the item itself is WinFsp's matter, since programs may ask
 * to delete in spite of it; files are read-only by their size, too. */
static fsp_status can_delete(fsp_fs fs, void *context, wchar_t *name)
{
    struct node *node = context;
    struct vfs_attr attr;
    bool is_empty = true;
    uint64_t parent = 0;
    char *last = NULL;
    struct op op;
    int code;

    op_begin(&op, fs);
    code = path_parent(&op, &parent, &last, name);
    if (code == 0) {
        code = vfs_getattr(op.volume->vfs, &attr, parent, NULL, &op.call, &op.err);
        vfs_forget(op.volume->vfs, parent, 1);
        str_free(&last);
    }
    if (code == 0 && attr.is_read_only) {
        return STATUS_CANNOT_DELETE;
    }
    if (code == 0 && node->kind == VFS_FOLDER) {
        code = folder_is_empty(&op, node->id, &is_empty);
    }
    return code == 0 && !is_empty ? STATUS_DIRECTORY_NOT_EMPTY : op_status(code);
}

static fsp_status set_delete(fsp_fs fs, void *context, wchar_t *name, BOOLEAN deletes)
{
    return deletes ? can_delete(fs, context, name) : STATUS_SUCCESS;
}

/* The open items are told after the vfs has done it. Without memory their changes are not told. */
static void note_rename(struct op *op, const wchar_t *name, const wchar_t *new_name)
{
    char *from = NULL;
    char *to = NULL;

    if (path_text(op, &from, name) == 0 && path_text(op, &to, new_name) == 0) {
        nodes_moved(op->volume, from, to);
    }
    str_free(&from);
    str_free(&to);
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
    if (code == 0) {
        note_rename(&op, name, new_name);
    }
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
    interface->get_file_info = get_file_info;
    interface->set_basic_info = set_basic_info;
    interface->can_delete = can_delete;
    interface->set_delete = set_delete;
    interface->rename = rename_item;
    interface->get_security = get_security;
    interface->dispatcher_stopped = dispatcher_stopped;
}
