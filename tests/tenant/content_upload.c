/* What comes to an uploadUrl: fragments, status, commit, cancel (facts, 2.9). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "item_json.h"
#include "scan.h"
#include "upload.h"

struct range {
    int64_t first, last, total;
};

static bool parse_content_range(struct range *out, const char *text)
{
    uint64_t first;
    uint64_t last;
    uint64_t total;
    if (text == NULL || !scan_text(&text, "bytes ") || !scan_number(&text, &first) ||
        !scan_text(&text, "-") || !scan_number(&text, &last) || !scan_text(&text, "/") ||
        !scan_number(&text, &total) || *text != '\0' || last < first || last >= total) {
        return false;
    }
    *out = (struct range){(int64_t)first, (int64_t)last, (int64_t)total};
    return true;
}

static void reply_bad(const struct http_request *rq, struct http_response *rs, const char *why)
{
    http_reply_error(rq, rs, 400, "invalidRequest", NULL, "%s", why);
}

/* Whether the fragment may be written; else replied. World locked. */
static bool accepts_fragment(const struct http_request *rq, struct http_response *rs,
                             struct upload *u, const struct range *r)
{
    bool is_last = r->last + 1 == r->total;
    if (rq->body_len != (uint64_t)(r->last - r->first + 1)) {
        reply_bad(rq, rs, "The Content-Range does not fit the length of the body.");
    } else if (rq->body_len >= UPLOAD_FRAGMENT_MAX) {
        http_reply_error(rq, rs, 413, "invalidRequest", NULL, "The request message is too big.");
    } else if (u->total >= 0 && r->total != u->total) {
        reply_bad(rq, rs, "The total size must be the same in all fragments.");
    } else if (!is_last && rq->body_len % UPLOAD_FRAGMENT_UNIT != 0) {
        reply_bad(rq, rs, "The size of a fragment must be a multiple of 327680 bytes.");
    } else if (u->is_busy) {
        http_reply_error(rq, rs, 409, "conflict", NULL, "Another fragment is being received.");
    } else if (r->first != u->received) {
        http_reply_error(rq, rs, 416, "invalidRange",
                         r->first < u->received ? "fragmentOverlap" : "fragmentOutOfOrder",
                         "The uploaded fragment overlaps with existing data or is out of order.");
    } else {
        return true;
    }
    return false;
}

/* Appends the body to the session's file. On no lock; u->is_busy guards it. */
static bool write_fragment(const struct http_request *rq, const char *path, int64_t offset)
{
    enum { BLOCK = 256 * 1024 };
    if (offset == 0 && rq->body_path != NULL && rename(rq->body_path, path) == 0) {
        return true;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    char *buf = xmalloc(BLOCK);
    uint64_t at = 0;
    int64_t got = fd < 0 ? -1 : 0;
    while (fd >= 0 && (got = http_body_read(rq, at, buf, BLOCK)) > 0) {
        if (pwrite(fd, buf, (size_t)got, (off_t)(offset + (int64_t)at)) != got) {
            got = -1;
            break;
        }
        at += (uint64_t)got;
    }
    free(buf);
    return (fd < 0 || close(fd) == 0) && got == 0 && at == rq->body_len;
}

static void reply_gone(const struct http_request *rq, struct http_response *rs)
{
    http_reply_error(rq, rs, 404, "itemNotFound", NULL, "The upload session was not found.");
}

/* All bytes are there: commit, and forget the session unless that failed. World locked. */
static void finish(struct world *w, const struct http_request *rq, struct http_response *rs,
                   struct upload *u)
{
    if (upload_commit(w, rq, rs, u->user, &u->target, &u->content)) {
        upload_remove(w, u);
    }
}

static void put_fragment(struct world *w, const struct http_request *rq, struct http_response *rs,
                         struct upload *u)
{
    struct range r;
    if (!parse_content_range(&r, http_header(rq, "Content-Range"))) {
        reply_bad(rq, rs, "The Content-Range header is missing or malformed.");
        return;
    }
    if (!accepts_fragment(rq, rs, u, &r)) {
        return;
    }
    bool is_last = r.last + 1 == r.total;
    struct content *content = NULL;
    u->is_busy = true;
    world_unlock(w);
    if (u->path == NULL) {
        u->path = blob_path_new(w);
    }
    bool is_written = write_fragment(rq, u->path, r.first);
    if (is_written && is_last) {
        content = content_new_file(u->path);
    }
    world_lock(w);
    u->is_busy = false;
    u->touched_ms = world_now_ms(w);
    if (content != NULL) { /* owns the file now */
        free(u->path);
        u->path = NULL;
        u->content = content;
    }
    if (u->is_cancelled) {
        upload_remove(w, u);
        reply_gone(rq, rs);
    } else if (!is_written) {
        http_reply_error(rq, rs, 500, "generalException", NULL,
                         "The fragment could not be stored.");
    } else {
        u->total = r.total;
        u->received = r.last + 1;
        if (is_last && !u->defer_commit) {
            finish(w, rq, rs, u);
        } else {
            http_reply_json(rs, 202, upload_status_json(u));
        }
    }
}

static void dispatch(struct world *w, const struct http_request *rq, struct http_response *rs,
                     struct upload *u)
{
    if (strcmp(rq->method, "PUT") == 0) {
        put_fragment(w, rq, rs, u);
    } else if (strcmp(rq->method, "GET") == 0) {
        http_reply_json(rs, 200, upload_status_json(u));
    } else if (strcmp(rq->method, "DELETE") == 0) {
        if (u->is_busy) {
            u->is_cancelled = true;
        } else {
            upload_remove(w, u);
        }
        rs->status = 204;
    } else if (strcmp(rq->method, "POST") == 0 && u->content != NULL && !u->is_busy) {
        finish(w, rq, rs, u);
    } else {
        reply_bad(rq, rs, "The upload is not complete.");
    }
}

void upload_url_dispatch(struct world *w, const struct http_request *rq, struct http_response *rs,
                         uint64_t id)
{
    struct upload *u = upload_find(w, id);
    int64_t idle_ms = u == NULL ? 0 : world_now_ms(w) - u->touched_ms;
    if (u != NULL && !u->is_busy &&
        idle_ms > (int64_t)u->target.drive->tenant->switches.upload_seconds * 1000) {
        upload_remove(w, u);
        u = NULL;
    }
    if (u == NULL || u->is_cancelled) {
        reply_gone(rq, rs);
        return;
    }
    dispatch(w, rq, rs, u);
}
