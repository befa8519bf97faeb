/*
 * node.c - open items, and what errors of the vfs are called on Windows.
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

#include "base/str.h"

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
    case ERR_NAME_TOO_LONG: /* programs see ERROR_FILENAME_EXCED_RANGE */
        return STATUS_NAME_TOO_LONG;
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

void node_free(struct volume *volume, struct node *node)
{
    mutex_lock(&volume->lock);
    *node->self = node->next;
    if (node->next) {
        node->next->self = node->self;
    }
    mutex_unlock(&volume->lock);
    vfs_close(volume->vfs, node->file);
    if (node->dir) {
        vfs_closedir(volume->vfs, node->dir);
    }
    vfs_forget(volume->vfs, node->id, 1);
    mutex_clear(&node->lock);
    str_free(&node->last);
    str_free(&node->path);
    free(node);
}

int node_new(struct op *op, struct node **out, const struct vfs_attr *attr, const wchar_t *name,
             uint32_t access)
{
    struct volume *volume = op->volume;
    struct node *node = calloc(1, sizeof(*node));
    int code = node ? path_text(op, &node->path, name)
                    : error_set(&op->err, ERR_NO_MEMORY, "no memory for an open file");

    if (code < 0) {
        free(node);
        vfs_forget(volume->vfs, attr->id, 1);
        return code;
    }
    mutex_init(&node->lock);
    node->id = attr->id;
    node->kind = attr->kind;
    node->access = (access & (FILE_READ_DATA | FILE_EXECUTE) ? VFS_READ : 0) |
                   (access & (FILE_WRITE_DATA | FILE_APPEND_DATA) ? VFS_WRITE : 0);
    mutex_lock(&volume->lock);
    node->self = &volume->nodes;
    node->next = volume->nodes;
    volume->nodes = node;
    if (node->next) {
        node->next->self = &node->next;
    }
    mutex_unlock(&volume->lock);
    *out = node;
    return 0;
}

int node_need_content(struct op *op, struct node *node, unsigned flags)
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

void node_info(struct op *op, struct node *node, struct fsp_file_info *info,
               const struct vfs_attr *attr)
{
    mutex_lock(&op->volume->lock);
    info_fill(op->volume, info, attr, node->path);
    mutex_unlock(&op->volume->lock);
}

int node_refresh(struct op *op, struct node *node, struct fsp_file_info *info)
{
    struct vfs_attr attr;
    int code = vfs_getattr(op->volume->vfs, &attr, node->id, node->file, &op->call, &op->err);

    if (code == 0) {
        node_info(op, node, info, &attr);
    }
    return code;
}

void nodes_moved(struct volume *volume, const char *from, const char *to)
{
    size_t length = strlen(from);

    mutex_lock(&volume->lock);
    for (struct node *node = volume->nodes; node; node = node->next) {
        const char *path = node->path;
        char *moved = NULL;

        if (strlen(path) >= length && (path[length] == '\0' || path[length] == '\\') &&
            str_starts_with_nocase(path, from) &&
            str_format(&moved, NULL, "%s%s", to, path + length) == 0) {
            str_free(&node->path);
            node->path = moved;
        }
    }
    mutex_unlock(&volume->lock);
}
