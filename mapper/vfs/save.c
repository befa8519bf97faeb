/*
 * save.c - from the spool to the journal (WriteMode=Background, see uploads.h), or to the server
 * before close returns (BeforeClose).
 *
 * A note stands beside the spool file from the first byte that the server has not until the journal
 * or the server has it, so that whatever happens in between - an error, a killed agent, a lost
 * network - the bytes and what they are for are found again, and named in status.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "local.h"
#include "online.h"
#include "uploads.h"
#include "settle.h"

int spool_new(struct online_vfs *online, struct local_file **out, char **path, struct error *err)
{
    uint64_t number = 0;
    int code = 0;

    mutex_lock(&online->spool_lock);
    number = ++online->last_spool;
    mutex_unlock(&online->spool_lock);
    code = str_format(path, err, "%s/%s-%llu" SPOOL_DATA, online->spool_directory,
                      online->spool_tag, (unsigned long long)number);
    if (code == 0) {
        code = local_open(out, *path, true, err);
        if (code < 0) {
            str_free(path);
        }
    }
    return code;
}

/* --- which drafts are open --- */

/* Takes `reason` over; NULL: the last save was good. */
static void set_failure(struct body *body, char *reason)
{
    struct online_vfs *online = body->online;

    mutex_lock(&online->spool_lock);
    free(body->failure);
    body->failure = reason;
    online->has_unsaved = online->has_unsaved || reason;
    mutex_unlock(&online->spool_lock);
}

void draft_saved(struct body *body)
{
    unsaved_saved(body->spool_path);
    set_failure(body, NULL);
    body->may_have_arrived = false;
}

void draft_enlist(struct body *body)
{
    struct online_vfs *online = body->online;

    mutex_lock(&online->spool_lock);
    body->next_draft = online->drafts;
    online->drafts = body;
    mutex_unlock(&online->spool_lock);
}

void draft_delist(struct body *body)
{
    struct online_vfs *online = body->online;
    struct body **at = &online->drafts;

    mutex_lock(&online->spool_lock);
    while (*at && *at != body) {
        at = &(*at)->next_draft;
    }
    if (*at) {
        *at = body->next_draft;
    }
    mutex_unlock(&online->spool_lock);
}

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

int node_path(struct online_vfs *online, struct node *node, char **out, struct error *err)
{
    char *path = NULL;
    int code = str_copy(&path, "", err);

    while (code == 0 && node && node->parent) {
        char *longer = NULL;

        code = *path ? str_format(&longer, err, "%s/%s", node_name(node), path)
                     : str_copy(&longer, node_name(node), err);
        free(path);
        path = longer;
        node = tree_parent(online->tree, node);
    }
    if (code < 0) {
        free(path);
        return code;
    }
    *out = path;
    return 0;
}

/* --- where a save goes, copied before it starts --- */

struct target {
    struct place folder; /* of a new file */
    struct place item;   /* of one that is replaced */
    char *parent_id;     /* of its folder; NULL: not known */
    char *name;
    char *path;
    bool is_new;
};

static void target_clear(struct target *target)
{
    place_clear(&target->folder);
    place_clear(&target->item);
    free(target->parent_id);
    free(target->name);
    free(target->path);
}

/* The tree lost sight of the item: it is gone, or a listing missed it while it moved (graph-facts
 * 2.5). The service knows which. Lock held. */
static int find_by_id(struct target *target, struct body *body, struct error *err)
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

static int find_target(struct target *target, struct body *body, const struct call *call,
                       struct error *err)
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
        code = target->is_new ? place_of(&target->folder, online, folder, true, call, err)
                              : place_of(&target->item, online, node, true, call, err);
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

/* Services keep seconds, or more. */
static bool is_time(int64_t wanted_ms, int64_t has_ms)
{
    return wanted_ms < 0 || (wanted_ms - has_ms < 1000 && has_ms - wanted_ms < 1000);
}

int upload_settle_times(struct graph_item *item, struct account *account, const char *drive_id,
                        int64_t modified_ms, int64_t created_ms, const struct call *call,
                        struct error *err)
{
    struct graph_update update = {.modified_ms = modified_ms, .created_ms = created_ms};
    struct graph_item newer = {0};
    int code = 0;

    if (!item->id ||
        (is_time(modified_ms, item->modified_ms) && is_time(created_ms, item->created_ms))) {
        return 0;
    }
    code = graph_update_item(&newer, account, drive_id, item->id, &update, call, err);
    if (code < 0) {
        graph_item_clear(&newer);
        return code;
    }
    graph_item_clear(item);
    *item = newer;
    return 0;
}

static int upload(struct body *body, const struct target *target, struct graph_item *item,
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
    if (code == 0 && body->may_have_arrived) {
        code = upload_settle_times(item, place->account, place->drive_id, body->modified_ms,
                                   body->created_ms, call, err);
    }
    return code;
}

static int note(struct body *body, const struct target *target, const char *reason, bool is_durable,
                struct error *err)
{
    struct extent gap = {0};
    struct unsaved_note unsaved = {
        .key = body->library->key,
        .path = target && target->path ? target->path : body->path,
        .item_id = target && target->item.item_id ? target->item.item_id : body->item_id,
        .version = body->version ? body->version : "",
        .reason = reason,
        .base_limit = extents_gap(&body->written, 0, body->base_limit, &gap) ? body->base_limit : 0,
        .since_ms = clock_wall_ms(clock_system()),
    };
    struct error error = {0};
    int code = 0;

