/*
 * cache.h - contents on disk: one sparse file per version of an item, with a map of the blocks that
 * are there. Bounded in bytes and minutes, least recently used first. Not the spool: all in it can
 * be fetched again, and the folder is emptied at start.
 *
 * Any thread. Locks: content->lock first, then the cache's own.
 */
#ifndef MAPPER_VFS_CACHE_H
#define MAPPER_VFS_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/thread.h"
#include "mapper/graph.h"

struct local_file;

/* The unit of the map. Small reads fetch whole blocks: 16 KiB costs 0.1 ms at 1 Gbit/s. */
#define BLOCK_BYTES 16384u
#define CONTENT_BYTES_MAX (UINT64_C(1) << 40) /* the service's limit is 250 GB */
#define CONTENT_STREAMS 8

struct content;

/* One transfer that fills a content. Guarded by content->lock. While `is_writing`, the network
 * thread writes to the file without it, and only that thread changes `pos` and `gathered`. */
struct stream {
    struct content *content;
    struct graph_download *download; /* NULL: free slot, or being started or ended */
    bool is_taken;                   /* slot in use */
    bool is_paused;
    bool is_done;
    bool is_refused;    /* of another version than transfers before it, perhaps: not stored */
    bool is_open_ended; /* to the end of the file, as fast as readers follow */
    bool is_cut;        /* was open-ended; at `end` it waits for its own */
    bool is_writing;
    char *gather;    /* of long transfers that run: what arrived and is not in the file yet, ... */
    size_t gathered; /* ... so much, from `pos` on */
    uint64_t start;
    uint64_t pos;     /* next byte to be written */
    uint64_t end;     /* UINT64_MAX when open-ended */
    uint64_t want;    /* how far readers asked */
    uint64_t ahead;   /* it pauses so far before them */
    uint64_t wake;    /* where the first of those that wait has what it needs; UINT64_MAX: nobody */
    int64_t used_ms;  /* when somebody waited for it last */
    int64_t since_ms; /* since when it runs without a pause, and from where; 0: nothing came yet */
    uint64_t since_pos;
};

/* What a content is of. */
struct content_key {
    const char *drive_id;
    const char *item_id;
    const char *version;
};

struct content {
    struct cache *cache;
    char *drive_id;
    char *item_id;
    char *version;
    /* guarded by the cache's lock */
    uint32_t refs;
    struct content *next;     /* in its chain */
    struct content *lru_next; /* unreferenced ones */
    struct content *lru_prev;
    int64_t released_ms;
    uint64_t number; /* of its file */
    bool is_listed;  /* in the table; not when it was superseded */
    uint64_t present_bytes;
    uint64_t known_bytes; /* size_bytes, when present_bytes changed last */
    /* guarded by `lock` */
    struct mutex lock;
    struct cond more;        /* bytes arrived, a stream ended, preparation ended */
    struct local_file *file; /* open while referenced and something was written */
    bool has_file;
    bool is_unstored;     /* the disk refused it: fetched for each read */
    bool is_preparing;    /* somebody asks for version and download URL */
    bool is_wide;         /* one transfer is slow: several beside each other */
    bool is_outdated;     /* the server has another version: what is missing cannot be had */
    bool is_in_doubt;     /* a transfer was shorter than the size says: another version, or ... */
    bool is_longer;       /* ... longer: nothing of it is read before the version was asked for */
    uint64_t doubt_start; /* ... the size is wrong (graph-facts 2.7). What that transfer brought */
    uint64_t doubt_end;
    char *etag;         /* of its transfers; NULL: none came, or it is no longer believed */
    uint32_t refusals;  /* transfers with another one */
    uint64_t arrivals;  /* pieces that came */
    uint64_t confirmed; /* `arrivals` when the server was asked for the version last */
    uint64_t size_bytes;
    uint8_t *map;       /* a bit a block; NULL until something arrives */
    uint64_t low_block; /* nothing below it is there */
    uint32_t copying;   /* reads from the file that run without the lock */
    uint32_t waiters;
    struct stream streams[CONTENT_STREAMS];
    struct error failure;  /* of the stream that failed last: */
    uint32_t failures;     /* counts them */
    uint64_t failure_from; /* what it would have brought */
    uint64_t failure_to;
    char *download_url; /* a secret */
    int64_t url_ms;
    int64_t checked_ms; /* when the server confirmed the version last */
    uint64_t read_pos;  /* where somebody read last, for trimming */
};

struct cache;

/* Makes `directory` private and empties it. */
int cache_new(struct cache **out, const char *directory, uint64_t max_bytes, int64_t keep_ms,
              struct error *err);
void cache_free(struct cache *cache); /* after all contents were given back */
void cache_configure(struct cache *cache, uint64_t max_bytes, int64_t keep_ms);

/* The content of one version, made when missing; give it back with content_unref(). */
int cache_get(struct cache *cache, struct content **out, const struct content_key *key,
              uint64_t size_bytes, struct error *err);
struct content *content_ref(struct content *content);
void content_unref(struct content *content); /* NULL is fine; may wait for streams to end */

/* Takes a local file over as the whole content of a version. The file stays when this fails. */
int cache_adopt(struct cache *cache, const struct content_key *key, const char *path,
                uint64_t size_bytes, struct error *err);

/* Called by readers without the lock: keeps an open file, too, from filling the disk. */
void content_make_room(struct content *content);

/* Drops what is too old or too much. Returns when to call again, in ms; -1: nothing is left. */
int64_t cache_trim(struct cache *cache);

/* Calls `visit` for every content that is open, with a reference and without locks. */
void cache_each_open(struct cache *cache, void (*visit)(struct content *content, int64_t arg),
                     int64_t arg);

/* Whether all bytes of a version are there. */
bool cache_has_all(struct cache *cache, const struct content_key *key);

/* Drops one version, or forgets it when it is closed. */
void cache_forget(struct cache *cache, const struct content_key *key);

/* Drops all that is not open, and forgets what is when it is closed. */
void cache_wipe(struct cache *cache);
uint64_t cache_bytes(struct cache *cache);

/* Reads what is there, for uploads: ERR_IO when it is not. Takes the lock. */
int content_read_local(struct content *content, void *data, size_t size, uint64_t offset,
                       size_t *got, struct error *err);

/* --- between cache.c, content.c and reader.c; content->lock is held --- */

/* Where the content's file is. */
int content_path(char **out, const struct content *content, struct error *err);

/* So many bytes more (or fewer) are there. */
void cache_count_bytes(struct content *content, int64_t delta);
size_t content_map_bytes(uint64_t size_bytes);

/* Gives back what lies further than `keep_bytes` behind the reader of an open file. */
void content_punch_behind(struct content *content, uint64_t keep_bytes);

bool content_has_block(const struct content *content, uint64_t block);

/* The first byte of [from, to) that is not there; false when all is. */
bool content_missing(const struct content *content, uint64_t from, uint64_t to, uint64_t *at);

/* Marks whole blocks of [from, to) as there (the last one of the file may be short). */
void content_mark(struct content *content, uint64_t from, uint64_t to);

/* The size that a whole transfer showed: it may differ from the one in the item (graph-facts 2.7).
 */
int content_resize(struct content *content, uint64_t size_bytes, struct error *err);

/* The open file, made when missing. */
int content_open_file(struct content *content, struct error *err);

#endif
