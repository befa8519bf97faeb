/*
 * settle_send.c - tells the server what waited long enough, and what comes of that.
 */
#include "settle.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "body.h"
#include "listing.h"
#include "online.h"
#include "save.h"
#include "uploads.h"

#define TRY_MS 60000
#define BACK_OFF_MS 2000 /* more than TOGETHER_MS of settle_thread.c */
#define BACK_OFF_MAX_MS 300000
#define ATTEMPTS_MAX 8 /* of what the service refuses for now; a dead line is waited for */

/* Asked while waiting with locks of all kinds. */
static bool is_over(void *payload)
{
    struct online_vfs *online = payload;

    return online->is_settler_over;
}

static struct call call_of(struct online_vfs *online)
{
    return (struct call){.priority = CALL_SAVE,
                         .deadline_ms = online_now() + TRY_MS,
                         .is_cancelled = is_over,
                         .payload = online};
}

/* The drive of its library; a copy. */
static int drive_of(struct online_vfs *online, struct settling *s, char **out, struct error *err)
{
    int code = 0;

    mutex_lock(&online->lock);
    code = s->library->is_removed
               ? error_set(err, ERR_STALE, "the library of '%.120s' is no longer mapped", s->name)
               : str_copy(out, s->library->drive_id, err);
    mutex_unlock(&online->lock);
    return code;
}

static bool is_unchanged(const struct settling *s, const struct graph_item *item)
{
    const char *version = *s->ctag ? s->ctag : s->etag;

    return !*version || str_equal(item->ctag, version) || str_equal(item->etag, version);
}

/* Whether others changed it since it was decided: then it stays. What waits for seconds alone is not
 * asked for, as no drive does; it may wait for days without a line. */
static int check_unchanged(struct settling *s, const char *drive_id, const struct call *call,
                           struct error *err)
{
    struct graph_item item = {0};
    int code = 0;

    if (!s->is_decided) {
        return 0;
    }
    code = graph_get_item(&item, s->library->account, drive_id, s->item_id, call, err);
    if (code == 0 && !is_unchanged(s, &item)) {
        code = error_set(err, ERR_CHANGED,
                         "'%.120s' was changed by others after it was deleted here", s->name);
    } else if (code == 0 && s->new_name &&
               (!str_equal(item.name, s->name) || !str_equal(item.parent_id, s->parent_id))) {
        code = error_set(err, ERR_STALE, "'%.120s' was renamed by others", s->name);
    }
    graph_item_clear(&item);
    return code;
}

/* No If-Match: whether the service takes it with DELETE is unknown, and others found that it always
 * refuses (graph-facts 2.10). The recycle bin keeps what goes. */
static int send_delete(struct online_vfs *online, struct settling *s, const struct call *call,
                       struct error *err)
{
    char *drive_id = NULL;
    int code = drive_of(online, s, &drive_id, err);

    if (code == 0) {
        code = check_unchanged(s, drive_id, call, err);
    }
    if (code == 0) {
        code = graph_delete_item(s->library->account, drive_id, s->item_id, call, err);
    }
    free(drive_id);
    return code;
}

/* What an agent before this one deleted where another item is to get its name. */
static int clear_left_name(struct online_vfs *online, struct settling *s, const struct call *call,
                           struct error *err)
{
    struct settling *below = NULL;
    struct error error = {0};

    mutex_lock(&online->lock);
    below = settle_below(online, s);
    if (below && below->is_running) {
        mutex_unlock(&online->lock);
        return error_set(err, ERR_BUSY, "what was deleted as '%.120s' is there still", s->new_name);
    }
    if (below) {
        below->is_running = true;
    }
    mutex_unlock(&online->lock);
    if (!below || settle_carry_out(online, below, call, &error)) {
        return 0; /* done, or undone: then the name is not free, and the service says so */
    }
    if (err) {
        *err = error;
    }
    return error.code;
}

