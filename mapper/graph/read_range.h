/*
 * read_range.h - graph_read_range() of content whose preauthenticated address is known already.
 */
#ifndef GRAPH_READ_RANGE_H
#define GRAPH_READ_RANGE_H

#include "mapper/graph.h"

/* `url` NULL: asked for by the item's id. Refused, it is asked for again so, once; item "": then it
 * fails. */
int read_range_from(struct account *account, const char *drive_id, const char *item_id,
                    const char *url, void *data, size_t size, uint64_t offset, size_t *got,
                    const struct call *call, struct error *err);

#endif
