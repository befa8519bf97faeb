#include "policy/load.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "policy_impl.h"
#include "registry_source.h"
#include "system.h"
#include "yaml_read.h"

enum { DIRECTORY_LIMIT = 256 }; /* files in policy.d */

struct loader {
    struct policy *policy;
    const struct policy *old; /* to keep from; NULL: none */
    const struct policy_sources *sources;
};

/* One key of an image as a layer. */
struct part {
    const char *key;
    enum registry_hive hive;
    enum policy_layer layer;
};

static const struct part hive_parts[] = {
    {REGISTRY_POLICY_KEY, REGISTRY_MACHINE, POLICY_LAYER_MACHINE_POLICY},
    {REGISTRY_POLICY_KEY, REGISTRY_USER, POLICY_LAYER_USER_POLICY},
    {REGISTRY_PREFERENCE_KEY, REGISTRY_MACHINE, POLICY_LAYER_MACHINE_PREFERENCE},
    {REGISTRY_PREFERENCE_KEY, REGISTRY_USER, POLICY_LAYER_USER_PREFERENCE},
};
/* A Registry.pol is for the machine or for users; the file does not say which. */
static const struct part regpol_parts[] = {
    {REGISTRY_POLICY_KEY, REGISTRY_ANY, POLICY_LAYER_OVERRIDE},
    {REGISTRY_PREFERENCE_KEY, REGISTRY_ANY, POLICY_LAYER_MACHINE_PREFERENCE},
};
enum {
    HIVE_PARTS = sizeof(hive_parts) / sizeof(hive_parts[0]),
    REGPOL_PARTS = sizeof(regpol_parts) / sizeof(regpol_parts[0])
};

void policy_sources_clear(struct policy_sources *sources)
{
    str_free(&sources->machine_file);
    str_free(&sources->machine_directory);
    str_free(&sources->user_preference_file);
    str_free(&sources->override_file);
}

/* Also true when it cannot be found out: it may hold a policy. */
static bool has_machine_registry(const struct policy_sources *sources)
{
    struct registry_image image;
    bool has;

    registry_image_init(&image, NULL);
    has = sources->registry(&image, true, REGISTRY_POLICY_KEY, sources->payload, NULL) < 0 ||
          image.count > 0;
    registry_image_clear(&image);
    return has;
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
    return has || (sources->registry && has_machine_registry(sources));
}

int policy_sources_override(struct policy_sources *sources, const char *file, struct error *err)
{
    if (has_machine_policy(sources)) {
        return error_set(err, ERR_DENIED,
                         "--policy is refused: this machine has a policy (%s), which must not be "
                         "overridden",
                         sources->machine_file        ? sources->machine_file
                         : sources->machine_directory ? sources->machine_directory
                                                      : "HKLM\\" REGISTRY_POLICY_KEY);
    }
    return str_copy(&sources->override_file, file, err);
}

static int copy_value(struct policy_value *out, const struct policy_value *value, const char *file,
                      struct error *err)
{
    int code = str_copy(&out->text, value->text, err);

    out->layer = value->layer;
    out->file = file;
    out->line = value->line;
    if (code == 0) {
        code = str_copy(&out->written, value->written, err);
    }
    for (size_t i = 0; code == 0 && i < value->entries.count; i++) {
        code = str_list_add(&out->entries, value->entries.items[i], err);
    }
    return code;
}

static bool is_known(const struct policy_file *file)
{
    return file->state == POLICY_FILE_READ || file->state == POLICY_FILE_KEPT;
}

/* What `old` knew of a file that cannot be used now. */
static int keep_values(const struct loader *loader, struct policy_file *file, struct error *err)
{
    bool is_kept = false;
    int code = 0;

    for (size_t i = 0; loader->old && i < loader->old->file_count; i++) {
        const struct policy_file *before = &loader->old->files[i];

        is_kept = is_kept || (before->layer == file->layer && is_known(before) &&
                              str_equal(before->path, file->path));
    }
    for (size_t i = 0; is_kept && code == 0 && i < schema_count(); i++) {
        const struct policy_result *result = &loader->old->results[i];

        for (size_t j = 0; code == 0 && j < result->value_count; j++) {
            struct policy_value value = {0};

            if (str_equal(result->values[j].file, file->path)) {
                code = copy_value(&value, &result->values[j], file->path, err);
                code = code == 0 ? policy_add_value(loader->policy, i, &value, err) : code;
            }
            policy_value_clear(&value);
        }
    }
    if (code == 0 && is_kept) {
        file->state = POLICY_FILE_KEPT;
        code = warnings_add(&loader->policy->warnings, POLICY_WARNING, file->path, 0, NULL, err,
                            "what this file said before stays in force until it can be used again");
    }
    return code;
}

