/*
 * The gateway as Windows' client meets it: the secret as the first segment of each path, and who the
 * client is by Negotiate, on a double of SSPI. All of it is portable, and runs under Wine too.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "gateway.h"
#include "sspi_double.h"
#include "test_socket.h"
#include "webdav/webdav_internal.h"

struct client {
    struct gateway gateway;
    unsigned port;
    char *secret;
    struct buf answer;
    int connection; /* -1: none */
};

/* `sspi` NULL: WebDavAuth is Off. */
static void start(struct client *c, enum transport_dav_auth mode, const struct dav_sspi *sspi)
{
    const struct transport_options options = {.secret_in_path = true,
                                              .dav_auth = TRANSPORT_DAV_AUTH_OFF};
    const struct mapping mapping = {.path = "t/s/l"};
    struct webdav *dav = NULL;

    memset(c, 0, sizeof(*c));
    c->connection = -1;
    buf_init(&c->answer, 1 << 20);
    assert_int_equal(gateway_begin(&c->gateway, NULL, &options, &mapping, NULL), 0);
    dav = (struct webdav *)c->gateway.transport;
    c->port = dav->port;
    c->secret = dav->secret;
    if (sspi) { /* nobody is connected yet */
        dav_auth_free(dav->auth);
        dav->auth = NULL;
        assert_int_equal(dav_auth_new(&dav->auth, mode, sspi, NULL), 0);
        dav_connections_use_auth(dav->connections, dav->auth);
    }
}

static void hang_up(struct client *c)
{
    if (c->connection >= 0) {
        test_socket_close(c->connection);
    }
    c->connection = -1;
}

static void stop(struct client *c)
{
    hang_up(c);
    assert_int_equal(gateway_end(&c->gateway), 0);
    buf_clear(&c->answer);
}

/* Reads one answer: its head, and as much of a body as that says. */
static int read_answer(struct client *c)
{
    const char *end = NULL;
    const char *length = NULL;
    size_t want = 0;
    int status = 0;

    buf_reset(&c->answer);
    for (;;) {
        char block[4096];
        long got = 0;

        end = c->answer.size > 0 ? strstr(buf_text(&c->answer), "\r\n\r\n") : NULL;
        if (end && !want) {
            length = strstr(buf_text(&c->answer), "Content-Length: ");
            want = (size_t)(end + 4 - buf_text(&c->answer));
            want += length && length < end ? strtoul(length + 16, NULL, 10) : 0;
            if (strstr(buf_text(&c->answer), "Transfer-Encoding: chunked")) {
                want = SIZE_MAX;
            }
        }
        if (end && (c->answer.size >= want || (want == SIZE_MAX && strstr(end, "\r\n0\r\n\r\n")))) {
            break;
        }
        got = test_socket_receive(c->connection, block, sizeof(block));
        if (got <= 0) {
            break;
        }
        assert_int_equal(buf_add(&c->answer, block, (size_t)got, NULL), 0);
    }
    return c->answer.size > 0 && sscanf(buf_text(&c->answer), "HTTP/1.1 %d", &status) == 1 ? status
                                                                                           : 0;
}

/* One request on the connection that there is, which stays. "/SECRET" at the beginning of
 * `target` stands for the secret. */
static int ask(struct client *c, const char *method, const char *target, const char *headers,
               const char *body)
{
    char path[256];
    char *text = NULL;

    if (c->connection < 0) {
        c->connection = test_socket_connect(c->port, false);
    }
    assert_true(c->connection >= 0);
    if (str_starts_with(target, "/SECRET")) {
        snprintf(path, sizeof(path), "/%s%s", c->secret, target + strlen("/SECRET"));
    } else {
        snprintf(path, sizeof(path), "%s", target);
    }
    assert_int_equal(str_format(&text, NULL,
                                "%s %s HTTP/1.1\r\nHost: localhost:%u\r\nConnection: Keep-Alive\r\n"
                                "User-Agent: Microsoft-WebDAV-MiniRedir/10.0.19045\r\n"
                                "translate: f\r\n%sContent-Length: %zu\r\n\r\n%s",
                                method, path, c->port, headers, strlen(body), body),
                     0);
    assert_int_equal(test_socket_send(c->connection, text, strlen(text)), (long)strlen(text));
    free(text);
    return read_answer(c);
}

