/*
 * unsaved.c - the notes beside spool files: one line a fact, values percent-encoded.
 *
 *   mooring-unsaved 1
 *   key ...        library
 *   path ...       below it
 *   item ...       id of the item to replace; empty: a new file
 *   version ...    what the save must find there
 *   since ...      wall clock, ms
 *   reason ...     empty: it was open or being saved
 *   base ...       with an empty reason: so many bytes of the old version may not be there
 *
 * The note is there before the bytes are promised anything, is replaced whole or not at all, and
 * becomes a ".saved" once they are on the server, until the file is closed. So what an agent leaves
 * that was killed is told apart: with a note, or with nothing at all (no room for one), it is
 * unsaved; with a ".saved" it is not, and the next agent removes it.
 *
 * A note that is no longer needed becomes the next one (spares.h).
 */
#include "unsaved.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#include "body.h"
#include "local.h"
#include "online.h"
#include "spares.h"
#include "uploads.h"

#define NOTE_MAX 65536u
#define NOTE_HEAD "mooring-unsaved 1\n"

static int beside(char **out, const char *spool_path, const char *ending, struct error *err)
{
    size_t stem = strlen(spool_path) - strlen(SPOOL_DATA);

    return str_format(out, err, "%.*s%s", (int)stem, spool_path, ending);
}

static void remove_beside(struct online_vfs *online, const char *spool_path, const char *ending)
{
    char *path = NULL;

    if (beside(&path, spool_path, ending, NULL) == 0) {
        spares_give(online->spares, path);
    }
    free(path);
}

static bool has_beside(const char *spool_path, const char *ending)
{
    char *path = NULL;
    bool has = beside(&path, spool_path, ending, NULL) == 0 && file_exists(path);

    free(path);
    return has;
}

static int add_line(struct buf *buf, const char *name, const char *value, struct error *err)
{
    char *encoded = NULL;
    int code = str_percent_encode(&encoded, value, true, err);

    if (code == 0) {
        code = buf_add_format(buf, err, "%s %s\n", name, encoded);
    }
    free(encoded);
    return code;
}

/* Whole or not at all, but not synced: a crash of the agent must find it, and only what stays has
 * to outlive more than that. */
static int write_plain(struct online_vfs *online, const char *path, const struct buf *buf,
                       struct error *err)
{
    struct local_file *file = NULL;
    char *temporary = NULL;
    bool is_spare = false;
    int code = str_format(&temporary, err, "%s.new", path);

    if (code == 0) {
        is_spare = spares_take(online->spares, temporary);
        code = is_spare ? 0 : file_remove(temporary, err); /* of one that was killed meanwhile */
    }
    if (code == 0) {
        code = local_open(&file, temporary, !is_spare, err);
    }
    if (code == 0) {
        code = local_write(file, buf_text(buf), buf->size, 0, err);
    }
    if (code == 0 && is_spare) {
        code = local_truncate(file, buf->size, err);
    }
    local_close(file);
    if (code == 0) {
        code = local_move(temporary, path, err);
    }
    if (code < 0 && (file || is_spare)) {
        (void)file_remove(temporary, NULL);
    }
    free(temporary);
    return code;
}

/* No room for a second file: over the one that is there, whose block is ours already. */
static int write_over(const char *path, const struct buf *buf, struct error *err)
{
    struct local_file *file = NULL;
    int code = local_open(&file, path, false, err);

    if (code == 0) {
        code = local_write(file, buf_text(buf), buf->size, 0, err);
    }
    if (code == 0) {
        code = local_truncate(file, buf->size, err);
    }
    local_close(file);
    return code;
}

