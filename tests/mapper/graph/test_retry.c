/* What to do after an attempt, and the ledger of resource units: pure decisions. */
#include "graph/ledger.h"
#include "graph/retry.h"
#include "test.h"

static struct retry_verdict decide(struct retry_attempt attempt)
{
    struct retry_verdict verdict;

    if (attempt.number == 0) {
        attempt.number = 1;
    }
    retry_decide(&verdict, &attempt);
    return verdict;
}

static void retry_decide__repeats_what_was_throttled_after_retry_after(void **state)
{
    static const int statuses[] = {429, 503, 509};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct retry_verdict v = decide(
            (struct retry_attempt){.status = statuses[i], .retry_after_ms = 17000, .random = 99});

        assert_true(v.is_again);
        assert_true(v.is_throttle);
        assert_int_equal(v.delay_ms, 17000);
    }
}

static void retry_decide__backs_off_further_with_each_throttle(void **state)
{
    int64_t last = 0;

    (void)state;
    for (unsigned n = 1; n < 8; n++) {
        struct retry_verdict v = decide((struct retry_attempt){
            .status = 429, .retry_after_ms = -1, .throttles = n, .random = 0});

        assert_true(v.delay_ms > last || v.delay_ms == 60000);
        last = v.delay_ms;
    }
    assert_int_equal(last, 60000); /* half of the longest, at least */
}

static void retry_decide__a_503_stops_the_scope_only_with_retry_after(void **state)
{
    struct retry_attempt attempt = {.status = 503, .retry_after_ms = -1, .is_idempotent = true};

    (void)state;
    assert_true(decide(attempt).is_again);
    assert_false(decide(attempt).is_throttle);
    attempt.retry_after_ms = 5000;
    assert_true(decide(attempt).is_throttle);
}

static void retry_decide__repeats_server_errors_only_when_idempotent(void **state)
{
    static const int statuses[] = {408, 500, 502, 503, 504};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct retry_attempt attempt = {.status = statuses[i], .retry_after_ms = -1};

        assert_false(decide(attempt).is_again);
        attempt.is_idempotent = true;
        assert_true(decide(attempt).is_again);
        assert_false(decide(attempt).is_throttle);
    }
}

static void retry_decide__repeats_what_never_reached_the_server(void **state)
{
    struct retry_attempt attempt = {.reached_server = true, .retry_after_ms = -1};

    (void)state;
    assert_false(decide(attempt).is_again);
    attempt.reached_server = false;
    assert_true(decide(attempt).is_again);
    attempt.is_unknown_user = true; /* the proxy says: the same password would be sent again */
    assert_false(decide(attempt).is_again);
}

static void retry_decide__takes_other_answers_as_they_are(void **state)
{
    static const int statuses[] = {200, 302, 400, 401, 403, 404, 409, 410, 412, 416, 423, 507};

    (void)state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        assert_false(
            decide((struct retry_attempt){.status = statuses[i], .is_idempotent = true}).is_again);
    }
}

static void retry_decide__stops_after_data_was_given_and_after_the_last_attempt(void **state)
{
    struct retry_attempt attempt = {.is_idempotent = true, .retry_after_ms = -1};

    (void)state;
    attempt.has_given_data = true;
    assert_false(decide(attempt).is_again);
    attempt.has_given_data = false;
    attempt.number = RETRY_ATTEMPTS_MAX;
    assert_false(decide(attempt).is_again);
}

static void retry_decide__spreads_over_a_growing_window(void **state)
{
    struct retry_attempt attempt = {.is_idempotent = true, .retry_after_ms = -1};

    (void)state;
    for (attempt.number = 1; attempt.number < RETRY_ATTEMPTS_MAX; attempt.number++) {
        int64_t most = 0;

        for (attempt.random = 0; attempt.random < 20000; attempt.random += 7) {
            int64_t delay = decide(attempt).delay_ms;

            assert_true(delay >= 0 && delay <= 10000);
            most = delay > most ? delay : most;
        }
        assert_true(most >= 190 * (attempt.number < 5 ? attempt.number : 5));
    }
}

