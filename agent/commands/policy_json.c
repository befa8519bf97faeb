/*
 * The JSON form:
 * {"files": [{"layer", "file", "state": "read" | "absent" | "broken" | "kept"}],   looked for, highest first
 *  "settings": [{"name", "category", "type", "unit", "value", "default", "planned",
 *    "source": {"layer", "file", "line"},        the highest source the value comes from
 *    "sources": [{..., "value"}],                lists only: all that gave entries
 *    "overrides": [{..., "value"}]}],            who had another value and lost, highest first
 *  "warnings": [{"severity", "file", "line", "key", "message"}]}
 * Layers: override, machinePolicy, userPolicy, machinePreference, userPreference, default. A file,
 * a line, a key that does not exist is left out.
 */
#include <cjson/cJSON.h>
#include <stdlib.h>

#include "base/str.h"
#include "commands/policy_impl.h"

static const char *const layers[] = {"override",          "machinePolicy",  "userPolicy",
                                     "machinePreference", "userPreference", "default"};

/* cJSON answers NULL without memory; the functions here pass that on as false. */
static bool add_text(cJSON *object, const char *name, const char *text)
{
    return !text || cJSON_AddStringToObject(object, name, text) != NULL;
}

static cJSON *shown_text(const struct setting *row, const char *text)
{
    char *shown = NULL;
    cJSON *json = NULL;

    if (setting_display(&shown, row, text, NULL) == 0) {
        json = cJSON_CreateString(shown);
    }
    str_free(&shown);
    return json;
}

static cJSON *list_json(const struct setting *row, const struct str_list *entries)
{
    cJSON *array = cJSON_CreateArray();

    for (size_t i = 0; array && i < entries->count; i++) {
        cJSON *entry = shown_text(row, entries->items[i]);

        if (!entry || !cJSON_AddItemToArray(array, entry)) {
            cJSON_Delete(entry);
            cJSON_Delete(array);
            return NULL;
        }
    }
    return array;
}

cJSON *policy_value_json(const struct setting *row, const char *text,
                         const struct str_list *entries)
{
    switch (row->type) {
    case SETTING_SWITCH:
        return cJSON_CreateBool(str_equal(text, "true"));
    case SETTING_INT:
        return cJSON_CreateNumber(strtod(text, NULL));
    case SETTING_LIST:
        return list_json(row, entries);
    case SETTING_TEXT:
    case SETTING_ENUM:
        break;
    }
    return shown_text(row, text);
}

/* Hands `item` over to `object`; false, and freed, when that is not possible. */
static bool add_item(cJSON *object, const char *name, cJSON *item)
{
    if (item && cJSON_AddItemToObject(object, name, item)) {
        return true;
    }
    cJSON_Delete(item);
    return false;
}

static bool add_element(cJSON *array, cJSON *item)
{
    if (item && cJSON_AddItemToArray(array, item)) {
        return true;
    }
    cJSON_Delete(item);
    return false;
}

static cJSON *origin_json(const struct setting *row, const struct policy_value *value,
                          bool has_value)
{
    cJSON *object = cJSON_CreateObject();
    bool is_done = object && add_text(object, "layer", layers[value->layer]) &&
                   add_text(object, "file", value->file) &&
                   (value->line == 0 || cJSON_AddNumberToObject(object, "line", value->line)) &&
                   (!has_value || add_item(object, "value",
                                           policy_value_json(row, value->text, &value->entries)));

    if (!is_done) {
        cJSON_Delete(object);
        return NULL;
    }
    return object;
}

static bool add_values(cJSON *object, const char *name, const struct policy_result *result,
                       bool is_used)
{
    cJSON *array = cJSON_AddArrayToObject(object, name);
    bool is_done = array != NULL;

    for (size_t i = 0; is_done && i < result->value_count; i++) {
        const struct policy_value *value = &result->values[i];
        bool is_empty_default = value->layer == POLICY_LAYER_DEFAULT && value->entries.count == 0;

        if (value->is_used == is_used && (is_used || !is_empty_default)) {
            is_done = add_element(array, origin_json(result->row, value, true));
        }
    }
    return is_done;
}

