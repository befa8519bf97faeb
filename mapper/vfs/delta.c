#include "delta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "link.h"
#include "listing.h"
#include "online.h"
#include "settle.h"

#define FOLDER_ROUNDS 8 /* folders that are named before the folder they are in */

/* Between its old name and its new one; '/' stands in no real name. */
#define MOVING "/moving-%u"

void delta_clear(struct delta *delta)
{
    for (size_t i = 0; i < delta->count; i++) {
        graph_item_clear(&delta->items[i]);
    }
    free(delta->items);
    *delta = (struct delta){0};
}

void delta_result_clear(struct delta_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        free(result->events[i].name);
    }
    free(result->events);
    *result = (struct delta_result){0};
}

int delta_take(struct delta *delta, struct graph_items *page, struct error *err)
{
    size_t need = delta->count + page->count;

    if (need > DELTA_CHANGES_MAX) {
        return error_set(err, ERR_LIMIT, "the library has more than %u changes", DELTA_CHANGES_MAX);
    }
    if (need > delta->capacity) {
        size_t capacity = need > delta->capacity * 2 ? need : delta->capacity * 2;
        struct graph_item *items = realloc(delta->items, capacity * sizeof(*items));

        if (!items) {
            return error_set(err, ERR_NO_MEMORY, "no memory for the changes of a library");
        }
        delta->items = items;
        delta->capacity = capacity;
    }
    for (size_t i = 0; i < page->count; i++) {
        int code = link_adapt(&page->items[i], err);

        if (code < 0) {
            return code;
        }
        delta->items[delta->count++] = page->items[i];
        page->items[i] = (struct graph_item){0};
    }
    return 0;
}

/* --- one set on its way into the tree --- */

struct apply {
    struct online_vfs *online;
    struct library *library;
    struct delta *delta;
    bool *is_over; /* per item: applied, or nothing to apply */
    uint32_t asked_edit;
    bool is_last;
    struct delta_result *result;
    struct error *err;
};

/* What the listener is not told costs freshness, and nothing else. */
static void add_event(struct apply *a, uint64_t parent, const char *name, uint64_t id)
{
    struct delta_result *result = a->result;

    if (result->count == result->capacity) {
        size_t capacity = result->capacity ? result->capacity * 2 : 16;
        struct delta_event *events = realloc(result->events, capacity * sizeof(*events));

        if (!events) {
            return;
        }
        result->events = events;
        result->capacity = capacity;
    }
    result->events[result->count] = (struct delta_event){.parent = parent, .id = id};
    if (!name || str_copy(&result->events[result->count].name, name, NULL) == 0) {
        result->count++;
    }
}

static void add_entry_event(struct apply *a, const struct node *node)
{
    const struct node *parent = tree_parent(a->online->tree, node);

    if (parent && node_name(node)[0] != '/') {
        add_event(a, node_id(parent), node_name(node), node_id(node));
    }
}

struct place_in_set {
    const char *id;
    size_t index;
};

static int compare_places(const void *left, const void *right)
{
    const struct place_in_set *a = left;
    const struct place_in_set *b = right;
    int order = strcmp(a->id, b->id);

    return order != 0 ? order : a->index < b->index ? -1 : a->index > b->index;
}

/* The last word on an item counts. */
static int drop_duplicates(struct apply *a)
{
    size_t count = a->delta->count;
    struct place_in_set *places = calloc(count + 1, sizeof(*places));

    if (!places) {
        return error_set(a->err, ERR_NO_MEMORY, "no memory for the changes of a library");
    }
    for (size_t i = 0; i < count; i++) {
        places[i] = (struct place_in_set){a->delta->items[i].id, i};
    }
    qsort(places, count, sizeof(*places), compare_places);
    for (size_t i = 0; i + 1 < count; i++) {
        a->is_over[places[i].index] = strcmp(places[i].id, places[i + 1].id) == 0;
    }
    free(places);
    return 0;
}

static bool is_root_item(const struct apply *a, const struct graph_item *item)
{
    return item->is_root ||
           (a->library->root_item_id && strcmp(a->library->root_item_id, item->id) == 0);
}

/* The folder that the item is in; NULL: nobody looked there. */
static struct node *folder_of(const struct apply *a, const struct graph_item *item)
{
    const struct library *library = a->library;
    struct node *folder = NULL;

    if (!item->parent_id) {
        return NULL;
    }
    if (library->root_item_id && strcmp(library->root_item_id, item->parent_id) == 0) {
        return library->root;
    }
    folder = tree_item(a->online->tree, library->root, item->parent_id);
    return folder && folder->kind == VFS_FOLDER ? folder : NULL;
}

