/* Upload sessions, Graph's side: making one (facts, 2.9). */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "preauth.h"
#include "upload.h"

struct upload *upload_find(struct world *w, uint64_t id)
{
    struct upload *u = w->uploads;
    while (u != NULL && u->id != id) {
        u = u->next;
    }
    return u;
}

static void upload_free(struct upload *u)
{
    if (u->path != NULL) {
        unlink(u->path);
    }
    free(u->path);
    content_unref(u->content);
    free(u->target.name);
    free(u->target.if_match);
    free(u);
}

void upload_remove(struct world *w, struct upload *u)
{
    struct upload **link = &w->uploads;
    while (*link != NULL && *link != u) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *link = u->next;
    }
    upload_free(u);
}

void uploads_free(struct world *w)
{
    while (w->uploads != NULL) {
        upload_remove(w, w->uploads);
    }
}

static void remove_expired(struct world *w)
{
    struct upload *next;
    for (struct upload *u = w->uploads; u != NULL; u = next) {
        int64_t life_ms = (int64_t)u->target.drive->tenant->switches.upload_max_seconds * 2000;
        next = u->next;
        if (!u->is_busy && world_now_ms(w) - u->created_ms > life_ms) {
            upload_remove(w, u);
        }
    }
}

char *upload_url(const struct http_request *rq, struct upload *u)
{
    struct drive *d = u->target.drive;
    struct world *w = d->tenant->world;
    struct preauth p = {
        .kind = PREAUTH_UPLOAD,
        .drive = d->index,
        .serial = u->id,
        .expires = u->created_ms / 1000 + d->tenant->switches.upload_max_seconds,
    };
    char id[40];
    char *tempauth = preauth_make(w, &p);
    char *site = url_encode_path(d->site->path);
    item_id_of(id, d, u->target.item != 0 ? u->target.item : u->target.parent);
    char *url = xasprintf("%s%s/_api/v2.0/drives/%s/items/%s/"
                          "uploadSession?guid='%llu'&overwrite=%s&rename=%s&dc=%d&tempauth=%s",
                          rq->content_url, site, d->id, id, (unsigned long long)u->id,
                          u->target.conflict == CONFLICT_REPLACE ? "True" : "False",
                          u->target.conflict == CONFLICT_RENAME ? "True" : "False", u->defer_commit,
                          tempauth);
    free(site);
    free(tempauth);
    return url;
}

cJSON *upload_status_json(struct upload *u)
{
    cJSON *o = cJSON_CreateObject();
    char expires[40];
    char *range = xasprintf("%lld-", (long long)u->received);
    /* Slides with every fragment. */
    format_iso_ms(expires,
                  u->touched_ms + (int64_t)u->target.drive->tenant->switches.upload_seconds * 1000);
    cJSON_AddStringToObject(o, "expirationDateTime", expires);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(o, "nextExpectedRanges"),
                         cJSON_CreateString(range));
    free(range);
    return o;
}

/* Everything that refuses a session before a byte is sent. */
static bool refuses_session(struct call *c, enum conflict conflict, const cJSON *size)
{
    if (call_breaks_precondition(c, c->item)) {
        return true;
    }
    if (c->item != NULL && c->item->kind != ITEM_FILE) {
        call_name_taken(c);
        return true;
    }
    if (c->item != NULL && c->new_name == NULL && call_is_locked(c, c->item)) {
        return true;
    }
    if (c->item != NULL && conflict == CONFLICT_FAIL) {
        call_name_taken(c);
        return true;
    }
    if (c->item != NULL && conflict == CONFLICT_REPLACE && call_is_locked(c, c->item)) {
        return true;
    }
    if (c->item == NULL && call_name_is_bad(c, c->parent, c->new_name, false)) {
        return true;
    }
    if (cJSON_IsNumber(size) &&
        (size->valuedouble < 1 || size->valuedouble > (double)UPLOAD_FILE_MAX)) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", NULL,
                         "The file size is out of range.");
        return true;
    }
    return cJSON_IsNumber(size) && call_lacks_space(c, (int64_t)size->valuedouble);
}

