/*
 * get.c - GET and HEAD: ranges, and bytes streamed out of the vfs as the client takes them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "method.h"
#include "webdav_internal.h"

/* An open file on its way to a client. */
struct sender {
    struct webdav *dav;
    struct MHD_Connection *connection;
    struct dav_watch watch;
    struct vfs_file *file;
    uint64_t id; /* held */
    uint64_t offset;
    uint64_t size;
    uint64_t version; /* that the ETag of the answer names */
};

/* A program here writes the file meanwhile: the bytes to come are not those of the ETag. */
static bool is_changed(const struct sender *s, const struct vfs_call *call)
{
    struct vfs_attr now;

    return vfs_getattr(s->dav->vfs, &now, s->id, s->file, call, NULL) < 0 ||
           now.version != s->version;
}

static ssize_t send_more(void *payload, uint64_t at, char *out, size_t room)
{
    struct sender *s = payload;
    struct vfs_call call = {.deadline_ms = clock_mono_ms(clock_system()) + s->dav->deadline_ms,
                            .is_cancelled = dav_is_cancelled,
                            .payload = &s->watch};
    struct error err = {0};
    size_t got = 0;
    int code = 0;

    if (at >= s->size) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (room > s->size - at) {
        room = (size_t)(s->size - at);
    }
    code = vfs_read(s->dav->vfs, s->file, out, room, s->offset + at, &got, &call, &err);
    dav_touch(s->connection);
    if (code < 0 || got == 0 ||
        is_changed(s, &call)) { /* the length was promised: the connection breaks */
        if (code < 0 && code != ERR_CANCELLED) {
            log_error(LOG_TRANSPORT, &err, "WebDAV GET");
        }
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    return (ssize_t)got;
}

static void sender_free(void *payload)
{
    struct sender *s = payload;

    vfs_close(s->dav->vfs, s->file);
    vfs_forget(s->dav->vfs, s->id, 1);
    free(s);
}

static bool read_number(const char **at, uint64_t *out)
{
    uint64_t value = 0;
    const char *begin = *at;

    while (**at >= '0' && **at <= '9') {
        if (value > (UINT64_MAX - 9) / 10) {
            return false;
        }
        value = value * 10 + (uint64_t)(**at - '0');
        ++*at;
    }
    *out = value;
    return *at > begin;
}

/* One range of bytes. 206 with the range, 416, or 200: no range, several, or a malformed one, for
 * all of which the whole is a right answer (RFC 9110, 14.2). */
static int read_range(const char *header, uint64_t size, uint64_t *offset, uint64_t *length)
{
    uint64_t first = 0;
    uint64_t last = 0;

    if (!header || strncmp(header, "bytes=", 6) != 0) {
        return 200;
    }
    header += 6;
    if (*header == '-') {
        header++;
        if (!read_number(&header, &last) || *header) {
            return 200;
        }
        if (last == 0 || size == 0) {
            return 416;
        }
        first = last < size ? size - last : 0;
        last = size - 1;
    } else {
        if (!read_number(&header, &first) || *header++ != '-') {
            return 200;
        }
        if (!*header) {
            last = UINT64_MAX;
        } else if (!read_number(&header, &last) || *header || last < first) {
            return 200;
        }
        if (first >= size) {
            return 416;
        }
        last = last < size ? last : size - 1;
    }
    *offset = first;
    *length = last - first + 1;
    return 206;
}

/* If-Range: only a strong match lets a range through. */
static bool is_range_meant(const struct dav_request *r, const struct vfs_attr *attr)
{
    const char *condition = dav_request_header(r, "If-Range");
    char etag[DAV_ETAG_SIZE];
    int64_t ms = 0;

    dav_etag(etag, attr);
    return !condition || strcmp(condition, etag) == 0 ||
           (clock_parse_http_date(condition, &ms) && attr->modified_ms / 1000 == ms / 1000);
}

static void describe(struct dav_request *r, const struct vfs_attr *attr)
{
    char etag[DAV_ETAG_SIZE];
    char date[DAV_DATE_SIZE];

    dav_etag(etag, attr);
    dav_http_date(date, attr->modified_ms);
    dav_header(r, "ETag", "%s", etag);
    dav_header(r, "Last-Modified", "%s", date);
    dav_header(r, "Accept-Ranges", "bytes");
}

/* Takes file and hold. */
static int answer(struct dav_request *r, const struct vfs_attr *attr, struct vfs_file *file)
{
    struct sender *s = calloc(1, sizeof(*s));
    uint64_t offset = 0;
    uint64_t length = attr->size_bytes;
    int status = 200;

    if (!s) {
        vfs_close(r->dav->vfs, file);
        dav_forget(r, attr);
        return error_set(&r->err, ERR_NO_MEMORY, "no memory for a download");
    }
    if (is_range_meant(r, attr)) {
        status = read_range(dav_request_header(r, "Range"), attr->size_bytes, &offset, &length);
    }
    *s = (struct sender){.dav = r->dav,
                         .connection = r->connection,
                         .watch = r->watch,
                         .file = file,
                         .id = attr->id,
                         .offset = offset,
                         .size = length,
                         .version = attr->version};
    s->watch.until_answer = true;
    if (status == 416) {
        dav_header(r, "Content-Range", "bytes */%llu", (unsigned long long)attr->size_bytes);
        sender_free(s);
        return dav_status(r, 416, "the file has no such bytes");
    }
    describe(r, attr);
    if (status == 206) {
        dav_header(r, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)offset,
                   (unsigned long long)(offset + length - 1), (unsigned long long)attr->size_bytes);
    }
    r->response = MHD_create_response_from_callback(length, DAV_BLOCK, send_more, s, sender_free);
    if (!r->response) {
        sender_free(s);
        return error_set(&r->err, ERR_NO_MEMORY, "no memory for a download");
    }
    MHD_add_response_header(r->response, "Content-Type", "application/octet-stream");
    return status;
}

