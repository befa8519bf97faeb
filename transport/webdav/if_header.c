#include "if_header.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

static void skip_blanks(const char **at)
{
    *at += strspn(*at, " \t");
}

static int malformed(struct error *err)
{
    return error_set(err, ERR_INVALID, "the If header is malformed");
}

/* Reads up to `end`, which is consumed. */
static int read_until(char **out, const char **at, char end, struct error *err)
{
    const char *stop = strchr(*at, end);

    if (!stop || stop == *at) {
        return malformed(err);
    }
    if (str_copy_n(out, *at, (size_t)(stop - *at), err) < 0) {
        return ERR_NO_MEMORY;
    }
    *at = stop + 1;
    return 0;
}

static int read_etag(char **out, const char **at, struct error *err)
{
    const char *begin = *at;
    const char *p = begin;

    if (strncmp(p, "W/", 2) == 0) {
        p += 2;
    }
    if (*p != '"') {
        return malformed(err);
    }
    p = strchr(p + 1, '"');
    if (!p || p[1] != ']') {
        return malformed(err);
    }
    *at = p + 2;
    return str_copy_n(out, begin, (size_t)(p + 1 - begin), err);
}

static int read_condition(struct dav_if_condition *c, const char **at, struct error *err)
{
    size_t length = 0;

    if (strncasecmp(*at, "Not", 3) == 0 && strchr(" \t<[", (*at)[3]) && (*at)[3]) {
        c->is_not = true;
        *at += 3;
        skip_blanks(at);
    }
    if (**at == '<') {
        ++*at;
        return read_until(&c->value, at, '>', err);
    }
    if (**at == '[') {
        ++*at;
        c->is_etag = true;
        return read_etag(&c->value, at, err);
    }
    length = strcspn(*at, " \t)(<>[]\"");
    if (length == 0 || !memchr(*at, ':', length)) {
        return malformed(err);
    }
    *at += length;
    return str_copy_n(&c->value, *at - length, length, err);
}

static struct dav_if_condition *add(struct dav_if *header, struct error *err)
{
    struct dav_if_condition *longer = NULL;

    if (header->count == DAV_IF_CONDITIONS_MAX) {
        error_set(err, ERR_LIMIT, "the If header has too many conditions");
        return NULL;
    }
    longer = realloc(header->items, (header->count + 1) * sizeof(*longer));
    if (!longer) {
        error_set(err, ERR_NO_MEMORY, "no memory for an If header");
        return NULL;
    }
    header->items = longer;
    memset(&longer[header->count], 0, sizeof(*longer));
    return &longer[header->count++];
}

/* After "(" up to and with ")". */
static int read_list(struct dav_if *header, size_t list, const char *tag, const char **at,
                     struct error *err)
{
    size_t first = header->count;
    int code = 0;

    skip_blanks(at);
    while (code == 0 && **at != ')') {
        struct error local = {0};
        struct dav_if_condition *c = add(header, &local);

        if (!c) {
            return error_set(err, local.code, "%s", local.message);
        }
        c->list = list;
        code = tag ? str_copy(&c->uri, tag, err) : 0;
        if (code == 0) {
            code = read_condition(c, at, err);
        }
        skip_blanks(at);
    }
    if (code == 0 && header->count == first) {
        code = malformed(err);
    }
    if (code == 0) {
        ++*at;
    }
    return code;
}

int dav_if_parse(struct dav_if *out, const char *text, struct error *err)
{
    struct dav_if header = {.count = 0};
    const char *at = text;
    char *tag = NULL;
    size_t lists = 0;
    bool needs_list = true; /* a tag is followed by a list */
    int code = 0;

    skip_blanks(&at);
    while (code == 0 && *at) {
        if (*at == '<' && (!tag || !needs_list) && (tag || lists == 0)) {
            at++;
            str_free(&tag);
            code = read_until(&tag, &at, '>', err);
            needs_list = true;
        } else if (*at == '(') {
            at++;
            code = read_list(&header, lists++, tag, &at, err);
            needs_list = false;
        } else {
            code = malformed(err);
        }
        skip_blanks(&at);
    }
    if (code == 0 && needs_list) {
        code = malformed(err);
    }
    str_free(&tag);
    if (code < 0) {
        dav_if_clear(&header);
        return code;
    }
    *out = header;
    return 0;
}

void dav_if_clear(struct dav_if *header)
{
    for (size_t i = 0; i < header->count; i++) {
        free(header->items[i].uri);
        free(header->items[i].value);
    }
    free(header->items);
    memset(header, 0, sizeof(*header));
}
