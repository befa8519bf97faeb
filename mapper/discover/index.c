#include "index.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static struct index_slot *slot_of(struct index_slot *slots, size_t capacity, const char *key)
{
    size_t at = (size_t)str_hash(key) & (capacity - 1);

    while (slots[at].key && strcmp(slots[at].key, key) != 0) {
        at = (at + 1) & (capacity - 1);
    }
    return &slots[at];
}

static int grow(struct text_index *index, struct error *err)
{
    size_t capacity = index->capacity ? index->capacity * 2 : 64;
    struct index_slot *slots = calloc(capacity, sizeof(*slots));

    if (!slots) {
        return error_set(err, ERR_NO_MEMORY, "no memory for an index of %zu", capacity);
    }
    for (size_t i = 0; i < index->capacity; i++) {
        if (index->slots[i].key) {
            *slot_of(slots, capacity, index->slots[i].key) = index->slots[i];
        }
    }
    free(index->slots);
    index->slots = slots;
    index->capacity = capacity;
    return 0;
}

int text_index_add(struct text_index *index, const char *key, size_t value, bool *is_new,
                   struct error *err)
{
    struct index_slot *slot;
    int code = 0;

    if (index->count * 2 >= index->capacity) {
        code = grow(index, err);
    }
    if (code < 0) {
        return code;
    }
    slot = slot_of(index->slots, index->capacity, key);
    if (is_new) {
        *is_new = slot->key == NULL;
    }
    if (!slot->key) {
        slot->key = key;
        slot->value = value;
        index->count++;
    }
    return 0;
}

bool text_index_find(const struct text_index *index, const char *key, size_t *value)
{
    const struct index_slot *slot;

    if (index->capacity == 0) {
        return false;
    }
    slot = slot_of(index->slots, index->capacity, key);
    if (!slot->key) {
        return false;
    }
    *value = slot->value;
    return true;
}

void text_index_clear(struct text_index *index)
{
    free(index->slots);
    *index = (struct text_index){0};
}
