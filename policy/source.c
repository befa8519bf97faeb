#include "source.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_SHOWN = 64, RAW_ENTRY_LIMIT = 100000 };

void warnings_begin_file(struct warnings *warnings)
{
    warnings->first = warnings->count;
    warnings->in_file = 0;
    warnings->hidden = 0;
}

bool warnings_has_room(const struct warnings *warnings)
{
    return warnings->in_file < WARNINGS_PER_FILE;
}

/* The start of a text, made printable, on one line. */
static int copy_shown(char **out, const char *text, size_t limit, struct error *err)
{
    char *start = NULL;
    size_t length = strlen(text);
    int code;

    if (length > limit) {
        length = limit;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) {
            length--;
        }
    }
    code = str_format(&start, err, "%.*s%s", (int)length, text, text[length] ? "..." : "");
    if (code == 0) {
        code = setting_display(out, NULL, start, err);
    }
    for (char *c = *out; code == 0 && *c; c++) {
        *c = *c == '\n' ? ' ' : *c;
    }
    str_free(&start);
    return code;
}

static int fill_warning(struct policy_warning *warning, const char *file, const char *key,
                        const char *message, struct error *err)
{
    int code = str_copy(&warning->file, file, err);

    if (code == 0 && key) {
        code = copy_shown(&warning->key, key, KEY_SHOWN, err);
    }
    return code < 0 ? code : copy_shown(&warning->message, message, 1024, err);
}

static void warning_clear(struct policy_warning *warning)
{
    str_free(&warning->file);
    str_free(&warning->key);
    str_free(&warning->message);
}

static int reserve(struct warnings *warnings, struct error *err)
{
    size_t capacity = warnings->capacity ? 2 * warnings->capacity : 16;
    struct policy_warning *items;

    if (warnings->count < warnings->capacity) {
        return 0;
    }
    items = realloc(warnings->items, capacity * sizeof(*items));
    if (!items) {
        return error_set(err, ERR_NO_MEMORY, "no memory for %zu warnings", capacity);
    }
    warnings->items = items;
    warnings->capacity = capacity;
    return 0;
}

int warnings_add(struct warnings *warnings, enum policy_severity severity, const char *file,
                 int line, const char *key, struct error *err, const char *fmt, ...)
{
    struct policy_warning warning = {.severity = severity, .line = line};
    char message[1024];
    va_list args;
    int code;

    if (severity == POLICY_WARNING && warnings->in_file++ >= WARNINGS_PER_FILE) {
        warnings->hidden++;
        return 0;
    }
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    code = reserve(warnings, err);
    if (code == 0) {
        code = fill_warning(&warning, file, key, message, err);
    }
    if (code < 0) {
        warning_clear(&warning);
        return code;
    }
    warnings->items[warnings->count++] = warning;
    return 0;
}

/* By line, those of one line as they came: the reader's stand before the judge's otherwise. Few
 * (WARNINGS_PER_FILE), so insertion will do. */
static void sort_by_line(struct policy_warning *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct policy_warning moved = items[i];
        size_t at = i;

        for (; at > 0 && items[at - 1].line > moved.line; at--) {
            items[at] = items[at - 1];
        }
        items[at] = moved;
    }
}

int warnings_end_file(struct warnings *warnings, const char *file, struct error *err)
{
    size_t hidden = warnings->hidden;

    if (warnings->count > warnings->first) {
        sort_by_line(warnings->items + warnings->first, warnings->count - warnings->first);
    }
    warnings_begin_file(warnings);
    return hidden == 0 ? 0
                       : warnings_add(warnings, POLICY_WARNING, file, 0, NULL, err,
                                      "%zu more warnings about this file are not shown", hidden);
}

void warnings_clear(struct warnings *warnings)
{
    for (size_t i = 0; i < warnings->count; i++) {
        warning_clear(&warnings->items[i]);
    }
    free(warnings->items);
    *warnings = (struct warnings){0};
}

int source_init(struct source *source, enum policy_layer layer, const char *file, struct error *err)
{
    *source = (struct source){.layer = layer, .file = file};
    source->values = calloc(schema_count(), sizeof(*source->values));
    return source->values ? 0 : error_set(err, ERR_NO_MEMORY, "no memory for the policy");
}

void raw_value_clear(struct raw_value *value)
{
    for (size_t i = 0; i < value->entry_count; i++) {
        str_free(&value->entries[i].text);
    }
    free(value->entries);
    str_free(&value->text);
    *value = (struct raw_value){0};
}

void source_clear(struct source *source)
{
    for (size_t i = 0; source->values && i < schema_count(); i++) {
        raw_value_clear(&source->values[i]);
    }
    free(source->values);
    source->values = NULL;
}

struct raw_value *source_value(struct source *source, const struct setting *row)
{
    return &source->values[schema_index(row)];
}

int source_warn_unknown(const struct source *source, const char *key, int line,
                        struct warnings *warnings, struct error *err)
{
    const struct setting *nearest = warnings_has_room(warnings) ? schema_find_nearest(key) : NULL;

    if (nearest) {
        return warnings_add(warnings, POLICY_WARNING, source->file, line, key, err,
                            "there is no setting of this name; did you mean %s?", nearest->name);
    }
    return warnings_add(warnings, POLICY_WARNING, source->file, line, key, err,
                        "there is no setting of this name");
}

int source_key(struct raw_value **out, struct source *source, const char *key, int line,
               struct warnings *warnings, struct error *err)
{
    const struct setting *row = schema_find(key);
    struct raw_value *value;

    *out = NULL;
    if (!row) {
        return source_warn_unknown(source, key, line, warnings, err);
    }
    value = source_value(source, row);
    if (value->kind != RAW_ABSENT) {
        int code = warnings_add(warnings, POLICY_WARNING, source->file, line, key, err,
                                "already set in line %d; this one, the last, counts", value->line);

        if (code < 0) {
            return code;
        }
    }
    raw_value_clear(value);
    value->line = line;
    *out = value;
    return 0;
}

int raw_value_add(struct raw_value *value, enum raw_kind kind, int line, const char *text,
                  struct error *err)
{
    struct raw_entry entry = {.kind = kind, .line = line};
    int code;

    if (value->entry_count >= RAW_ENTRY_LIMIT) {
        return error_set(err, ERR_LIMIT, "more than %d entries", RAW_ENTRY_LIMIT);
    }
    if (value->entry_count == value->entry_capacity) {
        size_t capacity = value->entry_capacity ? 2 * value->entry_capacity : 8;
        struct raw_entry *entries = realloc(value->entries, capacity * sizeof(*entries));

        if (!entries) {
            return error_set(err, ERR_NO_MEMORY, "no memory for %zu entries", capacity);
        }
        value->entries = entries;
        value->entry_capacity = capacity;
    }
    code = str_copy(&entry.text, text, err);
    if (code == 0) {
        value->entries[value->entry_count++] = entry;
    }
    return code;
}

void policy_value_clear(struct policy_value *value)
{
    str_free(&value->text);
    str_free(&value->written);
    str_list_clear(&value->entries);
    *value = (struct policy_value){0};
}
