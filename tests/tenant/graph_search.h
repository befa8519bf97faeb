/*
 * graph_search.h - POST /search/query (facts, 1.1), and how the control port breaks it.
 */
#ifndef TENANT_GRAPH_SEARCH_H
#define TENANT_GRAPH_SEARCH_H

#include "http.h"

struct server;
struct tenant;

void graph_search(struct world *w, const struct http_request *rq, struct http_response *rs);

/* Reads a tenant's "search" object of the scenario. */
void search_init(struct server *s);
void search_free(struct server *s);
/* Merges members into it: see README.md. false: a member that is not known, or of the wrong type.
 */
bool search_configure(struct server *s, const struct tenant *t, const cJSON *members);

#endif
