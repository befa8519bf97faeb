#include "policy/settings.h"

#include <assert.h>
#include <stdlib.h>

#include "policy/schema.h"
#include "system.h"

static_assert(sizeof(enum policy_cloud) == sizeof(int), "enumerations are stored as int");

static void *field_of(struct settings *settings, const struct setting *row)
{
    return (char *)settings + row->offset;
}

static void clear_field(struct settings *settings, const struct setting *row)
{
    if (row->type == SETTING_TEXT) {
        str_free(field_of(settings, row));
    } else if (row->type == SETTING_LIST) {
        str_list_clear(field_of(settings, row));
    }
}

void setting_store(struct settings *settings, const struct setting *row,
                   struct setting_value *value)
{
    void *field = field_of(settings, row);

    clear_field(settings, row);
    switch (row->type) {
    case SETTING_SWITCH:
        *(bool *)field = value->is_on;
        break;
    case SETTING_INT:
        *(int64_t *)field = value->number;
        break;
    case SETTING_ENUM:
        *(int *)field = (int)value->number;
        break;
    case SETTING_TEXT:
        *(char **)field = value->text;
        value->text = NULL;
        break;
    case SETTING_LIST:
        *(struct str_list *)field = value->entries;
        value->entries = (struct str_list){0};
        break;
    }
    setting_value_clear(value);
}

/* A path whose variables have no value: "" rather than a text that is no path. */
static int parse_default(struct setting_value *value, const struct setting *row, struct error *err)
{
    int code = setting_parse(value, row, setting_default_text(row), system_variable, NULL, err);

    if (code == ERR_INVALID && (row->flags & SETTING_PATH)) {
        setting_value_clear(value);
        code = str_copy(&value->text, "", err);
    }
    return code;
}

int settings_new_default(struct settings **out, struct error *err)
{
    struct settings *settings = calloc(1, sizeof(*settings));
    int code = 0;

    if (!settings) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the settings");
    }
    atomic_init(&settings->references, 1);
    for (size_t i = 0; code == 0 && i < schema_count(); i++) {
        struct setting_value value = {0};

        code = parse_default(&value, schema_at(i), err);
        if (code == 0) {
            setting_store(settings, schema_at(i), &value);
        }
        setting_value_clear(&value);
    }
    if (code < 0) {
        settings_unref(settings);
        return code;
    }
    *out = settings;
    return 0;
}

/* The count is the one thing in settings that changes; that is no change of what they say. */
static atomic_uint *references_of(const struct settings *settings)
{
    return &((struct settings *)settings)->references;
}

const struct settings *settings_ref(const struct settings *settings)
{
    if (settings) {
        atomic_fetch_add_explicit(references_of(settings), 1, memory_order_relaxed);
    }
    return settings;
}

void settings_unref(const struct settings *settings)
{
    struct settings *last = (struct settings *)settings;

    if (!settings ||
        atomic_fetch_sub_explicit(references_of(settings), 1, memory_order_acq_rel) > 1) {
        return;
    }
    for (size_t i = 0; i < schema_count(); i++) {
        clear_field(last, schema_at(i));
    }
    free(last);
}
