/*
 * request.c - what methods need of a request, and how its answer is put together.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "method.h"
#include "webdav_internal.h"

#define ERROR_BODY_TYPE "text/plain; charset=utf-8"

bool dav_is_cancelled(void *payload)
{
    const struct dav_watch *watch = payload;

    return atomic_load(&watch->dav->is_cancelling) ||
           (watch->until_answer && dav_is_hung_up(watch->socket));
}

static struct vfs_call call_for(struct dav_request *r, int64_t wait_ms, bool until_answer)
{
    r->watch.until_answer = until_answer;
    return (struct vfs_call){.deadline_ms =
                                 wait_ms > 0 ? clock_mono_ms(clock_system()) + wait_ms : 0,
                             .is_cancelled = dav_is_cancelled,
                             .payload = &r->watch};
}

struct vfs_call dav_call(struct dav_request *r)
{
    return call_for(r, r->dav->deadline_ms, true);
}

struct vfs_call dav_save_call(struct dav_request *r)
{
    return call_for(r, r->dav->save_deadline_ms, false);
}

const char *dav_request_header(const struct dav_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

void dav_header(struct dav_request *r, const char *name, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    int length = 0;

    va_start(args, fmt);
    length = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (length >= 0 && (size_t)length < sizeof(text)) {
        dav_header_text(r, name, text);
    }
}

void dav_header_text(struct dav_request *r, const char *name, const char *value)
{
    if (r->header_count < DAV_HEADERS_MAX &&
        str_copy(&r->headers[r->header_count].value, value, NULL) == 0) {
        r->headers[r->header_count++].name = name;
    }
}

int dav_status(struct dav_request *r, int status, const char *fmt, ...)
{
    char text[240];
    va_list args;

    va_start(args, fmt);
    if (vsnprintf(text, sizeof(text), fmt, args) < 0) {
        text[0] = '\0';
    }
    va_end(args);
    buf_reset(&r->out);
    r->type = ERROR_BODY_TYPE;
    buf_add_format(&r->out, NULL, "%s\n", text);
    return status;
}

int dav_precondition(struct dav_request *r, int status, const char *condition)
{
    buf_reset(&r->out);
    r->type = "application/xml; charset=utf-8";
    buf_add_format(&r->out, NULL,
                   "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:error xmlns:D=\"DAV:\"><D:%s/>"
                   "</D:error>\n",
                   condition);
    return status;
}

int dav_http_status(int code)
{
    static const struct {
        int code;
        int status;
    } table[] = {
        {ERR_TOO_LARGE, 413},     {ERR_READ_ONLY, 403},     {ERR_DENIED, 403},
        {ERR_LOCKED, 423},        {ERR_NAME_TOO_LONG, 414}, {ERR_BAD_NAME, 400},
        {ERR_INVALID, 400},       {ERR_CROSS_LIBRARY, 502}, {ERR_NO_SPACE, 507},
        {ERR_NOT_PERMITTED, 403}, {ERR_NOT_FOUND, 404},     {ERR_EXISTS, 405},
        {ERR_NOT_EMPTY, 409},     {ERR_IS_FOLDER, 405},     {ERR_NOT_FOLDER, 404},
        {ERR_STALE, 404},         {ERR_CHANGED, 412},       {ERR_TIMED_OUT, 504},
        {ERR_UNREACHABLE, 503},   {ERR_THROTTLED, 503},     {ERR_SIGNED_OUT, 503},
        {ERR_CANCELLED, 503},     {ERR_NO_MEMORY, 503},     {ERR_LIMIT, 503},
        {ERR_BUSY, 503},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].code == code) {
            return table[i].status;
        }
    }
    return 500;
}

void dav_touch(struct MHD_Connection *connection)
{
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)DAV_TIMEOUT_S);
}

static struct MHD_Response *response_of(struct dav_request *r)
{
    struct MHD_Response *response = r->response;
    size_t size = r->out.size;
    char *data = NULL;

    if (response) {
        r->response = NULL;
        return response;
    }
    data = size > 0 ? buf_take(&r->out) : NULL;
    response =
        MHD_create_response_from_buffer(size, data ? data : (void *)(uintptr_t) "",
                                        data ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!response) {
        free(data);
    } else if (size > 0 && r->type) {
        MHD_add_response_header(response, "Content-Type", r->type);
    }
    return response;
}

enum MHD_Result dav_send(struct dav_request *r, int result)
{
    struct MHD_Response *response = NULL;
    enum MHD_Result sent = MHD_NO;

    r->is_done = true;
    if (result < 0) {
        int status = dav_http_status(result);

        if (status == 414 && dav_request_header(r, "Destination")) {
            status = 400; /* only of the request's own address (RFC 4918, 12.2) */
        }
        if ((status == 500 || status == 503 || status == 504) && result != ERR_CANCELLED) {
            log_error(LOG_TRANSPORT, &r->err, "WebDAV %s", r->method ? r->method->name : "request");
        }
        result =
            dav_status(r, status, "%s", r->err.message[0] ? r->err.message : error_text(result));
    }
    response = response_of(r);
    if (!response) {
        return MHD_NO;
    }
    for (size_t i = 0; i < r->header_count; i++) {
        MHD_add_response_header(response, r->headers[i].name, r->headers[i].value);
    }
    if (result == 503) {
        MHD_add_response_header(response, "Retry-After", "10");
    }
    dav_touch(r->connection);
    sent = MHD_queue_response(r->connection, (unsigned)result, response);
    MHD_destroy_response(response);
    return sent;
}

int dav_read_uri(struct dav_request *r, char **out, const char *uri, bool *is_outside)
{
    const size_t length = DAV_SECRET_SIZE - 1;
    char *path = NULL;
    bool is_good = true;
    int code = dav_path_from_uri(&path, uri, dav_is_us, r->dav, &r->err);

    if (code == 0 && r->dav->secret_in_path) {
        size_t segment = path[0] ? strcspn(path + 1, "/") : 0;

        is_good = dav_is_secret(r->dav->secret, path + (path[0] != '\0'), segment);
        if (is_good) {
            memmove(path, path + 1 + length, strlen(path + 1 + length) + 1);
        }
    }
    if (is_outside) {
        *is_outside = !is_good;
    } else if (code == 0 && !is_good) {
        code = error_set(&r->err, ERR_CROSS_LIBRARY, "a URI of the request leads elsewhere");
    }
    if (code < 0) {
        free(path);
        return code;
    }
    *out = path;
    return 0;
}

int dav_write_href(const struct webdav *dav, struct buf *out, const char *path, bool is_folder,
                   struct error *err)
{
    int code = dav->secret_in_path ? buf_add_format(out, err, "/%s", dav->secret) : 0;

    return code < 0 ? code : dav_path_encode(out, path, is_folder, err);
}

/* "127.0.0.1:PORT" or "localhost:PORT": a name that an attacker chose (DNS rebinding) is neither. */
bool dav_is_us(void *payload, const char *host, size_t length)
{
    static const char *const names[] = {"127.0.0.1", "localhost"};
    const struct webdav *dav = payload;
    char want[64];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int size = snprintf(want, sizeof(want), "%s:%u", names[i], (unsigned)dav->port);

        if ((size_t)size == length && strncasecmp(want, host, length) == 0) {
            return true;
        }
        if (dav->port == 80 && length == strlen(names[i]) &&
            strncasecmp(names[i], host, length) == 0) {
            return true;
        }
    }
    return false;
}
