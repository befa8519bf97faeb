/*
 * xml.h - request bodies: parsed into a small tree, and text written back out.
 *
 * What a client can make grow is limited: bytes (by the caller), elements, depth, attributes; a
 * document type is refused, and with it every entity that is not built in (billion laughs, files of
 * this machine).
 */
#ifndef TRANSPORT_WEBDAV_XML_H
#define TRANSPORT_WEBDAV_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

#define DAV_XML_BYTES_MAX (256u * 1024)
#define DAV_XML_NODES_MAX 4000u
#define DAV_XML_DEPTH_MAX 32u
#define DAV_NS "DAV:"

struct dav_xml_attr {
    char *ns; /* "" for none */
    char *name;
    char *value;
    struct dav_xml_attr *next;
};

/* An element, or text (name NULL). */
struct dav_xml {
    char *ns;
    char *name;
    char *text;
    struct dav_xml_attr *attrs;
    struct dav_xml *parent;
    struct dav_xml *first;
    struct dav_xml *last;
    struct dav_xml *next;
};

/* ERR_INVALID with where it is wrong, ERR_LIMIT. The caller ends *out with dav_xml_free(). */
int dav_xml_parse(struct dav_xml **out, const char *data, size_t size, struct error *err);
void dav_xml_free(struct dav_xml *root); /* NULL is fine */

bool dav_xml_is(const struct dav_xml *node, const char *ns, const char *name);

/* The first child element of this name, or NULL. */
const struct dav_xml *dav_xml_child(const struct dav_xml *node, const char *name);

/* The first child that is an element, the next sibling that is one. */
const struct dav_xml *dav_xml_first(const struct dav_xml *node);
const struct dav_xml *dav_xml_next(const struct dav_xml *node);

/* Its text, without that of elements below, appended. */
int dav_xml_text(struct buf *out, const struct dav_xml *node, struct error *err);

/* What is inside the element, as XML that means the same wherever it stands. */
int dav_xml_write_inside(struct buf *out, const struct dav_xml *node, struct error *err);

#endif
