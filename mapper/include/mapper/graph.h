/*
 * graph.h - Microsoft Graph as far as we need it, as typed calls. Waits on the caller's thread, by
 * the call's deadline; any thread. Protocol facts: graph-facts sections 1 to 4.
 *
 * Errors of all calls: SIGNED_OUT, UNREACHABLE, TIMED_OUT, CANCELLED, THROTTLED, SERVER, PROTOCOL
 * (answer not understood), DENIED (403), NOT_FOUND (404), EXISTS (409 name taken), CHANGED (412,
 * 409 other), LOCKED (423 and its other shapes), NO_SPACE (507), GONE (410), BAD_NAME,
 * NAME_TOO_LONG and INVALID (400). The message carries the server's code and its request id, never a token or a
 * preauthenticated URL.
 */
#ifndef MAPPER_GRAPH_H
#define MAPPER_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "mapper/account.h"
#include "mapper/call.h"

struct graph;

/* Where the proxy is taken from: the setting Proxy. */
enum graph_proxy {
    GRAPH_PROXY_SYSTEM, /* Windows: as for its own programs, for each host; Linux: the environment */
    GRAPH_PROXY_NONE,
    GRAPH_PROXY_MANUAL
};

struct graph_options {
    const char *user_agent_tag; /* UserAgentTag; NULL: none */
    enum graph_proxy proxy;
    const char *proxy_url;    /* for GRAPH_PROXY_MANUAL; may hold a password: never logged */
    const char *proxy_bypass; /* hosts that are reached directly then, comma-separated */
    const char *ca_file;
    unsigned max_connections;
    bool http1_only;
    uint32_t soft_limit_ru;
    uint32_t hard_limit_ru;
    int64_t window_ms;
    int64_t stall_ms; /* a transfer without a byte for this long is broken off and tried again
                         elsewhere; 0 = 30,000 */
};

int graph_new(struct graph **out, const struct graph_options *options, struct error *err);
int graph_configure(struct graph *graph, const struct graph_options *options, struct error *err);

/* Ends all that runs, and the threads. Accounts that are left (an operation hangs) hold the memory;
 * all that they ask for is ERR_CANCELLED. */
void graph_free(struct graph *graph);

/* The network came (back) or changed: requests that wait to connect again try at once. */
void graph_network_changed(struct graph *graph);

struct graph_stats {
    uint64_t requests;
    uint64_t retries;
    uint64_t throttled;
    uint64_t ru_total;
    uint32_t ru_window;
    int64_t paused_ms;
};
void graph_stats(struct graph *graph, struct graph_stats *out);

/* --- items --- */

enum graph_item_kind {
    GRAPH_FILE,
    GRAPH_FOLDER,
    GRAPH_PACKAGE, /* OneNote notebook and the like: neither file nor folder */
    GRAPH_REMOTE,  /* shortcut to a folder or file in another drive; remote_* are set */
    GRAPH_DELETED  /* delta only; name may be missing */
};

/* All strings are heap, owned; NULL where the answer had none. */
struct graph_item {
    char *id;
    char *name;
    char *etag; /* with its quotes, to be sent back verbatim */
    char *ctag;
    char *parent_id;
    char *web_url;
    char *quick_xor_hash; /* base64; may be missing */
    char *download_url;   /* preauthenticated; a secret. Single items only, not in listings */
    char *remote_drive_id;
    char *remote_item_id;
    enum graph_item_kind kind;
    bool is_remote_folder;
    bool is_root;
    bool is_infected;     /* malware facet */
    bool is_checked_out;  /* publication.level == checkout */
    char *checked_out_by; /* id, or the display name when there is none; NULL unknown */
    uint64_t size_bytes;
    int64_t modified_ms; /* fileSystemInfo when present, else the item's own */
    int64_t created_ms;
    int64_t child_count; /* -1 unknown */
};
void graph_item_clear(struct graph_item *item);

