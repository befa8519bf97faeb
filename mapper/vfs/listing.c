/*
 * listing.c - one folder's entries, page by page, shared by everybody who reads it at the time.
 *
 * There is no thread of its own: whoever needs entries that are not there yet fetches the next page
 * by its own deadline, and the others wait for it. A page that fails ends the listing for all of
 * them, and no folder is complete by it. Nodes in a listing are held, so that none is dropped
 * before every reader had it.
 */
#include "listing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "link.h"
#include "online.h"
#include "settle.h"
#include "uploads.h"

#define LISTING_ENTRIES_MAX 5000000u /* in one folder; more is ERR_LIMIT and never a short list */
#define EMPTY_PAGES_MAX 1000         /* pages without an entry, one after the other */

/* `is_known`: of what is in memory. It has no number: those are for what pages name, and would come to
 * an end where a program lists folders all day. */
static struct listing *listing_new(struct online_vfs *online, struct node *folder, bool is_known,
                                   struct error *err)
{
    struct listing *listing = calloc(1, sizeof(*listing));

    if (!listing) {
        error_set(err, ERR_NO_MEMORY, "no memory for a listing");
        return NULL;
    }
    listing->refs = 1;
    listing->folder = folder;
    listing->begun_ms = online_now();
    listing->begun_edit = tree_edits(online->tree);
    listing->doubts = folder->folder ? folder->folder->doubts : 0;
    listing->number = is_known ? 0 : ++online->last_listing;
    tree_hold(online->tree, folder);
    return listing;
}

void listing_leave(struct online_vfs *online, struct listing *listing)
{
    if (!listing || --listing->refs > 0) {
        return;
    }
    if (listing->folder->folder && listing->folder->folder->listing == listing) {
        listing->folder->folder->listing = NULL; /* nobody wants the rest */
    }
    for (size_t i = 0; i < listing->count; i++) {
        tree_release(online->tree, listing->nodes[i], 1);
    }
    tree_release(online->tree, listing->folder, 1);
    free(listing->nodes);
    free(listing->next_link);
    free(listing);
}

static int add_node(struct online_vfs *online, struct listing *listing, struct node *node,
                    struct error *err)
{
    if (listing->number != 0 && node->listed == listing->number) {
        return 0; /* a page named it twice, or we added it ourselves */
    }
    if (listing->count >= LISTING_ENTRIES_MAX) {
        return error_set(err, ERR_LIMIT, "the folder has more than %u entries",
                         LISTING_ENTRIES_MAX);
    }
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity ? listing->capacity * 2 : 64;
        struct node **nodes = realloc(listing->nodes, capacity * sizeof(struct node *));

        if (!nodes) {
            return error_set(err, ERR_NO_MEMORY, "no memory for a listing");
        }
        listing->nodes = nodes;
        listing->capacity = capacity;
    }
    if (node->listed < listing->number) {
        node->listed = listing->number; /* a newer listing may run beside this one */
    }
    tree_hold(online->tree, node);
    listing->nodes[listing->count++] = node;
    return 0;
}

/* Entries that are in the tree already: all of them when the folder is complete and fresh, else
 * those that only we know. */
static int add_known(struct online_vfs *online, struct listing *listing, bool all,
                     struct error *err)
{
    struct folder *part = listing->folder->folder;
    struct node *node = part ? tree_at(online->tree, part->first) : NULL;
    int code = 0;

    while (node && code == 0) {
        if (all || (node->flags & NODE_LOCAL)) {
            code = add_node(online, listing, node, err);
        }
        node = tree_at(online->tree, node->next);
    }
    return code;
}

struct listing *listing_join(struct online_vfs *online, struct node *folder, bool is_followed,
                             struct error *err)
{
    struct folder *part = tree_folder(folder);
    struct listing *listing = NULL;
    bool is_known = false;

    if (!part) {
        error_set(err, ERR_NO_MEMORY, "no memory for a folder");
        return NULL;
    }
    uploads_show(online, folder); /* first: making room for it may drop what was known */
    is_known = !library_of(online, folder) || /* the root above all libraries is empty */
               folder_is_fresh(online, folder) ||
               (is_followed && folder_is_covered(online, folder));
    if (!is_known && part->listing && part->listing->failure == 0 &&
        online_now() - part->listing->begun_ms < online->options.metadata_ms) {
        part->listing->refs++;
        return part->listing;
    }
    listing = listing_new(online, folder, is_known, err);
    if (!listing) {
        return NULL;
    }
    if (add_known(online, listing, is_known, err) < 0) {
        listing_leave(online, listing);
        return NULL;
    }
    listing->is_complete = is_known;
    if (!is_known) {
        part->listing = listing;
    }
    return listing;
}

