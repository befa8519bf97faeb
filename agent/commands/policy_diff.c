#include <stdlib.h>
#include <string.h>

#include "commands/policy_impl.h"
#include "policy/diff.h"

/*
 * JSON: {"differences": [{"name", "a": {"value", "source": {"layer", "file", "line"}}, "b": {...}}]}
 */

static int add_side(struct buf *out, const char *sign, const struct policy_result *result,
                    struct error *err)
{
    char *shown = NULL;
    int code = setting_display(&shown, result->row, result->text, err);
    const char *at = shown;

    if (code == 0 && !*at) {
        code = buf_add_format(out, err, "  %s (empty)\n", sign);
    }
    while (code == 0 && *at) { /* a list: one entry a line */
        size_t length = strcspn(at, "\n");

        code = buf_add_format(out, err, "  %s %.*s\n", sign, (int)length, at);
        at += length + (at[length] == '\n');
    }
    free(shown);
    return code;
}

static int add_source(struct buf *out, const char *sign, const struct policy_value *value,
                      struct error *err)
{
    if (!value->file) {
        return buf_add_format(out, err, "    %s from %s\n", sign, policy_layer_name(value->layer));
    }
    return value->line > 0
               ? buf_add_format(out, err, "    %s from %s:%d\n", sign, value->file, value->line)
               : buf_add_format(out, err, "    %s from %s\n", sign, value->file);
}

static int add_text(struct buf *out, const struct policy_difference *row, struct error *err)
{
    int code = buf_add_format(out, err, "%s\n", row->row->name);

    if (code == 0) {
        code = add_side(out, "-", row->a, err);
    }
    if (code == 0) {
        code = add_side(out, "+", row->b, err);
    }
    if (code == 0) {
        code = add_source(out, "-", row->a->winner, err);
    }
    return code < 0 ? code : add_source(out, "+", row->b->winner, err);
}

static bool add_item(cJSON *object, const char *name, cJSON *item)
{
    if (item && cJSON_AddItemToObject(object, name, item)) {
        return true;
    }
    cJSON_Delete(item);
    return false;
}

static bool add_json_side(cJSON *object, const char *name, const struct policy_result *result)
{
    cJSON *side = cJSON_AddObjectToObject(object, name);

    return side &&
           add_item(side, "value",
                    policy_value_json(result->row, result->text, &result->entries)) &&
           add_item(side, "source", policy_origin_json(result->winner));
}

static cJSON *to_json(const struct policy_difference *rows, size_t count)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *array = cJSON_AddArrayToObject(root, "differences");
    bool is_done = array != NULL;

    for (size_t i = 0; is_done && i < count; i++) {
        cJSON *item = cJSON_CreateObject();

        is_done = item && cJSON_AddItemToArray(array, item) &&
                  cJSON_AddStringToObject(item, "name", rows[i].row->name) &&
                  add_json_side(item, "a", rows[i].a) && add_json_side(item, "b", rows[i].b);
    }
    if (!is_done) {
        cJSON_Delete(root);
        return NULL;
    }
    return root;
}

int policy_run_diff(const struct policy_io *io, const struct policy_request *request,
                    struct error *err)
{
    struct policy_difference *rows = NULL;
    struct policy *a = NULL;
    struct policy *b = NULL;
    size_t count = 0;
    int code = policy_read(&a, io, request->operands[0], err);

    if (code == 0) {
        code = policy_read(&b, io, request->operands[1], err);
    }
    if (code == 0) {
        code = policy_diff(&rows, &count, a, b, err);
    }
    if (code == 0 && request->is_json) {
        code = policy_print_json(io->out, to_json(rows, count), err);
    } else {
        for (size_t i = 0; i < count && code == 0; i++) {
            code = add_text(io->out, &rows[i], err);
        }
    }
    free(rows);
    policy_free(a);
    policy_free(b);
    return code < 0 ? code : count > 0 ? POLICY_WARNINGS : POLICY_CLEAN;
}