static struct node *known(const struct apply *a, const struct graph_item *item)
{
    return tree_item(a->online->tree, a->library->root, item->id);
}

/* Our own change, or one that somebody told us of before. */
static bool is_echo(const struct node *node, const struct node *folder,
                    const struct graph_item *item)
{
    if (!folder || node->parent != folder->index || strcmp(node_name(node), item->name) != 0) {
        return false;
    }
    if (item->etag) {
        return node_has_etag(node, item->etag);
    }
    return node->kind == VFS_FILE && node->size_bytes == item->size_bytes &&
           node->modified_ms == item->modified_ms;
}

/* We changed it after the set was asked for: which of the two is newer, only asking again tells. */
static bool is_doubtful(struct apply *a, struct node *node)
{
    if (node->edit <= a->asked_edit) {
        return false;
    }
    if (a->is_last) {
        node_doubt(a->online, node);
    } else {
        a->result->is_doubtful = true;
    }
    return true;
}

/* Of an item that the tree does not have: an answer that is on its way may bring it as it was. */
static void pass_over(struct apply *a)
{
    a->library->passed_edit = tree_count_edit(a->online->tree);
}

static void remove_node(struct apply *a, struct node *node)
{
    add_entry_event(a, node);
    tree_bury(a->online->tree, a->library->root, node_item_id(node));
    tree_remove(a->online->tree, node);
    a->result->changed++;
}

/* --- the passes --- */

/* What is over already; and what moves or is renamed gives its name free first, so that items can
 * swap names, and so that none takes the place of another that is about to leave. */
static int prepare(struct apply *a)
{
    struct tree *tree = a->online->tree;
    int code = 0;

    for (size_t i = 0; i < a->delta->count && code == 0; i++) {
        struct graph_item *item = &a->delta->items[i];
        struct node *node = NULL;
        struct node *folder = NULL;

        if (a->is_over[i] || item->kind == GRAPH_DELETED) {
            continue;
        }
        if (is_root_item(a, item)) {
            a->is_over[i] = true;
            if (!a->library->folder_path && !a->library->root_item_id) {
                code = str_copy(&a->library->root_item_id, item->id, a->err);
            }
            continue;
        }
        node = known(a, item);
        folder = folder_of(a, item);
        if (settle_has_item(a->online, a->library,
                            item->id)) { /* the server will hear of us first */
            a->is_over[i] = true;
            if (node) {
                node->flags |= NODE_HEARD;
            }
            continue;
        }
        if (!item->name || (node && (is_echo(node, folder, item) || is_doubtful(a, node)))) {
            a->is_over[i] = true;
            if (node && node->edit <= a->asked_edit) {
                (void)tree_edit(tree, node); /* answers to older questions do not undo it */
                node_confirm(a->online, node);
            }
        } else if (node && item_is_shown(item) &&
                   (!folder || node->parent != folder->index ||
                    !str_equal_nocase(node_name(node), item->name))) {
            char name[32];

            add_entry_event(a, node);
            snprintf(name, sizeof(name), MOVING, node->index);
            code = tree_move(tree, node, tree_parent(tree, node), name, a->err);
        }
    }
    return code;
}

/* Whether what has the name gives way. Not a file of ours, which the server does not know yet; the
 * folder is listed again when somebody looks. */
static bool gives_way(const struct apply *a, struct node *folder, const struct node *other)
{
    if ((other->flags & NODE_LOCAL) || other->edit > a->asked_edit) {
        folder_doubt(folder);
        return false;
    }
    return true;
}

/* What the change says, over what is known. The texts are borrowed from both. */
static struct node_facts facts_now(const struct apply *a, const struct node *node,
                                   const struct graph_item *item)
{
    struct node_facts facts = item_facts(a->library, item);

    if (!facts.ctag) {
        facts.ctag = node ? node_ctag(node) : NULL;
        facts.flags |= NODE_HEARD;
    }
    return facts;
}

static int change_known(struct apply *a, struct node *node, struct node *folder,
                        const struct graph_item *item)
{
    struct tree *tree = a->online->tree;
    struct node_facts facts = facts_now(a, node, item);
    struct node *other = tree_child(tree, folder, item->name);
    int code = 0;

    other = other == node ? NULL : other;
    if (other && !gives_way(a, folder, other)) {
        remove_node(a, node);
        return 0;
    }
    if (node->parent != folder->index) {
        code = tree_move(tree, node, folder, item->name, a->err);
        facts = facts_now(a, node, item);
    }
    if (code == 0 && other) { /* after it: the item may come out of what has its name */
        remove_node(a, other);
    }
    if (code == 0) {
        code = tree_update(tree, node, &facts, a->err);
    }
    if (code < 0) {
        return code;
    }
    node->flags &= ~NODE_DENIED;
    (void)tree_edit(tree, node); /* what was asked for before must not undo it */
    node_confirm(a->online, node);
    add_entry_event(a, node);
    add_event(a, 0, NULL, node_id(node));
    a->result->changed++;
    return 0;
}

