#include "graph/client.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/str.h"
#include "graph/fault.h"
#include "graph/op.h"
#include "graph/slow_lane.h"
#include "graph/token.h"

#define HEADERS_MAX 6

struct graph {
    atomic_uint references;
    struct governor *governor;
    struct slow_lane *slow_lane;
};

struct governor *graph_governor(struct graph *graph)
{
    return graph->governor;
}

struct slow_lane *graph_slow_lane(struct graph *graph)
{
    return graph->slow_lane;
}

/* "ISV|Company|App/version", which SharePoint gives preference to (graph-facts section 4). */
static int fill_options(struct governor_options *out, char **agent,
                        const struct graph_options *options, struct error *err)
{
    const char *tag = options->user_agent_tag;
    bool has_tag = tag && *tag && !strpbrk(tag, "\r\n");

    memset(out, 0, sizeof(*out));
    out->ca_file = options->ca_file && *options->ca_file ? options->ca_file : NULL;
    out->proxy = options->proxy;
    out->proxy_url = options->proxy_url;
    out->proxy_bypass = options->proxy_bypass;
    out->max_connections = options->max_connections;
    out->http1_only = options->http1_only;
    out->soft_limit_ru = options->soft_limit_ru;
    out->hard_limit_ru = options->hard_limit_ru;
    out->window_ms = options->window_ms;
    out->stall_ms = options->stall_ms;
    if (str_format(agent, err, "ISV|Mooring|Mooring/%s%s%s", MOORING_VERSION, has_tag ? " " : "",
                   has_tag ? tag : "") < 0) {
        return ERR_NO_MEMORY;
    }
    out->user_agent = *agent;
    return 0;
}

int graph_new(struct graph **out, const struct graph_options *options, struct error *err)
{
    struct governor_options governor_options;
    struct graph *graph = calloc(1, sizeof(*graph));
    char *agent = NULL;
    int code;

    if (!graph) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the Graph client");
    }
    atomic_store(&graph->references, 1);
    code = fill_options(&governor_options, &agent, options, err);
    if (code == 0) {
        code = governor_new(&graph->governor, &governor_options, err);
    }
    if (code == 0) {
        code = slow_lane_new(&graph->slow_lane, err);
    }
    free(agent);
    if (code < 0) {
        graph_free(graph);
        return code;
    }
    *out = graph;
    return 0;
}

int graph_configure(struct graph *graph, const struct graph_options *options, struct error *err)
{
    struct governor_options governor_options;
    char *agent = NULL;
    int code = fill_options(&governor_options, &agent, options, err);

    if (code == 0) {
        code = governor_configure(graph->governor, &governor_options, err);
    }
    free(agent);
    return code;
}

struct graph *graph_ref(struct graph *graph)
{
    atomic_fetch_add(&graph->references, 1);
    return graph;
}

void graph_unref(struct graph *graph)
{
    if (atomic_fetch_sub(&graph->references, 1) == 1) {
        slow_lane_free(graph->slow_lane);
        governor_free(graph->governor);
        free(graph);
    }
}

void graph_free(struct graph *graph)
{
    if (!graph) {
        return;
    }
    if (graph->governor) {
        governor_stop(graph->governor);
    }
    if (graph->slow_lane) { /* after the governor: what it still runs gets its answer at once */
        slow_lane_stop(graph->slow_lane);
    }
    graph_unref(graph);
}

void graph_stats(struct graph *graph, struct graph_stats *out)
{
    struct governor_stats stats;

    governor_stats(graph->governor, &stats);
    memset(out, 0, sizeof(*out));
    out->requests = stats.requests;
    out->retries = stats.retries;
    out->throttled = stats.throttled;
    out->ru_total = stats.ru_total;
    out->ru_window = stats.ru_window;
    out->paused_ms = stats.paused_ms;
}

void graph_network_changed(struct graph *graph)
{
    governor_network_changed(graph->governor);
}

/* --- one authorised request --- */

int graph_check_url(const struct account *account, const char *url, struct error *err)
{
    char *ours = NULL;
    char *theirs = NULL;
    int code = ERR_PROTOCOL;

    if (transfer_origin(&ours, account_graph_url(account), err) &&
        transfer_origin(&theirs, url, err)) {
        code = str_equal_nocase(ours, theirs)
                   ? 0
                   : error_set(err, ERR_PROTOCOL, "an answer points to '%s', which is not Graph",
                               theirs);
    }
    free(ours);
    free(theirs);
    return code;
}

