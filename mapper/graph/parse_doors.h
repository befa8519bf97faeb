/*
 * parse_doors.h - answers about addresses, links and versions into structs. Pure and tolerant, as
 * parse.h says; fuzzed (tests/fuzz/fuzz_graph_doors.c).
 *
 * An address that is not https is no address: a browser or Office is given it, and a server must
 * name neither files of this machine nor programs.
 */
#ifndef GRAPH_PARSE_DOORS_H
#define GRAPH_PARSE_DOORS_H

#include "mapper/graph_doors.h"

#define PARSE_HISTORY_MAX 1000 /* versions; SharePoint keeps 500 unless told otherwise */

/* An item with its addresses. *out may have its drive_id already, which stays. On failure the caller
 * clears *out. */
int parse_address(struct graph_address *out, const char *body, size_t size, struct error *err);

/* createLink: *url is https. */
int parse_link(char **url, const char *body, size_t size, struct error *err);

/* A page of versions, put behind those that are there; *next_link is replaced, NULL when no other
 * follows. has_more: there were too many. On failure the caller clears *out. */
int parse_history(struct graph_history *out, char **next_link, const char *body, size_t size,
                  struct error *err);

#endif
