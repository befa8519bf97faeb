#include "graph/loop.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "graph/net.h"
#include "graph/proxy.h"
#include "graph/retry.h"

#define IDLE_WAIT_MS 600000
#define FORGET_ABOVE 64                 /* hosts, scopes */
#define HTTP2_REQUESTS_PER_CONNECTION 4 /* how far multiplexing may pass max_connections */

void op_list_add(struct op_list *list, struct http_op *op)
{
    op->previous = list->last;
    op->next = NULL;
    *(list->last ? &list->last->next : &list->first) = op;
    list->last = op;
}

void op_list_add_first(struct op_list *list, struct http_op *op)
{
    op->next = list->first;
    op->previous = NULL;
    *(list->first ? &list->first->previous : &list->last) = op;
    list->first = op;
}

void op_list_remove(struct op_list *list, struct http_op *op)
{
    *(op->previous ? &op->previous->next : &list->first) = op->next;
    *(op->next ? &op->next->previous : &list->last) = op->previous;
    op->next = NULL;
    op->previous = NULL;
}

void loop_enqueue(struct governor *governor, struct http_op *op, bool is_first)
{
    op->state = OP_WAITING;
    governor->waiting_count++;
    if (is_first) {
        op_list_add_first(&governor->waiting[op->priority], op);
    } else {
        op_list_add(&governor->waiting[op->priority], op);
    }
}

static void dequeue(struct governor *governor, struct http_op *op)
{
    governor->waiting_count--;
    op_list_remove(&governor->waiting[op->priority], op);
}

void loop_pause_scope(struct governor *governor, struct scope *scope, int64_t wait_ms)
{
    int64_t until = clock_mono_ms(governor->clock) + wait_ms;

    if (until > scope->paused_until_ms) {
        scope->paused_until_ms = until;
    }
}

void loop_unref(struct http_op *op)
{
    if (--op->references == 0) {
        op_free(op);
    }
}

/* xorshift32: spreads retries; nothing depends on its quality. */
static uint32_t next_random(struct governor *governor)
{
    uint32_t x = governor->random ? governor->random : 0x9E3779B9u;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    governor->random = x;
    return x;
}

/* --- ending an op --- */

/* Tells the caller. On the loop thread, without the mutex; `op` is in no list. */
static void complete(struct governor *governor, struct http_op *op, int code,
                     const struct error *err)
{
    struct error none = {0};

    op->code = code;
    op->err = err ? *err : none;
    op->response.attempts = (int)(op->sends > op->attempts ? op->sends : op->attempts);
    if (op->is_stream) {
        op->callbacks.on_done(op->callbacks.payload, code, &op->response, &op->err);
    }
    mutex_lock(&governor->mutex);
    op->state = OP_DONE;
    op->is_done = true;
    op->scope->users--;
    op->host->users--;
    cond_broadcast(&op->done);
    loop_unref(op);
    mutex_unlock(&governor->mutex);
}

/* The first of those that waited for another's answer asks itself, for the others too. */
static void promote_follower(struct governor *governor, struct http_op *leader)
{
    struct http_op *next = leader->followers;

    leader->followers = NULL;
    if (next) {
        next->followers = next->next;
        loop_enqueue(governor, next, true);
    }
}

/* `op` is in no list. What ended it is its own affair (cancelled, its deadline): followers go on
 * without it; otherwise they share the outcome. */
static void end_op(struct governor *governor, struct http_op *op, int code, const struct error *err)
{
    struct http_op *follower;
    bool is_private = code == ERR_CANCELLED || code == ERR_TIMED_OUT || code == ERR_THROTTLED;

    mutex_lock(&governor->mutex);
    if (is_private && !governor->is_stopping) {
        promote_follower(governor, op);
    }
    follower = op->followers;
    op->followers = NULL;
    mutex_unlock(&governor->mutex);
    while (follower) {
        struct http_op *next = follower->next;
        struct error none = {0};
        int copied = op_copy_response(&follower->response, &op->response);

        if (copied < 0) {
            error_set(&none, copied, "no memory for an answer");
        }
        complete(governor, follower, copied < 0 ? copied : code, copied < 0 ? &none : err);
        follower = next;
    }
    complete(governor, op, code, err);
}

/* What schedule() finds to be over is ended after the mutex is given back. */
struct ended {
    struct http_op *first; /* by `next` */
};

static void mark_ended(struct ended *ended, struct http_op *op)
{
    op->next = ended->first;
    ended->first = op;
}

static bool is_over(struct governor *governor, struct http_op *op, int64_t now)
{
    if (op->wants_cancel || governor->is_stopping) {
        op->code = error_set(&op->err, ERR_CANCELLED, "cancelled");
        return true;
    }
    /* a stream's deadline is that of its first byte */
    if (now >= op->deadline_ms && !(op->is_stream && op->has_data)) {
        op->code = error_set(&op->err, ERR_TIMED_OUT, "%s did not answer in time", op->host->name);
        return true;
    }
    return false;
}

