/*
 * uploads.h - closed files on their way to the server: the journal's rows in memory, and the threads
 * that carry them out. Private to mapper/vfs.
 *
 * An open file that is saved (flush) hands its spool file to an upload, which is durable before the
 * program is told so. The upload keeps the body, so that reading, listing and opening it again show
 * what was saved, also when nobody has it open any more. Bytes that an upload has are not written
 * again: body->sealed_bytes says how many from the start of body->spool; a write below it moves the
 * draft to a copy.
 *
 * At most two uploads belong to one body: one that is being sent (or may have arrived), and one that
 * follows it. A later save replaces the one that is not being sent.
 *
 * Locks: uploads->lock nests in online->lock and body->lock, and is not held while waiting for the
 * disk or the network. The row of an upload is changed by the thread that runs it, or else by the
 * one that holds it (uploads_hold), and swapped in under the lock after the journal has it.
 */
#ifndef MAPPER_VFS_UPLOADS_H
#define MAPPER_VFS_UPLOADS_H

#include "mapper/journal.h"
#include "online.h"

#define UPLOADS_AT_ONCE 8

struct settling; /* settle.h */

struct upload {
    struct upload *next; /* oldest first */
    struct journal_row row;
    /* NULL: its library is not here (yet); another one when it is mapped anew, also while it runs */
    struct library *_Atomic library;
    struct body *body;        /* one of its references is ours; NULL: of an agent before this one,
                               * or on a shelf, or it was */
    struct local_file *file;  /* referenced; NULL: opened when it is sent */
    struct upload *waits_for; /* goes first */
    bool is_editing;          /* one thread changes its row, or frees it; not started meanwhile */
    bool is_running;          /* ... and so does the worker that runs it */
    bool is_cancelled;        /* the worker is to leave it to who waits for that */
    bool is_done;             /* the server has it; its file may be going away */
    uint64_t done_bytes;
    unsigned false_alarms; /* tries that were told of a conflict which was none */
    /* Not sent while this delete settles; NULL: there is none. Compared, never looked into. */
    const struct settling *shelf;
};

struct worker {
    struct thread thread;
    struct uploads *uploads;
    bool is_used;
    bool is_over; /* to be joined */
};

/* A version that we made: by the hashes of item id and version. */
#define OWN_SAVES 256
struct own_save {
    uint64_t item;
    uint64_t version;
    int64_t at_ms; /* wall clock; 0: free */
};

struct uploads {
    struct online_vfs *online;
    struct journal *journal;
    struct mutex lock;   /* guards the rest, and every struct upload */
    struct cond changed; /* anything */
    struct upload *first;
    struct worker workers[UPLOADS_AT_ONCE];
    unsigned idle; /* workers that wait */
    unsigned running;
    unsigned copies; /* conflict copies that were made */
    bool is_stopping;
    bool is_draining; /* what is not due yet goes, too */
    bool has_orphans; /* there may be some without a body: what a dead agent left */
    struct own_save own[OWN_SAVES];
    uint32_t next_own;
};

int uploads_new(struct uploads **out, struct online_vfs *online, struct error *err);

/* Cancels what runs; the rows stay. Before the tree goes. */
void uploads_stop(struct uploads *uploads);
void uploads_free(struct uploads *uploads); /* NULL is fine */

/* --- uploads.c: for open files; never with online->lock or body->lock --- */

/* Where a save goes; borrowed texts. item_id NULL: a new file. */
struct upload_target {
    const char *drive_id;
    const char *parent_id; /* "": the root, whose id is not known */
    const char *name;
    const char *path;
    const char *item_id;
    const char *version;
};

/* The body's spool file, complete, becomes an upload; durable when this returns 0. Called by the
 * thread that set is_saving. */
int uploads_put(struct body *body, const struct upload_target *target, struct error *err);

/* Waits until the server has what was put, or a person has to help; or the call's time is over. */
void uploads_await(struct body *body, const struct call *call);

/* Waits until none of the body's uploads runs, and keeps them from starting. */
int uploads_hold(struct body *body, const struct call *call, struct error *err);
void uploads_release(struct body *body);

/* --- upload_change.c: of a body that is held --- */

