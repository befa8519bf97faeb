/*
 * names.h - which names the service refuses for a new item, given what it is and where. Pure.
 */
#ifndef MAPPER_VFS_NAMES_H
#define MAPPER_VFS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* UTF-16 units of one name, and of the whole decoded path after the host name. */
#define NAME_UNITS_MAX 255
#define PATH_UNITS_MAX 400

struct name_place {
    bool is_folder;          /* the new item is one */
    bool is_in_library_root; /* it would stand in the root of a library */
    size_t parent_units;     /* UTF-16 units of its folder's path, see PATH_UNITS_MAX */
};

/* ERR_BAD_NAME or ERR_NAME_TOO_LONG, with the rule that refuses it. */
int name_check(const char *name, const struct name_place *place, struct error *err);

/* UTF-16 units of valid UTF-8. */
size_t name_units(const char *text);

#endif
