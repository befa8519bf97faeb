/*
 * server.h - the service around the world: sockets, sign-in state, faults, throttling, log.
 *
 * server_answer() is the one way to a handler. It decides, in this order: a fault that replaces the
 * request, the bearer token, throttling, then the handler; it counts resource units and renders
 * JSON. Both a request from a socket and an inner request of $batch go through it.
 */
#ifndef TENANT_SERVER_H
#define TENANT_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "faults.h"
#include "http.h"
#include "ledger.h"
#include "reqlog.h"
#include "shape.h"
#include "tls_ca.h"
#include "tokens.h"

struct MHD_Daemon;
struct connection;
struct search_state;

struct server_options {
    const char *scenario;
    const char *state_dir;
    const char *ready_file;
    int port;
    int control_port;
    int max_seconds;
    int rtt_ms;
    int mbit;
    /* What clients see instead of https://login.localhost:PORT etc., e.g. behind a proxy; may be
     * NULL. */
    const char *content_url;
    const char *graph_url;
    const char *login_url;
};

struct server {
    struct world *world;
    const struct server_options *options;
    struct tls_identity tls;
    struct MHD_Daemon *daemon;
    struct MHD_Daemon *control;
    int port;
    int control_port;
    char *graph_url; /* defaults for answers to requests that came another way */
    char *login_url;
    char *content_url;
    char *control_key;
    char *ready_path; /* state_dir/tenant.json */

    struct shaper shaper;
    struct faults faults;
    struct ledger ledger;
    struct reqlog log;
    struct token_store tokens;

    pthread_mutex_t signin_lock; /* guards signin */
    cJSON *signin;               /* {"tenant id": settings}, see entra.h */

    struct search_state *search; /* by tenant, see graph_search.c */

    pthread_mutex_t conn_lock; /* guards connections */
    struct connection *connections;
    atomic_int n_connections, max_connections;
    atomic_ulong connection_number;
    atomic_llong n_requests, bytes_in, bytes_out;
    atomic_bool is_chunked; /* Graph's JSON goes without Content-Length, as the real one's does */
    atomic_llong paused_until_ns; /* mono_ns(); new connections are refused before it */
};

/* One answer. fault: what a rule asked for (rule 0: nothing). grant: out, zeroed before, of the
 * access token; for the caller to grant_clear() after the last use of rq, which borrows from it. */
void server_answer(struct server *s, struct http_request *rq, struct http_response *rs,
                   const struct fault *fault, struct grant *grant);

/* The first fault rule for this request. Looks at the access token for the rules that name a user.
 */
void server_match_fault(struct server *s, const struct http_request *rq, struct fault *out);

/* Turns rs->json into rs->body with its Content-Type and adds the headers every answer has. */
void server_render(const struct http_request *rq, struct http_response *rs);

/* Adds one line to the log. */
struct log_facts {
    unsigned long connection;
    double ms;
    int64_t bytes_in, bytes_out;
    int fault_rule;
};
void server_log(struct server *s, const struct http_request *rq, const struct http_response *rs,
                const struct log_facts *facts);

/* "graph", "login", "content". */
const char *role_name(enum http_role role);

/* The member is spelt the other way round (scenario switch inner_error_swapped). */
bool server_swaps_inner_error(const struct http_request *rq);

/* socket.c: the TLS port. Ends the program when it cannot listen. */
void socket_start(struct server *s);
void socket_stop(struct server *s);
/* Breaks all connections off and refuses new ones for some time; 0 ends a pause. */
void socket_pause(struct server *s, double seconds);
void socket_reset_all(struct server *s);

/* control.c: the control port; control_cli.c: `mooring-tenant control DIR VERB [JSON]`. */
void control_start(struct server *s);
void control_stop(struct server *s);
int control_main(int argc, char **argv);
void control_list_verbs(void); /* on stdout */

/* entra.c: reads the scenario's settings of sign-in; merges members into those of a tenant. */
void signin_init(struct server *s);
void signin_configure(struct server *s, const struct tenant *t, const cJSON *members);

/* Sends a sign-in error as /token does (entra_errors.c). suberror, claims may be NULL. */
void entra_error(const struct http_request *rq, struct http_response *rs, int aadsts,
                 const char *suberror, const char *claims);

#endif
