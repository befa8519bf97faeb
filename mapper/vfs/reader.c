#include "reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "local.h"
#include "mapper/graph.h"
#include "wait.h"

#define SMALL_FILE (1024u * 1024)     /* fetched whole by the first read */
#define FIRST_STREAM (1024u * 1024)   /* what a first read from the start fetches */
#define AHEAD (32u * 1024 * 1024)     /* a long transfer pauses so far before its readers */
#define JOIN_AHEAD (4u * 1024 * 1024) /* nearer than this to a running transfer: wait for it */
#define BIG_READ (64u * 1024)         /* reads of the system's own read-ahead */
#define BIG_SLACK (1024u * 1024)      /* ... which come out of order within its window */
#define URL_MS (5 * 60 * 1000)        /* "a few minutes" up to an hour (graph-facts 2.7) */
#define GATHER (256u * 1024)          /* of a long transfer, written at once: it comes in 16 KiB */
#define OPEN_ENDED UINT64_MAX
#define REFUSALS_MAX 3 /* then ETags say nothing here */

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

uint64_t content_size(struct content *content)
{
    uint64_t size = 0;

    mutex_lock(&content->lock);
    size = content->size_bytes;
    mutex_unlock(&content->lock);
    return size;
}

bool content_is_unconfirmed(struct content *content)
{
    bool is_unconfirmed = false;

    mutex_lock(&content->lock);
    is_unconfirmed = content->arrivals != content->confirmed;
    mutex_unlock(&content->lock);
    return is_unconfirmed;
}

void content_confirm(struct content *content, const char *download_url)
{
    mutex_lock(&content->lock);
    content->checked_ms = now_ms();
    if (download_url) {
        secret_free(&content->download_url);
        (void)str_copy(&content->download_url, download_url, NULL);
        content->url_ms = content->checked_ms;
    }
    mutex_unlock(&content->lock);
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

/* Trouble with the disk is no trouble of the reader's: what the cache cannot hold or give back comes
 * from the service. The lock is held. */
static void note_unstored(struct content *content, const struct error *why)
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
        note_unstored(content, &err);
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

static void put_gathered(struct stream *stream, bool may_unlock)
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

    if (stream->is_open_ended && !stream->gather) {
        stream->gather = malloc(GATHER);
    }
    if (!stream->gather || size > GATHER) {
        put_gathered(stream, true);
        put(stream, data, size, true);
        return;
    }
    if (size > GATHER - stream->gathered) {
        put_gathered(stream, true);
    }
    memcpy(stream->gather + stream->gathered, data, size);
    stream->gathered += size;
    if (stream->gathered == GATHER || content->is_unstored ||
        (content->waiters > 0 && stream->pos + stream->gathered >= stream->wake)) {
        put_gathered(stream, true);
    }
}

