/*
 * np_registration.c - the keys that mpr.dll reads. The key of the provider is whole before its word
 * stands in the list, and the word is gone before the key goes, so that a program that starts
 * meanwhile never finds half of it.
 */
#include "np_registration.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/process.h"
#include "base/str.h"
#include "base/win32.h"
#include "np_order.h"

#define ORDER_KEY L"SYSTEM\\CurrentControlSet\\Control\\NetworkProvider\\Order"
#define ORDER_VALUE L"ProviderOrder"
#define SERVICE "MooringNP" /* as transport/np_protocol.h has it */
#define SERVICE_KEY L"SYSTEM\\CurrentControlSet\\Services\\MooringNP"
#define PROVIDER_KEY SERVICE_KEY L"\\NetworkProvider"

/* Expanded by each process for itself: one of 32 bits finds its own DLL of the same name in
 * SysWOW64. */
#define DLL_PATH L"%SystemRoot%\\System32\\mooringnp.dll"

#define NETWORK_CLASS 1 /* never 2: a credential manager would be given passwords */

enum { ORDER_BYTES = 65536 };

static int failed(struct error *err, LSTATUS status, const char *what)
{
    if (status == ERROR_ACCESS_DENIED) {
        return error_set_os(err, ERR_DENIED, (int)status, "cannot %s: run this as an administrator",
                            what);
    }
    return win32_failed(err, (unsigned long)status, "cannot %s", what);
}

/* *out = the text of a value, not expanded; NULL when there is none. */
static int read_text(char **out, const wchar_t *key, const wchar_t *value, DWORD flags,
                     struct error *err)
{
    wchar_t *text = calloc(1, ORDER_BYTES);
    DWORD size = ORDER_BYTES;
    LSTATUS status;
    int code = 0;

    if (!text) {
        return error_set(err, ERR_NO_MEMORY, "no memory to read the registry");
    }
    status = RegGetValueW(HKEY_LOCAL_MACHINE, key, value, flags, NULL, text, &size);
    if (status == ERROR_SUCCESS) {
        code = win32_utf8(out, text, err);
    } else if (status == ERROR_FILE_NOT_FOUND) {
        str_free(out);
    } else if (status == ERROR_UNSUPPORTED_TYPE) {
        code = error_set(err, ERR_UNSUPPORTED, "a value of the network providers is no text");
    } else {
        code = failed(err, status, "read the registry");
    }
    free(text);
    return code;
}

static int read_order(char **out, struct error *err)
{
    int code = read_text(out, ORDER_KEY, ORDER_VALUE,
                         RRF_RT_REG_SZ | RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND, err);

    return code == 0 && !*out ? str_copy(out, "", err) : code;
}

static int write_text(const wchar_t *key, const wchar_t *value, DWORD type, const char *text,
                      struct error *err)
{
    wchar_t *wide = NULL;
    HKEY handle = NULL;
    LSTATUS status;
    int code = win32_wide(&wide, text, err);

    if (code < 0) {
        return code;
    }
    status =
        RegCreateKeyExW(HKEY_LOCAL_MACHINE, key, 0, NULL, 0, KEY_SET_VALUE, NULL, &handle, NULL);
    if (status == ERROR_SUCCESS) {
        status = RegSetValueExW(handle, value, 0, type, (const BYTE *)wide,
                                (DWORD)((wcslen(wide) + 1) * sizeof(*wide)));
        RegCloseKey(handle);
    }
    free(wide);
    return status == ERROR_SUCCESS ? 0 : failed(err, status, "register the network provider");
}

static int write_class(struct error *err)
{
    DWORD number = NETWORK_CLASS;
    LSTATUS status = RegSetKeyValueW(HKEY_LOCAL_MACHINE, PROVIDER_KEY, L"Class", REG_DWORD, &number,
                                     sizeof(number));

    return status == ERROR_SUCCESS ? 0 : failed(err, status, "register the network provider");
}

