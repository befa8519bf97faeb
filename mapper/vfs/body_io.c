/*
 * body_io.c - the bytes of an open file: the version that was opened, and over it the draft of what
 * was written.
 *
 * A draft is a spool file and the set of ranges that a program wrote. What was not written is read
 * from the base version on demand, and only when the file is saved does all of it come over
 * (body_complete.c). A program that cuts a file to nothing and writes it anew fetches nothing.
 */
#include "body.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "local.h"
#include "online.h"
#include "save.h"
#include "unsaved.h"
#include "uploads.h"

/* --- reading --- */

/* Where the byte at `offset` is to be had; the lock is held. Returns how many from there on. */
static uint64_t segment(const struct body *body, uint64_t offset, uint64_t end, bool *is_base)
{
    uint64_t until = 0;

    *is_base = !extents_has(&body->written, offset, &until) && offset < body->base_limit;
    if (*is_base && until > body->base_limit) {
        until = body->base_limit;
    }
    if (offset >= body->base_limit) {
        until = end; /* nothing of the base from here on: what nobody wrote is a hole */
    }
    return (until < end ? until : end) - offset;
}

/* Exactly `size` bytes, zeros where there are none. */
static int read_segment(struct body *body, struct local_file *spool, struct read_habit *habit,
                        bool is_base, void *data, size_t size, uint64_t offset,
                        const struct call *call, struct error *err)
{
    struct content_source source = body_source(body);
    size_t got = 0;
    int code = is_base
                   ? content_read(body->base, &source, habit, data, size, offset, &got, call, err)
                   : local_read(spool, data, size, offset, &got, err);

    if (code == 0 && got < size) {
        memset((char *)data + got, 0, size - got);
    }
    return code;
}

int body_read(struct body *body, struct read_habit *habit, void *data, size_t size, uint64_t offset,
              size_t *got, const struct call *call, struct error *err)
{
    struct content_source source = body_source(body);
    int code = 0;

    *got = 0;
    mutex_lock(&body->lock);
    if (!body->spool) {
        struct content *base = body->base; /* lives as long as the body */

        mutex_unlock(&body->lock);
        return base ? content_read(base, &source, habit, data, size, offset, got, call, err) : 0;
    }
    while (code == 0 && *got < size && offset + *got < body->size_bytes) {
        uint64_t at = offset + *got;
        uint64_t end = offset + size < body->size_bytes ? offset + size : body->size_bytes;
        bool is_base = false;
        size_t part = (size_t)segment(body, at, end, &is_base);
        struct local_file *spool = local_ref(body->spool); /* a write may move the draft */

        mutex_unlock(&body->lock);
        code = read_segment(body, spool, habit, is_base, (char *)data + *got, part, at, call, err);
        local_close(spool);
        *got += code == 0 ? part : 0;
        mutex_lock(&body->lock);
    }
    mutex_unlock(&body->lock);
    return code;
}

/* --- writing --- */

/* A spool file that nobody is to have. */
static void undo_spool(struct local_file *spool, char *path)
{
    local_close(spool);
    (void)file_remove(path, NULL);
    free(path);
}

/* The draft begins; the lock is held. */
static int begin_draft(struct body *body, struct error *err)
{
    uint64_t size_bytes = body->base ? content_size(body->base) : 0;
    struct local_file *spool = NULL;
    char *path = NULL;
    int code = 0;

    if (body->spool) {
        return 0;
    }
    code = spool_new(body->online, &spool, &path, err);
    if (code < 0) {
        return code;
    }
    code = local_truncate(spool, size_bytes, err);
    if (code < 0) {
        undo_spool(spool, path);
        return code;
    }
    body->spool = spool;
    body->spool_path = path;
    body->size_bytes = size_bytes;
    body->base_limit = size_bytes;
    draft_enlist(body);
    return 0;
}

int body_draft_unchanged(struct body *body, struct error *err)
{
    int code = 0;

    mutex_lock(&body->lock);
    if (!body->spool) {
        code = begin_draft(body, err);
        if (code == 0) {
            /* who finds it in the spool has nothing to keep */
            unsaved_saved(body->online, body->spool_path);
        }
    }
    mutex_unlock(&body->lock);
    return code;
}

/* A new spool file for the draft, which begins with the first `size` bytes of the old one. The
 * upload keeps that. The lock is held. */
static int move_to_copy(struct body *body, uint64_t size, struct error *err)
{
    struct local_file *spool = NULL;
    char *path = NULL;
    int code = spool_new(body->online, &spool, &path, err);

    if (code < 0) {
        return code;
    }
    code = local_copy(spool, body->spool, size, err);
    if (code < 0) {
        undo_spool(spool, path);
        return code;
    }
    draft_delist(body); /* lists are by path */
    local_close(body->spool);
    free(body->spool_path);
    body->spool = spool;
    body->spool_path = path;
    body->sealed_bytes = 0;
    body->is_kept = false;
    body->is_spool_named = false;
    body->is_note_due = true;
    body->is_note_durable = false;
    draft_enlist(body);
    return 0;
}

int body_unseal(struct body *body, uint64_t from, struct error *err)
{
    if (!body->spool || from >= body->sealed_bytes) {
        return 0; /* what is beyond its size is none of the upload's */
    }
    if (!uploads_has(body) && !body->is_kept) { /* done meanwhile */
        body->sealed_bytes = 0;
        return 0;
    }
    return move_to_copy(body, body->size_bytes, err);
}

