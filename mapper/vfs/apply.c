/*
 * apply.c - how the service's word about one item reaches the tree. Sets of changes: delta.c.
 *
 * Answers overtake one another, and changes (delta) heal what was true once: they tell everything
 * that came after their token. So an answer must not undo what changes have told already, and that
 * is known by counting: tree_edits() at the asking, node->edit at the last change. Where it is not
 * known who is newer, the item and its folder are doubted, which means asked for at the next look:
 *   - our own change, and others changed the item while its answer was on its way
 *   - an answer that was asked for before the token of the stream
 *   - an item that was not known when the changes told of it, and that an older answer brings
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "link.h"
#include "online.h"
#include "settle.h"

/* What we show of an item. OneNote notebooks (packages) are neither file nor folder and open only
 * in OneNote: a link to where they do (link.h). Shortcuts to other drives are hidden, too, until one tree can lead into
 * several drives; their targets are reachable as libraries of their own. */
bool item_is_shown(const struct graph_item *item)
{
    return (item->kind == GRAPH_FILE || item->kind == GRAPH_FOLDER || link_is(item)) &&
           !item->is_root && item->id && item->name && *item->name &&
           strlen(item->name) <= VFS_NAME_MAX && !strchr(item->name, '/') &&
           strcmp(item->name, ".") != 0 && strcmp(item->name, "..") != 0;
}

/* A check-out by this user does not make the file read-only for him. */
static bool is_checked_out_by_other(const struct library *library, const struct graph_item *item)
{
    struct account_info info = {0};

    if (!item->is_checked_out || !item->checked_out_by) {
        return false; /* by whom is not known: the service will say when we write */
    }
    account_info(library->account, &info);
    return !str_equal_nocase(item->checked_out_by, info.user_id) &&
           !str_equal_nocase(item->checked_out_by, info.user_name);
}

struct node_facts item_facts(const struct library *library, const struct graph_item *item)
{
    struct node_facts facts = {
        .kind = item->kind == GRAPH_FOLDER ? VFS_FOLDER : VFS_FILE,
        .name = item->name,
        .item_id = item->id,
        .ctag = link_is(item) ? item->web_url : item->ctag,
        .etag = item->etag,
        .size_bytes = item->kind == GRAPH_FOLDER ? 0 : item->size_bytes,
        .modified_ms = item->modified_ms,
        .created_ms = item->created_ms,
    };

    if (link_is(item)) {
        facts.size_bytes = link_size(item->web_url);
        return facts;
    }
    facts.flags = (uint8_t)((item->is_infected ? NODE_INFECTED : 0) |
                            (is_checked_out_by_other(library, item) ? NODE_CHECKED_OUT : 0));
    return facts;
}

/* Whether the texts and facts are those that the node has: most pages of a second listing. */
static bool is_same(const struct node *node, const struct node_facts *facts)
{
    return strcmp(node_name(node), facts->name) == 0 &&
           strcmp(node_item_id(node), facts->item_id) == 0 &&
           strcmp(node_ctag(node), facts->ctag ? facts->ctag : "") == 0 &&
           node_has_etag(node, facts->etag) && node->size_bytes == facts->size_bytes &&
           node->modified_ms == facts->modified_ms && node->created_ms == facts->created_ms &&
           (node->flags & NODE_TOLD) == facts->flags;
}

void node_drop_content(struct online_vfs *online, struct node *node)
{
    const struct library *library = library_of(online, node);

    if (node->kind == VFS_FILE && library && library->drive_id) {
        cache_forget(online->cache, &(struct content_key){library->drive_id, node_item_id(node),
                                                          node_version(node)});
    }
}

/* Whether what has the name gives way to another item: not what is ours, and newer. */
static bool gives_way(const struct node *other, uint32_t asked_edit)
{
    return !(other->flags & NODE_LOCAL) && other->edit <= asked_edit;
}

/* What is about to be removed: it cannot be what the folder is in. */
static int check_outside(const struct online_vfs *online, const struct node *node,
                         const struct node *folder, struct error *err)
{
    return tree_is_inside(online->tree, folder, node)
               ? error_set(err, ERR_PROTOCOL, "the server names a folder inside itself")
               : 0;
}

bool may_have_missed(const struct library *library, uint32_t asked_edit)
{
    return asked_edit < library->passed_edit || asked_edit < library_epoch_edit(library);
}

static bool has_etag(const struct node *node, const struct graph_item *item)
{
    return item->etag && node_has_etag(node, item->etag);
}

/* An item that we know under its id: it may have moved or been renamed by somebody. */
static int apply_known(struct online_vfs *online, struct node *node, struct node *folder,
                       const struct node_facts *facts, uint32_t asked_edit, struct error *err)
{
    struct node *other = tree_child(online->tree, folder, facts->name);
    int code = 0;

    other = other == node ? NULL : other;
    if (other && !gives_way(other, asked_edit)) {
        folder_doubt(folder);
        return 0;
    }
    if (node->parent != folder->index) {
        folder_doubt(tree_parent(online->tree, node)); /* which of the two is the newer place? */
        code = tree_move(online->tree, node, folder, facts->name, err);
    }
    if (code == 0 && other) { /* after it: the item may come out of what has its name */
        tree_remove(online->tree, other);
    }
    if (code == 0 && !is_same(node, facts)) {
        code = tree_update(online->tree, node, facts, err);
    }
    node->flags &= ~NODE_DENIED;
    return code;
}

