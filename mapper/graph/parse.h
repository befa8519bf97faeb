/*
 * parse.h - bodies of Graph answers into structs. Pure, tolerant, fuzzed
 * (tests/fuzz/fuzz_graph_parse.c).
 *
 * Unknown members are ignored, missing ones read as absent, an Int64 may be a number or a text
 * (graph-facts 2.14). What must be there for the answer to mean anything - an id, the array of a
 * page - is ERR_PROTOCOL when it is not: a page that cannot be read whole is no page. A name that
 * holds a slash or is "." or ".." is ERR_PROTOCOL too: it would name something else locally. On
 * failure *out is empty.
 */
#ifndef GRAPH_PARSE_H
#define GRAPH_PARSE_H

#include "mapper/graph.h"

#define PARSE_ITEMS_MAX 20000 /* in one page; Graph sends at most 1,000 */

int parse_item(struct graph_item *out, const char *body, size_t size, struct error *err);

/* A page of children (`is_delta` false: every item has a name) or of delta; page.h reads one while
 * it arrives. */
int parse_items(struct graph_items *out, const char *body, size_t size, bool is_delta,
                struct error *err);

/* A page; *next_link when another follows. */
int parse_drives(struct graph_drives *out, char **next_link, const char *body, size_t size,
                 struct error *err);

int parse_sites(struct graph_sites *out, char **next_link, const char *body, size_t size,
                struct error *err);
int parse_teams(struct graph_teams *out, char **next_link, const char *body, size_t size,
                struct error *err);

/* A page of the channels of `team_id`, which hosts those that do not say otherwise. */
int parse_channels(struct graph_channels *out, char **next_link, const char *team_id,
                   const char *body, size_t size, struct error *err);

/* A folder's item: which drive it is in. */
int parse_folder(struct graph_folder *out, const char *body, size_t size, struct error *err);

/* Answer of POST /search/query; hits of other types are skipped, a missing `hits` is none, but a
 * missing container is ERR_PROTOCOL: an answer without it is no empty result. */
int parse_hits(struct graph_hits *out, enum graph_hit_kind kind, const char *body, size_t size,
               struct error *err);

/* createUploadSession: the URL (a secret) and where to begin. */
int parse_session(char **upload_url, const char *body, size_t size, struct error *err);

/* nextExpectedRanges[0] of an upload's status: the offset to go on at. */
int parse_next_range(uint64_t *offset, const char *body, size_t size, struct error *err);

/* Parts of a $batch answer into answers[index[id - 1]]; `retry_after_ms[id - 1]` is -1 where the
 * part has none. Parts that did not come stay with status 0. */
int parse_batch(struct graph_answer *answers, const size_t *indexes, int64_t *retry_after_ms,
                size_t count, const char *body, size_t size, int64_t wall_ms, struct error *err);

/* Parts of a $batch answer that are pages of items, into pages[id - 1]: what came is told by its
 * code and `status`, and a part that did not come is ERR_PROTOCOL with status 0. The first page is
 * one of delta when `has_delta`. */
int parse_pages(struct graph_page *pages, size_t count, bool has_delta, const char *body,
                size_t size, int64_t wall_ms, struct error *err);

/* Header Content-Range "bytes 0-9/100" (total -1 for '*'); false when it is not that. */
bool parse_content_range(const char *text, uint64_t *first, uint64_t *last, int64_t *total);

#endif
