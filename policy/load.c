#include "policy/load.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "merge.h"
#include "source.h"
#include "system.h"
#include "yaml_read.h"

enum { DIRECTORY_LIMIT = 256 }; /* files in policy.d */

struct policy {
    struct settings *settings;
    struct policy_result *results; /* one per row */
    struct policy_file *files;     /* whose paths the values lend */
    size_t file_count;
    struct warnings warnings;
};

const char *policy_layer_name(enum policy_layer layer)
{
    static const char *const names[] = {"--policy file",      "machine policy",  "user policy",
                                        "machine preference", "user preference", "default"};

    return names[layer];
}

void policy_sources_clear(struct policy_sources *sources)
{
    str_free(&sources->machine_file);
    str_free(&sources->machine_directory);
    str_free(&sources->user_preference_file);
    str_free(&sources->override_file);
}

static bool has_machine_policy(const struct policy_sources *sources)
{
    struct str_list files = {.limit = DIRECTORY_LIMIT};
    bool has = sources->machine_file && system_may_exist(sources->machine_file);

    if (!has && sources->machine_directory) {
        /* A folder that cannot be read may hold a policy. */
        has = system_list_files(&files, NULL, sources->machine_directory, ".yaml", NULL) < 0 ||
              files.count > 0;
    }
    str_list_clear(&files);
    return has;
}

int policy_sources_override(struct policy_sources *sources, const char *file, struct error *err)
{
    if (has_machine_policy(sources)) {
        return error_set(err, ERR_DENIED,
                         "--policy is refused: this machine has a policy (%s), which must not be "
                         "overridden",
                         sources->machine_file ? sources->machine_file
                                               : sources->machine_directory);
    }
    return str_copy(&sources->override_file, file, err);
}

static int append_value(struct policy_result *result, const struct policy_value *value,
                        struct error *err)
{
    struct policy_value *values =
        realloc(result->values, (result->value_count + 1) * sizeof(*values));

    if (!values) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the policy");
    }
    result->values = values;
    result->values[result->value_count++] = *value;
    return 0;
}

/* One more file that was looked for, lent until the next one; NULL and *err without memory. */
static struct policy_file *add_file(struct policy *policy, enum policy_layer layer,
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

/* Judges what a source says and keeps what is valid. */
static int take_values(struct policy *policy, const struct source *source,
                       const struct policy_sources *sources, struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < schema_count(); i++) {
        struct policy_value value = {0};
        bool is_valid = false;

        if (source->values[i].kind == RAW_ABSENT) {
            continue;
        }
        code = raw_value_judge(&value, &is_valid, schema_at(i), &source->values[i], source, sources,
                               &policy->warnings, err);
        if (code == 0 && is_valid) {
            code = append_value(&policy->results[i], &value, err);
        }
        if (code < 0 || !is_valid) {
            policy_value_clear(&value);
        }
    }
    return code;
}

/* Why there is no text goes into the warnings. ABSENT is a fault only of a file that was named. */
static int report_unreadable(struct policy_file *file, struct warnings *warnings, int why_code,
                             const char *why, struct error *err)
{
    if (why_code == ERR_NO_MEMORY) {
        return error_set(err, why_code, "%s", why);
    }
    if (why_code == ERR_NOT_FOUND && file->layer != POLICY_LAYER_OVERRIDE) {
        return 0;
    }
    file->state = why_code == ERR_NOT_FOUND ? POLICY_FILE_ABSENT : POLICY_FILE_BROKEN;
    if (why_code == ERR_LIMIT) {
        return warnings_add(warnings, POLICY_ERROR, file->path, 0, NULL, err,
                            "the file is not used: it is larger than the limit of %d KiB",
                            YAML_FILE_LIMIT / 1024);
    }
    return warnings_add(warnings, POLICY_ERROR, file->path, 0, NULL, err,
                        "the file is not used: %s", why);
}

static int load_text(struct policy *policy, struct policy_file *file, const struct buf *text,
                     const struct policy_sources *sources, struct error *err)
{
    struct source source = {0};
    bool is_readable = false;
    int code = source_init(&source, file->layer, file->path, err);

    if (code == 0) {
        code = yaml_read(&source, &is_readable, buf_text(text), text->size, &policy->warnings, err);
    }
    file->state = is_readable ? POLICY_FILE_READ : POLICY_FILE_BROKEN;
    if (code == 0 && is_readable) {
        code = take_values(policy, &source, sources, err);
    }
    source_clear(&source);
    return code;
}

