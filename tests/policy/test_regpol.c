/*
 * Registry.pol: what Samba's library wrote, and what nobody should write. The bytes are made here by
 * hand, not by export.c.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "fixture.h"
#include "policy/settings.h"
#include "registry.h"

#define KEY "Software\\Policies\\Mooring"

static void add_16(struct buf *out, const char *ascii)
{
    for (; *ascii; ascii++) {
        char unit[2] = {*ascii, 0};

        assert_int_equal(buf_add(out, unit, 2, NULL), 0);
    }
}

static void add_32(struct buf *out, uint32_t number)
{
    char bytes[4] = {(char)number, (char)(number >> 8), (char)(number >> 16), (char)(number >> 24)};

    assert_int_equal(buf_add(out, bytes, 4, NULL), 0);
}

static void begin(struct buf *out)
{
    buf_init(out, 64 << 20);
    assert_int_equal(buf_add(out, "PReg\1\0\0\0", 8, NULL), 0);
}

static void add_record(struct buf *out, const char *key, const char *name, uint32_t type,
                       const void *data, size_t size)
{
    add_16(out, "[");
    add_16(out, key);
    assert_int_equal(buf_add(out, "\0\0;", 4, NULL), 0); /* the NUL of the text is the fourth */
    add_16(out, name);
    assert_int_equal(buf_add(out, "\0\0;", 4, NULL), 0);
    add_32(out, type);
    add_16(out, ";");
    add_32(out, (uint32_t)size);
    add_16(out, ";");
    assert_int_equal(buf_add(out, data, size, NULL), 0);
    add_16(out, "]");
}

static void add_dword(struct buf *out, const char *name, uint32_t number)
{
    struct buf data;

    buf_init(&data, 4);
    add_32(&data, number);
    add_record(out, KEY, name, REGISTRY_DWORD, data.data, data.size);
    buf_clear(&data);
}

static void add_text(struct buf *out, const char *key, const char *name, uint32_t type,
                     const char *ascii)
{
    struct buf data;

    buf_init(&data, 1 << 20);
    add_16(&data, ascii);
    assert_int_equal(buf_add(&data, "\0", 2, NULL), 0);
    add_record(out, key, name, type, data.data, data.size);
    buf_clear(&data);
}

static const char *variable(const char *name, void *payload)
{
    (void)payload;
    return strcmp(name, "HOME") == 0 ? "/home/anna" : strcmp(name, "X") == 0 ? "site" : NULL;
}

static void check(struct fixture *f, const char *path)
{
    policy_free(f->policy);
    f->policy = NULL;
    f->sources.variable = variable;
    assert_int_equal(policy_check_file(&f->policy, path, &f->sources, NULL), 0);
}

/* Takes the bytes over. */
static void check_bytes(struct fixture *f, struct buf *bytes)
{
    fixture_write_bytes(f, "Registry.pol", bytes->data, bytes->size);
    buf_clear(bytes);
    check(f, fixture_path(f, "Registry.pol"));
}

static void check_sample(struct fixture *f, const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", POLICY_DATA, name);
    check(f, path);
}

static void regpol_read__reads_what_samba_writes(void **state)
{
    struct fixture *f = *state;

    check_sample(f, "samba-enabled.pol");
    assert_warnings(f, "");
    assert_string_equal(fixture_text(f, "ReadOnly"), "true");
    assert_string_equal(fixture_text(f, "CacheSizeMB"), "4096");
    assert_string_equal(fixture_text(f, "LogLevel"), "Debug");
    assert_string_equal(fixture_text(f, "NameFormat"),
                        "{library} \xe2\x80\x93 {site} \xc3\xa4\xc3\xb6\xc3\xbc \xf0\x9f\x98\x80");
    assert_string_equal(fixture_text(f, "CacheDirectory"), "/home/anna/cache");
    /* numeric names count as numbers: 10 comes after 2 */
    assert_string_equal(fixture_text(f, "Tenants"),
                        "contoso.example|11111111-2222-3333-4444-555555555555\nfabrikam.example\n"
                        "tailspin.example");
    assert_string_equal(fixture_text(f, "ExcludeSites"), "*/sites/old*");
    assert_int_equal(policy_result_find(f->policy, "ReadOnly")->winner->layer,
                     POLICY_LAYER_OVERRIDE);
    check_sample(f, "samba-empty.pol");
    assert_warnings(f, "warning 0 -\n");
    assert_sentence(f, 0, "nothing of ours");
}

