/*
 * test_np_provider.c - mooringnp.dll, loaded by Windows' mpr.dll into this program, with a double of
 * the agent in another one. What mpr passes on is called through mpr; what Wine's does not pass on
 * (it answers itself, or has a stub), through the DLL's exports.
 */
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <npapi.h>
#include <winnetwk.h>

#include "base/str.h"
#include "fixture.h"
#include "np_registration.h"
#include "test.h"
#include "transport/np_protocol.h"

enum { SLOW_MS = 20000, THREADS = 16, ROUNDS = 8 };

static void assert_order(const wchar_t *wanted)
{
    wchar_t order[256] = L"";
    DWORD size = sizeof(order);

    assert_int_equal(RegGetValueW(HKEY_LOCAL_MACHINE, ORDER_KEY, L"ProviderOrder", RRF_RT_REG_SZ,
                                  NULL, order, &size),
                     ERROR_SUCCESS);
    if (wcscmp(order, wanted) != 0) {
        print_error("the order is '%ls', not '%ls'\n", order, wanted);
        fail();
    }
}

static void assert_remote(const wchar_t *local, const wchar_t *wanted)
{
    wchar_t remote[256] = L"";
    DWORD units = ARRAYSIZE(remote);

    assert_int_equal(CALL(world.dll, get_fn, "NPGetConnection")(local, remote, &units), WN_SUCCESS);
    assert_true(wcscmp(remote, wanted) == 0);
}

static void provider__is_known_to_windows(void **state)
{
    PF_NPGetCaps caps = CALL(world.dll, PF_NPGetCaps, "NPGetCaps");
    wchar_t name[64] = L"";
    DWORD units = ARRAYSIZE(name);

    (void)state;
    assert_int_equal(caps(WNNC_SPEC_VERSION), WNNC_SPEC_VERSION51);
    assert_int_equal(caps(WNNC_START), WNNC_WAIT_FOR_START);
    assert_int_equal(caps(WNNC_USER), 0);
    assert_int_equal(caps(0x7FFF), 0);
    assert_int_equal(
        CALL(world.mpr, provider_name_fn, "WNetGetProviderNameW")(NP_NET_TYPE, name, &units),
        NO_ERROR);
    assert_true(wcscmp(name, L"Mooring") == 0);
    /* what is given clear passwords, or opens dialogs, must not be there */
    assert_null(GetProcAddress(world.dll, "NPLogonNotify"));
    assert_null(GetProcAddress(world.dll, "NPPasswordChangeNotify"));
}

static void registration__keeps_what_others_wrote(void **state)
{
    struct np_state seen;

    (void)state;
    assert_order(L"RDPNP,LanmanWorkstation,MooringNP");
    assert_int_equal(np_register(places.folder, NULL), 0);
    assert_order(L"RDPNP,LanmanWorkstation,MooringNP");
    assert_int_equal(np_inspect(&seen, NULL), 0);
    assert_int_equal(seen.position, 3);
    assert_true(seen.has_dll);
    assert_string_equal(seen.folder, places.folder);
    np_state_clear(&seen);
    assert_int_equal(np_unregister(NULL), 0);
    assert_order(L"RDPNP,LanmanWorkstation");
    assert_int_equal(np_unregister(NULL), 0);
    assert_int_equal(np_inspect(&seen, NULL), 0);
    assert_int_equal(seen.position, 0);
    assert_null(seen.dll);
    np_state_clear(&seen);
    set_order(L"WinFsp.Np,LanmanWorkstation");
    assert_int_equal(np_register(places.folder, NULL), 0);
    assert_order(L"MooringNP,WinFsp.Np,LanmanWorkstation");
    set_order(L"RDPNP,MooringNP,Other");
    assert_int_equal(np_unregister(NULL), 0);
    assert_order(L"RDPNP,Other");
    assert_int_equal(np_register(places.folder, NULL), 0);
}

static void connection__gets_a_letter_and_loses_it(void **state)
{
    (void)state;
    assert_int_equal(add(L"P:", L"\\\\mooring\\contoso\\finance\\Documents"), NO_ERROR);
    assert_remote(L"p:", L"\\\\mooring\\contoso\\finance\\Documents");
    assert_int_equal(add(L"P:", L"\\\\mooring\\contoso\\other"), ERROR_ALREADY_ASSIGNED);
    assert_int_equal(cancel(L"P:", FALSE), NO_ERROR);
    assert_int_equal(cancel(L"P:", FALSE), ERROR_NOT_CONNECTED);
}

