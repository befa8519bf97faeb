/*
 * merge.h - what the sources of one round named, joined into one list. Pure.
 */
#ifndef MAPPER_DISCOVER_MERGE_H
#define MAPPER_DISCOVER_MERGE_H

#include "index.h"
#include "mapper/discover.h"
#include "search.h"

/* One round. Zero-initialise, fill the first four, end with merge_clear(). */
struct merge {
    const char *tenant_id;            /* borrowed, as the next three */
    const char *tenant;               /* first label of the initial domain */
    const struct library_list *known; /* the round before */
    uint64_t query_hash;              /* of the SiteQuery in force */
    struct library_list found;        /* by now */
    struct text_index index;          /* found, by key */
    struct text_index known_index;    /* known, by key */
    unsigned unusable;                /* hits without what is needed, or with nonsense in it */
};
void merge_clear(struct merge *merge);

/* Joins list hits with site hits on the site's id (the GUIDs in it, without case). A list whose
 * site is missing keeps the site it was known with; a new one is reported (query_hash 0) when the
 * sites are complete, and otherwise left for the next round. */
int merge_search(struct merge *merge, const struct search_result *sites,
                 const struct search_result *lists, struct error *err);

/* The site that a library is in, as far as known; texts are borrowed. */
struct merge_site {
    const char *id;
    const char *url; /* in the one spelling of url.h */
    const char *title;
};

/* A library that an answer of the service showed as a drive: its id is verified by that. `source`
 * is one of LIBRARY_FROM_*. `site` NULL: OneDrive, whose site follows from the drive's id. */
int merge_drive(struct merge *merge, const struct graph_drive *drive, const struct merge_site *site,
                unsigned source, struct error *err);

/* The folder `folder_path` of a library that is found already, shown on its own. */
int merge_folder(struct merge *merge, size_t library, const char *folder_path, struct error *err);

/* What answered in this round. */
struct merge_round {
    bool has_searched;  /* the searches were made ... */
    bool has_all_sites; /* ... and are complete */
    bool has_all_lists;
    bool has_onedrive;   /* the user's drive was asked for and is there */
    bool lacks_followed; /* followed sites were asked for, and not all is known */
    bool lacks_teams;    /* the same of channels */
};

/* Whether a source that named this one before, or may have, did not answer. */
bool merge_is_unsure(const struct library *library, const struct merge_round *round);

/* Carries over what was known and is not among the found, with LIBRARY_FROM_STATE: all of a source
 * that did not answer, and what is mapped of a source that did, for the removal rule to decide. */
int merge_known(struct merge *merge, const struct search_result *sites,
                const struct merge_round *round, struct error *err);

/* Takes a library into `found`, or what it adds into the one of the same key that is there. */
int merge_add(struct merge *merge, struct library *library_moved, struct error *err);

/* The library of the same key in the round before, or NULL. Lent. */
const struct library *merge_known_library(struct merge *merge, const char *key);

/* Ids go into the paths of requests: whether nothing but what ids are made of is in it. */
bool merge_is_id(const char *id);

/* What a site's id is joined by: the GUIDs behind the host, where it has them, folded. */
int merge_site_key(char **out, const char *site_id, struct error *err);

/* The library of `found` whose own address `url` is (LIBRARY_FOLDER not), or is below it; the
 * closest one. False when there is none. */
bool merge_find_url(const struct merge *merge, const char *url, size_t *at);

/* The GUIDs in a drive's id (graph-facts 2.2), as text in lower case; false when it is built
 * otherwise. `site` and `web` may be NULL. */
bool merge_drive_guids(const char *drive_id, char site[37], char web[37], char list[37]);

#endif
