#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "fsp.h"
#include "volume.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/win32.h"

static bool is_cancelled(void *payload)
{
    struct volume *volume = payload;

    return atomic_load(volume->is_cancelling);
}

static void begin(struct op *op, fsp_fs fs, int64_t limit_ms)
{
    struct volume *volume = fs->user_context;

    memset(op, 0, sizeof(*op));
    op->volume = volume;
    op->call.deadline_ms = limit_ms > 0 ? clock_mono_ms(clock_system()) + limit_ms : 0;
    op->call.is_cancelled = is_cancelled;
    op->call.payload = volume;
}

void op_begin(struct op *op, fsp_fs fs)
{
    begin(op, fs, ((struct volume *)fs->user_context)->deadline_ms);
}

void op_begin_save(struct op *op, fsp_fs fs)
{
    begin(op, fs, ((struct volume *)fs->user_context)->save_deadline_ms);
}

/* The walk from the volume's root; every id on the way is held only while it is needed. */
static int walk(struct op *op, struct vfs_attr *out, const char *path, size_t length)
{
    struct vfs *vfs = op->volume->vfs;
    const char *end = path + length;
    char *name = NULL;
    int code = vfs_getattr(vfs, out, op->volume->root, NULL, &op->call, &op->err);
    uint64_t held = 0;

    while (code == 0 && path < end) {
        size_t part = strcspn(path, "\\");
        struct vfs_attr next;

        part = path + part > end ? (size_t)(end - path) : part;
        if (part > 0) {
            code = str_copy_n(&name, path, part, &op->err);
            if (code == 0) {
                code = vfs_lookup(vfs, &next, out->id, name, &op->call, &op->err);
            }
            vfs_forget(vfs, held, held ? 1 : 0);
            held = code == 0 ? next.id : 0;
            *out = code == 0 ? next : *out;
        }
        path += part;
        path += path < end ? 1 : 0;
    }
    str_free(&name);
    if (code == 0 && held == 0) { /* the root: a hold of its own, so that all are alike */
        code = vfs_lookup(vfs, out, VFS_ROOT, op->volume->folder, &op->call, &op->err);
    }
    return code;
}

/* A name that is not UTF-16 (half of a pair) names nothing. */
int path_text(struct op *op, char **out, const wchar_t *name)
{
    int code = win32_utf8(out, name, &op->err);

    return code == ERR_INVALID ? error_set(&op->err, ERR_BAD_NAME, "the name is not UTF-16") : code;
}

int path_find(struct op *op, struct vfs_attr *out, const wchar_t *name)
{
    char *text = NULL;
    int code = path_text(op, &text, name);

    if (code == 0) {
        code = walk(op, out, text, strlen(text));
    }
    str_free(&text);
    return code;
}

int path_parent(struct op *op, uint64_t *parent, char **last, const wchar_t *name)
{
    struct vfs_attr attr;
    char *text = NULL;
    char *slash;
    int code = path_text(op, &text, name);

    if (code < 0) {
        return code;
    }
    slash = strrchr(text, '\\');
    if (!slash || !slash[1]) {
        code = error_set(&op->err, ERR_INVALID, "the root of a volume stays as it is");
    }
    if (code == 0) {
        code = walk(op, &attr, text, (size_t)(slash - text));
    }
    if (code == 0) {
        code = str_copy(last, slash + 1, &op->err);
        if (code < 0) {
            vfs_forget(op->volume->vfs, attr.id, 1);
        }
        *parent = attr.id;
    }
    str_free(&text);
    return code;
}
