/*
 * parse_json.h - what the parse*.c share: pieces of an answer that is parsed already.
 */
#ifndef GRAPH_PARSE_JSON_H
#define GRAPH_PARSE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "mapper/graph.h"

/* One item; on failure *item is empty. */
int read_item(struct graph_item *item, const cJSON *json, struct error *err);

/* The page in `json`; on failure *page holds a part of it, to be cleared by the caller. */
int read_items(struct graph_items *page, const cJSON *json, bool is_delta, struct error *err);

/* Retry-After of a part of a $batch answer, in ms; -1: absent. */
int64_t part_retry_after(const cJSON *part, int64_t wall_ms);

#endif
