/*
 * uploads.c - the list of what is on its way: taking saves in, and those of agents before this one.
 */
#include "uploads.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "body.h"
#include "local.h"
#include "unsaved.h"

const char *spool_name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

int upload_path(char **out, const struct uploads *uploads, const char *spool_name,
                struct error *err)
{
    return str_format(out, err, "%s/%s", uploads->online->spool_directory, spool_name);
}

void upload_free(struct upload *upload)
{
    if (upload) {
        local_close(upload->file);
        journal_row_clear(&upload->row);
        free(upload);
    }
}

/* At the end of the list: in the order of their ids. Lock held. */
static void link_last(struct uploads *uploads, struct upload *upload)
{
    struct upload **at = &uploads->first;

    while (*at) {
        at = &(*at)->next;
    }
    *at = upload;
}

void uploads_unlink(struct uploads *uploads, struct upload *upload)
{
    struct upload **at = &uploads->first;

    while (*at && *at != upload) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = upload->next;
    }
    for (struct upload *other = uploads->first; other; other = other->next) {
        if (other->waits_for == upload) {
            other->waits_for = NULL;
        }
    }
    cond_broadcast(&uploads->changed);
}

static int apply_one(struct uploads *uploads, enum journal_op op, struct journal_row *row,
                     bool is_durable, struct error *err)
{
    struct journal_change change = {op, row};

    return journal_apply(uploads->journal, &change, 1, is_durable, err);
}

/* In one commit with the end of the row `gone`, unless that has no id. */
static int set_row(struct uploads *uploads, struct upload *upload, struct journal_row *row,
                   struct journal_row *gone, bool is_durable, struct error *err)
{
    struct journal_change changes[] = {{JOURNAL_UPDATE, row}, {JOURNAL_REMOVE, gone}};
    struct journal_row old;
    int code = journal_apply(uploads->journal, changes, gone->id ? 2 : 1, is_durable, err);

    if (code == 0) {
        mutex_lock(&uploads->lock);
        old = upload->row;
        upload->row = *row;
        mutex_unlock(&uploads->lock);
        *row = (struct journal_row){0};
        journal_row_clear(&old);
    }
    return code;
}

int upload_set_row(struct uploads *uploads, struct upload *upload, struct journal_row *row,
                   bool is_durable, struct error *err)
{
    struct journal_row none = {0};

    return set_row(uploads, upload, row, &none, is_durable, err);
}

void upload_edited(struct uploads *uploads, struct upload *upload)
{
    mutex_lock(&uploads->lock);
    upload->is_editing = false;
    cond_broadcast(&uploads->changed);
    uploads_wake(uploads);
    mutex_unlock(&uploads->lock);
}

/* --- taking a save in --- */

int upload_fill_row(struct journal_row *row, const struct body *body,
                    const struct upload_target *target, struct error *err)
{
    const struct {
        char **to;
        const char *text;
    } texts[] = {
        {&row->key, body->library->key},      {&row->drive_id, target->drive_id},
        {&row->parent_id, target->parent_id}, {&row->name, target->name},
        {&row->path, target->path},           {&row->item_id, target->item_id},
        {&row->version, target->version},     {&row->spool, spool_name_of(body->spool_path)}};
    int64_t now_ms = clock_wall_ms(clock_system());
    int code = 0;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && code == 0; i++) {
        code = str_copy(texts[i].to, texts[i].text ? texts[i].text : "", err);
    }
    row->kind = JOURNAL_UPLOAD;
    row->state = JOURNAL_PENDING;
    row->size_bytes = body->size_bytes;
    row->modified_ms = body->modified_ms;
    row->created_ms = body->created_ms;
    row->since_ms = now_ms;
    row->due_ms = now_ms + body->online->upload_delay_ms;
    row->attempts = 0;
    row->locked_ms = 0;
    str_free(&row->reason);
    str_free(&row->session_url);
    return code;
}

bool uploads_share(struct uploads *uploads, const struct upload *upload, const char *name)
{
    bool is_shared = false;

    mutex_lock(&uploads->lock);
    for (const struct upload *at = uploads->first; at && !is_shared; at = at->next) {
        is_shared = at != upload && str_equal(at->row.spool, name);
    }
    mutex_unlock(&uploads->lock);
    return is_shared;
}

void upload_remove_spool(struct uploads *uploads, const struct upload *upload, const char *name)
{
    char *path = NULL;

    /* A save that was written behind the end of the one before it is in the same file. */
    if (!uploads_share(uploads, upload, name) && upload_path(&path, uploads, name, NULL) == 0) {
        (void)file_remove(path, NULL);
        unsaved_remove(uploads->online, path);
    }
    free(path);
}

