#include "mapper/state.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/thread.h"

#define SCHEMA_VERSION 1
#define FILE_NAME "state.db"
#define MAX_SET_ASIDE 100

struct state {
    sqlite3 *db;
    struct mutex lock; /* guards db: one statement, or one transaction, at a time */
};

static const char schema[] =
    "CREATE TABLE libraries("
    " key TEXT PRIMARY KEY, tenant_id TEXT NOT NULL, tenant TEXT, kind INTEGER, site_id TEXT,"
    " list_id TEXT, drive_id TEXT, site_url TEXT, url TEXT, site_title TEXT, title TEXT,"
    " folder_path TEXT, name TEXT, letter INTEGER, is_read_only INTEGER, is_favorite INTEGER,"
    " is_verified INTEGER, query_hash INTEGER, sources INTEGER, missing INTEGER, verdict INTEGER,"
    " reason TEXT, is_current INTEGER) WITHOUT ROWID;"
    "CREATE TABLE mappings("
    " path TEXT PRIMARY KEY, key TEXT, label TEXT, letter INTEGER, is_read_only INTEGER)"
    " WITHOUT ROWID;";

/* In the order of the columns that load_library() reads and bind_library() writes. */
#define LIBRARY_COLUMNS                                                                      \
    "key, tenant_id, tenant, kind, site_id, list_id, drive_id, site_url, url, site_title,"   \
    " title, folder_path, name, letter, is_read_only, is_favorite, is_verified, query_hash," \
    " sources, missing, verdict, reason"

/* A confirmed drive id stays until another confirmed one comes: the list that is saved may be older
 * than the confirmation. */
static const char upsert_library[] =
    "INSERT INTO libraries(" LIBRARY_COLUMNS ", is_current)"
    " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,1)"
    " ON CONFLICT(key) DO UPDATE SET tenant_id=?2, tenant=?3, kind=?4, site_id=?5, list_id=?6,"
    " drive_id=CASE WHEN ?17=0 AND is_verified=1 THEN drive_id ELSE ?7 END, site_url=?8, url=?9,"
    " site_title=?10, title=?11, folder_path=?12, name=?13, letter=?14, is_read_only=?15,"
    " is_favorite=?16, is_verified=max(is_verified,?17), query_hash=?18, sources=?19, missing=?20,"
    " verdict=?21, reason=?22, is_current=1";

/* --- SQLite's errors as ours --- */

static int fail(sqlite3 *db, int rc, struct error *err)
{
    int code = rc == SQLITE_FULL    ? ERR_NO_SPACE
               : rc == SQLITE_NOMEM ? ERR_NO_MEMORY
               : rc == SQLITE_BUSY  ? ERR_BUSY
                                    : ERR_IO;

    return error_set(err, code, "state file: %.150s", db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
}

static int run(sqlite3 *db, const char *sql, struct error *err)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : fail(db, rc, err);
}

static int prepare(sqlite3_stmt **out, sqlite3 *db, const char *sql, struct error *err)
{
    int rc = sqlite3_prepare_v2(db, sql, -1, out, NULL);

    return rc == SQLITE_OK ? 0 : fail(db, rc, err);
}

/* Runs a statement that gives no rows, and makes it ready for the next values. */
static int finish(sqlite3 *db, sqlite3_stmt *statement, struct error *err)
{
    int rc = sqlite3_step(statement);
    int code = rc == SQLITE_DONE ? 0 : fail(db, rc, err);

    sqlite3_reset(statement);
    return code;
}

/* The texts live until the statement ran. NULL is NULL. */
static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

static int column_text(char **out, sqlite3_stmt *statement, int at, struct error *err)
{
    return str_copy(out, (const char *)sqlite3_column_text(statement, at), err);
}

/* --- opening --- */

