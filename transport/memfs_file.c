/*
 * memfs_file.c - open files of memfs. An open file has one version of the content; local writers
 * change that version in place, so all who have it open see them.
 */
#include "memfs_ops.h"

#include <stdlib.h>

#include "base/clock.h"

struct vfs_file {
    struct node *node;       /* a use of it */
    struct content *content; /* a reference */
    unsigned flags;
    bool is_new;   /* made by it, and not flushed yet */
    bool is_dirty; /* written since the last flush: one of content->writers */
};

/* Before the first write since the last flush: what was there is kept, for memfs_abandon(). */
static int begin_writing(struct memfs *fs, struct vfs_file *file, struct error *err)
{
    struct content *content = file->content;
    int code = 0;

    if (file->is_dirty) {
        return 0;
    }
    if (content->writers == 0) {
        code = memfs_content_copy(fs, &content->saved, content, err);
    }
    if (code == 0) {
        content->writers++;
        file->is_dirty = true;
    }
    return code;
}

/* What was written counts now. */
static void end_writing(struct memfs *fs, struct vfs_file *file)
{
    struct content *content = file->content;

    file->is_new = false;
    if (file->is_dirty && --content->writers == 0) {
        memfs_content_unref(fs, content->saved);
        content->saved = NULL;
    }
    file->is_dirty = false;
}

/* Whether `file` has the version that the item has now; an older one is read and written for
 * itself. */
static bool is_current(const struct vfs_file *file)
{
    return memfs_tree_kept(file->node)->content == file->content;
}

/* The state of an open file, also of one whose item was deleted. */
static void describe_file(const struct memfs *fs, struct vfs_attr *out, const struct vfs_file *file)
{
    memfs_describe(fs, out, memfs_tree_kept(file->node), file->content);
}

int memfs_getattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                  const struct vfs_call *call, struct error *err)
{
    struct memfs *fs = memfs_of(vfs);
    struct node *node = NULL;
    int code = memfs_enter(fs, call, err);

    if (code < 0) {
        return code;
    }
    if (file) {
        describe_file(fs, out, file);
    } else {
        code = memfs_tree_find(fs, &node, id, err);
        if (code == 0) {
            memfs_describe(fs, out, node, node->content);
        }
    }
    mutex_unlock(&fs->lock);
    return code;
}

static int check_writable(const struct memfs *fs, const struct node *node, struct error *err)
{
    struct vfs_attr attr;

    memfs_describe(fs, &attr, node, node->content);
    if (attr.is_blocked) {
        return error_set(err, ERR_TOO_LARGE, "'%s' is larger than policy lets open", node->name);
    }
    if (attr.is_read_only) {
        return error_set(err, ERR_READ_ONLY, "'%s' is larger than policy lets change", node->name);
    }
    return 0;
}

/* A new size by path (`file` NULL) or of an open file. */
static int set_size(struct memfs *fs, struct node *node, struct vfs_file *file, uint64_t size,
                    struct error *err)
{
    int code = 0;

    if (node->kind == VFS_FOLDER) {
        return error_set(err, ERR_IS_FOLDER, "a folder has no size to set");
    }
    if (!file) {
        code = check_writable(fs, node, err);
    } else if (!(file->flags & VFS_WRITE)) {
        code = error_set(err, ERR_INVALID, "the file is not open for writing");
    }
    if (code == 0 && file) {
        code = begin_writing(fs, file, err);
    }
    if (code == 0) {
        code = memfs_content_resize(fs, file ? file->content : node->content, size, err);
    }
    if (code == 0) {
        node->modified_ms = clock_wall_ms(clock_system());
    }
    return code;
}

int memfs_setattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                  const struct vfs_set *set, const struct vfs_call *call, struct error *err)
{
    struct memfs *fs = memfs_of(vfs);
    struct node *node = NULL;
    int code = memfs_enter(fs, call, err);

    if (code < 0) {
        return code;
    }
    if (file) {
        node = memfs_tree_kept(file->node);
    } else {
        code = memfs_tree_find(fs, &node, id, err);
    }
    if (code == 0 && (set->flags & VFS_SET_SIZE)) {
        code = set_size(fs, node, file, set->size_bytes, err);
    }
    if (code == 0) {
        if (set->flags & VFS_SET_MODIFIED) {
            node->modified_ms = set->modified_ms;
        }
        if (set->flags & VFS_SET_CREATED) {
            node->created_ms = set->created_ms;
        }
        memfs_describe(fs, out, node, file ? file->content : node->content);
    }
    mutex_unlock(&fs->lock);
    return code;
}

/* The handle ends, whatever it wrote. */
static void leave(struct memfs *fs, struct vfs_file *file)
{
    end_writing(fs, file);
    memfs_content_unref(fs, file->content);
    file->node->uses--;
    memfs_tree_release(fs, file->node);
    free(file);
}

static int open_node(struct memfs *fs, struct vfs_file **out, struct node *node, unsigned flags,
                     struct error *err)
{
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    int code = 0;