/* Of an agent before this one: no node stands for it yet. */
static int send_left_move(struct online_vfs *online, struct settling *s, const struct call *call,
                          struct error *err)
{
    struct graph_update update = {.name = s->new_name, .modified_ms = -1, .created_ms = -1};
    struct graph_item item = {0};
    struct node *node = NULL;
    uint32_t asked_edit = 0;
    char *drive_id = NULL;
    int code = drive_of(online, s, &drive_id, err);

    if (code == 0) {
        code = check_unchanged(s, drive_id, call, err);
    }
    if (code == 0) {
        code = clear_left_name(online, s, call, err);
    }
    if (code == 0) {
        mutex_lock(&online->lock);
        asked_edit = tree_edits(online->tree);
        mutex_unlock(&online->lock);
        code =
            graph_update_item(&item, s->library->account, drive_id, s->item_id, &update, call, err);
    }
    if (code == 0) {
        mutex_lock(&online->lock);
        node =
            s->library->is_removed ? NULL : tree_item(online->tree, s->library->root, s->item_id);
        if (node && !(node->flags & NODE_GONE)) {
            (void)tree_apply_own(online, node, &item, asked_edit, NULL);
        }
        mutex_unlock(&online->lock);
    }
    graph_item_clear(&item);
    free(drive_id);
    return code;
}

static int rename_there(struct online_vfs *online, struct settling *s, const struct call *call,
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
            (void)tree_apply_own(online, s->node, &item, place.asked_edit, NULL);
        }
        mutex_unlock(&online->lock);
    }
    free(name);
    graph_item_clear(&item);
    place_clear(&place);
    return code;
}

/* What was deleted here may still have the name there. (Never a file that was renamed away: see
 * settle_move(). So this ends.) */
static int clear_new_name(struct online_vfs *online, struct settling *s, const struct call *call,
                          struct error *err)
{
    struct node *folder = NULL;
    char *name = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    if (!(s->node->flags & NODE_GONE) &&
        !(s->node->parent == s->folder->index && str_equal_nocase(node_name(s->node), s->name))) {
        folder = tree_parent(online->tree, s->node);
        tree_hold(online->tree, folder);
        code = str_copy(&name, node_name(s->node), err);
    }
    mutex_unlock(&online->lock);
    if (folder && code == 0) {
        code = settle_clear_place(online, folder, name, call, err);
    }
    node_put(online, folder);
    free(name);
    return code;
}

/* Not while an upload of it runs: its answer would still have the old name. */
static int send_move(struct online_vfs *online, struct settling *s, const struct call *call,
                     struct error *err)
{
    struct body *body = NULL;
    int code = clear_new_name(online, s, call, err);

    if (code < 0) {
        return code;
    }
    body = body_borrow(online, s->node);
    code = body ? body_pause_saves(body, call, err) : 0;
    if (code == 0) {
        code = rename_there(online, s, call, err);
        if (body) {
            body_resume_saves(body);
        }
    }
    body_put(body);
    return code;
}

/* Also of one that was left, as far as the tree knows it; NULL: it does not. */
static struct node *folder_of(struct online_vfs *online, const struct settling *s)
{
    const struct library *library = s->library;
    struct node *folder = s->folder;

    if (!folder && library && !library->is_removed) {
        folder = str_equal(s->parent_id, library->root_item_id)
                     ? library->root
                     : tree_item(online->tree, library->root, s->parent_id);
    }
    return folder && !(folder->flags & NODE_GONE) ? folder : NULL;
}

void settle_go_back(struct online_vfs *online, struct settling *s)
{
    struct node *folder = folder_of(online, s);
    struct node *there = NULL;

    if (!folder) {
        return;
    }
    there = tree_child(online->tree, folder, s->name);
    if (s->node && !there && !(s->node->flags & NODE_GONE)) {
        (void)tree_move(online->tree, s->node, folder, s->name, NULL);
        tree_edit(online->tree, s->node);
        listing_note_added(online, folder, s->node);
        node_doubt(online, s->node); /* what others did to it meanwhile was passed over */
    } else if (folder->folder) {
        folder->folder->is_complete = false; /* the next look shows it again */
    }
    forget_negatives(online, folder);
}

