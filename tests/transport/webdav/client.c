#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "test.h"

#define CONNECTIONS 24

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* "Basic ..." for the user `m`. */
static void make_authorization(struct client *c, const char *password)
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
    assert_int_equal(str_format(&c->authorization, NULL, "Basic %s", text), 0);
}

int client_set_up(void **state)
{
    struct client *c = calloc(1, sizeof(*c));
    const struct transport_options options = {.max_threads = CONNECTIONS};
    const struct mapping mapping = {.path = "t/s/l", .letter = 'H', .label = "Label"};
    struct buf secret;
    char *path = NULL;
    char *url = NULL;

    assert_non_null(c);
    buf_init(&c->answer, 64 << 20);
    buf_init(&secret, 4096);
    assert_int_equal(gateway_begin(&c->gateway, NULL, &options, &mapping, NULL), 0);
    assert_int_equal(transport_address(c->gateway.transport, &url, NULL), 0);
    assert_true(str_starts_with(url, "http://127.0.0.1:"));
    c->port = (uint16_t)strtoul(url + strlen("http://127.0.0.1:"), NULL, 10);
    assert_int_equal(str_format(&path, NULL, "%s/webdav-password", c->gateway.folder), 0);
    assert_int_equal(file_read_all(&secret, path, NULL), 0);
    make_authorization(c, buf_text(&secret));
    buf_clear(&secret);
    free(path);
    free(url);
    *state = c;
    return 0;
}

int client_tear_down(void **state)
{
    struct client *c = *state;

    assert_int_equal(gateway_end(&c->gateway), 0);
    free(c->authorization);
    buf_clear(&c->answer);
    free(c);
    return 0;
}

int client_dial(const struct client *c)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(c->port),
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

int client_exchange(struct client *c, const char *data, size_t size)
{
    char block[65536];
    ssize_t got = 0;
    int status = 0;
    int fd = client_dial(c);

    buf_reset(&c->answer);
    if (fd < 0) {
        return 0;
    }
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            break;
        }
        data += sent;
        size -= (size_t)sent;
    }
    while ((got = recv(fd, block, sizeof(block), 0)) > 0 || (got < 0 && errno == EINTR)) {
        assert_int_equal(buf_add(&c->answer, block, got > 0 ? (size_t)got : 0, NULL), 0);
    }
    close(fd);
    if (sscanf(buf_text(&c->answer), "HTTP/1.1 %d", &status) != 1) {
        status = 0;
    }
    return status;
}

int client_ask(struct client *c, const char *method, const char *target, const char *headers,
               const char *body)
{
    char *text = NULL;
    int status = 0;

    assert_int_equal(str_format(&text, NULL,
                                "%s %s HTTP/1.1\r\nHost: localhost:%u\r\nAuthorization: %s\r\n"
                                "Connection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
                                method, target, (unsigned)c->port, c->authorization, headers,
                                strlen(body), body),
                     0);
    status = client_exchange(c, text, strlen(text));
    free(text);
    return status;
}

const char *client_body(const struct client *c)
{
    const char *body = strstr(buf_text(&c->answer), "\r\n\r\n");

    return body ? body + 4 : "";
}

void client_etag(const struct client *c, char out[64])
{
    const char *at = strstr(buf_text(&c->answer), "ETag: ");

    assert_non_null(at);
    assert_int_equal(sscanf(at + 6, "%63[^\r]", out), 1);
}
