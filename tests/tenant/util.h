/*
 * util.h - the few helpers that both halves of the simulated tenant use.
 *
 * The program is a test tool: out of memory ends it (the x... functions never return NULL). It
 * shares no code with the client it tests, on purpose: one misreading must not sit on both sides.
 */
#ifndef TENANT_UTIL_H
#define TENANT_UTIL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* Ends the program with a message. */
void die(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));

void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* A growing byte string. Zero-initialised is empty; data is NUL-terminated once anything was added.
 */
struct strbuf {
    char *data;
    size_t len;
    size_t cap;
};
void sb_add(struct strbuf *sb, const void *bytes, size_t n);
void sb_puts(struct strbuf *sb, const char *s);
void sb_printf(struct strbuf *sb, const char *fmt, ...) PRINTF_LIKE(2, 3);
void sb_vprintf(struct strbuf *sb, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
char *
sb_take(struct strbuf *sb); /* the text ("" if empty), for the caller to free; sb is empty again */
void sb_clear(struct strbuf *sb);

/* Text. */
bool str_ieq(const char *a, const char *b); /* ASCII case */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
const char *str_ifind(const char *haystack, const char *needle); /* ASCII case; NULL if absent */
bool glob_match(const char *pattern, const char *s);             /* '*' any run, '?' one byte */

/* URLs. Results are for the caller to free. */
char *url_decode(const char *s, size_t n); /* %XX only; NULL when malformed or when it yields NUL */
char *url_decode_form(const char *s,
                      size_t n);      /* also '+' for space; malformed %XX stays as it is */
char *url_encode(const char *s);      /* everything but A-Z a-z 0-9 - . _ ~ */
char *url_encode_path(const char *s); /* the same, but keeps '/' */
char *form_get(const char *form,
               const char *name); /* a field of an x-www-form-urlencoded text, decoded */

/* Encodings, for the caller to free. The decoders return NULL when malformed. */
char *base64_encode(const void *data, size_t n);
char *base64url_encode(const void *data, size_t n);               /* no padding */
void *base64url_decode(const char *s, size_t n, size_t *out_len); /* padding optional */
char *hex_encode(const void *data, size_t n);

/* Randomness. */
void random_bytes(void *buf, size_t n);
char *random_token(size_t n_bytes); /* base64url */
void random_guid(char out[37]);     /* lower case, version 4 */

/* Time. */
int64_t now_ms(void);                                /* wall clock, ms since 1970 */
int64_t mono_ns(void);                               /* monotonic */
void sleep_until_ns(int64_t mono_deadline_ns);       /* waits without spinning */
void format_iso(char out[32], int64_t unix_seconds); /* 2026-03-02T08:11:45Z */
void format_iso_ms(char out[40], int64_t unix_ms);   /* 2026-03-02T08:11:45.123Z */
bool parse_iso(int64_t *out_seconds,
               const char *text); /* the forms above, fractions and +hh:mm too */

/* Files. 0 or -1 with errno. */
int write_file_atomic(const char *path, const void *data, size_t n, int mode);
char *read_file(const char *path, size_t max,
                size_t *out_len); /* NULL with errno; NUL-terminated */
int make_dir(const char *path);   /* 0700, fine when it exists */

#endif
