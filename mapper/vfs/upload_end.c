/*
 * upload_end.c - what a try of an upload led to: the server has it, or it has not, or another content
 * took its place.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "body.h"
#include "listing.h"
#include "local.h"
#include "unsaved.h"
#include "uploads.h"

#define ASK_AGAIN_MS 5000
#define REPLICA_MS 500 /* doubled each time */

/* --- it arrived --- */

/* The node of what was saved; NULL: the tree does not show it. online->lock held. */
static struct node *node_of(struct upload *upload, const struct graph_item *item)
{
    struct online_vfs *online = upload->library->online;
    struct node *node = upload->body ? upload->body->node : NULL;

    if (upload->library->is_removed || !item->id) {
        return NULL;
    }
    if (!node || (node->flags & NODE_GONE)) {
        node = tree_item(online->tree, upload->library->root, item->id);
    }
    return node && !(node->flags & NODE_GONE) && node->kind == VFS_FILE ? node : NULL;
}

/* A file of an agent before this one that is new on the server: into its folder, if that is known.
 * online->lock held. */
static void show_new(struct upload *upload, const struct graph_item *item, uint32_t asked_edit)
{
    struct online_vfs *online = upload->library->online;
    struct node *folder = NULL;
    struct node *node = NULL;

    if (upload->library->is_removed || !item->parent_id) {
        return;
    }
    folder = tree_item(online->tree, upload->library->root, item->parent_id);
    if (!folder && upload->library->root_item_id &&
        str_equal(upload->library->root_item_id, item->parent_id)) {
        folder = upload->library->root;
    }
    if (folder && tree_apply_item(online, &node, folder, item, UINT32_MAX, NULL) == 0 && node) {
        tree_edit(online->tree, node); /* a listing that was asked for before has the old one */
        listing_note_added(online, folder, node);
        if (may_have_missed(upload->library, asked_edit) ||
            tree_is_buried(online->tree, upload->library->root, item->id, asked_edit)) {
            node_doubt(online, node);
        }
    }
}

/* The tree and the open file learn what the server answered. The tree keeps the body until the row is
 * gone: who renames or deletes the file meanwhile finds an upload to wait for. */
static void take_answer(struct uploads *uploads, struct upload *upload,
                        const struct graph_item *item, uint32_t asked_edit)
{
    struct online_vfs *online = uploads->online;
    const char *version = item->ctag ? item->ctag : item->etag;
    struct body *body = NULL;
    struct error error = {0};
    struct node *node = NULL;
    bool is_newest = false;

    mutex_lock(&online->lock);
    mutex_lock(&uploads->lock);
    upload->is_done = true; /* who opens the item now must not take this for its draft */
    body = upload->body;
    mutex_unlock(&uploads->lock);
    node = node_of(upload, item);
    if (node) {
        if (tree_apply_own(online, node, item, asked_edit, &error) < 0) {
            log_error(LOG_VFS, &error, "a saved file could not be noted");
        }
    } else if (!body) {
        show_new(upload, item, asked_edit);
    }
    if (body) {
        mutex_lock(&body->lock);
        (void)str_copy(&body->version, version ? version : "", NULL);
        (void)str_copy(&body->item_id, item->id ? item->id : "", NULL);
        mutex_lock(&uploads->lock);
        is_newest = body->pending == upload;
        body->pending = is_newest ? NULL : body->pending;
        mutex_unlock(&uploads->lock);
        if (is_newest) {
            body->sealed_bytes = 0;
            if (!body->is_dirty) { /* it is what was sent */
                version_remember(online, body, item);
                body->modified_ms = -1;
                body->created_ms = -1;
            }
        }
        mutex_unlock(&body->lock);
    }
    mutex_unlock(&online->lock);
}

/* The one that follows goes over what was just saved. It is edited by us when it is returned. */
static struct upload *edit_follower(struct uploads *uploads, const struct upload *upload)
{
    struct upload *follower = NULL;

    mutex_lock(&uploads->lock);
    for (;;) {
        follower = uploads->first;
        while (follower && follower->waits_for != upload) {
            follower = follower->next;
        }
        if (!follower || !follower->is_editing) {
            break;
        }
        cond_wait(&uploads->changed, &uploads->lock);
    }
    if (follower) {
        follower->is_editing = true;
    }
    mutex_unlock(&uploads->lock);
    return follower;
}