int unsaved_write(struct online_vfs *online, const char *spool_path,
                  const struct unsaved_note *note, bool is_durable, struct error *err)
{
    struct error local = {0};
    struct buf buf;
    char *path = NULL;
    int code = beside(&path, spool_path, SPOOL_NOTE, err);

    remove_beside(online, spool_path, SPOOL_SAVED); /* before all else: it would disown the bytes */
    buf_init(&buf, NOTE_MAX);
    if (code == 0) {
        code = buf_add_text(&buf, NOTE_HEAD, err);
    }
    const struct {
        const char *name;
        const char *value;
    } lines[] = {{"key", note->key},
                 {"path", note->path},
                 {"item", note->item_id},
                 {"version", note->version},
                 {"reason", note->reason}};

    for (size_t i = 0; code == 0 && i < sizeof(lines) / sizeof(lines[0]); i++) {
        code = add_line(&buf, lines[i].name, lines[i].value, err);
    }
    if (code == 0) {
        code = buf_add_format(&buf, err, "since %lld\nbase %llu\n", (long long)note->since_ms,
                              (unsigned long long)note->base_limit);
    }
    if (code == 0) {
        code = is_durable ? file_write_atomic(path, buf_text(&buf), buf.size, &local)
                          : write_plain(online, path, &buf, &local);
        if (code < 0 && write_over(path, &buf, NULL) == 0) {
            code = 0;
        }
        if (code < 0 && err) {
            *err = local;
        }
    }
    buf_clear(&buf);
    free(path);
    return code;
}

void unsaved_saved(struct online_vfs *online, const char *spool_path)
{
    char *note = NULL;
    char *saved = NULL;

    if (beside(&note, spool_path, SPOOL_NOTE, NULL) == 0 &&
        beside(&saved, spool_path, SPOOL_SAVED, NULL) == 0 && local_move(note, saved, NULL) < 0) {
        struct local_file *mark = NULL;

        (void)file_remove(note, NULL);
        /* it was in the journal, without a note */
        if (!spares_take(online->spares, saved) && local_open(&mark, saved, true, NULL) == 0) {
            local_close(mark);
        }
    }
    free(note);
    free(saved);
}

bool unsaved_has_note(const char *spool_path)
{
    return has_beside(spool_path, SPOOL_NOTE);
}

void unsaved_remove(struct online_vfs *online, const char *spool_path)
{
    remove_beside(online, spool_path, SPOOL_NOTE);
    remove_beside(online, spool_path, SPOOL_SAVED);
}

/* --- reading --- */

struct parsed {
    char *key;
    char *path;
    char *reason;
    int64_t since_ms;
    int64_t base_limit;
};

static void parsed_clear(struct parsed *parsed)
{
    free(parsed->key);
    free(parsed->path);
    free(parsed->reason);
    *parsed = (struct parsed){0};
}

static int take_text(char **out, const char *value, struct error *err)
{
    free(*out); /* a line that stands there twice: the last one counts */
    *out = NULL;
    return str_percent_decode(out, value, err);
}

static int take_line(struct parsed *parsed, const char *name, const char *value, struct error *err)
{
    if (strcmp(name, "key") == 0) {
        return take_text(&parsed->key, value, err);
    }
    if (strcmp(name, "path") == 0) {
        return take_text(&parsed->path, value, err);
    }
    if (strcmp(name, "reason") == 0) {
        return take_text(&parsed->reason, value, err);
    }
    if (strcmp(name, "since") == 0) {
        (void)str_to_int64(value, 0, INT64_MAX, &parsed->since_ms);
    }
    if (strcmp(name, "base") == 0) {
        (void)str_to_int64(value, 0, INT64_MAX, &parsed->base_limit);
    }
    return 0;
}

static int parse_note(struct parsed *parsed, char *text, struct error *err)
{
    int code = 0;

    if (!str_starts_with(text, NOTE_HEAD)) {
        return error_set(err, ERR_PROTOCOL, "not a note of an unsaved file");
    }
    text += strlen(NOTE_HEAD);
    while (code == 0 && *text) {
        char *end = strchr(text, '\n');
        char *value = NULL;

        if (end) {
            *end = '\0';
        }
        value = strchr(text, ' ');
        if (value) {
            *value = '\0';
            code = take_line(parsed, text, value + 1, err);
        }
        text = end ? end + 1 : text + strlen(text);
    }
    return code;
}

