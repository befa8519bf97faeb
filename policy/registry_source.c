#include "registry_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "system.h"

enum { EXPANDED_LIMIT = 64 << 10, VARIABLE_LIMIT = 64 };

/* What all functions here need. */
struct reader {
    struct source *source;
    const struct policy_sources *sources;
    struct warnings *warnings;
};

/* A value of a list, and where it belongs. */
struct entry {
    const struct setting *row;
    size_t row_index;
    bool is_numbered;
    int64_t number;
    const struct registry_value *value;
};

static int warn(const struct reader *reader, const struct registry_value *value,
                const struct setting *row, struct error *err, const char *sentence)
{
    return warnings_add(reader->warnings, POLICY_WARNING, reader->source->file, value->line,
                        row->name, err, "%s", sentence);
}

/* "used, but it is a REG_SZ where a REG_DWORD belongs" */
static int warn_type(const struct reader *reader, const struct registry_value *value,
                     const struct setting *row, const char *wanted, struct error *err)
{
    return warnings_add(reader->warnings, POLICY_WARNING, reader->source->file, value->line,
                        row->name, err, "used, but it is a %s where a %s belongs",
                        registry_type_name(value->type), wanted);
}

static int refuse_type(const struct reader *reader, const struct registry_value *value,
                       const struct setting *row, const char *wanted, struct error *err)
{
    return warnings_add(reader->warnings, POLICY_WARNING, reader->source->file, value->line,
                        row->name, err, "not used: it is a %s where a %s belongs",
                        registry_type_name(value->type), wanted);
}

/* A text that cannot be decoded; nothing without memory. */
static int refuse_text(const struct reader *reader, const struct registry_value *value,
                       const struct setting *row, int why_code, const char *why, struct error *err)
{
    return why_code != ERR_INVALID
               ? error_set(err, why_code, "%s", why)
               : warnings_add(reader->warnings, POLICY_WARNING, reader->source->file, value->line,
                              row->name, err, "not used: the text %s", why);
}

static const struct setting *find_row(const char *name)
{
    for (size_t i = 0; i < schema_count(); i++) {
        if (str_equal_nocase(schema_at(i)->name, name)) {
            return schema_at(i);
        }
    }
    return NULL;
}

/* Reads the name between two '%' at *at, which is on the first; false when there is none. */
static bool read_variable(char name[VARIABLE_LIMIT], const char **at)
{
    const char *end = strchr(*at + 1, '%');
    size_t length = end ? (size_t)(end - *at - 1) : 0;

    if (length == 0 || length >= VARIABLE_LIMIT) {
        return false;
    }
    memcpy(name, *at + 1, length);
    name[length] = '\0';
    *at = end + 1;
    return true;
}

int registry_expand(char **text, setting_variable_fn variable, void *payload, struct error *err)
{
    const char *at = *text;
    struct buf expanded;
    int code = 0;

    buf_init(&expanded, EXPANDED_LIMIT);
    while (code == 0 && *at) {
        char name[VARIABLE_LIMIT];
        const char *after = at;
        const char *value =
            *at == '%' && read_variable(name, &after) ? variable(name, payload) : NULL;

        code = value ? buf_add_text(&expanded, value, err) : buf_add(&expanded, at, 1, err);
        at = value ? after : at + 1;
    }
    if (code == 0) {
        code = str_copy(text, buf_text(&expanded), err);
    }
    buf_clear(&expanded);
    return code == ERR_LIMIT ? 0 : code; /* too long in any case: the judge says so */
}

static bool is_text(uint32_t type)
{
    return type == REGISTRY_SZ || type == REGISTRY_EXPAND_SZ;
}

static int expand(char **text, const struct reader *reader, const struct registry_value *value,
                  struct error *err)
{
    const struct policy_sources *sources = reader->sources;

    return value->type != REGISTRY_EXPAND_SZ
               ? 0
               : registry_expand(text, sources->variable ? sources->variable : system_variable,
                                 sources->payload, err);
}

/* A text, or what can only mean one. *is_usable false: a warning says why. */
static int read_text(char **out, bool *is_usable, const struct reader *reader,
                     const struct registry_value *value, const struct setting *row,
                     struct error *err)
{
    struct str_list texts = {0};
    struct error why = {0};
    uint64_t number;
    int code = 0;

