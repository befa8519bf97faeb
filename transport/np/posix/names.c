/*
 * names.c - which files the kernel may know by name, without asking us (np_internal.h has the rule).
 */
#include "np_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "base/str.h"

/* Within this time the kernel has put the names of an answer in their places: whoever lists runs
 * again after it, and holds the folder until then. From then on they end after NP_NAME_SECONDS. */
#define KEPT_MS 5000

/* NP_NAME_SECONDS and a few ticks of the kernel's clock. */
#define WAIT_STEP_MS 50
#define WAIT_STEPS 22

#define CAPACITY_MIN 64u
#define CAPACITY_MAX 8192u  /* 40 bytes each */
#define OVER (-KEPT_MS - 1) /* told at this time: always too long ago */

/* The kernel's count of time stands still while the machine sleeps; so does this one. */
static int64_t awake_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_over(const struct np_name *name, int64_t now_ms)
{
    return now_ms - name->told_ms > KEPT_MS;
}

/* Where `id` stands, or the free slot where it would. There is one, always. */
static struct np_name *slot_of(struct np_name *slots, size_t capacity, uint64_t id)
{
    size_t at = (size_t)(id * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (capacity - 1);

    while (slots[at].id != 0 && slots[at].id != id) {
        at = (at + 1) & (capacity - 1);
    }
    return &slots[at];
}

/* The name of `id` that counts; NULL: there is none. */
static struct np_name *find(const struct np_names *names, uint64_t id, int64_t now_ms)
{
    struct np_name *name = names->slots ? slot_of(names->slots, names->capacity, id) : NULL;

