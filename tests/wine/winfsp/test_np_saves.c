/*
 * Every save sequence through the callbacks that WinFsp makes: memfs, shown by `np` on a double of
 * WinFsp's DLL.
 *
 * `test_np_saves [PATTERN]` runs the sequences whose file name matches.
 */
#include <stdio.h>
#include <windows.h>

#include "all_saves.h"
#include "fixture.h"
#include "fspfs.h"
#include "replay.h"

static bool play(void *payload, const struct sequence *sequence, char *why, size_t size)
{
    const struct memfs_options memory = {.takes_any_name =
                                             true}; /* programs' own files stay here */
    const struct transport_options options = {.max_threads = 8};
    struct replay replay = {.sequence = sequence, .folder = VFS_ROOT};
    struct winfsp_world world;
    struct error err = {0};
    bool is_good = winfsp_begin(&world, &memory, &options, 0, &err) == 0 &&
                   fspfs_new(&replay.vfs, winfsp_volume(0), L"\\finance\\Documents", &err) == 0;

    (void)payload;
    if (is_good) {
        is_good = replay_prepare(&replay, NULL) && replay_run(&replay);
        vfs_unref(replay.vfs);
    }
    snprintf(why, size, "%s", err.code < 0 ? err.message : replay.failure);
    winfsp_end(&world);
    return is_good;
}

int main(int argc, char **argv)
{
    return all_saves("WinFsp's callbacks", argc > 1 ? argv[1] : NULL, play, NULL);
}
