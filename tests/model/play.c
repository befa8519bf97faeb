#include "play.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRIES_MAX 400u

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
        return play_open(p);
    case OP_CREATE:
        return play_create(p);
    case OP_READ:
        return play_read(p);
    case OP_WRITE:
        return play_write(p);
    case OP_RESIZE:
        return play_resize(p);
    case OP_FLUSH:
    case OP_FSYNC:
        return play_flush(p);
    case OP_CLOSE:
        return play_close(p);
    case OP_PUT:
        return play_put(p);
    case OP_GET:
        return play_get(p);
    case OP_STAT:
        return play_stat(p);
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
        return play_set(p);
    case OP_SHARED_PUT:
        return play_shared_put(p);
    case OP_SHARED_GET:
        return play_shared_get(p);
    case OP_SHARED_UNLINK:
        return play_shared_unlink(p);
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
