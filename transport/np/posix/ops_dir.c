/*
 * ops_dir.c - listings. Offsets of ours: 1 after ".", 2 after "..", then the cookies of the vfs
 * plus 2.
 */
#include "np_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define DOTS 2
#define UNKNOWN_INO UINT64_C(0xffffffff) /* an entry of number 0 would be skipped by readers */

struct listed {
    char *name;
    struct vfs_attr attr;
    uint64_t cookie;
};

/* The answer to one readdir. */
struct reply {
    struct np *np;
    fuse_req_t req;
    char *data;
    size_t size;
    size_t used;
    bool is_full;
    bool has_no_memory;
    struct listed *listed; /* readdirplus: looked up when the vfs has no more to say */
    size_t count;
    size_t capacity;
};

static struct np_handle *handle_of(const struct fuse_file_info *fi)
{
    return (struct np_handle *)(uintptr_t)fi->fh;
}

static bool add_plain(struct reply *r, const char *name, const struct vfs_attr *attr, uint64_t off)
{
    struct stat st;
    size_t need = 0;

    np_stat(r->np, &st, attr);
    if (st.st_ino == 0) {
        st.st_ino = UNKNOWN_INO;
    }
    need = fuse_add_direntry(r->req, r->data + r->used, r->size - r->used, name, &st, (off_t)off);
    if (need > r->size - r->used) {
        r->is_full = true;
        return false;
    }
    r->used += need;
    return true;
}

/* There is room. `is_held`: the entry comes with a hold for the kernel. */
static void add_plus(struct reply *r, uint64_t parent, const char *name,
                     const struct vfs_attr *attr, bool is_held, uint64_t off)
{
    struct fuse_entry_param entry;

    np_entry(r->np, &entry, attr);
    if (is_held && attr->kind == VFS_FILE && np_name_is_remembered(r->np, attr->id, parent, name)) {
        entry.entry_timeout = NP_NAME_SECONDS;
    }
    if (!is_held) { /* the kernel takes name and kind only */
        entry.ino = 0;
        if (entry.attr.st_ino == 0) {
            entry.attr.st_ino = UNKNOWN_INO;
        }
    }
    r->used += fuse_add_direntry_plus(r->req, r->data + r->used, r->size - r->used, name, &entry,
                                      (off_t)off);
}

static bool fill_plain(void *payload, const char *name, const struct vfs_attr *attr,
                       uint64_t cookie)
{
    return add_plain(payload, name, attr, cookie + DOTS);
}

/* Only remembers: the vfs must not be called from within a listing. */
static bool fill_plus(void *payload, const char *name, const struct vfs_attr *attr, uint64_t cookie)
{
    struct reply *r = payload;
    size_t need = fuse_add_direntry_plus(r->req, NULL, 0, name, NULL, 0);

    if (need > r->size - r->used) {
        r->is_full = true;
        return false;
    }
    if (r->count == r->capacity) {
        size_t capacity = r->capacity ? r->capacity * 2 : 32;
        struct listed *listed = realloc(r->listed, capacity * sizeof(*listed));

        if (!listed) {
            r->has_no_memory = true;
            return false;
        }
        r->listed = listed;
        r->capacity = capacity;
    }
    r->listed[r->count] = (struct listed){.attr = *attr, .cookie = cookie};
    if (str_copy(&r->listed[r->count].name, name, NULL) < 0) {
        r->has_no_memory = true;
        return false;
    }
    r->count++;
    r->used += need;
    return true;
}

/* Looks up what was listed, and writes it down from `begin` on. */
static void look_up(struct reply *r, struct np_op *op, uint64_t parent, size_t begin)
{
    r->used = begin;
    for (size_t i = 0; i < r->count; i++) {
        struct listed *entry = &r->listed[i];
        struct vfs_attr attr;
        bool is_held = vfs_lookup(r->np->vfs, &attr, parent, entry->name, &op->call, NULL) == 0;

        if (is_held && np_holds_add(r->np, attr.id) < 0) {
            vfs_forget(r->np->vfs, attr.id, 1);
            is_held = false;
        }
        if (is_held) {
            entry->attr = attr;
        }
        add_plus(r, parent, entry->name, &entry->attr, is_held, entry->cookie + DOTS);
        if (!is_held) {
            entry->attr.id = 0;
        }
    }
}

