/*
 * notes.c - tells the kernel what changed, so that it does not answer from what it remembers.
 *
 * What the kernel remembers of an item ends by itself after a second (ops.c), so a note that is lost
 * - no memory, a full queue - costs that second and nothing else.
 */
#include "np_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define NOTES_MAX 4096

static void tell(struct np *np, const struct np_note *note)
{
    if (note->name) {
        fuse_lowlevel_notify_inval_entry(np->session, note->parent, note->name, strlen(note->name));
    } else {
        fuse_lowlevel_notify_inval_inode(np->session, note->id, 0, 0);
    }
}

static void note_free(struct np_note *note)
{
    str_free(&note->name);
    free(note);
}

static void *run(void *payload)
{
    struct np *np = payload;
    struct np_notes *notes = &np->notes;

    mutex_lock(&notes->lock);
    while (!notes->is_ending) {
        struct np_note *note = notes->first;

        if (!note) {
            cond_wait(&notes->changed, &notes->lock);
            continue;
        }
        notes->first = note->next;
        if (!notes->first) {
            notes->last = &notes->first;
        }
        notes->count--;
        mutex_unlock(&notes->lock);
        tell(np, note);
        note_free(note);
        mutex_lock(&notes->lock);
    }
    mutex_unlock(&notes->lock);
    return NULL;
}

int np_notes_start(struct np *np, struct error *err)
{
    np->notes.last = &np->notes.first;
    return thread_start(&np->notes.thread, "np-notes", run, np, err);
}

void np_notes_add(struct np *np, uint64_t parent, const char *name, uint64_t id)
{
    struct np_notes *notes = &np->notes;
    struct np_note *note = calloc(1, sizeof(*note));

    if (!note || str_copy(&note->name, name, NULL) < 0) {
        free(note);
        return;
    }
    note->parent = parent;
    note->id = id;
    mutex_lock(&notes->lock);
    if (notes->count < NOTES_MAX && !notes->is_ending) {
        *notes->last = note;
        notes->last = &note->next;
        notes->count++;
        note = NULL;
        cond_signal(&notes->changed);
    }
    mutex_unlock(&notes->lock);
    if (note) {
        note_free(note);
    }
}

void np_notes_end(struct np *np)
{
    struct np_notes *notes = &np->notes;

    mutex_lock(&notes->lock);
    notes->is_ending = true;
    cond_signal(&notes->changed);
    mutex_unlock(&notes->lock);
    thread_join(&notes->thread);
    while (notes->first) {
        struct np_note *note = notes->first;

        notes->first = note->next;
        note_free(note);
    }
}
