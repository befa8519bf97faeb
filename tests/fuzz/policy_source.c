#include "policy_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "policy/export.h"
#include "policy/settings.h"
#include "registry_source.h"
#include "yaml_read.h"

void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

const char *fuzz_variable(const char *name, void *payload)
{
    (void)payload;
    return strcmp(name, "HOME") == 0 ? "/home/anna" : NULL;
}

/* Reading it again gives the same text. */
static void check_value(const struct setting *row, const struct policy_value *value)
{
    struct setting_value again = {0};
    char *text = NULL;

    must(str_is_utf8(value->text, strlen(value->text)));
    if (!(row->flags & SETTING_RESTRICTS)) {
        must(setting_parse(&again, row, value->text, NULL, NULL, NULL) == 0);
        must(setting_format(&text, row, &again, NULL) == 0);
        must(strcmp(text, value->text) == 0);
    }
    str_free(&text);
    setting_value_clear(&again);
}

static void check_warnings(const struct warnings *warnings)
{
    must(warnings->count <= 2 * WARNINGS_PER_FILE);
    for (size_t i = 0; i < warnings->count; i++) {
        for (const char *c = warnings->items[i].message; *c; c++) {
            must((unsigned char)*c >= 0x20 && *c != 0x7f);
        }
    }
}

static void read_back(struct source *source, enum policy_format format, const struct buf *file,
                      struct warnings *warnings)
{
    struct policy_sources sources = {.variable = fuzz_variable};
    struct registry_image image;
    bool is_readable = false;
    int line;

    if (format == POLICY_FORMAT_YAML) {
        must(yaml_read(source, &is_readable, buf_text(file), file->size, warnings, NULL) == 0);
        must(is_readable);
        return;
    }
    registry_image_init(&image, NULL);
    must(format == POLICY_FORMAT_REG
             ? regfile_read(&image, &line, file->data, file->size, NULL) == 0
             : regpol_read(&image, file->data, file->size, NULL) == 0);
    must(registry_fill(source, &image,
                       format == POLICY_FORMAT_REG ? REGISTRY_MACHINE : REGISTRY_ANY,
                       REGISTRY_POLICY_KEY, &sources, warnings, NULL) == 0);
    registry_image_clear(&image);
}

/* A set, written in each form, is read as the same texts. */
static void check_export(const struct policy_set *set)
{
    for (int format = POLICY_FORMAT_YAML; format <= POLICY_FORMAT_REGPOL; format++) {
        struct policy_sources sources = {.variable = fuzz_variable};
        struct warnings warnings = {0};
        struct source source = {0};
        struct buf file;

        buf_init(&file, 64 << 20);
        must(policy_export(&file, (enum policy_format)format, set, NULL, NULL) == 0);
        must(source_init(&source, POLICY_LAYER_MACHINE_POLICY, "again", NULL) == 0);
        warnings_begin_file(&warnings);
        read_back(&source, (enum policy_format)format, &file, &warnings);
        for (size_t i = 0; i < schema_count(); i++) {
            const struct setting *row = schema_at(i);
            const char *text = policy_set_text(set, row);
            struct policy_value value = {0};
            bool is_valid = false;

            must((source.values[i].kind != RAW_ABSENT) == (text != NULL));
            if (text) {
                must(raw_value_judge(&value, &is_valid, row, &source.values[i], &source, &sources,
                                     &warnings, NULL) == 0);
                must(is_valid && strcmp(value.text, text) == 0);
            }
            policy_value_clear(&value);
        }
        warnings_clear(&warnings);
        source_clear(&source);
        buf_clear(&file);
    }
}

void check_source(struct source *source, struct warnings *warnings)
{
    struct policy_sources sources = {.variable = fuzz_variable};
    struct policy_set set = {0};

    for (size_t i = 0; i < schema_count(); i++) {
        const struct setting *row = schema_at(i);
        struct policy_value value = {0};
        bool is_valid = false;

        if (source->values[i].kind == RAW_ABSENT) {
            continue;
        }
        must(raw_value_judge(&value, &is_valid, row, &source->values[i], source, &sources, warnings,
                             NULL) == 0);
        if (is_valid) {
            check_value(row, &value);
        }
        /* an expanded path could have a '$' or '%' of its own, which would be read as a variable */
        if (is_valid && !(row->flags & (SETTING_RESTRICTS | SETTING_PATH))) {
            must(policy_set_put(&set, row, value.text, NULL) == 0);
        }
        policy_value_clear(&value);
    }
    check_export(&set);
    must(warnings_end_file(warnings, source->file, NULL) == 0);
    check_warnings(warnings);
    policy_set_clear(&set);
    warnings_clear(warnings);
    source_clear(source);
}
