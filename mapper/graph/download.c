/*
 * download.c - content by ranges: /content answers 302 to a preauthenticated URL on another host,
 * which gets the Range and never the token (graph-facts 2.7).
 *
 *   start -> [ask for a URL] -> transfer -> done
 *                  ^                |  broken off or cut short: another range from where it stopped
 *                  +----------------+  URL refused: ask for a new one
 *
 * Steps that may wait for a token run on the slow lane, all others on the network thread.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/thread.h"
#include "graph/client.h"
#include "graph/fault.h"
#include "graph/parse.h"
#include "graph/request.h"
#include "graph/slow_lane.h"
#include "graph/token.h"

#define FIRST_BYTE_MS 60000
#define BREAKS_MAX 5        /* transfers in a row that brought nothing */
#define BREAKS_TOTAL_MAX 50 /* of one download: a server that hands out bytes one by one */

struct graph_download {
    struct account *account;
    struct governor *governor;
    struct graph_download_callbacks callbacks;
    char *drive_id;
    char *item_id;
    enum call_priority priority;
    int64_t deadline_ms;
    uint64_t end; /* exclusive; UINT64_MAX: to the end */

    /* On whichever thread does the current step; only one step runs at a time. */
    char *url;   /* preauthenticated: a secret */
    char *token; /* the one the request for a URL used; a secret */
    uint64_t at; /* of the next byte for the caller */
    uint64_t skip;
    int64_t total; /* size of the content as the server says; -1 unknown */
    char *etag;    /* of the first transfer */
    unsigned breaks;
    unsigned breaks_total;
    bool had_data;
    bool has_progress; /* since the last break */
    bool has_asked;    /* for a URL, and nothing has come by it yet */
    bool is_token_refused;
    char *challenge;   /* WWW-Authenticate of the refusal */
    bool is_satisfied; /* all that was wanted is there; the rest is cancelled */
    int fault;         /* found in a head: the transfer is cancelled for it */
    struct error fault_error;
    struct slow_job job;

    struct mutex mutex; /* guards all below */
    struct cond done;
    struct http_op *op;
    bool is_cancelled;
    bool is_done; /* on_done has returned */
};

static void start_transfer(struct graph_download *d);
static int ask_for_url(struct graph_download *d, struct error *err);

/* --- the end --- */

static void finish(struct graph_download *d, int code, const struct error *err)
{
    struct error none = {0};

    d->callbacks.on_done(d->callbacks.payload, code, err ? err : &none);
    mutex_lock(&d->mutex);
    d->is_done = true;
    cond_broadcast(&d->done);
    mutex_unlock(&d->mutex); /* `d` may be gone after this */
}

static bool is_cancelled(struct graph_download *d)
{
    bool is;

    mutex_lock(&d->mutex);
    is = d->is_cancelled;
    mutex_unlock(&d->mutex);
    return is;
}

/* The op of the step that ended; on the network thread, from on_done. */
static void drop_op(struct graph_download *d)
{
    struct http_op *op;

    mutex_lock(&d->mutex);
    op = d->op;
    d->op = NULL;
    mutex_unlock(&d->mutex);
    governor_release(d->governor, op);
}

/* Starts the request of the next step. With d->mutex held over the start: on_done takes it before
 * it looks at d->op. */
static int start_op(struct graph_download *d, const struct http_request *request,
                    const struct http_stream_callbacks *callbacks, struct error *err)
{
    int code;

    mutex_lock(&d->mutex);
    if (d->is_cancelled) {
        code = error_set(err, ERR_CANCELLED, "cancelled");
    } else {
        code = governor_start(d->governor, &d->op, request, callbacks, err);
    }
    mutex_unlock(&d->mutex);
    return code;
}

/* --- asking for a URL --- */

static void run_slow_job(void *payload)
{
    struct graph_download *d = payload;
    struct error err = {0};
    int code = ask_for_url(d, &err);

    if (code < 0) {
        finish(d, code, &err);
    }
}

static void ask_slowly(struct graph_download *d)
{
    d->job.run = run_slow_job;
    d->job.payload = d;
    slow_lane_add(graph_slow_lane(account_graph(d->account)), &d->job);
}

