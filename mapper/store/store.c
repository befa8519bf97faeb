#include "mapper/store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define MAX_SET_ASIDE 100

struct store {
    sqlite3 *db;
    const struct store_schema *schema; /* static */
    bool is_durable;                   /* how the connection commits now */
};

/* The same object as sqlite3_stmt, by a name of ours. */
struct store_query {
    sqlite3_stmt *statement;
    struct store *store;
};

/* --- SQLite's errors as ours --- */

static int fail(const struct store_schema *schema, sqlite3 *db, int rc, struct error *err)
{
    int code = rc == SQLITE_FULL    ? ERR_NO_SPACE
               : rc == SQLITE_NOMEM ? ERR_NO_MEMORY
               : rc == SQLITE_BUSY  ? ERR_BUSY
                                    : ERR_IO;

    return error_set(err, code, "%s: %.150s", schema->what,
                     db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
}

int store_run(struct store *store, const char *sql, struct error *err)
{
    int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : fail(store->schema, store->db, rc, err);
}

/* --- opening --- */

static int open_file(sqlite3 **out, const struct store_schema *schema, const char *path,
                     struct error *err)
{
    FILE *file = file_open_stream(path, "ab", err); /* so that it is ours alone from the start */
    int rc;

    if (!file) {
        return err->code;
    }
    fclose(file);
    rc = sqlite3_open_v2(path, out, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        int code = fail(schema, *out, rc, err);

        sqlite3_close(*out);
        *out = NULL;
        return code;
    }
    sqlite3_busy_timeout(*out, 2000);
    sqlite3_extended_result_codes(*out, 0);
    return 0;
}

static int pragma_int(sqlite3 *db, const char *pragma, int *value)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, pragma, -1, &statement, NULL);

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(statement);
    }
    if (rc == SQLITE_ROW) {
        *value = sqlite3_column_int(statement, 0);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return rc;
}

/* Whether SQLite finds the file in order. */
static int check(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    const char *text;
    int rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL);

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(statement);
    }
    if (rc == SQLITE_ROW) {
        text = (const char *)sqlite3_column_text(statement, 0);
        rc = str_equal(text, "ok") ? SQLITE_OK : SQLITE_CORRUPT;
    }
    sqlite3_finalize(statement);
    return rc;
}

static int make_tables(sqlite3 *db, const struct store_schema *schema)
{
    char version[64];
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    snprintf(version, sizeof(version), "PRAGMA user_version=%d; COMMIT", schema->version);
    rc = rc == SQLITE_OK ? sqlite3_exec(db, schema->tables, NULL, NULL, NULL) : rc;
    return rc == SQLITE_OK ? sqlite3_exec(db, version, NULL, NULL, NULL) : rc;
}

/* What an older program left gets the tables of this one, one version after the other. */
static int upgrade(sqlite3 *db, const struct store_schema *schema, int version)
{
    char mark[64];
    int rc = SQLITE_OK;

    for (; rc == SQLITE_OK && version < schema->version; version++) {
        snprintf(mark, sizeof(mark), "PRAGMA user_version=%d; COMMIT", version + 1);
        rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        rc = rc == SQLITE_OK ? sqlite3_exec(db, schema->upgrades[version - 1], NULL, NULL, NULL)
                             : rc;
        rc = rc == SQLITE_OK ? sqlite3_exec(db, mark, NULL, NULL, NULL) : rc;
    }
    return rc;
}

enum condition { USABLE, BROKEN, NEWER };

/* Locks the file for this process, checks it, and makes the tables of a new one. */
static int set_up(sqlite3 *db, const struct store_schema *schema, enum condition *condition,
                  struct error *err)
{
    int version = 0;
    int rc = sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL", NULL, NULL,
                          NULL);

    *condition = USABLE;
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(db, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK) {
        rc = pragma_int(db, "PRAGMA user_version", &version);
    }
    if (rc == SQLITE_OK && version > schema->version) {
        *condition = NEWER;
        return 0;
    }
    if (rc == SQLITE_OK) {
        rc = version < 0 ? SQLITE_CORRUPT : check(db);
    }
    if (rc == SQLITE_OK && version == 0) {
        rc = make_tables(db, schema);
    } else if (rc == SQLITE_OK) {
        rc = upgrade(db, schema, version);
    }
    for (size_t i = 0; rc == SQLITE_OK && schema->checks[i]; i++) {
        sqlite3_stmt *statement = NULL; /* the tables are what we think they are */

        rc = sqlite3_prepare_v2(db, schema->checks[i], -1, &statement, NULL);
        sqlite3_finalize(statement);
    }
    if (rc == SQLITE_NOTADB || rc == SQLITE_CORRUPT || rc == SQLITE_ERROR) {
        *condition = BROKEN;
        return 0;
    }
    return rc == SQLITE_OK ? 0 : fail(schema, db, rc, err);
}

/* A name beside `path` that is free. */
static int aside_name(char **to, const char *path, const struct store_schema *schema,
                      const char *word, struct error *err)
{
    for (int i = 1; i <= MAX_SET_ASIDE; i++) {
        int code = str_format(to, err, "%s.%s-%d", path, word, i);

        if (code < 0 || !file_exists(*to)) {
            return code;
        }
    }
    return error_set(err, ERR_LIMIT, "too many old %ss beside '%.150s'", schema->what, path);
}

