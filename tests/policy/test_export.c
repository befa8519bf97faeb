#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "fixture.h"
#include "policy/diff.h"
#include "policy/export.h"

static const enum policy_format formats[] = {POLICY_FORMAT_YAML, POLICY_FORMAT_REG,
                                             POLICY_FORMAT_REGPOL};

static const char *const file_names[] = {"out.yaml", "out.reg", "out.pol"};

static void put(struct policy_set *set, const char *name, const char *text)
{
    struct error err = {0};

    if (policy_set_put(set, schema_find(name), text, &err) < 0) {
        fail_msg("%s: '%s' %s", name, text, err.message);
    }
}

/* A set that has every kind of value, and texts that are hard to write down. */
static void fill(struct policy_set *set)
{
    put(set, "Enabled", "false");
    put(set, "ClientId", "11111111-2222-3333-4444-555555555555");
    put(set, "Tenants", "contoso.onmicrosoft.com\nfabrikam.example||China|anna@x|");
    put(set, "SiteQuery", "a:\"b\" AND 'c' \\ # \xc3\xa4 \xf0\x9f\x98\x80 \xe2\x80\xa8 - [x] {y}");
    put(set, "NameFormat", "it's {site}: true");
    put(set, "LibraryScope", "Default");
    put(set, "MaxMappings", "5000");
    put(set, "ProxyUrl", "http://anna:hunter2@proxy:8080");
    put(set, "UserAgentTag", "");
    put(set, "LocalOnlyPatterns", "~$*\n*.bak\n-");
    put(set, "CacheSizeMB", "1048576");
    put(set, "LogLevel", "Debug");
    put(set, "LogDirectory", "/var/log/%USERNAME%");
    put(set, "ExcludeSites", "\\\\x\\*\ntitle:\"Alt\"\n1\n-x\n'q'\n\xe2\x80\xa9");
    put(set, "CaFile", "$HOME/ca.pem");
}

static void write_file(struct fixture *f, enum policy_format format, const struct policy_set *set)
{
    struct buf out;
    struct error err = {0};

    buf_init(&out, 1 << 24);
    if (policy_export(&out, format, set, NULL, &err) < 0) {
        fail_msg("policy_export: %s", err.message);
    }
    fixture_write_bytes(f, file_names[format], out.data, out.size);
    buf_clear(&out);
}

static const char *username(const char *name, void *payload)
{
    (void)payload;
    return strcmp(name, "HOME") == 0 ? "/home/anna" : strcmp(name, "USERNAME") == 0 ? "anna" : NULL;
}

static void read_file(struct fixture *f, enum policy_format format)
{
    policy_free(f->policy);
    f->policy = NULL;
    f->sources.variable = username;
    assert_int_equal(
        policy_check_file(&f->policy, fixture_path(f, file_names[format]), &f->sources, NULL), 0);
    assert_int_equal(policy_error_count(f->policy), 0);
}

static void assert_same_set(const struct policy_set *a, const struct policy_set *b)
{
    assert_int_equal(policy_set_count(a), policy_set_count(b));
    for (size_t i = 0; i < schema_count(); i++) {
        const char *left = policy_set_text(a, schema_at(i));
        const char *right = policy_set_text(b, schema_at(i));

        if (!str_equal(left, right)) {
            fail_msg("%s: '%s' became '%s'", schema_at(i)->name, left ? left : "(none)",
                     right ? right : "(none)");
        }
    }
}

/* Written and read, a set is the same; LogDirectory's variable is lost where the file says that it
 * is to be expanded, and POSIX has no variables of that form. */
static void policy_export__round_trips_every_form(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < 3; i++) {
        struct policy_set set = {0};
        struct policy_set again = {0};

        fill(&set);
        write_file(f, formats[i], &set);
        read_file(f, formats[i]);
        assert_int_equal(policy_set_from_policy(&again, f->policy, false, NULL), 0);
        if (formats[i] != POLICY_FORMAT_YAML) {
            put(&set, "LogDirectory", "/var/log/anna");
        }
        assert_same_set(&set, &again);
        policy_set_clear(&set);
        policy_set_clear(&again);
    }
}

/* What "Disabled" writes for each setting, alone and together. */
static void policy_export__round_trips_what_disabled_writes(void **state)
{
    struct fixture *f = *state;
    struct policy_set all = {0};

    for (size_t i = 0; i < schema_count(); i++) {
        assert_int_equal(policy_set_disable(&all, schema_at(i), NULL), 0);
    }
    assert_int_equal(policy_set_count(&all), schema_count());
    for (size_t i = 0; i < 3; i++) {
        struct policy_set again = {0};

        write_file(f, formats[i], &all);
        read_file(f, formats[i]);
        assert_int_equal(policy_set_from_policy(&again, f->policy, false, NULL), 0);
        assert_same_set(&all, &again);
        policy_set_clear(&again);
    }
    policy_set_clear(&all);
}

