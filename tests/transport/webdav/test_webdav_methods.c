/*
 * What WebClient and others rely on of the methods: bytes on a socket, over memfs.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "base/thread.h"
#include "client.h"

static void webdav_put__arrives_whole_or_not_at_all(void **state)
{
    struct client *c = *state;
    char *text = NULL;

    assert_int_equal(client_ask(c, "PUT", "/t/s/l/doc", "", "first"), 201);
    assert_int_equal(client_ask(c, "PUT", "/t/s/l/doc", "If-None-Match: *\r\n", "second"), 412);
    assert_int_equal(client_ask(c, "PUT", "/t/s/l/doc", "If-Match: \"no\"\r\n", "second"), 412);
    assert_int_equal(client_ask(c, "PUT", "/t/s/l/doc", "Content-Range: bytes 0-2/5\r\n", "abc"),
                     400);
    assert_int_equal(client_ask(c, "PUT", "/t/s/l/no/doc", "", "x"), 409);
    assert_int_equal(client_ask(c, "PUT", "/t/s/l/", "", "x"), 409);
    for (int is_new = 0; is_new < 2; is_new++) { /* the client goes away in the middle */
        int fd = client_dial(c);

        assert_int_equal(str_format(&text, NULL,
                                    "PUT /t/s/l/%s HTTP/1.1\r\nHost: localhost:%u\r\n"
                                    "Authorization: %s\r\nContent-Length: 100\r\n\r\nhalf",
                                    is_new ? "new" : "doc", (unsigned)c->port, c->authorization),
                         0);
        assert_true(send(fd, text, strlen(text), MSG_NOSIGNAL) > 0);
        shutdown(fd, SHUT_WR);
        while (recv(fd, text, 1, 0) > 0) { /* until the server gave up */
        }
        close(fd);
    }
    free(text);
    assert_int_equal(client_ask(c, "GET", "/t/s/l/doc", "", ""), 200);
    assert_string_equal(client_body(c), "first");
    assert_int_equal(client_ask(c, "GET", "/t/s/l/new", "", ""), 404);
}

