#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "fixture.h"

static void yaml_read__keeps_text_as_it_is_written(void **state)
{
    struct fixture *f = *state;

    fixture_load_machine(f, "# comment\n---\n"
                            "ProxyBypass: 00123\n"
                            "UserAgentTag: true\n"
                            "NameFormat: '{library}'\n"
                            "ClientId: 11111111-2222-3333-4444-555555555555\n"
                            "SiteQuery: >-\n"
                            "  webtemplate:STS\n"
                            "  AND path:x\n"
                            "IncludeSites:\n"
                            "- title:Finance*\n"
                            "-   https://contoso.sharepoint.com/sites/*   # why\n"
                            "...\n");
    assert_string_equal(fixture_text(f, "ProxyBypass"), "00123");
    assert_string_equal(fixture_text(f, "UserAgentTag"), "true");
    assert_string_equal(fixture_text(f, "NameFormat"), "{library}");
    assert_string_equal(fixture_text(f, "ClientId"), "11111111-2222-3333-4444-555555555555");
    assert_string_equal(fixture_text(f, "SiteQuery"), "webtemplate:STS AND path:x");
    assert_string_equal(fixture_text(f, "IncludeSites"),
                        "title:Finance*\nhttps://contoso.sharepoint.com/sites/*");
    assert_warnings(f, "");
}

static void yaml_read__accepts_an_empty_file(void **state)
{
    static const char *const files[] = {"",     "\n\n# nothing\n", "---\n", "~\n",
                                        "{}\n", "\xef\xbb\xbf"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        fixture_load_machine(f, files[i]);
        assert_warnings(f, "");
    }
    fixture_load_machine(f, "\xef\xbb\xbf"
                            "CacheMinutes: 5\r\nCacheSizeMB: 6\r\n");
    assert_warnings(f, "");
    assert_string_equal(fixture_text(f, "CacheMinutes"), "5");
    assert_string_equal(fixture_text(f, "CacheSizeMB"), "6");
}

static void yaml_read__warns_with_line_and_key(void **state)
{
    struct fixture *f = *state;

    fixture_load_machine(f, "CacheSize: 1\n"       /* 1 unknown */
                            "CacheMinutes: lots\n" /* 2 wrong type */
                            "RefreshMinutes: 4\n"  /* 3 out of range */
                            "MaxMappings: 10\n"    /* 4 fine, but ... */
                            "MaxMappings: 20\n"    /* 5 ... twice */
                            "ReadOnly:\n"          /* 6 nothing */
                            "Transport: [Np]\n"    /* 7 a list */
                            "LogLevel:\n"          /* 8 a mapping */
                            "  Debug: 1\n"
                            "LogFiles: '7'\n"            /* 10 quoted */
                            "Tenants: contoso.example\n" /* 11 no list */
                            "AutoMap: on\n"              /* 12 */
                            "OneDrive: !!bool false\n"   /* 13 a tag */
                            "SiteQuery: \"a\\0b\"\n"     /* 14 NUL */
                            "? [a, b]\n: 1\n");          /* 15 no name */
    assert_warnings(f, "warning 1 CacheSize\nwarning 2 CacheMinutes\nwarning 3 RefreshMinutes\n"
                       "warning 5 MaxMappings\nwarning 6 ReadOnly\nwarning 7 Transport\n"
                       "warning 8 LogLevel\nwarning 10 LogFiles\nwarning 11 Tenants\n"
                       "warning 12 AutoMap\nwarning 13 OneDrive\nwarning 14 SiteQuery\n"
                       "warning 15 -\n");
    assert_sentence(f, 0, "did you mean CacheSizeMB?");
    assert_sentence(f, 2, "the value '4' is outside 5 to 1440 minutes");
    assert_sentence(f, 3, "already set in line 4; this one, the last, counts");
    assert_sentence(f, 9, "the value 'on' is not true or false; write true");
    assert_string_equal(fixture_text(f, "MaxMappings"), "20");
    assert_string_equal(fixture_text(f, "LogFiles"), "7");
    assert_string_equal(fixture_text(f, "Tenants"), "contoso.example");
    assert_string_equal(fixture_text(f, "OneDrive"), "false");
    assert_string_equal(fixture_text(f, "Transport"), "Auto");
}