static void connection__needs_no_letter(void **state)
{
    (void)state;
    assert_int_equal(add(NULL, L"\\\\MOORING\\Contoso"), NO_ERROR);
    assert_int_equal(cancel(L"\\\\mooring\\contoso", FALSE), NO_ERROR);
    assert_int_equal(add_directly(NULL, L"\\\\mooring\\nobody"), WN_BAD_NETNAME);
    assert_int_equal(add_directly(NULL, L"\\\\mooring"), WN_BAD_NETNAME);
}

static void connection__is_held_by_open_files(void **state)
{
    (void)state;
    assert_int_equal(add(L"Q:", L"\\\\mooring\\contoso\\in-use"), NO_ERROR);
    assert_int_equal(cancel(L"Q:", FALSE), ERROR_OPEN_FILES);
    assert_int_equal(cancel(L"Q:", TRUE), NO_ERROR);
}

static void connection__refuses_wrong_parameters_of_ours_only(void **state)
{
    PF_NPAddConnection direct = CALL(world.dll, PF_NPAddConnection, "NPAddConnection");
    NETRESOURCEW printer = {.dwType = RESOURCETYPE_PRINT,
                            .lpRemoteName = W(L"\\\\mooring\\contoso")};
    wchar_t long_name[NP_REMOTE_UNITS + 2];

    (void)state;
    assert_int_equal(direct(&printer, NULL, NULL), WN_BAD_VALUE);
    printer.lpRemoteName = W(FOREIGN);
    assert_int_equal(direct(&printer, NULL, NULL), WN_BAD_NETNAME);
    assert_int_equal(direct(NULL, NULL, NULL), WN_BAD_NETNAME);
    assert_int_equal(add_directly(L"LPT1", L"\\\\mooring\\contoso"), WN_BAD_LOCALNAME);
    assert_int_equal(add_directly(L"LPT1", FOREIGN), WN_BAD_NETNAME);
    assert_int_equal(add_directly(L"P:", L"\\\\mooring2\\contoso"), WN_BAD_NETNAME);
    assert_int_equal(add_directly(L"P:", L"mooring\\contoso"), WN_BAD_NETNAME);
    for (size_t i = 0; i < ARRAYSIZE(long_name); i++) {
        long_name[i] = i + 1 < ARRAYSIZE(long_name) ? L'x' : L'\0';
    }
    memcpy(long_name, L"\\\\mooring\\c", 11 * sizeof(wchar_t));
    assert_int_equal(add_directly(L"P:", long_name), WN_BAD_NETNAME);
}

static void foreign__is_answered_without_asking(void **state)
{
    get_fn get = CALL(world.dll, get_fn, "NPGetConnection");
    wchar_t remote[64];
    DWORD units = ARRAYSIZE(remote);

    (void)state;
    assert_true(DefineDosDeviceW(DDD_RAW_TARGET_PATH, L"R:", L"\\Device\\Mup\\fileserver\\share"));
    assert_int_equal(get(L"R:", remote, &units), WN_NOT_CONNECTED);
    assert_int_equal(get(L"C:", remote, &units), WN_NOT_CONNECTED);
    assert_int_equal(get(L"", remote, &units), WN_NOT_CONNECTED);
    assert_int_equal(CALL(world.dll, np_cancel_fn, "NPCancelConnection")(L"R:", TRUE),
                     WN_NOT_CONNECTED);
    assert_int_equal(CALL(world.dll, np_cancel_fn, "NPCancelConnection")(FOREIGN, TRUE),
                     WN_NOT_CONNECTED);
    assert_int_equal(add_directly(L"P:", FOREIGN), WN_BAD_NETNAME);
    assert_int_equal(bytes_sent(), 0);
}

static void get_connection__says_how_much_room_it_needs(void **state)
{
    get_fn get = CALL(world.dll, get_fn, "NPGetConnection");
    wchar_t remote[32];
    DWORD units = 17;

    (void)state;
    assert_int_equal(add(L"P:", L"\\\\mooring\\contoso"), NO_ERROR);
    assert_int_equal(get(L"P:", remote, &units), WN_MORE_DATA);
    assert_int_equal(units, 18);
    assert_int_equal(get(L"P:", remote, &units), WN_SUCCESS);
    assert_true(wcscmp(remote, L"\\\\mooring\\contoso") == 0);
    assert_int_equal(get(L"P:", remote, NULL), WN_BAD_POINTER);
}

