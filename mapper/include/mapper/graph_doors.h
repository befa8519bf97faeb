/*
 * graph_doors.h - from an item to what SharePoint does with it: its addresses, sharing links, the
 * history. Threads, waiting and errors as graph.h; protocol facts: graph-facts 2.3, 2.11, 2.12, 7.
 */
#ifndef MAPPER_GRAPH_DOORS_H
#define MAPPER_GRAPH_DOORS_H

#include "mapper/graph.h"

/* All strings are heap, owned; NULL where the answer had none. */
struct graph_address {
    enum graph_item_kind kind;
    bool is_root; /* of its drive: the library itself */
    char *drive_id;
    char *item_id;
    char *name;
    char *etag;
    char *web_url;      /* for a browser: the viewer's page of an Office file */
    char *document_url; /* files: the file itself, which is what Office must be given; https only */
    uint64_t size_bytes;
    int64_t modified_ms;
};
void graph_address_clear(struct graph_address *address);

/* By path below the root of the drive ("a/b c.txt", not encoded; "": the root). */
int graph_get_address(struct graph_address *out, struct account *account, const char *drive_id,
                      const char *path, const struct call *call, struct error *err);

/* What an address leads to: a sharing link, a page with sourcedoc=, or a document's URL, encoded as
 * a browser shows it (/shares/u!...). ERR_NOT_FOUND too when the user may not see it. */
int graph_follow_link(struct graph_address *out, struct account *account, const char *url,
                      const struct call *call, struct error *err);

/* A link of `type` "view" or "edit"; `scope` "anonymous", "organization", or NULL for what the
 * tenant has as its default. The one that is there is given again. ERR_DENIED: forbidden by the
 * tenant, by the site, or to this user. *url is the caller's to free. */
int graph_create_link(char **url, struct account *account, const char *drive_id,
                      const char *item_id, const char *type, const char *scope,
                      const struct call *call, struct error *err);

struct graph_history_entry {
    char *id;   /* "3.0" */
    char *user; /* display name; NULL unknown */
    int64_t modified_ms;
    uint64_t size_bytes;
};
struct graph_history {
    struct graph_history_entry *entries; /* newest first: the first one is the current version */
    size_t count;
    bool has_more; /* beyond the 1,000 that are read */
};
void graph_history_clear(struct graph_history *history);
int graph_list_history(struct graph_history *out, struct account *account, const char *drive_id,
                       const char *item_id, const struct call *call, struct error *err);

/* Makes the old version the current one, as a new version. ERR_LOCKED while somebody has it open. */
int graph_restore_version(struct account *account, const char *drive_id, const char *item_id,
                          const char *version_id, const struct call *call, struct error *err);

/* The bytes of an old version, piece by piece on the caller's thread; the current one is not to be
 * had this way. `write` returns 0 or ERR_*, which ends it. `size_bytes` as the history says. The
 * call's deadline is for each piece of some MiB; 0 = 60 s. */
typedef int (*graph_write_fn)(void *payload, const void *data, size_t size, struct error *err);
int graph_read_version(struct account *account, const char *drive_id, const char *item_id,
                       const char *version_id, uint64_t size_bytes, graph_write_fn write,
                       void *payload, const struct call *call, struct error *err);

#endif