static int rebase(struct journal_row *row, const struct graph_item *item, struct error *err)
{
    const char *version = item->ctag ? item->ctag : item->etag;
    int code = str_copy(&row->version, version ? version : "", err);

    if (code == 0 && item->id) {
        code = str_copy(&row->item_id, item->id, err);
    }
    row->after = 0;
    return code;
}

/* The row goes, and the one that follows is rebased in the same commit. Durable: were it back after a
 * loss of power, when the server has a later save or no such item any more, it would pass for a
 * conflict. */
static void commit_done(struct uploads *uploads, struct upload *upload, struct upload *follower,
                        const struct graph_item *item)
{
    struct journal_row row = {0};
    struct journal_row old = {0};
    struct error error = {0};
    struct journal_change changes[2] = {{JOURNAL_REMOVE, &upload->row}, {JOURNAL_UPDATE, &row}};
    int code = 0;

    if (follower) {
        code = journal_row_copy(&row, &follower->row, &error);
        code = code < 0 ? code : rebase(&row, item, &error);
    }
    if (code == 0) {
        code = journal_apply(uploads->journal, changes, follower ? 2 : 1, true, &error);
    }
    if (code < 0) { /* an agent that dies now leaves it to the next one, which asks the server */
        log_error(LOG_VFS, &error, "the journal keeps an upload that is done for now");
        journal_owe_removal(uploads->journal, upload->row.id);
    }
    if (follower && row.key) {
        mutex_lock(&uploads->lock);
        old = follower->row;
        follower->row = row;
        mutex_unlock(&uploads->lock);
        row = old;
    }
    journal_row_clear(&row);
}

/* A body that came for the follower while its row did not name the item yet: it is of the item. */
static void tell_follower(struct uploads *uploads, const struct upload *follower,
                          const struct graph_item *item, uint32_t asked_edit)
{
    struct online_vfs *online = uploads->online;
    const char *version = item->ctag ? item->ctag : item->etag;
    struct body *body = NULL;
    struct error error = {0};

    mutex_lock(&online->lock);
    mutex_lock(&uploads->lock);
    body = follower->body;
    mutex_unlock(&uploads->lock);
    if (body && (body->node->flags & (NODE_LOCAL | NODE_GONE)) == NODE_LOCAL) {
        if (tree_apply_own(online, body->node, item, asked_edit, &error) < 0) {
            log_error(LOG_VFS, &error, "a saved file could not be noted");
        }
        mutex_lock(&body->lock);
        (void)str_copy(&body->version, version ? version : "", NULL);
        (void)str_copy(&body->item_id, item->id ? item->id : "", NULL);
        mutex_unlock(&body->lock);
    }
    mutex_unlock(&online->lock);
}

/* A file of our own beside the one that the body reads now. */
static bool is_shared(struct upload *upload)
{
    struct body *body = upload->body;
    bool is_same = false;

    if (body) {
        mutex_lock(&body->lock);
        is_same =
            body->spool_path && strcmp(spool_name_of(body->spool_path), upload->row.spool) == 0;
        mutex_unlock(&body->lock);
    }
    return is_same;
}

/* The spool file is the body's, as it was sent: so says a mark, unless it was written on. With the
 * lock, so that no note of a draft is taken for that of the save. */
static void mark_saved(struct body *body, const char *path)
{
    mutex_lock(&body->lock);
    if (!body->is_dirty && !uploads_has(body)) {
        unsaved_saved(body->online, path);
    }
    mutex_unlock(&body->lock);
}

/* Nothing reads it any more. Where systems keep the name of an open file that was removed, it would
 * be found in the spool as one that nobody knows. */
static void close_files(struct uploads *uploads, struct upload *upload, struct local_file **sent)
{
    struct local_file *file = NULL;

    mutex_lock(&uploads->lock);
    file = upload->file;
    upload->file = NULL;
    mutex_unlock(&uploads->lock);
    local_close(file);
    local_close(*sent);
    *sent = NULL;
}

/*
 * In which order what there is locally goes, so that an agent that is killed in the middle leaves
 * nothing that says the opposite of what is true:
 *   of an agent before this one, not opened: file, row  (a row without file is one that was done)
 *   a body has it: ".saved" mark, row, then the file if it is not the body's, or is nobody's else
 *   a body has it, written again: row          (the note of the draft is there already)
 * The body is let go of after the row: what waits for the upload waits for that, too, or a loss of
 * power would bring the row back after a later change of the item.
 */
