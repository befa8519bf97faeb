#include "play.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRIES_MAX 400u
#define PART 60000u

bool play_fail(struct play *p, const char *format, ...)
{
    size_t at = 0;
    va_list args;

    if (p->shadow->failure[0]) {
        return false;
    }
    at = (size_t)snprintf(p->shadow->failure, sizeof(p->shadow->failure),
                          "worker %u: ", p->shadow->number);
    va_start(args, format);
    vsnprintf(p->shadow->failure + at, sizeof(p->shadow->failure) - at, format, args);
    va_end(args);
    return false;
}

bool play_again(struct play *p, int code, unsigned *tries)
{
    bool is_line = code == ERR_THROTTLED || code == ERR_UNREACHABLE || code == ERR_TIMED_OUT ||
                   code == ERR_SERVER || code == ERR_LOCKED || code == ERR_BUSY ||
                   (p->world->path && code == ERR_IO);

    if (!is_line || !p->shadow->may_fail || ++*tries > TRIES_MAX) {
        return false;
    }
    usleep(20000);
    return true;
}

bool play_again_elsewhere(int code, unsigned *tries)
{
    if ((code != ERR_STALE && code != ERR_NOT_FOUND && code != ERR_EXISTS && code != ERR_CHANGED &&
         code != ERR_GONE) ||
        ++*tries > 50) {
        return false;
    }
    usleep(20000);
    return true;
}

static int class_of(int code)
{
    return world_type.code_class && code < 0 ? world_type.code_class(code) : code;
}

bool play_expect(struct play *p, const char *what, int code, int want, const struct error *err)
{
    if (class_of(code) == class_of(want)) {
        return true;
    }
    return play_fail(p, "%s: %s (%s), not %s", what, code < 0 ? error_name(code) : "ok",
                     code < 0 && err ? err->message : "", want < 0 ? error_name(want) : "ok");
}

int play_lookup(struct play *p, struct vfs_attr *out, uint64_t parent, const char *name)
{
    unsigned tries = 0;
    int code = 0;

    do {
        code = vfs_lookup(p->world->vfs, out, parent, name, NULL, NULL);
    } while (play_again(p, code, &tries));
    if (code == 0 && p->held_count < HOLDS_MAX) {
        p->held[p->held_count++] = out->id;
    }
    return code;
}

void play_release(struct play *p)
{
    while (p->held_count) {
        vfs_forget(p->world->vfs, p->held[--p->held_count], 1);
    }
}

int play_find_dir(struct play *p, uint64_t *id, unsigned dir)
{
    struct vfs_attr attr = {.id = p->world->root};
    char name[64];
    int code = 0;

    if (dir == 1 || dir == 4) {
        code = play_lookup(p, &attr, attr.id, "common");
    }
    if (code == 0) {
        code = play_lookup(p, &attr, attr.id, shadow_dir_name(p->shadow, name, dir));
    }
    *id = attr.id;
    return code;
}

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

static bool do_open(struct play *p)
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

static bool do_create(struct play *p)
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

static bool do_read(struct play *p)
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

static bool do_write(struct play *p)
{
    struct shadow_inode *inode = handle_inode(p);

    if (!inode || inode->is_replaced || !p->shadow->handles[p->op->handle].is_writer) {
        return true;
    }
    return write_some(p, p->files[p->op->handle], inode, p->op->offset, p->op->size, p->op->seed);
}

static bool do_resize(struct play *p)
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

bool play_close_all(struct play *p)
{
    bool is_good = true;

    for (unsigned i = 0; i < HANDLES; i++) {
        is_good = close_handle(p, i) && is_good;
    }
    return is_good;
}

static bool do_put(struct play *p)
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

static bool do_get(struct play *p)
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

static bool do_stat(struct play *p)
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

static bool do_set(struct play *p)
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

/* --- the file that others change, too --- */