/* The one that waits, or waits to be tried again, takes the new bytes instead of the old ones. It
 * goes where the body is now, over the version that the first save was to replace. */
static int replace_waiting(struct uploads *uploads, struct upload *upload, struct body *body,
                           const struct upload_target *target, struct error *err)
{
    struct journal_row row = {0};
    struct journal_row kept = {.id = body_take_kept_row(body)};
    struct upload_target same = *target;
    struct local_file *old = NULL;
    char *old_name = NULL;
    int code = journal_row_copy(&row, &upload->row, err);

    if (code == 0) {
        code = str_copy(&old_name, row.spool, err);
    }
    if (code == 0) {
        /* The save before that one may have made the item since the target was asked for. */
        same.item_id = *upload->row.item_id ? upload->row.item_id : target->item_id;
        same.version = upload->row.version;
        code = upload_fill_row(&row, body, &same, err);
    }
    if (code == 0) {
        /* What waited as a new file is sent as this: one row, or it would go twice. */
        code = set_row(uploads, upload, &row, &kept, true, err);
    }
    if (code < 0 && kept.id) {
        body_keep_row(body, kept.id);
    }
    if (code == 0) {
        mutex_lock(&uploads->lock);
        old = upload->file;
        upload->file = local_ref(body->spool);
        mutex_unlock(&uploads->lock);
        local_close(old);
        if (strcmp(old_name, upload->row.spool) != 0) {
            upload_remove_spool(uploads, upload, old_name);
        }
    }
    journal_row_clear(&row);
    free(old_name);
    return code;
}

/* Lock held; NULL: it has none. */
static struct upload *last_of(const struct uploads *uploads, const struct body *body)
{
    struct upload *last = NULL;

    for (struct upload *upload = uploads->first; upload; upload = upload->next) {
        last = upload->body == body ? upload : last;
    }
    return last;
}

/* One more, which starts when the one before it is done. It is listed first and edited until the
 * journal has it, so that the one before it can hand its answer on. */
static int add_upload(struct uploads *uploads, struct upload *before, struct body *body,
                      const struct upload_target *target, struct error *err)
{
    struct upload *upload = calloc(1, sizeof(*upload));
    struct journal_row row = {0}; /* others look at upload->row meanwhile */
    int code = upload ? 0 : error_set(err, ERR_NO_MEMORY, "no memory for an upload");

    if (code == 0) {
        code = upload_fill_row(&upload->row, body, target, err);
    }
    if (code < 0) {
        upload_free(upload);
        return code;
    }
    upload->library = body->library;
    upload->body = body;
    upload->file = local_ref(body->spool);
    upload->is_editing = true;
    upload->row.may_have_arrived = body->may_have_arrived; /* of a try before close */
    mutex_lock(&body->lock);
    mutex_lock(&uploads->lock);
    if (!before || body->pending != before) {
        /* The body has the answer of the one before, if it is done meanwhile; of which the row may be
         * in the journal still. */
        code = str_copy(&upload->row.item_id, body->item_id, err);
        code = code < 0 ? code : str_copy(&upload->row.version, body->version, err);
        before = last_of(uploads, body);
    }
    if (before) {
        upload->waits_for = before;
        upload->row.after = before->row.id;
    }
    code = code < 0 ? code : journal_row_copy(&row, &upload->row, err);
    link_last(uploads, upload);
    mutex_unlock(&uploads->lock);
    mutex_unlock(&body->lock);
    row.id =
        body_take_kept_row(body); /* what waited is what is sent: one row, or it would go twice */
    code = code < 0 ? code
                    : apply_one(uploads, row.id ? JOURNAL_UPDATE : JOURNAL_ADD, &row, true, err);
    mutex_lock(&body->online->lock);
    mutex_lock(&uploads->lock);
    if (code == 0) {
        upload->row.id = row.id;
        body->refs++;
        body->pending = upload;
    } else {
        uploads_unlink(uploads, upload);
    }
    mutex_unlock(&uploads->lock);
    mutex_unlock(&body->online->lock);
    if (code < 0) {
        body_keep_row(body, row.id);
    }
    journal_row_clear(&row);
    if (code < 0) {
        upload_free(upload);
    } else {
        upload_edited(uploads, upload);
    }
    return code;
}