static void make_session(struct call *c, const cJSON *body)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, "item");
    const cJSON *size = cJSON_GetObjectItemCaseSensitive(item, "fileSize");
    const char *if_match = http_header(c->rq, "If-Match");
    /* The page says fail, yet clients overwrite without asking for it. */
    enum conflict fallback = c->tenant->switches.session_default_fail && c->new_name != NULL
                                 ? CONFLICT_FAIL
                                 : CONFLICT_REPLACE;
    enum conflict conflict = conflict_of(c->rq, body, fallback);
    if (refuses_session(c, conflict, size)) {
        return;
    }
    remove_expired(c->w);
    struct upload *u = xcalloc(1, sizeof(*u));
    bool is_target = c->item != NULL && conflict == CONFLICT_REPLACE;
    u->id = ++c->w->next_job;
    u->user = c->user;
    u->target.drive = c->drive;
    u->target.item = is_target ? c->item->serial : 0;
    u->target.parent = c->item != NULL ? c->item->parent_serial : c->parent->serial;
    u->target.name = xstrdup(c->item != NULL ? c->item->name : c->new_name);
    u->target.conflict = conflict;
    u->target.if_match = if_match == NULL ? NULL : xstrdup(if_match);
    file_times_read(&u->target.times, item);
    u->total = -1;
    u->announced = cJSON_IsNumber(size) ? (int64_t)size->valuedouble : -1;
    u->created_ms = u->touched_ms = world_now_ms(c->w);
    u->defer_commit = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(body, "deferCommit"));
    u->next = c->w->uploads;
    c->w->uploads = u;
    if (is_target && c->tenant->switches.session_bumps_etag) {
        store_touch(c->item, c->user);
    }
    cJSON *o = upload_status_json(u);
    char *url = upload_url(c->rq, u);
    char *context = xasprintf("%s/v1.0/$metadata#microsoft.graph.uploadSession", c->rq->graph_url);
    cJSON_AddStringToObject(o, "@odata.context", context);
    cJSON_AddStringToObject(o, "uploadUrl", url);
    free(context);
    free(url);
    http_reply_json(c->rs, 200, o);
}

void upload_create(struct call *c)
{
    cJSON *body = http_body_json(c->rq);
    if (body == NULL && c->rq->body_len > 0) {
        http_reply_error(c->rq, c->rs, 400, "BadRequest", NULL,
                         "Unable to read JSON request payload.");
    } else {
        make_session(c, body);
    }
    cJSON_Delete(body);
}

/* The tempauth in an uploadUrl; NULL with a reply when it is none of ours. */
static struct upload *find_by_url(struct call *c, const char *url)
{
    const char *query = strchr(url, '?');
    char *tempauth = query == NULL ? NULL : form_get(query + 1, "tempauth");
    struct preauth p;
    struct upload *u = NULL;
    if (preauth_check(c->w, &p, tempauth) == PREAUTH_OK && p.kind == PREAUTH_UPLOAD) {
        u = upload_find(c->w, p.serial);
    }
    free(tempauth);
    return u;
}

/* After a 409 at the end of a session: PUT the item's metadata with another name and the uploadUrl.
 */
void upload_source_url(struct call *c)
{
    cJSON *body = http_body_json(c->rq);
    const cJSON *url = cJSON_GetObjectItemCaseSensitive(body, "@microsoft.graph.sourceUrl");
    struct upload *u = cJSON_IsString(url) ? find_by_url(c, url->valuestring) : NULL;
    if (u == NULL || u->user != c->user || u->is_busy || u->content == NULL) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", NULL,
                         "The source URL is no finished upload.");
    } else if (c->item != NULL || !call_name_is_bad(c, c->parent, c->new_name, false)) {
        struct upload_target t = {
            .drive = c->drive,
            .parent = c->item != NULL ? c->item->parent_serial : c->parent->serial,
            .name = xstrdup(c->item != NULL ? c->item->name : c->new_name),
            .conflict = conflict_of(c->rq, body, CONFLICT_FAIL),
            .times = u->target.times,
        };
        if (upload_commit(c->w, c->rq, c->rs, c->user, &t, &u->content)) {
            upload_remove(c->w, u);
        }
        free(t.name);
    }
    cJSON_Delete(body);
}