bool uploads_has(struct body *body);

/* The file was renamed or moved here: before the tree is told. */
int uploads_move(struct body *body, const char *parent_id, const char *name, const char *path,
                 struct error *err);
/* Times that a program set after closing: true when an upload takes them along. */
bool uploads_take_times(struct body *body, int64_t modified_ms, int64_t created_ms);
/* What it has to send is about to be replaced on the server by a rename, which goes ahead when this
 * returned 0; JOURNAL_SURE: it did not come to that. See journal.h; nothing to do without uploads. */
int uploads_doubt(struct body *body, enum journal_doubt doubt, const char *other_id,
                  const char *other_hash, uint64_t other_size, struct error *err);
/* Nothing of it is to be sent any more. The body keeps its spool file. */
void uploads_drop(struct body *body);
/* The body's content goes over the item `target` now, in place of what `other` (may be NULL) was to
 * send, which is the row `aside` from then on, if that has a kind. Both are held and saves of both are
 * paused. */
int uploads_redirect(struct body *body, const struct upload_target *target, struct body *other,
                     struct journal_row *aside, struct error *err);
/* ... or of what lies on that shelf. */
int uploads_redirect_shelved(struct body *body, const struct upload_target *target,
                             const struct settling *shelf, struct error *err);

/* --- upload_shelf.c: of a file whose delete settles; never with online->lock or body->lock --- */

/* All that the body, which is held, has to send. */
void uploads_shelve(struct body *body, const struct settling *shelf);
/* ... and what an agent before this one left of the item, as it left the delete. */
void uploads_shelve_left(struct uploads *uploads, const struct settling *shelf, const char *key,
                         const char *item_id);
bool uploads_has_shelved(struct uploads *uploads, const struct settling *shelf);

/* The server deleted it: nothing of it is to be sent any more. */
void uploads_clear_shelf(struct uploads *uploads, const struct settling *shelf);

/* It stays: they wait as before, and who looks at the item next finds them. Before it is shown. */
void uploads_unshelve(struct uploads *uploads, const struct settling *shelf);

/* The body, which is held and has nothing to send, is the item now: they are its own, as if it had
 * been saved before, so that its next save takes their place or follows them. */
void uploads_take_shelf(struct body *body, const struct settling *shelf);
/* ... which `from` was so far, held as well, whose draft is in none of their files any more. */
void uploads_hand_over(struct body *from, struct body *body);

/* --- upload_adopt.c --- */

/* An agent before this one left content for the item that is being opened: it is the draft. Lock
 * held; the body is new. */
void uploads_adopt(struct body *body);
/* ... and for the files of a folder that nobody opened: they are there, as they were closed. Lock
 * held. */
void uploads_show(struct online_vfs *online, struct node *folder);

/* The library `library` is here: what waits for it may start. Lock held. */
void uploads_attach(struct uploads *uploads, struct library *library);

/* What needs a person, as unsaved. */
int uploads_visit_stuck(struct uploads *uploads, online_vfs_unsaved_fn visit, void *payload,
                        struct error *err);
/* Adds to running, waiting, copies and unsaved. */
void uploads_count(struct uploads *uploads, struct online_vfs_stats *out);

/* How many run, or would if they were due. */
unsigned uploads_left(struct uploads *uploads);

/* Whether the journal names a spool file: then it is not one of the unsaved. */
bool uploads_know(struct uploads *uploads, const char *spool_name);

/* --- between uploads.c, upload_*.c and conflict.c --- */

/* What a save of the body's spool file makes of a row. */
int upload_fill_row(struct journal_row *row, const struct body *body,
                    const struct upload_target *target, struct error *err);

/* The oldest of the body's uploads, being edited by us; none of them runs. NULL: there is none.
 * `after`: a later one than that. */
struct upload *upload_edit_next(struct uploads *uploads, const struct body *body,
                                const struct upload *after);

/* Only for the thread that runs or edits it: `row` (taken over when this returns 0) into the
 * journal, and then shown. */
int upload_set_row(struct uploads *uploads, struct upload *upload, struct journal_row *row,
                   bool is_durable, struct error *err);
