#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "admx/admx.h"
#include "base/str.h"
#include "intune.h"
#include "text.h"

static int no_memory(struct error *err)
{
    return error_set(err, ERR_NO_MEMORY, "no memory for the Intune material");
}

/* Appends the object as indented text, with a line end. */
static int print(struct buf *out, const cJSON *root, struct error *err)
{
    char *text = cJSON_Print(root);
    int code = text ? buf_add_format(out, err, "%s\n", text) : no_memory(err);

    free(text);
    return code;
}

static int add_text(cJSON *object, const char *name, const char *text, struct error *err)
{
    return cJSON_AddStringToObject(object, name, text) ? 0 : no_memory(err);
}

/* A row of a profile, as Microsoft Graph has it: omaSettingString. */
static int add_oma(cJSON *rows, const char *title, const char *about, const char *uri,
                   const char *value, struct error *err)
{
    cJSON *row = cJSON_CreateObject();
    int code;

    if (!row || !cJSON_AddItemToArray(rows, row)) {
        cJSON_Delete(row);
        return no_memory(err);
    }
    code = add_text(row, "@odata.type", "#microsoft.graph.omaSettingString", err);
    if (code == 0) {
        code = add_text(row, "displayName", title, err);
    }
    if (code == 0) {
        code = add_text(row, "description", about, err);
    }
    if (code == 0) {
        code = add_text(row, "omaUri", uri, err);
    }
    return code < 0 ? code : add_text(row, "value", value, err);
}

static int add_ingestion(cJSON *rows, struct error *err)
{
    struct buf template;
    int code;

    buf_init(&template, ADMX_SIZE_LIMIT);
    code = admx_write_template(&template, err);
    if (code == 0) {
        code = add_oma(rows, "Mooring.admx",
                       "Ingests the administrative template, revision " ADMX_REVISION ".",
                       INTUNE_INGEST_URI, buf_text(&template), err);
    }
    buf_clear(&template);
    return code;
}

static int add_setting(cJSON *rows, const struct admx_value *value, struct error *err)
{
    struct admx_oma oma = {0};
    int code = value->text ? admx_oma(&oma, value->row, value->text, value->is_user, err)
                           : admx_oma_disabled(&oma, value->row, value->is_user, err);

    if (code == 0) {
        code = add_oma(rows, value->row->name, value->row->title, oma.uri, oma.value, err);
    }
    admx_oma_clear(&oma);
    return code;
}

int admx_write_intune_profile(struct buf *out, const struct admx_value *values, size_t count,
                              struct error *err)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *rows = NULL;
    int code = root ? 0 : no_memory(err);

    if (code == 0) {
        code = add_text(root, "@odata.type", "#microsoft.graph.windows10CustomConfiguration", err);
    }
    if (code == 0) {
        code = add_text(root, "displayName", count > 0 ? "Mooring" : "Mooring template", err);
    }
    if (code == 0) {
        code = add_text(root, "description",
                        count > 0 ? "The administrative template of Mooring, and settings"
                                  : "The administrative template of Mooring (ADMX ingestion)",
                        err);
    }
    if (code == 0) {
        rows = cJSON_AddArrayToObject(root, "omaSettings");
        code = rows ? add_ingestion(rows, err) : no_memory(err);
    }
    for (size_t i = 0; code == 0 && i < count; i++) {
        code = add_setting(rows, &values[i], err);
    }
    if (code == 0) {
        code = print(out, root, err);
    }
    cJSON_Delete(root);
    return code;
}

/* The value whose payload is shown: the example, else the default. */
static const char *sample(const struct setting *row)
{
    if (row->type == SETTING_SWITCH) {
        return "true";
    }
    return row->example ? row->example : text_default(row);
}

/* The payloads of a setting, for the device; those for the user are the same. */
struct payloads {
    char *device_uri;
    char *user_uri; /* NULL: not for users */
    struct admx_oma enabled;
    struct admx_oma disabled;
};

static void payloads_clear(struct payloads *payloads)
{
    str_free(&payloads->device_uri);
    str_free(&payloads->user_uri);
    admx_oma_clear(&payloads->enabled);
    admx_oma_clear(&payloads->disabled);
}

