/*
 * dead_props.h - properties that clients set and only clients understand, kept in memory for the
 * life of the item in this gateway: SharePoint has no place for them.
 *
 * Keys are those of dav_path_key(). Any thread; no call waits. Beyond the limits: ERR_NO_SPACE.
 */
#ifndef TRANSPORT_WEBDAV_DEAD_PROPS_H
#define TRANSPORT_WEBDAV_DEAD_PROPS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

#define DAV_PROPS_BYTES_MAX (8u * 1024 * 1024) /* of all together */
#define DAV_PROPS_ITEM_MAX 128u                /* of one item */

struct dav_props;

int dav_props_new(struct dav_props **out, struct error *err);
void dav_props_free(struct dav_props *props);

/* `value`: XML from inside the element; NULL removes (what is not there counts as removed). */
int dav_props_set(struct dav_props *props, const char *key, const char *ns, const char *name,
                  const char *value, struct error *err);

/* Appends "<name xmlns=...>value</name>" of one property (false in *found when there is none) or of
 * all; names alone with `names_only`. */
int dav_props_write(struct dav_props *props, struct buf *out, const char *key, const char *ns,
                    const char *name, bool *found, struct error *err);
int dav_props_write_all(struct dav_props *props, struct buf *out, const char *key, bool names_only,
                        struct error *err);

/* The item and all below it: gone, moved, copied. What was at the target goes first. */
void dav_props_drop_tree(struct dav_props *props, const char *key);
int dav_props_move_tree(struct dav_props *props, const char *from, const char *to,
                        struct error *err);
int dav_props_copy_tree(struct dav_props *props, const char *from, const char *to, bool with_below,
                        struct error *err);

#endif
