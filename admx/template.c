#include "template.h"

#include <string.h>

#include "admx/admx.h"
#include "text.h"
#include "xml.h"

bool admx_has(const struct setting *row)
{
    return !row->renamed_to && !(row->flags & (SETTING_PLANNED | SETTING_LINUX));
}

int template_releases(struct str_list *out, struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < schema_count(); i++) {
        const struct setting *row = schema_at(i);

        if (admx_has(row) && !str_list_has_nocase(out, row->since)) {
            code = str_list_add(out, row->since, err);
        }
    }
    return code;
}

int template_release_id(char **out, const char *release, struct error *err)
{
    int code = str_format(out, err, "SUPPORTED_Mooring_%s", release);

    for (char *c = *out; code == 0 && *c; c++) {
        *c = *c == '.' ? '_' : *c;
    }
    return code;
}

const char *const *template_items(const struct setting *row)
{
    return row->type == SETTING_ENUM ? row->choices : row->picks;
}

int template_spin_step(const struct setting *row)
{
    int64_t width = row->max - row->min;

    return width > 10000 ? 100 : width > 1000 ? 10 : 1;
}

/* attribute="$(table.id)" or, with a suffix, "$(table.id_suffix)". */
static void put_reference(struct xml *xml, const char *attribute, const char *table, const char *id,
                          const char *suffix)
{
    char *reference = NULL;

    if (xml->code == 0) {
        xml->code = str_format(&reference, xml->err, "$(%s.%s%s)", table, id, suffix);
    }
    if (xml->code == 0) {
        xml_attribute(xml, attribute, reference);
    }
    str_free(&reference);
}

static void put_number(struct xml *xml, const char *attribute, long long number)
{
    char *text = NULL;

    if (xml->code == 0) {
        xml->code = str_format(&text, xml->err, "%lld", number);
    }
    if (xml->code == 0) {
        xml_attribute(xml, attribute, text);
    }
    str_free(&text);
}

static void put_supported(struct xml *xml)
{
    struct str_list releases = {0};

    if (xml->code == 0) {
        xml->code = template_releases(&releases, xml->err);
    }
    xml_open(xml, "supportedOn");
    xml_open(xml, "definitions");
    for (size_t i = 0; xml->code == 0 && i < releases.count; i++) {
        char *id = NULL;

        xml->code = template_release_id(&id, releases.items[i], xml->err);
        if (xml->code == 0) {
            xml_open(xml, "definition");
            xml_attribute(xml, "name", id);
            put_reference(xml, "displayName", "string", id, "");
            xml_close(xml);
        }
        str_free(&id);
    }
    xml_close(xml);
    xml_close(xml);
    str_list_clear(&releases);
}

static void put_category(struct xml *xml, const char *prefix, const char *name, const char *parent)
{
    char *id = NULL;

    if (xml->code == 0) {
        xml->code = str_format(&id, xml->err, "%s%s", prefix, name);
    }
    if (xml->code == 0) {
        xml_open(xml, "category");
        xml_attribute(xml, "name", id);
        put_reference(xml, "displayName", "string", id, "_Category");
        put_reference(xml, "explainText", "string", id, "_Category_Help");
        if (parent) {
            xml_open(xml, "parentCategory");
            xml_attribute(xml, "ref", parent);
            xml_close(xml);
        }
        xml_close(xml);
    }
    str_free(&id);
}

static void put_categories(struct xml *xml)
{
    xml_open(xml, "categories");
    put_category(xml, "", ADMX_ROOT, NULL);
    for (size_t i = 0; schema_category_at(i); i++) {
        put_category(xml, ADMX_CATEGORY, schema_category_at(i)->name, ADMX_ROOT);
    }
    xml_close(xml);
}

/* <decimal value="1"/> or <string>H:</string>: the registry's form of `text`. */
static void put_value(struct xml *xml, const struct setting *row, const char *text)
{
    struct buf value;

    buf_init(&value, 4096);
    if (xml->code == 0) {
        xml->code = text_registry_value(&value, row, text, xml->err);
    }
    if (row->type == SETTING_TEXT) {
        xml_element(xml, "string", buf_text(&value));
    } else {
        xml_open(xml, "decimal");
        xml_attribute(xml, "value", buf_text(&value));
        xml_close(xml);
    }
    buf_clear(&value);
}

static void put_state(struct xml *xml, const struct setting *row, const char *name,
                      const char *text)
{
    xml_open(xml, name);
    put_value(xml, row, text);
    xml_close(xml);
}

static void put_list_key(struct xml *xml, const struct setting *row)
{
    char *key = NULL;

    if (xml->code == 0) {
        xml->code = str_format(&key, xml->err, "%s\\%s", ADMX_KEY, row->name);
    }
    if (xml->code == 0) {
        xml_attribute(xml, "key", key);
    }
    str_free(&key);
}

/* What "Disabled" writes. Without it the editor would only remove the values, and "Disabled" would
 * be another word for "Not configured". */
static void put_disabled(struct xml *xml, const struct setting *row)
{
    bool is_list = row->type == SETTING_LIST;

    xml_open(xml, "disabledList");
    xml_open(xml, "item");
    if (is_list) {
        put_list_key(xml, row);
    }
    xml_attribute(xml, "valueName", is_list ? "-" : row->name);
    xml_open(xml, "value");
    if (is_list) {
        xml_element(xml, "string", text_disabled(row));
    } else {
        put_value(xml, row, text_disabled(row));
    }
    xml_close(xml);
    xml_close(xml);
    xml_close(xml);
}

