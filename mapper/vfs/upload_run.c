/*
 * upload_run.c - the threads that carry uploads out, up to eight at once. They are started when
 * there is something to do and end when there is nothing: an idle agent has none.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "body.h"
#include "local.h"
#include "save.h"
#include "uploads.h"

#define IDLE_MS 5000
#define TRY_MS (10 * 60 * 1000)          /* for a try, beside what its size takes */
#define LONGEST_WAIT_MS (15 * 60 * 1000) /* the wall clock may have been turned back */

/* --- which one --- */

bool uploads_may_start(const struct uploads *uploads, const struct upload *upload, int64_t now_ms,
                       int64_t *wait_ms)
{
    int64_t left_ms = upload->row.due_ms - now_ms;

    if (upload->is_running || upload->is_editing || upload->is_cancelled || upload->waits_for ||
        upload->shelf || !upload->library || (upload->body && upload->body->upload_holds > 0) ||
        (upload->row.state != JOURNAL_PENDING && upload->row.state != JOURNAL_RETRY)) {
        return false;
    }
    if (uploads->is_draining && upload->row.state == JOURNAL_PENDING) {
        return true;
    }
    if (left_ms > 0 && left_ms <= LONGEST_WAIT_MS + 1000) {
        *wait_ms = *wait_ms < 0 || left_ms < *wait_ms ? left_ms : *wait_ms;
        return false;
    }
    return true;
}

/* The oldest that may start; NULL: none, and *wait_ms says when to look again (-1: when something
 * changes). Lock held. */
static struct upload *pick(struct uploads *uploads, int64_t *wait_ms)
{
    int64_t now_ms = clock_wall_ms(clock_system());

    *wait_ms = -1;
    for (struct upload *upload = uploads->first; upload; upload = upload->next) {
        if (uploads_may_start(uploads, upload, now_ms, wait_ms)) {
            return upload;
        }
    }
    return NULL;
}

/* --- one try --- */

static int read_file(void *payload, void *data, size_t size, uint64_t offset, size_t *got,
                     struct error *err)
{
    return local_read(payload, data, size, offset, got, err);
}

/* What a try needs beside the upload. */
struct run {
    struct uploads *uploads;
    struct upload *upload;
    struct local_file *file;
    uint32_t asked_edit; /* tree_edits() when the try began */
    bool is_sent;        /* it came to the bytes: what is asked before that makes nothing */
};

static bool is_given_up(void *payload)
{
    const struct run *run = payload;
    bool is_over = false;

    mutex_lock(&run->uploads->lock);
    is_over = run->uploads->is_stopping || run->upload->is_cancelled;
    mutex_unlock(&run->uploads->lock);
    return is_over;
}

static void on_progress(void *payload, uint64_t done_bytes, uint64_t total_bytes)
{
    struct run *run = payload;

    (void)total_bytes;
    mutex_lock(&run->uploads->lock);
    run->upload->done_bytes = done_bytes;
    mutex_unlock(&run->uploads->lock);
}

/* An upload session was opened, or is over: the next agent can go on with it. */
static void on_session(void *payload, const char *url)
{
    struct run *run = payload;
    struct journal_row row = {0};
    struct error error = {0};
    int code = journal_row_copy(&row, &run->upload->row, &error);

    code = code < 0 ? code : str_copy(&row.session_url, url ? url : "", &error);
    code = code < 0 ? code : upload_set_row(run->uploads, run->upload, &row, false, &error);
    if (code < 0) {
        log_error(LOG_VFS, &error, "an upload session could not be noted");
    }
    journal_row_clear(&row);
}

/* A session that is gone on with does not ask for the version again: we do. */
static bool may_resume(const struct journal_row *row, struct account *account,
                       const struct call *call)
{
    struct graph_item item = {0};
    bool may = false;

    if (!row->session_url || !*row->session_url) {
        return false;
    }
    if (!*row->item_id || !*row->version) {
        return true;
    }
    if (graph_get_item(&item, account, row->drive_id, row->item_id, call, NULL) == 0) {
        may = str_equal(item.ctag, row->version) || str_equal(item.etag, row->version);
    }
    graph_item_clear(&item);
    return may;
}

/* Where the folder is not known by its id: the root of the drive. */
static int learn_parent(struct upload *upload, struct journal_row *row, const struct call *call,
                        struct error *err)
{
    return *row->item_id || *row->parent_id
               ? 0
               : library_root_id(&row->parent_id, upload->library, row->drive_id, call, err);
}

static int send_row(struct run *run, struct graph_item *item, struct journal_row *row,
                    const struct call *call, struct error *err)
{
    struct account *account = run->upload->library->account;
    struct graph_source source = {read_file, run->file, row->size_bytes};
    struct graph_upload upload = {.drive_id = row->drive_id,
                                  .modified_ms = row->modified_ms,
                                  .created_ms = row->created_ms,
                                  .may_have_arrived = row->may_have_arrived,
                                  .progress = on_progress,
                                  .progress_payload = run,
                                  .session = on_session,
                                  .session_payload = run};
    int code = learn_parent(run->upload, row, call, err);

    if (*row->item_id) {
        upload.item_id = row->item_id;
        upload.if_match = *row->version ? row->version : NULL;
    } else {
        upload.parent_id = row->parent_id;
        upload.name = row->name;
    }
    if (code == 0) {
        upload.resume_url = may_resume(row, account, call) ? row->session_url : NULL;
        run->is_sent = true;
        code = graph_upload(item, account, &upload, &source, call, err);
    }
    if (code == 0 && (row->may_have_arrived || row->size_bytes == 0)) {
        row->may_have_arrived = true; /* its bytes are there, whatever becomes of its times */
        code = upload_settle_times(item, account, row->drive_id, row->modified_ms, row->created_ms,
                                   call, err);
    }
    return code;
}