/* A broken note says nothing: the bytes are named all the same. */
static void read_note(struct parsed *parsed, const char *spool_path)
{
    struct buf buf;
    char *path = NULL;
    char *text = NULL;

    buf_init(&buf, NOTE_MAX);
    if (beside(&path, spool_path, SPOOL_NOTE, NULL) == 0 && file_read_all(&buf, path, NULL) == 0 &&
        (text = buf_take(&buf)) != NULL && parse_note(parsed, text, NULL) < 0) {
        parsed_clear(parsed);
    }
    free(text);
    free(path);
    buf_clear(&buf);
}

/* Of a file that is open here: true, and why its last save failed (NULL: none did). */
static bool is_open(struct online_vfs *online, const char *spool_path, char **failure)
{
    const struct body *draft = NULL;

    mutex_lock(&online->spool_lock);
    draft = online->drafts;
    while (draft && strcmp(draft->spool_path, spool_path) != 0) {
        draft = draft->next_draft;
    }
    if (draft && draft->failure) {
        (void)str_copy(failure, draft->failure, NULL);
    }
    mutex_unlock(&online->spool_lock);
    return draft != NULL;
}

bool unsaved_is_open(struct online_vfs *online, const char *spool_path)
{
    char *failure = NULL;
    bool is = is_open(online, spool_path, &failure);

    free(failure);
    return is;
}

struct visit {
    struct online_vfs *online;
    online_vfs_unsaved_fn visit;
    void *payload;
    unsigned count;
};

/* No note gives a reason: what then? */
static int guess_reason(char **out, const struct parsed *parsed, bool is_ours)
{
    if (is_ours) {
        return str_copy(out, "it could not be saved, and there was no room to note why", NULL);
    }
    if (parsed->base_limit > 0) {
        return str_format(out, NULL,
                          "the agent ended while the file was open; what the program had not "
                          "written of its first %lld bytes may be zeros here",
                          (long long)parsed->base_limit);
    }
    return str_copy(out, "the agent ended while the file was open or being saved", NULL);
}

static void tell(struct visit *visit, const char *path, const struct parsed *parsed,
                 const char *reason)
{
    struct online_vfs_unsaved unsaved = {
        .key = parsed->key ? parsed->key : "",
        .path = parsed->path ? parsed->path : "",
        .spool_file = path,
        .since_ms = parsed->since_ms,
        .reason = reason ? reason : "it could not be saved",
    };
    int64_t size = 0;

    if (file_size(path, &size, NULL) < 0 && !file_exists(path)) {
        return; /* saved and gone since the folder was read */
    }
    unsaved.size_bytes = (uint64_t)size;
    visit->count++;
    if (visit->visit) {
        visit->visit(visit->payload, &unsaved);
    }
}

static void visit_one(void *payload, const char *name)
{
    struct visit *visit = payload;
    struct online_vfs *online = visit->online;
    struct parsed parsed = {0};
    char *reason = NULL;
    char *path = NULL;
    bool is_ours = str_starts_with(name, online->spool_tag);
    bool is_draft = false;

    if (!str_ends_with(name, SPOOL_DATA) ||
        str_format(&path, NULL, "%s/%s", online->spool_directory, name) < 0) {
        return;
    }
    if (uploads_know(online->uploads, name)) { /* on its way, or told by its row */
        free(path);
        return;
    }
    is_draft = is_ours && is_open(online, path, &reason);
    if ((is_draft && !reason) ||
        (!is_draft && has_beside(path, SPOOL_SAVED) && !has_beside(path, SPOOL_NOTE))) {
        free(path);
        return;
    }
    read_note(&parsed, path);
    if (!reason && parsed.reason && *parsed.reason) {
        reason = parsed.reason;
        parsed.reason = NULL;
    }
    if (!reason) {
        (void)guess_reason(&reason, &parsed, is_ours);
    }
    tell(visit, path, &parsed, reason);
    parsed_clear(&parsed);
    free(reason);
    free(path);
}

int online_vfs_visit_unsaved(struct online_vfs *online, online_vfs_unsaved_fn visit, void *payload,
                             struct error *err)
{
    struct visit state = {.online = online, .visit = visit, .payload = payload};

    int code = local_each(online->spool_directory, visit_one, &state, err);

