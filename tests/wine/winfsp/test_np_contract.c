/*
 * The vfs contract through the callbacks that WinFsp makes: memfs, shown by `np` on a double of
 * WinFsp's DLL (fspfs.h says what that proves and what not).
 */
#include "test.h"

#include <windows.h>

#include "fixture.h"
#include "fspfs.h"
#include "vfs_contract.h"

static int make(struct vfs_contract *c, struct error *err)
{
    struct winfsp_world *world = c->payload;
    const struct memfs_options memory = {.blocked_above = c->blocked_above,
                                         .read_only_above = c->read_only_above};
    const struct transport_options options = {.max_threads = 8};
    int code = winfsp_begin(world, &memory, &options, 0, err);

    if (code == 0) {
        c->root = VFS_ROOT;
        code = fspfs_new(&c->vfs, winfsp_volume(0), L"\\finance\\Documents", err);
    }
    return code;
}

static void end(struct vfs_contract *c)
{
    vfs_unref(c->vfs);
    winfsp_end(c->payload);
}

static int edit(struct vfs_contract *c, const char *folder, const char *name, const void *data,
                size_t size, struct error *err)
{
    struct winfsp_world *world = c->payload;
    struct vfs_attr attr;
    int code = vfs_lookup(world->memory, &attr, world->library, folder, NULL, err);

    if (code == 0) {
        code = memfs_edit(world->memory, attr.id, name, data, size, err);
        vfs_forget(world->memory, attr.id, 1);
    }
    return code;
}

int main(int argc, char **argv)
{
    struct winfsp_world world = {0};
    struct vfs_contract contract = {
        .name = "the vfs contract through WinFsp's callbacks",
        .make = make,
        .end = end,
        .edit = edit,
        .code_class = fspfs_class,
        .checks_names = true,
        .is_behind_kernel = true,
        .blocked_above = 8 * 1024 * 1024,
        .read_only_above = 4 * 1024 * 1024,
        .payload = &world,
    };

    return vfs_contract_run(&contract, argc > 1 ? argv[1] : NULL) ? 1 : 0;
}