    *is_usable = true;
    if (is_text(value->type)) {
        code = registry_value_text(out, value, &why);
        if (code == 0) {
            return expand(out, reader, value, err);
        }
    } else if (registry_value_number(value, &number)) {
        code = str_format(out, err, "%llu", (unsigned long long)number);
        return code < 0 ? code : warn_type(reader, value, row, "REG_SZ", err);
    } else if (value->type == REGISTRY_MULTI_SZ) {
        code = registry_value_texts(&texts, value, &why);
    }
    if (code == 0 && texts.count == 1) {
        code = str_copy(out, texts.items[0], err);
        if (code == 0) {
            code = warn_type(reader, value, row, "REG_SZ", err);
        }
    } else {
        *is_usable = false;
        code = code < 0 ? refuse_text(reader, value, row, code, why.message, err)
                        : refuse_type(reader, value, row, "REG_SZ", err);
    }
    str_list_clear(&texts);
    return code;
}

/* The words of .reg files and scripts that say what a switch is, besides 0 and 1. */
static const char *switch_text(const char *text)
{
    if (str_equal(text, "1") || str_equal_nocase(text, "true")) {
        return "true";
    }
    return str_equal(text, "0") || str_equal_nocase(text, "false") ? "false" : NULL;
}

/* The name of an enumeration's position, given in digits; NULL when it has none. */
static const char *choice_text(const struct setting *row, const char *digits)
{
    int64_t count = 0;
    int64_t at;

    while (row->choices[count]) {
        count++;
    }
    return str_to_int64(digits, 0, count - 1, &at) ? row->choices[at] : NULL;
}

/* 0 "Auto", 1 "Low" */
static int warn_choice(const struct reader *reader, const struct registry_value *value,
                       const struct setting *row, const char *digits, struct error *err)
{
    struct buf names;
    int code = 0;

    buf_init(&names, 1024);
    for (size_t i = 0; code == 0 && row->choices[i]; i++) {
        code = buf_add_format(&names, err, "%s%zu (%s)", i > 0 ? ", " : "", i, row->choices[i]);
    }
    if (code == 0) {
        code = warnings_add(reader->warnings, POLICY_WARNING, reader->source->file, value->line,
                            row->name, err, "not used: the number %s is not one of %s", digits,
                            buf_text(&names));
    }
    buf_clear(&names);
    return code;
}

/* `digits` is what a number says. *text gets what the judge understands. */
static int take_number(char **text, bool *is_usable, const struct reader *reader,
                       const struct registry_value *value, const struct setting *row,
                       const char *digits, struct error *err)
{
    const char *word = row->type == SETTING_SWITCH ? switch_text(digits)
                       : row->type == SETTING_ENUM ? choice_text(row, digits)
                                                   : digits;

    *is_usable = word != NULL;
    if (word) {
        return str_copy(text, word, err);
    }
    return row->type == SETTING_ENUM
               ? warn_choice(reader, value, row, digits, err)
               : warnings_add(reader->warnings, POLICY_WARNING, reader->source->file, value->line,
                              row->name, err, "not used: the number %s is neither 0 nor 1", digits);
}

/* A number that was written as text: digits, true, or the name of a choice. */
static int take_text_number(char **text, bool *is_usable, const struct reader *reader,
                            const struct registry_value *value, const struct setting *row,
                            struct error *err)
{
    struct error why = {0};
    char *found = NULL;
    const char *word;
    int code = registry_value_text(&found, value, &why);

    *is_usable = code == 0;
    if (code < 0) {
        return refuse_text(reader, value, row, code, why.message, err);
    }
    word = row->type == SETTING_SWITCH ? switch_text(found)
           : row->type == SETTING_ENUM ? choice_text(row, found)
                                       : NULL;
    code = str_copy(text, word ? word : found, err); /* the judge refuses other words */
    if (code == 0) {
        code = warn_type(reader, value, row, "REG_DWORD", err);
    }
    str_free(&found);
    return code;
}

static int read_number(char **text, bool *is_usable, const struct reader *reader,
                       const struct registry_value *value, const struct setting *row,
                       struct error *err)
{
    char *digits = NULL;
    uint64_t number;
    int code;

