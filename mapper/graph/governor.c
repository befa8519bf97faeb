#include "graph/governor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/str.h"
#include "graph/loop.h"
#include "graph/proxy.h"
#include "graph/retry.h"
#include "graph/trust.h"

#define CONNECTIONS_DEFAULT 8
#define WINDOW_DEFAULT_MS 300000
#define STALL_DEFAULT_MS 30000
#define CANCEL_POLL_MS 100

/* --- life --- */

static int set_trust(struct governor *governor, const char *ca_file, struct error *err)
{
    size_t retired_max = sizeof(governor->retired) / sizeof(governor->retired[0]);
    struct trust *trust = NULL;
    int code;

    if (governor->transfer.trust && str_equal(ca_file, governor->ca_file)) {
        return 0;
    }
    if (governor->transfer.trust && governor->retired_count == retired_max) {
        return error_set(err, ERR_LIMIT, "CaFile changed too often; restart to use '%s'", ca_file);
    }
    code = trust_new(&trust, ca_file, err);
    if (code < 0) {
        return code;
    }
    code = str_copy(&governor->ca_file, ca_file, err);
    if (code < 0) {
        trust_free(trust);
        return code;
    }
    if (governor->transfer.trust) {
        governor->retired[governor->retired_count++] = governor->transfer.trust;
    }
    governor->transfer.trust = trust;
    return 0;
}

static int set_options(struct governor *governor, const struct governor_options *options,
                       struct error *err)
{
    int64_t now = clock_mono_ms(governor->clock);
    int code = set_trust(governor, options->ca_file, err);

    if (code == 0) {
        code = proxy_configure(governor->transfer.proxy, options->proxy, options->proxy_url,
                               options->proxy_bypass, err);
    }
    if (code == 0) {
        code = str_copy(&governor->user_agent, options->user_agent, err);
    }
    governor->transfer.user_agent = governor->user_agent;
    governor->transfer.http1_only = options->http1_only;
    governor->max_connections =
        options->max_connections ? options->max_connections : CONNECTIONS_DEFAULT;
    governor->soft_limit_ru = options->soft_limit_ru;
    governor->hard_limit_ru = options->hard_limit_ru;
    governor->window_ms = options->window_ms > 0 ? options->window_ms : WINDOW_DEFAULT_MS;
    governor->stall_ms = options->stall_ms > 0 ? options->stall_ms : STALL_DEFAULT_MS;
    for (struct scope *scope = governor->scopes; scope; scope = scope->next) {
        ledger_set_window(&scope->ledger, governor->window_ms, now);
    }
    return code;
}

static void free_lists(struct governor *governor)
{
    while (governor->scopes) {
        struct scope *scope = governor->scopes;

        governor->scopes = scope->next;
        free(scope->name);
        free(scope);
    }
    while (governor->hosts) {
        struct host *host = governor->hosts;

        governor->hosts = host->next;
        free(host->name);
        free(host);
    }
}

static void on_proxy_known(void *payload)
{
    struct governor *governor = payload;

    curl_multi_wakeup(governor->multi);
}

static void destroy(struct governor *governor)
{
    proxy_free(governor->transfer.proxy); /* its thread wakes ours */
    if (governor->multi) {
        curl_multi_cleanup(governor->multi);
    }
    free_lists(governor);
    for (size_t i = 0; i < governor->retired_count; i++) {
        trust_free(governor->retired[i]);
    }
    trust_free(governor->transfer.trust);
    free(governor->user_agent);
    free(governor->ca_file);
    mutex_clear(&governor->mutex);
    free(governor);
    curl_global_cleanup();
}

int governor_new(struct governor **out, const struct governor_options *options, struct error *err)
{
    struct governor *governor = calloc(1, sizeof(*governor));
    int code;

    if (!governor) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the network client");
    }
    /* counted by libcurl, and thread-safe since 7.84 */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(governor);
        return error_set(err, ERR_NO_MEMORY, "libcurl cannot be started");
    }
    mutex_init(&governor->mutex);
    governor->clock = options->clock ? options->clock : clock_system();
    (void)secret_random(&governor->random, sizeof(governor->random), NULL);
    code = proxy_new(&governor->transfer.proxy, on_proxy_known, governor, err);
    if (code == 0) {
        code = set_options(governor, options, err);
    }
    if (code < 0) {
        goto out;
    }
    governor->multi = curl_multi_init();
    if (!governor->multi) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for the network client");
        goto out;
    }
    curl_multi_setopt(governor->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    code = thread_start(&governor->thread, "network", loop_run, governor, err);
    if (code < 0) {
        goto out;
    }
    *out = governor;
    governor = NULL;
out:
    if (governor) {
        destroy(governor);
    }
    return code;
}

void governor_stop(struct governor *governor)
{
    mutex_lock(&governor->mutex);
    governor->is_stopping = true;
    mutex_unlock(&governor->mutex);
    curl_multi_wakeup(governor->multi);
    thread_join(&governor->thread);
}

