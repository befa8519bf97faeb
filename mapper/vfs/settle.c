#include "settle.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "local.h"
#include "local_only.h"
#include "online.h"
#include "uploads.h"

#define TRY_MS 60000
#define BACK_OFF_MS 2000
#define BACK_OFF_MAX_MS 300000
#define ATTEMPTS_MAX 8 /* of what the service refuses for now; a dead line is waited for */

/* --- entries; lock held --- */

static void free_entry(struct settling *s)
{
    free(s->name);
    free(s->item_id);
    free(s->ctag);
    free(s->etag);
    free(s);
}

void settle_free(struct online_vfs *online, struct settling *s)
{
    struct body *body = NULL;

    if (!s) {
        return;
    }
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

static void unlink_entry(struct online_vfs *online, struct settling *s)
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
static void link_entry(struct online_vfs *online, struct settling *s)
{
    struct settling **at = &online->settling;

    while (*at) {
        at = &(*at)->next;
    }
    *at = s;
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
    link_entry(online, s);
    *out = s;
    return 0;
}

/* Nobody waits for an entry without the lock that was only just made: no settle_free() yet. */
static void drop_unfinished(struct online_vfs *online, struct settling *s)
{
    unlink_entry(online, s);
    free_entry(s);
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
        code = str_copy(&s->ctag, node_ctag(node), err);
    }
    if (code == 0) {
        code = str_copy(&s->etag, node_etag(node), err);
    }
    if (code == 0) {
        s->folder = tree_parent(online->tree, node);
        tree_hold(online->tree, s->folder);
    }
    return code;
}

bool settle_has_item(const struct online_vfs *online, const char *item_id)
{
    for (const struct settling *s = online->settling; s; s = s->next) {
        if (s->item_id && strcmp(s->item_id, item_id) == 0) {
            return true;
        }
    }
    return false;
}

static struct settling *at_place(const struct online_vfs *online, const struct node *folder,
                                 const char *name)
{
    for (struct settling *s = online->settling; s; s = s->next) {
        if (s->folder == folder && str_equal_nocase(s->name, name)) {
            return s;
        }
    }
    return NULL;
}

bool settle_keeps_place(const struct online_vfs *online, const struct node *folder,
                        const char *name)
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

/* It was renamed, and is deleted now: the place stays where the server has it. */
static void move_becomes_delete(struct online_vfs *online, struct settling *s)
{
    tree_release(online->tree, s->node, 1);
    s->node = NULL;
    s->kind = SETTLE_DELETE;
    s->due_ms = online_now() + online->options.settle_ms;
}

int settle_delete(struct online_vfs *online, struct node *node, struct error *err)
{
    struct settling *s = settle_of(online, node);
    int code = 0;

    if (s) {
        if (s->is_running) {
            return 1;
        }
        move_becomes_delete(online, s);
        return 0;
    }
    code = add_entry(online, &s, SETTLE_DELETE, node, err);
    if (code == 0) {
        code = note_place(online, s, node, err);
        if (code < 0) {
            drop_unfinished(online, s);
        }
    }
    return code;
}

int settle_move(struct online_vfs *online, struct node *node, struct error *err)
{
    struct settling *s = settle_of(online, node);
    int code = 0;

    if (s) {
        return s->is_running ? 1 : 0; /* a second name: the server is told the last one */
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
    }
    return code;
}

void settle_cancel(struct online_vfs *online, struct settling *s)
{
    unlink_entry(online, s);
    tree_release(online->tree, s->node, 1);
    s->node = NULL;
    tree_release(online->tree, s->folder, 1);
    free_entry(s);
}

bool settle_waits(const struct online_vfs *online, const struct body *body)
{
    const struct settling *s = online->settling;

    while (s && s->body != body) {
        s = s->next;
    }
    return s != NULL;
}

bool settle_forget_new(struct online_vfs *online, struct body *body)
{
    for (struct settling *s = online->settling; s; s = s->next) {
        if (s->body == body && !s->is_running) {
            unlink_entry(online, s);
            free_entry(s);
            return true;
        }
    }
    return false;
}

