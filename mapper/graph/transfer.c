#include "graph/op.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "graph/proxy.h"
#include "graph/retry.h"
#include "graph/trust.h"

#define CONNECT_TIMEOUT_MS 15000L
#define REDIRECTS_MAX 5L
#define HEADER_MAX 8192u             /* longer values are dropped */
#define FAILURE_BODY_MAX (64u << 10) /* kept of what a non-2xx answer says */

static bool is_loopback(const char *host)
{
    return str_equal(host, "127.0.0.1") || str_equal(host, "[::1]") ||
           str_equal_nocase(host, "localhost");
}

bool transfer_origin(char **out, const char *url, struct error *err)
{
    CURLU *parts = curl_url();
    char *scheme = NULL;
    char *host = NULL;
    char *port = NULL;
    bool is_good = false;

    if (!parts || curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK) {
        error_set(err, ERR_PROTOCOL, "a URL is not usable");
    } else if (!str_equal(scheme, "https") && !(str_equal(scheme, "http") && is_loopback(host))) {
        error_set(err, ERR_PROTOCOL, "a URL on '%s' is not https", host);
    } else {
        is_good = str_format(out, err, "%s://%s:%s", scheme, host, port) == 0;
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return is_good;
}

/* --- what the answer's head says --- */

static void keep(char **out, const char *value)
{
    if (strlen(value) <= HEADER_MAX) {
        (void)str_copy(out, value, NULL);
    }
}

static void keep_challenge(char **out, const char *value)
{
    char *joined = NULL;

    if (!*out) {
        keep(out, value);
    } else if (strlen(*out) + strlen(value) <= HEADER_MAX &&
               str_format(&joined, NULL, "%s, %s", *out, value) == 0) {
        free(*out);
        *out = joined;
    }
}

static void read_header(struct http_response *response, const char *name, const char *value,
                        int64_t wall_ms)
{
    if (strcasecmp(name, "Location") == 0) {
        keep(&response->location, value);
    } else if (strcasecmp(name, "WWW-Authenticate") == 0) {
        keep_challenge(&response->www_authenticate, value);
    } else if (strcasecmp(name, "Content-Range") == 0) {
        keep(&response->content_range, value);
    } else if (strcasecmp(name, "request-id") == 0) {
        keep(&response->request_id, value);
    } else if (strcasecmp(name, "X-Virus-Infected") == 0) {
        keep(&response->virus, value);
    } else if (strcasecmp(name, "ETag") == 0) {
        keep(&response->etag, value);
    } else if (strcasecmp(name, "Retry-After") == 0) {
        response->retry_after_ms = retry_parse_after(value, wall_ms);
    } else if (strcasecmp(name, "Content-Length") == 0) {
        if (!str_to_int64(value, 0, INT64_MAX, &response->content_length)) {
            response->content_length = -1;
        }
    }
}

/* Nothing of an earlier one is left. */
static void begin_answer(struct http_op *op)
{
    http_response_clear(&op->response);
    if (op->reader.on_more) {
        op->reader.on_more(op->reader.payload, NULL, 0);
    }
}

static size_t on_header(char *data, size_t size, size_t count, void *payload)
{
    struct http_op *op = payload;
    char line[HEADER_MAX + 64];
    char *value;
    size_t length = size * count;

    op->last_activity_ms = clock_mono_ms(op->clock);
    if (length >= sizeof(line)) {
        return length;
    }
    memcpy(line, data, length);
    while (length > 0 && strchr("\r\n \t", line[length - 1])) {
        length--;
    }
    line[length] = '\0';
    if (strncmp(line, "HTTP/", 5) == 0) {
        begin_answer(op); /* after a 100 or a redirect that was followed */
        return size * count;
    }
    value = strchr(line, ':');
    if (!value) {
        return size * count;
    }
    *value++ = '\0';
    value += strspn(value, " \t");
    read_header(&op->response, line, value, clock_wall_ms(op->clock));
    return size * count;
}

/* --- bodies --- */

static size_t give_to_stream(struct http_op *op, const char *data, size_t size)
{
    size_t taken;

    if (!op->has_head) {
        op->has_head = true;
        if (op->callbacks.on_head) {
            op->callbacks.on_head(op->callbacks.payload, &op->response);
        }
    }
    if (op->taken >= size) {
        op->taken -= size; /* was taken before the pause, in larger pieces */
        return size;
    }
    op->has_data = true;
    taken = op->callbacks.on_data(op->callbacks.payload, data + op->taken, size - op->taken);
    if (taken < size - op->taken) {
        op->taken += taken;
        op->is_paused = true;
        return CURL_WRITEFUNC_PAUSE; /* curl hands the same bytes in again */
    }
    op->taken = 0;
    return size;
}

static size_t on_body(char *data, size_t size, size_t count, void *payload)
{
    struct http_op *op = payload;
    size_t length = size * count;
    long status = 0;

    curl_easy_getinfo(op->easy, CURLINFO_RESPONSE_CODE, &status);
    op->last_activity_ms = clock_mono_ms(op->clock);
    op->response.status = (int)status;
    if (status / 100 == 2 && op->is_stream) {
        return give_to_stream(op, data, length);
    }
    if (status / 100 != 2) {
        size_t room = op->response.body.size < FAILURE_BODY_MAX
                          ? FAILURE_BODY_MAX - op->response.body.size
                          : 0;

        (void)buf_add(&op->response.body, data, length < room ? length : room, NULL);
        return length;
    }
    if (buf_add(&op->response.body, data, length, &op->io_error) < 0) {
        return length ? 0 : 1;
    }
    if (op->reader.on_more && length > 0) {
        op->reader.on_more(op->reader.payload, op->response.body.data, op->response.body.size);
    }
    return length;
}

static size_t on_read(char *data, size_t size, size_t count, void *payload)
{
    struct http_op *op = payload;
    uint64_t left = op->read_size - op->read_offset;
    size_t want = size * count < left ? size * count : (size_t)left;
    size_t got = 0;

    op->last_activity_ms = clock_mono_ms(op->clock);
    if (want == 0) {
        return 0;
    }
    if (op->read(op->read_payload, data, want, op->read_offset, &got, &op->io_error) < 0) {
        return CURL_READFUNC_ABORT;
    }
    if (got == 0) {
        error_set(&op->io_error, ERR_IO, "the content to send is shorter than announced");
        return CURL_READFUNC_ABORT;
    }
    op->read_offset += got;
    return got;
}

static int on_seek(void *payload, curl_off_t offset, int origin)
{
    struct http_op *op = payload;

    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > op->read_size) {
        return CURL_SEEKFUNC_CANTSEEK;
    }
    op->read_offset = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static int on_progress(void *payload, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    struct http_op *op = payload;

    (void)down_total;
    (void)up_total;
    if (down + up != op->progress) {
        op->progress = down + up;
        op->last_activity_ms = clock_mono_ms(op->clock);
    }
    return 0;
}

/* --- one attempt --- */

/* Each time libcurl is about to send the request. When a connection that it used again turns out
 * dead, it sends once more by itself, not asking whether the first may have taken effect. */
static int on_send(void *payload, char *ip, char *local_ip, int port, int local_port)
{
    struct http_op *op = payload;

    (void)ip;
    (void)local_ip;
    (void)port;
    (void)local_port;
    op->last_activity_ms = clock_mono_ms(op->clock);
    if (++op->sends > op->sends_before + 1 && !op->is_idempotent) {
        error_set(&op->io_error, ERR_UNREACHABLE, "the connection to %s broke off", op->host->name);
        op->sends--;
        return CURL_PREREQFUNC_ABORT;
    }
    return CURL_PREREQFUNC_OK;
}

static void set_body(struct http_op *op, CURL *easy)
{
    bool is_get = strcmp(op->method, "GET") == 0;

    if (op->read) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)op->read_size);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(easy, CURLOPT_READDATA, op);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, op);
        curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024L);
    } else if (!is_get && strcmp(op->method, "DELETE") != 0) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)op->body_size);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, op->body ? op->body : "");
    }
    if (!is_get) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, op->method);
    } else if (!op->keeps_redirect) {
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
        curl_easy_setopt(easy, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
    }
}