/* Half a request, with the connection that waits for the rest. */
static int send_half(const struct client *c, const char *target, const char *half)
{
    char *text = NULL;
    int fd = client_dial(c);

    assert_int_equal(str_format(&text, NULL,
                                "PUT %s HTTP/1.1\r\nHost: localhost:%u\r\nAuthorization: %s\r\n"
                                "Content-Length: %zu\r\n\r\n%s",
                                target, (unsigned)c->port, c->authorization, strlen(half) * 2,
                                half),
                     0);
    assert_true(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
    free(text);
    return fd;
}

struct other_client {
    struct client *c;
    struct thread thread;
    int status;
};

static void *put_whole(void *payload)
{
    struct other_client *other = payload;
    struct client mine = *other->c;

    buf_init(&mine.answer, 65536);
    other->status = client_ask(&mine, "PUT", "/t/s/l/doc", "", "whole");
    buf_clear(&mine.answer);
    return NULL;
}

/* Of the request's own address; an address in a header is just wrong (RFC 4918, 12.2). */
static void webdav_names__that_are_too_long_are_said_so(void **state)
{
    struct client *c = *state;
    char path[300];
    char destination[330];

    snprintf(path, sizeof(path), "/t/s/l/%0256d", 0);
    snprintf(destination, sizeof(destination), "Destination: %s\r\n", path);
    assert_int_equal(client_ask(c, "PUT", path, "", "x"), 414);
    assert_int_equal(client_ask(c, "MKCOL", path, "", ""), 414);
    assert_int_equal(client_ask(c, "GET", path, "", ""), 404);
    assert_int_equal(client_ask(c, "PUT", "/t/s/l/short", "", "x"), 201);
    assert_int_equal(client_ask(c, "MOVE", "/t/s/l/short", destination, ""), 400);
    assert_int_equal(client_ask(c, "COPY", "/t/s/l/short", destination, ""), 400);
}

/* Two who write one path at the same time: the second waits, and no file is made of both. */
static void webdav_put__of_two_to_one_path_goes_one_after_the_other(void **state)
{
    struct client *c = *state;
    struct other_client other = {.c = c};
    int fd = send_half(c, "/t/s/l/doc", "half");
    bool is_there = false;

    for (int turn = 0; turn < 400 && !is_there; turn++) { /* its first bytes make the file */
        is_there = client_ask(c, "PROPFIND", "/t/s/l/doc", "Depth: 0\r\n", "") == 207;
        usleep(is_there ? 0 : 50000);
    }
    assert_true(is_there);
    assert_int_equal(thread_start(&other.thread, "other", put_whole, &other, NULL), 0);
    usleep(100000); /* so that it waits; either way the result is the same */
    close(fd);
    thread_join(&other.thread);
    assert_int_equal(other.status, 201);
    assert_int_equal(client_ask(c, "GET", "/t/s/l/doc", "", ""), 200);
    assert_string_equal(client_body(c), "whole");
}

/* While a file is replaced, who reads it gets the old one, all of it. */
static void webdav_get__gives_the_old_file_while_a_new_one_arrives(void **state)
{
    struct client *c = *state;
    int fd = -1;

    assert_int_equal(client_ask(c, "PUT", "/t/s/l/doc", "", "old content"), 201);
    fd = send_half(c, "/t/s/l/doc", "half of the new");
    for (int turn = 0; turn < 5; turn++) {
        assert_int_equal(client_ask(c, "GET", "/t/s/l/doc", "", ""), 200);
        assert_string_equal(client_body(c), "old content");
    }
    close(fd);
}

/* The ETag is that of the bytes: another program of this machine that writes the same length, and sets
 * the time back, has changed them; who changes the time alone has not. */
static void webdav_etag__is_of_the_bytes(void **state)
{
    static const char times[] =
        "<propertyupdate xmlns=\"DAV:\" xmlns:Z=\"urn:schemas-microsoft-com:\"><set><prop>"
        "<Z:Win32LastModifiedTime>Thu, 02 Jan 2020 03:04:05 GMT</Z:Win32LastModifiedTime>"
        "</prop></set></propertyupdate>";
    struct client *c = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    struct vfs_set set = {.flags = VFS_SET_MODIFIED};
    char first[64] = "";
    char second[64] = "";

    assert_int_equal(client_ask(c, "PUT", "/t/s/l/doc", "", "0000"), 201);
    client_etag(c, first);
    assert_int_equal(first[0], '"'); /* a strong one */
    assert_int_equal(client_ask(c, "PROPPATCH", "/t/s/l/doc", "", times), 207);
    assert_int_equal(client_ask(c, "HEAD", "/t/s/l/doc", "", ""), 200);
    client_etag(c, second);
    assert_string_equal(first, second);
    assert_int_equal(vfs_lookup(c->gateway.memory, &attr, 2, "doc", NULL, NULL), 0);
    set.modified_ms = attr.modified_ms;
    assert_int_equal(vfs_open(c->gateway.memory, &file, attr.id, VFS_READ | VFS_WRITE, NULL, NULL),
                     0);
    assert_int_equal(vfs_write(c->gateway.memory, file, "1111", 4, 0, NULL, NULL), 0);
    assert_int_equal(vfs_setattr(c->gateway.memory, &attr, attr.id, file, &set, NULL, NULL), 0);
    vfs_close(c->gateway.memory, file);
    vfs_forget(c->gateway.memory, attr.id, 1);
    assert_int_equal(client_ask(c, "HEAD", "/t/s/l/doc", "", ""), 200);
    client_etag(c, second);
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
    struct client *c = *state;
    const char *token = NULL;
    char headers[256];
    char text[100] = "";

    assert_int_equal(client_ask(c, "MKCOL", "/t/s/l/a", "", ""), 201);
    assert_int_equal(client_ask(c, "PUT", "/t/s/l/a/doc", "", "x"), 201);
    assert_int_equal(client_ask(c, "PROPPATCH", "/t/s/l/a/doc", "", note), 207);
    assert_int_equal(client_ask(c, "LOCK", "/t/s/l/a/doc", "Timeout: Second-600\r\n", wish), 200);
    token = strstr(buf_text(&c->answer), "Lock-Token: <");
    assert_non_null(token);
    assert_int_equal(sscanf(token, "Lock-Token: <%99[^>]", text), 1);
    assert_int_equal(client_ask(c, "MOVE", "/t/s/l/a/doc", "Destination: /t/s/l/a/new\r\n", ""),
                     423);
    snprintf(headers, sizeof(headers), "Destination: /t/s/l/a/new\r\nIf: </t/s/l/a/doc> (<%s>)\r\n",
             text);
    assert_int_equal(client_ask(c, "MOVE", "/t/s/l/a/doc", headers, ""), 201);
    assert_int_equal(client_ask(c, "PROPFIND", "/t/s/l/a/new", "Depth: 0\r\n", ""), 207);
    assert_non_null(strstr(client_body(c), "green"));
    assert_null(strstr(client_body(c), "activelock"));
    assert_int_equal(client_ask(c, "PUT", "/t/s/l/a/new", "", "y"), 204); /* no lock came along */
    assert_int_equal(client_ask(c, "PUT", "/t/s/l/a/doc", "", "z"), 201); /* and none is left */
    assert_int_equal(client_ask(c, "PROPFIND", "/t/s/l/a/doc", "Depth: 0\r\n", ""), 207);
    assert_null(strstr(client_body(c), "green"));
    assert_int_equal(client_ask(c, "MOVE", "/t/s/l/a", "Destination: /t/s/l/b\r\n", ""), 201);
    assert_int_equal(client_ask(c, "PROPFIND", "/t/s/l/b/new", "Depth: 0\r\n", ""), 207);
    assert_non_null(strstr(client_body(c), "green"));
    assert_int_equal(client_ask(c, "LOCK", "/t/s/l/b/new", "Timeout: Second-600\r\n", wish), 200);
    token = strstr(buf_text(&c->answer), "Lock-Token: <");
    assert_int_equal(sscanf(token, "Lock-Token: <%99[^>]", text), 1);
    snprintf(headers, sizeof(headers), "If: </t/s/l/b/new> (<%s>)\r\n", text);
    assert_int_equal(client_ask(c, "DELETE", "/t/s/l/b", headers, ""), 204);
    assert_int_equal(client_ask(c, "MKCOL", "/t/s/l/b", "", ""), 201);
    assert_int_equal(client_ask(c, "PUT", "/t/s/l/b/new", "", "again"), 201);
    assert_int_equal(client_ask(c, "PROPFIND", "/t/s/l/b/new", "Depth: 0\r\n", ""), 207);
    assert_null(strstr(client_body(c), "green"));
    assert_null(strstr(client_body(c), "activelock"));
}

/* Same length, within the same millisecond: another ETag. */
static void webdav_etag__changes_with_every_put(void **state)
{
    struct client *c = *state;
    char old[64] = "";
    char etag[64] = "";
    char header[96];

    assert_int_equal(client_ask(c, "PUT", "/t/s/l/doc", "", "0000"), 201);
    for (int i = 0; i < 30; i++) {
        client_etag(c, etag);
        assert_string_not_equal(old, etag);
        memcpy(old, etag, sizeof(old));
        snprintf(header, sizeof(header), "If-Match: %s\r\n", etag);
        assert_int_equal(client_ask(c, "GET", "/t/s/l/doc", header, ""), 200);
        client_etag(c, etag);
        assert_string_equal(old, etag);
        assert_int_equal(client_ask(c, "PUT", "/t/s/l/doc", header, "1111"), 204);
    }
    snprintf(header, sizeof(header), "If-None-Match: %s\r\n", old);
    assert_int_equal(client_ask(c, "GET", "/t/s/l/doc", header, ""), 200);
    client_etag(c, etag);
    snprintf(header, sizeof(header), "If-None-Match: W/\"x\", %s\r\n", etag);
    assert_int_equal(client_ask(c, "GET", "/t/s/l/doc", header, ""), 304);
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
    struct client *c = *state;
    char header[96];

    assert_int_equal(client_ask(c, "PUT", "/t/s/l/digits", "", "0123456789"), 201);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(header, sizeof(header), "Range: %s\r\n", rows[i].range);
        assert_int_equal(client_ask(c, "GET", "/t/s/l/digits", header, ""), rows[i].status);
        if (rows[i].body) {
            assert_string_equal(client_body(c), rows[i].body);
        }
    }
    assert_int_equal(
        client_ask(c, "GET", "/t/s/l/digits", "Range: bytes=0-1\r\nIf-Range: \"old\"\r\n", ""),
        200);
    assert_int_equal(client_ask(c, "HEAD", "/t/s/l/digits", "", ""), 200);
    assert_non_null(strstr(buf_text(&c->answer), "Content-Length: 10\r\n"));
    assert_string_equal(client_body(c), "");
}

