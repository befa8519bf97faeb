/* Links, permissions, previews, thumbnails, labels (facts, 2.12). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "preauth.h"

static cJSON *link_json(const struct link *l)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "id", l->id);
    cJSON *roles = cJSON_AddArrayToObject(o, "roles");
    cJSON_AddItemToArray(roles,
                         cJSON_CreateString(strcmp(l->type, "edit") == 0 ? "write" : "read"));
    cJSON_AddStringToObject(o, "shareId", l->share_id);
    cJSON_AddBoolToObject(o, "hasPassword", false);
    cJSON *link = cJSON_AddObjectToObject(o, "link");
    cJSON_AddStringToObject(link, "type", l->type);
    cJSON_AddStringToObject(link, "scope", l->scope);
    cJSON_AddStringToObject(link, "webUrl", l->web_url);
    cJSON_AddBoolToObject(link, "preventsDownload", false);
    return o;
}

/* ":x:" of the short URLs */
static char link_letter(const struct item *it)
{
    const char *dot = strrchr(it->name, '.');
    static const struct {
        const char *ending;
        char letter;
    } letters[] = {{".docx", 'w'}, {".xlsx", 'x'}, {".pptx", 'p'},
                   {".pdf", 'b'},  {".txt", 't'},  {".mp4", 'v'}};
    for (size_t i = 0; dot != NULL && i < COUNT_OF(letters); i++) {
        if (str_ieq(dot, letters[i].ending)) {
            return letters[i].letter;
        }
    }
    return it->kind == ITEM_FOLDER ? 'f' : 'u';
}

static struct link *add_link(struct item *it, const char *type, const char *scope)
{
    const struct site *s = it->drive->site;
    char kind = s->is_personal || s->path[0] == '\0' ? 'g'
                : str_starts(s->path, "/teams/")     ? 't'
                                                     : 's';
    char *token = random_token(24);
    struct link *l;
    it->links = xrealloc(it->links, (it->n_links + 1) * sizeof(*it->links));
    l = &it->links[it->n_links++];
    l->id = random_token(12);
    l->type = xstrdup(type);
    l->scope = xstrdup(scope);
    l->web_url =
        xasprintf("https://%s/:%c:/%c/%s/E%s",
                  s->is_personal ? it->drive->tenant->my_host : it->drive->tenant->sharepoint_host,
                  link_letter(it), kind, s->name, token);
    char *encoded = base64url_encode(l->web_url, strlen(l->web_url));
    l->share_id = xasprintf("u!%s", encoded);
    free(encoded);
    free(token);
    return l;
}

static struct link *find_link(const struct item *it, const char *type, const char *scope)
{
    for (size_t i = 0; i < it->n_links; i++) {
        if (strcmp(it->links[i].type, type) == 0 && strcmp(it->links[i].scope, scope) == 0) {
            return &it->links[i];
        }
    }
    return NULL;
}

static void reply_link(struct call *c, const cJSON *body)
{
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(body, "type");
    const cJSON *scope = cJSON_GetObjectItemCaseSensitive(body, "scope");
    const char *kind = cJSON_IsString(type) ? type->valuestring : "";
    const char *who =
        cJSON_IsString(scope) ? scope->valuestring : "organization"; /* the tenant's default */
    if ((strcmp(kind, "view") != 0 && strcmp(kind, "edit") != 0) ||
        cJSON_HasObjectItem(body, "password")) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", "notSupported",
                         "The link type, or the password, is not supported for business drives.");
        return;
    }
    if (strcmp(who, "anonymous") != 0 && strcmp(who, "organization") != 0 &&
        strcmp(who, "users") != 0) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", NULL, "The scope is not known.");
        return;
    }
    if (strcmp(who, "anonymous") == 0 && c->tenant->switches.links_disabled) {
        http_reply_error(c->rq, c->rs, 403, "accessDenied", NULL,
                         "Anonymous links are disabled by the administrator.");
        return;
    }
    struct link *l = find_link(c->item, kind, who);
    bool is_new = l == NULL;
    if (is_new) {
        l = add_link(c->item, kind, who);
        store_touch(c->item, c->user);
    }
    cJSON *o = link_json(l);
    char *context = xasprintf("%s/v1.0/$metadata#permission", c->rq->graph_url);
    cJSON_AddStringToObject(o, "@odata.context", context);
    free(context);
    http_reply_json(c->rs, is_new ? 201 : 200, o);
}

