#include "util.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

void die(const char *fmt, ...)
{
    va_list ap;

    fputs("mooring-tenant: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}

void *xmalloc(size_t n)
{
    void *p = malloc(n ? n : 1);

    if (!p) {
        die("out of memory");
    }
    return p;
}

void *xcalloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);

    if (!p) {
        die("out of memory");
    }
    return p;
}

void *xrealloc(void *p, size_t n)
{
    p = realloc(p, n ? n : 1);
    if (!p) {
        die("out of memory");
    }
    return p;
}

char *xstrdup(const char *s)
{
    return xstrndup(s, strlen(s));
}

char *xstrndup(const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *copy = xmalloc(len + 1);

    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *xasprintf(const char *fmt, ...)
{
    struct strbuf sb = {0};
    va_list ap;

    va_start(ap, fmt);
    sb_vprintf(&sb, fmt, ap);
    va_end(ap);
    return sb_take(&sb);
}

/* --- growing byte string
 * ------------------------------------------------------------------------------- */

static void sb_reserve(struct strbuf *sb, size_t more)
{
    size_t need = sb->len + more + 1;

    if (need > sb->cap) {
        size_t cap = sb->cap * 2 > need ? sb->cap * 2 : need;

        sb->data = xrealloc(sb->data, cap);
        sb->cap = cap;
    }
}

void sb_add(struct strbuf *sb, const void *bytes, size_t n)
{
    sb_reserve(sb, n);
    if (n > 0) {
        memcpy(sb->data + sb->len, bytes, n);
    }
    sb->len += n;
    sb->data[sb->len] = '\0';
}

void sb_puts(struct strbuf *sb, const char *s)
{
    sb_add(sb, s, strlen(s));
}

void sb_vprintf(struct strbuf *sb, const char *fmt, va_list ap)
{
    va_list again;
    int n;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    if (n < 0) {
        die("bad format");
    }
    sb_reserve(sb, (size_t)n);
    vsnprintf(sb->data + sb->len, (size_t)n + 1, fmt, again);
    va_end(again);
    sb->len += (size_t)n;
}

void sb_printf(struct strbuf *sb, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    sb_vprintf(sb, fmt, ap);
    va_end(ap);
}

char *sb_take(struct strbuf *sb)
{
    char *text = sb->data ? sb->data : xstrdup("");

    *sb = (struct strbuf){0};
    return text;
}

void sb_clear(struct strbuf *sb)
{
    free(sb->data);
    *sb = (struct strbuf){0};
}

/* --- text
 * ---------------------------------------------------------------------------------------------- */

bool str_ieq(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

bool str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s);
    size_t m = strlen(suffix);

    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

const char *str_ifind(const char *haystack, const char *needle)
{
    return strcasestr(haystack, needle);
}

bool glob_match(const char *pattern, const char *s)
{
    const char *star = NULL;
    const char *back = NULL;

    while (*s != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            back = s;
        } else if (*pattern == '?' || *pattern == *s) {
            pattern++;
            s++;
        } else if (star) {
            pattern = star;
            s = ++back;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

/* --- URLs
 * ---------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `form`: '+' is a space, and what is not a %XX stays as it is. */
static char *decode(const char *s, size_t n, bool form)
{
    char *out = xmalloc(n + 1);
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        char c = s[i];

        if (c == '%') {
            int hi = i + 2 < n ? hex_digit(s[i + 1]) : -1;
            int lo = i + 2 < n ? hex_digit(s[i + 2]) : -1;

            if (hi >= 0 && lo >= 0) {
                c = (char)(hi * 16 + lo);
                i += 2;
            } else if (!form) {
                free(out);
                return NULL;
            }
        } else if (c == '+' && form) {
            c = ' ';
        }
        if (c == '\0') {
            free(out);
            return NULL;
        }
        out[len++] = c;
    }
    out[len] = '\0';
    return out;
}

char *url_decode(const char *s, size_t n)
{
    return decode(s, n, false);
}

char *url_decode_form(const char *s, size_t n)
{
    return decode(s, n, true);
}

static char *encode(const char *s, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    struct strbuf sb = {0};

    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;

        if (isalnum(c) || strchr("-._~", c) || (keep_slash && c == '/')) {
            sb_add(&sb, &c, 1);
        } else {
            char esc[3] = {'%', digits[c >> 4], digits[c & 15]};

            sb_add(&sb, esc, sizeof(esc));
        }
    }
    return sb_take(&sb);
}

char *url_encode(const char *s)
{
    return encode(s, false);
}

char *url_encode_path(const char *s)
{
    return encode(s, true);
}

char *form_get(const char *form, const char *name)
{
    size_t name_len = strlen(name);

    while (form && *form != '\0') {
        size_t len = strcspn(form, "&");

        if (len > name_len && form[name_len] == '=' && memcmp(form, name, name_len) == 0) {
            return url_decode_form(form + name_len + 1, len - name_len - 1);
        }
        form += len;
        form += *form == '&';
    }
    return NULL;
}

/* --- encodings
 * ----------------------------------------------------------------------------------------- */

static char *encode64(const unsigned char *p, size_t n, const char *alphabet, bool pad)
{
    struct strbuf sb = {0};

    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t v = (uint32_t)p[i] << 16;
        char four[4];

        v |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
        v |= left > 2 ? p[i + 2] : 0;
        for (int k = 0; k < 4; k++) {
            four[k] = alphabet[v >> (18 - 6 * k) & 63];
        }
        if (left < 3) {
            memset(four + left + 1, '=', 3 - left);
        }
        sb_add(&sb, four, left < 3 && !pad ? left + 1 : 4);
    }
    return sb_take(&sb);
}

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

