/*
 * provider.c - capabilities, connections and what is behind a letter. The signatures are those of
 * npapi.h. Order of the checks, as Microsoft asks for it: is it ours, then the parameters, then the
 * agent; a foreign name must never see "denied" or "wrong parameter" from us, because Windows
 * remembers the first telling error of all providers.
 */
#include <string.h>
#include <windows.h>
#include <npapi.h>

#include "provider.h"

DWORD APIENTRY NPGetCaps(DWORD index)
{
    switch (index) {
    case WNNC_SPEC_VERSION:
        return WNNC_SPEC_VERSION51;
    case WNNC_NET_TYPE:
        return NP_NET_TYPE;
    case WNNC_DRIVER_VERSION:
        return MOORING_DRIVER_VERSION;
    case WNNC_CONNECTION:
        return WNNC_CON_ADDCONNECTION | WNNC_CON_ADDCONNECTION3 | WNNC_CON_CANCELCONNECTION |
               WNNC_CON_GETCONNECTIONS;
    case WNNC_DIALOG:
        return WNNC_DLG_GETRESOURCEPARENT | WNNC_DLG_GETRESOURCEINFORMATION;
    case WNNC_ENUMERATION:
        return WNNC_ENUM_GLOBAL | WNNC_ENUM_LOCAL | WNNC_ENUM_CONTEXT;
    case WNNC_START:
        return WNNC_WAIT_FOR_START; /* we are ready when we are loaded */
    default:
        return 0;
    }
}

DWORD APIENTRY NPAddConnection3(HWND owner, LPNETRESOURCEW resource, LPWSTR password, LPWSTR user,
                                DWORD flags)
{
    wchar_t label[LABEL_UNITS];
    wchar_t letter[LETTER_UNITS];
    struct agent_question question = {.op = NP_CONNECT};

    (void)owner; /* we never show a dialog */
    (void)password;
    (void)user; /* who is signed in is the agent's matter */
    (void)flags;
    if (!resource || !resource->lpRemoteName) {
        return WN_BAD_NETNAME;
    }
    names_label(label);
    if (!names_is_ours(label, resource->lpRemoteName) ||
        names_share_units(resource->lpRemoteName) == 0) {
        return WN_BAD_NETNAME;
    }
    if (resource->dwType != RESOURCETYPE_DISK && resource->dwType != RESOURCETYPE_ANY) {
        return WN_BAD_VALUE;
    }
    question.remote = resource->lpRemoteName;
    if (resource->lpLocalName && *resource->lpLocalName) {
        if (!names_letter(letter, resource->lpLocalName)) {
            return WN_BAD_LOCALNAME;
        }
        if (names_is_taken(letter)) {
            return WN_ALREADY_CONNECTED;
        }
        question.local = letter;
    }
    return agent_ask(NULL, &question);
}

DWORD APIENTRY NPAddConnection(LPNETRESOURCEW resource, LPWSTR password, LPWSTR user)
{
    return NPAddConnection3(NULL, resource, password, user, 0);
}

DWORD APIENTRY NPCancelConnection(LPWSTR name, BOOL force)
{
    wchar_t label[LABEL_UNITS];
    wchar_t letter[LETTER_UNITS];
    wchar_t remote[NP_REMOTE_UNITS];
    struct agent_question question = {.op = NP_DISCONNECT, .flags = force ? NP_FORCE : 0};

    names_label(label);
    if (names_letter(letter, name)) {
        if (!names_remote_of(label, letter, remote)) {
            return WN_NOT_CONNECTED;
        }
        question.local = letter;
    } else if (names_is_ours(label, name)) {
        question.remote = name;
    } else {
        return WN_NOT_CONNECTED;
    }
    return agent_ask(NULL, &question);
}

DWORD APIENTRY NPGetConnection(LPWSTR local, LPWSTR remote, LPDWORD units)
{
    wchar_t label[LABEL_UNITS];
    wchar_t letter[LETTER_UNITS];
    wchar_t name[NP_REMOTE_UNITS];
    DWORD needed;

    names_label(label);
    if (!names_letter(letter, local) || !names_remote_of(label, letter, name)) {
        return WN_NOT_CONNECTED;
    }
    if (!units) {
        return WN_BAD_POINTER;
    }
    needed = (DWORD)wcslen(name) + 1;
    if (!remote || *units < needed) {
        *units = needed;
        return WN_MORE_DATA;
    }
    CopyMemory(remote, name, needed * sizeof(*name));
    return WN_SUCCESS;
}

/* Copies one text behind the struct at the front of the caller's buffer. */
static wchar_t *place(wchar_t **at, const wchar_t *text, const wchar_t *more)
{
    wchar_t *start = *at;

    CopyMemory(*at, text, wcslen(text) * sizeof(**at));
    *at += wcslen(text);
    CopyMemory(*at, more, (wcslen(more) + 1) * sizeof(**at));
    *at += wcslen(more) + 1;
    return start;
}

DWORD APIENTRY NPGetUniversalName(LPWSTR local, DWORD level, LPVOID buffer, LPDWORD size)
{
    wchar_t label[LABEL_UNITS];
    wchar_t letter[LETTER_UNITS];
    wchar_t remote[NP_REMOTE_UNITS];
    const wchar_t first[] = {local ? local[0] : 0, local && local[0] ? local[1] : 0, 0};
    bool is_remote = level == REMOTE_NAME_INFO_LEVEL;
    const wchar_t *rest;
    size_t needed;

    names_label(label);
    if (!names_letter(letter, first) || !names_remote_of(label, letter, remote)) {
        return WN_NOT_CONNECTED;
    }
    rest = local + 2;
    if (*rest && *rest != L'\\') {
        return WN_BAD_LOCALNAME;
    }
    if (level != UNIVERSAL_NAME_INFO_LEVEL && !is_remote) {
        return WN_BAD_LEVEL;
    }
    if (!size) {
        return WN_BAD_POINTER;
    }
    needed = (wcslen(remote) + wcslen(rest) + 1) * sizeof(*remote);
    needed += is_remote ? sizeof(REMOTE_NAME_INFOW) +
                              (wcslen(remote) + 1 + wcslen(rest) + 1) * sizeof(*remote)
                        : sizeof(UNIVERSAL_NAME_INFOW);
    if (!buffer || *size < needed) {
        *size = (DWORD)needed;
        return WN_MORE_DATA;
    }
    if (is_remote) {
        REMOTE_NAME_INFOW *info = buffer;
        wchar_t *at = (wchar_t *)(info + 1);

        info->lpUniversalName = place(&at, remote, rest);
        info->lpConnectionName = place(&at, remote, L"");
        info->lpRemainingPath = place(&at, rest, L"");
    } else {
        UNIVERSAL_NAME_INFOW *info = buffer;
        wchar_t *at = (wchar_t *)(info + 1);

        info->lpUniversalName = place(&at, remote, rest);
    }
    return WN_SUCCESS;
}
