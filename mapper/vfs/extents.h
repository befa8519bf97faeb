/*
 * extents.h - a set of byte ranges: which parts of a spool file hold what a program wrote. Pure;
 * not thread-safe.
 */
#ifndef MAPPER_VFS_EXTENTS_H
#define MAPPER_VFS_EXTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* So many separate ranges at most: a program that scatters more gets ERR_LIMIT, and the caller
 * fills the gaps. */
#define EXTENTS_MAX 65536u

struct extent {
    uint64_t start;
    uint64_t end; /* first byte after */
};

/* Zero-initialise. Sorted, never touching each other. */
struct extents {
    struct extent *items;
    size_t count;
    size_t capacity;
};

/* ERR_LIMIT, ERR_NO_MEMORY; the set is unchanged then. */
int extents_add(struct extents *set, uint64_t start, uint64_t end, struct error *err);

/* Removes all from `size` on. */
void extents_truncate(struct extents *set, uint64_t size);

/* Whether `at` is in the set; *until is where this answer ends (UINT64_MAX: never). */
bool extents_has(const struct extents *set, uint64_t at, uint64_t *until);

/* The first gap at or after `from` and below `limit`; false when there is none. */
bool extents_gap(const struct extents *set, uint64_t from, uint64_t limit, struct extent *out);

void extents_clear(struct extents *set);

#endif
