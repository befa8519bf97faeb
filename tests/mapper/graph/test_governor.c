/* The governor against a canned HTTP/1.1 server: what goes out, in which order, and what is held
 * back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"
#include "governor_fixture.h"
#include "test.h"

static int perform(struct fixture *f, uint32_t cost_ru, const struct call *call)
{
    struct http_request request = {
        .method = "GET", .url = f->url, .scope = "tenant", .cost_ru = cost_ru};
    struct http_response response;
    int code = governor_perform(f->governor, &request, &response, call, NULL);

    http_response_clear(&response);
    return code;
}

/* --- streams, for requests in the background --- */

struct background {
    struct fixture *f;
    struct http_op *op;
    int code; /* 1 until done */
    size_t size;
};

static size_t on_data(void *payload, const void *data, size_t size)
{
    struct background *b = payload;

    (void)data;
    b->size += size;
    return size;
}

static void on_done(void *payload, int code, const struct http_response *response,
                    const struct error *err)
{
    struct background *b = payload;

    (void)response;
    (void)err;
    mutex_lock(&b->f->server.mutex);
    b->code = code;
    cond_broadcast(&b->f->server.changed);
    mutex_unlock(&b->f->server.mutex);
}

static void begin(struct fixture *f, struct background *b, enum call_priority priority,
                  const char *name, uint32_t cost_ru)
{
    struct http_stream_callbacks callbacks = {.on_data = on_data, .on_done = on_done, .payload = b};
    char *url = NULL;
    struct http_request request = {
        .method = "GET", .scope = "tenant", .priority = priority, .cost_ru = cost_ru};
    struct error err = {0};

    b->f = f;
    b->code = 1;
    str_format(&url, NULL, "%s/%s", f->url, name);
    request.url = url;
    if (governor_start(f->governor, &b->op, &request, &callbacks, &err) < 0) {
        fail_msg("%s", err.message);
    }
    free(url);
}

static int finish(struct background *b)
{
    mutex_lock(&b->f->server.mutex);
    while (b->code == 1) {
        cond_wait(&b->f->server.changed, &b->f->server.mutex);
    }
    mutex_unlock(&b->f->server.mutex);
    governor_release(b->f->governor, b->op);
    return b->code;
}

/* --- tests --- */

static void governor__sends_what_is_urgent_first(void **state)
{
    struct fixture *f = *state;
    struct background first = {0};
    struct background rows[5] = {{0}};
    static const enum call_priority priorities[] = {CALL_PREFETCH, CALL_REFRESH, CALL_SAVE,
                                                    CALL_LISTING, CALL_READ};
    static const char *const names[] = {"prefetch", "refresh", "save", "listing", "read"};

    hold(f, true);
    begin(f, &first, CALL_READ, "first", 0); /* takes the only connection */
    wait_for_requests(f, 1);
    for (size_t i = 0; i < 5; i++) {
        begin(f, &rows[i], priorities[i], names[i], 0);
    }
    hold(f, false);
    assert_int_equal(finish(&first), 0);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(finish(&rows[i]), 0);
    }
    for (size_t i = 0; i < 5; i++) {
        assert_non_null(strstr(f->server.seen[i + 1], names[4 - i]));
    }
}

static void governor__holds_background_work_back_above_the_soft_limit(void **state)
{
    struct fixture *f = *state;
    struct background refresh = {0};
    struct governor_stats stats;

    assert_int_equal(perform(f, 9, NULL), 0);
    begin(f, &refresh, CALL_REFRESH, "refresh", 2);
    assert_int_equal(perform(f, 3, NULL), 0); /* what a person waits for goes on */
    governor_stats(f->governor, &stats);
    assert_int_equal(stats.ru_window, 12);
    assert_int_equal(f->server.seen_count, 2);
    governor_cancel(f->governor, refresh.op);
    assert_int_equal(finish(&refresh), ERR_CANCELLED);
}

/* Threads that share what one of them asks for. */
struct shared {
    struct fixture *f;
    bool was_asked; /* guarded by the server's mutex, as the next */
    bool is_awaited;
    int code;
};

static bool never(void *payload)
{
    (void)payload;
    return false;
}

static bool somebody_waits(void *payload)
{
    struct shared *shared = payload;
    bool is_awaited;

    mutex_lock(&shared->f->server.mutex);
    shared->was_asked = true;
    is_awaited = shared->is_awaited;
    cond_broadcast(&shared->f->server.changed);
    mutex_unlock(&shared->f->server.mutex);
    return is_awaited;
}

