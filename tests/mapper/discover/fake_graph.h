/*
 * fake_graph.h - the calls of graph.h that discovery makes, answered from a table. Linked instead
 * of the real client; an account is a pointer to the table.
 */
#ifndef TEST_FAKE_GRAPH_H
#define TEST_FAKE_GRAPH_H

#include <stdatomic.h>

#include "mapper/graph.h"

#define FAKE_TENANT_ID "11111111-2222-3333-4444-555555555555"
#define FAKE_HOST "https://contoso.sharepoint.com"

struct fake_site {
    char id[160];
    char title[80]; /* "": the hit has none */
    char url[160];
    bool is_hidden; /* from search */
    bool is_followed;
    int drives_code; /* what the list of its libraries answers */
    char default_list[80];
};
struct fake_list {
    char id[80];
    char site_id[160];
    char title[80];
    char url[240];  /* the library's, decoded */
    bool is_hidden; /* from search */
    int code;       /* what the direct question answers */
};
struct fake_channel {
    size_t team; /* "team-N" lists it ... */
    size_t host; /* ... and this one hosts it */
    size_t list; /* where its folder is */
    enum graph_channel_kind kind;
    const char *tenant_id; /* NULL: not said */
    int code;              /* what the question for its folder answers */
};
struct fake {
    size_t team_count;
    struct fake_channel channels[64];
    size_t channel_count;
    int followed_code;
    int teams_code;    /* of the list of teams, until a renewed token ... */
    int renew_code;    /* ... which may be refused */
    int channels_code; /* of the channels of team 0 */
    atomic_uint followeds;
    atomic_uint site_lists; /* sites whose libraries were listed in batches */
    atomic_uint teams;
    atomic_uint renewals;
    atomic_uint channel_lists; /* teams whose channels were listed */
    atomic_uint folders;
    bool wants_teams;
    struct fake_site *sites;
    size_t site_count;
    struct fake_list *lists;
    size_t list_count;
    size_t page_size;    /* hits a search page holds at most; 0: as asked */
    bool repeats;        /* each page begins with the last hit of the one before */
    int sites_code;      /* search for sites fails ... */
    unsigned sites_from; /* ... from this hit on */
    int lists_code;
    unsigned lists_from;
    int onedrive_code;
    const char *onedrive_url; /* NULL: the usual one */
    int batch_code;
    bool has_odd_ids; /* drive ids that are built otherwise than graph-facts 2.2 says */
    bool is_unidentified;
    bool promises_more; /* has_more on every page */
    atomic_uint searches;
    atomic_uint onedrives;
    atomic_uint batches;
    atomic_uint questions; /* in batches */
    atomic_uint gets;      /* of sites and their drives */
    atomic_uint identifies;
    char last_site_query[512];
};

/* `sites` sites with `per_site` libraries each: /sites/s1/Shared Documents, /sites/s1/Library 2,
 * ... */
void fake_fill(struct fake *fake, size_t sites, size_t per_site);
void fake_clear(struct fake *fake);
struct account *fake_account(struct fake *fake);

unsigned fake_requests(const struct fake *fake);
void fake_reset_counters(struct fake *fake);

#endif
