/*
 * np_live.c - a program like others, which asks for network drives while the real agent runs (or
 * does not); tests/wine/test_np.sh says what there is, and names the tests to run by the beginning
 * of their names. Windows' mpr.dll is asked; what Wine's mpr does not pass on, mooringnp.dll, which
 * mpr has loaded.
 */
#include <stdbool.h>
#include <windows.h>
#include <npapi.h>
#include <winnetwk.h>

#include "mpr.h"
#include "test.h"
#include "transport/np_protocol.h"

#define LIBRARY L"\\\\mooring\\contoso\\finance\\Shared Documents"
#define DEVICE L"\\Device\\Mup\\mooring\\contoso\\finance\\Shared Documents"

enum { THREADS = 16, ROUNDS = 8, SLOW_MS = 20000, READY_MS = 240000 };

static int set_up_all(void **state)
{
    (void)state;
    mpr_load();
    return 0;
}

static DWORD cancel_soon(const wchar_t *name)
{
    ULONGLONG end = GetTickCount64() + SLOW_MS;
    DWORD status;

    do {
        status = cancel(name, FALSE);
    } while (status == WN_NET_ERROR && GetTickCount64() < end);
    return status;
}

/* On a busy machine the agent may take longer than the provider waits: it says so, and a program
 * tries again. What it answers must be right. */
static DWORD patiently(DWORD (*ask)(const wchar_t *, const wchar_t *), const wchar_t *local,
                       const wchar_t *remote)
{
    ULONGLONG end = GetTickCount64() + SLOW_MS;
    DWORD status = ask(local, remote);

    while (status == WN_NET_ERROR && GetTickCount64() < end) {
        if (local) {
            cancel_soon(local); /* it may have come too late */
        }
        status = ask(local, remote);
    }
    return status;
}

static DWORD add_soon(const wchar_t *local, const wchar_t *remote)
{
    return patiently(add, local, remote);
}

static DWORD add_directly_soon(const wchar_t *local, const wchar_t *remote)
{
    return patiently(add_directly, local, remote);
}

static bool leads_to(const wchar_t *letter, const wchar_t *device)
{
    wchar_t target[512] = L"";

    return QueryDosDeviceW(letter, target, ARRAYSIZE(target)) > 0 && _wcsicmp(target, device) == 0;
}

static void live_connect__gives_a_letter_and_takes_it(void **state)
{
    wchar_t remote[256] = L"";
    DWORD units = ARRAYSIZE(remote);

    (void)state;
    assert_int_equal(add_soon(L"Q:", LIBRARY), NO_ERROR);
    assert_true(leads_to(L"Q:", DEVICE));
    assert_int_equal(CALL(world.dll, get_fn, "NPGetConnection")(L"q:", remote, &units), WN_SUCCESS);
    assert_true(_wcsicmp(remote, LIBRARY) == 0);
    assert_int_equal(add_soon(L"Q:", LIBRARY), ERROR_ALREADY_ASSIGNED);
    assert_int_equal(cancel_soon(L"Q:"), NO_ERROR);
    assert_false(leads_to(L"Q:", DEVICE));
    assert_int_equal(cancel_soon(L"Q:"), ERROR_NOT_CONNECTED);
}

static void live_connect__works_by_the_newer_call(void **state)
{
    NETRESOURCEW resource = disk(L"Q:", L"\\\\MOORING\\CONTOSO\\Finance\\");

    (void)state;
    assert_int_equal(CALL(world.mpr, add3_fn, "WNetAddConnection3W")(NULL, &resource, NULL, NULL,
                                                                     CONNECT_TEMPORARY),
                     NO_ERROR);
    assert_true(leads_to(L"Q:", L"\\Device\\Mup\\mooring\\contoso\\Finance"));
    assert_int_equal(cancel_soon(L"Q:"), NO_ERROR);
}

static void live_connect__looks_into_the_library(void **state)
{
    (void)state;
    assert_int_equal(add_soon(L"Q:", LIBRARY L"\\Budget"), NO_ERROR);
    assert_true(leads_to(L"Q:", DEVICE L"\\Budget"));
    assert_int_equal(cancel_soon(L"Q:"), NO_ERROR);
    assert_int_equal(add_directly_soon(L"Q:", LIBRARY L"\\No such folder"), WN_BAD_NETNAME);
    assert_int_equal(add_directly_soon(L"Q:", LIBRARY L"\\readme.txt"), WN_BAD_NETNAME);
    assert_int_equal(add_directly_soon(L"Q:", LIBRARY L"\\readme.txt\\below"), WN_BAD_NETNAME);
    assert_int_equal(add_directly_soon(L"Q:", LIBRARY L"\\..\\Reports"), WN_BAD_NETNAME);
    assert_int_equal(QueryDosDeviceW(L"Q:", (wchar_t[8]){0}, 8), 0);
}

