/*
 * url.c - the pure half of url.h that reads addresses; component.c makes paths of them.
 */
#include "mapper/url.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

/* Longer than any address that SharePoint accepts (400 characters of path, each up to 9 bytes when
 * encoded, and a view's query that repeats it). */
#define URL_MAX_BYTES 8192

static const char scheme[] = "https://";

/* A text as it was written, cut into its parts; all lent. */
struct parts {
    const char *host;
    size_t host_length;
    const char *path;
    size_t path_length;
    const char *query; /* behind the '?', or NULL */
};

static bool ends_with_nocase(const char *text, size_t length, const char *suffix)
{
    size_t size = strlen(suffix);

    return length >= size && str_starts_with_nocase(text + length - size, suffix);
}

/* Whether nothing of an encoded address looks like this: then '%' stands for itself. */
static bool is_raw(const char *path, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)path[i];

        if (c <= ' ' || c >= 0x7F || strchr("\"<>^`{}|#", c)) {
            return true;
        }
    }
    return false;
}

/* A name with a dot in it, and perhaps a port; no user, no address in brackets. */
static bool is_host(const char *host, size_t length)
{
    bool has_dot = false;

    if (length == 0 || length > 255) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)host[i];
        bool is_mark = c == '.' || c == '-' || c == ':';

        if (!is_mark && !(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
            !(c >= 'A' && c <= 'Z')) {
            return false;
        }
        if (is_mark && (i == 0 || (c != '-' && host[i - 1] == '.'))) {
            return false;
        }
        has_dot = has_dot || c == '.';
    }
    return has_dot;
}

static int split(struct parts *out, const char *text, enum url_origin origin, struct error *err)
{
    const char *colon = strstr(text, "://");
    const char *at = text;
    size_t rest;

    *out = (struct parts){0};
    if (colon && colon < text + strcspn(text, "/?#")) {
        if (!str_starts_with_nocase(text, scheme) && !str_starts_with_nocase(text, "http://")) {
            return error_set(err, ERR_INVALID, "'%.100s' is not an https address", text);
        }
        at = colon + 3;
    }
    out->host = at;
    out->host_length = strcspn(at, "/?#");
    at += out->host_length;
    if (!is_host(out->host, out->host_length)) {
        return error_set(err, ERR_INVALID, "'%.100s' has no name of a server", text);
    }
    out->path = at;
    /* '?' cannot be in a name; '#' can, so it ends the path only behind a page or where people
     * wrote it. */
    rest = strcspn(at, "?");
    if (at[rest] == '?') {
        out->query = at + rest + 1;
    }
    for (size_t i = 0; i < rest; i++) {
        if (at[i] == '#' && (origin == URL_FROM_PERSON || ends_with_nocase(at, i, ".aspx"))) {
            rest = i;
            break;
        }
    }
    out->path_length = rest;
    return 0;
}

/* The decoded value of `name` in a query; *out stays NULL when there is none. */
static int query_value(char **out, const char *query, const char *name, struct error *err)
{
    size_t length = strlen(name);
    char *raw = NULL;
    int code = 0;

    while (query && *query) {
        size_t size = strcspn(query, "&#");

        if (size > length && query[length] == '=' && str_starts_with_nocase(query, name)) {
            code = str_copy_n(&raw, query + length + 1, size - length - 1, err);
            if (code == 0 && str_percent_decode(out, raw, err) == ERR_INVALID) {
                error_clear(err);
            }
            break;
        }
        query = query[size] == '&' ? query + size + 1 : NULL;
    }
    str_free(&raw);
    return code;
}

static int decode_path(char **out, const struct parts *parts, enum url_origin origin,
                       struct error *err)
{
    char *raw = NULL;
    struct error broken = {0};
    int code = str_copy_n(&raw, parts->path, parts->path_length, err);

    if (code < 0) {
        return code;
    }
    if (origin == URL_FROM_SERVICE && is_raw(raw, parts->path_length)) {
        *out = raw;
        return 0;
    }
    code = str_percent_decode(out, raw, &broken);
    if (code == ERR_INVALID) { /* "100% sure": was never encoded */
        *out = raw;
        return 0;
    }
    str_free(&raw);
    return code < 0 ? error_set(err, code, "%s", broken.message) : 0;
}

/* A path in segments, for cutting; the text they point into is owned. */
struct segments {
    char *text;
    char *items[128];
    size_t count;
};

static int segments_read(struct segments *out, const char *path, struct error *err)
{
    char *at;
    int code;

    *out = (struct segments){0};
    code = str_copy(&out->text, path, err);
    for (at = out->text; code == 0 && *at;) {
        size_t length = strcspn(at, "/");
        bool is_last = at[length] == '\0';

        at[length] = '\0';
        if (strcmp(at, ".") == 0 || strcmp(at, "..") == 0 || strchr(at, '\\')) {
            code = error_set(err, ERR_INVALID, "the address has a segment '%.40s'", at);
        } else if (length > 0 && out->count == sizeof(out->items) / sizeof(out->items[0])) {
            code = error_set(err, ERR_INVALID, "the address has too many segments");
        } else if (length > 0) {
            out->items[out->count++] = at;
        }
        at += length + (is_last ? 0 : 1);
    }
    if (code < 0) {
        str_free(&out->text);
    }
    return code;
}

static void segments_drop(struct segments *segments, size_t count)
{
    segments->count -= count;
    memmove(&segments->items[0], &segments->items[count], segments->count * sizeof(char *));
}

