/*
 * namespace.h - the folders above the libraries: `contoso/finance/Documents`, and `drives/H` beside
 * them.
 *
 * A vfs around another vfs. Its own folders and links carry ids with VFS_NAMESPACE_BIT; below a
 * mapping every call goes through to the inner vfs unchanged. Nothing in it waits for the network,
 * so the top levels can be listed with the server gone. Its own folders are read-only: create,
 * rename and delete in them are ERR_DENIED.
 */
#ifndef TRANSPORT_NAMESPACE_H
#define TRANSPORT_NAMESPACE_H

#include "transport/transport.h"

struct namespace;

/* Keeps a reference to `inner`. namespace_vfs() lends the outer vfs, which ends with its last
 * vfs_unref(). */
int namespace_new(struct namespace **out, struct vfs *inner, struct error *err);
struct vfs *namespace_vfs(struct namespace *ns);

/* As the slots of transport_ops. `path` may have any number of components; a mapping inside another
 * mapping's path is ERR_EXISTS. The label is an alias of the last component for lookup, never
 * listed. */
int namespace_attach(struct namespace *ns, const struct mapping *mapping, struct error *err);
int namespace_detach(struct namespace *ns, const char *path, struct error *err);
int namespace_enumerate(struct namespace *ns, transport_visit_fn visit, void *payload,
                        struct error *err);

#endif
