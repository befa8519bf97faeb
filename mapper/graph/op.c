#include "graph/op.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "base/str.h"

static int add_header(struct http_op *op, const char *text, struct error *err)
{
    struct curl_slist *longer;

    if (strpbrk(text, "\r\n")) {
        return error_set(err, ERR_INVALID, "a request header holds a line end");
    }
    longer = curl_slist_append(op->headers, text);
    if (!longer) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a request");
    }
    op->headers = longer;
    return 0;
}

static int copy_headers(struct http_op *op, const struct http_request *request, struct error *err)
{
    bool has_type = false;
    char *bearer = NULL;
    int code = add_header(op, "Expect:", err);

    for (size_t i = 0; code == 0 && request->headers && request->headers[i]; i++) {
        has_type = has_type || strncasecmp(request->headers[i], "Content-Type:", 13) == 0;
        code = add_header(op, request->headers[i], err);
    }
    if (code == 0 && !has_type) {
        code = add_header(op, "Content-Type:", err); /* curl would call every body a form */
    }
    if (code == 0 && request->bearer) {
        code = str_format(&bearer, err, "Authorization: Bearer %s", request->bearer);
        if (code == 0) {
            code = add_header(op, bearer, err);
        }
        op->has_bearer = code == 0;
        secret_free(&bearer);
    }
    return code;
}

/* Two GETs are the same when everything that is sent is. */
static uint64_t flight_key(const struct http_op *op)
{
    uint64_t key = str_hash(op->url) * 31 + op->max_body + op->keeps_redirect;

    for (const struct curl_slist *h = op->headers; h; h = h->next) {
        key = key * 31 + str_hash(h->data);
    }
    return key ? key : 1;
}

static int copy_body(struct http_op *op, const struct http_request *request, struct error *err)
{
    op->read = request->read;
    op->read_payload = request->read_payload;
    op->read_size = request->read_size;
    if (op->read || request->body_size == 0) {
        return 0;
    }
    op->body = malloc(request->body_size);
    if (!op->body) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a request of %zu bytes",
                         request->body_size);
    }
    memcpy(op->body, request->body, request->body_size);
    op->body_size = request->body_size;
    return 0;
}

int op_new(struct http_op **out, struct governor *governor, const struct clock *clock,
           const struct http_request *request, const struct http_stream_callbacks *callbacks,
           struct error *err)
{
    struct http_op *op = calloc(1, sizeof(*op));
    int code;

    if (!op) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a request");
    }
    op->governor = governor;
    op->clock = clock;
    op->references = 1;
    cond_init(&op->done);
    op->priority = request->priority;
    op->cost_ru = request->cost_ru;
    op->deadline_ms =
        request->deadline_ms ? request->deadline_ms : clock_mono_ms(clock) + OP_DEADLINE_MS;
    op->is_idempotent = request->is_idempotent || strcmp(request->method, "GET") == 0;
    op->keeps_redirect = request->keeps_redirect;
    op->max_body = request->max_body ? request->max_body : HTTP_BODY_MAX;
    op->reader = request->reader;
    op->response.body.limit = op->max_body;
    op->response.content_length = -1;
    op->response.retry_after_ms = -1;
    if (callbacks) {
        op->callbacks = *callbacks;
        op->is_stream = true;
    }
    code = str_copy(&op->method, request->method, err);
    if (code == 0) {
        code = str_copy(&op->url, request->url, err);
    }
    if (code == 0) {
        code = copy_headers(op, request, err);
    }
    if (code == 0) {
        code = copy_body(op, request, err);
    }
    if (code < 0) {
        op_free(op);
        return code;
    }
    if (request->is_single_flight && !callbacks && strcmp(op->method, "GET") == 0) {
        op->flight_key = flight_key(op);
    }
    *out = op;
    return 0;
}

bool op_is_same(const struct http_op *a, const struct http_op *b)
{
    const struct curl_slist *x = a->headers;
    const struct curl_slist *y = b->headers;

    if (a->flight_key != b->flight_key || !str_equal(a->url, b->url) ||
        a->keeps_redirect != b->keeps_redirect || a->max_body != b->max_body) {
        return false;
    }
    for (; x && y; x = x->next, y = y->next) {
        if (strcmp(x->data, y->data) != 0) {
            return false;
        }
    }
    return x == y;
}

void op_free(struct http_op *op)
{
    transfer_drop(op);
    if (op->has_bearer) {
        for (struct curl_slist *h = op->headers; h; h = h->next) {
            if (!h->next) {
                secret_wipe(h->data, strlen(h->data)); /* the bearer is the last */
            }
        }
    }
    curl_slist_free_all(op->headers);
    free(op->method);
    free(op->url);
    secret_wipe(op->body, op->body_size); /* may be a form with a refresh token */
    free(op->body);
    http_response_clear(&op->response);
    cond_clear(&op->done);
    free(op);
}

static int copy_text(char **out, const char *text)
{
    return str_copy(out, text, NULL);
}

int op_copy_response(struct http_response *out, const struct http_response *from)
{
    memset(out, 0, sizeof(*out));
    out->status = from->status;
    out->content_length = from->content_length;
    out->retry_after_ms = from->retry_after_ms;
    out->attempts = from->attempts;
    buf_init(&out->body, from->body.limit);
    if (copy_text(&out->location, from->location) < 0 ||
        copy_text(&out->www_authenticate, from->www_authenticate) < 0 ||
        copy_text(&out->content_range, from->content_range) < 0 ||
        copy_text(&out->request_id, from->request_id) < 0 ||
        copy_text(&out->virus, from->virus) < 0 || copy_text(&out->etag, from->etag) < 0 ||
        buf_add(&out->body, from->body.data, from->body.size, NULL) < 0) {
        http_response_clear(out);
        return ERR_NO_MEMORY;
    }
    return 0;
}
