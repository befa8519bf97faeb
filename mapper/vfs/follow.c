/*
 * follow.c - one stream of changes per drive in use (DESIGN.md, "The online vfs"), shared by all
 * libraries that show the drive (feed.h).
 *
 * Before the first listing, in the same round trip, a token "latest" is taken; from then on one
 * request brings all changes, and every folder that was listed since is as fresh as the last of
 * these requests. There is at most one of them under way for a drive, and it is made by whoever
 * needs it: somebody who lists what is older than MetadataSeconds, or the follower thread while a
 * library on the drive is in use. A stream that breaks (410 in whatever spelling) begins anew with
 * another epoch: folders that were listed in the one before are not covered any more and are listed
 * again when somebody looks.
 *
 * Where there is no delta (China), or it fails for good, listings grow old as if there was none.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "delta.h"
#include "feed.h"
#include "online.h"

#define PAGES_MAX 1000                   /* of one set; the links may go in circles */
#define REPLAYS_MAX 3                    /* of a set in which we changed something ourselves */
#define FAILURES_MAX 3                   /* then the stream is given up */
#define NO_DELTA_MS (60 * 60 * 1000)     /* the service refuses it */
#define BROKEN_DELTA_MS (10 * 60 * 1000) /* ... or fails at it */
#define POLL_CALL_MS 30000

/* Not a word about delta, but about the line, the sign-in or the caller. */
static bool is_of_the_line(int code)
{
    switch (code) {
    case ERR_CANCELLED:
    case ERR_TIMED_OUT:
    case ERR_UNREACHABLE:
    case ERR_SIGNED_OUT:
    case ERR_THROTTLED:
    case ERR_NO_MEMORY:
        return true;
    default:
        return false;
    }
}

/* --- asking; without the lock --- */

/* A token for what changes from now on. */
static int ask_latest(char **link, struct feed *feed, const struct call *call, struct error *err)
{
    struct graph_items page = {0};
    char *next = NULL;
    int code = 0;

    for (int pages = 0; code == 0 && !*link; pages++) {
        if (pages == PAGES_MAX) {
            code = error_set(err, ERR_PROTOCOL, "the server sends pages without end");
            break;
        }
        code = graph_delta(&page, feed->account, feed->drive_id, next, true, call, err);
        if (code == 0) {
            free(next);
            next = page.next_link;
            page.next_link = NULL;
            *link = page.delta_link;
            page.delta_link = NULL;
        }
        graph_items_clear(&page);
    }
    free(next);
    return code;
}

/* All pages of one set, by their links: a page may be empty and not be the last. */
static int ask_changes(struct delta *delta, char **link, struct feed *feed, const struct call *call,
                       struct error *err)
{
    struct graph_items page = {0};
    char *next = *link;
    int code = 0;

    *link = NULL;
    for (int pages = 0; code == 0 && !*link; pages++) {
        if (pages == PAGES_MAX) {
            code = error_set(err, ERR_LIMIT, "the server sends pages without end");
            break;
        }
        code = graph_delta(&page, feed->account, feed->drive_id, next, false, call, err);
        if (code == 0) {
            code = delta_take(delta, &page, err);
        }
        if (code == 0) {
            free(next);
            next = page.next_link;
            page.next_link = NULL;
            *link = page.delta_link;
            page.delta_link = NULL;
        }
        graph_items_clear(&page);
    }
    free(next);
    return code;
}

static void tell_all(struct online_vfs *online, const struct delta_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        const struct delta_event *event = &result->events[i];

        online_tell(online, event->parent, event->name, event->id);
    }
}

/* --- one round; by the thread that set is_asking, with the lock, which is given up --- */

/* What asking for a token led to. Lock held. */
static int take_token(struct feed *feed, int code, char **link, int64_t began_ms,
                      const struct error *error, struct error *err)
{
    if (code == 0) {
        feed->epoch++;
        feed->epoch_ms = began_ms;
        feed->epoch_edit = tree_count_edit(feed->online->tree);
        feed_take_link(feed, link, began_ms);
        cond_signal(&feed->online->follow_wake);
        return 0;
    }
    if (is_of_the_line(code)) {
        if (err) {
            *err = *error;
        }
        return code;
    }
    feed->no_delta_until_ms = online_now() + (code == ERR_SERVER ? BROKEN_DELTA_MS : NO_DELTA_MS);
    log_debug(LOG_VFS, "a drive is not followed: %s", error->message);
    return 0;
}