cJSON *policy_origin_json(const struct policy_value *value)
{
    return origin_json(NULL, value, false);
}

static cJSON *setting_json(const struct policy_result *result)
{
    const struct setting *row = result->row;
    const struct policy_value *by_default = &result->values[result->value_count - 1];
    cJSON *object = cJSON_CreateObject();
    bool is_done =
        object && add_text(object, "name", row->name) &&
        add_text(object, "category", row->category) &&
        add_text(object, "type", setting_type_name(row->type)) &&
        add_text(object, "unit", row->unit) &&
        add_item(object, "value", policy_value_json(row, result->text, &result->entries)) &&
        add_item(object, "default",
                 policy_value_json(row, by_default->text, &by_default->entries)) &&
        cJSON_AddBoolToObject(object, "planned", (row->flags & SETTING_PLANNED) != 0) &&
        add_item(object, "source", origin_json(row, result->winner, false)) &&
        (row->type != SETTING_LIST || add_values(object, "sources", result, true)) &&
        add_values(object, "overrides", result, false);

    if (!is_done) {
        cJSON_Delete(object);
        return NULL;
    }
    return object;
}

static cJSON *warning_json(const struct policy_warning *warning)
{
    cJSON *object = cJSON_CreateObject();
    bool is_done =
        object &&
        add_text(object, "severity", warning->severity == POLICY_ERROR ? "error" : "warning") &&
        add_text(object, "file", warning->file) &&
        (warning->line == 0 || cJSON_AddNumberToObject(object, "line", warning->line)) &&
        add_text(object, "key", warning->key) && add_text(object, "message", warning->message);

    if (!is_done) {
        cJSON_Delete(object);
        return NULL;
    }
    return object;
}

static cJSON *file_json(const struct policy_file *file)
{
    static const char *const states[] = {"read", "absent", "broken", "kept"};
    cJSON *object = cJSON_CreateObject();
    bool is_done = object && add_text(object, "layer", layers[file->layer]) &&
                   add_text(object, "file", file->path) &&
                   add_text(object, "state", states[file->state]);

    if (!is_done) {
        cJSON_Delete(object);
        return NULL;
    }
    return object;
}

static bool fill(cJSON *root, const struct policy *policy, bool is_all)
{
    cJSON *files = cJSON_AddArrayToObject(root, "files");
    cJSON *settings = cJSON_AddArrayToObject(root, "settings");
    cJSON *warnings = cJSON_AddArrayToObject(root, "warnings");
    bool is_done = files && settings && warnings;

    for (size_t i = 0; is_done && i < policy_file_count(policy); i++) {
        is_done = add_element(files, file_json(policy_file_at(policy, i)));
    }
    for (size_t i = 0; is_done && i < schema_count(); i++) {
        const struct policy_result *result = policy_result_at(policy, i);

        if (is_all || result->winner->layer != POLICY_LAYER_DEFAULT) {
            is_done = add_element(settings, setting_json(result));
        }
    }
    for (size_t i = 0; is_done && i < policy_warning_count(policy); i++) {
        is_done = add_element(warnings, warning_json(policy_warning_at(policy, i)));
    }
    return is_done;
}

int policy_print_json(struct buf *out, cJSON *json, struct error *err)
{
    char *text = json ? cJSON_Print(json) : NULL;
    int code = text ? buf_add_format(out, err, "%s\n", text)
                    : error_set(err, ERR_NO_MEMORY, "no memory to show the policy");

    cJSON_free(text);
    cJSON_Delete(json);
    return code;
}

int policy_render_json(struct buf *out, const struct policy *policy, bool is_all, struct error *err)
{
    cJSON *root = cJSON_CreateObject();

    if (root && !fill(root, policy, is_all)) {
        cJSON_Delete(root);
        root = NULL;
    }
    return policy_print_json(out, root, err);
}
