/*
 * The gateway as clients and attackers see it: bytes on a socket, over memfs.
 */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "client.h"

/* --- the guard --- */

static int ask_raw(struct client *c, const char *fmt, const char *host, const char *more)
{
    char *text = NULL;
    int status = 0;

    assert_int_equal(
        str_format(&text, NULL, "%s%s%s\r\nConnection: close\r\n\r\n", fmt, host, more), 0);
    status = client_exchange(c, text, strlen(text));
    free(text);
    return status;
}

static void webdav_guard__wants_host_password_and_no_origin(void **state)
{
    struct client *c = *state;
    char good[64];
    char other_port[64];
    char auth[256];
    char bad_auth[512];
    const char *const hosts[] = {"evil.example",     "evil.example:80", "127.0.0.1",
                                 "localhost.evil:1", other_port,        ""};

    snprintf(good, sizeof(good), "LOCALHOST:%u", (unsigned)c->port);
    snprintf(other_port, sizeof(other_port), "localhost:%u", (unsigned)c->port ^ 1u);
    snprintf(auth, sizeof(auth), "\r\nAuthorization: %s", c->authorization);
    assert_int_equal(ask_raw(c, "OPTIONS / HTTP/1.1\r\nHost: ", good, auth), 200);
    assert_int_equal(ask_raw(c, "OPTIONS * HTTP/1.1\r\nHost: ", good, auth), 200);
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        int status = ask_raw(c, "OPTIONS / HTTP/1.1\r\nHost: ", hosts[i], auth);

        assert_true(status == 403 || status == 400);
    }
    assert_int_equal(ask_raw(c, "OPTIONS / HTTP/1.1\r\nX: ", good, auth), 400);
    assert_int_equal(ask_raw(c, "OPTIONS / HTTP/1.1\r\nHost: ", good, ""), 401);
    assert_non_null(strstr(buf_text(&c->answer), "WWW-Authenticate: Basic"));
    snprintf(bad_auth, sizeof(bad_auth), "%s\r\nOrigin: http://%s", auth, good);
    assert_int_equal(ask_raw(c, "OPTIONS / HTTP/1.1\r\nHost: ", good, bad_auth), 403);
    snprintf(bad_auth, sizeof(bad_auth), "%s\r\nOrigin: null", auth);
    assert_int_equal(ask_raw(c, "OPTIONS / HTTP/1.1\r\nHost: ", good, bad_auth), 403);
}

static void webdav_guard__takes_no_other_password(void **state)
{
    struct client *c = *state;
    static const char *const wrong[] = {"Basic",    "Basic ",     "Basic bTo=", "Basic !!!",
                                        "Bearer x", "Basic Og==", "Negotiate x"};
    char *good = c->authorization;
    char *last = NULL;

    c->authorization = NULL;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(str_copy(&c->authorization, wrong[i], NULL), 0);
        assert_int_equal(client_ask(c, "PROPFIND", "/", "Depth: 0\r\n", ""), 401);
    }
    assert_int_equal(str_copy(&c->authorization, good, NULL), 0);
    last = &c->authorization[20];
    *last = *last == 'A' ? 'B' : 'A';
    assert_int_equal(client_ask(c, "PROPFIND", "/", "Depth: 0\r\n", ""), 401);
    free(c->authorization);
    c->authorization = good;
    assert_int_equal(client_ask(c, "PROPFIND", "/", "Depth: 0\r\n", ""), 207);
}

/* Somebody else on this machine, who even knows the password, gets not a byte; also when the
 * connection is closed at once, and the kernel says uid 0 of it. */
