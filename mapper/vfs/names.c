/*
 * names.c - what graph-facts section 8 says about names beyond the characters and reserved names
 * that vfs_check_name() knows: what depends on kind, place and length.
 */
#include "names.h"

#include <string.h>

#include "base/str.h"
#include "transport/vfs.h"

size_t name_units(const char *text)
{
    size_t units = 0;

    while (*text) {
        units += str_decode(&text) > 0xffff ? 2 : 1;
    }
    return units;
}

/* "&#39;": breaks addressing by path, and the service is known to reject it. */
static bool has_numeric_entity(const char *name)
{
    for (const char *at = strstr(name, "&#"); at; at = strstr(at + 2, "&#")) {
        size_t digits = strspn(at + 2, "0123456789");

        if (digits > 0 && at[2 + digits] == ';') {
            return true;
        }
    }
    return false;
}

int name_check(const char *name, const struct name_place *place, struct error *err)
{
    size_t units = 0;
    int code = 0;

    if (!str_is_utf8(name, strlen(name))) {
        return error_set(err, ERR_BAD_NAME, "the name is not valid UTF-8");
    }
    code = vfs_check_name(name, err);
    if (code < 0) {
        return code;
    }
    if (strchr(name, 0x7f) || has_numeric_entity(name)) {
        return error_set(err, ERR_BAD_NAME,
                         "SharePoint refuses control characters and '&#...;' in '%s'", name);
    }
    if (place->is_folder && name[0] == '~') {
        return error_set(err, ERR_BAD_NAME, "SharePoint refuses folders that start with '~': '%s'",
                         name);
    }
    if (place->is_folder && place->is_in_library_root && str_equal_nocase(name, "forms")) {
        return error_set(err, ERR_BAD_NAME,
                         "SharePoint reserves the folder '%s' in the root of a library", name);
    }
    units = name_units(name);
    if (units > NAME_UNITS_MAX) {
        return error_set(err, ERR_NAME_TOO_LONG, "the name is longer than %d characters",
                         NAME_UNITS_MAX);
    }
    if (place->parent_units + 1 + units > PATH_UNITS_MAX) {
        return error_set(err, ERR_NAME_TOO_LONG, "the path to '%.60s' is longer than %d characters",
                         name, PATH_UNITS_MAX);
    }
    return 0;
}
