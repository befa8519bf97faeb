/*
 * json_array.h - the elements of one long array in an answer, each parsed by itself, so that a page of
 * 1,000 items never stands in memory as one tree of 20,000 nodes.
 */
#ifndef GRAPH_JSON_ARRAY_H
#define GRAPH_JSON_ARRAY_H

#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/error.h"

/* One element, lent. A code below 0 ends the visit, and is what json_visit_array() answers. */
typedef int (*json_visit_fn)(void *payload, const cJSON *element, struct error *err);

/* Visits each element of the array `name` of the object in `text` (need not end with NUL), in order.
 * 1; or 0 when there is no such array. *rest = the object's other members, which the caller frees with
 * cJSON_Delete(). Elements may have been visited before a later part turns out to be no JSON:
 * ERR_PROTOCOL, `what` names the text in the message, and *rest is NULL. */
int json_visit_array(cJSON **rest, const char *text, size_t size, const char *what,
                     const char *name, json_visit_fn visit, void *payload, struct error *err);

#endif