char *base64_encode(const void *data, size_t n)
{
    return encode64(data, n, ALNUM "+/", true);
}

char *base64url_encode(const void *data, size_t n)
{
    return encode64(data, n, ALNUM "-_", false);
}

void *base64url_decode(const char *s, size_t n, size_t *out_len)
{
    static const char alphabet[] = ALNUM "-_";
    unsigned char *out = xmalloc(n + 1);
    uint32_t bits = 0;
    unsigned n_bits = 0;
    size_t len = 0;

    while (n > 0 && s[n - 1] == '=') {
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        const char *at = s[i] ? strchr(alphabet, s[i]) : NULL;

        if (!at) {
            free(out);
            return NULL;
        }
        bits = bits << 6 | (uint32_t)(at - alphabet);
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            out[len++] = (unsigned char)(bits >> n_bits);
        }
    }
    if (n % 4 == 1) {
        free(out);
        return NULL;
    }
    out[len] = '\0';
    *out_len = len;
    return out;
}

char *hex_encode(const void *data, size_t n)
{
    const unsigned char *p = data;
    struct strbuf sb = {0};

    for (size_t i = 0; i < n; i++) {
        sb_printf(&sb, "%02x", p[i]);
    }
    return sb_take(&sb);
}

/* --- randomness
 * ---------------------------------------------------------------------------------------- */

void random_bytes(void *buf, size_t n)
{
    unsigned char *p = buf;

    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);

        if (got < 0 && errno != EINTR) {
            die("getrandom: %s", strerror(errno));
        }
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        }
    }
}

char *random_token(size_t n_bytes)
{
    unsigned char *raw = xmalloc(n_bytes);
    char *text;

    random_bytes(raw, n_bytes);
    text = base64url_encode(raw, n_bytes);
    free(raw);
    return text;
}

void random_guid(char out[37])
{
    unsigned char b[16];

    random_bytes(b, sizeof(b));
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
             b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
             b[14], b[15]);
}

/* --- time
 * ---------------------------------------------------------------------------------------------- */

int64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t mono_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void sleep_until_ns(int64_t mono_deadline_ns)
{
    struct timespec ts = {.tv_sec = (time_t)(mono_deadline_ns / 1000000000),
                          .tv_nsec = (long)(mono_deadline_ns % 1000000000)};

    if (mono_deadline_ns <= mono_ns()) {
        return;
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR) {
    }
}

void format_iso(char out[32], int64_t unix_seconds)
{
    time_t t = (time_t)unix_seconds;
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void format_iso_ms(char out[40], int64_t unix_ms)
{
    time_t t = (time_t)(unix_ms / 1000);
    struct tm tm;
    size_t n;

    gmtime_r(&t, &tm);
    n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, 40 - n, ".%03dZ", (int)(unix_ms % 1000));
}

/* "hh:mm" as seconds; -1 when it is not. */
static int64_t parse_hours(const char *text)
{
    const char *digits = "0123456789";

    if (strspn(text, digits) != 2 || text[2] != ':' || strspn(text + 3, digits) < 2) {
        return -1;
    }
    return ((text[0] - '0') * 10 + text[1] - '0') * 3600 +
           ((text[3] - '0') * 10 + text[4] - '0') * 60;
}

bool parse_iso(int64_t *out_seconds, const char *text)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    int64_t offset = 0;

    if (!rest) {
        return false;
    }
    if (*rest == '.') {
        rest++;
        rest += strspn(rest, "0123456789");
    }
    if (*rest == '+' || *rest == '-') {
        offset = parse_hours(rest + 1);
        if (offset < 0) {
            return false;
        }
        offset = *rest == '-' ? -offset : offset;
    } else if (*rest != 'Z' && *rest != '\0') {
        return false;
    }
    *out_seconds = (int64_t)timegm(&tm) - offset;
    return true;
}

/* --- files
 * --------------------------------------------------------------------------------------------- */

int write_file_atomic(const char *path, const void *data, size_t n, int mode)
{
    char *tmp = xasprintf("%s.tmp", path);
    const char *p = data;
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    int rc = fd < 0 ? -1 : 0;

    while (rc == 0 && n > 0) {
        ssize_t put = write(fd, p, n);

        if (put < 0) {
            rc = errno == EINTR ? 0 : -1;
            continue;
        }
        p += put;
        n -= (size_t)put;
    }
    if (fd >= 0 && close(fd) != 0) {
        rc = -1;
    }
    if (rc == 0) {
        rc = rename(tmp, path);
    }
    free(tmp);
    return rc;
}

char *read_file(const char *path, size_t max, size_t *out_len)
{
    struct strbuf sb = {0};
    char buf[65536];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = 0;

    if (fd < 0) {
        return NULL;
    }
    while ((got = read(fd, buf, sizeof(buf))) > 0) {
        sb_add(&sb, buf, (size_t)got);
        if (sb.len > max) {
            errno = EFBIG;
            got = -1;
            break;
        }
    }
    close(fd);
    if (got < 0) {
        sb_clear(&sb);
        return NULL;
    }
    if (out_len) {
        *out_len = sb.len;
    }
    return sb_take(&sb);
}

int make_dir(const char *path)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -1;
}
