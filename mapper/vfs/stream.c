/*
 * stream.c - the transfers that fill a content: what arrives goes into the cache file.
 */
#include "stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "local.h"
#include "mapper/graph.h"
#include "reader.h"

#define URL_MS (5 * 60 * 1000) /* "a few minutes" up to an hour (graph-facts 2.7) */
#define GATHER (256u * 1024)   /* of a long transfer, written at once: it comes in 16 KiB */
#define REFUSALS_MAX 3         /* then ETags say nothing here */

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

/* --- transfers, on the network thread --- */

static int make_place(struct content *content, const struct stream *stream, size_t size,
                      struct error *err)
{
    int code = 0;

    if (stream->pos + size > content->size_bytes && stream->end == OPEN_ENDED) {
        code = content_resize(content, stream->pos + size, err);
        content->is_longer = true; /* than the size says: perhaps another version */
        content->checked_ms = 0;
    }
    return code == 0 ? content_open_file(content, err) : code;
}

void stream_note_unstored(struct content *content, const struct error *why)
{
    if (!content->is_unstored) {
        log_debug(LOG_VFS, "the cache does not hold a file: %s", why->message);
    }
    content->is_unstored = true;
}

/* Writes what came next. The lock is held, and given up while writing if `may_unlock`: the file
 * stays open as long as the slot is taken, nobody reads or punches blocks that are not marked yet.
 * What cannot be kept is dropped: `is_unstored` makes readers fetch for themselves. */
static void put(struct stream *stream, const void *data, size_t size, bool may_unlock)
{
    struct content *content = stream->content;
    struct error err = {0};
    int code = make_place(content, stream, size, &err);

    if (code == 0 && may_unlock) {
        stream->is_writing = true;
        mutex_unlock(&content->lock);
        code = local_write(content->file, data, size, stream->pos, &err);
        mutex_lock(&content->lock);
        stream->is_writing = false;
    } else if (code == 0) {
        code = local_write(content->file, data, size, stream->pos, &err);
    }
    if (code < 0) {
        stream_note_unstored(content, &err);
    } else {
        uint64_t from = stream->pos > BLOCK_BYTES ? stream->pos - BLOCK_BYTES + 1 : 0;

        content_mark(content, from < stream->start ? stream->start : from, stream->pos + size);
    }
    stream->pos += size;
    if (content->waiters > 0 && (stream->pos >= stream->wake || content->is_unstored)) {
        stream->wake = OPEN_ENDED;
        cond_broadcast(&content->more);
    }
}

void stream_put_gathered(struct stream *stream, bool may_unlock)
{
    size_t size = stream->gathered;

    if (size > 0) {
        put(stream, stream->gather, size, may_unlock);
        stream->gathered = 0;
    }
}

/* A long transfer's pieces are put together; a reader who waits for what is there gets it now. On
 * the network thread; the lock is held. */
static void take(struct stream *stream, const char *data, size_t size)
{
    struct content *content = stream->content;

    if (!stream->gather &&
        (stream->is_open_ended || stream->is_cut ||
         (stream->end != OPEN_ENDED && stream->end - stream->start > FIRST_STREAM))) {
        stream->gather = malloc(GATHER);
    }
    if (!stream->gather || size > GATHER) {
        stream_put_gathered(stream, true);
        put(stream, data, size, true);
        return;
    }
    if (size > GATHER - stream->gathered) {
        stream_put_gathered(stream, true);
    }
    memcpy(stream->gather + stream->gathered, data, size);
    stream->gathered += size;
    if (stream->gathered == GATHER || content->is_unstored ||
        (content->waiters > 0 && stream->pos + stream->gathered >= stream->wake)) {
        stream_put_gathered(stream, true);
    }
}

/* Far enough before the readers: it waits for them, with nothing in memory. */
static bool is_far_ahead(struct stream *stream)
{
    if (!stream->is_open_ended || stream->pos + stream->gathered <= stream->want + stream->ahead) {
        return false;
    }
    stream_put_gathered(stream, true); /* they may come nearer meanwhile */
    if (stream->pos <= stream->want + stream->ahead) {
        return false;
    }
    free(stream->gather);
    stream->gather = NULL;
    return true;
}

/* Two transfers of one content must be of one version, even while the last look at it is believed.
 * A new ETag alone proves nothing (a rename makes one): then readers ask. */
static void on_etag(void *payload, const char *etag)
{
    struct stream *stream = payload;
    struct content *content = stream->content;

    mutex_lock(&content->lock);
    if (!content->etag && content->refusals < REFUSALS_MAX) {
        (void)str_copy(&content->etag, etag, NULL);
    } else if (content->etag && strcmp(content->etag, etag) != 0) {
        content->refusals++; /* a server that invents them must not keep us from reading */
        stream->is_refused = true;
        str_free(&content->etag);
        content->checked_ms = 0;
        cond_broadcast(&content->more);
    }
    mutex_unlock(&content->lock);
}