static void yaml_read__warns_about_single_entries(void **state)
{
    struct fixture *f = *state;

    fixture_load_machine(f, "IncludeSites:\n"
                            "- good\n"
                            "- ~\n"           /* 3 */
                            "- title: Fin*\n" /* 4 a blank after : makes it a mapping */
                            "- - x\n"         /* 5 */
                            "- ''\n"          /* 6 */
                            "- also good\n"
                            "ManagedMappings:\n"
                            "- http://x\n"       /* 9 */
                            "- https://x|n|P:\n" /* 10 the : at its end */
                            "- \"https://x|n|P:\"\n");
    assert_warnings(f, "warning 3 IncludeSites\nwarning 4 IncludeSites\nwarning 5 IncludeSites\n"
                       "warning 6 IncludeSites\nwarning 9 ManagedMappings\n"
                       "warning 10 ManagedMappings\n");
    assert_sentence(f, 1, "must stand in quotes");
    assert_sentence(f, 2, "the entry - must be written as \"-\"");
    assert_string_equal(fixture_text(f, "IncludeSites"), "good\nalso good");
    assert_string_equal(fixture_text(f, "ManagedMappings"), "https://x|n|P:");
}

static void yaml_read__leaves_out_a_file_with_a_syntax_error(void **state)
{
    static const struct {
        const char *text;
        int line;
        const char *hint;
    } cases[] = {
        {"CacheMinutes: 5\nOneDriveDrive: H:\n", 2, "\"H:\""},
        {"CacheMinutes: 5\nIncludeSites:\n\t- a\n", 3, "not with tabs"},
        {"CacheMinutes: 5\nLocalOnlyPatterns:\n- *.bak\n", 3, "begins with *"},
        {"CacheMinutes: 5\nProxyBypass: @x\n", 2, "must stand in quotes"},
        {"CacheMinutes: 5\nIncludeSites: [a\n", 3, ""},
        {"CacheMinutes: 5\n- a\n", 2, ""},
        {"CacheMinutes: 5\nSiteQuery: \"a\n", 3, ""},
        {"CacheMinutes: 5\n\x01\n", 2, "control characters"},
        {"CacheMinutes: 5\nSiteQuery: \xc3(\n", 2, "UTF-8"},
        {"- CacheMinutes: 5\n", 1, "Setting: value"},
        {"CacheMinutes 5\n", 1, "Setting: value"},
        {"\xff\xfe"
         "C\n",
         1, "UTF-16"},
        {"PReg\x01\n", 0, "Registry.pol"},
        {"CacheMinutes: 5\nIncludeSites: [[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]\n", 2, "deeper"},
        {"%YAML 3.0\n---\nCacheMinutes: 5\n", 1, ""},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char expected[32];

        snprintf(expected, sizeof(expected), "error %d -\n", cases[i].line);
        fixture_load_machine(f, cases[i].text);
        assert_warnings(f, expected);
        assert_sentence(f, 0, "the file is not used");
        assert_sentence(f, 0, cases[i].hint);
        assert_string_equal(fixture_text(f, "CacheMinutes"), "60");
    }
    fixture_write_bytes(f, "machine.yaml", "CacheMinutes: 5\n\0\n", 18);
    fixture_load(f);
    assert_warnings(f, "error 2 -\n");
    assert_sentence(f, 0, "NUL");
}

static void yaml_read__reads_the_first_document_only(void **state)
{
    struct fixture *f = *state;

    fixture_load_machine(f, "CacheMinutes: 5\n---\nCacheMinutes: 6\n");
    assert_string_equal(fixture_text(f, "CacheMinutes"), "5");
    assert_warnings(f, "warning 2 -\n");
}

