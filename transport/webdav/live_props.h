/*
 * live_props.h - the properties that the gateway itself knows of an item.
 *
 * Which of them an "allprop" names is decided by WebClient's limit: it reads one megabyte of a
 * listing, whatever is in it (windows-facts 3.3), so that each property costs entries.
 */
#ifndef TRANSPORT_WEBDAV_LIVE_PROPS_H
#define TRANSPORT_WEBDAV_LIVE_PROPS_H

#include "webdav_internal.h"

#define DAV_NS_WIN32 "urn:schemas-microsoft-com:"

struct dav_subject {
    const struct vfs_attr *attr;
    const char *key;
    const struct vfs_space *space; /* NULL: not known here */
    struct dav_locks *locks;
};

enum dav_live_flag { DAV_LIVE_ALLPROP = 1, DAV_LIVE_FILES = 2, DAV_LIVE_SETTABLE = 4 };

struct dav_live_prop {
    const char *ns;
    const char *name;
    unsigned flags;

    /* Appends the value. ERR_NOT_FOUND: this item has none. */
    int (*write)(struct buf *out, const struct dav_subject *s, struct error *err);
};

/* NULL for others. */
const struct dav_live_prop *dav_live_find(const char *ns, const char *name);
const struct dav_live_prop *dav_live_at(size_t index); /* NULL at the end */

/* Appends the element with its value; ERR_NOT_FOUND as above, and nothing is appended. */
int dav_live_write(struct buf *out, const struct dav_live_prop *prop, const struct dav_subject *s,
                   struct error *err);

#endif
