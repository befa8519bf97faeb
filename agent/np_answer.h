/*
 * np_answer.h - one question of mooringnp.dll (transport/np/provider/protocol.md), understood and
 * answered. It does nothing by itself: what the session knows and does stands in struct np_world.
 * No allocation outlives a call, and nothing is global: any thread, several at once.
 */
#ifndef AGENT_NP_ANSWER_H
#define AGENT_NP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "transport/np_protocol.h"

/* Longest question: the head, a letter, a name. */
#define NP_QUESTION_BYTES (sizeof(struct np_request) + (2 + NP_REMOTE_UNITS) * sizeof(uint16_t))

/* Takes the name of one folder below the server; false: no room for more. */
typedef bool (*np_child_fn)(void *payload, const char *name);

/* Paths have '/' between their components and begin below the server: "contoso/finance/Documents";
 * no component is empty, "." or "..". Each returns within a second and a half. */
struct np_world {
    const char *server; /* of \\server\...; compared without case */

    /* Whether there is such a folder. ERR_NOT_FOUND. */
    int (*exists)(void *payload, const char *path, struct error *err);

    /* Shows `path` as `letter` ('A' to 'Z'). ERR_NOT_FOUND, ERR_EXISTS: the letter is in use. */
    int (*connect)(void *payload, char letter, const char *path, struct error *err);

    /* Takes the letter away. ERR_NOT_FOUND: it is none of ours. */
    int (*disconnect)(void *payload, char letter, struct error *err);

    /* What is below the server, in an order that stays; `start` entries are skipped. */
    int (*children)(void *payload, size_t start, np_child_fn take, void *taker, struct error *err);

    void *payload;
};

/* Writes the answer to `question` into `out`, which has room for NP_ANSWER_BYTES and is aligned for
 * struct np_answer. Returns its size; never 0. */
size_t np_answer_question(void *out, const void *question, size_t size,
                          const struct np_world *world);

#endif
