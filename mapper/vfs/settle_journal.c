/*
 * settle_journal.c - what settles is in the journal, too (settle.h): as JOURNAL_SETTLING while it may
 * be the middle of a save, and as any other work once it is decided and the server could not be told.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "body.h"
#include "online.h"
#include "settle.h"
#include "uploads.h"

/* --- rows --- */

int settle_old_path(struct online_vfs *online, const struct settling *s, char **out,
                    struct error *err)
{
    char *folder = NULL;
    int code = node_path(online, s->folder, &folder, err);

    if (code == 0) {
        code = str_format(out, err, "%s%s%s", folder, *folder ? "/" : "", s->name);
    }
    free(folder);
    return code;
}

/* Lock held. */
static int fill_row(struct online_vfs *online, struct journal_row *row, const struct settling *s,
                    struct error *err)
{
    const struct library *library = s->library;
    const char *parent_id = s->folder == library->root && library->root_item_id
                                ? library->root_item_id
                                : node_item_id(s->folder);
    /* Our own saves go over what was renamed, so that no version says whether others did. */
    const char *version = s->kind == SETTLE_MOVE && s->is_promised ? ""
                          : *s->ctag                               ? s->ctag
                                                                   : s->etag;
    const struct {
        char **to;
        const char *text;
    } texts[] = {
        {&row->key, library->key},
        {&row->drive_id, library->drive_id},
        {&row->parent_id, parent_id},
        {&row->name, s->kind == SETTLE_MOVE ? node_name(s->node) : s->name},
        {&row->item_id, s->item_id},
        {&row->version, version},
    };
    int code = settle_old_path(online, s, &row->path, err);

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && code == 0; i++) {
        code = str_copy(texts[i].to, texts[i].text ? texts[i].text : "", err);
    }
    row->id = s->row_id;
    row->kind = s->kind == SETTLE_MOVE ? JOURNAL_MOVE : JOURNAL_DELETE;
    row->state = s->is_decided || s->is_promised ? JOURNAL_PENDING : JOURNAL_SETTLING;
    row->modified_ms = -1;
    row->created_ms = -1;
    row->since_ms = s->since_ms;
    row->attempts = s->attempts;
    return code;
}

#define TOGETHER 2

/* Entries that are running for us, in one commit. */
static int write_rows(struct online_vfs *online, struct settling *const *all, size_t count,
                      bool is_durable, struct error *err)
{
    struct journal_row rows[TOGETHER] = {{0}};
    struct journal_change changes[TOGETHER];
    size_t written = 0;
    int code = 0;

    mutex_lock(&online->lock);
    for (size_t i = 0; i < count && code == 0; i++) {
        /* A new one has a row of its own kind; or it is still as an agent before this one wrote it. */
        if (all[i]->kind != SETTLE_NEW && all[i]->folder) {
            changes[written] = (struct journal_change){
                all[i]->row_id ? JOURNAL_UPDATE : JOURNAL_ADD, &rows[written]};
            code = fill_row(online, &rows[written++], all[i], err);
        }
    }
    mutex_unlock(&online->lock);
    if (code == 0 && written > 0) {
        code = journal_apply(online->uploads->journal, changes, written, is_durable, err);
    }
    mutex_lock(&online->lock); /* others look at it meanwhile */
    for (size_t i = count; i > 0 && code == 0; i--) {
        if (all[i - 1]->kind != SETTLE_NEW && all[i - 1]->folder) {
            all[i - 1]->row_id = rows[--written].id;
        }
    }
    mutex_unlock(&online->lock);
    for (size_t i = 0; i < TOGETHER; i++) {
        journal_row_clear(&rows[i]);
    }
    return code;
}

static int promise(struct online_vfs *online, struct settling *const *all, size_t count,
                   struct error *err)
{
    bool were[TOGETHER];
    int code = 0;

    mutex_lock(&online->lock);
    for (size_t i = 0; i < count; i++) {
        were[i] = all[i]->is_promised;
        all[i]->is_promised = true;
    }
    mutex_unlock(&online->lock);
    code = write_rows(online, all, count, true, err);
    mutex_lock(&online->lock);
    for (size_t i = 0; i < count && code < 0; i++) {
        all[i]->is_promised = were[i];
    }
    mutex_unlock(&online->lock);
    return code;
}

/* What is not promised is no more than a wish: without its row a crash forgets it, as it may anyway, and
 * the item stays as the server has it. Nothing is lost, so no call fails for want of room; who lists
 * what waits is told (copy_one). */
static void write_wish(struct online_vfs *online, struct settling *s, bool is_durable)
{
    struct error error = {0};

    if (write_rows(online, &s, 1, is_durable, &error) < 0) {
        log_error(LOG_VFS, &error, "what is to be deleted or renamed is in no journal");
    }
}

void settle_written(struct online_vfs *online, struct settling *s)
{
    if (s) {
        write_wish(online, s, false);
        settle_put_back(online, s);
    }
}

