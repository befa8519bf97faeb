/*
 * feed.c - which drives have a stream of changes, who shares it, what is covered by it, and whose turn
 * it is. The asking: follow.c.
 */
#include "feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define IN_USE_MS (5 * 60 * 1000) /* after somebody looked into a library */
#define QUIET_POLLS 3             /* without a change; then the interval doubles, twice at most */

/* --- who shares it; online->lock is held --- */

static void feed_free(struct feed *feed)
{
    account_unref(feed->account);
    free(feed->drive_id);
    free(feed->delta_link);
    free(feed);
}

void feeds_free(struct online_vfs *online)
{
    while (online->feeds) {
        struct feed *feed = online->feeds;

        online->feeds = feed->next;
        feed_free(feed);
    }
}

static struct feed *find_feed(struct online_vfs *online, const struct library *library)
{
    struct feed *feed = online->feeds;

    /* Another account may see less of the drive, and is told of that only. */
    while (feed &&
           (feed->account != library->account || strcmp(feed->drive_id, library->drive_id) != 0)) {
        feed = feed->next;
    }
    return feed;
}

static int feed_new(struct feed **out, const struct library *library, struct error *err)
{
    struct online_vfs *online = library->online;
    struct feed *feed = calloc(1, sizeof(*feed));
    int code = 0;

    if (!feed) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the changes of a drive");
    }
    feed->account = account_ref(library->account);
    feed->online = online;
    code = str_copy(&feed->drive_id, library->drive_id, err);
    if (code < 0) {
        feed_free(feed);
        return code;
    }
    feed->next = online->feeds;
    online->feeds = feed;
    *out = feed;
    return 0;
}

int library_join_feed(struct library *library, struct error *err)
{
    struct feed *feed = NULL;
    int code = 0;

    if (library->feed || library->is_removed || !library->drive_id) {
        return 0;
    }
    feed = find_feed(library->online, library);
    if (!feed) {
        code = feed_new(&feed, library, err);
    }
    if (code == 0) {
        library->feed = feed;
        feed->libraries++;
        feed->quiet_polls = 0;
        cond_signal(&library->online->follow_wake); /* it may be in use already */
    }
    return code;
}

void library_leave_feed(struct library *library)
{
    struct feed *feed = library->feed;

    library->feed = NULL;
    if (feed && --feed->libraries == 0) {
        feed_end_stream(feed);
    }
}

/* --- the stream; online->lock is held --- */

bool feed_needs_token(const struct feed *feed)
{
    return !feed->delta_link && feed->libraries > 0 && online_now() >= feed->no_delta_until_ms;
}

void feed_end_stream(struct feed *feed)
{
    free(feed->delta_link);
    feed->delta_link = NULL;
}

void feed_take_link(struct feed *feed, char **link, int64_t began_ms)
{
    free(feed->delta_link);
    feed->delta_link = *link;
    *link = NULL;
    feed->followed_ms = began_ms;
    feed->failures = 0;
}

/* --- what it covers; online->lock is held --- */

uint32_t library_epoch(const struct library *library)
{
    return library->feed && library->feed->delta_link ? library->feed->epoch : 0;
}

uint32_t library_epoch_edit(const struct library *library)
{
    return library->feed ? library->feed->epoch_edit : 0;
}

bool library_is_followed_since(const struct library *library, int64_t since_ms)
{
    return library_epoch(library) && library->feed->followed_ms > since_ms;
}

bool folder_is_covered(struct online_vfs *online, struct node *folder)
{
    const struct library *library = library_of(online, folder);
    uint32_t epoch = library ? library_epoch(library) : 0;

    return epoch && folder->folder && folder->folder->is_complete && folder->folder->epoch == epoch;
}

bool node_is_covered(struct online_vfs *online, struct node *node)
{
    const struct library *library = library_of(online, node);

    return library && library_epoch(library) &&
           online->started_ms + (int64_t)node->checked_s * 1000 >= library->feed->epoch_ms;
}

/* --- whose turn it is; online->lock is held --- */

void library_touch(struct library *library)
{
    int64_t now_ms = online_now();

    if (now_ms - library->used_ms > IN_USE_MS) {
        if (library->feed) {
            library->feed->quiet_polls = 0;
        }
        cond_signal(&library->online->follow_wake);
    }
    library->used_ms = now_ms;
}

static bool is_in_use(const struct library *library, int64_t now_ms)
{
    return library_epoch(library) &&
           (library->open_bodies > 0 ||
            (library->used_ms > 0 && now_ms - library->used_ms < IN_USE_MS));
}

/* How many feeds somebody uses; each is marked. */
static uint32_t mark_in_use(struct online_vfs *online, int64_t now_ms)
{
    uint32_t in_use = 0;

    for (struct feed *feed = online->feeds; feed; feed = feed->next) {
        feed->is_in_use = false;
    }
    for (const struct library *at = online->libraries; at; at = at->next) {
        if (is_in_use(at, now_ms) && !at->feed->is_in_use) {
            at->feed->is_in_use = true;
            in_use++;
        }
    }
    return in_use;
}

/* Shared by all feeds in use, so that ten of them cost no more than one. */
static int64_t interval_ms(const struct feed *feed, uint32_t in_use)
{
    unsigned doublings = feed->quiet_polls / QUIET_POLLS;

    return feed->online->options.poll_ms * in_use * (INT64_C(1) << (doublings < 2 ? doublings : 2));
}

struct feed *feed_next_due(struct online_vfs *online, int64_t *wait_ms)
{
    int64_t now_ms = online_now();
    uint32_t in_use = mark_in_use(online, now_ms);
    struct feed *first = NULL;
    int64_t first_ms = 0;

    *wait_ms = -1;
    for (struct feed *at = online->feeds; at && online->options.poll_ms > 0; at = at->next) {
        int64_t last_ms = at->polled_ms > at->followed_ms ? at->polled_ms : at->followed_ms;
        int64_t due_ms = last_ms + interval_ms(at, in_use);

        if (at->is_in_use && (!first || due_ms < first_ms)) {
            first = at;
            first_ms = due_ms;
        }
    }
    if (first && first_ms > now_ms) {
        *wait_ms = first_ms - now_ms;
        first = NULL;
    }
    return first;
}
