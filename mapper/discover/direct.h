/*
 * direct.h - asking the service for one library itself: the question, and what the answer tells.
 */
#ifndef MAPPER_DISCOVER_DIRECT_H
#define MAPPER_DISCOVER_DIRECT_H

#include "mapper/discover.h"
#include "mapper/graph.h"

/* By site and list; a library that we know no list of has its drive's id in its place. Pure. */
int direct_question(char **out, const struct library *library, struct error *err);

/* The library answered: its id is verified, and it is where the answer says. Pure. */
int direct_take_answer(struct library *library, const struct graph_answer *answer,
                       struct error *err);

#endif
