#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define WIN32_NO_STATUS
#include <windows.h>
#undef WIN32_NO_STATUS
#include <ntstatus.h>

#include "fspfs.h"
#include "fspfs_internal.h"

#include "base/str.h"
#include "base/win32.h"

struct fspfs *fs_of(struct vfs *vfs)
{
    return (struct fspfs *)vfs;
}

const struct fsp_interface *fspfs_calls(const struct fspfs *fs)
{
    return fs->volume->interface;
}

fsp_fs volume_of(struct fspfs *fs)
{
    return &fs->volume->base;
}

static const struct {
    fsp_status status;
    int code;
} codes[] = {
    {STATUS_FILE_TOO_LARGE, ERR_TOO_LARGE},
    {STATUS_ACCESS_DENIED, ERR_DENIED},
    {STATUS_CANNOT_DELETE, ERR_DENIED},
    {STATUS_SHARING_VIOLATION, ERR_LOCKED},
    {STATUS_OBJECT_NAME_INVALID, ERR_BAD_NAME},
    {STATUS_NAME_TOO_LONG, ERR_NAME_TOO_LONG},
    {STATUS_INVALID_PARAMETER, ERR_INVALID},
    {STATUS_NOT_SAME_DEVICE, ERR_CROSS_LIBRARY},
    {STATUS_DISK_FULL, ERR_NO_SPACE},
    {STATUS_OBJECT_NAME_NOT_FOUND, ERR_NOT_FOUND},
    {STATUS_OBJECT_PATH_NOT_FOUND, ERR_NOT_FOLDER},
    {STATUS_OBJECT_NAME_COLLISION, ERR_EXISTS},
    {STATUS_DIRECTORY_NOT_EMPTY, ERR_NOT_EMPTY},
    {STATUS_FILE_IS_A_DIRECTORY, ERR_IS_FOLDER},
    {STATUS_NOT_A_DIRECTORY, ERR_NOT_FOLDER},
    {STATUS_FILE_INVALID, ERR_STALE},
    {STATUS_CANCELLED, ERR_CANCELLED},
    {STATUS_IO_TIMEOUT, ERR_TIMED_OUT},
};

int fspfs_failed(struct error *err, fsp_status status)
{
    int code = status < 0 ? ERR_IO : 0;

    for (size_t i = 0; i < ARRAYSIZE(codes); i++) {
        code = codes[i].status == status ? codes[i].code : code;
    }
    return code < 0 ? error_set(err, code, "status %08lX", (unsigned long)status) : 0;
}

int fspfs_class(int code)
{
    if (code == ERR_READ_ONLY || code == ERR_NOT_PERMITTED) {
        return ERR_DENIED;
    }
    for (size_t i = 0; i < ARRAYSIZE(codes); i++) {
        if (codes[i].code == code) {
            return code;
        }
    }
    return code < 0 ? ERR_IO : 0;
}

void describe(struct vfs_attr *out, const struct fsp_file_info *info)
{
    *out = (struct vfs_attr){.id = info->index,
                             .kind = info->attributes & FILE_ATTRIBUTE_DIRECTORY ? VFS_FOLDER
                                                                                 : VFS_FILE,
                             .is_read_only = (info->attributes & FILE_ATTRIBUTE_READONLY) != 0,
                             .size_bytes = info->size_bytes,
                             .modified_ms = (int64_t)(info->modified / 10000) - EPOCH_MS,
                             .created_ms = (int64_t)(info->created / 10000) - EPOCH_MS};
}

static struct item *find(struct fspfs *fs, uint64_t id)
{
    struct item *item = fs->items;

    if (id == VFS_ROOT) {
        return &fs->root;
    }
    while (item && item->id != id) {
        item = item->next;
    }
    return item;
}

/* The path of `name` in the folder `id`, or of the item itself; the caller frees. NULL: nobody holds
 * it. */
wchar_t *path_of(struct fspfs *fs, uint64_t id, const char *name)
{
    wchar_t *wide = NULL;
    wchar_t *out = NULL;
    struct item *item;

    if (name && win32_wide(&wide, name, NULL) < 0) {
        return NULL;
    }
    mutex_lock(&fs->lock);
    item = find(fs, id);
    if (item) {
        size_t units = wcslen(item->path) + (wide ? wcslen(wide) : 0) + 2;

        out = calloc(units, sizeof(*out));
        if (!out) {
            abort();
        }
        _snwprintf(out, units, L"%ls%ls%ls", item->path, wide ? L"\\" : L"", wide ? wide : L"");
    }
    mutex_unlock(&fs->lock);
    free(wide);
    return out;
}