int settle_promised(struct online_vfs *online, struct settling *s, struct error *err)
{
    return promise(online, &s, 1, err);
}

/* The rename of a node, and what was deleted where it goes, once nobody is at them; lock held, given
 * up meanwhile. NULL: it does not settle. */
static int wait_for_rename(struct online_vfs *online, const struct node *node,
                           struct settling **out, struct settling **below, const struct call *call,
                           struct error *err)
{
    int code = 0;

    for (;;) {
        *out = settle_of(online, node);
        *below = *out ? settle_below(online, *out) : NULL;
        if (code < 0 || !*out || !((*out)->is_running || (*below && (*below)->is_running))) {
            return code;
        }
        code = call_wait(call, &online->changed, &online->lock, err);
    }
}

int settle_promise_rename(struct online_vfs *online, const struct node *node,
                          const struct call *call, struct error *err)
{
    struct settling *s = NULL;
    struct settling *below = NULL;
    struct settling *both[TOGETHER];
    size_t count = 0;
    int code = 0;

    mutex_lock(&online->lock);
    code = wait_for_rename(online, node, &s, &below, call, err);
    if (code < 0 || !s) {
        mutex_unlock(&online->lock);
        return code;
    }
    if (below) { /* or the name would be taken */
        both[count++] = below;
    }
    both[count++] = s; /* also again: it may have got a third name since */
    for (size_t i = 0; i < count; i++) {
        both[i]->is_running = true;
    }
    mutex_unlock(&online->lock);
    code = promise(online, both, count, err);
    for (size_t i = 0; i < count; i++) {
        settle_put_back(online, both[i]);
    }
    return code;
}

int settle_promise_save(struct body *body, const struct call *call, struct error *err)
{
    struct online_vfs *online = body->online;
    struct node *node = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    mutex_lock(&body->lock);
    if (body->is_dirty && !body->is_removed) {
        node = body->node;
        tree_hold(online->tree, node);
    }
    mutex_unlock(&body->lock);
    mutex_unlock(&online->lock);
    if (node) {
        code = settle_promise_rename(online, node, call, err);
        node_put(online, node);
    }
    return code;
}

void settle_decided(struct online_vfs *online, struct settling *s)
{
    s->is_decided = true;
    write_wish(online, s, true);
}

int settle_fill_new(struct online_vfs *online, struct journal_row *row, struct body *body,
                    struct error *err)
{
    const struct library *library = body->library;
    const struct node *folder = tree_parent(online->tree, body->node);
    struct upload_target to = {.drive_id = library->drive_id, .name = node_name(body->node)};
    char *path = NULL;
    int code = 0;

    if ((body->node->flags & NODE_GONE) || !library->is_verified || !folder) {
        return 1;
    }
    to.parent_id = folder == library->root && library->root_item_id ? library->root_item_id
                                                                    : node_item_id(folder);
    if (!*to.parent_id && (folder != library->root || library->folder_path)) {
        return 1; /* "" is the root of the drive */
    }
    code = node_path(online, body->node, &path, err);
    to.path = path;
    if (code == 0) {
        mutex_lock(&body->lock);
        code = body->spool_path ? upload_fill_row(row, body, &to, err) : 1;
        row->id = body->kept_row;
        mutex_unlock(&body->lock);
        row->state = JOURNAL_SETTLING;
    }
    free(path);
    return code;
}

/* It waits, and nobody sends it yet; lock held. */
static bool is_waiting(const struct online_vfs *online, const struct body *body)
{
    const struct settling *s = online->settling;

    while (s && s->body != body) {
        s = s->next;
    }
    return s && !s->is_running;
}

/* With is_saving set: whoever deletes, renames or sends the file finds the row, or comes before it. */
static int write_new(struct body *body, struct error *err)
{
    struct online_vfs *online = body->online;
    struct journal_row row = {0};
    struct journal_change change = {JOURNAL_ADD, &row};
    int code = 1;

    mutex_lock(&online->lock);
    if (is_waiting(online, body)) {
        code = settle_fill_new(online, &row, body, err);
    }
    mutex_unlock(&online->lock);
    if (code == 0) {
        change.op = row.id ? JOURNAL_UPDATE : JOURNAL_ADD;
        code = journal_apply(online->uploads->journal, &change, 1, true, err);
    }
    if (code == 0) {
        body_keep_row(body, row.id);
    }
    journal_row_clear(&row);
    return code < 0 ? code : 0;
}

int settle_keep_new(struct body *body, const struct call *call, struct error *err)
{
    int code = 0;

    mutex_lock(&body->lock);
    code = body_wait_saved(body, call, err);
    if (code < 0 || body->is_removed) {
        mutex_unlock(&body->lock);
        return code;
    }
    body->is_saving = true;
    mutex_unlock(&body->lock);
    code = write_new(body, err);
    mutex_lock(&body->lock);
    body->is_saving = false;
    cond_broadcast(&body->changed);
    mutex_unlock(&body->lock);
    return code;
}

