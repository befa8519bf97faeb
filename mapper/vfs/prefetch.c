/*
 * prefetch.c - whoever walks through a tree (find, grep -r, a backup) lists folder after folder, each
 * a round trip. From the third in a row on, the folders beside the one that is listed are asked for
 * ahead, several in one $batch.
 *
 * It is background work: above the soft limit of resource units the governor refuses it, and the
 * walk goes on one by one. What was asked for and is not wanted costs 2 RU each, so the batches begin
 * small and grow with the walk; and they hold about so many entries, not folders, as memory allows.
 * A reader who comes meanwhile waits for the batch, and asks by himself when it fails.
 *
 * The thread lives as long as a walk.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/process.h"
#include "link.h"
#include "listing.h"
#include "online.h"

#define WALK_GAP_MS 2000    /* longer between two folders: a person who looks around */
#define WALK_STEPS 3u       /* folders in a row make a walk */
#define BATCH_ENTRIES 2000u /* about so many in one answer */
#define SCAN_MAX 2000u      /* entries of the folder looked at for the next ones */
#define QUEUE_MAX 2u        /* batches */
#define ASK_MS 10000        /* then the reader asks by himself */
#define THREAD_IDLE_MS 2500
#define GIVE_BACK_ENTRIES 4000u /* the answers for so many leave megabytes between their nodes */

/* One batch: folders of one library. */
struct prefetch {
    struct prefetch *next;
    struct listing *listings[GRAPH_PAGES_MAX]; /* referenced */
    size_t count;
};

/* --- the thread --- */

static bool is_ending(void *payload)
{
    struct online_vfs *online = payload;

    return atomic_load(&online->is_follower_ending);
}

/* Asks, without the lock. The folders are of one library: the place of the first is that of all but
 * for the item. */
static int ask(struct online_vfs *online, const struct prefetch *prefetch, struct graph_page *pages,
               struct error *err)
{
    struct call call = {.priority = CALL_PREFETCH,
                        .deadline_ms = online_now() + ASK_MS,
                        .is_cancelled = is_ending,
                        .payload = online};
    struct place places[GRAPH_PAGES_MAX] = {{0}};
    const char *ids[GRAPH_PAGES_MAX] = {NULL};
    int code = 0;

    for (size_t i = 0; i < prefetch->count && code == 0; i++) {
        code = place_of(&places[i], online, prefetch->listings[i]->folder, false, &call, err);
        ids[i] = places[i].item_id;
    }
    if (code == 0) {
        code = graph_list_folders(pages, places[0].account, places[0].drive_id, ids,
                                  prefetch->count, LISTING_PAGE, &call, err);
    }
    for (size_t i = 0; i < prefetch->count; i++) {
        place_clear(&places[i]);
    }
    return code;
}

static bool adapt(struct graph_page *page)
{
    for (size_t i = 0; i < page->items.count && page->code == 0; i++) {
        page->code = link_adapt(&page->items.items[i], NULL);
    }
    return page->code == 0;
}

/* Lock held, given up meanwhile. */
static void run(struct online_vfs *online, struct prefetch *prefetch)
{
    struct graph_page *pages = calloc(GRAPH_PAGES_MAX, sizeof(*pages));
    struct error err = {0};
    struct ask asked = {0};
    int code = pages ? 0 : error_set(&err, ERR_NO_MEMORY, "no memory for pages");

    ask_begin(online, &asked, 0);
    mutex_unlock(&online->lock);
    code = code == 0 ? ask(online, prefetch, pages, &err) : code;
    if (code < 0) {
        log_debug(LOG_VFS, "folders could not be listed ahead: %s", err.message);
    }
    for (size_t i = 0; i < prefetch->count; i++) {
        bool is_there = code == 0 && adapt(&pages[i]);

        online->walked_entries += is_there ? pages[i].items.count : 0;
        mutex_lock(&online->lock); /* for each by itself: readers are about */
        listing_answer(online, prefetch->listings[i], is_there ? &pages[i].items : NULL,
                       asked.edit);
        listing_leave(online, prefetch->listings[i]);
        mutex_unlock(&online->lock);
    }
    if (pages) {
        graph_pages_clear(pages, prefetch->count);
    }
    free(pages);
    if (online->walked_entries >= GIVE_BACK_ENTRIES) {
        online->walked_entries = 0;
        process_give_back();
    }
    mutex_lock(&online->lock);
    ask_end(online, &asked);
}

static void *work(void *payload)
{
    struct online_vfs *online = payload;

    mutex_lock(&online->lock);
    while (online->prefetches ||
           (!online->is_ending &&
            cond_wait_ms(&online->prefetch_wake, &online->lock, THREAD_IDLE_MS))) {
        struct prefetch *prefetch = online->prefetches;

        if (prefetch) {
            online->prefetches = prefetch->next;
            run(online, prefetch);
            free(prefetch);
        }
    }
    online->has_prefetcher = false;
    mutex_unlock(&online->lock);
    process_give_back(); /* after the walk */
    return NULL;
}

