#include "locks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/str.h"
#include "base/thread.h"
#include "path.h"
#include "xml.h"

struct dav_locks {
    const struct clock *clock;
    struct mutex mutex; /* guards all below */
    struct dav_lock *first;
    size_t count;
};

int dav_locks_new(struct dav_locks **out, const struct clock *clock, struct error *err)
{
    struct dav_locks *locks = calloc(1, sizeof(*locks));

    if (!locks) {
        return error_set(err, ERR_NO_MEMORY, "no memory for locks");
    }
    locks->clock = clock;
    mutex_init(&locks->mutex);
    *out = locks;
    return 0;
}

static void free_lock(struct dav_lock *lock)
{
    free(lock->key);
    free(lock->href);
    free(lock->owner);
    free(lock);
}

void dav_locks_free(struct dav_locks *locks)
{
    if (!locks) {
        return;
    }
    while (locks->first) {
        struct dav_lock *lock = locks->first;

        locks->first = lock->next;
        free_lock(lock);
    }
    mutex_clear(&locks->mutex);
    free(locks);
}

static void unlink_at(struct dav_locks *locks, struct dav_lock **at)
{
    struct dav_lock *lock = *at;

    *at = lock->next;
    locks->count--;
    free_lock(lock);
}

/* The mutex is held, here and below. */
static void drop_expired(struct dav_locks *locks)
{
    int64_t now = clock_mono_ms(locks->clock);
    struct dav_lock **at = &locks->first;

    while (*at) {
        if ((*at)->until_ms <= now) {
            unlink_at(locks, at);
        } else {
            at = &(*at)->next;
        }
    }
}

static bool covers(const struct dav_lock *lock, const char *key)
{
    return lock->is_deep ? dav_key_is_below(key, lock->key) : strcmp(lock->key, key) == 0;
}

static bool conflicts(const struct dav_lock *lock, const char *key, bool is_shared, bool is_deep)
{
    bool meet = covers(lock, key) || (is_deep && dav_key_is_below(lock->key, key));

    return meet && !(is_shared && lock->is_shared);
}

static int make_token(char token[DAV_TOKEN_SIZE], struct error *err)
{
    unsigned char b[16];
    int code = secret_random(b, sizeof(b), err);

    if (code < 0) {
        return code;
    }
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); /* RFC 4122, version 4 */
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(token, DAV_TOKEN_SIZE,
             "opaquelocktoken:%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
             b[14], b[15]);
    return 0;
}

static int make_lock(struct dav_lock **out, const char *href, const char *key, const char *owner,
                     struct error *err)
{
    struct dav_lock *lock = calloc(1, sizeof(*lock));
    int code = lock ? 0 : error_set(err, ERR_NO_MEMORY, "no memory for a lock");

    if (code == 0) {
        code = str_copy(&lock->key, key, err);
    }
    if (code == 0) {
        code = str_copy(&lock->href, href, err);
    }
    if (code == 0) {
        code = str_copy(&lock->owner, owner, err);
    }
    if (code == 0) {
        code = make_token(lock->token, err);
    }
    if (code < 0) {
        if (lock) {
            free_lock(lock);
        }
        return code;
    }
    *out = lock;
    return 0;
}

static int check_room(struct dav_locks *locks, const char *key, bool is_shared, bool is_deep,
                      struct error *err)
{
    drop_expired(locks);
    for (struct dav_lock *other = locks->first; other; other = other->next) {
        if (conflicts(other, key, is_shared, is_deep)) {
            return error_set(err, ERR_LOCKED, "it is locked already");
        }
    }
    return locks->count < DAV_LOCKS_MAX ? 0 : error_set(err, ERR_LIMIT, "there are too many locks");
}

int dav_locks_add(struct dav_locks *locks, char token[DAV_TOKEN_SIZE], const char *href,
                  const char *key, const char *owner, bool is_shared, bool is_deep, int64_t wait_ms,
                  struct error *err)
{
    struct dav_lock *lock = NULL;
    int code = make_lock(&lock, href, key, owner, err);

    if (code < 0) {
        return code;
    }
    lock->is_shared = is_shared;
    lock->is_deep = is_deep;
    lock->wait_ms = wait_ms;
    mutex_lock(&locks->mutex);
    code = check_room(locks, key, is_shared, is_deep, err);
    if (code == 0) {
        memcpy(token, lock->token, DAV_TOKEN_SIZE);
        lock->until_ms = clock_mono_ms(locks->clock) + wait_ms;
        lock->next = locks->first;
        locks->first = lock;
        locks->count++;
        lock = NULL;
    }
    mutex_unlock(&locks->mutex);
    if (lock) {
        free_lock(lock);
    }
    return code;
}

static struct dav_lock **find(struct dav_locks *locks, const char *token, const char *key)
{
    struct dav_lock **at = &locks->first;

