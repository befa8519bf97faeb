/*
 * socket.c - the TLS port: libmicrohttpd calls in, struct http_request out, and the way back.
 *
 * One thread per connection, so a handler or a wait stops nobody else. Latency and bandwidth are
 * made here, alike for every kind of request.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"
#include "world.h"

#define MAX_BODY (300u << 20) /* above what any call takes; more is read and thrown away */
#define MAX_CONNECTIONS 4000
#define BLOCK_SIZE 65536

struct connection {
    struct connection *prev, *next;
    unsigned long number;
    int fd;
    bool is_fresh; /* no request yet: its handshake is still to be paid for */
};

/* One request on its way. */
struct call {
    struct server *server;
    struct MHD_Connection *mhd;
    struct connection *connection;
    char *target; /* as it stood in the request line; path and query point into it */
    char *method;
    struct http_request rq;
    struct http_response rs;
    struct fault fault;
    struct strbuf body;
    int body_fd;
    char *body_path;
    char *graph_url;
    char *login_url;
    struct grant grant;
    bool is_begun;
    bool is_answered;
    bool is_logged;
    int64_t begin_ns;
    int64_t bytes_out;
};

/* --- connections ---------------------------------------------------------------------------------
 */

static void on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct server *s = cls;
    struct connection *c = *socket_context;
    const union MHD_ConnectionInfo *info;
    int now_open;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        c = xcalloc(1, sizeof(*c));
        c->number = atomic_fetch_add(&s->connection_number, 1) + 1;
        c->fd = info ? info->connect_fd : -1;
        c->is_fresh = true;
        pthread_mutex_lock(&s->conn_lock);
        c->next = s->connections;
        if (c->next) {
            c->next->prev = c;
        }
        s->connections = c;
        pthread_mutex_unlock(&s->conn_lock);
        now_open = atomic_fetch_add(&s->n_connections, 1) + 1;
        if (now_open > atomic_load(&s->max_connections)) {
            atomic_store(&s->max_connections, now_open);
        }
        *socket_context = c;
        return;
    }
    if (!c) {
        return;
    }
    pthread_mutex_lock(&s->conn_lock);
    if (c->prev) {
        c->prev->next = c->next;
    } else {
        s->connections = c->next;
    }
    if (c->next) {
        c->next->prev = c->prev;
    }
    pthread_mutex_unlock(&s->conn_lock);
    atomic_fetch_sub(&s->n_connections, 1);
    free(c);
    *socket_context = NULL;
}

/* Breaks a connection off with RST at once. Only on the connection's own thread. */
static void abort_connection(const struct connection *c)
{
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

    if (c && c->fd >= 0 && connect(c->fd, &nowhere, sizeof(nowhere)) != 0) {
        shutdown(c->fd, SHUT_RDWR);
    }
}

void socket_reset_all(struct server *s)
{
    pthread_mutex_lock(&s->conn_lock);
    for (struct connection *c = s->connections; c; c = c->next) {
        shutdown(c->fd, SHUT_RDWR); /* its thread finds the end of file, and closes it */
    }
    pthread_mutex_unlock(&s->conn_lock);
}

void socket_pause(struct server *s, double seconds)
{
    atomic_store(&s->paused_until_ns, seconds > 0 ? mono_ns() + (long long)(seconds * 1e9) : 0);
    if (seconds > 0) {
        socket_reset_all(s);
    }
}

static enum MHD_Result accept_policy(void *cls, const struct sockaddr *addr, socklen_t len)
{
    const struct server *s = cls;

    (void)addr;
    (void)len;
    return atomic_load(&s->paused_until_ns) > mono_ns() ? MHD_NO : MHD_YES;
}

/* --- the request ---------------------------------------------------------------------------------
 */

static const char *socket_header(const struct http_request *rq, const char *name)
{
    const struct call *call = rq->payload;

    return MHD_lookup_connection_value(call->mhd, MHD_HEADER_KIND, name);
}

/* Called with the raw request target, before anything else of a request. */
static void *on_target(void *cls, const char *target, struct MHD_Connection *mhd)
{
    struct call *call = xcalloc(1, sizeof(*call));

    call->server = cls;
    call->mhd = mhd;
    call->target = xstrdup(target);
    call->body_fd = -1;
    call->fault = (struct fault){.truncate_after = -1, .reset_at = -1};
    return call;
}