static void *context_of(struct fspfs *fs, uint64_t id)
{
    struct item *item;
    void *context;

    mutex_lock(&fs->lock);
    item = find(fs, id);
    context = item ? item->context : NULL;
    mutex_unlock(&fs->lock);
    return context;
}

void fspfs_close(struct fspfs *fs, void *context, bool is_modified)
{
    if (is_modified) {
        fspfs_calls(fs)->cleanup(volume_of(fs), context, NULL, 0);
    }
    fspfs_calls(fs)->close(volume_of(fs), context);
}

/* What a name cannot be does not reach a file system as one name. */
static bool is_one_name(const char *name)
{
    return !strchr(name, '\\');
}

/* Opens as the DLL does: access is checked by the answer to the name first. `wanted` is
 * FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_NORMAL (a file) or 0. */
fsp_status open_path(struct fspfs *fs, void **context, struct fsp_file_info *info, wchar_t *path,
                     uint32_t access, uint32_t wanted)
{
    uint32_t attributes = 0;
    size_t size = 0;
    fsp_status status =
        fspfs_calls(fs)->get_security_by_name(volume_of(fs), path, &attributes, NULL, &size);
    bool is_folder = (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;

    if (status < 0 && status != STATUS_BUFFER_OVERFLOW) {
        return status;
    }
    if (wanted && is_folder != (wanted == FILE_ATTRIBUTE_DIRECTORY)) {
        return is_folder ? STATUS_FILE_IS_A_DIRECTORY : STATUS_NOT_A_DIRECTORY;
    }
    return fspfs_calls(fs)->open(volume_of(fs), path,
                                 wanted == FILE_ATTRIBUTE_DIRECTORY ? FOLDER_FILE : 0, access,
                                 context, info);
}

/* Adds a hold to what is open as `context`, which is kept or closed. */
static void hold(struct fspfs *fs, struct vfs_attr *out, wchar_t *path, void *context,
                 const struct fsp_file_info *info)
{
    struct item *item;

    describe(out, info);
    mutex_lock(&fs->lock);
    item = find(fs, out->id);
    if (!item) {
        item = calloc(1, sizeof(*item));
        if (!item) {
            abort();
        }
        *item = (struct item){.id = out->id, .context = context, .path = path, .next = fs->items};
        fs->items = item;
        path = NULL;
        context = NULL;
    }
    item->holds++;
    mutex_unlock(&fs->lock);
    free(path);
    if (context) {
        fspfs_close(fs, context, false);
    }
}

static int fsp_lookup(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
                      const struct vfs_call *call, struct error *err)
{
    struct fspfs *fs = fs_of(vfs);
    struct fsp_file_info info;
    void *context = NULL;
    wchar_t *path = is_one_name(name) ? path_of(fs, parent, name) : NULL;
    fsp_status status;

    (void)call;
    if (!path) {
        return error_set(err, ERR_NOT_FOUND, "no such name");
    }
    status = open_path(fs, &context, &info, path, FILE_READ_ATTRIBUTES, 0);
    if (status < 0) {
        free(path);
        return fspfs_failed(err, status);
    }
    hold(fs, out, path, context, &info);
    return 0;
}

static void fsp_forget(struct vfs *vfs, uint64_t id, uint64_t count)
{
    struct fspfs *fs = fs_of(vfs);
    struct item *gone = NULL;

    mutex_lock(&fs->lock);
    for (struct item **at = &fs->items; *at; at = &(*at)->next) {
        if ((*at)->id == id) {
            (*at)->holds -= count;
            if ((*at)->holds == 0) {
                gone = *at;
                *at = gone->next;
            }
            break;
        }
    }
    mutex_unlock(&fs->lock);
    if (gone) {
        fspfs_close(fs, gone->context, false);
        free(gone->path);
        free(gone);
    }
}

static int fsp_getattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                       const struct vfs_call *call, struct error *err)
{
    struct fspfs *fs = fs_of(vfs);
    void *context = file ? file->context : context_of(fs, id);
    struct fsp_file_info info;
    fsp_status status = context ? fspfs_calls(fs)->get_file_info(volume_of(fs), context, &info)
                                : STATUS_FILE_INVALID;

    (void)call;
    if (status >= 0) {
        describe(out, &info);
    }
    return fspfs_failed(err, status);
}

