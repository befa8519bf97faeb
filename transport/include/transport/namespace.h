/*
 * namespace.h - the folders above the libraries: `contoso/finance/Documents`, and `drives/H` beside
 * them.
 *
 * A vfs around another vfs. Its own folders, its links and the mappings themselves carry ids with
 * VFS_NAMESPACE_BIT (so that an id of a mapping can outlive the mapping: it answers ERR_STALE);
 * below a mapping every call goes through to the inner vfs unchanged, and a change that the inner
 * vfs tells of in the folder of a mapping is told with the mapping's id. Nothing in it waits for
 * the network - lookup and getattr of a mapping are answered here - so the top levels can be listed
 * with the server gone. Its own folders are read-only: create, rename and delete in them are
 * ERR_DENIED. Names are compared without case.
 */
#ifndef TRANSPORT_NAMESPACE_H
#define TRANSPORT_NAMESPACE_H

#include "transport/transport.h"

struct namespace;

/* Keeps a reference to `inner`. namespace_vfs() lends the outer vfs, which ends with its last
 * vfs_unref(). */
int namespace_new(struct namespace **out, struct vfs *inner, struct error *err);
struct vfs *namespace_vfs(struct namespace *ns);

/* As the slots of transport_ops. `path` has 1 to 16 components, none of them empty, "." or ".."
 * (ERR_INVALID), and does not begin with `drives`, the folder of the links; a mapping inside
 * another mapping's path, and a letter that another mapping has, are ERR_EXISTS. mapping->root_id
 * is any folder of the inner vfs but its root, and is used as long as the mapping is attached.
 * Another root_id at the same path is another mapping: what was below is ERR_STALE from then on.
 * The label is an alias of the last component for lookup, never listed; a name goes before an
 * alias. At most 20,000 mappings (ERR_LIMIT). Folders appear with their first mapping and vanish
 * with their last. */
int namespace_attach(struct namespace *ns, const struct mapping *mapping, struct error *err);
int namespace_detach(struct namespace *ns, const char *path, struct error *err);
int namespace_enumerate(struct namespace *ns, transport_visit_fn visit, void *payload,
                        struct error *err);

#endif
