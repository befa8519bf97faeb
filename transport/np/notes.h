/*
 * notes.h - changes on their way to the system that shows the mount (the kernel, WinFsp's driver), on
 * a thread of their own: it may make who tells it wait for operations that only the teller can end.
 *
 * What the system remembers of an item ends by itself after a second, so a note that is lost - no
 * memory, a full queue - costs that second and nothing else.
 */
#ifndef NP_NOTES_H
#define NP_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/thread.h"
#include "transport/vfs.h"

#define NP_NOTES_MAX 4096 /* that wait; more are lost */

struct np_note;

struct np_notes {
    vfs_changed_fn tell; /* called on the thread, without the lock */
    void *payload;
    struct thread thread;
    struct mutex lock; /* guards what follows */
    struct cond changed;
    struct np_note *first;
    struct np_note **last;
    size_t count;
    uint64_t added; /* in all; what is lost does not count */
    uint64_t told;
    bool is_ending;
};

void np_notes_init(struct np_notes *notes, vfs_changed_fn tell, void *payload);

/* Starts the thread. What was added before is told now. */
int np_notes_start(struct np_notes *notes, struct error *err);

/* A vfs_changed_fn whose payload is the notes. Any thread, with any lock held that `tell` does not
 * need to end. */
void np_notes_add(void *payload, uint64_t parent, const char *name, uint64_t id);

/* Returns when all that was added before is told, or after `wait_ms`. Not in an operation of the
 * system for which `tell` may have to wait. */
void np_notes_wait(struct np_notes *notes, int64_t wait_ms);

/* Ends the thread, after the call of `tell` that runs; what was not told yet is forgotten. Nobody may
 * add any more. Copes with one that was never started. */
void np_notes_clear(struct np_notes *notes);

#endif
