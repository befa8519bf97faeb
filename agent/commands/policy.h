/*
 * policy.h - `mooring policy show`, `check`, `export`, `import` and `diff`.
 *
 * Needs no running agent: it reads the sources itself, as the agent would. Only `show` asks the
 * agent when one runs, since that has its last good values and its --policy (policy_live.c). What
 * is shown is rendered into a buf by functions that read their arguments only, so that tests
 * compare it whole.
 */
#ifndef AGENT_COMMANDS_POLICY_H
#define AGENT_COMMANDS_POLICY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "policy/load.h"

/* argv from "policy" on. 0: nothing is wrong; 1: warnings (diff: there are differences); 2: a file
 * cannot be used, or the command was not understood. */
int command_policy(int argc, char **argv);

/* What `show` asks of a running agent: true when the command line is such a `show`. */
struct policy_show {
    bool is_json;
    bool is_all;
};
bool policy_command_is_show(struct policy_show *out, int argc, const char *const *argv);

/* The same with the sources given, and without touching the terminal: what goes to stdout into
 * `out`, what goes to stderr into `complaint`. */
int policy_command_run(struct buf *out, struct buf *complaint, struct policy_sources *sources,
                       int argc, const char *const *argv);

/* Settings that a source sets (all: every one) by category, with what each overrode, and all
 * warnings. ERR_LIMIT when `out` is full. */
int policy_render_text(struct buf *out, const struct policy *policy, bool is_all,
                       struct error *err);
int policy_render_json(struct buf *out, const struct policy *policy, bool is_all,
                       struct error *err);

/* The warnings alone: "file:line: Key: sentence", one a line. */
int policy_render_warnings(struct buf *out, const struct policy *policy, struct error *err);

#endif
