#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "removal.h"

#define MAPPED 100

/* `count` verified libraries that are wanted. */
static void fill(struct library_list *list, size_t count)
{
    *list = (struct library_list){0};
    for (size_t i = 0; i < count; i++) {
        struct library library = {.is_verified = true};

        assert_int_equal(str_format(&library.key, NULL, "k%zu", i), 0);
        assert_int_equal(library_list_add(list, &library, NULL), 0);
    }
}

/* One round in which the first `count` libraries answer `code`. */
static void round_of(struct library_list *list, size_t count, int code, size_t mapped,
                     struct discover_report *report)
{
    struct removal_answer answers[MAPPED];

    assert_true(count <= MAPPED);
    for (size_t i = 0; i < count; i++) {
        answers[i] = (struct removal_answer){.library = i, .code = code};
    }
    *report = (struct discover_report){0};
    assert_int_equal(removal_decide(list, answers, count, mapped, report, NULL), 0);
}

static void removal_decide__removes_after_two_denials_in_a_row(void **state)
{
    static const int codes[] = {ERR_NOT_FOUND, ERR_DENIED};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct library_list list;
        struct discover_report report;

        fill(&list, 10);
        round_of(&list, 1, codes[i], 10, &report);
        assert_int_equal(list.items[0].missing, 1);
        assert_int_equal(list.items[0].verdict, LIBRARY_WANTED);
        round_of(&list, 1, codes[1 - i], 10, &report); /* either of the two counts */
        assert_int_equal(list.items[0].verdict, LIBRARY_REMOVED);
        assert_non_null(list.items[0].reason);
        assert_int_equal(list.items[1].verdict, LIBRARY_WANTED);
        assert_false(report.is_outage);
        library_list_clear(&list);
    }
}

static void removal_decide__forgets_when_it_answers_again(void **state)
{
    struct library_list list;
    struct discover_report report;

    (void)state;
    fill(&list, 10);
    round_of(&list, 1, ERR_NOT_FOUND, 10, &report);
    round_of(&list, 1, 0, 10, &report);
    assert_int_equal(list.items[0].missing, 0);
    round_of(&list, 1, ERR_NOT_FOUND, 10, &report);
    assert_int_equal(list.items[0].verdict, LIBRARY_WANTED);
    library_list_clear(&list);
}

static void removal_decide__takes_no_answer_as_nothing(void **state)
{
    static const int codes[] = {ERR_SERVER,      ERR_THROTTLED,  ERR_TIMED_OUT,
                                ERR_UNREACHABLE, ERR_SIGNED_OUT, ERR_PROTOCOL,
                                ERR_INVALID,     ERR_GONE,       ERR_CANCELLED};

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct library_list list;
        struct discover_report report;

        fill(&list, 10);
        for (int round = 0; round < 5; round++) {
            round_of(&list, 1, codes[i], 10, &report);
        }
        assert_int_equal(list.items[0].missing, 0);
        assert_int_equal(list.items[0].verdict, LIBRARY_WANTED);
        library_list_clear(&list);
    }
}

static void removal_decide__never_removes_what_was_never_verified(void **state)
{
    struct library_list list;
    struct discover_report report;

    (void)state;
    fill(&list, 10);
    list.items[0].is_verified = false;
    for (int round = 0; round < 5; round++) {
        round_of(&list, 1, ERR_NOT_FOUND, 10, &report);
    }
    assert_int_equal(list.items[0].verdict, LIBRARY_WANTED);
    assert_int_equal(list.items[0].missing, 2);
    library_list_clear(&list);
}

static void removal_decide__calls_many_failures_an_outage(void **state)
{
    static const struct {
        size_t failed;
        size_t mapped;
        bool is_outage;
    } rows[] = {
        {1, 1, false},    {3, 3, false}, /* three is never an outage */
        {4, 4, true},     {4, 19, true}, /* 21 % */
        {4, 20, false},                  /* 20 % is not more than 20 % */
        {20, 100, false}, {21, 100, true}, {100, 100, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct library_list list;
        struct discover_report report;

        fill(&list, MAPPED);
        for (int round = 0; round < 3; round++) {
            round_of(&list, rows[i].failed, ERR_DENIED, rows[i].mapped, &report);
            assert_int_equal(report.is_outage, rows[i].is_outage);
        }
        assert_int_equal(list.items[0].verdict,
                         rows[i].is_outage ? LIBRARY_WANTED : LIBRARY_REMOVED);
        assert_int_equal(report.message[0] != '\0', rows[i].is_outage);
        library_list_clear(&list);
    }
}

static void removal_decide__an_outage_neither_counts_nor_resets(void **state)
{
    struct library_list list;
    struct discover_report report;

    (void)state;
    fill(&list, 10);
    round_of(&list, 1, ERR_NOT_FOUND, 10, &report);
    round_of(&list, 10, ERR_NOT_FOUND, 10, &report);
    assert_true(report.is_outage);
    assert_int_equal(list.items[0].missing, 1);
    assert_int_equal(list.items[1].missing, 0);
    library_list_clear(&list);
}

static void removal_decide__counts_errors_towards_the_outage(void **state)
{
    struct library_list list;
    struct discover_report report = {0};
    struct removal_answer answers[] = {
        {0, ERR_NOT_FOUND}, {1, ERR_SERVER}, {2, ERR_TIMED_OUT}, {3, ERR_SERVER}};

    (void)state;
    fill(&list, 10);
    assert_int_equal(removal_decide(&list, answers, 4, 10, &report, NULL), 0);
    assert_true(report.is_outage);
    assert_int_equal(list.items[0].missing, 0);
    library_list_clear(&list);
}

static void report_add__keeps_whole_sentences_apart_and_inside(void **state)
{
    struct discover_report report = {0};

    (void)state;
    report_add(&report, "one");
    report_add(&report, "two");
    assert_string_equal(report.message, "one; two");
    for (int i = 0; i < 50; i++) {
        report_add(&report, "ärger");
    }
    assert_true(strlen(report.message) < sizeof(report.message));
    assert_true(str_is_utf8(report.message, strlen(report.message)));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(removal_decide__removes_after_two_denials_in_a_row),
    cmocka_unit_test(removal_decide__forgets_when_it_answers_again),
    cmocka_unit_test(removal_decide__takes_no_answer_as_nothing),
    cmocka_unit_test(removal_decide__never_removes_what_was_never_verified),
    cmocka_unit_test(removal_decide__calls_many_failures_an_outage),
    cmocka_unit_test(removal_decide__an_outage_neither_counts_nor_resets),
    cmocka_unit_test(removal_decide__counts_errors_towards_the_outage),
    cmocka_unit_test(report_add__keeps_whole_sentences_apart_and_inside),
};

TEST_MAIN("removal", tests)