static bool is_worth_a_retry(const struct settling *s, int code)
{
    if (error_retry(code) == RETRY_AFTER_SIGN_IN || code == ERR_UNREACHABLE ||
        code == ERR_TIMED_OUT || code == ERR_THROTTLED) {
        return true;
    }
    return error_retry(code) == RETRY_LATER && s->attempts < ATTEMPTS_MAX;
}

/* What came of a try: not the end of it. */
static bool is_for_later(const struct settling *s, int code)
{
    return code < 0 && (is_worth_a_retry(s, code) || code == ERR_CANCELLED);
}

static int64_t back_off_ms(unsigned attempts)
{
    int64_t wait_ms = attempts < 8 ? (int64_t)BACK_OFF_MS << attempts : BACK_OFF_MAX_MS;

    return wait_ms < BACK_OFF_MAX_MS ? wait_ms : BACK_OFF_MAX_MS;
}

/* A new file that nobody finished under another name: it is what it looks like. */
static void send_new(struct online_vfs *online, struct settling *s)
{
    struct call call = call_of(online);
    struct error error = {0};

    mutex_lock(&s->body->lock);
    s->body->has_settled = true;
    mutex_unlock(&s->body->lock);
    if (save_unwatched(s->body, &call, &error) < 0 && error.code != ERR_CANCELLED) {
        log_error(LOG_VFS, &error, "a file that was closed could not be saved, and stays here");
    }
}

/* Or a crash after the server did it would send what is on the shelf to an item that is gone: as a copy,
 * which is more than anybody wants, and no loss. So a full disk does not keep the server from being
 * told. */
static void promise_shelved(struct online_vfs *online, struct settling *s)
{
    struct error error = {0};

    if (!s->is_decided && !s->is_promised && uploads_has_shelved(online->uploads, s)) {
        if (settle_promised(online, s, &error) < 0) {
            log_error(LOG_VFS, &error, "a crash may bring back what is being deleted");
        }
    }
}

/* What waited to be sent of a file that was deleted. When its library was unmapped instead, the
 * server has it still. */
static void empty_shelf(struct online_vfs *online, struct settling *s, bool stays)
{
    mutex_lock(&online->lock);
    stays = stays || s->library->is_removed;
    mutex_unlock(&online->lock);
    if (stays) {
        uploads_unshelve(online->uploads, s);
    } else {
        uploads_clear_shelf(online->uploads, s);
    }
}

/* What came of telling the server about an entry that is_running; the lock is not held. True: it is
 * done with. */
static bool conclude(struct online_vfs *online, struct settling *s, int code, struct error *err)
{
    uint64_t parent = 0;
    bool is_lost = false;
    bool is_later = false;

    if (code == ERR_NOT_FOUND || code == ERR_STALE || code == ERR_GONE) {
        error_clear(err); /* somebody was faster */
        code = 0;
    }
    is_later = is_for_later(s, code);
    is_lost = code < 0 && !is_later;
    if (is_later && !s->is_decided) {
        settle_decided(online, s);
    }
    if (!is_later) {
        empty_shelf(online, s, is_lost);
    }
    mutex_lock(&online->lock);
    if (is_later) {
        s->is_running = false;
        s->due_ms = online_now() + back_off_ms(s->attempts++);
        cond_broadcast(&online->changed);
        cond_signal(&online->settle_wake); /* its thread passed it over while it ran elsewhere */
        mutex_unlock(&online->lock);
        return false;
    }
    if (is_lost) {
        settle_go_back(online, s);
        parent = s->folder ? node_id(s->folder) : 0;
    } else if (s->kind == SETTLE_DELETE) {
        tree_bury(online->tree, s->library->root, s->item_id);
    }
    settle_unlink(online, s);
    mutex_unlock(&online->lock);
    if (is_lost) {
        log_error(LOG_VFS, err, "the service refused what was done here, which is undone");
        if (parent) {
            online_tell(online, parent, s->name, 0);
        }
    }
    settle_free(online, s);
    return true;
}