static void set_connection(struct http_op *op, const struct transfer_options *options, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https,http"); /* http: transfer_origin() */
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     options->http1_only ? (long)CURL_HTTP_VERSION_1_1
                                         : (long)CURL_HTTP_VERSION_2TLS);
    /* Wait for a connection that is being made when it may carry several requests. */
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, options->http1_only ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    if (op->wants_fresh) {
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    }
    /* Windows: its own store of trusted CAs, which OpenSSL does not know. No effect elsewhere. */
    curl_easy_setopt(easy, CURLOPT_SSL_OPTIONS, (long)CURLSSLOPT_NATIVE_CA);
    trust_apply(options->trust, easy);
    proxy_apply(options->proxy, op->host->name, easy);
}

int transfer_prepare(struct http_op *op, const struct transfer_options *options, struct error *err)
{
    CURL *easy = curl_easy_init();

    if (!easy) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a transfer");
    }
    op->easy = easy;
    op->sends_before = op->sends;
    op->read_offset = 0;
    op->progress = 0;
    op->has_head = false;
    op->is_unknown_user = false;
    op->is_paused = false;
    op->taken = 0;
    op->last_activity_ms = clock_mono_ms(op->clock);
    error_clear(&op->io_error);
    begin_answer(op);
    buf_init(&op->response.body, op->max_body);
    set_connection(op, options, easy);
    set_body(op, easy);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, op);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, op->headers);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, op);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, op);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, op);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, op);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L * 1024L);
    if (!op->is_stream) {
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ""); /* ranges are of the plain bytes */
    }
    if (options->user_agent) {
        curl_easy_setopt(easy, CURLOPT_USERAGENT, options->user_agent);
    }
    if (curl_easy_setopt(easy, CURLOPT_URL, op->url) != CURLE_OK) {
        transfer_drop(op);
        return error_set(err, ERR_NO_MEMORY, "no memory for a transfer");
    }
    return 0;
}

