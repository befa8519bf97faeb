/*
 * if_header.h - the If header of RFC 4918, 10.4: conditions on lock tokens and ETags. Pure.
 *
 *     If = 1*( [ <URI> ] "(" 1*( ["Not"] ( <token> | ["etag"] ) ) ")" )
 *
 * An untagged list speaks of the request's own resource. Tolerated beside the grammar, since
 * clients send it: a bare token without "<>" inside a list.
 */
#ifndef TRANSPORT_WEBDAV_IF_HEADER_H
#define TRANSPORT_WEBDAV_IF_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define DAV_IF_CONDITIONS_MAX 256u

struct dav_if_condition {
    size_t list; /* conditions of one list are true together; one true list is enough */
    char *uri;   /* of the tag; NULL: the request's own */
    bool is_not;
    bool is_etag;
    char *value; /* the token without <>, or the ETag with its quotes */
};

struct dav_if {
    struct dav_if_condition *items;
    size_t count;
};

/* ERR_INVALID for what is no If header, ERR_LIMIT. *out is ended with dav_if_clear(). */
int dav_if_parse(struct dav_if *out, const char *text, struct error *err);
void dav_if_clear(struct dav_if *header);

#endif
