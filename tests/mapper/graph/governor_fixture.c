#include "governor_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "test.h"
#include "test_socket.h"

const char canned_ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

static void serve_one(struct canned *c, int s)
{
    char head[4096];
    size_t size = 0;
    const char *answer;
    long got;

    while (size < sizeof(head) - 1 &&
           (got = test_socket_receive(s, head + size, sizeof(head) - 1 - size)) > 0) {
        size += (size_t)got;
        head[size] = '\0';
        if (strstr(head, "\r\n\r\n")) {
            break;
        }
    }
    if (size == 0) {
        return;
    }
    mutex_lock(&c->mutex);
    if (c->seen_count < 64) {
        snprintf(c->seen[c->seen_count++], sizeof(c->seen[0]), "%.500s", head);
    }
    cond_broadcast(&c->changed);
    while (c->is_held) {
        cond_wait(&c->changed, &c->mutex);
    }
    answer = c->answer;
    mutex_unlock(&c->mutex);
    (void)test_socket_send(s, answer, strlen(answer));
}

static void *run_canned(void *payload)
{
    struct canned *c = payload;
    bool is_stopping = false;

    while (!is_stopping) {
        int s = test_socket_accept(c->socket);

        mutex_lock(&c->mutex);
        is_stopping = c->is_stopping;
        mutex_unlock(&c->mutex);
        if (s >= 0) {
            if (!is_stopping) {
                serve_one(c, s);
            }
            test_socket_close(s);
        }
    }
    return NULL;
}

static int start(void **state, const struct governor_options *options)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct error err = {0};

    assert_non_null(f);
    f->server.answer = canned_ok;
    mutex_init(&f->server.mutex);
    cond_init(&f->server.changed);
    f->server.socket = test_socket_listen(&f->server.port);
    assert_true(f->server.socket >= 0);
    assert_int_equal(thread_start(&f->server.thread, "canned", run_canned, &f->server, NULL), 0);
    str_format(&f->url, NULL, "http://127.0.0.1:%u/x", f->server.port);
    if (governor_new(&f->governor, options, &err) < 0) {
        fail_msg("%s", err.message);
    }
    *state = f;
    return 0;
}

int fixture_setup(void **state)
{
    struct governor_options options = {.max_connections = 1, .user_agent = "ISV|Mooring|Test"};

    return start(state, &options);
}

int fixture_setup_limits(void **state)
{
    struct governor_options options = {
        .max_connections = 1, .soft_limit_ru = 10, .hard_limit_ru = 20, .window_ms = 3600000};

    return start(state, &options);
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    governor_free(f->governor);
    mutex_lock(&f->server.mutex);
    f->server.is_stopping = true;
    mutex_unlock(&f->server.mutex);
    test_socket_close(test_socket_connect(f->server.port, false)); /* it waits for somebody */
    thread_join(&f->server.thread);
    test_socket_close(f->server.socket);
    cond_clear(&f->server.changed);
    mutex_clear(&f->server.mutex);
    free(f->url);
    free(f);
    return 0;
}

void hold(struct fixture *f, bool is_held)
{
    mutex_lock(&f->server.mutex);
    f->server.is_held = is_held;
    cond_broadcast(&f->server.changed);
    mutex_unlock(&f->server.mutex);
}

void wait_for_requests(struct fixture *f, size_t count)
{
    mutex_lock(&f->server.mutex);
    while (f->server.seen_count < count) {
        cond_wait(&f->server.changed, &f->server.mutex);
    }
    mutex_unlock(&f->server.mutex);
}
