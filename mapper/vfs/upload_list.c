/*
 * upload_list.c - what a person can see of uploads and do about them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "body.h"
#include "settle.h"
#include "unsaved.h"
#include "uploads.h"

#define CANCEL_MS 10000

unsigned uploads_left(struct uploads *uploads)
{
    int64_t now_ms = clock_wall_ms(clock_system());
    unsigned left = 0;

    mutex_lock(&uploads->lock);
    for (const struct upload *upload = uploads->first; upload; upload = upload->next) {
        bool is_to_come = upload->row.state == JOURNAL_PENDING && upload->library;
        bool is_due =
            upload->row.state == JOURNAL_RETRY && upload->library && upload->row.due_ms <= now_ms;

        left += upload->is_running || (!upload->shelf && (is_to_come || is_due));
    }
    mutex_unlock(&uploads->lock);
    return left;
}

static unsigned wait_left(struct online_vfs *online, int64_t wait_ms)
{
    struct uploads *uploads = online->uploads;
    int64_t until = online_now() + wait_ms;
    unsigned left = uploads_left(uploads);

    while (left > 0 && online_now() < until) {
        int64_t step_ms = until - online_now();

        mutex_lock(&uploads->lock);
        (void)cond_wait_ms(&uploads->changed, &uploads->lock, step_ms < 100 ? step_ms : 100);
        mutex_unlock(&uploads->lock);
        left = uploads_left(uploads);
    }
    return left;
}

/* What settles may become an upload. */
static unsigned wait_settled(struct online_vfs *online, int64_t until)
{
    unsigned left = 0;

    mutex_lock(&online->lock);
    while (settle_count(online) > 0 && online_now() < until) {
        (void)cond_wait_ms(&online->changed, &online->lock, until - online_now());
    }
    left = settle_count(online);
    mutex_unlock(&online->lock);
    return left;
}

unsigned online_vfs_wait_uploads(struct online_vfs *online, int64_t wait_ms)
{
    int64_t until = online_now() + wait_ms;
    unsigned settling = wait_settled(online, until);

    return settling + wait_left(online, until - online_now());
}

/* Not those that failed once: a line that is dead is not waited for. Lock held. */
static unsigned settling_left(const struct online_vfs *online)
{
    unsigned left = 0;

    for (const struct settling *s = online->settling; s; s = s->next) {
        bool is_counted = s->kind == SETTLE_NEW && s->is_running; /* as an upload */

        left += !is_counted && s->attempts == 0 && s->library ? 1 : 0;
    }
    return left;
}

unsigned online_vfs_drain(struct online_vfs *online, int64_t wait_ms)
{
    struct uploads *uploads = online->uploads;
    int64_t until = online_now() + wait_ms;
    unsigned running = 0;

    (void)online_vfs_settle(online, wait_ms); /* goes on meanwhile */
    mutex_lock(&uploads->lock);
    uploads->is_draining = true;
    uploads_wake(uploads);
    mutex_unlock(&uploads->lock);
    mutex_lock(&online->lock);
    online->is_draining = true;
    while (online->uploads_running > 0 && online_now() < until) {
        (void)cond_wait_ms(&online->changed, &online->lock, until - online_now());
    }
    running = online->uploads_running + settling_left(online);
    mutex_unlock(&online->lock);
    return running + wait_left(online, until - online_now());
}

/* --- telling --- */

/* A copy of what is told, so that no lock is held while it is. */
struct told {
    struct journal_row row;
    uint64_t done_bytes;
    bool is_running;
    bool is_shelved;
};

static int copy_all(struct uploads *uploads, struct told **out, size_t *count, struct error *err)
{
    struct told *told = NULL;
    size_t room = 0;
    size_t n = 0;
    int code = 0;

    mutex_lock(&uploads->lock);
    for (const struct upload *at = uploads->first; at; at = at->next) {
        room++;
    }
    told = room ? calloc(room, sizeof(*told)) : NULL;
    if (room && !told) {
        code = error_set(err, ERR_NO_MEMORY, "no memory to list uploads");
    }
    for (const struct upload *at = uploads->first; at && code == 0; at = at->next) {
        code = journal_row_copy(&told[n].row, &at->row, err);
        told[n].done_bytes = at->done_bytes;
        told[n].is_running = at->is_running;
        told[n].is_shelved = at->shelf != NULL;
        n += code == 0;
    }
    mutex_unlock(&uploads->lock);
    *out = told;
    *count = n;
    return code;
}