static bool has(const struct client *c, const char *text)
{
    return strstr(buf_text(&c->answer), text) != NULL;
}

/* --- the secret in the path --- */

static void webdav_secret__is_the_first_segment_of_each_path(void **state)
{
    struct client c;
    char header[256];
    char wrong[256];

    (void)state;
    start(&c, TRANSPORT_DAV_AUTH_OFF, NULL);
    assert_int_equal(strlen(c.secret), 64);
    assert_int_equal(ask(&c, "PROPFIND", "/SECRET/t/s/l", "Depth: 1\r\n", ""), 207);
    snprintf(header, sizeof(header), "<D:href>/%s/t/s/l/</D:href>", c.secret);
    assert_true(has(&c, header));
    assert_int_equal(ask(&c, "PUT", "/SECRET/t/s/l/doc", "", "x"), 201);
    assert_int_equal(ask(&c, "PUT", "/t/s/l/doc", "", "x"), 404);
    assert_int_equal(ask(&c, "GET", "/t/s/l/doc", "", ""), 404);
    snprintf(wrong, sizeof(wrong), "/%s/t/s/l/doc", c.secret);
    wrong[20] = wrong[20] == '0' ? '1' : '0';
    assert_int_equal(ask(&c, "GET", wrong, "", ""), 404);
    snprintf(wrong, sizeof(wrong), "/%.63s/t/s/l/doc", c.secret);
    assert_int_equal(ask(&c, "GET", wrong, "", ""), 404);
    snprintf(wrong, sizeof(wrong), "/%s0/t/s/l/doc", c.secret);
    assert_int_equal(ask(&c, "GET", wrong, "", ""), 404);
    /* what a client goes through on its way: there is a server, and it is empty */
    assert_int_equal(ask(&c, "OPTIONS", "/", "", ""), 200);
    assert_true(has(&c, "DAV: 1, 2"));
    assert_int_equal(ask(&c, "PROPFIND", "/", "Depth: 1\r\n", ""), 207);
    assert_true(has(&c, "<D:href>/</D:href>"));
    assert_false(has(&c, "/t/"));
    assert_int_equal(ask(&c, "PROPFIND", "/t", "Depth: 0\r\n", ""), 404);
    assert_int_equal(ask(&c, "PROPFIND", "/SECRET", "Depth: 1\r\n", ""), 207);
    assert_true(has(&c, "/t/</D:href>"));
    /* in the headers as well */
    snprintf(header, sizeof(header), "Destination: http://localhost:%u/%s/t/s/l/new\r\n", c.port,
             c.secret);
    assert_int_equal(ask(&c, "MOVE", "/SECRET/t/s/l/doc", "Destination: /t/s/l/new\r\n", ""), 502);
    assert_int_equal(ask(&c, "MOVE", "/SECRET/t/s/l/doc", header, ""), 201);
    stop(&c);
}

/* The save of a program through WebClient (windows-facts 3.7). */
static void webdav_secret__is_in_the_save_of_webclient(void **state)
{
    static const char wish[] =
        "<?xml version=\"1.0\" encoding=\"utf-8\" ?><D:lockinfo xmlns:D=\"DAV:\"><D:lockscope>"
        "<D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>C\\me"
        "</D:href></D:owner></D:lockinfo>";
    struct client c;
    char token[100] = "";
    char headers[256];
    char root[160];

    (void)state;
    start(&c, TRANSPORT_DAV_AUTH_OFF, NULL);
    assert_int_equal(ask(&c, "PROPFIND", "/SECRET/t/s/l/a.docx", "Depth: 0\r\n", ""), 404);
    assert_int_equal(ask(&c, "PUT", "/SECRET/t/s/l/a.docx", "", ""), 201);
    assert_int_equal(ask(&c, "LOCK", "/SECRET/t/s/l/a.docx", "Timeout: Second-3600\r\n", wish),
                     200);
    assert_int_equal(
        sscanf(strstr(buf_text(&c.answer), "Lock-Token: <"), "Lock-Token: <%99[^>]", token), 1);
    snprintf(root, sizeof(root), "<D:lockroot><D:href>/%s/t/s/l/a.docx</D:href>", c.secret);
    assert_true(has(&c, root));
    snprintf(headers, sizeof(headers), "If: (<%s>)\r\n", token);
    assert_int_equal(ask(&c, "HEAD", "/SECRET/t/s/l/a.docx", "", ""), 200);
    hang_up(&c); /* the length that HEAD told was not that of a body */
    assert_int_equal(ask(&c, "PUT", "/SECRET/t/s/l/a.docx", "", "content"), 423);
    assert_int_equal(ask(&c, "PUT", "/SECRET/t/s/l/a.docx", headers, "content"), 204);
    snprintf(headers, sizeof(headers), "Lock-Token: <%s>\r\n", token);
    assert_int_equal(ask(&c, "UNLOCK", "/SECRET/t/s/l/a.docx", headers, ""), 204);
    assert_int_equal(ask(&c, "GET", "/SECRET/t/s/l/a.docx", "", ""), 200);
    assert_true(has(&c, "\r\n\r\ncontent"));
    stop(&c);
}

