#include "cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "local.h"
#include "reader.h"

#define BUCKETS 4096u
#define KEEP_AROUND (64u * 1024 * 1024) /* of an open file, when the cache is too full */

struct cache {
    char *directory;
    struct mutex lock; /* guards all below and what struct content says */
    struct content *buckets[BUCKETS];
    struct content *lru_first; /* released last */
    struct content *lru_last;
    uint64_t max_bytes;
    int64_t keep_ms;
    uint64_t bytes; /* of all contents */
    uint64_t last_number;
    uint32_t contents;
};

int content_path(char **out, const struct content *content, struct error *err)
{
    return str_format(out, err, "%s/%llu.content", content->cache->directory,
                      (unsigned long long)content->number);
}

static uint32_t bucket_of(const struct content_key *key)
{
    return (uint32_t)((str_hash(key->item_id) * 31 + str_hash(key->version)) % BUCKETS);
}

static struct content_key key_of(const struct content *content)
{
    return (struct content_key){content->drive_id, content->item_id, content->version};
}

static bool is_key(const struct content *content, const struct content_key *key)
{
    return strcmp(content->item_id, key->item_id) == 0 &&
           strcmp(content->version, key->version) == 0 &&
           strcmp(content->drive_id, key->drive_id) == 0;
}

static void remove_leftover(void *payload, const char *name)
{
    const char *directory = payload;
    char *path = NULL;

    if (str_ends_with(name, ".content") && str_format(&path, NULL, "%s/%s", directory, name) == 0) {
        (void)file_remove(path, NULL);
    }
    free(path);
}

int cache_new(struct cache **out, const char *directory, uint64_t max_bytes, int64_t keep_ms,
              struct error *err)
{
    struct cache *cache = calloc(1, sizeof(*cache));
    int code = 0;

    if (!cache) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the cache");
    }
    mutex_init(&cache->lock);
    cache->max_bytes = max_bytes;
    cache->keep_ms = keep_ms;
    code = str_copy(&cache->directory, directory, err);
    if (code == 0) {
        code = file_make_private_directory(directory, err);
    }
    if (code == 0) {
        code = local_each(directory, remove_leftover, cache->directory, err);
    }
    if (code < 0) {
        cache_free(cache);
        return code;
    }
    *out = cache;
    return 0;
}

/* Out of the table; still there for those who have it. The cache's lock is held. */
static void delist(struct cache *cache, struct content *content)
{
    struct content_key key = key_of(content);
    struct content **at = &cache->buckets[bucket_of(&key)];

    while (*at && *at != content) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = content->next;
    }
    content->next = NULL;
    content->is_listed = false;
}

static void lru_remove(struct cache *cache, struct content *content)
{
    if (content->lru_prev) {
        content->lru_prev->lru_next = content->lru_next;
    } else if (cache->lru_first == content) {
        cache->lru_first = content->lru_next;
    }
    if (content->lru_next) {
        content->lru_next->lru_prev = content->lru_prev;
    } else if (cache->lru_last == content) {
        cache->lru_last = content->lru_prev;
    }
    content->lru_next = NULL;
    content->lru_prev = NULL;
}

static void lru_add(struct cache *cache, struct content *content)
{
    content->lru_next = cache->lru_first;
    if (cache->lru_first) {
        cache->lru_first->lru_prev = content;
    } else {
        cache->lru_last = content;
    }
    cache->lru_first = content;
}

/* Nobody has it and it is in no list any more. */
static void content_destroy(struct content *content)
{
    char *path = NULL;

    local_close(content->file);
    if (content->has_file && content_path(&path, content, NULL) == 0) {
        (void)file_remove(path, NULL);
    }
    free(path);
    secret_free(&content->download_url);
    cond_clear(&content->more);
    mutex_clear(&content->lock);
    free(content->map);
    free(content->etag);
    free(content->drive_id);
    free(content->item_id);
    free(content->version);
    free(content);
}

void cache_free(struct cache *cache)
{
    if (!cache) {
        return;
    }
    for (struct content *content = cache->lru_last, *before = NULL; content; content = before) {
        before = content->lru_prev;
        content_destroy(content);
    }
    mutex_clear(&cache->lock);
    free(cache->directory);
    free(cache);
}

void cache_configure(struct cache *cache, uint64_t max_bytes, int64_t keep_ms)
{
    mutex_lock(&cache->lock);
    cache->max_bytes = max_bytes;
    cache->keep_ms = keep_ms;
    mutex_unlock(&cache->lock);
}

