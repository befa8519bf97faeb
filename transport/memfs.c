/*
 * memfs.c - the model of vfs.h: items and names. Content is in memfs_file.c.
 */
#include "memfs_internal.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "memfs_ops.h"

struct vfs_dir {
    struct node *node; /* a use of it */
};

struct memfs *memfs_of(struct vfs *vfs)
{
    return (struct memfs *)vfs;
}

/* Waits as options say, like a server would let us wait: without the lock, cancellable, and not
 * beyond the deadline. */
static int delay(struct memfs *fs, const struct vfs_call *call, struct error *err)
{
    struct mutex mutex;
    struct cond never;
    int64_t now = clock_mono_ms(clock_system());
    int64_t end = now + fs->options.delay_ms;
    int code = 0;

    mutex_init(&mutex);
    cond_init(&never);
    mutex_lock(&mutex);
    while (code == 0 && now < end) {
        if (call->is_cancelled && call->is_cancelled(call->payload)) {
            code = error_set(err, ERR_CANCELLED, "the caller gave up");
        } else if (call->deadline_ms > 0 && now >= call->deadline_ms) {
            code = error_set(err, ERR_TIMED_OUT, "no answer in time");
        } else {
            cond_wait_ms(&never, &mutex, end - now < 20 ? end - now : 20);
        }
        now = clock_mono_ms(clock_system());
    }
    mutex_unlock(&mutex);
    cond_clear(&never);
    mutex_clear(&mutex);
    return code;
}

int memfs_enter(struct memfs *fs, const struct vfs_call *call, struct error *err)
{
    int code = fs->options.delay_ms > 0 ? delay(fs, call, err) : 0;

    if (code == 0) {
        mutex_lock(&fs->lock);
    }
    return code;
}

static bool is_above(uint64_t size, uint64_t limit)
{
    return limit > 0 && size > limit;
}

void memfs_describe(const struct memfs *fs, struct vfs_attr *out, const struct node *node,
                    const struct content *content)
{
    uint64_t size = content ? content->size : 0;

    *out = (struct vfs_attr){.id = node->id,
                             .kind = node->kind,
                             .size_bytes = size,
                             .is_blocked = is_above(size, fs->options.blocked_above),
                             .is_read_only = is_above(size, fs->options.read_only_above),
                             .modified_ms = node->modified_ms,
                             .created_ms = node->created_ms,
                             .version = content ? content->version + 1 : 0};
}

static int memfs_lookup(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
                        const struct vfs_call *call, struct error *err)
{
    struct memfs *fs = memfs_of(vfs);
    struct node *folder = NULL;
    struct node *node = NULL;
    int code = memfs_enter(fs, call, err);

    if (code < 0) {
        return code;
    }
    code = memfs_tree_find_folder(fs, &folder, parent, err);
    if (code == 0) {
        node = memfs_tree_child(fs, folder, name);
        if (node) {
            node->holds++;
            memfs_describe(fs, out, node, node->content);
        } else {
            code = error_set(err, ERR_NOT_FOUND, "there is no '%s'", name);
        }
    }
    mutex_unlock(&fs->lock);
    return code;
}

static void memfs_forget(struct vfs *vfs, uint64_t id, uint64_t count)
{
    struct memfs *fs = memfs_of(vfs);
    struct node *node = NULL;

    mutex_lock(&fs->lock);
    node = memfs_tree_any(fs, id);
    if (node) {
        node->holds -= count < node->holds ? count : node->holds;
        memfs_tree_release(fs, node);
    }
    mutex_unlock(&fs->lock);
}

static int memfs_opendir(struct vfs *vfs, struct vfs_dir **out, uint64_t id,
                         const struct vfs_call *call, struct error *err)
{
    struct memfs *fs = memfs_of(vfs);
    struct vfs_dir *dir = calloc(1, sizeof(*dir));
    int code = dir ? memfs_enter(fs, call, err) : error_set(err, ERR_NO_MEMORY, "no memory");

    if (code < 0) {
        free(dir);
        return code;
    }
    code = memfs_tree_find_folder(fs, &dir->node, id, err);
    if (code == 0) {
        dir->node->uses++;
        *out = dir;
        dir = NULL;
    }
    mutex_unlock(&fs->lock);
    free(dir);
    return code;
}

static int memfs_readdir(struct vfs *vfs, struct vfs_dir *dir, uint64_t cookie, vfs_entry_fn fill,
                         void *payload, const struct vfs_call *call, struct error *err)
{
    struct memfs *fs = memfs_of(vfs);
    struct vfs_attr attr;
    int code = memfs_enter(fs, call, err);

    if (code < 0) {
        return code;
    }
    for (size_t i = memfs_tree_after(dir->node, cookie); i < dir->node->child_count; i++) {
        const struct node *child = dir->node->children[i];

        memfs_describe(fs, &attr, child, child->content);
        if (!fill(payload, child->name, &attr, child->seq)) {
            break;
        }
    }
    mutex_unlock(&fs->lock);
    return 0;
}