/* The type stays what it was: a list with variables in it is written back with them. */
static int write_order(const char *order, struct error *err)
{
    DWORD type = REG_SZ;

    RegGetValueW(HKEY_LOCAL_MACHINE, ORDER_KEY, ORDER_VALUE,
                 RRF_RT_REG_SZ | RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND, &type, NULL, NULL);
    return write_text(ORDER_KEY, ORDER_VALUE, type == REG_EXPAND_SZ ? REG_EXPAND_SZ : REG_SZ, order,
                      err);
}

static int write_key(const char *folder, struct error *err)
{
    char *path = NULL;
    int code = write_text(SERVICE_KEY, L"Group", REG_SZ, "NetworkProvider", err);

    if (code == 0) {
        code = write_text(PROVIDER_KEY, L"AgentFolder", REG_SZ, folder, err);
    }
    if (code == 0) {
        code = write_text(PROVIDER_KEY, L"DeviceName", REG_SZ, "\\Device\\WinFsp.Mup", err);
    }
    if (code == 0) {
        code = write_class(err);
    }
    if (code == 0) {
        code = win32_utf8(&path, DLL_PATH, err);
    }
    if (code == 0) {
        code = write_text(PROVIDER_KEY, L"ProviderPath", REG_EXPAND_SZ, path, err);
    }
    if (code == 0) {
        code = write_text(PROVIDER_KEY, L"Name", REG_SZ, "Mooring", err);
    }
    free(path);
    return code;
}

int np_register(const char *folder, struct error *err)
{
    char *own = NULL;
    char *order = NULL;
    char *wanted = NULL;
    int code = folder ? str_copy(&own, folder, err) : process_own_folder(&own, err);

    if (code == 0) {
        code = read_order(&order, err);
    }
    if (code == 0) {
        code = np_order_add(&wanted, order, SERVICE, err);
    }
    if (code == 0) {
        code = write_key(own, err);
    }
    if (code == 0 && strcmp(order, wanted) != 0) {
        code = write_order(wanted, err);
    }
    free(wanted);
    free(order);
    free(own);
    return code;
}

int np_unregister(struct error *err)
{
    char *order = NULL;
    char *wanted = NULL;
    LSTATUS status;
    int code = read_order(&order, err);

    if (code == 0) {
        code = np_order_remove(&wanted, order, SERVICE, err);
    }
    if (code == 0 && np_order_find(order, SERVICE, NULL) > 0) {
        code = write_order(wanted, err);
    }
    if (code == 0) {
        status = RegDeleteTreeW(HKEY_LOCAL_MACHINE, SERVICE_KEY);
        if (status != ERROR_SUCCESS && status != ERROR_FILE_NOT_FOUND) {
            code = failed(err, status, "remove the network provider");
        }
    }
    free(wanted);
    free(order);
    return code;
}

int np_inspect(struct np_state *out, struct error *err)
{
    wchar_t *wide = NULL;
    unsigned winfsp;
    int code;

    memset(out, 0, sizeof(*out));
    code = read_order(&out->order, err);
    if (code == 0) {
        out->position = np_order_find(out->order, SERVICE, &out->count);
        winfsp = np_order_find(out->order, "WinFsp.Np", NULL);
        out->is_first_of_winfsp = winfsp == 0 || out->position < winfsp;
        code = read_text(&out->dll, PROVIDER_KEY, L"ProviderPath", RRF_RT_REG_SZ, err);
    }
    if (code == 0) {
        code = read_text(&out->folder, PROVIDER_KEY, L"AgentFolder", RRF_RT_REG_SZ, err);
    }
    if (code == 0 && out->dll) {
        code = win32_wide(&wide, out->dll, err);
    }
    if (wide) {
        DWORD attributes = GetFileAttributesW(wide);

        out->has_dll =
            attributes != INVALID_FILE_ATTRIBUTES && !(attributes & FILE_ATTRIBUTE_DIRECTORY);
    }
    free(wide);
    if (code < 0) {
        np_state_clear(out);
    }
    return code;
}

void np_state_clear(struct np_state *state)
{
    str_free(&state->order);
    str_free(&state->dll);
    str_free(&state->folder);
}
