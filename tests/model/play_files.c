/* Files: opened, read, written, closed; and what they are said to be. */
#include "play.h"

#include <stdlib.h>
#include <string.h>

#define PART 60000u

static const char *name_of(struct play *p, char *out)
{
    return shadow_file_name(p->shadow, out, p->op->file, p->op->flags & OP_UPPER);
}

static struct shadow_name *slot_of(struct play *p)
{
    return &p->shadow->names[p->op->dir][p->op->file];
}

/* The folder of the operation: 1 found, 0 rightly not there, -1 wrong. */
static int enter(struct play *p, uint64_t *id)
{
    int code = play_find_dir(p, id, p->op->dir);
    int want = p->shadow->has_dir[p->op->dir] ? 0 : ERR_NOT_FOUND;

    if (!play_expect(p, "finding the folder", code, want, NULL)) {
        return -1;
    }
    return code == 0;
}

/* ... and the file in it. */
static int enter_file(struct play *p, struct vfs_attr *attr)
{
    const struct shadow_name *slot = slot_of(p);
    uint64_t dir = 0;
    char name[64];
    int found = enter(p, &dir);
    int code = 0;

    if (found <= 0) {
        return found;
    }
    code = play_lookup(p, attr, dir, name_of(p, name));
    if (!play_expect(p, "finding the file", code, slot->inode == NOTHING ? ERR_NOT_FOUND : 0,
                     NULL)) {
        return -1;
    }
    return code == 0;
}

/* --- open files --- */

static bool is_loose(const struct shadow_inode *inode)
{
    return inode->is_replaced || !inode->is_linked;
}

static bool keep(struct play *p, struct vfs_file *file, int inode, bool is_writer)
{
    p->files[p->op->handle] = file;
    p->shadow->handles[p->op->handle].inode = inode;
    p->shadow->handles[p->op->handle].is_writer = is_writer;
    p->shadow->inodes[inode].opened++;
    return true;
}

bool play_open(struct play *p)
{
    unsigned flags = p->op->flags & OP_READING ? VFS_READ : VFS_READ | VFS_WRITE;
    struct shadow_inode *inode = NULL;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    struct error err = {0};
    unsigned tries = 0;
    int found = 0;
    int code = 0;

    if (p->files[p->op->handle]) {
        return true;
    }
    found = enter_file(p, &attr);
    if (found <= 0) {
        return found == 0;
    }
    if ((flags & VFS_WRITE) && (p->op->flags & OP_TRUNCATE)) {
        flags |= VFS_TRUNCATE;
    }
    do {
        code = vfs_open(p->world->vfs, &file, attr.id, flags, NULL, &err);
    } while (play_again(p, code, &tries));
    if (!play_expect(p, "open", code, 0, &err)) {
        return false;
    }
    inode = &p->shadow->inodes[slot_of(p)->inode];
    if (flags & VFS_TRUNCATE) {
        shadow_resize(inode, 0);
        inode->is_dirty = true;
    }
    return keep(p, file, slot_of(p)->inode, flags & VFS_WRITE);
}

/* Makes or opens the file of the operation; *out NULL: rightly refused. */
static bool create(struct play *p, struct vfs_file **out, unsigned flags)
{
    struct shadow_name *slot = slot_of(p);
    struct vfs_attr attr;
    struct error err = {0};
    unsigned tries = 0;
    uint64_t dir = 0;
    char name[64];
    int want = 0;
    int code = 0;
    int found = enter(p, &dir);

    *out = NULL;
    if (found <= 0) {
        return found == 0;
    }
    do {
        code = vfs_create(p->world->vfs, out, &attr, dir, name_of(p, name), flags, NULL, &err);
        if (tries == 0 && code < 0) {
            flags &= ~(unsigned)VFS_EXCLUSIVE; /* it may have come through */
        }
    } while (play_again(p, code, &tries));
    want = (flags & VFS_EXCLUSIVE) && slot->inode != NOTHING ? ERR_EXISTS : 0;
    if (code == ERR_EXISTS && slot->inode != NOTHING) {
        want = ERR_EXISTS; /* asked with EXCLUSIVE at first */
    }
    if (!play_expect(p, "create", code, want, &err)) {
        return false;
    }
    if (code < 0) {
        *out = NULL;
        return true;
    }
    p->held[p->held_count++] = attr.id;
    if (slot->inode == NOTHING) {
        slot->inode = shadow_new_inode(p->shadow);
        slot->is_upper = slot->was_used ? NOTHING : (p->op->flags & OP_UPPER) != 0;
        slot->was_used = true;
        p->shadow->inodes[slot->inode].is_dirty = true;
    } else if (flags & VFS_TRUNCATE) {
        shadow_resize(&p->shadow->inodes[slot->inode], 0);
        p->shadow->inodes[slot->inode].is_dirty = true;
    }
    return true;
}

