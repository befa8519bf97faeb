/*
 * str.h - text. All text is UTF-8; a function that allocates says who frees.
 *
 * Case-insensitive means: ASCII and the simple one-to-one mappings of Latin, Greek and Cyrillic
 * letters, which is what SharePoint compares names by as far as is known. It never depends on the
 * locale of the process.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* *out = a heap copy of `text` (NULL gives NULL), replacing and freeing what *out held. Caller
 * frees. */
int str_copy(char **out, const char *text, struct error *err);
int str_copy_n(char **out, const char *text, size_t length, struct error *err);

/* *out = the formatted text on the heap, replacing and freeing what *out held. Caller frees. */
int str_format(char **out, struct error *err, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Frees *text and sets it to NULL. NULL is fine. */
void str_free(char **text);

/* NULL equals NULL only. */
bool str_equal(const char *a, const char *b);
bool str_starts_with(const char *text, const char *prefix);
bool str_ends_with(const char *text, const char *suffix);

/* Locale-free, case-insensitive. str_compare_nocase() orders like strcmp() on the folded text;
 * neither may be NULL. */
int str_compare_nocase(const char *a, const char *b);
bool str_equal_nocase(const char *a, const char *b);
bool str_starts_with_nocase(const char *text, const char *prefix);

/* FNV-1a (64 bit) of the folded text: names that are equal by str_equal_nocase() have equal hashes.
 */
uint64_t str_hash_nocase(const char *text);
uint64_t str_hash(const char *text);

/* Folds one code point; str_decode() reads one from UTF-8 at *at and moves on (an invalid byte
 * gives U+FFFD). */
uint32_t str_fold(uint32_t code_point);
uint32_t str_decode(const char **at);

/* Whether `text` is valid UTF-8 (no overlong forms, no surrogates, at most U+10FFFF). */
bool str_is_utf8(const char *text, size_t length);

/* Glob, case-insensitive: `*` any run without '/', `**` any run, `?` one character but '/', `[a-z]`
 * `[!x]` classes, backslash quotes. A malformed class matches literally. Runs in bounded time for
 * any pattern. */
bool str_glob_match(const char *pattern, const char *text);

/* Whole text as a decimal number in [min, max]; false otherwise. No sign but '-', no blanks. */
bool str_to_int64(const char *text, int64_t min, int64_t max, int64_t *out);

/* Percent-encodes everything but A-Z a-z 0-9 - . _ ~ (graph-facts 2.4: the safe set for every path
 * segment) and, when `keep_slash`, '/'. *out is the caller's to free. */
int str_percent_encode(char **out, const char *text, bool keep_slash, struct error *err);

/* Decodes %XX; ERR_INVALID on a broken escape, on %00, or when the result is not UTF-8. *out is the
 * caller's. */
int str_percent_decode(char **out, const char *text, struct error *err);

/* Base64url without padding / standard base64 decoding (both alphabets, padding optional). Caller
 * frees. */
int str_base64url_encode(char **out, const void *data, size_t size, struct error *err);
int str_base64_decode(void **out, size_t *out_size, const char *text, struct error *err);

/* A growing list of owned strings. Zero-initialise; limit = largest count, 0 = 1,000,000. */
struct str_list {
    char **items;
    size_t count;
    size_t capacity;
    size_t limit;
};
int str_list_add(struct str_list *list, const char *text, struct error *err);
bool str_list_has_nocase(const struct str_list *list, const char *text);
void str_list_clear(struct str_list *list);

#endif
