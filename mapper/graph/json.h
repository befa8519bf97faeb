/*
 * json.h - reading members of JSON that a service sent, tolerantly: what is missing or of another
 * type reads as absent, a number may come as text (Int64 does), and nothing is trusted to be short.
 */
#ifndef GRAPH_JSON_H
#define GRAPH_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/error.h"

/* The object in `text` (need not end with NUL), to be freed with cJSON_Delete(). NULL and
 * ERR_PROTOCOL in *err when it is no JSON object. `what` names it in the message. */
cJSON *json_parse_object(const char *text, size_t size, const char *what, struct error *err);

/* The text of a member, lent; NULL when missing, no string, or not UTF-8. */
const char *json_text(const cJSON *object, const char *name);

/* The object that a member holds as text (claims travel like that); NULL when it is none. Caller
 * frees with cJSON_Delete(). */
cJSON *json_text_object(const cJSON *object, const char *name);

/* A whole number, given as number or as decimal text; false when it is neither. */
bool json_int64(const cJSON *object, const char *name, int64_t *out);

bool json_number(const cJSON *member, int64_t *out); /* the same of a member that was found */

/* *out = copy of the member's text; stays as it is when missing. */
int json_copy_text(char **out, const cJSON *object, const char *name, struct error *err);

/* The member's text into `out`, cut at a character; "" when missing. Control characters become
 * blanks, since these texts are shown on terminals. */
void json_show_text(char *out, size_t size, const cJSON *object, const char *name);

#endif