static void live_connect__needs_no_letter(void **state)
{
    (void)state;
    assert_int_equal(add_soon(NULL, L"\\\\mooring\\contoso"), NO_ERROR);
    assert_int_equal(add_soon(NULL, LIBRARY), NO_ERROR);
    assert_int_equal(cancel_soon(LIBRARY), NO_ERROR);
    assert_int_equal(add_directly_soon(NULL, L"\\\\mooring\\nobody"), WN_BAD_NETNAME);
    assert_int_equal(add_directly_soon(NULL, L"\\\\mooring\\contoso\\nobody"), WN_BAD_NETNAME);
    assert_int_equal(add_directly_soon(NULL, FOREIGN), WN_BAD_NETNAME);
}

static void live_connect__leaves_letters_of_others(void **state)
{
    (void)state;
    assert_true(DefineDosDeviceW(DDD_RAW_TARGET_PATH, L"R:", L"\\Device\\Mup\\fileserver\\share"));
    assert_int_equal(add_directly_soon(L"R:", LIBRARY), WN_ALREADY_CONNECTED);
    assert_int_equal(cancel_soon(L"R:"), ERROR_NOT_CONNECTED);
    assert_true(leads_to(L"R:", L"\\Device\\Mup\\fileserver\\share"));
    DefineDosDeviceW(DDD_REMOVE_DEFINITION, L"R:", NULL);
}

static void live_policy_letter__can_be_disconnected(void **state)
{
    (void)state;
    assert_true(leads_to(L"P:", L"\\Device\\Mup\\mooring\\contoso\\finance\\Reports"));
    assert_int_equal(cancel_soon(L"P:"), NO_ERROR);
    assert_int_equal(QueryDosDeviceW(L"P:", (wchar_t[8]){0}, 8), 0);
    assert_int_equal(add_soon(L"P:", L"\\\\mooring\\contoso\\finance\\Reports"), NO_ERROR);
    assert_true(leads_to(L"P:", L"\\Device\\Mup\\mooring\\contoso\\finance\\Reports"));
}

/* Whether one of the entries has this remote name; all of ours are the provider's. */
static bool lists(DWORD scope, const wchar_t *below, const wchar_t *wanted)
{
    struct mpr_entries seen;
    bool is_there = false;

    if (mpr_list(&seen, scope, below) == NO_ERROR) {
        for (DWORD i = 0; i < seen.count; i++) {
            const NETRESOURCEW *entry = &seen.buffer.entries[i];

            is_there =
                is_there || (entry->lpRemoteName && _wcsicmp(entry->lpRemoteName, wanted) == 0 &&
                             wcscmp(entry->lpProvider, L"Mooring") == 0);
        }
    }
    return is_there;
}

/* What only the agent knows. */
static bool lists_soon(const wchar_t *below, const wchar_t *wanted)
{
    ULONGLONG end = GetTickCount64() + SLOW_MS;
    bool is_there;

    do {
        is_there = lists(RESOURCE_GLOBALNET, below, wanted);
    } while (!is_there && GetTickCount64() < end);
    return is_there;
}

static void live_enumeration__has_tenants_and_letters(void **state)
{
    (void)state;
    assert_true(lists_soon(L"\\\\mooring", L"\\\\mooring\\contoso"));
    assert_false(lists(RESOURCE_GLOBALNET, L"\\\\mooring", L"\\\\mooring\\fabrikam"));
    assert_int_equal(add_soon(L"Q:", LIBRARY), NO_ERROR);
    assert_true(lists(RESOURCE_CONNECTED, NULL, LIBRARY));
    assert_int_equal(cancel_soon(L"Q:"), NO_ERROR);
    assert_false(lists(RESOURCE_CONNECTED, NULL, LIBRARY));
}

