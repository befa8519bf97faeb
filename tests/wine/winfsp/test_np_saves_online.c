/*
 * Every save sequence through the callbacks that WinFsp makes, to the online vfs: which item, how many
 * versions and which names the server gets.
 *
 * `test_np_saves_online [PATTERN]` runs the sequences whose file name matches.
 */
#include <stddef.h>
#include <windows.h>

#include "fixture.h"
#include "fspfs.h"
#include "online_saves.h"

static struct vfs *show(void *payload, struct vfs *online, uint64_t root, uint64_t *folder,
                        struct error *err)
{
    const struct transport_options options = {.max_threads = 8};
    struct winfsp_world *world = payload;
    struct vfs *shown = NULL;

    *world = (struct winfsp_world){0};
    if (winfsp_show(world, online, root, &options, 0, err) < 0 ||
        fspfs_new(&shown, winfsp_volume(0), L"\\finance\\Documents", err) < 0) {
        return NULL;
    }
    *folder = VFS_ROOT;
    return shown;
}

static void hide(void *payload, struct vfs *shown)
{
    vfs_unref(shown);
    winfsp_end(payload);
}

int main(int argc, char **argv)
{
    struct winfsp_world world;
    const struct online_front front = {show, hide, &world};

    return online_saves(argc > 1 ? argv[1] : NULL, &front);
}
