/*
 * handles.c - open, create, read, write, flush, close.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "body.h"
#include "link.h"
#include "listing.h"
#include "local_only.h"
#include "online.h"
#include "save.h"
#include "settle.h"
#include "uploads.h"

#define JUST_NOW_MS 1000
#define LOCAL_ONLY 0x100u /* beside the flags of opening: the new file never leaves the machine */

/* --- opening --- */

static int check_open(struct online_vfs *online, const struct node *node, unsigned flags,
                      struct error *err)
{
    const struct online_vfs_options *options = &online->options;

    if (node->flags & NODE_GONE) {
        return error_set(err, ERR_STALE, "the file is no longer there");
    }
    if (node->flags & NODE_INFECTED) {
        return error_set(err, ERR_DENIED, "the service found malware in '%.120s'", node_name(node));
    }
    if (options->blocked_above && node->size_bytes > options->blocked_above) {
        return error_set(err, ERR_TOO_LARGE, "'%.120s' is larger than BlockAboveMB allows to open",
                         node_name(node));
    }
    return flags & (VFS_WRITE | VFS_TRUNCATE) ? check_writable(online, node, err) : 0;
}

/* How old the server's word may be for this opening. What must come over the network needs a
 * download URL, which an answer of now brings along; what is all here, or is cut to nothing, or is
 * open already, needs no request. Lock held. */
static int64_t trusted_age_ms(struct online_vfs *online, struct node *node, unsigned flags)
{
    struct content_key key = {library_of(online, node)->drive_id, node_item_id(node),
                              node_version(node)};

    if ((flags & VFS_TRUNCATE) || node->body || node->size_bytes == 0 || node_is_link(node) ||
        cache_has_all(online->cache, &key)) {
        return online->options.metadata_ms;
    }
    return JUST_NOW_MS;
}

static int make_file(struct online_vfs *online, struct vfs_file **out, struct node *node,
                     unsigned flags, struct error *err)
{
    struct vfs_file *file = calloc(1, sizeof(*file));
    int code = 0;

    if (!file) {
        return error_set(err, ERR_NO_MEMORY, "no memory for an open file");
    }
    file->flags = flags & (VFS_READ | VFS_WRITE);
    file->owes_save = flags & (VFS_WRITE | VFS_TRUNCATE);
    mutex_lock(&online->lock);
    code = check_open(online, node, flags, err);
    if (code == 0) {
        code = body_get(online, &file->body, node, err);
    }
    if (code == 0) {
        online->open_files++;
        file->body->writers += file->owes_save;
        online->has_cached = true;
        cond_signal(&online->keeper_wake);
        *out = file;
        file = NULL;
    }
    mutex_unlock(&online->lock);
    free(file);
    return code;
}

/* O_TRUNC. What is empty already stays as it is. */
static int cut_to_nothing(struct body *body, const struct call *call, struct error *err)
{
    int code = 0;

    if (body_size(body) == 0) {
        return 0;
    }
    code = body_resize(body, 0, call, err);
    if (code == 0) {
        mutex_lock(&body->lock);
        body->is_written = false;
        mutex_unlock(&body->lock);
    }
    return code;
}

/* Opens a held node. */
static int open_node(struct online_vfs *online, struct vfs_file **out, struct node *node,
                     unsigned flags, const struct call *call, struct error *err)
{
    struct vfs_file *file = NULL;
    char *before = NULL;
    char *url = NULL;
    int64_t age_ms = 0;
    bool is_changed = false;
    int code = 0;

    mutex_lock(&online->lock);
    code = check_open(online, node, flags, err);
    if (code == 0) {
        age_ms = trusted_age_ms(online, node, flags);
        code = str_copy(&before, node_version(node), err);
    }
    mutex_unlock(&online->lock);
    if (code == 0) {
        code = refresh_node(online, node, age_ms, &url, call, err);
    }
    if (code == 0) {
        code = link_store(online, node, err);
    }
    if (code == 0) {
        code = make_file(online, &file, node, flags, err);
    }
    if (code == 0) {
        mutex_lock(&online->lock);
        is_changed = !(node->flags & NODE_GONE) && strcmp(before, node_version(node)) != 0;
        mutex_unlock(&online->lock);
        if (url && file->body->base) {
            content_confirm(file->body->base, url);
        }
        if (flags & VFS_TRUNCATE) {
            code = cut_to_nothing(file->body, call, err);
        }
    }
    if (is_changed) {
        online_tell(online, 0, NULL, node_id(node));
    }
    secret_free(&url);
    free(before);
    if (code < 0 && file) {
        online_close(&online->base, file);
        file = NULL;
    }
    if (code == 0) {
        *out = file;
    }
    return code;
}

