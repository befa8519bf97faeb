/*
 * command.h - the commands of `mooring`, and what they share.
 *
 * Exit codes, for all: 0 done; 1 done, but something is wrong (warnings, signed out, not mapped); 2
 * not done.
 */
#ifndef AGENT_COMMAND_H
#define AGENT_COMMAND_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "control.h"

enum command_exit { COMMAND_OK = 0, COMMAND_WARNING = 1, COMMAND_FAILED = 2 };

/* Each gets argv from its own name on. */
int command_agent(int argc, char **argv);
int command_deletes(int argc, char **argv);
int command_demo(int argc, char **argv);
int command_desktop(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_link(int argc, char **argv);
int command_login(int argc, char **argv);
int command_logout(int argc, char **argv);
int command_np(int argc, char **argv);
int command_open(int argc, char **argv);
int command_plan(int argc, char **argv);
int command_report(int argc, char **argv);
int command_setup(int argc, char **argv);
int command_status(int argc, char **argv);
int command_uploads(int argc, char **argv);
int command_versions(int argc, char **argv);
int command_view(int argc, char **argv);

/* What may stand on the command line: an option, or an operand. Lists end with a row of zeros. */
struct command_word {
    const char *name;  /* of an option, without its dashes; NULL: the next operand */
    bool *flag;        /* set by an option that has no value; or ... */
    const char **text; /* ... gets the value, or the operand, lent by argv; or ... */
    int64_t *number;   /* ... gets the value, from `min` to `max` */
    int64_t min;
    int64_t max;
    bool is_needed; /* an operand that must be there */
};

/* Reads argv from its second word on; what is not there stays as the caller set it. False: there is
 * nothing to be done but to return *exit_code. `--help` printed the usage then (0), or anything that
 * is not among `words` did (COMMAND_FAILED). */
bool command_parse(const struct command_word *words, int argc, char **argv, const char *usage,
                   int *exit_code);

/* Words that do not go together: prints the usage on stderr, returns COMMAND_FAILED. */
int command_misused(const char *usage);

/* Calls the agent of this user. */
int command_call(cJSON **result, const char *name, const cJSON *arguments,
                 control_event_fn on_event, void *payload, struct error *err);

/* "mooring NAME: sentence" on stderr, or {"error":...} on stdout with --json; returns
 * COMMAND_FAILED. */
int command_fail(const char *name, bool is_json, const struct error *err);

/* With all control characters escaped, DEL and C1 too. */
void command_print_json(const cJSON *json);

/* Lent texts of a JSON object; "" and 0 when missing. */
const char *answer_text(const cJSON *object, const char *name);
double answer_number(const cJSON *object, const char *name);

/* Text that servers or other people chose: control characters (C0, DEL, C1) and what is not UTF-8
 * must not reach a terminal and become '?'. command_print_safe() on stdout;
 * command_print_safe_lines() lets newlines through. */
void command_print_safe(const char *text);
void command_print_safe_lines(const char *text);
void command_write_safe(FILE *out, const char *text, bool keeps_newlines);

#endif