static void retry_part_pause__is_what_the_part_says_or_a_second(void **state)
{
    (void)state;
    assert_int_equal(retry_part_pause(429, 17000), 17000);
    assert_int_equal(retry_part_pause(429, -1), 1000);
    assert_int_equal(retry_part_pause(503, 2000), 2000);
    assert_int_equal(retry_part_pause(503, -1), 0);
    assert_int_equal(retry_part_pause(423, 2000), 0);
}

static void retry_parse_after__reads_seconds_and_dates(void **state)
{
    const int64_t now = 784111777000; /* Sun, 06 Nov 1994 08:49:37 GMT */

    (void)state;
    assert_int_equal(retry_parse_after("17", now), 17000);
    assert_int_equal(retry_parse_after("0", now), 0);
    assert_int_equal(retry_parse_after("Sun, 06 Nov 1994 08:50:07 GMT", now), 30000);
    assert_int_equal(retry_parse_after("Sun, 06 Nov 1994 08:49:07 GMT", now), 0);
    assert_int_equal(retry_parse_after("99999999999", now), RETRY_AFTER_MAX_MS);
    assert_int_equal(retry_parse_after("soon", now), -1);
    assert_int_equal(retry_parse_after("-5", now), -1);
    assert_int_equal(retry_parse_after("", now), -1);
}

static void ledger__forgets_what_left_the_window(void **state)
{
    struct ledger ledger;

    (void)state;
    ledger_init(&ledger, 60000);
    ledger_add(&ledger, 1000000, 10);
    ledger_add(&ledger, 1030000, 5);
    assert_int_equal(ledger_sum(&ledger, 1059000), 15);
    assert_int_equal(ledger_sum(&ledger, 1062000), 5);
    assert_int_equal(ledger_sum(&ledger, 1092000), 0);
    assert_int_equal(ledger_sum(&ledger, 99000000), 0);
}

static void ledger_when_below__is_when_the_sum_really_is(void **state)
{
    struct ledger ledger;
    int64_t now = 5000000;

    (void)state;
    ledger_init(&ledger, 60000);
    for (int i = 0; i < 40; i++) {
        ledger_add(&ledger, now + i * 1000, 10);
    }
    now += 40000;
    for (uint32_t limit = 0; limit <= 400; limit += 10) {
        struct ledger later = ledger;
        int64_t when = ledger_when_below(&ledger, now, limit);

        assert_true(ledger_sum(&later, when) <= limit);
        if (when > now) {
            later = ledger;
            assert_true(ledger_sum(&later, when - 1) > limit);
        }
    }
}

static void ledger_set_window__keeps_what_was_spent(void **state)
{
    struct ledger ledger;

    (void)state;
    ledger_init(&ledger, 60000);
    ledger_add(&ledger, 1000000, 10);
    ledger_set_window(&ledger, 600000, 1001000);
    assert_int_equal(ledger_sum(&ledger, 1500000), 10);
    assert_int_equal(ledger_sum(&ledger, 1700000), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retry_decide__repeats_what_was_throttled_after_retry_after),
        cmocka_unit_test(retry_decide__backs_off_further_with_each_throttle),
        cmocka_unit_test(retry_decide__a_503_stops_the_scope_only_with_retry_after),
        cmocka_unit_test(retry_decide__repeats_server_errors_only_when_idempotent),
        cmocka_unit_test(retry_decide__repeats_what_never_reached_the_server),
        cmocka_unit_test(retry_decide__takes_other_answers_as_they_are),
        cmocka_unit_test(retry_decide__stops_after_data_was_given_and_after_the_last_attempt),
        cmocka_unit_test(retry_decide__spreads_over_a_growing_window),
        cmocka_unit_test(retry_part_pause__is_what_the_part_says_or_a_second),
        cmocka_unit_test(retry_parse_after__reads_seconds_and_dates),
        cmocka_unit_test(ledger__forgets_what_left_the_window),
        cmocka_unit_test(ledger_when_below__is_when_the_sum_really_is),
        cmocka_unit_test(ledger_set_window__keeps_what_was_spent),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