void prefetch_stop(struct online_vfs *online)
{
    mutex_lock(&online->lock);
    cond_signal(&online->prefetch_wake);
    mutex_unlock(&online->lock);
    thread_join(&online->prefetcher); /* what waits is answered: ERR_CANCELLED */
}

/* --- deciding; lock held --- */

/* False: there is no thread to do it. */
static bool wake(struct online_vfs *online)
{
    if (!online->has_prefetcher && !online->is_ending) {
        thread_join(&online->prefetcher); /* it is past its last look at the lock */
        online->has_prefetcher =
            thread_start(&online->prefetcher, "vfs-prefetch", work, online, NULL) == 0;
    }
    cond_signal(&online->prefetch_wake);
    return online->has_prefetcher;
}

static void drop(struct online_vfs *online, struct prefetch *prefetch)
{
    for (size_t i = 0; i < prefetch->count; i++) {
        listing_answer(online, prefetch->listings[i], NULL, tree_edits(online->tree));
        listing_leave(online, prefetch->listings[i]);
    }
    free(prefetch);
}

static void enqueue(struct online_vfs *online, struct prefetch *prefetch)
{
    struct prefetch **at = &online->prefetches;

    while (*at) {
        at = &(*at)->next;
    }
    *at = prefetch;
    if (!wake(online)) {
        *at = NULL;
        drop(online, prefetch);
    }
}

static bool has_room(const struct online_vfs *online)
{
    size_t count = 0;

    for (const struct prefetch *at = online->prefetches; at; at = at->next) {
        count++;
    }
    return count < QUEUE_MAX;
}

static bool is_candidate(const struct node *node)
{
    return node->kind == VFS_FOLDER && !(node->flags & (NODE_GONE | NODE_LOCAL));
}

static bool is_there(struct online_vfs *online, struct node *node)
{
    return folder_is_fresh(online, node) || folder_is_covered(online, node) ||
           (node->folder && node->folder->listing);
}

/* The folders after `folder` that are not there yet, unless enough are. */
static void look_ahead(struct online_vfs *online, struct node *folder, const struct folder *beside)
{
    size_t size = beside->walks * 2;
    size_t fit = 1 + BATCH_ENTRIES / (beside->walk_entries + 1);
    struct node *node = folder;
    struct prefetch *prefetch = NULL;
    size_t ready = 0;

    size = size < fit ? size : fit;
    size = size < GRAPH_PAGES_MAX ? size : GRAPH_PAGES_MAX;
    for (unsigned seen = 0; seen < SCAN_MAX; seen++) {
        node = tree_at(online->tree, node->next);
        if (!node || (prefetch && prefetch->count == size) || (!prefetch && ready * 2 > size)) {
            break;
        }
        if (!is_candidate(node)) {
            continue;
        }
        if (is_there(online, node)) {
            ready++;
            continue;
        }
        prefetch = prefetch ? prefetch : calloc(1, sizeof(*prefetch));
        if (prefetch) {
            prefetch->listings[prefetch->count] = listing_reserve(online, node);
            prefetch->count += prefetch->listings[prefetch->count] != NULL;
        }
    }
    if (prefetch && prefetch->count > 0) {
        enqueue(online, prefetch);
    } else {
        free(prefetch);
    }
}

/* Whether a walk goes through the folders of `part` now. */
static bool is_walked(const struct folder *part, int64_t now_ms)
{
    return part && part->walks >= WALK_STEPS && now_ms - part->walk_ms < WALK_GAP_MS;
}

static void count_step(struct online_vfs *online, struct folder *beside, struct folder *above,
                       const struct node *folder, int64_t now_ms)
{
    const struct node *last = tree_at(online->tree, beside->walk_last);
    bool is_going_on = beside->walks > 0 && now_ms - beside->walk_ms < WALK_GAP_MS;

    if (last && last->parent == folder->parent && last->folder && last->folder->is_complete) {
        uint32_t entries = last->folder->count;

        beside->walk_entries =
            beside->walks > 1 ? (beside->walk_entries * 3 + entries) / 4 : entries;
    }
    if (is_going_on) {
        beside->walks += beside->walks < GRAPH_PAGES_MAX;
    } else {
        beside->walks = is_walked(above, now_ms) ? WALK_STEPS : 1;
        beside->walk_entries = above ? above->walk_entries : 0;
    }
    beside->walk_last = folder->index;
}

void walk_note(struct online_vfs *online, struct node *folder)
{
    struct node *parent = tree_parent(online->tree, folder);
    struct node *above = parent ? tree_parent(online->tree, parent) : NULL;
    int64_t now_ms = online_now();

    if (!parent || !parent->folder || !parent->folder->is_complete ||
        parent->folder->walk_last == folder->index || online->options.metadata_ms < WALK_GAP_MS) {
        return;
    }
    count_step(online, parent->folder, above ? above->folder : NULL, folder, now_ms);
    for (struct node *at = parent; at; at = tree_parent(online->tree, at)) {
        if (at->folder) {
            at->folder->walk_ms = now_ms;
        }
    }
    if (parent->folder->walks >= WALK_STEPS && has_room(online)) {
        look_ahead(online, folder, parent->folder);
    }
}