static void regpol_read__carries_out_special_names_in_order(void **state)
{
    struct fixture *f = *state;

    check_sample(f, "samba-special.pol");
    assert_warnings(f, "");
    assert_string_equal(fixture_text(f, "ReadOnly"), "false");
    assert_string_equal(fixture_text(f, "CacheMinutes"), "5"); /* the soft one came too late */
    assert_string_equal(fixture_text(f, "MaxMappings"), "70");
    assert_string_equal(fixture_text(f, "Tenants"), "kept.example");
    assert_string_equal(fixture_text(f, "ExcludeSites"), "");
    assert_string_equal(fixture_text(f, "IncludeSites"), "y");
    assert_string_equal(fixture_text(f, "LogFiles"), "6");
    assert_string_equal(fixture_text(f, "LogSizeKB"), "1024");
}

/* Cut off anywhere, the file is not used, and nothing is read beyond its end. */
static void regpol_read__refuses_a_file_that_is_cut_off(void **state)
{
    struct buf whole;

    (void)state;
    begin(&whole);
    add_dword(&whole, "ReadOnly", 1);
    for (size_t size = 0; size < whole.size; size++) {
        char *exact = malloc(size ? size : 1); /* the sanitizer sees the end */
        struct registry_image image;
        int code;

        assert_non_null(exact);
        memcpy(exact, whole.data, size);
        registry_image_init(&image, NULL);
        code = regpol_read(&image, exact, size, NULL);
        assert_int_equal(code, size == 8 ? 0 : ERR_INVALID);
        registry_image_clear(&image);
        free(exact);
    }
    buf_clear(&whole);
}

static void regpol_read__refuses_sizes_beyond_the_file(void **state)
{
    static const uint32_t sizes[] = {5, 100, 0x7fffffff, 0x80000000, 0xffffffff};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct buf bytes;

        begin(&bytes);
        add_dword(&bytes, "CacheMinutes", 7);
        add_dword(&bytes, "ReadOnly", 1);
        for (size_t j = 0; j < 4; j++) { /* size, ';', data, ']' stand at the end */
            bytes.data[bytes.size - 12 + j] = (char)(sizes[i] >> (8 * j));
        }
        check_bytes(f, &bytes);
        assert_warnings(f, "error 0 -\n");
        assert_sentence(f, 0, "record 2");
        /* half of a policy could be the more dangerous half */
        assert_string_equal(fixture_text(f, "CacheMinutes"), "60");
        assert_true(policy_is_restriction_unknown(f->policy));
        assert_int_equal(policy_exit_class(f->policy), 2);
    }
}

static void regpol_read__refuses_another_version(void **state)
{
    struct fixture *f = *state;
    struct buf bytes;

    begin(&bytes);
    bytes.data[4] = 2;
    check_bytes(f, &bytes);
    assert_warnings(f, "error 0 -\n");
    assert_sentence(f, 0, "version that is not known");
}

static void regpol_read__takes_wrong_types_where_they_mean_one_thing(void **state)
{
    static const char *const expected[][2] = {
        {"ReadOnly", "true"},
        {"CacheMinutes", "5"},
        {"LogLevel", "Error"},
        {"SignIn", "Browser"},
        {"CacheSizeMB", "300"},
        {"NameFormat", "12"},
        {"MaxMappings", "258"},
        {"SiteQuery", "one"},
        {"IncludeSites", "a|b"},
        {"ExcludeSites", "one\ntwo"},
        {"ExcludeLibraries", "5\nx\ny"},
    };
    struct fixture *f = *state;
    struct buf bytes;

    begin(&bytes);
    add_text(&bytes, KEY, "ReadOnly", REGISTRY_SZ, "1");
    add_text(&bytes, KEY, "CacheMinutes", REGISTRY_SZ, "5");
    add_text(&bytes, KEY, "LogLevel", REGISTRY_SZ, "1");
    add_text(&bytes, KEY, "SignIn", REGISTRY_SZ, "browser");
    add_record(&bytes, KEY, "CacheSizeMB", REGISTRY_QWORD, "\x2c\1\0\0\0\0\0", 8);
    add_dword(&bytes, "NameFormat", 12);
    add_record(&bytes, KEY, "MaxMappings", REGISTRY_DWORD_BE, "\0\0\1\2", 4);
    add_record(&bytes, KEY, "SiteQuery", REGISTRY_MULTI_SZ, "o\0n\0e\0\0\0\0\0", 10);
    add_text(&bytes, KEY, "IncludeSites", REGISTRY_SZ, "a|b");
    add_record(&bytes, KEY, "ExcludeSites", REGISTRY_MULTI_SZ, "o\0n\0e\0\0\0t\0w\0o\0\0\0\0\0",
               18);
    add_record(&bytes, KEY "\\ExcludeLibraries", "2", REGISTRY_MULTI_SZ, "x\0\0\0y\0\0\0\0\0", 10);
    add_record(&bytes, KEY "\\excludelibraries", "1", REGISTRY_DWORD, "\5\0\0\0", 4);
    check_bytes(f, &bytes);
    assert_int_equal(policy_warning_count(f->policy), 12);
    assert_int_equal(policy_exit_class(f->policy), 1);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_string_equal(fixture_text(f, expected[i][0]), expected[i][1]);
    }
    assert_sentence(f, 0, "used, but it is a REG_SZ where a REG_DWORD belongs");
}

