/*
 * handles.c - what the kernel has of us: open files and listings, and holds on items. A mount that
 * ends takes them with it without a word, so we must know them.
 */
#include "np_internal.h"

#include <assert.h>
#include <stdlib.h>

static struct np_handle **bucket_of(struct np *np, uint64_t ino)
{
    return &np->handles.buckets[(ino * UINT64_C(0x9E3779B97F4A7C15) >> 40) % NP_HANDLE_BUCKETS];
}

struct np_handle *np_handle_new(struct np *np, uint64_t ino)
{
    struct np_handle *handle = calloc(1, sizeof(*handle));

    (void)np;
    if (handle) {
        handle->ino = ino;
        handle->references = 1;
        atomic_init(&handle->is_dirty, false);
        atomic_init(&handle->has_pages, false);
    }
    return handle;
}

void np_handle_add(struct np *np, struct np_handle *handle)
{
    struct np_handle **bucket = bucket_of(np, handle->ino);

    mutex_lock(&np->handles.lock);
    handle->next = *bucket;
    if (handle->next) {
        handle->next->previous = handle;
    }
    *bucket = handle;
    mutex_unlock(&np->handles.lock);
}

struct np_handle *np_handle_borrow(struct np *np, uint64_t ino, bool writable_first)
{
    struct np_handle *found = NULL;

    mutex_lock(&np->handles.lock);
    for (struct np_handle *at = *bucket_of(np, ino); at; at = at->next) {
        if (at->ino == ino && at->file && (!found || (writable_first && at->is_writable))) {
            found = at;
        }
    }
    if (found) {
        found->references++;
    }
    mutex_unlock(&np->handles.lock);
    return found;
}

bool np_handles_borrow(struct np *np, struct np_handle ***out, size_t *count, uint64_t ino)
{
    struct np_handle **list = NULL;
    size_t found = 0;

    *out = NULL;
    *count = 0;
    mutex_lock(&np->handles.lock);
    for (struct np_handle *at = *bucket_of(np, ino); at; at = at->next) {
        found += at->ino == ino && at->file;
    }
    list = found > 0 ? calloc(found, sizeof(struct np_handle *)) : NULL;
    for (struct np_handle *at = *bucket_of(np, ino); list && at; at = at->next) {
        if (at->ino == ino && at->file) {
            at->references++;
            list[(*count)++] = at;
        }
    }
    mutex_unlock(&np->handles.lock);
    *out = list;
    return found == 0 || list;
}

void np_handle_set_apart(struct np *np, struct np_handle *handle)
{
    mutex_lock(&np->handles.lock);
    handle->is_apart = true;
    mutex_unlock(&np->handles.lock);
}

bool np_handle_is_apart(struct np *np, const struct np_handle *handle)
{
    bool is_apart = false;

    mutex_lock(&np->handles.lock);
    is_apart = handle->is_apart;
    mutex_unlock(&np->handles.lock);
    return is_apart;
}

static void close_handle(struct np *np, struct np_handle *handle)
{
    if (handle->file) {
        np_save_rest(np, handle);
    }
    vfs_close(np->vfs, handle->file);
    vfs_closedir(np->vfs, handle->dir);
    free(handle);
}

void np_handle_release(struct np *np, struct np_handle *handle)
{
    bool is_last = false;

    if (!handle) {
        return;
    }
    mutex_lock(&np->handles.lock);
    is_last = --handle->references == 0;
    if (is_last) {
        if (handle->previous) {
            handle->previous->next = handle->next;
        } else {
            *bucket_of(np, handle->ino) = handle->next;
        }
        if (handle->next) {
            handle->next->previous = handle->previous;
        }
    }
    mutex_unlock(&np->handles.lock);
    if (is_last) {
        close_handle(np, handle);
    }
}

void np_handles_close_all(struct np *np)
{
    for (size_t i = 0; i < NP_HANDLE_BUCKETS; i++) {
        while (np->handles.buckets[i]) {
            struct np_handle *handle = np->handles.buckets[i];

            np->handles.buckets[i] = handle->next;
            close_handle(np, handle);
        }
    }
}