static fsp_status set_size(struct fspfs *fs, uint64_t id, struct vfs_file *file, uint64_t size)
{
    struct fsp_file_info info;
    void *context = NULL;
    wchar_t *path = NULL;
    fsp_status status;

    if (file) {
        file->is_modified = true;
        return fspfs_calls(fs)->set_file_size(volume_of(fs), file->context, size, FALSE, &info);
    }
    path = path_of(fs, id, NULL);
    status = path ? open_path(fs, &context, &info, path, FILE_WRITE_DATA, FILE_ATTRIBUTE_NORMAL)
                  : STATUS_FILE_INVALID;
    if (status >= 0) {
        status = fspfs_calls(fs)->set_file_size(volume_of(fs), context, size, FALSE, &info);
        fspfs_close(fs, context, true);
    }
    free(path);
    return status;
}

static int fsp_setattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                       const struct vfs_set *set, const struct vfs_call *call, struct error *err)
{
    struct fspfs *fs = fs_of(vfs);
    void *context = file ? file->context : context_of(fs, id);
    struct fsp_file_info info;
    fsp_status status = context ? STATUS_SUCCESS : STATUS_FILE_INVALID;

    if (status >= 0 && set->flags & VFS_SET_SIZE) {
        status = set_size(fs, id, file, set->size_bytes);
    }
    if (status >= 0 && set->flags & (VFS_SET_MODIFIED | VFS_SET_CREATED)) {
        uint64_t modified = (uint64_t)(set->modified_ms + EPOCH_MS) * 10000;
        uint64_t created = (uint64_t)(set->created_ms + EPOCH_MS) * 10000;

        status =
            fspfs_calls(fs)->set_basic_info(volume_of(fs), context, INVALID_FILE_ATTRIBUTES,
                                            set->flags & VFS_SET_CREATED ? created : 0, 0,
                                            set->flags & VFS_SET_MODIFIED ? modified : 0, 0, &info);
    }
    return status < 0 ? fspfs_failed(err, status) : fsp_getattr(vfs, out, id, file, call, err);
}

static uint32_t access_of(unsigned flags)
{
    return (flags & VFS_READ ? FILE_READ_DATA : 0u) | (flags & VFS_WRITE ? FILE_WRITE_DATA : 0u);
}

static struct vfs_file *file_new(void *context, bool is_modified)
{
    struct vfs_file *file = calloc(1, sizeof(*file));

    if (!file) {
        abort();
    }
    *file = (struct vfs_file){.context = context, .is_modified = is_modified};
    return file;
}

/* Opens what is there, emptied when asked (FILE_OVERWRITE). */
static fsp_status open_file(struct fspfs *fs, struct vfs_file **out, wchar_t *path, unsigned flags)
{
    struct fsp_file_info info;
    void *context = NULL;
    fsp_status status =
        open_path(fs, &context, &info, path, access_of(flags), FILE_ATTRIBUTE_NORMAL);

    if (status >= 0 && flags & VFS_TRUNCATE) {
        status = fspfs_calls(fs)->overwrite(volume_of(fs), context, 0, FALSE, 0, &info);
        if (status < 0) {
            fspfs_close(fs, context, false);
        }
    }
    if (status >= 0) {
        *out = file_new(context, (flags & VFS_TRUNCATE) != 0);
    }
    return status;
}

static int fsp_open(struct vfs *vfs, struct vfs_file **out, uint64_t id, unsigned flags,
                    const struct vfs_call *call, struct error *err)
{
    struct fspfs *fs = fs_of(vfs);
    wchar_t *path = path_of(fs, id, NULL);
    fsp_status status = path ? open_file(fs, out, path, flags) : STATUS_FILE_INVALID;

    (void)call;
    free(path);
    return fspfs_failed(err, status);
}

