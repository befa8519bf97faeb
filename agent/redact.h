/*
 * redact.h - leaves out of a support bundle what is nobody's business: names of files, folders,
 * sites, tenants and people, addresses, and whatever looks like a secret. The same name gets the
 * same number (`<7>`) everywhere in one bundle, so that whoever reads it can follow a file without
 * knowing which one it is.
 *
 * It forbids and does not allow: of free text everything in single quotes goes (that is where our
 * messages have names and paths), then every name that was learnt, then what has the form of an
 * address or of a token. Of JSON only the members that are known to say nothing personal stay.
 * Better a word too many is gone than a name is left. Numbers, times, codes and GUIDs stay.
 */
#ifndef AGENT_REDACT_H
#define AGENT_REDACT_H

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"

struct redactor;

int redactor_new(struct redactor **out, struct error *err);
void redactor_free(struct redactor *redactor); /* NULL is fine */

/* A name that is to go wherever it stands as a word of its own; its parts between '/' and '\' too.
 * Less than three bytes: only in quotes. Without case (ASCII). */
int redactor_learn(struct redactor *redactor, const char *name, struct error *err);

/* Every text of `json` that redact_json() would not leave as it is. */
int redactor_learn_json(struct redactor *redactor, const cJSON *json, struct error *err);

/* Adds what may stay of free text, line by line. */
int redact_text(struct buf *out, struct redactor *redactor, const char *text, size_t size,
                struct error *err);

/* Replaces, in place, what has to go. An answer of the control channel, or of doctor_examine(). */
int redact_json(cJSON *json, struct redactor *redactor, struct error *err);

/* The same for what policy_render_json() wrote: settings keep values that are a number, a switch,
 * a choice, a GUID or the default. */
int redact_policy(cJSON *json, struct redactor *redactor, struct error *err);

#endif
