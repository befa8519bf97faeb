#include "graph/gather.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "graph/parse.h"
#include "graph/request.h"
#include "graph/retry.h"
#include "graph/token.h"

#define DEADLINE_MS 60000
#define POLL_MS 200 /* what call.h promises of is_cancelled */

enum part_state { PART_WAITS, PART_ALONE, PART_SENT, PART_DONE };

struct crowd;

/* One write; on the stack of who called. All but what never changes is guarded. */
struct gather_part {
    struct gather_part *next;
    const struct graph_request *request;
    const char *url; /* below the version; within request->url */
    enum call_priority priority;
    int64_t deadline_ms;
    bool is_alone; /* it goes by itself in any case */
    enum part_state state;
    struct crowd *crowd; /* SENT, DONE */
    size_t index;        /* in it */
    struct cond changed;
};

/* One batch. Its members' requests are in `body`, so that it needs none of them any more. */
struct crowd {
    struct account *account; /* lent by the members: the last one out joins the thread */
    struct gather_part *parts[GATHER_MAX]; /* guarded; NULL: it left */
    size_t count;
    size_t members; /* guarded: who have not left */
    char *url;
    char *body;
    struct call call;
    uint32_t cost_ru;
    struct thread thread;

    /* What came of it: the thread's until its parts are DONE, then nobody changes it. */
    int code;
    int status;   /* of the batch itself; 0: no answer */
    int attempts; /* ditto */
    struct error err;
    struct graph_answer answers[GATHER_MAX];
    int64_t retry_after_ms[GATHER_MAX];
};

/* --- batches --- */

static void crowd_free(struct crowd *crowd)
{
    if (crowd) {
        graph_answers_clear(crowd->answers, GATHER_MAX);
        free(crowd->url);
        free(crowd->body);
        free(crowd);
    }
}

static int fill_crowd(struct crowd *crowd, struct gather_part *const *parts)
{
    struct request_part bodies[GATHER_MAX];
    int code;

    for (size_t i = 0; i < crowd->count; i++) {
        const struct graph_request *request = parts[i]->request;

        bodies[i] = (struct request_part){.method = request->method,
                                          .url = parts[i]->url,
                                          .if_match = request->if_match,
                                          .body = request->body};
        crowd->parts[i] = parts[i];
        crowd->cost_ru += request->cost_ru;
        if (parts[i]->deadline_ms > crowd->call.deadline_ms) {
            crowd->call.deadline_ms = parts[i]->deadline_ms; /* who has less leaves earlier */
        }
    }
    code = request_writes_body(&crowd->body, bodies, crowd->count, NULL);
    return code < 0
               ? code
               : str_format(&crowd->url, NULL, "%s/v1.0/$batch", account_graph_url(crowd->account));
}

static bool is_deserted(void *payload)
{
    struct crowd *crowd = payload;
    struct gather *gather = account_gather(crowd->account);
    bool is_empty;

    mutex_lock(&gather->mutex);
    is_empty = crowd->members == 0;
    mutex_unlock(&gather->mutex);
    return is_empty;
}

static void read_answers(struct crowd *crowd, const struct http_response *response)
{
    size_t indexes[GATHER_MAX];
    int64_t pause_ms = 0;

    for (size_t i = 0; i < crowd->count; i++) {
        indexes[i] = i;
    }
    crowd->code = parse_batch(crowd->answers, indexes, crowd->retry_after_ms, crowd->count,
                              response->body.data, response->body.size,
                              clock_wall_ms(clock_system()), &crowd->err);
    for (size_t i = 0; i < crowd->count; i++) {
        int64_t own_ms = retry_part_pause(crowd->answers[i].status, crowd->retry_after_ms[i]);

        pause_ms = own_ms > pause_ms ? own_ms : pause_ms;
    }
    if (pause_ms > 0) {
        /* While waiting, all traffic to the tenant waits (graph-facts section 4). */
        governor_pause(graph_governor(account_graph(crowd->account)), account_scope(crowd->account),
                       pause_ms);
    }
}