static int begin_stream(struct feed *feed, const struct call *call, struct error *err)
{
    struct online_vfs *online = feed->online;
    struct error error = {0};
    char *link = NULL;
    int64_t began_ms = online_now();
    int code = 0;

    mutex_unlock(&online->lock);
    code = ask_latest(&link, feed, call, &error);
    mutex_lock(&online->lock);
    return take_token(feed, code, &link, began_ms, &error, err);
}

/* One set for all who share the stream: none of them is newer than the token that follows. */
static int apply_all(struct feed *feed, struct delta *delta, uint32_t asked_edit, bool is_last,
                     struct delta_result *result, struct error *err)
{
    int code = 0;

    for (struct library *at = feed->online->libraries; at && code == 0; at = at->next) {
        if (at->feed == feed) {
            code = delta_apply(at, delta, asked_edit, is_last, result, err);
        }
    }
    return code;
}

/* 1: something of ours changed meanwhile, and the set has to be asked for again. */
static int take_changes(struct feed *feed, struct delta *delta, char **link, int64_t began_ms,
                        uint32_t asked_edit, bool is_last, struct delta_result *result,
                        struct error *err)
{
    int code = apply_all(feed, delta, asked_edit, is_last, result, err);

    if (code < 0) {
        feed_end_stream(feed); /* what it said cannot be asked for twice */
        return code;
    }
    feed->quiet_polls = result->changed ? 0 : feed->quiet_polls + 1;
    if (result->is_doubtful) {
        return 1;
    }
    feed_take_link(feed, link, began_ms);
    return 0;
}

static int bring_changes(struct feed *feed, bool is_last, const struct call *call,
                         struct error *err)
{
    struct online_vfs *online = feed->online;
    struct delta_result result = {0};
    struct delta delta = {0};
    struct ask ask = {0};
    char *link = NULL;
    int64_t began_ms = online_now();
    int code = 0;

    if (!feed->delta_link) { /* the last library was taken away */
        return 0;
    }
    code = str_copy(&link, feed->delta_link, err);
    if (code < 0) {
        return code;
    }
    ask_begin(online, &ask, ask_key("changes", 0, link));
    mutex_unlock(&online->lock);
    code = ask_changes(&delta, &link, feed, call, err);
    mutex_lock(&online->lock);
    ask_end(online, &ask);
    if (code == 0 && feed->libraries > 0) {
        code = take_changes(feed, &delta, &link, began_ms, ask.edit, is_last, &result, err);
    }
    mutex_unlock(&online->lock);
    tell_all(online, &result);
    delta_result_clear(&result);
    delta_clear(&delta);
    free(link);
    mutex_lock(&online->lock);
    return code;
}

/* 1: the changes are here. */
static int run_round(struct feed *feed, const struct call *call, struct error *err)
{
    struct error error = {0};
    int code = 1;

    if (!feed->delta_link) {
        return begin_stream(feed, call, err);
    }
    for (int replays = 0; code == 1 && replays < REPLAYS_MAX; replays++) {
        code = bring_changes(feed, replays + 1 == REPLAYS_MAX, call, &error);
    }
    if (code >= 0) {
        return 1;
    }
    if (is_of_the_line(code)) {
        if (err) {
            *err = error;
        }
        return code;
    }
    if (code == ERR_GONE || code == ERR_LIMIT) {
        log_debug(LOG_VFS, "the changes of a drive begin anew: %s", error.message);
        feed_end_stream(feed);
        return begin_stream(feed, call, err);
    }
    log_debug(LOG_VFS, "the changes of a drive could not be had: %s", error.message);
    if (++feed->failures >= FAILURES_MAX) {
        feed_end_stream(feed);
        feed->failures = 0;
        feed->no_delta_until_ms = online_now() + BROKEN_DELTA_MS;
    }
    return 0;
}

/* Waits for the round that another thread makes. What failed it fails whoever waited for it, too:
 * sixteen programs must not try one after the other. Lock held. */
static int wait_round(struct feed *feed, const struct call *call, struct error *err)
{
    uint32_t rounds = feed->rounds;
    bool is_awaiting = call->priority < CALL_REFRESH;
    int code = 0;

    feed->awaiting += is_awaiting;
    while (feed->is_asking && code == 0) {
        code = call_wait(call, &feed->online->changed, &feed->online->lock, err);
    }
    feed->awaiting -= is_awaiting;
    if (code == 0 && feed->rounds != rounds &&
        (feed->error.code == ERR_UNREACHABLE || feed->error.code == ERR_SIGNED_OUT)) {
        code = feed->error.code;
        if (err) {
            *err = feed->error;
        }
    }
    return code;
}