/* Judges what a source says and keeps what is valid. */
static int take_values(const struct loader *loader, const struct source *source, struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < schema_count(); i++) {
        struct policy_value value = {0};
        bool is_valid = false;

        if (source->values[i].kind == RAW_ABSENT) {
            continue;
        }
        code = raw_value_judge(&value, &is_valid, schema_at(i), &source->values[i], source,
                               loader->sources, &loader->policy->warnings, err);
        if (code == 0 && is_valid) {
            code = policy_add_value(loader->policy, i, &value, err);
        }
        policy_value_clear(&value);
    }
    return code;
}

/* Why a file or key cannot be used goes into the warnings; *err is set without memory only. ABSENT is
 * a fault only of a file that was named. */
static int report_broken(const struct loader *loader, struct policy_file *file, int why_code,
                         int line, const char *why, struct error *err)
{
    if (why_code == ERR_NO_MEMORY) {
        return error_set(err, why_code, "%s", why);
    }
    if (why_code == ERR_NOT_FOUND && file->layer != POLICY_LAYER_OVERRIDE) {
        return 0;
    }
    file->state = why_code == ERR_NOT_FOUND ? POLICY_FILE_ABSENT : POLICY_FILE_BROKEN;
    return warnings_add(&loader->policy->warnings, POLICY_ERROR, file->path, line, NULL, err,
                        "the file is not used: %s", why);
}

static int load_yaml(const struct loader *loader, struct policy_file *file, const struct buf *text,
                     struct error *err)
{
    struct source source = {0};
    bool is_readable = false;
    int code = source_init(&source, file->layer, file->path, err);

    if (code == 0) {
        code = yaml_read(&source, &is_readable, buf_text(text), text->size,
                         &loader->policy->warnings, err);
    }
    file->state = is_readable ? POLICY_FILE_READ : POLICY_FILE_BROKEN;
    if (code == 0 && is_readable) {
        code = take_values(loader, &source, err);
    }
    source_clear(&source);
    return code;
}

static int take_part(const struct loader *loader, const struct policy_file *file,
                     const struct registry_image *image, const struct part *part, struct error *err)
{
    struct source source = {0};
    int code = source_init(&source, part->layer, file->path, err);

    if (code == 0) {
        code = registry_fill(&source, image, part->hive, part->key, loader->sources,
                             &loader->policy->warnings, err);
    }
    if (code == 0) {
        code = take_values(loader, &source, err);
    }
    source_clear(&source);
    return code;
}

/* Highest first. */
static int take_parts(const struct loader *loader, const struct policy_file *file,
                      const struct registry_image *image, const struct part *parts, size_t count,
                      struct error *err)
{
    int code = 0;

    if (image->count == 0) {
        code = warnings_add(&loader->policy->warnings, POLICY_WARNING, file->path, 0, NULL, err,
                            "there is nothing of ours in it, below %s or %s", REGISTRY_POLICY_KEY,
                            REGISTRY_PREFERENCE_KEY);
    }
    for (size_t i = 0; code == 0 && i < count; i++) {
        code = take_part(loader, file, image, &parts[i], err);
    }
    return code;
}

static int load_image(const struct loader *loader, struct policy_file *file, const struct buf *data,
                      struct error *err)
{
    static const char *const roots[] = {REGISTRY_POLICY_KEY, REGISTRY_PREFERENCE_KEY, NULL};
    bool is_regpol = regpol_is(data->data, data->size);
    struct registry_image image;
    struct error why = {0};
    int line = 0;
    int code;

    registry_image_init(&image, roots);
    code = is_regpol ? regpol_read(&image, data->data, data->size, &why)
                     : regfile_read(&image, &line, data->data, data->size, &why);
    if (code < 0) {
        code = report_broken(loader, file, code, line, why.message, err);
    } else {
        file->state = POLICY_FILE_READ;
        code = is_regpol ? take_parts(loader, file, &image, regpol_parts, REGPOL_PARTS, err)
                         : take_parts(loader, file, &image, hive_parts, HIVE_PARTS, err);
    }
    registry_image_clear(&image);
    return code;
}

/* A policy that an ordinary user can change restricts nobody. */
static int check_owner(const struct loader *loader, const struct policy_file *file,
                       struct error *err)
{
    struct error why = {0};

