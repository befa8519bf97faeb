/*
 * access.c - what this user may change, by policy and by what the service said, and which names may
 * be given.
 */
#include "names.h"
#include "online.h"

#define DENIED_MS (10 * 60 * 1000)
#define DENIALS_OF_LIBRARY 3

int check_changeable(struct online_vfs *online, const struct node *node, struct error *err)
{
    const struct online_vfs_options *options = &online->options;
    const struct library *library = NULL;

    if (node->flags & NODE_GONE) {
        return error_set(err, ERR_STALE, "the item is no longer there");
    }
    library = library_of(online, (struct node *)node);
    if (!library) {
        return error_set(err, ERR_DENIED, "this folder is not in a library");
    }
    if (library->is_removed) {
        return error_set(err, ERR_STALE, "the library is no longer mapped");
    }
    if (options->is_read_only || library->is_read_only) {
        return error_set(err, ERR_READ_ONLY, "policy makes the library read-only");
    }
    if (library->denied_ms && online_now() - library->denied_ms < DENIED_MS) {
        return error_set(err, ERR_READ_ONLY, "the service lets nothing in the library be changed");
    }
    if (node_is_link(node)) {
        return error_set(err, ERR_READ_ONLY, "'%.120s' leads to a notebook: change it in OneNote",
                         node_name(node));
    }
    if (node->kind == VFS_FOLDER) {
        if (node->folder && node->folder->denied_ms &&
            online_now() - node->folder->denied_ms < DENIED_MS) {
            return error_set(err, ERR_READ_ONLY, "the service denied changes in '%.120s'",
                             node_name(node));
        }
        return 0;
    }
    if ((node->flags & NODE_DENIED) && !(node->flags & NODE_LOCAL)) {
        return error_set(err, ERR_READ_ONLY, "the service denied changing '%.120s'",
                         node_name(node));
    }
    return 0;
}

int check_writable(struct online_vfs *online, const struct node *node, struct error *err)
{
    const struct online_vfs_options *options = &online->options;
    int code = check_changeable(online, node, err);

    if (code < 0 || node->kind == VFS_FOLDER || (node->flags & NODE_LOCAL)) {
        return code;
    }
    code = guard_name(online->guard, node_name(node), err);
    if (code < 0) {
        return code;
    }
    if (node->flags & NODE_CHECKED_OUT) {
        return error_set(err, ERR_READ_ONLY, "'%.120s' is checked out by someone else",
                         node_name(node));
    }
    if (options->read_only_above && node->size_bytes > options->read_only_above) {
        return error_set(err, ERR_READ_ONLY,
                         "'%.120s' is larger than ReadOnlyAboveMB allows to change",
                         node_name(node));
    }
    return 0;
}

/* Item after item refused, and none taken: the library is one to read. */
static void count_denial(struct online_vfs *online, struct node *node)
{
    struct library *library = library_of(online, node);

    if (library && ++library->denials >= DENIALS_OF_LIBRARY) {
        library->denied_ms = online_now();
        library->denials = 0;
    }
}

void note_denied(struct online_vfs *online, struct node *node, int code)
{
    struct node *folder = node->kind == VFS_FOLDER ? node : tree_parent(online->tree, node);

    if (code != ERR_DENIED || (node->flags & NODE_GONE)) {
        return;
    }
    count_denial(online, node);
    if (node->kind == VFS_FILE && !(node->flags & NODE_LOCAL)) {
        node->flags |= NODE_DENIED;
    } else if (folder && tree_folder(folder)) {
        folder->folder->denied_ms = online_now();
    }
}

int check_name(struct online_vfs *online, struct node *folder, const char *name, bool is_folder,
               struct error *err)
{
    struct name_place place = {.is_folder = is_folder};
    struct library *library = NULL;

    mutex_lock(&online->lock);
    library = library_of(online, folder);
    if (library) {
        place.is_in_library_root = folder == library->root && !library->folder_path;
        place.parent_units = library->path_units;
        for (const struct node *at = folder; at->parent; at = tree_parent(online->tree, at)) {
            place.parent_units += 1 + name_units(node_name(at));
        }
    }
    mutex_unlock(&online->lock);
    if (!is_folder && guard_name(online->guard, name, err) < 0) {
        return ERR_DENIED;
    }
    return name_check(name, &place, err);
}
