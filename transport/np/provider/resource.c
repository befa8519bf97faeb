/*
 * resource.c - enumeration, and what a UNC path consists of: \\label is the server, \\label\tenant
 * the share, the rest is within it.
 */
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <npapi.h>

#include "provider.h"

#define NAME L"" NP_NAME

enum { LETTERS = 26 };
enum enumeration_kind { LIST_LETTERS, LIST_SERVER, LIST_SHARES };

/* A caller uses one handle on one thread at a time. */
struct enumeration {
    enum enumeration_kind kind;
    DWORD scope;
    DWORD next; /* entry, or letter */
    wchar_t label[LABEL_UNITS];
};

/* What is still free in the buffer of the caller: structs from the front, texts from the back. */
struct room {
    unsigned char *front;
    unsigned char *back;
};

struct entry {
    DWORD display; /* RESOURCEDISPLAYTYPE_* */
    DWORD usage;
    const wchar_t *local; /* NULL: none */
    const wchar_t *remote;
};

static size_t text_bytes(const wchar_t *text)
{
    return text ? (wcslen(text) + 1) * sizeof(*text) : 0;
}

static size_t entry_bytes(const struct entry *entry)
{
    return sizeof(NETRESOURCEW) + text_bytes(entry->local) + text_bytes(entry->remote) +
           text_bytes(NAME);
}

static wchar_t *push(struct room *room, const wchar_t *text)
{
    if (!text) {
        return NULL;
    }
    room->back -= text_bytes(text);
    memcpy(room->back, text, text_bytes(text));
    return (wchar_t *)room->back;
}

/* False: no room. */
static bool put(struct room *room, DWORD scope, const struct entry *entry)
{
    NETRESOURCEW *out = (NETRESOURCEW *)room->front;

    if ((size_t)(room->back - room->front) < entry_bytes(entry)) {
        return false;
    }
    *out = (NETRESOURCEW){.dwScope = scope,
                          .dwType = RESOURCETYPE_DISK,
                          .dwDisplayType = entry->display,
                          .dwUsage = entry->usage,
                          .lpLocalName = push(room, entry->local),
                          .lpRemoteName = push(room, entry->remote),
                          .lpProvider = push(room, NAME)};
    room->front += sizeof(*out);
    return true;
}

static void server_name(wchar_t out[LABEL_UNITS + 2], const wchar_t *label)
{
    out[0] = L'\\';
    out[1] = L'\\';
    lstrcpynW(out + 2, label, LABEL_UNITS);
}

/* What below the network is asked for. */
static DWORD choose(enum enumeration_kind *kind, const wchar_t *label, DWORD scope,
                    const NETRESOURCEW *resource)
{
    const wchar_t *remote = resource ? resource->lpRemoteName : NULL;

    if (scope == RESOURCE_CONNECTED) {
        *kind = LIST_LETTERS;
        return WN_SUCCESS;
    }
    if (scope == RESOURCE_CONTEXT) {
        *kind = LIST_SERVER;
        return WN_SUCCESS;
    }
    if (scope != RESOURCE_GLOBALNET) {
        return WN_NOT_SUPPORTED;
    }
    if (!remote || !*remote) {
        *kind = LIST_SERVER;
        return WN_SUCCESS;
    }
    if (!names_is_ours(label, remote)) {
        return WN_BAD_NETNAME;
    }
    *kind = LIST_SHARES;
    return names_share_units(remote) == 0 ? WN_SUCCESS : WN_NOT_CONTAINER;
}

DWORD APIENTRY NPOpenEnum(DWORD scope, DWORD type, DWORD usage, LPNETRESOURCEW resource,
                          LPHANDLE out)
{
    struct enumeration *made;
    DWORD status;

    (void)usage;
    made = calloc(1, sizeof(*made));
    if (!made) {
        return WN_OUT_OF_MEMORY;
    }
    names_label(made->label);
    made->scope = scope;
    status = choose(&made->kind, made->label, scope, resource);
    if (status == WN_SUCCESS && type != RESOURCETYPE_ANY && !(type & RESOURCETYPE_DISK)) {
        status = WN_BAD_VALUE;
    }
    if (status == WN_SUCCESS && !out) {
        status = WN_BAD_POINTER;
    }
    if (status != WN_SUCCESS) {
        free(made);
        return status;
    }
    *out = made;
    return WN_SUCCESS;
}