struct graph_items {
    struct graph_item *items;
    size_t count;
    char *next_link;  /* another page follows */
    char *delta_link; /* delta only: the last page */
};
void graph_items_clear(struct graph_items *page);

/* One page of a folder. `next_link` of the page before, or NULL for the first; `folder_id` NULL is
 * the drive's root. */
int graph_list_children(struct graph_items *out, struct account *account, const char *drive_id,
                        const char *folder_id, const char *next_link, unsigned page_size,
                        const struct call *call, struct error *err);

/* A page of several that were asked for together. */
struct graph_page {
    struct graph_items items;
    int code; /* 0 or ERR_* ... */
    struct error err;
    int status; /* ... of this HTTP status; 0: it did not come */
    int64_t retry_after_ms;
};
#define GRAPH_PAGES_MAX 20
void graph_pages_clear(struct graph_page *pages, size_t count);

/* The first pages of up to GRAPH_PAGES_MAX folders in one $batch, each with its own success. A part
 * that is refused is not asked for again: this is for work that may be left undone. */
int graph_list_folders(struct graph_page *pages, struct account *account, const char *drive_id,
                       const char *const *folder_ids, size_t count, unsigned page_size,
                       const struct call *call, struct error *err);

/* In one round trip a delta token "latest" and, after it (dependsOn), the first page of a folder: what
 * changes from the moment of the token on is told by the token's changes. An error is one of the
 * token's. *link stays NULL when the two could not be had this way, and *is_listed false when only
 * the token came: the caller asks for each by itself then. */
int graph_list_latest(struct graph_items *out, bool *is_listed, char **link,
                      struct account *account, const char *drive_id, const char *folder_id,
                      unsigned page_size, const struct call *call, struct error *err);

/* By id (NULL: the root), or by name below a folder id, or by path below the root ("a/b c.txt", not
 * encoded). */
int graph_get_item(struct graph_item *out, struct account *account, const char *drive_id,
                   const char *item_id, const struct call *call, struct error *err);
int graph_get_child(struct graph_item *out, struct account *account, const char *drive_id,
                    const char *folder_id, const char *name, const struct call *call,
                    struct error *err);
int graph_get_item_by_path(struct graph_item *out, struct account *account, const char *drive_id,
                           const char *path, const struct call *call, struct error *err);

/* One page of changes. `link` NULL with token "latest" (from now on) is `is_latest`; otherwise the
 * link of the page before. ERR_GONE: start again. */
int graph_delta(struct graph_items *out, struct account *account, const char *drive_id,
                const char *link, bool is_latest, const struct call *call, struct error *err);

int graph_create_folder(struct graph_item *out, struct account *account, const char *drive_id,
                        const char *parent_id, const char *name, const struct call *call,
                        struct error *err);

/* Rename, move, times: what is NULL or negative stays. A move re-sends the times it is given, since
 * the service resets them (graph-facts 2.3). `if_match` may be NULL. */
struct graph_update {
    const char *name;
    const char *parent_id; /* a real id, also for the root */
    int64_t modified_ms;   /* -1: stays */
    int64_t created_ms;
    const char *if_match;
};
int graph_update_item(struct graph_item *out, struct account *account, const char *drive_id,
                      const char *item_id, const struct graph_update *update,
                      const struct call *call, struct error *err);

/* To the recycle bin; folders with all they hold. */
int graph_delete_item(struct account *account, const char *drive_id, const char *item_id,
                      const struct call *call, struct error *err);

/* Up to GRAPH_BATCH_ITEMS items of one drive in one $batch; codes[i] belongs to item_ids[i]: 0, also
 * when it was not there (the batch may have been sent before, and its answer lost), or ERR_*. What is
 * refused for now is not sent again, but heeded for all traffic when it says how long. The call fails
 * as a whole only when no batch could be had; some may be gone then. */
#define GRAPH_BATCH_ITEMS 20
int graph_delete_items(int *codes, struct account *account, const char *drive_id,
                       const char *const *item_ids, size_t count, const struct call *call,
                       struct error *err);

