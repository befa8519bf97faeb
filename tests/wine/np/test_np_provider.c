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

#include "base/process.h"
#include "base/str.h"
#include "base/win32.h"
#include "transport/np_protocol.h"
#include "np_registration.h"
#include "test.h"

#define FOREIGN L"\\\\fileserver\\share"
#define POLICY_KEY L"Software\\Policies\\Mooring"
#define ORDER_KEY L"SYSTEM\\CurrentControlSet\\Control\\NetworkProvider\\Order"

enum { QUICK_MS = 1000, SLOW_MS = 20000, THREADS = 16, ROUNDS = 8 };

/* All of it belongs to set_up_all() and tear_down_all(). */
static struct {
    HMODULE mpr;
    HMODULE dll;
    char *folder; /* of this program, and of the double */
    char *double_path;
    wchar_t *system_dll;
} world;

static FARPROC find(HMODULE module, const char *name)
{
    FARPROC function = GetProcAddress(module, name);

    if (!function) {
        print_error("there is no %s\n", name);
        abort();
    }
    return function;
}

/* GetProcAddress() has one type for all functions. */
#define CALL(module, type, name) ((type)(void *)find(module, name))

/* The functions do not say const, and mean it. */
#define W(text) ((wchar_t *)(text))
typedef DWORD(WINAPI *get_fn)(LPCWSTR, LPWSTR, LPDWORD);
typedef DWORD(WINAPI *universal_fn)(LPCWSTR, DWORD, LPVOID, LPDWORD);
typedef DWORD(WINAPI *np_cancel_fn)(LPCWSTR, BOOL);
typedef DWORD(WINAPI *add_fn)(LPNETRESOURCEW, LPCWSTR, LPCWSTR, DWORD);
typedef DWORD(WINAPI *cancel_fn)(LPCWSTR, DWORD, BOOL);
typedef DWORD(WINAPI *open_enum_fn)(DWORD, DWORD, DWORD, LPNETRESOURCEW, LPHANDLE);
typedef DWORD(WINAPI *enum_fn)(HANDLE, LPDWORD, LPVOID, LPDWORD);
typedef DWORD(WINAPI *close_enum_fn)(HANDLE);
typedef DWORD(WINAPI *information_fn)(LPNETRESOURCEW, LPVOID, LPDWORD, LPWSTR *);
typedef DWORD(WINAPI *provider_name_fn)(DWORD, LPWSTR, LPDWORD);

static void own_folder(void)
{
    char *path = NULL;

    assert_int_equal(process_own_path(&path, NULL), 0);
    *strrchr(path, '\\') = '\0';
    world.folder = path;
    assert_int_equal(str_format(&world.double_path, NULL, "%s\\np_agent.exe", path), 0);
}

/* Where ProviderPath says. */
static void install_dll(void)
{
    wchar_t system[MAX_PATH];
    char *narrow = NULL;
    char *source = NULL;
    wchar_t *from = NULL;

    assert_true(GetSystemDirectoryW(system, ARRAYSIZE(system)) > 0);
    assert_int_equal(win32_utf8(&narrow, system, NULL), 0);
    assert_int_equal(str_format(&source, NULL, "%s\\" NP_DLL, narrow), 0);
    assert_int_equal(win32_wide(&world.system_dll, source, NULL), 0);
    assert_int_equal(str_format(&source, NULL, "%s\\..\\bin\\" NP_DLL, world.folder), 0);
    assert_int_equal(win32_wide(&from, source, NULL), 0);
    if (!CopyFileW(from, world.system_dll, FALSE)) {
        print_error("cannot copy '%s': error %lu\n", source, GetLastError());
        abort();
    }
    free(from);
    free(source);
    free(narrow);
}

static void set_order(const wchar_t *order)
{
    assert_int_equal(RegSetKeyValueW(HKEY_LOCAL_MACHINE, ORDER_KEY, L"ProviderOrder", REG_SZ, order,
                                     (DWORD)((wcslen(order) + 1) * sizeof(*order))),
                     ERROR_SUCCESS);
}

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

static void remove_letters(void)
{
    static const wchar_t *const letters[] = {L"P:", L"Q:", L"R:", L"S:", L"T:"};

    for (size_t i = 0; i < ARRAYSIZE(letters); i++) {
        DefineDosDeviceW(DDD_REMOVE_DEFINITION, letters[i], NULL);
    }
}

