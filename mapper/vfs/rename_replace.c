/*
 * rename_replace.c - a file renamed onto another one. The old item stays and gets the new content, so
 * that its id, its versions and its sharing links live on; then the source goes.
 *
 * What waits in the journal for either of them is not to be sent any more once the server was told.
 * No order of the two is right when the machine stops between them, so the rows say before, durably,
 * what is about to take their place (uploads_doubt()), and the next agent looks (upload_judge.c).
 */
#include "rename.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "body.h"
#include "local.h"
#include "local_only.h"
#include "mapper/quickxor.h"
#include "save.h"
#include "settle.h"
#include "uploads.h"

#define SOURCE_AGE_MS 3000           /* what was saved a moment ago is known */
#define FETCH_TO_REPLACE (64u << 20) /* larger sources that are not here are moved aside */

/* The bytes of the source, all of them here. */
struct bytes {
    struct body *body;       /* its draft, or ... */
    struct content *content; /* ... the cached version */
};

static int read_bytes(void *payload, void *data, size_t size, uint64_t offset, size_t *got,
                      struct error *err)
{
    const struct bytes *bytes = payload;

    return bytes->content ? content_read_local(bytes->content, data, size, offset, got, err)
                          : local_read(bytes->body->spool, data, size, offset, got, err);
}

/* What is written by its handles from now on goes to the target, whatever becomes of the version that
 * was opened: a draft goes along. */
static int gather_draft(struct rename *r, struct body *body, const struct call *call,
                        struct error *err)
{
    bool is_writable = false;
    int code = 0;

    mutex_lock(&r->online->lock);
    is_writable = body->writers > 0;
    mutex_unlock(&r->online->lock);
    if (is_writable) {
        code = body_draft_unchanged(body, err);
        code = code < 0 ? code : body_complete(body, call, err);
    }
    return code;
}

/* The source's body has saves paused. 1: too large to be brought here. */
static int gather(struct rename *r, struct bytes *bytes, uint64_t *size, const struct call *call,
                  struct error *err)
{
    struct body *body = bytes->body;
    struct content_source source = body_source(body);
    /* What another thread is about to make is empty, and has no draft yet. */
    int code = body->base ? 0 : body_draft_unchanged(body, err);

    if (code < 0) {
        return code;
    }
    if (body->spool) {
        code = body_complete(body, call, err);
        *size = body->size_bytes;
        return code;
    }
    *size = content_size(body->base);
    if (*size > FETCH_TO_REPLACE) {
        struct content_key key = {body->base->drive_id, body->base->item_id, body->base->version};

        if (!cache_has_all(r->online->cache, &key)) {
            return 1;
        }
    }
    code = content_fetch_all(body->base, &source, call, err);
    if (code == 0) {
        *size = content_size(body->base);
        bytes->content = body->base;
        code = gather_draft(r, body, call, err);
    }
    return code;
}

/* `known`: the version that the target has there; NULL: that of its node. */
static int send_replace(struct rename *r, struct bytes *bytes, uint64_t size, const char *known,
                        struct graph_item *item, const struct call *call, struct error *err)
{
    struct online_vfs *online = r->online;
    struct graph_source source = {read_bytes, bytes, size};
    struct graph_upload upload = {.created_ms = -1};
    struct call longer = *call;
    struct place place = {0};
    char *version = NULL;
    int code = place_of(&place, online, r->target, true, call, err);

    call_extend(&longer, size);
    if (code == 0) {
        mutex_lock(&online->lock);
        code = str_copy(&version, known ? known : node_version(r->target), err);
        upload.modified_ms = bytes->body->modified_ms >= 0 ? bytes->body->modified_ms
                             : r->node->modified_ms > 0    ? r->node->modified_ms
                                                           : -1;
        mutex_unlock(&online->lock);
    }
    if (code == 0) {
        code = upload_begin(online, err);
    }
    if (code == 0) {
        upload.drive_id = place.drive_id;
        upload.item_id = place.item_id;
        upload.if_match = version && *version ? version : NULL;
        r->asked_edit = place.asked_edit;
        code = graph_upload(item, place.account, &upload, &source, &longer, err);
        upload_end(online);
    }
    mutex_lock(&online->lock);
    note_denied(online, r->target, code);
    mutex_unlock(&online->lock);
    free(version);
    place_clear(&place);
    return code;
}