struct listing *listing_reserve(struct online_vfs *online, struct node *folder)
{
    struct folder *part = tree_folder(folder);
    struct listing *listing = NULL;

    if (!part || part->listing || folder_is_fresh(online, folder) ||
        folder_is_covered(online, folder)) {
        return NULL;
    }
    listing = listing_new(online, folder, false, NULL);
    if (listing) {
        uploads_show(online, folder);
    }
    if (listing && add_known(online, listing, false, NULL) < 0) {
        listing_leave(online, listing);
        return NULL;
    }
    if (listing) {
        const struct library *library = library_of(online, folder);

        listing->epoch = library ? library_epoch(library) : 0;
        listing->is_fetching = true;
        part->listing = listing;
    }
    return listing;
}

static int add_page(struct online_vfs *online, struct listing *listing,
                    const struct graph_items *page, uint32_t asked, struct error *err)
{
    const struct library *library = library_of(online, listing->folder);
    /* With its stream's token before it, it is newer than that, whenever it was asked for. */
    bool is_old =
        library && asked < library_epoch_edit(library) && listing->epoch != library_epoch(library);
    int code = 0;

    for (size_t i = 0; i < page->count && code == 0; i++) {
        struct node *node = NULL;

        code = tree_apply_item(online, &node, listing->folder, &page->items[i], asked, err);
        if (code == 0 && node) {
            node->checked_s = is_old ? 0 : node->checked_s;
            code = add_node(online, listing, node, err);
        }
    }
    return code;
}

/* All pages came: what none of them named is gone, unless it is newer than they are. */
static void complete(struct online_vfs *online, struct listing *listing)
{
    struct folder *part = listing->folder->folder;
    struct node *node = tree_at(online->tree, part->first);

    while (node) {
        struct node *next = tree_at(online->tree, node->next);

        if (node->listed < listing->number && !(node->flags & NODE_LOCAL) &&
            node->edit <= listing->begun_edit && !settle_of(online, node)) {
            tree_remove(online->tree, node);
        }
        node = next;
    }
    listing->is_complete = true;
    part->is_complete = true;
    part->complete_ms = listing->begun_ms;
    part->epoch = listing->doubts == part->doubts ? listing->epoch : 0;
    part->misses = 0;
    if (part->listing == listing) {
        part->listing = NULL;
    }
}

static int fail(struct listing *listing, int code, const struct error *error)
{
    listing->failure = code;
    listing->error = *error;
    if (listing->folder->folder->listing == listing) {
        listing->folder->folder->listing = NULL;
    }
    return code;
}

/* Takes the page in; lock held. */
static int take_page(struct online_vfs *online, struct listing *listing, struct graph_items *page,
                     uint32_t asked, struct error *err)
{
    int code = 0;

    if (listing->folder->flags & NODE_GONE) {
        return error_set(err, ERR_STALE, "the folder is no longer there");
    }
    code = add_page(online, listing, page, asked, err);
    if (code < 0) {
        return code;
    }
    uploads_show(online, listing->folder);
    free(listing->next_link);
    listing->next_link = page->next_link;
    page->next_link = NULL;
    listing->is_started = true;
    if (!listing->next_link) {
        complete(online, listing);
    }
    return 0;
}

void listing_answer(struct online_vfs *online, struct listing *listing, struct graph_items *page,
                    uint32_t asked)
{
    listing->is_fetching = false;
    if (asked < listing->begun_edit) {
        listing->begun_edit = asked;
    }
    if (page) {
        (void)take_page(online, listing, page, asked, NULL); /* else whoever waits asks again */
    }
    cond_broadcast(&online->changed);
}