static void on_url_head(void *payload, const struct http_response *head);
static size_t on_bytes(void *payload, const void *data, size_t size);
static void on_transfer_done(void *payload, int code, const struct http_response *response,
                             const struct error *err);

static void on_url_done(void *payload, int code, const struct http_response *response,
                        const struct error *err)
{
    struct graph_download *d = payload;
    struct error mine = {0};

    if (code == 0 && response->status / 100 == 3 && response->location) {
        drop_op(d);
        code = str_copy(&d->url, response->location, &mine);
        if (code < 0) {
            finish(d, code, &mine);
        } else {
            start_transfer(d);
        }
        return;
    }
    if (code == 0 && response->status == 401 && !d->is_token_refused) {
        drop_op(d);
        d->is_token_refused = true;
        (void)str_copy(&d->challenge, response->www_authenticate, NULL);
        ask_slowly(d);
        return;
    }
    /* 200: the content itself, or a failure; both end as a transfer does */
    on_transfer_done(d, code, response, err);
}

static bool poll_cancelled(void *payload)
{
    return is_cancelled(payload);
}

static int64_t first_byte_deadline(const struct graph_download *d)
{
    int64_t now = clock_mono_ms(clock_system());

    /* the caller's is for the first byte; a transfer that goes on gets its own */
    return d->deadline_ms && !d->had_data ? d->deadline_ms : now + FIRST_BYTE_MS;
}

/* May wait for a token: on the caller's thread or the slow lane. */
static int fresh_token(struct graph_download *d, struct error *err)
{
    struct call call = {.priority = d->priority,
                        .deadline_ms = first_byte_deadline(d),
                        .is_cancelled = poll_cancelled,
                        .payload = d};
    int code = 0;

    if (d->is_token_refused && d->token) {
        code = account_token_refused(d->account, d->token, d->challenge, &call, err);
    }
    secret_free(&d->token);
    str_free(&d->challenge);
    return code == 0 ? account_token(d->account, &d->token, &call, err) : code;
}

static int ask_for_url(struct graph_download *d, struct error *err)
{
    struct http_stream_callbacks callbacks = {
        .on_head = on_url_head, .on_data = on_bytes, .on_done = on_url_done, .payload = d};
    struct http_request request = {
        .method = "GET",
        .scope = account_scope(d->account),
        .priority = d->priority,
        .cost_ru = COST_DOWNLOAD,
        .deadline_ms = first_byte_deadline(d),
        .is_idempotent = true,
        .keeps_redirect = true,
    };
    char *url = NULL;
    int code = fresh_token(d, err);

    d->has_asked = true;
    d->has_progress = false;
    if (code == 0) {
        code = request_item_url(&url, account_graph_url(d->account), d->drive_id, d->item_id,
                                "/content", err);
    }
    if (code == 0) {
        request.url = url;
        request.bearer = d->token;
        code = start_op(d, &request, &callbacks, err);
    }
    free(url);
    return code;
}

/* --- the transfer --- */

/* Where the bytes that follow begin; a server may ignore Range and send all (graph-facts 2.7). */
static int read_head(struct graph_download *d, const struct http_response *head, struct error *err)
{
    uint64_t first = 0;
    uint64_t last = 0;
    int64_t total = head->content_length;

    if (head->status == 206 && (!head->content_range ||
                                !parse_content_range(head->content_range, &first, &last, &total))) {
        return error_set(err, ERR_PROTOCOL, "a range of content came without its place");
    }
    if (first > d->at) {
        return error_set(err, ERR_PROTOCOL, "another range of content came than was asked for");
    }
    if ((d->total >= 0 && total >= 0 && total != d->total) ||
        (d->etag && head->etag && !str_equal(d->etag, head->etag))) {
        return error_set(err, ERR_CHANGED, "the content changed while it was read");
    }
    d->total = total >= 0 ? total : d->total;
    if (!d->etag && head->etag) {
        (void)str_copy(&d->etag, head->etag, NULL);
    }
    d->skip = d->at - first;
    return 0;
}

