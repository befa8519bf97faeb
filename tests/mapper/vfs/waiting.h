/*
 * waiting.h - what waits in the journal of an online vfs, as a test sees and moves it.
 */
#ifndef TESTS_VFS_WAITING_H
#define TESTS_VFS_WAITING_H

#include "fixture.h"

enum {
    WAITING_LONG_MS = 20000,  /* for what comes: a bound */
    WAITING_NEVER_MS = 600000 /* for waiting_hold() */
};

/* How many there are, how many of them were tried in vain, and the last of them. */
struct waiting_seen {
    unsigned count;
    unsigned tried;
    enum online_vfs_upload_state state;
    char id[64];
    char path[160];
    char file[200];
    char reason[512];
};

struct waiting_seen waiting_look(struct fixture *f);
/* ... of those in one state. */
struct waiting_seen waiting_look_for(struct fixture *f, enum online_vfs_upload_state state);

/* How many a row names: not what is left in the spool with its bytes alone. */
unsigned waiting_left(struct fixture *f);

/* All deletes and renames that wait (there are some) were tried in vain: so they are decided. */
void waiting_until_tried(struct fixture *f);

/* The line is cut, and that happens to all of them. */
void waiting_decide_in_vain(struct fixture *f);

/* Uploads wait for so long, or until somebody asks for them: online_vfs_retry_uploads() or a restart. */
void waiting_hold(struct fixture *f, int64_t delay_ms);

/* Nothing is left that can be sent now. */
void waiting_until_sent(struct fixture *f);

/* All that waits is sent, if it can be: also what fails once more, as it was on its way while the line
 * came back. */
void waiting_send_all(struct fixture *f);

/* All of them are sent, or cannot be. */
void waiting_drain(struct fixture *f);

/* Goes to the next time that something is due. */
void waiting_send_now(struct fixture *f);

#endif
