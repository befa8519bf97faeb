/*
 * follow.c - one stream of changes per library in use (DESIGN.md, "The online vfs").
 *
 * Before the first listing, in the same round trip, a token "latest" is taken; from then on one
 * request brings all changes, and every folder that was listed since is as fresh as the last of
 * these requests. There is at most one of them under way for a library, and it is made by whoever
 * needs it: somebody who lists what is older than MetadataSeconds, or the follower thread while the
 * library is in use. A stream that breaks (410 in whatever spelling) begins anew with another epoch:
 * folders that were listed in the one before are not covered any more and are listed again when
 * somebody looks.
 *
 * Where there is no delta (China), or it fails for good, listings grow old as if there was none.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "delta.h"
#include "online.h"

#define PAGES_MAX 1000                   /* of one set; the links may go in circles */
#define REPLAYS_MAX 3                    /* of a set in which we changed something ourselves */
#define FAILURES_MAX 3                   /* then the stream is given up */
#define NO_DELTA_MS (60 * 60 * 1000)     /* the service refuses it */
#define BROKEN_DELTA_MS (10 * 60 * 1000) /* ... or fails at it */
#define IN_USE_MS (5 * 60 * 1000)        /* after somebody looked into the library */
#define POLL_CALL_MS 30000
#define QUIET_POLLS 3 /* without a change; then the interval doubles, twice at most */

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

/* --- coverage; online->lock is held --- */

bool folder_is_covered(struct online_vfs *online, struct node *folder)
{
    const struct library *library = library_of(online, folder);

    return library && library->delta_link && folder->folder && folder->folder->is_complete &&
           folder->folder->epoch == library->epoch;
}

bool node_is_covered(struct online_vfs *online, struct node *node)
{
    const struct library *library = library_of(online, node);

    return library && library->delta_link &&
           online->started_ms + (int64_t)node->checked_s * 1000 >= library->epoch_ms;
}

bool library_is_followed_since(const struct library *library, int64_t since_ms)
{
    return library->delta_link && library->followed_ms > since_ms;
}

static void end_stream(struct library *library)
{
    free(library->delta_link);
    library->delta_link = NULL;
}

static void take_link(struct library *library, char **link, int64_t began_ms)
{
    free(library->delta_link);
    library->delta_link = *link;
    *link = NULL;
    library->followed_ms = began_ms;
    library->follow_failures = 0;
}

/* --- asking; without the lock --- */

/* A token for what changes from now on. */
static int ask_latest(char **link, struct library *library, const struct call *call,
                      struct error *err)
{
    struct graph_items page = {0};
    char *next = NULL;
    int code = 0;

