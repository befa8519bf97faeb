/*
 * schema.h - the table of settings: the only list of them that exists.
 *
 * The readers, validation, `mooring policy`, the ADMX and the documentation all walk it. Names are
 * permanent: YAML key = registry value = ADMX policy name. To add a setting: a field in struct
 * settings, a row in schema/<category>.c, a line in tests/data/policy/settings.txt; run ctest.
 *
 * The rows are constant; everything here may be called from any thread.
 */
#ifndef POLICY_SCHEMA_H
#define POLICY_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct settings;

enum setting_type {
    SETTING_SWITCH, /* bool */
    SETTING_INT,    /* int64_t in [min, max] */
    SETTING_TEXT,   /* char *, never NULL */
    SETTING_LIST,   /* struct str_list */
    SETTING_ENUM    /* an int-sized enum, by position in `choices` */
};

enum setting_flags {
    SETTING_MACHINE = 1 << 0,   /* the machine's sources may set it */
    SETTING_USER = 1 << 1,      /* the user's sources may set it */
    SETTING_SECRET = 1 << 2,    /* may hold a password: show it with setting_display() only */
    SETTING_PLANNED = 1 << 3,   /* its feature is not built: accepted, no effect, not in the ADMX */
    SETTING_PATH = 1 << 4,      /* text: variables are expanded, must end up absolute */
    SETTING_NOT_EMPTY = 1 << 5, /* text: "" is a bad value */
    SETTING_LINUX = 1 << 6,     /* means something on Linux only: not in the ADMX */
    SETTING_WINDOWS = 1 << 7,   /* means something on Windows only */
    SETTING_RESTRICTS = 1 << 8  /* list: a bad entry is reported but kept, to not allow more */
};

struct setting {
    const char *name;
    enum setting_type type;
    unsigned flags;
    size_t offset; /* of its field in struct settings */

    /* Read by the same parser as what an administrator writes. Lists: one entry a line. */
    const char *default_text;
    const char *default_windows; /* where Windows differs (paths); else NULL */

    int64_t min, max; /* SETTING_INT, both included */
    const char *unit; /* "MB", "minutes"; NULL: a bare number */
    const char *unit_de;

    const char *const *choices; /* SETTING_ENUM: names in order, NULL at the end */

    /* SETTING_ENUM: one for each of `choices`, in its order: what it means, as it stands in a
     * drop-down list. */
    const char *const *labels;
    const char *const *labels_de;

    /* SETTING_TEXT: all texts that it can be, when these are few, NULL at the end; else NULL. The
     * Group Policy editor offers them in a drop-down list. */
    const char *const *picks;

    /* What ADMX "Disabled" writes; NULL stands for the rule of its type: setting_disabled_text().
     */
    const char *off_text;

    /* Optional: whether `text` (TEXT, or one entry of a LIST) has the right form. Not asked about
     * "" and "-". ERR_INVALID with a clause that goes after "the value ": "is not a GUID". */
    int (*check)(const char *text, struct error *err);

    /* Optional, TEXT: puts a checked *text in its normal form, on the heap. */
    int (*normalise)(char **text, struct error *err);

    const char *category; /* Account, Mappings, Transport, Files, Network, Diagnostics */
    const char *title;
    const char *title_de;

    /* What it does and why one would change it, in whole sentences; paragraphs stand apart by an
     * empty line. Default, range, unit, what "Disabled" does and the registry value are not said
     * here: admx/ writes them from the fields of the row. Where "not configured" means more than
     * the default says, that is said here. */
    const char *help;
    const char *help_de;
    const char *example; /* a value as the administrator writes it; lists: one entry a line */

    const char *konnekt;    /* the KONNEKT policy an administrator would bring along, or NULL */
    const char *since;      /* version of Mooring */
    const char *renamed_to; /* an old name stays as a row; NULL for a name in use */
};

struct setting_category {
    const char *name; /* permanent, as `category` of the rows */
    const char *title;
    const char *title_de;
    const char *help; /* one or two sentences */
    const char *help_de;
};

/* In the order in which they are shown; NULL past the last. */
const struct setting_category *schema_category_at(size_t index);

/* Rows stand in the order they are documented and shown: by category. */
size_t schema_count(void);
const struct setting *schema_at(size_t index);

/* The place of a row in the table: the `index` of schema_at(). */
size_t schema_index(const struct setting *row);

/* By exact name; NULL when there is none. */
const struct setting *schema_find(const char *name);

/* The row somebody who wrote `name` may have meant: same name in other case, or a few letters
 * apart. NULL when nothing is near. */
const struct setting *schema_find_nearest(const char *name);

/* One value in the form of its type, before it has a place in a struct settings. */
struct setting_value {
    bool is_on;              /* SWITCH */
    int64_t number;          /* INT; ENUM: position */
    char *text;              /* TEXT, owned */
    struct str_list entries; /* LIST, owned */
};

/* Looks up a variable for paths ($HOME, %LOCALAPPDATA%); NULL when it has no value. */
typedef const char *(*setting_variable_fn)(const char *name, void *payload);

/* Reads `text` as a value of `row` (LIST: one entry a line), checks it and puts it in its normal
 * form ("h" becomes "H:"). `variable` NULL leaves paths unexpanded. ERR_INVALID with a clause that
 * goes after "the value ": "is not a number". *out must be zeroed, and is cleared by the caller
 * with setting_value_clear() whatever the result. */
int setting_parse(struct setting_value *out, const struct setting *row, const char *text,
                  setting_variable_fn variable, void *payload, struct error *err);

/* The same for a single entry of a LIST: checks, and adds it to out->entries. */
int setting_parse_entry(struct setting_value *out, const struct setting *row, const char *text,
                        struct error *err);

void setting_value_clear(struct setting_value *value);

/* Moves the value into its field, freeing what was there; `value` is empty after. */
void setting_store(struct settings *settings, const struct setting *row,
                   struct setting_value *value);

/* The value as the administrator would write it in normal form (LIST: one entry a line); *out is
 * the caller's to free. */
int setting_format(char **out, const struct setting *row, const struct setting_value *value,
                   struct error *err);

/* `text` fit to be shown: passwords of a SETTING_SECRET row blanked, control characters replaced.
 * *out is the caller's to free. */
int setting_display(char **out, const struct setting *row, const char *text, struct error *err);

/* The default on this system. Lent, static. */
const char *setting_default_text(const struct setting *row);

/* What "Disabled" in the Group Policy editor writes: a switch false; a list "-"; else off_text, or
 * the default. Lent, static. */
const char *setting_disabled_text(const struct setting *row);

/* "switch", "number", "text", "list", "enum". */
const char *setting_type_name(enum setting_type type);

#endif