static void live_provider__has_its_name_and_splits_paths(void **state)
{
    union {
        NETRESOURCEW entry;
        char room[1024];
    } buffer;
    NETRESOURCEW asked = {.lpRemoteName = W(LIBRARY L"\\readme.txt")};
    wchar_t name[64] = L"";
    DWORD units = ARRAYSIZE(name);
    ULONGLONG end = GetTickCount64() + SLOW_MS;
    DWORD size;
    DWORD status;
    wchar_t *rest = NULL;

    (void)state;
    assert_int_equal(
        CALL(world.mpr, provider_name_fn, "WNetGetProviderNameW")(NP_NET_TYPE, name, &units),
        NO_ERROR);
    assert_true(wcscmp(name, L"Mooring") == 0);
    do {
        size = sizeof(buffer);
        status = CALL(world.mpr, information_fn, "WNetGetResourceInformationW")(&asked, &buffer,
                                                                                &size, &rest);
    } while (status != NO_ERROR && GetTickCount64() < end);
    assert_int_equal(status, NO_ERROR);
    assert_true(_wcsicmp(buffer.entry.lpRemoteName, L"\\\\mooring\\contoso") == 0);
    assert_true(_wcsicmp(rest, L"\\finance\\Shared Documents\\readme.txt") == 0);
}

static DWORD WINAPI ask_often(LPVOID payload)
{
    DWORD *wrong = payload;

    for (int i = 0; i < ROUNDS; i++) {
        *wrong += add_directly_soon(NULL, LIBRARY) != WN_SUCCESS;
        *wrong += add_directly_soon(NULL, L"\\\\mooring\\nobody") != WN_BAD_NETNAME;
        *wrong += add_directly_soon(NULL, FOREIGN) != WN_BAD_NETNAME;
    }
    return 0;
}

static void live_agent__serves_16_threads_at_once(void **state)
{
    HANDLE threads[THREADS];
    DWORD wrong[THREADS] = {0};
    DWORD all = 0;

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        threads[i] = CreateThread(NULL, 0, ask_often, &wrong[i], 0, NULL);
        assert_non_null(threads[i]);
    }
    assert_int_equal(WaitForMultipleObjects(THREADS, threads, TRUE, READY_MS), WAIT_OBJECT_0);
    for (int i = 0; i < THREADS; i++) {
        all += wrong[i];
        CloseHandle(threads[i]);
    }
    assert_int_equal(all, 0);
}

static void absent_agent__is_said(void **state)
{
    (void)state;
    assert_int_equal(add_directly(NULL, LIBRARY), WN_NO_NETWORK);
    assert_int_equal(add_directly(NULL, FOREIGN), WN_BAD_NETNAME);
    assert_int_not_equal(add(L"Q:", LIBRARY), NO_ERROR);
}

static void hung_agent__is_given_up(void **state)
{
    (void)state;
    assert_int_equal(add_directly(NULL, LIBRARY), WN_NET_ERROR);
    assert_int_equal(add_directly(NULL, FOREIGN), WN_BAD_NETNAME);
}

/* After the agent was away for a moment: it has found the library again, and what is in it. */
static void ready_agent__answers_again(void **state)
{
    ULONGLONG end = GetTickCount64() + READY_MS;

    (void)state;
    while (add_directly(NULL, LIBRARY L"\\Budget") != WN_SUCCESS && GetTickCount64() < end) {
        Sleep(100);
    }
    assert_int_equal(add_directly_soon(NULL, LIBRARY L"\\Budget"), WN_SUCCESS);
}

static void squatted_pipe__is_told_nothing(void **state)
{
    DWORD bytes = 0;
    DWORD size = sizeof(bytes);

    (void)state;
    assert_int_equal(add_directly(NULL, LIBRARY), WN_NO_NETWORK);
    RegGetValueW(HKEY_CURRENT_USER, L"Software\\MooringTest", L"Bytes", RRF_RT_REG_DWORD, NULL,
                 &bytes, &size);
    assert_int_equal(bytes, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_connect__gives_a_letter_and_takes_it),
        cmocka_unit_test(live_connect__works_by_the_newer_call),
        cmocka_unit_test(live_connect__looks_into_the_library),
        cmocka_unit_test(live_connect__needs_no_letter),
        cmocka_unit_test(live_connect__leaves_letters_of_others),
        cmocka_unit_test(live_policy_letter__can_be_disconnected),
        cmocka_unit_test(live_enumeration__has_tenants_and_letters),
        cmocka_unit_test(live_provider__has_its_name_and_splits_paths),
        cmocka_unit_test(live_agent__serves_16_threads_at_once),
        cmocka_unit_test(absent_agent__is_said),
        cmocka_unit_test(hung_agent__is_given_up),
        cmocka_unit_test(ready_agent__answers_again),
        cmocka_unit_test(squatted_pipe__is_told_nothing),
    };

    cmocka_set_test_filter(argc > 1 ? argv[1] : "live_*");
    return cmocka_run_group_tests_name("np_live", tests, set_up_all, NULL) ? 1 : 0;
}
