#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *buf, size_t limit)
{
    memset(buf, 0, sizeof(*buf));
    buf->limit = limit;
}

static int reserve(struct buf *buf, size_t more, struct error *err)
{
    size_t wanted = buf->capacity ? buf->capacity : 256;
    char *data;

    if (more > buf->limit - buf->size) {
        return error_set(err, ERR_LIMIT, "more than %zu bytes", buf->limit);
    }
    if (buf->data && buf->size + more < buf->capacity) {
        return 0;
    }
    while (wanted <= buf->size + more) {
        wanted = wanted > ((size_t)-1) / 2 ? buf->size + more + 1 : wanted * 2;
    }
    data = realloc(buf->data, wanted);
    if (!data) {
        return error_set(err, ERR_NO_MEMORY, "no memory for %zu bytes", wanted);
    }
    buf->data = data;
    buf->capacity = wanted;
    return 0;
}

int buf_add(struct buf *buf, const void *data, size_t size, struct error *err)
{
    int code = reserve(buf, size, err);

    if (code < 0) {
        return code;
    }
    if (size > 0) {
        memcpy(buf->data + buf->size, data, size);
    }
    buf->size += size;
    buf->data[buf->size] = '\0';
    return 0;
}

int buf_add_text(struct buf *buf, const char *text, struct error *err)
{
    return buf_add(buf, text, strlen(text), err);
}

int buf_add_format(struct buf *buf, struct error *err, const char *fmt, ...)
{
    va_list args;
    int wanted;
    int code;

    va_start(args, fmt);
    wanted = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (wanted < 0) {
        return error_set(err, ERR_INVALID, "text cannot be formatted");
    }
    code = reserve(buf, (size_t)wanted, err);
    if (code < 0) {
        return code;
    }
    va_start(args, fmt);
    vsnprintf(buf->data + buf->size, buf->capacity - buf->size, fmt, args);
    va_end(args);
    buf->size += (size_t)wanted;
    return 0;
}

const char *buf_text(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

char *buf_take(struct buf *buf)
{
    char *data = buf->data ? buf->data : calloc(1, 1);

    buf->data = NULL;
    buf->size = 0;
    buf->capacity = 0;
    return data;
}

void buf_reset(struct buf *buf)
{
    buf->size = 0;
    if (buf->data) {
        buf->data[0] = '\0';
    }
}

void buf_clear(struct buf *buf)
{
    free(buf->data);
    buf->data = NULL;
    buf->size = 0;
    buf->capacity = 0;
}