static int load_file(struct policy *policy, enum policy_layer layer, const char *path,
                     const struct policy_sources *sources, struct error *err)
{
    struct policy_file *file = add_file(policy, layer, path, err);
    struct error why = {0};
    struct buf text;
    int code;

    if (!file) {
        return ERR_NO_MEMORY;
    }
    buf_init(&text, YAML_FILE_LIMIT);
    warnings_begin_file(&policy->warnings);
    code = system_require_file(file->path, &why);
    if (code == 0) {
        code = file_read_all(&text, file->path, &why);
    }
    code = code == 0 ? load_text(policy, file, &text, sources, err)
                     : report_unreadable(file, &policy->warnings, code, why.message, err);
    if (code == 0) {
        code = warnings_end_file(&policy->warnings, file->path, err);
    }
    buf_clear(&text);
    return code;
}

/* Names somebody may have meant to be read. */
static int warn_other_files(struct policy *policy, const struct str_list *other, struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < other->count; i++) {
        if (str_ends_with(other->items[i], ".yml") || str_ends_with(other->items[i], ".YAML")) {
            code = warnings_add(&policy->warnings, POLICY_WARNING, other->items[i], 0, NULL, err,
                                "the file is not used: its name must end in .yaml");
        }
    }
    return code;
}

/* The folder itself is named only when there is nothing in it to name. */
static int report_folder(struct policy *policy, const char *directory, int why_code,
                         const char *why, struct error *err)
{
    struct policy_file *file = add_file(policy, POLICY_LAYER_MACHINE_POLICY, directory, err);

    if (!file) {
        return ERR_NO_MEMORY;
    }
    if (why_code == 0) {
        return 0;
    }
    file->state = POLICY_FILE_BROKEN;
    warnings_begin_file(&policy->warnings);
    return warnings_add(&policy->warnings, POLICY_ERROR, directory, 0, NULL, err,
                        "the folder is not used: %s", why);
}

/* Highest first: the last of policy.d, ... its first. */
static int load_directory(struct policy *policy, const struct policy_sources *sources,
                          struct error *err)
{
    const char *directory = sources->machine_directory;
    struct str_list files = {.limit = DIRECTORY_LIMIT};
    struct str_list other = {.limit = DIRECTORY_LIMIT};
    struct error why = {0};
    int code = system_list_files(&files, &other, directory, ".yaml", &why);

    if (code == ERR_NO_MEMORY) {
        error_set(err, code, "%s", why.message);
    } else if (code < 0) {
        code = report_folder(policy, directory, code, why.message, err);
        str_list_clear(&files);
    } else if (files.count == 0) {
        code = report_folder(policy, directory, 0, NULL, err);
    }
    for (size_t i = files.count; code == 0 && i > 0; i--) {
        code = load_file(policy, POLICY_LAYER_MACHINE_POLICY, files.items[i - 1], sources, err);
    }
    if (code == 0) {
        code = warn_other_files(policy, &other, err);
    }
    str_list_clear(&files);
    str_list_clear(&other);
    return code;
}

static int load_sources(struct policy *policy, const struct policy_sources *sources,
                        struct error *err)
{
    int code = 0;

    if (sources->override_file) {
        return load_file(policy, POLICY_LAYER_OVERRIDE, sources->override_file, sources, err);
    }
    if (sources->machine_directory) {
        code = load_directory(policy, sources, err);
    }
    if (code == 0 && sources->machine_file) {
        code = load_file(policy, POLICY_LAYER_MACHINE_POLICY, sources->machine_file, sources, err);
    }
    if (code == 0 && sources->user_preference_file) {
        code = load_file(policy, POLICY_LAYER_USER_PREFERENCE, sources->user_preference_file,
                         sources, err);
    }
    return code;
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
        if (code == 0 && result->value_count == 0) {
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
        code = append_value(result, &value, err);
    }
    if (code < 0) {
        policy_value_clear(&value);
    }
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

static int finish(struct policy *policy, const struct policy_sources *sources, struct error *err)
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

int policy_load(struct policy **out, const struct policy_sources *sources, struct error *err)
{
    struct policy *policy = calloc(1, sizeof(*policy));
    int code = 0;

    if (policy) {
        policy->results = calloc(schema_count(), sizeof(*policy->results));
    }
    if (!policy || !policy->results) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for the policy");
        goto out;
    }
    for (size_t i = 0; i < schema_count(); i++) {
        policy->results[i].row = schema_at(i);
    }
    code = load_sources(policy, sources, err);
    if (code == 0) {
        code = finish(policy, sources, err);
    }
    if (code == 0) {
        *out = policy;
        policy = NULL;
    }
out:
    policy_free(policy);
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

const struct policy_warning *policy_warning_at(const struct policy *policy, size_t index)
{
    return index < policy->warnings.count ? &policy->warnings.items[index] : NULL;
}