static size_t on_data(void *payload, const void *data, size_t size)
{
    struct stream *stream = payload;
    struct content *content = stream->content;
    uint64_t left = 0;

    mutex_lock(&content->lock);
    if (stream->is_refused) {
        mutex_unlock(&content->lock);
        return size;
    }
    left = stream->end - stream->pos - stream->gathered;
    if (left == 0) {
        stream_put_gathered(stream, true);
    }
    if (left == 0 || is_far_ahead(stream)) {
        stream->is_paused = true;
        mutex_unlock(&content->lock);
        return 0;
    }
    if (stream->since_ms == 0) {
        stream->since_ms = now_ms();
        stream->since_pos = stream->pos;
    }
    size = size < left ? size : (size_t)left;
    content->arrivals++;
    take(stream, data, size);
    mutex_unlock(&content->lock);
    return size;
}

static void on_done(void *payload, int code, const struct error *err)
{
    struct stream *stream = payload;
    struct content *content = stream->content;

    mutex_lock(&content->lock);
    stream_put_gathered(stream, true);
    stream->is_done = true;
    /* Less than the item's size says: readers ask which of the two is right. */
    if (code == 0 && !stream->is_refused &&
        stream->pos < (stream->end == OPEN_ENDED ? content->size_bytes : stream->end)) {
        content->is_in_doubt = true;
        content->doubt_start = stream->start;
        content->doubt_end = stream->pos;
        content->checked_ms = 0;
    }
    if (code < 0 && code != ERR_CANCELLED && !stream->is_refused) {
        content->failure = *err;
        content->failure_from = stream->pos / BLOCK_BYTES * BLOCK_BYTES;
        content->failure_to = stream->end;
        content->failures++;
    }
    cond_broadcast(&content->more);
    mutex_unlock(&content->lock);
}

/* --- transfers, on readers' threads --- */

/* Ends one transfer; the lock is held and given up meanwhile. */
static void end_stream(struct content *content, struct stream *stream)
{
    struct graph_download *download = stream->download;

    stream->download = NULL;
    if (!download) {
        return;
    }
    mutex_unlock(&content->lock);
    graph_download_free(download);
    mutex_lock(&content->lock);
    free(stream->gather);
    stream->gather = NULL;
    stream->is_taken = false;
    cond_broadcast(&content->more);
}

bool stream_is_over(const struct stream *stream)
{
    return stream->is_done || (stream->is_cut && stream->pos >= stream->end);
}

static void reap(struct content *content)
{
    for (size_t i = 0; i < CONTENT_STREAMS; i++) {
        if (content->streams[i].is_taken && stream_is_over(&content->streams[i])) {
            end_stream(content, &content->streams[i]);
        }
    }
}

void content_stop_idle(struct content *content, int64_t idle_ms)
{
    mutex_lock(&content->lock);
    for (size_t i = 0; i < CONTENT_STREAMS; i++) {
        struct stream *stream = &content->streams[i];

        if (stream->is_taken && (stream->is_done || now_ms() - stream->used_ms >= idle_ms)) {
            end_stream(content, stream);
        }
    }
    mutex_unlock(&content->lock);
}

void content_stop_streams(struct content *content)
{
    content_stop_idle(content, 0);
}

struct stream *stream_free_slot(struct content *content)
{
    struct stream *oldest = NULL;

    reap(content);
    for (size_t i = 0; i < CONTENT_STREAMS; i++) {
        struct stream *stream = &content->streams[i];

        if (!stream->is_taken) {
            return stream;
        }
        if (stream->is_paused && stream->download &&
            (!oldest || stream->used_ms < oldest->used_ms)) {
            oldest = stream;
        }
    }
    if (oldest) {
        end_stream(content, oldest);
        return oldest->is_taken ? NULL : oldest;
    }
    return NULL;
}

int stream_start(struct content *content, const struct content_source *source,
                 struct stream *stream, uint64_t start, uint64_t end, bool is_long,
                 const struct call *call, struct error *err)
{
    struct graph_download_callbacks callbacks = {on_data, on_done, stream, on_etag};
    struct graph_download_request request = {
        .drive_id = content->drive_id,
        .item_id = content->item_id,
        .offset = start,
        .length = end == OPEN_ENDED ? 0 : end - start,
        .priority = call->priority,
        .deadline_ms = call->deadline_ms,
    };
    struct graph_download *download = NULL;
    char *url = NULL;
    int code = 0;

    *stream = (struct stream){.content = content,
                              .is_taken = true,
                              .is_open_ended = is_long,
                              .start = start,
                              .pos = start,
                              .end = end,
                              .want = start,
                              .ahead = start == 0 ? AHEAD_AT_FIRST : AHEAD,
                              .wake = OPEN_ENDED,
                              .used_ms = now_ms()};
    if (content->download_url && now_ms() - content->url_ms < URL_MS) {
        (void)str_copy(&url, content->download_url, NULL);
    }
    request.download_url = url;
    mutex_unlock(&content->lock);
    content_make_room(content);
    code = graph_download_start(&download, source->account, &request, &callbacks, err);
    secret_free(&url);
    mutex_lock(&content->lock);
    if (code < 0) {
        stream->is_taken = false;
    } else {
        stream->download = download;
    }
    cond_broadcast(&content->more);
    return code;
}
