/*
 * draft.c - spool files that the server and the journal have not, and the notes beside them.
 *
 * A note stands beside the spool file from the first byte that the server has not until the journal
 * or the server has it, so that whatever happens in between - an error, a killed agent, a lost
 * network - the bytes and what they are for are found again, and named in status.
 */
#include "save.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "local.h"
#include "lost_answer.h"
#include "unsaved.h"

int spool_new(struct online_vfs *online, struct local_file **out, char **path, struct error *err)
{
    uint64_t number = 0;
    int code = 0;

    mutex_lock(&online->spool_lock);
    number = ++online->last_spool;
    mutex_unlock(&online->spool_lock);
    code = str_format(path, err, "%s/%s-%llu" SPOOL_DATA, online->spool_directory,
                      online->spool_tag, (unsigned long long)number);
    if (code == 0) {
        code = local_open(out, *path, true, err);
        if (code < 0) {
            str_free(path);
        }
    }
    return code;
}

/* --- which drafts are open --- */

void draft_set_failure(struct body *body, char *reason)
{
    struct online_vfs *online = body->online;

    mutex_lock(&online->spool_lock);
    free(body->failure);
    body->failure = reason;
    online->has_unsaved = online->has_unsaved || reason;
    mutex_unlock(&online->spool_lock);
}

void draft_saved(struct body *body)
{
    unsaved_saved(body->online, body->spool_path);
    draft_set_failure(body, NULL);
    body->may_have_arrived = false;
    lost_answers_clear(body);
}

void draft_enlist(struct body *body)
{
    struct online_vfs *online = body->online;

    mutex_lock(&online->spool_lock);
    body->next_draft = online->drafts;
    online->drafts = body;
    mutex_unlock(&online->spool_lock);
}

void draft_delist(struct body *body)
{
    struct online_vfs *online = body->online;
    struct body **at = &online->drafts;

    mutex_lock(&online->spool_lock);
    while (*at && *at != body) {
        at = &(*at)->next_draft;
    }
    if (*at) {
        *at = body->next_draft;
    }
    mutex_unlock(&online->spool_lock);
}

/* --- the note --- */

static int logged(int code, const struct error *error, struct error *err)
{
    if (code < 0) {
        log_error(LOG_VFS, error, "the note of an unsaved file could not be written");
        if (err) {
            *err = *error;
        }
    }
    return code;
}

static int write_note(struct body *body, const struct save_target *target, const char *item_id,
                      const char *version, const char *reason, bool is_durable, struct error *err)
{
    struct extent gap = {0};
    struct unsaved_note unsaved = {
        .key = body->library->key,
        .path = target && target->path ? target->path : body->path,
        .item_id = target && target->item.item_id ? target->item.item_id : item_id,
        .version = version ? version : "",
        .reason = reason,
        .base_limit = extents_gap(&body->written, 0, body->base_limit, &gap) ? body->base_limit : 0,
        .since_ms = clock_wall_ms(clock_system()),
    };
    struct error error = {0};

    body->is_note_durable = false;
    if (*reason && local_sync(body->spool, &error) < 0) {
        log_error(LOG_VFS, &error, "an unsaved file may not outlive a loss of power");
    }
    return unsaved_write(body->online, body->spool_path, &unsaved, is_durable, err);
}

int draft_note(struct body *body, const struct save_target *target, const char *reason,
               bool is_durable, struct error *err)
{
    struct error error = {0};
    char *item_id = NULL;
    char *version = NULL;
    int code = 0;

    /* Copies: an upload of an earlier save may end now, and gives the file new ones. */
    mutex_lock(&body->lock);
    code = str_copy(&item_id, body->item_id, &error);
    code = code < 0 ? code : str_copy(&version, body->version, &error);
    mutex_unlock(&body->lock);
    if (code == 0) {
        code = write_note(body, target, item_id, version, reason, is_durable, &error);
    }
    free(version);
    free(item_id);
    return logged(code, &error, err);
}

int save_note_draft(struct body *body, struct error *err)
{
    struct error error = {0};
    int code = write_note(body, NULL, body->item_id, body->version, "", false, &error);

    return logged(code, &error, err);
}

/* --- why it failed --- */

/* What its user can do about it. */
static const char *advice(int code)
{
    switch (code) {
    case ERR_SIGNED_OUT:
        return "run 'mooring login', then save again";
    case ERR_LOCKED:
        return "somebody works on it: save again when it is free";
    case ERR_NO_SPACE:
        return "make room, then save again";
    case ERR_CHANGED:
        return "someone else saved it meanwhile: compare the two, then save again";
    case ERR_EXISTS:
        return "the name was taken meanwhile: save under another one";
    case ERR_DENIED:
    case ERR_READ_ONLY:
        return "ask for the right to change it, or save elsewhere";
    case ERR_NOT_FOUND:
    case ERR_STALE:
    case ERR_GONE:
        return "restore it or its folder on the server, or save elsewhere";
    case ERR_UNREACHABLE:
    case ERR_TIMED_OUT:
    case ERR_SERVER:
    case ERR_THROTTLED:
    case ERR_CANCELLED:
        return "save again when the service answers";
    default:
        return "save again, or elsewhere";
    }
}

/* Which bytes of the kept file are not what the program would have saved. "": all are. */
static void describe_bytes(char *out, size_t size, const struct body *body, int code)
{
    struct extent gap = {0};
    struct extent next = {0};

    *out = '\0';
    if (extents_gap(&body->written, 0, body->base_limit, &gap)) {
        snprintf(out, size,
                 "; of the old version bytes %llu-%llu%s could not be had, the kept file has zeros "
                 "there",
                 (unsigned long long)gap.start, (unsigned long long)gap.end - 1,
                 extents_gap(&body->written, gap.end, body->base_limit, &next) ? " and others"
                                                                               : "");
    } else if (code == ERR_CHANGED && body->doubt_end > 0) {
        snprintf(out, size,
                 "; what was not written of bytes %llu-%llu came late and may be of the newer "
                 "version",
                 (unsigned long long)body->doubt_start, (unsigned long long)body->doubt_end - 1);
    }
}

void draft_note_failure(struct body *body, const struct save_target *target,
                        const struct error *error)
{
    char bytes[160];
    char *reason = NULL;

    describe_bytes(bytes, sizeof(bytes), body, error->code);
    (void)str_format(&reason, NULL, "%s; %s%s", error->message, advice(error->code), bytes);
    (void)draft_note(body, target, reason ? reason : error->message, true, NULL);
    draft_set_failure(body, reason);
    body->may_have_arrived = body->may_have_arrived || graph_answer_may_be_lost(error->code);
}
