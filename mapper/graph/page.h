/*
 * page.h - one page of items, read while its answer arrives: most is done when the last byte comes.
 *
 * What page_end() answers never depends on what page_more() was given before, and nothing is to be
 * had before it. As json_array.h: one thread at a time, and the body may move.
 */
#ifndef GRAPH_PAGE_H
#define GRAPH_PAGE_H

#include "graph/json_array.h"
#include "mapper/graph.h"

struct page_reader { /* all of it is page.c's; it must not move */
    struct json_array array;
    struct graph_items page;
    size_t room;
    bool is_delta;
};

void page_begin(struct page_reader *reader, bool is_delta);

/* The body as far as it is there; size 0: it begins anew, and what was read is thrown away. */
void page_more(struct page_reader *reader, const char *body, size_t size);

/* The whole body, as parse_items() takes it. Nothing is left to clear after it. */
int page_end(struct graph_items *out, struct page_reader *reader, const char *body, size_t size,
             struct error *err);

/* Without an end. */
void page_clear(struct page_reader *reader);

#endif
