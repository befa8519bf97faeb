#include "doors_path.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

#define GIVEN_MAX 16384

void door_path_clear(struct door_path *path)
{
    free(path->text);
    *path = (struct door_path){0};
}

static bool is_slash(char c)
{
    return c == '/' || c == '\\';
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* With one '/' between components, none at the ends. */
static int copy_below(char **out, const char *text, struct error *err)
{
    struct buf path;
    int code = 0;

    buf_init(&path, GIVEN_MAX);
    while (*text && code == 0) {
        size_t length = strcspn(text, "/\\");

        if ((length == 1 && *text == '.') || (length == 2 && strncmp(text, "..", 2) == 0)) {
            code = error_set(err, ERR_INVALID, "say the path without '.' and '..'");
        } else if (length > 0) {
            code = path.size > 0 ? buf_add_text(&path, "/", err) : 0;
            code = code == 0 ? buf_add(&path, text, length, err) : code;
        }
        text += length;
        text += is_slash(*text);
    }
    code = code == 0 ? str_copy(out, buf_text(&path), err) : code;
    buf_clear(&path);
    return code;
}

/* Behind the server's name: what Windows puts there for WebDAV. */
static const char *skip_dav_root(const char *rest)
{
    while (is_slash(*rest)) {
        rest++;
    }
    if (str_starts_with_nocase(rest, "DavWWWRoot") && (is_slash(rest[10]) || !rest[10])) {
        rest += 10;
    }
    return rest;
}

static int read_sharepoint(struct door_path *out, const char *server, size_t length,
                           const char *rest, struct error *err)
{
    char *below = NULL;
    char *encoded = NULL;
    int code = copy_below(&below, skip_dav_root(rest), err);

    if (code == 0) {
        code = str_percent_encode(&encoded, below, true, err);
    }
    if (code == 0) {
        out->form = DOOR_URL;
        code = str_format(&out->text, err, "https://%.*s/%s", (int)length, server, encoded);
    }
    free(below);
    free(encoded);
    return code;
}

/* `text` behind the two slashes. *is_ours false: a path like any other. */
static int read_unc(struct door_path *out, const char *text, bool is_certain,
                    const char *unc_server, bool *is_ours, struct error *err)
{
    size_t all = strcspn(text, "/\\");
    size_t length = strcspn(text, "/\\@");
    bool is_dav = length < all;
    bool is_local = (length == 9 && str_starts_with_nocase(text, "localhost")) ||
                    (length == 9 && strncmp(text, "127.0.0.1", 9) == 0);
    bool is_server =
        unc_server && strlen(unc_server) == length && str_starts_with_nocase(text, unc_server);

    *is_ours = true;
    if (is_server || (is_dav && is_local)) {
        out->form = DOOR_SHARE;
        out->may_be_token = is_dav;
        return copy_below(&out->text, is_dav ? skip_dav_root(text + all) : text + all, err);
    }
    if (memchr(text, '.', length) && (is_certain || is_dav)) {
        return read_sharepoint(out, text, length, text + all, err);
    }
    *is_ours = is_certain;
    return is_certain ? error_set(err, ERR_NOT_FOUND, "'\\\\%.*s' is not a server of this agent",
                                  (int)(length < 60 ? length : 60), text)
                      : 0;
}

/* "file:///a%20b" as file managers give it. */
static int read_file_url(struct door_path *out, const char *url, struct error *err)
{
    const char *path = strchr(url + 7, '/');

    if (!path || (path != url + 7 && !str_starts_with_nocase(url + 7, "localhost/"))) {
        return error_set(err, ERR_INVALID, "'%.100s' is on another machine", url);
    }
    return str_percent_decode(&out->text, path, err);
}

/* What stands behind "ms-word:ofe|u|", "ms-excel:ofv|u|" and the like; else NULL. */
static const char *behind_office(const char *text)
{
    const char *url = strstr(text, "https://");

    return url && str_starts_with_nocase(text, "ms-") && strcspn(text, ":") < 20 ? url : NULL;
}

static int read_given(struct door_path *out, const char *given, const char *unc_server,
                      struct error *err)
{
    const char *office = behind_office(given);
    bool is_ours = false;
    int code = 0;

    if (office || str_starts_with_nocase(given, "https://") ||
        str_starts_with_nocase(given, "http://")) {
        out->form = DOOR_URL;
        office = office ? office : given;
        return str_format(&out->text, err, "https://%s", strstr(office, "://") + 3);
    }
    if (str_starts_with_nocase(given, "file://")) {
        return read_file_url(out, given, err);
    }
    if (strncmp(given, "\\\\?\\UNC\\", 8) == 0) {
        return read_unc(out, given + 8, true, unc_server, &is_ours, err);
    }
    if (strncmp(given, "\\\\?\\", 4) == 0) {
        given += 4;
    }
    if (strncmp(given, "\\\\", 2) == 0 || strncmp(given, "//", 2) == 0) {
        code = read_unc(out, given + 2, *given == '\\', unc_server, &is_ours, err);
    }
    if (code < 0 || is_ours) {
        return code;
    }
    if (is_letter(given[0]) && given[1] == ':' && (!given[2] || is_slash(given[2]))) {
        out->form = DOOR_LETTER;
        out->letter = (char)(given[0] & ~0x20);
        return copy_below(&out->text, given + 2, err);
    }
    return str_copy(&out->text, given, err);
}

int door_path_read(struct door_path *out, const char *given, const char *unc_server,
                   struct error *err)
{
    size_t size = strlen(given);
    int code;

    *out = (struct door_path){.form = DOOR_FILE};
    if (size == 0 || size >= GIVEN_MAX || !str_is_utf8(given, size)) {
        return error_set(err, ERR_INVALID,
                         size == 0 ? "say which file" : "the path is too long or not valid text");
    }
    code = read_given(out, given, unc_server, err);
    if (code < 0) {
        door_path_clear(out);
    }
    return code;
}

int door_path_absolute(char **out, const char *path, const char *directory, struct error *err)
{
    struct buf text;
    int code = 0;

    buf_init(&text, GIVEN_MAX);
    if (*path != '/') {
        code = buf_add_format(&text, err, "%s/", directory);
    }
    code = code == 0 ? buf_add_text(&text, path, err) : code;
    if (code == 0) { /* in place: what is kept is never longer */
        char *from = text.data;
        size_t size = 0;

        while (*from) {
            size_t length = strcspn(from, "/");
            const char *part = from;

            from += length + (from[length] == '/');
            if (length == 2 && strncmp(part, "..", 2) == 0) {
                while (size > 0 && text.data[--size] != '/') {
                }
            } else if (length > 0 && !(length == 1 && *part == '.')) {
                text.data[size++] = '/';
                memmove(text.data + size, part, length);
                size += length;
            }
        }
        code = size > 0 ? str_copy_n(out, text.data, size, err) : str_copy(out, "/", err);
    }
    buf_clear(&text);
    return code;
}

/* Whether the query has a value of this name. */
static bool has_value(const char *url, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = strchr(url, '?'); at; at = strchr(at, '&')) {
        at++;
        if (str_starts_with_nocase(at, name) && at[length] == '=') {
            return true;
        }
    }
    return false;
}

bool door_url_is_opaque(const char *url)
{
    const char *host = strstr(url, "://");
    const char *path = host ? strchr(host + 3, '/') : NULL;
    const char *kind;

    if (!path) {
        return false;
    }
    if (has_value(url, "sourcedoc") || has_value(url, "UniqueId") ||
        strstr(path, "/guestaccess.aspx")) {
        return true;
    }
    if (path[1] != ':') {
        return false;
    }
    kind = strchr(path + 1, '/'); /* "/:w:/r/sites/..." is the path itself */
    return !kind || strncmp(kind, "/r/", 3) != 0;
}
