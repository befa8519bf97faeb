/*
 * vfs.c - the public calls of vfs.h: what no implementation should have to check is checked here,
 * once.
 */
#include "transport/vfs.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "base/str.h"

/* Names longer than this many UTF-16 units exist on no system that we serve. */
#define NAME_UNITS_MAX 255

void vfs_init(struct vfs *vfs, const struct vfs_ops *ops)
{
    vfs->ops = ops;
    atomic_init(&vfs->references, 1);
}

struct vfs *vfs_ref(struct vfs *vfs)
{
    atomic_fetch_add_explicit(&vfs->references, 1, memory_order_relaxed);
    return vfs;
}

void vfs_unref(struct vfs *vfs)
{
    if (vfs && atomic_fetch_sub_explicit(&vfs->references, 1, memory_order_acq_rel) == 1) {
        vfs->ops->free(vfs);
    }
}

/* Whether any item can have this name: short enough and text. */
static int check_possible(const char *name, struct error *err)
{
    size_t length = strnlen(name, VFS_NAME_MAX + 1);
    size_t units = 0;

    if (length <= VFS_NAME_MAX && !str_is_utf8(name, length)) {
        return error_set(err, ERR_BAD_NAME, "the name is not UTF-8");
    }
    while (length <= VFS_NAME_MAX && *name) {
        units += str_decode(&name) > 0xFFFF ? 2 : 1;
    }
    if (length > VFS_NAME_MAX || units > NAME_UNITS_MAX) {
        return error_set(err, ERR_NAME_TOO_LONG, "the name is longer than %d characters",
                         NAME_UNITS_MAX);
    }
    return 0;
}

static int check_component(const char *name, struct error *err)
{
    if (name[0] == '\0' || strchr(name, '/') || str_equal(name, ".") || str_equal(name, "..")) {
        return error_set(err, ERR_INVALID, "'%s' is not the name of an entry", name);
    }
    return 0;
}

/* A name that must be there: one that cannot exist is simply not found. */
static int check_present(const char *name, struct error *err)
{
    int code = check_component(name, err);

    if (code == 0 && check_possible(name, NULL) < 0) {
        code = error_set(err, ERR_NOT_FOUND, "no entry has such a name");
    }
    return code;
}

/* A name that is about to be given. */
static int check_new(const char *name, struct error *err)
{
    int code = check_component(name, err);

    return code < 0 ? code : check_possible(name, err);
}

static int check_range(uint64_t offset, uint64_t size, struct error *err)
{
    if (offset > INT64_MAX || size > INT64_MAX - offset) {
        return error_set(err, ERR_TOO_LARGE, "no file can reach that offset");
    }
    return 0;
}

static int check_open_flags(unsigned flags, struct error *err)
{
    const unsigned known = VFS_READ | VFS_WRITE | VFS_TRUNCATE | VFS_EXCLUSIVE;

    if ((flags & ~known) || !(flags & (VFS_READ | VFS_WRITE)) ||
        ((flags & VFS_TRUNCATE) && !(flags & VFS_WRITE))) {
        return error_set(err, ERR_INVALID, "a file cannot be opened with the flags 0x%x", flags);
    }
    return 0;
}

/* The call to hand down: implementations never see NULL. */
static const struct vfs_call *or_default(const struct vfs_call *call)
{
    static const struct vfs_call none;

    return call ? call : &none;
}

int vfs_lookup(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
               const struct vfs_call *call, struct error *err)
{
    int code = check_present(name, err);

    return code < 0 ? code : vfs->ops->lookup(vfs, out, parent, name, or_default(call), err);
}

void vfs_forget(struct vfs *vfs, uint64_t id, uint64_t count)
{
    if (id != VFS_ROOT && count > 0) {
        vfs->ops->forget(vfs, id, count);
    }
}

int vfs_getattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                const struct vfs_call *call, struct error *err)
{
    return vfs->ops->getattr(vfs, out, id, file, or_default(call), err);
}

int vfs_setattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                const struct vfs_set *set, const struct vfs_call *call, struct error *err)
{
    int code = 0;

    if (set->flags & ~(unsigned)(VFS_SET_SIZE | VFS_SET_MODIFIED | VFS_SET_CREATED)) {
        return error_set(err, ERR_INVALID, "unknown attributes 0x%x", set->flags);
    }
    if (set->flags & VFS_SET_SIZE) {
        code = check_range(0, set->size_bytes, err);
    }
    return code < 0 ? code : vfs->ops->setattr(vfs, out, id, file, set, or_default(call), err);
}

int vfs_opendir(struct vfs *vfs, struct vfs_dir **out, uint64_t id, const struct vfs_call *call,
                struct error *err)
{
    return vfs->ops->opendir(vfs, out, id, or_default(call), err);
}

int vfs_readdir(struct vfs *vfs, struct vfs_dir *dir, uint64_t cookie, vfs_entry_fn fill,
                void *payload, const struct vfs_call *call, struct error *err)
{
    if (cookie > VFS_COOKIE_MAX) {
        return error_set(err, ERR_INVALID, "no listing has such a cookie");
    }
    return vfs->ops->readdir(vfs, dir, cookie, fill, payload, or_default(call), err);
}

