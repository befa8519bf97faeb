/*
 * office.h - how an Office program is told to open a document by its address, so that several
 * people can edit it at once (graph-facts 7, windows-facts 8.5). Pure.
 */
#ifndef AGENT_OFFICE_H
#define AGENT_OFFICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Whether the name is that of a file that Office's programs (or its web apps) edit. */
bool office_is_document(const char *name);

/* One of the extensions of such names, ".docx" first; NULL behind the last one. */
const char *office_extension(size_t index);

/* "ms-word:ofe|u|https://..." for the document at `url`, which is encoded as the service gave it;
 * "nft" for templates, of which a new document is made. *out stays NULL when this cannot be said:
 * no Office file, an address that is longer than Office takes (256 bytes of command; 216 for
 * Excel), or one with characters that would end it. Caller frees. */
int office_command(char **out, const char *name, const char *url, struct error *err);

/* The address of the web app for the page `web_url` that the service gave: what the viewer shows,
 * for editing. Caller frees. */
int office_web_url(char **out, const char *web_url, struct error *err);

#endif
