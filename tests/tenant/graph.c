/*
 * graph.c - which handler answers a Graph request, and $batch.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server.h"
#include "world.h"

#define MAX_BATCH 20

static void answer_batch(struct server *s, const struct http_request *rq, struct http_response *rs);

void graph_dispatch(struct world *w, const struct http_request *rq, struct http_response *rs)
{
    if (strcmp(rq->path, "/$batch") == 0 || strcmp(rq->path, "/%24batch") == 0) {
        answer_batch(rq->server, rq, rs);
        return;
    }
    if (graph_misc_dispatch(w, rq, rs) || graph_items_dispatch(w, rq, rs)) {
        return;
    }
    http_reply_error(rq, rs, 400, "BadRequest", NULL, "Resource not found for the segment '%s'.",
                     rq->path + 1);
}

/* --- $batch --------------------------------------------------------------------------------------
 */

enum part_state { PART_WAITS, PART_RUNS, PART_DONE };

struct part {
    const cJSON *spec;
    const char *id;
    enum part_state state;
    bool has_failed;
    cJSON *answer;
};

static const char *text_of(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static const char *part_header(const struct http_request *rq, const char *name)
{
    const struct part *part = rq->payload;
    const cJSON *h;

    cJSON_ArrayForEach(h, cJSON_GetObjectItemCaseSensitive(part->spec, "headers"))
    {
        if (cJSON_IsString(h) && str_ieq(h->string, name)) {
            return h->valuestring;
        }
    }
    return NULL;
}

/* The body of an inner request: JSON, or base64url text of something else. For the caller to free.
 */
static char *part_body(const struct part *part, size_t *n)
{
    const cJSON *body = cJSON_GetObjectItemCaseSensitive(part->spec, "body");
    char *text = NULL;

    *n = 0;
    if (cJSON_IsString(body)) {
        text = base64url_decode(body->valuestring, strlen(body->valuestring), n);
    } else if (body) {
        text = cJSON_PrintUnformatted(body);
        *n = strlen(text);
    }
    return text;
}

/* The "headers" and "body" of an inner answer. */
static cJSON *answer_json(const struct part *part, struct http_response *rs)
{
    cJSON *out = cJSON_CreateObject();
    cJSON *headers;

    cJSON_AddStringToObject(out, "id", part->id);
    cJSON_AddNumberToObject(out, "status", rs->status);
    headers = cJSON_AddObjectToObject(out, "headers");
    for (size_t i = 0; i < rs->n_headers; i++) {
        cJSON_AddStringToObject(headers, rs->headers[i].name, rs->headers[i].value);
    }
    if (rs->json) {
        if (!cJSON_GetObjectItem(headers, "Content-Type")) {
            cJSON_AddStringToObject(headers, "Content-Type", "application/json");
        }
        cJSON_AddItemToObject(out, "body", rs->json);
        rs->json = NULL;
    } else if (rs->body.len > 0) {
        char *text = base64_encode(rs->body.data, rs->body.len);

        cJSON_AddStringToObject(out, "body", text);
        free(text);
    }
    return out;
}

static void run_part(struct server *s, const struct http_request *outer, struct part *part)
{
    const char *url = text_of(part->spec, "url");
    char *target = xasprintf("%s%s", *url == '/' ? "" : "/", url);
    char *mark = strchr(target, '?');
    struct http_response rs = {0};
    struct http_request rq = *outer;
    struct fault fault;
    struct grant grant = {0};
    size_t n = 0;
    char *body = part_body(part, &n);
    int64_t begin = mono_ns();
    struct log_facts facts;

    if (mark) {
        *mark = '\0';
    }
    rq.method = text_of(part->spec, "method");
    rq.path = target;
    rq.query = mark ? mark + 1 : NULL;
    rq.body = body;
    rq.body_len = n;
    rq.body_path = NULL;
    rq.in_batch = true;
    rq.get_header = part_header;
    rq.payload = part;
    server_match_fault(s, &rq, &fault);
    fault.is_reset = false; /* the connection is the outer request's */
    fault.stall_ms = 0;
    fault.truncate_after = -1;
    if (cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(part->spec, "body")) &&
        !part_header(&rq, "Content-Type")) {
        http_reply_error(&rq, &rs, 400, "BadRequest", NULL,
                         "Write request id : %s does not contain Content-Type header or body.",
                         part->id);
    } else if (str_starts(target, "/$batch")) {
        http_reply_error(&rq, &rs, 400, "BadRequest", NULL, "A batch inside a batch.");
    } else {
        server_answer(s, &rq, &rs, &fault, &grant);
    }
    part->has_failed = rs.status >= 400;
    facts = (struct log_facts){
        .ms = (double)(mono_ns() - begin) / 1e6, .bytes_in = (int64_t)n, .fault_rule = fault.rule};
    server_log(s, &rq, &rs, &facts);
    part->answer = answer_json(part, &rs);
    part->state = PART_DONE;
    http_response_clear(&rs);
    fault_clear(&fault);
    grant_clear(&grant);
    free(body);
    free(target);
}

