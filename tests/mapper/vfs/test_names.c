#include "test.h"

#include <stdio.h>
#include <string.h>

#include "extents.h"
#include "names.h"

static int check(const char *name, bool is_folder, bool is_root)
{
    struct name_place place = {.is_folder = is_folder, .is_in_library_root = is_root};

    return name_check(name, &place, NULL);
}

static void name_check__takes_ordinary_names(void **state)
{
    static const char *const good[] = {"a",           "Budget 2026.xlsx",
                                       "100% #1.txt", "Überblick.txt",
                                       ".gitignore",  "~WRD0001.tmp" /* a file */,
                                       "COM10",       "console.txt",
                                       "a.b.c",       "forms",
                                       "R&D",         "it's (1)+=,;!@$^{}[]`"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (check(good[i], false, true) != 0) {
            fail_msg("'%s' is refused", good[i]);
        }
    }
}

static void name_check__refuses_what_the_service_refuses(void **state)
{
    static const char *const bad[] = {
        "a\"b",  "a*",      "a:b",   "a<b",         "a>b",       "a?",       "a\\b",
        "a|b",   " a",      "a ",    "a.",          "CON",       "con.txt",  "Aux",
        "LPT0",  "com9.x",  ".lock", "desktop.ini", "a_vti_b",   "~$a.docx", "a\x01",
        "a\x7f", "a&#39;b", "a\xff", "a\nb",        "nul.tar.gz"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (check(bad[i], false, false) != ERR_BAD_NAME) {
            fail_msg("'%s' is taken", bad[i]);
        }
    }
}

static void name_check__knows_kind_and_place(void **state)
{
    (void)state;
    assert_int_equal(check("~folder", true, false), ERR_BAD_NAME);
    assert_int_equal(check("~file", false, false), 0);
    assert_int_equal(check("Forms", true, true), ERR_BAD_NAME);
    assert_int_equal(check("Forms", true, false), 0);
}

static void name_check__counts_in_utf16_units(void **state)
{
    struct name_place deep = {.parent_units = 390};
    char name[600];

    (void)state;
    memset(name, 'a', sizeof(name));
    name[256] = '\0';
    assert_int_equal(check(name, false, false), ERR_NAME_TOO_LONG);
    name[255] = '\0';
    assert_int_equal(check(name, false, false), 0);
    assert_int_equal(name_units("\xf0\x9f\x98\x80"
                                "ü"),
                     3);
    assert_int_equal(name_check("123456789", &deep, NULL), 0);
    assert_int_equal(name_check("1234567890", &deep, NULL), ERR_NAME_TOO_LONG);
}

/* --- extents --- */

static void expect(const struct extents *set, const char *want)
{
    char text[256] = "";

    for (size_t i = 0; i < set->count; i++) {
        size_t used = strlen(text);

        snprintf(text + used, sizeof(text) - used, "%llu-%llu ",
                 (unsigned long long)set->items[i].start, (unsigned long long)set->items[i].end);
    }
    assert_string_equal(text, want);
}

static void extents_add__joins_what_touches(void **state)
{
    struct extents set = {0};

    (void)state;
    assert_int_equal(extents_add(&set, 10, 20, NULL), 0);
    assert_int_equal(extents_add(&set, 30, 40, NULL), 0);
    assert_int_equal(extents_add(&set, 50, 60, NULL), 0);
    expect(&set, "10-20 30-40 50-60 ");
    assert_int_equal(extents_add(&set, 20, 30, NULL), 0);
    expect(&set, "10-40 50-60 ");
    assert_int_equal(extents_add(&set, 0, 5, NULL), 0);
    assert_int_equal(extents_add(&set, 35, 55, NULL), 0);
    expect(&set, "0-5 10-60 ");
    assert_int_equal(extents_add(&set, 12, 13, NULL), 0);
    assert_int_equal(extents_add(&set, 7, 7, NULL), 0);
    expect(&set, "0-5 10-60 ");
    assert_int_equal(extents_add(&set, 0, 100, NULL), 0);
    expect(&set, "0-100 ");
    extents_clear(&set);
}

static void extents_gap__finds_each_hole_below_the_limit(void **state)
{
    struct extents set = {0};
    struct extent gap = {0};
    uint64_t until = 0;

    (void)state;
    extents_add(&set, 10, 20, NULL);
    extents_add(&set, 30, 40, NULL);
    assert_true(extents_gap(&set, 0, 100, &gap));
    assert_int_equal(gap.start, 0);
    assert_int_equal(gap.end, 10);
    assert_true(extents_gap(&set, 10, 100, &gap));
    assert_int_equal(gap.start, 20);
    assert_int_equal(gap.end, 30);
    assert_true(extents_gap(&set, 33, 100, &gap));
    assert_int_equal(gap.start, 40);
    assert_int_equal(gap.end, 100);
    assert_false(extents_gap(&set, 10, 20, &gap));
    assert_true(extents_has(&set, 19, &until));
    assert_int_equal(until, 20);
    assert_false(extents_has(&set, 20, &until));
    assert_int_equal(until, 30);
    assert_false(extents_has(&set, 40, &until));
    assert_true(until == UINT64_MAX);
    extents_truncate(&set, 35);
    expect(&set, "10-20 30-35 ");
    extents_truncate(&set, 15);
    expect(&set, "10-15 ");
    extents_truncate(&set, 0);
    expect(&set, "");
    extents_clear(&set);
}

/* Against the simplest thing that can be right: one flag a byte. */
static void extents_add__agrees_with_a_bitmap(void **state)
{
    struct extents set = {0};
    unsigned char bytes[300] = {0};
    uint32_t random = 1;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        random = random * 1664525u + 1013904223u;
        uint64_t start = (random >> 8) % 290;
        uint64_t end = start + (random >> 20) % 10;

        if (round % 7 == 0) {
            extents_truncate(&set, start);
            memset(bytes + start, 0, sizeof(bytes) - start);
        } else {
            assert_int_equal(extents_add(&set, start, end, NULL), 0);
            memset(bytes + start, 1, end - start);
        }
        for (uint64_t at = 0; at < sizeof(bytes); at++) {
            uint64_t until = 0;

            assert_int_equal(extents_has(&set, at, &until), bytes[at]);
        }
    }
    extents_clear(&set);
}

static void extents_add__stops_at_its_limit_and_stays_whole(void **state)
{
    struct extents set = {0};
    int code = 0;

    (void)state;
    for (uint64_t i = 0; i < EXTENTS_MAX + 10 && code == 0; i++) {
        code = extents_add(&set, i * 2, i * 2 + 1, NULL);
    }
    assert_int_equal(code, ERR_LIMIT);
    assert_int_equal(set.count, EXTENTS_MAX);
    assert_int_equal(extents_add(&set, 0, EXTENTS_MAX * 2, NULL), 0);
    assert_int_equal(set.count, 1);
    extents_clear(&set);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(name_check__takes_ordinary_names),
    cmocka_unit_test(name_check__refuses_what_the_service_refuses),
    cmocka_unit_test(name_check__knows_kind_and_place),
    cmocka_unit_test(name_check__counts_in_utf16_units),
    cmocka_unit_test(extents_add__joins_what_touches),
    cmocka_unit_test(extents_gap__finds_each_hole_below_the_limit),
    cmocka_unit_test(extents_add__agrees_with_a_bitmap),
    cmocka_unit_test(extents_add__stops_at_its_limit_and_stays_whole),
};

TEST_MAIN("names and extents", tests)