void upload_arrived(struct uploads *uploads, struct upload *upload, struct local_file **sent,
                    const struct graph_item *item, uint32_t asked_edit)
{
    struct upload *follower = NULL;
    struct body *body = NULL;
    char *path = NULL;
    bool is_own = false;

    take_answer(uploads, upload, item, asked_edit);
    is_own = !is_shared(upload);
    uploads_remember(uploads, item->id, item->ctag ? item->ctag : item->etag);
    unsaved_settle(uploads->online, upload->row.key, upload->row.path, *sent,
                   upload->row.size_bytes);
    close_files(uploads, upload, sent);
    (void)upload_path(&path, uploads, upload->row.spool, NULL);
    follower = edit_follower(uploads, upload);
    if (!upload->body && path && !unsaved_has_note(path)) {
        /* with a note it was written on, and stays for that */
        upload_remove_spool(uploads, upload, upload->row.spool);
    } else if (path && is_own && upload->body &&
               !uploads_share(uploads, upload, upload->row.spool)) {
        unsaved_saved(uploads->online, path);
    } else if (path && upload->body) {
        mark_saved(upload->body, path);
    }
    commit_done(uploads, upload, follower, item);
    if (follower) {
        tell_follower(uploads, follower, item, asked_edit);
    }
    if (upload->body && is_own && path) {
        upload_remove_spool(uploads, upload, upload->row.spool);
    }
    mutex_lock(&uploads->lock);
    body = upload->body;
    upload->body = NULL;
    mutex_unlock(&uploads->lock);
    body_put(body); /* nobody has it open: the file becomes cache, or goes, before we are done */
    mutex_lock(&uploads->lock);
    uploads_unlink(uploads, upload);
    uploads->running--;
    mutex_unlock(&uploads->lock);
    if (follower) {
        upload_edited(uploads, follower);
    }
    upload_free(upload);
    free(path);
}

/* --- it did not --- */

static uint32_t any_number(void)
{
    uint32_t number = 0;

    (void)secret_random(&number, sizeof(number), NULL);
    return number;
}

/* The service says that another version is there. A retry goes out with the version that is there
 * now; at once, unless it is the one that was refused: then a replica may need a little. */
static enum journal_step compare(struct upload *upload, struct journal_row *row,
                                 const struct journal_try *tried, const struct call *call,
                                 struct error *error)
{
    enum conflict_cause cause = CONFLICT_REAL;

    row->due_ms = tried->now_ms;
    if (conflict_find_cause(&cause, upload, row, call, error) < 0) {
        row->due_ms += ASK_AGAIN_MS;
        return JOURNAL_STEP_RETRY;
    }
    if (cause == CONFLICT_REAL) {
        return tried->keeps_both ? JOURNAL_STEP_COPY : JOURNAL_STEP_CONFLICT;
    }
    if (cause == CONFLICT_UNTRUE) {
        row->due_ms += (int64_t)REPLICA_MS << (upload->false_alarms - 1);
    }
    return JOURNAL_STEP_RETRY;
}

/* What is different about the next try. */
static enum journal_step decide(struct uploads *uploads, struct upload *upload,
                                struct journal_row *row, int code, const struct call *call,
                                struct error *error)
{
    struct journal_try tried = {
        .code = code, .now_ms = clock_wall_ms(clock_system()), .random = any_number()};
    enum journal_step step = JOURNAL_STEP_RETRY;
    int64_t due_ms = 0;

    mutex_lock(&uploads->online->lock);
    tried.keeps_both = uploads->online->options.keeps_both;
    mutex_unlock(&uploads->online->lock);
    step = journal_next(row, &tried, &due_ms);
    row->due_ms = due_ms;
    if (code == ERR_LOCKED && row->locked_ms == 0) {
        row->locked_ms = tried.now_ms;
    }
    if (step == JOURNAL_STEP_COMPARE) {
        step = compare(upload, row, &tried, call, error);
    }
    if (step == JOURNAL_STEP_COPY) {
        struct error ignored = {0};

        if (conflict_name_copy(upload, row, call, &ignored) < 0) {
            step = JOURNAL_STEP_RETRY;
            row->due_ms = tried.now_ms + ASK_AGAIN_MS;
        } else {
            row->due_ms = tried.now_ms;
        }
    }
    return step;
}

