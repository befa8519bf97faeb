#include "http.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server.h"

const char *http_header(const struct http_request *rq, const char *name)
{
    return rq->get_header ? rq->get_header(rq, name) : NULL;
}

/* The length of `name` at the start of a query part, '$' (also as %24) optional on both sides; 0 if
 * it differs. */
static size_t match_name(const char *part, const char *name)
{
    const char *p = part;
    size_t n;

    name += *name == '$';
    if (*p == '$') {
        p++;
    } else if (str_starts(p, "%24")) {
        p += 3;
    }
    n = strlen(name);
    return strncmp(p, name, n) == 0 && p[n] == '=' ? (size_t)(p - part) + n + 1 : 0;
}

char *http_query(const struct http_request *rq, const char *name)
{
    const char *q = rq->query;

    while (q && *q != '\0') {
        size_t len = strcspn(q, "&");
        size_t skip = match_name(q, name);

        if (skip > 0) {
            return url_decode_form(q + skip, len - skip);
        }
        q += len;
        q += *q == '&';
    }
    return NULL;
}

int64_t http_query_int(const struct http_request *rq, const char *name, int64_t fallback)
{
    char *text = http_query(rq, name);
    char *end = NULL;
    int64_t value = fallback;

    if (text && *text != '\0') {
        errno = 0;
        value = strtoll(text, &end, 10);
        if (errno != 0 || *end != '\0') {
            value = fallback;
        }
    }
    free(text);
    return value;
}

bool http_prefers(const struct http_request *rq, const char *token)
{
    const char *prefer = http_header(rq, "Prefer");

    return prefer && str_ifind(prefer, token);
}

int64_t http_body_read(const struct http_request *rq, uint64_t offset, void *buf, size_t n)
{
    int64_t got;
    int fd;

    if (offset >= rq->body_len) {
        return 0;
    }
    if (n > rq->body_len - offset) {
        n = (size_t)(rq->body_len - offset);
    }
    if (!rq->body_path) {
        memcpy(buf, (const char *)rq->body + offset, n);
        return (int64_t)n;
    }
    fd = open(rq->body_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    got = pread(fd, buf, n, (off_t)offset);
    close(fd);
    return got;
}

cJSON *http_body_json(const struct http_request *rq)
{
    if (rq->body_path || !rq->body) {
        return NULL;
    }
    return cJSON_ParseWithLength(rq->body, (size_t)rq->body_len);
}

static void drop_body(struct http_response *rs)
{
    cJSON_Delete(rs->json);
    rs->json = NULL;
    sb_clear(&rs->body);
    if (rs->has_stream && rs->stream.close) {
        rs->stream.close(rs->stream.payload);
    }
    rs->has_stream = false;
}

void http_response_clear(struct http_response *rs)
{
    drop_body(rs);
    for (size_t i = 0; i < rs->n_headers; i++) {
        free(rs->headers[i].name);
        free(rs->headers[i].value);
    }
    free(rs->headers);
    *rs = (struct http_response){0};
}

void http_add_header(struct http_response *rs, const char *name, const char *fmt, ...)
{
    struct strbuf value = {0};
    va_list ap;

    va_start(ap, fmt);
    sb_vprintf(&value, fmt, ap);
    va_end(ap);
    rs->headers = xrealloc(rs->headers, (rs->n_headers + 1) * sizeof(*rs->headers));
    rs->headers[rs->n_headers].name = xstrdup(name);
    rs->headers[rs->n_headers].value = sb_take(&value);
    rs->n_headers++;
}

void http_reply_json(struct http_response *rs, int status, cJSON *json)
{
    drop_body(rs);
    rs->status = status;
    rs->json = json;
}

void http_reply_text(struct http_response *rs, int status, const char *type, const char *text)
{
    drop_body(rs);
    rs->status = status;
    http_add_header(rs, "Content-Type", "%s", type);
    sb_puts(&rs->body, text);
}

void http_reply_redirect(struct http_response *rs, int status, const char *location)
{
    drop_body(rs);
    rs->status = status;
    http_add_header(rs, "Location", "%s", location);
}

void http_reply_error(const struct http_request *rq, struct http_response *rs, int status,
                      const char *code, const char *inner, const char *fmt, ...)
{
    bool small_e = (rq->role == ROLE_CONTENT) != server_swaps_inner_error(rq);
    const char *client_id = http_header(rq, "client-request-id");
    cJSON *root = cJSON_CreateObject();
    cJSON *error = cJSON_AddObjectToObject(root, "error");
    struct strbuf text = {0};
    char date[32];
    char id[37];
    cJSON *in;
    va_list ap;

    va_start(ap, fmt);
    sb_vprintf(&text, fmt, ap);
    va_end(ap);
    random_guid(id);
    format_iso(date, now_ms() / 1000);
    date[19] = '\0'; /* the facts show this one without Z */
    cJSON_AddStringToObject(error, "code", code);
    cJSON_AddStringToObject(error, "message", text.data ? text.data : "");
    sb_clear(&text);
    in = cJSON_AddObjectToObject(error, small_e ? "innererror" : "innerError");
    if (inner) {
        cJSON_AddStringToObject(in, "code", inner);
    }
    cJSON_AddStringToObject(in, "date", date);
    cJSON_AddStringToObject(in, "request-id", id);
    cJSON_AddStringToObject(in, "client-request-id", client_id ? client_id : id);
    http_reply_json(rs, status, root);
}