static bool do_shared_put(struct play *p)
{
    uint32_t size = 24 + p->op->size % 4000;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    struct error err = {0};
    unsigned tries = 0;
    uint64_t dir = 0;
    char name[64];
    char *text = malloc(size + 1);
    int code = play_find_dir(p, &dir, 0);

    if (!text) {
        abort();
    }
    snprintf(name, sizeof(name), "w%u shared.dat", p->shadow->number);
    shadow_text(text, size, p->op->seed);
    do {
        if (code == 0 || tries) {
            code = vfs_create(p->world->vfs, &file, &attr, dir, name, VFS_WRITE | VFS_TRUNCATE,
                              NULL, &err);
        }
        /* deleted or made elsewhere, between two looks */
    } while (play_again(p, code, &tries) || play_again_elsewhere(code, &tries));
    if (play_expect(p, "create the shared file", code, 0, &err)) {
        p->held[p->held_count++] = attr.id;
        code = vfs_write(p->world->vfs, file, text, size, 0, NULL, &err);
        do {
            if (code == 0 || tries) {
                code = vfs_flush(p->world->vfs, file, NULL, &err);
            }
        } while (play_again(p, code, &tries));
        vfs_close(p->world->vfs, file);
        if (code == 0) {
            p->shadow->shared_last = p->op->seed;
            p->shadow->shared_size = size;
        } else if (code != ERR_CHANGED && code != ERR_EXISTS) {
            play_expect(p, "save the shared file", code, 0, &err);
        }
    }
    free(text);
    return p->shadow->failure[0] == '\0';
}

static bool do_shared_get(struct play *p)
{
    char name[64];
    char *data = NULL;
    size_t size = 0;

    snprintf(name, sizeof(name), "w%u shared.dat", p->shadow->number);
    if (!play_read_file(p, 0, name, &data, &size)) {
        return false;
    }
    if (data && !shadow_is_text(data, size)) {
        play_fail(p, "the shared file is a mix of two versions: %zu bytes, '%.40s'", size, data);
    }
    free(data);
    return p->shadow->failure[0] == '\0';
}

static bool do_shared_unlink(struct play *p)
{
    struct error err = {0};
    unsigned tries = 0;
    uint64_t dir = 0;
    char name[64];
    int code = play_find_dir(p, &dir, 0);

    snprintf(name, sizeof(name), "w%u shared.dat", p->shadow->number);
    do {
        if (code == 0 || tries) {
            code = vfs_unlink(p->world->vfs, dir, name, NULL, &err);
        }
    } while (play_again(p, code, &tries));
    if (code == 0) {
        p->shadow->shared_last = 0;
    }
    return code == ERR_NOT_FOUND || code == ERR_CHANGED || code == ERR_STALE ||
           play_expect(p, "delete the shared file", code, 0, &err);
}

/* --- all --- */

static bool uses_scratch(const struct op *op)
{
    return op->file == FILE_SCRATCH || (op->kind == OP_RENAME && op->file2 == FILE_SCRATCH);
}

static bool do_op(struct play *p)
{
    const struct op *op = p->op;

    if (uses_scratch(op) && !p->world->has_scratch) {
        return true;
    }
    switch (op->kind) {
    case OP_OPEN:
        return do_open(p);
    case OP_CREATE:
        return do_create(p);
    case OP_READ:
        return do_read(p);
    case OP_WRITE:
        return do_write(p);
    case OP_RESIZE:
        return do_resize(p);
    case OP_FLUSH:
    case OP_FSYNC:
        return !p->files[op->handle] ||
               flush(p, p->files[op->handle], handle_inode(p), op->kind == OP_FSYNC);
    case OP_CLOSE:
        return close_handle(p, op->handle);
    case OP_PUT:
        return do_put(p);
    case OP_GET:
        return do_get(p);
    case OP_STAT:
        return do_stat(p);
    case OP_LIST:
        return play_list_op(p);
    case OP_RENAME:
        return play_rename(p);
    case OP_UNLINK:
        return play_unlink(p);
    case OP_MKDIR:
        return play_mkdir(p);
    case OP_RMDIR:
        return play_rmdir(p);
    case OP_MOVE_DIR:
        return play_move_dir(p);
    case OP_TIMES:
    case OP_SIZE:
        return do_set(p);
    case OP_SHARED_PUT:
        return do_shared_put(p);
    case OP_SHARED_GET:
        return do_shared_get(p);
    case OP_SHARED_UNLINK:
        return do_shared_unlink(p);
    default:
        return true;
    }
}

bool play_op(struct play *p, const struct op *op)
{
    bool is_good = false;

    p->op = op;
    is_good = do_op(p) && p->shadow->failure[0] == '\0';
    play_release(p);
    return is_good;
}

bool play_check_all(struct play *p)
{
    for (unsigned dir = 0; dir < DIRS; dir++) {
        for (unsigned file = 0; file <= FILES; file++) {
            struct op op = {.kind = file == FILES ? OP_LIST : OP_GET,
                            .dir = (uint8_t)dir,
                            .file = (uint8_t)(file % FILES)};
            struct op stat = {.kind = OP_STAT, .dir = op.dir, .file = op.file};

            if (!play_op(p, &op) || !play_op(p, &stat)) {
                return false;
            }
        }
    }
    return true;
}
