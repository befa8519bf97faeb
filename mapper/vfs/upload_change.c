/*
 * upload_change.c - what waits follows its file: renames and moves, times, giving up. The body's
 * uploads are held, so none of them runs.
 */
#include "uploads.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "body.h"

static int move_one(struct uploads *uploads, struct upload *upload, const char *parent_id,
                    const char *name, const char *path, struct error *err)
{
    struct journal_row row = {0};
    int code = journal_row_copy(&row, &upload->row, err);

    code = code < 0 ? code : str_copy(&row.parent_id, parent_id, err);
    code = code < 0 ? code : str_copy(&row.name, name, err);
    code = code < 0 ? code : str_copy(&row.path, path, err);
    if (code == 0) {
        row.is_copy = false;
        if (!*row.item_id) {
            str_free(&row.session_url); /* it would end under the old name */
        }
        code = upload_set_row(uploads, upload, &row, true, err);
    }
    journal_row_clear(&row);
    return code;
}

int uploads_move(struct body *body, const char *parent_id, const char *name, const char *path,
                 struct error *err)
{
    struct uploads *uploads = body->online->uploads;
    struct upload *upload = upload_edit_next(uploads, body, NULL);
    int code = 0;

    while (upload) {
        struct upload *next = NULL;

        code = code < 0 ? code : move_one(uploads, upload, parent_id, name, path, err);
        next = upload_edit_next(uploads, body, upload);
        upload_edited(uploads, upload);
        upload = next;
    }
    return code;
}

static int doubt_one(struct uploads *uploads, struct upload *upload, enum journal_doubt doubt,
                     const char *other_id, const char *other_hash, uint64_t other_size,
                     struct error *err)
{
    struct journal_row row = {0};
    int code = 0;

    if (upload->row.doubt == JOURNAL_SURE && doubt == JOURNAL_SURE) {
        return 0;
    }
    code = journal_row_copy(&row, &upload->row, err);
    code = code < 0 ? code : str_copy(&row.other_id, other_id, err);
    code = code < 0 ? code : str_copy(&row.other_hash, other_hash, err);
    if (code == 0) {
        row.doubt = doubt;
        row.other_size = other_size;
        code = upload_set_row(uploads, upload, &row, doubt != JOURNAL_SURE, err);
    }
    journal_row_clear(&row);
    return code;
}

int uploads_doubt(struct body *body, enum journal_doubt doubt, const char *other_id,
                  const char *other_hash, uint64_t other_size, struct error *err)
{
    struct uploads *uploads = body->online->uploads;
    struct upload *upload = upload_edit_next(uploads, body, NULL);
    int code = 0;

    while (upload) {
        struct upload *next = NULL;

        if (code == 0) {
            code = doubt_one(uploads, upload, doubt, other_id, other_hash, other_size, err);
        }
        next = upload_edit_next(uploads, body, upload);
        upload_edited(uploads, upload);
        upload = next;
    }
    return code;
}

bool uploads_take_times(struct body *body, int64_t modified_ms, int64_t created_ms)
{
    struct uploads *uploads = body->online->uploads;
    struct upload *upload = NULL;
    struct journal_row row = {0};
    struct error error = {0};
    int code = 0;

    mutex_lock(&uploads->lock);
    while (body->pending && body->pending->is_editing) {
        cond_wait(&uploads->changed, &uploads->lock);
    }
    upload = body->pending;
    if (upload) {
        upload->is_editing = true;
    }
    mutex_unlock(&uploads->lock);
    if (!upload) {
        return false;
    }
    code = journal_row_copy(&row, &upload->row, &error);
    if (code == 0) {
        row.modified_ms = modified_ms >= 0 ? modified_ms : row.modified_ms;
        row.created_ms = created_ms >= 0 ? created_ms : row.created_ms;
        code = upload_set_row(uploads, upload, &row, false, &error);
    }
    upload_edited(uploads, upload);
    journal_row_clear(&row);
    return code == 0;
}

