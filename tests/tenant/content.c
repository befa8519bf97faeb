/* The content host: what preauthenticated URLs lead to. Nobody signs in here (facts, 2.7). */
#include <stdlib.h>
#include <string.h>

#include "graph_copy.h"
#include "item_json.h"
#include "preauth.h"
#include "scan.h"
#include "upload.h"

enum { AIP_EXTRA = 16 };

struct download {
    struct content_reader reader;
    uint64_t
        size; /* of the content; zeros follow when protection made it longer than its `size` says */
};

static int64_t download_read(void *payload, uint64_t offset, void *buf, size_t n)
{
    struct download *d = payload;
    if (offset >= d->size) {
        memset(buf, 0, n);
        return (int64_t)n;
    }
    return content_read(&d->reader, offset, buf, n);
}

static void download_close(void *payload)
{
    struct download *d = payload;
    content_close(&d->reader);
    free(d);
}

enum range_result {
    RANGE_ALL,
    RANGE_PART,
    RANGE_BAD,
};

/* One range; several, or what is no range, are answered with the whole file, as the standard
 * allows. */
static enum range_result parse_range(const char *text, uint64_t size, uint64_t *first,
                                     uint64_t *length)
{
    uint64_t a = 0;
    uint64_t b = size == 0 ? 0 : size - 1;
    uint64_t last;
    if (text == NULL || !scan_text(&text, "bytes=")) {
        return RANGE_ALL;
    }
    if (scan_text(&text, "-")) { /* the last so many */
        if (!scan_number(&text, &last) || *text != '\0') {
            return RANGE_ALL;
        }
        last = last < size ? last : size;
        *first = size - last;
        *length = last;
        return last > 0 ? RANGE_PART : RANGE_BAD;
    }
    if (!scan_number(&text, &a) || !scan_text(&text, "-")) {
        return RANGE_ALL;
    }
    if (*text != '\0') {
        if (!scan_number(&text, &last) || *text != '\0' || last < a) {
            return RANGE_ALL;
        }
        b = last < b ? last : b;
    }
    if (a >= size) {
        return RANGE_BAD;
    }
    *first = a;
    *length = b - a + 1;
    return RANGE_PART;
}

static void add_file_headers(struct http_response *rs, const struct item *it)
{
    char etag[64];
    char *name = url_encode(it->name);
    item_etag(etag, it);
    http_add_header(rs, "ETag", "%s", etag);
    http_add_header(rs, "Accept-Ranges", "bytes");
    http_add_header(rs, "Content-Type", "application/octet-stream");
    http_add_header(rs, "Content-Disposition", "attachment; filename*=UTF-8''%s", name);
    free(name);
}

static void send_content(const struct http_request *rq, struct http_response *rs,
                         const struct item *it, struct content *content)
{
    const struct switches *sw = &it->drive->tenant->switches;
    struct download *d = xcalloc(1, sizeof(*d));
    uint64_t total = (uint64_t)content->size;
    uint64_t first = 0;
    char etag[64];
    const char *if_range = http_header(rq, "If-Range");
    const char *range = sw->content_ignores_range ? NULL : http_header(rq, "Range");
    item_etag(etag, it);
    if (if_range != NULL && strcmp(if_range, etag) != 0) {
        range = NULL;
    }
    if (sw->aip_size_mismatch && is_office_name(it->name)) {
        total += AIP_EXTRA;
    }
    uint64_t length = total;
    enum range_result result = parse_range(range, total, &first, &length);
    if (result == RANGE_BAD) {
        free(d);
        http_add_header(rs, "Content-Range", "bytes */%llu", (unsigned long long)total);
        http_reply_error(rq, rs, 416, "invalidRange", NULL,
                         "The requested range is not satisfiable.");
        return;
    }
    if (content_open(&d->reader, content) != 0) {
        free(d);
        http_reply_error(rq, rs, 500, "generalException", NULL, "The content could not be opened.");
        return;
    }
    d->size = (uint64_t)content->size;
    add_file_headers(rs, it);
    rs->status = 200;
    if (result == RANGE_PART) {
        rs->status = 206;
        http_add_header(rs, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)first,
                        (unsigned long long)(first + length - 1), (unsigned long long)total);
    }
    rs->has_stream = true;
    rs->stream = (struct http_stream){
        .read = download_read,
        .close = download_close,
        .payload = d,
        .offset = first,
        .length = length,
    };
}