/* Where `id` stands, or the free slot where it would. */
static size_t slot_of(const struct np_holds *holds, uint64_t id)
{
    size_t at = (size_t)(id * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (holds->capacity - 1);

    while (holds->ids[at] != 0 && holds->ids[at] != id) {
        at = (at + 1) & (holds->capacity - 1);
    }
    return at;
}

static void free_slots(struct np_holds *holds)
{
    free(holds->ids);
    free(holds->counts);
    holds->ids = NULL;
    holds->counts = NULL;
    holds->capacity = 0;
}

static int resize(struct np_holds *holds, size_t capacity)
{
    struct np_holds wider = {.ids = calloc(capacity, sizeof(*wider.ids)),
                             .counts = calloc(capacity, sizeof(*wider.counts)),
                             .capacity = capacity};

    if (!wider.ids || !wider.counts) {
        free_slots(&wider);
        return ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < holds->capacity; i++) {
        if (holds->ids[i] != 0) {
            size_t to = slot_of(&wider, holds->ids[i]);

            wider.ids[to] = holds->ids[i];
            wider.counts[to] = holds->counts[i];
        }
    }
    free_slots(holds);
    holds->ids = wider.ids;
    holds->counts = wider.counts;
    holds->capacity = capacity;
    return 0;
}

int np_holds_add(struct np *np, uint64_t id)
{
    struct np_holds *holds = &np->holds;
    int code = 0;

    if (id == VFS_ROOT) {
        return 0;
    }
    mutex_lock(&holds->lock);
    if (holds->capacity == 0 || holds->used >= holds->capacity / 16 * 13) {
        code = resize(holds, holds->capacity ? holds->capacity * 2 : 64);
    }
    if (code == 0) {
        size_t at = slot_of(holds, id);

        if (holds->counts[at] == UINT32_MAX) {
            code = ERR_LIMIT;
        } else {
            holds->used += holds->ids[at] == 0;
            holds->ids[at] = id;
            holds->counts[at]++;
        }
    }
    mutex_unlock(&holds->lock);
    return code;
}

/* Frees a slot and moves up those that stand behind it because of it. */
static void remove_slot(struct np_holds *holds, size_t at)
{
    size_t mask = holds->capacity - 1;

    holds->ids[at] = 0;
    holds->counts[at] = 0;
    holds->used--;
    for (size_t i = (at + 1) & mask; holds->ids[i] != 0; i = (i + 1) & mask) {
        uint64_t id = holds->ids[i];
        uint32_t count = holds->counts[i];
        size_t to = 0;

        holds->ids[i] = 0;
        holds->counts[i] = 0;
        to = slot_of(holds, id);
        holds->ids[to] = id;
        holds->counts[to] = count;
    }
}

void np_holds_forget(struct np *np, uint64_t id, uint64_t count)
{
    struct np_holds *holds = &np->holds;

    mutex_lock(&holds->lock);
    if (holds->capacity > 0) {
        size_t at = slot_of(holds, id); /* a free slot counts 0 */

        count = count < holds->counts[at] ? count : holds->counts[at];
        holds->counts[at] -= (uint32_t)count;
        if (holds->ids[at] != 0 && holds->counts[at] == 0) {
            remove_slot(holds, at);
        }
        if (holds->capacity > 1024 && holds->used < holds->capacity / 8) {
            resize(holds, holds->capacity / 2); /* without memory it just stays wide */
        }
    } else {
        count = 0;
    }
    mutex_unlock(&holds->lock);
    vfs_forget(np->vfs, id, count);
}

void np_holds_forget_all(struct np *np)
{
    for (size_t i = 0; i < np->holds.capacity; i++) {
        if (np->holds.ids[i] != 0) {
            vfs_forget(np->vfs, np->holds.ids[i], np->holds.counts[i]);
        }
    }
    free_slots(&np->holds);
    np->holds.used = 0;
}