/* --- versions --- */

struct graph_version {
    char *user_id; /* who made it; "" unknown */
    int64_t modified_ms;
    uint64_t size_bytes;
};
struct graph_versions {
    struct graph_version *versions; /* newest first */
    size_t count;
};
void graph_versions_clear(struct graph_versions *versions);

/* The newest versions of a file (one page). */
int graph_list_versions(struct graph_versions *out, struct account *account, const char *drive_id,
                        const char *item_id, const struct call *call, struct error *err);

/* --- content --- */

/* Where bytes to upload come from; called from the network thread, must not wait for the network.
 */
struct graph_source {
    int (*read)(void *payload, void *data, size_t size, uint64_t offset, size_t *got,
                struct error *err);
    void *payload;
    uint64_t size_bytes;
};

struct graph_upload {
    const char *drive_id;
    const char *parent_id; /* new file: where ... */
    const char *name;      /* ... and under which name; refused with ERR_EXISTS when taken */
    const char *item_id;   /* or: the item to replace ... */
    const char *if_match;  /* ... if its cTag (or eTag) is still this; NULL: whatever it is */
    int64_t modified_ms;   /* program-set times; -1: the server's */
    int64_t created_ms;
    bool may_have_arrived; /* an earlier try ended without an answer: a name that is taken, by
                              exactly these bytes, was taken by it */
    /* May be NULL; from any thread. */
    void (*progress)(void *payload, uint64_t done_bytes, uint64_t total_bytes);
    void *progress_payload;
    const char *resume_url; /* of a session that an earlier try left open; NULL: none. A secret */
    /* May be NULL: a session was opened (its URL, a secret), or is over (NULL). With it a session
     * is left open after a failure that passes. On the caller's thread. */
    void (*session)(void *payload, const char *url);
    void *session_payload;
};

/* Uploads as DESIGN.md says: new without times and small: one PUT with conflictBehavior=fail; new
 * with times or large, and every replace: an upload session with If-Match and fileSystemInfo; zero
 * bytes: PUT (replace: after comparing the cTag) without the times. When the item to replace is
 * another version, but holds exactly these bytes, it is saved. Fragments are resumed after transfer failures; an
 * abandoned session is cancelled. *out is the item as the server has it now (SharePoint may have
 * rewritten it: do not compare sizes). */
int graph_upload(struct graph_item *out, struct account *account, const struct graph_upload *upload,
                 const struct graph_source *source, const struct call *call, struct error *err);

/* Whether a change that ended with this code may have reached the service all the same: none of these
 * is its answer, or it could not be understood (a proxy's page). */
static inline bool graph_answer_may_be_lost(int code)
{
    return code == ERR_UNREACHABLE || code == ERR_TIMED_OUT || code == ERR_SERVER ||
           code == ERR_CANCELLED || code == ERR_PROTOCOL || code == ERR_LIMIT ||
           code == ERR_NO_MEMORY;
}

/* A download that streams from `offset` to the end, or to offset+length when length > 0. */
struct graph_download;
struct graph_download_callbacks {
    /* On the network thread, must not wait: returns how many bytes it took; fewer pauses the
     * download until graph_download_resume(). */
    size_t (*on_data)(void *payload, const void *data, size_t size);
    /* Exactly once; on a thread of the client's, never inside graph_download_start(). 0, or ERR_*;
     * ERR_CHANGED when the content changed between two transfers of one download, which goes on by
     * itself where one broke off. */
    void (*on_done)(void *payload, int code, const struct error *err);
    void *payload;
    /* May be NULL: before the bytes of each transfer, its ETag, where the server gives one. It
     * changes with the content, and perhaps without. On the network thread. */
    void (*on_etag)(void *payload, const char *etag);
};
struct graph_download_request {
    const char *drive_id;
    const char *item_id;
    uint64_t offset;
    uint64_t length; /* 0 = to the end */
    const char
        *download_url; /* a fresh one from a listing saves a round trip; NULL: ask /content. Refused
                          (401, 403, 404, 410 after expiry): a new one is asked for, once */
    enum call_priority priority;
    int64_t deadline_ms; /* for the first byte and then between bytes the client's own stall limit
                            holds; 0 = 60 s */
};
int graph_download_start(struct graph_download **out, struct account *account,
                         const struct graph_download_request *request,
                         const struct graph_download_callbacks *callbacks, struct error *err);