static void *refresh_shared(void *payload)
{
    struct shared *shared = payload;
    const struct call call = {.priority = CALL_REFRESH,
                              .deadline_ms = clock_mono_ms(clock_system()) + 600000,
                              .is_cancelled = never,
                              .is_awaited = somebody_waits,
                              .payload = shared};

    shared->code = perform(shared->f, 2, &call);
    return NULL;
}

static void governor__lets_background_work_go_when_somebody_waits_for_it(void **state)
{
    struct fixture *f = *state;
    struct shared shared = {.f = f};
    struct thread thread = {0};

    assert_int_equal(perform(f, 9, NULL), 0);
    assert_int_equal(thread_start(&thread, "refresh", refresh_shared, &shared, NULL), 0);
    mutex_lock(&f->server.mutex);
    while (!shared.was_asked) {
        cond_wait(&f->server.changed, &f->server.mutex);
    }
    assert_int_equal(f->server.seen_count, 1); /* above the soft limit it rests */
    shared.is_awaited = true;
    mutex_unlock(&f->server.mutex);
    thread_join(&thread);
    assert_int_equal(shared.code, 0);
    assert_int_equal(f->server.seen_count, 2);
}

static void governor__refuses_a_prefetch_above_the_soft_limit(void **state)
{
    struct fixture *f = *state;
    struct background prefetch = {0};

    assert_int_equal(perform(f, 9, NULL), 0);
    begin(f, &prefetch, CALL_PREFETCH, "prefetch", 2);
    assert_int_equal(finish(&prefetch), ERR_THROTTLED); /* at once: nobody wants it later */
    assert_int_equal(f->server.seen_count, 1);
}

static void governor__fails_everything_above_the_hard_limit(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(perform(f, 20, NULL), 0);
    assert_int_equal(perform(f, 1, NULL), ERR_THROTTLED);
    assert_int_equal(perform(f, 0, NULL), 0); /* the sign-in costs nothing */
    assert_int_equal(f->server.seen_count, 2);
}

static void governor_configure__lets_waiting_work_go(void **state)
{
    struct fixture *f = *state;
    struct governor_options options = {.max_connections = 1};
    struct background refresh = {0};

    assert_int_equal(perform(f, 15, NULL), 0);
    begin(f, &refresh, CALL_REFRESH, "refresh", 2);
    assert_int_equal(governor_configure(f->governor, &options, NULL), 0);
    assert_int_equal(finish(&refresh), 0);
}

static void governor_pause__fails_what_cannot_wait_that_long(void **state)
{
    struct fixture *f = *state;
    struct call call = {.deadline_ms = clock_mono_ms(clock_system()) + 60000};

    governor_pause(f->governor, "tenant", 600000);
    assert_int_equal(perform(f, 1, &call), ERR_THROTTLED);
    assert_int_equal(f->server.seen_count, 0);
}

static void governor__sends_the_bearer_and_headers_and_no_line_ends(void **state)
{
    struct fixture *f = *state;
    const char *headers[] = {"If-Match: \"{7C},4\"", NULL};
    const char *bad[] = {"X: a\r\nY: b", NULL};
    struct http_request request = {
        .method = "GET", .url = f->url, .bearer = "sesame", .headers = headers};
    struct http_response response;

    assert_int_equal(governor_perform(f->governor, &request, &response, NULL, NULL), 0);
    assert_int_equal(response.status, 200);
    assert_string_equal(buf_text(&response.body), "ok");
    http_response_clear(&response);
    assert_non_null(strstr(f->server.seen[0], "Authorization: Bearer sesame\r\n"));
    assert_non_null(strstr(f->server.seen[0], "If-Match: \"{7C},4\"\r\n"));
    assert_non_null(strstr(f->server.seen[0], "User-Agent: ISV|Mooring|Test\r\n"));
    request.headers = bad;
    assert_int_equal(governor_perform(f->governor, &request, &response, NULL, NULL), ERR_INVALID);
    http_response_clear(&response);
    request.headers = NULL;
    request.bearer = "a\r\nX: y";
    assert_int_equal(governor_perform(f->governor, &request, &response, NULL, NULL), ERR_INVALID);
    http_response_clear(&response);
}

static void governor__refuses_urls_without_tls(void **state)
{
    static const char *const urls[] = {
        "http://example.com/",           "ftp://127.0.0.1/", "file:///etc/x",
        "http://localhost.example.com/", "nonsense",         ""};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct http_request request = {.method = "GET", .url = urls[i]};
        struct http_response response;

        assert_int_equal(governor_perform(f->governor, &request, &response, NULL, NULL),
                         ERR_PROTOCOL);
        http_response_clear(&response);
    }
}

