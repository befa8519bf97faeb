#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STR_LIST_DEFAULT_LIMIT 1000000

int str_copy_n(char **out, const char *text, size_t length, struct error *err)
{
    char *copy = malloc(length + 1);

    if (!copy) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a text of %zu bytes", length);
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    free(*out);
    *out = copy;
    return 0;
}

int str_copy(char **out, const char *text, struct error *err)
{
    if (!text) {
        str_free(out);
        return 0;
    }
    return str_copy_n(out, text, strlen(text), err);
}

int str_format(char **out, struct error *err, const char *fmt, ...)
{
    va_list args;
    char *text;
    int size;

    va_start(args, fmt);
    size = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (size < 0) {
        return error_set(err, ERR_INVALID, "text cannot be formatted");
    }
    text = malloc((size_t)size + 1);
    if (!text) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a text of %d bytes", size);
    }
    va_start(args, fmt);
    vsnprintf(text, (size_t)size + 1, fmt, args);
    va_end(args);
    free(*out);
    *out = text;
    return 0;
}

void str_free(char **text)
{
    free(*text);
    *text = NULL;
}

bool str_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends_with(const char *text, const char *suffix)
{
    size_t text_length = strlen(text);
    size_t length = strlen(suffix);

    return text_length >= length && strcmp(text + text_length - length, suffix) == 0;
}

/* The next character, folded, without a call for what most names are made of: every look-up
 * compares and hashes names. */
static inline uint32_t next_folded(const char **at)
{
    unsigned char c = (unsigned char)**at;

    if (c == '\0' || c >= 0x80) {
        return str_fold(str_decode(at));
    }
    (*at)++;
    return c >= 'A' && c <= 'Z' ? c + 32u : c;
}

int str_compare_nocase(const char *a, const char *b)
{
    while (*a && *b) {
        uint32_t left = next_folded(&a);
        uint32_t right = next_folded(&b);

        if (left != right) {
            return left < right ? -1 : 1;
        }
    }
    return *a ? 1 : (*b ? -1 : 0);
}

bool str_equal_nocase(const char *a, const char *b)
{
    return a == b || (a && b && str_compare_nocase(a, b) == 0);
}

bool str_starts_with_nocase(const char *text, const char *prefix)
{
    while (*prefix) {
        if (!*text || next_folded(&text) != next_folded(&prefix)) {
            return false;
        }
    }
    return true;
}

uint64_t str_hash(const char *text)
{
    uint64_t hash = 14695981039346656037u;

    for (; *text; text++) {
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    }
    return hash;
}

uint64_t str_hash_nocase(const char *text)
{
    uint64_t hash = 14695981039346656037u;

    while (*text) {
        hash = (hash ^ next_folded(&text)) * 1099511628211u;
    }
    return hash;
}

bool str_to_int64(const char *text, int64_t min, int64_t max, int64_t *out)
{
    char *end = NULL;
    long long value;

    if (!text || !(*text == '-' || (*text >= '0' && *text <= '9'))) {
        return false;
    }
    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < min || value > max) {
        return false;
    }
    *out = value;
    return true;
}

int str_list_add(struct str_list *list, const char *text, struct error *err)
{
    size_t limit = list->limit ? list->limit : STR_LIST_DEFAULT_LIMIT;
    char *copy = NULL;
    int code;

    if (list->count >= limit) {
        return error_set(err, ERR_LIMIT, "more than %zu entries", limit);
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 8;
        char **items = realloc(list->items, capacity * sizeof(*items));

        if (!items) {
            return error_set(err, ERR_NO_MEMORY, "no memory for %zu entries", capacity);
        }
        list->items = items;
        list->capacity = capacity;
    }
    code = str_copy(&copy, text, err);
    if (code < 0) {
        return code;
    }
    list->items[list->count++] = copy;
    return 0;
}

bool str_list_has_nocase(const struct str_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_equal_nocase(list->items[i], text)) {
            return true;
        }
    }
    return false;
}

void str_list_clear(struct str_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    list->items = NULL;
    list->count = 0;
    list->capacity = 0;
}