static void free_all(struct told *told, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        journal_row_clear(&told[i].row);
    }
    free(told);
}

static char *id_of(const char *spool_name)
{
    size_t length = strlen(spool_name);
    size_t ending = strlen(SPOOL_DATA);
    char *id = NULL;

    (void)str_copy_n(&id, spool_name, length > ending ? length - ending : length, NULL);
    return id;
}

static enum online_vfs_upload_state state_of(const struct told *told)
{
    if (told->is_running) {
        return UPLOAD_RUNNING;
    }
    if (told->is_shelved) { /* whatever it was: nobody has to do anything about it */
        return UPLOAD_WAITING;
    }
    switch (told->row.state) {
    case JOURNAL_RETRY:
        return UPLOAD_RETRY;
    case JOURNAL_BLOCKED:
        return UPLOAD_BLOCKED;
    case JOURNAL_CONFLICT:
        return UPLOAD_CONFLICT;
    default:
        return UPLOAD_WAITING;
    }
}

struct unsaved_visit {
    online_vfs_upload_fn visit;
    void *payload;
    struct uploads *uploads;
};

static void tell_unsaved(void *payload, const struct online_vfs_unsaved *unsaved)
{
    struct unsaved_visit *state = payload;
    char *id = id_of(spool_name_of(unsaved->spool_file));
    struct online_vfs_upload upload = {
        .id = id ? id : "",
        .key = unsaved->key,
        .path = unsaved->path,
        .spool_file = unsaved->spool_file,
        .size_bytes = unsaved->size_bytes,
        .since_ms = unsaved->since_ms,
        .state = UPLOAD_UNSAVED,
        .reason = unsaved->reason,
    };

    if (!uploads_know(state->uploads, spool_name_of(unsaved->spool_file))) {
        state->visit(state->payload, &upload);
    }
    free(id);
}

static int tell_one(const struct uploads *uploads, const struct told *told,
                    online_vfs_upload_fn visit, void *payload, struct error *err)
{
    char *path = NULL;
    char *id = id_of(told->row.spool);
    int code = upload_path(&path, uploads, told->row.spool, err);

    if (code == 0) {
        struct online_vfs_upload upload = {
            .id = id ? id : "",
            .key = told->row.key,
            .path = told->row.path,
            .spool_file = path,
            .size_bytes = told->row.size_bytes,
            .done_bytes = told->done_bytes,
            .since_ms = told->row.since_ms,
            .due_ms = told->row.due_ms,
            .state = state_of(told),
            .attempts = told->row.attempts,
            .reason = told->is_shelved   ? "not sent: its file is to be deleted"
                      : told->row.reason ? told->row.reason
                                         : "",
        };

        visit(payload, &upload);
    }
    free(path);
    free(id);
    return code;
}

int online_vfs_visit_uploads(struct online_vfs *online, online_vfs_upload_fn visit, void *payload,
                             struct error *err)
{
    struct unsaved_visit rest = {visit, payload, online->uploads};
    struct told *told = NULL;
    size_t count = 0;
    int code = copy_all(online->uploads, &told, &count, err);

    for (size_t i = 0; i < count && code == 0; i++) {
        code = tell_one(online->uploads, &told[i], visit, payload, err);
    }
    free_all(told, count);
    if (code == 0) {
        settle_visit(online, visit, payload);
    }
    return code < 0 ? code : online_vfs_visit_unsaved(online, tell_unsaved, &rest, err);
}

int uploads_visit_stuck(struct uploads *uploads, online_vfs_unsaved_fn visit, void *payload,
                        struct error *err)
{
    struct told *told = NULL;
    size_t count = 0;
    int code = copy_all(uploads, &told, &count, err);

