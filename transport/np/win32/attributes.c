/*
 * attributes.c - what Windows is told of an item: times, sizes, attributes. Files are marked as
 * offline when the administrator wants it (OfflineAttribute): programs that only look around -
 * previews, indexers, scanners - then leave their content where it is.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <windows.h>

#include "fsp.h"
#include "volume.h"

#include "base/str.h"

#define EPOCH_MS INT64_C(11644473600000) /* from 1601 to 1970 */

/* The older name of "not here" and the newer one, FILE_ATTRIBUTE_RECALL_ON_DATA_ACCESS, which
 * mingw-w64's headers lack: programs know the one or the other. */
#define NOT_HERE (FILE_ATTRIBUTE_OFFLINE | 0x00400000u)

int64_t filetime_to_ms(uint64_t filetime)
{
    return (int64_t)(filetime / 10000) - EPOCH_MS;
}

static uint64_t to_filetime(int64_t ms)
{
    int64_t since = ms + EPOCH_MS;

    return since > 0 ? (uint64_t)since * 10000 : 0;
}

int offline_set(struct offline *offline, const char *exclude, struct error *err)
{
    int code;

    mutex_lock(&offline->lock);
    code = str_copy(&offline->exclude, exclude, err);
    mutex_unlock(&offline->lock);
    return code;
}

/* Whether the extension of `name` is one of `list`. */
static bool has_extension(const char *name, const char *list)
{
    const char *slash = strrchr(name, '\\');
    const char *dot = strrchr(slash ? slash : name, '.');
    size_t length = dot ? strlen(dot + 1) : 0;

    while (length > 0 && *list) {
        size_t part = strcspn(list, "|");

        if (part == length && str_starts_with_nocase(list, dot + 1)) {
            return true;
        }
        list += part + (list[part] == '|');
    }
    return false;
}

static bool is_marked(struct offline *offline, const char *name)
{
    bool is_it;

    mutex_lock(&offline->lock);
    is_it = offline->exclude && !has_extension(name, offline->exclude);
    mutex_unlock(&offline->lock);
    return is_it;
}

void info_fill(const struct volume *volume, struct fsp_file_info *out, const struct vfs_attr *attr,
               const char *name)
{
    memset(out, 0, sizeof(*out));
    out->attributes = attr->kind == VFS_FOLDER ? FILE_ATTRIBUTE_DIRECTORY : 0;
    /* of a folder the attribute means something else to Explorer */
    out->attributes |= attr->kind == VFS_FILE && attr->is_read_only ? FILE_ATTRIBUTE_READONLY : 0;
    if (attr->kind == VFS_FILE && is_marked(volume->offline, name)) {
        out->attributes |= NOT_HERE;
    }
    if (out->attributes == 0) {
        out->attributes = FILE_ATTRIBUTE_NORMAL;
    }
    out->size_bytes = attr->kind == VFS_FILE ? attr->size_bytes : 0;
    out->allocation_bytes = (out->size_bytes + 4095) & ~UINT64_C(4095);
    out->created = to_filetime(attr->created_ms);
    out->modified = to_filetime(attr->modified_ms);
    out->accessed = out->modified;
    out->changed = out->modified;
    out->index = attr->id;
}