bool play_create(struct play *p)
{
    unsigned flags = VFS_READ | VFS_WRITE | (p->op->flags & OP_TRUNCATE ? VFS_TRUNCATE : 0) |
                     (p->op->flags & OP_EXCLUSIVE ? VFS_EXCLUSIVE : 0);
    struct vfs_file *file = NULL;

    if (p->files[p->op->handle]) {
        return true;
    }
    if (!create(p, &file, flags)) {
        return false;
    }
    return !file || keep(p, file, slot_of(p)->inode, true);
}

/* The inode of the handle of the operation; NULL: not open. */
static struct shadow_inode *handle_inode(struct play *p)
{
    return p->files[p->op->handle] ? &p->shadow->inodes[p->shadow->handles[p->op->handle].inode]
                                   : NULL;
}

/* Bytes of an open file against the shadow. */
static bool check_bytes(struct play *p, struct vfs_file *file, const struct shadow_inode *inode,
                        uint32_t offset, uint32_t size)
{
    uint32_t want = offset >= inode->size         ? 0
                    : inode->size - offset < size ? inode->size - offset
                                                  : size;
    unsigned char *data = malloc(size + 1);
    struct error err = {0};
    unsigned tries = 0;
    size_t got = 0;
    int code = 0;
    bool is_good = true;

    if (!data) {
        abort();
    }
    do {
        code = vfs_read(p->world->vfs, file, data, size, offset, &got, NULL, &err);
    } while (play_again(p, code, &tries));
    if (inode->is_unknown || (code < 0 && is_loose(inode))) {
        free(data);
        return true;
    }
    is_good = play_expect(p, "read", code, 0, &err);
    if (is_good && got != want) {
        is_good = play_fail(p, "read %u at %u of %u bytes: %zu, not %u", size, offset, inode->size,
                            got, want);
    }
    for (uint32_t i = 0; is_good && i < want; i++) {
        if (data[i] != inode->data[offset + i]) {
            is_good = play_fail(p, "read %u at %u: byte %u is %02x, not %02x%s", size, offset,
                                offset + i, data[i], inode->data[offset + i],
                                is_loose(inode) ? " (deleted or replaced)" : "");
        }
    }
    free(data);
    return is_good;
}

bool play_read(struct play *p)
{
    struct shadow_inode *inode = handle_inode(p);

    return !inode || check_bytes(p, p->files[p->op->handle], inode, p->op->offset, p->op->size + 1);
}

static bool write_some(struct play *p, struct vfs_file *file, struct shadow_inode *inode,
                       uint32_t offset, uint32_t size, uint32_t seed)
{
    unsigned char *data = malloc(size + 1);
    struct error err = {0};
    int code = 0;

    if (!data) {
        abort();
    }
    shadow_fill(data, size, seed);
    for (uint32_t at = 0; at < size && code == 0; at += PART) {
        uint32_t part = size - at < PART ? size - at : PART;
        unsigned tries = 0;

        do {
            code = vfs_write(p->world->vfs, file, data + at, part, offset + at, NULL, &err);
        } while (play_again(p, code, &tries));
    }
    if (code < 0 && is_loose(inode)) {
        inode->is_unknown = true;
    } else if (!play_expect(p, "write", code, 0, &err)) {
        free(data);
        return false;
    }
    if (size > 0) {
        if (offset + size > inode->size) {
            shadow_resize(inode, offset + size);
        }
        memcpy(inode->data + offset, data, size);
        inode->modified_ms = NOTHING;
        inode->is_dirty = true;
    }
    free(data);
    return true;
}

bool play_write(struct play *p)
{
    struct shadow_inode *inode = handle_inode(p);

    if (!inode || inode->is_replaced || !p->shadow->handles[p->op->handle].is_writer) {
        return true;
    }
    return write_some(p, p->files[p->op->handle], inode, p->op->offset, p->op->size, p->op->seed);
}

bool play_resize(struct play *p)
{
    struct vfs_set set = {.flags = VFS_SET_SIZE, .size_bytes = p->op->size};
    struct shadow_inode *inode = handle_inode(p);
    struct vfs_attr attr;
    struct error err = {0};
    unsigned tries = 0;
    int code = 0;

    if (!inode || inode->is_replaced || !p->shadow->handles[p->op->handle].is_writer) {
        return true;
    }
    do {
        code = vfs_setattr(p->world->vfs, &attr, p->world->root, p->files[p->op->handle], &set,
                           NULL, &err);
    } while (play_again(p, code, &tries));
    if (code < 0 && is_loose(inode)) {
        inode->is_unknown = true;
    } else if (!play_expect(p, "resize", code, 0, &err)) {
        return false;
    }
    shadow_resize(inode, p->op->size);
    inode->is_dirty = true;
    return true;
}

static bool flush(struct play *p, struct vfs_file *file, struct shadow_inode *inode, bool is_sync)
{
    struct error err = {0};
    unsigned tries = 0;
    int code = 0;

    do {
        code = is_sync ? vfs_fsync(p->world->vfs, file, NULL, &err)
                       : vfs_flush(p->world->vfs, file, NULL, &err);
    } while (play_again(p, code, &tries));
    inode->is_dirty = inode->is_dirty && is_sync;
    return is_loose(inode) || play_expect(p, is_sync ? "fsync" : "flush", code, 0, &err);
}

