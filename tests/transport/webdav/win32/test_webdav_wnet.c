/* Windows' own part of the letters, on a recording double of WNet: names, flags, labels, errors. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>
/* needs windows.h before it */
#include <winnetwk.h>

#include "base/str.h"
#include "webdav/map.h"
#include "webdav/win32/webclient.h"
#include "webdav/win32/wnet.h"

#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define WIDE_SECRET L"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LABEL_KEY                                                                         \
    L"Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\MountPoints2\\##localhost@" \
    L"4711#" WIDE_SECRET L"#contoso#finance#Documents"

static const struct dav_place place = {.port = 4711, .secret = SECRET};

/* What the double was asked, and says. The tests are one thread. */
static wchar_t log_text[4096];
static DWORD add_code;
static wchar_t mapped_to[256]; /* what the letter shows before; "": nothing */
static int start_code;

static void note(const wchar_t *what, const wchar_t *local, const wchar_t *remote, DWORD flags)
{
    size_t used = wcslen(log_text);

    swprintf(log_text + used, 4096 - used, L"%ls %ls %ls %lu\n", what, local ? local : L"-",
             remote ? remote : L"-", flags);
}

static DWORD WINAPI double_add(LPNETRESOURCEW resource, LPCWSTR password, LPCWSTR user, DWORD flags)
{
    assert_null(password);
    assert_null(user);
    assert_int_equal(resource->dwType, RESOURCETYPE_DISK);
    assert_null(resource->lpProvider);
    note(L"add", resource->lpLocalName, resource->lpRemoteName, flags);
    return add_code;
}

static DWORD WINAPI double_cancel(LPCWSTR name, DWORD flags, BOOL by_force)
{
    assert_true(by_force);
    note(L"cancel", name, NULL, flags);
    return NO_ERROR;
}

static DWORD WINAPI double_get(LPCWSTR local, LPWSTR remote, LPDWORD units)
{
    (void)local;
    if (!mapped_to[0]) {
        return ERROR_NOT_CONNECTED;
    }
    assert_true(*units > wcslen(mapped_to));
    wcscpy(remote, mapped_to);
    return NO_ERROR;
}

static int double_start(struct error *err)
{
    return start_code < 0 ? error_set(err, start_code, "disabled") : 0;
}

static int double_limits(char **out, struct error *err)
{
    return str_copy(out, "50 MB", err);
}

static const struct dav_wnet wnet_double = {double_add, double_cancel, double_get, double_start,
                                            double_limits};

static int set_up(void **state)
{
    (void)state;
    log_text[0] = L'\0';
    mapped_to[0] = L'\0';
    add_code = NO_ERROR;
    start_code = 0;
    return 0;
}

static void expect_log(const wchar_t *want)
{
    if (wcscmp(log_text, want) != 0) {
        print_error("%ls\n instead of\n%ls\n", log_text, want);
    }
    assert_int_equal(wcscmp(log_text, want), 0);
    log_text[0] = L'\0';
}

static bool has_label(const wchar_t *want)
{
    wchar_t text[64] = L"";
    DWORD size = sizeof(text);

    return RegGetValueW(HKEY_CURRENT_USER, LABEL_KEY, L"_LabelFromReg", RRF_RT_REG_SZ, NULL, text,
                        &size) == ERROR_SUCCESS &&
           wcscmp(text, want) == 0;
}

static void wnet_ready__starts_the_client_and_connects_the_names(void **state)
{
    struct dav_map_system map = dav_map_over(&wnet_double);
    struct error err = {0};
    char *text = NULL;

    (void)state;
    start_code = ERR_UNSUPPORTED;
    assert_int_equal(map.ready(map.payload, &place, &text, &err), ERR_UNSUPPORTED);
    assert_null(text);
    expect_log(L"");
    start_code = 0;
    assert_int_equal(map.ready(map.payload, &place, &text, &err), 0);
    assert_string_equal(text, "50 MB");
    str_free(&text);
    expect_log(L"add - \\\\localhost@4711\\" WIDE_SECRET L" 4\n"); /* CONNECT_TEMPORARY */
    map.end(map.payload, &place);
    expect_log(L"cancel \\\\localhost@4711\\" WIDE_SECRET L" - 0\n");
}

