/*
 * gateway.h - the gateway over the model in memory, or another vfs, on every system; clients are the
 * test's matter.
 */
#ifndef TESTS_WEBDAV_GATEWAY_H
#define TESTS_WEBDAV_GATEWAY_H

#include "transport/memfs.h"
#include "transport/transport.h"

struct gateway {
    char *folder; /* private to the gateway; goes at the end */
    struct vfs *memory;
    uint64_t library; /* in `memory`: what is attached */
    struct transport *transport;
};

/* `memory` and `options` may be NULL; private_directory, and the mapping's root, are set here. On
 * failure there is nothing to end. */
int gateway_begin(struct gateway *g, const struct memfs_options *memory,
                  const struct transport_options *options, const struct mapping *mapping,
                  struct error *err);
/* ... over `vfs`, whose folder `library` is attached. gateway->memory is NULL then. */
int gateway_begin_on(struct gateway *g, struct vfs *vfs, uint64_t library,
                     const struct transport_options *options, const struct mapping *mapping,
                     struct error *err);
/* An error: of removing the folder. */
int gateway_end(struct gateway *g);

#endif
