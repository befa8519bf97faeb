#include "mapper/journal.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/thread.h"
#include "mapper/store.h"

#define ROWS_MAX 1000000u

/* A journal_apply() that waits, on its caller's stack. */
struct request {
    struct request *next;
    const struct journal_change *changes;
    size_t count;
    bool is_durable;
    bool is_done; /* and what follows is the answer */
    int code;
    struct error error;
};

/* What waits for the disk costs the same for one change as for many, so those that come while a
 * commit runs share the next one: one of their threads makes it for all. */
struct journal {
    struct mutex lock; /* guards what follows */
    struct cond changed;
    struct request *first; /* in the order that they came */
    struct request **last;
    int64_t *owed; /* rows to remove with the next commit */
    size_t owed_count;
    bool is_busy; /* a thread has the rest, and does not hold the lock */

    struct store *store;
    struct store_query *insert;
    struct store_query *update;
    struct store_query *remove;
};

#define COLUMNS                                                                                 \
    "kind, state, library, drive_id, parent_id, name, path, item_id, version, spool, size,"     \
    " modified, created, since, due, locked, sent, after, attempts, may_have_arrived, is_copy," \
    " reason, session_url, doubt, other_id, other_hash, other_size"
#define COLUMN_COUNT 27

static const char tables[] =
    "CREATE TABLE work(id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER, state INTEGER,"
    " library TEXT, drive_id TEXT, parent_id TEXT, name TEXT, path TEXT, item_id TEXT,"
    " version TEXT, spool TEXT, size INTEGER, modified INTEGER, created INTEGER, since INTEGER,"
    " due INTEGER, locked INTEGER, sent INTEGER, after INTEGER, attempts INTEGER,"
    " may_have_arrived INTEGER, is_copy INTEGER, reason TEXT, session_url TEXT, doubt INTEGER,"
    " other_id TEXT, other_hash TEXT, other_size INTEGER);";

static const char *const upgrades[] = {
    "ALTER TABLE work ADD COLUMN doubt INTEGER DEFAULT 0;"
    "ALTER TABLE work ADD COLUMN other_id TEXT DEFAULT '';"
    "ALTER TABLE work ADD COLUMN other_hash TEXT DEFAULT '';"
    "ALTER TABLE work ADD COLUMN other_size INTEGER DEFAULT 0;",
};

static const char *const checks[] = {"SELECT id, " COLUMNS " FROM work", NULL};

static const struct store_schema schema = {
    .file_name = "journal.db",
    .what = "journal",
    .version = 2,
    .tables = tables,
    .checks = checks,
    .upgrades = upgrades,
};

/* In the order of COLUMNS; one table for reading and writing. */
enum column_type { COLUMN_ENUM, COLUMN_INT, COLUMN_UNSIGNED, COLUMN_BOOL, COLUMN_TEXT };
static const struct {
    enum column_type type;
    size_t offset;
} columns[COLUMN_COUNT] = {
    {COLUMN_ENUM, offsetof(struct journal_row, kind)},
    {COLUMN_ENUM, offsetof(struct journal_row, state)},
    {COLUMN_TEXT, offsetof(struct journal_row, key)},
    {COLUMN_TEXT, offsetof(struct journal_row, drive_id)},
    {COLUMN_TEXT, offsetof(struct journal_row, parent_id)},
    {COLUMN_TEXT, offsetof(struct journal_row, name)},
    {COLUMN_TEXT, offsetof(struct journal_row, path)},
    {COLUMN_TEXT, offsetof(struct journal_row, item_id)},
    {COLUMN_TEXT, offsetof(struct journal_row, version)},
    {COLUMN_TEXT, offsetof(struct journal_row, spool)},
    {COLUMN_INT, offsetof(struct journal_row, size_bytes)},
    {COLUMN_INT, offsetof(struct journal_row, modified_ms)},
    {COLUMN_INT, offsetof(struct journal_row, created_ms)},
    {COLUMN_INT, offsetof(struct journal_row, since_ms)},
    {COLUMN_INT, offsetof(struct journal_row, due_ms)},
    {COLUMN_INT, offsetof(struct journal_row, locked_ms)},
    {COLUMN_INT, offsetof(struct journal_row, sent_ms)},
    {COLUMN_INT, offsetof(struct journal_row, after)},
    {COLUMN_UNSIGNED, offsetof(struct journal_row, attempts)},
    {COLUMN_BOOL, offsetof(struct journal_row, may_have_arrived)},
    {COLUMN_BOOL, offsetof(struct journal_row, is_copy)},
    {COLUMN_TEXT, offsetof(struct journal_row, reason)},
    {COLUMN_TEXT, offsetof(struct journal_row, session_url)},
    {COLUMN_ENUM, offsetof(struct journal_row, doubt)},
    {COLUMN_TEXT, offsetof(struct journal_row, other_id)},
    {COLUMN_TEXT, offsetof(struct journal_row, other_hash)},
    {COLUMN_INT, offsetof(struct journal_row, other_size)},
};

