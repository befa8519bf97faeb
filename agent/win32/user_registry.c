#include "user_registry.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/str.h"
#include "base/win32.h"

#define VIEW KEY_WOW64_64KEY

enum { NAME_UNITS = 256, TEXT_BYTES = 65536 };

static int failed(struct error *err, LSTATUS status, const char *key)
{
    return win32_failed(err, (unsigned long)status, "the registry key '%.150s' of this user", key);
}

/* Makes what is missing. */
static int open_key(HKEY *out, HKEY above, const char *key, DWORD options, struct error *err)
{
    wchar_t *wide = NULL;
    LSTATUS status;
    int code = win32_wide(&wide, key, err);

    if (code < 0) {
        return code;
    }
    status = RegCreateKeyExW(above, wide, 0, NULL, options,
                             KEY_SET_VALUE | KEY_CREATE_SUB_KEY | VIEW, NULL, out, NULL);
    free(wide);
    return status == ERROR_SUCCESS ? 0 : failed(err, status, key);
}

static int set_value(const char *shared, const char *own, const char *name, DWORD type,
                     const void *data, size_t size, struct error *err)
{
    wchar_t *wide = NULL;
    HKEY around = NULL;
    HKEY key = NULL;
    LSTATUS status;
    int code = win32_wide(&wide, name, err);

    if (code == 0) {
        code = open_key(&around, HKEY_CURRENT_USER, shared, REG_OPTION_NON_VOLATILE, err);
    }
    if (code == 0 && *own) {
        code = open_key(&key, around, own, REG_OPTION_VOLATILE, err);
    }
    if (code == 0) {
        status = RegSetValueExW(key ? key : around, wide, 0, type, data, (DWORD)size);
        code = status == ERROR_SUCCESS ? 0 : failed(err, status, shared);
    }
    if (key) {
        RegCloseKey(key);
    }
    if (around) {
        RegCloseKey(around);
    }
    free(wide);
    return code;
}

int user_registry_set_text(const char *shared, const char *own, const char *name,
                           enum user_registry_kind kind, const char *text, struct error *err)
{
    wchar_t *wide = NULL;
    int code = win32_wide(&wide, text, err);

    if (code == 0) {
        code = set_value(shared, own, name, kind == USER_REGISTRY_EXPAND ? REG_EXPAND_SZ : REG_SZ,
                         wide, (wcslen(wide) + 1) * sizeof(*wide), err);
    }
    free(wide);
    return code;
}

int user_registry_set_number(const char *shared, const char *own, const char *name, uint32_t number,
                             struct error *err)
{
    DWORD value = number;

    return set_value(shared, own, name, REG_DWORD, &value, sizeof(value), err);
}

