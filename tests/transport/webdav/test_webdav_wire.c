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
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "base/thread.h"
#include "transport/memfs.h"
#include "transport/transport.h"

#define CONNECTIONS 24

struct gateway {
    char *folder;
    struct vfs *memory;
    struct transport *transport;
    uint16_t port;
    char *authorization; /* the value of the header */
    struct buf answer;
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* "Basic ..." for the user `m`. */
static void make_authorization(struct gateway *g, const char *password)
{
    char plain[128];
    char text[200] = "";
    size_t used = 0;
    size_t size = 0;

    assert_true(snprintf(plain, sizeof(plain), "m:%s", password) < 120);
    size = strlen(plain);
    memset(plain + size, 0, 3);
    for (size_t i = 0; i < size; i += 3) {
        const unsigned char *p = (const unsigned char *)plain + i;

        text[used++] = alphabet[p[0] >> 2];
        text[used++] = alphabet[(p[0] & 3) << 4 | p[1] >> 4];
        text[used++] = i + 1 < size ? alphabet[(p[1] & 15) << 2 | p[2] >> 6] : '=';
        text[used++] = i + 2 < size ? alphabet[p[2] & 63] : '=';
    }
    text[used] = '\0';
    assert_int_equal(str_format(&g->authorization, NULL, "Basic %s", text), 0);
}

static int set_up(void **state)
{
    struct gateway *g = calloc(1, sizeof(*g));
    struct transport_options options = {.max_threads = CONNECTIONS};
    struct mapping mapping = {.path = "t/s/l", .letter = 'H', .label = "Label"};
    struct vfs_attr library;
    struct buf secret;
    char *path = NULL;
    char *url = NULL;

    assert_non_null(g);
    buf_init(&g->answer, 64 << 20);
    buf_init(&secret, 4096);
    assert_int_equal(file_make_temporary_directory(&g->folder, "webdav", NULL), 0);
    options.private_directory = g->folder;
    assert_int_equal(memfs_new(&g->memory, NULL, NULL), 0);
    assert_int_equal(transport_create(&g->transport, "webdav", &options, NULL), 0);
    assert_int_equal(transport_start(g->transport, g->memory, NULL), 0);
    assert_int_equal(vfs_mkdir(g->memory, &library, VFS_ROOT, "lib", NULL, NULL), 0);
    mapping.root_id = library.id;
    assert_int_equal(transport_attach(g->transport, &mapping, NULL), 0);
    assert_int_equal(transport_address(g->transport, &url, NULL), 0);
    assert_true(str_starts_with(url, "http://127.0.0.1:"));
    g->port = (uint16_t)strtoul(url + strlen("http://127.0.0.1:"), NULL, 10);
    assert_int_equal(str_format(&path, NULL, "%s/webdav-password", g->folder), 0);
    assert_int_equal(file_read_all(&secret, path, NULL), 0);
    make_authorization(g, buf_text(&secret));
    buf_clear(&secret);
    free(path);
    free(url);
    *state = g;
    return 0;
}

static int tear_down(void **state)
{
    struct gateway *g = *state;

    transport_stop(g->transport, 5000);
    vfs_unref(g->memory);
    assert_int_equal(file_remove_tree(g->folder, NULL), 0);
    free(g->folder);
    free(g->authorization);
    buf_clear(&g->answer);
    free(g);
    return 0;
}

static int dial(const struct gateway *g)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(g->port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    struct timeval limit = {.tv_sec = 30};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        close(fd);
        return -1;
    }
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    }
    return fd;
}

/* Sends bytes and reads to the end of the connection. The status, or 0 without an answer. */
static int exchange_bytes(struct gateway *g, const char *data, size_t size)
{
    char block[65536];
    ssize_t got = 0;
    int status = 0;
    int fd = dial(g);

    buf_reset(&g->answer);
    if (fd < 0) {
        return 0;
    }
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);

        if (sent <= 0) {
            break;
        }
        data += sent;
        size -= (size_t)sent;
    }
    while ((got = recv(fd, block, sizeof(block), 0)) > 0) {
        assert_int_equal(buf_add(&g->answer, block, (size_t)got, NULL), 0);
    }
    close(fd);
    if (sscanf(buf_text(&g->answer), "HTTP/1.1 %d", &status) != 1) {
        status = 0;
    }
    return status;
}

