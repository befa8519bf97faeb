#include "text.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

enum { FIELD_LIMIT = 32 << 10 };

const struct words *words_of(enum admx_language language)
{
    return language == ADMX_GERMAN ? &words_german : &words_english;
}

static const char *find_field(const struct text_field *fields, const char *name, size_t length)
{
    for (; fields->name; fields++) {
        if (strlen(fields->name) == length && memcmp(fields->name, name, length) == 0) {
            return fields->value;
        }
    }
    return NULL;
}

int text_fill(struct buf *out, const char *pattern, const struct text_field *fields,
              struct error *err)
{
    int code = 0;

    while (code == 0 && *pattern) {
        size_t plain = strcspn(pattern, "{");
        size_t length;
        const char *value;

        code = buf_add(out, pattern, plain, err);
        pattern += plain;
        if (code < 0 || !*pattern) {
            break;
        }
        length = strcspn(++pattern, "}");
        value = find_field(fields, pattern, length);
        if (!value || pattern[length] != '}') {
            return error_set(err, ERR_INVALID, "there is no field '%.*s' for a sentence",
                             (int)length, pattern);
        }
        code = buf_add_text(out, value, err);
        pattern += length + 1;
    }
    return code;
}

const char *text_title(const struct setting *row, enum admx_language language)
{
    return language == ADMX_GERMAN ? row->title_de : row->title;
}

const char *text_help(const struct setting *row, enum admx_language language)
{
    return language == ADMX_GERMAN ? row->help_de : row->help;
}

const char *text_unit(const struct setting *row, enum admx_language language)
{
    const char *unit = language == ADMX_GERMAN && row->unit_de ? row->unit_de : row->unit;

    return unit ? unit : "";
}

const char *text_label(const struct setting *row, size_t choice, enum admx_language language)
{
    return language == ADMX_GERMAN ? row->labels_de[choice] : row->labels[choice];
}

const char *text_default(const struct setting *row)
{
    return row->default_windows ? row->default_windows : row->default_text;
}

const char *text_disabled(const struct setting *row)
{
    const char *text = setting_disabled_text(row);

    return text == setting_default_text(row) ? text_default(row) : text;
}

int text_position(size_t *out, const char *const *names, const char *name, struct error *err)
{
    for (size_t i = 0; names[i]; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = i;
            return 0;
        }
    }
    return error_set(err, ERR_INVALID, "'%.60s' is not one of the choices", name);
}

int text_registry_value(struct buf *out, const struct setting *row, const char *text,
                        struct error *err)
{
    size_t position = 0;
    int code;

    assert(row->type != SETTING_LIST);
    if (row->type == SETTING_SWITCH) {
        return buf_add_text(out, strcmp(text, "true") == 0 ? "1" : "0", err);
    }
    if (row->type != SETTING_ENUM) {
        return buf_add_text(out, text, err);
    }
    code = text_position(&position, row->choices, text, err);
    return code < 0 ? code : buf_add_format(out, err, "%zu", position);
}

int text_add_value(struct buf *out, const struct setting *row, const char *text,
                   enum admx_language language, struct error *err)
{
    const struct words *words = words_of(language);
    const char *unit = text_unit(row, language);

    switch (row->type) {
    case SETTING_SWITCH:
        return buf_add_text(out, strcmp(text, "true") == 0 ? words->on : words->off, err);
    case SETTING_INT:
        return buf_add_format(out, err, "%s%s%s", text, *unit ? " " : "", unit);
    case SETTING_LIST:
        for (; *text; text++) {
            int code = buf_add(out, *text == '\n' ? ", " : text, *text == '\n' ? 2 : 1, err);

            if (code < 0) {
                return code;
            }
        }
        return 0;
    case SETTING_TEXT:
    case SETTING_ENUM:
        break;
    }
    return buf_add_text(out, text, err);
}

/* "the default is 512 MB": the end of the sentence about "Not configured". */
static int add_default(struct buf *out, const struct setting *row, enum admx_language language,
                       struct error *err)
{
    const struct words *words = words_of(language);
    const char *text = text_default(row);
    bool is_list = row->type == SETTING_LIST;
    struct buf value;
    int code;

    if (!*text) {
        return buf_add_text(out, is_list ? words->default_list_empty : words->default_none, err);
    }
    buf_init(&value, FIELD_LIMIT);
    code = text_add_value(&value, row, text, language, err);
    if (code == 0) {
        const struct text_field fields[] = {{"value", buf_text(&value)}, {NULL, NULL}};

        code = text_fill(out, is_list ? words->default_list : words->default_value, fields, err);
    }
    buf_clear(&value);
    return code;
}

int text_add_not_configured(struct buf *out, const struct setting *row, enum admx_language language,
                            struct error *err)
{
    const struct words *words = words_of(language);
    const char *pattern = !(row->flags & SETTING_USER) ? words->not_configured_machine
                          : row->type == SETTING_LIST  ? words->not_configured_list
                                                       : words->not_configured;
    struct buf value;
    int code;