    return name && name->id != 0 && !is_over(name, now_ms) ? name : NULL;
}

static bool has_room(const struct np_names *names)
{
    return names->used < names->capacity / 16 * 13;
}

/* Leaves out what is over, in a table as wide as the rest needs. */
static void make_room(struct np_names *names, int64_t now_ms)
{
    struct np_name *slots = NULL;
    size_t capacity = CAPACITY_MIN;
    int64_t oldest_ms = now_ms;
    size_t live = 0;

    if (now_ms < names->full_until_ms) {
        return;
    }
    for (size_t i = 0; i < names->capacity; i++) {
        const struct np_name *name = &names->slots[i];

        if (name->id != 0 && !is_over(name, now_ms)) {
            oldest_ms = name->told_ms < oldest_ms ? name->told_ms : oldest_ms;
            live++;
        }
    }
    while (capacity < CAPACITY_MAX && live >= capacity / 2) {
        capacity *= 2;
    }
    slots = live < capacity / 16 * 13 ? calloc(capacity, sizeof(*slots)) : NULL;
    if (!slots) {
        names->full_until_ms = oldest_ms + KEPT_MS + 1;
        return;
    }
    for (size_t i = 0; i < names->capacity; i++) {
        const struct np_name *name = &names->slots[i];

        if (name->id != 0 && !is_over(name, now_ms)) {
            *slot_of(slots, capacity, name->id) = *name;
        }
    }
    free(names->slots);
    names->slots = slots;
    names->capacity = capacity;
    names->used = live;
}

bool np_names_tell(struct np_names *names, uint64_t id, uint64_t parent, const char *text,
                   int64_t now_ms)
{
    const struct np_name told = {
        .id = id, .parent = parent, .hash = str_hash(text), .told_ms = now_ms};
    struct np_name *name = NULL;
    bool may_know = false;

    mutex_lock(&names->lock);
    name = find(names, id, now_ms);
    if (name) { /* another one may be in the kernel still */
        may_know = !name->is_left && name->parent == parent && name->hash == told.hash;
    } else {
        if (!has_room(names)) {
            make_room(names, now_ms);
        }
        name = has_room(names) ? slot_of(names->slots, names->capacity, id) : NULL;
        may_know = name != NULL;
    }
    if (may_know) {
        names->used += name->id == 0;
        *name = told;
        names->last_ms = now_ms;
    }
    mutex_unlock(&names->lock);
    return may_know;
}

uint64_t np_names_other(struct np_names *names, uint64_t id, uint64_t parent, const char *text,
                        int64_t now_ms)
{
    const struct np_name *name = NULL;
    uint64_t found = 0;

    mutex_lock(&names->lock);
    name = find(names, id, now_ms);
    if (name && !name->is_left && (name->parent != parent || name->hash != str_hash(text))) {
        found = name->parent;
    }
    mutex_unlock(&names->lock);
    return found;
}

void np_names_end(struct np_names *names, uint64_t parent, int64_t until_ms)
{
    mutex_lock(&names->lock);
    for (size_t i = 0; i < names->capacity; i++) {
        struct np_name *name = &names->slots[i];

        if (name->parent == parent && name->told_ms <= until_ms && !name->is_left) {
            name->told_ms = OVER;
        }
    }
    mutex_unlock(&names->lock);
}

void np_names_move(struct np_names *names, uint64_t id, uint64_t parent, const char *text,
                   bool is_left, int64_t now_ms)
{
    struct np_name *name = NULL;

    mutex_lock(&names->lock);
    name = find(names, id, now_ms);
    if (name) {
        name->parent = parent;
        name->hash = str_hash(text);
        name->is_left = is_left;
    }
    mutex_unlock(&names->lock);
}

bool np_names_is_left(struct np_names *names, uint64_t id, int64_t now_ms)
{
    const struct np_name *name = NULL;
    bool is_left = false;

    mutex_lock(&names->lock);
    name = find(names, id, now_ms);
    is_left = name && name->is_left;
    mutex_unlock(&names->lock);
    return is_left;
}

void np_names_init(struct np_names *names)
{
    *names = (struct np_names){.last_ms = OVER};
    mutex_init(&names->lock);
}

void np_names_clear(struct np_names *names)
{
    free(names->slots);
    mutex_clear(&names->lock);
}

bool np_name_is_remembered(struct np *np, uint64_t id, uint64_t parent, const char *name)
{
    return np_names_tell(&np->names, id, parent, name, awake_ms());
}

bool np_number_is_left(struct np *np, uint64_t id)
{
    return np_names_is_left(&np->names, id, awake_ms());
}

void np_name_moved(struct np *np, uint64_t id, uint64_t parent, const char *name, bool is_left)
{
    np_names_move(&np->names, id, parent, name, is_left, awake_ms());
}

/* The table is empty, as nearly always. */
static bool has_none(struct np_names *names)
{
    bool is_empty = false;

    mutex_lock(&names->lock);
    is_empty = awake_ms() - names->last_ms > KEPT_MS;
    mutex_unlock(&names->lock);
    return is_empty;
}

static int wait_until_over(struct np_op *op, struct error *err)
{
    for (int i = 0; i < WAIT_STEPS; i++) {
        if (op->call.is_cancelled(op->call.payload)) {
            return error_set(err, ERR_CANCELLED, "cancelled while another name was remembered");
        }
        while (poll(NULL, 0, WAIT_STEP_MS) < 0 && errno == EINTR) {
        }
    }
    if (op->call.deadline_ms > 0) { /* the vfs has as long as ever */
        op->call.deadline_ms += WAIT_STEPS * WAIT_STEP_MS;
    }
    return 0;
}

int np_name_settle(struct np_op *op, uint64_t *id, uint64_t parent, const char *name)
{
    struct np_names *names = &op->np->names;
    struct vfs_attr attr;
    int64_t now_ms = 0;
    uint64_t folder = 0;
    int code = 0;

    if (id) {
        *id = 0;
    }
    if (has_none(names) || vfs_lookup(op->np->vfs, &attr, parent, name, &op->call, NULL) < 0) {
        return 0; /* the operation itself says what is wrong */
    }
    vfs_forget(op->np->vfs, attr.id, 1);
    if (id) {
        *id = attr.id;
    }
    now_ms = awake_ms();
    folder = np_names_other(names, attr.id, parent, name, now_ms);
    if (folder != 0) {
        code = wait_until_over(op, &op->err);
        if (code == 0) {
            np_names_end(names, folder, now_ms);
        }
    }
    return code;
}
