/*
 * quickxor.h - quickXorHash, the one hash that SharePoint has of every file (graph-facts 2.3). Not
 * cryptographic. Verified against the vectors published with it.
 */
#ifndef MAPPER_QUICKXOR_H
#define MAPPER_QUICKXOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct graph_source;

struct quickxor {
    unsigned char cells[20]; /* 160 bits, least significant first */
    uint64_t length;
};

void quickxor_init(struct quickxor *hash);
void quickxor_add(struct quickxor *hash, const void *data, size_t size);

/* The 20 bytes as base64 with padding, as Graph shows them. */
void quickxor_text(const struct quickxor *hash, char out[29]);

/* The hash of all that a source (mapper/graph.h) gives. */
int quickxor_of_source(char out[29], const struct graph_source *source, struct error *err);

#endif
