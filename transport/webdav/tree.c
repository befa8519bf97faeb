/*
 * tree.c - folders with all that is in them: deleted and copied, since the vfs does it one by one.
 *
 * Names come in batches, so that a folder of any size costs the memory of one batch for each level;
 * paths have at most DAV_DEPTH_MAX levels.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "method.h"
#include "webdav_internal.h"

#define BATCH 64u

struct batch {
    struct str_list names;
    uint64_t cookie; /* of the last name */
    bool has_failed;
};

/* One folder on the way down. */
struct level {
    struct vfs_dir *dir;
    uint64_t id;     /* of the folder; held by the level unless it is the outermost */
    uint64_t target; /* its copy; held */
    struct batch batch;
    size_t next;      /* in the batch */
    size_t path_size; /* of the walk's path, without the names below */
};

struct walk {
    struct dav_request *r;
    struct level *levels;
    size_t depth;
    struct buf path; /* of the item that is looked at */
    struct error *err;
};

static bool take_name(void *payload, const char *name, const struct vfs_attr *attr, uint64_t cookie)
{
    struct batch *batch = payload;

    (void)attr;
    if (batch->names.count == BATCH) {
        return false;
    }
    batch->has_failed = batch->has_failed || str_list_add(&batch->names, name, NULL) < 0;
    batch->cookie = cookie;
    return !batch->has_failed;
}

/* The next names; none at the end. */
static int refill(struct walk *w, struct level *level)
{
    struct vfs_call call = dav_call(w->r);
    int code = 0;

    str_list_clear(&level->batch.names);
    level->next = 0;
    code = vfs_readdir(w->r->dav->vfs, level->dir, level->batch.cookie, take_name, &level->batch,
                       &call, w->err);
    if (code == 0 && level->batch.has_failed) {
        code = error_set(w->err, ERR_NO_MEMORY, "no memory for a listing");
    }
    return code;
}

static int push(struct walk *w, uint64_t id, uint64_t target)
{
    struct vfs_call call = dav_call(w->r);
    struct level *level = NULL;
    int code = 0;

    if (w->depth == DAV_DEPTH_MAX) {
        return error_set(w->err, ERR_LIMIT, "the folders are nested too deep");
    }
    level = &w->levels[w->depth];
    memset(level, 0, sizeof(*level));
    level->id = id;
    level->target = target;
    level->path_size = w->path.size;
    code = vfs_opendir(w->r->dav->vfs, &level->dir, id, &call, w->err);
    if (code == 0) {
        w->depth++;
    }
    return code;
}

static void pop(struct walk *w)
{
    struct level *level = &w->levels[--w->depth];

    vfs_closedir(w->r->dav->vfs, level->dir);
    str_list_clear(&level->batch.names);
    if (w->depth > 0) {
        vfs_forget(w->r->dav->vfs, level->id, 1);
        if (level->target) {
            vfs_forget(w->r->dav->vfs, level->target, 1);
        }
    }
}

static int walk_begin(struct walk *w, struct dav_request *r, const char *path, struct error *err)
{
    memset(w, 0, sizeof(*w));
    w->r = r;
    w->err = err;
    buf_init(&w->path, 4 * DAV_PATH_MAX);
    w->levels = calloc(DAV_DEPTH_MAX, sizeof(*w->levels));
    return w->levels ? buf_add_text(&w->path, path, err)
                     : error_set(err, ERR_NO_MEMORY, "no memory for a folder");
}

static void walk_end(struct walk *w)
{
    while (w->depth > 0) {
        pop(w);
    }
    buf_clear(&w->path);
    free(w->levels);
}

/* The path is that of the level's folder again, and then of `name` in it. */
static int set_path(struct walk *w, const struct level *level, const char *name)
{
    w->path.size = level->path_size;
    w->path.data[w->path.size] = '\0';
    return buf_add_format(&w->path, w->err, "/%s", name);
}

/* The next item of the innermost folder, with a hold: 1, or 0 at its end. What vanished meanwhile is
 * passed over. */
static int next_item(struct walk *w, struct vfs_attr *attr, const char **name)
{
    struct level *level = &w->levels[w->depth - 1];

    for (;;) {
        struct vfs_call call = dav_call(w->r);
        int code = 0;

        if (level->next == level->batch.names.count) {
            code = refill(w, level);
            if (code < 0) {
                return code;
            }
            if (level->batch.names.count == 0) {
                return 0;
            }
        }
        *name = level->batch.names.items[level->next++];
        code = set_path(w, level, *name);
        if (code == 0) {
            code = vfs_lookup(w->r->dav->vfs, attr, level->id, *name, &call, w->err);
        }
        if (code != ERR_NOT_FOUND) {
            return code < 0 ? code : 1;
        }
    }
}

/* What is known of a path that is gone. */
void dav_forget_tree(struct dav_request *r, const char *key)
{
    dav_locks_drop_tree(r->dav->locks, key);
    dav_props_drop_tree(r->dav->props, key);
    dav_held_close_tree(r->dav->held, key);
}

static int remove_item(struct walk *w, uint64_t parent, const char *name, bool is_folder)
{
    struct vfs_call call = dav_call(w->r);
    struct vfs *vfs = w->r->dav->vfs;
    int code = is_folder ? vfs_rmdir(vfs, parent, name, &call, w->err)
                         : vfs_unlink(vfs, parent, name, &call, w->err);

    return code == ERR_NOT_FOUND ? 0 : code;
}

