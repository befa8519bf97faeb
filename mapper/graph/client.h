/*
 * client.h - inside graph/: one authorised request to Graph, from token to error code.
 */
#ifndef GRAPH_CLIENT_H
#define GRAPH_CLIENT_H

#include "graph/governor.h"
#include "mapper/graph.h"

struct slow_lane; /* slow_lane.h */

/* Each account holds the client, since an operation that hangs may outlive graph_free(): it ends
 * with ERR_CANCELLED then, and the memory with the last account. */
struct graph *graph_ref(struct graph *graph);
void graph_unref(struct graph *graph);

/* The governor all requests of this client go through; lent. */
struct governor *graph_governor(struct graph *graph);
struct slow_lane *graph_slow_lane(struct graph *graph);

/* Prices of graph-facts section 4. */
#define COST_ITEM 1
#define COST_DELTA_WITH_TOKEN 1
#define COST_DOWNLOAD 1
#define COST_LIST 2
#define COST_WRITE 2

struct graph_request {
    const char *method;
    const char *url;      /* absolute; the token is sent only to the account's own Graph host */
    const char *body;     /* JSON text; NULL: none */
    const char *if_match; /* NULL: none */
    const char *prefer;   /* NULL: none */
    const void *content;  /* bytes instead of `body` ... */
    const struct graph_source *source; /* ... or from a source */
    size_t content_size;
    struct http_reader reader; /* on_more NULL: none */
    bool has_content;
    uint32_t cost_ru;
    bool is_idempotent;
    bool keeps_redirect;
    bool is_single_flight;
    bool is_naming; /* a 400 means that the service refuses the name */
};

/* Sends with the account's token, answers a 401 once with a new one, maps the status (fault.h). 0
 * for 2xx and, with keeps_redirect, 3xx. `response` is cleared by the caller in every case. */
int graph_send(struct http_response *response, struct account *account,
               const struct graph_request *request, const struct call *call, struct error *err);

/* What an answer to `request` is: 0 or the code of fault.h. */
int graph_judge(const struct http_response *response, const struct graph_request *request,
                struct error *err);

/* ERR_PROTOCOL when `url` is not on the account's Graph host: a token must never go anywhere else,
 * whatever link an answer held. */
int graph_check_url(const struct account *account, const char *url, struct error *err);

/* graph_send() of a GET, which an identical one in flight may answer. */
int graph_get(struct http_response *response, struct account *account, const char *url,
              uint32_t cost_ru, const struct call *call, struct error *err);

#endif