void rename_move_body(struct rename *r, struct body *body)
{
    struct tree *tree = r->online->tree;

    r->target->body = NULL; /* its handles keep the version that they have */
    r->node->body = NULL;
    tree_hold(tree, r->target);
    tree_release(tree, body->node, 1);
    body->node = r->target;
    r->target->body = body;
}

/* The source's open handles follow its content to the target; lock held. */
static void hand_over(struct rename *r, struct body *body)
{
    rename_move_body(r, body);
    mutex_lock(&body->lock);
    if (body->spool) {
        (void)str_copy(&body->version, node_version(r->target), NULL);
        (void)str_copy(&body->item_id, node_item_id(r->target), NULL);
        body->is_dirty = false;
        body->has_failed = false;
        body->modified_ms = -1;
        body->created_ms = -1;
        body->base_limit = 0;
        body->doubt_end = 0;
        draft_saved(body);
    } else {
        /* It reads the version it has; that version is no longer what the target has. */
        r->target->body = NULL;
    }
    mutex_unlock(&body->lock);
}

/* Too large to be sent again: the old item steps aside, the new one takes its name, the old one
 * goes. Both are never missing; the old item's id is lost, to the recycle bin. */
static int replace_aside(struct rename *r, const struct call *call, struct error *err)
{
    struct rename aside = *r;
    char *name = NULL;
    int code = rename_aside_name(&name, r->new_name, err);

    if (code < 0) {
        return code;
    }
    aside.from = r->to;
    aside.node = r->target;
    aside.target = NULL;
    aside.new_name = name;
    code = rename_to_free(&aside, call, err);
    if (code == 0) {
        struct node *old = r->target;

        r->target = NULL;
        code = rename_to_free(r, call, err);
        r->target = old;
        if (code < 0) {
            struct call undo = rename_call_to_undo();

            aside.new_name = r->new_name;
            (void)rename_to_free(&aside, &undo, NULL);
        }
    }
    if (code == 0) {
        code = delete_node(r->online, r->target, call, err);
    }
    free(name);
    return code;
}

/* What waits of either is about to be replaced: the journal knows that before the server does. */
static int doubt_content(struct rename *r, struct bytes *bytes, struct body *other, uint64_t size,
                         struct error *err)
{
    struct graph_source source = {read_bytes, bytes, size};
    char hash[29] = "";
    char *item_id = NULL;
    int code = 0;

    if (!uploads_has(bytes->body) && !(other && uploads_has(other))) {
        return 0;
    }
    mutex_lock(&r->online->lock);
    code = str_copy(&item_id, node_item_id(r->target), err);
    mutex_unlock(&r->online->lock);
    code = code < 0 ? code : quickxor_of_source(hash, &source, err);
    if (code == 0) {
        code = uploads_doubt(bytes->body, JOURNAL_REPLACED, item_id, hash, size, err);
    }
    if (code == 0 && other) {
        code = uploads_doubt(other, JOURNAL_REPLACED, item_id, hash, size, err);
    }
    free(item_id);
    return code;
}

void rename_end_doubt(struct body *body, struct body *other)
{
    struct error error = {0};

    if ((body && uploads_doubt(body, JOURNAL_SURE, "", "", 0, &error) < 0) ||
        (other && uploads_doubt(other, JOURNAL_SURE, "", "", 0, &error) < 0)) {
        log_error(LOG_VFS, &error, "an upload is not sent before it was compared");
    }
}

/* The source's bytes are the target's now: what waits of both goes, and what may be on the server
 * of a source that was never known to be there. */