/* --- who it is --- */

#define HELLO "Authorization: Negotiate aGVsbG8=\r\n"   /* hello */
#define ME "Authorization: Negotiate bWU=\r\n"          /* me */
#define SOMEBODY "Authorization: NTLM c29tZWJvZHk=\r\n" /* somebody */
#define NTLM_HELLO "Authorization: NTLM aGVsbG8=\r\n"
#define TICKET "Authorization: Negotiate dGlja2V0\r\n" /* ticket */
#define OTHER_AGENT "User-Agent: curl\r\n"

static void webdav_identity__is_asked_once_for_a_connection(void **state)
{
    struct client c;

    (void)state;
    start(&c, TRANSPORT_DAV_AUTH_REQUIRED, &sspi_double);
    assert_int_equal(ask(&c, "OPTIONS", "/", "", ""), 401); /* challenged as all else is */
    assert_true(has(&c, "WWW-Authenticate: Negotiate\r\n"));
    assert_true(has(&c, "WWW-Authenticate: NTLM\r\n"));
    assert_int_equal(ask(&c, "PUT", "/SECRET/t/s/l/doc", HELLO, "a body before we know"), 401);
    assert_true(has(&c, "WWW-Authenticate: Negotiate d2hvPw==\r\n")); /* who? */
    assert_int_equal(ask(&c, "PUT", "/SECRET/t/s/l/doc", ME, "content"), 201);
    assert_int_equal(ask(&c, "GET", "/SECRET/t/s/l/doc", "", ""), 200); /* the connection is us */
    assert_int_equal(ask(&c, "GET", "/t/s/l/doc", "", ""), 404);        /* without the secret */
    hang_up(&c);
    assert_int_equal(ask(&c, "GET", "/SECRET/t/s/l/doc", "", ""), 401); /* another one is not */
    hang_up(&c);
    assert_int_equal(ask(&c, "GET", "/SECRET/t/s/l/doc", TICKET, ""), 200);
    assert_true(has(&c, "WWW-Authenticate: Negotiate d2VsY29tZQ==\r\n")); /* welcome */
    stop(&c);
    assert_int_equal(sspi_double_sessions(), 0);
}

