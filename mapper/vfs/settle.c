#include "settle.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "body.h"
#include "local.h"
#include "local_only.h"
#include "online.h"
#include "uploads.h"

/* --- entries; lock held --- */

static void free_entry(struct settling *s)
{
    free(s->name);
    free(s->item_id);
    free(s->ctag);
    free(s->etag);
    free(s->key);
    free(s->parent_id);
    free(s->path);
    free(s->new_name);
    free(s);
}

void settle_free(struct online_vfs *online, struct settling *s)
{
    struct body *body = NULL;

    if (!s) {
        return;
    }
    settle_remove_row(online, s);
    mutex_lock(&online->lock);
    if (s->folder) {
        tree_release(online->tree, s->folder, 1);
    }
    if (s->node) {
        tree_release(online->tree, s->node, 1);
    }
    body = s->body;
    mutex_unlock(&online->lock);
    body_put(body);
    free_entry(s);
}

void settle_unlink(struct online_vfs *online, struct settling *s)
{
    struct settling **at = &online->settling;

    while (*at != s) {
        at = &(*at)->next;
    }
    *at = s->next;
    s->next = NULL;
    online->settling_count--;
    cond_broadcast(&online->changed);
}

/* At the end: what began first is done first. */
void settle_link(struct online_vfs *online, struct settling *s)
{
    struct settling **at = &online->settling;

    while (*at) {
        at = &(*at)->next;
    }
    *at = s;
    s->number = ++online->last_settling;
    online->settling_count++;
    cond_signal(&online->settle_wake);
}

static int add_entry(struct online_vfs *online, struct settling **out, enum settle_kind kind,
                     struct node *node, struct error *err)
{
    struct settling *s = NULL;

    if (online->options.settle_ms <= 0 || online->settling_count >= SETTLE_MAX ||
        online->is_ending) {
        return 1;
    }
    s = calloc(1, sizeof(*s));
    if (!s) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a change that waits");
    }
    s->kind = kind;
    s->library = library_of(online, node);
    s->due_ms = online_now() + online->options.settle_ms;
    s->since_ms = clock_wall_ms(clock_system());
    settle_link(online, s);
    *out = s;
    return 0;
}

/* Nobody waits for an entry without the lock that was only just made: no settle_free() yet. */
static void drop_unfinished(struct online_vfs *online, struct settling *s)
{
    settle_unlink(online, s);
    free_entry(s);
}

static int note_version(struct settling *s, const struct node *node, struct error *err)
{
    int code = str_copy(&s->ctag, node_ctag(node), err);

    return code == 0 ? node_copy_etag(&s->etag, node, err) : code;
}

/* Where the server has it. */
static int note_place(struct online_vfs *online, struct settling *s, struct node *node,
                      struct error *err)
{
    int code = str_copy(&s->name, node_name(node), err);

    if (code == 0) {
        code = str_copy(&s->item_id, node_item_id(node), err);
    }
    if (code == 0) {
        code = note_version(s, node, err);
    }
    if (code == 0) {
        s->folder = tree_parent(online->tree, node);
        tree_hold(online->tree, s->folder);
    }
    return code;
}

/* By key: the library may have been taken away and be back. */
bool settle_has_item(const struct online_vfs *online, const struct library *library,
                     const char *item_id)
{
    for (const struct settling *s = online->settling; s; s = s->next) {
        /* A rename that an agent before this one left is not shown before the server did it. */
        if (s->item_id && !s->new_name && strcmp(s->item_id, item_id) == 0 &&
            str_equal(s->library ? s->library->key : s->key, library->key)) {
            return true;
        }
    }
    return false;
}

static struct settling *at_place(struct online_vfs *online, struct node *folder, const char *name)
{
    for (struct settling *s = online->settling; s; s = s->next) {
        if (s->name && str_equal_nocase(s->name, name) && settle_is_at(online, s, folder)) {
            return s;
        }
    }
    return NULL;
}

bool settle_keeps_place(struct online_vfs *online, struct node *folder, const char *name)
{
    return at_place(online, folder, name) != NULL;
}

struct settling *settle_of(const struct online_vfs *online, const struct node *node)
{
    for (struct settling *s = online->settling; s; s = s->next) {
        if (s->node == node) {
            return s;
        }
    }
    return NULL;
}

struct settling *settle_below(struct online_vfs *online, const struct settling *s)
{
    struct settling *below = NULL;

