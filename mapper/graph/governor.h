/*
 * governor.h - the one place where every request goes out: connections, deadlines, retries, throttling, the RU ledger.
 *
 * One thread runs a libcurl multi handle; callers on any thread submit and wait, or submit and are called back on that
 * thread (callbacks never run inside the call that starts them and must not wait). What it decides by itself (retry.h):
 *
 *   - 429, 509, 503 with Retry-After: everything to that `scope` (a tenant) waits, then goes on while deadlines allow;
 *   - 408, 5xx, connect and transfer failures: this request waits, back-off with full jitter, only when it is idempotent
 *     or nothing of it can have reached the server;
 *   - RU: above the soft limit requests of background priority wait, above the hard limit all fail with ERR_THROTTLED
 *     until the window ends (graph-facts section 4 for the prices);
 *   - order: by priority, then by arrival; a bound on requests in flight per host.
 *
 * What a status means for the caller is the caller's (graph/fault.h).
 */
#ifndef GRAPH_GOVERNOR_H
#define GRAPH_GOVERNOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "mapper/call.h"
#include "mapper/graph.h"

#define HTTP_BODY_MAX \
    (16u << 20) /* largest answer kept in memory; listings of 1000 items are below 2 MiB */

struct governor;
struct http_op;

/* Who reads a 2xx answer while it arrives: its body so far, on the loop thread, and with size 0 when
 * it begins, as it does again when the request is repeated. Not called when somebody else's request
 * was answered for this one, so the last word is the whole body in the response. Must not wait, and
 * what it does with one piece holds up all other transfers. */
struct http_reader {
    void (*on_more)(void *payload, const char *body, size_t size);
    void *payload; /* must live until the request is done */
};

struct governor_options {
    const struct clock *clock; /* borrowed; NULL = the system's */
    const char *user_agent;    /* decorated as graph-facts section 4 says */
    const char *ca_file;       /* additional trusted CA, PEM; NULL: the system's only */
    enum graph_proxy proxy;    /* these three: mapper/graph.h */
    const char *proxy_url;
    const char *proxy_bypass;
    unsigned max_connections; /* per host; 0 = 8 */
    bool http1_only;
    uint32_t soft_limit_ru; /* per window; 0 = off */
    uint32_t hard_limit_ru;
    int64_t window_ms; /* 0 = 300,000 */
    int64_t stall_ms;  /* a transfer without a byte for this long has failed; 0 = 30,000 */
};

/* One request. Everything is copied by submit but body.read's payload and the callbacks', which
 * must live until done. */
struct http_request {
    const char *method;
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
    const char *scope;          /* pause and RU ledger are kept per scope; NULL: the URL's host */
    const char *bearer; /* access token; wiped after use, never logged, never sent to another host
                           on redirect */
    const void *body;   /* whole body ... */
    size_t body_size;
    /* ... or a source: reads up to `size` bytes at `offset`; 0 or ERR_*. May be called again from
     * an earlier offset when the request is repeated. Called on the loop thread: must not wait for
     * the network. */
    int (*read)(void *payload, void *data, size_t size, uint64_t offset, size_t *got,
                struct error *err);
    void *read_payload;
    uint64_t read_size;
    enum call_priority priority;
    uint32_t cost_ru;
    int64_t deadline_ms; /* monotonic; 0 = 60 s from now */
    bool is_idempotent;  /* GET always is */
    bool keeps_redirect; /* 3xx is handed to the caller (Location header) instead of being followed
                          */
    bool is_single_flight;     /* GET only: an identical request in flight answers this one too */
    size_t max_body;           /* 0 = HTTP_BODY_MAX */
    struct http_reader reader; /* on_more NULL: the answer is read when it is there */
};

/* The answer. Headers that anybody here reads are picked out; the rest is dropped. */
struct http_response {
    int status;
    struct buf body;
    char *location;
    char *www_authenticate; /* all of them, joined with ", " */
    char *content_range;
    char *request_id;       /* for the log */
    char *virus;            /* X-Virus-Infected */
    char *etag;             /* with its quotes */
    int64_t content_length; /* -1: unknown */
    int64_t retry_after_ms; /* -1: absent */
    int attempts;
};
void http_response_clear(struct http_response *response);

/* Streaming: on_data gets body bytes of 2xx answers on the loop thread, returns how many it took:
 * fewer pauses the transfer until governor_resume() (the rest is handed in again). */
struct http_stream_callbacks {
    /* Before the first on_data: status and headers of a 2xx answer are known. May be NULL. */
    void (*on_head)(void *payload, const struct http_response *head);
    size_t (*on_data)(void *payload, const void *data, size_t size);
    /* Exactly once, on the loop thread, also after cancel (ERR_CANCELLED). A transfer that ends
     * early is ERR_UNREACHABLE. `response` is lent; its body holds what a non-2xx answer said. */
    void (*on_done)(void *payload, int code, const struct http_response *response,
                    const struct error *err);
    void *payload;
};

int governor_new(struct governor **out, const struct governor_options *options, struct error *err);

/* Cancels what runs, waits for the thread; every request after that is ERR_CANCELLED. Twice is fine. */
void governor_stop(struct governor *governor);
void governor_free(struct governor *governor); /* stops it first; nobody may be in it any more */

/* Changes limits, level, connections, CA and User-Agent while running (not the clock). When the CA
 * cannot be read, the earlier one stays and the rest is changed. */
int governor_configure(struct governor *governor, const struct governor_options *options,
                       struct error *err);

/* Submits and waits. 0 when an HTTP answer came, whatever its status; ERR_UNREACHABLE,
 * ERR_TIMED_OUT, ERR_THROTTLED, ERR_CANCELLED, ERR_LIMIT (body too large) otherwise. `response`
 * must be cleared by the caller in both cases. */
int governor_perform(struct governor *governor, const struct http_request *request,
                     struct http_response *response, const struct call *call, struct error *err);

/* Starts a streaming request. *op stays valid until governor_release(); it is not retried once
 * on_data was called. */
int governor_start(struct governor *governor, struct http_op **op,
                   const struct http_request *request,
                   const struct http_stream_callbacks *callbacks, struct error *err);
void governor_resume(struct governor *governor, struct http_op *op);
void governor_cancel(struct governor *governor, struct http_op *op); /* on_done follows */
/* Ends the use of `op`. When on_done has not been called yet: cancels, and (on any thread but the
 * loop's) waits until it has returned. */
void governor_release(struct governor *governor, struct http_op *op);

/* The service asked to wait for `scope` in a place that the governor does not read (a part of a
 * $batch): pauses the scope like a 429 with Retry-After. */
void governor_pause(struct governor *governor, const char *scope, int64_t wait_ms);

struct governor_stats {
    uint64_t requests; /* sent, repeats included */
    uint64_t retries;
    uint64_t throttled;
    uint64_t ru_total;
    uint32_t ru_window;
    unsigned in_flight;
    int64_t paused_ms; /* how long the longest pause still lasts */
    bool uses_http2;
};
void governor_stats(struct governor *governor, struct governor_stats *out);

/* Someone waits or retries without sense after the network came back: forget pauses made by connect
 * failures. */
void governor_network_changed(struct governor *governor);

#endif
