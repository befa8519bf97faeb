#include "base/utf16.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

int utf16_from_utf8(uint16_t **out, size_t *units, const char *text, struct error *err)
{
    size_t length = strlen(text);
    size_t used = 0;
    uint16_t *wide;

    if (!str_is_utf8(text, length)) {
        return error_set(err, ERR_INVALID, "text is not UTF-8");
    }
    wide = calloc(length + 1, sizeof(*wide)); /* never more units than bytes */
    if (!wide) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a text of %zu bytes", length);
    }
    while (*text) {
        uint32_t c = str_decode(&text);

        if (c >= 0x10000) {
            wide[used++] = (uint16_t)(0xD800 + ((c - 0x10000) >> 10));
            c = 0xDC00 + ((c - 0x10000) & 0x3FF);
        }
        wide[used++] = (uint16_t)c;
    }
    free(*out);
    *out = wide;
    if (units) {
        *units = used;
    }
    return 0;
}

/* Reads one code point and moves on; 0 for what is none. */
static uint32_t next_point(const uint16_t *text, size_t units, size_t *at)
{
    uint32_t c = text[(*at)++];

    if (c < 0xD800 || c > 0xDFFF) {
        return c;
    }
    if (c > 0xDBFF || *at == units || text[*at] < 0xDC00 || text[*at] > 0xDFFF) {
        return 0;
    }
    return 0x10000 + ((c - 0xD800) << 10) + (text[(*at)++] - 0xDC00u);
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | ((c >> 6) & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | ((c >> 12) & 0x3F));
    out[2] = (char)(0x80 | ((c >> 6) & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

int utf16_to_utf8(char **out, const uint16_t *text, size_t units, struct error *err)
{
    char *narrow = units <= (SIZE_MAX - 1) / 3 ? malloc(units * 3 + 1) : NULL;
    size_t used = 0;
    size_t at = 0;

    if (!narrow) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a text of %zu characters", units);
    }
    while (at < units) {
        uint32_t c = next_point(text, units, &at);

        if (c == 0) {
            free(narrow);
            return error_set(err, ERR_INVALID, "text is not UTF-16");
        }
        used += put_utf8(narrow + used, c);
    }
    narrow[used] = '\0';
    free(*out);
    *out = narrow;
    return 0;
}

/* --- UTF-16LE --- */

static uint16_t unit_at(const unsigned char *bytes, size_t index)
{
    return (uint16_t)(bytes[2 * index] | bytes[2 * index + 1] << 8);
}

size_t utf16le_length(const void *bytes, size_t units)
{
    size_t length = 0;

    while (length < units && unit_at(bytes, length) != 0) {
        length++;
    }
    return length;
}

int utf16le_decode(char **out, const void *bytes, size_t units, struct error *err)
{
    uint16_t *wide;
    int code;

    if (utf16le_length(bytes, units) < units) {
        return error_set(err, ERR_INVALID, "has a NUL character");
    }
    wide = calloc(units + 1, sizeof(*wide));
    if (!wide) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a text of %zu characters", units);
    }
    for (size_t i = 0; i < units; i++) {
        wide[i] = unit_at(bytes, i);
    }
    code = utf16_to_utf8(out, wide, units, err);
    free(wide);
    return code == ERR_INVALID ? error_set(err, ERR_INVALID, "is not valid UTF-16") : code;
}

int utf16le_add(struct buf *out, const char *text, struct error *err)
{
    uint16_t *wide = NULL;
    size_t units = 0;
    int code = utf16_from_utf8(&wide, &units, text, err);

    for (size_t i = 0; code == 0 && i < units; i++) {
        unsigned char bytes[2] = {(unsigned char)(wide[i] & 0xFF), (unsigned char)(wide[i] >> 8)};

        code = buf_add(out, bytes, sizeof(bytes), err);
    }
    free(wide);
    return code;
}
