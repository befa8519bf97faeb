/*
 * One setting: reading, checking, showing. What holds for all rows; the rows are in schema/.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "policy/schema.h"
#include "policy/settings.h"
#include "system.h"

enum { TEXT_LIMIT = 8192, ENTRY_LIMIT = 4096, LIST_LIMIT = 10000, NAME_LIMIT = 48 };

const struct setting *schema_find(const char *name)
{
    for (size_t i = 0; i < schema_count(); i++) {
        if (strcmp(schema_at(i)->name, name) == 0) {
            return schema_at(i);
        }
    }
    return NULL;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to insert, delete or replace to get from one name to the other (Levenshtein). */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[NAME_LIMIT + 1];
    size_t width = strlen(b);

    assert(width <= NAME_LIMIT);
    for (size_t i = 0; i <= width; i++) {
        row[i] = i;
    }
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < width; j++) {
            size_t above = row[j + 1];
            bool is_same = str_fold((unsigned char)a[i]) == str_fold((unsigned char)b[j]);

            row[j + 1] = least(diagonal + (is_same ? 0 : 1), 1 + least(above, row[j]));
            diagonal = above;
        }
    }
    return row[width];
}

const struct setting *schema_find_nearest(const char *name)
{
    const struct setting *nearest = NULL;
    size_t length = strlen(name);
    size_t bound = length < 6 ? 2 : 1 + length / 4; /* distances below this count */

    if (length > NAME_LIMIT) {
        return NULL;
    }
    for (size_t i = 0; i < schema_count(); i++) {
        size_t distance = edit_distance(name, schema_at(i)->name);

        if (distance < bound) {
            bound = distance;
            nearest = schema_at(i);
        }
    }
    return nearest;
}

const char *setting_type_name(enum setting_type type)
{
    static const char *const names[] = {"switch", "number", "text", "list", "enum"};

    return names[type];
}

const char *setting_default_text(const struct setting *row)
{
    return system_default_text(row);
}

const char *setting_disabled_text(const struct setting *row)
{
    if (row->off_text) {
        return row->off_text;
    }
    if (row->type == SETTING_SWITCH) {
        return "false";
    }
    return row->type == SETTING_LIST ? "-" : setting_default_text(row);
}

static int parse_switch(struct setting_value *out, const char *text, struct error *err)
{
    static const char *const yes[] = {"yes", "on", "1", "enabled", "y"};
    static const char *const no[] = {"no", "off", "0", "disabled", "n"};

    if (str_equal_nocase(text, "true") || str_equal_nocase(text, "false")) {
        out->is_on = str_equal_nocase(text, "true");
        return 0;
    }
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (str_equal_nocase(text, yes[i])) {
            return error_set(err, ERR_INVALID, "is not true or false; write true");
        }
        if (str_equal_nocase(text, no[i])) {
            return error_set(err, ERR_INVALID, "is not true or false; write false");
        }
    }
    return error_set(err, ERR_INVALID, "is not true or false");
}

static bool is_whole_number(const char *text)
{
    text += *text == '-' ? 1 : 0;
    return *text && text[strspn(text, "0123456789")] == '\0';
}

static int parse_number(struct setting_value *out, const struct setting *row, const char *text,
                        struct error *err)
{
    const char *unit = row->unit ? row->unit : "";
    size_t digits = strspn(text, "0123456789");

    if (str_to_int64(text, row->min, row->max, &out->number)) {
        return 0;
    }
    if (digits > 0 && row->unit && text[digits] && !strpbrk(text + digits, "0123456789")) {
        return error_set(err, ERR_INVALID, "is not a number; write it without a unit, as %s",
                         row->unit);
    }
    if (is_whole_number(text)) {
        return error_set(err, ERR_INVALID, "is outside %lld to %lld%s%s", (long long)row->min,
                         (long long)row->max, *unit ? " " : "", unit);
    }
    return error_set(err, ERR_INVALID, "is not a whole number from %lld to %lld%s%s",
                     (long long)row->min, (long long)row->max, *unit ? " " : "", unit);
}