static void end_round(struct feed *feed, int code, const struct error *error)
{
    feed->is_asking = false;
    feed->rounds++;
    feed->error = *error;
    feed->error.code = code < 0 ? code : 0;
    cond_broadcast(&feed->online->changed);
}

static int make_round(struct feed *feed, const struct call *call, struct error *err)
{
    struct error error = {0};
    int code = 0;

    feed->is_asking = true;
    code = run_round(feed, call, &error);
    end_round(feed, code, &error);
    if (code < 0 && err) {
        *err = error;
    }
    return code;
}

/* --- for lookup.c and listing.c --- */

int follow_list(struct library *library, struct first_page *out, const char *drive_id,
                const char *folder_id, unsigned page_size, const struct call *call,
                struct error *err)
{
    struct online_vfs *online = library->online;
    struct error error = {0};
    struct feed *feed = NULL;
    char *link = NULL;
    int64_t began_ms = online_now();
    int code = 0;

    out->is_listed = false;
    mutex_lock(&online->lock);
    feed = library->feed;
    if (!feed || feed->is_asking || !feed_needs_token(feed)) {
        mutex_unlock(&online->lock);
        return 0;
    }
    feed->is_asking = true;
    mutex_unlock(&online->lock);
    code = graph_list_latest(&out->items, &out->is_listed, &link, feed->account, drive_id,
                             folder_id, page_size, call, &error);
    mutex_lock(&online->lock);
    if (code < 0 || link) {
        code = take_token(feed, code, &link, began_ms, &error, err);
        out->epoch = feed->epoch;
    }
    end_round(feed, code, &error);
    mutex_unlock(&online->lock);
    free(link);
    return code;
}

int follow_begin(struct library *library, const struct call *call, struct error *err)
{
    struct online_vfs *online = library->online;
    struct feed *feed = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    feed = library->feed;
    while (feed && code == 0 && feed_needs_token(feed)) {
        code = feed->is_asking ? wait_round(feed, call, err) : make_round(feed, call, err);
    }
    mutex_unlock(&online->lock);
    return code;
}

/* Lock held. */
static int update(struct feed *feed, int64_t since_ms, const struct call *call, struct error *err)
{
    int code = 0;

    while (code == 0 && feed->delta_link) {
        if (feed->followed_ms > since_ms) {
            return 1;
        }
        if (!feed->is_asking) {
            return make_round(feed, call, err);
        }
        code = wait_round(feed, call, err);
    }
    return code;
}

int follow_update(struct library *library, int64_t since_ms, const struct call *call,
                  struct error *err)
{
    struct online_vfs *online = library->online;
    int code = 0;

    mutex_lock(&online->lock);
    code = library->feed ? update(library->feed, since_ms, call, err) : 0;
    mutex_unlock(&online->lock);
    return code;
}

/* --- the follower thread: so that an open window shows what others do --- */

/* Both are asked with and without the lock. */
static bool is_ending(void *payload)
{
    struct feed *feed = payload;

    return atomic_load(&feed->online->is_follower_ending);
}

/* Above the soft limit background work rests, for a minute maybe. A program must not rest with it. */
static bool is_awaited(void *payload)
{
    struct feed *feed = payload;

    return atomic_load(&feed->awaiting) > 0;
}

static void *follow(void *payload)
{
    struct online_vfs *online = payload;

    mutex_lock(&online->lock);
    while (!online->is_ending) {
        int64_t wait_ms = 0;
        struct feed *feed = feed_next_due(online, &wait_ms);

        if (feed) {
            struct call call = {.priority = CALL_REFRESH,
                                .deadline_ms = online_now() + POLL_CALL_MS,
                                .is_cancelled = is_ending,
                                .is_awaited = is_awaited,
                                .payload = feed};

            feed->polled_ms = online_now();
            (void)update(feed, feed->polled_ms - 1, &call, NULL);
        } else if (wait_ms < 0) {
            cond_wait(&online->follow_wake, &online->lock);
        } else {
            (void)cond_wait_ms(&online->follow_wake, &online->lock, wait_ms);
        }
    }
    mutex_unlock(&online->lock);
    return NULL;
}

int follow_start(struct online_vfs *online, struct error *err)
{
    return thread_start(&online->follower, "vfs-follow", follow, online, err);
}

/* is_ending is set. */
void follow_stop(struct online_vfs *online)
{
    atomic_store(&online->is_follower_ending, true);
    mutex_lock(&online->lock);
    cond_signal(&online->follow_wake);
    mutex_unlock(&online->lock);
    thread_join(&online->follower);
}
