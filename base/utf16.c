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
