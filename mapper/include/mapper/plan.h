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
 *     A'   |  A      | PLAN_DETACH A, then PLAN_ATTACH A' (same path, another library)
 *
 * Detaches come before updates, updates before attaches: a letter must be free before somebody else
 * gets it.
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
struct plan_mapping_list {
    struct plan_mapping *items;
    size_t count;
    size_t capacity;
};
int plan_mapping_list_add(struct plan_mapping_list *list, const struct plan_mapping *copied,
                          struct error *err);
void plan_mapping_list_clear(struct plan_mapping_list *list);

/* The path of a library, from its URL alone: never from titles, settings, the user or memory
 * (DESIGN.md "Mapping"). `host_root` sites are "~root"; /teams/a is teams~a; /sites/a/sub is a~sub;
 * OneDrive is <tenant>/OneDrive; reserved names get a '~' at their end; a folder mapping adds its
 * folders to the library's path with '~'. Pure. */
int name_path(char **out, const struct library *library, struct error *err);

/* The label by NameFormat. Pure. */
int name_label(char **out, const struct library *library, const char *name_format,
               struct error *err);

/* From libraries to mappings: those with LIBRARY_WANTED, paths made unique, labels, letters
 * (explicit before rules before pool, in order of path; never a letter of `taken`, a string of
 * letters others use). Conflicts go to `notes`, one sentence each. Pure. */
int plan_wanted(struct plan_mapping_list *out, struct str_list *notes,
                const struct library_list *libraries, const struct settings *settings,
                const char *taken, struct error *err);

enum plan_kind { PLAN_DETACH, PLAN_UPDATE, PLAN_ATTACH };
struct plan_step {
    enum plan_kind kind;
    struct plan_mapping
        mapping; /* owned copy: the present one for DETACH, the wanted one otherwise */
    int result;  /* after apply: 0, ERR_*, or 1 = not tried because the detach before it failed */
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
 * what was done before the next step, so that a crash leaves nothing unknown. */
struct plan_actions {
    int (*attach)(void *payload, const struct plan_mapping *mapping, struct error *err);
    int (*update)(void *payload, const struct plan_mapping *mapping, struct error *err);
    int (*detach)(void *payload, const struct plan_mapping *mapping, struct error *err);
    int (*record)(void *payload, const struct plan_step *step, struct error *err);
    void *payload;
};

/* Does all steps, goes on after failures; returns the number that failed and the first error. */
size_t plan_apply(struct plan *plan, const struct plan_actions *actions, struct error *first);

#endif