static int fsp_create(struct vfs *vfs, struct vfs_file **out, struct vfs_attr *attr,
                      uint64_t parent, const char *name, unsigned flags,
                      const struct vfs_call *call, struct error *err)
{
    struct fspfs *fs = fs_of(vfs);
    wchar_t *path = is_one_name(name) ? path_of(fs, parent, name) : NULL;
    struct fsp_file_info info;
    void *context = NULL;
    fsp_status status = STATUS_OBJECT_NAME_NOT_FOUND;
    int code;

    if (!path) {
        return error_set(err, ERR_BAD_NAME, "no such name");
    }
    if (!(flags & VFS_EXCLUSIVE)) { /* FILE_OPEN_IF, FILE_OVERWRITE_IF */
        status = open_file(fs, out, path, flags);
    }
    if (status == STATUS_OBJECT_NAME_NOT_FOUND) {
        status = fspfs_calls(fs)->create(volume_of(fs), path, 0, access_of(flags),
                                         FILE_ATTRIBUTE_NORMAL, NULL, 0, &context, &info);
        if (status >= 0) {
            *out = file_new(context, true);
        }
    }
    free(path);
    if (status < 0) {
        return fspfs_failed(err, status);
    }
    code = fsp_lookup(vfs, attr, parent, name, call, err);
    if (code < 0) {
        fspfs_close(fs, (*out)->context, true);
        free(*out);
    }
    return code;
}

static int fsp_mkdir(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
                     const struct vfs_call *call, struct error *err)
{
    struct fspfs *fs = fs_of(vfs);
    wchar_t *path = is_one_name(name) ? path_of(fs, parent, name) : NULL;
    struct fsp_file_info info;
    void *context = NULL;
    fsp_status status;

    (void)call;
    if (!path) {
        return error_set(err, ERR_BAD_NAME, "no such name");
    }
    status = fspfs_calls(fs)->create(volume_of(fs), path, FOLDER_FILE, FILE_LIST_DIRECTORY,
                                     FILE_ATTRIBUTE_DIRECTORY, NULL, 0, &context, &info);
    if (status < 0) {
        free(path);
        return fspfs_failed(err, status);
    }
    hold(fs, out, path, context, &info);
    return 0;
}

/* With POSIX semantics: the name goes when this handle is closed, whoever else has the file open. A
 * file that is read-only goes, too (FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE). */
static int remove_item(struct vfs *vfs, uint64_t parent, const char *name, uint32_t wanted,
                       struct error *err)
{
    struct fspfs *fs = fs_of(vfs);
    wchar_t *path = is_one_name(name) ? path_of(fs, parent, name) : NULL;
    struct fsp_file_info info;
    void *context = NULL;
    fsp_status status =
        path ? open_path(fs, &context, &info, path, DELETE, wanted) : STATUS_OBJECT_NAME_NOT_FOUND;

    if (status >= 0) {
        status = fspfs_calls(fs)->set_delete(volume_of(fs), context, path, TRUE);
        if (status >= 0) {
            fspfs_calls(fs)->cleanup(volume_of(fs), context, path, FSP_CLEANUP_DELETE);
        }
        fspfs_calls(fs)->close(volume_of(fs), context);
    }
    free(path);
    return fspfs_failed(err, status);
}

static int fsp_unlink(struct vfs *vfs, uint64_t parent, const char *name,
                      const struct vfs_call *call, struct error *err)
{
    (void)call;
    return remove_item(vfs, parent, name, FILE_ATTRIBUTE_NORMAL, err);
}

static int fsp_rmdir(struct vfs *vfs, uint64_t parent, const char *name,
                     const struct vfs_call *call, struct error *err)
{
    (void)call;
    return remove_item(vfs, parent, name, FILE_ATTRIBUTE_DIRECTORY, err);
}

/* The driver's table of names. */
static void move_items(struct fspfs *fs, const wchar_t *from, const wchar_t *to)
{
    size_t length = wcslen(from);

    mutex_lock(&fs->lock);
    for (struct item *item = fs->items; item; item = item->next) {
        if (_wcsnicmp(item->path, from, length) == 0 &&
            (!item->path[length] || item->path[length] == L'\\')) {
            size_t units = wcslen(to) + wcslen(item->path + length) + 1;
            wchar_t *moved = calloc(units, sizeof(*moved));

            if (!moved) {
                abort();
            }
            _snwprintf(moved, units, L"%ls%ls", to, item->path + length);
            free(item->path);
            item->path = moved;
        }
    }
    mutex_unlock(&fs->lock);
}

