#include "h2_faults.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>

#include "base/thread.h"
#include "test.h"

#define CONNECTIONS_MAX 16
#define SCRIPT_MAX 32

#define ANSWERS_MAX 64

struct h2_connection;

/* One answer: how much of the body, and what after it. */
struct h2_answer {
    struct h2_connection *connection;
    enum h2_action action;
    size_t left;
};

struct h2_connection {
    struct h2_server *server;
    struct thread thread;
    SSL *ssl;
    int socket;
    bool is_frozen;
    bool is_closing;
    struct h2_answer answers[ANSWERS_MAX];
    size_t answer_count;
};

struct h2_server {
    struct mutex mutex; /* guards all below but what never changes after the start */
    struct thread thread;
    SSL_CTX *tls;
    int socket;
    int port;
    int stop_pipe[2];
    enum h2_action script[SCRIPT_MAX];
    size_t script_count;
    size_t script_next;
    int requests;
    int connections;
    struct h2_connection all[CONNECTIONS_MAX];
    size_t all_count;
};

/* --- HTTP/2 --- */

static enum h2_action next_action(struct h2_server *server)
{
    enum h2_action action = H2_ANSWER;

    mutex_lock(&server->mutex);
    server->requests++;
    if (server->script_next < server->script_count) {
        action = server->script[server->script_next++];
    }
    mutex_unlock(&server->mutex);
    return action;
}

static ssize_t on_send(nghttp2_session *session, const uint8_t *data, size_t size, int flags,
                       void *payload)
{
    struct h2_connection *c = payload;
    int sent;

    (void)session;
    (void)flags;
    sent = SSL_write(c->ssl, data, (int)size); /* blocking: what we send is small */
    return sent > 0 ? sent : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static ssize_t read_body(nghttp2_session *session, int32_t stream, uint8_t *data, size_t size,
                         uint32_t *flags, nghttp2_data_source *source, void *payload)
{
    struct h2_answer *answer = source->ptr;

    (void)session;
    (void)stream;
    (void)payload;
    if (answer->action != H2_ANSWER && answer->left <= H2_BODY / 2) {
        if (answer->action == H2_STALL_MIDWAY) {
            return NGHTTP2_ERR_DEFERRED;
        }
        if (answer->action == H2_CLOSE) {
            answer->connection->is_closing = true;
            return NGHTTP2_ERR_DEFERRED;
        }
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* RST_STREAM with INTERNAL_ERROR */
    }
    size = size < 1000 ? size : 1000;
    size = size < answer->left ? size : answer->left;
    memset(data, 'x', size);
    answer->left -= size;
    if (answer->left == 0) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return (ssize_t)size;
}

#define HEADER(name, value)                                                         \
    {                                                                               \
        (uint8_t *)(name), (uint8_t *)(value), sizeof(name) - 1, sizeof(value) - 1, \
            NGHTTP2_NV_FLAG_NONE                                                    \
    }

static void answer(nghttp2_session *session, struct h2_connection *c, int32_t stream,
                   enum h2_action action)
{
    const nghttp2_nv headers[] = {HEADER(":status", "200"),
                                  HEADER("content-type", "application/octet-stream"),
                                  HEADER("content-length", "20000")};
    struct h2_answer *body = &c->answers[c->answer_count++];
    nghttp2_data_provider provider = {.source.ptr = body, .read_callback = read_body};

    if (c->answer_count > ANSWERS_MAX) {
        abort();
    }
    body->connection = c;
    body->action = action;
    body->left = H2_BODY;
    nghttp2_submit_response(session, stream, headers, 3, &provider);
}

static int on_request(nghttp2_session *session, struct h2_connection *c, int32_t stream)
{
    enum h2_action action = next_action(c->server);

    switch (action) {
    case H2_GOAWAY:
        nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE, stream > 2 ? stream - 2 : 0,
                              NGHTTP2_NO_ERROR, NULL, 0);
        c->is_closing = true;
        return 0;
    case H2_REFUSE:
        return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream,
                                         NGHTTP2_REFUSED_STREAM);
    case H2_RESET:
        return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream,
                                         NGHTTP2_INTERNAL_ERROR);
    case H2_FREEZE:
        c->is_frozen = true;
        return 0;
    case H2_STALL:
        return 0;
    default:
        answer(session, c, stream, action);
        return 0;
    }
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *payload)
{
    if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
        return on_request(session, payload, frame->hd.stream_id);
    }
    return 0;
}

/* --- connections --- */

/* True when there is something to read; false when the server stops. */
static bool wait_readable(struct h2_connection *c)
{
    struct pollfd fds[2] = {{.fd = c->server->stop_pipe[0], .events = POLLIN},
                            {.fd = c->socket, .events = POLLIN}};

    if (c->is_frozen) {
        fds[1].fd = -1;
    } else if (SSL_pending(c->ssl) > 0) {
        return true;
    }
    return poll(fds, 2, -1) > 0 && !(fds[0].revents);
}