static void webdav_identity__of_another_user_gets_nothing(void **state)
{
    static const char *const wrong[] = {ME,
                                        "Authorization: Negotiate !!!\r\n",
                                        "Authorization: Negotiate \r\n",
                                        "Authorization: Basic bTp4\r\n",
                                        "Authorization: Negotiate\r\n",
                                        SOMEBODY};
    struct client c;

    (void)state;
    start(&c, TRANSPORT_DAV_AUTH_REQUIRED, &sspi_double);
    assert_int_equal(ask(&c, "GET", "/SECRET/t/s/l/doc", NTLM_HELLO, ""), 401);
    assert_true(has(&c, "WWW-Authenticate: NTLM d2hvPw==\r\n"));
    assert_int_equal(ask(&c, "PROPFIND", "/SECRET/t/s/l", SOMEBODY "Depth: 0\r\n", ""), 403);
    assert_int_equal(ask(&c, "PROPFIND", "/SECRET/t/s/l", "Depth: 0\r\n", ""), 401);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(ask(&c, "PROPFIND", "/SECRET/t/s/l", wrong[i], ""), 401);
    }
    /* the first leg with one package, the second with the other */
    assert_int_equal(ask(&c, "GET", "/SECRET/t/s/l/doc", NTLM_HELLO, ""), 401);
    assert_int_equal(ask(&c, "GET", "/SECRET/t/s/l/doc", ME, ""), 401);
    /* one that was good and then is somebody else */
    assert_int_equal(ask(&c, "PROPFIND", "/SECRET/t/s/l", TICKET "Depth: 0\r\n", ""), 207);
    assert_int_equal(ask(&c, "PROPFIND", "/SECRET/t/s/l", NTLM_HELLO "Depth: 0\r\n", ""), 401);
    assert_int_equal(ask(&c, "PROPFIND", "/SECRET/t/s/l", SOMEBODY "Depth: 0\r\n", ""), 403);
    assert_int_equal(ask(&c, "PROPFIND", "/SECRET/t/s/l", "Depth: 0\r\n", ""), 401);
    /* legs without end */
    for (unsigned i = 0; i < DAV_LEGS_MAX * 2; i++) {
        assert_int_equal(ask(&c, "GET", "/SECRET/t/s/l/doc", HELLO, ""), 401);
    }
    stop(&c);
    assert_int_equal(sspi_double_sessions(), 0);
}

/* Preferred: Windows' own clients are asked, and who cannot answer has the secret alone. */
static void webdav_identity__preferred_asks_those_that_can_answer(void **state)
{
    struct dav_auth_peer peer = {0};
    struct dav_auth *auth = NULL;
    struct buf answer;

    (void)state;
    buf_init(&answer, 4096);
    assert_int_equal(dav_auth_new(&auth, TRANSPORT_DAV_AUTH_PREFERRED, &sspi_double, NULL), 0);
    assert_int_equal(dav_auth_check(auth, &peer, NULL, "Microsoft-WebDAV-MiniRedir/10", &answer),
                     401);
    assert_int_equal(dav_auth_check(auth, &peer, NULL, "Microsoft Office Word 2014", &answer), 401);
    assert_int_equal(dav_auth_check(auth, &peer, NULL, "DavClnt", &answer), 401);
    assert_int_equal(dav_auth_check(auth, &peer, NULL, "rclone/v1.60", &answer), 0);
    assert_int_equal(dav_auth_check(auth, &peer, NULL, NULL, &answer), 0);
    /* who says something says it right */
    assert_int_equal(dav_auth_check(auth, &peer, "NTLM aGVsbG8=", "rclone", &answer), 401);
    assert_int_equal(dav_auth_check(auth, &peer, "NTLM c29tZWJvZHk=", "rclone", &answer), 403);
    dav_auth_peer_clear(auth, &peer);
    dav_auth_free(auth);

    /* a system without packages: Preferred goes on, Required does not */
    assert_int_equal(
        dav_auth_new(&auth, TRANSPORT_DAV_AUTH_PREFERRED, &sspi_double_without_packages, NULL), 0);
    assert_int_equal(dav_auth_check(auth, &peer, NULL, "DavClnt", &answer), 0);
    assert_null(dav_auth_package(auth, 0));
    dav_auth_free(auth);
    assert_int_equal(
        dav_auth_new(&auth, TRANSPORT_DAV_AUTH_REQUIRED, &sspi_double_without_packages, NULL),
        ERR_UNSUPPORTED);
    assert_int_equal(dav_auth_new(&auth, TRANSPORT_DAV_AUTH_REQUIRED, NULL, NULL), ERR_UNSUPPORTED);
    assert_int_equal(dav_auth_new(&auth, TRANSPORT_DAV_AUTH_OFF, &sspi_double, NULL), 0);
    assert_int_equal(dav_auth_check(auth, &peer, NULL, "DavClnt", &answer), 0);
    dav_auth_free(auth);
    buf_clear(&answer);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(webdav_secret__is_the_first_segment_of_each_path),
        cmocka_unit_test(webdav_secret__is_in_the_save_of_webclient),
        cmocka_unit_test(webdav_identity__is_asked_once_for_a_connection),
        cmocka_unit_test(webdav_identity__of_another_user_gets_nothing),
        cmocka_unit_test(webdav_identity__preferred_asks_those_that_can_answer),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("webdav_identity", tests, NULL, NULL);
}
