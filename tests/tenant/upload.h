/*
 * upload.h - bytes that come in: PUT of a whole file, and upload sessions (facts, 2.8 and 2.9).
 *
 * graph_content.c and graph_upload.c are Graph's side, content_upload.c the preauthenticated one.
 */
#ifndef TENANT_UPLOAD_H
#define TENANT_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <cjson/cJSON.h>

#include "http.h"
#include "store.h"

#define UPLOAD_PUT_MAX (250ull * 1024 * 1024)
#define UPLOAD_FRAGMENT_MAX (60ull * 1024 * 1024) /* one below it is the largest */
#define UPLOAD_FRAGMENT_UNIT 327680
#define UPLOAD_FILE_MAX (250ll * 1024 * 1024 * 1024)

enum conflict {
    CONFLICT_FAIL,
    CONFLICT_REPLACE,
    CONFLICT_RENAME,
};

/* From the query, else from the body or its "item", else the fallback. */
enum conflict conflict_of(const struct http_request *rq, const cJSON *body, enum conflict fallback);

struct file_times {
    int64_t created, modified; /* unix seconds, -1: not given */
};
/* Reads "fileSystemInfo" of an object; false when it is not there or holds no time. */
bool file_times_read(struct file_times *out, const cJSON *object);

/* Where bytes are to become a file. */
struct upload_target {
    struct drive *drive;
    uint64_t item;   /* serial of the file to replace, 0: a new one */
    uint64_t parent; /* serial of the folder */
    char *name;
    enum conflict conflict;
    struct file_times times;
    char *if_match; /* checked again when the bytes are there; NULL: none */
};

struct upload {
    struct upload *next;
    uint64_t id;
    struct user *user;
    struct upload_target target;
    char *path;              /* file with what came so far; NULL once it was made a content */
    struct content *content; /* complete, but the name was taken or a commit is awaited */
    int64_t total;           /* -1: not known yet */
    int64_t announced;       /* fileSize, -1: not given */
    int64_t received;
    int64_t created_ms, touched_ms;
    bool is_busy;      /* a fragment is being written */
    bool is_cancelled; /* while busy */
    bool defer_commit;
};

/* The body of a PUT as content: small ones in memory, large ones in a file. Takes no lock but for a
 * name. */
struct content *content_from_body(struct world *w, const struct http_request *rq);
char *blob_path_new(struct world *w); /* takes the lock; for the caller to free */

/* Makes the file and answers with it; on failure (false) the answer is the error. Takes *content
 * (sets it NULL) on success only. World locked. */
bool upload_commit(struct world *w, const struct http_request *rq, struct http_response *rs,
                   struct user *user, const struct upload_target *t, struct content **content);

struct upload *upload_find(struct world *w, uint64_t id); /* world locked */
void upload_remove(struct world *w, struct upload *u);    /* world locked; frees it */
char *upload_url(struct http_request const *rq, struct upload *u);
cJSON *upload_status_json(struct upload *u);
void uploads_free(struct world *w);

/* content_upload.c: what comes to the preauthenticated URL. */
void upload_url_dispatch(struct world *w, const struct http_request *rq, struct http_response *rs,
                         uint64_t id);

#endif