    for (int pages = 0; code == 0 && !*link; pages++) {
        if (pages == PAGES_MAX) {
            code = error_set(err, ERR_PROTOCOL, "the server sends pages without end");
            break;
        }
        code = graph_delta(&page, library->account, library->drive_id, next, true, call, err);
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
static int ask_changes(struct delta *delta, char **link, struct library *library,
                       const struct call *call, struct error *err)
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
        code = graph_delta(&page, library->account, library->drive_id, next, false, call, err);
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

/* --- one round; by the thread that set is_following, with the lock, which is given up --- */

/* What asking for a token led to. Lock held. */
static int take_token(struct library *library, int code, char **link, int64_t began_ms,
                      const struct error *error, struct error *err)
{
    if (code == 0) {
        library->epoch++;
        library->epoch_ms = began_ms;
        library->epoch_edit = tree_count_edit(library->online->tree);
        take_link(library, link, began_ms);
        cond_signal(&library->online->follow_wake);
        return 0;
    }
    if (is_of_the_line(code)) {
        if (err) {
            *err = *error;
        }
        return code;
    }
    library->no_delta_until_ms =
        online_now() + (code == ERR_SERVER ? BROKEN_DELTA_MS : NO_DELTA_MS);
    log_debug(LOG_VFS, "a library is not followed: %s", error->message);
    return 0;
}

static int begin_stream(struct library *library, const struct call *call, struct error *err)
{
    struct online_vfs *online = library->online;
    struct error error = {0};
    char *link = NULL;
    int64_t began_ms = online_now();
    int code = 0;

    mutex_unlock(&online->lock);
    code = ask_latest(&link, library, call, &error);
    mutex_lock(&online->lock);
    return take_token(library, code, &link, began_ms, &error, err);
}

/* 1: something of ours changed meanwhile, and the set has to be asked for again. */
static int take_changes(struct library *library, struct delta *delta, char **link, int64_t began_ms,
                        uint32_t asked_edit, bool is_last, struct delta_result *result,
                        struct error *err)
{
    int code = delta_apply(library, delta, asked_edit, is_last, result, err);

    if (code < 0) {
        end_stream(library); /* what it said cannot be asked for twice */
        return code;
    }
    library->quiet_polls = result->changed ? 0 : library->quiet_polls + 1;
    if (result->is_doubtful) {
        return 1;
    }
    take_link(library, link, began_ms);
    return 0;
}

static int bring_changes(struct library *library, bool is_last, const struct call *call,
                         struct error *err)
{
    struct online_vfs *online = library->online;
    struct delta_result result = {0};
    struct delta delta = {0};
    struct ask ask = {0};
    char *link = NULL;
    int64_t began_ms = online_now();
    int code = str_copy(&link, library->delta_link, err);

    if (code < 0) {
        return code;
    }
    ask_begin(online, &ask, ask_key("changes", 0, link));
    mutex_unlock(&online->lock);
    code = ask_changes(&delta, &link, library, call, err);
    mutex_lock(&online->lock);
    ask_end(online, &ask);
    if (code == 0 && !library->is_removed) { /* else its root is gone */
        code = take_changes(library, &delta, &link, began_ms, ask.edit, is_last, &result, err);
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
static int run_round(struct library *library, const struct call *call, struct error *err)
{
    struct error error = {0};
    int code = 1;

    if (!library->delta_link) {
        return begin_stream(library, call, err);
    }
    for (int replays = 0; code == 1 && replays < REPLAYS_MAX; replays++) {
        code = bring_changes(library, replays + 1 == REPLAYS_MAX, call, &error);
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
        log_debug(LOG_VFS, "the changes of a library begin anew: %s", error.message);
        end_stream(library);
        return begin_stream(library, call, err);
    }
    log_debug(LOG_VFS, "the changes of a library could not be had: %s", error.message);
    if (++library->follow_failures >= FAILURES_MAX) {
        end_stream(library);
        library->follow_failures = 0;
        library->no_delta_until_ms = online_now() + BROKEN_DELTA_MS;
    }
    return 0;
}

/* Waits for the round that another thread makes. What failed it fails whoever waited for it, too:
 * sixteen programs must not try one after the other. Lock held. */
static int wait_round(struct library *library, const struct call *call, struct error *err)
{
    uint32_t rounds = library->follow_rounds;
    bool is_awaiting = call->priority < CALL_REFRESH;
    int code = 0;

    library->awaiting += is_awaiting;
    while (library->is_following && code == 0) {
        code = call_wait(call, &library->online->changed, &library->online->lock, err);
    }
    library->awaiting -= is_awaiting;
    if (code == 0 && library->follow_rounds != rounds &&
        (library->follow_error.code == ERR_UNREACHABLE ||
         library->follow_error.code == ERR_SIGNED_OUT)) {
        code = library->follow_error.code;
        if (err) {
            *err = library->follow_error;
        }
    }
    return code;
}

static void end_round(struct library *library, int code, const struct error *error)
{
    library->is_following = false;
    library->follow_rounds++;
    library->follow_error = *error;
    library->follow_error.code = code < 0 ? code : 0;
    cond_broadcast(&library->online->changed);
}

static int make_round(struct library *library, const struct call *call, struct error *err)
{
    struct error error = {0};
    int code = 0;

    library->is_following = true;
    code = run_round(library, call, &error);
    end_round(library, code, &error);
    if (code < 0 && err) {
        *err = error;
    }
    return code;
}

/* --- for lookup.c and listing.c --- */

static bool needs_token(const struct library *library)
{
    return !library->delta_link && !library->is_removed &&
           online_now() >= library->no_delta_until_ms;
}

int follow_list(struct library *library, struct first_page *out, const char *drive_id,
                const char *folder_id, unsigned page_size, const struct call *call,
                struct error *err)
{
    struct online_vfs *online = library->online;
    struct error error = {0};
    char *link = NULL;
    int64_t began_ms = online_now();
    int code = 0;

    out->is_listed = false;
    mutex_lock(&online->lock);
    if (library->is_following || !needs_token(library)) {
        mutex_unlock(&online->lock);
        return 0;
    }
    library->is_following = true;
    mutex_unlock(&online->lock);
    code = graph_list_latest(&out->items, &out->is_listed, &link, library->account, drive_id,
                             folder_id, page_size, call, &error);
    mutex_lock(&online->lock);
    if (code < 0 || link) {
        code = take_token(library, code, &link, began_ms, &error, err);
        out->epoch = library->epoch;
    }
    end_round(library, code, &error);
    mutex_unlock(&online->lock);
    free(link);
    return code;
}

int follow_begin(struct library *library, const struct call *call, struct error *err)
{
    struct online_vfs *online = library->online;
    int code = 0;

    mutex_lock(&online->lock);
    while (code == 0 && needs_token(library)) {
        code =
            library->is_following ? wait_round(library, call, err) : make_round(library, call, err);
    }
    mutex_unlock(&online->lock);
    return code;
}

int follow_update(struct library *library, int64_t since_ms, const struct call *call,
                  struct error *err)
{
    struct online_vfs *online = library->online;
    int code = 0;

    mutex_lock(&online->lock);
    while (code == 0 && library->delta_link && !library->is_removed) {
        if (library->followed_ms > since_ms) {
            code = 1;
        } else if (library->is_following) {
            code = wait_round(library, call, err);
        } else {
            code = make_round(library, call, err);
            break;
        }
    }
    mutex_unlock(&online->lock);
    return code;
}

/* --- the follower thread: so that an open window shows what others do --- */

void library_touch(struct library *library)
{
    struct online_vfs *online = library->online;
    int64_t now_ms = online_now();

    if (now_ms - library->used_ms > IN_USE_MS) {
        library->quiet_polls = 0;
        cond_signal(&online->follow_wake);
    }
    library->used_ms = now_ms;
}

/* Lock held. */
static bool is_in_use(const struct library *library, int64_t now_ms)
{
    return !library->is_removed && library->delta_link &&
           (library->open_bodies > 0 ||
            (library->used_ms > 0 && now_ms - library->used_ms < IN_USE_MS));
}

/* Shared by all libraries in use, so that ten of them cost no more than one. Lock held. */
static int64_t interval_ms(const struct library *library, uint32_t in_use)
{
    unsigned doublings = library->quiet_polls / QUIET_POLLS;

    return library->online->options.poll_ms * in_use *
           (INT64_C(1) << (doublings < 2 ? doublings : 2));
}

/* The library whose turn it is, or NULL and how long to wait (-1: until somebody looks). */
static struct library *next_due(struct online_vfs *online, int64_t *wait_ms)
{
    int64_t now_ms = online_now();
    struct library *first = NULL;
    int64_t first_ms = 0;
    uint32_t in_use = 0;

    *wait_ms = -1;
    for (struct library *at = online->libraries; at; at = at->next) {
        in_use += is_in_use(at, now_ms);
    }
    for (struct library *at = online->libraries; at && online->options.poll_ms > 0; at = at->next) {
        int64_t last_ms = at->polled_ms > at->followed_ms ? at->polled_ms : at->followed_ms;
        int64_t due_ms = last_ms + interval_ms(at, in_use);

        if (is_in_use(at, now_ms) && (!first || due_ms < first_ms)) {
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

/* Both are asked with and without the lock. */
static bool is_ending(void *payload)
{
    struct library *library = payload;

    return atomic_load(&library->online->is_follower_ending);
}

/* Above the soft limit background work rests, for a minute maybe. A program must not rest with it. */
static bool is_awaited(void *payload)
{
    struct library *library = payload;

    return atomic_load(&library->awaiting) > 0;
}

static void *follow(void *payload)
{
    struct online_vfs *online = payload;

    mutex_lock(&online->lock);
    while (!online->is_ending) {
        int64_t wait_ms = 0;
        struct library *library = next_due(online, &wait_ms);

        if (library) {
            struct call call = {.priority = CALL_REFRESH,
                                .deadline_ms = online_now() + POLL_CALL_MS,
                                .is_cancelled = is_ending,
                                .is_awaited = is_awaited,
                                .payload = library};

            library->polled_ms = online_now();
            mutex_unlock(&online->lock);
            (void)follow_update(library, library->polled_ms - 1, &call, NULL);
            mutex_lock(&online->lock);
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
