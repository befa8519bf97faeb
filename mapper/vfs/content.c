/*
 * content.c - one cached version: which blocks of it are in its file.
 */
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "local.h"

bool content_has_block(const struct content *content, uint64_t block)
{
    return content->map && block * BLOCK_BYTES < content->size_bytes &&
           (content->map[block / 8] & (1u << (block % 8)));
}

bool content_missing(const struct content *content, uint64_t from, uint64_t to, uint64_t *at)
{
    for (uint64_t block = from / BLOCK_BYTES; block * BLOCK_BYTES < to; block++) {
        if (!content_has_block(content, block)) {
            *at = block * BLOCK_BYTES;
            return true;
        }
    }
    return false;
}

size_t content_map_bytes(uint64_t size_bytes)
{
    return (size_t)((size_bytes + BLOCK_BYTES - 1) / BLOCK_BYTES / 8 + 1);
}

void content_mark(struct content *content, uint64_t from, uint64_t to)
{
    uint64_t added = 0;

    for (uint64_t block = (from + BLOCK_BYTES - 1) / BLOCK_BYTES;
         block * BLOCK_BYTES < content->size_bytes; block++) {
        uint64_t start = block * BLOCK_BYTES;
        uint64_t end = start + BLOCK_BYTES;

        if (end > content->size_bytes) {
            end = content->size_bytes;
        }
        if (end > to) {
            break;
        }
        if (!content_has_block(content, block)) {
            content->map[block / 8] |= (uint8_t)(1u << (block % 8));
            added += end - start;
            content->low_block = block < content->low_block ? block : content->low_block;
        }
    }
    cache_count_bytes(content, (int64_t)added);
}

int content_resize(struct content *content, uint64_t size_bytes, struct error *err)
{
    size_t had = content_map_bytes(content->size_bytes);
    size_t need = content_map_bytes(size_bytes);
    uint64_t last = content->size_bytes / BLOCK_BYTES;

    if (size_bytes > CONTENT_BYTES_MAX) {
        return error_set(err, ERR_TOO_LARGE, "the server sends more than any file can have");
    }
    if (content->map && need > had) {
        uint8_t *map = realloc(content->map, need);

        if (!map) {
            return error_set(err, ERR_NO_MEMORY, "no memory for the map of a file");
        }
        memset(map + had, 0, need - had);
        content->map = map;
    }
    if (size_bytes > content->size_bytes && content->size_bytes % BLOCK_BYTES != 0 &&
        content_has_block(content, last)) {
        uint64_t short_bytes = content->size_bytes % BLOCK_BYTES;

        /* It was whole as the last block of a shorter file, and is not any more. */
        content->map[last / 8] &= (uint8_t) ~(1u << (last % 8));
        cache_count_bytes(content, -(int64_t)short_bytes);
    }
    content->size_bytes = size_bytes;
    return 0;
}

int content_open_file(struct content *content, struct error *err)
{
    char *path = NULL;
    int code = 0;

    if (!content->map) {
        content->map = calloc(1, content_map_bytes(content->size_bytes));
        if (!content->map) {
            return error_set(err, ERR_NO_MEMORY, "no memory for the map of a file");
        }
    }
    if (content->file) {
        return 0;
    }
    code = content_path(&path, content, err);
    if (code == 0) {
        code = local_open(&content->file, path, !content->has_file, err);
    }
    if (code == 0) {
        content->has_file = true;
    }
    free(path);
    return code;
}

int content_read_local(struct content *content, void *data, size_t size, uint64_t offset,
                       size_t *got, struct error *err)
{
    uint64_t missing = 0;
    uint64_t end = 0;
    int code = 0;

    *got = 0;
    mutex_lock(&content->lock);
    end = offset + size < content->size_bytes ? offset + size : content->size_bytes;
    if (content_missing(content, offset, end, &missing)) {
        code = error_set(err, ERR_IO, "a part of the file is no longer in the cache");
    } else if (offset < end) {
        code = content_open_file(content, err);
    }
    content->copying++;
    mutex_unlock(&content->lock);
    if (code == 0 && offset < end) {
        code = local_read(content->file, data, (size_t)(end - offset), offset, got, err);
    }
    mutex_lock(&content->lock);
    content->copying--;
    mutex_unlock(&content->lock);
    return code;
}

void content_punch_behind(struct content *content, uint64_t keep_bytes)
{
    uint64_t keep_from = content->read_pos > keep_bytes ? content->read_pos - keep_bytes : 0;
    uint64_t removed = 0;

    if (content->copying > 0 || !content->map || !content->file) {
        return;
    }
    /* Only blocks that are whole: a transfer may be in the middle of one that is not. */
    for (uint64_t block = content->low_block; block < keep_from / BLOCK_BYTES; block++) {
        uint64_t first = block;

        while (block < keep_from / BLOCK_BYTES && content_has_block(content, block)) {
            content->map[block / 8] &= (uint8_t) ~(1u << (block % 8));
            block++;
        }
        if (block > first) {
            local_punch(content->file, first * BLOCK_BYTES, (block - first) * BLOCK_BYTES);
            removed += (block - first) * BLOCK_BYTES;
        }
    }
    if (content->low_block < keep_from / BLOCK_BYTES) {
        content->low_block = keep_from / BLOCK_BYTES;
    }
    cache_count_bytes(content, -(int64_t)removed);
}
