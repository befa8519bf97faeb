/*
 * A proxy on loopback that asks who we are: what is sent to it, how often, and what is said when it
 * is not satisfied. On Windows the session's own sign-in is a double of SSPI's table
 * (win32/sspi_client_double.h), which libcurl calls; elsewhere there is none.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/thread.h"
#include "graph/governor.h"
#include "mapper/graph.h"
#include "mapper/probe.h"
#include "test.h"
#include "test_socket.h"
#ifdef _WIN32
#include "win32/sspi_client_double.h"
#endif

#define HOST "https://graph.example:443/" /* nobody looks it up: the proxy would */
#define HEADS_MAX 16

struct proxy_server {
    struct thread thread;
    int socket;
    unsigned port;
    const char *asks;    /* 407: this header, until it was given `wants` */
    const char *wants;   /* a line of the head; NULL: nothing is enough */
    const char *first;   /* the line that is answered by `answers`, which asks for more */
    const char *answers; /* a header */
    struct mutex mutex;  /* guards all below */
    char heads[HEADS_MAX][1024];
    size_t count;
    bool has_tls; /* a client began TLS through the tunnel */
    bool is_stopping;
};

/* False when the client is gone. */
static bool read_head(char *head, size_t limit, int s)
{
    size_t size = 0;
    long got;

    while (size < limit - 1 && (got = test_socket_receive(s, head + size, limit - 1 - size)) > 0) {
        size += (size_t)got;
        head[size] = '\0';
        if (strstr(head, "\r\n\r\n")) {
            return true;
        }
    }
    return false;
}

static void answer(int s, const char *status, const char *header)
{
    char *text = NULL;

    assert_true(str_format(&text, NULL, "HTTP/1.1 %s\r\n%s%sContent-Length: 0\r\n\r\n", status,
                           header, *header ? "\r\n" : "") == 0);
    (void)test_socket_send(s, text, strlen(text));
    free(text);
}

/* One connection: questions and answers until the tunnel, of which the first byte is enough. */
static void serve(struct proxy_server *p, int s)
{
    char head[1024];
    unsigned char byte = 0;

    while (read_head(head, sizeof(head), s)) {
        mutex_lock(&p->mutex);
        if (p->count < HEADS_MAX) {
            snprintf(p->heads[p->count++], sizeof(p->heads[0]), "%s", head);
        }
        mutex_unlock(&p->mutex);
        if (p->wants && strstr(head, p->wants)) {
            (void)test_socket_send(s, "HTTP/1.1 200 OK\r\n\r\n", 19);
            if (test_socket_receive(s, &byte, 1) == 1 && byte == 0x16) { /* a TLS handshake */
                mutex_lock(&p->mutex);
                p->has_tls = true;
                mutex_unlock(&p->mutex);
            }
            return;
        }
        answer(s, "407 Proxy Authentication Required",
               p->first && strstr(head, p->first) ? p->answers : p->asks);
    }
}

static void *run(void *payload)
{
    struct proxy_server *p = payload;
    bool is_stopping = false;

    while (!is_stopping) {
        int s = test_socket_accept(p->socket);

        mutex_lock(&p->mutex);
        is_stopping = p->is_stopping;
        mutex_unlock(&p->mutex);
        if (s >= 0) {
            if (!is_stopping) {
                serve(p, s);
            }
            test_socket_close(s);
        }
    }
    return NULL;
}

static int setup(void **state)
{
    struct proxy_server *p = calloc(1, sizeof(*p));

    assert_non_null(p);
    mutex_init(&p->mutex);
    p->socket = test_socket_listen(&p->port);
    assert_true(p->socket >= 0);
    *state = p;
    return 0;
}

static void start(struct proxy_server *p)
{
    assert_int_equal(thread_start(&p->thread, "proxy", run, p, NULL), 0);
}

static int teardown(void **state)
{
    struct proxy_server *p = *state;

    mutex_lock(&p->mutex);
    p->is_stopping = true;
    mutex_unlock(&p->mutex);
    test_socket_close(test_socket_connect(p->port, false)); /* it waits for somebody */
    thread_join(&p->thread);
    test_socket_close(p->socket);
    mutex_clear(&p->mutex);
    free(p);
    return 0;
}

/* How many questions had this line; the server's thread may be at one that is over for us. */
static size_t count(struct proxy_server *p, const char *line)
{
    size_t found = 0;

    mutex_lock(&p->mutex);
    for (size_t i = 0; i < p->count; i++) {
        found += strstr(p->heads[i], line) != NULL;
    }
    mutex_unlock(&p->mutex);
    return found;
}

/* `user` is "name:password@" or "". */
static int look(struct proxy_server *p, const char *user, struct error *err)
{
    char *url = NULL;
    struct graph_options options = {.proxy = GRAPH_PROXY_MANUAL};
    struct graph_probe probe;
    int code;

    assert_int_equal(str_format(&url, NULL, "http://%s127.0.0.1:%u", user, p->port), 0);
    options.proxy_url = url;
    code = graph_probe(&probe, &options, HOST, 60000, err);
    free(url);
    return code;
}

static void assert_says(const struct error *err, const char *text)
{
    if (!strstr(err->message, text)) {
        fail_msg("no '%s' in: %s", text, err->message);
    }
}

static void assert_clear(const struct proxy_server *p, const struct error *err)
{
    char *address = NULL;

    assert_int_equal(str_format(&address, NULL, "127.0.0.1:%u", p->port), 0);
    assert_says(err, address);
    assert_says(err, "407");
    assert_says(err, "ProxyUrl");
    free(address);
}