static void drop_replaced(struct rename *r, struct body *body, struct body *other,
                          const struct call *call)
{
    struct error error = {0};
    bool is_local = false;

    mutex_lock(&r->online->lock);
    is_local = r->node->flags & NODE_LOCAL;
    mutex_unlock(&r->online->lock);
    if (is_local && arrival_take_back(r->online, r->node, body, call, &error) < 0) {
        log_error(LOG_VFS, &error, "what was renamed may be on the server under its old name, too");
    }
    uploads_drop(body);
    if (other) {
        uploads_drop(other);
    }
}

/* The target has the content: the journal first, then the tree. The source's item goes when it
 * settled; what waits to be sent over it is dropped after the journal knows that, or a crash would
 * leave the version of before that under its name. */
static int replaced(struct rename *r, struct body *body, struct body *other,
                    const struct graph_item *item, const struct call *call, struct error *err)
{
    struct online_vfs *online = r->online;
    struct settling *settling = NULL;
    struct place place = {0};
    bool is_local = false;
    bool was_kept = false;
    struct settling *waiting = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    is_local = r->node->flags & NODE_LOCAL;
    mutex_unlock(&online->lock);
    if (!is_local) {
        mutex_lock(&online->lock);
        code = r->node->flags & NODE_GONE ? 0 : settle_delete(online, &settling, r->node, err);
        mutex_unlock(&online->lock);
        /* The server has it under its new name by now: whatever the journal takes, nothing is lost. */
        if (settling && uploads_has(body)) {
            (void)settle_promised(online, settling, NULL);
        }
    }
    if (code == 1) {
        code = place_of(&place, online, r->node, true, call, err);
        if (code == 0) {
            code = graph_delete_item(place.account, place.drive_id, place.item_id, call, err);
        }
        if (code == ERR_NOT_FOUND || code == ERR_STALE) {
            error_clear(err);
            code = 0;
        }
    }
    drop_replaced(r, body, other, call);
    mutex_lock(&online->lock);
    if (!(r->target->flags & NODE_GONE)) {
        (void)tree_apply_own(online, r->target, item, r->asked_edit, NULL);
    }
    if (code == 0 && !((r->target->flags | r->node->flags) & NODE_GONE)) {
        tree_bury(online->tree, tree_root(online->tree, r->node), node_item_id(r->node));
        hand_over(r, body);
        tree_replace(online->tree, r->node, r->target);
    }
    was_kept = code == 0 && local_only_leave(online, body);
    waiting = code == 0 ? settle_forget_new(online, body) : NULL;
    mutex_unlock(&online->lock);
    settle_written(online, settling);
    if (was_kept) {
        body_put(body);
    }
    settle_free(online, waiting);
    place_clear(&place);
    return code;
}

/* What is there may be what an upload of the target brought whose answer got lost: its version, else
 * NULL. Saves of `other` are paused. */
static char *version_that_arrived(struct body *other, const struct call *call)
{
    struct uploads *uploads = other->online->uploads;
    struct upload *upload = upload_edit_next(uploads, other, NULL);
    struct journal_row row = {0};
    char *version = NULL;

    if (!upload) {
        return NULL;
    }
    if (upload->row.item_id && journal_row_copy(&row, &upload->row, NULL) == 0 &&
        conflict_has_arrived(upload, &row, call)) {
        version = row.version;
        row.version = NULL;
    }
    upload_edited(uploads, upload);
    journal_row_clear(&row);
    return version;
}

static int send_over(struct rename *r, struct bytes *bytes, uint64_t size, struct body *other,
                     struct graph_item *item, const struct call *call, struct error *err)
{
    int code = send_replace(r, bytes, size, NULL, item, call, err);
    char *version = NULL;

    if (code == ERR_CHANGED && other && uploads_has(other)) {
        version = version_that_arrived(other, call);
    }
    if (code == ERR_CHANGED && !version) {
        version = rename_rewritten(r, call);
    }
    if (version) {
        error_clear(err);
        code = send_replace(r, bytes, size, version, item, call, err);
        free(version);
    }
    return code;
}