/* Headers of one request: texts that must be freed, and the list that points at them. */
struct header_set {
    const char *list[HEADERS_MAX + 1];
    char *owned[HEADERS_MAX];
    size_t count;
};

static int add_header(struct header_set *set, const char *name, const char *value,
                      struct error *err)
{
    int code = value ? str_format(&set->owned[set->count], err, "%s: %s", name, value) : 0;

    if (value && code == 0) {
        set->list[set->count] = set->owned[set->count];
        set->count++;
    }
    return code;
}

static void clear_headers(struct header_set *set)
{
    for (size_t i = 0; i < HEADERS_MAX; i++) {
        free(set->owned[i]);
    }
}

/* A GUID of our own, to find the request in the service's logs. */
static void make_request_id(char out[37])
{
    unsigned char b[16] = {0};

    (void)secret_random(b, sizeof(b), NULL);
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
             b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
             b[14], b[15]);
}

static int fill_headers(struct header_set *set, const struct graph_request *request,
                        struct error *err)
{
    const char *type = NULL;
    char request_id[37];
    int code = 0;

    if (request->body) {
        type = "application/json";
    } else if (request->has_content) {
        type = "application/octet-stream";
    }
    code = add_header(set, "Content-Type", type, err);
    if (code == 0) {
        code = add_header(set, "If-Match", request->if_match, err);
    }
    if (code == 0) {
        code = add_header(set, "Prefer", request->prefer, err);
    }
    if (code == 0 && !request->is_single_flight) {
        make_request_id(request_id);
        code = add_header(set, "client-request-id", request_id, err);
    }
    return code;
}

static void fill_request(struct http_request *out, const struct account *account,
                         const struct graph_request *request, const struct header_set *headers)
{
    memset(out, 0, sizeof(*out));
    out->method = request->method;
    out->url = request->url;
    out->headers = headers->list;
    out->scope = account_scope(account);
    out->cost_ru = request->cost_ru;
    out->is_idempotent = request->is_idempotent;
    out->keeps_redirect = request->keeps_redirect;
    out->is_single_flight = request->is_single_flight;
    out->reader = request->reader;
    if (request->body) {
        out->body = request->body;
        out->body_size = strlen(request->body);
    } else if (request->source && request->content_size > 0) {
        out->read = request->source->read;
        out->read_payload = request->source->payload;
        out->read_size = request->content_size;
    }
}

/* 403 with insufficient_claims exists beside 401 (graph-facts 2.14). */
static bool is_token_refused(const struct http_response *response)
{
    return response->status == 401 || (response->status == 403 && response->www_authenticate &&
                                       strstr(response->www_authenticate, "insufficient_claims"));
}

static int perform(struct http_response *response, struct account *account,
                   struct http_request *request, const struct call *call, struct error *err)
{
    struct governor *governor = graph_governor(account_graph(account));
    char *token = NULL;
    int code = 0;

    for (int attempt = 0; attempt < 2; attempt++) {
        code = account_token(account, &token, call, err);
        if (code < 0) {
            break;
        }
        request->bearer = token;
        http_response_clear(response);
        code = governor_perform(governor, request, response, call, err);
        if (code < 0 || attempt > 0 || !is_token_refused(response)) {
            break;
        }
        code = account_token_refused(account, token, response->www_authenticate, call, err);
        if (code < 0) {
            break;
        }
        secret_free(&token);
    }
    secret_free(&token);
    return code;
}

int graph_judge(const struct http_response *response, const struct graph_request *request,
                struct error *err)
{
    if (response->status / 100 == 2 || (request->keeps_redirect && response->status / 100 == 3)) {
        return 0;
    }
    return fault_from_response(response, request->is_naming, err);
}

int graph_send(struct http_response *response, struct account *account,
               const struct graph_request *request, const struct call *call, struct error *err)
{
    struct header_set headers = {0};
    struct http_request http;
    int code;

    memset(response, 0, sizeof(*response));
    code = graph_check_url(account, request->url, err);
    if (code == 0) {
        code = fill_headers(&headers, request, err);
    }
    if (code == 0) {
        fill_request(&http, account, request, &headers);
        code = perform(response, account, &http, call, err);
    }
    clear_headers(&headers);
    return code < 0 ? code : graph_judge(response, request, err);
}

int graph_get(struct http_response *response, struct account *account, const char *url,
              uint32_t cost_ru, const struct call *call, struct error *err)
{
    struct graph_request request = {
        .method = "GET",
        .url = url,
        .cost_ru = cost_ru,
        .is_idempotent = true,
        .is_single_flight = true,
    };

    return graph_send(response, account, &request, call, err);
}