    *is_usable = false;
    if (is_text(value->type)) {
        return take_text_number(text, is_usable, reader, value, row, err);
    }
    if (!registry_value_number(value, &number)) {
        return refuse_type(reader, value, row, "REG_DWORD", err);
    }
    code = str_format(&digits, err, "%llu", (unsigned long long)number);
    if (code == 0) {
        code = take_number(text, is_usable, reader, value, row, digits, err);
    }
    if (code == 0 && *is_usable && value->type != REGISTRY_DWORD) {
        code = warn_type(reader, value, row, "REG_DWORD", err);
    }
    str_free(&digits);
    return code;
}

static int add_entries(struct raw_value *raw, const struct reader *reader,
                       const struct registry_value *value, const struct setting *row,
                       const struct str_list *texts, struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < texts->count; i++) {
        code = raw_value_add(raw, RAW_PLAIN, value->line, texts->items[i], err);
    }
    return code == ERR_LIMIT ? warn(reader, value, row, err, "not used: the list is too long")
                             : code;
}

/* The entries of a REG_MULTI_SZ. */
static int read_texts(struct raw_value *raw, const struct reader *reader,
                      const struct registry_value *value, const struct setting *row,
                      const char *sentence, struct error *err)
{
    struct str_list texts = {0};
    struct error why = {0};
    int code = registry_value_texts(&texts, value, &why);

    if (code < 0) {
        raw->kind = raw->kind == RAW_LIST ? RAW_LIST : RAW_REPORTED;
        code = refuse_text(reader, value, row, code, why.message, err);
    } else {
        raw->kind = RAW_LIST;
        code = add_entries(raw, reader, value, row, &texts, err);
        if (code == 0) {
            code = warn(reader, value, row, err, sentence);
        }
    }
    str_list_clear(&texts);
    return code;
}

/* A list that stands where a scalar would. */
static int read_list_value(struct raw_value *raw, const struct reader *reader,
                           const struct registry_value *value, const struct setting *row,
                           struct error *err)
{
    bool is_usable = false;
    int code;

    if (value->type == REGISTRY_MULTI_SZ) {
        return read_texts(raw, reader, value, row,
                          "used, but the entries of a list belong in a subkey of this name", err);
    }
    if (is_text(value->type)) {
        code = read_text(&raw->text, &is_usable, reader, value, row, err);
        raw->kind = is_usable ? RAW_PLAIN : RAW_REPORTED; /* the judge says what is wrong with it */
        return code;
    }
    raw->kind = RAW_REPORTED;
    return warn(reader, value, row, err,
                "not used: the entries of a list belong in a subkey of this name");
}

static int read_root_value(const struct reader *reader, const struct registry_value *value,
                           struct error *err)
{
    const struct setting *row = find_row(value->name);
    struct raw_value *raw;
    bool is_usable = false;
    int code;

    if (!row) {
        if (!*value->name && value->size <= 2) {
            return 0; /* the default value, which editors like to make */
        }
        return source_warn_unknown(reader->source, *value->name ? value->name : "(Default)",
                                   value->line, reader->warnings, err);
    }
    raw = source_value(reader->source, row);
    raw->line = value->line;
    if (row->type == SETTING_LIST) {
        return read_list_value(raw, reader, value, row, err);
    }
    code = row->type == SETTING_TEXT ? read_text(&raw->text, &is_usable, reader, value, row, err)
                                     : read_number(&raw->text, &is_usable, reader, value, row, err);
    raw->kind = is_usable ? RAW_PLAIN : RAW_REPORTED;
    return code;
}

/* One value in the subkey of a list. */
static int read_entry(struct raw_value *raw, const struct reader *reader,
                      const struct registry_value *value, const struct setting *row,
                      struct error *err)
{
    char *text = NULL;
    bool is_usable = false;
    int code;