/* "/:w:/r/sites/a/b" is /sites/a/b; "/:f:/s/a/token" is /sites/a. */
static int cut_sharing(struct segments *s, struct error *err)
{
    static char sites[] = "sites";
    static char teams[] = "teams";
    static char personal[] = "personal";
    char *kind;

    if (s->count == 0 || s->items[0][0] != ':') {
        return 0;
    }
    kind = s->count >= 2 ? s->items[1] : s->items[0];
    if (strcmp(kind, "r") == 0) {
        segments_drop(s, 2);
        return 0;
    }
    if (s->count < 4 || strlen(kind) != 1 || !strchr("stp", *kind)) {
        return error_set(err, ERR_INVALID,
                         "a sharing link does not name its library; use the address of the folder");
    }
    s->items[1] = *kind == 's' ? sites : *kind == 't' ? teams : personal;
    s->count = 3;
    segments_drop(s, 1);
    return 0;
}

/* Cuts off what shows a thing and is not the thing. */
static void cut_pages(struct segments *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (str_equal_nocase(s->items[i], "_layouts")) {
            s->count = i;
            return;
        }
    }
    if (s->count == 0 ||
        !ends_with_nocase(s->items[s->count - 1], strlen(s->items[s->count - 1]), ".aspx")) {
        return;
    }
    if (s->count >= 2 && (str_equal_nocase(s->items[s->count - 2], "Forms") ||
                          str_equal_nocase(s->items[s->count - 2], "SitePages"))) {
        s->count -= 2;
    } else if (str_equal_nocase(s->items[s->count - 1], "AllItems.aspx") ||
               str_equal_nocase(s->items[s->count - 1], "default.aspx")) {
        s->count--;
    }
}

static int join(char **out, const struct parts *parts, const struct segments *s, struct error *err)
{
    struct buf text;
    size_t host_length = parts->host_length;
    int code;

    if (ends_with_nocase(parts->host, host_length, ":443")) {
        host_length -= 4;
    }
    buf_init(&text, URL_MAX_BYTES + 16);
    code = buf_add_text(&text, scheme, err);
    for (size_t i = 0; code == 0 && i < host_length; i++) {
        char c = parts->host[i];

        c = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        code = buf_add(&text, &c, 1, err);
    }
    for (size_t i = 0; code == 0 && i < s->count; i++) {
        code = buf_add_format(&text, err, "/%s", s->items[i]);
    }
    if (code == 0) {
        *out = buf_take(&text);
    }
    buf_clear(&text);
    return code;
}

static int clean(char **out, const char *text, enum url_origin origin, bool may_follow,
                 struct error *err)
{
    struct parts parts = {0};
    struct segments segments = {0};
    char *path = NULL;
    char *target = NULL;
    char *result = NULL;
    int code;

    text += strspn(text, " \t\r\n");
    if (strlen(text) > URL_MAX_BYTES || !str_is_utf8(text, strlen(text))) {
        return error_set(err, ERR_INVALID, "the address is too long or not valid text");
    }
    code = split(&parts, text, origin, err);
    if (code < 0) {
        return code;
    }
    if (ends_with_nocase(parts.host, parts.host_length, "teams.microsoft.com")) {
        code = query_value(&target, parts.query, "objectUrl", err);
        if (code == 0) {
            code = target && may_follow
                       ? clean(out, target, origin, false, err)
                       : error_set(err, ERR_INVALID,
                                   "this Teams link names no file; use 'Open in SharePoint'");
        }
        goto out;
    }
    code = decode_path(&path, &parts, origin, err);
    if (code == 0 && ends_with_nocase(path, strlen(path), ".aspx")) {
        code = query_value(&target, parts.query, "id", err);
        if (code == 0 && !target) {
            code = query_value(&target, parts.query, "RootFolder", err);
        }
        if (code == 0 && target && target[0] == '/') {
            code = str_copy(&path, target, err);
        }
    }
    for (size_t length = path ? strlen(path) : 0; length > 0; length--) { /* blanks behind */
        if (!strchr(" \t\r\n/", path[length - 1])) {
            break;
        }
        path[length - 1] = '\0';
    }
    code = code < 0 ? code : segments_read(&segments, path, err);
    code = code < 0 ? code : cut_sharing(&segments, err);
    if (code == 0) {
        cut_pages(&segments);
        code = join(&result, &parts, &segments, err);
    }
    if (code == 0) {
        *out = result;
        result = NULL;
    }
out:
    str_free(&result);
    str_free(&segments.text);
    str_free(&path);
    str_free(&target);
    return code;
}

int url_clean(char **out, const char *text, enum url_origin origin, struct error *err)
{
    char *result = NULL;
    int code = clean(&result, text, origin, true, err);

    if (code == 0) {
        str_free(out);
        *out = result;
    }
    return code;
}

const char *url_below(const char *url, const char *parent)
{
    while (*parent) {
        if (!*url || str_fold(str_decode(&url)) != str_fold(str_decode(&parent))) {
            return NULL;
        }
    }
    if (*url == '/') {
        return url + 1;
    }
    return *url ? NULL : url;
}

const char *url_path(const char *url)
{
    const char *host = strstr(url, "://");

    host = host ? host + 3 : url;
    return host + strcspn(host, "/");
}

int url_host(char **out, const char *url, struct error *err)
{
    const char *host = strstr(url, "://");

    host = host ? host + 3 : url;
    return str_copy_n(out, host, strcspn(host, "/"), err);
}
