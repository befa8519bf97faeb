/*
 * world.h - everything the simulated service knows: tenants, their users, sites and libraries.
 *
 * A scenario (scenario.h) makes the world once. After that tenants, users, sites, groups and drives
 * are never added or freed, so pointers to them stay good without any lock; their fixed fields
 * (ids, names, paths) may be read without it too. Fields marked [lock] change and are read under
 * world_lock() only, as is everything in store.h.
 *
 * The lock is one mutex. Nobody waits, streams or hashes large files while holding it.
 */
#ifndef TENANT_WORLD_H
#define TENANT_WORLD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cjson/cJSON.h>

#include "util.h"

struct drive;
struct site;
struct tenant;
struct upload;
struct copy_job;

#define GUID_TEXT 37 /* "7c2999fd-afe5-4325-bcd6-54af4dfad714", lower case, with the NUL */

enum access {
    ACCESS_NONE, /* does not exist for this user: 404 */
    ACCESS_READ,
    ACCESS_WRITE,
};

struct user {
    struct tenant *tenant;
    char *name; /* key in scenarios and on the control port: "ana" */
    char *upn;  /* ana@contoso.onmicrosoft.com */
    char *display_name;
    char id[GUID_TEXT];
    struct drive *drive;         /* OneDrive; NULL: not provisioned */
    const cJSON *spec;           /* the scenario's object, for options of sign-in; never NULL */
    const cJSON *followed_sites; /* array of site paths; NULL: those without "followed": false */
};

struct channel {
    char *id; /* "19:...@thread.tacv2" */
    char *name;
    struct drive *drive; /* where its folder is */
    char *folder;        /* path below the drive's root */
    bool is_private;
    bool is_shared;
    const cJSON *shared_with;   /* paths of the sites of other teams; may be NULL */
    const char *foreign_tenant; /* GUID: another tenant hosts it; NULL: this one */
};

struct group { /* a Microsoft 365 group; a team when is_team */
    struct tenant *tenant;
    char id[GUID_TEXT];
    char *display_name;
    char *description;
    struct site *site;
    bool is_team;
    struct channel *channels;
    size_t n_channels;
};

struct site {
    struct tenant *tenant;
    struct site *parent; /* of a subsite; NULL for the top of a site collection */
    char *path; /* server-relative, not encoded: "/sites/finance", "/sites/finance/hr"; "" is the
                   root site */
    char *name; /* last segment; of the root site "root"-less: "" */
    char *title;
    char *description;
    char *template_name; /* "GROUP", "STS", "SITEPAGEPUBLISHING", "SPSPERS" ... */
    char *web_url;       /* https://contoso.sharepoint.com/sites/finance, percent-encoded */
    char *id;            /* host,siteGuid,webGuid */
    char site_guid[GUID_TEXT];
    char web_guid[GUID_TEXT];
    int64_t created;  /* unix seconds */
    int64_t modified; /* unix seconds */
    struct group *group;
    bool is_personal;      /* holds a OneDrive */
    bool is_hidden;        /* [lock] from every search */
    bool is_followed;      /* in /me/followedSites of everybody without a list of their own */
    const cJSON *spec;     /* the scenario's object; NULL for personal sites */
    struct drive **drives; /* the first is the default library */
    size_t n_drives;
};

/* Awkward behaviour, each off unless the scenario's tenant has "switches": {"name": value}. [lock],
 * the control port may change them while it runs (world_switch_set). */
struct switches {
    bool delta_empty_pages; /* an empty page with nextLink now and then, and an empty last page */
    bool delta_duplicates;  /* an item comes twice */
    bool list_pages;        /* one entry a page of followedSites, joinedTeams and channels */
    bool delta_function_links; /* delta(token='...') instead of ?token= */
    bool children_short_pages; /* fewer items than $top */
    bool content_ignores_range;
    bool content_accepts_authorization; /* otherwise Authorization on the content host: 401 */
    bool office_enrichment;             /* an uploaded Office file is rewritten at once */
    bool office_enrichment_late;        /* ... only after the reply: the next look sees it */
    bool office_enrichment_version;     /* ... and that makes a version of the uploader's */
    bool put_honours_if_match;          /* PUT content; whether the service does is not known */
    bool aip_size_mismatch;       /* downloads of .docx.. carry 16 bytes more than `size` says */
    bool lock_on_if_match_delete; /* DELETE with If-Match: always 412, as abraunegg saw */
    bool links_disabled;          /* createLink for anonymous: 403 */
    bool
        session_default_fail; /* createUploadSession without conflictBehavior: fail, else replace */
    bool unknown_members;     /* extra members in answers */
    bool inner_error_swapped; /* innererror on Graph, innerError on the content host */
    bool china;               /* refuses items/{id}:/path: and delta */
    bool no_downloadurl_in_lists; /* children pages without @microsoft.graph.downloadUrl */
    bool session_bumps_etag;      /* createUploadSession on an item raises its eTag */
    int url_seconds;              /* life of preauthenticated URLs; default 3600 */
    int upload_seconds;           /* life of an idle upload session; default 900 */
    int upload_max_seconds;       /* oldest session: then 401 expiredToken; default 86400 */
    int max_page;                 /* highest $top honoured; default 1000 */
    int versions_page;            /* versions in one answer; default 0: all */
    int copy_polls;               /* polls a copy monitor says inProgress; default 1 */
    char resync_code[48];         /* of 410; default resyncRequired */
};

