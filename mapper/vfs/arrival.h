/*
 * arrival.h - what arrived of an upload whose answer was lost (see arrival.c).
 */
#ifndef MAPPER_VFS_ARRIVAL_H
#define MAPPER_VFS_ARRIVAL_H

#include <stdint.h>

#include "base/error.h"

struct account;
struct call;

/* A new file as it may be on the server; borrowed texts. */
struct arrival {
    const char *drive_id;
    const char *folder_id; /* NULL: the root of the drive */
    const char *name;
    const char *hash; /* quickXorHash of its bytes */
    uint64_t size_bytes;
};

/* Deletes it, if it is there and what was sent. *item_id (may be NULL) gets the id of what was
 * deleted, or stays NULL. Not being there is no error. */
int arrival_remove(char **item_id, struct account *account, const struct arrival *arrival,
                   const struct call *call, struct error *err);

#endif
