#include "graph/upload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "graph/parse.h"
#include "graph/request.h"
#include "graph/token.h"
#include "mapper/quickxor.h"

#define PUT_MAX (10u << 20) /* larger new files go by a session */
#define PUT_ATTEMPTS 3
#define REQUEST_MS \
    600000 /* for one PUT or fragment when the call sets no deadline; a dead \
              connection is noticed by its stall */

/* --- what the two ways have in common --- */

int upload_item_url(char **out, const struct upload_job *job, const char *tail, struct error *err)
{
    const struct graph_upload *upload = job->upload;
    const char *base = account_graph_url(job->account);

    if (upload->item_id) {
        return request_item_url(out, base, upload->drive_id, upload->item_id, tail, err);
    }
    return request_child_url(out, base, upload->drive_id, upload->parent_id, upload->name, tail,
                             err);
}

void upload_request_call(struct call *out, const struct call *call)
{
    struct call none = {.priority = CALL_SAVE};

    *out = call ? *call : none;
    if (out->deadline_ms == 0) {
        out->deadline_ms = clock_mono_ms(clock_system()) + REQUEST_MS;
    }
}

void upload_progress(const struct upload_job *job, uint64_t done_bytes)
{
    if (job->upload->progress) {
        job->upload->progress(job->upload->progress_payload, done_bytes, job->source->size_bytes);
    }
}

int upload_find_done(struct graph_item *out, const struct upload_job *job, struct error *err)
{
    const struct graph_upload *upload = job->upload;
    struct graph_item found = {0};
    char hash[29] = "";
    int code;

    if (upload->item_id) {
        code =
            graph_get_item(&found, job->account, upload->drive_id, upload->item_id, job->call, err);
    } else {
        code = graph_get_child(&found, job->account, upload->drive_id, upload->parent_id,
                               upload->name, job->call, err);
    }
    if (code < 0) {
        return code;
    }
    code = quickxor_of_source(hash, job->source, err);
    if (code == 0 && (found.kind != GRAPH_FILE || found.size_bytes != job->source->size_bytes ||
                      !str_equal(found.quick_xor_hash, hash))) {
        code = error_set(err, upload->item_id ? ERR_CHANGED : ERR_EXISTS,
                         "the item on the server is not what was uploaded");
    }
    if (code == 0) {
        *out = found;
    } else {
        graph_item_clear(&found);
    }
    return code;
}

/* --- one PUT --- */

static int put_once(struct graph_item *out, const struct upload_job *job, const char *url,
                    bool *is_uncertain, struct error *err)
{
    struct graph_request request = {
        .method = "PUT",
        .url = url,
        .source = job->source,
        .content_size = (size_t)job->source->size_bytes,
        .has_content = true,
        .cost_ru = COST_WRITE,
        .is_naming = !job->upload->item_id,
    };
    struct http_response response = {0};
    struct call call;
    int code;

    upload_request_call(&call, job->call);
    code = graph_send(&response, job->account, &request, &call, err);
    /* Whether it arrived is open when the answer is missing, or speaks of an attempt that was not
     * the first. */
    *is_uncertain = graph_answer_may_be_lost(code) || response.attempts > 1;
    if (code == 0) {
        code = parse_item(out, response.body.data, response.body.size, err);
    }
    http_response_clear(&response);
    return code;
}

/* A PUT is no request to repeat blindly: the file of the lost answer would be "taken". */
static int put_new(struct graph_item *out, const struct upload_job *job, struct error *err)
{
    bool was_uncertain = job->upload->may_have_arrived;
    char *url = NULL;
    int code = upload_item_url(&url, job, "/content?@microsoft.graph.conflictBehavior=fail", err);

    for (int attempt = 1; code == 0; attempt++) {
        struct error why = {0};
        bool is_uncertain = false;
        int found;

        code = put_once(out, job, url, &is_uncertain, &why);
        was_uncertain = was_uncertain || is_uncertain;
        if (err) {
            *err = why;
        }
        if (code == 0 || !was_uncertain ||
            (code != ERR_EXISTS && code != ERR_UNREACHABLE && code != ERR_SERVER)) {
            break;
        }
        found = upload_find_done(out, job, &why);
        if (found == 0 || found == ERR_EXISTS) {
            code = found;
            break;
        }
        if (found != ERR_NOT_FOUND || attempt == PUT_ATTEMPTS) {
            break;
        }
        code = 0;
    }
    free(url);
    return code;
}

/* Sessions refuse zero bytes, and PUT has no If-Match that is known to work (graph-facts 2.8):
 * compare, then replace. */
static int put_empty_over(struct graph_item *out, const struct upload_job *job, struct error *err)
{
    const struct graph_upload *upload = job->upload;
    struct graph_item now = {0};
    bool is_uncertain;
    char *url = NULL;
    int code =
        upload_item_url(&url, job, "/content?@microsoft.graph.conflictBehavior=replace", err);

    if (code == 0 && upload->if_match) {
        code =
            graph_get_item(&now, job->account, upload->drive_id, upload->item_id, job->call, err);
        if (code == 0 && !str_equal(now.ctag, upload->if_match) &&
            !str_equal(now.etag, upload->if_match)) {
            code =
                now.kind == GRAPH_FILE && now.size_bytes == 0
                    ? 1 /* it is as empty as it shall become */
                    : error_set(err, ERR_CHANGED, "the file was changed by someone else meanwhile");
        }
    }
    if (code == 1) {
        *out = now;
        free(url);
        return 0;
    }
    if (code == 0) {
        code = put_once(out, job, url, &is_uncertain, err);
    }
    graph_item_clear(&now);
    free(url);
    return code;
}

int graph_upload(struct graph_item *out, struct account *account, const struct graph_upload *upload,
                 const struct graph_source *source, const struct call *call, struct error *err)
{
    struct upload_job job = {.account = account, .upload = upload, .source = source, .call = call};
    bool has_times = upload->modified_ms >= 0 || upload->created_ms >= 0;
    int code;

    memset(out, 0, sizeof(*out));
    if (source->size_bytes == 0) {
        return upload->item_id ? put_empty_over(out, &job, err) : put_new(out, &job, err);
    }
    if (upload->item_id || has_times || source->size_bytes > PUT_MAX) {
        return upload_by_session(out, &job, err);
    }
    code = put_new(out, &job, err);
    /* old documents, and so perhaps some clouds, allow 4 MB only */
    return code == ERR_TOO_LARGE ? upload_by_session(out, &job, err) : code;
}
