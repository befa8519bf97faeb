/*
 * memfs_content.c - bytes of a file in chunks, so that growing copies nothing and holes cost
 * nothing.
 */
#include "memfs_internal.h"

#include <stdlib.h>
#include <string.h>

struct content *memfs_content_new(struct error *err)
{
    struct content *content = calloc(1, sizeof(*content));

    if (!content) {
        error_set(err, ERR_NO_MEMORY, "no memory for a file");
        return NULL;
    }
    content->references = 1;
    return content;
}

void memfs_content_unref(struct memfs *fs, struct content *content)
{
    if (!content || --content->references > 0) {
        return;
    }
    memfs_content_unref(fs, content->saved);
    fs->used_bytes -= content->size;
    for (size_t i = 0; i < content->chunk_count; i++) {
        free(content->chunks[i]);
    }
    free(content->chunks);
    free(content);
}

static void shrink(struct content *content, uint64_t size)
{
    size_t keep = (size_t)((size + CONTENT_CHUNK - 1) / CONTENT_CHUNK);
    size_t tail = (size_t)(size % CONTENT_CHUNK);

    for (size_t i = keep; i < content->chunk_count; i++) {
        free(content->chunks[i]);
        content->chunks[i] = NULL;
    }
    content->chunk_count = keep;
    if (tail > 0 && content->chunks[keep - 1]) {
        memset(content->chunks[keep - 1] + tail, 0, CONTENT_CHUNK - tail);
    }
}

static int grow(struct content *content, uint64_t size, struct error *err)
{
    size_t count = (size_t)((size + CONTENT_CHUNK - 1) / CONTENT_CHUNK);
    unsigned char **chunks = content->chunks;

    if (count > content->chunk_count) {
        chunks = realloc(chunks, count * sizeof(*chunks));
        if (!chunks) {
            return error_set(err, ERR_NO_MEMORY, "no memory for a file of that size");
        }
        memset(chunks + content->chunk_count, 0, (count - content->chunk_count) * sizeof(*chunks));
        content->chunks = chunks;
        content->chunk_count = count;
    }
    return 0;
}

int memfs_content_resize(struct memfs *fs, struct content *content, uint64_t size,
                         struct error *err)
{
    int code = 0;

    if (size > content->size) {
        if (size - content->size > fs->options.max_bytes - fs->used_bytes) {
            return error_set(err, ERR_NO_SPACE, "the file system in memory is full");
        }
        code = grow(content, size, err);
    } else {
        shrink(content, size);
    }
    if (code == 0) {
        fs->used_bytes = fs->used_bytes - content->size + size;
        content->size = size;
        content->version = ++fs->last_version;
    }
    return code;
}

/* Makes the chunks that [offset, offset + size) touches. */
static int reserve(struct content *content, size_t size, uint64_t offset, struct error *err)
{
    for (uint64_t at = offset / CONTENT_CHUNK; at <= (offset + size - 1) / CONTENT_CHUNK; at++) {
        if (!content->chunks[at]) {
            content->chunks[at] = calloc(1, CONTENT_CHUNK);
            if (!content->chunks[at]) {
                return error_set(err, ERR_NO_MEMORY, "no memory for %zu bytes", size);
            }
        }
    }
    return 0;
}

int memfs_content_write(struct memfs *fs, struct content *content, const void *data, size_t size,
                        uint64_t offset, struct error *err)
{
    uint64_t before = content->size;
    const unsigned char *from = data;
    int code = 0;

    if (offset + size > before) {
        code = memfs_content_resize(fs, content, offset + size, err);
        if (code < 0) {
            return code;
        }
    }
    code = reserve(content, size, offset, err);
    if (code < 0) {
        memfs_content_resize(fs, content, before, NULL); /* all or nothing */
        return code;
    }
    while (size > 0) {
        size_t in_chunk = (size_t)(offset % CONTENT_CHUNK);
        size_t step = CONTENT_CHUNK - in_chunk < size ? CONTENT_CHUNK - in_chunk : size;

        memcpy(content->chunks[offset / CONTENT_CHUNK] + in_chunk, from, step);
        from += step;
        offset += step;
        size -= step;
    }
    content->version = ++fs->last_version;
    return 0;
}

/* Beyond the limit, if need be: what it is for must not depend on the room. */
int memfs_content_copy(struct memfs *fs, struct content **out, const struct content *content,
                       struct error *err)
{
    struct content *copy = memfs_content_new(err);
    int code = copy ? grow(copy, content->size, err) : ERR_NO_MEMORY;

    for (size_t i = 0; code == 0 && i < copy->chunk_count; i++) {
        if (content->chunks[i]) {
            copy->chunks[i] = malloc(CONTENT_CHUNK);
            if (!copy->chunks[i]) {
                code = error_set(err, ERR_NO_MEMORY, "no memory for a copy");
            } else {
                memcpy(copy->chunks[i], content->chunks[i], CONTENT_CHUNK);
            }
        }
    }
    if (code < 0) {
        memfs_content_unref(fs, copy);
        return code;
    }
    copy->size = content->size;
    copy->version = content->version;
    fs->used_bytes += copy->size;
    *out = copy;
    return 0;
}

size_t memfs_content_read(const struct content *content, void *data, size_t size, uint64_t offset)
{
    unsigned char *to = data;
    size_t got = 0;

    if (offset >= content->size) {
        return 0;
    }
    if (size > content->size - offset) {
        size = (size_t)(content->size - offset);
    }
    while (got < size) {
        size_t in_chunk = (size_t)((offset + got) % CONTENT_CHUNK);
        size_t step = CONTENT_CHUNK - in_chunk < size - got ? CONTENT_CHUNK - in_chunk : size - got;
        const unsigned char *chunk = content->chunks[(offset + got) / CONTENT_CHUNK];

        if (chunk) {
            memcpy(to + got, chunk + in_chunk, step);
        } else {
            memset(to + got, 0, step);
        }
        got += step;
    }
    return got;
}
