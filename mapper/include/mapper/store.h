/*
 * store.h - one SQLite file in a private folder: what state.h and journal.h have in common, and the
 * only module that knows SQLite.
 *
 * The file belongs to one process at a time (a second one gets ERR_BUSY). Its log is a WAL without
 * shared memory: a commit always survives the end of the process, and power loss cannot break the
 * file. Whether a commit survives power loss too is the caller's choice, for each of them.
 *
 * Not thread-safe: the caller has one lock for a store and its queries.
 */
#ifndef MAPPER_STORE_H
#define MAPPER_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct store;
struct store_query;

struct store_schema {
    const char *file_name;     /* "state.db" */
    const char *what;          /* "state file", for messages */
    int version;               /* of the tables; a file with a higher one is of a newer program */
    const char *tables;        /* SQL that makes them */
    const char *const *checks; /* queries that a usable file can prepare; ends with NULL */
    /* SQL that makes version n + 1 of version n, at n - 1; NULL for version 1 */
    const char *const *upgrades;
};

/* `directory` is made private. A file that is broken or newer is moved aside with a name that says
 * so, never deleted, and a new one is made; `note` (may be NULL) gets a sentence then. */
int store_open(struct store **out, const char *directory, const struct store_schema *schema,
               struct str_list *note, struct error *err);
void store_close(struct store *store); /* after its queries; NULL is fine */

int store_run(struct store *store, const char *sql, struct error *err);

/* A transaction; store_end() with `is_good` false undoes it. `is_durable`: the commit waits for the
 * disk. Returns the first failure. */
int store_begin(struct store *store, bool is_durable, struct error *err);
int store_end(struct store *store, bool is_good, struct error *err);

/* --- queries; placeholders are ?1, ?2, ..., columns count from 0 --- */

int store_prepare(struct store_query **out, struct store *store, const char *sql,
                  struct error *err);
void store_query_free(struct store_query *query); /* NULL is fine */

/* The text lives until the query ran. NULL is NULL. */
void store_bind_text(struct store_query *query, int at, const char *text);
void store_bind_int(struct store_query *query, int at, int64_t value);

/* 1: a row; 0: there are no more; or ERR_*. */
int store_next(struct store_query *query, struct error *err);

/* Runs a query that gives no rows, and makes it ready for the next values. */
int store_finish(struct store_query *query, struct error *err);

int store_text(char **out, struct store_query *query, int at, struct error *err);
int64_t store_int(struct store_query *query, int at);
int64_t store_last_id(struct store *store); /* of the row that was inserted last */

#endif