static int open_file(sqlite3 **out, const char *path, struct error *err)
{
    FILE *file = file_open_stream(path, "ab", err); /* so that it is ours alone from the start */
    int rc;

    if (!file) {
        return err->code;
    }
    fclose(file);
    rc = sqlite3_open_v2(path, out, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        int code = fail(*out, rc, err);

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

enum condition { USABLE, BROKEN, NEWER };

/* Locks the file for this process, checks it, and makes the tables of a new one. The journal is a
 * WAL without shared memory: with synchronous=NORMAL a commit does not wait for the disk, survives
 * the end of the process, and power loss cannot break the file. */
static int set_up(sqlite3 *db, enum condition *condition, struct error *err)
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
    if (rc == SQLITE_OK && version > SCHEMA_VERSION) {
        *condition = NEWER;
        return 0;
    }
    if (rc == SQLITE_OK) {
        rc = check(db);
    }
    if (rc == SQLITE_OK && version == 0) {
        rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        rc = rc == SQLITE_OK ? sqlite3_exec(db, schema, NULL, NULL, NULL) : rc;
        rc = rc == SQLITE_OK ? sqlite3_exec(db, "PRAGMA user_version=1; COMMIT", NULL, NULL, NULL)
                             : rc;
    }
    if (rc == SQLITE_OK) { /* the tables are what we think they are */
        sqlite3_stmt *statement = NULL;

        rc = sqlite3_prepare_v2(db, "SELECT " LIBRARY_COLUMNS ", is_current FROM libraries", -1,
                                &statement, NULL);
        sqlite3_finalize(statement);
    }
    if (rc == SQLITE_OK) {
        sqlite3_stmt *statement = NULL;

        rc = sqlite3_prepare_v2(db, "SELECT path, key, label, letter, is_read_only FROM mappings",
                                -1, &statement, NULL);
        sqlite3_finalize(statement);
    }
    if (rc == SQLITE_NOTADB || rc == SQLITE_CORRUPT || rc == SQLITE_ERROR) {
        *condition = BROKEN;
        return 0;
    }
    return rc == SQLITE_OK ? 0 : fail(db, rc, err);
}

/* Moves `path` away, and a journal beside it, to a name that says why. */
static int set_aside(const char *path, enum condition why, struct str_list *note, struct error *err)
{
    static const char *const journals[] = {"-wal", "-shm", "-journal"};
    const char *word = why == NEWER ? "newer" : "broken";
    char *to = NULL;
    char *from_journal = NULL;
    char *to_journal = NULL;
    char *sentence = NULL;
    int code = 0;

    for (int i = 1; code == 0 && i <= MAX_SET_ASIDE; i++) {
        code = str_format(&to, err, "%s.%s-%d", path, word, i);
        if (code == 0 && !file_exists(to)) {
            break;
        }
        if (i == MAX_SET_ASIDE) {
            code = error_set(err, ERR_LIMIT, "too many old state files beside '%.150s'", path);
        }
    }
    if (code == 0 && rename(path, to) != 0) {
        code =
            error_set(err, ERR_IO, "the %s state file '%.120s' cannot be moved aside", word, path);
    }
    for (size_t i = 0; code == 0 && i < sizeof(journals) / sizeof(journals[0]); i++) {
        code = str_format(&from_journal, err, "%s%s", path, journals[i]);
        code = code < 0 ? code : str_format(&to_journal, err, "%s%s", to, journals[i]);
        if (code == 0 && file_exists(from_journal) && rename(from_journal, to_journal) != 0) {
            code = error_set(err, ERR_IO, "'%.150s' cannot be moved aside", from_journal);
        }
    }
    if (code == 0 && note) {
        code = str_format(&sentence, err, "the state file is %s and was moved to '%s'",
                          why == NEWER ? "of a newer version" : "broken", to);
        code = code < 0 ? code : str_list_add(note, sentence, err);
    }
    str_free(&to);
    str_free(&from_journal);
    str_free(&to_journal);
    str_free(&sentence);
    return code;
}

int state_open(struct state **out, const char *directory, struct str_list *note, struct error *err)
{
    struct error why = {0};
    struct state *state = calloc(1, sizeof(*state));
    char *path = NULL;
    enum condition condition = BROKEN;
    int code;

    if (!state) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the state");
    }
    mutex_init(&state->lock);
    code = file_make_private_directory(directory, &why);
    code = code < 0 ? code : str_format(&path, &why, "%s/" FILE_NAME, directory);
    for (int i = 0; code == 0 && condition != USABLE && i < 2; i++) {
        code = open_file(&state->db, path, &why);
        code = code < 0 ? code : set_up(state->db, &condition, &why);
        if (code == 0 && condition != USABLE) {
            sqlite3_close(state->db);
            state->db = NULL;
            code = set_aside(path, condition, note, &why);
        }
    }
    if (code == 0 && condition != USABLE) {
        code = error_set(&why, ERR_IO, "a new state file cannot be used");
    }
    str_free(&path);
    if (code < 0) {
        state_close(state);
        return error_set(err, code, "%s", why.message);
    }
    *out = state;
    return 0;
}

