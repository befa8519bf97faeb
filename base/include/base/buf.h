/*
 * buf.h - bytes that grow, up to a limit given at creation. No peer can make us eat memory beyond
 * it.
 *
 * A buf is not thread-safe. The data is always followed by a NUL that does not count, so that text
 * in it can be used as a C string.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

#include "base/error.h"

struct buf {
    char *data; /* NULL until something is added; use buf_text() for text */
    size_t size;
    size_t capacity;
    size_t limit;
};

void buf_init(struct buf *buf, size_t limit);

/* ERR_LIMIT when the size would pass the limit, ERR_NO_MEMORY; the content is unchanged then. */
int buf_add(struct buf *buf, const void *data, size_t size, struct error *err);
int buf_add_text(struct buf *buf, const char *text, struct error *err);
int buf_add_format(struct buf *buf, struct error *err, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The content as a C string; "" when empty. Lent until the next change. */
const char *buf_text(const struct buf *buf);

/* Gives the content (NUL-terminated, never NULL on success) to the caller, who frees it; the buf is
 * empty after. */
char *buf_take(struct buf *buf);

/* Empties but keeps the memory; buf_clear() frees it. */
void buf_reset(struct buf *buf);
void buf_clear(struct buf *buf);

#endif
