/* Files: opened, read, written, closed. */
#include "webfs_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int web_lookup(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
               const struct vfs_call *call, struct error *err)
{
    struct webfs *fs = web_fs(vfs);
    char *path = NULL;
    int code = 0;

    (void)call;
    mutex_lock(&fs->lock);
    code = web_child_path(fs, &path, parent, name, err);
    if (code == 0) {
        code = web_ask(fs, out, path, err);
        if (code == ERR_INVALID) { /* a name that nothing can have */
            code = error_set(err, ERR_NOT_FOUND, "there is no such name");
        }
    }
    if (code == 0) {
        code = web_give(fs, out, path, err);
    }
    free(path);
    mutex_unlock(&fs->lock);
    return code;
}

void web_forget(struct vfs *vfs, uint64_t id, uint64_t count)
{
    struct webfs *fs = web_fs(vfs);
    struct node *node = NULL;

    mutex_lock(&fs->lock);
    node = web_find_id(fs, id);
    if (node) {
        node->holds -= count < node->holds ? count : node->holds;
        web_release(fs, node);
    }
    mutex_unlock(&fs->lock);
}

/* An open file's node is there as long as it is open, whatever became of the name. */
static int node_of(struct webfs *fs, struct node **out, uint64_t id, const struct vfs_file *file,
                   struct error *err)
{
    if (file) {
        *out = file->node;
        return 0;
    }
    return web_live(fs, out, id, err);
}

static int get_attr(struct webfs *fs, struct vfs_attr *out, struct node *node, struct error *err)
{
    int code = 0;

    memset(out, 0, sizeof(*out));
    if (!node->is_gone || node->opens == 0) {
        code = node->is_gone ? error_set(err, ERR_STALE, "it is gone")
                             : web_ask(fs, out, node->path, err);
    }
    if (code == 0) {
        web_describe(node, out);
    }
    return code;
}

int web_getattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                const struct vfs_call *call, struct error *err)
{
    struct webfs *fs = web_fs(vfs);
    struct node *node = NULL;
    int code = 0;

    (void)call;
    mutex_lock(&fs->lock);
    code = node_of(fs, &node, id, file, err);
    if (code == 0) {
        code = get_attr(fs, out, node, err);
    }
    mutex_unlock(&fs->lock);
    return code;
}

static int open_node(struct webfs *fs, struct vfs_file **out, struct node *node, unsigned flags,
                     bool is_new, struct error *err)
{
    struct vfs_file *file = calloc(1, sizeof(*file));
    int code = 0;

    if (!file) {
        return error_set(err, ERR_NO_MEMORY, "no memory for an open file");
    }
    if (node->kind != VFS_FILE) {
        code = error_set(err, ERR_IS_FOLDER, "'%s' is a folder", node->path);
    }
    if (code == 0 && (flags & VFS_WRITE)) {
        struct vfs_attr attr;

        code = web_ask(fs, &attr, node->path, err);
        if (code == 0 && attr.is_read_only) {
            code = error_set(err, ERR_READ_ONLY, "'%s' is read-only", node->path);
        }
        code = code < 0 ? code : web_take_lock(fs, node, err);
    }
    if (code == 0 && node->opens == 0 && !is_new) {
        code = web_fetch(fs, node, err);
    }
    if (code == 0 && (flags & VFS_TRUNCATE) && node->size > 0) {
        code = web_resize(node, 0, err);
    }
    if (code < 0) {
        free(file);
        return code;
    }
    node->opens++;
    node->writers += (flags & VFS_WRITE) != 0;
    file->node = node;
    file->flags = flags;
    *out = file;
    return 0;
}

int web_open(struct vfs *vfs, struct vfs_file **out, uint64_t id, unsigned flags,
             const struct vfs_call *call, struct error *err)
{
    struct webfs *fs = web_fs(vfs);
    struct node *node = NULL;
    int code = 0;

    (void)call;
    mutex_lock(&fs->lock);
    code = web_live(fs, &node, id, err);
    if (code == 0) {
        code = open_node(fs, out, node, flags, false, err);
    }
    mutex_unlock(&fs->lock);
    return code;
}

