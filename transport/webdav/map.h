/*
 * map.h - makes the system's own WebDAV client show the gateway: letters by WebClient on Windows,
 * davfs2 on Linux where an administrator allowed it in /etc/fstab.
 *
 * The client asks this very server while it connects, and may take its time: a thread of our own
 * does that, and nobody waits for it but the end. What fails is tried again, and told by
 * dav_map_advice().
 */
#ifndef TRANSPORT_WEBDAV_MAP_H
#define TRANSPORT_WEBDAV_MAP_H

#include "base/error.h"
#include "transport/transport.h"

#define DAV_MAP_LETTERS 26u

/* Where the gateway is. Borrowed. */
struct dav_place {
    uint16_t port;
    const char *secret; /* first segment of each path; "": there is none */
};

/* What differs by system; a double in tests. Called by one thread at a time. */
struct dav_map_system {
    /* Before the first of the others: 0 when the client of the system is there and runs (it is
     * started). Else what to do. *note (may stay NULL; the caller frees) is worth telling though all
     * works. */
    int (*ready)(void *payload, const struct dav_place *place, char **note, struct error *err);

    /* `letter` shows the folder `path` of the gateway from now on, as `label` (may be NULL). The
     * letter is taken over when it showed another folder of this gateway. */
    int (*connect)(void *payload, const struct dav_place *place, char letter, const char *path,
                   const char *label, struct error *err);

    /* Also when files are open in it. Never fails. */
    void (*disconnect)(void *payload, const struct dav_place *place, char letter, const char *path);

    /* *out = the name by which programs of this user open `path`; the caller frees. Optional: there
     * is none that is the same for all. Any thread. */
    int (*name)(char **out, const struct dav_place *place, const char *path, struct error *err);

    /* What `ready` began ends. Optional. */
    void (*end)(void *payload, const struct dav_place *place);
    void *payload;
};

/* Of this system: win32/map.c, posix/map.c. */
const struct dav_map_system *dav_system_map(void);

struct dav_map;

/* Borrows `system` and what `place` points to. */
int dav_map_new(struct dav_map **out, const struct dav_map_system *system,
                const struct dav_place *place, struct error *err);

/* Takes all away, and waits for that. NULL is fine. */
void dav_map_free(struct dav_map *map);

/* The letter of the mapping is to be shown; one that the path had before goes. Without a letter: as
 * dav_map_remove(). */
int dav_map_add(struct dav_map *map, const struct mapping *mapping, struct error *err);
void dav_map_remove(struct dav_map *map, const char *path);

/* Waits until nothing is left to do that was not tried, at most so long. For tests. */
bool dav_map_settle(struct dav_map *map, int64_t wait_ms);

/* *out = why not all is shown as it should be, or the note of the system; the caller frees.
 * ERR_NOT_FOUND: it is, and there is none. */
int dav_map_advice(struct dav_map *map, char **out, struct error *err);

#endif