/* Far enough before the readers: it waits for them, with nothing in memory. */
static bool is_far_ahead(struct stream *stream)
{
    if (!stream->is_open_ended || stream->pos + stream->gathered <= stream->want + AHEAD) {
        return false;
    }
    put_gathered(stream, true); /* they may come nearer meanwhile */
    if (stream->pos <= stream->want + AHEAD) {
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
    if (is_far_ahead(stream)) {
        stream->is_paused = true;
        mutex_unlock(&content->lock);
        return 0;
    }
    left = stream->end - stream->pos - stream->gathered;
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
    put_gathered(stream, true);
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

static void reap(struct content *content)
{
    for (size_t i = 0; i < CONTENT_STREAMS; i++) {
        if (content->streams[i].is_taken && content->streams[i].is_done) {
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

/* A free slot, if need be by ending a transfer that waits for readers who went elsewhere. NULL: all
 * are busy. May give the lock up for a moment. */
static struct stream *free_slot(struct content *content)
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

/* Starts [start, end); `end` OPEN_ENDED goes to the end of the file. The lock is held and given up
 * meanwhile; the slot is visible to others at once, so that two readers never fetch the same. */
static int start_stream(struct content *content, const struct content_source *source,
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

/* Asks the service whether this is still the version, and for a download URL; one thread for all.
 */
static int prepare(struct content *content, const struct content_source *source,
                   const struct call *call, struct error *err)
{
    struct graph_item item = {0};
    uint64_t arrivals = 0;
    int code = 0;

    while (content->is_preparing) {
        code = call_wait(call, &content->more, &content->lock, err);
        if (code < 0) {
            return code;
        }
    }
    if (content->is_outdated) {
        return error_set(err, ERR_CHANGED, "the file was changed by someone else while it is open");
    }
    if (content->checked_ms != 0 && now_ms() - content->checked_ms < source->trust_ms) {
        return 0;
    }
    content->is_preparing = true;
    arrivals = content->arrivals;
    mutex_unlock(&content->lock);
    code = graph_get_item(&item, source->account, content->drive_id, content->item_id, call, err);
    mutex_lock(&content->lock);
    content->is_preparing = false;
    cond_broadcast(&content->more);
    if (code == 0) {
        const char *version = item.ctag ? item.ctag : item.etag;

        if (version && strcmp(version, content->version) != 0) {
            content->is_outdated = true;
            code = error_set(err, ERR_CHANGED,
                             "the file was changed by someone else while it is open");
        } else {
            content->checked_ms = now_ms();
            content->confirmed = arrivals;
            secret_free(&content->download_url);
            content->download_url = item.download_url;
            item.download_url = NULL;
            content->url_ms = content->checked_ms;
        }
    }
    graph_item_clear(&item);
    return code;
}

/* It is the version, and a transfer of it was shorter than its size says: the transfer is right
 * (graph-facts 2.7). The lock is held. */
static int settle_doubt(struct content *content, const struct content_source *source,
                        const struct call *call, struct error *err)
{
    int code = prepare(content, source, call, err);

    if (code == 0 && content->is_in_doubt) {
        content->is_in_doubt = false;
        code = content_resize(content, content->doubt_end, err);
        if (code == 0 && content->map) {
            content_mark(content, content->doubt_start, content->doubt_end);
        }
    }
    return code;
}

/* --- deciding --- */

static bool is_in_order(const struct read_habit *habit, uint64_t offset, size_t size)
{
    uint64_t slack = size >= BIG_READ ? BIG_SLACK : 0;

    return offset + slack >= habit->next && offset <= habit->next + slack;
}

/* The transfer that will bring `at` soon. */
static struct stream *running_to(struct content *content, uint64_t at)
{
    for (size_t i = 0; i < CONTENT_STREAMS; i++) {
        struct stream *stream = &content->streams[i];

        if (stream->is_taken && !stream->is_done && !stream->is_refused && stream->start <= at &&
            at < stream->end && stream->pos <= at + BLOCK_BYTES && at <= stream->pos + JOIN_AHEAD) {
            return stream;
        }
    }
    return NULL;
}

/* What to fetch for a read at `from` to `to` whose first missing byte is `at`. */
static void choose(const struct content *content, const struct read_habit *habit, uint64_t at,
                   uint64_t to, uint64_t *end, bool *is_long)
{
    *is_long = false;
    if (content->size_bytes <= SMALL_FILE || (habit && habit->steps > 0 && at >= FIRST_STREAM)) {
        *is_long = content->size_bytes > SMALL_FILE;
        *end = OPEN_ENDED;
        return;
    }
    *end = (to + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
    if (habit && (at == 0 || habit->steps > 0)) {
        uint64_t first = (at / FIRST_STREAM + 1) * FIRST_STREAM;

        *end = first > *end ? first : *end;
    }
    if (*end >= content->size_bytes) {
        *end = OPEN_ENDED;
    }
}

/* Lets a transfer go on that waits for its readers. The lock is held. */
static void follow(struct stream *stream, uint64_t want)
{
    stream->used_ms = now_ms();
    if (want > stream->want) {
        stream->want = want;
    }
    if (stream->is_paused && stream->download && stream->pos <= stream->want + AHEAD / 2) {
        /* With the lock held: ending a transfer takes `download` away under it. */
        stream->is_paused = false;
        graph_download_resume(stream->download);
    }
}

/* A reader in order gets the next stretch before it needs it. */
static void run_ahead(struct content *content, const struct content_source *source,
                      const struct read_habit *habit, uint64_t to, const struct call *call)
{
    uint64_t at = 0;
    struct stream *stream = NULL;

    for (size_t i = 0; i < CONTENT_STREAMS; i++) {
        stream = &content->streams[i];
        if (stream->is_taken && stream->is_open_ended && !stream->is_done && !stream->is_refused &&
            stream->start <= to && to <= stream->pos) {
            follow(stream, to);
            return;
        }
    }
    if (habit->steps < 2 || content->is_unstored || to >= content->size_bytes ||
        !content_missing(content, to, to + FIRST_STREAM, &at) || at >= content->size_bytes) {
        return;
    }
    stream = running_to(content, at);
    if (stream && stream->end != OPEN_ENDED) {
        /* It ends soon: what is missing behind it? */
        at = stream->end;
        if (!content_missing(content, at, at + FIRST_STREAM, &at)) {
            return;
        }
        stream = running_to(content, at);
    }
    if (stream || at >= content->size_bytes) {
        return;
    }
    stream = free_slot(content);
    if (stream) {
        (void)start_stream(content, source, stream, at, OPEN_ENDED, true, call, NULL);
    }
}

/* One step towards having [at, ...): join a transfer, start one, or wait for room. */
static int step(struct content *content, const struct content_source *source,
                const struct read_habit *habit, uint64_t at, uint64_t to, const struct call *call,
                struct error *err)
{
    struct stream *stream = running_to(content, at);
    uint64_t end = 0;
    bool is_long = false;
    int code = 0;

    if (content->is_in_doubt) {
        return settle_doubt(content, source, call, err);
    }
    if (!stream) {
        code = prepare(content, source, call, err);
        if (code < 0 || running_to(content, at)) {
            return code;
        }
        stream = free_slot(content);
        if (stream && !running_to(content, at)) {
            choose(content, habit, at, to, &end, &is_long);
            return start_stream(content, source, stream, at, end, is_long, call, err);
        }
        stream = NULL;
    }
    if (stream && stream->gathered > 0 && !stream->is_writing &&
        at < stream->pos + stream->gathered) {
        put_gathered(stream, false); /* it is here already: the next piece may be long in coming */
        return 0;
    }
    if (stream) {
        follow(stream, to);
        end = (to + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES; /* whole blocks count */
        end = end < content->size_bytes ? end : content->size_bytes;
        stream->wake = end < stream->wake ? end : stream->wake;
    }
    content->waiters++;
    code = call_wait(call, &content->more, &content->lock, err);
    content->waiters--;
    return code;
}

/* --- without the disk --- */

static int check_version(struct content *content, const struct content_source *source,
                         bool is_doubtful, const struct call *call, struct error *err)
{
    int code = 0;

    mutex_lock(&content->lock);
    if (is_doubtful) {
        content->checked_ms = 0;
    }
    code = prepare(content, source, call, err);
    mutex_unlock(&content->lock);
    return code;
}

/* Straight to the reader's memory. Without the lock. */
static int read_past_disk(struct content *content, const struct content_source *source, void *data,
                          size_t size, uint64_t offset, size_t *got, const struct call *call,
                          struct error *err)
{
    int code = check_version(content, source, false, call, err);

    *got = 0;
    if (code == 0) {
        code = graph_read_range(source->account, content->drive_id, content->item_id, data, size,
                                offset, got, call, err);
    }
    if (code == 0 && *got < size) {
        /* The end comes sooner than the size says: unless it is another file by now, it is so. */
        code = check_version(content, source, true, call, err);
    }
    return code;
}

/* --- public --- */

/* Until [offset, to) is on the disk, or the disk refuses. The lock is held. */
static int bring(struct content *content, const struct content_source *source,
                 const struct read_habit *habit, uint64_t offset, uint64_t to,
                 const struct call *call, struct error *err)
{
    uint32_t failures = content->failures; /* of earlier reads: they were told */
    uint64_t at = 0;
    int code = 0;

    while (code == 0 && !content->is_unstored) {
        uint64_t end = to < content->size_bytes ? to : content->size_bytes;

        if (content->is_longer) {
            code = prepare(content, source, call, err);
            content->is_longer = code < 0;
            continue;
        }
        if (offset >= end || !content_missing(content, offset, end, &at)) {
            return 0;
        }
        if (content->failures != failures && content->failure_from <= at &&
            at < content->failure_to) {
            if (err) {
                *err = content->failure;
            }
            return content->failure.code;
        }
        code = step(content, source, habit, at, end, call, err);
    }
    return code;
}

int content_read(struct content *content, const struct content_source *source,
                 struct read_habit *habit, void *data, size_t size, uint64_t offset, size_t *got,
                 const struct call *call, struct error *err)
{
    struct error trouble = {0};
    bool is_unstored = false;
    int code = 0;

    *got = 0;
    mutex_lock(&content->lock);
    if (offset >= content->size_bytes || size == 0) {
        mutex_unlock(&content->lock);
        return 0;
    }
    if (habit) {
        habit->steps = is_in_order(habit, offset, size) && habit->next > 0 ? habit->steps + 1 : 0;
        habit->next = offset + size;
    }
    content->read_pos = offset;
    code = bring(content, source, habit, offset, offset + size, call, err);
    if (code == 0 && offset < content->size_bytes && size > content->size_bytes - offset) {
        size = (size_t)(content->size_bytes - offset);
    }
    if (code == 0 && offset >= content->size_bytes) {
        size = 0;
    }
    if (code == 0 && size > 0 && !content->is_unstored &&
        content_open_file(content, &trouble) < 0) {
        note_unstored(content, &trouble);
    }
    if (code == 0 && habit) {
        run_ahead(content, source, habit, offset + size, call);
    }
    is_unstored = content->is_unstored;
    content->copying++;
    mutex_unlock(&content->lock);
    if (code == 0 && size > 0 && !is_unstored &&
        local_read(content->file, data, size, offset, got, &trouble) < 0) {
        is_unstored = true;
        mutex_lock(&content->lock);
        note_unstored(content, &trouble);
        mutex_unlock(&content->lock);
    }
    if (code == 0 && size > 0 && is_unstored) {
        code = read_past_disk(content, source, data, size, offset, got, call, err);
    }
    mutex_lock(&content->lock);
    content->copying--;
    mutex_unlock(&content->lock);
    content_make_room(content);
    return code;
}

int content_fetch_all(struct content *content, const struct content_source *source,
                      const struct call *call, struct error *err)
{
    struct read_habit whole = {.next = 1, .steps = 1};
    uint64_t offset = 0;
    int code = 0;

    mutex_lock(&content->lock);
    while (code == 0 && offset < content->size_bytes && !content->is_unstored) {
        code = bring(content, source, &whole, offset, offset + FIRST_STREAM, call, err);
        offset += FIRST_STREAM;
        whole.steps++;
    }
    if (code == 0 && content->is_unstored) {
        code = error_set(err, ERR_NO_SPACE, "the disk cannot hold the file");
    }
    mutex_unlock(&content->lock);
    return code;
}