/* --- the proxy is not satisfied --- */

static void proxy_refusal__names_the_proxy_and_what_to_do(void **state)
{
    struct proxy_server *p = *state;
    struct error err = {0};

    p->asks = "Proxy-Authenticate: Negotiate";
    start(p);
    assert_int_equal(look(p, "", &err), ERR_UNREACHABLE);
    assert_clear(p, &err);
    assert_in_range(count(p, "CONNECT graph.example:443 "), 1, 2);
}

/* A password is sent once: proxies and domains lock who sends a wrong one too often. */
static void governor__sends_a_wrong_password_once(void **state)
{
    struct proxy_server *p = *state;
    struct governor_options options = {.max_connections = 1, .proxy = GRAPH_PROXY_MANUAL};
    struct http_request request = {.method = "GET", .url = HOST, .scope = "tenant"};
    struct http_response response = {0};
    struct governor *governor = NULL;
    struct error err = {0};
    char *url = NULL;

    p->asks = "Proxy-Authenticate: Basic realm=\"test\"";
    start(p);
    assert_int_equal(str_format(&url, NULL, "http://anna:wrong@127.0.0.1:%u", p->port), 0);
    options.proxy_url = url;
    assert_int_equal(governor_new(&governor, &options, NULL), 0);
    assert_int_equal(governor_perform(governor, &request, &response, NULL, &err), ERR_UNREACHABLE);
    assert_clear(p, &err);
    assert_says(&err, "Basic");
    assert_null(strstr(err.message, "wrong"));
    assert_int_equal(count(p, "Proxy-Authorization: Basic YW5uYTp3cm9uZw=="), 1);
    http_response_clear(&response);
    governor_free(governor);
    free(url);
}

#ifdef _WIN32
/* --- the session's sign-in --- */

/* What the shipped programs are built with; without it Negotiate would silently never be tried. */
static void libcurl__can_ask_windows_who_we_are(void **state)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

    (void)state;
    assert_true(info->features & CURL_VERSION_SSPI);
    assert_true(info->features & CURL_VERSION_SPNEGO);
    assert_true(info->features & CURL_VERSION_NTLM);
}

static void sign_on(struct proxy_server *p, const char *package)
{
    struct sspi_client_double seen;
    struct error err = {0};
    char *lines[4] = {NULL};

    str_format(&lines[0], NULL, "Proxy-Authenticate: %s", package);
    str_format(&lines[1], NULL, "Proxy-Authorization: %s aGVsbG8=\r\n", package); /* hello */
    str_format(&lines[2], NULL, "Proxy-Authenticate: %s d2hvPw==", package);      /* who? */
    str_format(&lines[3], NULL, "Proxy-Authorization: %s bWU=\r\n", package);     /* me */
    p->asks = lines[0];
    p->first = lines[1];
    p->answers = lines[2];
    p->wants = lines[3];
    start(p);
    assert_int_equal(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
    sspi_client_double_begin();
    (void)look(p, "", &err); /* the tunnel ends at its first byte */
    sspi_client_double_end(&seen);
    curl_global_cleanup();

    assert_int_equal(count(p, lines[1]), 1);
    assert_int_equal(count(p, lines[3]), 1);
    assert_int_equal(count(p, "Basic"), 0);
    mutex_lock(&p->mutex);
    assert_true(p->has_tls);
    mutex_unlock(&p->mutex);
    assert_string_equal(seen.package, package);
    assert_string_equal(seen.target, "HTTP/127.0.0.1");
    assert_false(seen.has_password);
    assert_int_equal(seen.open, 0);
    for (size_t i = 0; i < 4; i++) {
        free(lines[i]);
    }
}

static void proxy_apply__proves_the_user_by_negotiate(void **state)
{
    sign_on(*state, "Negotiate");
}

static void proxy_apply__proves_the_user_by_ntlm(void **state)
{
    sign_on(*state, "NTLM");
}

/* Signed in to Windows as somebody whom the proxy does not know. */
static void proxy_refusal__ends_when_the_user_is_not_known(void **state)
{
    struct proxy_server *p = *state;
    struct sspi_client_double seen;
    struct error err = {0};

    p->asks = "Proxy-Authenticate: Negotiate";
    p->first = "Proxy-Authorization: Negotiate aGVsbG8=\r\n";
    p->answers = "Proxy-Authenticate: Negotiate d2hvPw==";
    start(p);
    assert_int_equal(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
    sspi_client_double_begin();
    assert_int_equal(look(p, "", &err), ERR_UNREACHABLE);
    sspi_client_double_end(&seen);
    curl_global_cleanup();
    assert_clear(p, &err);
    assert_says(&err, "Negotiate");
    assert_says(&err, "sign in to Windows");
    assert_int_equal(count(p, "Proxy-Authorization: Negotiate bWU="), 1);
    assert_int_equal(seen.open, 0);
}
#endif

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(proxy_refusal__names_the_proxy_and_what_to_do, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(governor__sends_a_wrong_password_once, setup, teardown),
#ifdef _WIN32
        cmocka_unit_test(libcurl__can_ask_windows_who_we_are),
        cmocka_unit_test_setup_teardown(proxy_apply__proves_the_user_by_negotiate, setup, teardown),
        cmocka_unit_test_setup_teardown(proxy_apply__proves_the_user_by_ntlm, setup, teardown),
        cmocka_unit_test_setup_teardown(proxy_refusal__ends_when_the_user_is_not_known, setup,
                                        teardown),
#endif
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
