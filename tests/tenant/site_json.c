#include "site_json.h"

#include <stdlib.h>
#include <string.h>

#include "item_json.h"

static void add_time(cJSON *object, const char *name, int64_t seconds)
{
    char text[32];

    format_iso(text, seconds);
    cJSON_AddStringToObject(object, name, text);
}

void json_select(cJSON *object, const char *select)
{
    cJSON *member = select && *select ? object->child : NULL;

    while (member) {
        cJSON *next = member->next;

        if (member->string[0] != '@' && strcmp(member->string, "id") != 0 &&
            !list_names(select, member->string)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(object, member));
        }
        member = next;
    }
}

static void add_site_ids(cJSON *object, const struct site *s)
{
    cJSON *ids = cJSON_AddObjectToObject(object, "sharepointIds");

    cJSON_AddStringToObject(ids, "siteId", s->site_guid);
    cJSON_AddStringToObject(ids, "webId", s->web_guid);
    cJSON_AddStringToObject(ids, "siteUrl", s->web_url);
}

cJSON *site_json(const struct site *s, const char *select)
{
    const char *host = s->is_personal ? s->tenant->my_host : s->tenant->sharepoint_host;
    cJSON *root = cJSON_CreateObject();

    add_time(root, "createdDateTime", s->created);
    cJSON_AddStringToObject(root, "description", s->description ? s->description : "");
    cJSON_AddStringToObject(root, "id", s->id);
    add_time(root, "lastModifiedDateTime", s->modified);
    cJSON_AddStringToObject(root, "name", s->name);
    cJSON_AddStringToObject(root, "webUrl", s->web_url);
    cJSON_AddStringToObject(root, "displayName", s->title);
    if (s->is_personal) {
        cJSON_AddBoolToObject(root, "isPersonalSite", true);
    }
    if (!s->parent) {
        cJSON_AddObjectToObject(root, "root");
    }
    cJSON_AddStringToObject(cJSON_AddObjectToObject(root, "siteCollection"), "hostname", host);
    if (select && list_names(select, "sharepointIds")) {
        add_site_ids(root, s);
    }
    json_select(root, select);
    return root;
}

cJSON *list_json(const struct drive *d)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *info;

    cJSON_AddStringToObject(root, "id", d->list_guid);
    cJSON_AddStringToObject(root, "name", d->url_name);
    cJSON_AddStringToObject(root, "displayName", d->name);
    cJSON_AddStringToObject(root, "description", d->description ? d->description : "");
    cJSON_AddStringToObject(root, "webUrl", d->web_url);
    add_time(root, "createdDateTime", d->created);
    add_time(root, "lastModifiedDateTime", d->modified);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(root, "parentReference"), "siteId",
                            d->site->id);
    info = cJSON_AddObjectToObject(root, "list");
    cJSON_AddBoolToObject(info, "contentTypesEnabled", false);
    cJSON_AddBoolToObject(info, "hidden", false);
    cJSON_AddStringToObject(info, "template",
                            strcmp(d->drive_type, "business") == 0 ? "mySiteDocumentLibrary"
                                                                   : "documentLibrary");
    return root;
}

char *list_view_url(const struct drive *d)
{
    char *raw = url_decode(d->web_url, strlen(d->web_url));
    char *url = xasprintf("%s/Forms/AllItems.aspx", raw ? raw : d->web_url);

    free(raw);
    return url;
}
