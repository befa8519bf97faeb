/* scenario.h - shared by scenario.c (tenants, sites) and scenario_tree.c (what is in a library). */
#ifndef TENANT_SCENARIO_H
#define TENANT_SCENARIO_H

#include "store.h"

/* The time of what a scenario does not date: 2026-01-05T08:00:00Z. */
#define SCENARIO_TIME INT64_C(1767600000)

struct shortcut {
    struct item *item;
    const cJSON *spec;
};

struct loader {
    struct world *world;
    char *error; /* the first one */
    unsigned n_drives;
    struct shortcut *shortcuts; /* their targets are looked up when all libraries are there */
    size_t n_shortcuts;
};

bool load_fail(struct loader *l, const char *fmt, ...) PRINTF_LIKE(2, 3); /* always false */
const char *load_text(const cJSON *object, const char *name, const char *fallback);
int64_t load_int(const cJSON *object, const char *name, int64_t fallback);
bool load_bool(const cJSON *object, const char *name, bool fallback);

/* {"items":[...], "generate":{...}} into a folder; spec may be NULL. */
bool load_tree(struct loader *l, struct item *folder, const cJSON *spec);
bool load_shortcuts(struct loader *l);

/* "text", "document", or "size" and "seed". NULL when there is none of them. */
struct content *load_content(const cJSON *spec, const char *name);

/* "none", "read", "write" */
bool drive_set_access(struct drive *d, struct user *u, const char *access);

#endif