void folder_doubt(struct node *folder)
{
    struct folder *part = folder->folder;

    if (part) {
        part->epoch = 0;
        part->doubts++;
    }
}

void node_doubt(struct online_vfs *online, struct node *node)
{
    struct node *folder = tree_parent(online->tree, node);

    node->checked_s = 0;
    if (folder) {
        folder_doubt(folder);
    }
}

/* An answer about an item that we, or a set of changes, have changed since it was asked for. */
static void crossed(struct online_vfs *online, struct node *node, struct node *folder,
                    const struct library *library, const struct graph_item *item)
{
    if (node->edit <= library_epoch_edit(library) && !has_etag(node, item)) {
        folder_doubt(folder); /* nobody tells what changed between the two */
        node_doubt(online, node);
    }
}

int tree_apply_item(struct online_vfs *online, struct node **out, struct node *folder,
                    const struct graph_item *item, uint32_t asked_edit, struct error *err)
{
    struct node *root = tree_root(online->tree, folder);
    struct library *library = root->folder->library;
    struct node_facts facts = item_facts(library, item);
    struct node *node = NULL;
    struct node *other = NULL;
    int code = 0;

    *out = NULL;
    if (folder == root && item->parent_id && *item->parent_id && !library->root_item_id) {
        code = str_copy(&library->root_item_id, item->parent_id, err);
    }
    if (code < 0 || !item_is_shown(item)) {
        return code;
    }
    if (tree_is_buried(online->tree, root, item->id, asked_edit)) {
        folder_doubt(folder);
        return 0;
    }
    node = tree_item(online->tree, root, item->id);
    if (settle_has_item(online, library, item->id)) { /* the server will hear of us first */
        if (node && !has_etag(node, item)) {
            node->flags |= NODE_HEARD;
        }
        *out = node && node->parent == folder->index ? node : NULL;
        return 0;
    }
    if (node && node->kind != facts.kind) {
        code = check_outside(online, node, folder, err);
        if (code < 0) {
            return code;
        }
        tree_remove(online->tree, node);
        node = NULL;
    }
    /* It was changed since: we know better, unless the answer is of that very change. */
    if (node && node->edit > asked_edit &&
        !(node->parent == folder->index && has_etag(node, item))) {
        crossed(online, node, folder, library, item);
        *out = node->parent == folder->index ? node : NULL;
        return 0;
    }
    if (node) {
        code = apply_known(online, node, folder, &facts, asked_edit, err);
        if (code == 0 && node->parent == folder->index &&
            str_equal_nocase(node_name(node), item->name)) {
            node_confirm(online, node);
            *out = node;
        }
        return code;
    }
    other = tree_child(online->tree, folder, item->name);
    if (other && !gives_way(other, asked_edit)) {
        folder_doubt(folder);
        return 0;
    }
    if (other) {
        tree_remove(online->tree, other);
    }
    code = tree_add(online->tree, &node, folder, &facts, err);
    if (code == 0) {
        node_confirm(online, node);
        if (asked_edit < library->passed_edit) {
            node_doubt(online, node);
        }
        *out = node;
    }
    return code;
}

/* Whether others may have changed the item after we did, and we heard of it before our own answer. */
static bool may_be_old(const struct online_vfs *online, const struct library *library,
                       const struct node *node, const struct graph_item *item, uint32_t asked_edit)
{
    if (asked_edit < library_epoch_edit(library)) {
        return true;
    }
    if (node->flags & NODE_LOCAL) {
        return may_have_missed(library, asked_edit) ||
               tree_is_buried(online->tree, library->root, item->id, asked_edit);
    }
    return ((node->flags & NODE_HEARD) || node->edit > asked_edit) && !has_etag(node, item);
}

int tree_apply_own(struct online_vfs *online, struct node *node, const struct graph_item *item,
                   uint32_t asked_edit, struct error *err)
{
    struct library *library = library_of(online, node);
    struct node_facts facts = item_facts(library, item);
    struct node *other = NULL;
    struct node *parent = tree_parent(online->tree, node);
    bool is_doubtful = false;
    int code = 0;

    if (!item->id || !item->name || !parent) {
        return 0;
    }
    facts.kind = node->kind;
    is_doubtful = may_be_old(online, library, node, item, asked_edit);
    if (settle_of(online, node)) { /* renamed here, and the server does not know it yet */
        struct node_facts here = facts;
        char *name = NULL;

        code = str_copy(&name, node_name(node), err);
        here.name = name;
        if (code == 0) {
            code = tree_update(online->tree, node, &here, err);
            tree_edit(online->tree, node);
        }
        free(name);
        return code;
    }
    other = tree_item(online->tree, tree_root(online->tree, node), item->id);
    if (other && check_outside(online, other, parent, err) < 0) {
        return ERR_PROTOCOL;
    }
    other = tree_child(online->tree, parent, item->name);
    if (other && other != node) {
        folder_doubt(parent);
        tree_remove(online->tree, other);
    }
    other = tree_item(online->tree, tree_root(online->tree, node), item->id);
    if (other && other != node) { /* a listing was faster than our own answer, or delta was */
        if (may_be_old(online, library, other, item, asked_edit)) {
            folder_doubt(tree_parent(online->tree, other));
            is_doubtful = true;
        }
        tree_remove(online->tree, other);
    }
    code = tree_update(online->tree, node, &facts, err);
    tree_edit(online->tree, node);
    library->denials = 0;
    library->denied_ms = 0;
    node_confirm(online, node);
    if (is_doubtful) {
        node_doubt(online, node);
    }
    return code;
}
