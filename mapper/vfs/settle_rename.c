/*
 * settle_rename.c - the renames that saves are made of (settle.h). Which they are:
 *
 *   what is renamed     | to                              | is
 *   local-only, or new  | a local-only name               | shown here
 *   local-only, or new  | the place of a document         | its next version, by settle_adopt()
 *   local-only          | any other free name             | a new file, saved now
 *   local-only, or new  | an item                         | its next version, by settle_replace()
 *   a document          | local-only, a backup, or while  | waits: SETTLE_MOVE
 *                       |   a new file stands beside it   |
 *   one that waits      | the name the server knows       | forgotten
 *
 * Everything else is an ordinary rename (rename.c), after what waits at the new name was done.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "body.h"
#include "listing.h"
#include "local_only.h"
#include "online.h"
#include "rename.h"
#include "save.h"
#include "settle.h"
#include "uploads.h"

#define IS_DOCUMENT 2

struct renaming {
    struct online_vfs *online;
    struct node *from; /* held, as are the next two */
    struct node *to;
    struct node *node;
    const char *new_name;
    unsigned flags;
    bool is_local; /* the node is not on the server */
    bool is_kept;  /* ... and local-only, or waits to be sent */
    bool to_scratch;
    bool has_place; /* the server has an item there which we have not */
    /* of rename_local_free(), so that it can be undone */
    char *old_name;
    struct settling *waiting; /* freed when the file is as safe without; NULL: it did not wait */
};

/* --- new files --- */

static int check_target(struct renaming *r, struct error *err)
{
    struct online_vfs *online = r->online;
    int code = 0;

    mutex_lock(&online->lock);
    code = check_writable(online, r->to, err);
    mutex_unlock(&online->lock);
    return code == 0 && !r->to_scratch ? check_name(online, r->to, r->new_name, false, err) : code;
}

/* What has the name already, held; NULL: nothing. A local-only name is not asked for: what the
 * server has under it, a listing would have shown. */
static int find_target(struct renaming *r, struct node **out, const struct call *call,
                       struct error *err)
{
    struct online_vfs *online = r->online;
    int code = 0;

    if (!r->to_scratch && !r->has_place) {
        code = lookup_child(online, out, r->to, r->new_name, call, err);
        if (code == ERR_NOT_FOUND) {
            error_clear(err);
            code = 0;
        }
        return code;
    }
    mutex_lock(&online->lock);
    *out = tree_child(online->tree, r->to, r->new_name);
    if (*out) {
        tree_hold(online->tree, *out);
    }
    mutex_unlock(&online->lock);
    return code;
}

/* It was to be sent, and is not to leave the machine any more. */
static void take_back(struct body *body)
{
    if (!uploads_has(body)) {
        return;
    }
    mutex_lock(&body->lock);
    body->is_dirty = true;
    (void)save_note_draft(body, NULL);
    mutex_unlock(&body->lock);
    uploads_drop(body);
}

/* In the tree; the body's saves are paused. */
static int move_local(struct renaming *r, struct body *body, struct error *err)
{
    struct online_vfs *online = r->online;
    struct node *other = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    other = tree_child(online->tree, r->to, r->new_name);
    if ((r->node->flags | r->to->flags) & NODE_GONE) {
        code = error_set(err, ERR_STALE, "the item is no longer there");
    } else if (other && other != r->node) {
        code = error_set(err, ERR_EXISTS, "'%.120s' was made meanwhile", r->new_name);
    }
    code = code < 0 ? code : str_copy(&r->old_name, node_name(r->node), err);
    if (code == 0 && r->to_scratch) {
        code = local_only_keep(online, body, err);
    }
    if (code == 0) {
        code = tree_move(online->tree, r->node, r->to, r->new_name, err);
        tree_edit(online->tree, r->node);
        forget_negatives(online, r->to);
        listing_note_added(online, r->to, r->node);
        r->waiting = settle_forget_new(online, body);
    }
    mutex_unlock(&online->lock);
    return code;
}

/* Nothing came of it: the file has the name again by which its program knows it. That may put a backup
 * in the place of the document now, and is not to delete the only copy by it. */
