/*
 * proxy_system.c - the proxy of the user's Windows settings (windows-facts 7.2): a script that is
 * named or looked for (WPAD), else the fixed list with its exceptions.
 */
#include "graph/proxy.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <winhttp.h>

#include "base/str.h"
#include "base/win32.h"

#define TIMEOUT_MS 10000

bool proxy_system_is_asked(void)
{
    return true;
}

bool proxy_system_has_sign_on(void)
{
    return true;
}

/* The proxy list that the script gives. It is read on this session's own connection, so that a
 * script on the network is asked for again when the network changed. */
static bool ask_script(WINHTTP_PROXY_INFO *found, const wchar_t *url,
                       const WINHTTP_CURRENT_USER_IE_PROXY_CONFIG *config)
{
    WINHTTP_AUTOPROXY_OPTIONS options = {
        .dwFlags = config->fAutoDetect ? WINHTTP_AUTOPROXY_AUTO_DETECT : 0,
        .lpszAutoConfigUrl = config->lpszAutoConfigUrl};
    HINTERNET session = WinHttpOpen(L"Mooring", WINHTTP_ACCESS_TYPE_NO_PROXY, NULL, NULL, 0);
    bool is_found;

    if (!session) {
        return false;
    }
    if (config->fAutoDetect) {
        options.dwAutoDetectFlags = WINHTTP_AUTO_DETECT_TYPE_DHCP | WINHTTP_AUTO_DETECT_TYPE_DNS_A;
    }
    if (config->lpszAutoConfigUrl) {
        options.dwFlags |= WINHTTP_AUTOPROXY_CONFIG_URL;
    }
    WinHttpSetTimeouts(session, TIMEOUT_MS, TIMEOUT_MS, TIMEOUT_MS, TIMEOUT_MS);
    is_found = WinHttpGetProxyForUrl(session, url, &options, found);
    if (!is_found && GetLastError() == ERROR_WINHTTP_LOGIN_FAILURE) {
        options.fAutoLogonIfChallenged = TRUE;
        is_found = WinHttpGetProxyForUrl(session, url, &options, found);
    }
    WinHttpCloseHandle(session);
    return is_found;
}

/* "host" of "https://host:443". */
static int host_of(char **out, const char *url, struct error *err)
{
    const char *host = strstr(url, "://");

    host = host ? host + 3 : url;
    return str_copy_n(out, host, strcspn(host, ":/"), err);
}

/* *out = the first proxy of the list, or "" when `url` is one of its exceptions. */
static int read_wide(char **out, const wchar_t *list, const wchar_t *bypass, const char *url,
                     struct error *err)
{
    char *text = NULL;
    char *exceptions = NULL;
    char *host = NULL;
    int code = win32_utf8(&text, list, err);

    if (code == 0 && bypass) {
        code = win32_utf8(&exceptions, bypass, err);
    }
    if (code == 0) {
        code = host_of(&host, url, err);
    }
    if (code == 0) {
        code = exceptions && proxy_is_bypassed(host, exceptions) ? str_copy(out, "", err)
                                                                 : proxy_read_list(out, text, err);
    }
    free(text);
    free(exceptions);
    free(host);
    return code;
}

static int find(char **out, const char *url, const WINHTTP_CURRENT_USER_IE_PROXY_CONFIG *config,
                struct error *err)
{
    WINHTTP_PROXY_INFO found = {0};
    wchar_t *wide = NULL;
    int code = win32_wide(&wide, url, err);

    if (code == 0 && (config->fAutoDetect || config->lpszAutoConfigUrl) &&
        ask_script(&found, wide, config)) {
        code = found.dwAccessType == WINHTTP_ACCESS_TYPE_NAMED_PROXY && found.lpszProxy
                   ? read_wide(out, found.lpszProxy, found.lpszProxyBypass, url, err)
                   : str_copy(out, "", err);
    } else if (code == 0) {
        code = config->lpszProxy
                   ? read_wide(out, config->lpszProxy, config->lpszProxyBypass, url, err)
                   : str_copy(out, "", err);
    }
    GlobalFree(found.lpszProxy);
    GlobalFree(found.lpszProxyBypass);
    free(wide);
    return code;
}

int proxy_system_find(char **out, const char *url, struct error *err)
{
    WINHTTP_CURRENT_USER_IE_PROXY_CONFIG config = {0};
    int code;

    if (!WinHttpGetIEProxyConfigForCurrentUser(&config)) {
        return str_copy(out, "", err); /* nothing is configured */
    }
    code = find(out, url, &config, err);
    GlobalFree(config.lpszAutoConfigUrl);
    GlobalFree(config.lpszProxy);
    GlobalFree(config.lpszProxyBypass);
    return code;
}