static size_t keep_escapes(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text); /* handlers decode, segment by segment */
}

static enum http_role role_of(const char *host, const char *path)
{
    static const struct {
        const char *prefix;
        enum http_role role;
    } by_path[] = {{"/v1.0/", ROLE_GRAPH},       {"/beta/", ROLE_GRAPH},
                   {"/_layouts/", ROLE_CONTENT}, {"/_api/", ROLE_CONTENT},
                   {"/personal/", ROLE_CONTENT}, {"/sites/", ROLE_CONTENT},
                   {"/teams/", ROLE_CONTENT}};

    if (str_starts(host, "login.")) {
        return ROLE_LOGIN;
    }
    if (str_starts(host, "graph.") || strstr(host, "-graph.") ||
        strstr(host, "graph.chinacloudapi.")) {
        return ROLE_GRAPH; /* national clouds: dod-graph.microsoft.us,
                              microsoftgraph.chinacloudapi.cn */
    }
    if (str_starts(host, "content.") || strstr(host, ".sharepoint.")) {
        return ROLE_CONTENT;
    }
    /* Reached as localhost or by address: what follows tells. */
    for (size_t i = 0; i < COUNT_OF(by_path); i++) {
        if (str_starts(path, by_path[i].prefix)) {
            return by_path[i].role;
        }
    }
    return strstr(path, "/_api/") || strstr(path, "/_layouts/") ? ROLE_CONTENT : ROLE_LOGIN;
}

