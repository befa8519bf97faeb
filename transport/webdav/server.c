/*
 * server.c - libmicrohttpd: connections and requests come from there, and answers go there.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "method.h"
#include "webdav_internal.h"
#include "xml.h"

#define HEADER_BYTES \
    (128u * 1024) /* memory pool of a connection: headers, and one read of a body */
#define STACK_BYTES (512u * 1024)
#define DRAIN_MAX (UINT64_C(16) << 20)         /* of a body whose answer is decided already */
#define DRAIN_STRANGER_MAX (UINT64_C(1) << 20) /* the same without the password */
#define SLOW_AFTER_MS 60000
#define SLOW_BYTES_PER_S 100u

const char dav_methods_allowed[] = "OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, PROPPATCH, MKCOL, "
                                   "COPY, MOVE, LOCK, UNLOCK";

static int options(struct dav_request *r)
{
    dav_header(r, "DAV", "1, 2");
    dav_header(r, "MS-Author-Via",
               "DAV"); /* Office and WebClient look for it (windows-facts 3.6) */
    dav_header(r, "Allow", "%s", dav_methods_allowed);
    return 200;
}

static const struct dav_method methods[] = {
    {.name = "OPTIONS", .flags = DAV_TAKES_STAR, .run = options},
    {.name = "GET", .run = dav_get},
    {.name = "HEAD", .run = dav_get},
    {.name = "PUT", .flags = DAV_TAKES_FILE, .begin = dav_put_begin, .run = dav_put_end},
    {.name = "PROPFIND", .flags = DAV_TAKES_XML, .run = dav_propfind},
    {.name = "PROPPATCH", .flags = DAV_TAKES_XML, .run = dav_proppatch},
    {.name = "MKCOL", .run = dav_mkcol},
    {.name = "DELETE", .run = dav_delete},
    {.name = "COPY", .run = dav_copy},
    {.name = "MOVE", .run = dav_copy},
    {.name = "LOCK", .flags = DAV_TAKES_XML, .run = dav_lock},
    {.name = "UNLOCK", .run = dav_unlock},
};

const struct dav_method *dav_method_find(const char *name)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(methods[i].name, name) == 0) {
            return &methods[i];
        }
    }
    return NULL;
}

static struct dav_request *request_new(struct webdav *dav, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *socket =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *context =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct dav_request *r = calloc(1, sizeof(*r));

    if (!r || !socket || !context) {
        free(r);
        return NULL;
    }
    r->dav = dav;
    r->connection = connection;
    r->peer = context->socket_context;
    r->watch = (struct dav_watch){.dav = dav, .socket = socket->connect_fd};
    r->begun_ms = clock_mono_ms(clock_system());
    buf_init(&r->body, DAV_XML_BYTES_MAX);
    buf_init(&r->out, UINT64_C(16) << 20);
    mutex_lock(&dav->lock);
    dav->active++;
    mutex_unlock(&dav->lock);
    dav_connection_busy(dav->connections, r->peer, true);
    return r;
}

static void request_free(struct dav_request *r)
{
    struct webdav *dav = r->dav;

    dav_put_free(r);
    dav_connection_busy(dav->connections, r->peer, false);
    dav_if_clear(&r->conditions);
    buf_clear(&r->body);
    buf_clear(&r->out);
    for (size_t i = 0; i < r->header_count; i++) {
        free(r->headers[i].value);
    }
    if (r->response) {
        MHD_destroy_response(r->response);
    }
    free(r->shown);
    free(r->path);
    free(r->key);
    free(r);
    mutex_lock(&dav->lock);
    dav->active--;
    cond_broadcast(&dav->changed);
    mutex_unlock(&dav->lock);
}

static int read_path(struct dav_request *r, const char *url)
{
    const char *end = url + strcspn(url, "?");
    int code = 0;

    if (strcmp(url, "*") == 0 && (r->method->flags & DAV_TAKES_STAR)) {
        url = "/";
    }
    r->has_slash = end > url && end[-1] == '/';
    code = dav_read_uri(r, &r->shown, url, &r->is_outside);
    if (code == ERR_INVALID || code == ERR_CROSS_LIBRARY) {
        return dav_status(r, 400, "%s", r->err.message);
    }
    if (code == 0) {
        code = dav_follow_links(r, &r->path, r->shown, &r->err);
    }
    return code < 0 ? code : dav_path_key(&r->key, r->path, &r->err);
}

/* Who does not know the secret sees that there is a server, as WebClient wants it on its way down
 * (windows-facts 3.6), and nothing else. */
static int check_outside(struct dav_request *r)
{
    if (strcmp(r->method->name, "OPTIONS") == 0 ||
        (strcmp(r->method->name, "PROPFIND") == 0 && r->shown[0] == '\0')) {
        return 0;
    }
    return dav_status(r, 404, "there is nothing here");
}

