/*
 * xml_text.h - text put where XML has it: nothing in it is taken for markup, and a reader gets it back
 * as it was.
 */
#ifndef BASE_XML_TEXT_H
#define BASE_XML_TEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

/* Appends `text` (UTF-8) to *out as the text of an element or, with `in_quotes`, as the value of an
 * attribute between "double quotes". Line ends and tabs that a reader would make something else of
 * become references (XML 1.0, 2.11 and 3.3.3). What XML cannot hold at all, control characters, is the
 * caller's to keep out. Errors as buf_add() has them; part of the text may stand in *out then. */
int xml_text_add(struct buf *out, const char *text, bool in_quotes, struct error *err);

#endif
