#include "held.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"
#include "locks.h"
#include "path.h"

struct entry {
    char *key;
    uint64_t id;
    struct vfs_file *file;
    int64_t until_ms;
    struct entry *next;
};

struct dav_held {
    struct vfs *vfs;         /* lent */
    struct dav_locks *locks; /* lent */
    struct mutex mutex;      /* guards what follows */
    struct entry *first;
    size_t count;
};

int dav_held_new(struct dav_held **out, struct vfs *vfs, struct dav_locks *locks, struct error *err)
{
    struct dav_held *held = calloc(1, sizeof(*held));

    if (!held) {
        return error_set(err, ERR_NO_MEMORY, "no memory for open files");
    }
    held->vfs = vfs;
    held->locks = locks;
    mutex_init(&held->mutex);
    *out = held;
    return 0;
}

static void close_file(struct dav_held *held, uint64_t id, struct vfs_file *file)
{
    vfs_close(held->vfs, file);
    vfs_forget(held->vfs, id, 1);
}

/* Closing may send: the mutex is not held. */
static void close_list(struct dav_held *held, struct entry *list)
{
    while (list) {
        struct entry *entry = list;

        list = entry->next;
        close_file(held, entry->id, entry->file);
        free(entry->key);
        free(entry);
    }
}

/* The mutex is held. */
static void move_to(struct dav_held *held, struct entry **at, struct entry **list)
{
    struct entry *entry = *at;

    *at = entry->next;
    held->count--;
    entry->next = *list;
    *list = entry;
}

void dav_held_free(struct dav_held *held)
{
    if (!held) {
        return;
    }
    dav_held_close_tree(held, "");
    mutex_clear(&held->mutex);
    free(held);
}

void dav_held_add(struct dav_held *held, const char *key, uint64_t id, struct vfs_file *file)
{
    struct entry *entry = calloc(1, sizeof(*entry));

    dav_held_close_tree(held, key);
    if (!entry || str_copy(&entry->key, key, NULL) < 0) {
        free(entry);
        close_file(held, id, file);
        return;
    }
    entry->id = id;
    entry->file = file;
    entry->until_ms = clock_mono_ms(clock_system()) + DAV_HELD_MS;
    mutex_lock(&held->mutex);
    if (held->count < DAV_HELD_MAX) {
        entry->next = held->first;
        held->first = entry;
        held->count++;
        entry = NULL;
    }
    mutex_unlock(&held->mutex);
    close_list(held, entry);
}

struct vfs_file *dav_held_take(struct dav_held *held, const char *key, uint64_t *id)
{
    struct entry *taken = NULL;
    struct vfs_file *file = NULL;

    mutex_lock(&held->mutex);
    for (struct entry **at = &held->first; *at; at = &(*at)->next) {
        if (strcmp((*at)->key, key) == 0) {
            move_to(held, at, &taken);
            break;
        }
    }
    mutex_unlock(&held->mutex);
    if (taken) {
        file = taken->file;
        *id = taken->id;
        free(taken->key);
        free(taken);
    }
    return file;
}

void dav_held_close_tree(struct dav_held *held, const char *key)
{
    struct entry *list = NULL;
    struct entry **at = NULL;

    mutex_lock(&held->mutex);
    at = &held->first;
    while (*at) {
        if (dav_key_is_below((*at)->key, key)) {
            move_to(held, at, &list);
        } else {
            at = &(*at)->next;
        }
    }
    mutex_unlock(&held->mutex);
    close_list(held, list);
}

void dav_held_sweep(struct dav_held *held)
{
    int64_t now = clock_mono_ms(clock_system());
    struct entry *list = NULL;
    struct entry **at = NULL;

    mutex_lock(&held->mutex);
    at = &held->first;
    while (*at) {
        /* the one mutex inside another: that of locks never takes any */
        if ((*at)->until_ms <= now && !dav_locks_is_locked(held->locks, (*at)->key)) {
            move_to(held, at, &list);
        } else {
            at = &(*at)->next;
        }
    }
    mutex_unlock(&held->mutex);
    close_list(held, list);
}