static void memfs_closedir(struct vfs *vfs, struct vfs_dir *dir)
{
    struct memfs *fs = memfs_of(vfs);

    mutex_lock(&fs->lock);
    dir->node->uses--;
    memfs_tree_release(fs, dir->node);
    mutex_unlock(&fs->lock);
    free(dir);
}

static int memfs_mkdir(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
                       const struct vfs_call *call, struct error *err)
{
    struct memfs *fs = memfs_of(vfs);
    struct node *folder = NULL;
    struct node *node = NULL;
    int code = memfs_enter(fs, call, err);

    if (code < 0) {
        return code;
    }
    code = memfs_tree_find_folder(fs, &folder, parent, err);
    if (code == 0 && memfs_tree_child(fs, folder, name)) {
        code = error_set(err, ERR_EXISTS, "'%s' is already there", name);
    }
    if (code == 0) {
        code = memfs_check_name(fs, name, err);
    }
    if (code == 0) {
        code = memfs_tree_add(fs, &node, folder, name, VFS_FOLDER, err);
    }
    if (code == 0) {
        node->holds++;
        memfs_describe(fs, out, node, NULL);
    }
    mutex_unlock(&fs->lock);
    return code;
}

/* unlink and rmdir. */
static int memfs_remove(struct vfs *vfs, uint64_t parent, const char *name, enum vfs_kind kind,
                        const struct vfs_call *call, struct error *err)
{
    struct memfs *fs = memfs_of(vfs);
    struct node *folder = NULL;
    struct node *node = NULL;
    int code = memfs_enter(fs, call, err);

    if (code < 0) {
        return code;
    }
    code = memfs_tree_find_folder(fs, &folder, parent, err);
    if (code == 0) {
        node = memfs_tree_child(fs, folder, name);
        if (!node) {
            code = error_set(err, ERR_NOT_FOUND, "there is no '%s'", name);
        } else if (node->kind != kind) {
            code = error_set(err, kind == VFS_FILE ? ERR_IS_FOLDER : ERR_NOT_FOLDER, "'%s' is a %s",
                             name, kind == VFS_FILE ? "folder" : "file");
        } else if (node->child_count > 0) {
            code = error_set(err, ERR_NOT_EMPTY, "'%s' is not empty", name);
        } else {
            memfs_tree_unlink(fs, node);
        }
    }
    mutex_unlock(&fs->lock);
    return code;
}

static int memfs_unlink(struct vfs *vfs, uint64_t parent, const char *name,
                        const struct vfs_call *call, struct error *err)
{
    return memfs_remove(vfs, parent, name, VFS_FILE, call, err);
}

static int memfs_rmdir(struct vfs *vfs, uint64_t parent, const char *name,
                       const struct vfs_call *call, struct error *err)
{
    return memfs_remove(vfs, parent, name, VFS_FOLDER, call, err);
}

static bool is_below(const struct node *node, const struct node *ancestor)
{
    while (node && node != ancestor) {
        node = node->parent;
    }
    return node != NULL;
}

static int check_replace(const struct node *node, const struct node *target, unsigned flags,
                         struct error *err)
{
    if (flags & VFS_RENAME_NO_REPLACE) {
        return error_set(err, ERR_EXISTS, "'%s' is already there", target->name);
    }
    if (node->kind == VFS_FOLDER && target->kind != VFS_FOLDER) {
        return error_set(err, ERR_NOT_FOLDER, "'%s' is a file", target->name);
    }
    if (node->kind != VFS_FOLDER && target->kind == VFS_FOLDER) {
        return error_set(err, ERR_IS_FOLDER, "'%s' is a folder", target->name);
    }
    if (target->child_count > 0) {
        return error_set(err, ERR_NOT_EMPTY, "'%s' is not empty", target->name);
    }
    return 0;
}

/* The target stays and takes over what the file has; the file's id leads to it from now on. */
static void take_over(struct memfs *fs, struct node *target, struct node *node)
{
    memfs_content_unref(fs, target->content);
    target->content = node->content;
    target->content->references++;
    target->modified_ms = node->modified_ms;
    node->kept = target;
    target->uses++;
    memfs_tree_unlink(fs, node);
}

static int rename_node(struct memfs *fs, struct node *node, struct node *folder,
                       const char *new_name, unsigned flags, struct error *err)
{
    struct node *target = memfs_tree_child(fs, folder, new_name);
    int code = 0;

    if (is_below(folder, node)) {
        return error_set(err, ERR_INVALID, "'%s' cannot move into itself", node->name);
    }
    if (target == node && str_equal(node->name, new_name)) {
        return 0;
    }
    code = memfs_check_name(fs, new_name, err);
    if (code < 0) {
        return code;
    }
    if (target && target != node) {
        code = check_replace(node, target, flags, err);
        if (code == 0 && node->kind == VFS_FILE) {
            take_over(fs, target, node);
            return 0;
        }
        if (code == 0) {
            memfs_tree_unlink(fs, target);
        }
    }
    return code < 0 ? code : memfs_tree_move(fs, node, folder, new_name, err);
}

