#include "xml.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

void xml_begin(struct xml *xml, struct buf *out, const char *newline, struct error *err)
{
    *xml = (struct xml){.out = out, .newline = newline, .err = err};
}

static void put(struct xml *xml, const char *text)
{
    if (xml->code == 0) {
        xml->code = buf_add_text(xml->out, text, xml->err);
    }
}

static void start_line(struct xml *xml)
{
    if (!xml->newline) {
        return;
    }
    if (xml->out->size > 0) {
        put(xml, xml->newline);
    }
    for (int i = 0; i < xml->depth; i++) {
        put(xml, "  ");
    }
}

static void finish_tag(struct xml *xml)
{
    if (xml->is_tag_open) {
        put(xml, ">");
        xml->is_tag_open = false;
    }
}

/* XML 1.0, 2.2: no control characters but tab and line ends, no U+FFFE and U+FFFF. */
static bool is_allowed(uint32_t c)
{
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c != 0xfffe && c != 0xffff);
}

/* Attributes lose their line ends unless these are references. The private use area, where the
 * separator U+F000 of the Policy CSP lives, is written as references since no editor shows it. */
static bool is_reference(uint32_t c, bool is_attribute)
{
    return c == '\r' || (is_attribute && c < 0x20) || (c >= 0xe000 && c <= 0xf8ff);
}

static void put_character(struct xml *xml, uint32_t c, const char *bytes, size_t length,
                          bool is_attribute)
{
    if (xml->code < 0) {
        return;
    }
    if (!is_allowed(c)) {
        xml->code = error_set(xml->err, ERR_INVALID, "the character U+%04X cannot stand in XML",
                              (unsigned)c);
    } else if (is_reference(c, is_attribute)) {
        xml->code = buf_add_format(xml->out, xml->err, "&#x%X;", (unsigned)c);
    } else if (c == '&') {
        put(xml, "&amp;");
    } else if (c == '<') {
        put(xml, "&lt;");
    } else if (c == '>') {
        put(xml, "&gt;");
    } else if (c == '"' && is_attribute) {
        put(xml, "&quot;");
    } else if (c == '\n' && xml->newline) {
        put(xml, xml->newline); /* one kind of line end in the file; readers make it \n again */
    } else {
        xml->code = buf_add(xml->out, bytes, length, xml->err);
    }
}

static void put_escaped(struct xml *xml, const char *text, bool is_attribute)
{
    if (xml->code == 0 && !str_is_utf8(text, strlen(text))) {
        xml->code = error_set(xml->err, ERR_INVALID, "text for XML is not valid UTF-8");
    }
    while (xml->code == 0 && *text) {
        const char *from = text;
        uint32_t c = str_decode(&text);

        put_character(xml, c, from, (size_t)(text - from), is_attribute);
    }
}

void xml_declaration(struct xml *xml)
{
    put(xml, "<?xml version=\"1.0\" encoding=\"utf-8\"?>");
}

void xml_open(struct xml *xml, const char *name)
{
    assert(xml->depth < XML_DEPTH);
    finish_tag(xml);
    start_line(xml);
    put(xml, "<");
    put(xml, name);
    xml->open[xml->depth++] = name;
    xml->is_tag_open = true;
    xml->has_text = false;
}

void xml_attribute(struct xml *xml, const char *name, const char *value)
{
    assert(xml->is_tag_open || xml->code < 0);
    put(xml, " ");
    put(xml, name);
    put(xml, "=\"");
    put_escaped(xml, value, true);
    put(xml, "\"");
}

void xml_text(struct xml *xml, const char *text)
{
    finish_tag(xml);
    put_escaped(xml, text, false);
    xml->has_text = true;
}

void xml_close(struct xml *xml)
{
    const char *name;

    assert(xml->depth > 0);
    name = xml->open[--xml->depth];
    if (xml->is_tag_open) {
        put(xml, "/>");
        xml->is_tag_open = false;
    } else {
        if (!xml->has_text) {
            start_line(xml);
        }
        put(xml, "</");
        put(xml, name);
        put(xml, ">");
    }
    xml->has_text = false;
}

void xml_element(struct xml *xml, const char *name, const char *text)
{
    xml_open(xml, name);
    xml_text(xml, text);
    xml_close(xml);
}

int xml_end(struct xml *xml)
{
    assert(xml->depth == 0);
    if (xml->newline) {
        put(xml, xml->newline);
    }
    return xml->code;
}
