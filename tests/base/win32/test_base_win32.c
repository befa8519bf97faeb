/*
 * test_base_win32.c - what base promises with the words of Windows: security descriptors, long
 * paths, one command line.
 */
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <aclapi.h>
#include <sddl.h>

#include "base/file.h"
#include "base/process.h"
#include "base/str.h"
#include "base/win32.h"
#include "scratch.h"
#include "test.h"
#include "win32/process_text.h"

static void error_set_os__has_the_systems_words(void **state)
{
    struct error err = {0};

    (void)state;
    assert_int_equal(win32_failed(&err, ERROR_SHARING_VIOLATION, "cannot open '%s'", "x"),
                     ERR_BUSY);
    assert_int_equal(err.os_code, ERROR_SHARING_VIOLATION);
    assert_true(str_starts_with(err.message, "cannot open 'x': "));
    assert_true(strlen(err.message) > strlen("cannot open 'x': "));
    assert_false(str_ends_with(err.message, "."));
    assert_int_equal(win32_error_code(ERROR_PATH_NOT_FOUND), ERR_NOT_FOUND);
    assert_int_equal(win32_error_code(0xFFFFFFFF), ERR_IO);
}

static void wide_path__is_absolute_and_may_be_long(void **state)
{
    wchar_t *wide = NULL;

    (void)state;
    assert_int_equal(win32_wide_path(&wide, "C:/a/../b\\c", NULL), 0);
    assert_true(wcscmp(wide, L"\\\\?\\C:\\b\\c") == 0);
    assert_int_equal(win32_wide_path(&wide, "//server/share/x", NULL), 0);
    assert_true(wcscmp(wide, L"\\\\?\\UNC\\server\\share\\x") == 0);
    assert_int_equal(win32_wide_path(&wide, "\\\\?\\C:\\x", NULL), 0);
    assert_true(wcscmp(wide, L"\\\\?\\C:\\x") == 0);
    assert_int_equal(win32_wide_path(&wide, "", NULL), ERR_NOT_FOUND);
    assert_int_equal(win32_wide_path(&wide, "a\xFF", NULL), ERR_INVALID);
    free(wide);
}

static void file_make_directories__goes_beyond_260_characters(void **state)
{
    char part[101];
    char *first = in_scratch("long");
    char *deep = NULL;
    char *file = NULL;
    int64_t size = 0;

    (void)state;
    memset(part, 'p', sizeof(part) - 1);
    part[sizeof(part) - 1] = '\0';
    assert_int_equal(
        str_format(&deep, NULL, "%s/%s/%s/%s/\xC3\xBC\xF0\x9F\x93\x81", first, part, part, part),
        0);
    assert_int_equal(file_make_private_directory(deep, NULL), 0);
    assert_int_equal(str_format(&file, NULL, "%s/file", deep), 0);
    assert_int_equal(file_write_atomic(file, "abc", 3, NULL), 0);
    assert_int_equal(file_size(file, &size, NULL), 0);
    assert_true(size == 3);
    assert_int_equal(file_remove_tree(first, NULL), 0);
    assert_false(file_exists(first));
    assert_int_equal(file_remove_tree(first, NULL), 0);
    free(first);
    free(file);
    free(deep);
}

/* Only the user and the system may be named in the list. */
static void assert_private(const char *path)
{
    PSECURITY_DESCRIPTOR descriptor = NULL;
    PACL acl = NULL;
    wchar_t *wide = NULL;
    char *user = NULL;

    assert_int_equal(win32_user_sid(&user, NULL), 0);
    assert_int_equal(win32_wide_path(&wide, path, NULL), 0);
    assert_int_equal(GetNamedSecurityInfoW(wide, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, NULL,
                                           NULL, &acl, NULL, &descriptor),
                     ERROR_SUCCESS);
    assert_non_null(acl);
    assert_true(acl->AceCount > 0);
    for (DWORD i = 0; i < acl->AceCount; i++) {
        ACCESS_ALLOWED_ACE *ace = NULL;
        wchar_t *sid = NULL;
        char *text = NULL;

        assert_true(GetAce(acl, i, (void **)&ace));
        assert_true(ConvertSidToStringSidW((PSID)&ace->SidStart, &sid));
        assert_int_equal(win32_utf8(&text, sid, NULL), 0);
        if (ace->Header.AceType == ACCESS_ALLOWED_ACE_TYPE && strcmp(text, user) != 0) {
            assert_string_equal(text, "S-1-5-18");
        }
        free(text);
        LocalFree(sid);
    }
    LocalFree(descriptor);
    free(wide);
    free(user);
}

static void file_private_directory__is_closed_to_others(void **state)
{
    char *path = in_scratch("deep/er/private");
    char *file = in_scratch("a-file");
    struct error err = {0};

    (void)state;
    assert_int_equal(file_make_private_directory(path, &err), 0);
    assert_private(path);
    assert_int_equal(file_make_private_directory(path, &err), 0);
    assert_int_equal(file_write_atomic(file, "x", 1, NULL), 0);
    assert_private(file);
    assert_int_equal(file_make_private_directory(file, &err), ERR_NOT_FOLDER);
    assert_non_null(strstr(err.message, "a-file"));
    free(path);
    free(file);
}