static uint32_t attributes_of(struct fspfs *fs, wchar_t *path)
{
    uint32_t attributes = 0;

    return fspfs_calls(fs)->get_security_by_name(volume_of(fs), path, &attributes, NULL, NULL) < 0
               ? 0
               : attributes;
}

static int rename_path(struct fspfs *fs, wchar_t *from, wchar_t *to, unsigned flags,
                       struct error *err)
{
    struct fsp_file_info info;
    void *context = NULL;
    fsp_status status = open_path(fs, &context, &info, from, DELETE, 0);
    bool was_folder;

    if (status < 0) {
        return fspfs_failed(err, status);
    }
    was_folder = (info.attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    status =
        fspfs_calls(fs)->rename(volume_of(fs), context, from, to, !(flags & VFS_RENAME_NO_REPLACE));
    fspfs_close(fs, context, false);
    if (status >= 0) {
        move_items(fs, from, to);
    } else if (status == STATUS_ACCESS_DENIED) {
        uint32_t attributes = attributes_of(fs, to);

        if (attributes && was_folder != ((attributes & FILE_ATTRIBUTE_DIRECTORY) != 0)) {
            return error_set(err, was_folder ? ERR_NOT_FOLDER : ERR_IS_FOLDER,
                             "what is there is of the other kind");
        }
    }
    return fspfs_failed(err, status);
}

static int fsp_rename(struct vfs *vfs, uint64_t parent, const char *name, uint64_t new_parent,
                      const char *new_name, unsigned flags, const struct vfs_call *call,
                      struct error *err)
{
    struct fspfs *fs = fs_of(vfs);
    wchar_t *from = is_one_name(name) ? path_of(fs, parent, name) : NULL;
    wchar_t *to = is_one_name(new_name) ? path_of(fs, new_parent, new_name) : NULL;
    int code;

    (void)call;
    code = !from ? error_set(err, ERR_NOT_FOUND, "no such name")
           : !to ? error_set(err, ERR_BAD_NAME, "no such name")
                 : rename_path(fs, from, to, flags, err);
    free(from);
    free(to);
    return code;
}

static void fsp_free(struct vfs *vfs)
{
    struct fspfs *fs = fs_of(vfs);

    while (fs->items) {
        struct item *next = fs->items->next;

        fspfs_close(fs, fs->items->context, false);
        free(fs->items->path);
        free(fs->items);
        fs->items = next;
    }
    fspfs_close(fs, fs->root.context, false);
    free(fs->root.path);
    mutex_clear(&fs->lock);
    free(fs);
}

static const struct vfs_ops ops = {
    .lookup = fsp_lookup,
    .forget = fsp_forget,
    .getattr = fsp_getattr,
    .setattr = fsp_setattr,
    .opendir = fsp_opendir,
    .readdir = fsp_readdir,
    .closedir = fsp_closedir,
    .open = fsp_open,
    .create = fsp_create,
    .read = fsp_read,
    .write = fsp_write,
    .flush = fsp_flush,
    .fsync = fsp_flush,
    .close = fsp_close,
    .mkdir = fsp_mkdir,
    .unlink = fsp_unlink,
    .rmdir = fsp_rmdir,
    .rename = fsp_rename,
    .statfs = fsp_statfs,
    .free = fsp_free,
};

int fspfs_new(struct vfs **out, struct double_volume *volume, const wchar_t *path,
              struct error *err)
{
    struct fspfs *fs = calloc(1, sizeof(*fs));
    struct fsp_file_info info;
    fsp_status status;

    if (!fs) {
        abort();
    }
    vfs_init(&fs->base, &ops);
    mutex_init(&fs->lock);
    fs->volume = volume;
    fs->root.id = VFS_ROOT;
    fs->root.path = _wcsdup(path);
    status = open_path(fs, &fs->root.context, &info, fs->root.path, FILE_READ_ATTRIBUTES,
                       FILE_ATTRIBUTE_DIRECTORY);
    if (status < 0) {
        free(fs->root.path);
        mutex_clear(&fs->lock);
        free(fs);
        return fspfs_failed(err, status);
    }
    *out = &fs->base;
    return 0;
}
