/*
 * held.h - files that a client made empty and has not written yet.
 *
 * WebClient saves in two steps: PUT of zero bytes, LOCK, PUT of the content (windows-facts 3.7). The
 * vfs sends a file that was only made or emptied with its last close, and each sending is a version
 * on the server; so the gateway keeps the file open, until the content comes, the lock ends, or for
 * DAV_HELD_MS without one.
 */
#ifndef TRANSPORT_WEBDAV_HELD_H
#define TRANSPORT_WEBDAV_HELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "transport/vfs.h"

#define DAV_HELD_MS 10000
#define DAV_HELD_MAX 256u

struct dav_held;
struct dav_locks;

/* Borrows both. */
int dav_held_new(struct dav_held **out, struct vfs *vfs, struct dav_locks *locks,
                 struct error *err);
void dav_held_free(struct dav_held *held); /* closes all */

/* Takes the open file and the hold on `id`; what was there under the key is closed. When it cannot be
 * kept, it is closed at once. */
void dav_held_add(struct dav_held *held, const char *key, uint64_t id, struct vfs_file *file);

/* Hands the file and the hold over; NULL when there is none. */
struct vfs_file *dav_held_take(struct dav_held *held, const char *key, uint64_t *id);

/* Closes what is at the key and below: it is sent, or dropped when it was deleted. */
void dav_held_close_tree(struct dav_held *held, const char *key);

/* Closes what nobody wrote for DAV_HELD_MS and nobody has locked. */
void dav_held_sweep(struct dav_held *held);

#endif
