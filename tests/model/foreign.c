#include "foreign.h"

#include <stdlib.h>
#include <string.h>

#include "shadow.h"

void foreign_init(struct foreign *f, struct world *world, unsigned workers)
{
    *f = (struct foreign){.world = world, .workers = workers};
}

static void name_of(char out[64], unsigned name)
{
    snprintf(out, 64, "x%u Note.txt", name);
}

static void path_of(char out[200], unsigned dir, unsigned name)
{
    char file[64];

    name_of(file, name);
    snprintf(out, 200, "%s/%s", dir == 0 ? "common" : "common/deep", file);
}

static void put(struct foreign *f, const char *path, const struct op *op)
{
    uint32_t size = 24 + op->size % 3000;
    char *text = malloc(size + 1);

    if (!text) {
        abort();
    }
    shadow_text(text, size, op->seed);
    world_type.edit(f->world, path, text);
    free(text);
}

void foreign_op(struct foreign *f, const struct op *op)
{
    unsigned dir = op->dir % SHARED_DIRS;
    unsigned name = op->file % FOREIGN_NAMES;
    unsigned other = op->file2 % FOREIGN_NAMES;
    char path[200];
    char shared[200];

    path_of(path, dir, name);
    snprintf(shared, sizeof(shared), "common/w%u shared.dat", op->seed % f->workers);
    if (op->kind == OP_FAULT) {
        if (world_type.fault) {
            world_type.fault(f->world, op);
        }
        return;
    }
    if (!world_type.edit) {
        return;
    }
    switch (op->kind) {
    case OP_FOREIGN_PUT:
        put(f, path, op);
        f->is_there[dir][name] = true;
        break;
    case OP_FOREIGN_UNLINK:
        if (f->is_there[dir][name]) {
            world_type.edit(f->world, path, NULL);
            f->is_there[dir][name] = false;
        }
        break;
    case OP_FOREIGN_RENAME:
        if (world_type.rename && f->is_there[dir][name] && !f->is_there[dir][other]) {
            char to[64];

            name_of(to, other);
            world_type.rename(f->world, path, to);
            f->is_there[dir][name] = false;
            f->is_there[dir][other] = true;
        }
        break;
    case OP_FOREIGN_SHARED_PUT:
        put(f, shared, op);
        break;
    default:
        world_type.edit(f->world, shared, NULL);
        break;
    }
}
