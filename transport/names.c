/*
 * names.c - which names the service refuses.
 *
 * Source: Microsoft's "Restrictions and limitations in OneDrive and SharePoint", and what other
 * clients found beyond it (trailing dot, device names with an extension). `#` and `%` are allowed.
 */
#include "transport/vfs.h"

#include <string.h>

#include "base/str.h"

/* CON, PRN, AUX, NUL, COM0-9, LPT0-9, alone or with an extension. */
static bool is_device(const char *name)
{
    static const char *const plain[] = {"con", "prn", "aux", "nul"};
    size_t stem = strcspn(name, ".");

    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (stem == 3 && str_starts_with_nocase(name, plain[i])) {
            return true;
        }
    }
    return stem == 4 && name[3] >= '0' && name[3] <= '9' &&
           (str_starts_with_nocase(name, "com") || str_starts_with_nocase(name, "lpt"));
}

static bool has_vti(const char *name)
{
    for (; *name; name++) {
        if (str_starts_with_nocase(name, "_vti_")) {
            return true;
        }
    }
    return false;
}

int vfs_check_name(const char *name, struct error *err)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)name[i] < 0x20 || strchr("\"*:<>?/\\|", name[i])) {
            return error_set(err, ERR_BAD_NAME,
                             "SharePoint refuses the characters \" * : < > ? / \\ | and control "
                             "characters in the name '%s'",
                             name);
        }
    }
    if (length == 0 || name[0] == ' ' || name[length - 1] == ' ' || name[length - 1] == '.') {
        return error_set(err, ERR_BAD_NAME,
                         "SharePoint refuses a space at either end or a dot at the end of '%s'",
                         name);
    }
    if (is_device(name) || has_vti(name) || str_starts_with(name, "~$") ||
        str_equal_nocase(name, ".lock") || str_equal_nocase(name, "desktop.ini")) {
        return error_set(err, ERR_BAD_NAME, "SharePoint reserves the name '%s'", name);
    }
    return 0;
}