static int add_new(struct apply *a, struct node *folder, const struct graph_item *item)
{
    struct node_facts facts = facts_now(a, NULL, item);
    struct node *other = tree_child(a->online->tree, folder, item->name);
    struct node *node = NULL;
    int code = 0;

    forget_negatives(a->online, folder);
    if (tree_is_buried(a->online->tree, a->library->root, item->id, a->asked_edit)) {
        return 0; /* we deleted it since */
    }
    if (!folder->folder || !(folder->folder->is_complete || folder->folder->listing)) {
        pass_over(a); /* nobody looked there */
        return 0;
    }
    if (other && !gives_way(a, folder, other)) {
        pass_over(a);
        return 0;
    }
    if (other) {
        remove_node(a, other);
    }
    code = tree_add(a->online->tree, &node, folder, &facts, a->err);
    if (code == 0) {
        (void)tree_edit(a->online->tree, node);
        node_confirm(a->online, node);
        listing_note_added(a->online, folder, node);
        add_entry_event(a, node);
        a->result->changed++;
    }
    return code;
}

/* 1: the folder it is in is not known, or not yet. */
static int change_one(struct apply *a, const struct graph_item *item)
{
    struct node *node = known(a, item);
    struct node *folder = folder_of(a, item);

    if (node && tree_is_inside(a->online->tree, folder, node)) {
        return error_set(a->err, ERR_PROTOCOL, "the server names a folder inside itself");
    }
    if (node &&
        (!item_is_shown(item) || (node->kind == VFS_FOLDER) != (item->kind == GRAPH_FOLDER))) {
        remove_node(a, node);
        node = NULL;
    }
    if (!item_is_shown(item)) {
        return 0;
    }
    if (!folder) {
        return 1;
    }
    return node ? change_known(a, node, folder, item) : add_new(a, folder, item);
}

/* Folders or files. */
static int change_all(struct apply *a, bool are_folders, bool *is_progress)
{
    int code = 0;

    *is_progress = false;
    for (size_t i = 0; i < a->delta->count && code >= 0; i++) {
        const struct graph_item *item = &a->delta->items[i];

        if (!a->is_over[i] && item->kind != GRAPH_DELETED &&
            (item->kind == GRAPH_FOLDER) == are_folders) {
            code = change_one(a, item);
            a->is_over[i] = code == 0;
            *is_progress = *is_progress || code == 0;
        }
    }
    return code < 0 ? code : 0;
}

/* What went where nobody looked; and what is deleted, after all that may have been moved out of it
 * first. */
static void remove_rest(struct apply *a)
{
    for (size_t i = 0; i < a->delta->count; i++) {
        const struct graph_item *item = &a->delta->items[i];
        struct node *node = a->is_over[i] ? NULL : known(a, item);

        if (!a->is_over[i] && !node &&
            !tree_is_buried(a->online->tree, a->library->root, item->id, 0)) {
            pass_over(a);
        }
        if (node && !is_doubtful(a, node)) {
            if (item->kind == GRAPH_DELETED) {
                node_drop_content(a->online, node);
            }
            remove_node(a, node);
        }
    }
}

/* After a failure: no name that is none may stay. */
static void remove_moving(struct apply *a)
{
    for (size_t i = 0; i < a->delta->count; i++) {
        struct node *node = known(a, &a->delta->items[i]);

        if (node && node_name(node)[0] == '/') {
            tree_remove(a->online->tree, node);
        }
    }
}

int delta_apply(struct library *library, struct delta *delta, uint32_t asked_edit, bool is_last,
                struct delta_result *result, struct error *err)
{
    struct apply a = {.online = library->online,
                      .library = library,
                      .delta = delta,
                      .asked_edit = asked_edit,
                      .is_last = is_last,
                      .result = result,
                      .err = err};
    bool is_progress = true;
    int code = 0;

    if (delta->count == 0) {
        return 0;
    }
    a.is_over = calloc(delta->count, sizeof(bool));
    if (!a.is_over) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the changes of a library");
    }
    code = drop_duplicates(&a);
    if (code == 0) {
        code = prepare(&a);
    }
    for (int round = 0; round < FOLDER_ROUNDS && is_progress && code == 0; round++) {
        code = change_all(&a, true, &is_progress);
    }
    if (code == 0) {
        code = change_all(&a, false, &is_progress);
    }
    if (code == 0) {
        remove_rest(&a);
    } else {
        remove_moving(&a);
    }
    free(a.is_over);
    return code;
}
