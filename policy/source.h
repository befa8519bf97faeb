/*
 * source.h - what a reader (YAML; the registry and its files) hands to load.c: the values
 * of one source as they were written, not yet judged, and the warnings.
 */
#ifndef POLICY_SOURCE_H
#define POLICY_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "policy/load.h"
#include "policy/schema.h"

/* More warnings than this about one file are counted, not kept. */
enum { WARNINGS_PER_FILE = 100 };

struct warnings {
    struct policy_warning *items;
    size_t count;
    size_t capacity;
    size_t first;   /* of the current file */
    size_t in_file; /* since warnings_begin_file() */
    size_t hidden;  /* of this file, not kept */
};

/* Everything about one file stands between these two; the end puts it in the order of lines. */
void warnings_begin_file(struct warnings *warnings);
int warnings_end_file(struct warnings *warnings, const char *file, struct error *err);

/* Whether one more warning would be kept: no need to work on its text otherwise. */
bool warnings_has_room(const struct warnings *warnings);

/* `key` and the text are made printable. Fails only without memory. */
int warnings_add(struct warnings *warnings, enum policy_severity severity, const char *file,
                 int line, const char *key, struct error *err, const char *fmt, ...)
    PRINTF_LIKE(7, 8);
void warnings_clear(struct warnings *warnings);

enum raw_kind {
    RAW_ABSENT,     /* the source does not name the setting */
    RAW_NULL,       /* named without a value */
    RAW_PLAIN,      /* text without quotes */
    RAW_QUOTED,     /* text in quotes, or a block */
    RAW_LIST,       /* entries */
    RAW_MAPPING,    /* a nested mapping */
    RAW_ALIAS,      /* *name */
    RAW_UNREADABLE, /* holds a NUL */
    RAW_REPORTED    /* cannot be used, and the reader has warned about it */
};

struct raw_entry {
    enum raw_kind kind; /* RAW_LIST: a list inside the list */
    int line;
    char *text; /* RAW_PLAIN and RAW_QUOTED only */
};

struct raw_value {
    enum raw_kind kind;
    int line;   /* of the key */
    char *text; /* RAW_PLAIN and RAW_QUOTED only */
    struct raw_entry *entries;
    size_t entry_count;
    size_t entry_capacity;
};

struct source {
    enum policy_layer layer;
    const char *file;         /* borrowed from the policy */
    struct raw_value *values; /* one per row of the schema, in its order */
};

int source_init(struct source *source, enum policy_layer layer, const char *file,
                struct error *err);
void source_clear(struct source *source);

/* The place for the value of a setting; RAW_ABSENT when nothing has been put there. */
struct raw_value *source_value(struct source *source, const struct setting *row);
void raw_value_clear(struct raw_value *value);

/* Warns that there is no setting (or list) `key`, naming the nearest. */
int source_warn_unknown(const struct source *source, const char *key, int line,
                        struct warnings *warnings, struct error *err);

/* The place for the value of `key`, emptied; *out NULL when there is no such setting, which is
 * warned about like a key that was there before. */
int source_key(struct raw_value **out, struct source *source, const char *key, int line,
               struct warnings *warnings, struct error *err);

/* Adds an entry to a RAW_LIST; `text` is copied. ERR_LIMIT when there are too many. */
int raw_value_add(struct raw_value *value, enum raw_kind kind, int line, const char *text,
                  struct error *err);

/* Judges one value. *is_valid false: nothing in *out, and a warning says why. Variables of paths
 * come from `sources`. The caller frees what *out owns. */
int raw_value_judge(struct policy_value *out, bool *is_valid, const struct setting *row,
                    const struct raw_value *value, const struct source *source,
                    const struct policy_sources *sources, struct warnings *warnings,
                    struct error *err);

void policy_value_clear(struct policy_value *value);

#endif