/* The billion laughs: nothing is expanded, so nothing grows. */
static void yaml_read__does_not_expand_aliases(void **state)
{
    struct fixture *f = *state;
    struct buf text;

    buf_init(&text, 1 << 20);
    buf_add_text(&text, "a: &a [x, x, x, x, x, x, x, x, x, x]\n", NULL);
    for (char c = 'b'; c <= 'k'; c++) {
        buf_add_format(&text, NULL, "%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", c, c,
                       c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
    }
    buf_add_text(&text,
                 "IncludeSites: *k\nExcludeSites: [*k, y]\nCacheMinutes: &n 5\n"
                 "CacheSizeMB: *n\n<<: *a\n",
                 NULL);
    fixture_load_machine(f, buf_text(&text));
    assert_string_equal(fixture_text(f, "IncludeSites"), "");
    assert_string_equal(fixture_text(f, "ExcludeSites"), "y");
    assert_string_equal(fixture_text(f, "CacheMinutes"), "5");
    assert_string_equal(fixture_text(f, "CacheSizeMB"), "0");
    assert_warnings(f, "warning 1 a\nwarning 2 b\nwarning 3 c\nwarning 4 d\nwarning 5 e\n"
                       "warning 6 f\nwarning 7 g\nwarning 8 h\nwarning 9 i\nwarning 10 j\n"
                       "warning 11 k\nwarning 12 IncludeSites\nwarning 13 ExcludeSites\n"
                       "warning 15 CacheSizeMB\nwarning 16 <<\n");
    assert_sentence(f, 11, "aliases are not supported");
    buf_clear(&text);
}

static void yaml_read__bounds_what_a_file_can_make_grow(void **state)
{
    struct fixture *f = *state;
    struct buf text;

    buf_init(&text, 1 << 20);
    while (buf_add_text(&text, "Frobnicate: 1\n", NULL) == 0) {
    }
    fixture_load_machine(f, buf_text(&text));
    assert_int_equal(policy_warning_count(f->policy), 101);
    assert_sentence(f, 100, "more warnings about this file are not shown");

    buf_reset(&text);
    buf_add_text(&text, "IncludeSites:\n", NULL);
    for (int i = 0; i < 12000; i++) {
        buf_add_format(&text, NULL, "- site-%d\n", i);
    }
    fixture_load_machine(f, buf_text(&text));
    assert_int_equal(policy_settings(f->policy)->include_sites.count, 10000);
    assert_int_equal(policy_warning_at(f->policy, 0)->line, 10002);
    buf_clear(&text);
}

static void yaml_read__shows_no_control_characters(void **state)
{
    struct fixture *f = *state;

    fixture_load_machine(f, "\"\\e[2J\": 1\nCacheMinutes: \"\\e[31m\"\nSiteQuery: |\n  a\n  b\n");
    assert_warnings(f, "warning 1 ?[2J\nwarning 2 CacheMinutes\nwarning 3 SiteQuery\n");
    assert_null(strchr(policy_warning_at(f->policy, 1)->message, 0x1b));
    assert_null(strchr(policy_warning_at(f->policy, 2)->message, '\n'));
}

static void yaml_read__never_repeats_a_password(void **state)
{
    struct fixture *f = *state;

    fixture_load_machine(f, "ProxyUrl: anna:hunter2@proxy\n");
    assert_warnings(f, "warning 1 ProxyUrl\n");
    assert_null(strstr(policy_warning_at(f->policy, 0)->message, "hunter2"));
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

static const struct CMUnitTest tests[] = {
    ROW(yaml_read__keeps_text_as_it_is_written),
    ROW(yaml_read__accepts_an_empty_file),
    ROW(yaml_read__warns_with_line_and_key),
    ROW(yaml_read__warns_about_single_entries),
    ROW(yaml_read__leaves_out_a_file_with_a_syntax_error),
    ROW(yaml_read__reads_the_first_document_only),
    ROW(yaml_read__does_not_expand_aliases),
    ROW(yaml_read__bounds_what_a_file_can_make_grow),
    ROW(yaml_read__shows_no_control_characters),
    ROW(yaml_read__never_repeats_a_password),
};

TEST_MAIN("yaml", tests)