int uploads_put(struct body *body, const struct upload_target *target, struct error *err)
{
    struct uploads *uploads = body->online->uploads;
    struct upload *before = NULL;
    bool is_waiting = false;
    int code = 0;

    mutex_lock(&uploads->lock);
    while (body->pending && body->pending->is_editing) {
        cond_wait(&uploads->changed, &uploads->lock);
    }
    before = body->pending;
    /* One that may have arrived has to find that out first. */
    is_waiting = before && !before->is_running && !before->row.may_have_arrived;
    if (is_waiting) {
        before->is_editing = true;
    }
    mutex_unlock(&uploads->lock);
    if (!is_waiting) {
        return add_upload(uploads, before, body, target, err);
    }
    code = replace_waiting(uploads, before, body, target, err);
    upload_edited(uploads, before);
    return code;
}

/* --- holding --- */

bool uploads_has(struct body *body)
{
    struct uploads *uploads = body->online->uploads;
    bool has = false;

    mutex_lock(&uploads->lock);
    has = body->pending != NULL;
    mutex_unlock(&uploads->lock);
    return has;
}

void uploads_await(struct body *body, const struct call *call)
{
    struct uploads *uploads = body->online->uploads;
    int code = 0;

    mutex_lock(&uploads->lock);
    while (code == 0 && body->pending &&
           (body->pending->is_running || body->pending->row.state == JOURNAL_PENDING ||
            body->pending->row.state == JOURNAL_RETRY)) {
        code = call_wait(call, &uploads->changed, &uploads->lock, NULL);
    }
    mutex_unlock(&uploads->lock);
}

/* ... or the one before it, which may have been begun when nobody had the file open. */
static bool is_any_running(const struct uploads *uploads, const struct body *body)
{
    for (const struct upload *upload = uploads->first; upload; upload = upload->next) {
        if (upload->body == body &&
            (upload->is_running || (upload->waits_for && upload->waits_for->is_running))) {
            return true;
        }
    }
    return false;
}

int uploads_hold(struct body *body, const struct call *call, struct error *err)
{
    struct uploads *uploads = body->online->uploads;
    int code = 0;

    mutex_lock(&uploads->lock);
    body->upload_holds++;
    while (code == 0 && is_any_running(uploads, body)) {
        code = call_wait(call, &uploads->changed, &uploads->lock, err);
    }
    if (code < 0) {
        body->upload_holds--;
        uploads_wake(uploads);
    }
    mutex_unlock(&uploads->lock);
    return code;
}

void uploads_release(struct body *body)
{
    struct uploads *uploads = body->online->uploads;

    mutex_lock(&uploads->lock);
    body->upload_holds--;
    uploads_wake(uploads);
    mutex_unlock(&uploads->lock);
}

/* Of a body, or on a shelf. */
static struct upload *edit_next(struct uploads *uploads, const struct body *body,
                                const struct settling *shelf, const struct upload *after)
{
    struct upload *upload = NULL;

    mutex_lock(&uploads->lock);
    for (;;) {
        upload = after ? after->next : uploads->first;
        while (upload && (shelf ? upload->shelf != shelf : upload->body != body)) {
            upload = upload->next;
        }
        if (!upload || !(upload->is_editing || upload->is_running)) {
            break;
        }
        cond_wait(&uploads->changed, &uploads->lock); /* and look again: it may be gone */
    }
    if (upload) {
        upload->is_editing = true;
    }
    mutex_unlock(&uploads->lock);
    return upload;
}

struct upload *upload_edit_next(struct uploads *uploads, const struct body *body,
                                const struct upload *after)
{
    return edit_next(uploads, body, NULL, after);
}

struct upload *upload_edit_shelved(struct uploads *uploads, const struct settling *shelf)
{
    return edit_next(uploads, NULL, shelf, NULL);
}

struct body *upload_retire(struct uploads *uploads, struct upload *upload)
{
    struct online_vfs *online = uploads->online;
    struct body *body = NULL;

    mutex_lock(&online->lock);
    mutex_lock(&uploads->lock);
    body = upload->body;
    if (body) {
        body->refs++;
    }
    upload->is_done = true;
    mutex_unlock(&uploads->lock);
    mutex_unlock(&online->lock);
    return body;
}

void upload_forget(struct uploads *uploads, struct upload *upload)
{
    struct body *body = upload->body;
    bool is_shared = false;

    if (body) {
        mutex_lock(&body->lock);
        is_shared =
            body->spool_path && strcmp(spool_name_of(body->spool_path), upload->row.spool) == 0;
        if (is_shared && !uploads_share(uploads, upload, upload->row.spool)) {
            body->sealed_bytes = 0; /* else the save behind it has them, too */
        }
        mutex_unlock(&body->lock);
    }
    if (!is_shared) {
        upload_remove_spool(uploads, upload, upload->row.spool);
    }
    mutex_lock(&uploads->lock);
    uploads_unlink(uploads, upload);
    if (body && body->pending == upload) {
        body->pending = NULL;
    }
    mutex_unlock(&uploads->lock);
    upload_free(upload);
    body_put(body);
}