static int content_new(struct content **out, struct cache *cache, const struct content_key *key,
                       uint64_t size_bytes, struct error *err)
{
    struct content *content = NULL;
    int code = 0;

    if (size_bytes > CONTENT_BYTES_MAX) {
        return error_set(err, ERR_TOO_LARGE, "the server names a size that no file can have");
    }
    content = calloc(1, sizeof(*content));
    if (!content) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a file's content");
    }
    mutex_init(&content->lock);
    cond_init(&content->more);
    content->cache = cache;
    content->size_bytes = size_bytes;
    code = str_copy(&content->drive_id, key->drive_id, err);
    if (code == 0) {
        code = str_copy(&content->item_id, key->item_id, err);
    }
    if (code == 0) {
        code = str_copy(&content->version, key->version, err);
    }
    if (code < 0) {
        content_destroy(content);
        return code;
    }
    *out = content;
    return 0;
}

/* The cache's lock is held. */
static struct content *find(struct cache *cache, const struct content_key *key)
{
    struct content *content = cache->buckets[bucket_of(key)];

    while (content && !is_key(content, key)) {
        content = content->next;
    }
    return content;
}

static void enlist(struct cache *cache, struct content *content)
{
    struct content_key key = key_of(content);
    uint32_t bucket = bucket_of(&key);

    content->number = ++cache->last_number;
    content->next = cache->buckets[bucket];
    content->is_listed = true;
    cache->buckets[bucket] = content;
    cache->contents++;
}

int cache_get(struct cache *cache, struct content **out, const struct content_key *key,
              uint64_t size_bytes, struct error *err)
{
    struct content *made = NULL;
    struct content *found = NULL;
    int code = content_new(&made, cache, key, size_bytes, err);

    if (code < 0) {
        return code;
    }
    mutex_lock(&cache->lock);
    found = find(cache, key);
    if (found) {
        if (found->refs++ == 0) {
            lru_remove(cache, found);
        }
    } else {
        enlist(cache, made);
        made->refs = 1;
        found = made;
        made = NULL;
    }
    mutex_unlock(&cache->lock);
    if (made) {
        content_destroy(made);
    }
    *out = found;
    return 0;
}

struct content *content_ref(struct content *content)
{
    mutex_lock(&content->cache->lock);
    content->refs++;
    mutex_unlock(&content->cache->lock);
    return content;
}

static void forget_bytes(struct cache *cache, struct content *content)
{
    cache->bytes -= content->present_bytes;
    cache->contents--;
}

/* Gives one reference back unless it is the last; true when it was the last and no transfer runs.
 * The cache's lock is held. */
static bool drop_ref(struct content *content, bool *is_done)
{
    *is_done = content->refs > 1;
    if (content->refs > 1) {
        content->refs--;
        return false;
    }
    for (size_t i = 0; i < CONTENT_STREAMS; i++) {
        if (content->streams[i].is_taken) {
            return false;
        }
    }
    content->refs = 0;
    return true;
}

void content_unref(struct content *content)
{
    struct cache *cache = NULL;
    bool is_done = false;
    bool is_last = false;

    if (!content) {
        return;
    }
    cache = content->cache;
    mutex_lock(&cache->lock);
    /* Somebody may take it up while its transfers are being stopped: look again. */
    while (!(is_last = drop_ref(content, &is_done)) && !is_done) {
        mutex_unlock(&cache->lock);
        content_stop_streams(content);
        mutex_lock(&cache->lock);
    }
    if (!is_last) {
        mutex_unlock(&cache->lock);
        return;
    }
    /* Nobody else has it: its own fields need no lock now. */
    local_close(content->file);
    content->file = NULL;
    content->released_ms = clock_mono_ms(clock_system());
    if (content->is_listed && content->present_bytes > 0 && !content->is_outdated) {
        lru_add(cache, content);
        content = NULL;
    } else {
        if (content->is_listed) {
            delist(cache, content);
        }
        forget_bytes(cache, content);
    }
    mutex_unlock(&cache->lock);
    if (content) {
        content_destroy(content);
    }
}

int cache_adopt(struct cache *cache, const struct content_key *key, const char *path,
                uint64_t size_bytes, struct error *err)
{
    struct content *content = NULL;
    char *to = NULL;
    int code = cache_get(cache, &content, key, size_bytes, err);

    if (code < 0) {
        return code;
    }
    mutex_lock(&content->lock);
    if (content->has_file || content->size_bytes != size_bytes || size_bytes == 0) {
        code = error_set(err, ERR_EXISTS, "the version is in the cache already");
    }
    if (code == 0) { /* there may be one: of a version that could not be moved here before */
        content->map = content->map ? content->map : calloc(1, content_map_bytes(size_bytes));
        code = content->map ? content_path(&to, content, err)
                            : error_set(err, ERR_NO_MEMORY, "no memory for the map of a file");
    }
    if (code == 0) {
        code = local_move(path, to, err);
    }
    if (code == 0) {
        content->has_file = true;
        content_mark(content, 0, size_bytes);
    }
    mutex_unlock(&content->lock);
    free(to);
    content_unref(content);
    return code;
}

