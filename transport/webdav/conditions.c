/*
 * conditions.c - If-Match and its kin (RFC 9110, 13), the If header and locks (RFC 4918, 10.4, 7).
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/str.h"
#include "method.h"
#include "webdav_internal.h"

/* Whether `etag` stands in a list like `"a", W/"b"`. Weak ones match when `is_weak_fine`. */
static bool is_listed(const char *list, const char *etag, bool is_weak_fine)
{
    size_t length = strlen(etag);

    for (;;) {
        bool is_weak = false;
        const char *end = NULL;

        list += strspn(list, " \t,");
        is_weak = strncmp(list, "W/", 2) == 0;
        list += is_weak ? 2 : 0;
        end = *list == '"' ? strchr(list + 1, '"') : NULL;
        if (!end) {
            return false;
        }
        end++;
        if ((size_t)(end - list) == length && memcmp(list, etag, length) == 0 &&
            (!is_weak || is_weak_fine)) {
            return true;
        }
        list = end;
    }
}

static bool is_star(const char *list)
{
    list += strspn(list, " \t");
    return list[0] == '*' && list[1 + strspn(list + 1, " \t")] == '\0';
}

/* Dates have whole seconds. False for what is no date: such a header is ignored. */
static bool is_newer_than(const struct vfs_attr *attr, const char *date, bool *is_date)
{
    int64_t ms = 0;

    *is_date = clock_parse_http_date(date, &ms);
    return *is_date && attr->modified_ms / 1000 > ms / 1000;
}

static int failed(struct dav_request *r)
{
    return dav_status(r, 412, "a condition of the request does not hold");
}

int dav_check_preconditions(struct dav_request *r, const struct vfs_attr *attr)
{
    const char *match = dav_request_header(r, "If-Match");
    const char *none_match = dav_request_header(r, "If-None-Match");
    const char *modified = dav_request_header(r, "If-Modified-Since");
    const char *unmodified = dav_request_header(r, "If-Unmodified-Since");
    bool is_read = strcmp(r->method->name, "GET") == 0 || strcmp(r->method->name, "HEAD") == 0;
    char etag[DAV_ETAG_SIZE] = "";
    bool is_date = false;

    if (attr) {
        dav_etag(etag, attr);
    }
    if (match && !(attr && (is_star(match) || is_listed(match, etag, false)))) {
        return failed(r);
    }
    if (!match && unmodified && attr && is_newer_than(attr, unmodified, &is_date)) {
        return failed(r);
    }
    if (none_match && attr && (is_star(none_match) || is_listed(none_match, etag, is_read))) {
        return is_read ? 304 : failed(r);
    }
    if (!none_match && modified && is_read && attr && !is_newer_than(attr, modified, &is_date) &&
        is_date) {
        return 304;
    }
    return 0;
}

int dav_read_if(struct dav_request *r)
{
    const char *text = dav_request_header(r, "If");
    int code = text ? dav_if_parse(&r->conditions, text, &r->err) : 0;

    return code == ERR_INVALID || code == ERR_LIMIT ? dav_status(r, 400, "%s", r->err.message)
                                                    : code;
}

/* The ETag of what is at `path` into `out`; "" when there is nothing, or a folder. */
static void etag_at(struct dav_request *r, char out[DAV_ETAG_SIZE], const char *path)
{
    struct error ignored = {0};
    struct vfs_attr attr;

    out[0] = '\0';
    if (dav_lookup(r, &attr, path, &ignored) == 0) {
        if (!dav_is_folder(&attr)) {
            dav_etag(out, &attr);
        }
        dav_forget(r, &attr);
    }
}

static int holds(struct dav_request *r, const struct dav_if_condition *c, bool *out)
{
    char etag[DAV_ETAG_SIZE];
    char *shown = NULL;
    char *path = NULL;
    char *key = NULL;
    int code = 0;

    *out = false;
    if (c->uri) {
        if (dav_read_uri(r, &shown, c->uri, NULL) < 0) {
            *out = c->is_not; /* of another server we know nothing that could be true */
            return 0;
        }
        code = dav_follow_links(r, &path, shown, &r->err);
    } else {
        code = str_copy(&path, r->path, &r->err);
    }
    if (code == 0) {
        code = dav_path_key(&key, path, &r->err);
    }
    if (code == 0 && c->is_etag) {
        etag_at(r, etag, path);
        *out = etag[0] && strcmp(etag, c->value) == 0;
    } else if (code == 0) {
        *out = dav_locks_covers(r->dav->locks, c->value, key);
    }
    *out = *out != c->is_not;
    free(shown);
    free(path);
    free(key);
    return code;
}

int dav_check_if(struct dav_request *r)
{
    const struct dav_if *header = &r->conditions;
    bool list_holds = true;

    if (header->count == 0) {
        return 0;
    }
    for (size_t i = 0; i < header->count; i++) {
        bool is_last = i + 1 == header->count || header->items[i + 1].list != header->items[i].list;
        bool is_true = false;

        if (list_holds) {
            int code = holds(r, &header->items[i], &is_true);

            if (code < 0) {
                return code;
            }
            list_holds = is_true;
        }
        if (is_last && list_holds) {
            return 0;
        }
        if (is_last) {
            list_holds = true;
        }
    }
    return failed(r);
}

/* Clients put a token into If, and some into Lock-Token, with or without <>. */
static bool has_token(void *payload, const char *token)
{
    const struct dav_request *r = payload;
    const char *other = dav_request_header(r, "Lock-Token");

    for (size_t i = 0; i < r->conditions.count; i++) {
        const struct dav_if_condition *c = &r->conditions.items[i];

        if (!c->is_etag && strcmp(c->value, token) == 0) {
            return true;
        }
    }
    if (other) {
        other += *other == '<';
        return strncmp(other, token, strlen(token)) == 0 &&
               (other[strlen(token)] == '\0' || other[strlen(token)] == '>');
    }
    return false;
}

int dav_check_locks(struct dav_request *r, const char *key, bool with_below)
{
    if (dav_locks_check(r->dav->locks, key, with_below, has_token, r, &r->err) < 0) {
        return dav_precondition(r, 423, "lock-token-submitted");
    }
    return 0;
}

int dav_check_parent_locks(struct dav_request *r, const char *path)
{
    char *parent = NULL;
    char *key = NULL;
    int code = dav_path_parent(&parent, path, &r->err);

    if (code == 0) {
        code = dav_path_key(&key, parent, &r->err);
    }
    if (code == 0) {
        code = dav_check_locks(r, key, false);
    }
    free(parent);
    free(key);
    return code;
}
