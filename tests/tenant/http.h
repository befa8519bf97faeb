/*
 * http.h - one request and one response, as every handler of the simulated tenant sees them.
 *
 * A handler is an ordinary function: request in, response out, no socket in sight. So the same
 * handler answers the TLS port, the inner requests of $batch, and a unit test.
 *
 * Who calls whom:
 *   server.c     socket -> struct http_request; faults, throttling, RU ledger, log; struct
 * http_response -> socket entra.c      role ROLE_LOGIN graph.c      role ROLE_GRAPH:
 * graph_dispatch() asks graph_misc_dispatch(), then graph_items_dispatch() content.c    role
 * ROLE_CONTENT: preauthenticated downloads, upload sessions, monitors
 *
 * Handlers run on many threads at once. They take the world's lock themselves, only while they look
 * at or change the world, and never while they wait or stream.
 */
#ifndef TENANT_HTTP_H
#define TENANT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cjson/cJSON.h>

#include "util.h"

struct world;
struct tenant;
struct user;
struct server;

enum http_role {
    ROLE_LOGIN,   /* Entra ID */
    ROLE_GRAPH,   /* Microsoft Graph, /v1.0 */
    ROLE_CONTENT, /* what preauthenticated URLs point to: SharePoint */
};

struct http_request {
    enum http_role role;
    const char *method;
    /* Percent-encoded as it came, without the query. ROLE_GRAPH: what follows "/v1.0", begins with
     * '/'. */
    const char *path;
    const char *query; /* as it came, without '?'; NULL if there is none */

    /* Prefixes for URLs in answers, no '/' at the end. */
    const char *graph_url;   /* "https://host:port" as this client names Graph; nextLink = graph_url
                                "/v1.0/..." */
    const char *login_url;   /* likewise for Entra */
    const char *content_url; /* for downloadUrl, uploadUrl, monitors */

    /* The body is in memory (body, body_len; body may be NULL when empty) or, above
     * HTTP_BODY_IN_MEMORY, in the file body_path. A handler may rename() that file away to keep it;
     * else the server removes it. Use http_body_read() when it does not matter where it is. */
    const void *body;
    uint64_t body_len; /* in both cases */
    const char *body_path;

    struct tenant
        *tenant; /* of the access token; set for ROLE_GRAPH only. Both live as long as the world */
    struct user *user;
    const char *client_id; /* the app, of the access token; NULL without one */
    const char *scope;     /* what the access token grants, separated by blanks */
    bool in_batch;         /* an inner request of $batch */

    /* For http_header() and for server.c; handlers do not look inside. */
    const char *(*get_header)(const struct http_request *rq, const char *name);
    void *payload;
    struct server *server;
};

#define HTTP_BODY_IN_MEMORY (1u << 20)

/* Value of a request header (name without regard to case), borrowed from the request; NULL if
 * absent. */
const char *http_header(const struct http_request *rq, const char *name);

/* Value of a query parameter, percent- and plus-decoded, for the caller to free; NULL if absent. A
 * leading
 * '$' is optional on both sides: "top" finds "$top=5" and "top=5". The name is compared exactly
 * otherwise. */
char *http_query(const struct http_request *rq, const char *name);

/* Like http_query() as a number; `fallback` when absent or not a number. */
int64_t http_query_int(const struct http_request *rq, const char *name, int64_t fallback);

/* The `Prefer` header contains this token (without regard to case). */
bool http_prefers(const struct http_request *rq, const char *token);

/* Copies up to n bytes of the body from offset; the number copied, 0 at the end, -1 on error. */
int64_t http_body_read(const struct http_request *rq, uint64_t offset, void *buf, size_t n);

/* The body as JSON, for the caller to cJSON_Delete(); NULL when it is none, or larger than memory
 * bodies. */
cJSON *http_body_json(const struct http_request *rq);

/* A body that is made while it is sent. read() copies up to n bytes from `offset` (absolute: it
 * starts at `offset` below and stays within offset..offset+length) and returns the number, or -1 to
 * break the connection off. close() is called once, also when nothing was read. Both run without
 * any lock held, on one thread at a time. */
struct http_stream {
    int64_t (*read)(void *payload, uint64_t offset, void *buf, size_t n);
    void (*close)(void *payload);
    void *payload;
    uint64_t offset;
    uint64_t length;
};

struct http_header_line {
    char *name;
    char *value;
};

/* Zeroed by whoever calls the handler; http_response_clear() frees what is in it. The body is at
 * most one of json, body, stream. */
struct http_response {
    int status; /* 0: no handler answered */
    struct http_header_line *headers;
    size_t n_headers;
    cJSON *json; /* sent as the Graph JSON content type, after the switches of the scenario */
    struct strbuf body; /* any other text or bytes; set Content-Type yourself */
    struct http_stream stream;
    bool has_stream;
    unsigned ru; /* resource units this request costs (facts, section 4); 0 for what costs none */
};

void http_response_clear(struct http_response *rs);

/* Adds a header line; an existing one of that name stays (WWW-Authenticate may come twice). */
void http_add_header(struct http_response *rs, const char *name, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Status and JSON body; takes ownership of json (NULL: no body). Replaces a body set before. */
void http_reply_json(struct http_response *rs, int status, cJSON *json);

/* Status and text body of the given type, copied. */
void http_reply_text(struct http_response *rs, int status, const char *type, const char *text);

/* The error object of Graph (facts, 2.14). inner: code for the nested error, or NULL. Fills request
 * ids. The member is `innerError` for ROLE_GRAPH and `innererror` for ROLE_CONTENT unless the
 * scenario turns them round. */
void http_reply_error(const struct http_request *rq, struct http_response *rs, int status,
                      const char *code, const char *inner, const char *fmt, ...) PRINTF_LIKE(6, 7);

/* 302 (or another redirect) with Location. */
void http_reply_redirect(struct http_response *rs, int status, const char *location);

/* Handlers. A bool one returns false when the path is not its to answer (rs untouched). */
bool graph_misc_dispatch(struct world *w, const struct http_request *rq, struct http_response *rs);
bool graph_items_dispatch(struct world *w, const struct http_request *rq, struct http_response *rs);
void content_dispatch(struct world *w, const struct http_request *rq, struct http_response *rs);
void entra_dispatch(struct world *w, const struct http_request *rq, struct http_response *rs);

/* All of Graph: misc, then items, then 404 or 400. Used by server.c and by $batch through
 * server_graph(). */
void graph_dispatch(struct world *w, const struct http_request *rq, struct http_response *rs);

#endif
