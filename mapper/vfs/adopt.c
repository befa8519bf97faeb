/*
 * adopt.c - a new file becomes the item whose place was kept (settle.h). What the item was renamed
 * to stays behind with the old content, as a file of its own.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "body.h"
#include "local_only.h"
#include "online.h"
#include "save.h"
#include "settle.h"
#include "uploads.h"

#define FETCH_SCRATCH (64u * 1024 * 1024) /* of what a program is about to delete */

/* Who an item is; copies. */
struct identity {
    char *item_id;
    char *ctag;
    char *etag;
    char *version; /* what its next version replaces */
};

static void identity_clear(struct identity *identity)
{
    free(identity->item_id);
    free(identity->ctag);
    free(identity->etag);
    free(identity->version);
}

/* Takes it from the node that was renamed, which may have been saved since; lock held. */
static int identity_of(struct identity *out, const struct settling *s, struct body *old,
                       struct error *err)
{
    const char *version = NULL;

    const struct node *node = s->node && !(s->node->flags & NODE_GONE) ? s->node : NULL;
    int code = str_copy(&out->item_id, s->item_id, err);

    if (code == 0) {
        code = str_copy(&out->ctag, node ? node_ctag(node) : s->ctag, err);
    }
    if (code == 0) {
        code = node ? node_copy_etag(&out->etag, node, err) : str_copy(&out->etag, s->etag, err);
    }
    if (code == 0) {
        version = *out->ctag ? out->ctag : out->etag;
        if (old) {
            mutex_lock(&old->lock);
            code = str_copy(&out->version, old->version ? old->version : version, err);
            mutex_unlock(&old->lock);
        } else {
            code = str_copy(&out->version, version, err);
        }
    }
    return code;
}

/* --- what stays behind --- */

/* All of its content comes here, since the server is about to lose it as the current version. */
static int bring_content(struct body *body, const struct call *call, struct error *err)
{
    struct content_source source = body_source(body);

    if (body->spool) {
        return body_complete(body, call, err);
    }
    /* Its program is about to delete it: worth a look, not a long transfer or an error. */
    if (body->base && content_size(body->base) <= FETCH_SCRATCH) {
        (void)content_fetch_all(body->base, &source, call, NULL);
    }
    return 0;
}

/* --- both --- */

struct adoption {
    struct online_vfs *online;
    struct settling *s;
    struct node *node;
    struct body *body;
    struct node *old; /* held; NULL: the item was deleted */
    struct body *old_body;
    bool is_scratch; /* the name of the old one */
    bool has_draft;  /* made here, of what was not changed */
    /* All that could be missing when the journal says who is the item. */
    struct identity identity;
    struct node_text item_text; /* of `node`, and of `old` */
    struct node_text own_text;
    char *no_item_id;
    bool has_scratch_room;
};

/* What stays under a name of its own needs a draft, which goes to the server as a new file. */
static int make_draft(struct adoption *a, const struct call *call, struct error *err)
{
    struct body *body = a->old_body;
    int code = 0;

    mutex_lock(&body->lock);
    a->has_draft = !body->spool;
    mutex_unlock(&body->lock);
    if (a->has_draft) {
        code = body_resize(body, body_size(body), call, err);
        a->has_draft = code == 0;
    }
    return code;
}

/* Nothing came of it: the draft is no change of the item. The body's saves are paused. */
static void undo_draft(struct adoption *a)
{
    if (a->old_body && a->has_draft) {
        mutex_lock(&a->old_body->lock);
        a->old_body->is_dirty = false;
        mutex_unlock(&a->old_body->lock);
    }
}

static int begin(struct adoption *a, const struct call *call, struct error *err)
{
    struct online_vfs *online = a->online;
    struct node *old = a->s->node;
    int code = 0;

    if (!old) {
        return 0;
    }
    mutex_lock(&online->lock);
    if (!(old->flags & NODE_GONE)) {
        tree_hold(online->tree, old);
        a->old = old;
        a->is_scratch = local_only_matches(online, node_name(old));
        code = body_get(online, &a->old_body, old, err);
    }
    mutex_unlock(&online->lock);
    if (code == 0 && a->old_body) {
        code = a->is_scratch ? 0 : make_draft(a, call, err);
        if (code == 0) {
            code = body_pause_saves(a->old_body, call, err);
        }
        if (code < 0) {
            body_put(a->old_body);
            a->old_body = NULL;
        } else if (body_has_left(a->old_body, old)) {
            code = 1; /* what it has is a conflict copy now */
        }
    }
    return code;
}

/* What the old one still has to send is the item's past, whoever is the item: without a save of the
 * new one yet it will be handed over (uploads_hand_over), and the old one goes on in a copy. Saves of
 * it are paused. */
