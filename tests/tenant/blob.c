#include "blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "quickxor.h"
#include "util.h"

enum { HASHED_UP_TO = 64 * 1024 };

static uint64_t seed_word(uint64_t seed, uint64_t index)
{
    uint64_t x = seed + (index + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

void seed_bytes(uint64_t seed, uint64_t offset, void *buf, size_t n)
{
    uint8_t *out = buf;
    uint64_t index = offset / 8;
    size_t skip = (size_t)(offset % 8);
    uint64_t word;
    if (skip != 0 && n > 0) {
        size_t part = 8 - skip < n ? 8 - skip : n;
        word = seed_word(seed, index++);
        memcpy(out, (uint8_t *)&word + skip, part);
        out += part;
        n -= part;
    }
    for (; n >= 8; n -= 8, out += 8) {
        word = seed_word(seed, index++);
        memcpy(out, &word, 8);
    }
    if (n > 0) {
        word = seed_word(seed, index);
        memcpy(out, &word, n);
    }
}

static struct content *content_new(int64_t size)
{
    struct content *c = xcalloc(1, sizeof(*c));
    atomic_init(&c->refs, 1);
    c->size = size;
    return c;
}

struct content *content_new_seed(uint64_t seed, int64_t size)
{
    struct content *c = content_new(size);
    c->seed = seed;
    return c;
}

struct content *content_new_text(const char *text, int64_t size)
{
    struct content *c = content_new(size);
    c->text = xmalloc((size_t)size + 1);
    memcpy(c->text, text, (size_t)size);
    c->text[size] = '\0';
    content_hash_small(c);
    return c;
}

/* Hashes all of it; on a read error the content stays without a hash, which the service may do too.
 */
static void hash_all(struct content *c)
{
    enum { BLOCK = 160 * 1024 };
    struct content_reader r = {.content = c,
                               .fd = -1}; /* borrows c: it is its maker's alone, or locked */
    struct quickxor q;
    uint8_t *buf;
    uint64_t at = 0;
    int64_t got = 0;
    if (c->path != NULL && (r.fd = open(c->path, O_RDONLY | O_CLOEXEC)) < 0) {
        return;
    }
    buf = xmalloc(BLOCK);
    quickxor_init(&q);
    while (at < (uint64_t)c->size && (got = content_read(&r, at, buf, BLOCK)) > 0) {
        quickxor_add(&q, buf, (size_t)got);
        at += (uint64_t)got;
    }
    if (at == (uint64_t)c->size) {
        quickxor_finish(&q, c->hash);
        c->has_hash = true;
    }
    free(buf);
    if (r.fd >= 0) {
        close(r.fd);
    }
}

struct content *content_new_file(const char *path)
{
    struct stat st;
    struct content *c;
    if (stat(path, &st) != 0) {
        die("%s: %s", path, strerror(errno));
    }
    c = content_new(st.st_size);
    c->path = xstrdup(path);
    hash_all(c);
    return c;
}

struct content *content_with_suffix(const struct content *from, const char *suffix)
{
    struct content *c = content_new(from->size + (int64_t)strlen(suffix));
    c->seed = from->seed;
    if (from->text != NULL) { /* bytes, not a string */
        size_t own =
            (size_t)(from->size - (int64_t)(from->suffix == NULL ? 0 : strlen(from->suffix)));
        c->text = xmalloc(own + 1);
        memcpy(c->text, from->text, own);
        c->text[own] = '\0';
    }
    if (from->path !=
        NULL) { /* one more name for the same bytes; each reference owner removes its own */
        struct strbuf path = {0};
        sb_printf(&path, "%s+", from->path);
        while (link(from->path, path.data) != 0 && errno == EEXIST) {
            sb_puts(&path, "+");
        }
        c->path = sb_take(&path);
    }
    c->suffix = from->suffix == NULL ? xstrdup(suffix) : xasprintf("%s%s", from->suffix, suffix);
    hash_all(c);
    return c;
}

struct content *content_ref(struct content *c)
{
    atomic_fetch_add(&c->refs, 1);
    return c;
}

void content_unref(struct content *c)
{
    if (c == NULL || atomic_fetch_sub(&c->refs, 1) != 1) {
        return;
    }
    if (c->path != NULL) {
        unlink(c->path);
    }
    free(c->path);
    free(c->text);
    free(c->suffix);
    free(c);
}

void content_hash_small(struct content *c)
{
    if (!c->has_hash && c->path == NULL && c->size <= HASHED_UP_TO) {
        struct quickxor q;
        quickxor_init(&q);
        if (c->text == NULL && c->suffix == NULL) {
            uint8_t buf[1600];
            for (int64_t at = 0; at < c->size; at += (int64_t)sizeof(buf)) {
                size_t n =
                    c->size - at < (int64_t)sizeof(buf) ? (size_t)(c->size - at) : sizeof(buf);
                seed_bytes(c->seed, (uint64_t)at, buf, n);
                quickxor_add(&q, buf, n);
            }
            quickxor_finish(&q, c->hash);
            c->has_hash = true;
            return;
        }
        hash_all(c);
    }
}

int content_open(struct content_reader *r, struct content *c)
{
    r->fd = -1;
    r->content = NULL;
    if (c->path != NULL && (r->fd = open(c->path, O_RDONLY | O_CLOEXEC)) < 0) {
        return -1;
    }
    r->content = content_ref(c);
    return 0;
}

int64_t content_read(struct content_reader *r, uint64_t offset, void *buf, size_t n)
{
    const struct content *c = r->content;
    uint64_t suffix_len = c->suffix == NULL ? 0 : strlen(c->suffix);
    uint64_t own = (uint64_t)c->size - suffix_len;
    if (offset >= (uint64_t)c->size) {
        return 0;
    }
    if (offset >= own) {
        uint64_t at = offset - own;
        n = n < suffix_len - at ? n : (size_t)(suffix_len - at);
        memcpy(buf, c->suffix + at, n);
        return (int64_t)n;
    }
    n = n < own - offset ? n : (size_t)(own - offset);
    if (c->path != NULL) {
        return pread(r->fd, buf, n, (off_t)offset);
    }
    if (c->text != NULL) {
        memcpy(buf, c->text + offset, n);
    } else {
        seed_bytes(c->seed, offset, buf, n);
    }
    return (int64_t)n;
}

void content_close(struct content_reader *r)
{
    if (r->fd >= 0) {
        close(r->fd);
    }
    content_unref(r->content);
    r->content = NULL;
    r->fd = -1;
}