/* Letters lead to their library, and what they show is named as it was asked for. */
static void webdav_paths__of_letters_and_labels_lead_to_the_library(void **state)
{
    struct client *c = *state;

    assert_int_equal(client_ask(c, "PUT", "/drives/H/doc", "", "x"), 201);
    assert_int_equal(client_ask(c, "GET", "/T/S/label/DOC", "", ""), 200);
    assert_int_equal(client_ask(c, "PROPFIND", "/drives/H", "Depth: 1\r\n", ""), 207);
    assert_non_null(strstr(client_body(c), "<D:href>/drives/H/doc</D:href>"));
    assert_int_equal(client_ask(c, "PROPFIND", "/", "Depth: 1\r\n", ""), 207);
    assert_non_null(strstr(client_body(c), "<D:href>/drives/</D:href>"));
    assert_int_equal(client_ask(c, "PROPFIND", "/", "Depth: infinity\r\n", ""), 403);
    assert_non_null(strstr(client_body(c), "propfind-finite-depth"));
    assert_int_equal(client_ask(c, "DELETE", "/t/s/l", "", ""), 403);
    assert_int_equal(client_ask(c, "DELETE", "/t", "", ""), 403);
    assert_int_equal(client_ask(c, "DELETE", "/drives/H", "", ""), 403);
    assert_int_equal(client_ask(c, "DELETE", "/", "", ""), 403);
    assert_int_equal(client_ask(c, "GET", "/t/s/l/doc", "", ""), 200);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
#define ROW(test) cmocka_unit_test_setup_teardown(test, client_set_up, client_tear_down)
        ROW(webdav_put__arrives_whole_or_not_at_all),
        ROW(webdav_names__that_are_too_long_are_said_so),
        ROW(webdav_put__of_two_to_one_path_goes_one_after_the_other),
        ROW(webdav_get__gives_the_old_file_while_a_new_one_arrives),
        ROW(webdav_etag__is_of_the_bytes),
        ROW(webdav_move__takes_properties_along_and_leaves_locks),
        ROW(webdav_etag__changes_with_every_put),
        ROW(webdav_get__gives_ranges),
        ROW(webdav_paths__of_letters_and_labels_lead_to_the_library),
#undef ROW
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("webdav_methods", tests, NULL, NULL);
}