static void on_head(void *payload, const struct http_response *head)
{
    struct graph_download *d = payload;

    d->fault = read_head(d, head, &d->fault_error);
    if (d->fault == 0 && head->status / 100 == 2 && head->etag && d->callbacks.on_etag) {
        d->callbacks.on_etag(d->callbacks.payload, head->etag);
    }
}

/* Graph answered with the content itself. */
static void on_url_head(void *payload, const struct http_response *head)
{
    on_head(payload, head);
}

static void cancel_rest(struct graph_download *d)
{
    mutex_lock(&d->mutex);
    if (d->op) {
        governor_cancel(d->governor, d->op);
    }
    mutex_unlock(&d->mutex);
}

static size_t on_bytes(void *payload, const void *data, size_t size)
{
    struct graph_download *d = payload;
    size_t skipped = d->skip < size ? (size_t)d->skip : size;
    uint64_t wanted = d->end - d->at;
    size_t offered = size - skipped;
    size_t taken;

    if (d->fault < 0 || d->is_satisfied || is_cancelled(d)) {
        cancel_rest(d);
        return size;
    }
    d->skip -= skipped;
    offered = offered < wanted ? offered : (size_t)wanted;
    if (offered == 0) {
        return size;
    }
    taken = d->callbacks.on_data(d->callbacks.payload, (const char *)data + skipped, offered);
    d->at += taken;
    if (taken > 0) {
        d->had_data = true;
        d->has_progress = true;
        d->has_asked = false;
    }
    if (d->at == d->end && taken == offered) {
        d->is_satisfied = true;
        if (skipped + taken < size) {
            cancel_rest(d); /* the server sends more than was wanted */
            return size;
        }
    }
    return skipped + taken;
}

static bool is_whole(const struct graph_download *d)
{
    if (d->is_satisfied || d->at >= d->end) {
        return true;
    }
    return d->total >= 0 ? d->at >= (uint64_t)d->total : d->end == UINT64_MAX;
}

/* Goes on from where it stopped, a bounded number of times. */
static bool may_go_on(struct graph_download *d)
{
    d->breaks = d->has_progress ? 0 : d->breaks + 1;
    d->breaks_total++;
    return d->breaks <= BREAKS_MAX && d->breaks_total <= BREAKS_TOTAL_MAX;
}

static bool is_url_refused(int status)
{
    return status == 401 || status == 403 || status == 404 || status == 410;
}

static void go_on(struct graph_download *d)
{
    d->has_progress = false;
    if (d->url) {
        start_transfer(d);
    } else {
        ask_slowly(d);
    }
}

static void after_answer(struct graph_download *d, int status, const struct http_response *response)
{
    struct error mine = {0};

    if (status == 416) {
        finish(d, 0, NULL); /* nothing is that far */
    } else if (status / 100 == 2) {
        if (is_whole(d)) {
            finish(d, 0, NULL);
        } else if (may_go_on(d)) {
            go_on(d); /* fewer bytes than the answer itself announced */
        } else {
            error_set(&mine, ERR_UNREACHABLE, "the content ends before its end");
            finish(d, ERR_UNREACHABLE, &mine);
        }
    } else {
        int code = fault_from_response(response, false, &mine);

        if (code == ERR_SIGNED_OUT && d->url) {
            /* a 401 that has nothing to do with the sign-in */
            code = error_set(&mine, ERR_DENIED, "the service refuses its own download address");
        }
        finish(d, code, &mine);
    }
}

static void on_transfer_done(void *payload, int code, const struct http_response *response,
                             const struct error *err)
{
    struct graph_download *d = payload;
    int status = code == 0 ? response->status : 0;

    drop_op(d);
    if (is_cancelled(d)) {
        struct error mine;

        error_set(&mine, ERR_CANCELLED, "cancelled");
        finish(d, ERR_CANCELLED, &mine);
    } else if (d->fault < 0) {
        finish(d, d->fault, &d->fault_error);
    } else if (d->is_satisfied) {
        finish(d, 0, NULL);
    } else if (code == ERR_UNREACHABLE && d->has_progress && may_go_on(d)) {
        /* without any progress the governor has already tried often enough */
        go_on(d);
    } else if (code < 0) {
        finish(d, code, err);
    } else if (is_url_refused(status) && d->url && !d->has_asked && !response->virus) {
        str_free(&d->url);
        d->is_token_refused = false;
        ask_slowly(d);
    } else {
        after_answer(d, status, response);
    }
}