/* A request of an honest client; `headers` end with CRLF each. */
static int ask(struct gateway *g, const char *method, const char *target, const char *headers,
               const char *body)
{
    char *text = NULL;
    int status = 0;

    assert_int_equal(str_format(&text, NULL,
                                "%s %s HTTP/1.1\r\nHost: localhost:%u\r\nAuthorization: %s\r\n"
                                "Connection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
                                method, target, (unsigned)g->port, g->authorization, headers,
                                strlen(body), body),
                     0);
    status = exchange_bytes(g, text, strlen(text));
    free(text);
    return status;
}

static const char *body_of(const struct gateway *g)
{
    const char *body = strstr(buf_text(&g->answer), "\r\n\r\n");

    return body ? body + 4 : "";
}

/* --- the guard --- */

static int ask_raw(struct gateway *g, const char *fmt, const char *host, const char *more)
{
    char *text = NULL;
    int status = 0;

    assert_int_equal(
        str_format(&text, NULL, "%s%s%s\r\nConnection: close\r\n\r\n", fmt, host, more), 0);
    status = exchange_bytes(g, text, strlen(text));
    free(text);
    return status;
}

static void webdav_guard__wants_host_password_and_no_origin(void **state)
{
    struct gateway *g = *state;
    char good[64];
    char other_port[64];
    char auth[256];
    char bad_auth[512];
    const char *const hosts[] = {"evil.example",     "evil.example:80", "127.0.0.1",
                                 "localhost.evil:1", other_port,        ""};

    snprintf(good, sizeof(good), "LOCALHOST:%u", (unsigned)g->port);
    snprintf(other_port, sizeof(other_port), "localhost:%u", (unsigned)g->port ^ 1u);
    snprintf(auth, sizeof(auth), "\r\nAuthorization: %s", g->authorization);
    assert_int_equal(ask_raw(g, "OPTIONS / HTTP/1.1\r\nHost: ", good, auth), 200);
    assert_int_equal(ask_raw(g, "OPTIONS * HTTP/1.1\r\nHost: ", good, auth), 200);
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        int status = ask_raw(g, "OPTIONS / HTTP/1.1\r\nHost: ", hosts[i], auth);

        assert_true(status == 403 || status == 400);
    }
    assert_int_equal(ask_raw(g, "OPTIONS / HTTP/1.1\r\nX: ", good, auth), 400);
    assert_int_equal(ask_raw(g, "OPTIONS / HTTP/1.1\r\nHost: ", good, ""), 401);
    assert_non_null(strstr(buf_text(&g->answer), "WWW-Authenticate: Basic"));
    snprintf(bad_auth, sizeof(bad_auth), "%s\r\nOrigin: http://%s", auth, good);
    assert_int_equal(ask_raw(g, "OPTIONS / HTTP/1.1\r\nHost: ", good, bad_auth), 403);
    snprintf(bad_auth, sizeof(bad_auth), "%s\r\nOrigin: null", auth);
    assert_int_equal(ask_raw(g, "OPTIONS / HTTP/1.1\r\nHost: ", good, bad_auth), 403);
}

