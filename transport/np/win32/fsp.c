#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <windows.h>

#include "fsp.h"

#include "base/win32.h"

#define PATH_UNITS 1024

#if defined(__aarch64__)
#define DLL L"winfsp-a64.dll"
#elif defined(__x86_64__)
#define DLL L"winfsp-x64.dll"
#else
#define DLL L"winfsp-x86.dll"
#endif

static int missing(struct error *err)
{
    return error_set(err, ERR_UNSUPPORTED,
                     "WinFsp is not installed; install WinFsp 2.2 or later (https://winfsp.dev)");
}

/* The installer writes to the 32-bit part of the registry on every Windows. */
static bool find_path(wchar_t path[PATH_UNITS])
{
    DWORD size = (PATH_UNITS - 32) * sizeof(*path);
    size_t units;

    if (RegGetValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\WinFsp", L"InstallDir",
                     RRF_RT_REG_SZ | RRF_SUBKEY_WOW6432KEY, NULL, path, &size) != ERROR_SUCCESS) {
        return false;
    }
    units = wcslen(path);
    if (units == 0) {
        return false;
    }
    if (path[units - 1] != L'\\') {
        path[units++] = L'\\';
        path[units] = L'\0';
    }
    lstrcpynW(path + units, L"bin\\" DLL, (int)(PATH_UNITS - units));
    return true;
}

static bool find(void *slot, HMODULE module, const char *name)
{
    FARPROC function = GetProcAddress(module, name);

    *(FARPROC *)slot = function;
    return function != NULL;
}

int fsp_load(struct fsp_api *out, struct error *err)
{
    fsp_status (*version)(uint32_t *) = NULL;
    struct fsp_api api = {.version = 0};
    wchar_t path[PATH_UNITS];
    uint32_t number = 0;
    HMODULE module;

    if (!find_path(path)) {
        return missing(err);
    }
    module =
        LoadLibraryExW(path, NULL, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (!module) {
        DWORD os_code = GetLastError();

        return os_code == ERROR_MOD_NOT_FOUND
                   ? missing(err)
                   : error_set_os(err, ERR_UNSUPPORTED, (int)os_code,
                                  "WinFsp's DLL cannot be loaded; repair WinFsp");
    }
    if (!find(&version, module, "FspVersion") || version(&number) < 0) {
        return error_set(err, ERR_UNSUPPORTED, "WinFsp does not tell its version; repair WinFsp");
    }
    api.version = number;
    if (number < FSP_OLDEST) {
        return error_set(err, ERR_UNSUPPORTED,
                         "WinFsp %u.%u is too old; install WinFsp 2.2 or later "
                         "(https://winfsp.dev)",
                         (unsigned)(number >> 16), (unsigned)(number & 0xFFFF));
    }
    if (!find(&api.create, module, "FspFileSystemCreate") ||
        !find(&api.start_dispatcher, module, "FspFileSystemStartDispatcher") ||
        !find(&api.stop_dispatcher, module, "FspFileSystemStopDispatcher") ||
        !find(&api.destroy, module, "FspFileSystemDelete") ||
        !find(&api.add_dir_info, module, "FspFileSystemAddDirInfo") ||
        !find(&api.notify_begin, module, "FspFileSystemNotifyBegin") ||
        !find(&api.notify, module, "FspFileSystemNotify") ||
        !find(&api.notify_end, module, "FspFileSystemNotifyEnd")) {
        return error_set(err, ERR_UNSUPPORTED, "WinFsp's DLL is not whole; repair WinFsp");
    }
    *out = api;
    return 0;
}
