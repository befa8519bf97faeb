/*
 * save.h - what was written goes to the server, or to the journal, and is found again when it cannot.
 */
#ifndef MAPPER_VFS_SAVE_H
#define MAPPER_VFS_SAVE_H

#include "body.h"
#include "online.h"

/* --- save.c --- */

/* More time for what has to be sent: 1 s for each 128 KiB (a slow line), beyond the deadline of the
 * caller, who can still cancel. A line that stands still is the client's stall limit. */
void call_extend(struct call *call, uint64_t size_bytes);

/* On the server when this returns 0, or durable in the journal with WriteMode=Background; nothing
 * to do when it is not dirty. */
int save_body(struct body *body, const struct call *call, struct error *err);
/* The same where no program can be told any more, as its close succeeded: with any WriteMode, what only
 * has to wait for the line, the server or a sign-in waits in the journal then, and what the journal has
 * no room for is sent before this returns. */
int save_unwatched(struct body *body, const struct call *call, struct error *err);
/* fsync: what was written survives, here or there. */
int save_sync(struct body *body, const struct call *call, struct error *err);

/* Counts an upload that runs; ERR_UNREACHABLE while draining. */
int upload_begin(struct online_vfs *online, struct error *err);
void upload_end(struct online_vfs *online);

/* A draft whose last handle is closed: saved as `cache` when clean, named as unsaved when not. */
void save_leave(struct body *body);

/* --- saved_times.c --- */

/* After an upload that took no times along, being empty, or whose bytes may have been there before:
 * gives the item the times that it was to have (-1: any). `item` is replaced by the newer answer. Times
 * that this user may not set are left as they are: the bytes are what the save was for. */
int upload_settle_times(struct graph_item *item, struct account *account, const char *drive_id,
                        int64_t modified_ms, int64_t created_ms, const struct call *call,
                        struct error *err);

/* --- draft.c --- */

int spool_new(struct online_vfs *online, struct local_file **out, char **path, struct error *err);

/* The draft gets bytes that the server has not: names them, in case that the agent does not live to
 * save them. body->lock held. */
int save_note_draft(struct body *body, struct error *err);
void draft_enlist(struct body *body);
void draft_delist(struct body *body);
void draft_saved(struct body *body); /* its bytes are on the server */

/* --- draft.c for save.c --- */

/* Where a save goes, copied before it starts. Owned. */
struct save_target {
    struct place folder; /* of a new file */
    struct place item;   /* of one that is replaced */
    char *parent_id;     /* of its folder; NULL: not known */
    char *name;
    char *path;
    bool is_new;
};

/* Takes `reason` over; NULL: the last save was good. */
void draft_set_failure(struct body *body, char *reason);

/* Writes what the draft is beside its spool file: where it goes (`target` NULL: where the body came
 * from), and why it is not there ("": it is open, or being saved). What fails is logged, too. Called
 * by the thread that set is_saving, without body->lock. */
int draft_note(struct body *body, const struct save_target *target, const char *reason,
               bool is_durable, struct error *err);

/* A save failed: its note says so, with what its user can do. Called by the thread that set
 * is_saving. */
void draft_note_failure(struct body *body, const struct save_target *target,
                        const struct error *error);

#endif
