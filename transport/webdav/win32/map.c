/*
 * map.c - letters and UNC names by WebClient: \\localhost@PORT\SECRET\tenant\site\library.
 *
 * `localhost`, since Windows says who a client is by itself only to names without a dot; the secret
 * takes the place of the share (windows-facts 3.4, 3.5). Connections are temporary: they end with the
 * logon session, and nothing of them is remembered in the profile.
 */
#include "webdav/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
/* needs windows.h before it */
#include <winnetwk.h>

#include "base/str.h"
#include "base/win32.h"
#include "webclient.h"
#include "wnet.h"

#define HOST "\\\\localhost@"
#define SECRET_DIGITS 64u
#define LABELS L"Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\MountPoints2\\"
#define LABEL_VALUE L"_LabelFromReg"

const struct dav_wnet dav_wnet_of_system = {WNetAddConnection2W, WNetCancelConnection2W,
                                            WNetGetConnectionW, webclient_start, webclient_limits};

/* *out = \\localhost@4711\SECRET\a\b */
static int place_name(char **out, const struct dav_place *place, const char *path,
                      struct error *err)
{
    int code = str_format(out, err, HOST "%u\\%s%s%s", (unsigned)place->port, place->secret,
                          *path ? "\\" : "", path);

    for (char *c = code == 0 ? *out : NULL; c && *c; c++) {
        *c = *c == '/' ? '\\' : *c;
    }
    return code;
}

static int remote_name(wchar_t **out, const struct dav_place *place, const char *path,
                       struct error *err)
{
    char *text = NULL;
    int code = place_name(&text, place, path, err);

    if (code == 0) {
        code = win32_wide(out, text, err);
    }
    free(text);
    return code;
}

/* What WNetAddConnection2() says, in words (windows-facts 3.3). The name is not told: it has the
 * secret. */
static int failed(struct error *err, DWORD why, char letter)
{
    char what[32] = "the network path";

    if (letter) {
        snprintf(what, sizeof(what), "the letter %c:", letter);
    }
    switch (why) {
    case ERROR_ALREADY_ASSIGNED:
    case ERROR_DEVICE_ALREADY_REMEMBERED:
        return error_set(err, ERR_EXISTS, "%s is in use", what);
    case ERROR_BAD_NET_NAME:
    case ERROR_BAD_NETPATH:
    case ERROR_NO_NET_OR_BAD_PATH:
        return error_set_os(err, ERR_UNREACHABLE, (long)why,
                            "WebClient does not reach our server for %s; a proxy for localhost, or "
                            "another WebDAV client in its place?",
                            what);
    case ERROR_ACCESS_DENIED:
    case ERROR_NOT_AUTHENTICATED:
        return error_set_os(err, ERR_DENIED, (long)why,
                            "WebClient did not prove who we are to our server for %s; see the "
                            "policy WebDavAuth",
                            what);
    default:
        return win32_failed(err, why, "Windows does not connect %s", what);
    }
}

/* A letter that leads to a gateway of ours, of this agent or of one before it: nobody else's name has
 * so long a number in the place of the share. */
static bool is_ours(const wchar_t *remote)
{
    static const wchar_t host[] = L"\\\\localhost@";
    const wchar_t *share = NULL;

    if (_wcsnicmp(remote, host, wcslen(host)) != 0) {
        return false;
    }
    share = wcschr(remote + wcslen(host), L'\\');
    return share && wcsspn(share + 1, L"0123456789abcdefABCDEF") == SECRET_DIGITS;
}

static void free_letter(const struct dav_wnet *wnet, const wchar_t *local)
{
    wchar_t remote[1024];
    DWORD units = 1024;

    if (wnet->get(local, remote, &units) == NO_ERROR && is_ours(remote)) {
        wnet->cancel(local, 0, TRUE);
    }
}

/* Explorer's key for a path: '#' for each backslash (windows-facts 8). */
static int label_key(wchar_t **out, const wchar_t *remote, struct error *err)
{
    size_t units = wcslen(LABELS) + wcslen(remote) + 1;
    wchar_t *key = calloc(units, sizeof(*key));

    if (!key) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a label");
    }
    wcscpy(key, LABELS);
    wcscat(key, remote);
    for (wchar_t *c = key + wcslen(LABELS); *c; c++) {
        *c = *c == L'\\' ? L'#' : *c;
    }
    *out = key;
    return 0;
}

/* A label is an ornament: what goes wrong is not told. Ours and not the agent's, as those of np are
 * (agent/win32/explorer_keys.c): the key has the secret in its name and goes when the letter goes. */
