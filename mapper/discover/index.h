/*
 * index.h - finds a place in an array by a text. Keys are borrowed and compared byte by byte: fold
 * them first.
 */
#ifndef MAPPER_DISCOVER_INDEX_H
#define MAPPER_DISCOVER_INDEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct index_slot {
    const char *key;
    size_t value;
};
struct text_index {
    struct index_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

/* A key that is there keeps its first value; *is_new (may be NULL) says which it was. */
int text_index_add(struct text_index *index, const char *key, size_t value, bool *is_new,
                   struct error *err);
bool text_index_find(const struct text_index *index, const char *key, size_t *value);
void text_index_clear(struct text_index *index);

#endif
