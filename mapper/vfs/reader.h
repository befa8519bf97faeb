/*
 * reader.h - reading a content: from the disk what is there, from the service what is not.
 *
 * Whoever reads in order gets one long transfer that runs ahead into the cache file, and where that
 * is slow, as services limit a connection, several of a segment each; whoever reads here and there
 * gets the ranges asked for, in whole blocks. From the start of a file that is the first MiB, or for
 * a read as large as copying programs make the long transfer at once, a MiB ahead until they follow.
 * All readers of a content share its transfers. Bytes go to the disk and never pile up in memory.
 */
#ifndef MAPPER_VFS_READER_H
#define MAPPER_VFS_READER_H

#include "cache.h"
#include "mapper/account.h"
#include "mapper/call.h"

/* How one handle reads. Zero-initialise; one for each handle, guarded by content->lock. */
struct read_habit {
    uint64_t next;  /* where the last read ended */
    uint32_t steps; /* reads in order, one after the other */
};

struct content_source {
    struct account *account; /* borrowed */
    int64_t trust_ms;        /* so long the version is believed without asking */
};

/* *got < size only at the end. ERR_CHANGED: the service has another version by now, and the part
 * that is missing here cannot be had. */
int content_read(struct content *content, const struct content_source *source,
                 struct read_habit *habit, void *data, size_t size, uint64_t offset, size_t *got,
                 const struct call *call, struct error *err);

/* Until all of it is in the cache file. ERR_NO_SPACE when the disk cannot hold it. */
int content_fetch_all(struct content *content, const struct content_source *source,
                      const struct call *call, struct error *err);

/* The server told of this version just now, with a download URL (copied) or without (NULL). */
void content_confirm(struct content *content, const char *download_url);

uint64_t content_size(struct content *content);

/* Whether something arrived after the server told of the version last: an address of content leads
 * to whatever version is the newest, so that this may be of another one. */
bool content_is_unconfirmed(struct content *content);

/* Cancels transfers that nobody waited for since `idle_ms`. */
void content_stop_idle(struct content *content, int64_t idle_ms);
void content_stop_streams(struct content *content);

#endif