    if (node->kind != VFS_FILE) {
        return error_set(err, ERR_IS_FOLDER, "'%s' is a folder", node->name);
    }
    memfs_describe(fs, &attr, node, node->content);
    if (attr.is_blocked) {
        return error_set(err, ERR_TOO_LARGE, "'%s' is larger than policy lets open", node->name);
    }
    if (flags & VFS_WRITE) {
        code = check_writable(fs, node, err);
    }
    if (code < 0) {
        return code;
    }
    file = calloc(1, sizeof(*file));
    if (!file) {
        return error_set(err, ERR_NO_MEMORY, "no memory for an open file");
    }
    file->node = node;
    node->uses++;
    file->content = node->content;
    file->content->references++;
    file->flags = flags;
    if (flags & VFS_TRUNCATE) {
        code = begin_writing(fs, file, err);
        if (code == 0) {
            code = memfs_content_resize(fs, node->content, 0, err);
            node->modified_ms = clock_wall_ms(clock_system());
        }
    }
    if (code < 0) {
        leave(fs, file);
        return code;
    }
    *out = file;
    return 0;
}

int memfs_open(struct vfs *vfs, struct vfs_file **out, uint64_t id, unsigned flags,
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
        code = open_node(fs, out, node, flags, err);
    }
    mutex_unlock(&fs->lock);
    return code;
}

/* The file to open in a create: the one that is there, or a new one. */
static int find_or_add(struct memfs *fs, struct node **out, struct node *folder, const char *name,
                       unsigned flags, bool *is_new, struct error *err)
{
    int code = 0;

    *out = memfs_tree_child(fs, folder, name);
    *is_new = !*out;
    if (*out) {
        return flags & VFS_EXCLUSIVE ? error_set(err, ERR_EXISTS, "'%s' is already there", name)
                                     : 0;
    }
    code = memfs_check_name(fs, name, err);
    return code < 0 ? code : memfs_tree_add(fs, out, folder, name, VFS_FILE, err);
}

int memfs_create(struct vfs *vfs, struct vfs_file **out, struct vfs_attr *attr, uint64_t parent,
                 const char *name, unsigned flags, const struct vfs_call *call, struct error *err)
{
    struct memfs *fs = memfs_of(vfs);
    struct node *folder = NULL;
    struct node *node = NULL;
    bool is_new = false;
    int code = memfs_enter(fs, call, err);

    if (code < 0) {
        return code;
    }
    code = memfs_tree_find_folder(fs, &folder, parent, err);
    if (code == 0) {
        code = find_or_add(fs, &node, folder, name, flags, &is_new, err);
    }
    if (code == 0) {
        code = open_node(fs, out, node, flags, err);
    }
    if (code == 0) {
        (*out)->is_new = is_new;
        node->holds++;
        memfs_describe(fs, attr, node, node->content);
    }
    mutex_unlock(&fs->lock);
    return code;
}

int memfs_read(struct vfs *vfs, struct vfs_file *file, void *data, size_t size, uint64_t offset,
               size_t *got, const struct vfs_call *call, struct error *err)
{
    struct memfs *fs = memfs_of(vfs);
    int code = memfs_enter(fs, call, err);

    if (code < 0) {
        return code;
    }
    if (file->flags & VFS_READ) {
        *got = memfs_content_read(file->content, data, size, offset);
    } else {
        code = error_set(err, ERR_DENIED, "the file is not open for reading");
    }
    mutex_unlock(&fs->lock);
    return code;
}

int memfs_write(struct vfs *vfs, struct vfs_file *file, const void *data, size_t size,
                uint64_t offset, const struct vfs_call *call, struct error *err)
{
    struct memfs *fs = memfs_of(vfs);
    int code = memfs_enter(fs, call, err);

    if (code < 0) {
        return code;
    }
    if (!(file->flags & VFS_WRITE)) {
        code = error_set(err, ERR_DENIED, "the file is not open for writing");
    } else {
        code = begin_writing(fs, file, err);
    }
    if (code == 0) {
        code = memfs_content_write(fs, file->content, data, size, offset, err);
    }
    if (code == 0 && is_current(file)) {
        memfs_tree_kept(file->node)->modified_ms = clock_wall_ms(clock_system());
    }
    mutex_unlock(&fs->lock);
    return code;
}

/* When another version came from elsewhere meanwhile, the program must learn that its bytes are not
 * what the item has. */
int memfs_flush(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *call,
                struct error *err)
{
    struct memfs *fs = memfs_of(vfs);
    int code = memfs_enter(fs, call, err);

    if (code < 0) {
        return code;
    }
    if (file->is_dirty && file->content->is_superseded) {
        code = error_set(err, ERR_CHANGED, "'%s' was changed by somebody else meanwhile",
                         memfs_tree_kept(file->node)->name);
    }
    end_writing(fs, file);
    mutex_unlock(&fs->lock);
    return code;
}

void memfs_close(struct vfs *vfs, struct vfs_file *file)
{
    struct memfs *fs = memfs_of(vfs);

    mutex_lock(&fs->lock);
    leave(fs, file);
    mutex_unlock(&fs->lock);
}

/* Who else has it open keeps the bytes that are there now, as a version of his own. */
static void restore(struct memfs *fs, struct vfs_file *file)
{
    struct node *node = memfs_tree_kept(file->node);
    struct content *content = file->content;

    if (file->is_new) { /* unless it was deleted, or became another item's content meanwhile */
        if (file->node->parent) {
            memfs_tree_unlink(fs, file->node);
        }
    } else if (is_current(file) && content->saved) {
        node->content = content->saved;
        content->saved = NULL;
        content->is_superseded = true;
        memfs_content_unref(fs, content); /* the node's; the handle has one */
    }
}

void memfs_abandon(struct vfs *vfs, struct vfs_file *file)
{
    struct memfs *fs = memfs_of(vfs);

    mutex_lock(&fs->lock);
    if (file->content->writers == (file->is_dirty ? 1u : 0u)) {
        restore(fs, file);
    }
    leave(fs, file);
    mutex_unlock(&fs->lock);
}
