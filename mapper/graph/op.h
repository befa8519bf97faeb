/*
 * op.h - inside the governor: one request on its way, and what the governor knows of scopes and
 * hosts.
 *
 * An op belongs to the loop thread from submit to done. What other threads may touch in between is
 * marked "guarded": governor->mutex guards it, as it guards the lists the op is in.
 */
#ifndef GRAPH_OP_H
#define GRAPH_OP_H

#include <curl/curl.h>

#include "base/thread.h"
#include "graph/governor.h"
#include "graph/ledger.h"

struct governor;

struct scope {
    struct scope *next;
    char *name;
    unsigned users; /* ops that point here */
    int64_t paused_until_ms;
    unsigned throttles; /* in a row */
    struct ledger ledger;
};

struct host {
    struct host *next;
    char *name; /* scheme://authority */
    unsigned users;
    unsigned in_flight; /* paused downloads do not count: they wait for us, not for the host */
    bool is_http2;      /* of the last answer */
};

enum op_state { OP_WAITING, OP_RUNNING, OP_FOLLOWING, OP_DONE };

struct http_op {
    struct governor *governor;
    const struct clock *clock; /* borrowed */
    struct http_op *next;
    struct http_op *previous;
    enum op_state state;
    int references; /* guarded: the governor's until done, the caller's until release */

    /* the request; never changed after submit */
    char *method;
    char *url;
    struct curl_slist *headers;
    void *body;
    size_t body_size;
    int (*read)(void *payload, void *data, size_t size, uint64_t offset, size_t *got,
                struct error *err);
    void *read_payload;
    uint64_t read_size;
    struct http_stream_callbacks callbacks;
    struct http_reader reader;
    size_t max_body;
    int64_t deadline_ms;
    uint64_t flight_key; /* 0: not shared */
    struct scope *scope;
    struct host *host;
    uint32_t cost_ru;
    bool is_stream;
    bool is_idempotent;
    bool keeps_redirect;
    bool has_bearer; /* it is the last header */

    int64_t not_before_ms;
    struct http_op *followers; /* by `next`; they get a copy of the answer */
    enum call_priority priority;
    unsigned attempts;      /* ours ... */
    unsigned sends;         /* ... and libcurl's own among them, which it makes silently */
    bool waits_for_network; /* not_before_ms was made by a connect failure */
    bool wants_fresh;       /* connection: the last one stalled or broke */

    /* the attempt that runs */
    bool has_head;         /* on_head was called */
    bool has_data;         /* on_data was called */
    bool is_unknown_user;  /* it ended because the proxy asks who we are */
    bool is_paused;        /* on_data took less than offered */
    unsigned sends_before; /* op->sends when the attempt began */
    CURL *easy;
    uint64_t read_offset;
    int64_t last_activity_ms;
    curl_off_t progress;
    size_t taken;          /* of what curl will hand in again */
    struct error io_error; /* set when our callbacks ended the transfer */

    bool wants_cancel; /* guarded */
    bool wants_resume; /* guarded */
    bool is_done;      /* guarded; on_done has returned */

    struct http_response response;
    int code;
    struct error err;
    struct cond done; /* with governor->mutex */
};

/* op.c: making and freeing. */

#define OP_DEADLINE_MS 60000

int op_new(struct http_op **out, struct governor *governor, const struct clock *clock,
           const struct http_request *request, const struct http_stream_callbacks *callbacks,
           struct error *err);
void op_free(struct http_op *op);

/* Whether the same bytes would be sent for both. */
bool op_is_same(const struct http_op *a, const struct http_op *b);

int op_copy_response(struct http_response *out, const struct http_response *from);

/* transfer.c: one attempt. */

/* What transfers share; written by the governor before its thread starts or on it. */
struct transfer_options {
    const char *user_agent;
    bool http1_only;
    struct trust *trust; /* trust.h */
    struct proxy *proxy; /* proxy.h */
};

/* Makes op->easy ready to be added to a multi handle. */
int transfer_prepare(struct http_op *op, const struct transfer_options *options, struct error *err);

/* After the attempt ended with `result`: 0 when an HTTP answer is in op->response, else ERR_* in
 * *err; says whether anything of the request may have reached the server. Frees op->easy. */
int transfer_finish(struct http_op *op, CURLcode result, bool *reached_server, struct error *err);

/* Drops op->easy without a result. */
void transfer_drop(struct http_op *op);

/* "https://host:443" of a URL; false when it may not be used: only https, and http to loopback. */
bool transfer_origin(char **out, const char *url, struct error *err);

#endif
