#include "graph/upload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "graph/fault.h"
#include "graph/parse.h"
#include "graph/request.h"
#include "graph/token.h"

/* 32 x 320 KiB: a multiple of 327,680 as demanded, within 5 to 10 MiB as advised. */
#define FRAGMENT_BYTES 10485760u
#define RESTARTS_MAX 2   /* sessions that were lost */
#define STANDSTILL_MAX 5 /* answers in a row that brought the upload no further */
#define CANCEL_MS 10000

struct session {
    const struct upload_job *job;
    struct governor *governor;
    char *url; /* preauthenticated: a secret; NULL: none is open */
    uint64_t offset;
    unsigned standstills;
    bool is_last_uncertain; /* the last fragment was sent and its answer lost */
};

static void tell_session(const struct session *s)
{
    const struct graph_upload *upload = s->job->upload;

    if (upload->session) {
        upload->session(upload->session_payload, s->url);
    }
}

/* What the answer to a fragment asks for. */
enum next_step { STEP_SEND, STEP_ASK_STATUS, STEP_RESTART, STEP_DONE, STEP_FAILED };

static int open_session(struct session *s, struct error *err)
{
    const struct graph_upload *upload = s->job->upload;
    struct graph_request request = {
        .method = "POST",
        .if_match = upload->if_match,
        .cost_ru = COST_WRITE,
        .is_idempotent = true, /* one more session that nobody uses expires by itself */
        .is_naming = !upload->item_id,
    };
    struct http_response response = {0};
    char *url = NULL;
    char *body = NULL;
    int code = upload_item_url(&url, s->job, "/createUploadSession", err);

    if (code == 0) {
        code = request_session_body(&body, upload, s->job->source->size_bytes, err);
    }
    if (code == 0) {
        request.url = url;
        request.body = body;
        code = graph_send(&response, s->job->account, &request, s->job->call, err);
    }
    if (code == 0) {
        str_free(&s->url);
        code = parse_session(&s->url, response.body.data, response.body.size, err);
        s->offset = 0;
        s->is_last_uncertain = false;
    }
    if (code == 0 &&
        s->job->source->size_bytes > FRAGMENT_BYTES) { /* else: nothing to go on with */
        tell_session(s);
    }
    http_response_clear(&response);
    free(url);
    free(body);
    return code;
}

/* --- giving up --- */

struct farewell {
    struct governor *governor;
    struct http_op *op;
};

static size_t farewell_data(void *payload, const void *data, size_t size)
{
    (void)payload;
    (void)data;
    return size;
}

static void farewell_done(void *payload, int code, const struct http_response *response,
                          const struct error *err)
{
    struct farewell *farewell = payload;

    (void)code;
    (void)response;
    (void)err;
    governor_release(farewell->governor, farewell->op);
    free(farewell);
}

/* Cancels the session without waiting for it; what is not cancelled expires. */
static void cancel_session(struct session *s)
{
    struct farewell *farewell = s->url ? calloc(1, sizeof(*farewell)) : NULL;
    struct http_request request = {
        .method = "DELETE",
        .url = s->url,
        .scope = account_scope(s->job->account),
        .priority = CALL_REFRESH,
        .deadline_ms = clock_mono_ms(clock_system()) + CANCEL_MS,
        .is_idempotent = true,
    };
    struct http_stream_callbacks callbacks = {
        .on_data = farewell_data, .on_done = farewell_done, .payload = farewell};

    if (!farewell) {
        return;
    }
    farewell->governor = s->governor;
    if (governor_start(s->governor, &farewell->op, &request, &callbacks, NULL) < 0) {
        free(farewell);
    }
}

/* --- fragments --- */

static int read_fragment(void *payload, void *data, size_t size, uint64_t offset, size_t *got,
                         struct error *err)
{
    struct session *s = payload;
    const struct graph_source *source = s->job->source;
    int code = source->read(source->payload, data, size, s->offset + offset, got, err);

    if (code == 0) {
        upload_progress(s->job, s->offset + offset);
    }
    return code;
}

static int perform(struct session *s, struct http_response *response, struct http_request *request,
                   struct error *err)
{
    struct call call;