static void free_lane(struct account *account);

static void *run_crowd(void *payload)
{
    struct crowd *crowd = payload;
    struct account *account = crowd->account;
    struct gather *gather = account_gather(account);
    struct graph_request request = {
        .method = "POST", .url = crowd->url, .body = crowd->body, .cost_ru = crowd->cost_ru};
    struct http_response response = {0};

    crowd->code = graph_send(&response, account, &request, &crowd->call, &crowd->err);
    crowd->status = response.status;
    crowd->attempts = response.attempts;
    if (crowd->code == 0) {
        read_answers(crowd, &response);
    }
    http_response_clear(&response);
    mutex_lock(&gather->mutex);
    for (size_t i = 0; i < crowd->count; i++) {
        if (crowd->parts[i]) {
            crowd->parts[i]->state = PART_DONE;
            cond_signal(&crowd->parts[i]->changed);
        }
    }
    free_lane(account);
    mutex_unlock(&gather->mutex);
    return NULL;
}

/* Sends them as one; false: for want of memory it cannot be. The mutex is held. */
static bool start_crowd(struct account *account, struct gather_part *const *parts, size_t count)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));

    if (!crowd) {
        return false;
    }
    crowd->account = account;
    crowd->count = count;
    crowd->members = count;
    crowd->call.priority = parts[0]->priority;
    crowd->call.is_cancelled = is_deserted;
    crowd->call.payload = crowd;
    for (size_t i = 0; i < GATHER_MAX; i++) {
        crowd->retry_after_ms[i] = -1;
    }
    if (fill_crowd(crowd, parts) < 0 ||
        thread_start(&crowd->thread, "gathered", run_crowd, crowd, NULL) < 0) {
        crowd_free(crowd);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        parts[i]->state = PART_SENT;
        parts[i]->crowd = crowd;
        parts[i]->index = i;
    }
    return true;
}

/* The part needs its batch no more. The mutex is held; given back for a while by the last one. */
static void leave_crowd(struct gather *gather, struct gather_part *part)
{
    struct crowd *crowd = part->crowd;
    bool is_last;

    crowd->parts[part->index] = NULL;
    part->crowd = NULL;
    is_last = --crowd->members == 0;
    if (is_last) {
        mutex_unlock(&gather->mutex);
        thread_join(&crowd->thread);
        crowd_free(crowd);
        mutex_lock(&gather->mutex);
    }
}

/* --- whose turn it is; the mutex is held in all of these --- */

static void enqueue(struct gather *gather, struct gather_part *part)
{
    part->state = PART_WAITS;
    part->next = NULL;
    *(gather->last ? &gather->last->next : &gather->first) = part;
    gather->last = part;
}

static void dequeue(struct gather *gather, const struct gather_part *part)
{
    struct gather_part *before = NULL;
    struct gather_part **at = &gather->first;

    while (*at != part) {
        before = *at;
        at = &before->next;
    }
    *at = part->next;
    gather->last = part->next ? gather->last : before;
}

/* The first one of the highest priority, and those that may go with it. */
static size_t take_next(struct gather *gather, struct gather_part **out)
{
    struct gather_part *first = gather->first;
    struct gather_part *following;
    size_t count = 0;

    for (struct gather_part *part = first; part; part = part->next) {
        first = part->priority < first->priority ? part : first;
    }
    for (struct gather_part *part = first; part && count < GATHER_MAX; part = following) {
        following = first->is_alone ? NULL : part->next;
        if (part == first || (part->priority == first->priority && !part->is_alone)) {
            dequeue(gather, part);
            out[count++] = part;
        }
    }
    return count;
}