static int parse_enum(struct setting_value *out, const struct setting *row, const char *text,
                      struct error *err)
{
    struct buf names;

    for (size_t i = 0; row->choices[i]; i++) {
        if (str_equal_nocase(row->choices[i], text)) {
            out->number = (int64_t)i;
            return 0;
        }
    }
    buf_init(&names, 256);
    for (size_t i = 0; row->choices[i]; i++) {
        const char *glue = i == 0 ? "" : row->choices[i + 1] ? ", " : " and ";

        (void)buf_add_format(&names, NULL, "%s%s", glue, row->choices[i]);
    }
    error_set(err, ERR_INVALID, "is not one of %s", buf_text(&names));
    buf_clear(&names);
    return ERR_INVALID;
}

/* The text without the blanks around it. */
static int trim(char **out, const char *text, struct error *err)
{
    size_t length;

    text += strspn(text, " \t\r\n");
    length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1])) {
        length--;
    }
    return str_copy_n(out, text, length, err);
}

/* Texts end up in paths, headers and on terminals: no control characters (DEL and C1 included). */
static int check_characters(const char *text, size_t limit, struct error *err)
{
    if (strlen(text) > limit) {
        return error_set(err, ERR_INVALID, "is longer than %zu bytes", limit);
    }
    if (!str_is_utf8(text, strlen(text))) {
        return error_set(err, ERR_INVALID, "is not valid UTF-8");
    }
    while (*text) {
        uint32_t c = str_decode(&text);

        if (c == '\n') {
            return error_set(err, ERR_INVALID, "has more than one line");
        }
        if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
            return error_set(err, ERR_INVALID, "has control characters");
        }
    }
    return 0;
}

static int parse_text(struct setting_value *out, const struct setting *row, char *text,
                      setting_variable_fn variable, void *payload, struct error *err)
{
    int code = check_characters(text, TEXT_LIMIT, err);

    if (code < 0) {
        return code;
    }
    if (!*text) {
        return row->flags & SETTING_NOT_EMPTY ? error_set(err, ERR_INVALID, "is empty")
                                              : str_copy(&out->text, text, err);
    }
    if (row->check) {
        code = row->check(text, err);
        if (code < 0) {
            return code;
        }
    }
    if ((row->flags & SETTING_PATH) && variable) {
        return system_expand_path(&out->text, text, variable, payload, err);
    }
    code = str_copy(&out->text, text, err);
    return code == 0 && row->normalise ? row->normalise(&out->text, err) : code;
}

int setting_parse_entry(struct setting_value *out, const struct setting *row, const char *text,
                        struct error *err)
{
    char *entry = NULL;
    int code = trim(&entry, text, err);

    assert(row->type == SETTING_LIST);
    out->entries.limit = LIST_LIMIT;
    if (code == 0) {
        code = check_characters(entry, ENTRY_LIMIT, err);
    }
    if (code == 0 && !*entry) {
        code = error_set(err, ERR_INVALID, "is empty");
    }
    if (code == 0 && row->check && strcmp(entry, "-") != 0) {
        code = row->check(entry, err);
    }
    if (code == 0) {
        code = str_list_add(&out->entries, entry, err);
    }
    if (code == ERR_LIMIT) {
        code = error_set(err, ERR_INVALID, "is one more than the %d entries a list may have",
                         LIST_LIMIT);
    }
    str_free(&entry);
    return code;
}

static int parse_list(struct setting_value *out, const struct setting *row, const char *text,
                      struct error *err)
{
    int code = 0;

    while (code == 0 && *text) {
        size_t length = strcspn(text, "\n");
        char *line = NULL;

        code = str_copy_n(&line, text, length, err);
        if (code == 0) {
            code = setting_parse_entry(out, row, line, err);
        }
        str_free(&line);
        text += length + (text[length] ? 1 : 0);
    }
    return code;
}

