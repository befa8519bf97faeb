/*
 * governor_fixture.h - a governor, and a canned HTTP/1.1 server that it asks.
 */
#ifndef TESTS_GRAPH_GOVERNOR_FIXTURE_H
#define TESTS_GRAPH_GOVERNOR_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/thread.h"
#include "graph/governor.h"

/* Answers one request after the other, on one connection each. */
struct canned {
    struct thread thread;
    int socket;
    unsigned port;
    struct mutex mutex; /* guards all below */
    struct cond changed;
    const char *answer; /* whole, static */
    char seen[64][512]; /* heads of requests, in their order */
    size_t seen_count;
    bool is_held; /* requests are read, and answered when released */
    bool is_stopping;
};

extern const char canned_ok[]; /* 200 with the body "ok" */

struct fixture {
    struct canned server;
    struct governor *governor;
    char *url;
};

/* cmocka setups and teardown of a test: *state is a struct fixture. */
int fixture_setup(void **state);
int fixture_setup_limits(void **state); /* RU: soft 10, hard 20 */
int fixture_teardown(void **state);

/* Whether the server answers. */
void hold(struct fixture *f, bool is_held);
void wait_for_requests(struct fixture *f, size_t count);

#endif