    upload_request_call(&call, s->job->call);
    request->url = s->url;
    request->scope = account_scope(s->job->account);
    request->is_idempotent = true; /* a fragment sent twice is 416, and we ask where we are */
    return governor_perform(s->governor, request, response, &call, err);
}

static int send_fragment(struct session *s, struct http_response *response, struct error *err)
{
    uint64_t total = s->job->source->size_bytes;
    uint64_t left = total - s->offset;
    uint64_t size = left < FRAGMENT_BYTES ? left : FRAGMENT_BYTES;
    char range[96];
    const char *headers[] = {range, "Content-Type: application/octet-stream", NULL};
    struct http_request request = {
        .method = "PUT",
        .headers = headers,
        .read = read_fragment,
        .read_payload = s,
        .read_size = size,
    };

    snprintf(range, sizeof(range), "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
             s->offset, s->offset + size - 1, total);
    return perform(s, response, &request, err);
}

/* The service knows where the upload stands; anything but a new offset is a standstill. */
static enum next_step move_to(struct session *s, uint64_t offset, int *code, struct error *err)
{
    if (offset > s->job->source->size_bytes) {
        *code = error_set(err, ERR_PROTOCOL, "the upload's status is beyond its end");
        return STEP_FAILED;
    }
    s->standstills = offset > s->offset ? 0 : s->standstills + 1;
    s->offset = offset;
    if (s->standstills > STANDSTILL_MAX) {
        *code = error_set(err, ERR_SERVER, "the upload does not get on");
        return STEP_FAILED;
    }
    if (offset == s->job->source->size_bytes) {
        s->is_last_uncertain = true; /* all arrived, and nobody told us what became of it */
        return STEP_RESTART;
    }
    return STEP_SEND;
}

static enum next_step after_failure(struct session *s, int *code, struct error *err)
{
    bool is_transient = *code == ERR_UNREACHABLE || *code == ERR_SERVER;

    if (!is_transient || ++s->standstills > STANDSTILL_MAX) {
        return STEP_FAILED;
    }
    error_clear(err);
    return STEP_ASK_STATUS;
}

/* graph-facts 2.9, the table of replies. */
static enum next_step after_fragment(struct session *s, struct graph_item *out,
                                     const struct http_response *response, int *code,
                                     struct error *err)
{
    uint64_t sent_to = s->offset + FRAGMENT_BYTES;
    bool is_last = sent_to >= s->job->source->size_bytes;
    uint64_t next = is_last ? s->job->source->size_bytes : sent_to;

    switch (response->status) {
    case 200:
    case 201:
        *code = parse_item(out, response->body.data, response->body.size, err);
        if (*code == ERR_PROTOCOL) {
            *code = upload_find_done(out, s->job, err); /* it is stored; only the answer is odd */
        }
        return *code == 0 ? STEP_DONE : STEP_FAILED;
    case 202:
        if (parse_next_range(&next, response->body.data, response->body.size, NULL) < 0 &&
            is_last) {
            return STEP_ASK_STATUS;
        }
        return move_to(s, next, code, err);
    case 416:
        s->is_last_uncertain = s->is_last_uncertain || is_last;
        return STEP_ASK_STATUS;
    case 401: /* the URL is older than a day */
    case 404: /* the session is gone */
    case 410:
        s->is_last_uncertain = s->is_last_uncertain || (is_last && response->attempts > 1);
        return STEP_RESTART;
    default:
        *code = fault_from_response(response, false, err);
        return after_failure(s, code, err);
    }
}

static enum next_step send_next(struct session *s, struct graph_item *out, int *code,
                                struct error *err)
{
    bool is_last = s->offset + FRAGMENT_BYTES >= s->job->source->size_bytes;
    struct http_response response = {0};
    enum next_step step;

    *code = send_fragment(s, &response, err);
    if (*code == 0) {
        step = after_fragment(s, out, &response, code, err);
    } else {
        step = after_failure(s, code, err);
    }
    if (step == STEP_ASK_STATUS && is_last) {
        s->is_last_uncertain = true;
    }
    http_response_clear(&response);
    return step;
}

