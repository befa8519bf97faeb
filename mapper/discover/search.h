/*
 * search.h - one search to its last page.
 */
#ifndef MAPPER_DISCOVER_SEARCH_H
#define MAPPER_DISCOVER_SEARCH_H

#include <stdbool.h>

#include "mapper/graph.h"

/* All hits of one search. What an incomplete one names is there; what it does not name is unknown.
 */
struct search_result {
    struct graph_hit *hits;
    size_t count;
    bool is_complete;
    struct error error; /* why not, when not complete */
};

/* Pages through; never fails: an error is in the result, with the hits of the pages before. */
void search_run(struct search_result *out, struct account *account, enum graph_hit_kind kind,
                const char *kql, const struct call *call);
void search_result_clear(struct search_result *result);

#endif
