/*
 * component.c - the half of url.h that makes components of our paths.
 */
#include "mapper/url.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

/* Windows allows 255 UTF-16 units in a name and SharePoint 400 characters in a path; a component of
 * joined subsites can be longer than the first. */
#define COMPONENT_MAX_UNITS 240
#define COMPONENT_MAX_BYTES 65536

/* SharePoint Online's managed paths: below them the second segment is the site collection. Anything
 * else at the top is a subsite of the root site. */
static const char *const managed_paths[] = {"sites", "teams", "personal", "portals"};

static bool is_managed_path(const char *segment, size_t length)
{
    for (size_t i = 0; i < sizeof(managed_paths) / sizeof(managed_paths[0]); i++) {
        if (strlen(managed_paths[i]) == length &&
            str_starts_with_nocase(segment, managed_paths[i])) {
            return true;
        }
    }
    return false;
}

int url_site_collection(char **out, const char *url, struct error *err)
{
    const char *path = url_path(url);
    size_t first = *path ? strcspn(path + 1, "/") : 0;
    size_t second = 0;
    size_t length = (size_t)(path - url);

    if (first > 0 && is_managed_path(path + 1, first) && path[1 + first] == '/') {
        second = strcspn(path + first + 2, "/");
    }
    if (second > 0) {
        length += first + second + 2;
    }
    return str_copy_n(out, url, length, err);
}

/* Appends the segments of `path`, each made legal, joined with '~'. */
static int add_joined(struct buf *out, const char *path, struct error *err)
{
    char *segment = NULL;
    char *legal = NULL;
    int code = 0;

    while (code == 0 && *path) {
        size_t length = strcspn(path, "/");

        code = str_copy_n(&segment, path, length, err);
        code = code < 0 ? code : url_legal_component(&legal, segment, err);
        if (code == 0 && out->size > 0) {
            code = buf_add_text(out, "~", err);
        }
        code = code < 0 ? code : buf_add_text(out, legal, err);
        path += length + (path[length] == '/' ? 1 : 0);
    }
    str_free(&segment);
    str_free(&legal);
    return code;
}

/* A joined component may have become too long, or empty. */
static int finish(char **out, struct buf *text, int code, struct error *err)
{
    code = code < 0 ? code : url_legal_component(out, buf_text(text), err);
    buf_clear(text);
    return code;
}

int url_site_component(char **out, const char *site_url, struct error *err)
{
    const char *path = url_path(site_url);
    const char *first = *path ? path + 1 : path;
    size_t length = strcspn(first, "/");
    const char *second = first[length] == '/' ? first + length + 1 : first + length;
    struct buf text;
    int code;

    buf_init(&text, COMPONENT_MAX_BYTES);
    if (*second == '\0' || !is_managed_path(first, length)) {
        code = buf_add_text(&text, "~root", err);
    } else if (length == 5 && str_starts_with_nocase(first, "sites") &&
               !(is_managed_path(second, strcspn(second, "/")) && strchr(second, '/'))) {
        first = second; /* the usual managed path is not shown */
        code = 0;
    } else {
        code = 0;
    }
    code = code < 0 ? code : add_joined(&text, first, err);
    return finish(out, &text, code, err);
}

int url_library_component(char **out, const char *site_url, const char *url, struct error *err)
{
    const char *rest = url_below(url, site_url);
    struct buf text;
    int code;

    if (!rest) { /* an address of another host than the site's: its last segment is all we know */
        rest = strrchr(url_path(url), '/');
        rest = rest ? rest + 1 : "";
    }
    buf_init(&text, COMPONENT_MAX_BYTES);
    code = add_joined(&text, rest, err);
    return finish(out, &text, code, err);
}

/* Names of devices on Windows, alone or before an extension. */
static bool is_device(const char *name)
{
    static const char *const devices[] = {"con", "prn", "aux", "nul", "conin$", "conout$"};
    size_t stem = strcspn(name, ".");

    while (stem > 0 && name[stem - 1] == ' ') {
        stem--;
    }
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        if (strlen(devices[i]) == stem && str_starts_with_nocase(name, devices[i])) {
            return true;
        }
    }
    return stem == 4 &&
           (str_starts_with_nocase(name, "com") || str_starts_with_nocase(name, "lpt")) &&
           name[3] >= '0' && name[3] <= '9';
}

int url_legal_component(char **out, const char *name, struct error *err)
{
    struct buf text;
    const char *at = name;
    size_t units = 0;
    int code = 0;

    buf_init(&text, COMPONENT_MAX_BYTES);
    while (code == 0 && *at && units < COMPONENT_MAX_UNITS) {
        const char *start = at;
        uint32_t c = str_decode(&at);

        if (c < 0x20 || c == 0x7F || c == 0xFFFD || (c < 0x7F && strchr("\"*/:<>?\\|", (int)c))) {
            code = buf_add_text(&text, "_", err);
        } else {
            code = buf_add(&text, start, (size_t)(at - start), err);
        }
        units += c > 0xFFFF ? 2 : 1;
    }
    if (code == 0 && *at) {
        char tag[8];

        url_tag(tag, name);
        code = buf_add_text(&text, tag, err);
    } else if (code == 0 && (text.size == 0 || text.data[text.size - 1] == '.' ||
                             text.data[text.size - 1] == ' ' || is_device(buf_text(&text)))) {
        code = buf_add_text(&text, "~", err);
    }
    if (code == 0) {
        str_free(out);
        *out = buf_take(&text);
    }
    buf_clear(&text);
    return code;
}

void url_tag(char out[8], const char *url)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint64_t hash = str_hash_nocase(url);

    hash ^= hash >> 32; /* FNV mixes its low bits best; use the high ones too */
    out[0] = '~';
    for (size_t i = 1; i < 7; i++) {
        out[i] = digits[hash & 31];
        hash >>= 5;
    }
    out[7] = '\0';
}

static size_t encode(char out[4], uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

int url_fold(char **out, const char *text, struct error *err)
{
    struct buf folded;
    int code = 0;

    buf_init(&folded, 4 * strlen(text) + 1);
    code = buf_add_text(&folded, "", err);
    while (code == 0 && *text) {
        char bytes[4];
        size_t size = encode(bytes, str_fold(str_decode(&text)));

        code = buf_add(&folded, bytes, size, err);
    }
    if (code == 0) {
        str_free(out);
        *out = buf_take(&folded);
    }
    buf_clear(&folded);
    return code;
}
