/*
 * body.c - a file that is open: who has it and for how long, when it may be saved, and what is known
 * of it. What it holds is body_io.c's.
 */
#include "body.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "local.h"
#include "lost_answer.h"
#include "online.h"
#include "save.h"
#include "uploads.h"

struct content_source body_source(const struct body *body)
{
    return (struct content_source){.account = body->library->account, .trust_ms = body->trust_ms};
}

static void body_free(struct body *body)
{
    content_unref(body->base);
    lost_answers_clear(body);
    local_close(body->spool);
    extents_clear(&body->written);
    cond_clear(&body->changed);
    mutex_clear(&body->lock);
    free(body->spool_path);
    free(body->version);
    free(body->item_id);
    free(body->path);
    free(body->failure);
    free(body);
}

/* The online lock is held. */
static int body_new(struct online_vfs *online, struct body **out, struct node *node,
                    struct error *err)
{
    struct library *library = library_of(online, node);
    struct content_key key = {library->drive_id, node_item_id(node), node_version(node)};
    struct body *body = calloc(1, sizeof(*body));
    int code = 0;

    if (!body) {
        return error_set(err, ERR_NO_MEMORY, "no memory for an open file");
    }
    mutex_init(&body->lock);
    cond_init(&body->changed);
    body->online = online;
    body->library = library;
    body->trust_ms = online->options.metadata_ms < 1000 ? 1000 : online->options.metadata_ms;
    body->refs = 1;
    body->modified_ms = -1;
    body->created_ms = -1;
    code = node_path(online, node, &body->path, err);
    if (code == 0) {
        code = str_copy(&body->item_id, node_item_id(node), err);
    }
    if (code == 0 && !(node->flags & NODE_LOCAL)) {
        code = str_copy(&body->version, node_version(node), err);
        if (code == 0) {
            code = cache_get(online->cache, &body->base, &key, node->size_bytes, err);
        }
    }
    if (code < 0) {
        body_free(body);
        return code;
    }
    body->node = node;
    tree_hold(online->tree, node);
    library->open_bodies++;
    uploads_adopt(body);
    *out = body;
    return 0;
}

/* A body that nobody writes and that has a version which the server has no more: its handles keep
 * it, new ones get the new version. */
static bool is_outdated(struct body *body, const struct node *node)
{
    bool is_old = false;

    mutex_lock(&body->lock);
    is_old = !body->is_dirty && !body->is_saving && !uploads_has(body) && body->version &&
             strcmp(body->version, node_version(node)) != 0;
    mutex_unlock(&body->lock);
    return is_old;
}

int body_get(struct online_vfs *online, struct body **out, struct node *node, struct error *err)
{
    struct body *body = node->body;
    int code = 0;

    if (body && is_outdated(body, node)) {
        node->body = NULL;
        body = NULL;
    }
    if (body) {
        body->refs++;
        *out = body;
        return 0;
    }
    code = body_new(online, &body, node, err);
    if (code == 0) {
        node->body = body;
        *out = body;
    }
    return code;
}

bool body_show(struct online_vfs *online, struct node *node)
{
    struct body *body = NULL;

    if (body_new(online, &body, node, NULL) < 0) {
        return false;
    }
    if (--body->refs > 0) {
        node->body = body;
        return true;
    }
    body->library->open_bodies--;
    tree_release(online->tree, node, 1);
    body_free(body);
    return false;
}

struct body *body_borrow(struct online_vfs *online, struct node *node)
{
    struct body *body = NULL;

    mutex_lock(&online->lock);
    if (node->kind == VFS_FILE && !(node->flags & NODE_GONE) && node->body) {
        body = node->body;
        body->refs++;
    }
    mutex_unlock(&online->lock);
    return body;
}

void body_put(struct body *body)
{
    struct online_vfs *online = NULL;
    struct local_file *rests = NULL;
    bool is_last = false;

    if (!body) {
        return;
    }
    online = body->online;
    mutex_lock(&online->lock);
    is_last = --body->refs == 0;
    if (body->refs == 1) { /* perhaps nobody but its upload has it: no descriptor meanwhile */
        mutex_lock(&body->lock);
        rests = body->spool && uploads_has(body) ? local_ref(body->spool) : NULL;
        mutex_unlock(&body->lock);
    }
    if (is_last) {
        body->library->open_bodies--;
        if (!(body->node->flags & NODE_GONE) && body->node->body == body) {
            body->node->body = NULL;
        }
        /* What never reached the server is not there any more, only in the spool. Unless a newer body
         * has the node: this one read the version of before. */
        if ((body->node->flags & (NODE_LOCAL | NODE_GONE)) == NODE_LOCAL && !body->node->body) {
            tree_remove(online->tree, body->node);
        }
    }
    mutex_unlock(&online->lock);
    if (rests) {
        local_park(rests);
        local_close(rests);
    }
    if (!is_last) {
        return;
    }
    save_leave(body);
    node_put(online, body->node);
    body_free(body);
}

int body_wait_saved(struct body *body, const struct call *call, struct error *err)
{
    int code = 0;

    while (body->is_saving && code == 0) {
        code = call_wait(call, &body->changed, &body->lock, err);
    }
    return code;
}

static void end_saving(struct body *body)
{
    mutex_lock(&body->lock);
    body->is_saving = false;
    cond_broadcast(&body->changed);
    mutex_unlock(&body->lock);
}

int body_pause_saves(struct body *body, const struct call *call, struct error *err)
{
    int code = 0;

    mutex_lock(&body->lock);
    code = body_wait_saved(body, call, err);
    if (code == 0) {
        body->is_saving = true;
    }
    mutex_unlock(&body->lock);
    if (code == 0) {
        code = uploads_hold(body, call, err);
        if (code < 0) {
            end_saving(body);
        }
    }
    return code;
}

void body_resume_saves(struct body *body)
{
    uploads_release(body);
    end_saving(body);
}

void body_keep_row(struct body *body, int64_t row_id)
{
    mutex_lock(&body->lock);
    body->kept_row = row_id;
    mutex_unlock(&body->lock);
}

int64_t body_take_kept_row(struct body *body)
{
    int64_t row_id = 0;

    mutex_lock(&body->lock);
    row_id = body->kept_row;
    body->kept_row = 0;
    mutex_unlock(&body->lock);
    return row_id;
}

uint64_t body_size(struct body *body)
{
    uint64_t size = 0;

    mutex_lock(&body->lock);
    size = body->spool ? body->size_bytes : body->base ? content_size(body->base) : 0;
    mutex_unlock(&body->lock);
    return size;
}

void body_attr(struct body *body, struct vfs_attr *out)
{
    mutex_lock(&body->lock);
    if (body->spool) {
        out->size_bytes = body->size_bytes;
    } else if (body->base) {
        out->size_bytes = content_size(body->base);
    }
    if (body->touched_ms > 0 && (body->is_dirty || uploads_has(body))) {
        out->modified_ms = body->touched_ms;
    }
    if (body->modified_ms >= 0) {
        out->modified_ms = body->modified_ms;
    }
    if (body->created_ms >= 0) {
        out->created_ms = body->created_ms;
    }
    out->version = version_of(body->online, body->node, body);
    mutex_unlock(&body->lock);
}