    drop_expired(locks);
    while (*at && !((!token || strcmp((*at)->token, token) == 0) && covers(*at, key))) {
        at = &(*at)->next;
    }
    return at;
}

int dav_locks_refresh(struct dav_locks *locks, const char *token, const char *key, int64_t wait_ms,
                      struct error *err)
{
    struct dav_lock *lock = NULL;

    mutex_lock(&locks->mutex);
    lock = *find(locks, token, key);
    if (lock) {
        lock->wait_ms = wait_ms;
        lock->until_ms = clock_mono_ms(locks->clock) + wait_ms;
    }
    mutex_unlock(&locks->mutex);
    return lock ? 0 : error_set(err, ERR_NOT_FOUND, "there is no such lock");
}

int dav_locks_remove(struct dav_locks *locks, const char *token, const char *key, struct error *err)
{
    struct dav_lock **at = NULL;
    bool is_there = false;

    mutex_lock(&locks->mutex);
    at = find(locks, token, key);
    is_there = *at != NULL;
    if (is_there) {
        unlink_at(locks, at);
    }
    mutex_unlock(&locks->mutex);
    return is_there ? 0 : error_set(err, ERR_NOT_FOUND, "there is no such lock");
}

void dav_locks_drop_tree(struct dav_locks *locks, const char *key)
{
    struct dav_lock **at = NULL;

    mutex_lock(&locks->mutex);
    at = &locks->first;
    while (*at) {
        if (dav_key_is_below((*at)->key, key)) {
            unlink_at(locks, at);
        } else {
            at = &(*at)->next;
        }
    }
    mutex_unlock(&locks->mutex);
}

bool dav_locks_covers(struct dav_locks *locks, const char *token, const char *key)
{
    bool is_there = false;

    mutex_lock(&locks->mutex);
    is_there = *find(locks, token, key) != NULL;
    mutex_unlock(&locks->mutex);
    return is_there;
}

/* Shared locks that meet at `key` are opened by any one of their tokens. */
static bool is_open(struct dav_locks *locks, const char *key, dav_has_token_fn has_token,
                    void *payload)
{
    bool is_covered = false;

    for (struct dav_lock *lock = locks->first; lock; lock = lock->next) {
        if (covers(lock, key)) {
            if (has_token(payload, lock->token)) {
                return true;
            }
            is_covered = true;
        }
    }
    return !is_covered;
}

int dav_locks_check(struct dav_locks *locks, const char *key, bool with_below,
                    dav_has_token_fn has_token, void *payload, struct error *err)
{
    bool may = false;

    mutex_lock(&locks->mutex);
    drop_expired(locks);
    may = is_open(locks, key, has_token, payload);
    for (struct dav_lock *lock = locks->first; lock && may && with_below; lock = lock->next) {
        if (dav_key_is_below(lock->key, key)) {
            may = is_open(locks, lock->key, has_token, payload);
        }
    }
    mutex_unlock(&locks->mutex);
    return may ? 0
               : error_set(err, ERR_LOCKED, "it is locked, and the request shows no token of it");
}

bool dav_locks_is_locked(struct dav_locks *locks, const char *key)
{
    bool is_locked = false;

    mutex_lock(&locks->mutex);
    drop_expired(locks);
    for (struct dav_lock *lock = locks->first; lock && !is_locked; lock = lock->next) {
        is_locked = strcmp(lock->key, key) == 0;
    }
    mutex_unlock(&locks->mutex);
    return is_locked;
}

static int write_lock(struct buf *out, const struct dav_lock *lock, struct error *err)
{
    int code = buf_add_format(out, err,
                              "<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope>%s"
                              "</D:lockscope><D:depth>%s</D:depth>",
                              lock->is_shared ? "<D:shared/>" : "<D:exclusive/>",
                              lock->is_deep ? "infinity" : "0");

    if (code == 0 && lock->owner[0]) {
        code = buf_add_format(out, err, "<D:owner>%s</D:owner>", lock->owner);
    }
    if (code == 0) {
        code = buf_add_format(out, err,
                              "<D:timeout>Second-%lld</D:timeout><D:locktoken><D:href>%s</D:href>"
                              "</D:locktoken><D:lockroot><D:href>",
                              (long long)(lock->wait_ms / 1000), lock->token);
    }
    if (code == 0) {
        code = buf_add_text(out, lock->href, err);
    }
    return code < 0 ? code : buf_add_text(out, "</D:href></D:lockroot></D:activelock>", err);
}

int dav_locks_write(struct dav_locks *locks, struct buf *out, const char *key, const char *only,
                    struct error *err)
{
    int code = 0;

    mutex_lock(&locks->mutex);
    drop_expired(locks);
    for (struct dav_lock *lock = locks->first; lock && code == 0; lock = lock->next) {
        if (covers(lock, key) && (!only || strcmp(only, lock->token) == 0)) {
            code = write_lock(out, lock, err);
        }
    }
    mutex_unlock(&locks->mutex);
    return code;
}
