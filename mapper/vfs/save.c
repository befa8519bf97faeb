/*
 * save.c - from the spool to the journal (WriteMode=Background, see uploads.h), or to the server
 * before close returns (BeforeClose). draft.c keeps what is in neither.
 */
#include "save.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "local.h"
#include "lost_answer.h"
#include "unsaved.h"
#include "uploads.h"
#include "settle.h"

void call_extend(struct call *call, uint64_t size_bytes)
{
    call->deadline_ms += (int64_t)(size_bytes / 131072 * 1000);
}

int upload_begin(struct online_vfs *online, struct error *err)
{
    int code = 0;

    mutex_lock(&online->lock);
    if (online->is_draining) {
        code = error_set(err, ERR_UNREACHABLE, "the agent is ending; the file stays in the spool");
    } else {
        online->uploads_running++;
    }
    mutex_unlock(&online->lock);
    return code;
}

void upload_end(struct online_vfs *online)
{
    mutex_lock(&online->lock);
    online->uploads_running--;
    cond_broadcast(&online->changed);
    mutex_unlock(&online->lock);
}

/* --- where a save goes --- */

static void target_clear(struct save_target *target)
{
    place_clear(&target->folder);
    place_clear(&target->item);
    free(target->parent_id);
    free(target->name);
    free(target->path);
}

/* The tree lost sight of the item: it is gone, or a listing missed it while it moved (graph-facts
 * 2.5). The service knows which. Lock held. */
static int find_by_id(struct save_target *target, struct body *body, struct error *err)
{
    struct place *place = &target->item;
    int code = 0;

    if (!*node_item_id(body->node) || body->library->is_removed) {
        return error_set(err, ERR_STALE, "the file or its library is gone");
    }
    place->library = body->library;
    place->asked_edit = tree_edits(body->online->tree);
    place->account = body->library->account;
    code = str_copy(&place->drive_id, body->library->drive_id, err);
    if (code == 0) {
        code = str_copy(&place->item_id, node_item_id(body->node), err);
    }
    return code == 0 ? str_copy(&target->path, body->path, err) : code;
}

/* `needs_root`: the root's id, too, which is asked for when it is not known. */
static int find_target(struct save_target *target, struct body *body, bool needs_root,
                       const struct call *call, struct error *err)
{
    struct online_vfs *online = body->online;
    struct node *node = NULL;
    struct node *folder = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    node = body->node;
    if (node->flags & NODE_GONE) {
        code = find_by_id(target, body, err);
        mutex_unlock(&online->lock);
        return code;
    }
    tree_hold(online->tree, node);
    target->is_new = node->flags & NODE_LOCAL;
    folder = tree_parent(online->tree, node);
    tree_hold(online->tree, folder);
    code = str_copy(&target->name, node_name(node), err);
    if (code == 0 && *node_item_id(folder)) {
        code = str_copy(&target->parent_id, node_item_id(folder), err);
    } else if (code == 0) {
        code = str_copy(&target->parent_id, body->library->root_item_id, err);
    }
    if (code == 0) {
        code = node_path(online, node, &target->path, err);
    }
    mutex_unlock(&online->lock);
    if (code == 0) {
        code = target->is_new ? place_of(&target->folder, online, folder, needs_root, call, err)
                              : place_of(&target->item, online, node, needs_root, call, err);
    }
    node_put(online, folder);
    node_put(online, node);
    return code;
}

/* --- the upload --- */

static int read_spool(void *payload, void *data, size_t size, uint64_t offset, size_t *got,
                      struct error *err)
{
    return local_read(payload, data, size, offset, got, err);
}

static int upload(struct body *body, const struct save_target *target, struct graph_item *item,
                  const struct call *call, struct error *err)
{
    const struct place *place = target->is_new ? &target->folder : &target->item;
    struct graph_source source = {read_spool, body->spool, body->size_bytes};
    struct graph_upload upload = {.drive_id = place->drive_id,
                                  .modified_ms = body->modified_ms,
                                  .created_ms = body->created_ms,
                                  .may_have_arrived = body->may_have_arrived};
    int code = 0;

    if (target->is_new) {
        upload.parent_id = place->item_id;
        upload.name = target->name;
    } else {
        upload.item_id = place->item_id;
        upload.if_match = body->version && *body->version ? body->version : NULL;
    }
    code = graph_upload(item, place->account, &upload, &source, call, err);
    if (code == 0 && (body->may_have_arrived || body->size_bytes == 0)) {
        body->may_have_arrived = true; /* its bytes are there, whatever becomes of its times */
        code = upload_settle_times(item, place->account, place->drive_id, body->modified_ms,
                                   body->created_ms, call, err);
    }
    return code;
}