static void get_universal_name__leads_to_the_file(void **state)
{
    universal_fn get = CALL(world.dll, universal_fn, "NPGetUniversalName");
    union {
        UNIVERSAL_NAME_INFOW one;
        REMOTE_NAME_INFOW all;
        char room[1024];
    } info;
    DWORD size = 10;

    (void)state;
    assert_int_equal(add(L"P:", L"\\\\mooring\\contoso\\finance"), NO_ERROR);
    assert_int_equal(get(L"P:\\a\\b.docx", UNIVERSAL_NAME_INFO_LEVEL, &info, &size), WN_MORE_DATA);
    assert_true(size > 10 && size < sizeof(info));
    assert_int_equal(get(L"P:\\a\\b.docx", UNIVERSAL_NAME_INFO_LEVEL, &info, &size), WN_SUCCESS);
    assert_true(wcscmp(info.one.lpUniversalName, L"\\\\mooring\\contoso\\finance\\a\\b.docx") == 0);
    size = sizeof(info);
    assert_int_equal(get(L"p:\\a", REMOTE_NAME_INFO_LEVEL, &info, &size), WN_SUCCESS);
    assert_true(wcscmp(info.all.lpUniversalName, L"\\\\mooring\\contoso\\finance\\a") == 0);
    assert_true(wcscmp(info.all.lpConnectionName, L"\\\\mooring\\contoso\\finance") == 0);
    assert_true(wcscmp(info.all.lpRemainingPath, L"\\a") == 0);
    assert_int_equal(get(L"P:\\a", 77, &info, &size), WN_BAD_LEVEL);
    assert_int_equal(get(L"C:\\a", 77, &info, &size), WN_NOT_CONNECTED);
}

/* On a busy machine all instances of the pipe may be taken, or being made anew, for longer than the
 * provider waits: it says so, and a program tries again. What it answers must be right. */
static bool answers(DWORD wanted, const wchar_t *remote)
{
    ULONGLONG end = GetTickCount64() + SLOW_MS;
    DWORD status;

    do {
        status = add_directly(NULL, remote);
    } while ((status == WN_NET_ERROR || status == WN_NO_NETWORK) && GetTickCount64() < end);
    return status == wanted;
}

static DWORD WINAPI ask_often(LPVOID payload)
{
    DWORD *wrong = payload;

    for (int i = 0; i < ROUNDS; i++) {
        wchar_t remote[64];
        DWORD units = ARRAYSIZE(remote);

        *wrong += !answers(WN_SUCCESS, L"\\\\mooring\\contoso");
        *wrong += !answers(WN_BAD_NETNAME, L"\\\\mooring\\nobody");
        *wrong += !answers(WN_BAD_NETNAME, FOREIGN);
        *wrong += CALL(world.dll, get_fn, "NPGetConnection")(L"P:", remote, &units) != WN_SUCCESS;
    }
    return 0;
}

static void provider__serves_16_threads_at_once(void **state)
{
    HANDLE threads[THREADS];
    DWORD wrong[THREADS] = {0};

    (void)state;
    assert_int_equal(add(L"P:", L"\\\\mooring\\contoso"), NO_ERROR);
    for (int i = 0; i < THREADS; i++) {
        threads[i] = CreateThread(NULL, 0, ask_often, &wrong[i], 0, NULL);
        assert_non_null(threads[i]);
    }
    assert_int_equal(WaitForMultipleObjects(THREADS, threads, TRUE, 240000), WAIT_OBJECT_0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(wrong[i], 0);
        CloseHandle(threads[i]);
    }
}

static void provider__takes_the_server_name_from_policy(void **state)
{
    static const wchar_t name[] = L"sharepoint";

    (void)state;
    assert_int_equal(
        RegSetKeyValueW(HKEY_LOCAL_MACHINE, POLICY_KEY, L"UncServer", REG_SZ, name, sizeof(name)),
        ERROR_SUCCESS);
    assert_int_equal(add_directly(NULL, L"\\\\mooring\\contoso"), WN_BAD_NETNAME);
    assert_int_equal(bytes_sent(), 0);
    assert_int_equal(add_directly(NULL, L"\\\\sharepoint\\contoso"), WN_BAD_NETNAME);
    assert_true(bytes_sent() > 0); /* it is ours, and the double does not know it */
    RegDeleteKeyValueW(HKEY_LOCAL_MACHINE, POLICY_KEY, L"UncServer");
}

