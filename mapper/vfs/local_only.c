#include "local_only.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "body.h"
#include "local.h"
#include "online.h"
#include "unsaved.h"
#include "uploads.h"

#define PATTERNS_MAX 1000u

/* Who works on a file, and what to do after a crash: of no use on another machine. */
static const char *const locks[] = {
    "~$*",        /* Office: owner files; the service refuses the name, too */
    ".~lock.*#",  /* LibreOffice */
    "*.dwl",      /* AutoCAD */
    "*.dwl2",     /*   and who, in detail */
    "~*.idlk",    /* InDesign */
    ".*.sw[a-z]", /* Vim: what is not saved yet */
    "4913",       /* Vim: may files be made here? */
};

/* The same, and what systems write into every folder they show: nobody misses it. */
static const char *const worthless[] = {"Thumbs.db", "desktop.ini", ".DS_Store", "._*"};

/* Made by a library on the way to a rename: never a user's own. */
static const char *const stages[] = {
    ".goutputstream-??????", /* GLib */
    "*.sb-????????"
    "-??????", /* Apple's frameworks */
};

static bool matches_any(const char *const *patterns, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_glob_match(patterns[i], name)) {
            return true;
        }
    }
    return false;
}

#define MATCHES(patterns, name) matches_any(patterns, sizeof(patterns) / sizeof(*(patterns)), name)

int local_only_configure(struct online_vfs *online, const struct str_list *patterns,
                         struct error *err)
{
    struct str_list list = {.limit = PATTERNS_MAX};
    struct str_list old = {0};
    int code = 0;

    for (size_t i = 0; code == 0 && patterns && i < patterns->count; i++) {
        code = str_list_add(&list, patterns->items[i], err);
    }
    if (code < 0) {
        str_list_clear(&list);
        return code;
    }
    mutex_lock(&online->lock);
    old = online->local_only;
    online->local_only = list;
    mutex_unlock(&online->lock);
    str_list_clear(&old);
    return 0;
}

void local_only_clear(struct online_vfs *online)
{
    str_list_clear(&online->local_only);
}

bool local_only_matches(const struct online_vfs *online, const char *name)
{
    const struct str_list *list = &online->local_only;

    return MATCHES(locks, name) || MATCHES(stages, name) ||
           matches_any((const char *const *)list->items, list->count, name);
}

bool local_only_is_worthless(const char *name)
{
    return MATCHES(locks, name) || MATCHES(worthless, name);
}

/* --- names that are only meant for a while --- */

static bool is_hex(const char *name, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!isxdigit((unsigned char)name[i])) {
            return false;
        }
    }
    return true;
}

/* rsync: a dot, the name, a dot and six random characters. */
static bool is_rsync(const char *name)
{
    const char *dot = strrchr(name, '.');

    if (name[0] != '.' || !dot || dot == name || strlen(dot) != 7) {
        return false;
    }
    for (const char *at = dot + 1; *at; at++) {
        if (!isalnum((unsigned char)*at)) {
            return false;
        }
    }
    return true;
}

bool name_is_temporary(const char *name)
{
    static const char *const patterns[] = {
        "*~", "*.tmp", "*.temp", "*.part", "*.sv$", "*.ac$", "atmp*", "sed??????",
    };

    return (strlen(name) == 8 && is_hex(name, 8)) || is_rsync(name) || MATCHES(patterns, name);
}

bool name_is_backup(const char *name)
{
    static const char *const patterns[] = {"*.bak", "*.wbk", "*.xlk", "*.old", "*.orig", "*~"};

    return MATCHES(patterns, name);
}

/* --- keeping them --- */

int local_only_reserve(struct online_vfs *online, struct error *err)
{
    if (online->local_only_count >= LOCAL_ONLY_MAX) {
        return error_set(err, ERR_LIMIT, "programs made too many scratch files, %u",
                         LOCAL_ONLY_MAX);
    }
    online->local_only_count++;
    return 0;
}