static void wnet_connect__makes_a_temporary_letter_with_its_label(void **state)
{
    struct dav_map_system map = dav_map_over(&wnet_double);
    struct error err = {0};

    (void)state;
    assert_int_equal(map.connect(map.payload, &place, 'H', "contoso/finance/Documents",
                                 "Finanzen \xc3\xbc", &err),
                     0);
    expect_log(L"add H: \\\\localhost@4711\\" WIDE_SECRET L"\\contoso\\finance\\Documents 4\n");
    assert_true(has_label(L"Finanzen \x00fc"));
    map.disconnect(map.payload, &place, 'H', "contoso/finance/Documents");
    expect_log(L"cancel H: - 0\n");
    assert_false(has_label(L"Finanzen \x00fc"));
}

/* A letter of an agent that was killed is taken over; anybody else's is not. */
static void wnet_connect__takes_over_its_own_letters_alone(void **state)
{
    struct dav_map_system map = dav_map_over(&wnet_double);

    (void)state;
    wcscpy(mapped_to, L"\\\\localhost@1234\\" WIDE_SECRET L"\\x");
    assert_int_equal(map.connect(map.payload, &place, 'H', "a/b/c", NULL, NULL), 0);
    expect_log(L"cancel H: - 0\nadd H: \\\\localhost@4711\\" WIDE_SECRET L"\\a\\b\\c 4\n");
    wcscpy(mapped_to, L"\\\\localhost@1234\\vault");
    assert_int_equal(map.connect(map.payload, &place, 'H', "a/b/c", NULL, NULL), 0);
    expect_log(L"add H: \\\\localhost@4711\\" WIDE_SECRET L"\\a\\b\\c 4\n");
    wcscpy(mapped_to, L"\\\\server\\share");
    assert_int_equal(map.connect(map.payload, &place, 'H', "a/b/c", NULL, NULL), 0);
    expect_log(L"add H: \\\\localhost@4711\\" WIDE_SECRET L"\\a\\b\\c 4\n");
}

static void wnet_connect__says_what_to_do_and_never_the_secret(void **state)
{
    static const struct {
        DWORD why;
        int code;
    } rows[] = {{ERROR_ALREADY_ASSIGNED, ERR_EXISTS},
                {ERROR_BAD_NET_NAME, ERR_UNREACHABLE},
                {ERROR_BAD_NETPATH, ERR_UNREACHABLE},
                {ERROR_ACCESS_DENIED, ERR_DENIED},
                {ERROR_NOT_AUTHENTICATED, ERR_DENIED},
                {ERROR_DEVICE_ALREADY_REMEMBERED, ERR_EXISTS},
                {ERROR_NO_NETWORK, -1000}};
    struct dav_map_system map = dav_map_over(&wnet_double);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error err = {0};
        int code = 0;

        add_code = rows[i].why;
        code = map.connect(map.payload, &place, 'H', "a/b/c", "Label", &err);
        assert_true(code < 0);
        assert_true(rows[i].code == -1000 || code == rows[i].code);
        assert_null(strstr(err.message, SECRET));
        assert_non_null(strstr(err.message, "H:"));
        assert_false(has_label(L"Label"));
    }
}

/* Under Wine there is no such service; on Windows it is there or is not. */
static void webclient_start__says_what_is_missing(void **state)
{
    struct error err = {0};
    char *text = NULL;
    int code = webclient_start(&err);

    (void)state;
    assert_true(code == 0 || strstr(err.message, "WebClient"));
    assert_int_equal(webclient_limits(&text, &err), 0);
    assert_true(!text || strstr(text, "FileSizeLimitInBytes"));
    free(text);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(wnet_ready__starts_the_client_and_connects_the_names, set_up),
        cmocka_unit_test_setup(wnet_connect__makes_a_temporary_letter_with_its_label, set_up),
        cmocka_unit_test_setup(wnet_connect__takes_over_its_own_letters_alone, set_up),
        cmocka_unit_test_setup(wnet_connect__says_what_to_do_and_never_the_secret, set_up),
        cmocka_unit_test(webclient_start__says_what_is_missing),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("webdav_wnet", tests, NULL, NULL);
}