static int ask_page(struct online_vfs *online, struct listing *listing, struct graph_items *page,
                    const char *link, const struct call *call, struct error *err)
{
    struct first_page first = {0};
    struct place place = {0};
    int code = place_of(&place, online, listing->folder, false, call, err);

    if (code == 0 && !link) {
        code = follow_list(place.library, &first, place.drive_id, place.item_id, LISTING_PAGE, call,
                           err);
        if (code == 0 && !first.is_listed) {
            code = follow_begin(place.library, call, err);
        }
        mutex_lock(&online->lock);
        listing->epoch = first.is_listed ? first.epoch : library_epoch(place.library);
        mutex_unlock(&online->lock);
    }
    if (code == 0 && first.is_listed) {
        *page = first.items;
    } else if (code == 0) {
        code = graph_list_children(page, place.account, place.drive_id, place.item_id, link,
                                   LISTING_PAGE, call, err);
    }
    for (size_t i = 0; code == 0 && i < page->count; i++) {
        code = link_adapt(&page->items[i], err);
    }
    place_clear(&place);
    return code;
}

/* This thread fetches; lock held, given up meanwhile. */
static int fetch_page(struct online_vfs *online, struct listing *listing, const struct call *call,
                      struct error *err)
{
    struct graph_items page = {0};
    struct error error = {0};
    char *link = NULL;
    struct ask ask = {0};
    int code = str_copy(&link, listing->next_link, &error);

    ask_begin(online, &ask, ask_key("list", str_hash(node_item_id(listing->folder)), link));
    if (ask.edit < listing->begun_edit) {
        listing->begun_edit = ask.edit;
    }
    listing->is_fetching = true;
    mutex_unlock(&online->lock);
    if (code == 0) {
        code = ask_page(online, listing, &page, link, call, &error);
    }
    free(link);
    mutex_lock(&online->lock);
    listing->is_fetching = false;
    ask_end(online, &ask);
    if (code == 0) {
        code = take_page(online, listing, &page, ask.edit, &error);
    }
    /* A reader that gave up, or whose time is over, does not end it for the others. */
    if (code < 0 && code != ERR_CANCELLED && code != ERR_TIMED_OUT) {
        (void)fail(listing, code, &error);
    }
    if (code < 0 && err) {
        *err = error;
    }
    cond_broadcast(&online->changed);
    graph_items_clear(&page);
    return code;
}

int listing_more(struct online_vfs *online, struct listing *listing, const struct call *call,
                 struct error *err)
{
    size_t had = listing->count;
    unsigned empty_pages = 0;
    int code = 0;

    while (code == 0 && listing->count == had && !listing->is_complete) {
        if (listing->failure < 0) {
            if (err) {
                *err = listing->error;
            }
            return listing->failure;
        }
        if (listing->is_fetching) {
            code = call_wait(call, &online->changed, &online->lock, err);
            continue;
        }
        if (++empty_pages > EMPTY_PAGES_MAX) {
            return error_set(err, ERR_PROTOCOL, "the server sends pages without end");
        }
        code = fetch_page(online, listing, call, err);
    }
    return code;
}

int folder_follow(struct online_vfs *online, struct node *folder, bool *is_followed,
                  const struct call *call, struct error *err)
{
    struct library *library = NULL;
    int64_t since_ms = 0;
    int code = 0;

    mutex_lock(&online->lock);
    library = library_of(online, folder);
    if (library) {
        library_touch(library);
    }
    since_ms = online_now() - online->options.metadata_ms;
    *is_followed = library && !folder_is_fresh(online, folder) && folder_is_covered(online, folder);
    mutex_unlock(&online->lock);
    if (*is_followed) {
        code = follow_update(library, since_ms, call, err);
        *is_followed = code == 1;
    }
    return code < 0 ? code : 0;
}

int listing_run_all(struct online_vfs *online, struct node *folder, const struct call *call,
                    struct error *err)
{
    struct listing *listing = NULL;
    bool is_followed = false;
    int code = folder_follow(online, folder, &is_followed, call, err);

    if (code < 0) {
        return code;
    }
    mutex_lock(&online->lock);
    listing = listing_join(online, folder, is_followed, err);
    code = listing ? 0 : ERR_NO_MEMORY;
    while (code == 0 && !listing->is_complete) {
        code = listing_more(online, listing, call, err);
    }
    listing_leave(online, listing);
    mutex_unlock(&online->lock);
    return code;
}

void listing_note_added(struct online_vfs *online, struct node *folder, struct node *node)
{
    struct folder *part = folder->folder;

    if (part && part->listing) {
        (void)add_node(online, part->listing, node, NULL); /* else it is left out of this one */
    }
}
