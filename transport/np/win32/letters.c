#include "letters.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <windows.h>

#include "base/str.h"
#include "base/win32.h"

#define DEVICE "\\Device\\Mup\\" /* who serves which server and share is the kernel's matter */
#define TARGET_UNITS 2048

/* *out = the device behind \\server\path; with no path the beginning of all of them. */
static int make_target(wchar_t **out, const char *server, const char *path, struct error *err)
{
    char *text = NULL;
    int code = str_format(&text, err, DEVICE "%s\\%s", server, path);

    for (char *c = text; code == 0 && *c; c++) {
        *c = *c == '/' ? '\\' : *c;
    }
    if (code == 0) {
        code = win32_wide(out, text, err);
    }
    str_free(&text);
    return code;
}

static bool starts_with(const wchar_t *text, const wchar_t *start)
{
    int units = (int)wcslen(start);

    return (int)wcslen(text) >= units &&
           CompareStringOrdinal(text, units, start, units, TRUE) == CSTR_EQUAL;
}

int letter_set(char letter, const char *server, const char *path, bool takes_over,
               struct error *err)
{
    const wchar_t name[] = {(wchar_t)letter, L':', L'\0'};
    wchar_t *now = calloc(TARGET_UNITS, sizeof(*now));
    wchar_t *target = NULL;
    wchar_t *ours = NULL;
    int code = now ? make_target(&target, server, path, err)
                   : error_set(err, ERR_NO_MEMORY, "no memory for a drive letter");

    if (code == 0) {
        code = make_target(&ours, server, "", err);
    }
    if (code == 0 && QueryDosDeviceW(name, now, TARGET_UNITS) > 0) {
        if (takes_over && wcscmp(now, target) == 0) {
            goto out;
        }
        if (!takes_over || !starts_with(now, ours)) {
            code = error_set(err, ERR_EXISTS, "the letter %c: is in use", letter);
            goto out;
        }
        DefineDosDeviceW(DDD_REMOVE_DEFINITION | DDD_RAW_TARGET_PATH | DDD_EXACT_MATCH_ON_REMOVE,
                         name, now);
    }
    if (code == 0 && !DefineDosDeviceW(DDD_RAW_TARGET_PATH, name, target)) {
        code = win32_failed(err, GetLastError(), "cannot make the letter %c:", letter);
    }
out:
    free(ours);
    free(target);
    free(now);
    return code;
}

void letter_remove(char letter, const char *server, const char *path)
{
    const wchar_t name[] = {(wchar_t)letter, L':', L'\0'};
    wchar_t *target = NULL;

    if (make_target(&target, server, path, NULL) == 0) {
        DefineDosDeviceW(DDD_REMOVE_DEFINITION | DDD_RAW_TARGET_PATH | DDD_EXACT_MATCH_ON_REMOVE,
                         name, target);
    }
    free(target);
}