static void check_followers(struct governor *governor, struct http_op *leader, int64_t now,
                            int64_t *next, struct ended *ended)
{
    struct http_op **at = &leader->followers;

    while (*at) {
        struct http_op *op = *at;

        if (is_over(governor, op, now)) {
            *at = op->next;
            mark_ended(ended, op);
            continue;
        }
        *next = op->deadline_ms < *next ? op->deadline_ms : *next;
        at = &op->next;
    }
}

/* --- running transfers --- */

static curl_socket_t socket_of(const struct http_op *op)
{
    curl_socket_t found = CURL_SOCKET_BAD;

    curl_easy_getinfo(op->easy, CURLINFO_ACTIVESOCKET, &found);
    return found;
}

/* A silent transfer ends, and when everything on its connection is silent, the connection too: what
 * shares it fails at once and goes on elsewhere, instead of waiting for the same dead peer in turn.
 */
static void drop_stalled_connection(struct governor *governor, struct http_op *op, int64_t now)
{
    curl_socket_t stalled = socket_of(op);

    if (stalled == CURL_SOCKET_BAD) {
        return;
    }
    for (struct http_op *other = governor->running.first; other; other = other->next) {
        if (other != op && socket_of(other) == stalled &&
            now - other->last_activity_ms < governor->stall_ms / 2) {
            return;
        }
    }
    net_shutdown(stalled);
}

static void log_attempt(const struct http_op *op, int status, const struct error *err)
{
    log_debug(LOG_GRAPH, "%s %.*s: %d%s%s (attempt %u)", op->method, (int)strcspn(op->url, "?"),
              op->url, status, status ? "" : " ", status ? "" : err->message, op->attempts);
}

/* After an attempt: again, or the end. `op` left the running list. On the loop thread, no mutex. */
static void after_attempt(struct governor *governor, struct http_op *op, int code,
                          bool reached_server, struct error *err)
{
    int64_t now = clock_mono_ms(governor->clock);
    struct retry_attempt attempt = {
        .status = code == 0 ? op->response.status : 0,
        .reached_server = reached_server,
        .is_idempotent = op->is_idempotent,
        .is_unknown_user = op->is_unknown_user,
        .has_given_data = op->has_data,
        .retry_after_ms = op->response.retry_after_ms,
        .number = op->attempts,
    };
    struct retry_verdict verdict;
    bool is_again;

    log_attempt(op, attempt.status, err);
    mutex_lock(&governor->mutex);
    if (retry_is_throttle(attempt.status, attempt.retry_after_ms)) {
        attempt.throttles = ++op->scope->throttles;
        governor->throttled++;
    } else if (attempt.status != 0) {
        op->scope->throttles = 0;
    }
    attempt.random = next_random(governor);
    retry_decide(&verdict, &attempt);
    if (verdict.is_throttle) {
        loop_pause_scope(governor, op->scope, verdict.delay_ms);
    }
    is_again = verdict.is_again && code != ERR_LIMIT && code != ERR_IO && code != ERR_PROTOCOL &&
               !op->wants_cancel && !governor->is_stopping &&
               now + verdict.delay_ms < op->deadline_ms;
    governor->uses_http2 = governor->uses_http2 || op->host->is_http2;
    if (is_again) {
        governor->retries++;
        op->not_before_ms = verdict.is_throttle ? 0 : now + verdict.delay_ms;
        op->waits_for_network = attempt.status == 0 && !reached_server;
        /* A dead connection is not used again anyway; this is for one that only looks alive. */
        op->wants_fresh = attempt.status == 0 && op->attempts > 1;
        loop_enqueue(governor, op, true);
    }
    mutex_unlock(&governor->mutex);
    if (!is_again) {
        end_op(governor, op, code, err);
    }
}

/* Takes `op` off the multi handle and out of the running list. With the mutex held. */
static void stop_transfer(struct governor *governor, struct http_op *op)
{
    op_list_remove(&governor->running, op);
    curl_multi_remove_handle(governor->multi, op->easy);
}

static void check_running(struct governor *governor, int64_t now, int64_t *next,
                          struct ended *ended, struct ended *stalled)
{
    struct http_op *following;

