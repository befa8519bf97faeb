/*
 * load.h - from the administrator's sources to settings, and who won over whom.
 *
 * Sources, highest first: machine policy, user policy, machine preference, user preference,
 * default. On Linux: /etc/mooring/policy.yaml and policy.d/ (machine policy), settings.yaml of the
 * user (user preference). Of two files in one layer the later wins: policy.yaml, then policy.d in
 * lexical order. In one file that names a key twice the last one counts.
 *
 * A scalar is taken whole from the highest source that has a valid value. The lists of all policy
 * sources are united (highest first, then the default entries), doubles left out; the preferences
 * count only when no policy has the list, and then the highest of them. The entry "-" empties what
 * lower sources and the default gave.
 *
 * Nothing wrong in a source stops the agent: a bad value is reported and the next source wins; a
 * file that cannot be read as YAML is reported and left out whole, since half of a policy could be
 * the more dangerous half.
 *
 * A struct policy does not change once it is loaded: any thread may read it.
 */
#ifndef POLICY_LOAD_H
#define POLICY_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "policy/schema.h"
#include "policy/settings.h"

struct policy;

enum policy_layer {
    POLICY_LAYER_OVERRIDE, /* --policy FILE: replaces all others */
    POLICY_LAYER_MACHINE_POLICY,
    POLICY_LAYER_USER_POLICY,
    POLICY_LAYER_MACHINE_PREFERENCE,
    POLICY_LAYER_USER_PREFERENCE,
    POLICY_LAYER_DEFAULT
};

/* "machine policy", "user preference", "--policy file", "default". */
const char *policy_layer_name(enum policy_layer layer);

/* Adds what stands below a key ("Software\Policies\Mooring") of the machine's or the user's registry
 * to an image; a key that does not exist adds nothing. registry.h has the one of Windows. */
struct registry_image;
typedef int (*policy_registry_fn)(struct registry_image *image, bool is_machine, const char *key,
                                  void *payload, struct error *err);

/* Where to read from. Owned texts; NULL: there is no such source. A file that does not exist is no
 * error, except override_file. */
struct policy_sources {
    char *machine_file;          /* /etc/mooring/policy.yaml */
    char *machine_directory;     /* /etc/mooring/policy.d: every *.yaml */
    char *user_preference_file;  /* $XDG_CONFIG_HOME/mooring/settings.yaml */
    char *override_file;         /* when set, nothing else is read; YAML, Registry.pol or .reg */
    policy_registry_fn registry; /* Windows: the machine's and the user's keys */

    /* Warn about a machine policy that others than the administrator can change (Linux). */
    bool checks_owner;

    /* Variables for paths; NULL: the environment. */
    setting_variable_fn variable;
    void *payload; /* of both functions */
};

/* The places of this system. *out must be zeroed or cleared; policy_sources_clear() frees. */
int policy_default_sources(struct policy_sources *out, struct error *err);
void policy_sources_clear(struct policy_sources *sources);

/* Makes `file` the only source, as `--policy FILE` asks. ERR_DENIED while `sources` has a machine
 * policy (or one that cannot be looked at): else any user could override the administrator. */
int policy_sources_override(struct policy_sources *sources, const char *file, struct error *err);

/* Reads all sources. Fails only without memory; all that is wrong in the sources is in the
 * warnings. *out is the caller's: policy_free(). */
int policy_load(struct policy **out, const struct policy_sources *sources, struct error *err);

/* The same, with `old` (NULL: none) to keep from: of a file or key that cannot be used now but could
 * in `old`, the values of `old` stay in force, and its file is POLICY_FILE_KEPT; the POLICY_ERROR
 * says so. A file that is gone has no values any more. `old` is left as it is and may be freed. */
int policy_reload(struct policy **out, const struct policy *old,
                  const struct policy_sources *sources, struct error *err);

/* Reads one file alone (YAML, Registry.pol or .reg, told apart by how they begin), as `mooring
 * policy check` and `diff` do. `sources` gives the variables, its files are not read; NULL: the
 * environment's. Fails only without memory. */
int policy_check_file(struct policy **out, const char *file, const struct policy_sources *sources,
                      struct error *err);
void policy_free(struct policy *policy);

/* A file or registry key that was looked for. */
enum policy_file_state {
    POLICY_FILE_READ,
    POLICY_FILE_ABSENT,
    POLICY_FILE_BROKEN, /* cannot be used: nothing of it counts */
    POLICY_FILE_KEPT    /* cannot be used: what it said before still counts (policy_reload()) */
};
struct policy_file {
    enum policy_layer layer;
    enum policy_file_state state;
    char *path; /* a folder only when it is absent or broken; else its files are named. A key:
                   "HKLM\Software\Policies\Mooring" */
};

/* All of them, highest first: why a file has no effect is often that it was never looked for. */
size_t policy_file_count(const struct policy *policy);
const struct policy_file *policy_file_at(const struct policy *policy, size_t index);

/* The result. Lent; settings_ref() to keep it. */
const struct settings *policy_settings(const struct policy *policy);

/* What one source says about one setting. */
struct policy_value {
    enum policy_layer layer;
    const char *file;        /* lent by the policy; NULL for the default */
    int line;                /* of the key, from 1; 0 for the default, and where are no lines */
    bool is_used;            /* it is the value, or part of it (lists) */
    char *text;              /* normal form; LIST: entries joined by newlines */
    char *written;           /* a path as written, before its variables were expanded; else NULL */
    struct str_list entries; /* LIST: its valid entries, "-" included */
};

/* A setting and everybody who had a valid value for it, highest first; the default is the last. */
struct policy_result {
    const struct setting *row;
    const struct policy_value *winner; /* the highest that is used; one of `values` */
    char *text;                        /* the result as text; a LIST: one entry a line */
    struct str_list entries;           /* LIST: the result */
    struct policy_value *values;
    size_t value_count;
};

/* One result per row of the schema, in its order. */
const struct policy_result *policy_result_at(const struct policy *policy, size_t index);
const struct policy_result *policy_result_find(const struct policy *policy, const char *name);

enum policy_severity {
    POLICY_WARNING, /* one value is not used, or not as it was written */
    POLICY_ERROR    /* a whole file is not used */
};

/* All that was wrong, file by file, in the order of lines. */
struct policy_warning {
    enum policy_severity severity;
    char *file;    /* NULL: no file is to blame */
    int line;      /* from 1; 0: the whole file */
    char *key;     /* as written, made printable; NULL: no key */
    char *message; /* one sentence, no secrets */
};
/* What an administrator's tool shall return: 0 nothing is wrong, 1 there are warnings, 2 a file
 * cannot be used. */
int policy_exit_class(const struct policy *policy);

/* True when a policy (not a preference) cannot be used and nothing of it was kept: what it restricts
 * (AllowedTenants) is not known, so nobody should be signed in until it can be read. */
bool policy_is_restriction_unknown(const struct policy *policy);

size_t policy_warning_count(const struct policy *policy);
size_t policy_error_count(const struct policy *policy); /* those that are POLICY_ERROR */
const struct policy_warning *policy_warning_at(const struct policy *policy, size_t index);

/* Appends where something is written: "FILE:LINE", or "FILE" where the source has no lines (line
 * 0), or "policy" where no file is to blame (NULL). */
int policy_add_place(struct buf *out, const char *file, int line, struct error *err);

/* A line in the log: the place, the key, the sentence. */
void policy_log_warning(const struct policy_warning *warning);

#endif
