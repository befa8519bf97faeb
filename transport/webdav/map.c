#include "map.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/thread.h"

#define AGAIN_MS 15000

/* One letter: what it is to show, and what it shows. */
struct slot {
    char *wanted; /* path; NULL: nothing */
    char *label;
    char *shown;       /* NULL: nothing */
    char *shown_label; /* as it was when it was connected */
    bool has_failed;   /* at what is wanted; tried again at `again_ms` */
    int64_t again_ms;
    struct error error;
};

struct dav_map {
    const struct dav_map_system *system; /* lent */
    struct dav_place place;              /* its secret is lent */
    struct thread thread;
    struct mutex lock; /* guards what follows; not held while the system is asked */
    struct cond changed;
    struct slot slots[DAV_MAP_LETTERS];
    bool is_ready;
    bool was_tried; /* the readiness */
    bool is_ending;
    bool is_busy;
    int64_t again_ms;
    struct error error; /* why it is not ready */
    char *note;
};

static bool is_due(const struct slot *slot, int64_t now_ms)
{
    bool is_right = str_equal(slot->wanted, slot->shown) &&
                    (!slot->wanted || str_equal(slot->label, slot->shown_label));

    return !is_right && (!slot->has_failed || slot->again_ms <= now_ms);
}

/* The first letter that has to change; NULL: none. Lock held. */
static struct slot *next_due(struct dav_map *map, int64_t now_ms)
{
    for (size_t i = 0; i < DAV_MAP_LETTERS; i++) {
        struct slot *slot = &map->slots[i];

        if (is_due(slot, now_ms) && (slot->shown || map->is_ready)) {
            return slot;
        }
    }
    return NULL;
}

static void take_away(struct dav_map *map, struct slot *slot)
{
    char letter = (char)('A' + (slot - map->slots));
    char *path = slot->shown;

    slot->shown = NULL;
    mutex_unlock(&map->lock);
    map->system->disconnect(map->system->payload, &map->place, letter, path);
    free(path);
    mutex_lock(&map->lock);
    str_free(&slot->shown_label);
}

static void show(struct dav_map *map, struct slot *slot)
{
    char letter = (char)('A' + (slot - map->slots));
    struct error err = {0};
    char *path = NULL;
    char *label = NULL;
    int code = str_copy(&path, slot->wanted, &err);

    if (code == 0 && slot->label) {
        code = str_copy(&label, slot->label, &err);
    }
    mutex_unlock(&map->lock);
    if (code == 0) {
        code = map->system->connect(map->system->payload, &map->place, letter, path, label, &err);
    }
    mutex_lock(&map->lock);
    slot->has_failed = code < 0;
    if (code < 0) {
        if (slot->error.code != err.code) {
            log_error(LOG_TRANSPORT, &err, "the letter %c: is not mapped", letter);
        }
        slot->error = err;
        slot->again_ms = clock_mono_ms(clock_system()) + AGAIN_MS;
        free(path);
        free(label);
        return;
    }
    error_clear(&slot->error);
    slot->shown = path;
    slot->shown_label = label;
}

/* Lock held, and given up meanwhile. */
static void get_ready(struct dav_map *map)
{
    struct error err = {0};
    char *note = NULL;
    int code = 0;

    mutex_unlock(&map->lock);
    code = map->system->ready(map->system->payload, &map->place, &note, &err);
    mutex_lock(&map->lock);
    free(map->note);
    map->note = note;
    if (code < 0 && map->error.code != err.code) {
        log_error(LOG_TRANSPORT, &err, "the system does not show the WebDAV server by itself");
    }
    map->is_ready = code == 0;
    map->was_tried = true;
    map->error = err;
    map->again_ms = clock_mono_ms(clock_system()) + AGAIN_MS;
}

/* One step; false: there is nothing to do now. Lock held. */
static bool step(struct dav_map *map)
{
    int64_t now_ms = clock_mono_ms(clock_system());
    struct slot *slot = NULL;

    if (!map->is_ready && !map->is_ending && (!map->was_tried || map->again_ms <= now_ms)) {
        get_ready(map);
        return true;
    }
    slot = next_due(map, now_ms);
    if (!slot) {
        return false;
    }
    if (slot->shown) {
        take_away(map, slot);
    } else {
        show(map, slot);
    }
    return true;
}