/* Indexers, thumbnailers and scanners read what is here, and cause no downloads. */
static int check_caller(struct online_vfs *online, struct node *node,
                        const struct vfs_call *vfs_call, struct error *err)
{
    bool needs_download = false;

    if (!vfs_call || !guard_is_scanner(online->guard, vfs_call->pid)) {
        return 0;
    }
    mutex_lock(&online->lock);
    if (!(node->flags & NODE_GONE) && !node->body) {
        struct content_key key = {library_of(online, node)->drive_id, node_item_id(node),
                                  node_version(node)};

        needs_download = node->size_bytes > 0 && !(node->flags & NODE_LOCAL) &&
                         !node_is_link(node) && !cache_has_all(online->cache, &key);
    }
    mutex_unlock(&online->lock);
    return needs_download ? error_set(err, ERR_DENIED,
                                      "policy (ScannerProcesses) lets this program cause no "
                                      "downloads")
                          : 0;
}

int online_open(struct vfs *vfs, struct vfs_file **out, uint64_t id, unsigned flags,
                const struct vfs_call *vfs_call, struct error *err)
{
    struct online_vfs *online = online_of(vfs);
    struct call call = call_begin(vfs_call, CALL_READ);
    struct node *node = NULL;
    int code = node_get(online, &node, id, VFS_FILE, err);

    if (!node) {
        return code;
    }
    code = check_caller(online, node, vfs_call, err);
    if (code == 0) {
        code = open_node(online, out, node, flags, &call, err);
    }
    node_put(online, node);
    return code;
}

/* --- making --- */

/* A node that only we know, with an empty draft; *node held for the caller. */
static int make_local(struct online_vfs *online, struct node **out, struct node *folder,
                      const char *name, struct error *err)
{
    int64_t now_ms = clock_wall_ms(clock_system());
    struct node_facts facts = {.kind = VFS_FILE,
                               .name = name,
                               .modified_ms = now_ms,
                               .created_ms = now_ms,
                               .flags = NODE_LOCAL};
    struct node *node = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    code = check_writable(online, folder, err);
    if (code == 0 && tree_child(online->tree, folder, name)) {
        code = error_set(err, ERR_EXISTS, "'%.120s' was made meanwhile", name);
    }
    if (code == 0) {
        code = tree_add(online->tree, &node, folder, &facts, err);
    }
    if (code == 0) {
        tree_hold(online->tree, node);
        tree_edit(online->tree, node);
        listing_note_added(online, folder, node);
        *out = node;
    }
    mutex_unlock(&online->lock);
    return code;
}

/* What a program makes for itself stays here; what gets the name of a document that was deleted or
 * renamed a moment ago is its next version. */
static int place_new(struct online_vfs *online, struct node *node, struct body *body,
                     bool is_local_only, const struct call *call, struct error *err)
{
    int code = 0;

    if (is_local_only) {
        mutex_lock(&online->lock);
        code = local_only_keep(online, body, err);
        mutex_unlock(&online->lock);
        return code;
    }
    code = body_pause_saves(body, call, err);
    if (code == 0) {
        code = settle_adopt(online, node, body, call, err);
        body_resume_saves(body);
    }
    return code < 0 ? code : 0;
}

