#include "policy/export.h"

#include <stdbool.h>
#include <string.h>

#include "export_write.h"

/* YAML 1.2 5.1 and 5.4: what may not stand in a file, or would be taken for the end of a line. */
static bool needs_escape(uint32_t c)
{
    return c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffe || c == 0xffff;
}

static bool has_escapes(const char *text)
{
    while (*text) {
        if (needs_escape(str_decode(&text))) {
            return true;
        }
    }
    return false;
}

/* In single quotes only the quote itself is special. Texts have no control characters. */
static int add_quoted(struct buf *out, const char *text, struct error *err)
{
    bool is_escaped = has_escapes(text);
    int code = buf_add_text(out, is_escaped ? "\"" : "'", err);

    while (code == 0 && *text) {
        const char *from = text;
        uint32_t c = str_decode(&text);

        if (is_escaped && needs_escape(c)) {
            code = buf_add_format(out, err, "\\u%04x", (unsigned)c);
        } else if (is_escaped ? c == '"' || c == '\\' : c == '\'') {
            code = buf_add_format(out, err, "%c%c", is_escaped ? '\\' : '\'', (char)c);
        } else {
            code = buf_add(out, from, (size_t)(text - from), err);
        }
    }
    return code < 0 ? code : buf_add_text(out, is_escaped ? "\"" : "'", err);
}

static int add_entries(struct buf *out, const char *lines, struct error *err)
{
    char *entry = NULL;
    int code = buf_add_text(out, "\n", err);

    while (code == 0 && *lines) {
        size_t length = strcspn(lines, "\n");

        code = str_copy_n(&entry, lines, length, err);
        if (code == 0) {
            code = buf_add_text(out, "  - ", err);
        }
        if (code == 0) {
            code = add_quoted(out, entry, err);
        }
        if (code == 0) {
            code = buf_add_text(out, "\n", err);
        }
        lines += length + (lines[length] ? 1 : 0);
    }
    str_free(&entry);
    return code;
}

static int add_setting(struct buf *out, const struct setting *row, const char *text,
                       struct error *err)
{
    int code = buf_add_format(out, err, "%s:", row->name);

    if (code < 0 || row->type == SETTING_LIST) {
        return code < 0 ? code : add_entries(out, text, err);
    }
    code = buf_add_text(out, " ", err);
    if (code == 0) {
        code =
            row->type == SETTING_TEXT ? add_quoted(out, text, err) : buf_add_text(out, text, err);
    }
    return code < 0 ? code : buf_add_text(out, "\n", err);
}

int export_yaml(struct buf *out, const struct policy_set *set, struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < schema_count(); i++) {
        const char *text = policy_set_text(set, schema_at(i));

        code = text ? add_setting(out, schema_at(i), text, err) : 0;
    }
    return code;
}

/* A user's file with a setting of the machine would lose it when it is read. */
static int check_user(const struct policy_set *set, struct error *err)
{
    for (size_t i = 0; i < schema_count(); i++) {
        if (policy_set_text(set, schema_at(i)) && !(schema_at(i)->flags & SETTING_USER)) {
            return error_set(err, ERR_INVALID,
                             "%s cannot be written for a user: only the machine's policy can set "
                             "it",
                             schema_at(i)->name);
        }
    }
    return 0;
}

int policy_export(struct buf *out, enum policy_format format, const struct policy_set *set,
                  const struct policy_export_options *options, struct error *err)
{
    bool is_user = options && options->is_user;
    int code = is_user ? check_user(set, err) : 0;

    if (code < 0) {
        return code;
    }
    switch (format) {
    case POLICY_FORMAT_YAML:
        return export_yaml(out, set, err);
    case POLICY_FORMAT_REG:
        return export_reg(out, set, is_user ? REGISTRY_USER : REGISTRY_MACHINE, err);
    case POLICY_FORMAT_REGPOL:
        break;
    }
    return export_regpol(out, set, err);
}

bool policy_set_has_secret(const struct policy_set *set)
{
    for (size_t i = 0; i < schema_count(); i++) {
        const char *text = policy_set_text(set, schema_at(i));

        if (text && (schema_at(i)->flags & SETTING_SECRET) && strchr(text, '@')) {
            return true;
        }
    }
    return false;
}