    for (size_t i = 0; i < count && code == 0; i++) {
        const struct journal_row *row = &told[i].row;
        char *path = NULL;

        if (told[i].is_shelved ||
            (row->state != JOURNAL_BLOCKED && row->state != JOURNAL_CONFLICT)) {
            continue;
        }
        code = upload_path(&path, uploads, row->spool, err);
        if (code == 0) {
            struct online_vfs_unsaved unsaved = {.key = row->key,
                                                 .path = row->path,
                                                 .spool_file = path,
                                                 .size_bytes = row->size_bytes,
                                                 .since_ms = row->since_ms,
                                                 .reason = row->reason ? row->reason : ""};

            visit(payload, &unsaved);
        }
        free(path);
    }
    free_all(told, count);
    return code;
}

void uploads_count(struct uploads *uploads, struct online_vfs_stats *out)
{
    mutex_lock(&uploads->lock);
    for (const struct upload *at = uploads->first; at; at = at->next) {
        bool is_stuck = at->row.state == JOURNAL_BLOCKED || at->row.state == JOURNAL_CONFLICT;

        if (at->shelf) {
            continue;
        }
        out->uploads_running += at->is_running;
        out->uploads_waiting += !at->is_running && !is_stuck;
        out->unsaved += is_stuck;
    }
    out->conflict_copies = uploads->copies;
    mutex_unlock(&uploads->lock);
}

/* --- doing --- */

static bool is_id(const struct upload *upload, const char *id)
{
    size_t length = strlen(id);

    return !strncmp(upload->row.spool, id, length) &&
           strcmp(upload->row.spool + length, SPOOL_DATA) == 0;
}

/* The spool file of an id that is no upload's, if it is listed as unsaved. */
static int unsaved_path(struct online_vfs *online, char **out, const char *id, struct error *err)
{
    char *path = NULL;
    int code = 0;

    if (strchr(id, '/') || !*id) {
        return error_set(err, ERR_INVALID, "'%s' is no id of an upload", id);
    }
    code = str_format(&path, err, "%s/%s" SPOOL_DATA, online->spool_directory, id);
    if (code == 0 && !file_exists(path)) {
        code = error_set(err, ERR_NOT_FOUND, "there is no upload '%s'", id);
    }
    if (code == 0 && unsaved_is_open(online, path)) {
        code = error_set(err, ERR_BUSY, "the file of '%s' is open: close it first", id);
    }
    if (code < 0) {
        free(path);
        return code;
    }
    *out = path;
    return 0;
}

/* Why nothing with this id can be tried. */
static int refuse_retry(struct online_vfs *online, const char *id, struct error *err)
{
    char *path = NULL;
    int code = unsaved_path(online, &path, id, err);

    free(path);
    return code < 0 ? code
                    : error_set(err, ERR_NOT_PERMITTED,
                                "'%s' is unsaved, and not sent by itself: compare it with what is "
                                "on the server, then export or discard it",
                                id);
}

/* Nobody asked for a conflict to be tried again unless he names it: it would fail again. */
static bool is_meant(const struct upload *upload, const char *id)
{
    bool has_failed = upload->row.state == JOURNAL_RETRY || upload->row.state == JOURNAL_BLOCKED;

    return id ? is_id(upload, id) : has_failed && !upload->shelf;
}

/* *count: how many are tried. */
static int try_uploads(struct uploads *uploads, const char *id, unsigned *count, struct error *err)
{
    int64_t now_ms = clock_wall_ms(clock_system());
    int code = 0;

    mutex_lock(&uploads->lock);
    for (struct upload *upload = uploads->first; upload && code == 0; upload = upload->next) {
        if (!is_meant(upload, id)) {
            continue;
        }
        if (upload->shelf) {
            code = error_set(err, ERR_NOT_PERMITTED,
                             "'%s' is not sent, since its file is to be deleted; discard the "
                             "delete to have it sent",
                             id);
        } else if (!upload->is_running && !upload->is_editing) {
            /* In memory alone: the next agent tries all that is not blocked anyway. */
            upload->row.state = JOURNAL_PENDING;
            upload->row.due_ms = now_ms;
            upload->row.attempts = 0;
        }
        *count += code == 0;
    }
    uploads_wake(uploads);
    mutex_unlock(&uploads->lock);
    return code;
}

