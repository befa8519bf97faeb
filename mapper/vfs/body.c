/*
 * body.c - an open file: the version that was opened, and over it the draft of what was written.
 *
 * A draft is a spool file and the set of ranges that a program wrote. What was not written is read
 * from the base version on demand, and only when the file is saved does all of it come over. A
 * program that cuts a file to nothing and writes it anew fetches nothing.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "local.h"
#include "lost_answer.h"
#include "online.h"
#include "uploads.h"

#define COPY_BYTES (1024u * 1024)

struct content_source body_source(const struct body *body)
{
    return (struct content_source){.account = body->library->account, .trust_ms = body->trust_ms};
}

static void body_free(struct body *body)
{
    content_unref(body->base);
    lost_answers_clear(body);
    local_close(body->spool);
    extents_clear(&body->written);
    cond_clear(&body->changed);
    mutex_clear(&body->lock);
    free(body->spool_path);
    free(body->version);
    free(body->item_id);
    free(body->path);
    free(body->failure);
    free(body);
}

/* The online lock is held. */
static int body_new(struct online_vfs *online, struct body **out, struct node *node,
                    struct error *err)
{
    struct library *library = library_of(online, node);
    struct content_key key = {library->drive_id, node_item_id(node), node_version(node)};
    struct body *body = calloc(1, sizeof(*body));
    int code = 0;

    if (!body) {
        return error_set(err, ERR_NO_MEMORY, "no memory for an open file");
    }
    mutex_init(&body->lock);
    cond_init(&body->changed);
    body->online = online;
    body->library = library;
    body->trust_ms = online->options.metadata_ms < 1000 ? 1000 : online->options.metadata_ms;
    body->refs = 1;
    body->modified_ms = -1;
    body->created_ms = -1;
    code = node_path(online, node, &body->path, err);
    if (code == 0) {
        code = str_copy(&body->item_id, node_item_id(node), err);
    }
    if (code == 0 && !(node->flags & NODE_LOCAL)) {
        code = str_copy(&body->version, node_version(node), err);
        if (code == 0) {
            code = cache_get(online->cache, &body->base, &key, node->size_bytes, err);
        }
    }
    if (code < 0) {
        body_free(body);
        return code;
    }
    body->node = node;
    tree_hold(online->tree, node);
    library->open_bodies++;
    uploads_adopt(body);
    *out = body;
    return 0;
}

/* A body that nobody writes and that has a version which the server has no more: its handles keep
 * it, new ones get the new version. */
static bool is_outdated(struct body *body, const struct node *node)
{
    bool is_old = false;

    mutex_lock(&body->lock);
    is_old = !body->is_dirty && !body->is_saving && !uploads_has(body) && body->version &&
             strcmp(body->version, node_version(node)) != 0;
    mutex_unlock(&body->lock);
    return is_old;
}

int body_get(struct online_vfs *online, struct body **out, struct node *node, struct error *err)
{
    struct body *body = node->body;
    int code = 0;

    if (body && is_outdated(body, node)) {
        node->body = NULL;
        body = NULL;
    }
    if (body) {
        body->refs++;
        *out = body;
        return 0;
    }
    code = body_new(online, &body, node, err);
    if (code == 0) {
        node->body = body;
        *out = body;
    }
    return code;
}

bool body_show(struct online_vfs *online, struct node *node)
{
    struct body *body = NULL;

    if (body_new(online, &body, node, NULL) < 0) {
        return false;
    }
    if (--body->refs > 0) {
        node->body = body;
        return true;
    }
    body->library->open_bodies--;
    tree_release(online->tree, node, 1);
    body_free(body);
    return false;
}

struct body *body_borrow(struct online_vfs *online, struct node *node)
{
    struct body *body = NULL;

    mutex_lock(&online->lock);
    if (node->kind == VFS_FILE && !(node->flags & NODE_GONE) && node->body) {
        body = node->body;
        body->refs++;
    }
    mutex_unlock(&online->lock);
    return body;
}

void body_put(struct body *body)
{
    struct online_vfs *online = NULL;
    struct local_file *rests = NULL;
    bool is_last = false;

    if (!body) {
        return;
    }
    online = body->online;
    mutex_lock(&online->lock);
    is_last = --body->refs == 0;
    if (body->refs == 1) { /* perhaps nobody but its upload has it: no descriptor meanwhile */
        mutex_lock(&body->lock);
        rests = body->spool && uploads_has(body) ? local_ref(body->spool) : NULL;
        mutex_unlock(&body->lock);
    }
    if (is_last) {
        body->library->open_bodies--;
        if (!(body->node->flags & NODE_GONE) && body->node->body == body) {
            body->node->body = NULL;
        }
        /* What never reached the server is not there any more, only in the spool. */
        if ((body->node->flags & NODE_LOCAL) && !(body->node->flags & NODE_GONE)) {
            tree_remove(online->tree, body->node);
        }
    }
    mutex_unlock(&online->lock);
    if (rests) {
        local_park(rests);
        local_close(rests);
    }
    if (!is_last) {
        return;
    }
    save_leave(body);
    node_put(online, body->node);
    body_free(body);
}

int body_wait_saved(struct body *body, const struct call *call, struct error *err)
{
    int code = 0;

    while (body->is_saving && code == 0) {
        code = call_wait(call, &body->changed, &body->lock, err);
    }
    return code;
}

static void end_saving(struct body *body)
{
    mutex_lock(&body->lock);
    body->is_saving = false;
    cond_broadcast(&body->changed);
    mutex_unlock(&body->lock);
}