/* attr has the hold, which is taken. */
static int get_file(struct dav_request *r, struct vfs_attr *attr)
{
    struct vfs_call call = dav_call(r);
    struct vfs_file *file = NULL;
    int result = dav_check_preconditions(r, attr);

    if (result == 304) {
        describe(r, attr);
    }
    if (result == 0 && attr->is_blocked) {
        result = dav_status(r, 403, "the file is larger than policy allows to open");
    }
    if (result == 0) {
        result = vfs_open(r->dav->vfs, &file, attr->id, VFS_READ, &call, &r->err);
        result = result == ERR_TOO_LARGE ? dav_status(r, 403, "%s", r->err.message) : result;
    }
    if (result == 0) { /* size and ETag are those of what is read */
        struct vfs_attr opened;

        result = vfs_getattr(r->dav->vfs, &opened, attr->id, file, &call, &r->err);
        opened.id = attr->id;
        if (result == 0) {
            return answer(r, &opened, file);
        }
        vfs_close(r->dav->vfs, file);
    }
    dav_forget(r, attr);
    return result;
}

/* What HEAD says needs no open file, which may cost a request to the cloud. */
static int head_file(struct dav_request *r, struct vfs_attr *attr)
{
    int result = dav_check_preconditions(r, attr);

    if (result == 0 || result == 304) {
        describe(r, attr);
    }
    if (result == 0) {
        r->response = MHD_create_response_from_callback(attr->size_bytes, 1, send_more, NULL, NULL);
        result = r->response ? 200 : error_set(&r->err, ERR_NO_MEMORY, "no memory for an answer");
    }
    if (r->response) {
        MHD_add_response_header(r->response, "Content-Type", "application/octet-stream");
    }
    dav_forget(r, attr);
    return result;
}

int dav_get(struct dav_request *r)
{
    struct vfs_attr attr;
    int code = dav_lookup(r, &attr, r->path, &r->err);
    int result = 0;

    if (code < 0) {
        return code;
    }
    result = dav_check_if(r);
    if (result != 0) {
        dav_forget(r, &attr);
        return result;
    }
    if (dav_is_folder(&attr)) { /* browsers are not served, see guard.c */
        dav_forget(r, &attr);
        return dav_status(r, 200, "This is a folder; WebDAV clients list it with PROPFIND.");
    }
    return strcmp(r->method->name, "HEAD") == 0 ? head_file(r, &attr) : get_file(r, &attr);
}