/* The draft begins, and before it takes the first byte that the server has not, it has a name: what
 * cannot be named is not taken. The lock is held. */
static int ready_to_change(struct body *body, struct error *err)
{
    int code = begin_draft(body, err);

    if (code == 0 && (!body->is_dirty || body->is_note_due)) {
        code = save_note_draft(body, err);
        body->is_note_due = code < 0;
    }
    return code;
}

static void mark_dirty(struct body *body)
{
    body->is_dirty = true;
    body->has_failed = false;
    body->touched_ms = clock_wall_ms(clock_system());
    body->modified_ms = -1; /* a write moves the time on */
    body->change = version_next(body->online);
}

/* Whether [offset, end) has bytes of the spool file. */
static bool touches_draft(const struct body *body, uint64_t offset, uint64_t end)
{
    uint64_t until = 0;

    end = end < body->size_bytes ? end : body->size_bytes;
    return offset < end &&
           (end > body->base_limit || extents_has(&body->written, offset, &until) || until < end);
}

/* The disk took a part of it, perhaps: nothing of that may show beyond the end, and what is no
 * longer as it was saved must not pass for it. The lock is held. */
static void undo_write(struct body *body, uint64_t offset, uint64_t end)
{
    if (touches_draft(body, offset, end)) {
        mark_dirty(body);
    }
    (void)local_truncate(body->spool, body->size_bytes, NULL);
}

/* One write into the spool; the lock is held. ERR_LIMIT: too many separate ranges. */
static int write_locked(struct body *body, const void *data, size_t size, uint64_t offset,
                        struct error *err)
{
    uint64_t end = offset + size;
    int code = body_unseal(body, offset, err);

    if (code == 0) {
        code = ready_to_change(body, err);
    }

    if (code < 0) {
        return code;
    }
    code = local_write(body->spool, data, size, offset, err);
    if (code < 0) {
        undo_write(body, offset, end);
        return code;
    }
    if (offset < body->base_limit) { /* beyond it there is nothing but what was written */
        code = extents_add(&body->written, offset, end < body->base_limit ? end : body->base_limit,
                           err);
    }
    if (code == 0) {
        body->size_bytes = end > body->size_bytes ? end : body->size_bytes;
        body->is_written = true;
        mark_dirty(body);
    }
    return code;
}

/* UploadBlockAboveMB: who makes a file larger than it is allowed to be is told so at once. One that
 * is larger already may shrink. */
static int check_size(struct body *body, uint64_t size, struct error *err)
{
    uint64_t limit = 0;
    uint64_t now = body_size(body);

    mutex_lock(&body->online->lock);
    limit = body->online->options.upload_blocked_above;
    mutex_unlock(&body->online->lock);
    if (limit && size > limit && size > now) {
        return error_set(err, ERR_TOO_LARGE, "the file would be larger than UploadBlockAboveMB");
    }
    return 0;
}

int body_write(struct body *body, const void *data, size_t size, uint64_t offset,
               const struct call *call, struct error *err)
{
    int code = 0;

    if (size == 0) {
        return 0;
    }
    if (offset > CONTENT_BYTES_MAX || size > CONTENT_BYTES_MAX - offset) {
        return error_set(err, ERR_TOO_LARGE, "the service stores no file of this size");
    }
    code = check_size(body, offset + size, err);
    if (code < 0) {
        return code;
    }
    mutex_lock(&body->lock);
    code = body_wait_saved(body, call, err);
    if (code == 0) {
        code = write_locked(body, data, size, offset, err);
    }
    if (code == ERR_LIMIT) {
        /* Scattered all over: have the gaps filled, then there is one range. */
        body->is_saving = true;
        mutex_unlock(&body->lock);
        code = body_complete(body, call, err);
        mutex_lock(&body->lock);
        body->is_saving = false;
        cond_broadcast(&body->changed);
        if (code == 0) {
            code = write_locked(body, data, size, offset, err);
        }
    }
    mutex_unlock(&body->lock);
    return code;
}

int body_resize(struct body *body, uint64_t size, const struct call *call, struct error *err)
{
    int code = 0;

    if (size > CONTENT_BYTES_MAX) {
        return error_set(err, ERR_TOO_LARGE, "the service stores no file of this size");
    }
    code = check_size(body, size, err);
    if (code < 0) {
        return code;
    }
    mutex_lock(&body->lock);
    code = body_wait_saved(body, call, err);
    if (code == 0 && size < body->sealed_bytes && (uploads_has(body) || body->is_kept)) {
        uint64_t same = size < body->size_bytes ? size : body->size_bytes;

        code = move_to_copy(body, same, err);
        body->size_bytes = code == 0 ? same : body->size_bytes;
    }
    if (code == 0) {
        code = ready_to_change(body, err);
    }
    if (code == 0 && size != body->size_bytes) {
        code = local_truncate(body->spool, size, err);
    }
    if (code == 0) {
        if (size < body->base_limit) {
            body->base_limit = size;
        }
        extents_truncate(&body->written, size);
        body->size_bytes = size;
        mark_dirty(body);
    }
    mutex_unlock(&body->lock);
    return code;
}
