/*
 * notes.h - changes on their way to the driver, on a thread of their own: who tells of a change must
 * not wait for renames, nor hold what the driver waits for. Included after volume.h.
 */
#ifndef NP_NOTES_H
#define NP_NOTES_H

#include "base/thread.h"
#include "transport/vfs.h"

struct note;

struct notes {
    vfs_changed_fn tell; /* called on the thread */
    void *payload;
    struct thread thread;
    struct mutex lock; /* guards what follows */
    struct cond changed;
    struct note *first;
    struct note **last;
    size_t count;
    bool is_ending;
};

void notes_init(struct notes *notes, vfs_changed_fn tell, void *payload);
int notes_start(struct notes *notes, struct error *err);

/* A vfs_changed_fn whose payload is the notes. Any thread, with any lock held. */
void notes_add(void *payload, uint64_t parent, const char *name, uint64_t id);

/* Ends the thread; what was not told yet is forgotten. Copes with one that was never started. */
void notes_clear(struct notes *notes);

#endif
