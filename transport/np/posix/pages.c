/*
 * pages.c - whose bytes the kernel remembers. It has one set of pages for an item, whatever version an
 * open file reads, and fills them by whichever file somebody reads through. So all open files that use
 * them are of one version: who opens another one, since somebody else saved meanwhile, reads past them.
 */
#include "np_internal.h"

#include <stdlib.h>

#define TRIES 8 /* a program may write between two looks */

static bool version_of(struct np *np, uint64_t *out, const struct np_handle *handle)
{
    const struct vfs_call call = {.deadline_ms = 0};
    struct vfs_attr attr;

    if (vfs_getattr(np->vfs, &attr, handle->ino, handle->file, &call, NULL) < 0) {
        return false;
    }
    *out = attr.version;
    return true;
}

/* Open files of one version share what is written: their numbers may differ for a moment only. */
static bool are_alike(struct np *np, const struct np_handle *one, const struct np_handle *other)
{
    for (int tries = 0; tries < TRIES; tries++) {
        uint64_t before = 0;
        uint64_t others = 0;
        uint64_t after = 0;

        if (!version_of(np, &before, one) || !version_of(np, &others, other) ||
            !version_of(np, &after, one)) {
            return false;
        }
        if (before == others || before == after) {
            return before == others;
        }
    }
    return false;
}

bool np_pages_are_others(struct np *np, const struct np_handle *handle)
{
    struct np_handle **others = NULL;
    bool is_apart = false;
    size_t count = 0;

    if (!np_handles_borrow(np, &others, &count, handle->ino)) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        is_apart = is_apart || (others[i] != handle && !np_handle_is_apart(np, others[i]) &&
                                !are_alike(np, handle, others[i]));
        np_handle_release(np, others[i]);
    }
    free(others);
    return is_apart;
}

bool np_pages_are_right(struct np *np, struct np_handle *handle)
{
    struct np_handle **others = NULL;
    uint64_t version = 0;
    bool are_right = false;
    size_t count = 0;

    if (!version_of(np, &version, handle) || version == 0 ||
        !np_handles_borrow(np, &others, &count, handle->ino)) {
        return false;
    }
    atomic_store(&handle->version, version);
    for (size_t i = 0; i < count; i++) {
        uint64_t theirs = 0;

        /* a number is not used again, so nobody wrote meanwhile */
        are_right = are_right || (others[i] != handle && !np_handle_is_apart(np, others[i]) &&
                                  atomic_load(&others[i]->version) == version &&
                                  version_of(np, &theirs, others[i]) && theirs == version);
        np_handle_release(np, others[i]);
    }
    free(others);
    return are_right;
}

bool np_pages_are_split(struct np *np, const struct vfs_attr *attr)
{
    struct np_handle **open = NULL;
    uint64_t version = 0;
    bool is_split = false;
    size_t count = 0;

    if (attr->kind != VFS_FILE) {
        return false;
    }
    if (!np_handles_borrow(np, &open, &count, attr->id)) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        is_split = is_split || !version_of(np, &version, open[i]) || version != attr->version;
        np_handle_release(np, open[i]);
    }
    free(open);
    return is_split;
}