/* The node that stands for the file now; NULL: none does. Lock held. */
static struct node *node_now(struct body *body, const struct graph_item *item)
{
    struct online_vfs *online = body->online;
    struct node *node = body->node;

    if ((node->flags & NODE_GONE) && item->id && !body->library->is_removed) {
        node = tree_item(online->tree, body->library->root, item->id);
    }
    return node && !(node->flags & NODE_GONE) && node->kind == VFS_FILE ? node : NULL;
}

/* The tree learns what the server answered. */
static int take_answer(struct body *body, const struct save_target *target,
                       const struct graph_item *item, struct error *err)
{
    uint32_t asked_edit = target->is_new ? target->folder.asked_edit : target->item.asked_edit;
    struct online_vfs *online = body->online;
    const char *version = item->ctag ? item->ctag : item->etag;
    struct node *node = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    node = node_now(body, item);
    if (node) {
        code = tree_apply_own(online, node, item, asked_edit, err);
    }
    mutex_lock(&body->lock);
    version_remember(online, body, item);
    if (code == 0) {
        code = str_copy(&body->version, version ? version : "", err);
    }
    if (code == 0 && item->id) {
        code = str_copy(&body->item_id, item->id, err);
    }
    mutex_unlock(&body->lock);
    mutex_unlock(&online->lock);
    uploads_remember(online->uploads, item->id, version);
    return code;
}

/* What the save was refused for may be what one before it brought, whose answer was lost: then that is
 * what it replaces. */
static bool replaces_lost(struct body *body, struct save_target *target, const struct call *call)
{
    const char *name = target->is_new ? target->name : NULL;
    const struct place *place = target->is_new ? &target->folder : &target->item;

    if (!lost_answer_take(body, place, name, call)) {
        return false;
    }
    target_clear(target);
    *target = (struct save_target){0};
    return find_target(target, body, true, call, NULL) == 0;
}

static int send_draft(struct body *body, struct save_target *target, struct graph_item *item,
                      const struct call *call, struct error *err)
{
    int code = upload(body, target, item, call, err);

    if ((code == ERR_CHANGED || code == ERR_EXISTS) && replaces_lost(body, target, call)) {
        error_clear(err);
        graph_item_clear(item); /* it may have arrived, and its times not */
        code = upload(body, target, item, call, err);
    }
    lost_answer_note(body, code);
    return code;
}

/* --- into the journal --- */

/* The file is on the disk, under its name. */
static int sync_spool(struct body *body, struct error *err)
{
    int code = local_sync(body->spool, err);

    if (code == 0 && !body->is_spool_named) {
        code = file_sync_directory(body->online->spool_directory, err);
        body->is_spool_named = code == 0;
    }
    return code;
}

/* Where it goes: the tree knows, or else, when the item is out of sight, the save before it. */
static int journal_now(struct body *body, struct save_target *target, const struct call *call,
                       struct error *err)
{
    struct upload_target to = {0};
    char *version = NULL;
    int code = find_target(target, body, false, call, err); /* there may be no line */

    if (code == 0) {
        code = body_complete(body, call, err);
    }
    if (code == 0) {
        code = sync_spool(body, err);
    }
    if (code == 0) {
        mutex_lock(
            &body->lock); /* an upload that ends now puts its own; uploads_put() looks again */
        code = str_copy(&version, body->version, err);
        mutex_unlock(&body->lock);
    }
    if (code == 0) {
        to.drive_id = target->is_new ? target->folder.drive_id : target->item.drive_id;
        to.parent_id = target->is_new ? target->folder.item_id : target->parent_id;
        to.name = target->name ? target->name : spool_name_of(body->path);
        to.path = target->path;
        to.item_id = target->is_new ? NULL : target->item.item_id;
        to.version = target->is_new ? NULL : version;
        code = uploads_put(body, &to, err);
    }
    free(version);
    if (code == 0) {
        unsaved_remove(body->online, body->spool_path); /* the journal has it */
        draft_set_failure(body, NULL);
        body->may_have_arrived = false;
        lost_answers_clear(body);
    }
    return code;
}

static int save_now(struct body *body, struct save_target *target, const struct call *call,
                    struct error *err)
{
    struct graph_item item = {0};
    int code = find_target(target, body, true, call, err);

    if (code == 0) {
        code = body_complete(body, call, err);
    }
    if (code == 0) {
        if (body->base_limit > 0 || strcmp(target->path, body->path) != 0) {
            /* not as it was when the draft began */
            (void)draft_note(body, target, "", false, NULL);
        }
        code = send_draft(body, target, &item, call, err);
    }
    if (code == 0) {
        /* The bytes are on the server: what fails from here on is not a failed save. */
        struct error ignored = {0};

        if (take_answer(body, target, &item, &ignored) < 0) {
            log_error(LOG_VFS, &ignored, "a saved file could not be noted");
        }
        settle_drop_kept(body);
        draft_saved(body);
        unsaved_settle(body->online, body->library->key, target->path, body->spool,
                       body->size_bytes);
    }
    graph_item_clear(&item);
    return code;
}