int body_pause_saves(struct body *body, const struct call *call, struct error *err)
{
    int code = 0;

    mutex_lock(&body->lock);
    code = body_wait_saved(body, call, err);
    if (code == 0) {
        body->is_saving = true;
    }
    mutex_unlock(&body->lock);
    if (code == 0) {
        code = uploads_hold(body, call, err);
        if (code < 0) {
            end_saving(body);
        }
    }
    return code;
}

void body_resume_saves(struct body *body)
{
    uploads_release(body);
    end_saving(body);
}

void body_keep_row(struct body *body, int64_t row_id)
{
    mutex_lock(&body->lock);
    body->kept_row = row_id;
    mutex_unlock(&body->lock);
}

int64_t body_take_kept_row(struct body *body)
{
    int64_t row_id = 0;

    mutex_lock(&body->lock);
    row_id = body->kept_row;
    body->kept_row = 0;
    mutex_unlock(&body->lock);
    return row_id;
}

uint64_t body_size(struct body *body)
{
    uint64_t size = 0;

    mutex_lock(&body->lock);
    size = body->spool ? body->size_bytes : body->base ? content_size(body->base) : 0;
    mutex_unlock(&body->lock);
    return size;
}

void body_attr(struct body *body, struct vfs_attr *out)
{
    mutex_lock(&body->lock);
    if (body->spool) {
        out->size_bytes = body->size_bytes;
    } else if (body->base) {
        out->size_bytes = content_size(body->base);
    }
    if (body->touched_ms > 0 && (body->is_dirty || uploads_has(body))) {
        out->modified_ms = body->touched_ms;
    }
    if (body->modified_ms >= 0) {
        out->modified_ms = body->modified_ms;
    }
    if (body->created_ms >= 0) {
        out->created_ms = body->created_ms;
    }
    out->version = version_of(body->online, body->node, body);
    mutex_unlock(&body->lock);
}

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
    if (code == 0) {
        code = local_truncate(spool, size_bytes, err);
    }
    if (code < 0) {
        local_close(spool);
        if (spool) {
            (void)file_remove(path, NULL);
        }
        free(path);
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
        local_close(spool);
        (void)file_remove(path, NULL);
        free(path);
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

/* --- the whole --- */

/* The file is shorter than was said, by the transfer of this very version (graph-facts 2.7). */
static void cut_base(struct body *body, uint64_t end)
{
    uint64_t until = 0;

    mutex_lock(&body->lock);
    if (body->size_bytes == body->base_limit && !extents_has(&body->written, end, &until) &&
        until >= body->size_bytes && local_truncate(body->spool, end, NULL) == 0) {
        body->size_bytes = end;
    }
    body->base_limit = end;
    mutex_unlock(&body->lock);
}

/* [start, end) of the base is in the spool file. */
static int note_copied(struct body *body, uint64_t start, uint64_t end, struct error *err)
{
    bool is_doubtful = content_is_unconfirmed(body->base);
    int code = 0;

    mutex_lock(&body->lock);
    code = extents_add(&body->written, start, end, err);
    if (is_doubtful) {
        bool is_first = body->doubt_end == 0;

        body->doubt_start = is_first || start < body->doubt_start ? start : body->doubt_start;
        body->doubt_end = end > body->doubt_end ? end : body->doubt_end;
    }
    mutex_unlock(&body->lock);
    return code;
}

static int copy_gap(struct body *body, struct extent gap, void *buffer, const struct call *call,
                    struct error *err)
{
    struct content_source source = body_source(body);
    struct read_habit habit = {.next = gap.start, .steps = gap.end - gap.start > COPY_BYTES};
    int code = 0;

    while (gap.start < gap.end && code == 0) {
        size_t size = gap.end - gap.start < COPY_BYTES ? (size_t)(gap.end - gap.start) : COPY_BYTES;
        size_t got = 0;

        code = content_read(body->base, &source, &habit, buffer, size, gap.start, &got, call, err);
        if (code == 0) {
            code = local_write(body->spool, buffer, got, gap.start, err);
        }
        if (code == 0 && got > 0) {
            code = note_copied(body, gap.start, gap.start + got, err);
        }
        if (code == 0 && got < size) {
            cut_base(body, gap.start + got);
            break;
        }
        gap.start += size;
    }
    return code;
}

/* The rest cannot be had now, perhaps never again: what is in the cache is worth keeping. */
static void copy_what_is_here(struct body *body, struct extent gap, void *buffer)
{
    while (gap.start < gap.end) {
        uint64_t end = (gap.start / BLOCK_BYTES + 1) * BLOCK_BYTES;
        size_t size = (size_t)((end < gap.end ? end : gap.end) - gap.start);
        size_t got = 0;

        if (content_read_local(body->base, buffer, size, gap.start, &got, NULL) == 0 && got > 0 &&
            local_write(body->spool, buffer, got, gap.start, NULL) == 0) {
            (void)note_copied(body, gap.start, gap.start + got, NULL);
        }
        gap.start += size;
    }
}

int body_complete(struct body *body, const struct call *call, struct error *err)
{
    struct extent gap = {0};
    void *buffer = NULL;
    int code = 0;

    /* Nobody else changes the draft while is_saving is set. */
    while (code == 0 && extents_gap(&body->written, 0, body->base_limit, &gap)) {
        buffer = buffer ? buffer : malloc(COPY_BYTES);
        code = buffer ? copy_gap(body, gap, buffer, call, err)
                      : error_set(err, ERR_NO_MEMORY, "no memory to complete a file");
    }
    for (uint64_t from = 0; code < 0 && buffer && code != ERR_NO_SPACE &&
                            extents_gap(&body->written, from, body->base_limit, &gap);
         from = gap.end) {
        copy_what_is_here(body, gap, buffer);
    }
    free(buffer);
    return code;
}
