/*
 * Whether what a source says is a value of its setting; and if not, the sentence that helps.
 */
#include <string.h>

#include "source.h"
#include "system.h"

enum { VALUE_SHOWN = 60 };

/* Where a value stands, and where warnings about it go. */
struct place {
    const struct setting *row;
    const struct source *source;
    struct warnings *warnings;
};

static int warn(const struct place *place, int line, struct error *err, const char *sentence)
{
    return !*sentence ? 0
                      : warnings_add(place->warnings, POLICY_WARNING, place->source->file, line,
                                     place->row->name, err, "%s", sentence);
}

/* "not used: the value 'x' is not a number": `clause` is what the parser said. */
static int warn_value(const struct place *place, int line, const char *what, const char *text,
                      const char *clause, struct error *err)
{
    char *shown = NULL;
    int length = (int)strlen(text);
    int code;

    if (place->row->flags & SETTING_SECRET) { /* what is malformed cannot be blanked in part */
        return warnings_add(place->warnings, POLICY_WARNING, place->source->file, line,
                            place->row->name, err, "not used: the %s %s", what, clause);
    }
    if (length > VALUE_SHOWN) {
        length = VALUE_SHOWN;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) {
            length--;
        }
    }
    code = str_format(&shown, err, "%.*s%s", length, text, text[length] ? "..." : "");
    if (code == 0) {
        code = warnings_add(place->warnings, POLICY_WARNING, place->source->file, line,
                            place->row->name, err, "not used: the %s '%s' %s", what, shown, clause);
    }
    str_free(&shown);
    return code;
}

/* The sentence for what is no text at all; NULL for texts. */
static const char *wrong_kind(enum raw_kind kind, bool is_entry)
{
    switch (kind) {
    case RAW_ALIAS:
        return "not used: YAML aliases are not supported; text that begins with * must stand in "
               "quotes";
    case RAW_MAPPING:
        return "not used: a mapping is not expected here; text with a ':' before a blank or at its "
               "end must stand in quotes";
    case RAW_UNREADABLE:
        return "not used: the text has a NUL character";
    case RAW_LIST:
        return is_entry ? "not used: a list inside a list; the entry - must be written as \"-\""
                        : "not used: a list stands where a single value is expected";
    case RAW_NULL:
        return is_entry ? "not used: the entry is empty"
                        : "not used: there is no value; leave the line out, or write \"\" for an "
                          "empty text";
    case RAW_REPORTED:
        return ""; /* warn() passes over it */
    case RAW_ABSENT:
    case RAW_PLAIN:
    case RAW_QUOTED:
        break;
    }
    return NULL;
}

static int judge_text_entry(struct setting_value *out, const struct place *place, const char *text,
                            int line, struct error *err)
{
    struct error why = {0};
    int code = setting_parse_entry(out, place->row, text, &why);

    if (code == 0) {
        return 0;
    }
    if (code != ERR_INVALID) {
        return error_set(err, code, "%s", why.message);
    }
    if (place->row->flags & SETTING_RESTRICTS) {
        struct setting unchecked = *place->row;

        /* An allow-list that loses an entry for a typo would become empty, and allow all. */
        unchecked.check = NULL;
        if (setting_parse_entry(out, &unchecked, text, NULL) < 0) {
            code = str_list_add(&out->entries, "?", err);
            if (code < 0) {
                return code == ERR_LIMIT ? 0 : code;
            }
        }
    }
    return warn_value(place, line, "entry", text, why.message, err);
}

static int judge_entry(struct setting_value *out, const struct place *place,
                       const struct raw_entry *entry, struct error *err)
{
    const char *sentence = wrong_kind(entry->kind, true);

    if (!sentence) {
        return judge_text_entry(out, place, entry->text, entry->line, err);
    }
    if (place->row->flags & SETTING_RESTRICTS) {
        int code = str_list_add(&out->entries, "?", err);

        if (code < 0 && code != ERR_LIMIT) {
            return code;
        }
    }
    return warn(place, entry->line, err, sentence);
}