static void fill_lanes(struct account *account)
{
    struct gather *gather = account_gather(account);
    struct gather_part *parts[GATHER_MAX];

    while (gather->first && gather->lanes < GATHER_LANES) {
        size_t count = take_next(gather, parts);

        gather->lanes++;
        if (count > 1 && start_crowd(account, parts, count)) {
            continue;
        }
        gather->lanes +=
            (unsigned)count - 1; /* each by itself after all: more than lanes for once */
        for (size_t i = 0; i < count; i++) {
            parts[i]->state = PART_ALONE;
            cond_signal(&parts[i]->changed);
        }
    }
}

static void free_lane(struct account *account)
{
    account_gather(account)->lanes--;
    fill_lanes(account);
}

/* 0, or why not to wait on. The mutex is given back for a while. */
static int check_call(struct gather *gather, const struct gather_part *part,
                      const struct call *call, struct error *err)
{
    bool is_cancelled = false;

    if (call && call->is_cancelled) {
        mutex_unlock(&gather->mutex);
        is_cancelled = call->is_cancelled(call->payload);
        mutex_lock(&gather->mutex);
    }
    if (part->state != PART_WAITS && part->state != PART_SENT) {
        return 0; /* meanwhile */
    }
    if (is_cancelled) {
        return error_set(err, ERR_CANCELLED, "cancelled");
    }
    if (clock_mono_ms(clock_system()) >= part->deadline_ms) {
        return error_set(err, ERR_TIMED_OUT, "the service did not answer in time");
    }
    return 0;
}

/* Until the part may go by itself (a lane is taken for it then) or has its answer. */
static int wait_for_turn(struct gather *gather, struct gather_part *part, const struct call *call,
                         struct error *err)
{
    int code = 0;

    while (code == 0 && (part->state == PART_WAITS || part->state == PART_SENT)) {
        code = check_call(gather, part, call, err);
        if (code == 0 && (part->state == PART_WAITS || part->state == PART_SENT)) {
            int64_t left = part->deadline_ms - clock_mono_ms(clock_system());

            cond_wait_ms(&part->changed, &gather->mutex, left < POLL_MS ? left : POLL_MS);
        }
    }
    if (code < 0 && part->state == PART_WAITS) {
        dequeue(gather, part);
    } else if (code < 0) {
        leave_crowd(gather, part);
    }
    return code;
}

/* --- what came of it --- */

/* `may_be_done`: it has to be safe to do twice. */
enum outcome { OUTCOME_FINAL, OUTCOME_AGAIN, OUTCOME_ALONE, OUTCOME_MAY_BE_DONE };

/* The batch as a whole was not answered as one. */
static enum outcome judge_crowd(const struct crowd *crowd)
{
    if (crowd->status / 100 == 4 && crowd->status != 401 && crowd->status != 408 &&
        crowd->status != 429) {
        return OUTCOME_ALONE; /* who refuses batches may take what was in it */
    }
    if (crowd->code == ERR_THROTTLED && crowd->attempts == 0) {
        return OUTCOME_ALONE; /* the limit was near, and one fits below it where many do not */
    }
    if (crowd->status == 408 || crowd->status >= 500 || crowd->code == ERR_PROTOCOL ||
        (crowd->code == ERR_UNREACHABLE && crowd->attempts < RETRY_ATTEMPTS_MAX)) {
        return OUTCOME_MAY_BE_DONE;
    }
    return OUTCOME_FINAL;
}

static enum outcome judge_part(int status, int64_t retry_after_ms)
{
    if (retry_part_pause(status, retry_after_ms) > 0) {
        return OUTCOME_AGAIN;
    }
    switch (status) {
    case 401:
    case 403:
    case 424:
        return OUTCOME_ALONE;
    case 0: /* it did not come */
    case 408:
        return OUTCOME_MAY_BE_DONE;
    default:
        return status >= 500 && status <= 504 && status != 501 ? OUTCOME_MAY_BE_DONE
                                                               : OUTCOME_FINAL;
    }
}

