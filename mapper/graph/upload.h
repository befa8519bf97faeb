/*
 * upload.h - inside graph/: what the two ways of uploading share (upload.c: one PUT; session.c:
 * upload sessions, graph-facts 2.9).
 */
#ifndef GRAPH_UPLOAD_H
#define GRAPH_UPLOAD_H

#include "graph/client.h"

/* All borrowed for the time of graph_upload(). */
struct upload_job {
    struct account *account;
    const struct graph_upload *upload;
    const struct graph_source *source;
    const struct call *call;
};

int upload_by_session(struct graph_item *out, const struct upload_job *job, struct error *err);

/* URL of the item to make or to replace, and `tail`. */
int upload_item_url(char **out, const struct upload_job *job, const char *tail, struct error *err);

/* The call for one request of an upload: a whole upload has no other limit than the caller's. */
void upload_request_call(struct call *out, const struct call *call);

void upload_progress(const struct upload_job *job, uint64_t done_bytes);

/* The answer of an upload was lost: *out is the item when it holds exactly our bytes. ERR_NOT_FOUND
 * when there is none; ERR_EXISTS (new name) or ERR_CHANGED when it holds anything else. */
int upload_find_done(struct graph_item *out, const struct upload_job *job, struct error *err);

#endif