void upload_drop(struct uploads *uploads, struct upload *upload)
{
    struct error error = {0};
    struct journal_change change = {JOURNAL_REMOVE, &upload->row};

    if (journal_apply(uploads->journal, &change, 1, true, &error) < 0) {
        log_error(LOG_VFS, &error, "the journal keeps an upload that nobody wants for now");
        journal_owe_removal(uploads->journal, upload->row.id);
    }
    upload_forget(uploads, upload);
}

void uploads_drop(struct body *body)
{
    struct uploads *uploads = body->online->uploads;
    struct upload *upload = NULL;

    while ((upload = upload_edit_next(uploads, body, NULL)) != NULL) {
        upload_drop(uploads, upload);
    }
}

/* Both are edited by us; `theirs` and `aside` may be NULL. */
static int redirect(struct uploads *uploads, struct upload *mine, struct upload *theirs,
                    struct body *body, const struct upload_target *target,
                    struct journal_row *aside, struct error *err)
{
    struct journal_row row = {0};
    struct journal_row old;
    struct upload_target base = *target;
    struct journal_change changes[3];
    size_t count = 0;
    int64_t since_ms = mine->row.since_ms;
    int code = journal_row_copy(&row, &mine->row, err);

    if (theirs) {
        base.version = theirs->row.version; /* what is on the server under it */
    }
    if (code == 0) {
        mutex_lock(&body->lock);
        code = upload_fill_row(&row, body, &base, err);
        mutex_unlock(&body->lock);
        row.since_ms = since_ms;
        row.is_copy = false;
    }
    if (code == 0) {
        changes[count++] = (struct journal_change){JOURNAL_UPDATE, &row};
        if (theirs) {
            changes[count++] = (struct journal_change){JOURNAL_REMOVE, &theirs->row};
        }
        if (aside && aside->kind) {
            changes[count++] = (struct journal_change){JOURNAL_ADD, aside};
        }
        code = journal_apply(uploads->journal, changes, count, true, err);
    }
    if (code == 0) {
        mutex_lock(&uploads->lock);
        old = mine->row;
        mine->row = row;
        mutex_unlock(&uploads->lock);
        row = old;
    }
    journal_row_clear(&row);
    return code;
}

/* Nothing of it ever was on its way; lock held. */
static bool is_clear_of(const struct uploads *uploads, const struct upload *upload)
{
    for (const struct upload *at = uploads->first; at; at = at->next) {
        if (at != upload && at->body == upload->body && at->shelf == upload->shelf &&
            (at->body || at->shelf)) {
            return false; /* there is one before it */
        }
    }
    return !upload->row.may_have_arrived;
}

/* `theirs`, edited by us, may be NULL. */
static int redirect_over(struct body *body, const struct upload_target *target,
                         struct upload *theirs, struct journal_row *aside, struct error *err)
{
    struct uploads *uploads = body->online->uploads;
    struct upload *mine = upload_edit_next(uploads, body, NULL);
    bool is_clear = false;
    int code = 1;

    mutex_lock(&uploads->lock);
    is_clear = mine && is_clear_of(uploads, mine) && (!theirs || is_clear_of(uploads, theirs));
    mutex_unlock(&uploads->lock);
    if (is_clear) { /* else where it stands has to be found out first */
        code = redirect(uploads, mine, theirs, body, target, aside, err);
    }
    if (theirs && code == 0) {
        upload_forget(uploads, theirs);
    } else if (theirs) {
        upload_edited(uploads, theirs);
    }
    if (mine) {
        upload_edited(uploads, mine);
    }
    return code;
}

int uploads_redirect(struct body *body, const struct upload_target *target, struct body *other,
                     struct journal_row *aside, struct error *err)
{
    struct uploads *uploads = body->online->uploads;

    return redirect_over(body, target, other ? upload_edit_next(uploads, other, NULL) : NULL, aside,
                         err);
}

int uploads_redirect_shelved(struct body *body, const struct upload_target *target,
                             const struct settling *shelf, struct error *err)
{
    struct uploads *uploads = body->online->uploads;

    return redirect_over(body, target, upload_edit_shelved(uploads, shelf), NULL, err);
}
