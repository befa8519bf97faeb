/*
 * upload_shelf.c - what waits to be sent of a file whose delete settles (settle.h). The delete may be
 * the middle of a save: so the rows stay in the journal as they are, and the agent after a crash
 * sends them; in this one they lie on the shelf of that delete and are not started. They keep their
 * body, whose handles may read and write on.
 *
 * Each way on from there has one function: the server deleted the file (uploads_clear_shelf), it
 * stays after all (uploads_unshelve), or a new file becomes the item (uploads_take_shelf, or
 * uploads_redirect, which takes the row away in the commit that brings the new one).
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "body.h"
#include "local.h"
#include "uploads.h"

/* The body was deleted. Its handles go on, but never again in the file that is the journal's now:
 * others may write behind what is sealed of it, or remove it. */
static void leave_file(struct body *body, const struct upload *upload)
{
    size_t got = 0;

    mutex_lock(&body->lock);
    if (body->spool_path && strcmp(spool_name_of(body->spool_path), upload->row.spool) == 0) {
        body->is_kept = true;
        body->sealed_bytes = UINT64_MAX;
        (void)local_read(body->spool, &got, 0, 0, &got, NULL); /* no longer parked, if it was */
    }
    mutex_unlock(&body->lock);
}

void uploads_shelve(struct body *body, const struct settling *shelf)
{
    struct uploads *uploads = body->online->uploads;
    struct upload *upload = NULL;

    while ((upload = upload_edit_next(uploads, body, NULL)) != NULL) {
        struct local_file *file = NULL;

        leave_file(body, upload);
        mutex_lock(&uploads->lock);
        upload->shelf = shelf;
        upload->body = NULL;
        file = upload->file;
        upload->file = NULL;
        body->pending = NULL;
        mutex_unlock(&uploads->lock);
        local_close(file);
        upload_edited(uploads, upload);
        body_put(body);
    }
}

void uploads_shelve_left(struct uploads *uploads, const struct settling *shelf, const char *key,
                         const char *item_id)
{
    mutex_lock(&uploads->lock);
    for (struct upload *at = uploads->first; at; at = at->next) {
        if (!at->body && str_equal(at->row.key, key) && str_equal(at->row.item_id, item_id)) {
            at->shelf = shelf;
        }
    }
    mutex_unlock(&uploads->lock);
}

bool uploads_has_shelved(struct uploads *uploads, const struct settling *shelf)
{
    bool has = false;

    mutex_lock(&uploads->lock);
    for (const struct upload *at = uploads->first; at && !has; at = at->next) {
        has = at->shelf == shelf;
    }
    mutex_unlock(&uploads->lock);
    return has;
}

void uploads_clear_shelf(struct uploads *uploads, const struct settling *shelf)
{
    struct upload *upload = NULL;

    while ((upload = upload_edit_shelved(uploads, shelf)) != NULL) {
        upload_drop(uploads, upload);
    }
}

void uploads_unshelve(struct uploads *uploads, const struct settling *shelf)
{
    mutex_lock(&uploads->lock);
    for (struct upload *at = uploads->first; at; at = at->next) {
        if (at->shelf == shelf) {
            at->shelf = NULL;
            uploads->has_orphans = true;
        }
    }
    uploads_wake(uploads);
    mutex_unlock(&uploads->lock);
}

/* One that is edited by us is the body's from now on. The oldest comes first: the last one stays
 * pending. */
static void give(struct upload *upload, struct body *body)
{
    struct online_vfs *online = body->online;
    struct uploads *uploads = online->uploads;
    struct body *from = NULL;

    mutex_lock(&online->lock);
    mutex_lock(&uploads->lock);
    from = upload->body;
    if (from) {
        from->pending = NULL;
    }
    body->refs++;
    body->pending = upload;
    upload->body = body;
    upload->shelf = NULL;
    mutex_unlock(&uploads->lock);
    mutex_unlock(&online->lock);
    upload_edited(uploads, upload);
    body_put(from);
}

void uploads_take_shelf(struct body *body, const struct settling *shelf)
{
    struct upload *upload = NULL;

    while ((upload = upload_edit_shelved(body->online->uploads, shelf)) != NULL) {
        give(upload, body);
    }
}

void uploads_hand_over(struct body *from, struct body *body)
{
    struct upload *upload = NULL;

    while ((upload = upload_edit_next(body->online->uploads, from, NULL)) != NULL) {
        give(upload, body);
    }
}