static struct content *content_of_version(struct item *it, uint32_t version)
{
    if (version == 0) {
        return it->content;
    }
    for (size_t i = 0; i < it->n_versions; i++) {
        if (it->versions[i].number == version) {
            return it->versions[i].content;
        }
    }
    return NULL;
}

/* The query must be the one that was handed out, in its order: else 401 (facts, 2.7). */
static bool query_is_ours(const struct http_request *rq, const char *tempauth)
{
    char *tail = xasprintf("&Translate=false&tempauth=%s&ApiVersion=2.0", tempauth);
    bool is_ours =
        rq->query != NULL && str_starts(rq->query, "UniqueId=") && str_ends(rq->query, tail);
    free(tail);
    return is_ours;
}

static void reply_unauthorized(struct http_response *rs)
{
    http_reply_text(rs, 401, "text/plain; charset=utf-8", "401 UNAUTHORIZED");
}

static void download(struct world *w, const struct http_request *rq, struct http_response *rs,
                     const struct preauth *p)
{
    struct drive *d = world_drive_by_index(w, p->drive);
    struct item *it = d == NULL ? NULL : store_get(d, p->serial);
    struct content *content = it == NULL || store_is_gone(it) || it->kind != ITEM_FILE
                                  ? NULL
                                  : content_of_version(it, p->version);
    if (content == NULL) {
        http_reply_text(rs, 404, "text/plain; charset=utf-8", "404 FILE NOT FOUND");
        return;
    }
    send_content(rq, rs, it, content);
}

/* A PNG of one grey pixel. */
static void send_thumbnail(struct http_response *rs)
{
    static const unsigned char png[] = {
        0x89, 'P',  'N',  'G',  0x0d, 0x0a, 0x1a, 0x0a, 0,    0,    0,    0x0d, 'I',  'H',
        'D',  'R',  0,    0,    0,    1,    0,    0,    0,    1,    8,    0,    0,    0,
        0,    0x3a, 0x7e, 0x9b, 0x55, 0,    0,    0,    0x0a, 'I',  'D',  'A',  'T',  0x78,
        0x9c, 0x63, 0x68, 0x00, 0x00, 0x00, 0x82, 0x00, 0x81, 0x77, 0xcd, 0x72, 0xb6, 0,
        0,    0,    0,    'I',  'E',  'N',  'D',  0xae, 0x42, 0x60, 0x82};
    rs->status = 200;
    http_add_header(rs, "Content-Type", "image/png");
    sb_add(&rs->body, png, sizeof(png));
}

static bool refuses_authorization(struct world *w, const struct http_request *rq,
                                  const struct preauth *p)
{
    const struct drive *d = world_drive_by_index(w, p->drive);
    return http_header(rq, "Authorization") != NULL && d != NULL &&
           !d->tenant->switches.content_accepts_authorization;
}

static void dispatch(struct world *w, const struct http_request *rq, struct http_response *rs,
                     const struct preauth *p)
{
    bool is_read = strcmp(rq->method, "GET") == 0 || strcmp(rq->method, "HEAD") == 0;
    if (p->kind == PREAUTH_UPLOAD) {
        upload_url_dispatch(w, rq, rs, p->serial);
    } else if (!is_read) {
        http_reply_error(rq, rs, 405, "invalidRequest", NULL,
                         "The HTTP method is not allowed here.");
    } else if (p->kind == PREAUTH_MONITOR) {
        copy_monitor(w, rq, rs, p->serial);
    } else if (p->kind == PREAUTH_THUMBNAIL) {
        send_thumbnail(rs);
    } else {
        download(w, rq, rs, p);
    }
}

void content_dispatch(struct world *w, const struct http_request *rq, struct http_response *rs)
{
    struct preauth p = {0};
    char *tempauth = http_query(rq, "tempauth");
    world_lock(w);
    enum preauth_result result = preauth_check(w, &p, tempauth);
    if (result == PREAUTH_OK && p.kind == PREAUTH_FILE && !query_is_ours(rq, tempauth)) {
        result = PREAUTH_FORGED;
    }
    if (result == PREAUTH_EXPIRED && p.kind == PREAUTH_UPLOAD) {
        http_reply_error(rq, rs, 401, "unauthenticated", "expiredToken",
                         "The upload URL has expired.");
    } else if (result != PREAUTH_OK) {
        reply_unauthorized(rs);
    } else if (refuses_authorization(w, rq, &p)) {
        http_reply_error(rq, rs, 401, "unauthenticated", NULL, "The caller is not authenticated.");
    } else {
        dispatch(w, rq, rs, &p);
    }
    world_unlock(w);
    free(tempauth);
}
