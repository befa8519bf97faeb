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
#include "stream.h"
#include "wait.h"

#define SMALL_FILE (1024u * 1024)     /* fetched whole by the first read */
#define JOIN_AHEAD (4u * 1024 * 1024) /* nearer than this to a running transfer: wait for it */
#define BIG_READ (64u * 1024)         /* reads of the system's own read-ahead */
#define BULK_READ (128u * 1024)       /* a first one of so much is by who copies, not who looks */
#define BIG_SLACK (1024u * 1024)      /* ... which come out of order within its window */
#define PROBE (8u * 1024 * 1024)      /* so much of a long transfer tells how fast it is */
#define SLOW_MS_BYTES (16u * 1024)    /* of one, in a millisecond: it gets others beside it */
#define SEGMENT (16u * 1024 * 1024)   /* what each of them brings; every request costs */
#define LANES 4u                      /* half of what may run to one host */

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
    /* What is missing might be had by /versions/{id}/content. Not tried: the tags that we know a content by
     * name no version's id, and that publication.versionId is one of these ids, and stays that of the same
     * bytes, is not known (graph-facts 2.3, 2.11). A wrong one would mix two versions. */
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

/* Where a transfer beside others ends. */
static uint64_t segment_end(const struct content *content, uint64_t at)
{
    uint64_t end = (at / SEGMENT + 1) * SEGMENT;

    return end < content->size_bytes ? end : OPEN_ENDED;
}

/* What to fetch for a read at `from` to `to` whose first missing byte is `at`. */
static void choose(const struct content *content, const struct read_habit *habit, uint64_t at,
                   uint64_t to, uint64_t *end, bool *is_long)
{
    *is_long = false;
    if (content->size_bytes <= SMALL_FILE || (habit && habit->steps > 0 && at >= FIRST_STREAM)) {
        *is_long = content->size_bytes > SMALL_FILE && !content->is_wide;
        *end = content->is_wide ? segment_end(content, at) : OPEN_ENDED;
        return;
    }
    if (habit && at == 0 && to >= BULK_READ && !content->is_wide &&
        content->size_bytes > FIRST_STREAM + AHEAD_AT_FIRST) {
        *is_long = true; /* a round trip less than the first MiB by itself */
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
    if (stream->is_paused && !stream->is_cut && stream->download &&
        stream->pos <= stream->want + stream->ahead / 2) {
        /* With the lock held: ending a transfer takes `download` away under it. */
        stream->is_paused = false;
        stream->since_ms = 0;
        graph_download_resume(stream->download);
    }
}

/* Whether the reader, who is at `to`, could have more than this long transfer brings. */
static bool is_slow(const struct stream *stream, uint64_t to)
{
    uint64_t brought = stream->pos - stream->since_pos;
    int64_t took_ms = now_ms() - stream->since_ms;

    return stream->since_ms != 0 && !stream->is_paused && brought >= PROBE &&
           stream->pos <= to + JOIN_AHEAD && took_ms > 0 &&
           brought / (uint64_t)took_ms < SLOW_MS_BYTES;
}

/* A service may limit each connection, and not the user: several bring more. The lock is held. */
static void widen(struct content *content, struct stream *stream)
{
    uint64_t end = ((stream->pos + SEGMENT / 4) / SEGMENT + 1) * SEGMENT;

    if (end + SEGMENT < content->size_bytes) {
        stream->end = end; /* further than what is on its way into the file */
        stream->wake = stream->wake < end ? stream->wake : end;
        stream->is_open_ended = false;
        stream->is_cut = true;
        content->is_wide = true;
    }
}

static struct stream *bringing(struct content *content, uint64_t at)
{
    for (size_t i = 0; i < CONTENT_STREAMS; i++) {
        struct stream *stream = &content->streams[i];

        if (stream->is_taken && !stream_is_over(stream) && !stream->is_refused &&
            stream->start <= at && at < stream->end && stream->pos <= at + BLOCK_BYTES) {
            return stream;
        }
    }
    return NULL;
}

/* The next segments after `to`, as many beside each other as may be. The lock is held, and given up
 * to start one. */
static void fill_lanes(struct content *content, const struct content_source *source, uint64_t to,
                       const struct call *call)
{
    uint64_t until = to + (uint64_t)LANES * SEGMENT;
    unsigned running = 0;
    uint64_t at = to;

    for (size_t i = 0; i < CONTENT_STREAMS; i++) {
        running += content->streams[i].is_taken && !stream_is_over(&content->streams[i]);
    }
    while (running < LANES && at < until && content_missing(content, at, until, &at) &&
           at < content->size_bytes && at < until) {
        struct stream *stream = bringing(content, at);

        if (!stream) {
            struct stream *slot = stream_free_slot(content);

            stream = bringing(content, at); /* somebody else was faster */
            if (!stream &&
                (!slot || stream_start(content, source, slot, at, segment_end(content, at), false,
                                       call, NULL) < 0)) {
                return;
            }
            running++;
            stream = stream ? stream : slot;
        }
        at = stream->end;
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
            if (habit->steps >= 2) {
                stream->ahead = AHEAD;
            }
            follow(stream, to);
            if (is_slow(stream, to)) {
                widen(content, stream);
            }
            return;
        }
    }
    if (habit->steps < 2 || content->is_unstored || to >= content->size_bytes) {
        return;
    }
    if (content->is_wide) {
        fill_lanes(content, source, to, call);
        return;
    }
    if (!content_missing(content, to, to + FIRST_STREAM, &at) || at >= content->size_bytes) {
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
    stream = stream_free_slot(content);
    if (stream) {
        (void)stream_start(content, source, stream, at, OPEN_ENDED, true, call, NULL);
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
        stream = stream_free_slot(content);
        if (stream && !running_to(content, at)) {
            choose(content, habit, at, to, &end, &is_long);
            return stream_start(content, source, stream, at, end, is_long, call, err);
        }
        stream = NULL;
    }
    if (stream && stream->gathered > 0 && !stream->is_writing &&
        at < stream->pos + stream->gathered) {
        stream_put_gathered(stream,
                            false); /* it is here already: the next piece may be long in coming */
        return 0;
    }
    if (stream) {
        follow(stream, to);
        end = (to + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES; /* whole blocks count */
        end = end < content->size_bytes ? end : content->size_bytes;
        end = end < stream->end ? end : stream->end; /* the rest is for another to bring */
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
        stream_note_unstored(content, &trouble);
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
        stream_note_unstored(content, &trouble);
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