/* With saves of both files paused; 1: the bytes are too many to be brought here. */
static int replace_paused(struct rename *r, struct body *body, struct body *other,
                          const struct call *call, struct error *err)
{
    struct bytes bytes = {.body = body};
    struct graph_item item = {0};
    uint64_t size = 0;
    int code = rename_in_journal(r, body, other, call, err);

    if (code <= 0) {
        return code;
    }
    code = gather(r, &bytes, &size, call, err);
    if (code == 0) {
        code = doubt_content(r, &bytes, other, size, err);
        code = code < 0 ? code : send_over(r, &bytes, size, other, &item, call, err);
        if (code < 0) {
            rename_end_doubt(body, other);
        }
    }
    if (code == 0) {
        code = replaced(r, body, other, &item, call, err);
    }
    graph_item_clear(&item);
    return code;
}

/* Always in the same order, so that two renames that cross each other do not wait for each other. */
int rename_pause_both(struct body *body, struct body *other, const struct call *call,
                      struct error *err)
{
    struct body *first = other && other < body ? other : body;
    struct body *second = first == body ? other : body;
    int code = body_pause_saves(first, call, err);

    if (code == 0 && second) {
        code = body_pause_saves(second, call, err);
        if (code < 0) {
            body_resume_saves(first);
        }
    }
    return code;
}

/* What others made of the target, and we show, may be replaced; but of its version only delta told
 * so far, which has no cTag. One that a program here has open binds it: that is a conflict. */
static int learn_version(struct rename *r, const struct call *call, struct error *err)
{
    bool is_heard = false;

    mutex_lock(&r->online->lock);
    is_heard = (r->target->flags & NODE_HEARD) && !r->target->body;
    mutex_unlock(&r->online->lock);
    return is_heard ? refresh_node(r->online, r->target, -1, NULL, call, err) : 0;
}

/* *is_again: a save of one of them became a conflict copy while it was waited for. */
static int replace_open(struct rename *r, struct body *body, struct body *other, bool *is_again,
                        const struct call *call, struct error *err)
{
    int code = rename_pause_both(body, other, call, err);

    if (code < 0) {
        return code;
    }
    *is_again = body_has_left(body, r->node) || (other && body_has_left(other, r->target));
    if (!*is_again) {
        code = replace_paused(r, body, other, call, err);
    }
    if (other && !*is_again && code == 0) {
        mutex_lock(&other->lock);
        other->is_removed = true; /* like an unlinked file: its handles go on, unsaved */
        mutex_unlock(&other->lock);
    }
    if (other) {
        body_resume_saves(other);
    }
    body_resume_saves(body);
    return code;
}

int rename_replace(struct rename *r, const struct call *call, struct error *err)
{
    struct online_vfs *online = r->online;
    struct body *body = NULL;
    struct body *other = NULL;
    bool is_local_target = false;
    bool is_again = false;
    int code = 0;

    /* What is sent must be the newest: the source's item goes away after it. */
    code = refresh_node(online, r->node, SOURCE_AGE_MS, NULL, call, err);
    if (code == 0) {
        code = learn_version(r, call, err);
    }
    if (code == 0) {
        code = settle_promise_rename(online, r->target, call, err);
    }
    if (code < 0) {
        return code;
    }
    mutex_lock(&online->lock);
    is_local_target = r->target->flags & NODE_LOCAL;
    if ((r->node->flags | r->target->flags) & NODE_GONE) {
        code = error_set(err, ERR_STALE, "the item is no longer there");
    } else if (!is_local_target) {
        code = body_get(online, &body, r->node, err);
    }
    mutex_unlock(&online->lock);
    if (code == 0 && is_local_target) {
        return rename_onto_waiting(r, call, err);
    }
    if (!body) {
        return code;
    }
    other = body_borrow(online, r->target);
    code = replace_open(r, body, other, &is_again, call, err);
    body_put(other);
    body_put(body);
    if (is_again) {
        return rename_replace(r, call, err);
    }
    return code == 1 ? replace_aside(r, call, err) : rename_keep_both(r, code, call, err);
}
