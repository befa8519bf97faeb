#include "opener.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <objbase.h>
#include <shellapi.h>
#include <winnetwk.h>

#include "base/str.h"
#include "base/win32.h"

#define CLIPBOARD_TRIES 10
#define CLIPBOARD_STEP_MS 50

enum { PATH_UNITS = 32768 };

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

/* Without a window of ours as its owner, the clipboard takes nothing. Other programs hold it for
 * moments. */
static bool open_clipboard(HWND window)
{
    bool is_open = OpenClipboard(window);

    for (int i = 0; i < CLIPBOARD_TRIES && !is_open; i++) {
        Sleep(CLIPBOARD_STEP_MS);
        is_open = OpenClipboard(window);
    }
    return is_open;
}

static bool put_into_clipboard(HGLOBAL memory)
{
    HWND window = CreateWindowExW(0, L"STATIC", L"", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL);
    bool is_good = false;

    if (open_clipboard(window)) {
        is_good = EmptyClipboard() && SetClipboardData(CF_UNICODETEXT, memory);
        CloseClipboard();
    }
    if (window) {
        DestroyWindow(window);
    }
    return is_good;
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
        is_good = put_into_clipboard(memory);
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

/* "F:\x" becomes "\\mooring\contoso\x" for a letter of a network: without asking the network. */
static int network_path(char **out, const char *path, struct error *err)
{
    const wchar_t drive[] = {(wchar_t)path[0], L':', L'\0'};
    wchar_t *remote = calloc(PATH_UNITS, sizeof(*remote));
    DWORD units = PATH_UNITS;
    char *text = NULL;
    int code = remote ? 0 : error_set(err, ERR_NO_MEMORY, "no memory for a path");

    if (code == 0 &&
        (!path[0] || path[1] != ':' || WNetGetConnectionW(drive, remote, &units) != NO_ERROR)) {
        code = ERR_NOT_FOUND;
    }
    if (code == 0) {
        code = win32_utf8(&text, remote, err);
    }
    if (code == 0) {
        code = str_format(out, err, "%s%s", text, path + 2);
    }
    free(remote);
    free(text);
    return code;
}

/* Through links and letters that are folders elsewhere. */
static int final_path(char **out, const char *path, struct error *err)
{
    wchar_t *wide = NULL;
    wchar_t *final = NULL;
    HANDLE file = INVALID_HANDLE_VALUE;
    DWORD units = 0;
    int code = win32_wide_path(&wide, path, err);

    if (code < 0) {
        return code;
    }
    final = calloc(PATH_UNITS, sizeof(*final));
    file = CreateFileW(wide, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                       OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (final && file != INVALID_HANDLE_VALUE) {
        units = GetFinalPathNameByHandleW(file, final, PATH_UNITS, VOLUME_NAME_DOS);
    }
    code = units > 0 && units < PATH_UNITS
               ? win32_utf8(out, final, err)
               : error_set(err, ERR_NOT_FOUND, "'%.100s' is not there", path);
    if (file != INVALID_HANDLE_VALUE) {
        CloseHandle(file);
    }
    free(wide);
    free(final);
    return code;
}

int opener_real(char **out, const char *path, struct error *err)
{
    char *absolute = NULL;
    int code = opener_absolute(&absolute, path, err);

    if (code == 0) {
        code = network_path(out, absolute, err);
        code = code == ERR_NOT_FOUND ? final_path(out, absolute, err) : code;
    }
    free(absolute);
    return code;
}