static int leave_uploads(struct body *old, struct error *err)
{
    int code = 0;

    mutex_lock(&old->lock);
    code = body_unseal(old, 0, err);
    mutex_unlock(&old->lock);
    return code;
}

/* What the old one has is all its own now, and not the item's. */
static void keep_bytes(struct body *old)
{
    mutex_lock(&old->lock);
    if (old->spool) {
        old->is_dirty = true;
        old->is_note_due = save_note_draft(old, NULL) < 0;
    }
    mutex_unlock(&old->lock);
}

/* The row of what the old one has to send, as a file of its own: no moment is without one. What has a
 * scratch name is never sent under it. 1: it was written on, so that its file has no more what was
 * closed. */
static int fill_aside(struct adoption *a, struct journal_row *row, struct error *err)
{
    struct body *old = a->old_body;
    int code = 0;

    if (!old || a->is_scratch || !uploads_has(old)) {
        return 0;
    }
    mutex_lock(&old->lock);
    code = old->is_dirty;
    mutex_unlock(&old->lock);
    if (code == 0) {
        mutex_lock(&a->online->lock);
        code = settle_fill_new(a->online, row, old, err);
        mutex_unlock(&a->online->lock);
    }
    return code;
}

/* The new one has an upload, as a new file: it goes over the item instead. 1: where it stands has
 * to be found out first. */
static int redirect(struct adoption *a, const struct identity *identity, const struct call *call,
                    struct error *err)
{
    struct online_vfs *online = a->online;
    struct upload_target to = {.item_id = identity->item_id, .version = identity->version};
    struct place place = {0};
    struct journal_row aside = {0};
    char *name = NULL;
    char *path = NULL;
    int code = place_of(&place, online, a->s->folder, false, call, err);

    code = code < 0 ? code : fill_aside(a, &aside, err);
    mutex_lock(&online->lock);
    code = code != 0 ? code : str_copy(&name, node_name(a->node), err);
    code = code != 0 ? code : node_path(online, a->node, &path, err);
    mutex_unlock(&online->lock);
    if (code == 0) {
        to.drive_id = place.drive_id;
        to.parent_id = place.item_id;
        to.name = name;
        to.path = path;
        code = a->old_body ? uploads_redirect(a->body, &to, a->old_body, &aside, err)
                           : uploads_redirect_shelved(a->body, &to, a->s, err);
    }
    if (code == 0 && aside.id) {
        body_keep_row(a->old_body, aside.id);
    }
    journal_row_clear(&aside);
    free(name);
    free(path);
    place_clear(&place);
    return code;
}

/* --- who is the item --- */

/* As it is shown, by what it is beside that. */
static struct node_facts facts_of(const struct node *node, uint8_t flags)
{
    return (struct node_facts){
        .kind = VFS_FILE,
        .name = node_name(node),
        .size_bytes = node->size_bytes,
        .modified_ms = node->modified_ms,
        .created_ms = node->created_ms,
        .flags = flags,
    };
}

static int reserve_texts(struct adoption *a, struct error *err)
{
    struct tree *tree = a->online->tree;
    struct node_facts facts = facts_of(a->node, 0);
    int code = 0;

    facts.item_id = a->identity.item_id;
    facts.ctag = a->identity.ctag;
    facts.etag = a->identity.etag;
    code = tree_make_text(tree, &a->item_text, &facts, err);
    if (code == 0 && a->old) {
        facts = facts_of(a->old, NODE_LOCAL);
        code = tree_make_text(tree, &a->own_text, &facts, err);
    }
    return code == 0 && a->old ? str_copy(&a->no_item_id, "", err) : code;
}

/* What swap_nodes() takes: from the journal's word on nothing fails, or the program would be told that
 * the file has its old name, and the next agent send it as the item. Neither gets another name
 * meanwhile: the entry is taken, and saves are paused. */
static int reserve(struct adoption *a, struct error *err)
{
    int code = 0;

    mutex_lock(&a->online->lock);
    code = identity_of(&a->identity, a->s, a->old_body, err);
    code = code < 0 ? code : reserve_texts(a, err);
    if (code == 0 && a->old && a->is_scratch) {
        code = local_only_reserve(a->online, err);
        a->has_scratch_room = code == 0;
    }
    mutex_unlock(&a->online->lock);
    return code;
}

/* What was not taken. */
static void unreserve(struct adoption *a)
{
    mutex_lock(&a->online->lock);
    if (a->has_scratch_room) {
        local_only_release(a->online);
        a->has_scratch_room = false;
    }
    tree_drop_made(a->online->tree, &a->item_text);
    tree_drop_made(a->online->tree, &a->own_text);
    mutex_unlock(&a->online->lock);
    str_free(&a->no_item_id);
    identity_clear(&a->identity);
}

