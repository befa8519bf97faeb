#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/win32.h"
#include "system_error.h"

void system_error_text(char *out, size_t size, long os_code)
{
    const DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS;
    WCHAR wide[256];
    char *text = NULL;
    DWORD length = FormatMessageW(flags, NULL, (DWORD)os_code,
                                  MAKELANGID(LANG_ENGLISH, SUBLANG_ENGLISH_US), wide, 256, NULL);

    if (length == 0) { /* a Windows without English */
        length = FormatMessageW(flags, NULL, (DWORD)os_code, 0, wide, 256, NULL);
    }
    while (length > 0 && (wide[length - 1] <= L' ' || wide[length - 1] == L'.')) {
        length--;
    }
    wide[length] = L'\0';
    if (length > 0 && win32_utf8(&text, wide, NULL) == 0) {
        snprintf(out, size, "%s", text);
    } else {
        snprintf(out, size, "system error %ld", os_code);
    }
    free(text);
}

int win32_error_code(unsigned long os_code)
{
    switch (os_code) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_DRIVE:
    case ERROR_BAD_NETPATH:
    case ERROR_MOD_NOT_FOUND:
        return ERR_NOT_FOUND;
    case ERROR_FILE_EXISTS:
    case ERROR_ALREADY_EXISTS:
        return ERR_EXISTS;
    case ERROR_ACCESS_DENIED:
    case ERROR_PRIVILEGE_NOT_HELD:
        return ERR_DENIED;
    case ERROR_WRITE_PROTECT:
        return ERR_READ_ONLY;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL:
        return ERR_NO_SPACE;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
    case ERROR_NO_SYSTEM_RESOURCES:
        return ERR_NO_MEMORY;
    case ERROR_DIR_NOT_EMPTY:
        return ERR_NOT_EMPTY;
    case ERROR_DIRECTORY:
        return ERR_NOT_FOLDER;
    case ERROR_INVALID_NAME:
    case ERROR_INVALID_PARAMETER:
    case ERROR_FILENAME_EXCED_RANGE:
        return ERR_INVALID;
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION:
    case ERROR_BUSY:
    case ERROR_PIPE_BUSY:
        return ERR_BUSY;
    case ERROR_SEM_TIMEOUT:
    case WAIT_TIMEOUT:
        return ERR_TIMED_OUT;
    case ERROR_NOT_SAME_DEVICE:
        return ERR_CROSS_LIBRARY;
    case ERROR_TOO_MANY_OPEN_FILES:
        return ERR_LIMIT;
    case ERROR_NOT_SUPPORTED:
    case ERROR_CALL_NOT_IMPLEMENTED:
        return ERR_UNSUPPORTED;
    default:
        return ERR_IO;
    }
}

int win32_failed(struct error *err, unsigned long os_code, const char *fmt, ...)
{
    char text[sizeof(err->message)];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return error_set_os(err, win32_error_code(os_code), (long)os_code, "%s", text);
}