/* mpr reads the registry when it is loaded: that must not have happened yet. */
static int set_up_all(void **state)
{
    (void)state;
    own_folder();
    install_dll();
    remove_letters();
    RegDeleteKeyValueW(HKEY_LOCAL_MACHINE, POLICY_KEY, L"UncServer"); /* of a run that was ended */
    assert_null(GetModuleHandleW(L"mpr.dll"));
    set_order(L"RDPNP,LanmanWorkstation");
    assert_int_equal(np_register(world.folder, NULL), 0);
    world.mpr = win32_system_library(L"mpr.dll");
    assert_non_null(world.mpr);
    world.dll = GetModuleHandleW(L"mooringnp.dll");
    assert_non_null(world.dll); /* mpr has loaded it, and nobody else */
    return 0;
}

static int tear_down_all(void **state)
{
    (void)state;
    np_unregister(NULL);
    remove_letters();
    RegDeleteTreeW(HKEY_CURRENT_USER, L"Software\\MooringTest");
    DeleteFileW(world.system_dll); /* fails while we have it */
    free(world.system_dll);
    free(world.double_path);
    free(world.folder);
    return 0;
}

static struct process *start_double(const char *mode)
{
    const char *argv[] = {world.double_path, mode, NULL};
    const struct process_options options = {.argv = argv, .dies_with_us = true};
    ULONGLONG end = GetTickCount64() + SLOW_MS;
    struct process *process = NULL;
    struct error err = {0};
    wchar_t *name = NULL;
    char *text = NULL;
    char *sid = NULL;
    DWORD session = 0;

    if (process_start(&process, &options, &err) < 0) {
        print_error("%s\n", err.message);
        fail();
    }
    assert_int_equal(win32_user_sid(&sid, NULL), 0);
    assert_true(ProcessIdToSessionId(GetCurrentProcessId(), &session));
    assert_int_equal(
        str_format(&text, NULL, "%s%s-%lu", NP_PIPE_PREFIX, sid, (unsigned long)session), 0);
    assert_int_equal(win32_wide(&name, text, NULL), 0);
    while (!WaitNamedPipeW(name, 50) && GetTickCount64() < end) {
        SwitchToThread();
    }
    free(name);
    free(text);
    free(sid);
    return process;
}

static void stop_double(struct process *process)
{
    process_stop(process, 0);
    process_free(process);
}

static int set_up(void **state)
{
    *state = start_double("serve");
    return 0;
}

static int tear_down(void **state)
{
    stop_double(*state);
    remove_letters();
    return 0;
}

static DWORD add(const wchar_t *local, const wchar_t *remote)
{
    NETRESOURCEW resource = {.dwType = RESOURCETYPE_DISK,
                             .lpLocalName = (wchar_t *)local,
                             .lpRemoteName = (wchar_t *)remote};

    return CALL(world.mpr, add_fn, "WNetAddConnection2W")(&resource, NULL, NULL, CONNECT_TEMPORARY);
}

static DWORD cancel(const wchar_t *name, BOOL force)
{
    return CALL(world.mpr, cancel_fn, "WNetCancelConnection2W")(name, 0, force);
}

/* The DLL itself: what mpr makes of several errors is mpr's matter. */
static DWORD add_directly(const wchar_t *local, const wchar_t *remote)
{
    NETRESOURCEW resource = {.dwType = RESOURCETYPE_DISK,
                             .lpLocalName = (wchar_t *)local,
                             .lpRemoteName = (wchar_t *)remote};

    return CALL(world.dll, PF_NPAddConnection, "NPAddConnection")(&resource, NULL, NULL);
}

