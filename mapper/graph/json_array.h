/*
 * json_array.h - the elements of one long array in an answer, each parsed by itself, so that a page of
 * 1,000 items never stands in memory as one tree of 20,000 nodes; and while the answer still arrives,
 * so that little is left to do after its last byte.
 *
 * A reader is not thread-safe, but one thread may go on where another has left off. It keeps offsets,
 * since a text that grows may move. What it makes of a text never depends on the pieces it came in.
 */
#ifndef GRAPH_JSON_ARRAY_H
#define GRAPH_JSON_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/error.h"

/* Longer values are left to json_array_end(): who calls json_array_more() has other work, too. */
#define JSON_ARRAY_VALUE_MAX (64u << 10)

/* One element, lent. A code below 0 ends the reading, and is what json_array_end() answers. */
typedef int (*json_visit_fn)(void *payload, const cJSON *element, struct error *err);

struct json_array { /* all of it is json_array.c's */
    const char *what;
    const char *name;
    json_visit_fn visit;
    void *payload;
    cJSON *rest; /* the members that were read */
    cJSON *key;  /* of the member that is being read */
    int state;
    size_t at;      /* in the text, where the next piece begins */
    size_t scanned; /* until where its end was looked for */
    size_t depth;   /* there */
    bool is_in_text;
    bool is_escaped;
    bool was_visited;
    int code; /* below 0: it is over */
    struct error err;
};

/* For the array `name` of an object; `what` names the text in messages. Both are borrowed. */
void json_array_begin(struct json_array *array, const char *what, const char *name,
                      json_visit_fn visit, void *payload);

/* The text as far as it is there, from its beginning (need not end with NUL): visits, in order, the
 * elements that are whole and were not visited yet. What is wrong, json_array_end() tells. */
void json_array_more(struct json_array *array, const char *text, size_t size);

/* The whole text. 1; or 0 when there is no such array. *rest = the object's other members, which the
 * caller frees with cJSON_Delete(). Elements may have been visited before a later part turns out to
 * be no JSON: ERR_PROTOCOL, and *rest is NULL. Nothing is left to clear after it. */
int json_array_end(cJSON **rest, struct json_array *array, const char *text, size_t size,
                   struct error *err);

/* Without an end. */
void json_array_clear(struct json_array *array);

#endif