/* The row is the caller's, who alone gets it; 0: there is none. */
static int64_t take_row(struct online_vfs *online, struct settling *s)
{
    int64_t row_id = 0;

    mutex_lock(&online->lock);
    if (s->body) {
        row_id = body_take_kept_row(s->body);
    } else {
        row_id = s->row_id;
        s->row_id = 0;
    }
    mutex_unlock(&online->lock);
    return row_id;
}

/* 0: there is none. */
static void remove_row(struct online_vfs *online, int64_t row_id, bool is_durable)
{
    struct journal_row row = {.id = row_id};
    struct journal_change change = {JOURNAL_REMOVE, &row};
    struct error error = {0};

    if (row_id && journal_apply(online->uploads->journal, &change, 1, is_durable, &error) < 0) {
        log_error(LOG_VFS, &error, "the journal keeps a change that is done for now");
        /* It goes with the next commit: that may be a save of the same item, which a delete that was
         * promised would take with it after a crash. */
        journal_owe_removal(online->uploads->journal, row_id);
    }
}

void settle_remove_row(struct online_vfs *online, struct settling *s)
{
    /* Not for the disk: what is done twice does no harm, as the item is looked at before. But what
     * a promised rename looks at may be as it was before by then. */
    remove_row(online, take_row(online, s), s->kind == SETTLE_MOVE && s->is_promised);
}

void settle_drop_kept(struct body *body)
{
    remove_row(body->online, body_take_kept_row(body), true);
}

/* --- of an agent before this one --- */

static int add_left(struct online_vfs *online, const struct journal_row *row, struct error *err)
{
    struct settling *s = calloc(1, sizeof(*s));
    const char *slash = strrchr(row->path, '/');
    int code = s ? 0 : error_set(err, ERR_NO_MEMORY, "no memory for a change that waits");

    if (code == 0) {
        s->kind = row->kind == JOURNAL_MOVE ? SETTLE_MOVE : SETTLE_DELETE;
        s->row_id = row->id;
        s->is_decided = true;
        s->since_ms = row->since_ms;
        s->due_ms = online_now();
        code = str_copy(&s->name, slash ? slash + 1 : row->path, err);
    }
    code = code < 0 ? code : str_copy(&s->key, row->key, err);
    code = code < 0 ? code : str_copy(&s->parent_id, row->parent_id, err);
    code = code < 0 ? code : str_copy(&s->path, row->path, err);
    code = code < 0 ? code : str_copy(&s->item_id, row->item_id, err);
    code = code < 0 ? code : str_copy(&s->ctag, row->version, err);
    code = code < 0 ? code : str_copy(&s->etag, "", err);
    if (code == 0 && s->kind == SETTLE_MOVE) {
        code = str_copy(&s->new_name, row->name, err);
    }
    if (code < 0) {
        settle_free(online, s);
        return code;
    }
    mutex_lock(&online->lock);
    settle_link(online, s);
    mutex_unlock(&online->lock);
    if (s->kind == SETTLE_DELETE) {
        uploads_shelve_left(online->uploads, s, row->key, row->item_id);
    }
    return 0;
}

int settle_load(struct online_vfs *online, struct error *err)
{
    struct journal *journal = online->uploads->journal;
    struct journal_rows rows = {0};
    int code = journal_load(journal, &rows, err);

    for (size_t i = 0; i < rows.count && code == 0; i++) {
        struct journal_row *row = &rows.items[i];
        struct journal_change change = {JOURNAL_REMOVE, row};

        if (row->kind == JOURNAL_UPLOAD) {
            continue;
        }
        if (row->state != JOURNAL_SETTLING) {
            code = add_left(online, row, err);
            continue;
        }
        log_info(LOG_VFS, "'%s' is kept as it is: the agent ended while it was being %s", row->path,
                 row->kind == JOURNAL_MOVE ? "renamed" : "deleted");
        code = journal_apply(journal, &change, 1, false, err);
    }
    journal_rows_clear(&rows);
    return code;
}

void settle_attach(struct online_vfs *online, struct library *library)
{
    for (struct settling *s = online->settling; s; s = s->next) {
        if (!s->library && str_equal(s->key, library->key)) {
            s->library = library;
            s->due_ms = online_now();
        }
    }
    cond_signal(&online->settle_wake);
}

/* The place of one that was left, now that its folder is seen. Lock held. */
bool settle_is_at(struct online_vfs *online, struct settling *s, struct node *folder)
{
    const struct library *library = s->folder ? NULL : s->library;

    if (!library || s->kind != SETTLE_DELETE || library->is_removed ||
        library != library_of(online, folder)) {
        return s->folder == folder;
    }
    if (str_equal(s->parent_id, node_item_id(folder)) ||
        (folder == library->root && str_equal(s->parent_id, library->root_item_id))) {
        s->folder = folder;
        tree_hold(online->tree, folder);
    }
    return s->folder == folder;
}