static DWORD bytes_sent(void)
{
    DWORD bytes = 0;
    DWORD size = sizeof(bytes);

    RegGetValueW(HKEY_CURRENT_USER, L"Software\\MooringTest", L"Bytes", RRF_RT_REG_DWORD, NULL,
                 &bytes, &size);
    return bytes;
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
    assert_int_equal(np_register(world.folder, NULL), 0);
    assert_order(L"RDPNP,LanmanWorkstation,MooringNP");
    assert_int_equal(np_inspect(&seen, NULL), 0);
    assert_int_equal(seen.position, 3);
    assert_true(seen.has_dll);
    assert_string_equal(seen.folder, world.folder);
    np_state_clear(&seen);
    assert_int_equal(np_unregister(NULL), 0);
    assert_order(L"RDPNP,LanmanWorkstation");
    assert_int_equal(np_unregister(NULL), 0);
    assert_int_equal(np_inspect(&seen, NULL), 0);
    assert_int_equal(seen.position, 0);
    assert_null(seen.dll);
    np_state_clear(&seen);
    set_order(L"WinFsp.Np,LanmanWorkstation");
    assert_int_equal(np_register(world.folder, NULL), 0);
    assert_order(L"MooringNP,WinFsp.Np,LanmanWorkstation");
    set_order(L"RDPNP,MooringNP,Other");
    assert_int_equal(np_unregister(NULL), 0);
    assert_order(L"RDPNP,Other");
    assert_int_equal(np_register(world.folder, NULL), 0);
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

/* All entries of ours, `step` at a time with little room, as "local=remote;". */
static void list(char **out, DWORD scope, const wchar_t *remote, DWORD step, DWORD room)
{
    NETRESOURCEW below = {.dwType = RESOURCETYPE_DISK,
                          .lpRemoteName = (wchar_t *)remote,
                          .lpProvider = W(L"Mooring")};
    char *buffer = malloc(room);
    HANDLE handle = NULL;
    DWORD status;

    assert_non_null(buffer);
    assert_int_equal(str_copy(out, "", NULL), 0);
    assert_int_equal(CALL(world.dll, PF_NPOpenEnum, "NPOpenEnum")(scope, RESOURCETYPE_DISK, 0,
                                                                  remote ? &below : NULL, &handle),
                     WN_SUCCESS);
    for (;;) {
        NETRESOURCEW *entries = (NETRESOURCEW *)buffer;
        DWORD count = step;
        DWORD size = room;

        status =
            CALL(world.dll, PF_NPEnumResource, "NPEnumResource")(handle, &count, buffer, &size);
        if (status != WN_SUCCESS) {
            break;
        }
        assert_true(count > 0 && count <= step);
        for (DWORD i = 0; i < count; i++) {
            char *so_far = *out;

            *out = NULL;
            assert_true(wcscmp(entries[i].lpProvider, L"Mooring") == 0);
            assert_int_equal(str_format(out, NULL, "%s%ls=%ls;", so_far,
                                        entries[i].lpLocalName ? entries[i].lpLocalName : L"",
                                        entries[i].lpRemoteName),
                             0);
            free(so_far);
        }
    }
    assert_int_equal(status, WN_NO_MORE_ENTRIES);
    assert_int_equal(CALL(world.dll, close_enum_fn, "NPCloseEnum")(handle), WN_SUCCESS);
    free(buffer);
}

static void enumeration__lists_the_letters(void **state)
{
    char *seen = NULL;

    (void)state;
    assert_int_equal(add(L"P:", L"\\\\mooring\\contoso\\a"), NO_ERROR);
    assert_int_equal(add(L"S:", L"\\\\mooring\\fabrikam"), NO_ERROR);
    assert_true(DefineDosDeviceW(DDD_RAW_TARGET_PATH, L"R:", L"\\Device\\Mup\\fileserver\\share"));
    list(&seen, RESOURCE_CONNECTED, NULL, 1, 4096);
    assert_string_equal(seen, "P:=\\\\mooring\\contoso\\a;S:=\\\\mooring\\fabrikam;");
    list(&seen, RESOURCE_CONNECTED, NULL, (DWORD)-1, 150);
    assert_string_equal(seen, "P:=\\\\mooring\\contoso\\a;S:=\\\\mooring\\fabrikam;");
    str_free(&seen);
}

static void enumeration__lists_the_tenants(void **state)
{
    static const char all[] = "=\\\\mooring\\contoso;=\\\\mooring\\fabrikam;=\\\\mooring\\wingtip;"
                              "=\\\\mooring\\tailspin;=\\\\mooring\\litware;";
    NETRESOURCEW below = {.lpRemoteName = W(L"\\\\mooring\\contoso")};
    PF_NPOpenEnum open = CALL(world.dll, PF_NPOpenEnum, "NPOpenEnum");
    HANDLE handle = NULL;
    char *seen = NULL;

    (void)state;
    list(&seen, RESOURCE_GLOBALNET, NULL, (DWORD)-1, 4096);
    assert_string_equal(seen, "=\\\\mooring;");
    list(&seen, RESOURCE_CONTEXT, NULL, 5, 4096);
    assert_string_equal(seen, "=\\\\mooring;");
    list(&seen, RESOURCE_GLOBALNET, L"\\\\mooring", (DWORD)-1, 4096);
    assert_string_equal(seen, all);
    list(&seen, RESOURCE_GLOBALNET, L"\\\\mooring", 3, 150);
    assert_string_equal(seen, all);
    assert_int_equal(open(RESOURCE_GLOBALNET, 0, 0, &below, &handle), WN_NOT_CONTAINER);
    below.lpRemoteName = W(L"\\\\fileserver");
    assert_int_equal(open(RESOURCE_GLOBALNET, 0, 0, &below, &handle), WN_BAD_NETNAME);
    assert_int_equal(open(RESOURCE_CONNECTED, RESOURCETYPE_PRINT, 0, NULL, &handle), WN_BAD_VALUE);
    str_free(&seen);
}

static void enumeration__says_how_much_room_it_needs(void **state)
{
    union {
        NETRESOURCEW entry;
        char room[512];
    } buffer;
    HANDLE handle = NULL;
    DWORD count = 5;
    DWORD size = 20;

    (void)state;
    assert_int_equal(
        CALL(world.dll, PF_NPOpenEnum, "NPOpenEnum")(RESOURCE_CONTEXT, 0, 0, NULL, &handle),
        WN_SUCCESS);
    assert_int_equal(
        CALL(world.dll, PF_NPEnumResource, "NPEnumResource")(handle, &count, &buffer, &size),
        WN_MORE_DATA);
    assert_int_equal(count, 0);
    assert_true(size > 20 && size <= sizeof(buffer));
    count = 5;
    assert_int_equal(
        CALL(world.dll, PF_NPEnumResource, "NPEnumResource")(handle, &count, &buffer, &size),
        WN_SUCCESS);
    assert_int_equal(count, 1);
    assert_true(wcscmp(buffer.entry.lpRemoteName, L"\\\\mooring") == 0);
    CALL(world.dll, close_enum_fn, "NPCloseEnum")(handle);
}

/* Through mpr, with whatever else is in it. */
static void enumeration__reaches_programs_through_windows(void **state)
{
    union {
        NETRESOURCEW entries[1];
        char room[16384];
    } buffer;
    HANDLE handle = NULL;
    DWORD count = (DWORD)-1;
    DWORD size = sizeof(buffer);
    bool is_there = false;

    (void)state;
    assert_int_equal(add(L"T:", L"\\\\mooring\\contoso\\t"), NO_ERROR);
    assert_int_equal(CALL(world.mpr, open_enum_fn,
                          "WNetOpenEnumW")(RESOURCE_CONNECTED, RESOURCETYPE_DISK, 0, NULL, &handle),
                     NO_ERROR);
    assert_int_equal(CALL(world.mpr, enum_fn, "WNetEnumResourceW")(handle, &count, &buffer, &size),
                     NO_ERROR);
    for (DWORD i = 0; i < count; i++) {
        is_there =
            is_there || (wcscmp(buffer.entries[i].lpLocalName, L"T:") == 0 &&
                         wcscmp(buffer.entries[i].lpRemoteName, L"\\\\mooring\\contoso\\t") == 0);
    }
    assert_true(is_there);
    CALL(world.mpr, close_enum_fn, "WNetCloseEnum")(handle);
}

static void resource_information__splits_a_path(void **state)
{
    union {
        NETRESOURCEW entry;
        char room[1024];
    } buffer;
    NETRESOURCEW asked = {.lpRemoteName = W(L"\\\\mooring\\contoso\\finance\\a.txt")};
    wchar_t *rest = NULL;
    DWORD size = sizeof(buffer);

    (void)state;
    assert_int_equal(CALL(world.mpr, information_fn, "WNetGetResourceInformationW")(&asked, &buffer,
                                                                                    &size, &rest),
                     NO_ERROR);
    assert_true(wcscmp(buffer.entry.lpRemoteName, L"\\\\mooring\\contoso") == 0);
    assert_true(wcscmp(rest, L"\\finance\\a.txt") == 0);
    assert_true((char *)rest > buffer.room && (char *)rest < buffer.room + sizeof(buffer));
    assert_true(wcscmp(buffer.entry.lpProvider, L"Mooring") == 0);

    asked.lpRemoteName = W(L"\\\\mooring\\nobody\\x");
    size = sizeof(buffer);
    assert_int_equal(CALL(world.dll, PF_NPGetResourceInformation,
                          "NPGetResourceInformation")(&asked, &buffer, &size, &rest),
                     WN_BAD_NETNAME);
    asked.lpRemoteName = W(L"\\\\mooring");
    size = 1;
    assert_int_equal(CALL(world.dll, PF_NPGetResourceInformation,
                          "NPGetResourceInformation")(&asked, &buffer, &size, &rest),
                     WN_MORE_DATA);
    assert_int_equal(CALL(world.dll, PF_NPGetResourceInformation,
                          "NPGetResourceInformation")(&asked, &buffer, &size, &rest),
                     WN_SUCCESS);
    assert_int_equal(buffer.entry.dwUsage, RESOURCEUSAGE_CONTAINER);
    assert_null(rest);
}

static void resource_parent__goes_up_to_the_network(void **state)
{
    static const wchar_t *const steps[] = {L"\\\\mooring\\contoso\\a\\b",
                                           L"\\\\mooring\\contoso\\a", L"\\\\mooring\\contoso",
                                           L"\\\\mooring"};
    PF_NPGetResourceParent parent = CALL(world.dll, PF_NPGetResourceParent, "NPGetResourceParent");
    union {
        NETRESOURCEW entry;
        char room[1024];
    } buffer;
    NETRESOURCEW asked = {0};
    DWORD size;

    (void)state;
    for (size_t i = 0; i + 1 < ARRAYSIZE(steps); i++) {
        asked.lpRemoteName = (wchar_t *)steps[i];
        size = sizeof(buffer);
        assert_int_equal(parent(&asked, &buffer, &size), WN_SUCCESS);
        assert_true(wcscmp(buffer.entry.lpRemoteName, steps[i + 1]) == 0);
    }
    asked.lpRemoteName = W(L"\\\\mooring\\contoso\\");
    assert_int_equal(parent(&asked, &buffer, &size), WN_SUCCESS);
    assert_true(wcscmp(buffer.entry.lpRemoteName, L"\\\\mooring") == 0);
    asked.lpRemoteName = W(L"\\\\mooring");
    assert_int_equal(parent(&asked, &buffer, &size), WN_SUCCESS);
    assert_null(buffer.entry.lpRemoteName);
    asked.lpRemoteName = W(FOREIGN);
    assert_int_equal(parent(&asked, &buffer, &size), WN_BAD_NETNAME);
}

static DWORD WINAPI ask_often(LPVOID payload)
{
    DWORD *wrong = payload;

    for (int i = 0; i < ROUNDS; i++) {
        wchar_t remote[64];
        DWORD units = ARRAYSIZE(remote);

        *wrong += add_directly(NULL, L"\\\\mooring\\contoso") != WN_SUCCESS;
        *wrong += add_directly(NULL, L"\\\\mooring\\nobody") != WN_BAD_NETNAME;
        *wrong += add_directly(NULL, FOREIGN) != WN_BAD_NETNAME;
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
    assert_int_equal(WaitForMultipleObjects(THREADS, threads, TRUE, 60000), WAIT_OBJECT_0);
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
    ULONGLONG start = GetTickCount64();

    (void)state;
    assert_int_equal(add_directly(L"P:", L"\\\\mooring\\contoso"), WN_NO_NETWORK);
    assert_int_not_equal(add(L"P:", L"\\\\mooring\\contoso"), NO_ERROR); /* mpr chooses which */
    assert_int_equal(add_directly(L"P:", FOREIGN), WN_BAD_NETNAME);
    assert_true(GetTickCount64() - start < QUICK_MS);
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
    assert_true(GetTickCount64() - start < QUICK_MS);
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
    world.folder[strlen(world.folder) - 1] ^= 1;
    assert_int_equal(np_register(world.folder, NULL), 0);
    world.folder[strlen(world.folder) - 1] ^= 1;
    assert_int_equal(add_directly(NULL, L"\\\\mooring\\contoso"), WN_NO_NETWORK);
    assert_int_equal(bytes_sent(), 0);
    assert_int_equal(np_register(world.folder, NULL), 0);
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
        TEST(enumeration__lists_the_letters),
        TEST(enumeration__lists_the_tenants),
        TEST(enumeration__says_how_much_room_it_needs),
        TEST(enumeration__reaches_programs_through_windows),
        TEST(resource_information__splits_a_path),
        TEST(resource_parent__goes_up_to_the_network),
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