/* The answer of a part that is DONE, and what is left to do. Without the mutex: nobody changes the
 * answers any more, and the batch is there until the part leaves it. */
static enum outcome take_answer(struct http_response *response, const struct gather_part *part,
                                int *code, struct error *err)
{
    const struct crowd *crowd = part->crowd;
    const struct graph_answer *answer = &crowd->answers[part->index];

    http_response_clear(response);
    response->attempts = crowd->attempts;
    if (crowd->code < 0) {
        *code = crowd->code;
        if (err) {
            *err = crowd->err;
        }
        return judge_crowd(crowd);
    }
    response->status = answer->status;
    response->retry_after_ms = crowd->retry_after_ms[part->index];
    buf_init(&response->body, HTTP_BODY_MAX);
    *code = buf_add(&response->body, answer->body, answer->body_size, err);
    if (*code == 0 && answer->status == 0) {
        *code = error_set(err, ERR_PROTOCOL, "a part of a batch did not come");
    } else if (*code == 0) {
        *code = graph_judge(response, part->request, err);
    }
    return judge_part(answer->status, response->retry_after_ms);
}

/* --- the whole way --- */

static int send_alone(struct http_response *response, struct account *account,
                      const struct gather_part *part, const struct call *call, int earlier,
                      struct error *err)
{
    struct gather *gather = account_gather(account);
    int code = graph_send(response, account, part->request, call, err);

    response->attempts += earlier;
    mutex_lock(&gather->mutex);
    free_lane(account);
    mutex_unlock(&gather->mutex);
    return code;
}

static int send_part(struct http_response *response, struct account *account,
                     struct gather_part *part, const struct call *call, struct error *err)
{
    struct gather *gather = account_gather(account);
    bool was_throttled = false;
    int earlier = 0;

    for (;;) {
        enum outcome outcome;
        int code;

        mutex_lock(&gather->mutex);
        enqueue(gather, part);
        fill_lanes(account);
        code = wait_for_turn(gather, part, call, err);
        if (code < 0 || part->state == PART_ALONE) {
            mutex_unlock(&gather->mutex);
            return code < 0 ? code : send_alone(response, account, part, call, earlier, err);
        }
        mutex_unlock(&gather->mutex);
        outcome = take_answer(response, part, &code, err);
        mutex_lock(&gather->mutex);
        leave_crowd(gather, part);
        mutex_unlock(&gather->mutex);
        response->attempts += earlier;
        if (outcome == OUTCOME_FINAL ||
            (outcome == OUTCOME_MAY_BE_DONE && !part->request->is_idempotent)) {
            return code;
        }
        earlier = outcome == OUTCOME_MAY_BE_DONE ? response->attempts : earlier;
        part->is_alone = outcome != OUTCOME_AGAIN || was_throttled;
        was_throttled = true; /* the second time it is the governor's to be patient */
        http_response_clear(response);
        error_clear(err);
    }
}

int graph_send_gathered(struct http_response *response, struct account *account,
                        const struct graph_request *request, const struct call *call,
                        struct error *err)
{
    const char *base = account_graph_url(account);
    struct gather_part part = {.request = request};
    struct call own = {0};
    int code;

    memset(response, 0, sizeof(*response));
    if (!str_starts_with(request->url, base) ||
        !str_starts_with(request->url + strlen(base), "/v1.0/")) {
        return graph_send(response, account, request, call, err);
    }
    if (call) {
        own = *call;
    }
    if (own.deadline_ms == 0) { /* waiting for a lane counts */
        own.deadline_ms = clock_mono_ms(clock_system()) + DEADLINE_MS;
    }
    part.url = request->url + strlen(base) + strlen("/v1.0");
    part.priority = own.priority;
    part.deadline_ms = own.deadline_ms;
    cond_init(&part.changed);
    code = send_part(response, account, &part, &own, err);
    cond_clear(&part.changed);
    return code;
}
