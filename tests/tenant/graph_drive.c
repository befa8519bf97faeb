/* Drives themselves (facts, 2.1). */
#include <stdlib.h>
#include <string.h>

#include "call.h"

static const char *quota_state(int64_t used, int64_t total)
{
    int64_t left = total - used;
    return left <= 0            ? "exceeded"
           : left < total / 100 ? "critical"
           : left < total / 10  ? "nearing"
                                : "normal";
}

static cJSON *quota_json(const struct drive *d)
{
    cJSON *q = cJSON_CreateObject();
    int64_t used = store_used(d);
    int64_t left = d->quota_total - used;
    cJSON_AddNumberToObject(q, "deleted", (double)d->quota_deleted);
    cJSON_AddNumberToObject(q, "remaining", (double)(left < 0 ? 0 : left));
    cJSON_AddStringToObject(q, "state", quota_state(used, d->quota_total));
    cJSON_AddNumberToObject(q, "total", (double)d->quota_total);
    cJSON_AddNumberToObject(q, "used", (double)used);
    return q;
}

static bool wants(const char *select, const char *field)
{
    return select == NULL || list_names(select, field);
}

static void add_text(cJSON *o, const char *select, const char *name, const char *value)
{
    if (wants(select, name)) {
        cJSON_AddStringToObject(o, name, value);
    }
}

cJSON *drive_json(struct drive *d, const char *select)
{
    cJSON *o = cJSON_CreateObject();
    char created[32];
    char modified[32];
    format_iso(created, d->created);
    format_iso(modified, d->modified);
    add_text(o, select, "id", d->id);
    add_text(o, select, "driveType", d->drive_type);
    add_text(o, select, "name", d->name);
    add_text(o, select, "description", d->description);
    add_text(o, select, "createdDateTime", created);
    add_text(o, select, "lastModifiedDateTime", modified);
    add_text(o, select, "webUrl", d->web_url);
    if (wants(select, "createdBy")) {
        cJSON_AddItemToObject(o, "createdBy", identity_json(d->owner));
    }
    if (wants(select, "owner")) {
        const struct user *owner = d->owner != NULL         ? d->owner
                                   : d->tenant->n_users > 0 ? &d->tenant->users[0]
                                                            : NULL;
        cJSON_AddItemToObject(o, "owner", identity_json(owner));
    }
    if (wants(select, "quota")) {
        cJSON_AddItemToObject(o, "quota", quota_json(d));
    }
    if (select != NULL && list_names(select, "sharePointIds")) { /* spelled so on drives alone */
        cJSON *ids = cJSON_AddObjectToObject(o, "sharePointIds");
        cJSON_AddStringToObject(ids, "listId", d->list_guid);
        cJSON_AddStringToObject(ids, "siteId", d->site->site_guid);
        cJSON_AddStringToObject(ids, "siteUrl", d->site->web_url);
        cJSON_AddStringToObject(ids, "tenantId", d->tenant->id);
        cJSON_AddStringToObject(ids, "webId", d->site->web_guid);
    }
    if (select != NULL && list_names(select, "system") && d->is_system) {
        cJSON_AddObjectToObject(o, "system");
    }
    return o;
}

void drive_get(struct call *c)
{
    char *select = http_query(c->rq, "select");
    cJSON *o = drive_json(c->drive, select == NULL || select[0] == '\0' ? NULL : select);
    char *context = xasprintf("%s/v1.0/$metadata#drives/$entity", c->rq->graph_url);
    cJSON_AddStringToObject(o, "@odata.context", context);
    free(context);
    free(select);
    http_reply_json(c->rs, 200, o);
}

void drive_collection(struct call *c, const struct drive_list *list)
{
    char *select = http_query(c->rq, "select");
    bool with_system = select != NULL && list_names(select, "system");
    cJSON *page = cJSON_CreateObject();
    char *context = xasprintf("%s/v1.0/$metadata#drives", c->rq->graph_url);
    cJSON_AddStringToObject(page, "@odata.context", context);
    free(context);
    cJSON *value = cJSON_AddArrayToObject(page, "value");
    bool found = list->user != NULL
                     ? list->user == c->user
                     : list->site != NULL && site_access(list->site, c->user) != ACCESS_NONE;
    if (list->user != NULL && list->user->drive != NULL && found) {
        cJSON_AddItemToArray(value, drive_json(list->user->drive, select));
    }
    for (size_t i = 0; list->site != NULL && i < list->site->n_drives; i++) {
        struct drive *d = list->site->drives[i];
        if (drive_access(d, c->user) != ACCESS_NONE && (!d->is_system || with_system)) {
            cJSON_AddItemToArray(value, drive_json(d, select));
        }
    }
    free(select);
    if (!found) {
        cJSON_Delete(page);
        call_not_found(c);
        return;
    }
    http_reply_json(c->rs, 200, page);
}