static LSTATUS open_existing(HKEY *out, const char *key, REGSAM rights)
{
    wchar_t *wide = NULL;
    LSTATUS status;

    if (win32_wide(&wide, key, NULL) < 0) {
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    status = RegOpenKeyExW(HKEY_CURRENT_USER, wide, 0, rights | VIEW, out);
    free(wide);
    return status;
}

int user_registry_get_text(char **out, const char *key, const char *name, struct error *err)
{
    wchar_t *text = calloc(1, TEXT_BYTES);
    wchar_t *wide = NULL;
    DWORD size = TEXT_BYTES;
    HKEY handle = NULL;
    LSTATUS status = open_existing(&handle, key, KEY_QUERY_VALUE);
    int code = text ? win32_wide(&wide, name, err)
                    : error_set(err, ERR_NO_MEMORY, "no memory to read the registry");

    str_free(out);
    if (code == 0 && status == ERROR_SUCCESS) {
        status =
            RegGetValueW(handle, NULL, wide, RRF_RT_REG_SZ | RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND,
                         NULL, text, &size);
    }
    if (handle) {
        RegCloseKey(handle);
    }
    if (code == 0 && status == ERROR_SUCCESS) {
        code = win32_utf8(out, text, err);
    } else if (code == 0 && status != ERROR_FILE_NOT_FOUND && status != ERROR_UNSUPPORTED_TYPE) {
        code = failed(err, status, key);
    }
    free(wide);
    free(text);
    return code;
}

static bool is_empty(HKEY key)
{
    DWORD keys = 0;
    DWORD values = 0;

    return RegQueryInfoKeyW(key, NULL, NULL, NULL, &keys, NULL, NULL, &values, NULL, NULL, NULL,
                            NULL) == ERROR_SUCCESS &&
           keys == 0 && values == 0;
}

static void remove_empty(const char *key, bool *is_gone)
{
    wchar_t *wide = NULL;
    HKEY handle = NULL;
    LSTATUS status = open_existing(&handle, key, KEY_QUERY_VALUE);

    *is_gone = status == ERROR_FILE_NOT_FOUND;
    if (status == ERROR_SUCCESS && is_empty(handle) && win32_wide(&wide, key, NULL) == 0) {
        *is_gone = RegDeleteKeyExW(HKEY_CURRENT_USER, wide, VIEW, 0) == ERROR_SUCCESS;
    }
    if (handle) {
        RegCloseKey(handle);
    }
    free(wide);
}

void user_registry_prune(const char *key, const char *stop)
{
    char *at = NULL;
    char *slash;
    bool is_gone = true;

    if (str_copy(&at, key, NULL) < 0) {
        return;
    }
    while (is_gone && strlen(at) > strlen(stop) && str_starts_with_nocase(at, stop)) {
        remove_empty(at, &is_gone);
        slash = strrchr(at, '\\');
        if (!slash) {
            break;
        }
        *slash = '\0';
    }
    free(at);
}

int user_registry_remove(const char *shared, const char *own, const char *stop, struct error *err)
{
    wchar_t *wide = NULL;
    HKEY around = NULL;
    LSTATUS status = open_existing(
        &around, shared, DELETE | KEY_ENUMERATE_SUB_KEYS | KEY_QUERY_VALUE | KEY_SET_VALUE);
    int code = win32_wide(&wide, own, err);

    if (code == 0 && status == ERROR_SUCCESS) {
        status = RegDeleteTreeW(around, wide);
    }
    if (around) {
        RegCloseKey(around);
    }
    free(wide);
    if (code == 0 && status != ERROR_SUCCESS && status != ERROR_FILE_NOT_FOUND) {
        return failed(err, status, shared);
    }
    user_registry_prune(shared, stop);
    return code;
}

int user_registry_remove_value(const char *key, const char *name, struct error *err)
{
    wchar_t *wide = NULL;
    HKEY handle = NULL;
    LSTATUS status = open_existing(&handle, key, KEY_SET_VALUE);
    int code = win32_wide(&wide, name, err);

    if (code == 0 && status == ERROR_SUCCESS) {
        status = RegDeleteValueW(handle, wide);
    }
    if (handle) {
        RegCloseKey(handle);
    }
    free(wide);
    return code == 0 && status != ERROR_SUCCESS && status != ERROR_FILE_NOT_FOUND
               ? failed(err, status, key)
               : code;
}

int user_registry_visit(const char *key, void (*visit)(void *payload, const char *name),
                        void *payload, struct error *err)
{
    struct str_list names = {0};
    wchar_t wide[NAME_UNITS];
    HKEY handle = NULL;
    LSTATUS status = open_existing(&handle, key, KEY_ENUMERATE_SUB_KEYS);
    int code = 0;

    if (status != ERROR_SUCCESS) {
        return status == ERROR_FILE_NOT_FOUND ? 0 : failed(err, status, key);
    }
    for (DWORD i = 0; code == 0; i++) {
        DWORD units = NAME_UNITS;
        char *name = NULL;

        status = RegEnumKeyExW(handle, i, wide, &units, NULL, NULL, NULL, NULL);
        if (status != ERROR_SUCCESS) {
            break;
        }
        code = win32_utf8(&name, wide, err);
        code = code == 0 ? str_list_add(&names, name, err) : code;
        free(name);
    }
    RegCloseKey(handle);
    for (size_t i = 0; i < names.count; i++) {
        visit(payload, names.items[i]);
    }
    str_list_clear(&names);
    return code;
}