    return code < 0 || !visit ? code : uploads_visit_stuck(online->uploads, visit, payload, err);
}

unsigned unsaved_count(struct online_vfs *online)
{
    struct visit state = {.online = online};

    (void)local_each(online->spool_directory, visit_one, &state, NULL);
    return state.count;
}

/* --- removing --- */

static void sweep_one(void *payload, const char *name)
{
    struct online_vfs *online = payload;
    char *path = NULL;

    if (str_starts_with(name, online->spool_tag)) {
        return;
    }
    if (str_ends_with(name, SPARES_ENDING) &&
        str_format(&path, NULL, "%s/%s", online->spool_directory, name) == 0) {
        (void)file_remove(path, NULL);
        free(path);
        return;
    }
    if (!str_ends_with(name, SPOOL_SAVED) ||
        str_format(&path, NULL, "%s/%.*s" SPOOL_DATA, online->spool_directory,
                   (int)(strlen(name) - strlen(SPOOL_SAVED)), name) < 0) {
        return;
    }
    /* A later save may have gone into the same file, behind what the mark speaks of. */
    if (!has_beside(path, SPOOL_NOTE) && !uploads_know(online->uploads, spool_name_of(path))) {
        (void)file_remove(path, NULL);
    }
    remove_beside(online, path, SPOOL_SAVED);
    free(path);
}

void unsaved_sweep(struct online_vfs *online)
{
    bool has_unsaved = false;

    (void)local_each(online->spool_directory, sweep_one, online, NULL);
    has_unsaved = unsaved_count(online) > 0;
    mutex_lock(&online->spool_lock);
    online->has_unsaved = has_unsaved;
    mutex_unlock(&online->spool_lock);
}

#define COMPARE_BYTES 65536u

struct settle {
    const char *key;
    const char *path;
    struct local_file *saved;
    uint64_t size_bytes;
    char *found; /* a spool file with the same bytes; owned */
};

static bool are_equal(struct local_file *a, struct local_file *b, uint64_t size)
{
    char *data = malloc(2u * COMPARE_BYTES);
    bool is_equal = data != NULL;

    for (uint64_t at = 0; is_equal && at < size; at += COMPARE_BYTES) {
        size_t part = size - at < COMPARE_BYTES ? (size_t)(size - at) : COMPARE_BYTES;
        size_t got_a = 0;
        size_t got_b = 0;

        is_equal = local_read(a, data, part, at, &got_a, NULL) == 0 &&
                   local_read(b, data + COMPARE_BYTES, part, at, &got_b, NULL) == 0 &&
                   got_a == part && got_b == part && memcmp(data, data + COMPARE_BYTES, part) == 0;
    }
    free(data);
    return is_equal;
}

static void compare_one(void *payload, const struct online_vfs_unsaved *unsaved)
{
    struct settle *settle = payload;
    struct local_file *file = NULL;

    if (settle->found || unsaved->size_bytes != settle->size_bytes ||
        strcmp(unsaved->key, settle->key) != 0 || strcmp(unsaved->path, settle->path) != 0 ||
        local_open(&file, unsaved->spool_file, false, NULL) < 0) {
        return;
    }
    if (are_equal(settle->saved, file, settle->size_bytes)) {
        (void)str_copy(&settle->found, unsaved->spool_file, NULL);
    }
    local_close(file);
}

void unsaved_settle(struct online_vfs *online, const char *key, const char *path,
                    struct local_file *saved, uint64_t size_bytes)
{
    struct settle settle = {.key = key, .path = path, .saved = saved, .size_bytes = size_bytes};
    char *failure = NULL;
    bool has_unsaved = false;

    mutex_lock(&online->spool_lock);
    has_unsaved = online->has_unsaved;
    mutex_unlock(&online->spool_lock);
    if (!has_unsaved) {
        return;
    }
    (void)online_vfs_visit_unsaved(online, compare_one, &settle, NULL);
    if (settle.found && !is_open(online, settle.found, &failure)) {
        (void)file_remove(settle.found, NULL);
        unsaved_remove(online, settle.found);
    }
    free(failure);
    free(settle.found);
}
