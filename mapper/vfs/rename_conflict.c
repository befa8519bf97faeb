/*
 * rename_conflict.c - a file is renamed onto one that others changed, or deleted, meanwhile. As with
 * any save (conflict.c): what the service itself rewrote is no conflict, and else both are kept.
 */
#include "rename.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "body.h"
#include "local_only.h"
#include "save.h"
#include "settle.h"
#include "uploads.h"

#define NAMES_TRIED 5

char *rename_rewritten(struct rename *r, const struct call *call)
{
    enum conflict_cause cause = CONFLICT_REAL;
    struct upload upload = {0};
    struct journal_row row = {0};
    struct place place = {0};
    char *version = NULL;
    int code = place_of(&place, r->online, r->target, true, call, NULL);

    if (code == 0) {
        mutex_lock(&r->online->lock);
        code = str_copy(&row.version, node_version(r->target), NULL);
        mutex_unlock(&r->online->lock);
    }
    if (code == 0) {
        upload.library = place.library;
        row.drive_id = place.drive_id; /* lent, as is the next */
        row.item_id = place.item_id;
        if (conflict_find_cause(&cause, &upload, &row, call, NULL) == 0 && cause != CONFLICT_REAL) {
            version = row.version;
            row.version = NULL;
        }
    }
    free(row.version);
    place_clear(&place);
    return version;
}

/* Under the first name that is free. */
static int rename_as_copy(struct rename *r, const struct call *call, struct error *err)
{
    const char *wanted = r->new_name;
    int64_t now_ms = clock_wall_ms(clock_system());
    const struct library *library = NULL;
    struct account_info info;
    int code = ERR_EXISTS;

    mutex_lock(&r->online->lock);
    library = library_of(r->online, r->to);
    mutex_unlock(&r->online->lock);
    if (!library) {
        return error_set(err, ERR_STALE, "the folder is no longer there");
    }
    account_info(library->account, &info);
    for (unsigned number = 1; number <= NAMES_TRIED && code == ERR_EXISTS; number++) {
        char *name = NULL;

        error_clear(err);
        code = conflict_copy_name(&name, wanted, info.user_name, now_ms, number, err);
        if (code == 0) {
            r->new_name = name;
            code = rename_to_free(r, call, err);
        }
        if (code == 0) {
            log_write(LOG_LEVEL_ERROR, LOG_VFS,
                      "someone else changed '%s' meanwhile: this user's version is kept as '%s'",
                      wanted, name);
        }
        free(name);
    }
    r->new_name = wanted;
    return code;
}

/* What was not to leave the machine yet, under its old name, does now. */
static int send_source(struct rename *r, const struct call *call, struct error *err)
{
    struct online_vfs *online = r->online;
    struct body *body = body_borrow(online, r->node);
    struct settling *waiting = NULL;
    bool was_kept = false;
    int code = 0;

    if (!body) {
        return 0;
    }
    mutex_lock(&online->lock);
    was_kept = local_only_leave(online, body);
    waiting = settle_forget_new(online, body);
    mutex_unlock(&online->lock);
    code = save_body(body, call, err);
    settle_free(online, waiting);
    if (was_kept) {
        body_put(body);
    }
    body_put(body);
    return code;
}

int rename_keep_both(struct rename *r, int code, const struct call *call, struct error *err)
{
    struct online_vfs *online = r->online;
    struct node *theirs = r->target;
    bool is_gone = code == ERR_NOT_FOUND || code == ERR_GONE;
    bool keeps_both = false;
    uint64_t id = 0;

    mutex_lock(&online->lock);
    /* A source that is gone is another matter. */
    keeps_both = online->options.keeps_both && !(r->node->flags & NODE_GONE);
    if (keeps_both && (code == ERR_CHANGED || is_gone) && !(theirs->flags & NODE_GONE)) {
        id = node_id(theirs);
        if (is_gone) {
            tree_remove(online->tree, theirs);
        } else {
            node_doubt(online, theirs);
        }
    }
    mutex_unlock(&online->lock);
    if (!keeps_both || !(code == ERR_CHANGED || is_gone)) {
        return code;
    }
    error_clear(err);
    r->target = NULL;
    code = is_gone ? rename_to_free(r, call, err) : rename_as_copy(r, call, err);
    r->target = theirs;
    if (code == 0) {
        code = send_source(r, call, err);
    }
    if (id) {
        online_tell(online, 0, NULL, id);
    }
    return code;
}
