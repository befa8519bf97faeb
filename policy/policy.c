#include "policy_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "merge.h"
#include "system.h"

const char *policy_layer_name(enum policy_layer layer)
{
    static const char *const names[] = {"--policy file",      "machine policy",  "user policy",
                                        "machine preference", "user preference", "default"};

    return names[layer];
}

int policy_new(struct policy **out, struct error *err)
{
    struct policy *policy = calloc(1, sizeof(*policy));

    if (policy) {
        policy->results = calloc(schema_count(), sizeof(*policy->results));
    }
    if (!policy || !policy->results) {
        free(policy);
        return error_set(err, ERR_NO_MEMORY, "no memory for the policy");
    }
    for (size_t i = 0; i < schema_count(); i++) {
        policy->results[i].row = schema_at(i);
    }
    *out = policy;
    return 0;
}

struct policy_file *policy_add_file(struct policy *policy, enum policy_layer layer,
                                    const char *path, struct error *err)
{
    struct policy_file file = {.layer = layer, .state = POLICY_FILE_ABSENT};
    struct policy_file *files =
        realloc(policy->files, (policy->file_count + 1) * sizeof(*policy->files));

    if (!files) {
        error_set(err, ERR_NO_MEMORY, "no memory for the policy");
        return NULL;
    }
    policy->files = files;
    if (str_copy(&file.path, path, err) < 0) {
        return NULL;
    }
    policy->files[policy->file_count] = file;
    return &policy->files[policy->file_count++];
}

int policy_add_value(struct policy *policy, size_t row, struct policy_value *value,
                     struct error *err)
{
    struct policy_result *result = &policy->results[row];
    struct policy_value *values =
        realloc(result->values, (result->value_count + 1) * sizeof(*values));

    if (!values) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the policy");
    }
    result->values = values;
    result->values[result->value_count++] = *value;
    *value = (struct policy_value){0};
    return 0;
}

/* The default goes last. A path whose variables have no value is "" and a warning, when it counts.
 */
static int append_default(struct policy *policy, struct policy_result *result,
                          const struct policy_sources *sources, struct error *err)
{
    setting_variable_fn variable = sources->variable ? sources->variable : system_variable;
    struct policy_value value = {.layer = POLICY_LAYER_DEFAULT};
    struct setting_value parsed = {0};
    struct error why = {0};
    int code = setting_parse(&parsed, result->row, setting_default_text(result->row), variable,
                             sources->payload, &why);

    if (code == ERR_INVALID && (result->row->flags & SETTING_PATH)) {
        code = str_copy(&parsed.text, "", err);
        if (code == 0 && result->value_count == 0 && *setting_default_text(result->row)) {
            code =
                warnings_add(&policy->warnings, POLICY_WARNING, NULL, 0, result->row->name, err,
                             "the default '%s' %s", setting_default_text(result->row), why.message);
        }
    } else if (code < 0) {
        error_set(err, code, "%s", why.message);
    }
    if (code == 0) {
        code = setting_format(&value.text, result->row, &parsed, err);
    }
    value.entries = parsed.entries;
    parsed.entries = (struct str_list){0};
    if (code == 0) {
        code = policy_add_value(policy, schema_index(result->row), &value, err);
    }
    policy_value_clear(&value);
    setting_value_clear(&parsed);
    return code;
}

/* The text of a result is valid and in normal form: only a list, whose entries are taken as they
 * are, could hold what the parser would refuse. */
static int store_result(struct settings *settings, const struct policy_result *result,
                        struct error *err)
{
    struct setting_value value = {0};
    int code = 0;

    if (result->row->type == SETTING_LIST) {
        for (size_t i = 0; code == 0 && i < result->entries.count; i++) {
            code = str_list_add(&value.entries, result->entries.items[i], err);
        }
    } else if (result->row->type == SETTING_TEXT) {
        code = str_copy(&value.text, result->text, err);
    } else {
        code = setting_parse(&value, result->row, result->text, NULL, NULL, err);
    }
    if (code == 0) {
        setting_store(settings, result->row, &value);
    }
    setting_value_clear(&value);
    return code;
}