    body->is_note_durable = false;
    if (*reason && local_sync(body->spool, &error) < 0) {
        log_error(LOG_VFS, &error, "an unsaved file may not outlive a loss of power");
    }
    code = unsaved_write(body->spool_path, &unsaved, is_durable, &error);
    if (code < 0) {
        log_error(LOG_VFS, &error, "the note of an unsaved file could not be written");
        if (err) {
            *err = error;
        }
    }
    return code;
}

int save_note_draft(struct body *body, struct error *err)
{
    return note(body, NULL, "", false, err);
}

/* --- why it failed --- */

/* What its user can do about it. */
static const char *advice(int code)
{
    switch (code) {
    case ERR_SIGNED_OUT:
        return "run 'mooring login', then save again";
    case ERR_LOCKED:
        return "somebody works on it: save again when it is free";
    case ERR_NO_SPACE:
        return "make room, then save again";
    case ERR_CHANGED:
        return "someone else saved it meanwhile: compare the two, then save again";
    case ERR_EXISTS:
        return "the name was taken meanwhile: save under another one";
    case ERR_DENIED:
    case ERR_READ_ONLY:
        return "ask for the right to change it, or save elsewhere";
    case ERR_NOT_FOUND:
    case ERR_STALE:
    case ERR_GONE:
        return "restore it or its folder on the server, or save elsewhere";
    case ERR_UNREACHABLE:
    case ERR_TIMED_OUT:
    case ERR_SERVER:
    case ERR_THROTTLED:
    case ERR_CANCELLED:
        return "save again when the service answers";
    default:
        return "save again, or elsewhere";
    }
}

/* Which bytes of the kept file are not what the program would have saved. "": all are. */
static void describe_bytes(char *out, size_t size, const struct body *body, int code)
{
    struct extent gap = {0};
    struct extent next = {0};

    *out = '\0';
    if (extents_gap(&body->written, 0, body->base_limit, &gap)) {
        snprintf(out, size,
                 "; of the old version bytes %llu-%llu%s could not be had, the kept file has zeros "
                 "there",
                 (unsigned long long)gap.start, (unsigned long long)gap.end - 1,
                 extents_gap(&body->written, gap.end, body->base_limit, &next) ? " and others"
                                                                               : "");
    } else if (code == ERR_CHANGED && body->doubt_end > 0) {
        snprintf(out, size,
                 "; what was not written of bytes %llu-%llu came late and may be of the newer "
                 "version",
                 (unsigned long long)body->doubt_start, (unsigned long long)body->doubt_end - 1);
    }
}

/* Called by the thread that set is_saving. */
static void note_failure(struct body *body, const struct target *target, const struct error *error)
{
    char bytes[160];
    char *reason = NULL;

    describe_bytes(bytes, sizeof(bytes), body, error->code);
    (void)str_format(&reason, NULL, "%s; %s%s", error->message, advice(error->code), bytes);
    (void)note(body, target, reason ? reason : error->message, true, NULL);
    set_failure(body, reason);
    body->may_have_arrived = body->may_have_arrived || error->code == ERR_UNREACHABLE ||
                             error->code == ERR_TIMED_OUT || error->code == ERR_SERVER ||
                             error->code == ERR_CANCELLED;
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
static int take_answer(struct body *body, const struct target *target,
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
static int journal_now(struct body *body, struct target *target, const struct call *call,
                       struct error *err)
{
    struct upload_target to = {0};
    char *version = NULL;
    int code = find_target(target, body, call, err);

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
        unsaved_remove(body->spool_path); /* the journal has it */
        set_failure(body, NULL);
        body->may_have_arrived = false;
    }
    return code;
}

static int save_now(struct body *body, struct target *target, const struct call *call,
                    struct error *err)
{
    struct graph_item item = {0};
    int code = find_target(target, body, call, err);

    if (code == 0) {
        code = body_complete(body, call, err);
    }
    if (code == 0) {
        if (body->base_limit > 0 || strcmp(target->path, body->path) != 0) {
            (void)note(body, target, "", false, NULL); /* not as it was when the draft began */
        }
        code = upload(body, target, &item, call, err);
    }
    if (code == 0) {
        /* The bytes are on the server: what fails from here on is not a failed save. */
        struct error ignored = {0};

        if (take_answer(body, target, &item, &ignored) < 0) {
            log_error(LOG_VFS, &ignored, "a saved file could not be noted");
        }
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
static int save_copy(struct body *body, struct target *target, const struct call *call,
                     struct error *err)
{
    int code = 0;

    target_clear(target);
    *target = (struct target){0};
    code = journal_now(body, target, call, err);
    if (code == 0) {
        uploads_await(body, call);
    }
    return code;
}

static bool makes_copy(struct online_vfs *online, const struct target *target, int code)
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
static int save_by_mode(struct body *body, struct target *target, bool *to_journal,
                        const struct call *call, struct error *err)
{
    int code = 0;

    if (*to_journal) {
        return journal_now(body, target, call, err);
    }
    code = begin_save(body, err);
    if (code < 0) {
        (void)find_target(target, body, call, NULL);
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
    struct target target = {0};
    struct error error = {0};
    int code = 0;

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
        note_failure(body, &target, &error);
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
        code = note(body, NULL, "", true, err);
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
    struct error error = {0};
    char *drive_id = NULL;
    char *item_id = NULL;
    bool is_same = false;
    int code = 0;

    mutex_lock(&online->lock);
    is_same = !(body->node->flags & (NODE_GONE | NODE_LOCAL)) && body->version && *body->version &&
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
    unsaved_remove(body->spool_path);
    draft_delist(body);
}