static void undo_move_local(struct renaming *r)
{
    struct online_vfs *online = r->online;

    mutex_lock(&online->lock);
    if (!((r->node->flags | r->from->flags) & NODE_GONE) &&
        !tree_child(online->tree, r->from, r->old_name) &&
        tree_move(online->tree, r->node, r->from, r->old_name, NULL) == 0) {
        tree_edit(online->tree, r->node);
        listing_note_added(online, r->from, r->node);
        if (r->waiting) {
            settle_link(online, r->waiting);
            r->waiting = NULL;
        }
    }
    mutex_unlock(&online->lock);
}

/* It leaves the machine now, or soon. */
static int send_local(struct renaming *r, struct body *body, const struct call *call,
                      struct error *err)
{
    bool has_reference = false;
    int code = settle_adopt(r->online, r->node, body, call, err);

    if (code == 1) {
        code = rename_uploads(r->online, body, r->to, r->new_name, call, err);
    }
    if (code < 0) {
        undo_move_local(r);
    }
    mutex_lock(&r->online->lock);
    has_reference = code == 0 && local_only_leave(r->online, body);
    mutex_unlock(&r->online->lock);
    body_resume_saves(body);
    if (code == 0) {
        code = save_body(body, call, err);
    }
    if (has_reference) {
        body_put(body);
    }
    return code;
}

/* IS_DOCUMENT: it reached the server while we waited for its upload. */
static int rename_local_free(struct renaming *r, const struct call *call, struct error *err)
{
    struct body *body = body_borrow(r->online, r->node);
    bool is_local = false;
    int code = 0;

    if (!body) {
        return 1; /* nobody has it open and nothing keeps it: rename.c knows such files */
    }
    code = body_pause_saves(body, call, err);
    if (code == 0) {
        mutex_lock(&r->online->lock);
        is_local = r->node->flags & (NODE_LOCAL | NODE_GONE);
        mutex_unlock(&r->online->lock);
        if (!is_local) {
            body_resume_saves(body);
            code = IS_DOCUMENT;
        }
    }
    if (code == 0) {
        code = move_local(r, body, err);
        if (code == 0 && !r->to_scratch) {
            code = send_local(r, body, call, err);
        } else {
            if (code == 0) {
                take_back(body);
            }
            body_resume_saves(body);
        }
    }
    settle_free(r->online, r->waiting);
    free(r->old_name);
    body_put(body);
    return code;
}

/* What waits waits no longer, and is saved; else it waits on. */
static int save_waiting(struct online_vfs *online, struct body *body, const struct call *call,
                        struct error *err)
{
    struct settling *waiting = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    waiting = settle_forget_new(online, body);
    mutex_lock(&body->lock);
    body->has_settled = true;
    mutex_unlock(&body->lock);
    mutex_unlock(&online->lock);
    code = save_body(body, call, err);
    if (code < 0 && waiting) {
        mutex_lock(&online->lock);
        settle_link(online, waiting);
        mutex_unlock(&online->lock);
    } else {
        settle_free(online, waiting);
    }
    return code;
}

int settle_end_wait(struct online_vfs *online, struct body *body, const struct call *call,
                    struct error *err)
{
    bool is_kept = false;

    mutex_lock(&online->lock);
    is_kept = online->options.saves_in_background && settle_waits(online, body);
    mutex_unlock(&online->lock);
    return is_kept ? save_waiting(online, body, call, err) : 0;
}

/* Onto an item: with saves in the background the bytes go to the journal first, as those of a new
 * file that may not start, and rename.c makes them the item's next version. */
static int journal_first(struct renaming *r, struct body **held, const struct call *call,
                         struct error *err)
{
    struct online_vfs *online = r->online;
    struct body *body = NULL;
    bool was_kept = false;
    bool is_background = false;
    int code = 0;

    mutex_lock(&online->lock);
    is_background = online->options.saves_in_background;
    mutex_unlock(&online->lock);
    body = is_background && r->is_kept ? body_borrow(online, r->node) : NULL;
    if (!body) {
        return 1;
    }
    code = uploads_hold(body, call, err);
    if (code < 0) {
        body_put(body);
        return code;
    }
    mutex_lock(&online->lock);
    was_kept = local_only_leave(online, body);
    mutex_unlock(&online->lock);
    *held = body;
    code = save_waiting(online, body, call, err);
    if (was_kept) {
        body_put(body);
    }
    return code < 0 ? code : 1;
}