/* Moves `path` away, and a journal beside it, to a name that says why. */
static int set_aside(const char *path, const struct store_schema *schema, enum condition why,
                     struct str_list *note, struct error *err)
{
    static const char *const journals[] = {"-wal", "-shm", "-journal"};
    const char *word = why == NEWER ? "newer" : "broken";
    char *to = NULL;
    char *from_journal = NULL;
    char *to_journal = NULL;
    char *sentence = NULL;
    int code = aside_name(&to, path, schema, word, err);

    if (code == 0 && file_rename(path, to, NULL) < 0) {
        code = error_set(err, ERR_IO, "the %s %s '%.120s' cannot be moved aside", word,
                         schema->what, path);
    }
    for (size_t i = 0; code == 0 && i < sizeof(journals) / sizeof(journals[0]); i++) {
        code = str_format(&from_journal, err, "%s%s", path, journals[i]);
        code = code < 0 ? code : str_format(&to_journal, err, "%s%s", to, journals[i]);
        if (code == 0 && file_exists(from_journal) &&
            file_rename(from_journal, to_journal, NULL) < 0) {
            code = error_set(err, ERR_IO, "'%.150s' cannot be moved aside", from_journal);
        }
    }
    if (code == 0 && note) {
        code = str_format(&sentence, err, "the %s is %s and was moved to '%s'", schema->what,
                          why == NEWER ? "of a newer version" : "broken", to);
        code = code < 0 ? code : str_list_add(note, sentence, err);
    }
    str_free(&to);
    str_free(&from_journal);
    str_free(&to_journal);
    str_free(&sentence);
    return code;
}

int store_open(struct store **out, const char *directory, const struct store_schema *schema,
               struct str_list *note, struct error *err)
{
    struct error why = {0};
    struct store *store = calloc(1, sizeof(*store));
    char *path = NULL;
    enum condition condition = BROKEN;
    int code;

    if (!store) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the %s", schema->what);
    }
    store->schema = schema;
    code = file_make_private_directory(directory, &why);
    code = code < 0 ? code : str_format(&path, &why, "%s/%s", directory, schema->file_name);
    for (int i = 0; code == 0 && condition != USABLE && i < 2; i++) {
        code = open_file(&store->db, schema, path, &why);
        code = code < 0 ? code : set_up(store->db, schema, &condition, &why);
        if (code == 0 && condition != USABLE) {
            sqlite3_close(store->db);
            store->db = NULL;
            code = set_aside(path, schema, condition, note, &why);
        }
    }
    if (code == 0 && condition != USABLE) {
        code = error_set(&why, ERR_IO, "a new %s cannot be used", schema->what);
    }
    str_free(&path);
    if (code < 0) {
        store_close(store);
        return error_set(err, code, "%s", why.message);
    }
    *out = store;
    return 0;
}

void store_close(struct store *store)
{
    if (store) {
        sqlite3_close(store->db);
        free(store);
    }
}

/* --- transactions --- */

int store_begin(struct store *store, bool is_durable, struct error *err)
{
    int code = 0;

    if (is_durable != store->is_durable) {
        code = store_run(store,
                         is_durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", err);
    }
    if (code == 0) {
        store->is_durable = is_durable;
        code = store_run(store, "BEGIN IMMEDIATE", err);
    }
    return code;
}

int store_end(struct store *store, bool is_good, struct error *err)
{
    int code = is_good ? store_run(store, "COMMIT", err) : 0;

    if (!is_good || code < 0) {
        (void)store_run(store, "ROLLBACK", NULL);
    }
    return code;
}

/* --- queries --- */

int store_prepare(struct store_query **out, struct store *store, const char *sql, struct error *err)
{
    struct store_query *query = calloc(1, sizeof(*query));
    int rc;

    if (!query) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the %s", store->schema->what);
    }
    query->store = store;
    rc = sqlite3_prepare_v2(store->db, sql, -1, &query->statement, NULL);
    if (rc != SQLITE_OK) {
        free(query);
        return fail(store->schema, store->db, rc, err);
    }
    *out = query;
    return 0;
}

void store_query_free(struct store_query *query)
{
    if (query) {
        sqlite3_finalize(query->statement);
        free(query);
    }
}

void store_bind_text(struct store_query *query, int at, const char *text)
{
    sqlite3_bind_text(query->statement, at, text, -1, SQLITE_STATIC);
}

void store_bind_int(struct store_query *query, int at, int64_t value)
{
    sqlite3_bind_int64(query->statement, at, (sqlite3_int64)value);
}

int store_next(struct store_query *query, struct error *err)
{
    int rc = sqlite3_step(query->statement);

    if (rc == SQLITE_ROW) {
        return 1;
    }
    return rc == SQLITE_DONE ? 0 : fail(query->store->schema, query->store->db, rc, err);
}

int store_finish(struct store_query *query, struct error *err)
{
    int code = store_next(query, err);

    sqlite3_reset(query->statement);
    return code < 0 ? code : 0;
}

int store_text(char **out, struct store_query *query, int at, struct error *err)
{
    return str_copy(out, (const char *)sqlite3_column_text(query->statement, at), err);
}

int64_t store_int(struct store_query *query, int at)
{
    return sqlite3_column_int64(query->statement, at);
}

int64_t store_last_id(struct store *store)
{
    return sqlite3_last_insert_rowid(store->db);
}
