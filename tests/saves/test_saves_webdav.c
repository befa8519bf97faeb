/*
 * Every sequence through the WebDAV gateway, by a client that does what WebClient does.
 *
 * `test_saves_webdav [PATTERN]` runs the sequences whose file name matches.
 */
#include <stdio.h>

#include "all_saves.h"
#include "replay.h"
#include "served.h"

static bool play_by_webdav(void *payload, const struct sequence *sequence, char *why, size_t size)
{
    struct memfs_options options = {.takes_any_name = true}; /* programs' own files stay here */
    struct replay replay = {.sequence = sequence, .folder = VFS_ROOT};
    struct error err = {0};
    struct served served;
    bool is_good = false;

    (void)payload;
    if (served_begin(&served, &options, &err) < 0) {
        snprintf(why, size, "%s", err.message);
        return false;
    }
    replay.vfs = served.client;
    is_good = replay_prepare(&replay, NULL) && replay_run(&replay);
    served_end(&served);
    snprintf(why, size, "%s", replay.failure);
    return is_good;
}

int main(int argc, char **argv)
{
    return all_saves("the WebDAV gateway", argc > 1 ? argv[1] : NULL, play_by_webdav, NULL);
}
