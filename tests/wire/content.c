#include "content.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

size_t sink_data(void *payload, const void *data, size_t size)
{
    struct sink *sink = payload;

    mutex_lock(&sink->mutex);
    if (sink->is_slow) {
        size = sink->is_full ? 0 : size < 1000 ? size : 1000;
        sink->is_full = true;
        cond_broadcast(&sink->changed);
    }
    if (buf_add(&sink->bytes, data, size, NULL) < 0) {
        abort();
    }
    mutex_unlock(&sink->mutex);
    return size;
}

void sink_done(void *payload, int code, const struct error *err)
{
    struct sink *sink = payload;

    mutex_lock(&sink->mutex);
    sink->is_done = true;
    sink->code = code;
    sink->err = *err;
    cond_broadcast(&sink->changed);
    mutex_unlock(&sink->mutex);
}

void sink_init(struct sink *sink)
{
    memset(sink, 0, sizeof(*sink));
    mutex_init(&sink->mutex);
    cond_init(&sink->changed);
    buf_init(&sink->bytes, 256u * MIB);
}

void sink_clear(struct sink *sink)
{
    buf_clear(&sink->bytes);
    cond_clear(&sink->changed);
    mutex_clear(&sink->mutex);
}

int content_download(struct wire *wire, struct sink *sink, const char *item_id, const char *url,
                     uint64_t offset, uint64_t length, struct error *err)
{
    struct graph_download_request request = {.drive_id = wire->drive_id,
                                             .item_id = item_id,
                                             .offset = offset,
                                             .length = length,
                                             .download_url = url,
                                             .deadline_ms = sink->deadline_ms};
    struct graph_download_callbacks callbacks = {
        .on_data = sink_data, .on_done = sink_done, .payload = sink};
    struct graph_download *download = NULL;
    int code = graph_download_start(&download, wire->account, &request, &callbacks, err);

    if (code < 0) {
        return code;
    }
    mutex_lock(&sink->mutex);
    while (!sink->is_done) {
        if (sink->is_full && sink->meanwhile) {
            mutex_unlock(&sink->mutex);
            sink->meanwhile(wire);
            mutex_lock(&sink->mutex);
            sink->meanwhile = NULL;
        }
        if (sink->is_full) {
            sink->is_full = false;
            graph_download_resume(download);
        }
        if (!sink->is_full && !sink->is_done) {
            cond_wait_ms(&sink->changed, &sink->mutex, 1000);
        }
    }
    code = sink->code;
    *err = sink->err;
    mutex_unlock(&sink->mutex);
    graph_download_free(download);
    return code;
}

void content_assert(const struct buf *bytes, unsigned seed, uint64_t offset, size_t size)
{
    assert_int_equal(bytes->size, size);
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)bytes->data[i] != wire_byte(seed, offset + i)) {
            fail_msg("byte %zu differs", i);
        }
    }
}

char *content_upload(struct wire *wire, const char *name, uint64_t size, unsigned seed)
{
    struct graph_upload upload = {
        .drive_id = wire->drive_id, .name = name, .modified_ms = -1, .created_ms = -1};
    struct graph_item item = {0};
    struct error err = {0};
    struct wire_source source;
    char *id = NULL;

    wire_source_init(&source, size, seed);
    assert_ok(graph_upload(&item, wire->account, &upload, &source.source, NULL, &err), err);
    str_copy(&id, item.id, NULL);
    graph_item_clear(&item);
    return id;
}

void content_assert_stored(struct wire *wire, const char *id, uint64_t size, unsigned seed)
{
    struct error err = {0};
    struct sink sink;

    tenant_tell(wire->tenant, "clear-faults", "{}");
    sink_init(&sink);
    assert_ok(content_download(wire, &sink, id, NULL, 0, 0, &err), err);
    content_assert(&sink.bytes, seed, 0, (size_t)size);
    sink_clear(&sink);
}