static void governor__stops_at_the_limit_of_a_body(void **state)
{
    struct fixture *f = *state;
    struct http_request request = {.method = "GET", .url = f->url, .max_body = 1};
    struct http_response response;

    assert_int_equal(governor_perform(f->governor, &request, &response, NULL, NULL), ERR_LIMIT);
    http_response_clear(&response);
    assert_int_equal(f->server.seen_count, 1);
}

static void governor__picks_the_headers_out(void **state)
{
    struct fixture *f = *state;
    struct http_request request = {.method = "GET", .url = f->url};
    struct http_response response;

    f->server.answer = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"\"\r\n"
                       "www-authenticate: Bearer error=\"x\"\r\nrequest-id: r-1\r\n"
                       "Content-Length: 3\r\nConnection: close\r\n\r\nno!";
    assert_int_equal(governor_perform(f->governor, &request, &response, NULL, NULL), 0);
    assert_int_equal(response.status, 401);
    assert_string_equal(response.www_authenticate, "Bearer realm=\"\", Bearer error=\"x\"");
    assert_string_equal(response.request_id, "r-1");
    assert_string_equal(buf_text(&response.body), "no!");
    assert_int_equal(response.attempts, 1);
    http_response_clear(&response);
}

static void governor__hands_a_redirect_over_when_asked(void **state)
{
    struct fixture *f = *state;
    struct http_request request = {.method = "GET", .url = f->url, .keeps_redirect = true};
    struct http_response response;

    f->server.answer = "HTTP/1.1 302 Found\r\nLocation: https://elsewhere/x?tempauth=1\r\n"
                       "Content-Length: 0\r\nConnection: close\r\n\r\n";
    assert_int_equal(governor_perform(f->governor, &request, &response, NULL, NULL), 0);
    assert_int_equal(response.status, 302);
    assert_string_equal(response.location, "https://elsewhere/x?tempauth=1");
    http_response_clear(&response);
}

static void governor_release__cancels_what_runs(void **state)
{
    struct fixture *f = *state;
    struct background b = {0};

    hold(f, true);
    begin(f, &b, CALL_READ, "x", 0);
    wait_for_requests(f, 1);
    governor_release(f->governor, b.op);
    assert_int_equal(b.code, ERR_CANCELLED);
    hold(f, false);
}

static void governor_free__ends_what_waits_and_runs(void **state)
{
    struct fixture *f = *state;
    struct governor_options options = {0};
    struct background rows[3] = {{0}};

    hold(f, true);
    for (size_t i = 0; i < 3; i++) {
        begin(f, &rows[i], CALL_READ, "x", 0);
    }
    wait_for_requests(f, 1);
    for (size_t i = 0; i < 3; i++) {
        governor_cancel(f->governor, rows[i].op);
        assert_int_equal(finish(&rows[i]), ERR_CANCELLED);
    }
    hold(f, false);
    governor_free(f->governor);
    assert_int_equal(governor_new(&f->governor, &options, NULL), 0);
}

static void governor_new__names_a_bad_ca_file(void **state)
{
    struct governor_options options = {.ca_file = "/dev/null"};
    struct governor *governor = NULL;
    struct error err = {0};

    (void)state;
    assert_int_equal(governor_new(&governor, &options, &err), ERR_INVALID);
    assert_non_null(strstr(err.message, "/dev/null"));
    assert_null(governor);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
#define TEST_LIMITS(name) \
    cmocka_unit_test_setup_teardown(name, fixture_setup_limits, fixture_teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(governor__sends_what_is_urgent_first),
        TEST_LIMITS(governor__holds_background_work_back_above_the_soft_limit),
        TEST_LIMITS(governor__lets_background_work_go_when_somebody_waits_for_it),
        TEST_LIMITS(governor__refuses_a_prefetch_above_the_soft_limit),
        TEST_LIMITS(governor__fails_everything_above_the_hard_limit),
        TEST_LIMITS(governor_configure__lets_waiting_work_go),
        TEST(governor_pause__fails_what_cannot_wait_that_long),
        TEST(governor__sends_the_bearer_and_headers_and_no_line_ends),
        TEST(governor__refuses_urls_without_tls),
        TEST(governor__stops_at_the_limit_of_a_body),
        TEST(governor__picks_the_headers_out),
        TEST(governor__hands_a_redirect_over_when_asked),
        TEST(governor_release__cancels_what_runs),
        TEST(governor_free__ends_what_waits_and_runs),
        cmocka_unit_test(governor_new__names_a_bad_ca_file),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("governor", tests, NULL, NULL);
}
