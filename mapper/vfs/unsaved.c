/*
 * unsaved.c - the notes beside spool files: one line a fact, values percent-encoded.
 *
 *   mooring-unsaved 1
 *   key ...        library
 *   path ...       below it
 *   item ...       id of the item to replace; empty: a new file
 *   version ...    what the save must find there
 *   since ...      wall clock, ms
 *   reason ...     empty: the save was running
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#include "local.h"
#include "online.h"

#define NOTE_MAX 65536u
#define NOTE_HEAD "mooring-unsaved 1\n"

static int note_path(char **out, const char *spool_path, struct error *err)
{
    size_t stem = strlen(spool_path) - strlen(SPOOL_DATA);

    return str_format(out, err, "%.*s" SPOOL_NOTE, (int)stem, spool_path);
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

static int write_plain(const char *path, const struct buf *buf, struct error *err)
{
    FILE *stream = file_open_stream(path, "w", err);
    bool is_written = false;

    if (!stream) {
        return err ? err->code : ERR_IO;
    }
    is_written = fwrite(buf_text(buf), 1, buf->size, stream) == buf->size;
    if (fclose(stream) != 0 || !is_written) {
        return error_set(err, ERR_IO, "cannot write '%s'", path);
    }
    return 0;
}

int unsaved_write(const char *spool_path, const struct unsaved_note *note, bool is_durable,
                  struct error *err)
{
    struct error local = {0};
    struct buf buf;
    char *path = NULL;
    int code = note_path(&path, spool_path, err);

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
        code = buf_add_format(&buf, err, "since %lld\n", (long long)note->since_ms);
    }
    if (code == 0) {
        /* While the save runs a crash of the agent must find it; only what stays is synced. */
        code = is_durable ? file_write_atomic(path, buf_text(&buf), buf.size, &local)
                          : write_plain(path, &buf, &local);
        if (code < 0 && err) {
            *err = local;
        }
    }
    buf_clear(&buf);
    free(path);
    return code;
}

void unsaved_remove(const char *spool_path)
{
    char *path = NULL;

    if (note_path(&path, spool_path, NULL) == 0) {
        (void)file_remove(path, NULL);
    }
    free(path);
}

/* --- reading --- */

struct parsed {
    char *key;
    char *path;
    char *reason;
    int64_t since_ms;
};

static void parsed_clear(struct parsed *parsed)
{
    free(parsed->key);
    free(parsed->path);
    free(parsed->reason);
}

static int take_line(struct parsed *parsed, const char *name, const char *value, struct error *err)
{
    if (strcmp(name, "key") == 0) {
        return str_percent_decode(&parsed->key, value, err);
    }
    if (strcmp(name, "path") == 0) {
        return str_percent_decode(&parsed->path, value, err);
    }
    if (strcmp(name, "reason") == 0) {
        return str_percent_decode(&parsed->reason, value, err);
    }
    if (strcmp(name, "since") == 0) {
        (void)str_to_int64(value, 0, INT64_MAX, &parsed->since_ms);
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

static void read_note(struct parsed *parsed, const char *path)
{
    struct buf buf;
    char *text = NULL;

    buf_init(&buf, NOTE_MAX);
    if (file_read_all(&buf, path, NULL) == 0 && (text = buf_take(&buf)) != NULL &&
        parse_note(parsed, text, NULL) < 0) {
        parsed_clear(parsed); /* broken: the bytes are named all the same */
        *parsed = (struct parsed){0};
    }
    free(text);
    buf_clear(&buf);
}

struct visit {
    struct online_vfs *online;
    online_vfs_unsaved_fn visit;
    void *payload;
    unsigned count;
};

static void visit_one(void *payload, const char *name)
{
    struct visit *visit = payload;
    struct online_vfs *online = visit->online;
    struct parsed parsed = {0};
    struct online_vfs_unsaved unsaved = {0};
    char *path = NULL;
    char *note = NULL;
    int64_t size = 0;
    bool is_ours = str_starts_with(name, online->spool_tag);
    bool is_running = false;

    if (!str_ends_with(name, SPOOL_DATA) ||
        str_format(&path, NULL, "%s/%s", online->spool_directory, name) < 0) {
        return;
    }
    if (note_path(&note, path, NULL) == 0) {
        read_note(&parsed, note);
    }
    /* Of this agent: open, or being saved right now. */
    is_running = is_ours && (!parsed.reason || !*parsed.reason);
    if (!is_running) {
        (void)file_size(path, &size, NULL);
        unsaved.key = parsed.key ? parsed.key : "";
        unsaved.path = parsed.path ? parsed.path : "";
        unsaved.spool_file = path;
        unsaved.size_bytes = (uint64_t)size;
        unsaved.since_ms = parsed.since_ms;
        unsaved.reason = parsed.reason && *parsed.reason
                             ? parsed.reason
                             : "the agent ended while the file was open or being saved";
        visit->count++;
        if (visit->visit) {
            visit->visit(visit->payload, &unsaved);
        }
    }
    parsed_clear(&parsed);
    free(note);
    free(path);
}

int online_vfs_visit_unsaved(struct online_vfs *online, online_vfs_unsaved_fn visit, void *payload,
                             struct error *err)
{
    struct visit state = {.online = online, .visit = visit, .payload = payload};

    return local_each(online->spool_directory, visit_one, &state, err);
}

unsigned unsaved_count(struct online_vfs *online)
{
    struct visit state = {.online = online};

    (void)local_each(online->spool_directory, visit_one, &state, NULL);
    return state.count;
}
