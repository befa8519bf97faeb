#include <windows.h>

#include "provider.h"

#define POLICY_KEY L"Software\\Policies\\Mooring"
#define SERVICE_KEY                          \
    L"SYSTEM\\CurrentControlSet\\Services\\" \
    L"" NP_SERVICE L"\\NetworkProvider"
#define DEFAULT_LABEL L"mooring"
#define DEVICE L"\\Device\\"

static bool read_text(const wchar_t *key, DWORD view, const wchar_t *value, wchar_t *out,
                      DWORD units)
{
    DWORD size = units * (DWORD)sizeof(*out);

    return RegGetValueW(HKEY_LOCAL_MACHINE, key, value, RRF_RT_REG_SZ | view, NULL, out, &size) ==
               ERROR_SUCCESS &&
           out[0] != L'\0';
}

bool names_registered(const wchar_t *value, wchar_t *out, DWORD units)
{
    return read_text(SERVICE_KEY, 0, value, out, units);
}

/* The rule of the setting; what else stands there is as good as nothing. */
static bool is_label(const wchar_t *text)
{
    for (; *text; text++) {
        if (!((*text >= L'a' && *text <= L'z') || (*text >= L'A' && *text <= L'Z') ||
              (*text >= L'0' && *text <= L'9') || *text == L'-')) {
            return false;
        }
    }
    return true;
}

void names_label(wchar_t label[LABEL_UNITS])
{
    /* policy is shared between 32 and 64 bits only when asked for */
    if ((read_text(POLICY_KEY, RRF_SUBKEY_WOW6464KEY, L"UncServer", label, LABEL_UNITS) &&
         is_label(label)) ||
        (names_registered(L"UncServer", label, LABEL_UNITS) && is_label(label))) {
        return;
    }
    lstrcpynW(label, DEFAULT_LABEL, LABEL_UNITS);
}

static bool equal_nocase(const wchar_t *a, const wchar_t *b, size_t units)
{
    return CompareStringOrdinal(a, (int)units, b, (int)units, TRUE) == CSTR_EQUAL;
}

/* Whether `text` begins with `label` and a component ends there. */
static bool is_component(const wchar_t *label, const wchar_t *text)
{
    size_t units = wcslen(label);

    return wcsnlen(text, units) == units && equal_nocase(label, text, units) &&
           (text[units] == L'\0' || text[units] == L'\\');
}

bool names_is_ours(const wchar_t *label, const wchar_t *remote)
{
    return remote && wcsnlen(remote, NP_REMOTE_UNITS) < NP_REMOTE_UNITS && remote[0] == L'\\' &&
           remote[1] == L'\\' && is_component(label, remote + 2);
}

bool names_letter(wchar_t letter[LETTER_UNITS], const wchar_t *local)
{
    wchar_t c;

    if (!local || !local[0] || local[1] != L':' ||
        (local[2] && !(local[2] == L'\\' && !local[3]))) {
        return false;
    }
    c = local[0] >= L'a' && local[0] <= L'z' ? (wchar_t)(local[0] - L'a' + L'A') : local[0];
    letter[0] = c;
    letter[1] = L':';
    letter[2] = L'\0';
    return c >= L'A' && c <= L'Z';
}

bool names_is_taken(const wchar_t letter[LETTER_UNITS])
{
    wchar_t target[8];

    return QueryDosDeviceW(letter, target, ARRAYSIZE(target)) > 0 ||
           GetLastError() == ERROR_INSUFFICIENT_BUFFER;
}

bool names_remote_of(const wchar_t *label, const wchar_t letter[LETTER_UNITS],
                     wchar_t remote[NP_REMOTE_UNITS])
{
    wchar_t target[NP_REMOTE_UNITS];
    const wchar_t *at = target + wcslen(DEVICE);
    size_t units;

    if (QueryDosDeviceW(letter, target, ARRAYSIZE(target)) == 0 ||
        wcsncmp(target, DEVICE, wcslen(DEVICE)) != 0) {
        return false;
    }
    while (*at && *at != L'\\') {
        at++;
    }
    if (!*at || !is_component(label, at + 1)) {
        return false;
    }
    units = wcslen(at);
    while (units > 1 && at[units - 1] == L'\\') {
        units--;
    }
    if (units + 2 > NP_REMOTE_UNITS) {
        return false;
    }
    remote[0] = L'\\';
    CopyMemory(remote + 1, at, units * sizeof(*at));
    remote[units + 1] = L'\0';
    return true;
}

size_t names_share_units(const wchar_t *remote)
{
    const wchar_t *at = remote + 2;

    while (*at && *at != L'\\') {
        at++;
    }
    if (!*at || !at[1] || at[1] == L'\\') {
        return 0;
    }
    at++;
    while (*at && *at != L'\\') {
        at++;
    }
    return (size_t)(at - remote);
}
