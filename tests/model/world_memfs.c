/* The file system in memory: whether the shadow and memfs mean the same by vfs.h. */
#include <stdlib.h>
#include <string.h>

#include "transport/memfs.h"
#include "world.h"

static void start(struct world *world)
{
    struct memfs_options options = {.takes_any_name = true};

    if (memfs_new(&world->vfs, &options, NULL) < 0) {
        abort();
    }
    world->root = VFS_ROOT;
    world->has_scratch = true;
}

static void stop(struct world *world)
{
    vfs_unref(world->vfs);
}

static void edit(struct world *world, const char *path, const char *text)
{
    struct vfs_attr attr = {.id = VFS_ROOT};
    char name[64];
    uint64_t held[4];
    unsigned count = 0;
    int code = 0;

    for (size_t length = strcspn(path, "/"); code == 0 && path[length];
         length = strcspn(path, "/")) {
        snprintf(name, sizeof(name), "%.*s", (int)length, path);
        code = vfs_lookup(world->vfs, &attr, attr.id, name, NULL, NULL);
        if (code == 0) {
            held[count++] = attr.id;
        }
        path += length + 1;
    }
    if (code == 0) { /* deleting what is not there is fine */
        (void)memfs_edit(world->vfs, attr.id, path, text, text ? strlen(text) : 0, NULL);
    }
    while (count) {
        vfs_forget(world->vfs, held[--count], 1);
    }
}

const struct world_type world_type = {.name = "memfs", .start = start, .stop = stop, .edit = edit};