struct tenant {
    struct world *world;
    char *name;            /* "contoso": key, and first label of the domains */
    char *display_name;    /* "Contoso Ltd" */
    char *initial_domain;  /* contoso.onmicrosoft.com */
    char *sharepoint_host; /* contoso.sharepoint.com */
    char *my_host;         /* contoso-my.sharepoint.com */
    char id[GUID_TEXT];
    struct user *users;
    size_t n_users;
    struct site **sites; /* parents before children; personal sites come last */
    size_t n_sites;
    struct group *groups;
    size_t n_groups;
    struct drive **drives; /* all of the tenant, OneDrives included */
    size_t n_drives;
    const cJSON
        *spec; /* the scenario's object: "signin", "throttle", "search" ... are read from here */
    struct switches switches; /* [lock] */
};

struct world {
    pthread_mutex_t lock;
    cJSON *scenario; /* root object; never changes */
    char *blob_dir;  /* DIR/blobs */
    struct tenant *tenants;
    size_t n_tenants;
    _Atomic int64_t clock_offset_ms; /* added to the wall clock: tests turn time */
    uint32_t url_epoch;              /* [lock] raised to expire all preauthenticated URLs */
    unsigned char url_key[32];
    struct upload *uploads;     /* [lock] open sessions */
    struct copy_job *copy_jobs; /* [lock] */
    uint64_t next_blob;         /* [lock] */
    uint64_t next_job;          /* [lock] */
};

/* Loads the scenario. Blobs go to state_dir/blobs (made, emptied). NULL with *error (free it) when
 * the file is missing or wrong. */
struct world *world_new(const char *scenario_path, const char *state_dir, char **error);
void world_free(struct world *w);

void world_lock(struct world *w);
void world_unlock(struct world *w);

/* Wall clock of the service in ms; takes no lock. */
int64_t world_now_ms(struct world *w);
int64_t world_now(struct world *w); /* seconds */

/* Lookups; NULL when there is none. Keys are compared without regard to case. */
struct tenant *world_tenant(struct world *w, const char *name_or_id_or_domain);
struct user *tenant_user(struct tenant *t, const char *name_or_id_or_upn);
struct group *tenant_group(struct tenant *t, const char *id_or_name);
struct site *tenant_root_site(struct tenant *t);
struct site *tenant_site_by_path(struct tenant *t,
                                 const char *path); /* "/sites/finance", also without '/' */
/* "root", "host", "host,siteGuid,webGuid", or "siteGuid" alone. */
struct site *tenant_site_by_key(struct tenant *t, const char *key);
struct drive *tenant_drive(struct tenant *t, const char *drive_id);
/* A library by what a person calls it: "/sites/finance/Shared Documents", a drive id, or
 * "OneDrive:ana". */
struct drive *tenant_drive_by_path(struct tenant *t, const char *path);
struct drive *site_drive(struct site *s, const char *list_guid_or_drive_id_or_name);

struct drive *world_drive_by_index(struct world *w, unsigned index);

/* Effective access of a user. [lock] */
enum access drive_access(const struct drive *d, const struct user *u);
enum access site_access(const struct site *s,
                        const struct user *u); /* the best of its drives; READ without any */

/* Sets a switch by its name from a JSON value; false: no such switch or wrong type. [lock] */
bool world_switch_set(struct switches *sw, const char *name, const cJSON *value);

/* {"user":{"displayName","email","id"}}; u may be NULL: the system account. */
cJSON *identity_json(const struct user *u);

/* Body of the drive resource; select may be NULL (comma separated list, "system" etc.). [lock] */
cJSON *drive_json(struct drive *d, const char *select);

#endif