static int payloads_init(struct payloads *out, const struct setting *row, struct error *err)
{
    int code = intune_uri(&out->device_uri, row, false, err);

    if (code == 0 && (row->flags & SETTING_USER)) {
        code = intune_uri(&out->user_uri, row, true, err);
    }
    if (code == 0) {
        code = admx_oma(&out->enabled, row, sample(row), false, err);
    }
    return code < 0 ? code : admx_oma_disabled(&out->disabled, row, false, err);
}

static int add_payloads(cJSON *list, const struct setting *row, struct error *err)
{
    struct payloads payloads = {0};
    cJSON *object = cJSON_CreateObject();
    cJSON *ids = NULL;
    int code = 0;

    if (!object || !cJSON_AddItemToArray(list, object)) {
        cJSON_Delete(object);
        return no_memory(err);
    }
    code = payloads_init(&payloads, row, err);
    if (code == 0) {
        code = add_text(object, "name", row->name, err);
    }
    if (code == 0) {
        code = add_text(object, "device", payloads.device_uri, err);
    }
    if (code == 0 && payloads.user_uri) {
        code = add_text(object, "user", payloads.user_uri, err);
    }
    if (code == 0) {
        ids = cJSON_AddArrayToObject(object, "dataIds");
        code = ids ? 0 : no_memory(err);
    }
    if (code == 0 && row->type != SETTING_SWITCH) {
        code = cJSON_AddItemToArray(ids, cJSON_CreateString(row->name)) ? 0 : no_memory(err);
    }
    if (code == 0) {
        code = add_text(object, "enabled", payloads.enabled.value, err);
    }
    if (code == 0) {
        code = add_text(object, "disabled", payloads.disabled.value, err);
    }
    payloads_clear(&payloads);
    return code;
}

int admx_write_intune_list(struct buf *out, struct error *err)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *list = NULL;
    int code = root ? add_text(root, "revision", ADMX_REVISION, err) : no_memory(err);

    if (code == 0) {
        code = add_text(root, "ingestion", INTUNE_INGEST_URI, err);
    }
    if (code == 0) {
        list = cJSON_AddArrayToObject(root, "policies");
        code = list ? 0 : no_memory(err);
    }
    for (size_t i = 0; code == 0 && i < schema_count(); i++) {
        if (admx_has(schema_at(i))) {
            code = add_payloads(list, schema_at(i), err);
        }
    }
    if (code == 0) {
        code = print(out, root, err);
    }
    cJSON_Delete(root);
    return code;
}

static const char introduction[] =
    "# Mooring in Intune: OMA-URIs\n\n"
    "Of a custom configuration profile; the data type of all rows is String. The first row "
    "ingests the template: its value is the whole text of `Mooring.admx`.\n\n"
    "    " INTUNE_INGEST_URI "\n\n"
    "The other rows set one policy each, for the device or for the user. URIs and ids are "
    "case-sensitive. A row that is removed is \"not configured\". `<disabled/>` writes what the "
    "Group Policy editor's \"Disabled\" writes (see settings.md). Choices are sent as their "
    "position, from 0. Lists are name, value, name, value, separated by `&#xF000;`; the names are "
    "free, and the entry `-` removes defaults and entries of lower sources. "
    "The values below are examples.\n";

static int add_section(struct buf *out, const struct setting *row, struct error *err)
{
    struct payloads payloads = {0};
    int code = payloads_init(&payloads, row, err);

    if (code == 0) {
        code = buf_add_format(out, err, "\n## %s\n\n%s.\n\n    %s\n", row->name, row->title,
                              payloads.device_uri);
    }
    if (code == 0 && payloads.user_uri) {
        code = buf_add_format(out, err, "    %s\n", payloads.user_uri);
    }
    if (code == 0) {
        code = buf_add_format(out, err, "\n    %s\n    %s\n", payloads.enabled.value,
                              payloads.disabled.value);
    }
    payloads_clear(&payloads);
    return code;
}

int admx_write_intune_reference(struct buf *out, struct error *err)
{
    int code = buf_add_text(out, introduction, err);

    for (size_t i = 0; code == 0 && i < schema_count(); i++) {
        if (admx_has(schema_at(i))) {
            code = add_section(out, schema_at(i), err);
        }
    }
    return code;
}
