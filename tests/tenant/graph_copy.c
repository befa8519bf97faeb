#include "graph_copy.h"

#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "preauth.h"
#include "upload.h"

enum { COPY_MAX = 30000 };

struct copy_job {
    struct copy_job *next;
    uint64_t id;
    int polls_left;
    struct drive *drive;
    uint64_t item;          /* serial of the copy; 0: failed */
    const char *error_code; /* NULL: fine */
};

void copy_jobs_free(struct world *w)
{
    while (w->copy_jobs != NULL) {
        struct copy_job *next = w->copy_jobs->next;
        free(w->copy_jobs);
        w->copy_jobs = next;
    }
}

static struct content *content_to_share(const struct item *it)
{
    /* What an iterator fills in is no content of its own yet. */
    bool is_made =
        it->content->text == NULL && it->content->path == NULL && it->content->suffix == NULL;
    return is_made ? content_new_seed(it->content->seed, it->content->size)
                   : content_ref(it->content);
}

static struct item *copy_tree(struct item *from, struct item *to, const char *name, struct user *by,
                              int *left)
{
    struct content *content = from->kind == ITEM_FILE ? content_to_share(from) : NULL;
    struct item *it = store_add(to, name, from->kind, content, by);
    it->remote_drive = from->remote_drive;
    it->remote_serial = from->remote_serial;
    if (from->kind == ITEM_FOLDER) {
        struct child_iter *iter = xcalloc(1, sizeof(*iter));
        const struct item *child;
        store_children(iter, from, NULL);
        while (*left > 0 && (child = store_next_child(iter)) != NULL) {
            --*left;
            struct item *source = child->kind == ITEM_FOLDER ? store_get(from->drive, child->serial)
                                                             : (struct item *)child;
            copy_tree(source, it, child->name, by, left);
        }
        free(iter);
    }
    return it;
}

/* Does it at once; the monitor tells it bit by bit. */
static void do_copy(struct call *c, struct copy_job *job, struct item *to, const char *name,
                    enum conflict conflict)
{
    struct item *taken = store_child(to, name);
    char *free_name = NULL;
    int left = COPY_MAX;
    if (taken != NULL &&
        (conflict == CONFLICT_FAIL || (conflict == CONFLICT_REPLACE && taken->kind != ITEM_FILE))) {
        job->error_code = "nameAlreadyExists";
        return;
    }
    if (store_used(to->drive) + store_size(c->item) > to->drive->quota_total) {
        job->error_code = "quotaLimitReached";
        return;
    }
    if (taken != NULL && conflict == CONFLICT_REPLACE && taken != c->item &&
        c->item->kind == ITEM_FILE) {
        store_set_content(taken, content_to_share(c->item), c->user);
        job->item = taken->serial;
        return;
    }
    if (taken != NULL) {
        name = free_name = store_free_name(to, name);
    }
    job->item = copy_tree(c->item, to, name, c->user, &left)->serial;
    if (left == 0) {
        job->error_code = "limitExceeded";
    }
    free(free_name);
}

/* The folder a copy goes to; NULL: replied. */
static struct item *copy_target(struct call *c, const cJSON *ref)
{
    const cJSON *drive_id = cJSON_GetObjectItemCaseSensitive(ref, "driveId");
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(ref, "id");
    struct drive *d =
        cJSON_IsString(drive_id) ? tenant_drive(c->tenant, drive_id->valuestring) : c->drive;
    struct item *to = NULL;
    if (d != NULL && cJSON_IsString(id)) {
        to = store_by_id(d, id->valuestring);
    } else if (d != NULL && c->item->parent_serial != 0 && d == c->drive) {
        to = store_parent(c->item);
    }
    if (to == NULL || to->kind != ITEM_FOLDER || drive_access(d, c->user) == ACCESS_NONE) {
        http_reply_error(c->rq, c->rs, 404, "itemNotFound", NULL,
                         "The destination could not be found.");
        return NULL;
    }
    if (drive_access(d, c->user) != ACCESS_WRITE) {
        http_reply_error(c->rq, c->rs, 403, "accessDenied", NULL, "Access denied.");
        return NULL;
    }
    if (c->item->kind == ITEM_FOLDER && store_is_below(to, c->item)) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", NULL,
                         "A folder cannot be copied into itself.");
        return NULL;
    }
    return to;
}

static void start(struct call *c, struct item *to, const char *name, enum conflict conflict)
{
    struct copy_job *job = xcalloc(1, sizeof(*job));
    job->id = ++c->w->next_job;
    job->polls_left = c->tenant->switches.copy_polls;
    job->drive = to->drive;
    job->next = c->w->copy_jobs;
    c->w->copy_jobs = job;
    do_copy(c, job, to, name, conflict);
    struct preauth p = {
        .kind = PREAUTH_MONITOR,
        .drive = to->drive->index,
        .serial = job->id,
        .expires = world_now(c->w) + 86400,
    };
    char *tempauth = preauth_make(c->w, &p);
    http_add_header(c->rs, "Location", "%s/_api/v2.0/monitor/%llu?tempauth=%s", c->rq->content_url,
                    (unsigned long long)job->id, tempauth);
    free(tempauth);
    c->rs->status = 202;
}

void copy_create(struct call *c)
{
    cJSON *body = http_body_json(c->rq);
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(body, "name");
    const char *new_name = cJSON_IsString(name) ? name->valuestring : c->item->name;
    struct item *to = copy_target(c, cJSON_GetObjectItemCaseSensitive(body, "parentReference"));
    if (to != NULL && !call_name_is_bad(c, to, new_name, c->item->kind == ITEM_FOLDER)) {
        start(c, to, new_name, conflict_of(c->rq, body, CONFLICT_FAIL));
    }
    cJSON_Delete(body);
}

void copy_monitor(struct world *w, const struct http_request *rq, struct http_response *rs,
                  uint64_t id)
{
    struct copy_job *job = w->copy_jobs;
    cJSON *o;
    while (job != NULL && job->id != id) {
        job = job->next;
    }
    if (job == NULL) {
        http_reply_error(rq, rs, 404, "itemNotFound", NULL, "There is no such operation.");
        return;
    }
    o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "operation", "ItemCopy");
    if (job->polls_left > 0) {
        job->polls_left--;
        cJSON_AddNumberToObject(o, "percentageComplete", 27.8);
        cJSON_AddStringToObject(o, "status", "inProgress");
        http_reply_json(rs, 202, o);
        return;
    }
    cJSON_AddNumberToObject(o, "percentageComplete", 100);
    cJSON_AddStringToObject(o, "status", job->error_code == NULL ? "completed" : "failed");
    if (job->error_code != NULL) {
        cJSON_AddStringToObject(o, "errorCode", job->error_code);
    } else {
        char text[40];
        item_id_of(text, job->drive, job->item);
        cJSON_AddStringToObject(o, "resourceId", text);
    }
    http_reply_json(rs, 200, o);
}
