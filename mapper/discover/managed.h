/*
 * managed.h - what ManagedMappings names.
 */
#ifndef MAPPER_DISCOVER_MANAGED_H
#define MAPPER_DISCOVER_MANAGED_H

#include "base/str.h"
#include "mapper/discover.h"
#include "merge.h"
#include "policy/entry.h"

/* The entries that can be read, as parsed once. What breaks the grammar is policy's warning. */
struct managed_entry {
    struct policy_mapping mapping;
    char *url; /* mapping.url in the one spelling of url.h; of a link to Teams what it leads to, and
                  NULL while that is not known */
};
struct managed_list {
    struct managed_entry *entries;
    size_t count;
    struct str_list problems; /* a sentence for each URL that is none of SharePoint */
};
int managed_read(struct managed_list *out, const struct str_list *texts, struct error *err);
void managed_clear(struct managed_list *list);

/* Asks where links to Teams lead, in one batch, and puts it into the entries: a team's to its site,
 * a channel's to its folder. `merge` says which tenant this is. What cannot be had goes to `notes`;
 * only ERR_NO_MEMORY and the like fail. */
int managed_follow_links(struct managed_list *list, const struct merge *merge,
                         struct account *account, const struct call *call, struct str_list *notes,
                         struct error *err);

/* Whether an entry for this library's tenant leads nobody knows where. Pure. */
bool managed_has_open_link(const struct managed_list *list, const struct library *library);

/* How an entry names a library. Pure. */
enum managed_match {
    MANAGED_NO,
    MANAGED_EXACT,   /* the library or the folder itself */
    MANAGED_DEFAULT, /* the default library of the site it names */
    MANAGED_ALL      /* one of all libraries of the site it names */
};
enum managed_match managed_match(const struct managed_entry *entry, const struct library *library);

/* Finds the libraries of entries that nothing found yet belongs to, by URL: the site by prefixes of
 * it, then its libraries. Known ones are not asked for again. What cannot be found or asked goes to
 * `notes` and stays as it is; only ERR_NO_MEMORY and the like fail. */
int managed_resolve(struct merge *merge, struct account *account, const struct managed_list *list,
                    const struct call *call, struct str_list *notes, struct error *err);

#endif