void local_only_release(struct online_vfs *online)
{
    online->local_only_count--;
}

void local_only_keep_reserved(struct online_vfs *online, struct body *body)
{
    if (body->is_local_only) {
        local_only_release(online);
        return;
    }
    body->refs++;
    body->next_local = online->local_bodies;
    online->local_bodies = body;
    mutex_lock(&body->lock);
    body->is_local_only = true;
    mutex_unlock(&body->lock);
}

int local_only_keep(struct online_vfs *online, struct body *body, struct error *err)
{
    int code = body->is_local_only ? 0 : local_only_reserve(online, err);

    if (code == 0 && !body->is_local_only) {
        local_only_keep_reserved(online, body);
    }
    return code;
}

bool local_only_leave(struct online_vfs *online, struct body *body)
{
    struct body **at = &online->local_bodies;

    while (*at && *at != body) {
        at = &(*at)->next_local;
    }
    if (!*at) {
        return false;
    }
    *at = body->next_local;
    body->next_local = NULL;
    local_only_release(online);
    mutex_lock(&body->lock);
    body->is_local_only = false;
    mutex_unlock(&body->lock);
    return true;
}

static bool is_worth_keeping(struct online_vfs *online, struct body *body)
{
    bool is_worthless = false;

    mutex_lock(&online->lock);
    is_worthless = local_only_is_worthless(node_name(body->node));
    mutex_unlock(&online->lock);
    return !is_worthless && body->is_dirty && body->size_bytes > 0;
}

/* The note says why the bytes are still here: nothing failed. */
static void note_what_stays(struct online_vfs *online, struct body *body)
{
    struct unsaved_note unsaved = {
        .key = body->library->key,
        .item_id = "",
        .version = "",
        .reason = "a scratch file stays on this machine (LocalOnlyPatterns) until its program "
                  "gives it another name, which it did not",
        .since_ms = clock_wall_ms(clock_system()),
    };
    struct error error = {0};
    char *path = NULL;

    mutex_lock(&online->lock);
    (void)node_path(online, body->node, &path, NULL);
    mutex_unlock(&online->lock);
    unsaved.path = path ? path : body->path;
    if (unsaved_write(online, body->spool_path, &unsaved, true, &error) < 0) {
        log_error(LOG_VFS, &error, "the note of a scratch file could not be written");
    }
    free(path);
}

void local_only_end(struct online_vfs *online)
{
    struct body *body = NULL;

    mutex_lock(&online->lock);
    while ((body = online->local_bodies) != NULL) {
        (void)local_only_leave(online, body);
        mutex_unlock(&online->lock);
        if (is_worth_keeping(online, body)) {
            note_what_stays(online, body);
        } else {
            mutex_lock(&body->lock);
            body->is_removed = true;
            mutex_unlock(&body->lock);
        }
        body_put(body);
        mutex_lock(&online->lock);
    }
    mutex_unlock(&online->lock);
}

static void sweep_one(void *payload, const struct online_vfs_unsaved *unsaved)
{
    struct online_vfs *online = payload;
    const char *slash = strrchr(unsaved->path, '/');
    const char *name = slash ? slash + 1 : unsaved->path;

    if (uploads_know(online->uploads, spool_name_of(unsaved->spool_file))) {
        return; /* it had another name then, or there was another policy */
    }
    if (*name && (local_only_is_worthless(name) ||
                  (unsaved->size_bytes == 0 && local_only_matches(online, name)))) {
        (void)file_remove(unsaved->spool_file, NULL);
        unsaved_remove(online, unsaved->spool_file);
    }
}

void local_only_sweep(struct online_vfs *online)
{
    struct error error = {0};

    if (online_vfs_visit_unsaved(online, sweep_one, online, &error) < 0) {
        log_error(LOG_VFS, &error, "the spool could not be looked through");
    }
}