static void webdav_guard__does_not_answer_another_user(void **state)
{
    struct client *c = *state;
    char *text = NULL;
    struct vfs_attr attr;
    pid_t child = 0;
    int status = 0;

    if (getuid() != 0) {
        skip(); /* only root can be somebody else */
    }
    assert_int_equal(client_ask(c, "PUT", "/t/s/l/kept", "", "x"), 201);
    assert_int_equal(str_format(&text, NULL,
                                "DELETE /t/s/l/kept HTTP/1.1\r\nHost: localhost:%u\r\n"
                                "Authorization: %s\r\n\r\n",
                                (unsigned)c->port, c->authorization),
                     0);
    child = fork();
    if (child == 0) {
        int fd = -1;

        if (setgid(65534) < 0 || setuid(65534) < 0) {
            _exit(3);
        }
        if (client_exchange(c, text, strlen(text)) != 0 || c->answer.size != 0) {
            _exit(1);
        }
        for (int i = 0; i < 200; i++) {
            fd = client_dial(c);
            if (fd >= 0) {
                (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
                close(fd);
            }
        }
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(client_ask(c, "GET", "/t/s/l/kept", "", ""),
                     200); /* all before it was looked at */
    assert_int_equal(vfs_lookup(c->gateway.memory, &attr, 2, "kept", NULL, NULL), 0);
    vfs_forget(c->gateway.memory, attr.id, 1);
    free(text);
}

static void webdav_paths__lead_nowhere_else(void **state)
{
    struct client *c = *state;
    static const char *const bad[] = {
        "/../etc/passwd", "/%2e%2e/etc/passwd", "/t/s/l/..%2f..%2fx",         "/t/s/l/%c0%ae%c0%ae",
        "/t/%00",         "/t/s/l/a#b",         "http://evil.example/t/s/l/a"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(client_ask(c, "GET", bad[i], "", ""), 400);
        assert_int_equal(client_ask(c, "PUT", bad[i], "", "x"), 400);
    }
    assert_int_equal(client_ask(c, "PUT", "/t/s/l/a", "", "x"), 201);
    assert_int_equal(
        client_ask(c, "MOVE", "/t/s/l/a", "Destination: http://evil.example/a\r\n", ""), 502);
    assert_int_equal(client_ask(c, "MOVE", "/t/s/l/a", "Destination: /t/s/l/../../x\r\n", ""), 400);
    assert_int_equal(client_ask(c, "COPY", "/t/s/l/a", "Destination: /t/x\r\n", ""), 403);
    assert_int_equal(client_ask(c, "BREW", "/t/s/l/a", "", ""), 501);
    assert_int_equal(client_ask(c, "TRACE", "/t/s/l/a", "", ""), 501);
    assert_int_equal(client_ask(c, "get", "/t/s/l/a", "", ""), 501);
}

/* --- limits --- */

static void webdav_limits__refuse_what_grows(void **state)
{
    static const char laughs[] = "<!DOCTYPE p [<!ENTITY a \"ha\">]><propfind xmlns=\"DAV:\">&a;"
                                 "</propfind>";
    struct client *c = *state;
    size_t size = 400000;
    char *big = calloc(1, size + 200);
    int status = 0;

    assert_non_null(big);
    assert_int_equal(client_ask(c, "PROPFIND", "/", "Depth: 0\r\n", laughs), 400);
    memset(big, ' ', size);
    assert_int_equal(client_ask(c, "PROPFIND", "/", "Depth: 0\r\n", big), 413);
    memcpy(big, "X: ", 3);
    memset(big + 3, 'a', size);
    memcpy(big + 3 + size, "\r\n", 3);
    status = client_ask(c, "PROPFIND", "/", big, "");
    assert_true(status == 431 || status == 413 || status == 0);
    for (size_t i = 0; i + 6 < size; i += 6) { /* many small headers */
        memcpy(big + i, "A: b\r\n", 6);
        big[i + 6] = '\0';
    }
    status = client_ask(c, "PROPFIND", "/", big, "");
    assert_true(status == 431 || status == 413 || status == 0);
    free(big);
    assert_int_equal(client_ask(c, "PROPFIND", "/", "Depth: 0\r\n", ""), 207);
}

/* Does not wait until the connection stands: neither would who floods us. */
static int dial_and_go_on(const struct client *c)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(c->port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 &&
        errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

/* More than there is room for, silent or sending letter by letter: an honest client keeps working. */
static void webdav_limits__idle_connections_keep_nobody_out(void **state)
{
    struct client *c = *state;
    struct rlimit limit = {0};
    size_t count = 10000;
    int *fds = NULL;
    int answered = 0;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max < 11000 ? limit.rlim_max : 11000;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    count = limit.rlim_cur > count + 200 ? count : (size_t)limit.rlim_cur - 200;
    fds = calloc(count, sizeof(*fds));
    assert_non_null(fds);
    for (size_t i = 0; i < count; i++) {
        fds[i] = dial_and_go_on(c);
        if (fds[i] >= 0 && i % 2) {
            (void)!send(fds[i], "GET / HTTP/1.1\r\nHo", 18, MSG_NOSIGNAL);
        }
        if (i % 1000 == 999) { /* a client that is turned away tries again */
            for (int turn = 0; turn < 100 && answered <= (int)(i / 1000); turn++) {
                answered += client_ask(c, "PROPFIND", "/", "Depth: 0\r\n", "") == 207;
                usleep(answered <= (int)(i / 1000) ? 50000 : 0); /* ... a moment later */
            }
            assert_int_equal(answered, i / 1000 + 1);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    free(fds);
}

/* --- the end --- */

/* A gateway whose vfs waits for a minute in every call, with one request inside it. */
static int begin_slow(struct client *c, struct transport **slow, struct vfs **vfs)
{
    struct memfs_options memory = {.delay_ms = 60000};
    struct transport_options options = {.private_directory = c->gateway.folder,
                                        .deadline_ms = 120000};
    struct mapping mapping = {.path = "t/s/l", .root_id = 2};
    char *text = NULL;
    char *url = NULL;
    int fd = -1;

    assert_int_equal(memfs_new(vfs, &memory, NULL), 0);
    assert_int_equal(transport_create(slow, "webdav", &options, NULL), 0);
    assert_int_equal(transport_start(*slow, *vfs, NULL), 0);
    assert_int_equal(transport_attach(*slow, &mapping, NULL), 0);
    assert_int_equal(transport_address(*slow, &url, NULL), 0);
    c->port = (uint16_t)strtoul(url + strlen("http://127.0.0.1:"), NULL, 10);
    assert_int_equal(str_format(&text, NULL,
                                "GET /t/s/l/x HTTP/1.1\r\nHost: localhost:%u\r\nAuthorization: %s"
                                "\r\n\r\n",
                                (unsigned)c->port, c->authorization),
                     0);
    fd = client_dial(c);
    assert_true(send(fd, text, strlen(text), MSG_NOSIGNAL) > 0);
    free(text);
    free(url);
    return fd;
}

static void webdav_stop__cancels_what_waits(void **state)
{
    struct client *c = *state;
    struct transport *slow = NULL;
    struct vfs *vfs = NULL;
    int64_t begin = 0;
    int fd = begin_slow(c, &slow, &vfs);

    usleep(200000); /* so that it waits when we stop; either way the result is the same */
    begin = clock_mono_ms(clock_system());
    transport_stop(slow, 2000);
    assert_true(clock_mono_ms(clock_system()) - begin < 20000);
    close(fd);
    vfs_unref(vfs);
}

/* Nobody waits for the answer any more: neither does the gateway. */
static void webdav_calls__end_when_the_client_is_gone(void **state)
{
    struct client *c = *state;
    struct transport *slow = NULL;
    struct vfs *vfs = NULL;
    int64_t begin = 0;
    int fd = begin_slow(c, &slow, &vfs);

    usleep(200000);
    close(fd);
    begin = clock_mono_ms(clock_system());
    transport_stop(slow, 60000); /* waits for what runs, but nothing does */
    assert_true(clock_mono_ms(clock_system()) - begin < 20000);
    vfs_unref(vfs);
}

static void webdav_start__says_that_the_port_is_taken(void **state)
{
    struct client *c = *state;
    struct transport_options options = {.private_directory = c->gateway.folder, .port = c->port};
    struct transport *second = NULL;
    struct error err = {0};

    assert_int_equal(transport_create(&second, "webdav", &options, NULL), 0);
    assert_int_equal(transport_start(second, c->gateway.memory, &err), ERR_BUSY);
    assert_non_null(strstr(err.message, "WebDavPort"));
    transport_stop(second, 0);
    assert_int_equal(client_ask(c, "PROPFIND", "/", "Depth: 0\r\n", ""), 207);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
#define ROW(test) cmocka_unit_test_setup_teardown(test, client_set_up, client_tear_down)
        ROW(webdav_guard__wants_host_password_and_no_origin),
        ROW(webdav_guard__takes_no_other_password),
        ROW(webdav_guard__does_not_answer_another_user),
        ROW(webdav_paths__lead_nowhere_else),
        ROW(webdav_limits__refuse_what_grows),
        ROW(webdav_limits__idle_connections_keep_nobody_out),
        ROW(webdav_stop__cancels_what_waits),
        ROW(webdav_calls__end_when_the_client_is_gone),
        ROW(webdav_start__says_that_the_port_is_taken),
#undef ROW
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("webdav_wire", tests, NULL, NULL);
}
