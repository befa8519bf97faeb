#include "extents.h"

#include <stdlib.h>
#include <string.h>

/* Index of the first range that ends at or after `at`. */
static size_t find(const struct extents *set, uint64_t at)
{
    size_t low = 0;
    size_t high = set->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (set->items[middle].end < at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int reserve(struct extents *set, struct error *err)
{
    struct extent *grown = NULL;
    size_t capacity = set->capacity ? set->capacity * 2 : 8;

    if (set->count < set->capacity) {
        return 0;
    }
    if (set->count >= EXTENTS_MAX) {
        return error_set(err, ERR_LIMIT, "too many separate ranges");
    }
    grown = realloc(set->items, capacity * sizeof(*grown));
    if (!grown) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the ranges of a file");
    }
    set->items = grown;
    set->capacity = capacity;
    return 0;
}

int extents_add(struct extents *set, uint64_t start, uint64_t end, struct error *err)
{
    size_t first = find(set, start);
    size_t last = first;
    int code = 0;

    if (start >= end) {
        return 0;
    }
    while (last < set->count && set->items[last].start <= end) {
        last++;
    }
    if (last == first) {
        code = reserve(set, err);
        if (code < 0) {
            return code;
        }
        memmove(&set->items[first + 1], &set->items[first],
                (set->count - first) * sizeof(*set->items));
        set->items[first] = (struct extent){start, end};
        set->count++;
        return 0;
    }
    if (set->items[first].start < start) {
        start = set->items[first].start;
    }
    if (set->items[last - 1].end > end) {
        end = set->items[last - 1].end;
    }
    set->items[first] = (struct extent){start, end};
    memmove(&set->items[first + 1], &set->items[last], (set->count - last) * sizeof(*set->items));
    set->count -= last - first - 1;
    return 0;
}

void extents_truncate(struct extents *set, uint64_t size)
{
    while (set->count > 0 && set->items[set->count - 1].start >= size) {
        set->count--;
    }
    if (set->count > 0 && set->items[set->count - 1].end > size) {
        set->items[set->count - 1].end = size;
    }
}

bool extents_has(const struct extents *set, uint64_t at, uint64_t *until)
{
    size_t i = find(set, at);

    if (i < set->count && set->items[i].end == at) {
        i++;
    }
    if (i == set->count) {
        *until = UINT64_MAX;
        return false;
    }
    if (set->items[i].start <= at) {
        *until = set->items[i].end;
        return true;
    }
    *until = set->items[i].start;
    return false;
}

bool extents_gap(const struct extents *set, uint64_t from, uint64_t limit, struct extent *out)
{
    while (from < limit) {
        uint64_t until = 0;

        if (!extents_has(set, from, &until)) {
            *out = (struct extent){from, until < limit ? until : limit};
            return true;
        }
        from = until;
    }
    return false;
}

void extents_clear(struct extents *set)
{
    free(set->items);
    *set = (struct extents){0};
}
