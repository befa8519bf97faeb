#include "base/win32.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <sddl.h>

#include "base/str.h"
#include "base/utf16.h"

_Static_assert(sizeof(wchar_t) == sizeof(uint16_t), "WCHAR is a unit of UTF-16");

int win32_wide(wchar_t **out, const char *text, struct error *err)
{
    uint16_t *wide = NULL;
    int code = utf16_from_utf8(&wide, NULL, text, err);

    if (code == 0) {
        free(*out);
        *out = (wchar_t *)wide;
    }
    return code;
}

int win32_utf8(char **out, const wchar_t *text, struct error *err)
{
    return utf16_to_utf8(out, (const uint16_t *)text, wcslen(text), err);
}

/* What goes in front of an absolute path, and how much of the path it replaces. */
static const wchar_t *long_prefix(const wchar_t *path, size_t *skipped)
{
    *skipped = 0;
    if (wcsncmp(path, L"\\\\?\\", 4) == 0 || wcsncmp(path, L"\\\\.\\", 4) == 0) {
        return L"";
    }
    if (wcsncmp(path, L"\\\\", 2) == 0) {
        *skipped = 2;
        return L"\\\\?\\UNC\\";
    }
    return L"\\\\?\\";
}

int win32_wide_path(wchar_t **out, const char *path, struct error *err)
{
    wchar_t *wide = NULL;
    wchar_t *whole = NULL;
    wchar_t *made = NULL;
    const wchar_t *prefix;
    size_t skipped;
    size_t size;
    DWORD length;
    int code = *path ? win32_wide(&wide, path, err) : error_set(err, ERR_NOT_FOUND, "empty path");

    if (code < 0) {
        return code;
    }
    for (wchar_t *c = wide; *c; c++) {
        *c = *c == L'/' ? L'\\' : *c;
    }
    length = GetFullPathNameW(wide, 0, NULL, NULL);
    whole = length ? calloc(length, sizeof(*whole)) : NULL;
    if (!whole || GetFullPathNameW(wide, length, whole, NULL) >= length) {
        code = win32_failed(err, GetLastError(), "cannot use the path '%s'", path);
        goto out;
    }
    prefix = long_prefix(whole, &skipped);
    size = wcslen(prefix) + wcslen(whole + skipped) + 1;
    made = calloc(size, sizeof(*made));
    if (!made) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for a path");
        goto out;
    }
    memcpy(made, prefix, wcslen(prefix) * sizeof(*made));
    memcpy(made + wcslen(prefix), whole + skipped, (wcslen(whole + skipped) + 1) * sizeof(*made));
    free(*out);
    *out = made;
out:
    free(whole);
    free(wide);
    return code;
}

int win32_environment(char **out, const char *name, struct error *err)
{
    wchar_t *wide = NULL;
    wchar_t *value = NULL;
    DWORD size = 0;
    int code = win32_wide(&wide, name, err);

    if (code == 0) {
        size = GetEnvironmentVariableW(wide, NULL, 0);
        value = size ? calloc(size, sizeof(*value)) : NULL;
    }
    if (code == 0 && size == 0) {
        code = error_set(err, ERR_NOT_FOUND, "the variable %s is not set", name);
    } else if (code == 0 && !value) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for the variable %s", name);
    } else if (code == 0 && GetEnvironmentVariableW(wide, value, size) >= size) {
        code = error_set(err, ERR_NOT_FOUND, "the variable %s changed meanwhile", name);
    } else if (code == 0) {
        code = win32_utf8(out, value, err);
    }
    free(value);
    free(wide);
    return code;
}

int win32_user_sid(char **out, struct error *err)
{
    union {
        TOKEN_USER user;
        char room[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    } token;
    HANDLE handle = NULL;
    wchar_t *text = NULL;
    DWORD size = 0;
    int code = 0;

    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &handle)) {
        return win32_failed(err, GetLastError(), "cannot ask who the user is");
    }
    if (!GetTokenInformation(handle, TokenUser, &token, sizeof(token), &size) ||
        !ConvertSidToStringSidW(token.user.User.Sid, &text)) {
        code = win32_failed(err, GetLastError(), "cannot ask who the user is");
    } else {
        code = win32_utf8(out, text, err);
    }
    LocalFree(text);
    CloseHandle(handle);
    return code;
}

void *win32_private_descriptor(const char *rights, struct error *err)
{
    PSECURITY_DESCRIPTOR descriptor = NULL;
    char *sid = NULL;
    char *text = NULL;
    wchar_t *wide = NULL;
    int code = win32_user_sid(&sid, err);

    if (code == 0) {
        /* P: what the parent grants to others does not come in */
        code = str_format(&text, err, "O:%sD:P(A;OICI;%s;;;SY)(A;OICI;%s;;;%s)", sid, rights,
                          rights, sid);
    }
    if (code == 0) {
        code = win32_wide(&wide, text, err);
    }
    if (code == 0 && !ConvertStringSecurityDescriptorToSecurityDescriptorW(wide, SDDL_REVISION_1,
                                                                           &descriptor, NULL)) {
        descriptor = NULL;
        win32_failed(err, GetLastError(), "cannot make a security descriptor");
    }
    free(wide);
    free(text);
    free(sid);
    return descriptor;
}

void *win32_system_library(const wchar_t *name)
{
    return LoadLibraryExW(name, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
}
