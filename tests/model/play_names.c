/* Folders, names, and listings. */
#include "play.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Two folders of an operation; false: wrong. *both: they are there. */
static bool enter_both(struct play *p, uint64_t *from, uint64_t *to, bool *both)
{
    const struct op *op = p->op;
    int code = play_find_dir(p, from, op->dir);

    *both = false;
    if (!play_expect(p, "finding the folder", code, p->shadow->has_dir[op->dir] ? 0 : ERR_NOT_FOUND,
                     NULL)) {
        return false;
    }
    if (code < 0) {
        return true;
    }
    code = play_find_dir(p, to, op->dir2);
    *both = code == 0;
    return play_expect(p, "finding the other folder", code,
                       p->shadow->has_dir[op->dir2] ? 0 : ERR_NOT_FOUND, NULL);
}

static void renamed(struct play *p, struct shadow_name *from, struct shadow_name *to)
{
    struct shadow *s = p->shadow;
    bool is_upper = p->op->flags & OP_UPPER;

    if (from == to) { /* Linux finds both names to be one file, and leaves it at that */
        to->is_upper = p->world->path ? NOTHING : is_upper;
        return;
    }
    if (to->inode != NOTHING) {
        struct shadow_inode *old = &s->inodes[to->inode];

        old->is_linked = false;
        old->is_replaced = true;
        shadow_put_inode(s, to->inode);
        to->is_upper = NOTHING;
    } else {
        to->is_upper = to->was_used ? NOTHING : is_upper;
    }
    to->was_used = true;
    to->inode = from->inode;
    s->inodes[to->inode].modified_ms = NOTHING;
    from->inode = NOTHING;
}

bool play_rename(struct play *p)
{
    const struct op *op = p->op;
    struct shadow_name *from = &p->shadow->names[op->dir][op->file];
    struct shadow_name *to = &p->shadow->names[op->dir2][op->file2];
    unsigned flags = (op->flags & OP_NO_REPLACE) && from != to ? VFS_RENAME_NO_REPLACE : 0;
    struct error err = {0};
    unsigned tries = 0;
    uint64_t dir = 0;
    uint64_t dir2 = 0;
    bool both = false;
    char name[64];
    char name2[64];
    int want = 0;
    int code = 0;

    if (!enter_both(p, &dir, &dir2, &both) || !both) {
        return p->shadow->failure[0] == '\0';
    }
    if (to->inode != NOTHING && from != to &&
        (p->shadow->inodes[to->inode].is_dirty || p->shadow->inodes[to->inode].is_replaced)) {
        return true; /* what becomes of writes to what is replaced is nobody's promise */
    }
    shadow_file_name(p->shadow, name, op->file, from->is_upper == 1);
    shadow_file_name(p->shadow, name2, op->file2, op->flags & OP_UPPER);
    want = from->inode == NOTHING                        ? ERR_NOT_FOUND
           : flags && to->inode != NOTHING && from != to ? ERR_EXISTS
                                                         : 0;
    do {
        code = vfs_rename(p->world->vfs, dir, name, dir2, name2, flags, NULL, &err);
    } while (play_again(p, code, &tries));
    if (tries && want == 0 && (code == ERR_NOT_FOUND || code == ERR_EXISTS) && from != to) {
        struct vfs_attr attr; /* it came through, and the answer got lost */

        code = play_lookup(p, &attr, dir, name) == ERR_NOT_FOUND ? 0 : code;
    }
    if (!play_expect(p, "rename", code, want, &err)) {
        return false;
    }
    if (code == 0) {
        p->shadow->has_renamed_away |= op->file != FILE_SCRATCH && op->file2 == FILE_SCRATCH;
        renamed(p, from, to);
    }
    return true;
}

bool play_unlink(struct play *p)
{
    struct shadow_name *slot = &p->shadow->names[p->op->dir][p->op->file];
    struct error err = {0};
    unsigned tries = 0;
    uint64_t dir = 0;
    char name[64];
    int code = play_find_dir(p, &dir, p->op->dir);

    if (!p->shadow->has_dir[p->op->dir]) {
        return play_expect(p, "finding the folder", code, ERR_NOT_FOUND, NULL);
    }
    if (!play_expect(p, "finding the folder", code, 0, NULL)) {
        return false;
    }
    shadow_file_name(p->shadow, name, p->op->file, p->op->flags & OP_UPPER);
    do {
        code = vfs_unlink(p->world->vfs, dir, name, NULL, &err);
    } while (play_again(p, code, &tries));
    if (tries && code == ERR_NOT_FOUND && slot->inode != NOTHING) {
        code = 0;
    }
    if (!play_expect(p, "unlink", code, slot->inode == NOTHING ? ERR_NOT_FOUND : 0, &err)) {
        return false;
    }
    if (code == 0) {
        p->shadow->inodes[slot->inode].is_linked = false;
        shadow_put_inode(p->shadow, slot->inode);
        slot->inode = NOTHING;
    }
    return true;
}

