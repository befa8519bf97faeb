/*
 * online_saves.h - every sequence on the online vfs over the drive in memory: same item, one version,
 * right bytes, and no scratch name on the server, ever. Once with saves before close, and once in the
 * background.
 */
#ifndef TESTS_ONLINE_SAVES_H
#define TESTS_ONLINE_SAVES_H

#include "transport/vfs.h"

/* What the programs' calls go through. */
struct online_front {
    /* The vfs that they see; NULL with *err. *folder: the library in it. `root` is that in `online`. */
    struct vfs *(*show)(void *payload, struct vfs *online, uint64_t root, uint64_t *folder,
                        struct error *err);
    void (*hide)(void *payload, struct vfs *shown); /* also after a failure, then with NULL */
    void *payload;
};

/* `pattern` as in all_saves(); `front` NULL: the online vfs itself. For main(): 0, or 1 when one
 * failed. */
int online_saves(const char *pattern, const struct online_front *front);

#endif
