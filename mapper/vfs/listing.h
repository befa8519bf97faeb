/*
 * listing.h - what a folder holds: pages of it, shared by all who list it at the time. "Lock held" means
 * online->lock (online.h).
 */
#ifndef MAPPER_VFS_LISTING_H
#define MAPPER_VFS_LISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "mapper/call.h"
#include "transport/vfs.h"

struct graph_items;
struct node;
struct online_vfs;

/* A listing that runs, or the entries of one that is over. Guarded by online->lock. */
struct listing {
    uint32_t refs;
    struct node *folder; /* held */
    struct node **nodes; /* held, in order of arrival */
    size_t count;
    size_t capacity;
    uint32_t number; /* marks nodes it saw: node->listed; 0: of what is known, marks none */
    int64_t begun_ms;
    uint32_t begun_edit; /* what we changed since is not for this listing to take away */
    uint32_t epoch;      /* library_epoch() before the first page was asked for; 0: not followed */
    char *next_link;
    bool is_started; /* a page has come */
    uint32_t doubts; /* of its folder, when it began */
    bool is_complete;
    bool is_fetching;
    int failure;
    struct error error;
};

struct vfs_dir {
    struct online_vfs *online;
    struct node *folder; /* held */
    struct listing *listing;
    struct error error; /* sticky */
};

/* --- listing.c, dir.c --- */

#define LISTING_PAGE 1000u /* entries: what the service gives at most (graph-facts 2.5) */

/* When a held folder was listed and that is old by now, but changes since can be asked for: asks.
 * *is_followed: what is covered is fresh for the operation that called. Without the lock. */
int folder_follow(struct online_vfs *online, struct node *folder, bool *is_followed,
                  const struct call *call, struct error *err);

/* Lists a held folder to its end. */
int listing_run_all(struct online_vfs *online, struct node *folder, const struct call *call,
                    struct error *err);
/* We made or moved an entry into a folder; lock held. */
void listing_note_added(struct online_vfs *online, struct node *folder, struct node *node);
int online_opendir(struct vfs *vfs, struct vfs_dir **out, uint64_t id, const struct vfs_call *call,
                   struct error *err);
int online_readdir(struct vfs *vfs, struct vfs_dir *dir, uint64_t cookie, vfs_entry_fn fill,
                   void *payload, const struct vfs_call *call, struct error *err);
void online_closedir(struct vfs *vfs, struct vfs_dir *dir);

/* listing.c for dir.c; lock held. */
struct listing *listing_join(struct online_vfs *online, struct node *folder, bool is_followed,
                             struct error *err);
void listing_leave(struct online_vfs *online, struct listing *listing);

/* One page more, by this thread or the one that is at it. Lock held, given up meanwhile. */
int listing_more(struct online_vfs *online, struct listing *listing, const struct call *call,
                 struct error *err);

/* For prefetch.c, with the lock held. A first page that will come by listing_answer(): NULL when it
 * is known, or under way. */
struct listing *listing_reserve(struct online_vfs *online, struct node *folder);

/* The page came, or did not (NULL): whoever waits for it asks then. `asked`: an ask of before. */
void listing_answer(struct online_vfs *online, struct listing *listing, struct graph_items *page,
                    uint32_t asked);

#endif