static void regpol_read__refuses_types_that_mean_nothing(void **state)
{
    struct fixture *f = *state;
    struct buf bytes;

    begin(&bytes);
    add_dword(&bytes, "ReadOnly", 2);
    add_dword(&bytes, "LogLevel", 9);
    add_dword(&bytes, "CacheMinutes", 0xffffffff);
    add_record(&bytes, KEY, "CacheSizeMB", REGISTRY_BINARY, "\1\2\3\4", 4);
    add_record(&bytes, KEY, "MaxMappings", REGISTRY_DWORD, "\1\2\3", 3);
    add_record(&bytes, KEY, "SiteQuery", REGISTRY_MULTI_SZ, "a\0\0\0b\0\0\0\0\0", 10);
    add_record(&bytes, KEY, "NameFormat", REGISTRY_SZ, "\0\xd8", 2);      /* half a pair */
    add_record(&bytes, KEY, "UserAgentTag", REGISTRY_SZ, "a\0b", 3);      /* odd */
    add_record(&bytes, KEY, "ProxyBypass", REGISTRY_SZ, "a\0\0\0b\0", 6); /* a NUL inside */
    add_text(&bytes, KEY, "LogFiles", REGISTRY_SZ, "0x10");
    add_dword(&bytes, "Tenants", 1);
    add_record(&bytes, KEY, "UncServer", 77, "", 0);
    add_text(&bytes, KEY, "ProxyUrl", REGISTRY_SZ, "ftp://anna:hunter2@x");
    check_bytes(f, &bytes);
    for (size_t i = 0; i < schema_count(); i++) {
        assert_int_equal(policy_result_at(f->policy, i)->value_count, 1);
    }
    assert_int_equal(policy_error_count(f->policy), 0);
    assert_true(policy_warning_count(f->policy) >= 13);
    assert_sentence(f, 0, "the number 2 is neither 0 nor 1");
    assert_sentence(f, 1, "the number 9 is not one of 0 (Off), 1 (Error), 2 (Info), 3 (Debug)");
    for (size_t i = 0; i < policy_warning_count(f->policy); i++) {
        assert_null(strstr(policy_warning_at(f->policy, i)->message, "hunter2"));
    }
}

/* An allow-list of which an entry cannot be read must not become shorter, or empty. */
static void regpol_read__never_widens_an_allow_list(void **state)
{
    struct fixture *f = *state;
    struct buf bytes;

    begin(&bytes);
    add_record(&bytes, KEY "\\AllowedTenants", "1", REGISTRY_BINARY, "\1", 1);
    check_bytes(f, &bytes);
    assert_int_equal(policy_settings(f->policy)->allowed_tenants.count, 1);
    assert_warnings(f, "warning 0 AllowedTenants\n");
    begin(&bytes);
    add_dword(&bytes, "AllowedTenants", 1);
    check_bytes(f, &bytes);
    assert_string_equal(fixture_text(f, "AllowedTenants"), "?");
}

static void regpol_read__warns_about_names_it_does_not_know(void **state)
{
    struct fixture *f = *state;
    struct buf bytes;

    begin(&bytes);
    add_dword(&bytes, "CacheSizesMB", 1);
    add_text(&bytes, KEY "\\Tenant", "1", REGISTRY_SZ, "a.example");
    add_text(&bytes, KEY "\\Tenant", "2", REGISTRY_SZ, "b.example");
    add_text(&bytes, KEY "\\Tenants\\Deep", "1", REGISTRY_SZ, "c.example");
    add_text(&bytes, KEY "\\ReadOnly", "1", REGISTRY_SZ, "x");
    add_record(&bytes, KEY, "", REGISTRY_SZ, "\0", 2);
    add_dword(&bytes, "readonly", 1); /* case does not count */
    check_bytes(f, &bytes);
    assert_warnings(f, "warning 0 CacheSizesMB\nwarning 0 Tenant\nwarning 0 Tenants\\Deep\n"
                       "warning 0 ReadOnly\n");
    assert_sentence(f, 0, "did you mean CacheSizeMB?");
    assert_sentence(f, 1, "did you mean Tenants?");
    assert_string_equal(fixture_text(f, "ReadOnly"), "true");
}

