/*
 * served.h - the gateway over the model in memory, and a client of it that is a vfs (webfs.h).
 */
#ifndef TESTS_WEBDAV_SERVED_H
#define TESTS_WEBDAV_SERVED_H

#include "transport/memfs.h"
#include "transport/transport.h"

struct served {
    char *folder; /* private; goes at the end */
    struct vfs *memory;
    uint64_t library; /* what is served as t/s/l */
    struct transport *transport;
    struct vfs *client;
};

/* On failure there is nothing to end. */
int served_begin(struct served *s, const struct memfs_options *memory, struct error *err);
void served_end(struct served *s);

#endif