void governor_free(struct governor *governor)
{
    if (governor) {
        governor_stop(governor);
        destroy(governor);
    }
}

int governor_configure(struct governor *governor, const struct governor_options *options,
                       struct error *err)
{
    int code;

    mutex_lock(&governor->mutex);
    code = set_options(governor, options, err);
    mutex_unlock(&governor->mutex);
    curl_multi_wakeup(governor->multi);
    return code;
}

/* --- submit --- */

static struct scope *find_scope(struct governor *governor, const char *name, struct error *err)
{
    struct scope *scope;

    for (scope = governor->scopes; scope; scope = scope->next) {
        if (str_equal(scope->name, name)) {
            return scope;
        }
    }
    scope = calloc(1, sizeof(*scope));
    if (!scope || str_copy(&scope->name, name, err) < 0) {
        free(scope);
        error_set(err, ERR_NO_MEMORY, "no memory for a request");
        return NULL;
    }
    ledger_init(&scope->ledger, governor->window_ms);
    scope->next = governor->scopes;
    governor->scopes = scope;
    return scope;
}

/* Takes `name` over when it makes a new one. */
static struct host *find_host(struct governor *governor, char **name, struct error *err)
{
    struct host *host;

    for (host = governor->hosts; host; host = host->next) {
        if (str_equal(host->name, *name)) {
            return host;
        }
    }
    host = calloc(1, sizeof(*host));
    if (!host) {
        error_set(err, ERR_NO_MEMORY, "no memory for a request");
        return NULL;
    }
    host->name = *name;
    *name = NULL;
    host->next = governor->hosts;
    governor->hosts = host;
    return host;
}

static struct http_op *find_flight(const struct op_list *list, const struct http_op *op)
{
    for (struct http_op *other = list->first; other; other = other->next) {
        if (other->flight_key && op_is_same(other, op)) {
            return other;
        }
    }
    return NULL;
}

/* What nobody waited for is waited for now; the mutex is held. */
static void raise_priority(struct governor *governor, struct http_op *op,
                           enum call_priority priority)
{
    if (op->state == OP_WAITING && priority < op->priority) {
        op_list_remove(&governor->waiting[op->priority], op);
        op->priority = priority;
        op_list_add(&governor->waiting[priority], op);
    }
}

/* True when `op` now waits for the answer to an identical request. */
static bool follow(struct governor *governor, struct http_op *op)
{
    struct http_op *leader = op->flight_key ? find_flight(&governor->running, op) : NULL;

    for (size_t p = 0; op->flight_key && !leader && p < PRIORITIES; p++) {
        leader = find_flight(&governor->waiting[p], op);
    }
    if (!leader) {
        return false;
    }
    raise_priority(governor, leader, op->priority);
    op->state = OP_FOLLOWING;
    op->next = leader->followers;
    leader->followers = op;
    return true;
}

static int submit(struct governor *governor, struct http_op *op, const char *scope_name,
                  struct error *err)
{
    char *origin = NULL;
    int code = 0;

    if (!transfer_origin(&origin, op->url, err)) {
        return ERR_PROTOCOL;
    }
    mutex_lock(&governor->mutex);
    if (governor->is_stopping) {
        code = error_set(err, ERR_CANCELLED, "the network client is stopping");
        goto out;
    }
    if (governor->waiting_count >= WAITING_MAX) {
        code = error_set(err, ERR_LIMIT, "more than %d requests are waiting", WAITING_MAX);
        goto out;
    }
    op->scope = find_scope(governor, scope_name ? scope_name : origin, err);
    op->host = op->scope ? find_host(governor, &origin, err) : NULL;
    if (!op->host) {
        code = ERR_NO_MEMORY;
        goto out;
    }
    op->scope->users++;
    op->host->users++;
    op->references++;
    if (!follow(governor, op)) {
        loop_enqueue(governor, op, false);
    }
out:
    mutex_unlock(&governor->mutex);
    free(origin);
    if (code == 0) {
        curl_multi_wakeup(governor->multi);
    }
    return code;
}

static bool is_on_loop(const struct governor *governor)
{
    return pthread_equal(pthread_self(), governor->thread.impl) != 0;
}

/* --- waiting for it --- */

static void wait_for(struct governor *governor, struct http_op *op, const struct call *call)
{
    mutex_lock(&governor->mutex);
    while (!op->is_done) {
        bool is_cancelled;
        bool is_awaited;

        if (!call || !call->is_cancelled || op->wants_cancel) {
            cond_wait(&op->done, &governor->mutex);
            continue;
        }
        mutex_unlock(&governor->mutex);
        is_cancelled = call->is_cancelled(call->payload);
        is_awaited = call->is_awaited && call->is_awaited(call->payload);
        mutex_lock(&governor->mutex);
        if (is_awaited && op->state == OP_WAITING && op->priority > CALL_LISTING) {
            raise_priority(governor, op, CALL_LISTING);
            curl_multi_wakeup(governor->multi);
        }
        if (is_cancelled) {
            op->wants_cancel = true;
            curl_multi_wakeup(governor->multi);
        } else if (!op->is_done) {
            cond_wait_ms(&op->done, &governor->mutex, CANCEL_POLL_MS);
        }
    }
    mutex_unlock(&governor->mutex);
}