    buf_init(&value, FIELD_LIMIT);
    code = add_default(&value, row, language, err);
    if (code == 0) {
        const struct text_field fields[] = {{"default", buf_text(&value)}, {NULL, NULL}};

        code = text_fill(out, pattern, fields, err);
    }
    buf_clear(&value);
    return code;
}

int text_add_disabled(struct buf *out, const struct setting *row, enum admx_language language,
                      struct error *err)
{
    const struct words *words = words_of(language);
    const char *pattern = row->off_text ? words->disabled_off : words->disabled_default;
    const char *text = text_disabled(row);
    struct buf value;
    int code;

    if (row->type == SETTING_SWITCH || row->type == SETTING_LIST) {
        return buf_add_text(
            out, row->type == SETTING_SWITCH ? words->disabled_switch : words->disabled_list, err);
    }
    if (!*text) {
        return buf_add_text(out, words->disabled_empty, err);
    }
    buf_init(&value, FIELD_LIMIT);
    code = text_add_value(&value, row, text, language, err);
    if (code == 0) {
        const struct text_field fields[] = {{"value", buf_text(&value)}, {NULL, NULL}};

        code = text_fill(out, pattern, fields, err);
    }
    buf_clear(&value);
    return code;
}

/* What kind of value it is: "REG_DWORD", for a choice with the number of each. */
static int add_kind(struct buf *out, const struct setting *row, enum admx_language language,
                    struct error *err)
{
    const struct words *words = words_of(language);
    int code;

    switch (row->type) {
    case SETTING_SWITCH:
        return buf_add_format(out, err, "REG_DWORD, 1 %s, 0 %s", words->on, words->off);
    case SETTING_INT:
        return buf_add_text(out, "REG_DWORD", err);
    case SETTING_ENUM:
        code = buf_add_text(out, "REG_DWORD", err);
        for (size_t i = 0; code == 0 && row->choices[i]; i++) {
            code = buf_add_format(out, err, ", %zu %s", i, row->choices[i]);
        }
        return code;
    case SETTING_TEXT:
    case SETTING_LIST:
        break;
    }
    return buf_add_text(out, row->flags & SETTING_PATH ? words->registry_path : "REG_SZ", err);
}

int text_add_registry(struct buf *out, const struct setting *row, enum admx_language language,
                      struct error *err)
{
    const struct words *words = words_of(language);
    struct buf kind;
    int code;

    buf_init(&kind, FIELD_LIMIT);
    code = add_kind(&kind, row, language, err);
    if (code == 0) {
        const struct text_field fields[] = {
            {"name", row->name},
            {"kind", buf_text(&kind)},
            {"hives", row->flags & SETTING_USER ? words->hives_both : words->hives_machine},
            {NULL, NULL}};

        code =
            text_fill(out, row->type == SETTING_LIST ? words->registry_list : words->registry_value,
                      fields, err);
    }
    buf_clear(&kind);
    return code;
}

int text_add_konnekt(struct buf *out, const struct setting *row, enum admx_language language,
                     struct error *err)
{
    const struct words *words = words_of(language);
    const char *at = row->konnekt;
    struct buf value;
    int code = 0;

    buf_init(&value, FIELD_LIMIT);
    while (code == 0 && *at) {
        size_t length = 1;
        const char *term = at;

        for (size_t i = 0; i < sizeof(words->konnekt_terms) / sizeof(char *); i += 2) {
            if (words->konnekt_terms[i] && str_starts_with(at, words->konnekt_terms[i])) {
                length = strlen(words->konnekt_terms[i]);
                term = words->konnekt_terms[i + 1];
            }
        }
        code = term == at ? buf_add(&value, at, 1, err) : buf_add_text(&value, term, err);
        at += length;
    }
    if (code == 0) {
        const struct text_field fields[] = {{"value", buf_text(&value)}, {NULL, NULL}};

        code = text_fill(out, words->konnekt, fields, err);
    }
    buf_clear(&value);
    return code;
}

int text_add_example(struct buf *out, const struct setting *row, struct error *err)
{
    const char *at = row->example;
    int code = 0;

    for (bool is_first = true; code == 0 && at && *at; is_first = false) {
        size_t length = strcspn(at, "\n");

        code = buf_add_format(out, err, "%s%s = ", is_first ? "" : "\n", row->name);
        if (code < 0) {
            break;
        }
        if (row->type == SETTING_LIST) {
            code = buf_add(out, at, length, err);
        } else {
            code = text_registry_value(out, row, at, err);
        }
        if (code == 0 && row->type == SETTING_ENUM) {
            code = buf_add_format(out, err, " (%s)", at);
        }
        at += length + (at[length] ? 1 : 0);
    }
    return code;
}
