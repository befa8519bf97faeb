/*
 * xml.h - writes XML that is well-formed whatever text is put in.
 *
 * The first failure sticks: calls after it do nothing, and xml_end() returns it. Elements without
 * text are indented, and lines end in `newline`. Names of elements and attributes are ours; text
 * and attribute values may be anything, what XML cannot hold is ERR_INVALID.
 */
#ifndef ADMX_XML_H
#define ADMX_XML_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

enum { XML_DEPTH = 16 };

struct xml {
    struct buf *out;     /* borrowed */
    const char *newline; /* "\r\n"; NULL: all in one line, without indentation */
    struct error *err;   /* borrowed */
    int code;
    const char *open[XML_DEPTH]; /* names, lent by the caller until closed */
    int depth;
    bool is_tag_open; /* "<name" is written, ">" is not */
    bool has_text;    /* the innermost element holds text, so its end stays on the line */
};

void xml_begin(struct xml *xml, struct buf *out, const char *newline, struct error *err);
void xml_declaration(struct xml *xml);

void xml_open(struct xml *xml, const char *name);
void xml_attribute(struct xml *xml, const char *name, const char *value);
void xml_text(struct xml *xml, const char *text);
void xml_close(struct xml *xml);

/* <name>text</name> */
void xml_element(struct xml *xml, const char *name, const char *text);

/* 0, or the first failure. Everything must be closed. */
int xml_end(struct xml *xml);

#endif
