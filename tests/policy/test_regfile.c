#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "fixture.h"
#include "policy/settings.h"
#include "registry.h"

#define HEAD "Windows Registry Editor Version 5.00\r\n\r\n"
#define MACHINE "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Mooring]\r\n"
#define USER "[HKEY_CURRENT_USER\\Software\\Policies\\Mooring]\r\n"
#define TENANTS "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Mooring\\Tenants]\r\n"

static void check_bytes(struct fixture *f, const void *data, size_t size)
{
    fixture_write_bytes(f, "policy.reg", data, size);
    policy_free(f->policy);
    f->policy = NULL;
    assert_int_equal(
        policy_check_file(&f->policy, fixture_path(f, "policy.reg"), &f->sources, NULL), 0);
}

static void check(struct fixture *f, const char *text)
{
    check_bytes(f, text, strlen(text));
}

/* ASCII as UTF-16LE with its mark, as regedit writes. */
static void check_utf16(struct fixture *f, const char *ascii)
{
    struct buf bytes;

    buf_init(&bytes, 1 << 20);
    assert_int_equal(buf_add(&bytes, "\xff\xfe", 2, NULL), 0);
    for (; *ascii; ascii++) {
        char unit[2] = {*ascii, 0};

        assert_int_equal(buf_add(&bytes, unit, 2, NULL), 0);
    }
    check_bytes(f, bytes.data, bytes.size);
    buf_clear(&bytes);
}

static const char typical[] =
    HEAD MACHINE "; a comment\r\n"
                 "\"ReadOnly\"=dword:00000001\r\n"
                 "\"NameFormat\" = \"a \\\"b\\\" c:\\\\d\" ; why\r\n"
                 "\"SiteQuery\"=hex(1):61,00,\\\r\n  62,00,00,00\r\n"
                 "\"CacheSizeMB\"=hex(b):00,10,00,00,00,00,00,00\r\n"
                 "@=\"\"\r\n"
                 "\"CacheMinutes\"=dword:5\r\n\r\n" TENANTS
                 "\"x\"=\"b.example\"\r\n\"1\"=\"a.example\"\r\n\"c.example\"=\"\"\r\n"
                 "[HKEY_CLASSES_ROOT\\.x]\r\n@=\"y\"\r\n\r\n";

static void regfile_read__reads_what_regedit_writes(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 2; i++) {
        if (i == 0) {
            check_utf16(f, typical);
        } else {
            check(f, typical);
        }
        assert_warnings(f, "warning 9 CacheSizeMB\n");
        assert_string_equal(fixture_text(f, "ReadOnly"), "true");
        assert_string_equal(fixture_text(f, "NameFormat"), "a \"b\" c:\\d");
        assert_string_equal(fixture_text(f, "SiteQuery"), "ab");
        assert_string_equal(fixture_text(f, "CacheSizeMB"), "4096");
        assert_string_equal(fixture_text(f, "CacheMinutes"), "5");
        assert_string_equal(fixture_text(f, "Tenants"), "a.example\nc.example\nb.example");
        assert_int_equal(policy_result_find(f->policy, "ReadOnly")->winner->line, 5);
        assert_int_equal(policy_result_find(f->policy, "ReadOnly")->winner->layer,
                         POLICY_LAYER_MACHINE_POLICY);
    }
}

static void regfile_read__deletes_in_order(void **state)
{
    struct fixture *f = *state;

    check(f, HEAD MACHINE "\"ReadOnly\"=dword:00000001\r\n\"ReadOnly\"=-\r\n" TENANTS
                          "\"1\"=\"a.example\"\r\n"
                          "[-HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Mooring\\Tenants]\r\n"
                          "\"2\"=\"ignored.example\"\r\n" TENANTS "\"3\"=\"c.example\"\r\n");
    assert_warnings(f, "");
    assert_string_equal(fixture_text(f, "ReadOnly"), "false");
    assert_string_equal(fixture_text(f, "Tenants"), "c.example");
    check(f, HEAD MACHINE "\"ReadOnly\"=dword:00000001\r\n"
                          "[-HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies]\r\n");
    assert_string_equal(fixture_text(f, "ReadOnly"), "false");
}