static char **text_of(const struct journal_row *row, size_t column)
{
    return (char **)((const char *)row + columns[column].offset);
}

/* --- rows --- */

void journal_row_clear(struct journal_row *row)
{
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        if (columns[i].type == COLUMN_TEXT) {
            free(*text_of(row, i));
        }
    }
    *row = (struct journal_row){0};
}

int journal_row_copy(struct journal_row *out, const struct journal_row *row, struct error *err)
{
    struct journal_row copy = *row;
    int code = 0;

    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        if (columns[i].type == COLUMN_TEXT) {
            *text_of(&copy, i) = NULL;
        }
    }
    for (size_t i = 0; i < COLUMN_COUNT && code == 0; i++) {
        if (columns[i].type == COLUMN_TEXT) {
            code = str_copy(text_of(&copy, i), *text_of(row, i), err);
        }
    }
    if (code < 0) {
        journal_row_clear(&copy);
        return code;
    }
    *out = copy;
    return 0;
}

void journal_rows_clear(struct journal_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        journal_row_clear(&rows->items[i]);
    }
    free(rows->items);
    *rows = (struct journal_rows){0};
}

static int64_t number_of(const struct journal_row *row, size_t column)
{
    const void *at = (const char *)row + columns[column].offset;

    switch (columns[column].type) {
    case COLUMN_ENUM:
    case COLUMN_UNSIGNED:
        return *(const unsigned *)at;
    case COLUMN_BOOL:
        return *(const bool *)at;
    default:
        return *(const int64_t *)at;
    }
}

static void set_number(struct journal_row *row, size_t column, int64_t value)
{
    void *at = (char *)row + columns[column].offset;

    switch (columns[column].type) {
    case COLUMN_ENUM:
    case COLUMN_UNSIGNED:
        *(unsigned *)at = (unsigned)value;
        break;
    case COLUMN_BOOL:
        *(bool *)at = value != 0;
        break;
    default:
        *(int64_t *)at = value;
        break;
    }
}

static void bind_row(struct store_query *query, const struct journal_row *row)
{
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        if (columns[i].type == COLUMN_TEXT) {
            const char *text = *text_of(row, i);

            store_bind_text(query, (int)i + 1, text ? text : "");
        } else {
            store_bind_int(query, (int)i + 1, number_of(row, i));
        }
    }
}

static int read_row(struct journal_row *out, struct store_query *query, struct error *err)
{
    struct journal_row row = {.id = store_int(query, 0)};
    int code = 0;

    for (size_t i = 0; i < COLUMN_COUNT && code == 0; i++) {
        if (columns[i].type == COLUMN_TEXT) {
            code = store_text(text_of(&row, i), query, (int)i + 1, err);
        } else {
            set_number(&row, i, store_int(query, (int)i + 1));
        }
    }
    if (code < 0) {
        journal_row_clear(&row);
        return code;
    }
    *out = row;
    return 0;
}

/* --- the file --- */

#define PLACES                                                                                    \
    "?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25," \
    "?26,?27"

int journal_open(struct journal **out, const char *directory, struct str_list *note,
                 struct error *err)
{
    struct journal *journal = calloc(1, sizeof(*journal));
    int code = 0;