    if (value->type == REGISTRY_MULTI_SZ) {
        return read_texts(raw, reader, value, row, "used, but each entry belongs in a REG_SZ", err);
    }
    code = read_text(&text, &is_usable, reader, value, row, err);
    if (code == 0 && is_usable && !*text && *value->name) {
        code = str_copy(&text, value->name, err);
    }
    if (code == 0 && (!is_usable || *text)) {
        code = raw_value_add(raw, is_usable ? RAW_PLAIN : RAW_REPORTED, value->line, text, err);
        if (code == ERR_LIMIT) {
            code = warn(reader, value, row, err, "not used: the list is too long");
        }
    }
    str_free(&text);
    return code;
}

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;

    if (a->row_index != b->row_index) {
        return a->row_index < b->row_index ? -1 : 1;
    }
    if (a->is_numbered != b->is_numbered) {
        return a->is_numbered ? -1 : 1;
    }
    if (a->is_numbered && a->number != b->number) {
        return a->number < b->number ? -1 : 1;
    }
    return str_compare_nocase(a->value->name, b->value->name);
}

/* A group of entries sorted by list begins. */
static int begin_list(struct raw_value *raw, const struct reader *reader, const struct entry *first,
                      struct error *err)
{
    int code = 0;

    if (raw->kind != RAW_ABSENT) {
        code = warn(reader, first->value, first->row, err,
                    "there is a value and a subkey of this name; the subkey counts");
        raw_value_clear(raw);
    }
    raw->kind = RAW_LIST;
    raw->line = first->value->line;
    return code;
}

static int read_lists(const struct reader *reader, struct entry *entries, size_t count,
                      struct error *err)
{
    int code = 0;

    if (count > 1) {
        qsort(entries, count, sizeof(*entries), compare_entries);
    }
    for (size_t i = 0; code == 0 && i < count; i++) {
        const struct setting *row = entries[i].row;
        struct raw_value *raw = source_value(reader->source, row);

        if (i == 0 || entries[i - 1].row != row) {
            code = begin_list(raw, reader, &entries[i], err);
        }
        if (code == 0) {
            code = read_entry(raw, reader, entries[i].value, row, err);
        }
    }
    return code;
}

/* `subkey` is one of our lists, or warned about, once when its values stand together. */
static int find_list(const struct setting **out, const struct reader *reader, const char *subkey,
                     const char **warned, int line, struct error *err)
{
    const struct setting *row = strchr(subkey, '\\') ? NULL : find_row(subkey);

    *out = row && row->type == SETTING_LIST ? row : NULL;
    if (*out || (*warned && str_equal_nocase(*warned, subkey))) {
        return 0;
    }
    *warned = subkey;
    return row ? warnings_add(reader->warnings, POLICY_WARNING, reader->source->file, line, subkey,
                              err, "this subkey is not used: %s is no list", row->name)
               : source_warn_unknown(reader->source, subkey, line, reader->warnings, err);
}

size_t registry_count(const struct registry_image *image, enum registry_hive hive, const char *key)
{
    size_t count = 0;

    for (size_t i = 0; i < image->count; i++) {
        count +=
            image->values[i].hive == hive && registry_key_is_below(image->values[i].key, key, NULL)
                ? 1
                : 0;
    }
    return count;
}

int registry_fill(struct source *source, const struct registry_image *image,
                  enum registry_hive hive, const char *key, const struct policy_sources *sources,
                  struct warnings *warnings, struct error *err)
{
    struct reader reader = {.source = source, .sources = sources, .warnings = warnings};
    struct entry *entries = calloc(image->count + 1, sizeof(*entries));
    const char *warned = NULL;
    size_t count = 0;
    int code = entries ? 0 : error_set(err, ERR_NO_MEMORY, "no memory for the policy");

    for (size_t i = 0; code == 0 && i < image->count; i++) {
        const struct registry_value *value = &image->values[i];
        const struct setting *row = NULL;
        const char *rest = NULL;

        if (value->hive != hive || !registry_key_is_below(value->key, key, &rest)) {
            continue;
        }
        code = *rest ? find_list(&row, &reader, rest, &warned, value->line, err)
                     : read_root_value(&reader, value, err);
        if (row) {
            struct entry *entry = &entries[count++];

            *entry = (struct entry){.row = row, .row_index = schema_index(row), .value = value};
            entry->is_numbered = str_to_int64(value->name, 0, INT64_MAX, &entry->number);
        }
    }
    if (code == 0) {
        code = read_lists(&reader, entries, count, err);
    }
    free(entries);
    return code;
}