/* Every enumeration position and both ends of every number's range. */
static void policy_export__round_trips_the_ends_of_every_range(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < schema_count(); i++) {
        const struct setting *row = schema_at(i);
        char text[32];

        for (size_t j = 0; row->type == SETTING_ENUM && row->choices[j]; j++) {
            for (size_t k = 0; k < 3; k++) {
                struct policy_set set = {0};

                put(&set, row->name, row->choices[j]);
                write_file(f, formats[k], &set);
                read_file(f, formats[k]);
                assert_string_equal(fixture_text(f, row->name), row->choices[j]);
                policy_set_clear(&set);
            }
        }
        for (size_t k = 0; row->type == SETTING_INT && k < 6; k++) {
            struct policy_set set = {0};

            assert_true(row->min >= 0 && row->max <= UINT32_MAX); /* a REG_DWORD holds it */
            snprintf(text, sizeof(text), "%lld", (long long)(k < 3 ? row->min : row->max));
            put(&set, row->name, text);
            write_file(f, formats[k % 3], &set);
            read_file(f, formats[k % 3]);
            assert_string_equal(fixture_text(f, row->name), text);
            policy_set_clear(&set);
        }
    }
}

/* From sources, with what they took away from a default, to a file that gives the same settings. */
static void policy_set_from_policy__keeps_the_effect(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "machine.yaml",
                  "LocalOnlyPatterns: ['*.bak', '*.TMP']\nScannerProcesses: ['-', a.exe]\n"
                  "ExcludeSites: ['-']\nBlockedExtensions: ['-', exe]\nMountRoot: "
                  "~/D\nAllowedTenants: ['not a guid']\n");
    fixture_write(f, "user.yaml", "CacheMinutes: 7\nIncludeSites: []\n");
    for (size_t i = 0; i < 3; i++) {
        struct policy *before;
        struct policy_set set = {0};
        struct policy_difference *rows = NULL;
        size_t count = 0;

        fixture_load(f);
        assert_int_equal(policy_set_from_policy(&set, f->policy, i == 2, NULL), 0);
        assert_string_equal(policy_set_text(&set, schema_find("MountRoot")), "~/D");
        assert_string_equal(policy_set_text(&set, schema_find("ExcludeSites")), "-");
        assert_string_equal(policy_set_text(&set, schema_find("ScannerProcesses")), "a.exe\n-");
        assert_string_equal(policy_set_text(&set, schema_find("BlockedExtensions")), "exe\n-");
        before = f->policy;
        f->policy = NULL;
        write_file(f, formats[i], &set);
        read_file(f, formats[i]);
        f->sources.variable = username;
        assert_int_equal(policy_diff(&rows, &count, before, f->policy, NULL), 0);
        if (count > 0) {
            fail_msg("%s: '%s' became '%s'", rows[0].row->name, rows[0].a->text, rows[0].b->text);
        }
        free(rows);
        policy_free(before);
        policy_set_clear(&set);
    }
}

static void policy_export__writes_readable_yaml(void **state)
{
    struct policy_set set = {0};
    struct buf out;

    (void)state;
    put(&set, "Enabled", "false");
    put(&set, "Tenants", "a.example\n-");
    put(&set, "NameFormat", "it's {site}");
    put(&set, "LogLevel", "debug");
    put(&set, "CacheMinutes", "7");
    buf_init(&out, 4096);
    assert_int_equal(policy_export(&out, POLICY_FORMAT_YAML, &set, NULL, NULL), 0);
    assert_string_equal(buf_text(&out), "Enabled: false\nTenants:\n  - 'a.example'\n  - '-'\n"
                                        "NameFormat: 'it''s {site}'\nCacheMinutes: 7\n"
                                        "LogLevel: Debug\n");
    buf_clear(&out);
    policy_set_clear(&set);
}

