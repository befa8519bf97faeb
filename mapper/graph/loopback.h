/*
 * loopback.h - the small listener that the browser is sent back to after sign-in.
 *
 * Everybody on this machine can connect to it, so it believes nothing: a few connections at a time,
 * short requests, short time, one path, GET only; what a request asks for is judged by the caller,
 * and a wrong one does not end the wait.
 */
#ifndef GRAPH_LOOPBACK_H
#define GRAPH_LOOPBACK_H

#include <stdint.h>

#include "base/error.h"

struct loopback;

/* Listens on 127.0.0.1 and, on the same port, ::1 where there is one (browsers resolve `localhost`
 * to either), and on nothing else. */
int loopback_open(struct loopback **out, struct error *err);
void loopback_close(struct loopback *loopback);
unsigned loopback_port(const struct loopback *loopback);

enum loopback_verdict {
    LOOPBACK_REFUSE,   /* not ours: answered 400, the wait goes on */
    LOOPBACK_ACCEPT,   /* answered with the page "signed in" */
    LOOPBACK_DECLINED, /* answered with the page "not signed in" */
};

struct loopback_callbacks {
    /* The raw query of a GET of "/" ("" when there is none). */
    enum loopback_verdict (*on_query)(void *payload, const char *query);
    /* Asked at least every 200 ms; 0 or why to stop. */
    int (*check)(void *payload, struct error *err);
    void *payload;
};

/* Serves until a query is accepted or declined (0), or check() says stop (its code). */
int loopback_wait(struct loopback *loopback, const struct loopback_callbacks *callbacks,
                  struct error *err);

/* For posix/ and win32/: what a request head asks for. Pure, fuzzable. Gives the whole answer to
 * send, static, and the verdict; `head` ends with NUL and holds the blank line. `head` is changed.
 */
const char *loopback_answer(char *head, const struct loopback_callbacks *callbacks,
                            enum loopback_verdict *verdict);

#endif