/* The oldest on that shelf, likewise; NULL: it is empty. */
struct upload *upload_edit_shelved(struct uploads *uploads, const struct settling *shelf);
void upload_edited(struct uploads *uploads, struct upload *upload);
void upload_free(struct upload *upload);
void uploads_unlink(struct uploads *uploads, struct upload *upload); /* lock held */
int upload_path(char **out, const struct uploads *uploads, const char *spool_name,
                struct error *err);
const char *spool_name_of(const char *path);

/* Whether another upload than this one has its bytes in the same spool file. */
bool uploads_share(struct uploads *uploads, const struct upload *upload, const char *name);

/* The spool file of an upload goes, unless another one needs it. */
void upload_remove_spool(struct uploads *uploads, const struct upload *upload, const char *name);

/* Before upload_forget() of one that is edited or run by us, and that an opening may find: none does
 * from now on. Its body, referenced for the caller; NULL: it has none. */
struct body *upload_retire(struct uploads *uploads, struct upload *upload);

/* One that is edited by us: out of the list, with its reference of the body; its spool file goes
 * unless the body reads it. */
void upload_forget(struct uploads *uploads, struct upload *upload);

/* ... and out of the journal, durably. */
void upload_drop(struct uploads *uploads, struct upload *upload);

/* Starts a worker if one is needed; lock held. */
void uploads_wake(struct uploads *uploads);
bool uploads_may_start(const struct uploads *uploads, const struct upload *upload, int64_t now_ms,
                       int64_t *wait_ms);

/* upload_judge.c: a row with a doubt, before it is sent. 1: what it has was replaced; it is not to be
 * sent any more. 0: it was not, and row->doubt is gone. */
int upload_judge(struct upload *upload, struct journal_row *row, const struct call *call,
                 struct error *err);

/* upload_end.c: a try is over, and the upload no longer running; without locks. It has arrived: the row
 * goes, `*sent` is closed and NULL, `upload` is gone. `asked_edit`: tree_edits() when the try began. */
void upload_arrived(struct uploads *uploads, struct upload *upload, struct local_file **sent,
                    const struct graph_item *item, uint32_t asked_edit);
/* It has not, or nobody knows (row->may_have_arrived): `row` gets when it is tried again, or why not. */
void upload_failed(struct uploads *uploads, struct upload *upload, struct journal_row *row,
                   int code, struct error *error, const struct call *call);
/* upload_judge() said 1: `upload` is gone. */
void upload_replaced(struct uploads *uploads, struct upload *upload);

/* upload_list.c: of a save that is given up the tree shows the server's version, or nothing; what was
 * written since it was saved stays. */
void uploads_show_discarded(struct online_vfs *online, struct body *body);

/* --- conflict.c --- */

/* The server made this version of what we sent. */
void uploads_remember(struct uploads *uploads, const char *item_id, const char *version);

/* "Report (conflict Anna Muster 2026-11-22 10-15-03).docx"; `number` above 1 is added. */
int conflict_copy_name(char **out, const char *name, const char *user_name, int64_t wall_ms,
                       unsigned number, struct error *err);

/* Why the service says that another version is there. */
enum conflict_cause {
    CONFLICT_REAL,    /* somebody saved */
    CONFLICT_REWRITE, /* the service itself rewrote our last save; row->version is its version now */
    CONFLICT_UNTRUE   /* nobody did: the version is the one that was sent along */
};

/* Asks the service. A file of which that was asked too often has a real one: it is not sent for ever.
 * Errors: those of the requests; *out is CONFLICT_REAL then. */
int conflict_find_cause(enum conflict_cause *out, struct upload *upload, struct journal_row *row,
                        const struct call *call, struct error *err);

/* Whether what the item has now is what a try of the row brought whose answer got lost, as far as its
 * size, its user and the time tell: row->version becomes that version. */
bool conflict_has_arrived(const struct upload *upload, struct journal_row *row,
                          const struct call *call);

/* `row` becomes that of a copy beside the item. */
int conflict_name_copy(struct upload *upload, struct journal_row *row, const struct call *call,
                       struct error *err);
/* ... and the tree shows it so. */
void conflict_show_copy(struct upload *upload);

#endif