static void *run(void *payload)
{
    struct dav_map *map = payload;

    mutex_lock(&map->lock);
    while (step(map) || !map->is_ending) {
        map->is_busy = next_due(map, clock_mono_ms(clock_system())) != NULL || !map->was_tried;
        if (!map->is_busy) {
            cond_broadcast(&map->changed);
            if (!map->is_ending) {
                cond_wait_ms(&map->changed, &map->lock, 1000);
            }
        }
    }
    mutex_unlock(&map->lock);
    if (map->system->end) {
        map->system->end(map->system->payload, &map->place);
    }
    return NULL;
}

int dav_map_new(struct dav_map **out, const struct dav_map_system *system,
                const struct dav_place *place, struct error *err)
{
    struct dav_map *map = calloc(1, sizeof(*map));
    int code = 0;

    if (!map) {
        return error_set(err, ERR_NO_MEMORY, "no memory for drive letters");
    }
    map->system = system;
    map->place = *place;
    map->is_busy = true;
    mutex_init(&map->lock);
    cond_init(&map->changed);
    code = thread_start(&map->thread, "webdav-letters", run, map, err);
    if (code < 0) {
        dav_map_free(map);
        return code;
    }
    *out = map;
    return 0;
}

static void want(struct slot *slot, char **path, char **label)
{
    free(slot->wanted);
    free(slot->label);
    slot->wanted = path ? *path : NULL;
    slot->label = label ? *label : NULL;
    slot->has_failed = false;
    error_clear(&slot->error);
}

void dav_map_free(struct dav_map *map)
{
    if (!map) {
        return;
    }
    mutex_lock(&map->lock);
    for (size_t i = 0; i < DAV_MAP_LETTERS; i++) {
        want(&map->slots[i], NULL, NULL);
    }
    map->is_ending = true;
    cond_broadcast(&map->changed);
    mutex_unlock(&map->lock);
    thread_join(&map->thread);
    for (size_t i = 0; i < DAV_MAP_LETTERS; i++) {
        free(map->slots[i].shown);
        free(map->slots[i].shown_label);
    }
    free(map->note);
    cond_clear(&map->changed);
    mutex_clear(&map->lock);
    free(map);
}

/* All letters of the path but `letter`; lock held. */
static void drop(struct dav_map *map, const char *path, char letter)
{
    for (size_t i = 0; i < DAV_MAP_LETTERS; i++) {
        if (letter != (char)('A' + i) && map->slots[i].wanted &&
            str_equal(map->slots[i].wanted, path)) {
            want(&map->slots[i], NULL, NULL);
        }
    }
}

int dav_map_add(struct dav_map *map, const struct mapping *mapping, struct error *err)
{
    char *path = NULL;
    char *label = NULL;
    int code = str_copy(&path, mapping->path, err);

    if (code == 0 && mapping->label) {
        code = str_copy(&label, mapping->label, err);
    }
    if (code < 0 || mapping->letter < 'A' || mapping->letter > 'Z') {
        if (code == 0) {
            dav_map_remove(map, path);
        }
        free(path);
        free(label);
        return code;
    }
    mutex_lock(&map->lock);
    drop(map, path, mapping->letter);
    want(&map->slots[mapping->letter - 'A'], &path, &label);
    map->is_busy = true;
    cond_broadcast(&map->changed);
    mutex_unlock(&map->lock);
    return 0;
}

void dav_map_remove(struct dav_map *map, const char *path)
{
    mutex_lock(&map->lock);
    drop(map, path, '\0');
    map->is_busy = true;
    cond_broadcast(&map->changed);
    mutex_unlock(&map->lock);
}

bool dav_map_settle(struct dav_map *map, int64_t wait_ms)
{
    int64_t until_ms = clock_mono_ms(clock_system()) + wait_ms;
    bool is_settled = false;

    mutex_lock(&map->lock);
    while (map->is_busy && clock_mono_ms(clock_system()) < until_ms) {
        cond_wait_ms(&map->changed, &map->lock, 100);
    }
    is_settled = !map->is_busy;
    mutex_unlock(&map->lock);
    return is_settled;
}

int dav_map_advice(struct dav_map *map, char **out, struct error *err)
{
    int code = ERR_NOT_FOUND;

    mutex_lock(&map->lock);
    if (map->error.code < 0) {
        code = str_copy(out, map->error.message, err);
    }
    for (size_t i = 0; i < DAV_MAP_LETTERS && code == ERR_NOT_FOUND; i++) {
        if (map->slots[i].error.code < 0) {
            code = str_copy(out, map->slots[i].error.message, err);
        }
    }
    if (code == ERR_NOT_FOUND && map->note) {
        code = str_copy(out, map->note, err);
    }
    mutex_unlock(&map->lock);
    return code;
}
