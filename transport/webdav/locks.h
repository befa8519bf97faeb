/*
 * locks.h - the write locks of class 2, in memory: who holds them is known by token alone, since
 * all clients of a gateway are one user's. They end with the gateway.
 *
 * Keys are those of dav_path_key(). Any thread; no call waits.
 */
#ifndef TRANSPORT_WEBDAV_LOCKS_H
#define TRANSPORT_WEBDAV_LOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"

#define DAV_LOCKS_MAX 4096u
#define DAV_LOCK_MS_MAX (INT64_C(3600) * 1000)
#define DAV_OWNER_MAX 4096u
#define DAV_TOKEN_SIZE 64u

struct dav_locks;

struct dav_lock {
    char token[DAV_TOKEN_SIZE]; /* "opaquelocktoken:..." */
    char *key;
    char *href;  /* as the client names it */
    char *owner; /* XML from inside DAV:owner; "" for none */
    bool is_shared;
    bool is_deep;
    int64_t wait_ms;  /* as granted */
    int64_t until_ms; /* on the clock */
    struct dav_lock *next;
};

/* What a change needs: the tokens that the client showed. */
typedef bool (*dav_has_token_fn)(void *payload, const char *token);

int dav_locks_new(struct dav_locks **out, const struct clock *clock, struct error *err);
void dav_locks_free(struct dav_locks *locks);

/* token[] is given. ERR_LOCKED when another lock is in the way, ERR_LIMIT. */
int dav_locks_add(struct dav_locks *locks, char token[DAV_TOKEN_SIZE], const char *href,
                  const char *key, const char *owner, bool is_shared, bool is_deep, int64_t wait_ms,
                  struct error *err);

/* Begins anew the time of the lock `token` (NULL: of any) that covers `key`; ERR_NOT_FOUND. */
int dav_locks_refresh(struct dav_locks *locks, const char *token, const char *key, int64_t wait_ms,
                      struct error *err);
int dav_locks_remove(struct dav_locks *locks, const char *token, const char *key,
                     struct error *err);

/* All locks at `key` and below end (the item was deleted or moved away). */
void dav_locks_drop_tree(struct dav_locks *locks, const char *key);

bool dav_locks_covers(struct dav_locks *locks, const char *token, const char *key);

/* Whether what is at `key` may be changed by one who has these tokens: each lock on it, or deep above
 * it, is exclusive and shown, or one of the shared ones is. With `with_below`, also all locks below.
 * ERR_LOCKED. */
int dav_locks_check(struct dav_locks *locks, const char *key, bool with_below,
                    dav_has_token_fn has_token, void *payload, struct error *err);

/* Whether anything is locked at `key` itself. */
bool dav_locks_is_locked(struct dav_locks *locks, const char *key);

/* The content of DAV:lockdiscovery for `key`; `only`: that token alone (NULL: all). Elements with the
 * prefix D. */
int dav_locks_write(struct dav_locks *locks, struct buf *out, const char *key, const char *only,
                    struct error *err);

#endif