void transfer_drop(struct http_op *op)
{
    if (op->easy) {
        curl_easy_cleanup(op->easy);
        op->easy = NULL;
    }
}

static int describe(struct http_op *op, CURLcode result, struct error *err)
{
    const char *host = op->host->name;
    int refused;

    if (op->io_error.code < 0) {
        *err = op->io_error;
        return op->io_error.code;
    }
    refused = proxy_refusal(op->easy, err);
    if (refused) {
        op->is_unknown_user = refused == 407;
        return ERR_UNREACHABLE;
    }
    switch (result) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return error_set(err, ERR_UNREACHABLE,
                         "the certificate of %s is not trusted; behind a proxy that inspects TLS, "
                         "set CaFile to its CA",
                         host);
    case CURLE_OUT_OF_MEMORY:
        return error_set(err, ERR_NO_MEMORY, "no memory for a transfer");
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WEIRD_SERVER_REPLY:
        return error_set(err, ERR_PROTOCOL, "%s answered what cannot be read: %s", host,
                         curl_easy_strerror(result));
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return error_set(err, ERR_UNREACHABLE, "the connection to %s broke off: %s", host,
                         curl_easy_strerror(result));
    default:
        return error_set(err, ERR_UNREACHABLE, "%s is not reachable: %s", host,
                         curl_easy_strerror(result));
    }
}

int transfer_finish(struct http_op *op, CURLcode result, bool *reached_server, struct error *err)
{
    long version = 0;
    long status = 0;
    int code = 0;

    curl_easy_getinfo(op->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(op->easy, CURLINFO_HTTP_VERSION, &version);
    op->response.status = (int)status;
    *reached_server = op->sends > op->sends_before;
    if (result == CURLE_OK) {
        op->host->is_http2 = version == CURL_HTTP_VERSION_2_0;
    } else {
        code = describe(op, result, err);
        http_response_clear(&op->response);
    }
    transfer_drop(op);
    return code;
}

void http_response_clear(struct http_response *response)
{
    size_t limit = response->body.limit;

    free(response->location);
    free(response->www_authenticate);
    free(response->content_range);
    free(response->request_id);
    free(response->virus);
    free(response->etag);
    buf_clear(&response->body);
    memset(response, 0, sizeof(*response));
    buf_init(&response->body, limit);
    response->content_length = -1;
    response->retry_after_ms = -1;
}
