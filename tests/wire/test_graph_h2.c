/* The governor against an HTTP/2 server that refuses, resets and falls silent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/thread.h"
#include "graph/governor.h"
#include "h2_faults.h"
#include "test.h"
#include "test_cert.h"

struct fixture {
    char directory[64];
    char *cert;
    char *key;
    char *url;
    struct h2_server *server;
    struct governor *governor;
};

static int setup(void **state)
{
    struct governor_options options = {.stall_ms = 500};
    struct fixture *f = calloc(1, sizeof(*f));
    struct error err = {0};

    snprintf(f->directory, sizeof(f->directory), "/tmp/mooring-test-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    str_format(&f->cert, NULL, "%s/cert.pem", f->directory);
    str_format(&f->key, NULL, "%s/key.pem", f->directory);
    test_cert_write(f->cert, f->key);
    f->server = h2_server_start(f->cert, f->key);
    str_format(&f->url, NULL, "https://localhost:%d/x", h2_server_port(f->server));
    options.ca_file = f->cert;
    if (governor_new(&f->governor, &options, &err) < 0) {
        fail_msg("%s", err.message);
    }
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    governor_free(f->governor);
    h2_server_stop(f->server);
    unlink(f->cert);
    unlink(f->key);
    rmdir(f->directory);
    free(f->cert);
    free(f->key);
    free(f->url);
    free(f);
    return 0;
}

static int perform(struct fixture *f, const char *method, size_t *size)
{
    struct http_request request = {.method = method, .url = f->url};
    struct http_response response;
    struct error err = {0};
    int code = governor_perform(f->governor, &request, &response, NULL, &err);

    if (code == 0) {
        assert_int_equal(response.status, 200);
    }
    *size = response.body.size;
    http_response_clear(&response);
    return code;
}

/* GETs through `actions`; the answer must be whole. */
static void assert_survives(struct fixture *f, const enum h2_action *actions, size_t count)
{
    size_t size = 0;

    h2_server_script(f->server, actions, count);
    assert_int_equal(perform(f, "GET", &size), 0);
    assert_int_equal(size, H2_BODY);
    assert_int_equal(h2_server_requests(f->server), (int)count + 1);
}

static void governor__speaks_http2(void **state)
{
    struct fixture *f = *state;
    struct governor_stats stats;
    size_t size = 0;

    assert_int_equal(perform(f, "GET", &size), 0);
    governor_stats(f->governor, &stats);
    assert_true(stats.uses_http2);
}

static void governor__repeats_a_get_after_goaway(void **state)
{
    const enum h2_action actions[] = {H2_GOAWAY, H2_GOAWAY};

    assert_survives(*state, actions, 2);
}

static void governor__repeats_a_get_after_rst_stream(void **state)
{
    const enum h2_action actions[] = {H2_REFUSE, H2_RESET};

    assert_survives(*state, actions, 2);
}

static void governor__repeats_a_get_whose_body_was_cut(void **state)
{
    const enum h2_action actions[] = {H2_CUT, H2_CLOSE};

    assert_survives(*state, actions, 2);
}

static void governor__repeats_a_get_whose_stream_stalls(void **state)
{
    const enum h2_action actions[] = {H2_STALL, H2_STALL_MIDWAY};

    assert_survives(*state, actions, 2);
}

static void governor__does_not_repeat_a_post_that_may_have_arrived(void **state)
{
    static const enum h2_action rows[] = {H2_RESET, H2_STALL};
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        size_t size = 0;

        h2_server_script(f->server, &rows[i], 1);
        assert_int_equal(perform(f, "POST", &size), ERR_UNREACHABLE);
        assert_int_equal(h2_server_requests(f->server), 1);
    }
}

struct parallel {
    struct fixture *f;
    struct thread thread;
    size_t size;
    int code;
};

static void *run_parallel(void *payload)
{
    struct parallel *p = payload;

    p->code = perform(p->f, "GET", &p->size);
    return NULL;
}

/* What shares a connection with a dead peer must not wait for it in turn. */
static void governor__leaves_a_frozen_connection(void **state)
{
    const enum h2_action actions[] = {H2_ANSWER, H2_FREEZE};
    struct fixture *f = *state;
    struct parallel threads[6];
    size_t size = 0;

    h2_server_script(f->server, actions, 2);
    assert_int_equal(perform(f, "GET", &size), 0); /* the connection stands */
    for (size_t i = 0; i < 6; i++) {
        threads[i] = (struct parallel){.f = f};
        assert_int_equal(thread_start(&threads[i].thread, "get", run_parallel, &threads[i], NULL),
                         0);
    }
    for (size_t i = 0; i < 6; i++) {
        thread_join(&threads[i].thread);
        assert_int_equal(threads[i].code, 0);
        assert_int_equal(threads[i].size, H2_BODY);
    }
    assert_true(h2_server_connections(f->server) >= 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(governor__speaks_http2),
        TEST(governor__repeats_a_get_after_goaway),
        TEST(governor__repeats_a_get_after_rst_stream),
        TEST(governor__repeats_a_get_whose_body_was_cut),
        TEST(governor__repeats_a_get_whose_stream_stalls),
        TEST(governor__does_not_repeat_a_post_that_may_have_arrived),
        TEST(governor__leaves_a_frozen_connection),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("graph_h2", tests, NULL, NULL);
}
