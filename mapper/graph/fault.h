/*
 * fault.h - what a failed answer of Graph means: HTTP status and error body to ERR_*
 * (graph-facts 2.14). Pure.
 *
 * The body is read tolerantly: `innerError` or `innererror`, nested, or no JSON at all. The deepest
 * code we know decides; message texts are never parsed. All three shapes of a locked file
 * (graph-facts 2.11) are ERR_LOCKED.
 */
#ifndef GRAPH_FAULT_H
#define GRAPH_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "graph/governor.h"

/* For a status of 400 and above (others are ERR_PROTOCOL); returns the code and says it in *err
 * with the server's code and request id. `is_naming`: the request carried a new name, so that an
 * invalid request is most likely a refused name (which code that has is not documented).
 * `request_id` may be NULL. */
int fault_set(int status, const char *body, size_t size, const char *request_id, bool is_naming,
              struct error *err);

/* The same from an answer; names the virus when the answer does. */
int fault_from_response(const struct http_response *response, bool is_naming, struct error *err);

#endif