bool cache_has_all(struct cache *cache, const struct content_key *key)
{
    struct content *content = NULL;
    bool has_all = false;

    mutex_lock(&cache->lock);
    content = find(cache, key);
    has_all =
        content && content->present_bytes > 0 && content->present_bytes >= content->known_bytes;
    mutex_unlock(&cache->lock);
    return has_all;
}

/* The first one that is open in the next bucket that has one, referenced. Two in one bucket are
 * rare, and the second is visited when the first is closed. */
static struct content *next_open(struct cache *cache, size_t *bucket)
{
    struct content *found = NULL;

    mutex_lock(&cache->lock);
    while (!found && *bucket < BUCKETS) {
        found = cache->buckets[(*bucket)++];
        while (found && found->refs == 0) {
            found = found->next;
        }
    }
    if (found) {
        found->refs++;
    }
    mutex_unlock(&cache->lock);
    return found;
}

void cache_each_open(struct cache *cache, void (*visit)(struct content *content, int64_t arg),
                     int64_t arg)
{
    struct content *content = NULL;
    size_t bucket = 0;

    while ((content = next_open(cache, &bucket)) != NULL) {
        visit(content, arg);
        content_unref(content);
    }
}

void cache_count_bytes(struct content *content, int64_t delta)
{
    struct cache *cache = content->cache;

    mutex_lock(&cache->lock);
    content->present_bytes += (uint64_t)delta;
    content->known_bytes = content->size_bytes;
    cache->bytes += (uint64_t)delta;
    mutex_unlock(&cache->lock);
}

/* --- limits --- */

/* Takes the oldest closed content out when it is too old or the cache too full. */
static struct content *take_oldest(struct cache *cache, bool all, int64_t *next_ms)
{
    struct content *content = cache->lru_last;
    int64_t age_ms = 0;

    if (!content) {
        *next_ms = -1;
        return NULL;
    }
    age_ms = clock_mono_ms(clock_system()) - content->released_ms;
    if (!all && cache->bytes <= cache->max_bytes && age_ms < cache->keep_ms) {
        *next_ms = cache->keep_ms - age_ms;
        return NULL;
    }
    lru_remove(cache, content);
    delist(cache, content);
    forget_bytes(cache, content);
    return content;
}

static int64_t drop_closed(struct cache *cache, bool all)
{
    int64_t next_ms = -1;

    for (;;) {
        struct content *content = NULL;

        mutex_lock(&cache->lock);
        content = take_oldest(cache, all, &next_ms);
        mutex_unlock(&cache->lock);
        if (!content) {
            return next_ms;
        }
        content_destroy(content);
    }
}

void content_make_room(struct content *content)
{
    struct cache *cache = content->cache;
    bool is_full = false;

    mutex_lock(&cache->lock);
    is_full = cache->bytes > cache->max_bytes;
    mutex_unlock(&cache->lock);
    if (is_full) {
        (void)drop_closed(cache, false);
        mutex_lock(&cache->lock);
        is_full = cache->bytes > cache->max_bytes;
        mutex_unlock(&cache->lock);
    }
    if (is_full) {
        mutex_lock(&content->lock);
        content_punch_behind(content, KEEP_AROUND / 4);
        mutex_unlock(&content->lock);
    }
}

int64_t cache_trim(struct cache *cache)
{
    return drop_closed(cache, false);
}

void cache_forget(struct cache *cache, const struct content_key *key)
{
    struct content *content = NULL;

    mutex_lock(&cache->lock);
    content = find(cache, key);
    if (content) {
        bool is_open = content->refs > 0;

        if (!is_open) {
            lru_remove(cache, content);
            forget_bytes(cache, content);
        }
        delist(cache, content);
        content = is_open ? NULL : content;
    }
    mutex_unlock(&cache->lock);
    if (content) {
        content_destroy(content);
    }
}

void cache_wipe(struct cache *cache)
{
    (void)drop_closed(cache, true);
    mutex_lock(&cache->lock);
    for (size_t i = 0; i < BUCKETS; i++) {
        while (cache->buckets[i]) {
            delist(cache, cache->buckets[i]);
        }
    }
    mutex_unlock(&cache->lock);
}

uint64_t cache_bytes(struct cache *cache)
{
    uint64_t bytes = 0;

    mutex_lock(&cache->lock);
    bytes = cache->bytes;
    mutex_unlock(&cache->lock);
    return bytes;
}