static void set_label(const wchar_t *remote, const char *label)
{
    wchar_t *key = NULL;
    wchar_t *wide = NULL;

    if (label_key(&key, remote, NULL) == 0 && win32_wide(&wide, label, NULL) == 0) {
        RegSetKeyValueW(HKEY_CURRENT_USER, key, LABEL_VALUE, REG_SZ, wide,
                        (DWORD)((wcslen(wide) + 1) * sizeof(*wide)));
    }
    free(wide);
    free(key);
}

static void drop_label(const wchar_t *remote)
{
    wchar_t *key = NULL;

    if (label_key(&key, remote, NULL) == 0) {
        RegDeleteTreeW(HKEY_CURRENT_USER, key);
    }
    free(key);
}

/* `letter` 0: the names below `remote` alone. */
static int add(const struct dav_wnet *wnet, char letter, wchar_t *remote, struct error *err)
{
    wchar_t local[] = {(wchar_t)letter, L':', L'\0'};
    NETRESOURCEW resource = {
        .dwType = RESOURCETYPE_DISK, .lpLocalName = letter ? local : NULL, .lpRemoteName = remote};
    DWORD why = NO_ERROR;

    if (letter) {
        free_letter(wnet, local);
    }
    why = wnet->add(&resource, NULL, NULL, CONNECT_TEMPORARY);
    return why == NO_ERROR ? 0 : failed(err, why, letter);
}

/* Keys of agents that were killed: their secrets come to no use any more, but stay nobody's. */
static void sweep_labels(void)
{
    static const wchar_t host[] = L"##localhost@";
    wchar_t name[256];
    HKEY key = NULL;
    DWORD index = 0;

    if (RegOpenKeyExW(HKEY_CURRENT_USER, LABELS, 0, KEY_READ, &key) != ERROR_SUCCESS) {
        return;
    }
    for (;;) {
        DWORD units = 256;
        const wchar_t *share = NULL;
        wchar_t *path = NULL;

        if (RegEnumKeyExW(key, index, name, &units, NULL, NULL, NULL, NULL) != ERROR_SUCCESS) {
            break;
        }
        share = _wcsnicmp(name, host, wcslen(host)) == 0 ? wcschr(name + wcslen(host), L'#') : NULL;
        if (share && wcsspn(share + 1, L"0123456789abcdef") == SECRET_DIGITS &&
            label_key(&path, name, NULL) == 0 &&
            RegDeleteTreeW(HKEY_CURRENT_USER, path) == ERROR_SUCCESS) {
            index--; /* the next one has its place */
        }
        free(path);
        index++;
    }
    RegCloseKey(key);
}

static int ready(void *payload, const struct dav_place *place, char **note, struct error *err)
{
    const struct dav_wnet *wnet = payload;
    wchar_t *remote = NULL;
    int code = 0;

    sweep_labels();
    code = wnet->start(err);
    if (code == 0) {
        code = remote_name(&remote, place, "", err);
    }
    if (code == 0) {
        code = add(wnet, '\0', remote, err);
    }
    if (code == 0) {
        code = wnet->limits(note, err);
    }
    free(remote);
    return code;
}

static int connect_letter(void *payload, const struct dav_place *place, char letter,
                          const char *path, const char *label, struct error *err)
{
    wchar_t *remote = NULL;
    int code = remote_name(&remote, place, path, err);

    if (code == 0) {
        if (label && *label) {
            set_label(remote, label); /* before Explorer looks */
        }
        code = add(payload, letter, remote, err);
        if (code < 0) {
            drop_label(remote);
        }
    }
    free(remote);
    return code;
}

static void disconnect_letter(void *payload, const struct dav_place *place, char letter,
                              const char *path)
{
    const struct dav_wnet *wnet = payload;
    const wchar_t local[] = {(wchar_t)letter, L':', L'\0'};
    wchar_t *remote = NULL;

    wnet->cancel(local, 0, TRUE);
    if (remote_name(&remote, place, path, NULL) == 0) {
        drop_label(remote);
    }
    free(remote);
}

static void end(void *payload, const struct dav_place *place)
{
    const struct dav_wnet *wnet = payload;
    wchar_t *remote = NULL;

    if (remote_name(&remote, place, "", NULL) == 0) {
        wnet->cancel(remote, 0, TRUE);
    }
    free(remote);
}

struct dav_map_system dav_map_over(const struct dav_wnet *wnet)
{
    return (struct dav_map_system){.ready = ready,
                                   .connect = connect_letter,
                                   .disconnect = disconnect_letter,
                                   .name = place_name,
                                   .end = end,
                                   .payload = (void *)(uintptr_t)wnet};
}

const struct dav_map_system *dav_system_map(void)
{
    static const struct dav_map_system system = {.ready = ready,
                                                 .connect = connect_letter,
                                                 .disconnect = disconnect_letter,
                                                 .name = place_name,
                                                 .end = end,
                                                 .payload = (void *)(uintptr_t)&dav_wnet_of_system};

    return &system;
}
