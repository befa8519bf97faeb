/*
 * run.h - plays a list of operations on a world: each worker in a thread (or, on a mounted folder, a
 * process) of its own, or all in their order in one thread; and compares everything when they rest.
 */
#ifndef TESTS_MODEL_RUN_H
#define TESTS_MODEL_RUN_H

#include "op.h"

struct run_options {
    uint32_t seed;
    unsigned seconds; /* after which it counts as a hang */
    bool is_serial;
    const char *path;      /* of a mounted folder */
    const char *elsewhere; /* world.h; then the server may stumble, too */
};

#define FAILURE_MAX 900

/* In a process of its own, so that a crash is a failure as any other. False: `failure` says why. */
bool run_ops(const struct op_list *list, const struct run_options *options,
             char failure[FAILURE_MAX]);

/* What fails with fewer operations; as few as can be found within so many seconds. */
void shrink_ops(struct op_list *list, struct run_options *options, unsigned seconds);

#endif
