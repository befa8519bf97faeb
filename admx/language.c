#include <stdio.h>
#include <string.h>

#include "admx/admx.h"
#include "base/str.h"
#include "template.h"
#include "text.h"
#include "xml.h"

struct writer {
    struct xml xml;
    enum admx_language language;
    const struct words *words;
};

/* <string id="idsuffix">text</string> */
static void put_string(struct writer *writer, const char *id, const char *suffix, const char *text)
{
    struct xml *xml = &writer->xml;
    char *name = NULL;

    if (xml->code == 0) {
        xml->code = str_format(&name, xml->err, "%s%s", id, suffix);
    }
    if (xml->code == 0) {
        xml_open(xml, "string");
        xml_attribute(xml, "id", name);
        xml_text(xml, text);
        xml_close(xml);
    }
    str_free(&name);
}

static void put_releases(struct writer *writer)
{
    struct xml *xml = &writer->xml;
    struct str_list releases = {0};

    if (xml->code == 0) {
        xml->code = template_releases(&releases, xml->err);
    }
    for (size_t i = 0; xml->code == 0 && i < releases.count; i++) {
        const struct text_field fields[] = {{"version", releases.items[i]}, {NULL, NULL}};
        char *id = NULL;
        struct buf text;

        buf_init(&text, 256);
        xml->code = template_release_id(&id, releases.items[i], xml->err);
        if (xml->code == 0) {
            xml->code = text_fill(&text, writer->words->supported, fields, xml->err);
        }
        if (xml->code == 0) {
            put_string(writer, id, "", buf_text(&text));
        }
        buf_clear(&text);
        str_free(&id);
    }
    str_list_clear(&releases);
}

static void put_categories(struct writer *writer)
{
    bool is_german = writer->language == ADMX_GERMAN;

    put_string(writer, ADMX_ROOT, "_Category", writer->words->template_name);
    put_string(writer, ADMX_ROOT, "_Category_Help", writer->words->root_help);
    for (size_t i = 0; writer->xml.code == 0 && schema_category_at(i); i++) {
        const struct setting_category *category = schema_category_at(i);
        char *id = NULL;

        writer->xml.code = str_format(&id, writer->xml.err, "%s%s", ADMX_CATEGORY, category->name);
        if (writer->xml.code == 0) {
            put_string(writer, id, "_Category", is_german ? category->title_de : category->title);
            put_string(writer, id, "_Category_Help",
                       is_german ? category->help_de : category->help);
        }
        str_free(&id);
    }
}

static void put_policy_strings(struct writer *writer, const struct setting *row)
{
    const char *const *items = template_items(row);
    struct buf help;

    put_string(writer, row->name, "", text_title(row, writer->language));
    buf_init(&help, 64 << 10);
    if (writer->xml.code == 0) {
        writer->xml.code = admx_write_explain(&help, row, writer->language, writer->xml.err);
    }
    put_string(writer, row->name, "_Help", buf_text(&help));
    buf_clear(&help);
    for (size_t i = 0; writer->xml.code == 0 && items && items[i]; i++) {
        char suffix[24];

        (void)snprintf(suffix, sizeof(suffix), "_%zu", i);
        put_string(writer, row->name, suffix,
                   row->type == SETTING_ENUM ? text_label(row, i, writer->language) : items[i]);
    }
}

/* The label of a control: the title, with the unit of a number. */
static void put_label(struct writer *writer, const struct setting *row)
{
    const char *unit = text_unit(row, writer->language);
    struct buf label;

    buf_init(&label, 1024);
    if (writer->xml.code == 0) {
        writer->xml.code =
            buf_add_format(&label, writer->xml.err, "%s%s%s%s:", text_title(row, writer->language),
                           *unit ? " (" : "", unit, *unit ? ")" : "");
    }
    xml_text(&writer->xml, buf_text(&label));
    buf_clear(&label);
}

static void put_number(struct xml *xml, const char *attribute, unsigned long long number)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%llu", number);
    xml_attribute(xml, attribute, text);
}

static void put_text_box(struct writer *writer, const struct setting *row)
{
    struct xml *xml = &writer->xml;

    xml_open(xml, "textBox");
    xml_attribute(xml, "refId", row->name);
    xml_open(xml, "label");
    put_label(writer, row);
    xml_close(xml);
    if (*text_default(row)) {
        xml_element(xml, "defaultValue", text_default(row));
    }
    xml_close(xml);
}

static void put_drop_down(struct writer *writer, const struct setting *row)
{
    struct xml *xml = &writer->xml;
    size_t position = 0;

    if (xml->code == 0) {
        xml->code = text_position(&position, template_items(row), text_default(row), xml->err);
    }
    xml_open(xml, "dropdownList");
    xml_attribute(xml, "refId", row->name);
    xml_attribute(xml, "noSort", "true");
    put_number(xml, "defaultItem", position);
    put_label(writer, row);
    xml_close(xml);
}

/* What is preselected is the default, so that "Enabled" alone changes nothing. */
static void put_presentation(struct writer *writer, const struct setting *row)
{
    struct xml *xml = &writer->xml;

    xml_open(xml, "presentation");
    xml_attribute(xml, "id", row->name);
    if (row->type == SETTING_LIST) {
        xml_element(xml, "text", writer->words->list_hint);
        xml_open(xml, "listBox");
        xml_attribute(xml, "refId", row->name);
        put_label(writer, row);
        xml_close(xml);
    } else if (template_items(row)) {
        put_drop_down(writer, row);
    } else if (row->type == SETTING_INT) {
        xml_open(xml, "decimalTextBox");
        xml_attribute(xml, "refId", row->name);
        xml_attribute(xml, "defaultValue", text_default(row));
        put_number(xml, "spinStep", (unsigned long long)template_spin_step(row));
        put_label(writer, row);
        xml_close(xml);
    } else {
        put_text_box(writer, row);
    }
    xml_close(xml);
}

static void put_rows(struct writer *writer,
                     void (*put)(struct writer *writer, const struct setting *row), bool has_all)
{
    for (size_t i = 0; i < schema_count(); i++) {
        const struct setting *row = schema_at(i);

        if (admx_has(row) && (has_all || row->type != SETTING_SWITCH)) {
            put(writer, row);
        }
    }
}

int admx_write_language(struct buf *out, enum admx_language language, struct error *err)
{
    struct writer writer = {.language = language, .words = words_of(language)};
    struct xml *xml = &writer.xml;

    xml_begin(xml, out, "\r\n", err);
    xml_declaration(xml);
    xml_open(xml, "policyDefinitionResources");
    xml_attribute(xml, "xmlns", ADMX_XMLNS);
    xml_attribute(xml, "revision", ADMX_REVISION);
    xml_attribute(xml, "schemaVersion", ADMX_SCHEMA_VERSION);
    xml_element(xml, "displayName", writer.words->template_name);
    xml_element(xml, "description", writer.words->template_description);
    xml_open(xml, "resources");
    xml_open(xml, "stringTable");
    put_releases(&writer);
    put_categories(&writer);
    put_rows(&writer, put_policy_strings, true);
    xml_close(xml);
    xml_open(xml, "presentationTable");
    put_rows(&writer, put_presentation, false);
    xml_close(xml);
    xml_close(xml);
    xml_close(xml);
    return xml_end(xml);
}
