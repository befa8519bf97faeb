/*
 * save.h - a draft that is being saved: what save.c and draft.c share.
 */
#ifndef MAPPER_VFS_SAVE_H
#define MAPPER_VFS_SAVE_H

#include "online.h"

/* Where a save goes, copied before it starts. Owned. */
struct save_target {
    struct place folder; /* of a new file */
    struct place item;   /* of one that is replaced */
    char *parent_id;     /* of its folder; NULL: not known */
    char *name;
    char *path;
    bool is_new;
};

/* --- draft.c --- */

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