    if (!journal) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the journal");
    }
    mutex_init(&journal->lock);
    cond_init(&journal->changed);
    journal->last = &journal->first;
    code = store_open(&journal->store, directory, &schema, note, err);
    if (code == 0) {
        code = store_prepare(&journal->insert, journal->store,
                             "INSERT INTO work(" COLUMNS ") VALUES(" PLACES ")", err);
    }
    if (code == 0) {
        code = store_prepare(&journal->update, journal->store,
                             "UPDATE work SET (" COLUMNS ") = (" PLACES ") WHERE id=?28", err);
    }
    if (code == 0) {
        code = store_prepare(&journal->remove, journal->store, "DELETE FROM work WHERE id=?1", err);
    }
    if (code < 0) {
        journal_close(journal);
        return code;
    }
    *out = journal;
    return 0;
}

void journal_close(struct journal *journal)
{
    if (!journal) {
        return;
    }
    if (journal->owed_count > 0) {
        struct error error = {0};

        if (journal_apply(journal, NULL, 0, true, &error) < 0) {
            log_error(LOG_VFS, &error, "the journal keeps what is done");
        }
    }
    free(journal->owed);
    store_query_free(journal->insert);
    store_query_free(journal->update);
    store_query_free(journal->remove);
    store_close(journal->store);
    cond_clear(&journal->changed);
    mutex_clear(&journal->lock);
    free(journal);
}

static int add_row(struct journal_rows *rows, size_t *capacity, struct store_query *query,
                   struct error *err)
{
    int code = 0;

    if (rows->count == *capacity) {
        size_t more = *capacity ? *capacity * 2 : 64;
        struct journal_row *items = NULL;

        if (rows->count >= ROWS_MAX) {
            return error_set(err, ERR_LIMIT, "the journal has more than %u rows", ROWS_MAX);
        }
        items = realloc(rows->items, more * sizeof(*items));
        if (!items) {
            return error_set(err, ERR_NO_MEMORY, "no memory for the journal's rows");
        }
        rows->items = items;
        *capacity = more;
    }
    code = read_row(&rows->items[rows->count], query, err);
    rows->count += code == 0;
    return code;
}

/* The store is the caller's until give_store(). */
static void take_store(struct journal *journal)
{
    mutex_lock(&journal->lock);
    while (journal->is_busy) {
        cond_wait(&journal->changed, &journal->lock);
    }
    journal->is_busy = true;
    mutex_unlock(&journal->lock);
}

static void give_store(struct journal *journal)
{
    mutex_lock(&journal->lock);
    journal->is_busy = false;
    cond_broadcast(&journal->changed);
    mutex_unlock(&journal->lock);
}

int journal_load(struct journal *journal, struct journal_rows *out, struct error *err)
{
    struct journal_rows rows = {0};
    struct store_query *query = NULL;
    size_t capacity = 0;
    int code = 0;

    take_store(journal);
    code =
        store_prepare(&query, journal->store, "SELECT id, " COLUMNS " FROM work ORDER BY id", err);
    while (code == 0 && (code = store_next(query, err)) == 1) {
        code = add_row(&rows, &capacity, query, err);
    }
    store_query_free(query);
    give_store(journal);
    if (code < 0) {
        journal_rows_clear(&rows);
        return code;
    }
    *out = rows;
    return 0;
}

/* --- changes --- */

static int apply_one(struct journal *journal, const struct journal_change *change,
                     struct error *err)
{
    int code = 0;

    switch (change->op) {
    case JOURNAL_ADD:
        bind_row(journal->insert, change->row);
        code = store_finish(journal->insert, err);
        if (code == 0) {
            change->row->id = store_last_id(journal->store);
        }
        return code;
    case JOURNAL_UPDATE:
        bind_row(journal->update, change->row);
        store_bind_int(journal->update, COLUMN_COUNT + 1, change->row->id);
        return store_finish(journal->update, err);
    default:
        store_bind_int(journal->remove, 1, change->row->id);
        return store_finish(journal->remove, err);
    }
}

