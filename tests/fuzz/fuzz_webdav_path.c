/*
 * Any request target: what dav_path_decode() accepts has no way up in it, and comes back the same
 * through dav_path_encode(). The input is also read as the URI of a Destination.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "webdav/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *path)
{
    struct buf encoded;
    char *again = NULL;
    char *key = NULL;

    if (strstr(path, "/../") || str_ends_with(path, "/..") || strstr(path, "/./") ||
        str_ends_with(path, "/.") || strstr(path, "//") || str_ends_with(path, "/") ||
        (path[0] && path[0] != '/') || !str_is_utf8(path, strlen(path))) {
        abort();
    }
    buf_init(&encoded, 4 * DAV_PATH_MAX);
    if (dav_path_encode(&encoded, path, false, NULL) == 0 && encoded.size <= DAV_PATH_MAX &&
        (dav_path_decode(&again, buf_text(&encoded), NULL) < 0 || strcmp(again, path) != 0)) {
        abort();
    }
    if (dav_path_key(&key, path, NULL) == 0 && !dav_key_is_below(key, key)) {
        abort();
    }
    free(key);
    free(again);
    buf_clear(&encoded);
}

static bool is_us(void *payload, const char *host, size_t length)
{
    (void)payload;
    return length == 11 && memcmp(host, "localhost:1", 11) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = NULL;
    char *path = NULL;

    if (str_copy_n(&text, (const char *)data, size, NULL) < 0) {
        return 0;
    }
    if (dav_path_decode(&path, text, NULL) == 0) {
        check(path);
        str_free(&path);
    }
    if (dav_path_from_uri(&path, text, is_us, NULL, NULL) == 0) {
        check(path);
        str_free(&path);
    }
    free(text);
    return 0;
}
