/* Names and folders. */
#include "webfs_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int web_mkdir(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
              const struct vfs_call *call, struct error *err)
{
    struct webfs *fs = web_fs(vfs);
    char *path = NULL;
    int code = 0;

    (void)call;
    mutex_lock(&fs->lock);
    code = web_child_path(fs, &path, parent, name, err);
    if (code == 0) {
        code = web_simple(fs, "MKCOL", path, "", err);
    }
    if (code == 0) {
        code = web_ask(fs, out, path, err);
    }
    if (code == 0) {
        code = web_give(fs, out, path, err);
    }
    free(path);
    mutex_unlock(&fs->lock);
    return code;
}

static int remove_entry(struct webfs *fs, uint64_t parent, const char *name, enum vfs_kind kind,
                        struct error *err)
{
    struct vfs_dir dir = {.count = 0};
    struct node *node = NULL;
    struct vfs_attr attr;
    char header[256] = "";
    char *path = NULL;
    int code = web_child_path(fs, &path, parent, name, err);

    if (code == 0) {
        code = web_ask(fs, &attr, path, err);
    }
    if (code == 0 && attr.kind != kind) {
        code = kind == VFS_FILE ? error_set(err, ERR_IS_FOLDER, "a folder")
                                : error_set(err, ERR_NOT_FOLDER, "a file");
    }
    if (code == 0 && kind == VFS_FOLDER) {
        code = web_list(fs, &dir, path, err);
        if (code == 0 && dir.count > 0) {
            code = error_set(err, ERR_NOT_EMPTY, "'%s' is not empty", path);
        }
        web_clear_list(&dir);
    }
    node = code == 0 ? web_find_path(fs, path) : NULL;
    if (node && node->token) {
        snprintf(header, sizeof(header), "If: (<%s>)\n", node->token);
    }
    if (code == 0) {
        code = web_simple(fs, "DELETE", path, header, err);
    }
    if (code == 0 && node) {
        node->is_gone = true;
    }
    free(path);
    return code;
}

int web_unlink(struct vfs *vfs, uint64_t parent, const char *name, const struct vfs_call *call,
               struct error *err)
{
    int code = 0;

    (void)call;
    mutex_lock(&web_fs(vfs)->lock);
    code = remove_entry(web_fs(vfs), parent, name, VFS_FILE, err);
    mutex_unlock(&web_fs(vfs)->lock);
    return code;
}

int web_rmdir(struct vfs *vfs, uint64_t parent, const char *name, const struct vfs_call *call,
              struct error *err)
{
    int code = 0;

    (void)call;
    mutex_lock(&web_fs(vfs)->lock);
    code = remove_entry(web_fs(vfs), parent, name, VFS_FOLDER, err);
    mutex_unlock(&web_fs(vfs)->lock);
    return code;
}

/* All that is known below `from` is below `to` now. */
static int move_nodes(struct webfs *fs, const char *from, const char *to, struct error *err)
{
    size_t length = strlen(from);
    int code = 0;

    for (struct node *node = fs->nodes; node && code == 0; node = node->next) {
        char *path = NULL;

        if (node->is_gone || strncmp(node->path, from, length) != 0 ||
            (node->path[length] != '/' && node->path[length] != '\0')) {
            continue;
        }
        code = str_format(&path, err, "%s%s", to, node->path + length);
        if (code == 0) {
            free(node->path);
            node->path = path;
        }
    }
    return code;
}

static int check_rename(struct webfs *fs, const char *from, const char *to, unsigned flags,
                        struct error *err)
{
    struct vfs_dir dir = {.count = 0};
    struct vfs_attr source;
    struct vfs_attr target;
    int code = web_ask(fs, &source, from, err);

    if (code < 0) {
        return code;
    }
    if (str_starts_with(to, from) && to[strlen(from)] == '/') {
        return error_set(err, ERR_INVALID, "into itself");
    }
    code = str_equal_nocase(from, to) ? ERR_NOT_FOUND : web_ask(fs, &target, to, err);
    if (code == ERR_NOT_FOUND) {
        error_clear(err);
        return 0;
    }
    if (code == 0 && (flags & VFS_RENAME_NO_REPLACE)) {
        code = error_set(err, ERR_EXISTS, "'%s' is there", to);
    } else if (code == 0 && source.kind != target.kind) {
        code = source.kind == VFS_FILE ? error_set(err, ERR_IS_FOLDER, "onto a folder")
                                       : error_set(err, ERR_NOT_FOLDER, "onto a file");
    } else if (code == 0 && target.kind == VFS_FOLDER) {
        code = web_list(fs, &dir, to, err);
        if (code == 0 && dir.count > 0) {
            code = error_set(err, ERR_NOT_EMPTY, "'%s' is not empty", to);
        }
        web_clear_list(&dir);
    }
    return code;
}

