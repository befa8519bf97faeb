#include "mapper/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "mapper/store.h"

struct state {
    struct store *store;
    struct mutex lock; /* guards it: one statement, or one transaction, at a time */
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

static const char *const checks[] = {"SELECT " LIBRARY_COLUMNS ", is_current FROM libraries",
                                     "SELECT path, key, label, letter, is_read_only FROM mappings",
                                     NULL};

static const struct store_schema store_schema = {
    .file_name = "state.db",
    .what = "state file",
    .version = 1,
    .tables = schema,
    .checks = checks,
};

/* --- opening --- */

int state_open(struct state **out, const char *directory, struct str_list *note, struct error *err)
{
    struct state *state = calloc(1, sizeof(*state));
    int code;

    if (!state) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the state");
    }
    mutex_init(&state->lock);
    code = store_open(&state->store, directory, &store_schema, note, err);
    if (code < 0) {
        state_close(state);
        return code;
    }
    *out = state;
    return 0;
}

void state_close(struct state *state)
{
    if (!state) {
        return;
    }
    store_close(state->store);
    mutex_clear(&state->lock);
    free(state);
}

/* --- libraries --- */

static int load_library(struct library *out, struct store_query *row, struct error *err)
{
    char **const texts[] = {&out->key,     &out->tenant_id,  &out->tenant,   NULL,
                            &out->site_id, &out->list_id,    &out->drive_id, &out->site_url,
                            &out->url,     &out->site_title, &out->title,    &out->folder_path,
                            &out->name};
    int code = 0;

    for (int i = 0; code == 0 && i < (int)(sizeof(texts) / sizeof(texts[0])); i++) {
        if (texts[i]) {
            code = store_text(texts[i], row, i, err);
        }
    }
    out->kind = (enum library_kind)store_int(row, 3);
    out->letter = (char)store_int(row, 13);
    out->is_read_only = store_int(row, 14) != 0;
    out->is_favorite = store_int(row, 15) != 0;
    out->is_verified = store_int(row, 16) != 0;
    out->query_hash = (uint64_t)store_int(row, 17);
    out->sources = (unsigned)store_int(row, 18);
    out->missing = (unsigned)store_int(row, 19);
    out->verdict = (enum library_verdict)store_int(row, 20);
    return code < 0 ? code : store_text(&out->reason, row, 21, err);
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
    struct store_query *row = NULL;
    int code;

    mutex_lock(&state->lock);
    code = store_prepare(&row, state->store,
                         "SELECT " LIBRARY_COLUMNS
                         " FROM libraries WHERE ?1 IS NULL OR tenant_id=?1 ORDER BY key",
                         err);
    if (code == 0) {
        store_bind_text(row, 1, tenant_id);
    }
    while (code == 0 && (code = store_next(row, err)) == 1) {
        struct library library = {0};

        code = load_library(&library, row, err);
        if (code == 0 && is_complete(&library)) {
            code = library_list_add(&list, &library, err);
        }
        library_clear(&library);
    }
    store_query_free(row);
    mutex_unlock(&state->lock);
    if (code < 0) {
        library_list_clear(&list);
        return code;
    }
    *out = list;
    return 0;
}

static void bind_library(struct store_query *row, const struct library *library)
{
    store_bind_text(row, 1, library->key);
    store_bind_text(row, 2, library->tenant_id);
    store_bind_text(row, 3, library->tenant);
    store_bind_int(row, 4, (int)library->kind);
    store_bind_text(row, 5, library->site_id);
    store_bind_text(row, 6, library->list_id);
    store_bind_text(row, 7, library->drive_id);
    store_bind_text(row, 8, library->site_url);
    store_bind_text(row, 9, library->url);
    store_bind_text(row, 10, library->site_title);
    store_bind_text(row, 11, library->title);
    store_bind_text(row, 12, library->folder_path);
    store_bind_text(row, 13, library->name);
    store_bind_int(row, 14, library->letter);
    store_bind_int(row, 15, library->is_read_only);
    store_bind_int(row, 16, library->is_favorite);
    store_bind_int(row, 17, library->is_verified);
    store_bind_int(row, 18, (int64_t)library->query_hash);
    store_bind_int(row, 19, (int)library->sources);
    store_bind_int(row, 20, (int)library->missing);
    store_bind_int(row, 21, (int)library->verdict);
    store_bind_text(row, 22, library->reason);
}