static void serve(struct h2_connection *c, nghttp2_session *session)
{
    uint8_t data[16384];

    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, NULL, 0);
    while (nghttp2_session_send(session) == 0 && !c->is_closing && wait_readable(c)) {
        int got = SSL_read(c->ssl, data, sizeof(data));

        if (got <= 0 || nghttp2_session_mem_recv(session, data, (size_t)got) < 0) {
            break;
        }
    }
    if (c->is_closing) {
        nghttp2_session_send(session);
    }
}

static void *run_connection(void *payload)
{
    struct h2_connection *c = payload;
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_session *session = NULL;

    if (SSL_accept(c->ssl) == 1) {
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
        nghttp2_session_server_new(&session, callbacks, c);
        serve(c, session);
        nghttp2_session_del(session);
        nghttp2_session_callbacks_del(callbacks);
    }
    shutdown(c->socket, SHUT_RDWR);
    return NULL;
}

static void accept_one(struct h2_server *server)
{
    struct h2_connection *c = &server->all[server->all_count];
    int s = accept(server->socket, NULL, NULL);

    if (s < 0 || server->all_count == CONNECTIONS_MAX) {
        if (s >= 0) {
            close(s);
        }
        return;
    }
    mutex_lock(&server->mutex);
    server->connections++;
    mutex_unlock(&server->mutex);
    server->all_count++;
    c->server = server;
    c->socket = s;
    c->ssl = SSL_new(server->tls);
    SSL_set_fd(c->ssl, s);
    if (thread_start(&c->thread, "h2", run_connection, c, NULL) < 0) {
        abort();
    }
}

static void *run_server(void *payload)
{
    struct h2_server *server = payload;
    struct pollfd fds[2] = {{.fd = server->stop_pipe[0], .events = POLLIN},
                            {.fd = server->socket, .events = POLLIN}};

    while (poll(fds, 2, -1) > 0 && !fds[0].revents) {
        accept_one(server);
    }
    for (size_t i = 0; i < server->all_count; i++) {
        shutdown(server->all[i].socket, SHUT_RDWR); /* ends what blocks in SSL_accept, SSL_write */
        thread_join(&server->all[i].thread);
        SSL_free(server->all[i].ssl);
        close(server->all[i].socket);
    }
    return NULL;
}

/* --- the server --- */

static int choose_h2(SSL *ssl, const unsigned char **out, unsigned char *size,
                     const unsigned char *offered, unsigned offered_size, void *payload)
{
    (void)ssl;
    (void)payload;
    return nghttp2_select_next_protocol((unsigned char **)out, size, offered, offered_size) == 1
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void listen_on_loopback(struct h2_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    server->socket = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(server->socket >= 0);
    assert_int_equal(bind(server->socket, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(server->socket, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(listen(server->socket, CONNECTIONS_MAX), 0);
    server->port = ntohs(address.sin_port);
}

struct h2_server *h2_server_start(const char *cert_path, const char *key_path)
{
    struct h2_server *server = calloc(1, sizeof(*server));

    assert_non_null(server);
    mutex_init(&server->mutex);
    server->tls = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate_chain_file(server->tls, cert_path), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(server->tls, key_path, SSL_FILETYPE_PEM), 1);
    SSL_CTX_set_alpn_select_cb(server->tls, choose_h2, NULL);
    listen_on_loopback(server);
    assert_int_equal(pipe(server->stop_pipe), 0);
    assert_int_equal(thread_start(&server->thread, "h2-server", run_server, server, NULL), 0);
    return server;
}

void h2_server_stop(struct h2_server *server)
{
    close(server->stop_pipe[1]); /* readable for everybody who polls it */
    thread_join(&server->thread);
    close(server->stop_pipe[0]);
    close(server->socket);
    SSL_CTX_free(server->tls);
    mutex_clear(&server->mutex);
    free(server);
}

int h2_server_port(const struct h2_server *server)
{
    return server->port;
}

void h2_server_script(struct h2_server *server, const enum h2_action *actions, size_t count)
{
    mutex_lock(&server->mutex);
    assert_true(count <= SCRIPT_MAX);
    memcpy(server->script, actions, count * sizeof(*actions));
    server->script_count = count;
    server->script_next = 0;
    server->requests = 0;
    server->connections = 0;
    mutex_unlock(&server->mutex);
}

int h2_server_requests(struct h2_server *server)
{
    int count;

    mutex_lock(&server->mutex);
    count = server->requests;
    mutex_unlock(&server->mutex);
    return count;
}

int h2_server_connections(struct h2_server *server)
{
    int count;

    mutex_lock(&server->mutex);
    count = server->connections;
    mutex_unlock(&server->mutex);
    return count;
}