void link_create(struct call *c)
{
    cJSON *body = http_body_json(c->rq);
    reply_link(c, body);
    cJSON_Delete(body);
}

static cJSON *grant_json(const struct user *u, const char *role)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "id", u->id);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(o, "roles"), cJSON_CreateString(role));
    cJSON_AddItemToObject(o, "grantedToV2", identity_json(u));
    return o;
}

void permissions_get(struct call *c)
{
    cJSON *page = cJSON_CreateObject();
    char *context = xasprintf("%s/v1.0/$metadata#Collection(permission)", c->rq->graph_url);
    cJSON_AddStringToObject(page, "@odata.context", context);
    free(context);
    cJSON *value = cJSON_AddArrayToObject(page, "value");
    for (size_t i = 0; i < c->tenant->n_users; i++) {
        const struct user *u = &c->tenant->users[i];
        enum access a = drive_access(c->drive, u);
        if (a != ACCESS_NONE) {
            cJSON_AddItemToArray(value, grant_json(u, u == c->drive->owner ? "owner"
                                                      : a == ACCESS_WRITE  ? "write"
                                                                           : "read"));
        }
    }
    for (size_t i = 0; i < c->item->n_links; i++) {
        cJSON_AddItemToArray(value, link_json(&c->item->links[i]));
    }
    http_reply_json(c->rs, 200, page);
}

void preview_post(struct call *c)
{
    cJSON *o = cJSON_CreateObject();
    char id[40];
    char *token = random_token(16);
    item_id(id, c->item);
    char *url = xasprintf("%s/_layouts/15/embed.aspx?UniqueId=%s&access_token=%s",
                          c->drive->site->web_url, id, token);
    char *context =
        xasprintf("%s/v1.0/$metadata#microsoft.graph.itemPreviewInfo", c->rq->graph_url);
    cJSON_AddStringToObject(o, "@odata.context", context);
    cJSON_AddStringToObject(o, "getUrl", url);
    cJSON_AddNullToObject(o, "postUrl");
    cJSON_AddNullToObject(o, "postParameters");
    free(url);
    free(context);
    free(token);
    http_reply_json(c->rs, 200, o);
}

/* ---- thumbnails ---- */

static const struct {
    const char *name;
    int width, height;
} thumbnail_sizes[] = {{"small", 96, 96}, {"medium", 176, 176}, {"large", 800, 800}};

static cJSON *thumbnail_json(const struct http_request *rq, const struct item *it, size_t size)
{
    struct world *w = it->drive->tenant->world;
    struct preauth p = {
        .kind = PREAUTH_THUMBNAIL,
        .drive = it->drive->index,
        .serial = it->serial,
        .expires = world_now(w) + 3600,
    };
    char *tempauth = preauth_make(w, &p);
    char *url = xasprintf("%s/_api/v2.0/thumbnails/%s?tempauth=%s", rq->content_url,
                          thumbnail_sizes[size].name, tempauth);
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "height", thumbnail_sizes[size].height);
    cJSON_AddStringToObject(o, "url", url);
    cJSON_AddNumberToObject(o, "width", thumbnail_sizes[size].width);
    free(url);
    free(tempauth);
    return o;
}

static bool has_thumbnail(const struct item *it)
{
    return it->kind == ITEM_FILE &&
           (is_office_name(it->name) || str_starts(mime_type(it->name), "image/") ||
            strcmp(mime_type(it->name), "application/pdf") == 0);
}