/* The lock is held. */
static void after_save(struct body *body, bool is_background, int code)
{
    body->is_saving = false;
    body->has_failed = code < 0;
    if (code == 0) {
        body->is_dirty = false;
        body->is_deferred = false;
        body->is_left = false;
        body->base_limit = 0; /* all of it is in the spool file now */
        body->doubt_end = 0;
    }
    if (code == 0 && is_background && uploads_has(body)) {
        body->sealed_bytes = body->size_bytes;
    } else if (code == 0) {
        body->sealed_bytes = 0;
        body->modified_ms = -1;
        body->created_ms = -1;
    }
    cond_broadcast(&body->changed);
}

static bool is_background(struct online_vfs *online)
{
    bool is_so = false;

    mutex_lock(&online->lock);
    is_so = online->options.saves_in_background;
    mutex_unlock(&online->lock);
    return is_so;
}

/* Someone else saved or deleted it meanwhile, or took the name, and both versions are to be kept: the journal makes
 * the copy. It is on the server when this returns, unless the line fails; then it is sent later. */
static int save_copy(struct body *body, struct save_target *target, const struct call *call,
                     struct error *err)
{
    int code = 0;

    target_clear(target);
    *target = (struct save_target){0};
    code = journal_now(body, target, call, err);
    if (code == 0) {
        uploads_await(body, call);
    }
    return code;
}

static bool makes_copy(struct online_vfs *online, const struct save_target *target, int code)
{
    bool is_gone = code == ERR_NOT_FOUND || code == ERR_STALE || code == ERR_GONE;
    bool keeps_both = false;

    mutex_lock(&online->lock);
    keeps_both = online->options.keeps_both;
    mutex_unlock(&online->lock);
    return keeps_both &&
           (code == ERR_CHANGED || code == ERR_EXISTS || (is_gone && !target->is_new));
}

/* While draining, what was closed before and waited in settle.h may still go. */
static int begin_save(struct body *body, struct error *err)
{
    struct online_vfs *online = body->online;
    bool has_waited = false;

    mutex_lock(&online->lock);
    has_waited = settle_waits(online, body);
    if (has_waited) {
        online->uploads_running++;
    }
    mutex_unlock(&online->lock);
    return has_waited ? 0 : upload_begin(online, err);
}

/* With body->is_saving set. A file that has an upload goes the same way again, whatever the mode is
 * by now. */
static int save_by_mode(struct body *body, struct save_target *target, bool *to_journal,
                        const struct call *call, struct error *err)
{
    int code = 0;

    if (*to_journal) {
        return journal_now(body, target, call, err);
    }
    code = begin_save(body, err);
    if (code < 0) {
        (void)find_target(target, body, true, call, NULL);
        return code;
    }
    code = save_now(body, target, call, err);
    if (makes_copy(body->online, target, code)) {
        code = save_copy(body, target, call, err);
        *to_journal = code == 0;
    }
    upload_end(body->online);
    return code;
}

/* Its bytes do not leave the machine. */
static bool stays_here(struct body *body)
{
    bool is_local_only = false;

    mutex_lock(&body->lock);
    is_local_only = body->is_local_only;
    mutex_unlock(&body->lock);
    return is_local_only;
}

/* Now, or by way of the journal. */
static int save_dirty(struct body *body, bool to_journal, const struct call *call,
                      struct error *err)
{
    struct online_vfs *online = body->online;
    struct call save = *call;
    struct save_target target = {0};
    struct error error = {0};
    int code = settle_promise_save(body, call, err);

    if (code < 0) {
        return code;
    }
    mutex_lock(&body->lock);
    call_extend(&save, body->size_bytes); /* whoever sends it, this thread or another */
    code = body_wait_saved(body, &save, err);
    if (code < 0 || !body->is_dirty || body->is_removed) {
        mutex_unlock(&body->lock);
        return code;
    }
    body->is_saving = true;
    mutex_unlock(&body->lock);

    save.priority = CALL_SAVE;
    code = save_by_mode(body, &target, &to_journal, &save, &error);
    if (code < 0) {
        draft_note_failure(body, &target, &error);
        mutex_lock(&online->lock);
        note_denied(online, body->node, code);
        mutex_unlock(&online->lock);
        if (err) {
            *err = error;
        }
    }
    target_clear(&target);
    mutex_lock(&body->lock);
    after_save(body, to_journal, code);
    mutex_unlock(&body->lock);
    return code;
}