int policy_finish(struct policy *policy, const struct policy_sources *sources, struct error *err)
{
    int code = settings_new_default(&policy->settings, err);

    for (size_t i = 0; code == 0 && i < schema_count(); i++) {
        code = append_default(policy, &policy->results[i], sources, err);
        if (code == 0) {
            code = merge_values(&policy->results[i], err);
        }
        if (code == 0) {
            code = store_result(policy->settings, &policy->results[i], err);
        }
    }
    return code;
}

static void result_clear(struct policy_result *result)
{
    for (size_t i = 0; i < result->value_count; i++) {
        policy_value_clear(&result->values[i]);
    }
    free(result->values);
    str_free(&result->text);
    str_list_clear(&result->entries);
}

void policy_free(struct policy *policy)
{
    if (!policy) {
        return;
    }
    for (size_t i = 0; policy->results && i < schema_count(); i++) {
        result_clear(&policy->results[i]);
    }
    free(policy->results);
    settings_unref(policy->settings);
    warnings_clear(&policy->warnings);
    for (size_t i = 0; i < policy->file_count; i++) {
        str_free(&policy->files[i].path);
    }
    free(policy->files);
    free(policy);
}

size_t policy_file_count(const struct policy *policy)
{
    return policy->file_count;
}

const struct policy_file *policy_file_at(const struct policy *policy, size_t index)
{
    return index < policy->file_count ? &policy->files[index] : NULL;
}

const struct settings *policy_settings(const struct policy *policy)
{
    return policy->settings;
}

const struct policy_result *policy_result_at(const struct policy *policy, size_t index)
{
    return index < schema_count() ? &policy->results[index] : NULL;
}

const struct policy_result *policy_result_find(const struct policy *policy, const char *name)
{
    const struct setting *row = schema_find(name);

    return row ? &policy->results[schema_index(row)] : NULL;
}

size_t policy_warning_count(const struct policy *policy)
{
    return policy->warnings.count;
}

size_t policy_error_count(const struct policy *policy)
{
    size_t count = 0;

    for (size_t i = 0; i < policy->warnings.count; i++) {
        count += policy->warnings.items[i].severity == POLICY_ERROR ? 1 : 0;
    }
    return count;
}

int policy_exit_class(const struct policy *policy)
{
    if (policy_error_count(policy) > 0) {
        return 2;
    }
    return policy_warning_count(policy) > 0 ? 1 : 0;
}

bool policy_is_restriction_unknown(const struct policy *policy)
{
    for (size_t i = 0; i < policy->file_count; i++) {
        enum policy_layer layer = policy->files[i].layer;

        if (policy->files[i].state == POLICY_FILE_BROKEN &&
            (layer == POLICY_LAYER_OVERRIDE || layer == POLICY_LAYER_MACHINE_POLICY ||
             layer == POLICY_LAYER_USER_POLICY)) {
            return true;
        }
    }
    return false;
}

const struct policy_warning *policy_warning_at(const struct policy *policy, size_t index)
{
    return index < policy->warnings.count ? &policy->warnings.items[index] : NULL;
}

int policy_add_place(struct buf *out, const char *file, int line, struct error *err)
{
    return line > 0 ? buf_add_format(out, err, "%s:%d", file ? file : "policy", line)
                    : buf_add_text(out, file ? file : "policy", err);
}

void policy_log_warning(const struct policy_warning *warning)
{
    struct buf place;

    buf_init(&place, 16 << 10);
    if (policy_add_place(&place, warning->file, warning->line, NULL) == 0) {
        log_write(LOG_LEVEL_ERROR, LOG_POLICY, "%s: %s: %s", buf_text(&place),
                  warning->key ? warning->key : "-", warning->message);
    }
    buf_clear(&place);
}