void settle_folder_gone(struct online_vfs *online, const struct node *folder)
{
    struct settling *s = online->settling;

    while (s) {
        struct settling *next = s->next;

        if (s->folder == folder && s->kind == SETTLE_DELETE && !s->is_running) {
            tree_bury(online->tree, s->item_id);
            unlink_entry(online, s);
            tree_release(online->tree, s->folder, 1);
            free_entry(s);
        }
        s = next;
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

/* --- telling the server --- */

static bool is_over(void *payload)
{
    struct online_vfs *online = payload;
    bool is_ending = false;

    mutex_lock(&online->lock);
    is_ending = online->is_ending;
    mutex_unlock(&online->lock);
    return is_ending;
}

static int send_delete(struct online_vfs *online, struct settling *s, const struct call *call,
                       struct error *err)
{
    char *drive_id = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    code = s->library->is_removed
               ? error_set(err, ERR_STALE, "the library of '%.120s' is no longer mapped", s->name)
               : str_copy(&drive_id, s->library->drive_id, err);
    mutex_unlock(&online->lock);
    if (code == 0) {
        code = graph_delete_item(s->library->account, drive_id, s->item_id, call, err);
    }
    free(drive_id);
    return code;
}

static int send_move(struct online_vfs *online, struct settling *s, const struct call *call,
                     struct error *err)
{
    struct graph_update update = {.modified_ms = -1, .created_ms = -1};
    struct graph_item item = {0};
    struct place place = {0};
    char *name = NULL;
    int code = place_of(&place, online, s->node, true, call, err);

    if (code == 0) {
        mutex_lock(&online->lock);
        code = str_copy(&name, node_name(s->node), err);
        mutex_unlock(&online->lock);
        update.name = name;
    }
    if (code == 0) {
        code = graph_update_item(&item, place.account, place.drive_id, place.item_id, &update, call,
                                 err);
    }
    if (code == 0) {
        mutex_lock(&online->lock);
        if (!(s->node->flags & NODE_GONE)) {
            (void)tree_apply_own(online, s->node, &item, NULL);
        }
        mutex_unlock(&online->lock);
    }
    free(name);
    graph_item_clear(&item);
    place_clear(&place);
    return code;
}

/* The server will not: what is shown goes back to what it has. Lock held. */
static void go_back(struct online_vfs *online, struct settling *s)
{
    struct node *there = NULL;

    if (s->folder->flags & NODE_GONE) {
        return;
    }
    there = tree_child(online->tree, s->folder, s->name);
    if (s->kind == SETTLE_MOVE && !there && !(s->node->flags & NODE_GONE)) {
        (void)tree_move(online->tree, s->node, s->folder, s->name, NULL);
        tree_edit(online->tree, s->node);
        listing_note_added(online, s->folder, s->node);
    } else if (s->folder->folder) {
        s->folder->folder->is_complete = false; /* the next look shows it again */
    }
    forget_negatives(online, s->folder);
}

static bool is_worth_a_retry(const struct settling *s, int code)
{
    if (error_retry(code) == RETRY_AFTER_SIGN_IN || code == ERR_UNREACHABLE ||
        code == ERR_TIMED_OUT || code == ERR_THROTTLED) {
        return true;
    }
    return error_retry(code) == RETRY_LATER && s->attempts < ATTEMPTS_MAX;
}

static int64_t back_off_ms(unsigned attempts)
{
    int64_t wait_ms = attempts < 8 ? (int64_t)BACK_OFF_MS << attempts : BACK_OFF_MAX_MS;

    return wait_ms < BACK_OFF_MAX_MS ? wait_ms : BACK_OFF_MAX_MS;
}

/* A new file that nobody finished under another name: it is what it looks like. */
static void send_new(struct online_vfs *online, struct settling *s)
{
    struct call call = {.priority = CALL_SAVE, .deadline_ms = online_now() + TRY_MS};
    struct error error = {0};

    call.is_cancelled = is_over;
    call.payload = online;
    mutex_lock(&s->body->lock);
    s->body->has_settled = true;
    mutex_unlock(&s->body->lock);
    if (save_body(s->body, &call, &error) < 0 && error.code != ERR_CANCELLED) {
        log_error(LOG_VFS, &error, "a file that was closed could not be saved, and stays here");
    }
}

/* Tells the server about an entry that is_running; the lock is not held. True: it is done with. */
static bool carry_out(struct online_vfs *online, struct settling *s, const struct call *call,
                      struct error *err)
{
    uint64_t parent = 0;
    bool is_lost = false;
    int code = s->kind == SETTLE_DELETE ? send_delete(online, s, call, err)
                                        : send_move(online, s, call, err);

    if (code == ERR_NOT_FOUND || code == ERR_STALE || code == ERR_GONE) {
        error_clear(err); /* somebody was faster */
        code = 0;
    }
    mutex_lock(&online->lock);
    if (code < 0 && (is_worth_a_retry(s, code) || code == ERR_CANCELLED)) {
        s->is_running = false;
        s->due_ms = online_now() + back_off_ms(s->attempts++);
        cond_broadcast(&online->changed);
        mutex_unlock(&online->lock);
        return false;
    }
    is_lost = code < 0;
    if (is_lost) {
        go_back(online, s);
        parent = node_id(s->folder);
    } else if (s->kind == SETTLE_DELETE) {
        tree_bury(online->tree, s->item_id);
    }
    unlink_entry(online, s);
    mutex_unlock(&online->lock);
    if (is_lost) {
        log_error(LOG_VFS, err, "the service refused what was done here, which is undone");
        online_tell(online, parent, s->name, 0);
    }
    settle_free(online, s);
    return true;
}

static void do_one(struct online_vfs *online, struct settling *s)
{
    struct call call = {.priority = CALL_SAVE, .deadline_ms = online_now() + TRY_MS};
    struct error error = {0};

    call.is_cancelled = is_over;
    call.payload = online;
    if (s->kind != SETTLE_NEW) {
        (void)carry_out(online, s, &call, &error);
        return;
    }
    send_new(online, s);
    mutex_lock(&online->lock);
    unlink_entry(online, s);
    mutex_unlock(&online->lock);
    settle_free(online, s);
}

/* A program that has the file open is not done with it. Lock held. */
static bool is_in_use(const struct settling *s)
{
    return s->kind == SETTLE_NEW && s->body->refs > 1;
}

/* The first entry that is due; NULL, and when the next one is (-1: none). Lock held. */
static struct settling *next_due(struct online_vfs *online, int64_t *wait_ms)
{
    int64_t now = online_now();
    struct settling *first = NULL;

    *wait_ms = -1;
    for (struct settling *s = online->settling; s; s = s->next) {
        if (s->is_running) {
            continue;
        }
        if (s->due_ms <= now && is_in_use(s)) {
            s->due_ms = now + online->options.settle_ms;
        }
        if (s->due_ms > now) {
            *wait_ms = *wait_ms < 0 || s->due_ms - now < *wait_ms ? s->due_ms - now : *wait_ms;
        } else if (!first || s->due_ms < first->due_ms) {
            first = s;
        }
    }
    return first;
}

static void *run(void *payload)
{
    struct online_vfs *online = payload;

    mutex_lock(&online->lock);
    while (!online->is_ending) {
        int64_t wait_ms = -1;
        struct settling *s = next_due(online, &wait_ms);

        if (s) {
            s->is_running = true;
            mutex_unlock(&online->lock);
            do_one(online, s);
            mutex_lock(&online->lock);
        } else if (wait_ms < 0) {
            cond_wait(&online->settle_wake, &online->lock);
        } else {
            (void)cond_wait_ms(&online->settle_wake, &online->lock, wait_ms);
        }
    }
    mutex_unlock(&online->lock);
    return NULL;
}

int settle_start(struct online_vfs *online, struct error *err)
{
    return thread_start(&online->settler, "vfs-settler", run, online, err);
}

void settle_stop(struct online_vfs *online)
{
    struct settling *s = NULL;

    mutex_lock(&online->lock);
    cond_signal(&online->settle_wake);
    mutex_unlock(&online->lock);
    thread_join(&online->settler);
    mutex_lock(&online->lock);
    while ((s = online->settling) != NULL) {
        unlink_entry(online, s);
        mutex_unlock(&online->lock);
        settle_free(online, s);
        mutex_lock(&online->lock);
    }
    mutex_unlock(&online->lock);
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
    if (carry_out(online, s, call, &error)) {
        return 0; /* done, or undone: then the name is not free, and the caller will be told */
    }
    if (err) {
        *err = error;
    }
    return error.code;
}

int settle_all(struct online_vfs *online, const struct call *call, struct error *err)
{
    int code = 0;

    mutex_lock(&online->lock);
    for (struct settling *s = online->settling; s; s = s->next) {
        s->due_ms = s->due_ms < online_now() ? s->due_ms : online_now();
    }
    cond_signal(&online->settle_wake);
    while (code == 0 && online->settling) {
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
    left = online->settling_count;
    mutex_unlock(&online->lock);
    return left;
}
