/*
 * sso.c - IProofOfPossessionCookieInfoManager, as Firefox and Edge use it: CLSID and IID of
 * windows-facts 7.1. The server is a DLL of Windows (MicrosoftAccountTokenProvider.dll); Wine has
 * none.
 */
#include "graph/sso.h"

#include <stdlib.h>
#include <string.h>
#include <initguid.h>
#include <windows.h>
#include <objbase.h>

#include "base/secret.h"
#include "base/win32.h"

/* Ours, since the header of the SDK is newer than some toolchains; the layout is documented. */
struct cookie {
    LPWSTR name;
    LPWSTR data;
    DWORD flags;
    LPWSTR p3p;
};

struct manager;
struct manager_functions {
    HRESULT(STDMETHODCALLTYPE *query)(struct manager *, REFIID, void **);
    ULONG(STDMETHODCALLTYPE *add_ref)(struct manager *);
    ULONG(STDMETHODCALLTYPE *release)(struct manager *);
    HRESULT(STDMETHODCALLTYPE *get)(struct manager *, LPCWSTR uri, DWORD *count, struct cookie **);
};
struct manager {
    const struct manager_functions *functions;
};

DEFINE_GUID(class_id, 0xA9927F85, 0xA304, 0x4390, 0x8B, 0x23, 0xA7, 0x5F, 0x1C, 0x66, 0x86, 0x00);
DEFINE_GUID(interface_id, 0xCDAECE56, 0x4EDF, 0x43DF, 0xB1, 0x13, 0x88, 0xE4, 0x55, 0x6F, 0xA1,
            0xBB);

#define COOKIES_MAX 64

static void wipe(wchar_t *text)
{
    if (text) {
        secret_wipe(text, wcslen(text) * sizeof(*text));
    }
    CoTaskMemFree(text);
}

/* Takes all of it over. */
static int take(struct str_list *headers, struct cookie *cookies, DWORD count, struct error *err)
{
    int code = 0;

    for (DWORD i = 0; i < count; i++) {
        char *name = NULL;
        char *data = NULL;

        if (code == 0 && i < COOKIES_MAX && cookies[i].name && cookies[i].data) {
            code = win32_utf8(&name, cookies[i].name, err);
            if (code == 0) {
                code = win32_utf8(&data, cookies[i].data, err);
            }
            if (code == 0) {
                code = sso_add_header(headers, name, data, err);
            }
        }
        free(name);
        secret_free(&data);
        CoTaskMemFree(cookies[i].name);
        wipe(cookies[i].data);
        CoTaskMemFree(cookies[i].p3p);
    }
    CoTaskMemFree(cookies);
    return code;
}

static int ask(struct str_list *headers, const wchar_t *url, struct error *err)
{
    struct manager *manager = NULL;
    struct cookie *cookies = NULL;
    DWORD count = 0;
    HRESULT result =
        CoCreateInstance(&class_id, NULL, CLSCTX_INPROC_SERVER, &interface_id, (void **)&manager);

    if (FAILED(result)) {
        return error_set_os(err, ERR_UNSUPPORTED, result,
                            "Windows offers no sign-in of the device here (0x%08lX)",
                            (unsigned long)result);
    }
    result = manager->functions->get(manager, url, &count, &cookies);
    manager->functions->release(manager);
    if (FAILED(result)) {
        return error_set_os(err, ERR_NOT_FOUND, result,
                            "Windows gives no sign-in of the device (0x%08lX)",
                            (unsigned long)result);
    }
    return cookies ? take(headers, cookies, count, err) : 0;
}

bool sso_system_exists(void)
{
    return true;
}

int sso_system_ask(struct str_list *headers, const char *url, struct error *err)
{
    wchar_t *wide = NULL;
    HRESULT result;
    int code = win32_wide(&wide, url, err);

    if (code == 0) {
        result = CoInitializeEx(NULL, COINIT_MULTITHREADED);
        code = ask(headers, wide, err);
        if (SUCCEEDED(result)) { /* else the thread is another kind already, which works, too */
            CoUninitialize();
        }
    }
    free(wide);
    return code;
}
