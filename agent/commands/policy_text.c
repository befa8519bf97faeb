#include <string.h>

#include "base/str.h"
#include "commands/policy.h"

/* "/etc/mooring/policy.yaml:3 (machine policy)" */
static int add_origin(struct buf *out, const struct policy_value *value, struct error *err)
{
    int code;

    if (!value->file) {
        return buf_add_text(out, policy_layer_name(value->layer), err);
    }
    code = policy_add_place(out, value->file, value->line, err);
    return code < 0 ? code : buf_add_format(out, err, " (%s)", policy_layer_name(value->layer));
}

/* The text as it may be shown; an empty one must not look like a mistake of ours. */
static int add_value(struct buf *out, const struct setting *row, const char *text,
                     struct error *err)
{
    char *shown = NULL;
    int code = setting_display(&shown, row, text, err);

    if (code == 0) {
        code = *text && row->unit && row->type == SETTING_INT
                   ? buf_add_format(out, err, "%s %s", shown, row->unit)
                   : buf_add_text(out, *text ? shown : "(empty)", err);
    }
    str_free(&shown);
    return code;
}

static int add_scalar(struct buf *out, const struct policy_result *result, struct error *err)
{
    int code = buf_add_format(out, err, "  %s = ", result->row->name);

    if (code == 0) {
        code = add_value(out, result->row, result->text, err);
    }
    if (code == 0 && result->winner->layer == POLICY_LAYER_DEFAULT) {
        code = buf_add_text(out, " (default)", err);
    }
    for (size_t i = 0; code == 0 && i < result->value_count; i++) {
        const struct policy_value *value = &result->values[i];

        if (value->layer == POLICY_LAYER_DEFAULT) {
            continue; /* everything overrides the default */
        }
        code = buf_add_text(out, value->is_used ? "\n      from " : "\n      instead of ", err);
        if (code == 0 && !value->is_used) {
            code = add_value(out, result->row, value->text, err);
        }
        if (code == 0 && !value->is_used) {
            code = buf_add_text(out, " from ", err);
        }
        if (code == 0) {
            code = add_origin(out, value, err);
        }
    }
    return code == 0 ? buf_add_text(out, "\n", err) : code;
}

static int add_entries(struct buf *out, const struct policy_result *result,
                       const struct policy_value *value, struct error *err)
{
    int code = buf_add_text(out, value->is_used ? "      from " : "      not used: ", err);

    if (code == 0) {
        code = add_origin(out, value, err);
    }
    for (size_t i = 0; code == 0 && i < value->entries.count; i++) {
        code = buf_add_text(out, "\n          ", err);
        if (code == 0) {
            code = add_value(out, result->row, value->entries.items[i], err);
        }
    }
    return code == 0 ? buf_add_text(out, "\n", err) : code;
}

static int add_list(struct buf *out, const struct policy_result *result, struct error *err)
{
    size_t count = result->entries.count;
    int code = buf_add_format(out, err, "  %s = %zu %s\n", result->row->name, count,
                              count == 1 ? "entry" : "entries");

    for (size_t i = 0; code == 0 && i < result->value_count; i++) {
        const struct policy_value *value = &result->values[i];

        if (value->layer != POLICY_LAYER_DEFAULT || value->entries.count > 0) {
            code = add_entries(out, result, value, err);
        }
    }
    return code;
}

static int add_settings(struct buf *out, const struct policy *policy, bool is_all,
                        struct error *err)
{
    const char *category = "";
    int code = 0;

    for (size_t i = 0; code == 0 && i < schema_count(); i++) {
        const struct policy_result *result = policy_result_at(policy, i);

        if (!is_all && result->winner->layer == POLICY_LAYER_DEFAULT) {
            continue;
        }
        if (strcmp(category, result->row->category) != 0) {
            code = buf_add_format(out, err, "%s%s\n", *category ? "\n" : "", result->row->category);
            category = result->row->category;
        }
        if (code == 0) {
            code = result->row->type == SETTING_LIST ? add_list(out, result, err)
                                                     : add_scalar(out, result, err);
        }
    }
    if (code == 0 && !*category) {
        code = buf_add_text(out,
                            "No source sets anything: every setting has its default "
                            "(mooring policy show --all).\n",
                            err);
    }
    return code;
}

int policy_render_warnings(struct buf *out, const struct policy *policy, struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < policy_warning_count(policy); i++) {
        const struct policy_warning *warning = policy_warning_at(policy, i);

        if (warning->file) {
            code = buf_add_format(out, err, "%s:", warning->file);
        }
        if (code == 0 && warning->line > 0) {
            code = buf_add_format(out, err, "%d:", warning->line);
        }
        if (code == 0) {
            code = buf_add_format(out, err, "%s%s: %s%s%s\n", warning->file ? " " : "",
                                  warning->severity == POLICY_ERROR ? "error" : "warning",
                                  warning->key ? warning->key : "", warning->key ? ": " : "",
                                  warning->message);
        }
    }
    return code;
}

static int add_files(struct buf *out, const struct policy *policy, struct error *err)
{
    static const char *const states[] = {"", ", not there", ", not used",
                                         ", cannot be read: what it said before counts"};
    int code = buf_add_text(out, "Sources, highest first\n", err);

    for (size_t i = 0; code == 0 && i < policy_file_count(policy); i++) {
        const struct policy_file *file = policy_file_at(policy, i);

        code = buf_add_format(out, err, "  %s (%s%s)\n", file->path, policy_layer_name(file->layer),
                              states[file->state]);
    }
    return code == 0 ? buf_add_text(out, "\n", err) : code;
}

int policy_render_text(struct buf *out, const struct policy *policy, bool is_all, struct error *err)
{
    int code = add_files(out, policy, err);

    if (code == 0) {
        code = add_settings(out, policy, is_all, err);
    }
    if (code == 0 && policy_warning_count(policy) > 0) {
        code = buf_add_text(out, "\nWarnings\n", err);
    }
    return code < 0 ? code : policy_render_warnings(out, policy, err);
}