static void put_items(struct xml *xml, const struct setting *row, const char *const *items)
{
    for (size_t i = 0; items[i]; i++) {
        char *id = NULL;

        if (xml->code == 0) {
            xml->code = str_format(&id, xml->err, "%s_%zu", row->name, i);
        }
        if (xml->code == 0) {
            xml_open(xml, "item");
            put_reference(xml, "displayName", "string", id, "");
            put_state(xml, row, "value", items[i]);
            xml_close(xml);
        }
        str_free(&id);
    }
}

static const char *element_name(const struct setting *row)
{
    switch (row->type) {
    case SETTING_INT:
        return "decimal";
    case SETTING_LIST:
        return "list";
    case SETTING_TEXT:
    case SETTING_ENUM:
    case SETTING_SWITCH:
        break;
    }
    return template_items(row) ? "enum" : "text";
}

/* The one element of a policy has the name of the policy, so that there is one name to remember for
 * OMA-URI payloads too. Lists have names and values: names of one's own choice let several group
 * policy objects add up (additive) where numbered ones would overwrite each other, and an entry
 * such as a pattern that begins with ** could not be the name of a value in Registry.pol. */
static void put_element(struct xml *xml, const struct setting *row)
{
    const char *const *items = template_items(row);

    xml_open(xml, "elements");
    xml_open(xml, element_name(row));
    xml_attribute(xml, "id", row->name);
    if (row->type == SETTING_LIST) {
        put_list_key(xml, row);
        xml_attribute(xml, "additive", "true");
        xml_attribute(xml, "explicitValue", "true");
    } else {
        xml_attribute(xml, "valueName", row->name);
        xml_attribute(xml, "required", "true");
    }
    if (row->type == SETTING_INT) {
        put_number(xml, "minValue", row->min);
        put_number(xml, "maxValue", row->max);
    } else if (items) {
        put_items(xml, row, items);
    } else if (row->type == SETTING_TEXT) {
        xml_attribute(xml, "maxLength", ADMX_TEXT_LENGTH);
        if (row->flags & SETTING_PATH) {
            xml_attribute(xml, "expandable", "true");
        }
    }
    xml_close(xml);
    xml_close(xml);
}

static void put_policy(struct xml *xml, const struct setting *row)
{
    char *category = NULL;
    char *release = NULL;

    if (xml->code == 0) {
        xml->code = str_format(&category, xml->err, "%s%s", ADMX_CATEGORY, row->category);
    }
    if (xml->code == 0) {
        xml->code = template_release_id(&release, row->since, xml->err);
    }
    if (xml->code < 0) {
        goto out;
    }
    xml_open(xml, "policy");
    xml_attribute(xml, "name", row->name);
    xml_attribute(xml, "class", row->flags & SETTING_USER ? "Both" : "Machine");
    put_reference(xml, "displayName", "string", row->name, "");
    put_reference(xml, "explainText", "string", row->name, "_Help");
    if (row->type != SETTING_SWITCH) {
        put_reference(xml, "presentation", "presentation", row->name, "");
    }
    xml_attribute(xml, "key", ADMX_KEY);
    if (row->type == SETTING_SWITCH) {
        xml_attribute(xml, "valueName", row->name);
    }
    xml_open(xml, "parentCategory");
    xml_attribute(xml, "ref", category);
    xml_close(xml);
    xml_open(xml, "supportedOn");
    xml_attribute(xml, "ref", release);
    xml_close(xml);
    if (row->type == SETTING_SWITCH) {
        put_state(xml, row, "enabledValue", "true");
        put_state(xml, row, "disabledValue", "false");
    } else {
        put_disabled(xml, row);
        put_element(xml, row);
    }
    xml_close(xml);
out:
    str_free(&category);
    str_free(&release);
}

int admx_write_template(struct buf *out, struct error *err)
{
    struct xml xml;

    xml_begin(&xml, out, "\r\n", err);
    xml_declaration(&xml);
    xml_open(&xml, "policyDefinitions");
    xml_attribute(&xml, "xmlns", ADMX_XMLNS);
    xml_attribute(&xml, "revision", ADMX_REVISION);
    xml_attribute(&xml, "schemaVersion", ADMX_SCHEMA_VERSION);
    xml_open(&xml, "policyNamespaces");
    xml_open(&xml, "target");
    xml_attribute(&xml, "prefix", "mooring");
    xml_attribute(&xml, "namespace", "Mooring.Policies.Mooring");
    xml_close(&xml);
    xml_close(&xml);
    xml_open(&xml, "resources");
    xml_attribute(&xml, "minRequiredRevision", ADMX_REVISION);
    xml_close(&xml);
    put_supported(&xml);
    put_categories(&xml);
    xml_open(&xml, "policies");
    for (size_t i = 0; i < schema_count(); i++) {
        if (admx_has(schema_at(i))) {
            put_policy(&xml, schema_at(i));
        }
    }
    xml_close(&xml);
    xml_close(&xml);
    return xml_end(&xml);
}