void graph_download_resume(struct graph_download *download);

/* Cancels if it still runs, waits for on_done to have returned, frees. Not from a callback. */
void graph_download_free(struct graph_download *download);

/* One range, waited for: reads exactly `size` bytes at `offset` into `data` (fewer only at the
 * end). */
int graph_read_range(struct account *account, const char *drive_id, const char *item_id, void *data,
                     size_t size, uint64_t offset, size_t *got, const struct call *call,
                     struct error *err);

/* --- sites, libraries, search --- */

struct graph_drive {
    char *id;
    char *name;
    char *drive_type; /* personal, business, documentLibrary */
    char *web_url;
    uint64_t quota_total; /* 0: unknown */
    uint64_t quota_remaining;
};
void graph_drive_clear(struct graph_drive *drive);

int graph_get_drive(struct graph_drive *out, struct account *account, const char *drive_id,
                    const struct call *call, struct error *err);
int graph_get_my_drive(struct graph_drive *out, struct account *account, const struct call *call,
                       struct error *err);
int graph_get_list_drive(struct graph_drive *out, struct account *account, const char *site_id,
                         const char *list_id, const struct call *call, struct error *err);

/* `b!...` from the ids of site and list (graph-facts 2.2). Pure. A hint: believed only after
 * graph_verify_drive(). */
int graph_drive_id_hint(char **out, const char *site_id, const char *list_id, struct error *err);

/* A drive id that is known to be the library at `library_url`: asks for `hint`'s webUrl, and when
 * that is not the library, /sites/{site}/lists/{list}/drive. */
int graph_verify_drive(struct graph_drive *out, struct account *account, const char *hint,
                       const char *site_id, const char *list_id, const char *library_url,
                       const struct call *call, struct error *err);

struct graph_site {
    char *id; /* host,siteGuid,webGuid */
    char *name;
    char *title;   /* displayName; search hits may have none */
    char *web_url; /* percent-encoded, no trailing slash */
};
void graph_site_clear(struct graph_site *site);

/* The site at `server_path` ("/sites/finance", "/" for the root) on `host`. */
int graph_get_site(struct graph_site *out, struct account *account, const char *host,
                   const char *server_path, const struct call *call, struct error *err);

struct graph_drives {
    struct graph_drive *drives;
    size_t count;
};
void graph_drives_clear(struct graph_drives *drives);
int graph_list_site_drives(struct graph_drives *out, struct account *account, const char *site_id,
                           const struct call *call, struct error *err);

enum graph_hit_kind { GRAPH_HIT_SITE, GRAPH_HIT_LIST, GRAPH_HIT_DRIVE };
struct graph_hit {
    enum graph_hit_kind kind;
    char *id;      /* site: composite; list: GUID */
    char *site_id; /* of the list's site */
    char *name;
    char *title;
    char *web_url; /* as sent: raw spaces, may end with /Forms/AllItems.aspx or '/' */
};
struct graph_hits {
    struct graph_hit *hits;
    size_t count;
    bool has_more;
};
void graph_hits_clear(struct graph_hits *hits);

/* One page of POST /search/query for one entity type. */
int graph_search(struct graph_hits *out, struct account *account, enum graph_hit_kind kind,
                 const char *kql, unsigned from, unsigned size, const struct call *call,
                 struct error *err);