    for (struct host *host = governor->hosts; host; host = host->next) {
        host->in_flight = 0;
    }
    for (struct http_op *op = governor->running.first; op; op = following) {
        int64_t stall_at = op->last_activity_ms + governor->stall_ms;

        following = op->next;
        check_followers(governor, op, now, next, ended);
        if (is_over(governor, op, now)) {
            stop_transfer(governor, op);
            transfer_drop(op);
            mark_ended(ended, op);
            continue;
        }
        if (op->is_paused) {
            continue;
        }
        /* while it connects, libcurl's connect timeout holds */
        if (now >= stall_at && op->sends > op->sends_before) {
            drop_stalled_connection(governor, op, now);
            stop_transfer(governor, op);
            mark_ended(stalled, op);
            continue;
        }
        op->host->in_flight++;
        *next = stall_at < *next && stall_at > now ? stall_at : *next;
        if (!(op->is_stream && op->has_data) && op->deadline_ms < *next) {
            *next = op->deadline_ms;
        }
    }
}

/* --- waiting requests --- */

static bool has_slot(const struct governor *governor, const struct http_op *op)
{
    unsigned slots = governor->max_connections;

    if (op->host->is_http2 && !governor->transfer.http1_only) {
        slots *= HTTP2_REQUESTS_PER_CONNECTION;
    }
    if (op->priority >= CALL_REFRESH) {
        slots = slots / 2 ? slots / 2 : 1; /* what a person waits for finds a free one */
    }
    return op->host->in_flight < slots;
}

/* Whether the ledger lets `op` go now; otherwise *when to look again, or the error in op. */
static bool is_affordable(struct governor *governor, struct http_op *op, int64_t now, int64_t *when)
{
    uint32_t sum = ledger_sum(&op->scope->ledger, now);
    uint32_t soft = governor->soft_limit_ru;

    if (op->cost_ru == 0) {
        return true;
    }
    if (governor->hard_limit_ru && sum + op->cost_ru > governor->hard_limit_ru) {
        op->code = error_set(&op->err, ERR_THROTTLED,
                             "RequestHardLimit is reached: %" PRIu32 " of %" PRIu32
                             " resource units are spent",
                             sum, governor->hard_limit_ru);
        return false;
    }
    if (soft && op->priority == CALL_PREFETCH && sum + op->cost_ru > soft) {
        op->code = error_set(&op->err, ERR_THROTTLED, "RequestSoftLimit is reached");
        return false; /* nobody wants later what he may need next */
    }
    if (soft && op->priority >= CALL_REFRESH && sum + op->cost_ru > soft) {
        *when =
            ledger_when_below(&op->scope->ledger, now, soft > op->cost_ru ? soft - op->cost_ru : 0);
        return false;
    }
    return true;
}

/* 0 when `op` may start; -1 when it waits until *when; 1 when it is over. */
static int check_waiting(struct governor *governor, struct http_op *op, int64_t now, int64_t *when)
{
    *when = op->deadline_ms;
    if (is_over(governor, op, now)) {
        return 1;
    }
    if (op->scope->paused_until_ms > now) {
        if (op->scope->paused_until_ms >= op->deadline_ms) {
            op->code = error_set(&op->err, ERR_THROTTLED,
                                 "the service asked to wait another %" PRId64 " s",
                                 (op->scope->paused_until_ms - now + 999) / 1000);
            return 1;
        }
        *when = op->scope->paused_until_ms;
        return -1;
    }
    if (op->not_before_ms > now) {
        *when = op->not_before_ms;
        return -1;
    }
    if (!has_slot(governor, op) || !proxy_is_known(governor->transfer.proxy, op->host->name)) {
        return -1;
    }
    op->code = 0;
    if (is_affordable(governor, op, now, when)) {
        return 0;
    }
    return op->code < 0 ? 1 : -1;
}

static bool start(struct governor *governor, struct http_op *op, int64_t now)
{
    op->code = transfer_prepare(op, &governor->transfer, &op->err);
    if (op->code == 0 && curl_multi_add_handle(governor->multi, op->easy) != CURLM_OK) {
        transfer_drop(op);
        op->code = error_set(&op->err, ERR_NO_MEMORY, "no memory for a transfer");
    }
    if (op->code < 0) {
        return false;
    }
    op->attempts++;
    op->state = OP_RUNNING;
    op->host->in_flight++;
    governor->requests++;
    governor->ru_total += op->cost_ru;
    ledger_add(&op->scope->ledger, now, op->cost_ru);
    op_list_add(&governor->running, op);
    return true;
}

static void start_waiting(struct governor *governor, int64_t now, int64_t *next,
                          struct ended *ended)
{
    for (size_t p = 0; p < PRIORITIES; p++) {
        struct http_op *following;

        for (struct http_op *op = governor->waiting[p].first; op; op = following) {
            int64_t when = 0;
            int verdict = check_waiting(governor, op, now, &when);

            following = op->next;
            check_followers(governor, op, now, next, ended);
            if (verdict < 0) {
                when = when < op->deadline_ms ? when : op->deadline_ms;
                *next = when < *next ? when : *next;
                continue;
            }
            dequeue(governor, op);
            if (verdict > 0 || !start(governor, op, now)) {
                mark_ended(ended, op);
            }
        }
    }
}

