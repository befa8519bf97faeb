/* docx.h - a small Word document that real programs open, for scenarios that people look at. */
#ifndef TENANT_DOCX_H
#define TENANT_DOCX_H

#include "util.h"

/* A .docx whose paragraphs are the lines of text (UTF-8, any characters). Appends it to out. */
void docx_make(struct strbuf *out, const char *text);

#endif