static int create_new(struct online_vfs *online, struct vfs_file **out, struct node **out_node,
                      struct node *folder, const char *name, unsigned flags,
                      const struct call *call, struct error *err)
{
    struct vfs_file *file = NULL;
    struct node *node = NULL;
    int code = make_local(online, &node, folder, name, err);

    if (!node) {
        return code;
    }
    code = make_file(online, &file, node, flags | VFS_WRITE, err);
    if (code == 0) {
        file->flags = flags & (VFS_READ | VFS_WRITE);
        code = body_resize(file->body, 0, call, err); /* the draft begins: it must arrive */
    }
    if (code == 0) {
        code = place_new(online, node, file->body, flags & LOCAL_ONLY, call, err);
    }
    if (code < 0) {
        if (file) {
            mutex_lock(&file->body->lock);
            file->body->is_removed = true;
            mutex_unlock(&file->body->lock);
            online_close(&online->base, file);
        }
        mutex_lock(&online->lock);
        if (!(node->flags & NODE_GONE)) {
            tree_remove(online->tree, node);
        }
        mutex_unlock(&online->lock);
        node_put(online, node);
        return code;
    }
    *out = file;
    *out_node = node;
    return 0;
}

/* *out held, without asking the service when it cannot know better than we. */
static int find_for_create(struct online_vfs *online, struct node **out, struct node *folder,
                           const char *name, bool is_local_only, const struct call *call,
                           struct error *err)
{
    int code = 0;

    if (!is_local_only) {
        return lookup_child(online, out, folder, name, call, err);
    }
    mutex_lock(&online->lock);
    *out = tree_child(online->tree, folder, name);
    if (*out) {
        tree_hold(online->tree, *out);
    } else {
        code = ERR_NOT_FOUND;
    }
    mutex_unlock(&online->lock);
    return code;
}

/* In a held folder; *node held for the caller. */
static int create_in(struct online_vfs *online, struct vfs_file **out, struct node **node,
                     struct node *folder, const char *name, unsigned flags, const struct call *call,
                     struct error *err)
{
    bool is_local_only = false;
    int code = 0;

    mutex_lock(&online->lock);
    is_local_only = local_only_matches(online, name);
    mutex_unlock(&online->lock);
    code = is_local_only ? 0 : check_name(online, folder, name, false, err);
    if (code == 0) {
        code = find_for_create(online, node, folder, name, is_local_only, call, err);
    }
    if (code == ERR_NOT_FOUND) {
        error_clear(err);
        return create_new(online, out, node, folder, name, flags | (is_local_only ? LOCAL_ONLY : 0),
                          call, err);
    }
    if (code != 0) {
        return code;
    }
    if (flags & VFS_EXCLUSIVE) {
        code = error_set(err, ERR_EXISTS, "'%.120s' is already there", name);
    } else if ((*node)->kind == VFS_FOLDER) {
        code = error_set(err, ERR_IS_FOLDER, "'%.120s' is a folder", name);
    } else {
        code = open_node(online, out, *node, flags, call, err);
    }
    if (code < 0) {
        node_put(online, *node);
        *node = NULL;
    }
    return code;
}

int online_create(struct vfs *vfs, struct vfs_file **out, struct vfs_attr *attr, uint64_t parent,
                  const char *name, unsigned flags, const struct vfs_call *vfs_call,
                  struct error *err)
{
    struct online_vfs *online = online_of(vfs);
    struct call call = call_begin(vfs_call, CALL_SAVE);
    struct node *folder = NULL;
    struct node *node = NULL;
    int code = node_get(online, &folder, parent, VFS_FOLDER, err);

    if (code < 0) {
        return code;
    }
    code = create_in(online, out, &node, folder, name, flags, &call, err);
    if (code == 0) {
        mutex_lock(&online->lock);
        node_attr(online, node, attr); /* its hold goes to the caller */
        mutex_unlock(&online->lock);
    }
    node_put(online, folder);
    return code;
}

/* --- using --- */

int online_read(struct vfs *vfs, struct vfs_file *file, void *data, size_t size, uint64_t offset,
                size_t *got, const struct vfs_call *vfs_call, struct error *err)
{
    struct call call = call_begin(vfs_call, CALL_READ);

    (void)vfs;
    *got = 0;
    if (!(file->flags & VFS_READ)) {
        return error_set(err, ERR_DENIED, "the file is not open for reading");
    }
    return body_read(file->body, &file->habit, data, size, offset, got, &call, err);
}