/* Puts one entry; *needed says how much room the first one lacks. */
static bool put_counted(struct room *room, const struct enumeration *list,
                        const struct entry *entry, DWORD *count, DWORD *needed)
{
    if (!put(room, list->scope, entry)) {
        *needed = *count == 0 ? (DWORD)entry_bytes(entry) : 0;
        return false;
    }
    ++*count;
    return true;
}

static void list_letters(struct enumeration *list, struct room *room, DWORD want, DWORD *count,
                         DWORD *needed)
{
    for (; *count < want && list->next < LETTERS; list->next++) {
        wchar_t letter[LETTER_UNITS] = {(wchar_t)(L'A' + list->next), L':', L'\0'};
        wchar_t remote[NP_REMOTE_UNITS];
        struct entry entry = {RESOURCEDISPLAYTYPE_SHARE, RESOURCEUSAGE_CONNECTABLE, letter, remote};

        if (names_remote_of(list->label, letter, remote) &&
            !put_counted(room, list, &entry, count, needed)) {
            return;
        }
    }
}

static void list_server(struct enumeration *list, struct room *room, DWORD want, DWORD *count,
                        DWORD *needed)
{
    wchar_t server[LABEL_UNITS + 2];
    struct entry entry = {RESOURCEDISPLAYTYPE_SERVER, RESOURCEUSAGE_CONTAINER, NULL, server};

    server_name(server, list->label);
    if (want > 0 && list->next == 0 && put_counted(room, list, &entry, count, needed)) {
        list->next = 1;
    }
}

static DWORD list_shares(struct enumeration *list, struct room *room, DWORD want, DWORD *count,
                         DWORD *needed)
{
    wchar_t server[LABEL_UNITS + 2];
    struct agent_question question = {.op = NP_CHILDREN, .remote = server};
    bool is_full = false;

    server_name(server, list->label);
    while (*count < want && !is_full) {
        struct np_answer *answer = NULL;
        DWORD status;

        question.start = list->next;
        status = agent_ask(&answer, &question);
        if (status != WN_SUCCESS || !answer || answer->count == 0) {
            free(answer);
            return *count > 0 ? WN_SUCCESS : status;
        }
        for (DWORD i = 0; i < answer->count && *count < want && !is_full; i++) {
            struct entry entry = {RESOURCEDISPLAYTYPE_SHARE, RESOURCEUSAGE_CONNECTABLE, NULL, NULL};
            wchar_t remote[NP_REMOTE_UNITS];
            const unsigned char *text;
            size_t units;

            text = agent_entry(answer, i, &units);
            memcpy(remote, text, units * sizeof(*remote));
            remote[units] = L'\0';
            entry.remote = remote;
            is_full = !put_counted(room, list, &entry, count, needed);
            list->next += is_full ? 0 : 1;
        }
        free(answer);
    }
    return WN_SUCCESS;
}

DWORD APIENTRY NPEnumResource(HANDLE handle, LPDWORD count, LPVOID buffer, LPDWORD size)
{
    struct enumeration *list = handle;
    struct room room = {buffer, NULL};
    DWORD status = WN_SUCCESS;
    DWORD needed = 0;
    DWORD want;

    if (!list) {
        return WN_BAD_HANDLE;
    }
    if (!count || !buffer || !size) {
        return WN_BAD_POINTER;
    }
    want = *count;
    *count = 0;
    room.back = room.front + (*size & ~(DWORD)(sizeof(wchar_t) - 1));
    switch (list->kind) {
    case LIST_LETTERS:
        list_letters(list, &room, want, count, &needed);
        break;
    case LIST_SERVER:
        list_server(list, &room, want, count, &needed);
        break;
    case LIST_SHARES:
        status = list_shares(list, &room, want, count, &needed);
        break;
    }
    if (needed > 0) {
        *size = needed;
        return WN_MORE_DATA;
    }
    return status == WN_SUCCESS && *count == 0 ? WN_NO_MORE_ENTRIES : status;
}