int save_body(struct body *body, const struct call *call, struct error *err)
{
    bool goes_later = is_background(body->online);
    int code = 0;

    if (stays_here(body)) {
        return 0;
    }
    if (settle_defers(body)) { /* not yet: but it must not be lost until then */
        mutex_lock(&body->lock);
        body->is_deferred = true;
        mutex_unlock(&body->lock);
        code = goes_later ? save_sync(body, call, err) : 0;
        return code == 0 && goes_later ? settle_keep_new(body, call, err) : code;
    }
    return save_dirty(body, goes_later || uploads_has(body), call, err);
}

/* The journal could not take it, and nothing of it is in there. What settles is tried again anyway. */
static bool has_no_room(struct body *body, int code)
{
    struct online_vfs *online = body->online;
    bool is_for_journal = false;

    mutex_lock(&online->lock);
    mutex_lock(&body->lock);
    is_for_journal = online->options.saves_in_background &&
                     (body->has_settled || !settle_waits(online, body)) && !uploads_has(body);
    mutex_unlock(&body->lock);
    mutex_unlock(&online->lock);
    return is_for_journal && (code == ERR_NO_SPACE || code == ERR_IO);
}

int save_unwatched(struct body *body, const struct call *call, struct error *err)
{
    struct error error = {0};
    int code = save_body(body, call, &error);

    if (code < 0 &&
        (error_retry(code) == RETRY_LATER || error_retry(code) == RETRY_AFTER_SIGN_IN) &&
        save_dirty(body, true, call, NULL) == 0) {
        log_info(LOG_VFS, "a closed file is sent later: %s", error.message);
        return 0;
    }
    if (code < 0 && has_no_room(body, code) && save_dirty(body, false, call, NULL) == 0) {
        log_info(LOG_VFS, "a closed file was sent at once: %s", error.message);
        return 0;
    }
    if (code < 0 && err) {
        *err = error;
    }
    return code;
}

int save_sync(struct body *body, const struct call *call, struct error *err)
{
    int code = 0;

    if (!is_background(body->online) && !stays_here(body)) {
        return save_body(body, call, err);
    }
    mutex_lock(&body->lock);
    code = body_wait_saved(body, call, err);
    if (code < 0 || !body->is_dirty || body->is_removed) {
        mutex_unlock(&body->lock);
        return code; /* what was closed is in the journal */
    }
    body->is_saving = true;
    mutex_unlock(&body->lock);
    code = sync_spool(body, err);
    if (code == 0 && !body->is_note_durable) {
        code = draft_note(body, NULL, "", true, err);
        body->is_note_durable = code == 0;
    }
    mutex_lock(&body->lock);
    body->is_saving = false;
    cond_broadcast(&body->changed);
    mutex_unlock(&body->lock);
    return code;
}

/* --- after the last handle --- */

/* The spool file becomes the cached content of the version that the server made of it. */
static bool adopt(struct body *body)
{
    struct online_vfs *online = body->online;
    struct content_key key = {0};
    struct extent gap = {0};
    struct error error = {0};
    char *drive_id = NULL;
    char *item_id = NULL;
    bool is_same = false;
    int code = 0;

    mutex_lock(&online->lock);
    is_same = !extents_gap(&body->written, 0, body->base_limit, &gap) &&
              !(body->node->flags & (NODE_GONE | NODE_LOCAL)) && body->version && *body->version &&
              strcmp(body->version, node_version(body->node)) == 0 &&
              body->node->size_bytes == body->size_bytes;
    code = str_copy(&drive_id, body->library->drive_id, &error);
    if (code == 0) {
        code = str_copy(&item_id, node_item_id(body->node), &error);
    }
    online->has_cached = true;
    cond_signal(&online->keeper_wake);
    mutex_unlock(&online->lock);
    if (code == 0 && is_same) {
        key = (struct content_key){drive_id, item_id, body->version};
        code = cache_adopt(online->cache, &key, body->spool_path, body->size_bytes, &error);
    }
    free(drive_id);
    free(item_id);
    return is_same && code == 0;
}

void save_leave(struct body *body)
{
    if (!body->spool) {
        return;
    }
    if (body->is_kept) { /* the agent ends, and the journal has it */
        draft_delist(body);
        return;
    }
    if (body->is_dirty && !body->is_removed) {
        log_debug(LOG_VFS, "'%s' keeps what could not be saved", body->spool_path);
        mutex_lock(&body->online->spool_lock);
        body->online->has_unsaved = true;
        mutex_unlock(&body->online->spool_lock);
        draft_delist(body);
        return;
    }
    local_close(body->spool); /* as in upload_end.c: no name outlives its file */
    body->spool = NULL;
    if (body->is_removed || !adopt(body)) {
        (void)file_remove(body->spool_path, NULL);
    }
    unsaved_remove(body->online, body->spool_path);
    draft_delist(body);
}
