/*
 * content.h - what the tests of downloads and uploads share. Content is wire_byte() of a seed.
 */
#ifndef WIRE_CONTENT_H
#define WIRE_CONTENT_H

#include "base/buf.h"
#include "base/thread.h"
#include "wire.h"

#define MIB (1024u * 1024u)

/* What a download gives. deadline_ms, is_slow and meanwhile may be set between init and the download. */
struct sink {
    struct mutex mutex; /* guards all below */
    struct cond changed;
    struct buf bytes;
    int64_t deadline_ms;
    bool is_slow;                         /* takes 1000 bytes, then nothing until told */
    void (*meanwhile)(struct wire *wire); /* called once, by content_download(), while a slow one
                                             has bytes and waits to be told */
    bool is_full;
    bool is_done;
    int code;
    struct error err;
};

void sink_init(struct sink *sink);
void sink_clear(struct sink *sink);

/* For struct graph_download_callbacks; the payload is the sink. */
size_t sink_data(void *payload, const void *data, size_t size);
void sink_done(void *payload, int code, const struct error *err);

/* Downloads to the end; resumes when the sink was full. */
int content_download(struct wire *wire, struct sink *sink, const char *item_id, const char *url,
                     uint64_t offset, uint64_t length, struct error *err);

/* `size` bytes of a content, from `offset` on. */
void content_assert(const struct buf *bytes, unsigned seed, uint64_t offset, size_t size);

/* A new file of ours; its id, which the caller frees. */
char *content_upload(struct wire *wire, const char *name, uint64_t size, unsigned seed);

/* What the server holds, read without any fault. */
void content_assert_stored(struct wire *wire, const char *id, uint64_t size, unsigned seed);

#endif
