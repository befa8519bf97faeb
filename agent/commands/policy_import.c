#include <stdlib.h>
#include <string.h>

#include "commands/policy_impl.h"
#include "policy/import.h"

/*
 * JSON: {"found": how many values the other product has,
 *  "settings": [{"name", "value"}],
 *  "notes": [{"kind": "check" | "notConverted", "where", "name", "value", "setting", "message"}]}
 */

static bool add_member(cJSON *object, const char *name, const char *text)
{
    return !text || cJSON_AddStringToObject(object, name, text) != NULL;
}

static bool add_settings(cJSON *array, const struct policy_set *set)
{
    bool is_done = array != NULL;

    for (size_t i = 0; is_done && i < schema_count(); i++) {
        const char *text = policy_set_text(set, schema_at(i));
        char *shown = NULL;
        cJSON *item;

        if (!text) {
            continue;
        }
        item = cJSON_CreateObject();
        is_done = item && cJSON_AddItemToArray(array, item) &&
                  setting_display(&shown, schema_at(i), text, NULL) == 0 &&
                  add_member(item, "name", schema_at(i)->name) && add_member(item, "value", shown);
        free(shown);
    }
    return is_done;
}

static bool add_notes(cJSON *array, const struct policy_import *import)
{
    bool is_done = array != NULL;

    for (size_t i = 0; is_done && i < import->note_count; i++) {
        const struct policy_note *note = &import->notes[i];
        cJSON *item = cJSON_CreateObject();

        is_done =
            item && cJSON_AddItemToArray(array, item) &&
            add_member(item, "kind", note->kind == POLICY_NOTE_CHECK ? "check" : "notConverted") &&
            add_member(item, "where", note->where) && add_member(item, "name", note->name) &&
            add_member(item, "value", note->value) && add_member(item, "setting", note->setting) &&
            add_member(item, "message", note->message);
    }
    return is_done;
}

static cJSON *to_json(const struct policy_import *import)
{
    cJSON *root = cJSON_CreateObject();
    bool is_done = cJSON_AddNumberToObject(root, "found", (double)import->found) &&
                   add_settings(cJSON_AddArrayToObject(root, "settings"), &import->set) &&
                   add_notes(cJSON_AddArrayToObject(root, "notes"), import);

    if (!is_done) {
        cJSON_Delete(root);
        return NULL;
    }
    return root;
}

static int complain(const struct policy_io *io, const struct policy_note *note, struct error *err)
{
    const char *what = note->kind == POLICY_NOTE_CHECK ? "check" : "not converted";

    if (!note->where) {
        return policy_complain(io, err, "%s: %s", what, note->message);
    }
    return policy_complain(io, err, "%s: %s = '%s'%s%s: %s", what, note->where,
                           note->value ? note->value : "", note->setting ? ", as " : "",
                           note->setting ? note->setting : "", note->message);
}

static int print(const struct policy_io *io, const struct policy_request *request,
                 const struct policy_import *import, struct error *err)
{
    int code = 0;

    if (request->is_json) {
        return policy_print_json(io->out, to_json(import), err);
    }
    for (size_t i = 0; i < import->note_count && code == 0; i++) {
        code = complain(io, &import->notes[i], err);
    }
    return code < 0 ? code : policy_export_set(io, request, &import->set, err);
}

int policy_run_import(const struct policy_io *io, const struct policy_request *request,
                      struct error *err)
{
    struct policy_import import = {0};
    int code;

    if (strcmp(request->from, "konnekt") != 0) {
        return error_set(err, ERR_INVALID, "the policy of '%s' cannot be read: only konnekt's can",
                         request->from);
    }
    code = policy_import_konnekt(&import, request->operands[0], err);
    if (code == 0 && import.found == 0) {
        code = error_set(err, ERR_NOT_FOUND, "there is no policy of KONNEKT in %s",
                         request->operands[0] ? request->operands[0] : "the registry");
    }
    if (code == 0) {
        code = print(io, request, &import, err);
    }
    if (code == POLICY_CLEAN && import.note_count > 0) {
        code = POLICY_WARNINGS;
    }
    policy_import_clear(&import);
    return code;
}