int setting_parse(struct setting_value *out, const struct setting *row, const char *text,
                  setting_variable_fn variable, void *payload, struct error *err)
{
    char *trimmed = NULL;
    int code = trim(&trimmed, text, err);

    if (code < 0) {
        return code;
    }
    switch (row->type) {
    case SETTING_SWITCH:
        code = parse_switch(out, trimmed, err);
        break;
    case SETTING_INT:
        code = parse_number(out, row, trimmed, err);
        break;
    case SETTING_ENUM:
        code = parse_enum(out, row, trimmed, err);
        break;
    case SETTING_TEXT:
        code = parse_text(out, row, trimmed, variable, payload, err);
        break;
    case SETTING_LIST:
        code = parse_list(out, row, trimmed, err);
        break;
    }
    str_free(&trimmed);
    return code;
}

void setting_value_clear(struct setting_value *value)
{
    str_free(&value->text);
    str_list_clear(&value->entries);
    *value = (struct setting_value){0};
}

static int format_list(char **out, const struct str_list *entries, struct error *err)
{
    struct buf text;
    size_t size = 1;
    int code = 0;

    for (size_t i = 0; i < entries->count; i++) {
        size += strlen(entries->items[i]) + 1;
    }
    buf_init(&text, size);
    for (size_t i = 0; code == 0 && i < entries->count; i++) {
        code = buf_add_format(&text, err, "%s%s", i > 0 ? "\n" : "", entries->items[i]);
    }
    if (code == 0) {
        code = str_copy(out, buf_text(&text), err);
    }
    buf_clear(&text);
    return code;
}

int setting_format(char **out, const struct setting *row, const struct setting_value *value,
                   struct error *err)
{
    switch (row->type) {
    case SETTING_SWITCH:
        return str_copy(out, value->is_on ? "true" : "false", err);
    case SETTING_INT:
        return str_format(out, err, "%lld", (long long)value->number);
    case SETTING_ENUM:
        return str_copy(out, row->choices[value->number], err);
    case SETTING_LIST:
        return format_list(out, &value->entries, err);
    case SETTING_TEXT:
        break;
    }
    return str_copy(out, value->text ? value->text : "", err);
}

/* From the scheme on, or from the start, to the last @: that is where a password can stand. */
static int hide_user_info(char **text, struct error *err)
{
    const char *scheme = strstr(*text, "://");
    const char *at = strrchr(*text, '@');
    int scheme_length = scheme ? (int)(scheme + 3 - *text) : 0;
    char *shown = NULL;
    int code;

    if (!at) {
        return 0;
    }
    code = str_format(&shown, err, "%.*s***%s", at < *text + scheme_length ? 0 : scheme_length,
                      *text, at);
    if (code == 0) {
        str_free(text);
        *text = shown;
    }
    return code;
}

int setting_display(char **out, const struct setting *row, const char *text, struct error *err)
{
    struct buf shown;
    const char *at = text;
    int code = 0;

    buf_init(&shown, 8 * strlen(text) + 1);
    while (code == 0 && *at) {
        const char *from = at;
        uint32_t c = str_decode(&at);

        if ((c < 0x20 && c != '\n') || (c >= 0x7f && c < 0xa0)) {
            code = buf_add_text(&shown, "?", err);
        } else if (c == 0xfffd) {
            code = buf_add_text(&shown, "\xef\xbf\xbd", err);
        } else {
            code = buf_add(&shown, from, (size_t)(at - from), err);
        }
    }
    if (code == 0) {
        code = str_copy(out, buf_text(&shown), err);
    }
    if (code == 0 && row && (row->flags & SETTING_SECRET)) {
        code = hide_user_info(out, err);
    }
    buf_clear(&shown);
    return code;
}