    if (!loader->sources->checks_owner || file->layer != POLICY_LAYER_MACHINE_POLICY ||
        system_check_protected(file->path, &why) == 0) {
        return 0;
    }
    return warnings_add(&loader->policy->warnings, POLICY_WARNING, file->path, 0, NULL, err,
                        "others than root can change this policy: %s", why.message);
}

/* YAML everywhere; the other forms only in a file that was named. */
static int load_content(const struct loader *loader, struct policy_file *file,
                        const struct buf *content, struct error *err)
{
    bool is_image =
        file->layer == POLICY_LAYER_OVERRIDE &&
        (regpol_is(content->data, content->size) || regfile_is(content->data, content->size));
    int code = check_owner(loader, file, err);

    if (code < 0) {
        return code;
    }
    if (is_image) {
        return load_image(loader, file, content, err);
    }
    if (content->size > YAML_FILE_LIMIT) {
        return report_broken(loader, file, ERR_LIMIT, 0, "it is larger than the limit of 1024 KiB",
                             err);
    }
    return load_yaml(loader, file, content, err);
}

static int load_file(const struct loader *loader, enum policy_layer layer, const char *path,
                     struct error *err)
{
    struct policy_file *file = policy_add_file(loader->policy, layer, path, err);
    struct warnings *warnings = &loader->policy->warnings;
    struct error why = {0};
    struct buf content;
    int code;

    if (!file) {
        return ERR_NO_MEMORY;
    }
    buf_init(&content, layer == POLICY_LAYER_OVERRIDE ? REGISTRY_FILE_LIMIT : YAML_FILE_LIMIT);
    warnings_begin_file(warnings);
    code = system_require_file(file->path, &why);
    if (code == 0) {
        code = file_read_all(&content, file->path, &why);
    }
    if (code == ERR_LIMIT) {
        code =
            error_set(&why, code, "it is larger than the limit of %zu KiB", content.limit / 1024);
    }
    code = code == 0 ? load_content(loader, file, &content, err)
                     : report_broken(loader, file, code, 0, why.message, err);
    if (code == 0 && file->state == POLICY_FILE_BROKEN) {
        code = keep_values(loader, file, err);
    }
    if (code == 0) {
        code = warnings_end_file(warnings, file->path, err);
    }
    buf_clear(&content);
    return code;
}

/* Names somebody may have meant to be read. */
static int warn_other_files(const struct loader *loader, const struct str_list *other,
                            struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < other->count; i++) {
        if (str_ends_with(other->items[i], ".yml") || str_ends_with(other->items[i], ".YAML")) {
            code = warnings_add(&loader->policy->warnings, POLICY_WARNING, other->items[i], 0, NULL,
                                err, "the file is not used: its name must end in .yaml");
        }
    }
    return code;
}

/* Whether `old` could read the folder, whatever was in it. */
static bool was_folder_read(const struct policy *old, const char *directory)
{
    for (size_t i = 0; old && i < old->file_count; i++) {
        if (str_equal(old->files[i].path, directory) && old->files[i].state == POLICY_FILE_BROKEN) {
            return false;
        }
    }
    return old != NULL;
}

/* The files that `old` knew in a folder that cannot be read now; they were highest first. */
static int keep_folder(const struct loader *loader, const char *directory, struct error *err)
{
    size_t length = strlen(directory);
    int code = 0;

    for (size_t i = 0; code == 0 && i < loader->old->file_count; i++) {
        const struct policy_file *before = &loader->old->files[i];
        struct policy_file *file;

        if (!is_known(before) || !str_starts_with(before->path, directory) ||
            before->path[length] != '/') {
            continue;
        }
        file = policy_add_file(loader->policy, before->layer, before->path, err);
        code = file ? keep_values(loader, file, err) : ERR_NO_MEMORY;
    }
    return code;
}

/* The folder itself is named only when there is nothing in it to name. */
static int report_folder(const struct loader *loader, const char *directory, int why_code,
                         const char *why, struct error *err)
{
    struct policy *policy = loader->policy;
    struct policy_file *file = policy_add_file(policy, POLICY_LAYER_MACHINE_POLICY, directory, err);
    bool is_kept = was_folder_read(loader->old, directory);
    int code;

    if (!file) {
        return ERR_NO_MEMORY;
    }
    if (why_code == 0) {
        return 0;
    }
    file->state = is_kept ? POLICY_FILE_KEPT : POLICY_FILE_BROKEN;
    warnings_begin_file(&policy->warnings);
    code = warnings_add(&policy->warnings, POLICY_ERROR, directory, 0, NULL, err,
                        "the folder is not used: %s", why);
    return code == 0 && is_kept ? keep_folder(loader, directory, err) : code;
}

