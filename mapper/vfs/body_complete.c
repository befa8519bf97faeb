/*
 * body_complete.c - what a draft has not of the version that was opened comes into its spool file,
 * before it is saved.
 */
#include "body.h"

#include <stdlib.h>

#include "local.h"
#include "online.h"

#define COPY_BYTES (1024u * 1024)

/* The file is shorter than was said, by the transfer of this very version (graph-facts 2.7). */
static void cut_base(struct body *body, uint64_t end)
{
    uint64_t until = 0;

    mutex_lock(&body->lock);
    if (body->size_bytes == body->base_limit && !extents_has(&body->written, end, &until) &&
        until >= body->size_bytes && local_truncate(body->spool, end, NULL) == 0) {
        body->size_bytes = end;
    }
    body->base_limit = end;
    mutex_unlock(&body->lock);
}

/* [start, end) of the base is in the spool file. */
static int note_copied(struct body *body, uint64_t start, uint64_t end, struct error *err)
{
    bool is_doubtful = content_is_unconfirmed(body->base);
    int code = 0;

    mutex_lock(&body->lock);
    code = extents_add(&body->written, start, end, err);
    if (is_doubtful) {
        bool is_first = body->doubt_end == 0;

        body->doubt_start = is_first || start < body->doubt_start ? start : body->doubt_start;
        body->doubt_end = end > body->doubt_end ? end : body->doubt_end;
    }
    mutex_unlock(&body->lock);
    return code;
}

static int copy_gap(struct body *body, struct extent gap, void *buffer, const struct call *call,
                    struct error *err)
{
    struct content_source source = body_source(body);
    struct read_habit habit = {.next = gap.start, .steps = gap.end - gap.start > COPY_BYTES};
    int code = 0;

    while (gap.start < gap.end && code == 0) {
        size_t size = gap.end - gap.start < COPY_BYTES ? (size_t)(gap.end - gap.start) : COPY_BYTES;
        size_t got = 0;

        code = content_read(body->base, &source, &habit, buffer, size, gap.start, &got, call, err);
        if (code == 0) {
            code = local_write(body->spool, buffer, got, gap.start, err);
        }
        if (code == 0 && got > 0) {
            code = note_copied(body, gap.start, gap.start + got, err);
        }
        if (code == 0 && got < size) {
            cut_base(body, gap.start + got);
            break;
        }
        gap.start += size;
    }
    return code;
}

/* The rest cannot be had now, perhaps never again: what is in the cache is worth keeping. */
static void copy_what_is_here(struct body *body, struct extent gap, void *buffer)
{
    while (gap.start < gap.end) {
        uint64_t end = (gap.start / BLOCK_BYTES + 1) * BLOCK_BYTES;
        size_t size = (size_t)((end < gap.end ? end : gap.end) - gap.start);
        size_t got = 0;

        if (content_read_local(body->base, buffer, size, gap.start, &got, NULL) == 0 && got > 0 &&
            local_write(body->spool, buffer, got, gap.start, NULL) == 0) {
            (void)note_copied(body, gap.start, gap.start + got, NULL);
        }
        gap.start += size;
    }
}

int body_complete(struct body *body, const struct call *call, struct error *err)
{
    struct extent gap = {0};
    void *buffer = NULL;
    int code = 0;

    /* Nobody else changes the draft while is_saving is set. */
    while (code == 0 && extents_gap(&body->written, 0, body->base_limit, &gap)) {
        buffer = buffer ? buffer : malloc(COPY_BYTES);
        code = buffer ? copy_gap(body, gap, buffer, call, err)
                      : error_set(err, ERR_NO_MEMORY, "no memory to complete a file");
    }
    for (uint64_t from = 0; code < 0 && buffer && code != ERR_NO_SPACE &&
                            extents_gap(&body->written, from, body->base_limit, &gap);
         from = gap.end) {
        copy_what_is_here(body, gap, buffer);
    }
    free(buffer);
    return code;
}
