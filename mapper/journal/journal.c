#include "mapper/journal.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/thread.h"
#include "mapper/store.h"

#define ROWS_MAX 1000000u

struct journal {
    struct store *store;
    struct mutex lock; /* guards the store: one transaction at a time */
    struct store_query *insert;
    struct store_query *update;
    struct store_query *remove;
    int64_t *owed; /* rows to remove with the next commit */
    size_t owed_count;
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

int journal_load(struct journal *journal, struct journal_rows *out, struct error *err)
{
    struct journal_rows rows = {0};
    struct store_query *query = NULL;
    size_t capacity = 0;
    int code = 0;

    mutex_lock(&journal->lock);
    code =
        store_prepare(&query, journal->store, "SELECT id, " COLUMNS " FROM work ORDER BY id", err);
    while (code == 0 && (code = store_next(query, err)) == 1) {
        code = add_row(&rows, &capacity, query, err);
    }
    store_query_free(query);
    mutex_unlock(&journal->lock);
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

static int remove_owed(struct journal *journal, struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < journal->owed_count; i++) {
        store_bind_int(journal->remove, 1, journal->owed[i]);
        code = store_finish(journal->remove, err);
    }
    return code;
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

int journal_apply(struct journal *journal, const struct journal_change *changes, size_t count,
                  bool is_durable, struct error *err)
{
    int code = 0;
    int ended = 0;

    mutex_lock(&journal->lock);
    code = store_begin(journal->store, is_durable, err);
    if (code == 0) {
        code = remove_owed(journal, err);
        for (size_t i = 0; i < count && code == 0; i++) {
            code = apply_one(journal, &changes[i], err);
        }
        ended = store_end(journal->store, code == 0, code == 0 ? err : NULL);
        code = code < 0 ? code : ended;
        journal->owed_count = code == 0 ? 0 : journal->owed_count;
    }
    for (size_t i = 0; code < 0 && i < count; i++) {
        if (changes[i].op == JOURNAL_ADD) {
            changes[i].row->id = 0;
        }
    }
    mutex_unlock(&journal->lock);
    return code;
}