/* --- from agents before this one --- */

void uploads_attach(struct uploads *uploads, struct library *library)
{
    mutex_lock(&uploads->lock);
    for (struct upload *upload = uploads->first; upload; upload = upload->next) {
        if ((!upload->library || upload->library->is_removed) && !upload->body &&
            str_equal(upload->row.key, library->key)) {
            upload->library = library;
        }
    }
    uploads_wake(uploads);
    mutex_unlock(&uploads->lock);
}

bool uploads_know(struct uploads *uploads, const char *spool_name)
{
    bool is_known = false;

    mutex_lock(&uploads->lock);
    for (const struct upload *upload = uploads->first; upload && !is_known; upload = upload->next) {
        is_known = str_equal(upload->row.spool, spool_name);
    }
    mutex_unlock(&uploads->lock);
    return is_known;
}

/* A new file that was closed, and waited whether it gets another name: it is what it looks like. The
 * note of the draft goes, unless it was written on. */
static void take_over_new(struct uploads *uploads, struct upload *upload)
{
    int64_t size = 0;
    char *path = NULL;

    upload->row.state = JOURNAL_PENDING;
    if (upload_path(&path, uploads, upload->row.spool, NULL) == 0 &&
        file_size(path, &size, NULL) == 0 && (uint64_t)size == upload->row.size_bytes) {
        unsaved_remove(uploads->online, path);
    }
    free(path);
}

/* One row of a dead agent. Whatever was sent of it has no answer here. */
static int load_row(struct uploads *uploads, struct journal_row *row, struct error *err)
{
    struct upload *upload = NULL;
    char *path = NULL;
    int code = upload_path(&path, uploads, row->spool, err);

    if (code == 0 && !file_exists(path)) {
        /* It goes before its row does, when the server has it. */
        code = apply_one(uploads, JOURNAL_REMOVE, row, false, err);
        free(path);
        return code;
    }
    free(path);
    upload = code == 0 ? calloc(1, sizeof(*upload)) : NULL;
    if (!upload) {
        return code < 0 ? code : error_set(err, ERR_NO_MEMORY, "no memory for an upload");
    }
    upload->row = *row;
    *row = (struct journal_row){0};
    if (upload->row.state == JOURNAL_SETTLING) {
        take_over_new(uploads, upload);
    }
    upload->row.may_have_arrived = true;
    upload->row.due_ms = 0; /* what kept the last agent from it may be over */
    for (struct upload *at = uploads->first; at; at = at->next) {
        if (upload->row.after && at->row.id == upload->row.after) {
            upload->waits_for = at;
        }
    }
    link_last(uploads, upload);
    uploads->has_orphans = true;
    return 0;
}

static int load_rows(struct uploads *uploads, struct error *err)
{
    struct journal_rows rows = {0};
    int code = journal_load(uploads->journal, &rows, err);

    for (size_t i = 0; i < rows.count && code == 0; i++) {
        if (rows.items[i].kind == JOURNAL_UPLOAD) {
            code = load_row(uploads, &rows.items[i], err);
        }
    }
    journal_rows_clear(&rows);
    return code;
}

int uploads_new(struct uploads **out, struct online_vfs *online, struct error *err)
{
    struct uploads *uploads = calloc(1, sizeof(*uploads));
    struct str_list notes = {0};
    int code = 0;

    if (!uploads) {
        return error_set(err, ERR_NO_MEMORY, "no memory for uploads");
    }
    uploads->online = online;
    mutex_init(&uploads->lock);
    cond_init(&uploads->changed);
    code = journal_open(&uploads->journal, online->spool_directory, &notes, err);
    for (size_t i = 0; i < notes.count; i++) {
        log_write(LOG_LEVEL_ERROR, LOG_VFS, "%s", notes.items[i]);
    }
    str_list_clear(&notes);
    if (code == 0) {
        code = load_rows(uploads, err);
    }
    if (code < 0) {
        uploads_free(uploads);
        return code;
    }
    *out = uploads;
    return 0;
}

void uploads_free(struct uploads *uploads)
{
    if (!uploads) {
        return;
    }
    while (uploads->first) {
        struct upload *upload = uploads->first;

        uploads->first = upload->next;
        upload_free(upload);
    }
    journal_close(uploads->journal);
    cond_clear(&uploads->changed);
    mutex_clear(&uploads->lock);
    free(uploads);
}