void settle_renamed(struct online_vfs *online, struct body *held, int code)
{
    if (!held) {
        return;
    }
    if (code < 0) { /* it is what it was */
        bool is_local_only = false;

        mutex_lock(&online->lock);
        is_local_only = !(held->node->flags & NODE_GONE) &&
                        local_only_matches(online, node_name(held->node)) &&
                        local_only_keep(online, held, NULL) == 0;
        mutex_lock(&held->lock);
        held->has_settled = false;
        mutex_unlock(&held->lock);
        mutex_unlock(&online->lock);
        if (is_local_only) {
            take_back(held);
        }
    }
    uploads_release(held);
    body_put(held);
}

/* The target is new, too, and may be closed: its bytes go when those of the source are as safe. */
static bool is_in_journal(struct renaming *r, struct node *target)
{
    struct online_vfs *online = r->online;
    struct body *body = body_borrow(online, target);
    bool is_so = body && uploads_has(body);

    if (body && !is_so) {
        mutex_lock(&online->lock);
        is_so = online->options.saves_in_background && settle_waits(online, body);
        mutex_unlock(&online->lock);
    }
    body_put(body);
    return is_so;
}

static bool is_new(struct renaming *r, const struct node *target)
{
    bool is_so = false;

    mutex_lock(&r->online->lock);
    is_so = target->flags & NODE_LOCAL;
    mutex_unlock(&r->online->lock);
    return is_so;
}

static int rename_local(struct renaming *r, struct body **held, const struct call *call,
                        struct error *err)
{
    struct node *target = NULL;
    int code = check_target(r, err);

    if (code == 0) {
        code = find_target(r, &target, call, err);
    }
    if (code < 0) {
        return code;
    }
    if (target == r->node || !target) {
        code = rename_local_free(r, call, err);
    } else if (r->flags & VFS_RENAME_NO_REPLACE) {
        code = error_set(err, ERR_EXISTS, "'%.120s' is already there", r->new_name);
    } else if (target->kind == VFS_FOLDER) {
        code = error_set(err, ERR_IS_FOLDER, "'%.120s' is a folder", r->new_name);
    } else if (is_new(r, target) && (r->to_scratch || !is_in_journal(r, target))) {
        code = delete_local(r->online, target, call, err);
        code = code == 0   ? rename_local_free(r, call, err)
               : code == 1 ? journal_first(r, held, call, err)
                           : code;
    } else {
        code = journal_first(r, held, call, err);
    }
    node_put(r->online, target);
    return code;
}

/* --- documents --- */

/* A new file beside it: the save that it may be a step of. Lock held. */
static bool has_new_sibling(struct online_vfs *online, struct node *folder)
{
    struct node *node = folder->folder ? tree_at(online->tree, folder->folder->last) : NULL;

    /* What is new stands at the end; a large folder is not searched for it. */
    for (unsigned looks = 64; node && looks > 0; looks--) {
        if ((node->flags & NODE_LOCAL) && !local_only_is_worthless(node_name(node))) {
            return true;
        }
        node = tree_at(online->tree, node->prev);
    }
    return false;
}

/* The document steps aside, here. */
static int move_document(struct renaming *r, struct error *err)
{
    struct online_vfs *online = r->online;
    struct settling *s = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    if ((r->node->flags | r->to->flags) & NODE_GONE) {
        code = error_set(err, ERR_STALE, "the item is no longer there");
    } else if (tree_child(online->tree, r->to, r->new_name)) {
        code = 1;
    } else {
        code = settle_move(online, &s, r->node, r->new_name, err);
    }
    if (code == 0) {
        code = tree_move(online->tree, r->node, r->to, r->new_name, err);
        tree_edit(online->tree, r->node);
        forget_negatives(online, r->to);
        listing_note_added(online, r->to, r->node);
    }
    mutex_unlock(&online->lock);
    settle_written(online, s);
    return code;
}

