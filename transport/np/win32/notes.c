/*
 * notes.c - tells the driver what changed elsewhere, so that programs that watch a folder hear of
 * it, and so that the driver does not answer from what it remembers.
 *
 * All that the driver remembers ends by itself after a second (volume.c), so a note that is lost -
 * no memory, a full queue, a rename under way - costs that second, and Explorer an F5.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "fsp.h"
#include "volume.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/win32.h"

enum {
    LOOK_MS = 50,   /* what is told of is known already; else it is taken to be there */
    RENAME_MS = 100 /* waited for a rename to end */
};

#define ANY_NAME (FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME)
#define ANY_CONTENT \
    (FILE_NOTIFY_CHANGE_ATTRIBUTES | FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_LAST_WRITE)

/* *out = the path of what changed when somebody has it, or the folder it is in, open; else NULL. */
static void find_open(struct volume *volume, char **out, uint64_t parent, const char *name,
                      uint64_t id)
{
    mutex_lock(&volume->lock);
    for (const struct node *node = volume->nodes; node && !*out; node = node->next) {
        if (!name && node->id == id) {
            (void)str_copy(out, node->path, NULL);
        } else if (name && node->id == parent && node->kind == VFS_FOLDER) {
            bool is_root = strcmp(node->path, "\\") == 0;

            (void)str_format(out, NULL, "%s\\%s", is_root ? "" : node->path, name);
        }
    }
    mutex_unlock(&volume->lock);
}

static bool is_there(struct volume *volume, uint64_t parent, const char *name)
{
    const struct vfs_call call = {.deadline_ms = clock_mono_ms(clock_system()) + LOOK_MS};
    struct vfs_attr attr;
    int code = vfs_lookup(volume->vfs, &attr, parent, name, &call, NULL);

    if (code == 0) {
        vfs_forget(volume->vfs, attr.id, 1);
    }
    return code != ERR_NOT_FOUND && code != ERR_STALE;
}

/* The driver compares names in the upper case of the system's table. */
static wchar_t *upper(const char *path)
{
    wchar_t *wide = NULL;
    wchar_t *out = NULL;
    int units;

    if (win32_wide(&wide, path, NULL) < 0) {
        return NULL;
    }
    units = (int)wcslen(wide) + 1;
    out = calloc((size_t)units, sizeof(*out));
    if (out && !LCMapStringEx(LOCALE_NAME_INVARIANT, LCMAP_UPPERCASE, wide, units, out, units, NULL,
                              NULL, 0)) {
        free(out);
        out = NULL;
    }
    free(wide);
    return out;
}

static void notify(struct volume *volume, const wchar_t *path, uint32_t filter, uint32_t action)
{
    size_t bytes = wcslen(path) * sizeof(*path);
    size_t size = sizeof(struct fsp_notify_info) + bytes;
    struct fsp_notify_info *info = size <= UINT16_MAX ? calloc(1, size) : NULL;

    if (info) {
        info->size = (uint16_t)size;
        info->filter = filter;
        info->action = action;
        memcpy(info->name, path, bytes);
        volume->api->notify(volume->fs, info, size);
    }
    free(info);
}

void volume_tell(struct volume *volume, uint64_t parent, const char *name, uint64_t id)
{
    char *path = NULL;
    wchar_t *wide = NULL;
    bool is_gone;

    find_open(volume, &path, parent, name, id);
    wide = path ? upper(path) : NULL;
    if (wide) {
        is_gone = name && !is_there(volume, parent, name);
        if (volume->api->notify_begin(volume->fs, RENAME_MS) >= 0) {
            if (name) {
                notify(volume, wide, ANY_NAME, is_gone ? FILE_ACTION_REMOVED : FILE_ACTION_ADDED);
            }
            if (!is_gone) {
                notify(volume, wide, ANY_CONTENT, FILE_ACTION_MODIFIED);
            }
            volume->api->notify_end(volume->fs);
        }
    }
    free(wide);
    str_free(&path);
}