int governor_perform(struct governor *governor, const struct http_request *request,
                     struct http_response *response, const struct call *call, struct error *err)
{
    struct http_request wanted = *request;
    struct http_op *op = NULL;
    int code;

    assert(!is_on_loop(governor));
    memset(response, 0, sizeof(*response));
    http_response_clear(response);
    if (call) {
        wanted.priority = call->priority;
        wanted.deadline_ms = call->deadline_ms;
    }
    code = op_new(&op, governor, governor->clock, &wanted, NULL, err);
    if (code < 0) {
        return code;
    }
    code = submit(governor, op, request->scope, err);
    if (code == 0) {
        struct http_response none = {0};

        wait_for(governor, op, call);
        *response = op->response;
        op->response = none;
        code = op->code;
        if (code < 0 && err) {
            *err = op->err;
        }
    }
    mutex_lock(&governor->mutex);
    loop_unref(op);
    mutex_unlock(&governor->mutex);
    return code;
}

int governor_start(struct governor *governor, struct http_op **out,
                   const struct http_request *request,
                   const struct http_stream_callbacks *callbacks, struct error *err)
{
    struct http_op *op = NULL;
    int code = op_new(&op, governor, governor->clock, request, callbacks, err);

    if (code < 0) {
        return code;
    }
    *out = op; /* before submit: on_done may come before it returns */
    code = submit(governor, op, request->scope, err);
    if (code < 0) {
        *out = NULL;
        op_free(op);
    }
    return code;
}

void governor_resume(struct governor *governor, struct http_op *op)
{
    mutex_lock(&governor->mutex);
    op->wants_resume = true;
    mutex_unlock(&governor->mutex);
    curl_multi_wakeup(governor->multi);
}

void governor_cancel(struct governor *governor, struct http_op *op)
{
    mutex_lock(&governor->mutex);
    op->wants_cancel = true;
    mutex_unlock(&governor->mutex);
    curl_multi_wakeup(governor->multi);
}

void governor_release(struct governor *governor, struct http_op *op)
{
    if (!op) {
        return;
    }
    mutex_lock(&governor->mutex);
    if (!op->is_done) {
        op->wants_cancel = true;
        curl_multi_wakeup(governor->multi);
        while (!op->is_done && !is_on_loop(governor)) {
            cond_wait(&op->done, &governor->mutex);
        }
    }
    loop_unref(op);
    mutex_unlock(&governor->mutex);
}

/* --- the rest --- */

void governor_pause(struct governor *governor, const char *scope_name, int64_t wait_ms)
{
    struct scope *scope;

    mutex_lock(&governor->mutex);
    scope = find_scope(governor, scope_name, NULL);
    if (scope) {
        governor->throttled++;
        loop_pause_scope(governor, scope,
                         wait_ms < RETRY_AFTER_MAX_MS ? wait_ms : RETRY_AFTER_MAX_MS);
    }
    mutex_unlock(&governor->mutex);
    curl_multi_wakeup(governor->multi);
}

void governor_stats(struct governor *governor, struct governor_stats *out)
{
    int64_t now = clock_mono_ms(governor->clock);

    memset(out, 0, sizeof(*out));
    mutex_lock(&governor->mutex);
    out->requests = governor->requests;
    out->retries = governor->retries;
    out->throttled = governor->throttled;
    out->ru_total = governor->ru_total;
    out->uses_http2 = governor->uses_http2;
    for (const struct http_op *op = governor->running.first; op; op = op->next) {
        out->in_flight++;
    }
    for (struct scope *scope = governor->scopes; scope; scope = scope->next) {
        uint32_t sum = ledger_sum(&scope->ledger, now);
        int64_t left = scope->paused_until_ms - now;

        out->ru_window = sum > out->ru_window ? sum : out->ru_window;
        out->paused_ms = left > out->paused_ms ? left : out->paused_ms;
    }
    mutex_unlock(&governor->mutex);
}

void governor_network_changed(struct governor *governor)
{
    proxy_forget(governor->transfer.proxy);
    mutex_lock(&governor->mutex);
    for (size_t p = 0; p < PRIORITIES; p++) {
        for (struct http_op *op = governor->waiting[p].first; op; op = op->next) {
            if (op->waits_for_network) {
                op->not_before_ms = 0;
            }
        }
    }
    mutex_unlock(&governor->mutex);
    curl_multi_wakeup(governor->multi);
}