static void begin_call(struct call *call, const char *method)
{
    struct server *s = call->server;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(call->mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_request *rq = &call->rq;
    const char *host;
    char *mark;

    call->is_begun = true;
    call->begin_ns = mono_ns();
    call->connection = info ? info->socket_context : NULL;
    call->method = xstrdup(method);
    rq->payload = call;
    rq->get_header = socket_header;
    rq->server = s;
    rq->method = call->method;
    mark = strchr(call->target, '?');
    if (mark) {
        *mark = '\0';
        rq->query = mark + 1;
    }
    rq->path = call->target;
    host = socket_header(rq, "Host");
    rq->role = role_of(host ? host : "", rq->path);
    if (host && rq->role == ROLE_GRAPH && !s->options->graph_url) {
        call->graph_url = xasprintf("https://%s", host);
    }
    if (host && rq->role == ROLE_LOGIN && !s->options->login_url) {
        call->login_url = xasprintf("https://%s", host);
    }
    rq->graph_url = call->graph_url ? call->graph_url : s->graph_url;
    rq->login_url = call->login_url ? call->login_url : s->login_url;
    rq->content_url = s->content_url;
    if (rq->role == ROLE_GRAPH && str_starts(rq->path, "/v1.0/")) {
        rq->path += strlen("/v1.0");
    }
    server_match_fault(s, rq, &call->fault);
    if (socket_header(rq, "Expect")) {
        shaper_wait_rtt(&s->shaper, 1); /* "100 Continue" takes a round trip */
    }
}

static int spill(struct call *call)
{
    static atomic_ulong number;
    const char *p = call->body.data;
    size_t left = call->body.len;

    if (call->body_fd < 0) {
        call->body_path = xasprintf("%s/tmp/body-%lu", call->server->options->state_dir,
                                    atomic_fetch_add(&number, 1));
        call->body_fd = open(call->body_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (call->body_fd < 0) {
            return -1;
        }
    }
    while (left > 0) {
        ssize_t put = write(call->body_fd, p, left);

        if (put < 0 && errno != EINTR) {
            return -1;
        }
        p += put > 0 ? put : 0;
        left -= put > 0 ? (size_t)put : 0;
    }
    call->body.len = 0;
    return 0;
}

/* Writes the log line, once: before the last byte goes out, so that whoever has the answer finds
 * the line. */
static void log_call(struct call *call)
{
    struct log_facts facts = {.connection = call->connection ? call->connection->number : 0,
                              .ms = (double)(mono_ns() - call->begin_ns) / 1e6,
                              .bytes_in = (int64_t)call->rq.body_len,
                              .bytes_out = call->bytes_out,
                              .fault_rule = call->fault.rule};

    if (!call->is_logged) {
        call->is_logged = true;
        atomic_fetch_add(&call->server->n_requests, 1);
        server_log(call->server, &call->rq, &call->rs, &facts);
    }
}

/* More of the request's body; MHD_NO breaks the connection off. */
static enum MHD_Result receive(struct call *call, const char *data, size_t n)
{
    struct server *s = call->server;

    atomic_fetch_add(&s->bytes_in, (long long)n);
    if (!shaper_transfer(&s->shaper, UPLOAD, n)) {
        return MHD_NO;
    }
    call->rq.body_len += n;
    if (call->fault.reset_at >= 0 && (int64_t)call->rq.body_len >= call->fault.reset_at) {
        call->rs.status = 0;
        log_call(call);
        abort_connection(call->connection);
        return MHD_NO;
    }
    if (call->rq.body_len > MAX_BODY) {
        return MHD_YES;
    }
    sb_add(&call->body, data, n);
    if (call->body.len > HTTP_BODY_IN_MEMORY && spill(call) != 0) {
        return MHD_NO;
    }
    return MHD_YES;
}

static bool finish_body(struct call *call)
{
    if (call->body_fd >= 0) {
        if (spill(call) != 0) {
            return false;
        }
        close(call->body_fd);
        call->body_fd = -1;
        call->rq.body_path = call->body_path;
    } else {
        call->rq.body = call->body.data;
    }
    return true;
}

/* --- the response --------------------------------------------------------------------------------
 */

/* The body broke off as a fault rule says: wait, reset or just close. */
static ssize_t break_off(struct call *call)
{
    struct server *s = call->server;

    log_call(call);
    if (call->fault.stall_ms != 0) {
        int64_t wait_ms = call->fault.stall_ms > 0 ? call->fault.stall_ms : 24 * 3600 * 1000;

        shaper_wait_until(&s->shaper, mono_ns() + wait_ms * 1000000);
    }
    if (call->fault.is_reset) {
        abort_connection(call->connection);
    }
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t read_response(void *cls, uint64_t pos, char *buf, size_t max)
{
    struct call *call = cls;
    struct http_response *rs = &call->rs;
    int64_t limit = call->fault.truncate_after;
    ssize_t got;

    if (limit >= 0 && pos >= (uint64_t)limit) {
        return break_off(call);
    }
    if (limit >= 0 && max > (uint64_t)limit - pos) {
        max = (size_t)((uint64_t)limit - pos);
    }
    if (!rs->has_stream && pos >= rs->body.len) {
        return MHD_CONTENT_READER_END_OF_STREAM; /* of a chunked one; others are not asked again */
    }
    if (rs->has_stream) {
        max = max < rs->stream.length - pos ? max : (size_t)(rs->stream.length - pos);
        got = (ssize_t)rs->stream.read(rs->stream.payload, rs->stream.offset + pos, buf, max);
    } else {
        got = (ssize_t)(max < rs->body.len - pos ? max : rs->body.len - pos);
        memcpy(buf, rs->body.data + pos, (size_t)got);
    }
    if (got <= 0) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (!shaper_transfer(&call->server->shaper, DOWNLOAD, (size_t)got)) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    call->bytes_out += got;
    atomic_fetch_add(&call->server->bytes_out, (long long)got);
    if (pos + (uint64_t)got == (rs->has_stream ? rs->stream.length : rs->body.len)) {
        log_call(call);
    }
    return got;
}

static enum MHD_Result queue_response(struct call *call)
{
    struct http_response *rs = &call->rs;
    uint64_t length = rs->has_stream ? rs->stream.length : rs->body.len;
    struct MHD_Response *response;
    enum MHD_Result ok;

    if (length > 0) {
        bool is_chunked = call->rq.role == ROLE_GRAPH && !rs->has_stream &&
                          atomic_load(&call->server->is_chunked);

        response = MHD_create_response_from_callback(is_chunked ? MHD_SIZE_UNKNOWN : length,
                                                     BLOCK_SIZE, read_response, call, NULL);
    } else {
        response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    }
    if (!response) {
        return MHD_NO;
    }
    for (size_t i = 0; i < rs->n_headers; i++) {
        MHD_add_response_header(response, rs->headers[i].name, rs->headers[i].value);
    }
    if (length == 0 || strcmp(call->method, "HEAD") == 0) {
        log_call(call);
    }
    ok = MHD_queue_response(call->mhd, (unsigned)rs->status, response);
    MHD_destroy_response(response);
    return ok;
}

static enum MHD_Result answer(struct call *call)
{
    struct server *s = call->server;
    int round_trips = 1;
    bool is_lost =
        (call->fault.is_reset || call->fault.stall_ms != 0) && call->fault.truncate_after < 0;

    call->is_answered = true;
    if (call->connection && call->connection->is_fresh) {
        call->connection->is_fresh = false;
        round_trips = 3; /* the handshakes of TCP and TLS 1.3 took one each */
    }
    if (!finish_body(call)) {
        return MHD_NO;
    }
    if (call->rq.body_len > MAX_BODY) {
        http_reply_error(&call->rq, &call->rs, 413, "invalidRequest", NULL,
                         "The request message is too big.");
    } else if (call->rq.role == ROLE_GRAPH && str_starts(call->rq.path, "/beta/")) {
        http_reply_error(&call->rq, &call->rs, 404, "BadRequest", NULL, "Invalid version: beta.");
    } else {
        server_answer(s, &call->rq, &call->rs, &call->fault, &call->grant);
    }
    if (!shaper_wait_rtt(&s->shaper, round_trips)) {
        return MHD_NO;
    }
    if (is_lost || call->rs.status == 0) {
        break_off(call);
        return MHD_NO;
    }
    server_render(&call->rq, &call->rs);
    return queue_response(call);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *n_data, void **context)
{
    struct call *call = *context;
    enum MHD_Result ok;

    (void)cls;
    (void)mhd;
    (void)url;
    (void)version;
    if (!call->is_begun) {
        begin_call(call, method);
        return MHD_YES;
    }
    if (*n_data > 0) {
        ok = receive(call, data, *n_data);
        *n_data = 0;
        return ok;
    }
    return call->is_answered ? MHD_YES : answer(call);
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode why)
{
    struct call *call = *context;

    (void)cls;
    (void)mhd;
    if (!call) {
        return;
    }
    if (call->is_begun) {
        /* Headers of a request that broke off are gone already. */
        call->rq.get_header = why == MHD_REQUEST_TERMINATED_COMPLETED_OK ? socket_header : NULL;
        log_call(call);
    }
    http_response_clear(&call->rs);
    fault_clear(&call->fault);
    if (call->body_fd >= 0) {
        close(call->body_fd);
    }
    if (call->body_path) {
        unlink(call->body_path);
    }
    sb_clear(&call->body);
    free(call->body_path);
    free(call->target);
    free(call->method);
    free(call->graph_url);
    free(call->login_url);
    grant_clear(&call->grant);
    free(call);
    *context = NULL;
}

/* --- start and stop ------------------------------------------------------------------------------
 */

void socket_start(struct server *s)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)s->options->port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const union MHD_DaemonInfo *info;

    s->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
            MHD_USE_TLS,
        (uint16_t)s->options->port, accept_policy, s, on_request, s, MHD_OPTION_SOCK_ADDR, &addr,
        MHD_OPTION_HTTPS_MEM_CERT, s->tls.chain_pem, MHD_OPTION_HTTPS_MEM_KEY, s->tls.key_pem,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)300, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(160 * 1024),
        MHD_OPTION_LISTEN_BACKLOG_SIZE, (unsigned)1024, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes,
        NULL, MHD_OPTION_URI_LOG_CALLBACK, on_target, s, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)(256 * 1024), MHD_OPTION_END);
    if (!s->daemon) {
        die("cannot listen on 127.0.0.1 port %d: %s", s->options->port, strerror(errno));
    }
    info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);
    s->port = info ? info->port : s->options->port;
}

void socket_stop(struct server *s)
{
    MHD_stop_daemon(s->daemon);
    s->daemon = NULL;
}
