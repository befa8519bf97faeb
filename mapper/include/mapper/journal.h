/*
 * journal.h - what has to happen on the server and has not happened yet: rows in a SQLite file,
 * beside the spool files with the bytes. It remembers and decides nothing; the online vfs runs it.
 *
 * Deletes and moves are there while they settle (JOURNAL_SETTLING), and longer when the server cannot
 * be told of them. `path` of a move is where the server has the item.
 *
 * A row is there before the program that closed the file is told so, and goes away after the server
 * has answered. A row that a dead agent left is carried out by the next one, which must expect that
 * the server did it already: rows are not marked when a request goes out, so every row that is
 * found by journal_load() may have been tried.
 *
 * Any thread. Calls may wait for the disk, also for what others change: hold no lock that a reader
 * needs.
 */
#ifndef MAPPER_JOURNAL_H
#define MAPPER_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

/* The numbers stand in files: never reused. */
enum journal_kind {
    JOURNAL_UPLOAD = 1, /* bytes of `spool`: a new file `name` in `parent_id`, or over `item_id` */
    JOURNAL_DELETE = 2, /* `item_id`, once it is due */
    JOURNAL_MOVE = 3    /* `item_id` becomes `name` in `parent_id`, once it is due */
};

enum journal_state {
    JOURNAL_PENDING = 1,
    JOURNAL_RETRY = 2,    /* failed in a way that passes: again at `due_ms` */
    JOURNAL_BLOCKED = 3,  /* needs a person: `reason` says why */
    JOURNAL_CONFLICT = 4, /* someone else saved meanwhile and ConflictMode is Refuse */
    JOURNAL_SETTLING = 5  /* DELETE, MOVE: may be the middle of a save. Of an agent that died
                             meanwhile it is not carried out: the item stays as the server has it.
                             UPLOAD: a new file that may get another name; the next agent sends it */
};

/* Set before the server is told of a rename that takes the place of what the row has to send, and
 * with it what tells whether it came to that: for the next agent, should this one die in between. */
enum journal_doubt {
    JOURNAL_SURE = 0,
    JOURNAL_RENAMED = 1, /* item `other_id` may have got the row's name in its folder */
    JOURNAL_REPLACED = 2 /* item `other_id` may have got content of other_size, with other_hash. If
                            it is not the row's item, the row's is what was renamed, and goes */
};

/* One row. Texts are heap, owned; NULL is "". Times are wall clock, ms since 1970. */
struct journal_row {
    int64_t id; /* 0: not in the journal */
    enum journal_kind kind;
    enum journal_state state;
    char *key;       /* of the library, see online_vfs.h */
    char *drive_id;  /* verified */
    char *parent_id; /* of the folder; "": the root of the drive, whose id is asked for then */
    char *name;
    char *path;    /* below the mapping, for people */
    char *item_id; /* "": a new file */
    char *version; /* what must be on the server (If-Match); "": whatever is */
    char *spool;   /* name of the file in the spool folder; "": none */
    uint64_t size_bytes;
    int64_t modified_ms; /* set by a program; -1: not */
    int64_t created_ms;
    int64_t since_ms;      /* when the program closed the file */
    int64_t due_ms;        /* not before */
    int64_t locked_ms;     /* when the server first said 423; 0: it did not */
    int64_t sent_ms;       /* when the last try began; 0: none did */
    int64_t after;         /* row that has to be done before this one; 0: none */
    unsigned attempts;     /* that failed */
    bool may_have_arrived; /* a try ended without an answer */
    bool is_copy;          /* a conflict copy: `name` is made from the user's and the time */
    char *reason;          /* why the last try failed, and what to do */
    char *session_url;     /* of an upload session that is open: a secret, never logged. The file is
                              readable by its user alone, as is the token file */
    enum journal_doubt doubt;
    char *other_id;
    char *other_hash; /* quickXorHash */
    uint64_t other_size;
};
void journal_row_clear(struct journal_row *row);
int journal_row_copy(struct journal_row *out, const struct journal_row *row, struct error *err);

struct journal;

/* `directory`: the spool; made private. `note` as in store_open(). ERR_BUSY: another agent has it.
 */
int journal_open(struct journal **out, const char *directory, struct str_list *note,
                 struct error *err);
void journal_close(struct journal *journal); /* NULL is fine */

struct journal_rows {
    struct journal_row *items;
    size_t count;
};
void journal_rows_clear(struct journal_rows *rows);

/* All rows, oldest first. */
int journal_load(struct journal *journal, struct journal_rows *out, struct error *err);

/* --- changes: all of them or none, in one commit --- */

enum journal_op { JOURNAL_ADD, JOURNAL_UPDATE, JOURNAL_REMOVE };
struct journal_change {
    enum journal_op op;
    struct journal_row *row; /* ADD sets row->id; REMOVE looks at the id alone */
};

/* `is_durable`: survives power loss when this returns 0. In any case it survives the process. Calls
 * that meet share one commit, and each has an answer of its own. */
int journal_apply(struct journal *journal, const struct journal_change *changes, size_t count,
                  bool is_durable, struct error *err);

/* For a row that could not be removed (the disk is full) and that is nobody's any more: it goes with
 * the next commit, or when the journal is closed. An agent that dies before leaves it to the next one. */
void journal_owe_removal(struct journal *journal, int64_t id);

/* --- what comes after a try that failed; pure --- */

enum journal_step {
    JOURNAL_STEP_RETRY,   /* at `due_ms` */
    JOURNAL_STEP_BLOCK,   /* only a person can help */
    JOURNAL_STEP_COMPARE, /* another version is there: perhaps our own, else JOURNAL_STEP_COPY ... */
    JOURNAL_STEP_COPY,    /* both versions are kept: the bytes go up under another name */
    JOURNAL_STEP_CONFLICT /* ... or, with ConflictMode Refuse: they stay here */
};

struct journal_try {
    int code;        /* ERR_* */
    int64_t now_ms;  /* wall clock */
    bool keeps_both; /* ConflictMode */
    uint32_t random; /* any */
};

/*
 *   what happened                   | new file | replace
 *   NOT_FOUND, STALE, GONE          | BLOCK    | COPY or CONFLICT (deleted: never brought back)
 *   EXISTS, CHANGED                 | COPY ... | COMPARE
 *   LOCKED, for less than an hour   | RETRY    | RETRY
 *   LOCKED, since an hour           | COPY ... | COPY or CONFLICT
 *   NO_SPACE                        | RETRY every quarter of an hour
 *   SIGNED_OUT                      | RETRY every five minutes, and when somebody signs in
 *   DENIED, READ_ONLY, BAD_NAME ... | BLOCK
 *   all that passes by itself       | RETRY, 2 s doubled up to five minutes, with jitter
 *
 * `row` as it was before the try: attempts, locked_ms. *due_ms is set for RETRY.
 */
enum journal_step journal_next(const struct journal_row *row, const struct journal_try *tried,
                               int64_t *due_ms);

#endif
