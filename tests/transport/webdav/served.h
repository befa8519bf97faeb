/*
 * served.h - the gateway over the model in memory, and a client of it that is a vfs (webfs.h).
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
void served_end(struct served *s);

#endif
