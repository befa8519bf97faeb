/*
 * search_index.h - what a search finds, and in which words it tells; shared by graph_search.c and
 * search_index.c.
 */
#ifndef TENANT_SEARCH_INDEX_H
#define TENANT_SEARCH_INDEX_H

#include <pthread.h>
#include <stdbool.h>
#include <cjson/cJSON.h>

#include "http.h"
#include "kql.h"

enum entity {
    SITE = 1,
    LIST = 2,
    DRIVE = 4,
    DRIVE_ITEM = 8,
    LIST_ITEM = 16,
    ALONE = 32,
    OTHER = 64
};

/* How the index of one tenant behaves. */
struct search_state {
    pthread_mutex_t lock; /* guards all below */
    int outage;           /* this status instead of an answer; 0: none */
    int fail_from;        /* 500 for pages whose `from` is at least this; 0: none */
    int shrink;           /* only so many hits are left; -1: all */
    int ghosts;           /* so many libraries are still indexed that are gone */
    int max_size;         /* 500 or 1000: the documents disagree */
    bool duplicates;      /* a page begins with the last hit of the page before */
    bool site_names;      /* name and displayName on site hits: not known from the service */
    bool empty;           /* transiently nothing */
};

struct hits {
    cJSON *list; /* array of resources, each with "hitId" */
    const struct kql *query;
    const struct http_request *rq;
    const struct search_state *state;
    unsigned entities;
    int limit;
};

/* Appends every hit that the user of h->rq may see, in the order of the world. World locked. */
void search_collect(struct hits *h);

#endif
