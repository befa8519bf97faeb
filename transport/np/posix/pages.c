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

/* What they are to `handle`, which reads `version` (0: unknown), by what `other` says, which uses
 * them. */
static enum np_pages judge(struct np *np, const struct np_handle *handle, uint64_t version,
                           const struct np_handle *other)
{
    uint64_t theirs = 0;

    if (version != 0 && version_of(np, &theirs, other) && theirs == version) {
        /* A number is not used again, so nobody wrote meanwhile. But until the kernel has taken the
         * answer to that opening, which is some time after it was sent, it has what was there before. */
        return atomic_load(&other->version) == version && atomic_load(&other->has_pages)
                   ? NP_PAGES_RIGHT
                   : NP_PAGES_OLD;
    }
    return are_alike(np, handle, other) ? NP_PAGES_OLD : NP_PAGES_OTHERS;
}

enum np_pages np_pages_of(struct np *np, struct np_handle *handle)
{
    enum np_pages pages = NP_PAGES_OLD;
    struct np_handle **open = NULL;
    uint64_t version = 0;
    size_t count = 0;

    if (!np_handles_borrow(np, &open, &count, handle->ino)) {
        return NP_PAGES_OTHERS;
    }
    (void)version_of(np, &version, handle);
    for (size_t i = 0; i < count; i++) {
        if (open[i] != handle && pages != NP_PAGES_OTHERS && !np_handle_is_apart(np, open[i])) {
            enum np_pages found = judge(np, handle, version, open[i]);

            pages = found == NP_PAGES_OLD ? pages : found;
        }
        np_handle_release(np, open[i]);
    }
    free(open);
    /* Last: who opens the file next goes by it, and two at once must not go by each other. */
    if (pages != NP_PAGES_OTHERS) {
        atomic_store(&handle->version, version);
        atomic_store(&handle->has_pages, pages == NP_PAGES_RIGHT);
    }
    return pages;
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