/* The folder that a folder of the worker is in. */
static int find_above(struct play *p, uint64_t *id, unsigned dir)
{
    *id = p->world->root;
    return dir == 4 ? play_find_dir(p, id, 0) : 0;
}

bool play_mkdir(struct play *p)
{
    unsigned dir = p->op->dir;
    struct vfs_attr attr;
    struct error err = {0};
    unsigned tries = 0;
    uint64_t above = 0;
    char name[64];
    int want = p->shadow->has_dir[dir] ? ERR_EXISTS : 0;
    int code = 0;

    if (dir < SHARED_DIRS) {
        return true;
    }
    code = find_above(p, &above, dir);
    shadow_dir_name(p->shadow, name, dir);
    do {
        if (code == 0 || tries) {
            code = vfs_mkdir(p->world->vfs, &attr, above, name, NULL, &err);
        }
    } while (play_again(p, code, &tries));
    if (code == 0) {
        p->held[p->held_count++] = attr.id;
    } else if (tries && code == ERR_EXISTS) {
        code = want; /* it came through, and the answer got lost */
    }
    if (!play_expect(p, "mkdir", code, want, &err)) {
        return false;
    }
    p->shadow->has_dir[dir] = true;
    return true;
}

bool play_rmdir(struct play *p)
{
    unsigned dir = p->op->dir;
    struct error err = {0};
    unsigned tries = 0;
    uint64_t above = 0;
    char name[64];
    int want = !p->shadow->has_dir[dir]           ? ERR_NOT_FOUND
               : !shadow_is_empty(p->shadow, dir) ? ERR_NOT_EMPTY
                                                  : 0;
    int code = 0;

    if (dir < SHARED_DIRS) {
        return true;
    }
    code = find_above(p, &above, dir);
    shadow_dir_name(p->shadow, name, dir);
    do {
        if (code == 0 || tries) {
            code = vfs_rmdir(p->world->vfs, above, name, NULL, &err);
        }
    } while (play_again(p, code, &tries));
    if (tries && want == 0 && code == ERR_NOT_FOUND) {
        code = 0;
    }
    if (!play_expect(p, "rmdir", code, want, &err)) {
        return false;
    }
    if (code == 0) {
        p->shadow->has_dir[dir] = false;
    }
    return true;
}

bool play_move_dir(struct play *p)
{
    struct shadow *s = p->shadow;
    unsigned dir = p->op->dir;
    unsigned dir2 = p->op->file % 2 ? 2 + p->op->dir2 % 3 : p->op->dir2;
    struct error err = {0};
    unsigned tries = 0;
    uint64_t above = 0;
    uint64_t above2 = 0;
    char name[64];
    char name2[64];
    int want = 0;
    int code = 0;

    if (dir < SHARED_DIRS || dir2 < SHARED_DIRS || dir == dir2) {
        return true;
    }
    want = !s->has_dir[dir]                                ? ERR_NOT_FOUND
           : s->has_dir[dir2] && !shadow_is_empty(s, dir2) ? ERR_NOT_EMPTY
                                                           : 0;
    code = find_above(p, &above, dir);
    if (code == 0) {
        code = find_above(p, &above2, dir2);
    }
    shadow_dir_name(s, name, dir);
    shadow_dir_name(s, name2, dir2);
    do {
        if (code == 0 || tries) {
            code = vfs_rename(p->world->vfs, above, name, above2, name2, 0, NULL, &err);
        }
    } while (play_again(p, code, &tries));
    if (tries && want == 0 && code == ERR_NOT_FOUND) {
        code = 0;
    }
    if (!play_expect(p, "rename of a folder", code, want, &err)) {
        return false;
    }
    if (code == 0) {
        memcpy(s->names[dir2], s->names[dir], sizeof(s->names[dir]));
        for (unsigned file = 0; file < FILES; file++) {
            s->names[dir][file].inode = NOTHING;
        }
        s->has_dir[dir2] = true;
        s->has_dir[dir] = false;
    }
    return true;
}

/* --- listings --- */

struct window {
    play_entry_fn visit;
    void *payload;
    unsigned room;
    unsigned count;
    uint64_t last;
};