static int try_transfer(struct graph_download *d, struct error *err)
{
    struct http_stream_callbacks callbacks = {
        .on_head = on_head, .on_data = on_bytes, .on_done = on_transfer_done, .payload = d};
    char range[64];
    const char *headers[] = {range, NULL};
    struct http_request request = {
        .method = "GET",
        .url = d->url,
        .headers = headers,
        .scope = account_scope(d->account),
        .priority = d->priority,
        .cost_ru = d->has_asked ? 0 : COST_DOWNLOAD,
        .deadline_ms = first_byte_deadline(d),
        .is_idempotent = true,
    };

    d->skip = 0;
    if (d->end == UINT64_MAX) {
        snprintf(range, sizeof(range), "Range: bytes=%" PRIu64 "-", d->at);
    } else {
        snprintf(range, sizeof(range), "Range: bytes=%" PRIu64 "-%" PRIu64, d->at, d->end - 1);
    }
    if (d->at == 0 && d->end == UINT64_MAX) {
        headers[0] = NULL; /* all of it; an empty file has no range */
    }
    return start_op(d, &request, &callbacks, err);
}

/* On the network thread; ends the download when it cannot go on. */
static void start_transfer(struct graph_download *d)
{
    struct error err = {0};
    int code = try_transfer(d, &err);

    if (code < 0) {
        finish(d, code, &err);
    }
}

/* --- the calls --- */

static void destroy(struct graph_download *d)
{
    free(d->drive_id);
    free(d->item_id);
    secret_free(&d->url);
    secret_free(&d->token);
    free(d->challenge);
    free(d->etag);
    account_unref(d->account);
    cond_clear(&d->done);
    mutex_clear(&d->mutex);
    free(d);
}

static int make(struct graph_download **out, struct account *account,
                const struct graph_download_request *request,
                const struct graph_download_callbacks *callbacks, struct error *err)
{
    struct graph_download *d = calloc(1, sizeof(*d));
    int code;

    if (!d) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a download");
    }
    mutex_init(&d->mutex);
    cond_init(&d->done);
    d->account = account_ref(account);
    d->governor = graph_governor(account_graph(account));
    d->callbacks = *callbacks;
    d->priority = request->priority;
    d->deadline_ms = request->deadline_ms;
    d->at = request->offset;
    d->end = request->length && request->length < UINT64_MAX - request->offset
                 ? request->offset + request->length
                 : UINT64_MAX;
    d->total = -1;
    code = str_copy(&d->drive_id, request->drive_id, err);
    if (code == 0) {
        code = str_copy(&d->item_id, request->item_id, err);
    }
    if (code == 0) {
        code = str_copy(&d->url, request->download_url, err);
    }
    if (code < 0) {
        destroy(d);
        return code;
    }
    *out = d;
    return 0;
}

int graph_download_start(struct graph_download **out, struct account *account,
                         const struct graph_download_request *request,
                         const struct graph_download_callbacks *callbacks, struct error *err)
{
    struct graph_download *d = NULL;
    int code = make(&d, account, request, callbacks, err);

    if (code < 0 || !d) {
        return code;
    }
    *out = d; /* before the start: on_done may come before this returns */
    code = d->url ? try_transfer(d, err) : ask_for_url(d, err);
    if (code < 0) {
        *out = NULL;
        destroy(d);
    }
    return code;
}

void graph_download_resume(struct graph_download *d)
{
    mutex_lock(&d->mutex);
    if (d->op) {
        governor_resume(d->governor, d->op);
    }
    mutex_unlock(&d->mutex);
}

void graph_download_free(struct graph_download *d)
{
    if (!d) {
        return;
    }
    mutex_lock(&d->mutex);
    d->is_cancelled = true;
    if (d->op) {
        governor_cancel(d->governor, d->op);
    }
    while (!d->is_done) {
        cond_wait(&d->done, &d->mutex);
    }
    mutex_unlock(&d->mutex);
    destroy(d);
}
