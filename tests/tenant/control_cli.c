/*
 * control_cli.c - `mooring-tenant control DIR VERB [JSON]`: one request to the control port, for
 * scripts. Prints the answer; exits 0 when it was 2xx.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

#define MAX_ANSWER (512u << 20)

static int connect_to(int port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = 60};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0) {
        die("the tenant does not answer on port %d: %s", port, strerror(errno));
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    return fd;
}

static void send_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t put = send(fd, p, n, MSG_NOSIGNAL);

        if (put <= 0) {
            die("the tenant hung up: %s", strerror(errno));
        }
        p += put;
        n -= (size_t)put;
    }
}

static int port_of(const char *dir)
{
    char *path = xasprintf("%s/tenant.json", dir);
    char *text = read_file(path, 1 << 20, NULL);
    cJSON *root = text ? cJSON_Parse(text) : NULL;
    const cJSON *port = cJSON_GetObjectItemCaseSensitive(root, "control_port");
    int number = cJSON_IsNumber(port) ? port->valueint : 0;

    if (number <= 0) {
        die("no tenant has started with the state folder '%s'", dir);
    }
    cJSON_Delete(root);
    free(text);
    free(path);
    return number;
}

int control_main(int argc, char **argv)
{
    struct strbuf out = {0};
    struct strbuf in = {0};
    char buf[65536];
    char *path;
    char *key;
    const char *body;
    const char *answer;
    ssize_t got;
    int status = 0;
    int fd;

    if (argc == 3) {
        control_list_verbs();
        return 0;
    }
    if (argc < 4 || argc > 5) {
        die("usage: mooring-tenant control DIR VERB [JSON]");
    }
    body = argc == 5 ? argv[4] : "{}";
    path = xasprintf("%s/control.key", argv[2]);
    key = read_file(path, 4096, NULL);
    if (!key) {
        die("cannot read '%s': %s", path, strerror(errno));
    }
    fd = connect_to(port_of(argv[2]));
    sb_printf(
        &out,
        "POST /%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nConnection: close\r\n"
        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
        argv[3], key, strlen(body), body);
    send_all(fd, out.data, out.len);
    while (in.len < MAX_ANSWER && (got = recv(fd, buf, sizeof(buf), 0)) > 0) {
        sb_add(&in, buf, (size_t)got);
    }
    close(fd);
    answer = in.data ? strstr(in.data, "\r\n\r\n") : NULL;
    if (!answer || !str_starts(in.data, "HTTP/1.1 ")) {
        die("the tenant gave no answer");
    }
    status = (int)strtol(in.data + strlen("HTTP/1.1 "), NULL, 10);
    printf("%s\n", answer + 4);
    sb_clear(&in);
    sb_clear(&out);
    free(key);
    free(path);
    return status >= 200 && status < 300 ? 0 : 1;
}