void state_close(struct state *state)
{
    if (!state) {
        return;
    }
    sqlite3_close(state->db);
    mutex_clear(&state->lock);
    free(state);
}

/* --- libraries --- */

static int load_library(struct library *out, sqlite3_stmt *row, struct error *err)
{
    char **const texts[] = {&out->key,     &out->tenant_id,  &out->tenant,   NULL,
                            &out->site_id, &out->list_id,    &out->drive_id, &out->site_url,
                            &out->url,     &out->site_title, &out->title,    &out->folder_path,
                            &out->name};
    int code = 0;

    for (int i = 0; code == 0 && i < (int)(sizeof(texts) / sizeof(texts[0])); i++) {
        if (texts[i]) {
            code = column_text(texts[i], row, i, err);
        }
    }
    out->kind = (enum library_kind)sqlite3_column_int(row, 3);
    out->letter = (char)sqlite3_column_int(row, 13);
    out->is_read_only = sqlite3_column_int(row, 14) != 0;
    out->is_favorite = sqlite3_column_int(row, 15) != 0;
    out->is_verified = sqlite3_column_int(row, 16) != 0;
    out->query_hash = (uint64_t)sqlite3_column_int64(row, 17);
    out->sources = (unsigned)sqlite3_column_int(row, 18);
    out->missing = (unsigned)sqlite3_column_int(row, 19);
    out->verdict = (enum library_verdict)sqlite3_column_int(row, 20);
    return code < 0 ? code : column_text(&out->reason, row, 21, err);
}

/* What the rest of the program relies on; a row without it is left out. */
static bool is_complete(const struct library *library)
{
    return library->key && library->tenant_id && library->tenant && library->site_id &&
           library->list_id && library->site_url && library->url && strstr(library->url, "://") &&
           strstr(library->site_url, "://") && library->kind <= LIBRARY_FOLDER &&
           library->verdict <= LIBRARY_REMOVED &&
           (library->kind != LIBRARY_FOLDER || library->folder_path);
}

int state_load_libraries(struct state *state, struct library_list *out, const char *tenant_id,
                         struct error *err)
{
    struct library_list list = {0};
    sqlite3_stmt *row = NULL;
    int rc = SQLITE_ROW;
    int code;

    mutex_lock(&state->lock);
    code = prepare(&row, state->db,
                   "SELECT " LIBRARY_COLUMNS
                   " FROM libraries WHERE ?1 IS NULL OR tenant_id=?1 ORDER BY key",
                   err);
    if (code == 0) {
        bind_text(row, 1, tenant_id);
    }
    while (code == 0 && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        struct library library = {0};

        code = load_library(&library, row, err);
        if (code == 0 && is_complete(&library)) {
            code = library_list_add(&list, &library, err);
        }
        library_clear(&library);
    }
    if (code == 0 && rc != SQLITE_DONE) {
        code = fail(state->db, rc, err);
    }
    sqlite3_finalize(row);
    mutex_unlock(&state->lock);
    if (code < 0) {
        library_list_clear(&list);
        return code;
    }
    *out = list;
    return 0;
}

static void bind_library(sqlite3_stmt *row, const struct library *library)
{
    bind_text(row, 1, library->key);
    bind_text(row, 2, library->tenant_id);
    bind_text(row, 3, library->tenant);
    sqlite3_bind_int(row, 4, (int)library->kind);
    bind_text(row, 5, library->site_id);
    bind_text(row, 6, library->list_id);
    bind_text(row, 7, library->drive_id);
    bind_text(row, 8, library->site_url);
    bind_text(row, 9, library->url);
    bind_text(row, 10, library->site_title);
    bind_text(row, 11, library->title);
    bind_text(row, 12, library->folder_path);
    bind_text(row, 13, library->name);
    sqlite3_bind_int(row, 14, library->letter);
    sqlite3_bind_int(row, 15, library->is_read_only);
    sqlite3_bind_int(row, 16, library->is_favorite);
    sqlite3_bind_int(row, 17, library->is_verified);
    sqlite3_bind_int64(row, 18, (sqlite3_int64)library->query_hash);
    sqlite3_bind_int(row, 19, (int)library->sources);
    sqlite3_bind_int(row, 20, (int)library->missing);
    sqlite3_bind_int(row, 21, (int)library->verdict);
    bind_text(row, 22, library->reason);
}