static int memfs_rename(struct vfs *vfs, uint64_t parent, const char *name, uint64_t new_parent,
                        const char *new_name, unsigned flags, const struct vfs_call *call,
                        struct error *err)
{
    struct memfs *fs = memfs_of(vfs);
    struct node *from = NULL;
    struct node *to = NULL;
    struct node *node = NULL;
    int code = memfs_enter(fs, call, err);

    if (code < 0) {
        return code;
    }
    code = memfs_tree_find_folder(fs, &from, parent, err);
    if (code == 0) {
        code = memfs_tree_find_folder(fs, &to, new_parent, err);
    }
    if (code == 0) {
        node = memfs_tree_child(fs, from, name);
        code = node ? rename_node(fs, node, to, new_name, flags, err)
                    : error_set(err, ERR_NOT_FOUND, "there is no '%s'", name);
    }
    mutex_unlock(&fs->lock);
    return code;
}

static int memfs_statfs(struct vfs *vfs, struct vfs_space *out, uint64_t id,
                        const struct vfs_call *call, struct error *err)
{
    struct memfs *fs = memfs_of(vfs);
    struct node *node = NULL;
    int code = memfs_enter(fs, call, err);

    if (code < 0) {
        return code;
    }
    code = memfs_tree_find(fs, &node, id, err);
    if (code == 0) {
        out->total_bytes = fs->options.max_bytes;
        out->free_bytes = fs->options.max_bytes - fs->used_bytes;
    }
    mutex_unlock(&fs->lock);
    return code;
}

static void memfs_listen(struct vfs *vfs, vfs_changed_fn changed, void *payload)
{
    listener_set(&memfs_of(vfs)->listener, changed, payload);
}

int memfs_edit(struct vfs *vfs, uint64_t parent, const char *name, const void *data, size_t size,
               struct error *err)
{
    struct memfs *fs = memfs_of(vfs);
    struct content *content = NULL;
    struct node *folder = NULL;
    struct node *node = NULL;
    uint64_t id = 0;
    int code = 0;

    mutex_lock(&fs->lock);
    code = memfs_tree_find_folder(fs, &folder, parent, err);
    node = code == 0 ? memfs_tree_child(fs, folder, name) : NULL;
    if (code == 0 && !node && data) {
        code = memfs_tree_add(fs, &node, folder, name, VFS_FILE, err);
    }
    if (code == 0 && data) {
        content = memfs_content_new(err);
        code = content ? 0 : ERR_NO_MEMORY;
    }
    if (code == 0 && data && size > 0) {
        code = memfs_content_write(fs, content, data, size, 0, err);
    }
    if (code == 0 && node) {
        id = node->id;
        if (data) {
            node->content->is_superseded = true;
            memfs_content_unref(fs, node->content);
            node->content = content;
            content = NULL;
            node->modified_ms = clock_wall_ms(clock_system());
        } else {
            memfs_tree_unlink(fs, node);
        }
    }
    memfs_content_unref(fs, content);
    mutex_unlock(&fs->lock);
    if (code == 0 && id != 0) {
        listener_tell(&fs->listener, parent, name, id);
        listener_tell(&fs->listener, parent, NULL, id);
    }
    return code;
}

static void memfs_free(struct vfs *vfs)
{
    struct memfs *fs = memfs_of(vfs);

    memfs_tree_clear(fs);
    listener_clear(&fs->listener);
    mutex_clear(&fs->lock);
    free(fs);
}

static const struct vfs_ops memfs_ops = {
    .lookup = memfs_lookup,
    .forget = memfs_forget,
    .getattr = memfs_getattr,
    .setattr = memfs_setattr,
    .opendir = memfs_opendir,
    .readdir = memfs_readdir,
    .closedir = memfs_closedir,
    .open = memfs_open,
    .create = memfs_create,
    .read = memfs_read,
    .write = memfs_write,
    .flush = memfs_flush,
    .fsync = memfs_flush,
    .close = memfs_close,
    .abandon = memfs_abandon,
    .mkdir = memfs_mkdir,
    .unlink = memfs_unlink,
    .rmdir = memfs_rmdir,
    .rename = memfs_rename,
    .statfs = memfs_statfs,
    .listen = memfs_listen,
    .free = memfs_free,
};

int memfs_new(struct vfs **out, const struct memfs_options *options, struct error *err)
{
    struct memfs *fs = calloc(1, sizeof(*fs));
    int code = 0;

    if (!fs) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a file system");
    }
    vfs_init(&fs->base, &memfs_ops);
    mutex_init(&fs->lock);
    listener_init(&fs->listener);
    if (options) {
        fs->options = *options;
    }
    if (fs->options.max_bytes == 0) {
        fs->options.max_bytes = UINT64_C(1) << 30;
    }
    code = memfs_tree_init(fs, err);
    if (code < 0) {
        memfs_free(&fs->base);
        return code;
    }
    *out = &fs->base;
    return 0;
}
