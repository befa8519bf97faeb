/* Names: how the service compares them, and which it refuses (facts, section 8). */
#include <string.h>
#include <wctype.h>

#include "store.h"

enum { NAME_MAX_CHARACTERS = 255 };

/* One character of UTF-8, raised to upper case; *s moves on. Stray bytes stand for themselves. */
static wint_t fold_next(const char **s)
{
    const unsigned char *p = (const unsigned char *)*s;
    size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 1;
    wint_t c = n == 1 ? p[0] : p[0] & (0xff >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            *s += 1;
            return p[0];
        }
        c = c << 6 | (p[i] & 0x3f);
    }
    *s += n;
    if (c < 0x80) {
        return c >= 'a' && c <= 'z' ? c - 32 : c;
    }
    return towupper(c); /* world_new() set a UTF-8 locale */
}

int name_compare(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        wint_t ca = fold_next(&a);
        wint_t cb = fold_next(&b);
        if (ca != cb) {
            return ca < cb ? -1 : 1;
        }
    }
    return *a == *b ? 0 : *a == '\0' ? -1 : 1;
}

/* CON, PRN, AUX, NUL, COM0-9, LPT0-9, alone or before an extension. */
static bool is_device(const char *name)
{
    static const char *const devices[] = {"con", "prn", "aux", "nul"};
    size_t stem = strcspn(name, ".");
    for (size_t i = 0; i < COUNT_OF(devices); i++) {
        if (stem == 3 && strncasecmp(name, devices[i], 3) == 0) {
            return true;
        }
    }
    return stem == 4 && (strncasecmp(name, "com", 3) == 0 || strncasecmp(name, "lpt", 3) == 0) &&
           name[3] >= '0' && name[3] <= '9';
}

/* Well-formed UTF-8 without surrogates: what JSON can carry. */
static bool is_utf8(const char *name)
{
    const unsigned char *p = (const unsigned char *)name;
    while (*p != '\0') {
        size_t n = *p < 0x80                 ? 1
                   : *p >= 0xf0 && *p < 0xf5 ? 4
                   : *p >= 0xe0              ? 3
                   : *p >= 0xc2              ? 2
                                             : 0;
        if (n == 0 || *p >= 0xf5 || (*p >= 0x80 && *p < 0xc0)) {
            return false;
        }
        for (size_t i = 1; i < n; i++) {
            if ((p[i] & 0xc0) != 0x80) {
                return false;
            }
        }
        if ((p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xe0 && p[1] < 0xa0) ||
            (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90)) {
            return false;
        }
        p += n;
    }
    return true;
}

const char *name_problem(const char *name, bool is_folder, bool in_library_root)
{
    size_t len = strlen(name);
    size_t characters = 0;
    if (len == 0) {
        return "The name is empty.";
    }
    if (!is_utf8(name)) {
        return "The name is not valid Unicode.";
    }
    for (const char *p = name; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f || strchr("\"*:<>?/\\|", *p) != NULL) {
            return "The name contains characters that are not allowed.";
        }
        characters += ((unsigned char)*p & 0xc0) != 0x80;
    }
    if (characters > NAME_MAX_CHARACTERS) {
        return "The name is too long.";
    }
    if (name[0] == ' ' || name[len - 1] == ' ' || name[len - 1] == '.') {
        return "The name begins or ends with a space, or ends with a dot.";
    }
    if (str_ieq(name, ".lock") || str_ieq(name, "desktop.ini") || is_device(name) ||
        str_ifind(name, "_vti_") != NULL || str_starts(name, "~$") ||
        (is_folder && name[0] == '~') || (is_folder && in_library_root && str_ieq(name, "forms"))) {
        return "The name is reserved.";
    }
    return NULL;
}