static const char *advice(enum journal_step step, int code)
{
    if (step == JOURNAL_STEP_CONFLICT) {
        return "; `mooring uploads export` keeps yours, `discard` drops it";
    }
    switch (code) {
    case ERR_SIGNED_OUT:
        return "; run 'mooring login'";
    case ERR_LOCKED:
        return "; it is tried again until the file is free";
    case ERR_NO_SPACE:
        return "; make room on the server";
    case ERR_NOT_FOUND:
    case ERR_STALE:
    case ERR_GONE:
        return "; its folder is gone: restore it, then `mooring uploads retry`, or export the file";
    default:
        return step == JOURNAL_STEP_BLOCK
                   ? "; `mooring uploads retry` tries again, `export` puts the file elsewhere"
                   : "";
    }
}

static void log_failure(const struct upload *upload, enum journal_step step,
                        const struct journal_row *row, const struct error *error)
{
    switch (step) {
    case JOURNAL_STEP_COPY:
        log_write(LOG_LEVEL_ERROR, LOG_VFS,
                  "someone else changed '%s' meanwhile: this user's version is kept as '%s'",
                  upload->row.path, row->name);
        break;
    case JOURNAL_STEP_BLOCK:
    case JOURNAL_STEP_CONFLICT:
        log_error(LOG_VFS, error, "'%s' is not on the server; `mooring uploads list` has it",
                  upload->row.path);
        break;
    default:
        log_debug(LOG_VFS, "'%s' is tried again: %s", upload->row.path, error->message);
        break;
    }
}

void upload_failed(struct uploads *uploads, struct upload *upload, struct journal_row *row,
                   int code, struct error *error, const struct call *call)
{
    struct online_vfs *online = uploads->online;
    enum journal_step step = decide(uploads, upload, row, code, call, error);
    struct error ignored = {0};
    int set = 0;

    row->attempts += code != ERR_CANCELLED;
    row->state = step == JOURNAL_STEP_BLOCK      ? JOURNAL_BLOCKED
                 : step == JOURNAL_STEP_CONFLICT ? JOURNAL_CONFLICT
                 : step == JOURNAL_STEP_COPY     ? JOURNAL_PENDING
                                                 : JOURNAL_RETRY;
    if (step == JOURNAL_STEP_COPY) {
        row->may_have_arrived = false;
        str_free(&row->reason);
    } else {
        (void)str_format(&row->reason, NULL, "%s%s", error->message, advice(step, code));
    }
    log_failure(upload, step, row, error);
    set = upload_set_row(uploads, upload, row, step == JOURNAL_STEP_COPY, &ignored);
    if (set < 0) { /* it goes on as before, a little later */
        mutex_lock(&uploads->lock);
        upload->row.due_ms = clock_wall_ms(clock_system()) + ASK_AGAIN_MS;
        upload->row.state = JOURNAL_RETRY;
        mutex_unlock(&uploads->lock);
    } else if (step == JOURNAL_STEP_COPY) {
        conflict_show_copy(upload);
    }
    mutex_lock(&online->lock);
    if (upload->body) {
        note_denied(online, upload->body->node, code);
    }
    mutex_unlock(&online->lock);
    mutex_lock(&uploads->lock);
    uploads->copies += step == JOURNAL_STEP_COPY && set == 0;
    uploads->running--;
    upload->is_running = false;
    upload->done_bytes = 0;
    cond_broadcast(&uploads->changed);
    mutex_unlock(&uploads->lock);
}

/* Another content took the place of what it has to send, before the agent that began that died. */
void upload_replaced(struct uploads *uploads, struct upload *upload)
{
    struct online_vfs *online = uploads->online;
    struct journal_change change = {JOURNAL_REMOVE, &upload->row};
    struct error error = {0};
    struct body *body = NULL;

    log_write(LOG_LEVEL_INFO, LOG_VFS, "'%s' was replaced by a rename: its older save is not sent",
              upload->row.path);
    if (journal_apply(uploads->journal, &change, 1, true, &error) < 0) {
        log_error(LOG_VFS, &error, "the journal keeps an upload that nobody wants");
    }
    body = upload_retire(uploads, upload);
    upload_forget(uploads, upload);
    if (body) {
        uploads_show_discarded(online, body);
        body_put(body);
    }
    mutex_lock(&uploads->lock);
    uploads->running--;
    cond_broadcast(&uploads->changed);
    mutex_unlock(&uploads->lock);
}