/* --- the loop --- */

static void end_all(struct governor *governor, struct ended *ended)
{
    while (ended->first) {
        struct http_op *op = ended->first;
        struct error err = op->err;

        ended->first = op->next;
        op->next = NULL;
        end_op(governor, op, op->code, &err);
    }
}

static void end_stalled(struct governor *governor, struct ended *stalled)
{
    int64_t stall_ms;

    mutex_lock(&governor->mutex);
    stall_ms = governor->stall_ms;
    mutex_unlock(&governor->mutex);
    while (stalled->first) {
        struct http_op *op = stalled->first;
        struct error err;
        bool reached = true;

        stalled->first = op->next;
        op->next = NULL;
        error_clear(&op->io_error);
        (void)transfer_finish(op, CURLE_OPERATION_TIMEDOUT, &reached, &err);
        error_set(&err, ERR_UNREACHABLE, "nothing came from %s for %" PRId64 " s", op->host->name,
                  stall_ms / 1000);
        after_attempt(governor, op, ERR_UNREACHABLE, reached, &err);
    }
}

/* curl_easy_pause() may call on_data at once, so not with the mutex held. The running list changes
 * on this thread only, and nothing here changes it. */
static void resume_paused(struct governor *governor)
{
    for (struct http_op *op = governor->running.first; op; op = op->next) {
        bool is_resumed;

        mutex_lock(&governor->mutex);
        is_resumed = op->wants_resume;
        op->wants_resume = false;
        mutex_unlock(&governor->mutex);
        if (is_resumed && op->is_paused) {
            op->is_paused = false;
            op->last_activity_ms = clock_mono_ms(governor->clock);
            curl_easy_pause(op->easy, CURLPAUSE_CONT);
        }
    }
}

static void read_results(struct governor *governor)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(governor->multi, &left)) != NULL) {
        CURLcode result = message->data.result;
        struct http_op *op = NULL;
        struct error err = {0};
        bool reached = false;
        int code;

        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &op);
        mutex_lock(&governor->mutex);
        stop_transfer(governor, op);
        mutex_unlock(&governor->mutex);
        code = transfer_finish(op, result, &reached, &err);
        after_attempt(governor, op, code, reached, &err);
    }
}

/* Scopes and hosts that nobody uses: a redirect or a link can name any number of hosts. */
static void forget_idle_hosts(struct governor *governor)
{
    struct host **at = &governor->hosts;
    size_t count = 0;

    for (struct host *host = governor->hosts; host; host = host->next) {
        count++;
    }
    while (count > FORGET_ABOVE && *at) {
        struct host *host = *at;

        if (host->users > 0) {
            at = &host->next;
            continue;
        }
        *at = host->next;
        free(host->name);
        free(host);
        count--;
    }
}

static void forget_idle_scopes(struct governor *governor, int64_t now)
{
    struct scope **at = &governor->scopes;
    size_t count = 0;

    for (struct scope *scope = governor->scopes; scope; scope = scope->next) {
        count++;
    }
    while (count > FORGET_ABOVE && *at) {
        struct scope *scope = *at;

        if (scope->users > 0 || scope->paused_until_ms > now ||
            ledger_sum(&scope->ledger, now) > 0) {
            at = &scope->next;
            continue;
        }
        *at = scope->next;
        free(scope->name);
        free(scope);
        count--;
    }
}

static bool is_empty(const struct governor *governor)
{
    return !governor->running.first && governor->waiting_count == 0;
}

void *loop_run(void *payload)
{
    struct governor *governor = payload;

    for (;;) {
        struct ended ended = {NULL};
        struct ended stalled = {NULL};
        int64_t now;
        int64_t next;
        int running;
        bool is_last;

        curl_multi_perform(governor->multi, &running);
        read_results(governor);
        resume_paused(governor);
        mutex_lock(&governor->mutex);
        now = clock_mono_ms(governor->clock);
        next = now + IDLE_WAIT_MS;
        check_running(governor, now, &next, &ended, &stalled);
        start_waiting(governor, now, &next, &ended);
        forget_idle_hosts(governor);
        forget_idle_scopes(governor, now);
        is_last = governor->is_stopping && is_empty(governor) && !ended.first && !stalled.first;
        mutex_unlock(&governor->mutex);
        if (is_last) {
            return NULL;
        }
        if (ended.first || stalled.first) {
            end_all(governor, &ended);
            end_stalled(governor, &stalled);
            continue; /* slots may have become free */
        }
        now = clock_mono_ms(governor->clock);
        curl_multi_poll(governor->multi, NULL, 0, next > now ? (int)(next - now) : 0, NULL);
    }
}
