/*
 * discover.h - which libraries the user can reach, which of them policy lets through, and why.
 *
 * An error is never an empty result: what a failed source would have named stays as it was. A
 * library that is known and is missing from all sources is asked for directly and removed only
 * after two rounds of 404 or 403 in a row, never when more than 3 and more than 20 % of a tenant's
 * libraries fail together (DESIGN.md, "Discovery").
 */
#ifndef MAPPER_DISCOVER_H
#define MAPPER_DISCOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "mapper/account.h"

struct policy;
struct settings;

enum library_kind { LIBRARY_SITE, LIBRARY_ONEDRIVE, LIBRARY_FOLDER };

enum library_source {
    LIBRARY_FROM_SEARCH = 1,
    LIBRARY_FROM_ONEDRIVE = 2,
    LIBRARY_FROM_MANAGED = 4,
    LIBRARY_FROM_DEFAULT = 8, /* asked as /sites/{id}/drive because of LibraryScope=Default */
    LIBRARY_FROM_STATE = 16, /* known from before; a source that would have named it did not answer,
                               or did not name it and the removal rule keeps it */
    LIBRARY_FROM_FOLLOWED = 32, /* of a site that the user follows and search did not name it in */
    LIBRARY_FROM_TEAMS = 64     /* holds the files of a private or shared channel */
};

enum library_verdict {
    LIBRARY_WANTED,
    LIBRARY_EXCLUDED, /* by policy; `reason` names the rule */
    LIBRARY_SYSTEM,   /* hidden or system list */
    LIBRARY_NO_SITE,  /* its site is not among the sites that SiteQuery found */
    LIBRARY_NOT_DEFAULT,
    LIBRARY_OVER_LIMIT, /* MaxMappings */
    LIBRARY_REMOVED     /* answered 404 or 403 twice */
};

/* All strings are heap, owned, UTF-8, URLs percent-decoded; NULL where unknown. */
struct library {
    enum library_kind kind;
    char *key; /* identity that lasts: "<tenant GUID>/<site id>/<list id>[/<folder path>]", lower
                  case */
    char *tenant_id; /* GUID */
    char *tenant;    /* first label of the initial domain: "contoso" */
    char *site_id;
    char *list_id;
    char *drive_id; /* a hint until is_verified */
    char *site_url; /* https://contoso.sharepoint.com/sites/finance */
    char *url;      /* https://contoso.sharepoint.com/sites/finance/Shared Documents */
    char *site_title;
    char *title;       /* of the library */
    char *folder_path; /* LIBRARY_FOLDER: below the library, "a/b"; `url` is the library's */
    char *name;        /* managed mappings: the name the administrator gave */
    char letter;       /* managed or OneDriveDrive; 0 none. Rules and pool: plan_wanted() */
    bool is_read_only;
    bool is_favorite;
    bool is_verified;
    uint64_t query_hash; /* discover_query_hash() of the SiteQuery that found its site; 0 none did:
                            a site that is missing although the query is still the same is a shrunk
                            result, one that another query does not find is policy */
    unsigned sources;    /* LIBRARY_FROM_* */
    unsigned missing;    /* rounds in a row it was asked for directly and answered 404 or 403 */
    enum library_verdict verdict;
    char *reason; /* one sentence for `plan`, `status` and `explain` */
};

struct library_list {
    struct library *items;
    size_t count;
    size_t capacity;
};
/* Takes the content of `library_moved`, also when it fails, and leaves it empty. ERR_LIMIT beyond
 * 100,000. */
int library_list_add(struct library_list *list, struct library *library_moved, struct error *err);
/* Lent until the next change of the list; NULL when there is none. */
struct library *library_list_find(const struct library_list *list, const char *key);
void library_clear(struct library *library);
void library_list_clear(struct library_list *list);
int library_copy(struct library *out, const struct library *from, struct error *err);
int library_list_copy(struct library_list *out, const struct library_list *from, struct error *err);

/* library.key, from its parts; `folder_path` may be NULL. Pure. */
int library_key(char **out, const char *tenant_id, const char *site_id, const char *list_id,
                const char *folder_path, struct error *err);

/* The address of what is mapped: `url`, and the folder of LIBRARY_FOLDER below it. */
int library_address(char **out, const struct library *library, struct error *err);

/* What follows it in `url` (in the one spelling of url.h), as url_below(). Lent. Pure. */
const char *library_below(const struct library *library, const char *url);

/* Whether an entry of IncludeLibraries, ExcludeLibraries or the glob of a DriveLetterRules entry
 * names the library: by its URL, by `site/library` as in our paths ("finance/Shared Documents",
 * "teams~a/Documents"), by the last of it when there is no '/' in the glob, or `title:glob` by its
 * title. library_site_matches(): the same for IncludeSites and ExcludeSites, by the site's URL, its
 * path ("/sites/finance"), its last segment, or `title:glob`. Pure. */
bool library_matches(const struct library *library, const char *glob);
bool library_site_matches(const struct library *library, const char *glob);

/* What happened on the way, for status and the log. */
struct discover_report {
    unsigned searched_sites;
    unsigned searched_lists;
    bool is_search_down; /* search failed: nothing it named before is removed */
    bool is_outage;      /* too much failed at once: nothing is removed at all */
    char message[240];   /* "" when all went well */
};

/* Never 0. Pure. */
uint64_t discover_query_hash(const char *site_query);

/* One round for one account: asks the sources, merges, applies the removal rule against `known`
 * (this tenant's libraries of the last round; may be empty), decides scope. `out` replaces `known`,
 * which the caller takes from the state again (state_load_libraries) or keeps from the last round:
 * drive ids that were confirmed meanwhile are in the state. Fails only when nothing could be said
 * at all (signed out, no memory); then the caller keeps what it has. Waits for the network; any
 * thread. */
int discover_run(struct library_list *out, struct discover_report *report, struct account *account,
                 const struct settings *settings, const struct library_list *known,
                 const struct call *call, struct error *err);

/* Decides verdict and reason of each library from settings alone; pure. Also run when only the
 * policy changed: a changed SiteQuery or LibraryScope=Default then shows fully after the next
 * round, and until then what is mapped stays. LIBRARY_REMOVED stays. */
int scope_decide(struct library_list *list, const struct settings *settings, struct error *err);

/* Why the thing at `url` (site, library, folder, file; any spelling) is or is not mapped: source by
 * source, rule by rule, as text. `policy`, from which `settings` are, says in which file and line a
 * rule stands; NULL: that is left out. Pure: from what the last round knew. ERR_NOT_FOUND when nothing
 * known has to do with it (the text says so), ERR_INVALID when it is no SharePoint URL. */
int discover_explain(struct buf *out, const struct library_list *list,
                     const struct settings *settings, const struct policy *policy, const char *url,
                     struct error *err);

#endif