/* One statement with the tenant as its only value. */
static int run_for(struct store *store, const char *sql, const char *tenant_id, struct error *err)
{
    struct store_query *statement = NULL;
    int code = store_prepare(&statement, store, sql, err);

    if (code == 0) {
        store_bind_text(statement, 1, tenant_id);
        code = store_finish(statement, err);
    }
    store_query_free(statement);
    return code;
}

static int save_all(struct store *store, const char *tenant_id, const struct library_list *list,
                    struct error *err)
{
    struct store_query *row = NULL;
    int code =
        run_for(store, "UPDATE libraries SET is_current=0 WHERE tenant_id=?1", tenant_id, err);

    code = code < 0 ? code : store_prepare(&row, store, upsert_library, err);
    for (size_t i = 0; code == 0 && i < list->count; i++) {
        if (str_equal_nocase(list->items[i].tenant_id, tenant_id)) {
            bind_library(row, &list->items[i]);
            store_bind_text(row, 2, tenant_id); /* one spelling of it */
            code = store_finish(row, err);
        }
    }
    store_query_free(row);
    return code < 0 ? code
                    : run_for(store, "DELETE FROM libraries WHERE is_current=0 AND tenant_id=?1",
                              tenant_id, err);
}

int state_save_libraries(struct state *state, const char *tenant_id,
                         const struct library_list *list, struct error *err)
{
    int code;
    int ended;

    mutex_lock(&state->lock);
    code = store_begin(state->store, false, err);
    if (code == 0) {
        code = save_all(state->store, tenant_id, list, err);
        ended = store_end(state->store, code == 0, code == 0 ? err : NULL);
        code = code < 0 ? code : ended;
    }
    mutex_unlock(&state->lock);
    return code;
}

int state_save_drive(struct state *state, const char *key, const char *drive_id, struct error *err)
{
    struct store_query *statement = NULL;
    int code;

    mutex_lock(&state->lock);
    code = store_prepare(&statement, state->store,
                         "UPDATE libraries SET drive_id=?2, is_verified=1 WHERE key=?1", err);
    if (code == 0) {
        store_bind_text(statement, 1, key);
        store_bind_text(statement, 2, drive_id);
        code = store_finish(statement, err);
    }
    store_query_free(statement);
    mutex_unlock(&state->lock);
    return code;
}

/* --- mappings --- */

int state_load_mappings(struct state *state, struct plan_mapping_list *out, struct error *err)
{
    struct plan_mapping_list list = {0};
    struct store_query *row = NULL;
    int code;

    mutex_lock(&state->lock);
    code = store_prepare(
        &row, state->store,
        "SELECT path, key, label, letter, is_read_only FROM mappings ORDER BY path", err);
    while (code == 0 && (code = store_next(row, err)) == 1) {
        struct plan_mapping mapping = {.letter = (char)store_int(row, 3),
                                       .is_read_only = store_int(row, 4) != 0};

        code = store_text(&mapping.path, row, 0, err);
        code = code < 0 ? code : store_text(&mapping.key, row, 1, err);
        code = code < 0 ? code : store_text(&mapping.label, row, 2, err);
        if (code == 0 && mapping.path) {
            code = plan_mapping_list_add(&list, &mapping, err);
        }
        plan_mapping_clear(&mapping);
    }
    store_query_free(row);
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
    struct store_query *statement = NULL;
    int code;

    mutex_lock(&state->lock);
    code = store_prepare(&statement, state->store, sql, err);
    if (code == 0) {
        store_bind_text(statement, 1, step->mapping.path);
        if (step->kind != PLAN_DETACH) {
            store_bind_text(statement, 2, step->mapping.key);
            store_bind_text(statement, 3, step->mapping.label);
            store_bind_int(statement, 4, step->mapping.letter);
            store_bind_int(statement, 5, step->mapping.is_read_only);
        }
        code = store_finish(statement, err);
    }
    store_query_free(statement);
    mutex_unlock(&state->lock);
    return code;
}