/* Up to GRAPH_BATCH_ITEMS items of one drive as they are now, in one $batch: codes[i] and items[i], to
 * be cleared by the caller in any case, belong to item_ids[i]. The call fails as a whole only when no
 * batch could be had. */
int graph_get_items(struct graph_item *items, int *codes, struct account *account,
                    const char *drive_id, const char *const *item_ids, size_t count,
                    const struct call *call, struct error *err);

/* Up to any number of GETs, sent as $batch of 20; results in the order of `urls` (relative:
 * "/sites/..."). A part that is 429 alone is sent again alone. The call fails as a whole only when
 * a batch could not be had. */
struct graph_answer {
    int status; /* HTTP */
    int code;   /* 0 or ERR_* */
    char *body; /* JSON text */
    size_t body_size;
};
int graph_batch_get(struct graph_answer *answers, struct account *account, const char *const *urls,
                    size_t count, const struct call *call, struct error *err);
void graph_answers_clear(struct graph_answer *answers, size_t count);

/* --- what the user takes part in --- */

struct graph_sites {
    struct graph_site *sites;
    size_t count;
};
void graph_sites_clear(struct graph_sites *sites);

/* The sites the user follows, all pages; reported to be incomplete at times (graph-facts 1.2). */
int graph_list_followed_sites(struct graph_sites *out, struct account *account,
                              const struct call *call, struct error *err);

/* The libraries of `count` sites, by batches: out[i] and codes[i] belong to site_ids[i]. codes[i]:
 * 0, or ERR_* when they could not be listed whole; then out[i] is empty. The call fails as a whole
 * only when a batch could not be had; then every out[i] is empty. */
int graph_list_drives_of_sites(struct graph_drives *out, int *codes, struct account *account,
                               const char *const *site_ids, size_t count, const struct call *call,
                               struct error *err);

struct graph_team {
    char *id; /* GUID; of its group, too */
    char *name;
};
struct graph_teams {
    struct graph_team *teams;
    size_t count;
};
void graph_teams_clear(struct graph_teams *teams);

/* The teams the user is a member of, all pages. ERR_DENIED without Team.ReadBasic.All: see
 * account_renew_for_teams(). */
int graph_list_joined_teams(struct graph_teams *out, struct account *account,
                            const struct call *call, struct error *err);

enum graph_channel_kind { GRAPH_CHANNEL_STANDARD, GRAPH_CHANNEL_PRIVATE, GRAPH_CHANNEL_SHARED };
struct graph_channel {
    enum graph_channel_kind kind;
    char *id; /* "19:...@thread.tacv2" */
    char *name;
    char *team_id;   /* the team that hosts it: of a channel that is shared with a joined team,
                        another one */
    char *tenant_id; /* of the host; NULL: not said */
};
struct graph_channels {
    struct graph_channel *channels;
    size_t count;
};
void graph_channels_clear(struct graph_channels *channels);

/* The channels of `count` teams and those shared with them, by batches; codes and failure as
 * graph_list_drives_of_sites(). */
int graph_list_channels(struct graph_channels *out, int *codes, struct account *account,
                        const char *const *team_ids, size_t count, const struct call *call,
                        struct error *err);

/* Where something's files are: a folder, or the root, of a drive. */
struct graph_folder {
    int code;       /* 0, or ERR_*: then all else is NULL */
    char *drive_id; /* never NULL when code is 0, nor is web_url */
    char *site_id;  /* NULL: not said */
    char *web_url;
};
void graph_folders_clear(struct graph_folder *folders, size_t count);

/* The folders of channels (team_id and id), by batches; out[i] belongs to channels[i]. */
int graph_get_channel_folders(struct graph_folder *out, struct account *account,
                              const struct graph_channel *channels, size_t count,
                              const struct call *call, struct error *err);

/* Bodies of answers, parsed. Pure. */
int graph_parse_drive(struct graph_drive *out, const char *body, size_t size, struct error *err);
int graph_parse_site(struct graph_site *out, const char *body, size_t size, struct error *err);

#endif