static enum next_step ask_status(struct session *s, int *code, struct error *err)
{
    struct http_request request = {.method = "GET"};
    struct http_response response = {0};
    enum next_step step;
    uint64_t offset = 0;

    *code = perform(s, &response, &request, err);
    if (*code < 0) {
        step = after_failure(s, code, err);
    } else if (response.status == 200 || response.status == 202) {
        *code = parse_next_range(&offset, response.body.data, response.body.size, err);
        step = *code == 0 ? move_to(s, offset, code, err) : STEP_RESTART;
    } else if (response.status == 401 || response.status == 404 || response.status == 410) {
        step = STEP_RESTART;
    } else {
        *code = fault_from_response(&response, false, err);
        step = after_failure(s, code, err);
    }
    http_response_clear(&response);
    return step;
}

/* The session is lost. When its last fragment may have committed it, the item is the truth. */
static enum next_step restart(struct session *s, struct graph_item *out, unsigned *restarts,
                              int *code, struct error *err)
{
    if (s->is_last_uncertain) {
        *code = upload_find_done(out, s->job, err);
        if (*code == 0) {
            return STEP_DONE;
        }
        /* Replacing: with If-Match the new session finds out by itself that someone else changed
         * it, and without, whatever is there is to be replaced. */
        if (*code != ERR_NOT_FOUND && !(*code == ERR_CHANGED && s->job->upload->item_id)) {
            return STEP_FAILED;
        }
        error_clear(err);
    }
    if (++*restarts > RESTARTS_MAX) {
        *code = error_set(err, ERR_SERVER, "the upload session was lost %u times", *restarts);
        return STEP_FAILED;
    }
    *code = open_session(s, err);
    return *code == 0 ? STEP_SEND : STEP_FAILED;
}

/* Refused for what is there: perhaps that is our own, of a try whose answer was lost. A name is
 * believed to be ours only when there was one, since a file that is made to be a lock is like every
 * other. Anything but a find leaves *code and *err as they are. */
static void find_arrived(struct graph_item *out, const struct upload_job *job, int *code)
{
    bool may_be = job->upload->item_id ? *code == ERR_CHANGED
                                       : *code == ERR_EXISTS && job->upload->may_have_arrived;

    if (may_be && upload_find_done(out, job, NULL) == 0) {
        *code = 0;
    }
}

/* A failure that passes: the next try goes on where this one broke off. */
static bool is_kept_open(const struct session *s, int code)
{
    return s->job->upload->session && s->url && s->job->source->size_bytes > FRAGMENT_BYTES &&
           (code == ERR_UNREACHABLE || code == ERR_SERVER || code == ERR_TIMED_OUT ||
            code == ERR_CANCELLED || code == ERR_SIGNED_OUT || code == ERR_THROTTLED);
}

int upload_by_session(struct graph_item *out, const struct upload_job *job, struct error *err)
{
    struct session s = {.job = job, .governor = graph_governor(account_graph(job->account))};
    enum next_step step = STEP_SEND;
    unsigned restarts = 0;
    int code = 0;

    if (job->upload->resume_url) {
        code = str_copy(&s.url, job->upload->resume_url, err);
        s.is_last_uncertain = true; /* all of it may have arrived, and the answer got lost */
        step = STEP_ASK_STATUS;
    } else {
        code = open_session(&s, err);
    }
    if (code < 0) {
        step = STEP_FAILED;
    }
    while (step != STEP_DONE && step != STEP_FAILED) {
        code = 0;
        switch (step) {
        case STEP_SEND:
            step = send_next(&s, out, &code, err);
            break;
        case STEP_ASK_STATUS:
            step = ask_status(&s, &code, err);
            break;
        default:
            step = restart(&s, out, &restarts, &code, err);
            break;
        }
    }
    if (step == STEP_DONE) {
        upload_progress(job, job->source->size_bytes);
        code = 0;
    } else if (!is_kept_open(&s, code)) {
        bool was_told = s.url && job->source->size_bytes > FRAGMENT_BYTES;

        cancel_session(&s);
        str_free(&s.url);
        if (was_told) {
            tell_session(&s);
        }
        find_arrived(out, job, &code);
    } else {
        find_arrived(out, job, &code);
    }
    str_free(&s.url);
    return code;
}
