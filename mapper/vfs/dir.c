/*
 * dir.c - opendir, readdir, closedir over listing.c. The cookie of an entry is its place in the
 * listing, from 1.
 */
#include "listing.h"

#include <stdlib.h>

#include "online.h"

int online_opendir(struct vfs *vfs, struct vfs_dir **out, uint64_t id, const struct vfs_call *call,
                   struct error *err)
{
    struct online_vfs *online = online_of(vfs);
    struct vfs_dir *dir = calloc(1, sizeof(*dir));
    int code = 0;

    (void)call; /* asks nothing: the first readdir does */
    if (!dir) {
        return error_set(err, ERR_NO_MEMORY, "no memory for an open folder");
    }
    dir->online = online;
    code = node_get(online, &dir->folder, id, VFS_FOLDER, err);
    if (code < 0) {
        free(dir);
        return code;
    }
    *out = dir;
    return 0;
}

void online_closedir(struct vfs *vfs, struct vfs_dir *dir)
{
    struct online_vfs *online = online_of(vfs);

    mutex_lock(&online->lock);
    listing_leave(online, dir->listing);
    tree_release(online->tree, dir->folder, 1);
    mutex_unlock(&online->lock);
    free(dir);
}

/* From the current state. The lock is held, and given up while changes are asked for. */
static int begin(struct online_vfs *online, struct vfs_dir *dir, const struct call *call,
                 struct error *err)
{
    bool is_followed = false;
    int code = 0;

    mutex_unlock(&online->lock);
    code = folder_follow(online, dir->folder, &is_followed, call, err);
    mutex_lock(&online->lock);
    if (code < 0) {
        return code;
    }
    if (dir->folder->flags & NODE_GONE) {
        return error_set(err, ERR_STALE, "the folder is no longer there");
    }
    listing_leave(online, dir->listing);
    dir->listing = listing_join(online, dir->folder, is_followed, err);
    if (!dir->listing) {
        return ERR_NO_MEMORY;
    }
    walk_note(online, dir->folder);
    return 0;
}

/* Entries that are there, until fill has no more room; *is_full then. Returns how often fill was
 * called. Lock held. */
static size_t give(struct online_vfs *online, struct vfs_dir *dir, uint64_t *cookie,
                   vfs_entry_fn fill, void *payload, bool *is_full)
{
    size_t calls = 0;

    *is_full = false;
    while (*cookie < dir->listing->count) {
        struct node *node = dir->listing->nodes[*cookie];
        struct vfs_attr attr = {0};

        /* Not what was deleted or moved away since its page came. */
        if (!(node->flags & NODE_GONE) && node->parent == dir->folder->index) {
            node_attr(online, node, &attr);
            calls++;
            if (!fill(payload, node_name(node), &attr, *cookie + 1)) {
                *is_full = true;
                return calls;
            }
        }
        (*cookie)++;
    }
    return calls;
}

static int readdir_locked(struct online_vfs *online, struct vfs_dir *dir, uint64_t cookie,
                          vfs_entry_fn fill, void *payload, const struct call *call,
                          struct error *err)
{
    bool is_full = false;
    int code = 0;

    if (cookie == 0 || !dir->listing) {
        code = begin(online, dir, call, err);
    }
    while (code == 0) {
        size_t calls = give(online, dir, &cookie, fill, payload, &is_full);

        /* What is there is given at once; the next call waits for the next page. */
        if (calls > 0 || is_full || dir->listing->is_complete) {
            return 0;
        }
        code = listing_more(online, dir->listing, call, err);
    }
    return code;
}

int online_readdir(struct vfs *vfs, struct vfs_dir *dir, uint64_t cookie, vfs_entry_fn fill,
                   void *payload, const struct vfs_call *vfs_call, struct error *err)
{
    struct online_vfs *online = online_of(vfs);
    struct call call = call_begin(vfs_call, CALL_LISTING);
    struct error error = {0};
    int code = 0;

    mutex_lock(&online->lock);
    if (cookie == 0) {
        error_clear(&dir->error);
    }
    code = dir->error.code;
    if (code == 0) {
        code = readdir_locked(online, dir, cookie, fill, payload, &call, &error);
        if (code < 0) {
            dir->error = error;
        }
    }
    if (code < 0 && err) {
        *err = dir->error;
    }
    mutex_unlock(&online->lock);
    return code;
}