bool settle_carry_out(struct online_vfs *online, struct settling *s, const struct call *call,
                      struct error *err)
{
    int code = 0;

    promise_shelved(online, s);
    code = s->kind == SETTLE_DELETE ? send_delete(online, s, call, err)
           : s->new_name            ? send_left_move(online, s, call, err)
                                    : send_move(online, s, call, err);
    return conclude(online, s, code, err);
}

static void do_one(struct online_vfs *online, struct settling *s)
{
    struct call call = call_of(online);
    struct error error = {0};

    if (s->kind != SETTLE_NEW) {
        (void)settle_carry_out(online, s, &call, &error);
        return;
    }
    send_new(online, s);
    mutex_lock(&online->lock);
    settle_unlink(online, s);
    mutex_unlock(&online->lock);
    settle_free(online, s);
}

/* What a batch says of one of them, which is_running: `code` of all of it, `own` of this one. What is
 * refused for good is asked for once more by itself, so that the log has its reason; what passes is
 * left for later. */
static void end_part(struct online_vfs *online, struct settling *s, int code, int own,
                     struct error *error)
{
    /* A part without a sign-in is not: only a request of its own renews the token. */
    bool is_later = code < 0 ? is_for_later(s, code) : error_retry(own) == RETRY_LATER;

    own = code < 0 ? code : own;
    if (is_later || own == 0) {
        (void)conclude(online, s, own, error);
    } else {
        do_one(online, s);
    }
}

/* One request asks for all of them as check_unchanged() does for one; those that are as they were
 * stay in `all`, and the others are dealt with. How many stay. */
static size_t keep_unchanged(struct online_vfs *online, struct settling **all, size_t count,
                             const char *drive_id, const struct call *call)
{
    struct graph_item items[GRAPH_BATCH_ITEMS] = {{.name = NULL}};
    const char *ids[GRAPH_BATCH_ITEMS];
    int codes[GRAPH_BATCH_ITEMS] = {0};
    struct error error = {0};
    size_t kept = 0;
    int code = 0;

    for (size_t i = 0; i < count; i++) {
        ids[i] = all[i]->item_id;
    }
    code =
        graph_get_items(items, codes, all[0]->library->account, drive_id, ids, count, call, &error);
    for (size_t i = 0; i < count; i++) {
        bool is_there = code == 0 && codes[i] == 0;

        if (is_there && is_unchanged(all[i], &items[i])) {
            all[kept++] = all[i];
        } else {
            end_part(online, all[i], code, is_there ? ERR_CHANGED : codes[i], &error);
        }
        graph_item_clear(&items[i]);
    }
    return kept;
}

/* One request for all of them, after one that asks for them if they were decided; each is_running. */
static void do_deletes(struct online_vfs *online, struct settling **all, size_t count)
{
    struct call call = call_of(online);
    const char *ids[GRAPH_BATCH_ITEMS];
    int codes[GRAPH_BATCH_ITEMS] = {0};
    struct error error = {0};
    char *drive_id = NULL;
    int code = drive_of(online, all[0], &drive_id, &error);

    if (code == 0 && all[0]->is_decided) {
        count = keep_unchanged(online, all, count, drive_id, &call);
    }
    for (size_t i = 0; i < count; i++) {
        ids[i] = all[i]->item_id;
        promise_shelved(online, all[i]);
    }
    if (code == 0 && count > 0) {
        code = graph_delete_items(codes, all[0]->library->account, drive_id, ids, count, &call,
                                  &error);
    }
    for (size_t i = 0; i < count; i++) {
        end_part(online, all[i], code, codes[i], &error);
    }
    free(drive_id);
}

void settle_send(struct online_vfs *online, struct settling **all, size_t count)
{
    if (count == 1) {
        do_one(online, all[0]);
    } else {
        do_deletes(online, all, count);
    }
}