static void add_dots(struct reply *r, uint64_t ino, off_t offset, bool is_plus)
{
    static const char *const names[] = {".", ".."};
    struct vfs_attr attr = {.id = ino, .kind = VFS_FOLDER};

    for (off_t i = offset; i < DOTS; i++) {
        attr.id = i == 0 ? ino : 0; /* the kernel knows the parent's number itself */
        if (is_plus) {
            add_plus(r, ino, names[i], &attr, false, (uint64_t)i + 1);
        } else {
            add_plain(r, names[i], &attr, (uint64_t)i + 1);
        }
    }
}

static void free_reply(struct reply *r)
{
    for (size_t i = 0; i < r->count; i++) {
        str_free(&r->listed[i].name);
    }
    free(r->listed);
    free(r->data);
}

static void read_dir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                     struct fuse_file_info *fi, bool is_plus)
{
    struct reply r = {.req = req, .data = calloc(1, size), .size = size};
    struct np_op op;
    size_t begin = 0;
    int code = 0;

    np_op_begin(&op, req);
    r.np = op.np;
    if (!r.data) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    add_dots(&r, ino, offset, is_plus);
    begin = r.used;
    code = vfs_readdir(op.np->vfs, handle_of(fi)->dir, offset > DOTS ? (uint64_t)offset - DOTS : 0,
                       is_plus ? fill_plus : fill_plain, &r, &op.call, &op.err);
    if (code == 0 && r.has_no_memory) {
        code = error_set(&op.err, ERR_NO_MEMORY, "no memory for a listing");
    }
    if (code < 0) {
        np_op_fail(&op, code, "listing");
        free_reply(&r);
        return;
    }
    if (is_plus) {
        look_up(&r, &op, ino, begin);
    }
    if (fuse_reply_buf(req, r.data, r.used) < 0) {
        for (size_t i = 0; i < r.count; i++) {
            if (r.listed[i].attr.id != 0) {
                np_holds_forget(r.np, r.listed[i].attr.id, 1);
            }
        }
    }
    free_reply(&r);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                       struct fuse_file_info *fi)
{
    read_dir(req, ino, size, offset, fi, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                           struct fuse_file_info *fi)
{
    read_dir(req, ino, size, offset, fi, true);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct np_handle *handle = NULL;
    struct np_op op;
    int code = 0;

    np_op_begin(&op, req);
    handle = np_handle_new(op.np, ino);
    code = handle ? vfs_opendir(op.np->vfs, &handle->dir, ino, &op.call, &op.err)
                  : error_set(&op.err, ERR_NO_MEMORY, "no memory for a listing");
    if (code < 0) {
        free(handle);
        np_op_fail(&op, code, "opendir");
        return;
    }
    fi->fh = (uint64_t)(uintptr_t)handle;
    fi->keep_cache = 0;
    fi->cache_readdir = 0;
    np_handle_add(op.np, handle);
    if (fuse_reply_open(req, fi) < 0) {
        np_handle_release(op.np, handle);
    }
}

static void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    np_handle_release(fuse_req_userdata(req), handle_of(fi));
    fuse_reply_err(req, 0);
}

/* Folders are made, renamed and deleted on the server at once. */
static void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *fi)
{
    (void)ino;
    (void)data_only;
    (void)fi;
    fuse_reply_err(req, 0);
}

void np_ops_add_folders(struct fuse_lowlevel_ops *ops)
{
    ops->opendir = op_opendir;
    ops->readdir = op_readdir;
    ops->readdirplus = op_readdirplus;
    ops->releasedir = op_releasedir;
    ops->fsyncdir = op_fsyncdir;
}
