/* Downloads: one thread each. */
#include "fake_private.h"

#include <stdlib.h>

#include "base/clock.h"

struct graph_download {
    struct fake *fake;
    struct thread thread;
    struct graph_download_callbacks callbacks;
    uint32_t index;
    /* of the version that the transfer is of, whatever becomes of the item */
    bool is_large;
    const unsigned char *data;
    uint64_t size;
    uint64_t pos;
    uint64_t end;
    struct mutex lock;
    struct cond go;
    bool may_go; /* resumed since it was paused */
    bool is_cancelled;
};

unsigned char fake_byte(uint64_t offset)
{
    return (unsigned char)((offset * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
}

/* The next bytes; with the drive's lock. */
static size_t next_bytes(struct graph_download *d, unsigned char *chunk)
{
    uint64_t end = d->end < d->size ? d->end : d->size;
    size_t size = 0;

    if (d->fake->items[d->index].is_gone || d->pos >= end) {
        return 0;
    }
    size = end - d->pos < CHUNK ? (size_t)(end - d->pos) : CHUNK;
    for (size_t i = 0; i < size; i++) {
        chunk[i] = d->is_large ? fake_byte(d->pos + i) : d->data[d->pos + i];
    }
    d->fake->downloaded += size;
    return size;
}

static bool is_cancelled(struct graph_download *d)
{
    bool is_over = false;

    mutex_lock(&d->lock);
    is_over = d->is_cancelled;
    mutex_unlock(&d->lock);
    return is_over;
}

static void deliver(struct graph_download *d, const unsigned char *chunk, size_t size)
{
    size_t taken = 0;

    while (taken < size && !is_cancelled(d)) {
        size_t n = d->callbacks.on_data(d->callbacks.payload, chunk + taken, size - taken);

        taken += n;
        mutex_lock(&d->lock);
        while (n == 0 && !d->may_go && !d->is_cancelled) {
            cond_wait(&d->go, &d->lock);
        }
        d->may_go = false;
        mutex_unlock(&d->lock);
    }
    d->pos += taken;
}

static void wait_pace(struct graph_download *d, unsigned pace_ms)
{
    int64_t end_ms = clock_mono_ms(clock_system()) + pace_ms;
    int64_t left_ms = pace_ms;

    mutex_lock(&d->lock);
    while (left_ms > 0 && !d->is_cancelled) {
        (void)cond_wait_ms(&d->go, &d->lock, left_ms);
        left_ms = end_ms - clock_mono_ms(clock_system());
    }
    mutex_unlock(&d->lock);
}

static void wait_cancelled(struct graph_download *d)
{
    mutex_lock(&d->lock);
    while (!d->is_cancelled) {
        cond_wait(&d->go, &d->lock);
    }
    mutex_unlock(&d->lock);
}

void fake_stop_downloads_at(struct fake *fake, uint64_t offset)
{
    mutex_lock(&fake->lock);
    fake->stop_at = offset;
    mutex_unlock(&fake->lock);
}

void fake_set_pace(struct fake *fake, unsigned pace_ms)
{
    mutex_lock(&fake->lock);
    fake->pace_ms = pace_ms;
    mutex_unlock(&fake->lock);
}

unsigned fake_most_downloads(struct fake *fake)
{
    unsigned most = 0;

    mutex_lock(&fake->lock);
    most = fake->most_downloads;
    mutex_unlock(&fake->lock);
    return most;
}

static void *run_download(void *payload)
{
    struct graph_download *d = payload;
    unsigned char *chunk = malloc(CHUNK);
    struct error error = {0};
    int code = fake_enter(d->fake, FAKE_DOWNLOAD, NULL, &error);

    if (code == 0 && d->fake->items[d->index].is_gone) {
        code = fake_not_found(&error);
    }
    if (code == 0) {
        const struct item *item = &d->fake->items[d->index];

        d->is_large = item->is_large;
        d->data = item->data;
        d->size = item->size;
    }
    if (code == 0 && !d->fake->has_no_etags) {
        char *etag = NULL;
        char *ctag = NULL;

        fake_versions_of(&d->fake->items[d->index], d->index, &etag, &ctag);
        mutex_unlock(&d->fake->lock);
        if (d->callbacks.on_etag) {
            d->callbacks.on_etag(d->callbacks.payload, etag);
        }
        mutex_lock(&d->fake->lock);
        free(etag);
        free(ctag);
    }
    if (++d->fake->downloads > d->fake->most_downloads) {
        d->fake->most_downloads = d->fake->downloads;
    }
    mutex_unlock(&d->fake->lock);
    while (code == 0) {
        bool is_stopped = false;
        unsigned pace_ms = 0;
        size_t size = 0;

        if (is_cancelled(d)) {
            code = error_set(&error, ERR_CANCELLED, "cancelled");
            break;
        }
        mutex_lock(&d->fake->lock);
        is_stopped = d->fake->stop_at && d->pos >= d->fake->stop_at;
        size = is_stopped ? 0 : next_bytes(d, chunk);
        pace_ms = d->fake->pace_ms;
        mutex_unlock(&d->fake->lock);
        if (is_stopped) {
            wait_cancelled(d);
            continue;
        }
        if (size == 0) {
            break;
        }
        deliver(d, chunk, size);
        wait_pace(d, pace_ms);
    }
    free(chunk);
    mutex_lock(&d->fake->lock);
    d->fake->downloads--;
    mutex_unlock(&d->fake->lock);
    d->callbacks.on_done(d->callbacks.payload, code, &error);
    return NULL;
}

int graph_download_start(struct graph_download **out, struct account *account,
                         const struct graph_download_request *request,
                         const struct graph_download_callbacks *callbacks, struct error *err)
{
    struct graph_download *d = calloc(1, sizeof(*d));

    d->fake = account->fake;
    d->callbacks = *callbacks;
    d->pos = request->offset;
    d->end = request->length ? request->offset + request->length : UINT64_MAX;
    mutex_init(&d->lock);
    cond_init(&d->go);
    mutex_lock(&d->fake->lock);
    d->index = (uint32_t)strtoul(request->item_id + 8, NULL, 10);
    mutex_unlock(&d->fake->lock);
    *out = d;
    return thread_start(&d->thread, "fake-download", run_download, d, err);
}

void graph_download_resume(struct graph_download *download)
{
    mutex_lock(&download->lock);
    download->may_go = true;
    cond_broadcast(&download->go);
    mutex_unlock(&download->lock);
}

void graph_download_free(struct graph_download *download)
{
    mutex_lock(&download->lock);
    download->is_cancelled = true;
    cond_broadcast(&download->go);
    mutex_unlock(&download->lock);
    thread_join(&download->thread);
    cond_clear(&download->go);
    mutex_clear(&download->lock);
    free(download);
}

int graph_read_range(struct account *account, const char *drive_id, const char *item_id, void *data,
                     size_t size, uint64_t offset, size_t *got, const struct call *call,
                     struct error *err)
{
    struct fake *fake = account->fake;
    int code = fake_enter(fake, FAKE_DOWNLOAD, call, err);
    uint32_t index = fake_by_id(fake, item_id);

    (void)drive_id;
    *got = 0;
    if (code == 0 && index == UINT32_MAX) {
        code = fake_not_found(err);
    }
    while (code == 0 && *got < size && offset + *got < fake->items[index].size) {
        const struct item *item = &fake->items[index];
        uint64_t at = offset + *got;

        ((unsigned char *)data)[(*got)++] = item->is_large ? fake_byte(at) : item->data[at];
    }
    mutex_unlock(&fake->lock);
    return code;
}