void vfs_closedir(struct vfs *vfs, struct vfs_dir *dir)
{
    if (dir) {
        vfs->ops->closedir(vfs, dir);
    }
}

int vfs_open(struct vfs *vfs, struct vfs_file **out, uint64_t id, unsigned flags,
             const struct vfs_call *call, struct error *err)
{
    int code = check_open_flags(flags, err);

    return code < 0 ? code : vfs->ops->open(vfs, out, id, flags, or_default(call), err);
}

int vfs_create(struct vfs *vfs, struct vfs_file **out, struct vfs_attr *attr, uint64_t parent,
               const char *name, unsigned flags, const struct vfs_call *call, struct error *err)
{
    int code = check_open_flags(flags, err);

    if (code == 0) {
        code = check_new(name, err);
    }
    return code < 0 ? code
                    : vfs->ops->create(vfs, out, attr, parent, name, flags, or_default(call), err);
}

int vfs_read(struct vfs *vfs, struct vfs_file *file, void *data, size_t size, uint64_t offset,
             size_t *got, const struct vfs_call *call, struct error *err)
{
    if (size == 0 || offset > INT64_MAX) {
        *got = 0;
        return 0;
    }
    return vfs->ops->read(vfs, file, data, size, offset, got, or_default(call), err);
}

int vfs_write(struct vfs *vfs, struct vfs_file *file, const void *data, size_t size,
              uint64_t offset, const struct vfs_call *call, struct error *err)
{
    int code = check_range(offset, size, err);

    if (code < 0 || size == 0) {
        return code;
    }
    return vfs->ops->write(vfs, file, data, size, offset, or_default(call), err);
}

int vfs_flush(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *call,
              struct error *err)
{
    return vfs->ops->flush(vfs, file, or_default(call), err);
}

int vfs_fsync(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *call,
              struct error *err)
{
    return vfs->ops->fsync(vfs, file, or_default(call), err);
}

void vfs_close(struct vfs *vfs, struct vfs_file *file)
{
    if (file) {
        vfs->ops->close(vfs, file);
    }
}

void vfs_abandon(struct vfs *vfs, struct vfs_file *file)
{
    if (file && vfs->ops->abandon) {
        vfs->ops->abandon(vfs, file);
    } else {
        vfs_close(vfs, file);
    }
}

int vfs_mkdir(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
              const struct vfs_call *call, struct error *err)
{
    int code = check_new(name, err);

    return code < 0 ? code : vfs->ops->mkdir(vfs, out, parent, name, or_default(call), err);
}

int vfs_unlink(struct vfs *vfs, uint64_t parent, const char *name, const struct vfs_call *call,
               struct error *err)
{
    int code = check_present(name, err);

    return code < 0 ? code : vfs->ops->unlink(vfs, parent, name, or_default(call), err);
}

int vfs_rmdir(struct vfs *vfs, uint64_t parent, const char *name, const struct vfs_call *call,
              struct error *err)
{
    int code = check_present(name, err);

    return code < 0 ? code : vfs->ops->rmdir(vfs, parent, name, or_default(call), err);
}

int vfs_rename(struct vfs *vfs, uint64_t parent, const char *name, uint64_t new_parent,
               const char *new_name, unsigned flags, const struct vfs_call *call, struct error *err)
{
    int code = check_present(name, err);

    if (code == 0) {
        code = check_new(new_name, err);
    }
    if (code == 0 && (flags & ~(unsigned)VFS_RENAME_NO_REPLACE)) {
        code = error_set(err, ERR_INVALID, "unknown kind of rename 0x%x", flags);
    }
    if (code < 0) {
        return code;
    }
    return vfs->ops->rename(vfs, parent, name, new_parent, new_name, flags, or_default(call), err);
}

int vfs_statfs(struct vfs *vfs, struct vfs_space *out, uint64_t id, const struct vfs_call *call,
               struct error *err)
{
    return vfs->ops->statfs(vfs, out, id, or_default(call), err);
}

int vfs_attribute(struct vfs *vfs, char **out, uint64_t id, const char *name,
                  const struct vfs_call *call, struct error *err)
{
    if (!vfs->ops->attribute) {
        return error_set(err, ERR_NOT_FOUND, "there are no attributes here");
    }
    return vfs->ops->attribute(vfs, out, id, name, or_default(call), err);
}

int vfs_readlink(struct vfs *vfs, char **out, uint64_t id, struct error *err)
{
    if (!vfs->ops->readlink) {
        return error_set(err, ERR_INVALID, "there are no links here");
    }
    return vfs->ops->readlink(vfs, out, id, err);
}

void vfs_listen(struct vfs *vfs, vfs_changed_fn changed, void *payload)
{
    if (vfs->ops->listen) {
        vfs->ops->listen(vfs, changed, payload);
    }
}
