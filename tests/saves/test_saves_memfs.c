/*
 * Every sequence on the model in memory: what the sequences expect is what a disk does. So a
 * failure here is a mistake in a sequence, or in the model.
 *
 * `test_saves_memfs [PATTERN]` runs the sequences whose file name matches.
 */
#include <stdio.h>

#include "all_saves.h"
#include "replay.h"
#include "transport/memfs.h"

static bool play_on_memfs(void *payload, const struct sequence *sequence, char *why, size_t size)
{
    struct replay replay = {.sequence = sequence, .folder = VFS_ROOT};
    struct memfs_options options = {.takes_any_name = true}; /* programs' own files stay here */
    struct error err = {0};
    bool is_good = memfs_new(&replay.vfs, &options, &err) == 0;

    (void)payload;
    if (!is_good) {
        snprintf(why, size, "%s", err.message);
        return false;
    }
    is_good = replay_prepare(&replay, NULL) && replay_run(&replay);
    vfs_unref(replay.vfs);
    snprintf(why, size, "%s", replay.failure);
    return is_good;
}

int main(int argc, char **argv)
{
    return all_saves("memfs", argc > 1 ? argv[1] : NULL, play_on_memfs, NULL);
}
