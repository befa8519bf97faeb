#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <npapi.h>
#include <winnetwk.h>

#include "fixture.h"

#include "base/str.h"
#include "base/win32.h"
#include "np_registration.h"
#include "test.h"
#include "transport/np_protocol.h"

enum { SLOW_MS = 20000 };

struct np_places places;

static void own_folder(void)
{
    char *path = NULL;

    assert_int_equal(process_own_path(&path, NULL), 0);
    *strrchr(path, '\\') = '\0';
    places.folder = path;
    assert_int_equal(str_format(&places.double_path, NULL, "%s\\np_agent.exe", path), 0);
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
    assert_int_equal(win32_wide(&places.system_dll, source, NULL), 0);
    assert_int_equal(str_format(&source, NULL, "%s\\..\\bin\\" NP_DLL, places.folder), 0);
    assert_int_equal(win32_wide(&from, source, NULL), 0);
    if (!CopyFileW(from, places.system_dll, FALSE)) {
        print_error("cannot copy '%s': error %lu\n", source, GetLastError());
        abort();
    }
    free(from);
    free(source);
    free(narrow);
}

void set_order(const wchar_t *order)
{
    assert_int_equal(RegSetKeyValueW(HKEY_LOCAL_MACHINE, ORDER_KEY, L"ProviderOrder", REG_SZ, order,
                                     (DWORD)((wcslen(order) + 1) * sizeof(*order))),
                     ERROR_SUCCESS);
}

static void remove_letters(void)
{
    static const wchar_t *const letters[] = {L"P:", L"Q:", L"R:", L"S:", L"T:"};

    for (size_t i = 0; i < ARRAYSIZE(letters); i++) {
        DefineDosDeviceW(DDD_REMOVE_DEFINITION, letters[i], NULL);
    }
}

/* mpr reads the registry when it is loaded: that must not have happened yet. */
int set_up_all(void **state)
{
    (void)state;
    own_folder();
    install_dll();
    remove_letters();
    RegDeleteKeyValueW(HKEY_LOCAL_MACHINE, POLICY_KEY, L"UncServer"); /* of a run that was ended */
    assert_null(GetModuleHandleW(L"mpr.dll"));
    set_order(L"RDPNP,LanmanWorkstation");
    assert_int_equal(np_register(places.folder, NULL), 0);
    mpr_load();
    return 0;
}

int tear_down_all(void **state)
{
    (void)state;
    np_unregister(NULL);
    remove_letters();
    RegDeleteTreeW(HKEY_CURRENT_USER, L"Software\\MooringTest");
    DeleteFileW(places.system_dll); /* fails while we have it */
    free(places.system_dll);
    free(places.double_path);
    free(places.folder);
    return 0;
}

struct process *start_double(const char *mode)
{
    const char *argv[] = {places.double_path, mode, NULL};
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

void stop_double(struct process *process)
{
    process_stop(process, 0);
    process_free(process);
}

int set_up(void **state)
{
    *state = start_double("serve");
    return 0;
}

int tear_down(void **state)
{
    stop_double(*state);
    remove_letters();
    return 0;
}

DWORD bytes_sent(void)
{
    DWORD bytes = 0;
    DWORD size = sizeof(bytes);

    RegGetValueW(HKEY_CURRENT_USER, L"Software\\MooringTest", L"Bytes", RRF_RT_REG_DWORD, NULL,
                 &bytes, &size);
    return bytes;
}
