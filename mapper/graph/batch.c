#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"
#include "graph/client.h"
#include "graph/fault.h"
#include "graph/parse.h"
#include "graph/request.h"
#include "graph/retry.h"
#include "graph/token.h"
#include "mapper/graph.h"

#define BATCH_MAX 20   /* parts of one $batch (graph-facts section 3) */
#define ROUNDS_MAX 4   /* how often parts of a read that are refused alone are sent */
#define PARALLEL_MAX 4 /* batches at a time */
#define ANSWERS_MAX 100000

/* What all parts have in common. They may all be sent again: they read, or delete. */
struct parts {
    struct graph_answer *answers;
    struct account *account;
    const char *method;
    uint32_t cost_ru; /* of each */
    unsigned rounds;  /* how often parts that are refused alone are sent */
    const char *const *urls;
    const struct call *call;
};

/* One $batch: the answers of its parts go to answers[indexes[i]]. */
struct batch {
    const struct parts *parts;
    const size_t *indexes;
    size_t count;
    int64_t pause_ms; /* longest Retry-After of a part; 0: none was throttled */
    int code;
    struct error err;
    struct thread thread;
};

static void run_batch(struct batch *batch)
{
    const struct parts *parts = batch->parts;
    struct graph_request request = {
        .method = "POST",
        .cost_ru = (uint32_t)batch->count * parts->cost_ru,
        .is_idempotent = true,
    };
    struct http_response response = {0};
    int64_t retry_after_ms[BATCH_MAX];
    char *url = NULL;
    char *body = NULL;

    for (size_t i = 0; i < BATCH_MAX; i++) {
        retry_after_ms[i] = -1;
    }
    batch->code =
        str_format(&url, &batch->err, "%s/v1.0/$batch", account_graph_url(parts->account));
    if (batch->code == 0) {
        batch->code = request_batch_body(&body, parts->method, parts->urls, batch->indexes,
                                         batch->count, &batch->err);
    }
    if (batch->code == 0) {
        request.url = url;
        request.body = body;
        batch->code = graph_send(&response, parts->account, &request, parts->call, &batch->err);
    }
    if (batch->code == 0) {
        batch->code = parse_batch(parts->answers, batch->indexes, retry_after_ms, batch->count,
                                  response.body.data, response.body.size,
                                  clock_wall_ms(clock_system()), &batch->err);
    }
    for (size_t i = 0; batch->code == 0 && i < batch->count; i++) {
        int64_t wait =
            retry_part_pause(parts->answers[batch->indexes[i]].status, retry_after_ms[i]);

        batch->pause_ms = wait > batch->pause_ms ? wait : batch->pause_ms;
    }
    http_response_clear(&response);
    free(url);
    free(body);
}

static void *batch_thread(void *payload)
{
    run_batch(payload);
    return NULL;
}

/* Whether a part is worth another round. */
static bool is_pending(const struct graph_answer *answer)
{
    return answer->status == 0 || answer->status == 408 || answer->status >= 500 ||
           answer->status == 429;
}

/* Sends the batches [0, count), up to PARALLEL_MAX at a time; the first failure. */
static int run_all(struct batch *batches, size_t count, struct error *err)
{
    int code = 0;

    for (size_t first = 0; first < count && code == 0; first += PARALLEL_MAX) {
        size_t end = first + PARALLEL_MAX < count ? first + PARALLEL_MAX : count;

        for (size_t i = first + 1; i < end; i++) {
            if (thread_start(&batches[i].thread, "batch", batch_thread, &batches[i], NULL) < 0) {
                run_batch(&batches[i]); /* slower, and that is all */
            }
        }
        run_batch(&batches[first]);
        for (size_t i = first; i < end; i++) {
            thread_join(&batches[i].thread);
            if (batches[i].code < 0 && code == 0) {
                code = batches[i].code;
                if (err) {
                    *err = batches[i].err;
                }
            }
        }
    }
    return code;
}

/* One round over the answers named by `pending`. */
static int run_round(const struct parts *parts, const size_t *pending, size_t count,
                     struct error *err)
{
    size_t batch_count = (count + BATCH_MAX - 1) / BATCH_MAX;
    struct batch *batches = calloc(batch_count, sizeof(*batches));
    int64_t pause_ms = 0;
    int code;

    if (!batches) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a batch");
    }
    for (size_t i = 0; i < batch_count; i++) {
        size_t left = count - i * BATCH_MAX;

        batches[i].parts = parts;
        batches[i].indexes = pending + i * BATCH_MAX;
        batches[i].count = left < BATCH_MAX ? left : BATCH_MAX;
    }
    code = run_all(batches, batch_count, err);
    for (size_t i = 0; i < batch_count; i++) {
        pause_ms = batches[i].pause_ms > pause_ms ? batches[i].pause_ms : pause_ms;
    }
    if (pause_ms > 0) {
        /* While waiting, all traffic to the tenant waits (graph-facts section 4). */
        governor_pause(graph_governor(account_graph(parts->account)), account_scope(parts->account),
                       pause_ms);
    }
    free(batches);
    return code;
}