static int judge_list(struct setting_value *out, bool *is_valid, const struct place *place,
                      const struct raw_value *value, struct error *err)
{
    int code = 0;

    *is_valid = true;
    if (value->kind == RAW_PLAIN || value->kind == RAW_QUOTED) {
        code = warn(place, value->line, err,
                    "a list is expected; the value is read as its only entry");
        return code < 0 ? code : judge_text_entry(out, place, value->text, value->line, err);
    }
    if (value->kind == RAW_LIST) {
        for (size_t i = 0; code == 0 && i < value->entry_count; i++) {
            code = judge_entry(out, place, &value->entries[i], err);
        }
        return code;
    }
    *is_valid = (place->row->flags & SETTING_RESTRICTS) != 0 && value->kind != RAW_NULL;
    if (*is_valid) {
        code = str_list_add(&out->entries, "?", err);
    }
    return code < 0 ? code
                    : warn(place, value->line, err,
                           value->kind == RAW_NULL
                               ? "not used: the list has no entries; leave the line out, or write "
                                 "[\"-\"] for an empty list"
                               : wrong_kind(value->kind, false));
}

static int judge_scalar(struct setting_value *out, bool *is_valid, const struct place *place,
                        const struct raw_value *value, const struct policy_sources *sources,
                        struct error *err)
{
    const char *sentence = wrong_kind(value->kind, false);
    setting_variable_fn variable = sources->variable ? sources->variable : system_variable;
    struct error why = {0};
    int code;

    *is_valid = false;
    if (sentence) {
        return warn(place, value->line, err, sentence);
    }
    code = setting_parse(out, place->row, value->text, variable, sources->payload, &why);
    if (code == ERR_INVALID) {
        return warn_value(place, value->line, "value", value->text, why.message, err);
    }
    if (code < 0) {
        return error_set(err, code, "%s", why.message);
    }
    *is_valid = true;
    if (value->kind == RAW_QUOTED &&
        (place->row->type == SETTING_SWITCH || place->row->type == SETTING_INT)) {
        return warn(place, value->line, err, "used, but write the value without quotes");
    }
    return 0;
}

static bool is_machine_layer(enum policy_layer layer)
{
    return layer == POLICY_LAYER_OVERRIDE || layer == POLICY_LAYER_MACHINE_POLICY ||
           layer == POLICY_LAYER_MACHINE_PREFERENCE;
}

int raw_value_judge(struct policy_value *out, bool *is_valid, const struct setting *row,
                    const struct raw_value *value, const struct source *source,
                    const struct policy_sources *sources, struct warnings *warnings,
                    struct error *err)
{
    struct place place = {.row = row, .source = source, .warnings = warnings};
    struct setting_value parsed = {0};
    int code;

    *is_valid = false;
    if (!(row->flags & SETTING_USER) && !is_machine_layer(source->layer)) {
        return warn(&place, value->line, err, "not used: only the machine's policy can set it");
    }
    code = row->type == SETTING_LIST ? judge_list(&parsed, is_valid, &place, value, err)
                                     : judge_scalar(&parsed, is_valid, &place, value, sources, err);
    if (code == 0 && *is_valid && (row->flags & SETTING_PLANNED)) {
        code = warn(&place, value->line, err, "accepted, but has no effect in this version");
    }
    if (code == 0 && *is_valid) {
        *out = (struct policy_value){
            .layer = source->layer, .file = source->file, .line = value->line};
        code = setting_format(&out->text, row, &parsed, err);
    }
    if (code == 0 && *is_valid && (row->flags & SETTING_PATH) &&
        !str_equal(out->text, value->text)) {
        code = str_copy(&out->written, value->text, err);
    }
    if (code == 0 && *is_valid) {
        out->entries = parsed.entries;
        parsed.entries = (struct str_list){0};
    }
    setting_value_clear(&parsed);
    return code;
}
