/*
 * replay.h - does what a sequence says, on any vfs: the model in memory, the online vfs, or (by
 * tests/contract/pathfs.h, which makes system calls of it) a mounted folder.
 *
 * The program that is replayed must never see an error: every call and every look at the folder has
 * to come out as on a local disk. The first that does not is told, and the replay ends.
 */
#ifndef TESTS_SAVES_REPLAY_H
#define TESTS_SAVES_REPLAY_H

#include "sequence.h"
#include "transport/vfs.h"

struct replay {
    const struct sequence *sequence;
    struct vfs *vfs;
    uint64_t folder;
    /* Optional. For STEP_WAIT: returns when nothing is pending any more. */
    void (*rest)(void *payload);
    void *payload;
    /* Optional. After each step, with the number of steps that were done; false: enough. */
    bool (*after_step)(void *payload, size_t done);
    char failure[512]; /* "" when all went well */
};

/* Makes what is there before: as a program would, or `put` by somebody else (may be NULL). */
bool replay_prepare(struct replay *r,
                    bool (*put)(void *payload, const char *name, const void *data, size_t size));

/* All steps (or as many as after_step wants), then what must be there after, as programs here see it. False: see r->failure. */
bool replay_run(struct replay *r);

/* The same look again, after everything reached the server. */
bool replay_check(struct replay *r);

#endif
