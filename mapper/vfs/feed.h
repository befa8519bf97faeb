/*
 * feed.h - the stream of changes of one drive as one account sees it, for all libraries that show the
 * drive: it whole, under several names, or folders of it. Private to feed.c and follow.c.
 *
 * A feed has no lock of its own: online->lock guards all of it, and it is given up while the service is
 * asked. One thread at a time asks (is_asking), for whichever library; the answer is put into the trees
 * of all of them under one holding of the lock, so that there is one token and one state of freshness.
 * What each library passed over (passed_edit) is its own: one may know an item that another does not.
 *
 * A library joins when its drive is known, before it asks for anything there, and leaves when it is taken
 * away. The last one that leaves ends the stream. Feeds stay until the vfs ends, as libraries do: whoever
 * asks points to them without the lock.
 */
#ifndef MAPPER_VFS_FEED_H
#define MAPPER_VFS_FEED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "online.h"

struct feed {
    struct feed *next;
    struct online_vfs *online;
    struct account *account; /* referenced */
    char *drive_id;
    /* guarded by online->lock */
    unsigned libraries;   /* that show the drive now */
    char *delta_link;     /* where the next set begins; NULL: not followed now */
    uint32_t epoch;       /* counts streams; 0: there was none yet */
    uint32_t epoch_edit;  /* tree_edits() when its token came: what was asked before may be older */
    int64_t epoch_ms;     /* when this one began */
    int64_t followed_ms;  /* what changed until then is in the tree */
    int64_t polled_ms;    /* when the follower thread asked last */
    bool is_in_use;       /* feed_next_due()'s own */
    unsigned quiet_polls; /* sets in a row without a change by others */
    unsigned failures;
    int64_t no_delta_until_ms; /* the service refused it, or failed at it */
    bool is_asking;            /* a thread does */
    atomic_uint awaiting;      /* threads that wait for its answer and do no background work */
    uint32_t rounds;
    struct error error; /* of the last one */
};

/* Lock held. */
bool feed_needs_token(const struct feed *feed);
void feed_end_stream(struct feed *feed);

/* The set that began at *link, or the token, came: what follows begins at *link. */
void feed_take_link(struct feed *feed, char **link, int64_t began_ms);

/* The feed whose turn it is, or NULL and how long to wait (-1: until somebody looks). */
struct feed *feed_next_due(struct online_vfs *online, int64_t *wait_ms);

#endif