static int move(struct webfs *fs, const char *from, const char *to, unsigned flags,
                struct error *err)
{
    struct node *source = web_find_path(fs, from);
    struct node *target = str_equal_nocase(from, to) ? NULL : web_find_path(fs, to);
    char *destination = NULL;
    char *headers = NULL;
    char *source_url = NULL;
    int code = web_make_url(fs, &destination, to, err);

    if (code == 0) {
        code = web_make_url(fs, &source_url, from, err);
    }
    if (code == 0 && source && source->is_dirty) { /* what was written goes along */
        code = web_send_content(fs, source, err);
    }
    if (code == 0) {
        code = str_format(
            &headers, err, "Destination: %s\nOverwrite: %s\n%s%s%s%s%s%s%s%s%s%s", destination,
            flags & VFS_RENAME_NO_REPLACE ? "F" : "T",
            (source && source->token) || (target && target->token) ? "If:" : "",
            source && source->token ? " <" : "", source && source->token ? source_url : "",
            source && source->token ? "> (<" : "", source && source->token ? source->token : "",
            source && source->token ? ">)" : "", target && target->token ? " <" : "",
            target && target->token ? destination : "", target && target->token ? "> (<" : "",
            target && target->token ? target->token : "");
    }
    if (code == 0 && target && target->token) {
        char *longer = NULL;

        code = str_format(&longer, err, "%s>)", headers);
        free(headers);
        headers = longer;
    }
    if (code == 0) {
        code = web_simple(fs, "MOVE", from, headers, err);
    }
    if (code == 0 && target) {
        target->is_gone = true;
    }
    if (code == 0) {
        code = move_nodes(fs, from, to, err);
    }
    if (code == 0 && source && source->token) { /* the lock was one of the place */
        str_free(&source->token);
        if (target && target->token) { /* that one stayed where it was */
            source->token = target->token;
            target->token = NULL;
        }
        code = web_take_lock(fs, source, err);
    }
    free(destination);
    free(source_url);
    free(headers);
    return code;
}

int web_rename(struct vfs *vfs, uint64_t parent, const char *name, uint64_t new_parent,
               const char *new_name, unsigned flags, const struct vfs_call *call, struct error *err)
{
    struct webfs *fs = web_fs(vfs);
    char *from = NULL;
    char *to = NULL;
    int code = 0;

    (void)call;
    mutex_lock(&fs->lock);
    code = web_child_path(fs, &from, parent, name, err);
    if (code == 0) {
        code = web_child_path(fs, &to, new_parent, new_name, err);
    }
    if (code == 0) {
        code = check_rename(fs, from, to, flags, err);
    }
    if (code == 0 && !str_equal(from, to)) {
        code = move(fs, from, to, flags, err);
    }
    free(from);
    free(to);
    mutex_unlock(&fs->lock);
    return code;
}

int web_opendir(struct vfs *vfs, struct vfs_dir **out, uint64_t id, const struct vfs_call *call,
                struct error *err)
{
    struct webfs *fs = web_fs(vfs);
    struct vfs_dir *dir = calloc(1, sizeof(*dir));
    int code = 0;

    (void)call;
    if (!dir) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a listing");
    }
    mutex_lock(&fs->lock);
    code = web_live(fs, &dir->node, id, err);
    if (code == 0 && dir->node->kind != VFS_FOLDER) {
        code = error_set(err, ERR_NOT_FOLDER, "'%s' is a file", dir->node->path);
    }
    if (code == 0) {
        dir->node->opens++;
        *out = dir;
        dir = NULL;
    }
    mutex_unlock(&fs->lock);
    free(dir);
    return code;
}

int web_readdir(struct vfs *vfs, struct vfs_dir *dir, uint64_t cookie, vfs_entry_fn fill,
                void *payload, const struct vfs_call *call, struct error *err)
{
    struct webfs *fs = web_fs(vfs);
    int code = 0;

    (void)call;
    mutex_lock(&fs->lock);
    if (cookie == 0) {
        web_clear_list(dir);
        code = dir->node->is_gone ? error_set(err, ERR_STALE, "it is gone")
                                  : web_list(fs, dir, dir->node->path, err);
    }
    for (uint64_t i = cookie; code == 0 && i < dir->count; i++) {
        if (!fill(payload, dir->entries[i].name, &dir->entries[i].attr, i + 1)) {
            break;
        }
    }
    mutex_unlock(&fs->lock);
    return code;
}

void web_closedir(struct vfs *vfs, struct vfs_dir *dir)
{
    struct webfs *fs = web_fs(vfs);

    mutex_lock(&fs->lock);
    dir->node->opens--;
    web_release(fs, dir->node);
    web_clear_list(dir);
    free(dir);
    mutex_unlock(&fs->lock);
}
