/*
 * quickxor.h - quickXorHash, the only hash SharePoint tells (facts, 2.3).
 *
 * Byte i is XORed into a ring of 160 bits at bit 11*i; at the end the length goes into the last 8
 * bytes. As 11*160 is a multiple of 160, bytes that are 160 apart fall on the same place: they are
 * XORed together first, and only 160 of them are shifted at the end.
 */
#ifndef TENANT_QUICKXOR_H
#define TENANT_QUICKXOR_H

#include <stddef.h>
#include <stdint.h>

#define QUICKXOR_SIZE 20

struct quickxor {
    uint8_t columns[160];
    uint64_t length;
};

void quickxor_init(struct quickxor *q);
void quickxor_add(struct quickxor *q, const void *data, size_t n);
void quickxor_finish(const struct quickxor *q, uint8_t out[QUICKXOR_SIZE]);

#endif