static void agent_absent__is_said_at_once(void **state)
{
    (void)state;
    assert_int_equal(add_directly(L"P:", L"\\\\mooring\\contoso"), WN_NO_NETWORK);
    assert_int_not_equal(add(L"P:", L"\\\\mooring\\contoso"), NO_ERROR); /* mpr chooses which */
    assert_int_equal(add_directly(L"P:", FOREIGN), WN_BAD_NETNAME);
}

static DWORD WINAPI ask_once(LPVOID payload)
{
    *(DWORD *)payload = add_directly(NULL, L"\\\\mooring\\contoso");
    return 0;
}

static void agent_hung__costs_two_seconds_and_only_who_asks(void **state)
{
    struct process *process = start_double("hang");
    DWORD status = 0;
    ULONGLONG start;
    HANDLE thread;

    (void)state;
    thread = CreateThread(NULL, 0, ask_once, &status, 0, NULL);
    assert_non_null(thread);
    while (bytes_sent() == 0) { /* it hangs now */
        SwitchToThread();
    }
    start = GetTickCount64();
    assert_int_equal(add_directly(L"P:", FOREIGN), WN_BAD_NETNAME);
    assert_int_equal(add_directly(NULL, L"\\\\mooring\\contoso"), WN_NET_ERROR); /* no room */
    assert_int_equal(WaitForSingleObject(thread, SLOW_MS), WAIT_OBJECT_0);
    assert_int_equal(status, WN_NET_ERROR);
    assert_true(GetTickCount64() - start < SLOW_MS);
    CloseHandle(thread);
    stop_double(process);
}

static void agent_of_another_program__is_told_nothing(void **state)
{
    struct process *process = start_double("squat");

    (void)state;
    assert_int_equal(np_register("C:\\Program Files\\Mooring", NULL), 0);
    assert_int_equal(add_directly(NULL, L"\\\\mooring\\contoso"), WN_NO_NETWORK);
    assert_int_equal(bytes_sent(), 0);
    /* the folder is whole components, not the beginning of a name */
    places.folder[strlen(places.folder) - 1] ^= 1;
    assert_int_equal(np_register(places.folder, NULL), 0);
    places.folder[strlen(places.folder) - 1] ^= 1;
    assert_int_equal(add_directly(NULL, L"\\\\mooring\\contoso"), WN_NO_NETWORK);
    assert_int_equal(bytes_sent(), 0);
    assert_int_equal(np_register(places.folder, NULL), 0);
    assert_int_equal(add_directly(NULL, L"\\\\mooring\\contoso"), WN_SUCCESS);
    assert_true(bytes_sent() > 0);
    stop_double(process);
}

static void agent_that_answers_nonsense__is_no_agent(void **state)
{
    struct process *process = start_double("garbage");

    (void)state;
    for (int i = 0; i < 12; i++) {
        assert_int_equal(add_directly(NULL, L"\\\\mooring\\contoso"), WN_NET_ERROR);
    }
    stop_double(process);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(provider__is_known_to_windows),
        cmocka_unit_test(registration__keeps_what_others_wrote),
        cmocka_unit_test(agent_absent__is_said_at_once),
        TEST(connection__gets_a_letter_and_loses_it),
        TEST(connection__needs_no_letter),
        TEST(connection__is_held_by_open_files),
        TEST(connection__refuses_wrong_parameters_of_ours_only),
        TEST(foreign__is_answered_without_asking),
        TEST(get_connection__says_how_much_room_it_needs),
        TEST(get_universal_name__leads_to_the_file),
        TEST(provider__serves_16_threads_at_once),
        TEST(provider__takes_the_server_name_from_policy),
        cmocka_unit_test(agent_hung__costs_two_seconds_and_only_who_asks),
        cmocka_unit_test(agent_of_another_program__is_told_nothing),
        cmocka_unit_test(agent_that_answers_nonsense__is_no_agent),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("np_provider", tests, set_up_all, tear_down_all) ? 1 : 0;
}
