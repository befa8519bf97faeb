#include "opener.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <objbase.h>
#include <shellapi.h>

#include "base/file.h"
#include "base/str.h"
#include "base/win32.h"

static bool is_target(const char *target)
{
    bool is_path = (target[0] && target[1] == ':') || str_starts_with(target, "\\\\");

    return str_starts_with(target, "https://") || str_starts_with(target, "ms-") || is_path;
}

int opener_open(const char *target, struct error *err)
{
    wchar_t *wide = NULL;
    HRESULT com;
    intptr_t result;

    if (!is_target(target)) {
        return error_set(err, ERR_INVALID, "'%.100s' is nothing to open", target);
    }
    if (win32_wide(&wide, target, err) < 0) {
        return err ? err->code : ERR_INVALID;
    }
    com = CoInitializeEx(NULL, COINIT_APARTMENTTHREADED | COINIT_DISABLE_OLE1DDE);
    result = (intptr_t)ShellExecuteW(NULL, L"open", wide, NULL, NULL, SW_SHOWNORMAL);
    if (SUCCEEDED(com)) {
        CoUninitialize();
    }
    free(wide);
    return result > 32 ? 0
                       : error_set(err, ERR_UNSUPPORTED,
                                   "Windows has no program for it (ShellExecute: %d)", (int)result);
}

int opener_copy(const char *text, struct error *err)
{
    wchar_t *wide = NULL;
    HGLOBAL memory = NULL;
    void *place = NULL;
    size_t bytes;
    bool is_good = false;

    if (win32_wide(&wide, text, err) < 0) {
        return err ? err->code : ERR_INVALID;
    }
    bytes = (wcslen(wide) + 1) * sizeof(*wide);
    memory = GlobalAlloc(GMEM_MOVEABLE, bytes);
    place = memory ? GlobalLock(memory) : NULL;
    if (place) {
        memcpy(place, wide, bytes);
        GlobalUnlock(memory);
        if (OpenClipboard(NULL)) {
            is_good = EmptyClipboard() && SetClipboardData(CF_UNICODETEXT, memory);
            CloseClipboard();
        }
    }
    if (memory && !is_good) {
        GlobalFree(memory); /* otherwise it is the clipboard's */
    }
    free(wide);
    return is_good ? 0 : error_set(err, ERR_UNSUPPORTED, "the clipboard could not be opened");
}

int opener_absolute(char **out, const char *path, struct error *err)
{
    wchar_t *wide = NULL;
    wchar_t *full = NULL;
    DWORD units;
    int code = win32_wide(&wide, path, err);

    if (code < 0) {
        return code;
    }
    units = GetFullPathNameW(wide, 0, NULL, NULL);
    full = units ? calloc(units, sizeof(*full)) : NULL;
    if (full && GetFullPathNameW(wide, units, full, NULL) < units) {
        code = win32_utf8(out, full, err);
    } else {
        code = win32_failed(err, GetLastError(), "'%.100s' is no path", path);
    }
    free(wide);
    free(full);
    return code;
}

int opener_real(char **out, const char *path, struct error *err)
{
    int code = opener_absolute(out, path, err);

    return code == 0 && !file_exists(*out)
               ? error_set(err, ERR_NOT_FOUND, "'%.100s' is not there", path)
               : code;
}
