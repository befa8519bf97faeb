/*
 * unit_fixture.h - calls handlers of the tenant without a socket, for unit tests.
 */
#ifndef TENANT_UNIT_FIXTURE_H
#define TENANT_UNIT_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <cjson/cJSON.h>

#include "http.h"
#include "store.h"
#include "world.h"

struct fixture {
    char dir[64];
    struct world *w;
    struct tenant *t;
    struct user *ana, *ben, *cara;
    struct drive *d;        /* /sites/finance/Shared Documents */
    const char *headers[8]; /* name, value, ..., NULL: of the next request */
    struct http_response rs;
    char path[512]; /* of drive_path() */
};

/* scenarios/tiny.json in a temporary folder. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Graph as ana; the path may hold a query. Returns the status; the answer is in f->rs until the
 * next call. */
int graph(struct fixture *f, const char *method, const char *path_format, ...) PRINTF_LIKE(3, 4);
int graph_body(struct fixture *f, struct user *u, const char *method, const char *path,
               const char *body);
/* A URL of the content host as it was handed out. */
int content(struct fixture *f, const char *method, const char *url, const void *body, size_t n);
/* The next call carries this header. */
void with_header(struct fixture *f, const char *name, const char *value);

/* Members of the JSON answer; text is borrowed from it, and "" when there is none. */
const char *answer(const struct fixture *f, const char *name);
const cJSON *answer_json(const struct fixture *f, const char *name);
const cJSON *answer_value(const struct fixture *f, int index); /* of "value" */
int answer_count(const struct fixture *f);                     /* of "value"; -1: none */
/* The deepest code of an error answer. */
const char *answer_code(const struct fixture *f);
const char *response_header(const struct fixture *f, const char *name);
/* All bytes of a streamed answer, for the caller to free. */
char *stream_text(struct fixture *f, size_t *len);

/* Of f->d, as ana: the path behind /drives/{id}. drive_path() is good until its next call. */
char *drive_path(struct fixture *f, const char *rest);
int get(struct fixture *f, const char *rest);
int as_ana(struct fixture *f, const char *method, const char *rest, const char *body);
struct item *at(struct fixture *f, const char *path);  /* in f->d; NULL if absent */
const char *text_of(const cJSON *o, const char *name); /* "" when it is no text */
/* A change by the control port, in f->d unless the JSON names a library; must succeed. */
void edit(struct fixture *f, const char *verb, const char *json);

#endif
