/* A mounted folder, by system calls; each worker is a process. What is behind it is for the caller
 * to judge (tests/e2e/test_model.sh). */
#include <stdio.h>
#include <stdlib.h>

#include "pathfs.h"
#include "world.h"

static void start(struct world *world)
{
    struct error err = {0};

    if (pathfs_new(&world->vfs, world->path, &err) < 0) {
        fprintf(stderr, "'%s': %s\n", world->path, err.message);
        exit(2);
    }
    world->root = VFS_ROOT;
    world->has_scratch = true;
}

static void stop(struct world *world)
{
    vfs_unref(world->vfs);
}

const struct world_type world_type = {
    .name = "mount", .is_mounted = true, .code_class = pathfs_class, .start = start, .stop = stop};