static int delete_next(struct walk *w)
{
    struct level *level = &w->levels[w->depth - 1];
    const char *name = NULL;
    struct vfs_attr attr;
    int code = next_item(w, &attr, &name);

    if (code < 0) {
        return code;
    }
    if (code == 0) { /* this folder is empty: it goes, and its parent goes on */
        size_t path_size = level->path_size;
        bool is_outermost = w->depth == 1;

        pop(w);
        w->path.size = path_size;
        w->path.data[path_size] = '\0';
        return is_outermost ? 0
                            : remove_item(w, w->levels[w->depth - 1].id,
                                          dav_path_name(buf_text(&w->path)), true);
    }
    if (attr.kind == VFS_FOLDER) {
        code = push(w, attr.id, 0);
        if (code < 0) {
            vfs_forget(w->r->dav->vfs, attr.id, 1);
        }
        return code;
    }
    code = remove_item(w, level->id, name, false);
    vfs_forget(w->r->dav->vfs, attr.id, 1);
    return code;
}

int dav_delete_tree(struct dav_request *r, uint64_t parent, const char *path,
                    const struct vfs_attr *attr, char **failed, struct error *err)
{
    struct walk w;
    int code = walk_begin(&w, r, path, err);

    if (code == 0 && attr->kind == VFS_FOLDER) {
        code = push(&w, attr->id, 0);
        while (code == 0 && w.depth > 0) {
            code = delete_next(&w);
        }
    }
    if (code == 0) {
        code = remove_item(&w, parent, dav_path_name(path), attr->kind == VFS_FOLDER);
    }
    if (code < 0 && failed) {
        str_copy(failed, buf_text(&w.path), NULL);
    }
    walk_end(&w);
    return code;
}

static int pour(struct dav_request *r, struct vfs_file *from, struct vfs_file *to,
                struct error *err)
{
    char *block = malloc(DAV_BLOCK);
    uint64_t offset = 0;
    size_t got = 1;
    int code = block ? 0 : error_set(err, ERR_NO_MEMORY, "no memory for a copy");

    while (code == 0 && got > 0) {
        struct vfs_call call = dav_call(r);

        code = vfs_read(r->dav->vfs, from, block, DAV_BLOCK, offset, &got, &call, err);
        if (code == 0 && got > 0) {
            code = vfs_write(r->dav->vfs, to, block, got, offset, &call, err);
            offset += got;
        }
    }
    free(block);
    return code;
}

/* The copy is made under a name that is free, and taken away when it does not become whole. */
int dav_copy_file(struct dav_request *r, const struct vfs_attr *from, uint64_t to_parent,
                  const char *name, struct error *err)
{
    struct vfs *vfs = r->dav->vfs;
    struct vfs_call call = dav_call(r);
    struct vfs_file *source = NULL;
    struct vfs_file *target = NULL;
    struct vfs_attr made = {.id = 0};
    int code = vfs_open(vfs, &source, from->id, VFS_READ, &call, err);

    if (code == 0) {
        code = vfs_create(vfs, &target, &made, to_parent, name,
                          VFS_READ | VFS_WRITE | VFS_EXCLUSIVE, &call, err);
    }
    if (code == 0) {
        code = pour(r, source, target, err);
    }
    if (code == 0) {
        call = dav_save_call(r);
        code = vfs_flush(vfs, target, &call, err);
    }
    if (target && code < 0) {
        call = dav_save_call(r);
        vfs_unlink(vfs, to_parent, name, &call, NULL);
    }
    vfs_close(vfs, target);
    vfs_close(vfs, source);
    if (made.id) {
        vfs_forget(vfs, made.id, 1);
    }
    return code;
}

static int copy_next(struct walk *w)
{
    struct level *level = &w->levels[w->depth - 1];
    struct vfs_call call = dav_call(w->r);
    struct vfs_attr made = {.id = 0};
    const char *name = NULL;
    struct vfs_attr attr = {.id = 0};
    int code = next_item(w, &attr, &name);

    if (code <= 0) {
        if (code == 0) {
            pop(w);
        }
        return code;
    }
    if (attr.kind != VFS_FOLDER) {
        code = attr.kind == VFS_FILE ? dav_copy_file(w->r, &attr, level->target, name, w->err) : 0;
    } else {
        code = vfs_mkdir(w->r->dav->vfs, &made, level->target, name, &call, w->err);
        if (code == 0) {
            code = push(w, attr.id, made.id);
        }
        if (code == 0) {
            return 0; /* the level has both holds */
        }
        if (made.id) {
            vfs_forget(w->r->dav->vfs, made.id, 1);
        }
    }
    vfs_forget(w->r->dav->vfs, attr.id, 1);
    return code;
}

int dav_copy_tree(struct dav_request *r, const struct vfs_attr *from, uint64_t to_parent,
                  const char *to_path, bool is_deep, struct error *err)
{
    struct vfs_call call = dav_call(r);
    struct vfs_attr made = {.id = 0};
    struct walk w;
    int code = walk_begin(&w, r, to_path, err);

    if (code == 0) {
        code = vfs_mkdir(r->dav->vfs, &made, to_parent, dav_path_name(to_path), &call, err);
    }
    if (code == 0 && is_deep) {
        code = push(&w, from->id, made.id);
        while (code == 0 && w.depth > 0) {
            code = copy_next(&w);
        }
    }
    walk_end(&w);
    if (made.id) {
        vfs_forget(r->dav->vfs, made.id, 1);
    }
    return code;
}
