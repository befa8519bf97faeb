/* read_range.c - one range of a file, waited for: a download into the caller's memory. */
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "graph/read_range.h"

#define POLL_MS 100

struct range_read {
    char *data;
    size_t size;
    size_t got;
    struct mutex mutex; /* guards is_done and what follows */
    struct cond done;
    bool is_done;
    int code;
    struct error err;
};

static size_t range_data(void *payload, const void *data, size_t size)
{
    struct range_read *read = payload;
    size_t room = read->size - read->got;
    size_t taken = size < room ? size : room;

    memcpy(read->data + read->got, data, taken);
    read->got += taken;
    return size;
}

static void range_done(void *payload, int code, const struct error *err)
{
    struct range_read *read = payload;

    mutex_lock(&read->mutex);
    read->is_done = true;
    read->code = code;
    read->err = *err;
    cond_broadcast(&read->done);
    mutex_unlock(&read->mutex);
}

static int wait_for_range(struct range_read *read, const struct call *call, struct error *err)
{
    int64_t deadline = call && call->deadline_ms ? call->deadline_ms : INT64_MAX;
    int code = 0;

    mutex_lock(&read->mutex);
    while (!read->is_done && code == 0) {
        if (call && call->is_cancelled && call->is_cancelled(call->payload)) {
            code = error_set(err, ERR_CANCELLED, "cancelled");
        } else if (clock_mono_ms(clock_system()) >= deadline) {
            code = error_set(err, ERR_TIMED_OUT, "the content did not come in time");
        } else {
            cond_wait_ms(&read->done, &read->mutex, POLL_MS);
        }
    }
    mutex_unlock(&read->mutex);
    return code;
}

int read_range_from(struct account *account, const char *drive_id, const char *item_id,
                    const char *url, void *data, size_t size, uint64_t offset, size_t *got,
                    const struct call *call, struct error *err)
{
    struct graph_download_request request = {
        .drive_id = drive_id,
        .item_id = item_id,
        .download_url = url,
        .offset = offset,
        .length = size,
        .priority = call ? call->priority : CALL_READ,
        .deadline_ms = call ? call->deadline_ms : 0,
    };
    struct range_read read = {.data = data, .size = size};
    struct graph_download_callbacks callbacks = {
        .on_data = range_data, .on_done = range_done, .payload = &read};
    struct graph_download *download = NULL;
    int code = 0;

    *got = 0;
    if (size == 0) {
        return 0;
    }
    mutex_init(&read.mutex);
    cond_init(&read.done);
    code = graph_download_start(&download, account, &request, &callbacks, err);
    if (code == 0) {
        code = wait_for_range(&read, call, err);
        graph_download_free(download); /* on_done has returned after this */
        if (code == 0) {
            code = read.code;
            if (code < 0 && err) {
                *err = read.err;
            }
        }
    }
    *got = code == 0 ? read.got : 0;
    cond_clear(&read.done);
    mutex_clear(&read.mutex);
    return code;
}

int graph_read_range(struct account *account, const char *drive_id, const char *item_id, void *data,
                     size_t size, uint64_t offset, size_t *got, const struct call *call,
                     struct error *err)
{
    return read_range_from(account, drive_id, item_id, NULL, data, size, offset, got, call, err);
}