static cJSON *set_json(const struct http_request *rq, const struct item *it)
{
    cJSON *set = cJSON_CreateObject();
    cJSON_AddStringToObject(set, "id", "0");
    for (size_t i = 0; i < COUNT_OF(thumbnail_sizes); i++) {
        cJSON_AddItemToObject(set, thumbnail_sizes[i].name, thumbnail_json(rq, it, i));
    }
    return set;
}

cJSON *thumbnails_json(const struct http_request *rq, const struct item *it)
{
    cJSON *sets = cJSON_CreateArray();
    if (has_thumbnail(it)) {
        cJSON_AddItemToArray(sets, set_json(rq, it));
    }
    return sets;
}

/* /thumbnails/0/medium/content */
static void reply_thumbnail(struct call *c, const char *path)
{
    for (size_t i = 0; i < COUNT_OF(thumbnail_sizes); i++) {
        size_t n = strlen(thumbnail_sizes[i].name);
        if (strncmp(path, thumbnail_sizes[i].name, n) != 0) {
            continue;
        }
        cJSON *o = thumbnail_json(c->rq, c->item, i);
        if (path[n] == '\0') {
            http_reply_json(c->rs, 200, o);
            return;
        }
        if (strcmp(path + n, "/content") == 0) {
            http_reply_redirect(c->rs, 302,
                                cJSON_GetObjectItemCaseSensitive(o, "url")->valuestring);
            cJSON_Delete(o);
            return;
        }
        cJSON_Delete(o);
    }
    call_not_found(c);
}

void thumbnails_get(struct call *c)
{
    if (c->rest[0] == '\0') {
        cJSON *page = cJSON_CreateObject();
        char *context = xasprintf("%s/v1.0/$metadata#Collection(thumbnailSet)", c->rq->graph_url);
        cJSON_AddStringToObject(page, "@odata.context", context);
        cJSON_AddItemToObject(page, "value", thumbnails_json(c->rq, c->item));
        free(context);
        http_reply_json(c->rs, 200, page);
    } else if (!has_thumbnail(c->item)) {
        call_not_found(c);
    } else if (strcmp(c->rest, "/0") == 0) {
        http_reply_json(c->rs, 200, set_json(c->rq, c->item));
    } else if (str_starts(c->rest, "/0/")) {
        reply_thumbnail(c, c->rest + 3);
    } else {
        call_not_found(c);
    }
}

/* ---- labels ---- */

void retention_label_get(struct call *c)
{
    const struct item *it = c->item;
    if (it->retention_label == NULL) {
        call_not_found(c);
        return;
    }
    cJSON *o = cJSON_CreateObject();
    char *context =
        xasprintf("%s/v1.0/$metadata#microsoft.graph.itemRetentionLabel", c->rq->graph_url);
    cJSON_AddStringToObject(o, "@odata.context", context);
    free(context);
    cJSON_AddStringToObject(o, "name", it->retention_label);
    cJSON *s = cJSON_AddObjectToObject(o, "retentionSettings");
    cJSON_AddStringToObject(s, "behaviorDuringRetentionPeriod",
                            it->is_record_locked ? "retainAsRecord" : "retain");
    cJSON_AddBoolToObject(s, "isContentUpdateAllowed", !it->is_record_locked);
    cJSON_AddBoolToObject(s, "isDeleteAllowed", !it->is_record_locked && !it->is_on_hold);
    cJSON_AddBoolToObject(s, "isLabelUpdateAllowed", !it->is_record_locked);
    cJSON_AddBoolToObject(s, "isMetadataUpdateAllowed", !it->is_record_locked);
    cJSON_AddBoolToObject(s, "isRecordLocked", it->is_record_locked);
    http_reply_json(c->rs, 200, o);
}

void sensitivity_labels_post(struct call *c)
{
    cJSON *o = cJSON_CreateObject();
    char *context = xasprintf("%s/v1.0/$metadata#microsoft.graph.extractSensitivityLabelsResult",
                              c->rq->graph_url);
    cJSON_AddStringToObject(o, "@odata.context", context);
    free(context);
    cJSON_AddArrayToObject(o, "labels");
    http_reply_json(c->rs, 200, o);
}