static void webdav_guard__takes_no_other_password(void **state)
{
    struct gateway *g = *state;
    static const char *const wrong[] = {"Basic",    "Basic ",     "Basic bTo=", "Basic !!!",
                                        "Bearer x", "Basic Og==", "Negotiate x"};
    char *good = g->authorization;
    char *last = NULL;

    g->authorization = NULL;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(str_copy(&g->authorization, wrong[i], NULL), 0);
        assert_int_equal(ask(g, "PROPFIND", "/", "Depth: 0\r\n", ""), 401);
    }
    assert_int_equal(str_copy(&g->authorization, good, NULL), 0);
    last = &g->authorization[20];
    *last = *last == 'A' ? 'B' : 'A';
    assert_int_equal(ask(g, "PROPFIND", "/", "Depth: 0\r\n", ""), 401);
    free(g->authorization);
    g->authorization = good;
    assert_int_equal(ask(g, "PROPFIND", "/", "Depth: 0\r\n", ""), 207);
}

/* Somebody else on this machine, who even knows the password, gets not a byte; also when the
 * connection is closed at once, and the kernel says uid 0 of it. */
static void webdav_guard__does_not_answer_another_user(void **state)
{
    struct gateway *g = *state;
    char *text = NULL;
    struct vfs_attr attr;
    pid_t child = 0;
    int status = 0;

    if (getuid() != 0) {
        skip(); /* only root can be somebody else */
    }
    assert_int_equal(ask(g, "PUT", "/t/s/l/kept", "", "x"), 201);
    assert_int_equal(str_format(&text, NULL,
                                "DELETE /t/s/l/kept HTTP/1.1\r\nHost: localhost:%u\r\n"
                                "Authorization: %s\r\n\r\n",
                                (unsigned)g->port, g->authorization),
                     0);
    child = fork();
    if (child == 0) {
        int fd = -1;

        if (setgid(65534) < 0 || setuid(65534) < 0) {
            _exit(3);
        }
        if (exchange_bytes(g, text, strlen(text)) != 0 || g->answer.size != 0) {
            _exit(1);
        }
        for (int i = 0; i < 200; i++) {
            fd = dial(g);
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
    assert_int_equal(ask(g, "GET", "/t/s/l/kept", "", ""), 200); /* all before it was looked at */
    assert_int_equal(vfs_lookup(g->memory, &attr, 2, "kept", NULL, NULL), 0);
    vfs_forget(g->memory, attr.id, 1);
    free(text);
}

static void webdav_paths__lead_nowhere_else(void **state)
{
    struct gateway *g = *state;
    static const char *const bad[] = {
        "/../etc/passwd", "/%2e%2e/etc/passwd", "/t/s/l/..%2f..%2fx",         "/t/s/l/%c0%ae%c0%ae",
        "/t/%00",         "/t/s/l/a#b",         "http://evil.example/t/s/l/a"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(ask(g, "GET", bad[i], "", ""), 400);
        assert_int_equal(ask(g, "PUT", bad[i], "", "x"), 400);
    }
    assert_int_equal(ask(g, "PUT", "/t/s/l/a", "", "x"), 201);
    assert_int_equal(ask(g, "MOVE", "/t/s/l/a", "Destination: http://evil.example/a\r\n", ""), 502);
    assert_int_equal(ask(g, "MOVE", "/t/s/l/a", "Destination: /t/s/l/../../x\r\n", ""), 400);
    assert_int_equal(ask(g, "COPY", "/t/s/l/a", "Destination: /t/x\r\n", ""), 403);
    assert_int_equal(ask(g, "BREW", "/t/s/l/a", "", ""), 501);
    assert_int_equal(ask(g, "TRACE", "/t/s/l/a", "", ""), 501);
    assert_int_equal(ask(g, "get", "/t/s/l/a", "", ""), 501);
}

/* --- what WebClient and others rely on --- */

static void webdav_put__arrives_whole_or_not_at_all(void **state)
{
    struct gateway *g = *state;
    char *text = NULL;

    assert_int_equal(ask(g, "PUT", "/t/s/l/doc", "", "first"), 201);
    assert_int_equal(ask(g, "PUT", "/t/s/l/doc", "If-None-Match: *\r\n", "second"), 412);
    assert_int_equal(ask(g, "PUT", "/t/s/l/doc", "If-Match: \"no\"\r\n", "second"), 412);
    assert_int_equal(ask(g, "PUT", "/t/s/l/doc", "Content-Range: bytes 0-2/5\r\n", "abc"), 400);
    assert_int_equal(ask(g, "PUT", "/t/s/l/no/doc", "", "x"), 409);
    assert_int_equal(ask(g, "PUT", "/t/s/l/", "", "x"), 409);
    for (int is_new = 0; is_new < 2; is_new++) { /* the client goes away in the middle */
        int fd = dial(g);

        assert_int_equal(str_format(&text, NULL,
                                    "PUT /t/s/l/%s HTTP/1.1\r\nHost: localhost:%u\r\n"
                                    "Authorization: %s\r\nContent-Length: 100\r\n\r\nhalf",
                                    is_new ? "new" : "doc", (unsigned)g->port, g->authorization),
                         0);
        assert_true(send(fd, text, strlen(text), MSG_NOSIGNAL) > 0);
        shutdown(fd, SHUT_WR);
        while (recv(fd, text, 1, 0) > 0) { /* until the server gave up */
        }
        close(fd);
    }
    free(text);
    assert_int_equal(ask(g, "GET", "/t/s/l/doc", "", ""), 200);
    assert_string_equal(body_of(g), "first");
    assert_int_equal(ask(g, "GET", "/t/s/l/new", "", ""), 404);
}

static void copy_etag(const struct gateway *g, char out[64])
{
    const char *at = strstr(buf_text(&g->answer), "ETag: ");

    assert_non_null(at);
    assert_int_equal(sscanf(at + 6, "%63[^\r]", out), 1);
}

/* Half a request, with the connection that waits for the rest. */
static int send_half(const struct gateway *g, const char *target, const char *half)
{
    char *text = NULL;
    int fd = dial(g);

    assert_int_equal(str_format(&text, NULL,
                                "PUT %s HTTP/1.1\r\nHost: localhost:%u\r\nAuthorization: %s\r\n"
                                "Content-Length: %zu\r\n\r\n%s",
                                target, (unsigned)g->port, g->authorization, strlen(half) * 2,
                                half),
                     0);
    assert_true(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
    free(text);
    return fd;
}

struct other_client {
    struct gateway *g;
    struct thread thread;
    int status;
};

static void *put_whole(void *payload)
{
    struct other_client *other = payload;
    struct gateway mine = *other->g;

    buf_init(&mine.answer, 65536);
    other->status = ask(&mine, "PUT", "/t/s/l/doc", "", "whole");
    buf_clear(&mine.answer);
    return NULL;
}

/* Two who write one path at the same time: the second waits, and no file is made of both. */
static void webdav_put__of_two_to_one_path_goes_one_after_the_other(void **state)
{
    struct gateway *g = *state;
    struct other_client other = {.g = g};
    int fd = send_half(g, "/t/s/l/doc", "half");
    bool is_there = false;

    for (int turn = 0; turn < 400 && !is_there; turn++) { /* its first bytes make the file */
        is_there = ask(g, "PROPFIND", "/t/s/l/doc", "Depth: 0\r\n", "") == 207;
        usleep(is_there ? 0 : 50000);
    }
    assert_true(is_there);
    assert_int_equal(thread_start(&other.thread, "other", put_whole, &other, NULL), 0);
    usleep(100000); /* so that it waits; either way the result is the same */
    close(fd);
    thread_join(&other.thread);
    assert_int_equal(other.status, 201);
    assert_int_equal(ask(g, "GET", "/t/s/l/doc", "", ""), 200);
    assert_string_equal(body_of(g), "whole");
}

/* While a file is replaced, who reads it gets the old one, all of it. */
static void webdav_get__gives_the_old_file_while_a_new_one_arrives(void **state)
{
    struct gateway *g = *state;
    int fd = -1;

    assert_int_equal(ask(g, "PUT", "/t/s/l/doc", "", "old content"), 201);
    fd = send_half(g, "/t/s/l/doc", "half of the new");
    for (int turn = 0; turn < 5; turn++) {
        assert_int_equal(ask(g, "GET", "/t/s/l/doc", "", ""), 200);
        assert_string_equal(body_of(g), "old content");
    }
    close(fd);
}

static void copy_etag(const struct gateway *g, char out[64]);

/* The ETag is that of the bytes: another program of this machine that writes the same length, and sets
 * the time back, has changed them; who changes the time alone has not. */
static void webdav_etag__is_of_the_bytes(void **state)
{
    static const char times[] =
        "<propertyupdate xmlns=\"DAV:\" xmlns:Z=\"urn:schemas-microsoft-com:\"><set><prop>"
        "<Z:Win32LastModifiedTime>Thu, 02 Jan 2020 03:04:05 GMT</Z:Win32LastModifiedTime>"
        "</prop></set></propertyupdate>";
    struct gateway *g = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    struct vfs_set set = {.flags = VFS_SET_MODIFIED};
    char first[64] = "";
    char second[64] = "";

    assert_int_equal(ask(g, "PUT", "/t/s/l/doc", "", "0000"), 201);
    copy_etag(g, first);
    assert_int_equal(first[0], '"'); /* a strong one */
    assert_int_equal(ask(g, "PROPPATCH", "/t/s/l/doc", "", times), 207);
    assert_int_equal(ask(g, "HEAD", "/t/s/l/doc", "", ""), 200);
    copy_etag(g, second);
    assert_string_equal(first, second);
    assert_int_equal(vfs_lookup(g->memory, &attr, 2, "doc", NULL, NULL), 0);
    set.modified_ms = attr.modified_ms;
    assert_int_equal(vfs_open(g->memory, &file, attr.id, VFS_READ | VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_write(g->memory, file, "1111", 4, 0, NULL, NULL), 0);
    assert_int_equal(vfs_setattr(g->memory, &attr, attr.id, file, &set, NULL, NULL), 0);
    vfs_close(g->memory, file);
    vfs_forget(g->memory, attr.id, 1);
    assert_int_equal(ask(g, "HEAD", "/t/s/l/doc", "", ""), 200);
    copy_etag(g, second);
    assert_string_not_equal(first, second);
}

/* RFC 4918, 7.5 and 9.9.1: what a client noted of an item goes with it when it moves and ends with it
 * when it is deleted; a lock is one of the place and never moves. */
static void webdav_move__takes_properties_along_and_leaves_locks(void **state)
{
    static const char note[] = "<propertyupdate xmlns=\"DAV:\"><set><prop><n xmlns=\"urn:n\">green"
                               "</n></prop></set></propertyupdate>";
    static const char wish[] =
        "<lockinfo xmlns=\"DAV:\"><lockscope><exclusive/></lockscope><locktype><write/></locktype>"
        "</lockinfo>";
    struct gateway *g = *state;
    const char *token = NULL;
    char headers[256];
    char text[100] = "";

    assert_int_equal(ask(g, "MKCOL", "/t/s/l/a", "", ""), 201);
    assert_int_equal(ask(g, "PUT", "/t/s/l/a/doc", "", "x"), 201);
    assert_int_equal(ask(g, "PROPPATCH", "/t/s/l/a/doc", "", note), 207);
    assert_int_equal(ask(g, "LOCK", "/t/s/l/a/doc", "Timeout: Second-600\r\n", wish), 200);
    token = strstr(buf_text(&g->answer), "Lock-Token: <");
    assert_non_null(token);
    assert_int_equal(sscanf(token, "Lock-Token: <%99[^>]", text), 1);
    assert_int_equal(ask(g, "MOVE", "/t/s/l/a/doc", "Destination: /t/s/l/a/new\r\n", ""), 423);
    snprintf(headers, sizeof(headers), "Destination: /t/s/l/a/new\r\nIf: </t/s/l/a/doc> (<%s>)\r\n",
             text);
    assert_int_equal(ask(g, "MOVE", "/t/s/l/a/doc", headers, ""), 201);
    assert_int_equal(ask(g, "PROPFIND", "/t/s/l/a/new", "Depth: 0\r\n", ""), 207);
    assert_non_null(strstr(body_of(g), "green"));
    assert_null(strstr(body_of(g), "activelock"));
    assert_int_equal(ask(g, "PUT", "/t/s/l/a/new", "", "y"), 204); /* no lock came along */
    assert_int_equal(ask(g, "PUT", "/t/s/l/a/doc", "", "z"), 201); /* and none is left */
    assert_int_equal(ask(g, "PROPFIND", "/t/s/l/a/doc", "Depth: 0\r\n", ""), 207);
    assert_null(strstr(body_of(g), "green"));
    assert_int_equal(ask(g, "MOVE", "/t/s/l/a", "Destination: /t/s/l/b\r\n", ""), 201);
    assert_int_equal(ask(g, "PROPFIND", "/t/s/l/b/new", "Depth: 0\r\n", ""), 207);
    assert_non_null(strstr(body_of(g), "green"));
    assert_int_equal(ask(g, "LOCK", "/t/s/l/b/new", "Timeout: Second-600\r\n", wish), 200);
    token = strstr(buf_text(&g->answer), "Lock-Token: <");
    assert_int_equal(sscanf(token, "Lock-Token: <%99[^>]", text), 1);
    snprintf(headers, sizeof(headers), "If: </t/s/l/b/new> (<%s>)\r\n", text);
    assert_int_equal(ask(g, "DELETE", "/t/s/l/b", headers, ""), 204);
    assert_int_equal(ask(g, "MKCOL", "/t/s/l/b", "", ""), 201);
    assert_int_equal(ask(g, "PUT", "/t/s/l/b/new", "", "again"), 201);
    assert_int_equal(ask(g, "PROPFIND", "/t/s/l/b/new", "Depth: 0\r\n", ""), 207);
    assert_null(strstr(body_of(g), "green"));
    assert_null(strstr(body_of(g), "activelock"));
}

/* Same length, within the same millisecond: another ETag. */
static void webdav_etag__changes_with_every_put(void **state)
{
    struct gateway *g = *state;
    char old[64] = "";
    char etag[64] = "";
    char header[96];

    assert_int_equal(ask(g, "PUT", "/t/s/l/doc", "", "0000"), 201);
    for (int i = 0; i < 30; i++) {
        copy_etag(g, etag);
        assert_string_not_equal(old, etag);
        memcpy(old, etag, sizeof(old));
        snprintf(header, sizeof(header), "If-Match: %s\r\n", etag);
        assert_int_equal(ask(g, "GET", "/t/s/l/doc", header, ""), 200);
        copy_etag(g, etag);
        assert_string_equal(old, etag);
        assert_int_equal(ask(g, "PUT", "/t/s/l/doc", header, "1111"), 204);
    }
    snprintf(header, sizeof(header), "If-None-Match: %s\r\n", old);
    assert_int_equal(ask(g, "GET", "/t/s/l/doc", header, ""), 200);
    copy_etag(g, etag);
    snprintf(header, sizeof(header), "If-None-Match: W/\"x\", %s\r\n", etag);
    assert_int_equal(ask(g, "GET", "/t/s/l/doc", header, ""), 304);
}

static void webdav_get__gives_ranges(void **state)
{
    static const struct {
        const char *range;
        int status;
        const char *body;
    } rows[] = {
        {"bytes=0-1", 206, "01"},
        {"bytes=8-", 206, "89"},
        {"bytes=-3", 206, "789"},
        {"bytes=-99", 206, "0123456789"},
        {"bytes=9-99", 206, "9"},
        {"bytes=10-", 416, NULL},
        {"bytes=-0", 416, NULL},
        {"bytes=5-4", 200, "0123456789"},
        {"bytes=0-1,3-4", 200, "0123456789"},
        {"lines=1-2", 200, "0123456789"},
        {"bytes=99999999999999999999999-", 200, "0123456789"},
    };
    struct gateway *g = *state;
    char header[96];

    assert_int_equal(ask(g, "PUT", "/t/s/l/digits", "", "0123456789"), 201);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(header, sizeof(header), "Range: %s\r\n", rows[i].range);
        assert_int_equal(ask(g, "GET", "/t/s/l/digits", header, ""), rows[i].status);
        if (rows[i].body) {
            assert_string_equal(body_of(g), rows[i].body);
        }
    }
    assert_int_equal(
        ask(g, "GET", "/t/s/l/digits", "Range: bytes=0-1\r\nIf-Range: \"old\"\r\n", ""), 200);
    assert_int_equal(ask(g, "HEAD", "/t/s/l/digits", "", ""), 200);
    assert_non_null(strstr(buf_text(&g->answer), "Content-Length: 10\r\n"));
    assert_string_equal(body_of(g), "");
}

/* Letters lead to their library, and what they show is named as it was asked for. */
static void webdav_paths__of_letters_and_labels_lead_to_the_library(void **state)
{
    struct gateway *g = *state;

    assert_int_equal(ask(g, "PUT", "/drives/H/doc", "", "x"), 201);
    assert_int_equal(ask(g, "GET", "/T/S/label/DOC", "", ""), 200);
    assert_int_equal(ask(g, "PROPFIND", "/drives/H", "Depth: 1\r\n", ""), 207);
    assert_non_null(strstr(body_of(g), "<D:href>/drives/H/doc</D:href>"));
    assert_int_equal(ask(g, "PROPFIND", "/", "Depth: 1\r\n", ""), 207);
    assert_non_null(strstr(body_of(g), "<D:href>/drives/</D:href>"));
    assert_int_equal(ask(g, "PROPFIND", "/", "Depth: infinity\r\n", ""), 403);
    assert_non_null(strstr(body_of(g), "propfind-finite-depth"));
    assert_int_equal(ask(g, "DELETE", "/t/s/l", "", ""), 403);
    assert_int_equal(ask(g, "DELETE", "/t", "", ""), 403);
    assert_int_equal(ask(g, "DELETE", "/drives/H", "", ""), 403);
    assert_int_equal(ask(g, "DELETE", "/", "", ""), 403);
    assert_int_equal(ask(g, "GET", "/t/s/l/doc", "", ""), 200);
}

/* --- limits --- */

static void webdav_limits__refuse_what_grows(void **state)
{
    static const char laughs[] = "<!DOCTYPE p [<!ENTITY a \"ha\">]><propfind xmlns=\"DAV:\">&a;"
                                 "</propfind>";
    struct gateway *g = *state;
    size_t size = 400000;
    char *big = calloc(1, size + 200);
    int status = 0;

    assert_non_null(big);
    assert_int_equal(ask(g, "PROPFIND", "/", "Depth: 0\r\n", laughs), 400);
    memset(big, ' ', size);
    assert_int_equal(ask(g, "PROPFIND", "/", "Depth: 0\r\n", big), 413);
    memcpy(big, "X: ", 3);
    memset(big + 3, 'a', size);
    memcpy(big + 3 + size, "\r\n", 3);
    status = ask(g, "PROPFIND", "/", big, "");
    assert_true(status == 431 || status == 413 || status == 0);
    for (size_t i = 0; i + 6 < size; i += 6) { /* many small headers */
        memcpy(big + i, "A: b\r\n", 6);
        big[i + 6] = '\0';
    }
    status = ask(g, "PROPFIND", "/", big, "");
    assert_true(status == 431 || status == 413 || status == 0);
    free(big);
    assert_int_equal(ask(g, "PROPFIND", "/", "Depth: 0\r\n", ""), 207);
}

/* Does not wait until the connection stands: neither would who floods us. */
static int dial_and_go_on(const struct gateway *g)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(g->port),
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
    struct gateway *g = *state;
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
        fds[i] = dial_and_go_on(g);
        if (fds[i] >= 0 && i % 2) {
            (void)!send(fds[i], "GET / HTTP/1.1\r\nHo", 18, MSG_NOSIGNAL);
        }
        if (i % 1000 == 999) { /* a client that is turned away tries again */
            for (int turn = 0; turn < 100 && answered <= (int)(i / 1000); turn++) {
                answered += ask(g, "PROPFIND", "/", "Depth: 0\r\n", "") == 207;
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
static int begin_slow(struct gateway *g, struct transport **slow, struct vfs **vfs)
{
    struct memfs_options memory = {.delay_ms = 60000};
    struct transport_options options = {.private_directory = g->folder, .deadline_ms = 120000};
    struct mapping mapping = {.path = "t/s/l", .root_id = 2};
    char *text = NULL;
    char *url = NULL;
    int fd = -1;

    assert_int_equal(memfs_new(vfs, &memory, NULL), 0);
    assert_int_equal(transport_create(slow, "webdav", &options, NULL), 0);
    assert_int_equal(transport_start(*slow, *vfs, NULL), 0);
    assert_int_equal(transport_attach(*slow, &mapping, NULL), 0);
    assert_int_equal(transport_address(*slow, &url, NULL), 0);
    g->port = (uint16_t)strtoul(url + strlen("http://127.0.0.1:"), NULL, 10);
    assert_int_equal(str_format(&text, NULL,
                                "GET /t/s/l/x HTTP/1.1\r\nHost: localhost:%u\r\nAuthorization: %s"
                                "\r\n\r\n",
                                (unsigned)g->port, g->authorization),
                     0);
    fd = dial(g);
    assert_true(send(fd, text, strlen(text), MSG_NOSIGNAL) > 0);
    free(text);
    free(url);
    return fd;
}

static void webdav_stop__cancels_what_waits(void **state)
{
    struct gateway *g = *state;
    struct transport *slow = NULL;
    struct vfs *vfs = NULL;
    int64_t begin = 0;
    int fd = begin_slow(g, &slow, &vfs);

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
    struct gateway *g = *state;
    struct transport *slow = NULL;
    struct vfs *vfs = NULL;
    int64_t begin = 0;
    int fd = begin_slow(g, &slow, &vfs);

    usleep(200000);
    close(fd);
    begin = clock_mono_ms(clock_system());
    transport_stop(slow, 60000); /* waits for what runs, but nothing does */
    assert_true(clock_mono_ms(clock_system()) - begin < 20000);
    vfs_unref(vfs);
}

static void webdav_start__says_that_the_port_is_taken(void **state)
{
    struct gateway *g = *state;
    struct transport_options options = {.private_directory = g->folder, .port = g->port};
    struct transport *second = NULL;
    struct error err = {0};

    assert_int_equal(transport_create(&second, "webdav", &options, NULL), 0);
    assert_int_equal(transport_start(second, g->memory, &err), ERR_BUSY);
    assert_non_null(strstr(err.message, "WebDavPort"));
    transport_stop(second, 0);
    assert_int_equal(ask(g, "PROPFIND", "/", "Depth: 0\r\n", ""), 207);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        ROW(webdav_guard__wants_host_password_and_no_origin),
        ROW(webdav_guard__takes_no_other_password),
        ROW(webdav_guard__does_not_answer_another_user),
        ROW(webdav_paths__lead_nowhere_else),
        ROW(webdav_put__arrives_whole_or_not_at_all),
        ROW(webdav_put__of_two_to_one_path_goes_one_after_the_other),
        ROW(webdav_get__gives_the_old_file_while_a_new_one_arrives),
        ROW(webdav_etag__is_of_the_bytes),
        ROW(webdav_move__takes_properties_along_and_leaves_locks),
        ROW(webdav_etag__changes_with_every_put),
        ROW(webdav_get__gives_ranges),
        ROW(webdav_paths__of_letters_and_labels_lead_to_the_library),
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