/* Highest first: the last of policy.d, ... its first. */
static int load_directory(const struct loader *loader, const char *directory, struct error *err)
{
    struct str_list files = {.limit = DIRECTORY_LIMIT};
    struct str_list other = {.limit = DIRECTORY_LIMIT};
    struct error why = {0};
    int code = system_list_files(&files, &other, directory, ".yaml", &why);

    if (code == ERR_NO_MEMORY) {
        error_set(err, code, "%s", why.message);
    } else if (code < 0) {
        code = report_folder(loader, directory, code, why.message, err);
        str_list_clear(&files);
    } else if (files.count == 0) {
        code = report_folder(loader, directory, 0, NULL, err);
    }
    for (size_t i = files.count; code == 0 && i > 0; i--) {
        code = load_file(loader, POLICY_LAYER_MACHINE_POLICY, files.items[i - 1], err);
    }
    if (code == 0) {
        code = warn_other_files(loader, &other, err);
    }
    str_list_clear(&files);
    str_list_clear(&other);
    return code;
}

/* One key of the live registry. */
static int load_key(const struct loader *loader, const struct part *part, struct error *err)
{
    bool is_machine = part->hive == REGISTRY_MACHINE;
    struct warnings *warnings = &loader->policy->warnings;
    struct policy_file *file = NULL;
    struct registry_image image;
    struct error why = {0};
    char *path = NULL;
    int code = str_format(&path, err, "%s\\%s", is_machine ? "HKLM" : "HKCU", part->key);

    registry_image_init(&image, NULL);
    if (code == 0) {
        file = policy_add_file(loader->policy, part->layer, path, err);
    }
    if (!file) {
        code = ERR_NO_MEMORY;
        goto out;
    }
    warnings_begin_file(warnings);
    code = loader->sources->registry(&image, is_machine, part->key, loader->sources->payload, &why);
    registry_image_compact(&image);
    if (code < 0) {
        code = report_broken(loader, file, code, 0, why.message, err);
    } else if (image.count > 0) {
        file->state = POLICY_FILE_READ;
        code = take_part(loader, file, &image, part, err);
    }
    if (code == 0 && file->state == POLICY_FILE_BROKEN) {
        code = keep_values(loader, file, err);
    }
    if (code == 0) {
        code = warnings_end_file(warnings, file->path, err);
    }
out:
    registry_image_clear(&image);
    str_free(&path);
    return code;
}

static int load_sources(const struct loader *loader, struct error *err)
{
    const struct policy_sources *sources = loader->sources;
    int code = 0;

    if (sources->override_file) {
        return load_file(loader, POLICY_LAYER_OVERRIDE, sources->override_file, err);
    }
    if (sources->machine_directory) {
        code = load_directory(loader, sources->machine_directory, err);
    }
    if (code == 0 && sources->machine_file) {
        code = load_file(loader, POLICY_LAYER_MACHINE_POLICY, sources->machine_file, err);
    }
    for (size_t i = 0; code == 0 && sources->registry && i < HIVE_PARTS; i++) {
        code = load_key(loader, &hive_parts[i], err);
    }
    if (code == 0 && sources->user_preference_file) {
        code = load_file(loader, POLICY_LAYER_USER_PREFERENCE, sources->user_preference_file, err);
    }
    return code;
}

int policy_reload(struct policy **out, const struct policy *old,
                  const struct policy_sources *sources, struct error *err)
{
    struct policy *policy = NULL;
    struct loader loader = {.old = old, .sources = sources};
    int code = policy_new(&policy, err);

    if (code < 0) {
        return code;
    }
    loader.policy = policy;
    code = load_sources(&loader, err);
    if (code == 0) {
        code = policy_finish(policy, sources, err);
    }
    if (code == 0) {
        *out = policy;
        policy = NULL;
    }
    policy_free(policy);
    return code;
}

int policy_load(struct policy **out, const struct policy_sources *sources, struct error *err)
{
    return policy_reload(out, NULL, sources, err);
}

int policy_check_file(struct policy **out, const char *file, const struct policy_sources *sources,
                      struct error *err)
{
    struct policy_sources alone = {0};
    int code = str_copy(&alone.override_file, file, err);

    if (sources) {
        alone.variable = sources->variable;
        alone.payload = sources->payload;
    }
    if (code == 0) {
        code = policy_load(out, &alone, err);
    }
    policy_sources_clear(&alone);
    return code;
}
