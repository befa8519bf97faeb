/*
 * The vfs contract through the callbacks that WinFsp makes: memfs, shown by `np` on a double of
 * WinFsp's DLL (fspfs.h says what that proves and what not).
 */
#include "test.h"

#include <windows.h>

#include "contract_memfs.h"
#include "fixture.h"
#include "fspfs.h"

static int make(struct vfs_contract *c, struct error *err)
{
    struct winfsp_world *world = c->payload;
    const struct memfs_options memory = contract_memfs_options(c);
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

    return contract_memfs_edit(world->memory, world->library, folder, name, data, size, err);
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
