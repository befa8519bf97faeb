/*
 * fspfs_file.c - listings and content.
 */
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

#include "base/win32.h"

#define LISTING_BYTES 4096 /* so that longer folders need several answers */

int fsp_opendir(struct vfs *vfs, struct vfs_dir **out, uint64_t id, const struct vfs_call *call,
                struct error *err)
{
    struct fspfs *fs = fs_of(vfs);
    struct fsp_file_info info;
    struct vfs_dir *dir = calloc(1, sizeof(*dir));
    wchar_t *path = path_of(fs, id, NULL);
    fsp_status status = path && dir ? open_path(fs, &dir->context, &info, path, FILE_LIST_DIRECTORY,
                                                FILE_ATTRIBUTE_DIRECTORY)
                                    : STATUS_FILE_INVALID;

    (void)call;
    free(path);
    if (status < 0) {
        free(dir);
        return fspfs_failed(err, status);
    }
    *out = dir;
    return 0;
}

/* The next answer of the file system. */
static fsp_status read_chunk(struct fspfs *fs, struct vfs_dir *dir)
{
    free(dir->chunk);
    dir->chunk = calloc(1, LISTING_BYTES);
    dir->at = 0;
    dir->used = 0;
    if (!dir->chunk) {
        abort();
    }
    return fspfs_calls(fs)->read_directory(volume_of(fs), dir->context, NULL,
                                           *dir->marker ? dir->marker : NULL, dir->chunk,
                                           LISTING_BYTES, &dir->used);
}

/* *out = the next entry, in the chunk; NULL at the end. */
static fsp_status next_entry(struct fspfs *fs, struct vfs_dir *dir, const struct fsp_dir_info **out)
{
    const struct fsp_dir_info *entry;

    *out = NULL;
    if (dir->is_over) {
        return STATUS_SUCCESS;
    }
    if (!dir->chunk || dir->at >= dir->used) {
        fsp_status status = read_chunk(fs, dir);

        if (status < 0) {
            return status;
        }
    }
    entry = (const struct fsp_dir_info *)(dir->chunk + dir->at);
    dir->is_over = dir->used == 0 || entry->size == 0;
    *out = dir->is_over ? NULL : entry;
    return STATUS_SUCCESS;
}

static void pass_entry(struct vfs_dir *dir, const struct fsp_dir_info *entry)
{
    size_t units = (entry->size - sizeof(*entry)) / sizeof(wchar_t);

    memcpy(dir->marker, entry->name, units * sizeof(wchar_t));
    dir->marker[units] = L'\0';
    dir->at += ((ULONG)entry->size + 7u) & ~7u;
    dir->cookie++;
}

int fsp_readdir(struct vfs *vfs, struct vfs_dir *dir, uint64_t cookie, vfs_entry_fn fill,
                void *payload, const struct vfs_call *call, struct error *err)
{
    struct fspfs *fs = fs_of(vfs);
    bool has_room = true;

    (void)call;
    if (cookie == 0) {
        free(dir->chunk);
        *dir = (struct vfs_dir){.context = dir->context};
    }
    if (cookie != dir->cookie) {
        return error_set(err, ERR_INVALID, "this listing goes forward only");
    }
    while (has_room) {
        const struct fsp_dir_info *entry = NULL;
        fsp_status status = next_entry(fs, dir, &entry);
        struct vfs_attr attr;
        wchar_t name[256] = L"";
        char *text = NULL;

        if (status < 0) {
            return fspfs_failed(err, status);
        }
        if (!entry) {
            return 0;
        }
        memcpy(name, entry->name, entry->size - sizeof(*entry));
        describe(&attr, &entry->file);
        if (win32_utf8(&text, name, err) < 0) {
            return ERR_IO;
        }
        if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0) {
            pass_entry(dir, entry);
        } else {
            has_room = fill(payload, text, &attr, dir->cookie + 1);
            if (has_room) {
                pass_entry(dir, entry);
            }
        }
        free(text);
    }
    return 0;
}

void fsp_closedir(struct vfs *vfs, struct vfs_dir *dir)
{
    fspfs_close(fs_of(vfs), dir->context, false);
    free(dir->chunk);
    free(dir);
}

int fsp_read(struct vfs *vfs, struct vfs_file *file, void *data, size_t size, uint64_t offset,
             size_t *got, const struct vfs_call *call, struct error *err)
{
    struct fspfs *fs = fs_of(vfs);
    ULONG done = 0;
    fsp_status status =
        fspfs_calls(fs)->read(volume_of(fs), file->context, data, offset, (ULONG)size, &done);

    (void)call;
    *got = done;
    return status == STATUS_END_OF_FILE ? 0 : fspfs_failed(err, status);
}

int fsp_write(struct vfs *vfs, struct vfs_file *file, const void *data, size_t size,
              uint64_t offset, const struct vfs_call *call, struct error *err)
{
    struct fspfs *fs = fs_of(vfs);
    struct fsp_file_info info;
    ULONG done = 0;
    fsp_status status =
        fspfs_calls(fs)->write(volume_of(fs), file->context, (void *)(uintptr_t)data, offset,
                               (ULONG)size, FALSE, FALSE, &done, &info);

    (void)call;
    file->is_modified = true;
    return status >= 0 && done != size ? error_set(err, ERR_IO, "a short write")
                                       : fspfs_failed(err, status);
}

int fsp_flush(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *call,
              struct error *err)
{
    struct fspfs *fs = fs_of(vfs);
    struct fsp_file_info info;

    (void)call;
    return fspfs_failed(err, fspfs_calls(fs)->flush(volume_of(fs), file->context, &info));
}

void fsp_close(struct vfs *vfs, struct vfs_file *file)
{
    fspfs_close(fs_of(vfs), file->context, file->is_modified);
    free(file);
}

int fsp_statfs(struct vfs *vfs, struct vfs_space *out, uint64_t id, const struct vfs_call *call,
               struct error *err)
{
    struct fspfs *fs = fs_of(vfs);
    struct fsp_volume_info info;
    fsp_status status = fspfs_calls(fs)->get_volume_info(volume_of(fs), &info);

    (void)id;
    (void)call;
    *out = (struct vfs_space){info.total_bytes, info.free_bytes};
    return fspfs_failed(err, status);
}