static void policy_export__writes_what_regedit_reads(void **state)
{
    static const char expected[] =
        "Windows Registry Editor Version 5.00\r\n\r\n"
        "[HKEY_CURRENT_USER\\Software\\Policies\\Mooring]\r\n"
        "\"Enabled\"=dword:00000000\r\n"
        "\"SiteQuery\"=\"a\\\"b\\\\c\"\r\n"
        "\"CacheDirectory\"=hex(2):25,00,41,00,25,00,5c,00,78,00,78,00,78,00,78,00,78,00,78,00,"
        "78,00,78,00,78,\\\r\n"
        "  00,00,00\r\n"
        "\r\n[-HKEY_CURRENT_USER\\Software\\Policies\\Mooring\\Tenants]\r\n"
        "\r\n[HKEY_CURRENT_USER\\Software\\Policies\\Mooring\\Tenants]\r\n"
        "\"1\"=\"a.example\"\r\n\"2\"=\"-\"\r\n\r\n";
    const struct policy_export_options options = {.is_user = true};
    struct policy_set set = {0};
    struct buf out;

    (void)state;
    put(&set, "Enabled", "false");
    put(&set, "SiteQuery", "a\"b\\c");
    put(&set, "CacheDirectory", "%A%\\xxxxxxxxx");
    put(&set, "Tenants", "a.example\n-");
    buf_init(&out, 1 << 16);
    assert_int_equal(policy_export(&out, POLICY_FORMAT_REG, &set, &options, NULL), 0);
    assert_memory_equal(out.data, "\xff\xfe", 2);
    assert_int_equal(out.size, 2 + 2 * strlen(expected));
    for (size_t i = 0; expected[i]; i++) { /* ASCII */
        if (out.data[2 + 2 * i] != expected[i] || out.data[3 + 2 * i] != 0) {
            fail_msg("at %zu: '%.40s'", i, expected + i);
        }
    }
    buf_clear(&out);
    policy_set_clear(&set);
}

static void policy_export__refuses_a_machine_setting_for_a_user(void **state)
{
    const struct policy_export_options options = {.is_user = true};
    struct policy_set set = {0};
    struct error err = {0};
    struct buf out;

    (void)state;
    put(&set, "CaFile", "/etc/ca.pem");
    buf_init(&out, 4096);
    assert_int_equal(policy_export(&out, POLICY_FORMAT_REG, &set, &options, &err), ERR_INVALID);
    assert_non_null(strstr(err.message, "CaFile"));
    assert_int_equal(policy_export(&out, POLICY_FORMAT_REG, &set, NULL, &err), 0);
    buf_clear(&out);
    policy_set_clear(&set);
}

static void policy_set_has_secret__sees_user_info(void **state)
{
    struct policy_set set = {0};

    (void)state;
    assert_false(policy_set_has_secret(&set));
    put(&set, "ProxyUrl", "http://proxy:80");
    assert_false(policy_set_has_secret(&set));
    put(&set, "ProxyUrl", "http://a:b@proxy:80");
    assert_true(policy_set_has_secret(&set));
    policy_set_clear(&set);
}

static void policy_diff__names_values_and_sources(void **state)
{
    struct fixture *f = *state;
    struct policy *a;
    struct policy_difference *rows = NULL;
    size_t count = 0;

    fixture_load_machine(f, "CacheMinutes: 7\nReadOnly: false\nExcludeSites: [a, b]\n");
    a = f->policy;
    f->policy = NULL;
    fixture_load_machine(f, "ReadOnly: true\nCacheMinutes: 60\nExcludeSites: [a, b]\n");
    assert_int_equal(policy_diff(&rows, &count, a, f->policy, NULL), 0);
    assert_int_equal(count, 2);
    assert_string_equal(rows[0].row->name, "ReadOnly");
    assert_string_equal(rows[0].a->text, "false");
    assert_int_equal(rows[0].b->winner->line, 1);
    assert_string_equal(rows[1].b->text, "60");
    free(rows);
    policy_free(a);
    a = f->policy;
    rows = NULL;
    assert_int_equal(policy_diff(&rows, &count, a, a, NULL), 0);
    assert_int_equal(count, 0);
    assert_null(rows);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

static const struct CMUnitTest tests[] = {
    ROW(policy_export__round_trips_every_form),
    ROW(policy_export__round_trips_what_disabled_writes),
    ROW(policy_export__round_trips_the_ends_of_every_range),
    ROW(policy_set_from_policy__keeps_the_effect),
    cmocka_unit_test(policy_export__writes_readable_yaml),
    cmocka_unit_test(policy_export__writes_what_regedit_reads),
    cmocka_unit_test(policy_export__refuses_a_machine_setting_for_a_user),
    cmocka_unit_test(policy_set_has_secret__sees_user_info),
    ROW(policy_diff__names_values_and_sources),
};

TEST_MAIN("export", tests)
