#include "path.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One byte of the path, decoded; -1 when it may not stand there. */
static int decode_byte(const char **at)
{
    const char *p = *at;
    int value = (unsigned char)*p;

    if (*p == '%') {
        int high = hex_digit(p[1]);
        int low = high < 0 ? -1 : hex_digit(p[2]);

        if (low < 0) {
            return -1;
        }
        value = high * 16 + low;
        if (value == '/') {
            return -1;
        }
        p += 2;
    }
    *at = p + 1;
    return value < 0x20 || value == 0x7f ? -1 : value;
}

static bool is_name_allowed(const char *name, size_t length)
{
    return !(length == 1 && name[0] == '.') && !(length == 2 && name[0] == '.' && name[1] == '.');
}

/* The decoded form is never longer than the raw one: `out` has room for it. */
static bool decode_names(char *out, const char *raw, size_t length)
{
    const char *end = raw + length;
    size_t used = 0;
    size_t depth = 0;

    while (raw < end) {
        size_t begin = used + 1;

        while (raw < end && *raw == '/') {
            raw++;
        }
        if (raw == end) {
            break;
        }
        out[used++] = '/';
        while (raw < end && *raw != '/') {
            int byte = decode_byte(&raw);

            if (byte < 0 || raw > end) {
                return false;
            }
            out[used++] = (char)byte;
        }
        if (!is_name_allowed(out + begin, used - begin) || ++depth > DAV_DEPTH_MAX) {
            return false;
        }
    }
    out[used] = '\0';
    return str_is_utf8(out, used);
}

int dav_path_decode(char **out, const char *raw, struct error *err)
{
    size_t length = strcspn(raw, "?#");
    char *path = NULL;

    if (raw[0] != '/' || raw[length] == '#' || length > DAV_PATH_MAX) {
        return error_set(err, ERR_INVALID, "the path of the request is not a path of this server");
    }
    path = malloc(length + 1);
    if (!path) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a path");
    }
    if (!decode_names(path, raw, length)) {
        free(path);
        return error_set(err, ERR_INVALID, "the path of the request is malformed");
    }
    *out = path;
    return 0;
}

int dav_path_from_uri(char **out, const char *uri, dav_is_us_fn is_us, void *payload,
                      struct error *err)
{
    const char *host = NULL;
    size_t length = 0;

    if (uri[0] == '/') {
        return dav_path_decode(out, uri, err);
    }
    if (strncasecmp(uri, "http://", 7) != 0) {
        return error_set(err, ERR_INVALID, "a URI of the request is neither a path nor http");
    }
    host = uri + 7;
    length = strcspn(host, "/?#");
    if (!is_us(payload, host, length)) {
        return error_set(err, ERR_CROSS_LIBRARY, "a URI of the request is on another server");
    }
    return dav_path_decode(out, host[length] == '/' ? host + length : "/", err);
}

int dav_path_encode(struct buf *out, const char *path, bool is_folder, struct error *err)
{
    char *encoded = NULL;
    int code = str_percent_encode(&encoded, path, true, err);

    if (code == 0) {
        code = buf_add_text(out, encoded, err);
    }
    if (code == 0 && (is_folder || path[0] == '\0')) {
        code = buf_add(out, "/", 1, err);
    }
    free(encoded);
    return code;
}

static size_t put_utf8(char *out, uint32_t c)
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

int dav_path_key(char **out, const char *path, struct error *err)
{
    char *key = malloc(strlen(path) * 4 + 1); /* folding may lengthen a character */
    size_t used = 0;

    if (!key) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a path");
    }
    while (*path) {
        used += put_utf8(key + used, str_fold(str_decode(&path)));
    }
    key[used] = '\0';
    *out = key;
    return 0;
}

bool dav_key_is_below(const char *inner, const char *outer)
{
    size_t length = strlen(outer);

    return strncmp(inner, outer, length) == 0 && (inner[length] == '\0' || inner[length] == '/');
}

const char *dav_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

int dav_path_parent(char **out, const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');

    return str_copy_n(out, path, slash ? (size_t)(slash - path) : 0, err);
}