DWORD APIENTRY NPCloseEnum(HANDLE handle)
{
    if (!handle) {
        return WN_BAD_HANDLE;
    }
    free(handle);
    return WN_SUCCESS;
}

/* One NETRESOURCE at the front of the caller's buffer, `more` (may be NULL) somewhere behind it. */
static DWORD answer_one(LPVOID buffer, LPDWORD size, DWORD scope, const struct entry *entry,
                        const wchar_t *more, wchar_t **placed)
{
    size_t needed = entry_bytes(entry) + text_bytes(more);
    struct room room = {buffer, NULL};

    if (!size) {
        return WN_BAD_POINTER;
    }
    if (!buffer || (*size & ~(DWORD)(sizeof(wchar_t) - 1)) < needed) {
        *size = (DWORD)needed;
        return WN_MORE_DATA;
    }
    room.back = room.front + (*size & ~(DWORD)(sizeof(wchar_t) - 1));
    if (placed) {
        *placed = push(&room, more);
    }
    put(&room, scope, entry);
    return WN_SUCCESS;
}

DWORD APIENTRY NPGetResourceInformation(LPNETRESOURCEW resource, LPVOID buffer, LPDWORD size,
                                        LPWSTR *rest)
{
    struct entry entry = {RESOURCEDISPLAYTYPE_SHARE, RESOURCEUSAGE_CONNECTABLE, NULL, NULL};
    wchar_t label[LABEL_UNITS];
    wchar_t name[NP_REMOTE_UNITS];
    struct agent_question question = {.op = NP_EXISTS, .remote = name};
    const wchar_t *more = NULL;
    DWORD status;
    size_t units;

    names_label(label);
    if (!resource || !names_is_ours(label, resource->lpRemoteName)) {
        return WN_BAD_NETNAME;
    }
    if (resource->dwType != RESOURCETYPE_ANY && !(resource->dwType & RESOURCETYPE_DISK)) {
        return WN_BAD_DEV_TYPE;
    }
    if (!rest) {
        return WN_BAD_POINTER;
    }
    units = names_share_units(resource->lpRemoteName);
    if (units == 0) {
        server_name(name, label);
        entry.display = RESOURCEDISPLAYTYPE_SERVER;
        entry.usage = RESOURCEUSAGE_CONTAINER;
    } else {
        lstrcpynW(name, resource->lpRemoteName, (int)units + 1);
        more = resource->lpRemoteName + units;
        status = agent_ask(NULL, &question);
        if (status != WN_SUCCESS) {
            return status;
        }
    }
    entry.remote = name;
    return answer_one(buffer, size, 0, &entry, more && *more ? more : NULL, rest);
}

DWORD APIENTRY NPGetResourceParent(LPNETRESOURCEW resource, LPVOID buffer, LPDWORD size)
{
    struct entry entry = {RESOURCEDISPLAYTYPE_SERVER, RESOURCEUSAGE_CONTAINER, NULL, NULL};
    wchar_t label[LABEL_UNITS];
    wchar_t name[NP_REMOTE_UNITS];
    size_t share;
    wchar_t *end;

    names_label(label);
    if (!resource || !names_is_ours(label, resource->lpRemoteName)) {
        return WN_BAD_NETNAME;
    }
    lstrcpynW(name, resource->lpRemoteName, NP_REMOTE_UNITS);
    share = names_share_units(name);
    if (share == 0) {
        entry.display = RESOURCEDISPLAYTYPE_NETWORK; /* above the server is the network */
        return answer_one(buffer, size, RESOURCE_GLOBALNET, &entry, NULL, NULL);
    }
    end = wcsrchr(name, L'\\');
    if (end && !end[1]) { /* a backslash at the end is not a level */
        *end = L'\0';
        end = wcsrchr(name, L'\\');
    }
    if (end && (size_t)(end - name) >= share) {
        entry.display = RESOURCEDISPLAYTYPE_SHARE;
        entry.usage = RESOURCEUSAGE_CONNECTABLE;
    }
    if (end) {
        *end = L'\0';
    }
    entry.remote = name;
    return answer_one(buffer, size, RESOURCE_GLOBALNET, &entry, NULL, NULL);
}
