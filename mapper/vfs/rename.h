/*
 * rename.h - a rename that is under way: what rename.c and rename_journal.c share.
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
    unsigned flags;
};

/* Onto the file r->target, whose item is on the server. The source was never there, and the journal
 * has all of it: its upload becomes one over the target's item, and nothing is sent now. With saves
 * of both paused; `other` is the target's body, NULL: it has none. 1: it has to be done at once. */
int rename_in_journal(struct rename *r, struct body *body, struct body *other,
                      const struct call *call, struct error *err);

#endif
