/*
 * member.h - what the user takes part in: the sites they follow and, with TeamsChannels, the
 * libraries of private and shared channels.
 *
 * Search misses sites that are new, hidden from it, or reached as an owner only; people follow what
 * they work with. Following is no way around the administrator's choice, though: followed sites
 * count only while SiteQuery is the default. Channels have sites of their own, which the default
 * SiteQuery leaves out.
 *
 * Each source is asked for by a ..._run(), which needs nothing of the others, and merged by a
 * ..._merge() when search is. Where one does not answer whole, nothing it named before is missing.
 */
#ifndef MAPPER_DISCOVER_MEMBER_H
#define MAPPER_DISCOVER_MEMBER_H

#include <stdbool.h>

#include "mapper/graph.h"
#include "merge.h"
#include "search.h"

struct settings;

/* --- followed sites --- */

struct followed {
    struct graph_sites sites;
    struct error error; /* why there are none */
    size_t added;       /* by followed_add() */
};
bool followed_is_wanted(const struct settings *settings);
void followed_run(struct followed *out, struct account *account, const struct call *call);
void followed_clear(struct followed *followed);

/* Puts the sites behind those that search found, so that lists of them are joined. */
int followed_add(struct search_result *sites, struct followed *followed, struct error *err);

/* Asks for the libraries of followed sites that search does not know, by batches: 1 in a first
 * round, else 5. After followed_add() to `searched`, and merge_search(). *is_whole: all that follows from the sites is known. What
 * went wrong is put into the report. Only ERR_NO_MEMORY and the like fail. */
int followed_merge(struct merge *merge, bool *is_whole, const struct followed *followed,
                   const struct search_result *searched, bool is_search_whole,
                   struct account *account, const struct call *call, struct discover_report *report,
                   struct error *err);

/* --- channels --- */

struct channel_files {
    struct graph_teams teams;
    struct graph_channels channels; /* private and shared, each once */
    struct graph_folder *folders;   /* by channel */
    bool is_whole;
    struct error error; /* why not; code 0 when it is whole */
};
void channel_files_run(struct channel_files *out, struct account *account, const char *tenant_id,
                       const struct call *call);
void channel_files_clear(struct channel_files *files);

/* Takes the libraries that the folders are in; those that no answer has shown yet are asked for,
 * by batches. *is_whole as above. */
int channel_files_merge(struct merge *merge, bool *is_whole, const struct channel_files *files,
                        struct account *account, const struct call *call,
                        struct discover_report *report, struct error *err);

#endif
