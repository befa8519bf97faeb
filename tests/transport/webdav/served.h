/*
 * served.h - the gateway over the model in memory, or another vfs, and a client of it that is a vfs
 * (webfs.h).
 */
#ifndef TESTS_WEBDAV_SERVED_H
#define TESTS_WEBDAV_SERVED_H

#include "gateway.h"

struct served {
    struct gateway gateway; /* its library is t/s/l */
    struct vfs *client;
};

/* On failure there is nothing to end. */
int served_begin(struct served *s, const struct memfs_options *memory, struct error *err);
/* ... over the folder `library` of `vfs`. */
int served_begin_on(struct served *s, struct vfs *vfs, uint64_t library, struct error *err);
void served_end(struct served *s);

#endif