int online_vfs_retry_uploads(struct online_vfs *online, const char *id, unsigned *count,
                             struct error *err)
{
    unsigned found = 0;
    int code = try_uploads(online->uploads, id, &found, err);

    if (!id) {
        found += settle_try_failed(online);
    } else if (code == 0 && found == 0) {
        code = settle_try_now(online, id, err);
        found = code == 1;
        code = code == 0 ? refuse_retry(online, id, err) : code < 0 ? code : 0;
    }
    if (count) {
        *count = found;
    }
    return code;
}

void online_vfs_wake_uploads(struct online_vfs *online)
{
    struct uploads *uploads = online->uploads;
    int64_t now_ms = clock_wall_ms(clock_system());

    mutex_lock(&uploads->lock);
    for (struct upload *upload = uploads->first; upload; upload = upload->next) {
        if (upload->row.state == JOURNAL_RETRY && !upload->is_running && !upload->is_editing &&
            upload->row.locked_ms == 0) {
            upload->row.due_ms = now_ms;
        }
    }
    uploads_wake(uploads);
    mutex_unlock(&uploads->lock);
    settle_retry(online);
}

/* The one with this id, edited by us and not running; NULL: there is none, or it does not end. */
static struct upload *edit_by_id(struct uploads *uploads, const char *id, int *code,
                                 struct error *err)
{
    int64_t until = online_now() + CANCEL_MS;
    struct upload *upload = NULL;

    *code = 0;
    mutex_lock(&uploads->lock);
    for (;;) {
        upload = uploads->first;
        while (upload && !is_id(upload, id)) {
            upload = upload->next;
        }
        if (!upload || (!upload->is_editing && !upload->is_running)) {
            break;
        }
        upload->is_cancelled = upload->is_running;
        if (online_now() >= until) {
            *code = error_set(err, ERR_BUSY, "it is being sent; try again");
            upload->is_cancelled = false;
            upload = NULL;
            break;
        }
        (void)cond_wait_ms(&uploads->changed, &uploads->lock, 200);
    }
    if (upload) {
        upload->is_editing = true;
        upload->is_cancelled = false;
    }
    mutex_unlock(&uploads->lock);
    return upload;
}

void uploads_show_discarded(struct online_vfs *online, struct body *body)
{
    bool is_newer = false;
    uint64_t id = 0;

    mutex_lock(&online->lock);
    mutex_lock(&body->lock);
    is_newer =
        body->is_dirty || uploads_has(body); /* somebody wrote on: that is a save of its own */
    body->is_removed = body->is_removed || !is_newer;
    if (!is_newer && !(body->node->flags & NODE_GONE)) {
        id = node_id(body->node);
        if (body->node->body == body) {
            body->node->body = NULL;
        }
        if (body->node->flags & NODE_LOCAL) {
            tree_remove(online->tree, body->node);
        } else {
            body->node->checked_s = 0;
        }
    }
    mutex_unlock(&body->lock);
    mutex_unlock(&online->lock);
    if (id) {
        online_tell(online, 0, NULL, id);
    }
}

static int discard_unsaved(struct online_vfs *online, const char *id, struct error *err)
{
    char *path = NULL;
    int code = unsaved_path(online, &path, id, err);

    if (code == 0) {
        code = file_remove(path, err);
        unsaved_remove(online, path);
    }
    free(path);
    return code;
}

int online_vfs_discard_upload(struct online_vfs *online, const char *id, struct error *err)
{
    struct uploads *uploads = online->uploads;
    struct journal_change change = {JOURNAL_REMOVE, NULL};
    struct body *body = NULL;
    int code = settle_discard(online, id, err);
    struct upload *upload = NULL;

    if (code != 0) {
        return code < 0 ? code : 0;
    }
    upload = edit_by_id(uploads, id, &code, err);

    if (!upload) {
        return code < 0 ? code : discard_unsaved(online, id, err);
    }
    change.row = &upload->row;
    code = journal_apply(uploads->journal, &change, 1, true, err);
    if (code < 0) {
        upload_edited(uploads, upload);
        return code;
    }
    body = upload_retire(uploads, upload);
    upload_forget(uploads, upload);
    if (body) {
        uploads_show_discarded(online, body);
        body_put(body);
    }
    return 0;
}