static bool take(void *payload, const char *name, const struct vfs_attr *attr, uint64_t cookie)
{
    struct window *w = payload;

    if (w->room == 0) {
        return false;
    }
    w->room--;
    w->count++;
    w->last = cookie;
    w->visit(w->payload, name, attr);
    return true;
}

bool play_list(struct play *p, uint64_t id, play_entry_fn visit, void *payload)
{
    struct window w = {.visit = visit, .payload = payload};
    struct vfs_dir *dir = NULL;
    struct error err = {0};
    unsigned tries = 0;
    unsigned before = 1;
    int code = 0;

    do {
        code = vfs_opendir(p->world->vfs, &dir, id, NULL, &err);
    } while (play_again(p, code, &tries));
    while (code == 0 && w.count != before) {
        before = w.count;
        w.room = 7;
        code = vfs_readdir(p->world->vfs, dir, w.last, take, &w, NULL, &err);
    }
    if (dir) {
        vfs_closedir(p->world->vfs, dir);
    }
    if (code < 0 && p->shadow->may_fail && tries < 100 && play_again(p, code, &tries)) {
        return play_list(p, id, visit, payload); /* visits again: that must not matter */
    }
    return play_expect(p, "list", code, 0, &err);
}

struct seen {
    struct play *p;
    unsigned dir;
    bool has[FILES];
};

static void see(void *payload, const char *name, const struct vfs_attr *attr)
{
    struct seen *seen = payload;
    struct shadow *s = seen->p->shadow;

    for (unsigned file = 0; file < FILES; file++) {
        const struct shadow_name *slot = &s->names[seen->dir][file];
        char want[64];

        if (!str_equal_nocase(name, shadow_file_name(s, want, file, false))) {
            continue;
        }
        seen->has[file] = true;
        if (slot->inode == NOTHING) {
            play_fail(seen->p, "list: '%s' is shown and not there", name);
            return;
        }
        shadow_file_name(s, want, file, slot->is_upper == 1);
        if (slot->is_upper != NOTHING && strcmp(name, want) != 0) {
            play_fail(seen->p, "list: '%s' is shown as '%s'", want, name);
        } else if (attr->size_bytes != s->inodes[slot->inode].size) {
            play_fail(seen->p, "list: '%s' is shown with %llu bytes and has %u", name,
                      (unsigned long long)attr->size_bytes, s->inodes[slot->inode].size);
        }
    }
}

bool play_list_op(struct play *p)
{
    struct seen seen = {.p = p, .dir = p->op->dir};
    uint64_t id = 0;
    int code = play_find_dir(p, &id, p->op->dir);

    if (!play_expect(p, "finding the folder", code,
                     p->shadow->has_dir[p->op->dir] ? 0 : ERR_NOT_FOUND, NULL) ||
        code < 0 || !play_list(p, id, see, &seen)) {
        return p->shadow->failure[0] == '\0';
    }
    for (unsigned file = 0; file < FILES; file++) {
        if (p->shadow->names[p->op->dir][file].inode != NOTHING && !seen.has[file]) {
            char name[64];

            return play_fail(p, "list: '%s' is missing",
                             shadow_file_name(p->shadow, name, file, false));
        }
    }
    return p->shadow->failure[0] == '\0';
}

bool play_read_file(struct play *p, unsigned dir, const char *name, char **data, size_t *size)
{
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    struct error err = {0};
    unsigned tries = 0;
    unsigned stale = 0;
    uint64_t id = 0;
    int code = 0;

    *data = NULL;
    *size = 0;
    do {
        code = play_find_dir(p, &id, dir);
        if (code == 0) {
            code = play_lookup(p, &attr, id, name);
        }
        if (code == ERR_NOT_FOUND) {
            return true;
        }
        if (code == 0) {
            code = vfs_open(p->world->vfs, &file, attr.id, VFS_READ, NULL, &err);
        }
        if (code == 0) {
            code = vfs_getattr(p->world->vfs, &attr, attr.id, file, NULL, &err);
        }
        if (code == 0) {
            *data = calloc(1, (size_t)attr.size_bytes + 2);
            code = vfs_read(p->world->vfs, file, *data, (size_t)attr.size_bytes + 1, 0, size, NULL,
                            &err);
        }
        if (file) {
            vfs_close(p->world->vfs, file);
            file = NULL;
        }
        if (code < 0) {
            free(*data);
            *data = NULL;
        }
        play_release(p);
        /* somebody else replaced or deleted it while we looked */
    } while (play_again(p, code, &tries) || play_again_elsewhere(code, &stale));
    return play_expect(p, "reading", code, 0, &err);
}
