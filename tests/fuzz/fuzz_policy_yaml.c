/*
 * Any bytes as a policy file: reading, judging, merging and showing must end, in bounds. What comes
 * out must hold the rules that the rest of the program relies on.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "policy/settings.h"
#include "source.h"
#include "yaml_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *variable(const char *name, void *payload)
{
    (void)payload;
    return strcmp(name, "HOME") == 0 ? "/home/anna" : NULL;
}

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* What was accepted is in normal form: reading it again gives the same text. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_sources sources = {.variable = variable};
    struct warnings warnings = {0};
    struct source source = {0};
    bool is_readable = false;

    must(source_init(&source, POLICY_LAYER_MACHINE_POLICY, "policy.yaml", NULL) == 0);
    warnings_begin_file(&warnings);
    must(yaml_read(&source, &is_readable, (const char *)data, size, &warnings, NULL) == 0);
    for (size_t i = 0; i < schema_count(); i++) {
        struct policy_value value = {0};
        bool is_valid = false;

        must(is_readable || source.values[i].kind == RAW_ABSENT);
        if (source.values[i].kind == RAW_ABSENT) {
            continue;
        }
        must(raw_value_judge(&value, &is_valid, schema_at(i), &source.values[i], &source, &sources,
                             &warnings, NULL) == 0);
        if (is_valid) {
            check_value(schema_at(i), &value);
        }
        policy_value_clear(&value);
    }
    must(warnings_end_file(&warnings, "policy.yaml", NULL) == 0);
    check_warnings(&warnings);
    warnings_clear(&warnings);
    source_clear(&source);
    return 0;
}