int web_create(struct vfs *vfs, struct vfs_file **out, struct vfs_attr *attr, uint64_t parent,
               const char *name, unsigned flags, const struct vfs_call *call, struct error *err)
{
    struct webfs *fs = web_fs(vfs);
    struct node *node = NULL;
    char *path = NULL;
    bool is_new = false;
    int code = 0;

    (void)call;
    mutex_lock(&fs->lock);
    code = web_child_path(fs, &path, parent, name, err);
    if (code == 0) {
        code = web_ask(fs, attr, path, err);
        is_new = code == ERR_NOT_FOUND;
    }
    if (is_new) { /* WebClient's first step: nothing */
        code = web_request(fs, "PUT", path, "", "", 0, err);
        attr->kind = VFS_FILE;
    } else if (code == 0 && (flags & VFS_EXCLUSIVE)) {
        code = error_set(err, ERR_EXISTS, "'%s' is there", path);
    }
    if (code == 0) {
        code = web_hold(fs, &node, path, attr->kind, err);
    }
    if (code == 0) {
        if (is_new) {
            node->size = 0;
            str_free(&node->etag);
        }
        code = open_node(fs, out, node, flags, is_new, err);
        if (code < 0) {
            node->holds--;
            web_release(fs, node);
        }
    }
    if (code == 0) {
        code = get_attr(fs, attr, node, err);
    }
    free(path);
    mutex_unlock(&fs->lock);
    return code;
}

int web_read(struct vfs *vfs, struct vfs_file *file, void *data, size_t size, uint64_t offset,
             size_t *got, const struct vfs_call *call, struct error *err)
{
    struct webfs *fs = web_fs(vfs);
    const struct node *node = file->node;
    int code = 0;

    (void)call;
    *got = 0;
    mutex_lock(&fs->lock);
    if (!(file->flags & VFS_READ)) {
        code = error_set(err, ERR_DENIED, "not open for reading");
    } else if (offset < node->size) {
        *got = size < node->size - offset ? size : (size_t)(node->size - offset);
        memcpy(data, node->data + offset, *got);
    }
    mutex_unlock(&fs->lock);
    return code;
}

int web_write(struct vfs *vfs, struct vfs_file *file, const void *data, size_t size,
              uint64_t offset, const struct vfs_call *call, struct error *err)
{
    struct webfs *fs = web_fs(vfs);
    struct node *node = file->node;
    int code = 0;

    (void)call;
    mutex_lock(&fs->lock);
    if (!(file->flags & VFS_WRITE)) {
        code = error_set(err, ERR_DENIED, "not open for writing");
    } else if (offset + size > node->size) {
        code = web_resize(node, offset + size, err);
    }
    if (code == 0) {
        memcpy(node->data + offset, data, size);
        node->is_dirty = true;
        node->modified_ms = -1;
    }
    mutex_unlock(&fs->lock);
    return code;
}

int web_flush(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *call,
              struct error *err)
{
    struct webfs *fs = web_fs(vfs);
    int code = 0;

    (void)call;
    mutex_lock(&fs->lock);
    if (file->flags & VFS_WRITE) {
        code = web_send_content(fs, file->node, err);
    }
    mutex_unlock(&fs->lock);
    return code;
}

void web_close(struct vfs *vfs, struct vfs_file *file)
{
    struct webfs *fs = web_fs(vfs);
    struct node *node = file->node;

    mutex_lock(&fs->lock);
    if (file->flags & VFS_WRITE) {
        web_send_content(fs, node, NULL);
        if (--node->writers == 0) {
            web_end_lock(fs, node);
        }
    }
    if (--node->opens == 0) {
        free(node->data);
        node->data = NULL;
        node->size = node->room = 0;
    }
    web_release(fs, node);
    free(file);
    mutex_unlock(&fs->lock);
}

int web_setattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                const struct vfs_set *set, const struct vfs_call *call, struct error *err)
{
    struct webfs *fs = web_fs(vfs);
    struct vfs_file *own = NULL;
    struct node *node = NULL;
    int code = 0;

    if (!file && (set->flags & VFS_SET_SIZE)) {
        code = web_open(vfs, &own, id, VFS_READ | VFS_WRITE, call, err);
        if (code < 0) {
            return code;
        }
    }
    mutex_lock(&fs->lock);
    code = node_of(fs, &node, id, file ? file : own, err);
    if (code == 0 && (set->flags & VFS_SET_SIZE)) {
        code = file && !(file->flags & VFS_WRITE)
                   ? error_set(err, ERR_INVALID, "not open for writing")
                   : web_resize(node, set->size_bytes, err);
        if (code == 0 && own) {
            code = web_send_content(fs, node, err);
        }
    }
    if (code == 0 && (set->flags & VFS_SET_MODIFIED)) {
        if (node->opens > 0) {
            node->modified_ms = set->modified_ms;
        }
        if (!node->is_dirty) {
            code = web_send_times(fs, node, set->modified_ms, err);
        }
    }
    if (code == 0) {
        code = get_attr(fs, out, node, err);
    }
    mutex_unlock(&fs->lock);
    if (own) {
        web_close(vfs, own);
    }
    return code;
}