/* Back to where the server has it: nothing happened. 1: it is not going there. */
static int move_back(struct renaming *r, struct error *err)
{
    struct online_vfs *online = r->online;
    struct settling *s = NULL;
    int code = 1;

    mutex_lock(&online->lock);
    s = settle_of(online, r->node);
    if (s && !s->is_running && s->folder == r->to && strcmp(s->name, r->new_name) == 0 &&
        !tree_child(online->tree, r->to, r->new_name)) {
        code = tree_move(online->tree, r->node, r->to, r->new_name, err);
        tree_edit(online->tree, r->node);
        listing_note_added(online, r->to, r->node);
        settle_cancel(online, s);
    } else {
        s = NULL;
    }
    mutex_unlock(&online->lock);
    settle_free(online, s);
    return code;
}

/* What has the new name and is not on the server goes, before the document steps aside: a crash in
 * between leaves the name without a file. That is fine for an older backup alone; any other file is
 * replaced by an ordinary rename, which the journal sees through. */
static bool may_give_way(struct renaming *r, const struct node *target)
{
    return is_new(r, target) && !(r->flags & VFS_RENAME_NO_REPLACE) &&
           (r->to_scratch || name_is_temporary(r->new_name) || name_is_backup(r->new_name));
}

/* Where the server has it, when it waits; NULL: it does not. */
static int clear_own_place(struct renaming *r, const struct call *call, struct error *err)
{
    struct online_vfs *online = r->online;
    struct node *folder = NULL;
    struct settling *s = NULL;
    char *name = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    s = settle_of(online, r->node);
    if (s) {
        folder = s->folder;
        tree_hold(online->tree, folder);
        code = str_copy(&name, s->name, err);
    }
    mutex_unlock(&online->lock);
    if (code == 0 && folder) {
        code = settle_clear_place(online, folder, name, call, err);
    }
    node_put(online, folder);
    free(name);
    return code;
}

static int rename_document(struct renaming *r, const struct call *call, struct error *err)
{
    struct online_vfs *online = r->online;
    struct node *target = NULL;
    bool is_step = false;
    int code = move_back(r, err);

    if (code <= 0) {
        return code;
    }
    mutex_lock(&online->lock);
    is_step = online->options.settle_ms > 0 && r->from == r->to &&
              (r->to_scratch || name_is_temporary(r->new_name) || name_is_backup(r->new_name) ||
               settle_of(online, r->node) || has_new_sibling(online, r->from));
    mutex_unlock(&online->lock);
    if (is_step) {
        code = check_name(online, r->to, r->new_name, false, err);
        code = code == 0 ? find_target(r, &target, call, err) : code;
        if (code < 0) {
            return code;
        }
        if (target && may_give_way(r, target)) {
            code = delete_node(online, target, call, err);
            node_put(online, target);
            target = NULL;
        }
        code = code < 0 ? code : target ? 1 : move_document(r, err);
        node_put(online, target);
        if (code <= 0) {
            return code;
        }
    }
    code = clear_own_place(r, call, err);
    return code < 0 ? code : 1;
}

int settle_rename(struct online_vfs *online, struct node *from, struct node *node, struct node *to,
                  const char *new_name, unsigned flags, struct body **held, const struct call *call,
                  struct error *err)
{
    struct renaming r = {.online = online,
                         .from = from,
                         .node = node,
                         .to = to,
                         .new_name = new_name,
                         .flags = flags};
    bool is_file = false;
    int code = 1;

    *held = NULL;
    mutex_lock(&online->lock);
    if (library_of(online, from) != library_of(online, to)) {
        mutex_unlock(&online->lock);
        return 1; /* rename.c says why not */
    }
    is_file = node->kind == VFS_FILE;
    r.is_local = node->flags & NODE_LOCAL;
    r.is_kept = r.is_local && is_file && node->body &&
                (node->body->is_local_only || settle_waits(online, node->body));
    r.to_scratch = is_file && local_only_matches(online, new_name);
    r.has_place = settle_keeps_place(online, to, new_name);
    mutex_unlock(&online->lock);
    if (is_file && r.is_local) {
        code = r.is_kept || r.to_scratch || r.has_place ? rename_local(&r, held, call, err) : 1;
    }
    if (is_file && (!r.is_local || code == IS_DOCUMENT)) {
        r.is_local = false;
        r.is_kept = false;
        code = rename_document(&r, call, err);
    }
    if (code == 1 && r.has_place && !r.is_local) {
        code = settle_clear_place(online, to, new_name, call, err);
        code = code < 0 ? code : 1;
    }
    return code;
}