static void regpol_read__prefers_a_subkey_to_a_value_and_names_to_empty_data(void **state)
{
    struct fixture *f = *state;
    struct buf bytes;

    begin(&bytes);
    add_text(&bytes, KEY "\\ExcludeSites", "b", REGISTRY_SZ, "");
    add_text(&bytes, KEY "\\ExcludeSites", "a", REGISTRY_SZ, "");
    add_text(&bytes, KEY "\\ExcludeSites", "7", REGISTRY_EXPAND_SZ, "%X%/%Y%");
    add_text(&bytes, KEY "\\ExcludeSites", "", REGISTRY_SZ, "");
    add_text(&bytes, KEY, "ExcludeSites", REGISTRY_SZ, "value");
    check_bytes(f, &bytes);
    assert_string_equal(fixture_text(f, "ExcludeSites"), "site/%Y%\na\nb");
    assert_warnings(f, "warning 0 ExcludeSites\n");
    assert_sentence(f, 0, "the subkey counts");
}

static void regpol_read__has_limits(void **state)
{
    struct fixture *f = *state;
    struct buf bytes;
    char name[32];

    begin(&bytes);
    for (int i = 0; i < REGISTRY_VALUE_LIMIT + 1; i++) {
        snprintf(name, sizeof(name), "%d", i);
        add_text(&bytes, "Software\\Mooring\\Tenants", name, REGISTRY_SZ, "");
    }
    check_bytes(f, &bytes);
    assert_warnings(f, "error 0 -\n");
    assert_sentence(f, 0, "too large");

    begin(&bytes); /* what is not ours does not count */
    for (int i = 0; i < REGISTRY_VALUE_LIMIT + 1; i++) {
        snprintf(name, sizeof(name), "%d", i);
        add_text(&bytes, "S\\O", name, REGISTRY_SZ, "");
    }
    add_dword(&bytes, "ReadOnly", 1);
    check_bytes(f, &bytes);
    assert_warnings(f, "");
    assert_string_equal(fixture_text(f, "ReadOnly"), "true");

    begin(&bytes);
    for (int i = 0; i < REGISTRY_BULK_LIMIT + 1; i++) {
        add_text(&bytes, KEY "\\Tenants", "**delvals.", REGISTRY_SZ, " ");
    }
    check_bytes(f, &bytes);
    assert_warnings(f, "error 0 -\n");
}

/* A hundred thousand entries are read, reported and bounded by what a list may have. */
static void regpol_read__copes_with_a_hundred_thousand_entries(void **state)
{
    struct fixture *f = *state;
    struct buf bytes;
    char name[32];

    begin(&bytes);
    for (int i = REGISTRY_VALUE_LIMIT; i > 0; i--) {
        snprintf(name, sizeof(name), "%d", i);
        add_text(&bytes, KEY "\\ExcludeSites", name, REGISTRY_SZ, "");
    }
    check_bytes(f, &bytes);
    assert_int_equal(policy_settings(f->policy)->exclude_sites.count, 10000);
    assert_string_equal(policy_settings(f->policy)->exclude_sites.items[9], "10");
    assert_int_equal(policy_warning_count(f->policy), 101);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

static const struct CMUnitTest tests[] = {
    ROW(regpol_read__reads_what_samba_writes),
    ROW(regpol_read__carries_out_special_names_in_order),
    cmocka_unit_test(regpol_read__refuses_a_file_that_is_cut_off),
    ROW(regpol_read__refuses_sizes_beyond_the_file),
    ROW(regpol_read__refuses_another_version),
    ROW(regpol_read__takes_wrong_types_where_they_mean_one_thing),
    ROW(regpol_read__refuses_types_that_mean_nothing),
    ROW(regpol_read__never_widens_an_allow_list),
    ROW(regpol_read__warns_about_names_it_does_not_know),
    ROW(regpol_read__prefers_a_subkey_to_a_value_and_names_to_empty_data),
    ROW(regpol_read__has_limits),
    ROW(regpol_read__copes_with_a_hundred_thousand_entries),
};

TEST_MAIN("regpol", tests)
