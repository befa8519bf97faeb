/*
 * body.h - a file that is open: the version that was opened, and the draft of what was written over
 * it. "Lock held" means online->lock (online.h).
 */
#ifndef MAPPER_VFS_BODY_H
#define MAPPER_VFS_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/thread.h"
#include "extents.h"
#include "mapper/call.h"
#include "reader.h"
#include "transport/vfs.h"

struct library;
struct local_file;
struct lost_answer;
struct node;
struct online_vfs;
struct upload;

/* One open file, shared by its handles. */
struct body {
    struct online_vfs *online;
    struct library *library;
    int64_t trust_ms; /* how long its version is believed, by the options of its opening */
    /* guarded by online->lock */
    uint32_t refs;
    struct node *node;       /* held; another one after a rename onto it */
    struct body *next_local; /* in online->local_bodies */
    /* guarded by uploads->lock */
    struct upload *pending; /* the newest of its uploads; NULL: the server has what was saved */
    unsigned upload_holds;  /* none of them starts while it is not 0 */
    /* guarded by online->spool_lock */
    struct body *next_draft; /* in online->drafts, while `spool` is there */
    char *failure;           /* why the last save failed; NULL: it did not */
    /* guarded by `lock` */
    struct mutex lock;
    struct cond changed;
    char *path;           /* below the library, for the note of an unsaved file */
    char *item_id;        /* ... as well; "": a new file */
    struct content *base; /* the version that was opened; NULL for a new file */
    char *version;        /* what a save must find on the server (If-Match); NULL: new file */
    bool is_dirty;
    bool is_saving;        /* one thread uploads: no writes, no second save */
    bool is_written;       /* since it was made or cut to nothing at opening */
    bool is_removed;       /* deleted: nothing of it is saved any more */
    bool is_local_only;    /* local_only.h: changed with both locks */
    bool has_settled;      /* a new file that waited long enough (settle.h) */
    bool has_failed;       /* the last save did not succeed */
    bool is_left;          /* a handle that was closed wrote what is not saved */
    bool is_deferred;      /* what was flushed is in the draft alone (settle.h) */
    bool is_note_due;      /* the draft moved to another spool file */
    bool is_kept;          /* its spool file belongs to the journal, and outlives the body */
    bool is_note_durable;  /* the draft's note survives a loss of power; by is_saving's thread */
    bool may_have_arrived; /* ... but its bytes may be on the server: the answer was lost */
    /* the draft, while `spool` is there */
    struct local_file *spool;
    char *spool_path;
    uint64_t sealed_bytes;  /* of the spool file: an upload has them, so they stay as they are */
    bool is_spool_named;    /* the folder was synced since the spool file was made */
    struct extents written; /* in the spool file; the rest below base_limit is in `base` */
    uint64_t base_limit;
    uint64_t doubt_start; /* [start, end) of the base came over unconfirmed (reader.h) */
    uint64_t doubt_end;
    uint64_t size_bytes;
    int64_t modified_ms; /* set by a program for the next save; -1: not */
    int64_t created_ms;
    int64_t touched_ms; /* wall clock of the last write */
    uint64_t change;    /* number of the draft as it is now; 0: as an agent before left it */
    uint32_t writers;   /* handles that may write; guarded by online->lock */
    int64_t kept_row; /* of a new file that waits (settle.h), in the journal; 0: it is not there */
    struct lost_answer *lost; /* lost_answer.h; by is_saving's thread */
};

struct vfs_file {
    struct body *body;
    unsigned flags; /* VFS_READ, VFS_WRITE */
    bool owes_save; /* opening made or emptied the file, or it may be written */
    struct read_habit habit;
};

/* --- body.c --- */

/* The open file of a held node, referenced. Lock held. */
int body_get(struct online_vfs *online, struct body **out, struct node *node, struct error *err);
/* A body for the upload of a dead agent, which keeps it; false: there is none. Lock held. */
bool body_show(struct online_vfs *online, struct node *node);
/* The body of a held file that is open, referenced; NULL when it is not. Without the lock. */
struct body *body_borrow(struct online_vfs *online, struct node *node);
/* NULL is fine; what is unsaved stays in the spool. Without the lock. */
void body_put(struct body *body);

/* Waits until no save runs; body->lock is held. */
int body_wait_saved(struct body *body, const struct call *call, struct error *err);

/* Keeps saves and writes out while the item is renamed or deleted. Without the lock. */
int body_pause_saves(struct body *body, const struct call *call, struct error *err);
void body_resume_saves(struct body *body);

/* kept_row: who takes it alone has it. Without body->lock. */
void body_keep_row(struct body *body, int64_t row_id);
int64_t body_take_kept_row(struct body *body);
void body_attr(struct body *body, struct vfs_attr *out); /* adds what the draft changes */
uint64_t body_size(struct body *body);
struct content_source body_source(const struct body *body);

/* --- body_io.c --- */

int body_read(struct body *body, struct read_habit *habit, void *data, size_t size, uint64_t offset,
              size_t *got, const struct call *call, struct error *err);
int body_write(struct body *body, const void *data, size_t size, uint64_t offset,
               const struct call *call, struct error *err);
int body_resize(struct body *body, uint64_t size, const struct call *call, struct error *err);

/* A draft that has nothing of its own yet, unless there is one. Saves are paused. */
int body_draft_unchanged(struct body *body, struct error *err);

/* Before bytes of the spool file change from `from` on: what an upload has stays as it is. lock
 * held. */
int body_unseal(struct body *body, uint64_t from, struct error *err);

/* --- body_complete.c --- */

/* Everything of the old content that was not overwritten comes into the spool file. Called by the
 * thread that set is_saving. */
int body_complete(struct body *body, const struct call *call, struct error *err);

#endif