/* Taken out for one commit; given back when that fails. */
struct owed {
    int64_t *ids;
    size_t count;
};

static struct owed take_owed(struct journal *journal)
{
    struct owed owed;

    mutex_lock(&journal->lock);
    owed = (struct owed){journal->owed, journal->owed_count};
    journal->owed = NULL;
    journal->owed_count = 0;
    mutex_unlock(&journal->lock);
    return owed;
}

void journal_owe_removal(struct journal *journal, int64_t id)
{
    int64_t *owed;

    mutex_lock(&journal->lock);
    owed = realloc(journal->owed, (journal->owed_count + 1) * sizeof(*owed));
    if (owed) { /* else the next agent finds the row */
        journal->owed = owed;
        owed[journal->owed_count++] = id;
    }
    mutex_unlock(&journal->lock);
}

static int remove_owed(struct journal *journal, const struct owed *owed, struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < owed->count; i++) {
        store_bind_int(journal->remove, 1, owed->ids[i]);
        code = store_finish(journal->remove, err);
    }
    return code;
}

static int apply_all(struct journal *journal, const struct request *request, struct error *err)
{
    int code = 0;

    for (size_t i = 0; i < request->count && code == 0; i++) {
        code = apply_one(journal, &request->changes[i], err);
    }
    return code;
}

/* One commit for `first` and, unless `is_alone`, all behind it. */
static int commit(struct journal *journal, const struct request *first, bool is_alone,
                  struct error *err)
{
    struct owed owed = take_owed(journal);
    bool is_durable = first->is_durable;
    int code = 0;
    int ended = 0;

    for (const struct request *at = first->next; at && !is_alone; at = at->next) {
        is_durable = is_durable || at->is_durable;
    }
    code = store_begin(journal->store, is_durable, err);
    if (code == 0) {
        code = remove_owed(journal, &owed, err);
        for (const struct request *at = first; at && code == 0; at = is_alone ? NULL : at->next) {
            code = apply_all(journal, at, err);
        }
        ended = store_end(journal->store, code == 0, code == 0 ? err : NULL);
        code = code < 0 ? code : ended;
    }
    for (size_t i = 0; code < 0 && i < owed.count; i++) {
        journal_owe_removal(journal, owed.ids[i]);
    }
    free(owed.ids);
    return code;
}

/* What is wrong with one of them is not to fail the others: each by itself then. */
static void commit_batch(struct journal *journal, struct request *first)
{
    bool is_done = first->next && commit(journal, first, false, NULL) == 0;

    for (struct request *at = first; at; at = at->next) {
        at->code = is_done ? 0 : commit(journal, at, true, &at->error);
        for (size_t i = 0; at->code < 0 && i < at->count; i++) {
            if (at->changes[i].op == JOURNAL_ADD) {
                at->changes[i].row->id = 0;
            }
        }
    }
}

/* Of the caller, which has the store and the lock. */
static void serve_waiting(struct journal *journal)
{
    struct request *first = journal->first;

    journal->first = NULL;
    journal->last = &journal->first;
    mutex_unlock(&journal->lock);
    commit_batch(journal, first);
    mutex_lock(&journal->lock);
    while (first) {
        struct request *next = first->next; /* who sees that it is done takes it away */

        first->is_done = true;
        first = next;
    }
}

/* Until it is done. The lock is held. */
static void enqueue(struct journal *journal, struct request *request)
{
    *journal->last = request;
    journal->last = &request->next;
}

int journal_apply(struct journal *journal, const struct journal_change *changes, size_t count,
                  bool is_durable, struct error *err)
{
    struct request request = {.changes = changes, .count = count, .is_durable = is_durable};

    mutex_lock(&journal->lock);
    enqueue(journal, &request);
    while (!request.is_done) {
        if (journal->is_busy) {
            cond_wait(&journal->changed, &journal->lock);
            continue;
        }
        journal->is_busy = true;
        serve_waiting(journal);
        journal->is_busy = false;
        cond_broadcast(&journal->changed);
    }
    mutex_unlock(&journal->lock);
    if (request.code < 0 && err) {
        *err = request.error;
    }
    return request.code;
}
