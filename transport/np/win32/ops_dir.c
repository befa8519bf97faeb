/*
 * ops_dir.c - listings. WinFsp goes on behind the last name that it took (the marker); as a rule
 * that is where the last answer of this handle ended. A listing of folders other than a volume's
 * root begins with "." and "..".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#define WIN32_NO_STATUS /* ntstatus.h has all of them */
#include <windows.h>
#undef WIN32_NO_STATUS
#include <ntstatus.h>

#include "fsp.h"
#include "volume.h"

#include "base/str.h"
#include "base/win32.h"

enum { NAME_UNITS = 256 };

/* The answer to one request. */
struct reply {
    struct volume *volume;
    struct node *node;
    void *buffer;
    ULONG size;
    ULONG used;
    const char *skip_to; /* entries up to this name were given before; NULL: none */
    bool is_full;
    int code;
};

/* One entry of a listing in WinFsp's form, with room for the longest name. */
union entry {
    struct fsp_dir_info info;
    char room[sizeof(struct fsp_dir_info) + NAME_UNITS * sizeof(wchar_t)];
};

/* False: the name cannot be shown. */
static bool make_entry(const struct volume *volume, union entry *out, const char *name,
                       const struct vfs_attr *attr)
{
    wchar_t *wide = NULL;
    size_t units;

    memset(out, 0, sizeof(out->info));
    if (win32_wide(&wide, name, NULL) < 0) {
        return false;
    }
    units = wcslen(wide);
    if (units < NAME_UNITS) {
        info_fill(volume, &out->info.file, attr, name);
        memcpy(out->info.name, wide, units * sizeof(*wide));
        out->info.size = (uint16_t)(sizeof(out->info) + units * sizeof(*wide));
    }
    free(wide);
    return units < NAME_UNITS;
}

static bool put(struct reply *reply, const char *name, const struct vfs_attr *attr)
{
    union entry entry;

    if (!make_entry(reply->volume, &entry, name, attr)) {
        return true; /* Windows could not open it either */
    }
    if (!reply->volume->api->add_dir_info(&entry.info, reply->buffer, reply->size, &reply->used)) {
        reply->is_full = true;
        return false;
    }
    return true;
}

static bool take(void *payload, const char *name, const struct vfs_attr *attr, uint64_t cookie)
{
    struct reply *reply = payload;

    if (reply->skip_to) {
        if (str_equal_nocase(reply->skip_to, name)) {
            reply->skip_to = NULL;
        }
    } else if (!put(reply, name, attr)) {
        return false;
    }
    reply->code = str_copy(&reply->node->last, name, NULL);
    reply->node->cookie = cookie;
    return reply->code == 0;
}

static int rewind_listing(struct op *op, struct node *node)
{
    if (node->dir) {
        vfs_closedir(op->volume->vfs, node->dir);
        node->dir = NULL;
    }
    node->cookie = 0;
    str_free(&node->last);
    return vfs_opendir(op->volume->vfs, &node->dir, node->id, &op->call, &op->err);
}

static int list(struct op *op, struct reply *reply)
{
    int code = 0;

    while (code == 0 && !reply->is_full && reply->code == 0) {
        uint64_t before = reply->node->cookie;

        code = vfs_readdir(op->volume->vfs, reply->node->dir, before, take, reply, &op->call,
                           &op->err);
        if (reply->node->cookie == before) {
            break;
        }
    }
    return code == 0 ? reply->code : code;
}

/* "." and ".." of a folder below the root, before its first entry. */
static bool put_dots(struct reply *reply, const struct node *node, const char *marker)
{
    const struct vfs_attr self = {.id = node->id, .kind = VFS_FOLDER};

    if (node->id == reply->volume->root || (marker && strcmp(marker, "..") == 0)) {
        return true;
    }
    return (marker || put(reply, ".", &self)) && put(reply, "..", &self);
}

static int answer(struct op *op, struct reply *reply, const char *marker)
{
    struct node *node = reply->node;
    bool is_dot = marker && (strcmp(marker, ".") == 0 || strcmp(marker, "..") == 0);
    int code = 0;

    if (!marker || is_dot) {
        code = rewind_listing(op, node);
        if (code == 0 && !put_dots(reply, node, marker)) {
            return 0;
        }
    } else if (!node->dir || !node->last || strcmp(node->last, marker) != 0) {
        code = rewind_listing(op, node);
        reply->skip_to = marker;
    }
    if (code == 0) {
        code = list(op, reply);
    }
    if (code == 0 && reply->skip_to) { /* it was deleted meanwhile: better twice than never */
        reply->skip_to = NULL;
        code = rewind_listing(op, node);
        code = code == 0 ? list(op, reply) : code;
    }
    return code;
}

static fsp_status read_directory(fsp_fs fs, void *context, wchar_t *pattern, wchar_t *marker,
                                 void *buffer, ULONG size, ULONG *got)
{
    struct reply reply = {.node = context, .buffer = buffer, .size = size};
    char *behind = NULL;
    struct op op;
    int code = 0;

    (void)pattern; /* the driver chooses */
    op_begin(&op, fs);
    *got = 0;
    reply.volume = op.volume;
    if (marker) {
        code = win32_utf8(&behind, marker, &op.err);
    }
    mutex_lock(&reply.node->lock);
    if (code == 0) {
        code = answer(&op, &reply, behind);
    }
    mutex_unlock(&reply.node->lock);
    str_free(&behind);
    if (code < 0) {
        return op_status(code);
    }
    if (!reply.is_full) {
        op.volume->api->add_dir_info(NULL, buffer, size, &reply.used); /* that was all */
    }
    *got = reply.used;
    return STATUS_SUCCESS;
}

/* The driver asks for one name in order not to list the folder for it. `info` has room for a name of
 * 255 units. */
static fsp_status get_dir_info_by_name(fsp_fs fs, void *context, wchar_t *name,
                                       struct fsp_dir_info *info)
{
    struct node *node = context;
    struct vfs_attr attr;
    char *text = NULL;
    union entry entry;
    struct op op;
    int code;

    op_begin(&op, fs);
    code = win32_utf8(&text, name, &op.err);
    if (code == 0) {
        code = vfs_lookup(op.volume->vfs, &attr, node->id, text, &op.call, &op.err);
    }
    if (code == 0) {
        vfs_forget(op.volume->vfs, attr.id, 1);
        if (make_entry(op.volume, &entry, text, &attr)) {
            memcpy(info, &entry, entry.info.size);
        } else {
            code = ERR_NOT_FOUND;
        }
    }
    str_free(&text);
    return op_status(code);
}

static bool is_any(void *payload, const char *name, const struct vfs_attr *attr, uint64_t cookie)
{
    (void)name;
    (void)attr;
    (void)cookie;
    *(bool *)payload = false;
    return false;
}

int folder_is_empty(struct op *op, uint64_t id, bool *out)
{
    struct vfs_dir *dir = NULL;
    int code = vfs_opendir(op->volume->vfs, &dir, id, &op->call, &op->err);

    *out = true;
    if (code == 0) {
        code = vfs_readdir(op->volume->vfs, dir, 0, is_any, out, &op->call, &op->err);
        vfs_closedir(op->volume->vfs, dir);
    }
    return code;
}

void ops_add_folders(struct fsp_interface *interface)
{
    interface->read_directory = read_directory;
    interface->get_dir_info_by_name = get_dir_info_by_name;
}
