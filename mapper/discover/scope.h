/*
 * scope.h - the rules of scope that explain.c tells too. Pure.
 */
#ifndef MAPPER_DISCOVER_SCOPE_H
#define MAPPER_DISCOVER_SCOPE_H

#include "base/str.h"
#include "mapper/discover.h"

struct managed_list;

/* scope_decide() with managed mappings whose links to Teams were followed. */
int scope_decide_with(struct library_list *list, const struct settings *settings,
                      const struct managed_list *managed, struct error *err);

/* The first entry that names the library (its site with `is_site`), or NULL. Lent. */
const char *scope_entry(const struct str_list *entries, const struct library *library,
                        bool is_site);

/* Whether a library is one that SharePoint made for itself, by the last segment of its URL: English
 * names, and those that other languages of a site give the same lists. */
bool scope_is_system(const struct library *library);

/* Whether an entry of IncludeLibraries names the library itself and not just everything of a site:
 * only then does it let a system list through. */
bool scope_is_named(const struct str_list *entries, const struct library *library);

#endif