static bool close_handle(struct play *p, unsigned handle)
{
    struct vfs_file *file = p->files[handle];
    int number = p->shadow->handles[handle].inode;
    bool is_good = true;

    if (!file) {
        return true;
    }
    is_good = flush(p, file, &p->shadow->inodes[number], false);
    vfs_close(p->world->vfs, file);
    p->files[handle] = NULL;
    p->shadow->handles[handle].inode = NOTHING;
    p->shadow->inodes[number].opened--;
    shadow_put_inode(p->shadow, number);
    return is_good;
}

bool play_flush(struct play *p)
{
    struct vfs_file *file = p->files[p->op->handle];

    return !file || flush(p, file, handle_inode(p), p->op->kind == OP_FSYNC);
}

bool play_close(struct play *p)
{
    return close_handle(p, p->op->handle);
}

bool play_close_all(struct play *p)
{
    bool is_good = true;

    for (unsigned i = 0; i < HANDLES; i++) {
        is_good = close_handle(p, i) && is_good;
    }
    return is_good;
}

bool play_put(struct play *p)
{
    struct vfs_file *file = NULL;
    struct shadow_inode *inode = NULL;
    bool is_good = true;

    if (!create(p, &file, VFS_WRITE | VFS_TRUNCATE)) {
        return false;
    }
    if (!file) {
        return true;
    }
    inode = &p->shadow->inodes[slot_of(p)->inode];
    is_good =
        write_some(p, file, inode, 0, p->op->size, p->op->seed) && flush(p, file, inode, false);
    vfs_close(p->world->vfs, file);
    return is_good;
}

bool play_get(struct play *p)
{
    struct vfs_file *file = NULL;
    const struct shadow_inode *inode = NULL;
    struct vfs_attr attr;
    struct error err = {0};
    unsigned tries = 0;
    bool is_good = true;
    int found = enter_file(p, &attr);
    int code = 0;

    if (found <= 0) {
        return found == 0;
    }
    inode = &p->shadow->inodes[slot_of(p)->inode];
    do {
        code = vfs_open(p->world->vfs, &file, attr.id, VFS_READ, NULL, &err);
    } while (play_again(p, code, &tries));
    if (!play_expect(p, "open to read", code, 0, &err)) {
        return false;
    }
    for (uint32_t at = 0; is_good && at <= inode->size; at += PART) {
        is_good = check_bytes(p, file, inode, at, PART);
    }
    vfs_close(p->world->vfs, file);
    return is_good;
}

/* --- attributes --- */

static bool check_attr(struct play *p, const struct vfs_attr *attr,
                       const struct shadow_inode *inode)
{
    int64_t away = attr->modified_ms - inode->modified_ms;

    if (attr->kind != VFS_FILE || attr->size_bytes != inode->size) {
        return play_fail(p, "stat: %s of %llu bytes, not a file of %u",
                         attr->kind == VFS_FILE ? "file" : "folder",
                         (unsigned long long)attr->size_bytes, inode->size);
    }
    if (inode->modified_ms != NOTHING && (away < -1000 || away > 1000)) {
        return play_fail(p, "stat: modified %lld ms from the time that was set", (long long)away);
    }
    return true;
}

bool play_stat(struct play *p)
{
    struct vfs_attr attr;
    struct error err = {0};
    unsigned tries = 0;
    int found = enter_file(p, &attr);
    int code = 0;

    if (found <= 0) {
        return found == 0;
    }
    do {
        code = vfs_getattr(p->world->vfs, &attr, attr.id, NULL, NULL, &err);
    } while (play_again(p, code, &tries));
    return play_expect(p, "stat", code, 0, &err) &&
           check_attr(p, &attr, &p->shadow->inodes[slot_of(p)->inode]);
}

bool play_set(struct play *p)
{
    struct vfs_set set = {.size_bytes = p->op->size,
                          .modified_ms = 1600000000000 + p->op->seed % 1000000 * 1000};
    struct shadow_inode *inode = NULL;
    struct vfs_attr attr;
    struct error err = {0};
    unsigned tries = 0;
    int found = enter_file(p, &attr);
    int code = 0;

    if (found <= 0) {
        return found == 0;
    }
    set.flags = p->op->kind == OP_SIZE ? VFS_SET_SIZE : VFS_SET_MODIFIED;
    do {
        code = vfs_setattr(p->world->vfs, &attr, attr.id, NULL, &set, NULL, &err);
    } while (play_again(p, code, &tries));
    if (!play_expect(p, "setattr", code, 0, &err)) {
        return false;
    }
    inode = &p->shadow->inodes[slot_of(p)->inode];
    if (set.flags & VFS_SET_SIZE) {
        shadow_resize(inode, p->op->size);
    } else {
        inode->modified_ms = inode->is_dirty ? NOTHING : set.modified_ms;
    }
    return true;
}