static void set_codes(struct graph_answer *answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct graph_answer *answer = &answers[i];

        if (answer->status == 0) {
            answer->code = ERR_PROTOCOL;
        } else if (answer->status < 400) {
            answer->code = 0;
        } else {
            answer->code =
                fault_set(answer->status, answer->body, answer->body_size, NULL, false, NULL);
        }
    }
}

static int send_parts(const struct parts *parts, size_t count, struct error *err)
{
    struct graph_answer *answers = parts->answers;
    size_t *pending;
    size_t left = count;
    int code = 0;

    memset(answers, 0, count * sizeof(*answers));
    if (count == 0) {
        return 0;
    }
    pending = count <= ANSWERS_MAX ? calloc(count, sizeof(*pending)) : NULL;
    if (!pending) {
        return error_set(err, count > ANSWERS_MAX ? ERR_LIMIT : ERR_NO_MEMORY,
                         "%zu requests are too many for a batch", count);
    }
    for (size_t i = 0; i < count; i++) {
        pending[i] = i;
    }
    code = run_round(parts, pending, left, err);
    for (unsigned round = 1; code == 0 && round < parts->rounds; round++) {
        left = 0;
        for (size_t i = 0; i < count; i++) {
            if (is_pending(&answers[i])) {
                pending[left++] = i;
            }
        }
        /* When another round cannot be had, what came in the earlier ones is the answer. */
        if (left == 0 || run_round(parts, pending, left, NULL) < 0) {
            break;
        }
    }
    free(pending);
    if (code == 0) {
        set_codes(answers, count);
    } else {
        graph_answers_clear(answers, count);
    }
    return code;
}

int graph_batch_get(struct graph_answer *answers, struct account *account, const char *const *urls,
                    size_t count, const struct call *call, struct error *err)
{
    struct parts parts = {.answers = answers,
                          .account = account,
                          .method = "GET",
                          .cost_ru = COST_ITEM,
                          .rounds = ROUNDS_MAX,
                          .urls = urls,
                          .call = call};

    return send_parts(&parts, count, err);
}

_Static_assert(GRAPH_BATCH_ITEMS <= BATCH_MAX, "they are one batch");

static int delete_code(const struct graph_answer *answer)
{
    if (answer->status / 100 == 2 || answer->code == ERR_NOT_FOUND) {
        return 0;
    }
    return answer->code < 0 ? answer->code : ERR_PROTOCOL;
}

/* Where each of them is, below the version; `urls` is the caller's to free in any case. */
static int item_urls(char *urls[GRAPH_BATCH_ITEMS], const char *drive_id,
                     const char *const *item_ids, size_t count, const char *tail, struct error *err)
{
    int code = count <= GRAPH_BATCH_ITEMS
                   ? 0
                   : error_set(err, ERR_LIMIT, "%zu items do not fit one batch", count);

    for (size_t i = 0; code == 0 && i < count; i++) {
        code = request_part_url(&urls[i], drive_id, item_ids[i], tail, err);
    }
    return code;
}

static void free_urls(char *urls[GRAPH_BATCH_ITEMS])
{
    for (size_t i = 0; i < GRAPH_BATCH_ITEMS; i++) {
        free(urls[i]);
    }
}

int graph_delete_items(int *codes, struct account *account, const char *drive_id,
                       const char *const *item_ids, size_t count, const struct call *call,
                       struct error *err)
{
    struct graph_answer answers[GRAPH_BATCH_ITEMS] = {{.status = 0}};
    char *urls[GRAPH_BATCH_ITEMS] = {NULL};
    struct parts parts = {.answers = answers,
                          .account = account,
                          .method = "DELETE",
                          .cost_ru = COST_WRITE,
                          .rounds = 1,
                          .urls = (const char *const *)urls,
                          .call = call};
    int code = item_urls(urls, drive_id, item_ids, count, NULL, err);

    code = code < 0 ? code : send_parts(&parts, count, err);
    for (size_t i = 0; code == 0 && i < count; i++) {
        codes[i] = delete_code(&answers[i]);
    }
    graph_answers_clear(answers, GRAPH_BATCH_ITEMS);
    free_urls(urls);
    return code;
}

int graph_get_items(struct graph_item *items, int *codes, struct account *account,
                    const char *drive_id, const char *const *item_ids, size_t count,
                    const struct call *call, struct error *err)
{
    struct graph_answer answers[GRAPH_BATCH_ITEMS] = {{.status = 0}};
    char *urls[GRAPH_BATCH_ITEMS] = {NULL};
    int code = item_urls(urls, drive_id, item_ids, count, "?" REQUEST_SELECT, err);

    memset(items, 0, count * sizeof(*items));
    if (code == 0) {
        code = graph_batch_get(answers, account, (const char *const *)urls, count, call, err);
    }
    for (size_t i = 0; code == 0 && i < count; i++) {
        codes[i] = answers[i].code;
        if (codes[i] == 0) {
            codes[i] = parse_item(&items[i], answers[i].body, answers[i].body_size, NULL);
        }
    }
    graph_answers_clear(answers, GRAPH_BATCH_ITEMS);
    free_urls(urls);
    return code;
}