int online_write(struct vfs *vfs, struct vfs_file *file, const void *data, size_t size,
                 uint64_t offset, const struct vfs_call *vfs_call, struct error *err)
{
    struct call call = call_begin(vfs_call, CALL_SAVE);

    (void)vfs;
    if (!(file->flags & VFS_WRITE)) {
        return error_set(err, ERR_DENIED, "the file is not open for writing");
    }
    return body_write(file->body, data, size, offset, &call, err);
}

/* A shell makes or empties a file, duplicates the handle, closes the first one and only then
 * writes. Sending at that first close would make two versions of every redirection: so a file
 * that was made or emptied by opening and not written yet is sent with the last handle. */
static bool is_just_begun(struct body *body)
{
    bool is_begun = false;

    mutex_lock(&body->lock);
    is_begun = body->is_dirty && !body->is_written && body->size_bytes == 0 &&
               body->modified_ms < 0 && body->created_ms < 0;
    mutex_unlock(&body->lock);
    return is_begun;
}

int online_flush(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *vfs_call,
                 struct error *err)
{
    struct call call = call_begin(vfs_call, CALL_SAVE);

    (void)vfs;
    if (!file->owes_save || is_just_begun(file->body)) {
        return 0;
    }
    return save_body(file->body, &call, err);
}

int online_fsync(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *vfs_call,
                 struct error *err)
{
    struct call call = call_begin(vfs_call, CALL_SAVE);

    (void)vfs;
    return file->owes_save ? save_sync(file->body, &call, err) : 0;
}

/* The handle ends. */
static void leave(struct online_vfs *online, struct vfs_file *file)
{
    mutex_lock(&online->lock);
    online->open_files--;
    file->body->writers -= file->owes_save;
    mutex_unlock(&online->lock);
    body_put(file->body);
    free(file);
}

void online_close(struct vfs *vfs, struct vfs_file *file)
{
    struct online_vfs *online = online_of(vfs);
    struct call call = call_begin(NULL, CALL_SAVE);
    struct error error = {0};
    bool is_unsaved = false;

    mutex_lock(&file->body->lock);
    is_unsaved = file->owes_save && file->body->is_dirty && !file->body->has_failed;
    mutex_unlock(&file->body->lock);
    /* Nobody can be told any more: what a flush did not see (a mapped page, an empty file) is saved
     * here, and named in status when that fails for good. */
    if (is_unsaved && save_unwatched(file->body, &call, &error) < 0) {
        log_error(LOG_VFS, &error, "a closed file could not be saved and stays in the spool");
    }
    mutex_lock(&file->body->lock);
    file->body->is_left |= file->owes_save && file->body->is_dirty;
    mutex_unlock(&file->body->lock);
    leave(online, file);
}

/* The draft is nothing that anybody wants: it ends with its last handle, and who opens the file from
 * now on gets what the service has. The body's saves are paused. */
static void drop_draft(struct online_vfs *online, struct body *body)
{
    mutex_lock(&online->lock);
    mutex_lock(&body->lock);
    if (body->writers == 1 && body->is_dirty && !body->is_left && !body->is_deferred &&
        !body->is_local_only && !uploads_has(body)) {
        body->is_removed = true;
        if (!(body->node->flags & NODE_GONE) && body->node->body == body) {
            body->node->body = NULL;
        }
        if ((body->node->flags & (NODE_LOCAL | NODE_GONE)) == NODE_LOCAL) {
            tree_remove(online->tree, body->node);
        }
    }
    mutex_unlock(&body->lock);
    mutex_unlock(&online->lock);
}

void online_abandon(struct vfs *vfs, struct vfs_file *file)
{
    struct online_vfs *online = online_of(vfs);
    struct call call = call_begin(NULL, CALL_SAVE);
    struct body *body = file->body;

    if (file->owes_save && body_pause_saves(body, &call, NULL) == 0) {
        drop_draft(online, body);
        body_resume_saves(body);
    }
    leave(online, file);
}