/* What stands under which hive decides who wins, as on the machine where it is imported. */
static void regfile_read__knows_whose_key_it_is(void **state)
{
    struct fixture *f = *state;
    const struct policy_result *result;

    check(f, HEAD "[HKCU\\Software\\Mooring]\n\"CacheMinutes\"=dword:4\n"
                  "[HKLM\\Software\\Mooring]\n\"CacheMinutes\"=dword:3\n"
                  "[HKEY_USERS\\S-1-5-21-1-2-3-1001\\Software\\Policies\\Mooring]\n"
                  "\"CacheMinutes\"=dword:2\n\"CaFile\"=\"/x\"\n" MACHINE
                  "\"CacheMinutes\"=dword:1\n");
    result = policy_result_find(f->policy, "CacheMinutes");
    assert_int_equal(result->value_count, 5);
    for (int i = 0; i < 4; i++) {
        char text[2] = {(char)('1' + i), '\0'};

        assert_string_equal(result->values[i].text, text);
        assert_int_equal(result->values[i].layer, POLICY_LAYER_MACHINE_POLICY + i);
    }
    assert_warnings(f, "warning 9 CaFile\n");
    assert_sentence(f, 0, "only the machine's policy can set it");
}

static void regfile_read__refuses_what_it_does_not_understand(void **state)
{
    static const struct {
        const char *text;
        int line;
        const char *part;
    } cases[] = {
        {HEAD MACHINE "ReadOnly=dword:1\r\n", 4, "neither a [key] nor"},
        {HEAD MACHINE "\"ReadOnly\"=1\r\n", 4, "this is no value"},
        {HEAD MACHINE "\"ReadOnly\"=dword:123456789\r\n", 4, "hexadecimal"},
        {HEAD MACHINE "\"ReadOnly\"=dword:xyz\r\n", 4, "hexadecimal"},
        {HEAD MACHINE "\"ReadOnly\"=dword:1 2\r\n", 4, "after the end of a value"},
        {HEAD MACHINE "\"NameFormat\"=\"never\r\n\r\n", 6, "has no end"},
        {HEAD MACHINE "\"NameFormat\"=hex(2:00\r\n", 4, "type of a value"},
        {HEAD MACHINE "\"NameFormat\"=hex(2):00,zz\r\n", 4, "hexadecimal"},
        {HEAD MACHINE "\"NameFormat\"=hex(2):100\r\n", 4, "no byte"},
        {HEAD MACHINE "\"NameFormat\"\r\n", 4, "'=' is missing"},
        {HEAD "[HKEY_LOCAL_MACHINE\\x\r\n", 3, "has no end"},
        {HEAD "\"ReadOnly\"=dword:1\r\n", 3, "before the first [key]"},
        {"REGEDIT4\r\n", 1, "old form"},
        {"Windows Registry Editor Version 5.00 and more\r\n", 1, "after the end"},
        {HEAD "\xff\r\n", 0, "neither UTF-16 nor UTF-8"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check(f, cases[i].text);
        assert_int_equal(policy_warning_count(f->policy), 1);
        assert_int_equal(policy_error_count(f->policy), 1);
        assert_int_equal(policy_warning_at(f->policy, 0)->line, cases[i].line);
        assert_sentence(f, 0, cases[i].part);
    }
    check_bytes(f, "\xff\xfeW\0i\0n\0d\0o\0w\0s\0 \0\0\xd8", 20);
    assert_sentence(f, 0, "not valid UTF-16");
    check_bytes(f, "\xff\xfeW\0i\0n\0d\0o\0w\0s\0 ", 17);
    assert_sentence(f, 0, "half a character");
}

/* Every prefix of a file ends, in bounds (the sanitizer watches), with an error or without. */
static void regfile_read__ends_wherever_a_file_is_cut_off(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof(typical); size++) {
        char *exact = malloc(size ? size : 1);
        struct registry_image image;
        int line = 0;
        int code;

        assert_non_null(exact);
        memcpy(exact, typical, size);
        registry_image_init(&image, NULL);
        code = regfile_read(&image, &line, exact, size, NULL);
        assert_true(code == 0 || code == ERR_INVALID);
        registry_image_clear(&image);
        free(exact);
    }
}

static void policy_load__keeps_reg_files_to_those_who_name_them(void **state)
{
    struct fixture *f = *state;

    fixture_load_machine(f, HEAD MACHINE "\"ReadOnly\"=dword:1\r\n");
    assert_int_equal(policy_error_count(f->policy), 1);
    fixture_write_bytes(f, "machine.yaml", "PReg\1\0\0\0", 8);
    fixture_load(f);
    assert_int_equal(policy_error_count(f->policy), 1);
    assert_sentence(f, 0, "must be YAML");
    assert_true(policy_is_restriction_unknown(f->policy));
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

static const struct CMUnitTest tests[] = {
    ROW(regfile_read__reads_what_regedit_writes),
    ROW(regfile_read__deletes_in_order),
    ROW(regfile_read__knows_whose_key_it_is),
    ROW(regfile_read__refuses_what_it_does_not_understand),
    cmocka_unit_test(regfile_read__ends_wherever_a_file_is_cut_off),
    ROW(policy_load__keeps_reg_files_to_those_who_name_them),
};

TEST_MAIN("regfile", tests)