/* With the headers there. 0: read on. */
static int begin(struct dav_request *r, const char *name, const char *url)
{
    int result = dav_guard(r);

    if (result != 0) {
        return result;
    }
    r->method = dav_method_find(name);
    if (!r->method) {
        dav_header(r, "Allow", "%s", dav_methods_allowed);
        return dav_status(r, 501, "this server does not know the method");
    }
    result = read_path(r, url);
    if (result == 0 && r->is_outside) {
        return check_outside(r);
    }
    if (result == 0 && r->dav->secret_in_path) {
        dav_connection_trust(r->dav->connections, r->peer);
    }
    if (result == 0) {
        result = dav_read_if(r);
    }
    if (result == 0 && r->method->begin) {
        result = r->method->begin(r);
    }
    return result;
}

/* A client that sends letter by letter occupies a connection for nothing. */
bool dav_is_too_slow(int64_t took_ms, uint64_t received)
{
    return took_ms > SLOW_AFTER_MS && received < (uint64_t)(took_ms / 1000) * SLOW_BYTES_PER_S;
}

/* A piece of the body. False: the connection ends. */
static bool take_data(struct dav_request *r, const char *data, size_t size)
{
    int result = 0;

    r->received += size;
    if (dav_is_too_slow(clock_mono_ms(clock_system()) - r->begun_ms, r->received)) {
        return false;
    }
    if (r->early) {
        return r->received <= (r->early == 401 ? DRAIN_STRANGER_MAX : DRAIN_MAX);
    }
    if (r->method->flags & DAV_TAKES_FILE) {
        result = dav_put_data(r, data, size);
    } else if (r->method->flags & DAV_TAKES_XML) {
        result = buf_add(&r->body, data, size, &r->err);
        if (result == ERR_LIMIT) {
            result = dav_status(r, 413, "the XML of the request is too long");
        }
    } else {
        result = dav_status(r, 415, "%s takes no body", r->method->name);
    }
    r->early = result;
    dav_touch(r->connection);
    return true;
}

static enum MHD_Result on_request(void *payload, struct MHD_Connection *connection, const char *url,
                                  const char *name, const char *version, const char *data,
                                  size_t *size, void **state)
{
    struct dav_request *r = *state;

    (void)version;
    if (!r) {
        const char *expect = NULL;

        r = request_new(payload, connection);
        if (!r) {
            return MHD_NO;
        }
        *state = r;
        r->early = begin(r, name, url);
        expect = dav_request_header(r, "Expect");
        if (r->early && expect) { /* the client waits with its body for our word */
            return dav_send(r, r->early);
        }
        dav_touch(connection);
        return MHD_YES;
    }
    if (r->is_done) {
        return MHD_YES;
    }
    if (*size > 0) {
        bool goes_on = take_data(r, data, *size);

        *size = 0;
        return goes_on ? MHD_YES : MHD_NO;
    }
    if (!r->early) {
        r->early = r->is_outside && r->method->run == dav_propfind ? dav_propfind_outside(r)
                                                                   : r->method->run(r);
    }
    return dav_send(r, r->early);
}

static void on_completed(void *payload, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    (void)payload;
    (void)connection;
    (void)why;
    if (*state) {
        request_free(*state);
        *state = NULL;
    }
}

static void on_connection(void *payload, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct webdav *dav = payload;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *socket =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

        *context = socket ? dav_connection_add(dav->connections, socket->connect_fd) : NULL;
    } else {
        dav_connection_remove(dav->connections, *context);
        *context = NULL;
    }
}

/* Before a connection costs a thread. */
static enum MHD_Result on_accept(void *payload, const struct sockaddr *peer, socklen_t size)
{
    struct webdav *dav = payload;
    struct error err = {0};

    (void)size;
    if (dav_check_peer(peer, dav->port, &err) < 0) {
        log_debug(LOG_TRANSPORT, "WebDAV: %s", err.message);
        return MHD_NO;
    }
    return dav_connections_make_room(dav->connections) ? MHD_YES : MHD_NO;
}

/* Paths are decoded by path.c, once, and strictly. */
static size_t leave_encoded(void *payload, struct MHD_Connection *connection, char *text)
{
    (void)payload;
    (void)connection;
    return strlen(text);
}

static void on_log(void *payload, const char *fmt, va_list args)
{
    (void)payload;
    (void)fmt;
    (void)args; /* may hold what a client sent, its password among it */
}

int dav_server_start(struct webdav *dav, struct error *err)
{
    const struct MHD_OptionItem more[] = {
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)(dav->max_connections + 8), NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)DAV_TIMEOUT_S, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)HEADER_BYTES, NULL},
        {MHD_OPTION_THREAD_STACK_SIZE, (intptr_t)STACK_BYTES, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    dav->daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
            MHD_USE_ITC | MHD_USE_ERROR_LOG,
        0, on_accept, dav, on_request, dav, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, dav->listen_socket, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        dav, MHD_OPTION_NOTIFY_CONNECTION, on_connection, dav, MHD_OPTION_UNESCAPE_CALLBACK,
        leave_encoded, dav, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
    if (!dav->daemon) {
        return error_set(err, ERR_IO, "the WebDAV server does not start");
    }
    dav->listen_socket = -1;
    return 0;
}
