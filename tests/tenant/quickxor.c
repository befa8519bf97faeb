#include "quickxor.h"

#include <string.h>

void quickxor_init(struct quickxor *q)
{
    memset(q, 0, sizeof(*q));
}

/* 160 bytes, in words. */
static void add_row(uint8_t *columns, const uint8_t *row)
{
    for (size_t i = 0; i < 160; i += sizeof(uint64_t)) {
        uint64_t a;
        uint64_t b;
        memcpy(&a, columns + i, sizeof(a));
        memcpy(&b, row + i, sizeof(b));
        a ^= b;
        memcpy(columns + i, &a, sizeof(a));
    }
}

void quickxor_add(struct quickxor *q, const void *data, size_t n)
{
    const uint8_t *p = data;
    size_t at = (size_t)(q->length % sizeof(q->columns));
    q->length += n;
    while (n > 0) {
        if (at == 0 && n >= sizeof(q->columns)) {
            add_row(q->columns, p);
            p += sizeof(q->columns);
            n -= sizeof(q->columns);
            continue;
        }
        size_t part = sizeof(q->columns) - at;
        part = part < n ? part : n;
        for (size_t i = 0; i < part; i++) {
            q->columns[at + i] ^= p[i];
        }
        p += part;
        n -= part;
        at = 0;
    }
}

void quickxor_finish(const struct quickxor *q, uint8_t out[QUICKXOR_SIZE])
{
    memset(out, 0, QUICKXOR_SIZE);
    for (unsigned i = 0; i < sizeof(q->columns); i++) {
        unsigned bit = 11 * i % 160;
        unsigned value = (unsigned)q->columns[i] << bit % 8;
        out[bit / 8] ^= (uint8_t)value;
        out[(bit / 8 + 1) % QUICKXOR_SIZE] ^= (uint8_t)(value >> 8);
    }
    for (unsigned i = 0; i < 8; i++) {
        out[12 + i] ^= (uint8_t)(q->length >> (8 * i));
    }
}