/* --- the whole of a try --- */

static int open_file(struct uploads *uploads, struct upload *upload, struct local_file **out,
                     struct error *err)
{
    char *path = NULL;
    int code = 0;

    mutex_lock(&uploads->lock);
    *out = upload->file ? local_ref(upload->file) : NULL;
    mutex_unlock(&uploads->lock);
    if (*out) {
        return 0;
    }
    code = upload_path(&path, uploads, upload->row.spool, err);
    if (code == 0) {
        code = local_open(out, path, false, err);
    }
    free(path);
    return code;
}

static void run_one(struct uploads *uploads, struct upload *upload)
{
    struct run run = {.uploads = uploads, .upload = upload};
    struct call call = {.priority = CALL_SAVE,
                        .deadline_ms = clock_mono_ms(clock_system()) + TRY_MS,
                        .is_cancelled = is_given_up,
                        .payload = &run};
    struct journal_row row = {0};
    struct graph_item item = {0};
    struct error error = {0};
    int code = journal_row_copy(&row, &upload->row, &error);

    call_extend(&call, upload->row.size_bytes);
    mutex_lock(&uploads->online->lock);
    run.asked_edit = tree_edits(uploads->online->tree);
    mutex_unlock(&uploads->online->lock);
    if (code == 0) {
        code = open_file(uploads, upload, &run.file, &error);
        code = code == ERR_NOT_FOUND ? error_set(&error, ERR_IO, "its bytes are not here any more")
                                     : code;
    }
    if (code == 0 && row.doubt != JOURNAL_SURE) {
        code = upload_judge(upload, &row, &call, &error);
    }
    if (code == 0) {
        row.sent_ms = clock_wall_ms(clock_system());
        code = send_row(&run, &item, &row, &call, &error);
    }
    if (code == 1) {
        local_close(run.file);
        run.file = NULL;
        upload_replaced(uploads, upload);
    } else if (code == 0) {
        upload_arrived(uploads, upload, &run.file, &item, run.asked_edit);
    } else {
        /* The session may have been noted meanwhile. */
        (void)str_copy(&row.session_url, upload->row.session_url, NULL);
        row.may_have_arrived =
            row.may_have_arrived || (run.is_sent && graph_answer_may_be_lost(code));
        upload_failed(uploads, upload, &row, code, &error, &call);
    }
    local_close(run.file);
    graph_item_clear(&item);
    journal_row_clear(&row);
}

/* --- threads --- */

/* How many could start now; lock held. */
static unsigned count_ready(const struct uploads *uploads)
{
    int64_t now_ms = clock_wall_ms(clock_system());
    int64_t wait_ms = -1;
    unsigned ready = 0;

    for (const struct upload *at = uploads->first; at && ready <= UPLOADS_AT_ONCE; at = at->next) {
        ready += uploads_may_start(uploads, at, now_ms, &wait_ms);
    }
    return ready > 0 || wait_ms < 0 ? ready : 1; /* one waits for the time to come */
}

static void *work(void *payload)
{
    struct worker *worker = payload;
    struct uploads *uploads = worker->uploads;
    int64_t wait_ms = -1;
    bool is_rested = false;

    mutex_lock(&uploads->lock);
    while (!uploads->is_stopping) {
        struct upload *upload = pick(uploads, &wait_ms);

        if (upload) {
            upload->is_running = true;
            uploads->running++;
            if (uploads->idle == 0) {
                uploads_wake(uploads);
            }
            mutex_unlock(&uploads->lock);
            run_one(uploads, upload);
            mutex_lock(&uploads->lock);
            is_rested = false;
            continue;
        }
        /* One thread waits for the next time that something is due; the others end. */
        if (is_rested && (wait_ms < 0 || uploads->idle > 0)) {
            break;
        }
        uploads->idle++;
        is_rested = !cond_wait_ms(&uploads->changed, &uploads->lock,
                                  wait_ms < 0 || wait_ms > IDLE_MS ? IDLE_MS : wait_ms);
        uploads->idle--;
    }
    worker->is_over = true;
    cond_broadcast(&uploads->changed);
    mutex_unlock(&uploads->lock);
    return NULL;
}

void uploads_wake(struct uploads *uploads)
{
    unsigned ready = count_ready(uploads);

    cond_broadcast(&uploads->changed);
    for (size_t i = 0; i < UPLOADS_AT_ONCE && ready > uploads->idle; i++) {
        struct worker *worker = &uploads->workers[i];
        struct error error = {0};

        if (uploads->is_stopping || (worker->is_used && !worker->is_over)) {
            continue;
        }
        if (worker->is_over) {
            thread_join(&worker->thread); /* it has left the lock for good */
        }
        *worker = (struct worker){.uploads = uploads, .is_used = true};
        if (thread_start(&worker->thread, "vfs-upload", work, worker, &error) < 0) {
            log_error(LOG_VFS, &error, "uploads have to wait");
            worker->is_used = false;
            break;
        }
        ready--;
    }
}

void uploads_stop(struct uploads *uploads)
{
    mutex_lock(&uploads->lock);
    uploads->is_stopping = true;
    cond_broadcast(&uploads->changed);
    mutex_unlock(&uploads->lock);
    for (size_t i = 0; i < UPLOADS_AT_ONCE; i++) {
        thread_join(&uploads->workers[i].thread);
    }
    /* What is left stays in the journal; the bodies are ours to give back. */
    for (struct upload *upload = uploads->first; upload; upload = upload->next) {
        struct body *body = upload->body;

        upload->body = NULL;
        if (body) {
            mutex_lock(&body->lock);
            body->is_kept = true;
            mutex_unlock(&body->lock);
            body_put(body);
        }
    }
}
