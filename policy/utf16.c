#include "utf16.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/str.h"

static uint32_t unit_at(const unsigned char *bytes, size_t index)
{
    return (uint32_t)bytes[2 * index] | (uint32_t)bytes[2 * index + 1] << 8;
}

size_t utf16_length(const void *bytes, size_t units)
{
    size_t length = 0;

    while (length < units && unit_at(bytes, length) != 0) {
        length++;
    }
    return length;
}

static size_t encode_utf8(char out[4], uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* One code point at *index, which moves on; 0 for a NUL and for half a pair. */
static uint32_t decode(const unsigned char *bytes, size_t units, size_t *index)
{
    uint32_t c = unit_at(bytes, (*index)++);
    uint32_t low;

    if (c < 0xd800 || c > 0xdfff) {
        return c;
    }
    if (c > 0xdbff || *index == units) {
        return 0;
    }
    low = unit_at(bytes, (*index)++);
    return low < 0xdc00 || low > 0xdfff ? 0 : 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

int utf16_decode(char **out, const void *bytes, size_t units, struct error *err)
{
    char *text = malloc(3 * units + 1); /* a unit is three bytes at most; a pair four */
    size_t size = 0;

    if (!text) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a text of %zu characters", units);
    }
    for (size_t i = 0; i < units;) {
        size_t from = i;
        uint32_t c = decode(bytes, units, &i);

        if (c == 0) {
            free(text);
            return error_set(err, ERR_INVALID, "%s",
                             unit_at(bytes, from) == 0 ? "has a NUL character"
                                                       : "is not valid UTF-16");
        }
        size += encode_utf8(text + size, c);
    }
    text[size] = '\0';
    free(*out);
    *out = text;
    return 0;
}

static int add_unit(struct buf *out, uint32_t unit, struct error *err)
{
    unsigned char bytes[2] = {(unsigned char)(unit & 0xff), (unsigned char)(unit >> 8)};

    return buf_add(out, bytes, sizeof(bytes), err);
}

int utf16_add(struct buf *out, const char *text, struct error *err)
{
    int code = 0;

    while (code == 0 && *text) {
        uint32_t c = str_decode(&text);

        if (c < 0x10000) {
            code = add_unit(out, c, err);
            continue;
        }
        code = add_unit(out, 0xd800 + ((c - 0x10000) >> 10), err);
        if (code == 0) {
            code = add_unit(out, 0xdc00 + ((c - 0x10000) & 0x3ff), err);
        }
    }
    return code;
}