static struct part *find_part(struct part *parts, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(parts[i].id, id) == 0) {
            return &parts[i];
        }
    }
    return NULL;
}

/* Runs what it depends on first, then the part itself. A cycle fails. */
static void finish_part(struct server *s, const struct http_request *rq, struct part *parts,
                        size_t n, struct part *part)
{
    const cJSON *dep;
    bool failed = false;

    if (part->state != PART_WAITS) {
        return;
    }
    part->state = PART_RUNS;
    cJSON_ArrayForEach(dep, cJSON_GetObjectItemCaseSensitive(part->spec, "dependsOn"))
    {
        struct part *before = cJSON_IsString(dep) ? find_part(parts, n, dep->valuestring) : NULL;

        if (before) {
            finish_part(s, rq, parts, n, before);
        }
        failed = failed || !before || before->state != PART_DONE || before->has_failed;
    }
    if (failed) {
        struct http_response rs = {0};

        /* The code's text is not known from the service (facts, section 3). */
        http_reply_error(rq, &rs, 424, "FailedDependency", NULL,
                         "A request this one depends on failed.");
        part->has_failed = true;
        part->answer = answer_json(part, &rs);
        part->state = PART_DONE;
        http_response_clear(&rs);
        return;
    }
    run_part(s, rq, part);
}

/* What makes the whole batch a 400; NULL if nothing. */
static const char *batch_problem(const cJSON *requests, struct part *parts, size_t *n)
{
    const cJSON *one;

    if (!cJSON_IsArray(requests)) {
        return "Invalid batch payload format.";
    }
    if (cJSON_GetArraySize(requests) > MAX_BATCH) {
        return "Number of batch request steps exceeds the maximum value of 20.";
    }
    cJSON_ArrayForEach(one, requests)
    {
        const char *id = text_of(one, "id");

        if (!id || !text_of(one, "method") || !text_of(one, "url")) {
            return "Each request needs id, method and url.";
        }
        if (find_part(parts, *n, id)) {
            return "Request ids must be unique.";
        }
        parts[(*n)++] = (struct part){.spec = one, .id = id};
    }
    return NULL;
}

static void answer_batch(struct server *s, const struct http_request *rq, struct http_response *rs)
{
    struct part parts[MAX_BATCH];
    size_t n = 0;
    cJSON *root = strcmp(rq->method, "POST") == 0 ? http_body_json(rq) : NULL;
    const cJSON *requests = cJSON_GetObjectItemCaseSensitive(root, "requests");
    const char *problem = batch_problem(requests, parts, &n);
    cJSON *out;
    cJSON *list;

    if (problem) {
        http_reply_error(rq, rs, 400, "BadRequest", NULL, "%s", problem);
        cJSON_Delete(root);
        return;
    }
    out = cJSON_CreateObject();
    list = cJSON_AddArrayToObject(out, "responses");
    for (size_t i = 0; i < n; i++) {
        finish_part(s, rq, parts, n, &parts[i]);
    }
    /* Answers come in no order of theirs: last first, so that nobody relies on the order. */
    for (size_t i = n; i > 0; i--) {
        cJSON_AddItemToArray(list, parts[i - 1].answer);
    }
    http_reply_json(rs, 200, out);
    cJSON_Delete(root);
}
