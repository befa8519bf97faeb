#include "np/notes.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"

struct np_note {
    uint64_t parent; /* entry `name` of it, or, when name is NULL ... */
    uint64_t id;     /* ... this item */
    char *name;
    struct np_note *next;
};

static void note_free(struct np_note *note)
{
    str_free(&note->name);
    free(note);
}

static void *run(void *payload)
{
    struct np_notes *notes = payload;

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
        notes->tell(notes->payload, note->parent, note->name, note->id);
        note_free(note);
        mutex_lock(&notes->lock);
        notes->told++;
        cond_broadcast(&notes->changed);
    }
    mutex_unlock(&notes->lock);
    return NULL;
}

void np_notes_init(struct np_notes *notes, vfs_changed_fn tell, void *payload)
{
    *notes = (struct np_notes){.tell = tell, .payload = payload};
    notes->last = &notes->first;
    mutex_init(&notes->lock);
    cond_init(&notes->changed);
}

int np_notes_start(struct np_notes *notes, struct error *err)
{
    return thread_start(&notes->thread, "np-notes", run, notes, err);
}

void np_notes_add(void *payload, uint64_t parent, const char *name, uint64_t id)
{
    struct np_notes *notes = payload;
    struct np_note *note = calloc(1, sizeof(*note));

    if (!note || str_copy(&note->name, name, NULL) < 0) {
        free(note);
        return;
    }
    note->parent = parent;
    note->id = id;
    mutex_lock(&notes->lock);
    if (notes->count < NP_NOTES_MAX && !notes->is_ending) {
        *notes->last = note;
        notes->last = &note->next;
        notes->count++;
        notes->added++;
        note = NULL;
        cond_broadcast(&notes->changed);
    }
    mutex_unlock(&notes->lock);
    if (note) {
        note_free(note);
    }
}

void np_notes_wait(struct np_notes *notes, int64_t wait_ms)
{
    int64_t until_ms = clock_mono_ms(clock_system()) + wait_ms;
    uint64_t added = 0;

    mutex_lock(&notes->lock);
    added = notes->added;
    while (notes->told < added && !notes->is_ending) {
        int64_t left = until_ms - clock_mono_ms(clock_system());

        if (left <= 0) {
            break;
        }
        cond_wait_ms(&notes->changed, &notes->lock, left);
    }
    mutex_unlock(&notes->lock);
}

void np_notes_clear(struct np_notes *notes)
{
    mutex_lock(&notes->lock);
    notes->is_ending = true;
    cond_broadcast(&notes->changed);
    mutex_unlock(&notes->lock);
    thread_join(&notes->thread);
    while (notes->first) {
        struct np_note *note = notes->first;

        notes->first = note->next;
        note_free(note);
    }
    cond_clear(&notes->changed);
    mutex_clear(&notes->lock);
}
