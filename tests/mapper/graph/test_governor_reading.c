/* An answer that is read while it comes: all of it, once, whatever happens on the way. */
#include <string.h>

#include "base/buf.h"
#include "governor_fixture.h"
#include "test.h"

struct reading {
    struct fixture *f;
    struct buf body; /* what was seen since it began */
    unsigned beginnings;
    unsigned pieces;
    const char *then; /* what the server answers once something was seen */
};

static void read_more(void *payload, const char *body, size_t size)
{
    struct reading *reading = payload;

    buf_reset(&reading->body);
    if (size == 0) {
        reading->beginnings++;
        return;
    }
    reading->pieces++;
    (void)buf_add(&reading->body, body, size, NULL);
    if (reading->then) {
        mutex_lock(&reading->f->server.mutex);
        reading->f->server.answer = reading->then;
        mutex_unlock(&reading->f->server.mutex);
    }
}

static int perform_reading(struct reading *reading, struct fixture *f,
                           struct http_response *response)
{
    struct http_request request = {.method = "GET",
                                   .url = f->url,
                                   .reader = {.on_more = read_more, .payload = reading},
                                   .is_single_flight = true};

    reading->f = f;
    buf_init(&reading->body, 1000);
    return governor_perform(f->governor, &request, response, NULL, NULL);
}

static void governor__lets_an_answer_be_read_while_it_comes(void **state)
{
    struct fixture *f = *state;
    struct reading reading = {.f = NULL};
    struct http_response response;

    assert_int_equal(perform_reading(&reading, f, &response), 0);
    assert_string_equal(buf_text(&response.body), "ok");
    assert_string_equal(buf_text(&reading.body), "ok");
    http_response_clear(&response);
    buf_clear(&reading.body);
}

/* Of a body that broke off nothing is left to who reads. */
static void governor__begins_anew_for_who_reads_when_it_repeats(void **state)
{
    static const char broken[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nold";
    static const char empty[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    static const char refused[] =
        "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
    static const struct {
        const char *answer;
        const char *body;
        const char *read;
    } next[] = {{canned_ok, "ok", "ok"}, {empty, "", ""}, {refused, "no", ""}};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(next) / sizeof(next[0]); i++) {
        struct reading reading = {.then = next[i].answer};
        struct http_response response;

        f->server.answer = broken;
        assert_int_equal(perform_reading(&reading, f, &response), 0);
        assert_true(response.attempts > 1);
        assert_true(reading.pieces > 0 && reading.beginnings > 1);
        assert_string_equal(buf_text(&response.body), next[i].body);
        assert_string_equal(buf_text(&reading.body), next[i].read);
        http_response_clear(&response);
        buf_clear(&reading.body);
    }
}

struct shared_reading {
    struct fixture *f;
    struct thread thread;
    struct reading reading;
    struct http_response response;
    int code;
};

static void *read_shared(void *payload)
{
    struct shared_reading *shared = payload;

    shared->code = perform_reading(&shared->reading, shared->f, &shared->response);
    return NULL;
}

/* Who shares another's answer gets it whole, and has read none of it or all of it. */
static void governor__gives_all_who_share_it_the_whole_answer(void **state)
{
    struct fixture *f = *state;
    struct shared_reading shared[3];
    unsigned readers = 0;

    hold(f, true);
    for (size_t i = 0; i < 3; i++) {
        shared[i] = (struct shared_reading){.f = f};
        assert_int_equal(thread_start(&shared[i].thread, "get", read_shared, &shared[i], NULL), 0);
    }
    wait_for_requests(f, 1);
    hold(f, false);
    for (size_t i = 0; i < 3; i++) {
        thread_join(&shared[i].thread);
        assert_int_equal(shared[i].code, 0);
        assert_string_equal(buf_text(&shared[i].response.body), "ok");
        assert_true(shared[i].reading.pieces == 0 ||
                    strcmp(buf_text(&shared[i].reading.body), "ok") == 0);
        readers += shared[i].reading.pieces > 0;
        http_response_clear(&shared[i].response);
        buf_clear(&shared[i].reading.body);
    }
    assert_int_equal(readers, f->server.seen_count); /* as a rule 1; a thread may start late */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(governor__lets_an_answer_be_read_while_it_comes),
        TEST(governor__begins_anew_for_who_reads_when_it_repeats),
        TEST(governor__gives_all_who_share_it_the_whole_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