/* One statement with the tenant as its only value. */
static int run_for(sqlite3 *db, const char *sql, const char *tenant_id, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int code = prepare(&statement, db, sql, err);

    if (code == 0) {
        bind_text(statement, 1, tenant_id);
        code = finish(db, statement, err);
    }
    sqlite3_finalize(statement);
    return code;
}

static int save_all(sqlite3 *db, const char *tenant_id, const struct library_list *list,
                    struct error *err)
{
    sqlite3_stmt *row = NULL;
    int code = run_for(db, "UPDATE libraries SET is_current=0 WHERE tenant_id=?1", tenant_id, err);

    code = code < 0 ? code : prepare(&row, db, upsert_library, err);
    for (size_t i = 0; code == 0 && i < list->count; i++) {
        if (str_equal_nocase(list->items[i].tenant_id, tenant_id)) {
            bind_library(row, &list->items[i]);
            bind_text(row, 2, tenant_id); /* one spelling of it */
            code = finish(db, row, err);
        }
    }
    sqlite3_finalize(row);
    return code < 0 ? code
                    : run_for(db, "DELETE FROM libraries WHERE is_current=0 AND tenant_id=?1",
                              tenant_id, err);
}

int state_save_libraries(struct state *state, const char *tenant_id,
                         const struct library_list *list, struct error *err)
{
    int code;

    mutex_lock(&state->lock);
    code = run(state->db, "BEGIN IMMEDIATE", err);
    if (code == 0) {
        code = save_all(state->db, tenant_id, list, err);
        code = code < 0 ? code : run(state->db, "COMMIT", err);
        if (code < 0) {
            run(state->db, "ROLLBACK", NULL);
        }
    }
    mutex_unlock(&state->lock);
    return code;
}

int state_save_drive(struct state *state, const char *key, const char *drive_id, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int code;

    mutex_lock(&state->lock);
    code = prepare(&statement, state->db,
                   "UPDATE libraries SET drive_id=?2, is_verified=1 WHERE key=?1", err);
    if (code == 0) {
        bind_text(statement, 1, key);
        bind_text(statement, 2, drive_id);
        code = finish(state->db, statement, err);
    }
    sqlite3_finalize(statement);
    mutex_unlock(&state->lock);
    return code;
}

/* --- mappings --- */

int state_load_mappings(struct state *state, struct plan_mapping_list *out, struct error *err)
{
    struct plan_mapping_list list = {0};
    sqlite3_stmt *row = NULL;
    int rc = SQLITE_ROW;
    int code;

    mutex_lock(&state->lock);
    code =
        prepare(&row, state->db,
                "SELECT path, key, label, letter, is_read_only FROM mappings ORDER BY path", err);
    while (code == 0 && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        struct plan_mapping mapping = {.letter = (char)sqlite3_column_int(row, 3),
                                       .is_read_only = sqlite3_column_int(row, 4) != 0};

        code = column_text(&mapping.path, row, 0, err);
        code = code < 0 ? code : column_text(&mapping.key, row, 1, err);
        code = code < 0 ? code : column_text(&mapping.label, row, 2, err);
        if (code == 0 && mapping.path) {
            code = plan_mapping_list_add(&list, &mapping, err);
        }
        plan_mapping_clear(&mapping);
    }
    if (code == 0 && rc != SQLITE_DONE) {
        code = fail(state->db, rc, err);
    }
    sqlite3_finalize(row);
    mutex_unlock(&state->lock);
    if (code < 0) {
        plan_mapping_list_clear(&list);
        return code;
    }
    *out = list;
    return 0;
}

int state_record(struct state *state, const struct plan_step *step, struct error *err)
{
    const char *sql = step->kind == PLAN_DETACH
                          ? "DELETE FROM mappings WHERE path=?1"
                          : "INSERT OR REPLACE INTO mappings(path, key, label, letter,"
                            " is_read_only) VALUES(?1,?2,?3,?4,?5)";
    sqlite3_stmt *statement = NULL;
    int code;

    mutex_lock(&state->lock);
    code = prepare(&statement, state->db, sql, err);
    if (code == 0) {
        bind_text(statement, 1, step->mapping.path);
        if (step->kind != PLAN_DETACH) {
            bind_text(statement, 2, step->mapping.key);
            bind_text(statement, 3, step->mapping.label);
            sqlite3_bind_int(statement, 4, step->mapping.letter);
            sqlite3_bind_int(statement, 5, step->mapping.is_read_only);
        }
        code = finish(state->db, statement, err);
    }
    sqlite3_finalize(statement);
    mutex_unlock(&state->lock);
    return code;
}