    if (s->node && !(s->node->flags & NODE_GONE)) {
        below = at_place(online, tree_parent(online->tree, s->node), node_name(s->node));
    } else if (s->new_name) { /* of an agent before this one */
        below = online->settling;
        while (below && !(below->kind == SETTLE_DELETE && str_equal(below->key, s->key) &&
                          str_equal(below->parent_id, s->parent_id) &&
                          str_equal_nocase(below->name, s->new_name))) {
            below = below->next;
        }
    }
    return below && below->kind == SETTLE_DELETE ? below : NULL;
}

/* It was renamed, and perhaps saved since, and is deleted now: the place stays where the server has
 * it. A rename that was promised makes it a delete that is: undone, it would have the old name. */
static int move_becomes_delete(struct online_vfs *online, struct settling *s, struct error *err)
{
    int code = note_version(s, s->node, err);

    if (code < 0) {
        return code;
    }
    tree_release(online->tree, s->node, 1);
    s->node = NULL;
    s->kind = SETTLE_DELETE;
    s->due_ms = online_now() + online->options.settle_ms;
    return 0;
}

/* With a row in the journal that says what it is now. */
static void give_out(struct settling **out, struct settling *s)
{
    s->is_running = true;
    *out = s;
}

int settle_delete(struct online_vfs *online, struct settling **out, struct node *node,
                  struct error *err)
{
    struct settling *s = settle_of(online, node);
    int code = 0;

    *out = NULL;
    if (s) {
        if (s->is_running) {
            return 1;
        }
        code = move_becomes_delete(online, s, err);
        if (code == 0) {
            give_out(out, s);
        }
        return code;
    }
    code = add_entry(online, &s, SETTLE_DELETE, node, err);
    if (code == 0) {
        code = note_place(online, s, node, err);
        if (code < 0) {
            drop_unfinished(online, s);
        } else {
            give_out(out, s);
        }
    }
    return code;
}

int settle_move(struct online_vfs *online, struct settling **out, struct node *node,
                const char *new_name, struct error *err)
{
    struct settling *s = settle_of(online, node);
    const struct settling *there = at_place(online, tree_parent(online->tree, node), new_name);
    int code = 0;

    *out = NULL;

    if (there && there != s && there->kind != SETTLE_DELETE) {
        return 1;
    }
    if (s) { /* a second name: the server is told the last one */
        if (s->is_running) {
            return 1;
        }
        give_out(out, s);
        return 0;
    }
    code = add_entry(online, &s, SETTLE_MOVE, node, err);
    if (code == 0) {
        code = note_place(online, s, node, err);
        if (code < 0) {
            drop_unfinished(online, s);
            return code;
        }
        s->node = node;
        tree_hold(online->tree, node);
        give_out(out, s);
    }
    return code;
}

void settle_cancel(struct online_vfs *online, struct settling *s)
{
    settle_unlink(online, s);
    tree_release(online->tree, s->node, 1);
    s->node = NULL;
}

bool settle_waits(const struct online_vfs *online, const struct body *body)
{
    const struct settling *s = online->settling;

    while (s && s->body != body) {
        s = s->next;
    }
    return s != NULL;
}

struct settling *settle_forget_new(struct online_vfs *online, struct body *body)
{
    for (struct settling *s = online->settling; s; s = s->next) {
        if (s->body == body && !s->is_running) {
            settle_unlink(online, s);
            return s;
        }
    }
    return NULL;
}

/* Deleted in the folder, and nobody is at it; lock held. */
static bool is_deleted_in(const struct settling *s, const struct node *folder)
{
    return s->folder == folder && s->kind == SETTLE_DELETE && !s->is_running;
}

void settle_folder_goes(struct online_vfs *online, const struct node *folder)
{
    struct settling *s = NULL;
    struct error error = {0};
    int code = 0;

    do {
        mutex_lock(&online->lock);
        s = online->settling;
        while (s && !(is_deleted_in(s, folder) && !s->is_decided && !s->is_promised &&
                      uploads_has_shelved(online->uploads, s))) {
            s = s->next;
        }
        if (s) {
            s->is_running = true;
        }
        mutex_unlock(&online->lock);
        if (s) {
            code = settle_promised(online, s, &error);
            settle_put_back(online, s);
        }
    } while (s && code == 0);
    if (code < 0) { /* should it die now, a person has to discard what is left: nothing is lost */
        log_error(LOG_VFS, &error, "a crash may leave saves of what is deleted with its folder");
    }
}

void settle_folder_gone(struct online_vfs *online, const struct node *folder)
{
    struct settling *gone = NULL;
    struct settling *s = NULL;

    mutex_lock(&online->lock);
    s = online->settling;
    while (s) {
        struct settling *next = s->next;

        if (is_deleted_in(s, folder)) {
            tree_bury(online->tree, s->library->root, s->item_id);
            settle_unlink(online, s);
            s->next = gone;
            gone = s;
        }
        s = next;
    }
    mutex_unlock(&online->lock);
    while ((s = gone) != NULL) {
        gone = s->next;
        uploads_clear_shelf(online->uploads, s);
        settle_free(online, s);
    }
}

