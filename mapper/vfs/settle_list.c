/*
 * settle_list.c - what a person can see of deletes and renames that wait, and do about them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "online.h"
#include "settle.h"
#include "uploads.h"

#define CHANGE_ID_BYTES 48

/* By its row, as the next agent calls it, too; by its number in this agent until it has one. */
static void name_change(char *out, const struct online_vfs *online, const struct settling *s,
                        bool has_row)
{
    if (has_row) {
        snprintf(out, CHANGE_ID_BYTES, "change-%lld", (long long)s->row_id);
    } else {
        snprintf(out, CHANGE_ID_BYTES, "change-%s-%u", online->spool_tag, (unsigned)s->number);
    }
}

/* Also by the number of one that got its row since it was listed. */
static bool is_called(const struct online_vfs *online, const struct settling *s, const char *id)
{
    char by_number[CHANGE_ID_BYTES];
    char by_row[CHANGE_ID_BYTES];

    name_change(by_number, online, s, false);
    name_change(by_row, online, s, s->row_id != 0);
    return strcmp(id, by_number) == 0 || strcmp(id, by_row) == 0;
}

/* A copy, so that no lock is held while it is told. */
struct told {
    char id[CHANGE_ID_BYTES];
    char *key;
    char *path;
    char *reason;
    int64_t since_ms;
    unsigned attempts;
};

/* Lock held. False: not for people, or no memory. */
static bool copy_one(struct online_vfs *online, struct told *out, const struct settling *s)
{
    const char *new_name = s->new_name ? s->new_name : s->node ? node_name(s->node) : "";
    const char *why = s->attempts ? "; the service did not take it yet"
                      : s->row_id == 0 && !s->is_running
                          ? "; the journal has no room for it, so that "
                            "a crash of the agent would undo it"
                          : "";
    int code = 0;

    if (s->kind == SETTLE_NEW) {
        return false;
    }
    name_change(out->id, online, s, s->row_id != 0);
    out->since_ms = s->since_ms;
    out->attempts = s->attempts;
    code = str_copy(&out->key, s->library ? s->library->key : s->key, NULL);
    code = code < 0  ? code
           : s->path ? str_copy(&out->path, s->path, NULL)
                     : settle_old_path(online, s, &out->path, NULL);
    if (code == 0) {
        code = s->kind == SETTLE_MOVE
                   ? str_format(&out->reason, NULL, "to be renamed to '%s'%s", new_name, why)
                   : str_format(&out->reason, NULL, "to be deleted%s", why);
    }
    return code == 0;
}

static void told_clear(struct told *told)
{
    free(told->key);
    free(told->path);
    free(told->reason);
}

void settle_visit(struct online_vfs *online, online_vfs_upload_fn visit, void *payload)
{
    struct told *told = NULL;
    size_t count = 0;

    mutex_lock(&online->lock);
    told = online->settling_count ? calloc(online->settling_count, sizeof(*told)) : NULL;
    for (const struct settling *s = online->settling; told && s; s = s->next) {
        if (copy_one(online, &told[count], s)) {
            count++;
        } else {
            told_clear(&told[count]);
            told[count] = (struct told){0};
        }
    }
    mutex_unlock(&online->lock);
    for (size_t i = 0; i < count; i++) {
        struct online_vfs_upload upload = {
            .id = told[i].id,
            .key = told[i].key,
            .path = told[i].path,
            .spool_file = "",
            .since_ms = told[i].since_ms,
            .state = UPLOAD_SETTLING,
            .attempts = told[i].attempts,
            .reason = told[i].reason,
        };

        visit(payload, &upload);
        told_clear(&told[i]);
    }
    free(told);
}

/* NULL: none is called so. Lock held. */
static struct settling *find(const struct online_vfs *online, const char *id)
{
    struct settling *s = online->settling;

    while (s && !(s->kind != SETTLE_NEW && is_called(online, s, id))) {
        s = s->next;
    }
    return s;
}

/* It is put off and given up as after its first failure, which stays known. Lock held. */
static void try_now(struct online_vfs *online, struct settling *s)
{
    s->due_ms = online_now();
    if (s->attempts > 1 && !s->is_running) {
        s->attempts = 1;
    }
    cond_signal(&online->settle_wake);
}

int settle_try_now(struct online_vfs *online, const char *id, struct error *err)
{
    struct settling *s = NULL;
    int code = 0;

    mutex_lock(&online->lock);
    s = find(online, id);
    if (s && !s->library) {
        code = error_set(
            err, ERR_NOT_PERMITTED,
            "'%s' waits for its library, which is not mapped; it is tried when that is", id);
    } else if (s) {
        try_now(online, s);
        code = 1;
    }
    mutex_unlock(&online->lock);
    return code;
}

unsigned settle_try_failed(struct online_vfs *online)
{
    unsigned count = 0;

    mutex_lock(&online->lock);
    for (struct settling *s = online->settling; s; s = s->next) {
        if (s->attempts > 0 && s->library) {
            try_now(online, s);
            count++;
        }
    }
    mutex_unlock(&online->lock);
    return count;
}

int settle_discard(struct online_vfs *online, const char *id, struct error *err)
{
    struct settling *s = NULL;
    uint64_t folder = 0;

    mutex_lock(&online->lock);
    s = find(online, id);
    if (s && s->is_running) {
        mutex_unlock(&online->lock);
        return error_set(err, ERR_BUSY, "the server is being told; look again");
    }
    if (s) {
        s->is_running = true;
        mutex_unlock(&online->lock);
        uploads_unshelve(online->uploads, s);
        mutex_lock(&online->lock);
        settle_go_back(online, s);
        settle_unlink(online, s);
        folder = s->folder ? node_id(s->folder) : 0;
    }
    mutex_unlock(&online->lock);
    if (folder) {
        online_tell(online, folder, s->name, 0);
    }
    settle_free(online, s);
    return s != NULL;
}
