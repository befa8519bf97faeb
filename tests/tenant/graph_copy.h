/* graph_copy.h - copies and the URL that tells how far they are (facts, 2.10). */
#ifndef TENANT_GRAPH_COPY_H
#define TENANT_GRAPH_COPY_H

#include <stdint.h>

#include "http.h"

struct world;

void copy_monitor(struct world *w, const struct http_request *rq, struct http_response *rs,
                  uint64_t id);
void copy_jobs_free(struct world *w);

#endif
