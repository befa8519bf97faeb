/*
 * request.h - URLs and bodies of Graph requests. Pure: text in, text out.
 *
 * Every name and id is percent-encoded as one segment (graph-facts 2.4). Ids keep `!` and `,`,
 * which are legal in a path and part of every drive id and site id. All results are the caller's to
 * free.
 */
#ifndef GRAPH_REQUEST_H
#define GRAPH_REQUEST_H

#include <stdint.h>

#include "base/error.h"
#include "mapper/graph.h"

/* What we ask of an item in listings: no downloadUrl, which is long, short-lived and not kept. */
#define REQUEST_SELECT                                                                           \
    "$select=id,name,size,eTag,cTag,file,folder,package,remoteItem,deleted,root,fileSystemInfo," \
    "parentReference,createdDateTime,lastModifiedDateTime,webUrl,malware,publication"
/* ... and of the entries of one folder: where they are is known, and what they are is told by the
 * other facets. On the wire this is half of it. */
#define REQUEST_SELECT_CHILDREN                                                                \
    "$select=id,name,size,eTag,cTag,folder,package,remoteItem,fileSystemInfo,createdDateTime," \
    "lastModifiedDateTime,webUrl,malware,publication"
/* ... and of a single one. */
#define REQUEST_SELECT_ONE REQUEST_SELECT ",@microsoft.graph.downloadUrl"

/* base + "/v1.0/drives/{drive}/items/{item}" + tail; item NULL: "/root". */
int request_item_url(char **out, const char *base, const char *drive_id, const char *item_id,
                     const char *tail, struct error *err);

/* The same below the version, as a part of a $batch names it. */
int request_part_url(char **out, const char *drive_id, const char *item_id, const char *tail,
                     struct error *err);

/* ".../items/{folder}:/{name}" + tail; a tail that begins with '/' is set off by ':'. */
int request_child_url(char **out, const char *base, const char *drive_id, const char *folder_id,
                      const char *name, const char *tail, struct error *err);

/* ".../root:/a/b%20c" + tail; `path` is not encoded, its empty segments are dropped. */
int request_path_url(char **out, const char *base, const char *drive_id, const char *path,
                     const char *tail, struct error *err);

/* base + "/v1.0/drives/{drive}" + tail. */
int request_drive_url(char **out, const char *base, const char *drive_id, const char *tail,
                      struct error *err);

/* base + "/v1.0/sites/{site}" + tail. */
int request_site_url(char **out, const char *base, const char *site_id, const char *tail,
                     struct error *err);

/* base + "/v1.0/sites/{host}:/{path}"; the root site: "/v1.0/sites/{host}". */
int request_site_path_url(char **out, const char *base, const char *host, const char *server_path,
                          struct error *err);

/* base + "/v1.0/sites/{site}/lists/{list}/drive" + tail. */
int request_list_drive_url(char **out, const char *base, const char *site_id, const char *list_id,
                           const char *tail, struct error *err);

/* Bodies, as JSON text. */
int request_folder_body(char **out, const char *name, struct error *err);
int request_update_body(char **out, const struct graph_update *update, struct error *err);
int request_session_body(char **out, const struct graph_upload *upload, uint64_t size_bytes,
                         struct error *err);
int request_search_body(char **out, enum graph_hit_kind kind, const char *kql, unsigned from,
                        unsigned size, struct error *err);
int request_batch_body(char **out, const char *method, const char *const *urls,
                       const size_t *indexes, size_t count, struct error *err);

/* One request of a $batch; `url` below the version. */
struct request_part {
    const char *method;
    const char *url;
    const char *if_match; /* NULL: none */
    const char *body;     /* JSON text; NULL: none */
};
int request_writes_body(char **out, const struct request_part *parts, size_t count,
                        struct error *err);

/* GETs of all of them; `is_ordered`: each after the one before it (dependsOn). */
int request_pages_body(char **out, const char *const *urls, size_t count, bool is_ordered,
                       struct error *err);

#endif
