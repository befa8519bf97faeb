/*
 * blob.h - bytes of files: uploaded ones in files of the state folder, scenario ones made on the
 * fly.
 *
 * A content never changes and is shared by item, versions and copies, so it may be read on any
 * thread without the world's lock for as long as one holds a reference.
 */
#ifndef TENANT_BLOB_H
#define TENANT_BLOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct content {
    atomic_uint refs;
    int64_t size;
    uint64_t seed; /* of made bytes, when there is neither text nor path */
    char *text;    /* bytes in memory */
    char *path;    /* file that holds them, removed with the last reference */
    char *suffix;  /* text that follows: what Office enrichment adds; counted in size */
    bool has_hash;
    unsigned char hash[20]; /* quickXorHash */
};

struct content *content_new_seed(uint64_t seed, int64_t size);
struct content *content_new_text(const char *text, int64_t size);
/* Takes over the file at path. Reads it to hash it: not under the world's lock. */
struct content *content_new_file(const char *path);
/* The same bytes with a text behind them. */
struct content *content_with_suffix(const struct content *c, const char *suffix);
struct content *content_ref(struct content *c);
void content_unref(struct content *c);

/* Makes up the hash of made and text content if it is small (up to 64 KiB), else has_hash stays
 * false. */
void content_hash_small(struct content *c);

/* Reads by offset on a handle of its own. */
struct content_reader {
    struct content *content;
    int fd;
};
int content_open(struct content_reader *r,
                 struct content *c); /* takes a reference; -1 with errno */
int64_t content_read(struct content_reader *r, uint64_t offset, void *buf, size_t n);
void content_close(struct content_reader *r);

/* The made bytes of a seed. */
void seed_bytes(uint64_t seed, uint64_t offset, void *buf, size_t n);

#endif