static void take(char **to, char **from)
{
    free(*to);
    *to = *from;
    *from = NULL;
}

static void update(struct adoption *a, struct node *node, struct node_text *made, uint8_t flags)
{
    struct node_facts facts = facts_of(node, flags);

    tree_update_made(a->online->tree, node, &facts, made);
    tree_edit(a->online->tree, node);
}

/* The old one is not the item any more; lock held. */
static void strip(struct adoption *a)
{
    struct body *body = a->old_body;

    if (a->has_scratch_room) {
        local_only_keep_reserved(a->online, body);
        a->has_scratch_room = false;
    }
    update(a, a->old, &a->own_text, NODE_LOCAL);
    mutex_lock(&body->lock);
    str_free(&body->version);
    take(&body->item_id, &a->no_item_id);
    if (body->is_dirty && body->modified_ms < 0) {
        body->modified_ms = a->old->modified_ms; /* a rename does not move the time on */
    }
    mutex_unlock(&body->lock);
}

/* The new one is, from now on; lock held. */
static void become(struct adoption *a)
{
    struct body *body = a->body;

    update(a, a->node, &a->item_text, 0);
    node_confirm(a->online, a->node);
    mutex_lock(&body->lock);
    take(&body->version, &a->identity.version);
    take(&body->item_id, &a->identity.item_id);
    mutex_unlock(&body->lock);
}

/* The tree learns who is the item. */
static void swap_nodes(struct adoption *a)
{
    mutex_lock(&a->online->lock);
    if (a->old && !(a->old->flags & NODE_GONE)) {
        strip(a);
    }
    become(a);
    mutex_unlock(&a->online->lock);
}

/* 1: it cannot be that item. */
static int swap(struct adoption *a, const struct call *call, struct error *err)
{
    int code = reserve(a, err);

    if (code == 0 && uploads_has(a->body)) {
        code = redirect(a, &a->identity, call, err);
    } else if (code == 0 && a->old_body) {
        code = leave_uploads(a->old_body, err);
    }
    if (code == 0) {
        if (a->old_body) {
            keep_bytes(a->old_body);
        }
        swap_nodes(a);
        if (a->old_body) {
            uploads_hand_over(a->old_body, a->body);
        }
        uploads_take_shelf(a->body, a->s);
    }
    unreserve(a);
    return code;
}

/* What stays behind under a name of its own goes its own way to the server; perhaps over another
 * item that waits at that name. The new one is the item whatever comes of that: so no call fails by it,
 * and what cannot be sent is listed as unsaved. */
static void send_old(struct adoption *a, const struct call *call)
{
    struct error error = {0};

    (void)settle_adopt(a->online, a->old, a->old_body, call, NULL); /* else it is a new file */
    body_resume_saves(a->old_body);
    if (save_unwatched(a->old_body, call, &error) < 0) {
        log_error(LOG_VFS, &error,
                  "what a document was renamed to could not be saved, and stays here");
    }
}

static void finish(struct adoption *a)
{
    mutex_lock(&a->online->lock);
    settle_unlink(a->online, a->s);
    mutex_unlock(&a->online->lock);
    settle_free(a->online, a->s);
}

/* With the entry taken. 1: it stays, and is done plainly. */
static int adopt(struct adoption *a, const struct call *call, struct error *err)
{
    int code = begin(a, call, err);

    if (code == 0 && a->old_body) {
        code = bring_content(a->old_body, call, err);
    }
    if (code == 0) {
        settle_remove_row(a->online, a->s); /* before a row says that the item gets a new version */
        code = swap(a, call, err);
    }
    if (code == 0) {
        finish(a);
    } else {
        undo_draft(a);
        settle_written(a->online, a->s);
    }
    if (a->old_body && code == 0 && !a->is_scratch) {
        send_old(a, call);
    } else if (a->old_body) {
        body_resume_saves(a->old_body);
    }
    body_put(a->old_body);
    node_put(a->online, a->old);
    return code;
}

int settle_adopt(struct online_vfs *online, struct node *node, struct body *body,
                 const struct call *call, struct error *err)
{
    struct adoption a = {.online = online, .node = node, .body = body};
    struct node *folder = NULL;
    char *name = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    if (!(node->flags & NODE_GONE)) {
        folder = tree_parent(online->tree, node);
        tree_hold(online->tree, folder);
        code = str_copy(&name, node_name(node), err);
    }
    mutex_unlock(&online->lock);
    if (code == 0 && folder) {
        code = settle_take(online, &a.s, folder, name, call, err);
    }
    if (code == 0) {
        code = a.s ? adopt(&a, call, err) : 1;
    }
    if (code == 1 && a.s) {
        code = settle_clear_place(online, folder, name, call, err);
        code = code < 0 ? code : 1;
    }
    node_put(online, folder);
    free(name);
    return code;
}
