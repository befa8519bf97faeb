/*
 * system.h - what differs by operating system: variables in paths, files, which default counts.
 */
#ifndef POLICY_SYSTEM_H
#define POLICY_SYSTEM_H

#include "base/error.h"
#include "policy/schema.h"

/* Expands the variables of a path; the result is absolute. *out is the caller's. ERR_INVALID with a
 * clause that goes after "the value ". */
int system_expand_path(char **out, const char *text, setting_variable_fn variable, void *payload,
                       struct error *err);

/* The environment of the process, as a setting_variable_fn. */
const char *system_variable(const char *name, void *payload);

const char *system_default_text(const struct setting *row);

/* 1 when there is something at `path`, or when that cannot be found out; 0 when there is not. */
int system_may_exist(const char *path);

/* The regular files of `directory` whose names end in `suffix`, in the order of their bytes, with
 * their paths, at most `files->limit` (ERR_LIMIT). A folder that does not exist has none. `other`
 * gets the names that do not end in it, hidden ones left out; NULL: nobody asks. */
int system_list_files(struct str_list *files, struct str_list *other, const char *directory,
                      const char *suffix, struct error *err);

/* ERR_INVALID unless `path` is a regular file (a pipe would make the reader wait for ever).
 * ERR_NOT_FOUND when there is none. */
int system_require_file(const char *path, struct error *err);

/* ERR_DENIED with a clause that says who else: an ordinary user can change `path`, or the folder it is
 * in. 0 also when that cannot be found out, and where the system sees to it (the registry). */
int system_check_protected(const char *path, struct error *err);

#endif
