/*
 * plan.h - what must change so that the mappings we have become the mappings we want.
 *
 * plan_build() is a pure function: it reads its arguments and nothing else - no clock, no file, no
 * network, no log. plan_apply() does the work and decides nothing.
 *
 *   wanted | present | step
 *     -    |  A      | PLAN_DETACH A
 *     A    |  -      | PLAN_ATTACH A
 *     A    |  A      | nothing
 *     A'   |  A      | PLAN_UPDATE A' (same path; label, letter or read-only differ)
 *     A'   |  A      | PLAN_UPDATE A without its letter, then PLAN_UPDATE A' (another letter)
 *     A'   |  A      | PLAN_DETACH A, then PLAN_ATTACH A' (another library, or case of the path)
 *     A    |  A, A   | PLAN_DETACH A twice, then PLAN_ATTACH A (nobody knows what is there)
 *
 * Detaches come first, then the updates that give a letter back, then the other updates, then
 * attaches: a letter is free before somebody else gets it, also when two mappings swap theirs.
 */
#ifndef MAPPER_PLAN_H
#define MAPPER_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "mapper/discover.h"

struct settings;

/* One mapping, wanted or present. Strings are heap, owned. */
struct plan_mapping {
    char *path;  /* "contoso/finance/Shared Documents" */
    char *key;   /* library.key */
    char *label; /* by NameFormat */
    char letter; /* 0 none */
    bool is_read_only;
};
void plan_mapping_clear(struct plan_mapping *mapping);
int plan_mapping_copy(struct plan_mapping *out, const struct plan_mapping *from, struct error *err);

struct plan_mapping_list {
    struct plan_mapping *items;
    size_t count;
    size_t capacity;
};
int plan_mapping_list_add(struct plan_mapping_list *list, const struct plan_mapping *copied,
                          struct error *err);
void plan_mapping_list_clear(struct plan_mapping_list *list);

/* The path of a library, from its URL alone: never from titles, settings, the user or memory. The
 * root site is "~root"; /teams/a is teams~a; /sites/a/sub is a~sub (url.h has it all); OneDrive is
 * <tenant>/OneDrive; the reserved names "OneDrive" and "drives" get a '~' at their end; a folder
 * mapping adds its folders to the library's name with '~'. Pure. */
int name_path(char **out, const struct library *library, struct error *err);

/* The name that the administrator gave, else NameFormat with {site}, {library} and {tenant} filled
 * in; "OneDrive - <tenant>" for OneDrive. Without the characters that a name cannot have, since it
 * is an alias on lookup. Pure. */
int name_label(char **out, const struct library *library, const char *name_format,
               struct error *err);

/* From libraries to mappings, in order of path: those with LIBRARY_WANTED, paths made unique,
 * labels, letters (managed mappings, then OneDrive, then rules, then pool, each in order of path;
 * never a letter of `taken`, a string of letters others use, and from the pool none that policy
 * gives to anything). Of two libraries with one path (sites of one name on two hosts of the tenant,
 * names that differ in what is not legal) the one on the tenant's own host, then the one with the
 * lower URL, keeps it, and the other gets a '~' and a hash of its URL. Conflicts go to `notes` (may
 * be NULL), one sentence each. Pure. */
int plan_wanted(struct plan_mapping_list *out, struct str_list *notes,
                const struct library_list *libraries, const struct settings *settings,
                const char *taken, struct error *err);

enum plan_kind { PLAN_DETACH, PLAN_UPDATE, PLAN_ATTACH };
struct plan_step {
    enum plan_kind kind;
    struct plan_mapping
        mapping;        /* owned copy: the present one for DETACH, the wanted one otherwise */
    char letter_before; /* the letter that the mapping at this path has before the step; 0 none */
    int result; /* after apply: 0, ERR_*, or 1 = not tried because the detach before it failed */
    struct error error;
};
struct plan {
    struct plan_step *steps;
    size_t count;
    size_t capacity;
};
int plan_build(struct plan *out, const struct plan_mapping_list *want,
               const struct plan_mapping_list *have, struct error *err);
void plan_clear(struct plan *plan);

/* The world that apply acts on. Every function gets the payload; 0 or ERR_*. `record` writes down
 * what is ours, so that a crash leaves nothing unknown: before something is made and after
 * something was taken away. When making it fails, record gets the step that takes the note back
 * (PLAN_DETACH, or PLAN_UPDATE with what is left). A step that cannot be recorded is not done. */
struct plan_actions {
    int (*attach)(void *payload, const struct plan_mapping *mapping, struct error *err);
    int (*update)(void *payload, const struct plan_mapping *mapping, struct error *err);
    int (*detach)(void *payload, const struct plan_mapping *mapping, struct error *err);
    int (*record)(void *payload, const struct plan_step *step, struct error *err);
    void *payload;
};

/* Does all steps in order and goes on after failures, but does not try what a failed step had to
 * make room for (same path, or the letter). Returns the number of steps that failed or were not
 * tried, and the first error. */
size_t plan_apply(struct plan *plan, const struct plan_actions *actions, struct error *first);

/* What is present after plan_apply(): `have`, which the plan was built from, brought up to date by
 * the steps that were done. */
int plan_take_over(struct plan_mapping_list *have, const struct plan *plan, struct error *err);

#endif
