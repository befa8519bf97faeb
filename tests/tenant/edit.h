/*
 * edit.h - what the control port can do to the world behind the client's back.
 *
 * One JSON object in, one out, so that server.c forwards without knowing the verbs:
 *   {"verb":"write","tenant":"contoso","library":"/sites/finance/Shared
 * Documents","path":"a/b.txt", "user":"ben","text":"hello"} tests/tenant/README.md lists the verbs;
 * edit.c holds their table.
 */
#ifndef TENANT_EDIT_H
#define TENANT_EDIT_H

#include <stddef.h>
#include <cjson/cJSON.h>

struct world;

/* Does it (takes the lock itself). Returns an HTTP status: 200 with *out (may be NULL), or 400,
 * 404, 409 with *out = {"error": "..."}. *out is for the caller to cJSON_Delete(). Unknown verb:
 * 404. */
int edit_apply(struct world *w, const char *verb, const cJSON *args, cJSON **out);

/* The verbs in order, for help texts; NULL past the end. */
const char *edit_verb(size_t i);

#endif
