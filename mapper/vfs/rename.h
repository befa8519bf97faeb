/*
 * rename.h - a rename that is under way: what the rename*.c share.
 */
#ifndef MAPPER_VFS_RENAME_H
#define MAPPER_VFS_RENAME_H

#include "online.h"

struct rename {
    struct online_vfs *online;
    struct node *from; /* held: folders and what stands in them */
    struct node *to;
    struct node *node;
    struct node *target; /* NULL: the name is free */
    const char *new_name;
    uint32_t asked_edit; /* tree_edits() when the server was asked last */
    unsigned flags;
};

/* --- rename.c --- */

/* To a name that nobody has, here and there. */
int rename_to_free(struct rename *r, const struct call *call, struct error *err);

/* The request alone; `item` is what the server answered. */
int rename_on_server(struct rename *r, const char *name, struct graph_item *item,
                     const struct call *call, struct error *err);

/* What waits of the file is sent to that name in the held folder `to`, once the journal has it; nothing
 * to do without. Its uploads are held; `body` may be NULL. */
int rename_uploads(struct online_vfs *online, struct body *body, struct node *to,
                   const char *new_name, const struct call *call, struct error *err);

/* The tree after a rename; `item` NULL: it is not on the server. Lock held. */
int rename_in_tree(struct rename *r, const struct graph_item *item, struct error *err);

/* A name that nobody has: beside the file, for the time of two requests. */
int rename_aside_name(char **out, const char *name, struct error *err);

/* Undoing what succeeded must not end with the patience of the caller. */
struct call rename_call_to_undo(void);

/* --- rename_replace.c --- */

/* A file onto the file r->target. */
int rename_replace(struct rename *r, const struct call *call, struct error *err);

/* The source's body, with the handles on it, is the target's from now on. Lock held. */
void rename_move_body(struct rename *r, struct body *body);

/* Both bodies have saves paused when this returns 0; `other` may be NULL. */
int rename_pause_both(struct body *body, struct body *other, const struct call *call,
                      struct error *err);

/* What uploads_doubt() was told of them did not come to pass: both are sent as they were. NULL is
 * fine. */
void rename_end_doubt(struct body *body, struct body *other);

/* --- rename_waiting.c --- */

/* Onto the file r->target, which is not on the server as far as we know. */
int rename_onto_waiting(struct rename *r, const struct call *call, struct error *err);

/* --- rename_conflict.c --- */

/* The target is not as we know it: its version, where the service itself rewrote what we saved; NULL:
 * others did. */
char *rename_rewritten(struct rename *r, const struct call *call);

/* Others changed the target (ERR_CHANGED) or deleted it: the source becomes a conflict copy, or takes
 * the name. `code` as it is: ConflictMode is Refuse, or it is another error. No saves are paused. */
int rename_keep_both(struct rename *r, int code, const struct call *call, struct error *err);

/* --- rename_journal.c --- */

/* Onto the file r->target, whose item is on the server. The source was never there, and the journal
 * has all of it: its upload becomes one over the target's item, and nothing is sent now. With saves
 * of both paused; `other` is the target's body, NULL: it has none. 1: it has to be done at once. */
int rename_in_journal(struct rename *r, struct body *body, struct body *other,
                      const struct call *call, struct error *err);

#endif
