/*
 * policy_impl.h - what the files of `mooring policy` share.
 *
 *   policy.c         the command line; show and check
 *   policy_text.c    policy_json.c    a policy as text, as JSON
 *   policy_export.c  policy_import.c  policy_diff.c
 */
#ifndef AGENT_COMMANDS_POLICY_IMPL_H
#define AGENT_COMMANDS_POLICY_IMPL_H

#include <cjson/cJSON.h>

#include "commands/policy.h"

/* The command line. */
struct policy_request {
    const char *verb;
    const char *operands[2]; /* files; NULL: not given */
    const char *policy;      /* of --policy */
    const char *format;
    const char *output;
    const char *from;
    bool is_json;
    bool is_all;
    bool is_user;
    bool is_help;
};

/* What goes to stdout, and what to stderr. */
struct policy_io {
    struct buf *out;
    struct buf *complaint;
    struct policy_sources *sources;
};

enum policy_exit { POLICY_CLEAN = 0, POLICY_WARNINGS = 1, POLICY_ERRORS = 2 };

/* Each returns its exit code, or ERR_*. */
int policy_run_export(const struct policy_io *io, const struct policy_request *request,
                      struct error *err);
int policy_run_import(const struct policy_io *io, const struct policy_request *request,
                      struct error *err);
int policy_run_diff(const struct policy_io *io, const struct policy_request *request,
                    struct error *err);

/* Writes the set as --format says (yaml when it says nothing). Its exit code, or ERR_*. */
struct policy_set;
int policy_export_set(const struct policy_io *io, const struct policy_request *request,
                      const struct policy_set *set, struct error *err);

/* The policy at `file`, or (NULL, "current") of this system; what is wrong with it goes to stderr.
 * ERR_INVALID when the file cannot be used at all. */
int policy_read(struct policy **out, const struct policy_io *io, const char *file,
                struct error *err);

/* To the file of --output, for the user alone, or to stdout. */
int policy_write(const struct policy_io *io, const struct policy_request *request,
                 const struct buf *bytes, struct error *err);

/* One line of text, with what could steer a terminal replaced. */
int policy_complain(const struct policy_io *io, struct error *err, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Appends the JSON and deletes it; `json` NULL: there was no memory for it. */
int policy_print_json(struct buf *out, cJSON *json, struct error *err);

/* A value as JSON, by its type; secrets blanked. NULL without memory. */
cJSON *policy_value_json(const struct setting *row, const char *text,
                         const struct str_list *entries);
cJSON *policy_origin_json(const struct policy_value *value);

#endif