/* --- new files that wait --- */

static bool may_be_temporary(const struct body *body)
{
    const struct node *node = body->node;

    return (node->flags & NODE_LOCAL) && !(node->flags & NODE_GONE) && !body->has_settled &&
           (body->size_bytes == 0 || name_is_temporary(node_name(node)));
}

bool settle_defers(struct body *body)
{
    struct online_vfs *online = body->online;
    struct settling *s = NULL;
    bool is_waiting = false;

    if (uploads_has(body)) {
        return false; /* it is on its way */
    }
    mutex_lock(&online->lock);
    mutex_lock(&body->lock);
    is_waiting = body->is_dirty && !body->is_removed && may_be_temporary(body);
    mutex_unlock(&body->lock);
    for (s = online->settling; is_waiting && s && s->body != body;) {
        s = s->next;
    }
    if (is_waiting && s) {
        s->due_ms = online_now() + online->options.settle_ms;
    } else if (is_waiting) {
        is_waiting = add_entry(online, &s, SETTLE_NEW, body->node, NULL) == 0;
        if (is_waiting) {
            s->body = body;
            body->refs++;
        }
    }
    mutex_unlock(&online->lock);
    return is_waiting;
}

/* --- places --- */

/* The entry at a place while the thread is not at it; lock held, given up meanwhile. */
static int wait_for_place(struct online_vfs *online, struct settling **out, struct node *folder,
                          const char *name, const struct call *call, struct error *err)
{
    int code = 0;

    while (code == 0) {
        *out = at_place(online, folder, name);
        if (!*out || !(*out)->is_running) {
            return 0;
        }
        code = call_wait(call, &online->changed, &online->lock, err);
    }
    *out = NULL;
    return code;
}

int settle_take(struct online_vfs *online, struct settling **out, struct node *folder,
                const char *name, const struct call *call, struct error *err)
{
    int code = 0;

    mutex_lock(&online->lock);
    code = wait_for_place(online, out, folder, name, call, err);
    if (*out) {
        /* Stays in the list, so that the server's word about it is held back still. */
        (*out)->is_running = true;
    }
    mutex_unlock(&online->lock);
    return code;
}

void settle_put_back(struct online_vfs *online, struct settling *s)
{
    mutex_lock(&online->lock);
    s->is_running = false;
    cond_broadcast(&online->changed);
    cond_signal(&online->settle_wake);
    mutex_unlock(&online->lock);
}

int settle_clear_place(struct online_vfs *online, struct node *folder, const char *name,
                       const struct call *call, struct error *err)
{
    struct settling *s = NULL;
    int code = settle_take(online, &s, folder, name, call, err);
    struct error error = {0};

    if (code < 0 || !s) {
        return code;
    }
    if (settle_carry_out(online, s, call, &error)) {
        return 0; /* done, or undone: then the name is not free, and the caller will be told */
    }
    if (err) {
        *err = error;
    }
    return error.code;
}

void settle_retry(struct online_vfs *online)
{
    mutex_lock(&online->lock);
    for (struct settling *s = online->settling; s; s = s->next) {
        if (s->attempts > 0 && !s->is_running) {
            s->due_ms = online_now();
        }
    }
    cond_signal(&online->settle_wake);
    mutex_unlock(&online->lock);
}

unsigned settle_count(const struct online_vfs *online)
{
    unsigned count = 0;

    for (const struct settling *s = online->settling; s; s = s->next) {
        count += s->library != NULL;
    }
    return count;
}

int settle_all(struct online_vfs *online, const struct call *call, struct error *err)
{
    int code = 0;

    mutex_lock(&online->lock);
    for (struct settling *s = online->settling; s; s = s->next) {
        s->due_ms = s->due_ms < online_now() ? s->due_ms : online_now();
    }
    cond_signal(&online->settle_wake);
    while (code == 0 && settle_count(online) > 0) {
        code = call_wait(call, &online->changed, &online->lock, err);
    }
    mutex_unlock(&online->lock);
    return code;
}

unsigned online_vfs_settle(struct online_vfs *online, int64_t wait_ms)
{
    struct call call = {.priority = CALL_SAVE, .deadline_ms = online_now() + wait_ms};
    unsigned left = 0;

    (void)settle_all(online, &call, NULL);
    mutex_lock(&online->lock);
    left = settle_count(online);
    mutex_unlock(&online->lock);
    return left;
}
