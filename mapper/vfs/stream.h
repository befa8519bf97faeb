/*
 * stream.h - between reader.c and stream.c: the transfers that fill a content. All with content->lock
 * held.
 */
#ifndef MAPPER_VFS_STREAM_H
#define MAPPER_VFS_STREAM_H

#include "cache.h"
#include "mapper/call.h"

struct content_source;

#define FIRST_STREAM (1024u * 1024) /* what a first read from the start fetches */
#define AHEAD (32u * 1024 * 1024)   /* a long transfer pauses so far before its readers, ... */
#define AHEAD_AT_FIRST FIRST_STREAM /* ... and from the start so far, until they follow */
#define OPEN_ENDED UINT64_MAX

/* A free slot, if need be by ending a transfer that waits for readers who went elsewhere. NULL: all
 * are busy. May give the lock up for a moment. */
struct stream *stream_free_slot(struct content *content);

/* Starts [start, end); `end` OPEN_ENDED goes to the end of the file. The lock is given up meanwhile;
 * the slot is visible to others at once, so that two readers never fetch the same. */
int stream_start(struct content *content, const struct content_source *source,
                 struct stream *stream, uint64_t start, uint64_t end, bool is_long,
                 const struct call *call, struct error *err);

/* It brings nothing more. */
bool stream_is_over(const struct stream *stream);

/* Writes what arrived. Not while `is_writing`; `may_unlock`: on the network thread only. */
void stream_put_gathered(struct stream *stream, bool may_unlock);

/* Trouble with the disk is no trouble of the reader's: what the cache cannot hold or give back comes
 * from the service. */
void stream_note_unstored(struct content *content, const struct error *why);

#endif