static void process_command__comes_apart_into_the_same(void **state)
{
    const char *argv[] = {"C:\\Program Files\\x.exe",
                          "",
                          "plain",
                          "with blank",
                          "a\"b",
                          "back\\slash\\",
                          "back slash\\\\",
                          "\\\"",
                          "\xC3\xBC\xF0\x9F\x93\x81 ",
                          "tab\there",
                          NULL};
    wchar_t *command = NULL;
    char **again = NULL;
    int count = 0;

    (void)state;
    assert_int_equal(process_text_command(&command, argv, NULL), 0);
    assert_int_equal(process_text_arguments(&again, &count, command, NULL), 0);
    assert_int_equal(count, sizeof(argv) / sizeof(argv[0]) - 1);
    for (int i = 0; i < count; i++) {
        assert_string_equal(again[i], argv[i]);
        free(again[i]);
    }
    assert_null(again[count]);
    free(again);
    free(command);
}

static const wchar_t *find_variable(const wchar_t *block, const wchar_t *entry)
{
    for (; *block; block += wcslen(block) + 1) {
        if (wcscmp(block, entry) == 0) {
            return block;
        }
    }
    return NULL;
}

static void process_environment__replaces_whatever_the_case(void **state)
{
    const char *add[] = {"mooring_test=\xC3\xBC", "MOORING_NEW=1", NULL};
    wchar_t *block = NULL;

    (void)state;
    SetEnvironmentVariableW(L"MOORING_TEST", L"old");
    assert_int_equal(process_text_environment(&block, add, NULL), 0);
    assert_non_null(find_variable(block, L"mooring_test=\u00FC"));
    assert_non_null(find_variable(block, L"MOORING_NEW=1"));
    assert_null(find_variable(block, L"MOORING_TEST=old"));
    free(block);
}

static void process__runs_and_is_stopped(void **state)
{
    const char *exits[] = {"cmd.exe", "/c", "exit", "%MOORING_X%", NULL};
    const char *add[] = {"MOORING_X=7", NULL};
    const char *waits[] = {"cmd", "/c", "pause", NULL};
    const char *missing[] = {"C:/nonexistent/program.exe", NULL};
    const char *nowhere[] = {"mooring-nowhere", NULL};
    struct process_options options = {.argv = exits, .environment_add = add};
    struct process *process = NULL;
    struct error err = {0};
    char *output = in_scratch("output");
    struct buf buf;
    int status = 0;

    (void)state;
    assert_int_equal(process_start(&process, &options, &err), 0);
    assert_int_equal(process_wait(process, &status, 20000, NULL), 0);
    assert_int_equal(status, 7);
    process_free(process);

    options.argv = (const char *[]){"cmd", "/c", "echo", "said", NULL};
    options.output_file = output;
    assert_int_equal(process_start(&process, &options, &err), 0);
    assert_int_equal(process_wait(process, &status, 20000, NULL), 0);
    process_free(process);
    buf_init(&buf, 1000);
    assert_int_equal(file_read_all(&buf, output, &err), 0);
    assert_true(str_starts_with(buf_text(&buf), "said"));
    buf_clear(&buf);

    /* reads the console, which it does not have: stopped or ended by itself, it must be gone */
    options.argv = waits;
    options.dies_with_us = true;
    assert_int_equal(process_start(&process, &options, &err), 0);
    process_stop(process, 0);
    assert_int_equal(process_wait(process, &status, 0, NULL), 0);
    process_free(process);

    options.argv = missing;
    assert_int_equal(process_start(&process, &options, &err), ERR_NOT_FOUND);
    options.argv = nowhere;
    assert_int_equal(process_start(&process, &options, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "mooring-nowhere"));
    free(output);
}

static void process_own_path__names_this_program(void **state)
{
    char *path = NULL;

    (void)state;
    assert_int_equal(process_own_path(&path, NULL), 0);
    assert_non_null(strstr(path, "test_base_win32"));
    free(path);
}

static void process_harden__takes_libraries_from_the_system_only(void **state)
{
    (void)state;
    process_harden();
    assert_non_null(win32_system_library(L"kernel32.dll"));
    assert_null(win32_system_library(L"mooring-nowhere.dll"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_set_os__has_the_systems_words),
        cmocka_unit_test(wide_path__is_absolute_and_may_be_long),
        cmocka_unit_test(file_make_directories__goes_beyond_260_characters),
        cmocka_unit_test(file_private_directory__is_closed_to_others),
        cmocka_unit_test(process_command__comes_apart_into_the_same),
        cmocka_unit_test(process_environment__replaces_whatever_the_case),
        cmocka_unit_test(process__runs_and_is_stopped),
        cmocka_unit_test(process_own_path__names_this_program),
        cmocka_unit_test(process_harden__takes_libraries_from_the_system_only),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("base_win32", tests, make_scratch, remove_scratch);
}
