/*
 * command_run.h - `mooring policy ...` as a user calls it, without a terminal and a process.
 */
#ifndef TESTS_POLICY_COMMAND_RUN_H
#define TESTS_POLICY_COMMAND_RUN_H

#include "base/buf.h"
#include "fixture.h"

struct outcome {
    struct buf out;
    struct buf complaint;
    int exit_code;
};

/* `words` NULL-terminated, from "policy" on. The caller calls outcome_clear(). */
void policy_run(struct outcome *outcome, struct fixture *f, const char *const *words);
void outcome_clear(struct outcome *outcome);

#define POLICY_RUN(outcome, f, ...) \
    policy_run(outcome, f, (const char *const[]){"policy", __VA_ARGS__, NULL})

#endif
