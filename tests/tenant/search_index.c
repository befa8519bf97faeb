#include "search_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "item_json.h"
#include "site_json.h"
#include "world.h"

/* --- resources -----------------------------------------------------------------------------------
 */

static void add_hit(struct hits *h, cJSON *resource, const char *type, const char *id)
{
    char *full = xasprintf("#microsoft.graph.%s", type);
    cJSON *hit = cJSON_CreateObject();

    cJSON_AddStringToObject(resource, "@odata.type", full);
    cJSON_AddStringToObject(hit, "hitId", id);
    cJSON_AddItemToObject(hit, "resource", resource);
    cJSON_AddItemToArray(h->list, hit);
    free(full);
}

/* The index writes dates with an offset. */
static void add_date(cJSON *object, const char *name, int64_t seconds, bool offset)
{
    char text[40];

    format_iso(text, seconds);
    if (offset) {
        snprintf(text + 19, sizeof(text) - 19, "+00:00");
    }
    cJSON_AddStringToObject(object, name, text);
}

static cJSON *site_resource(const struct hits *h, const struct site *s)
{
    cJSON *r = cJSON_CreateObject();
    /* The root site's URL ends with a slash. */
    char *url = xasprintf("%s%s", s->web_url, *s->path == '\0' ? "/" : "");

    cJSON_AddStringToObject(r, "id", s->id);
    cJSON_AddStringToObject(r, "description", s->description ? s->description : "");
    add_date(r, "createdDateTime", s->created, false);
    add_date(r, "lastModifiedDateTime", s->modified, false);
    cJSON_AddStringToObject(r, "webUrl", url);
    if (h->state->site_names) {
        cJSON_AddStringToObject(r, "name", s->title);
        cJSON_AddStringToObject(r, "displayName", s->title);
    }
    free(url);
    return r;
}

static cJSON *list_resource(const struct drive *d, const char *list_guid, const char *url_name,
                            const char *title)
{
    cJSON *r = cJSON_CreateObject();
    char *display = xasprintf("%s - %s", d->site->title, title);
    char *url = list_view_url(d);

    cJSON_AddStringToObject(r, "id", list_guid);
    cJSON_AddStringToObject(r, "name", url_name);
    cJSON_AddStringToObject(r, "displayName", display);
    cJSON_AddStringToObject(r, "description", d->description ? d->description : "");
    add_date(r, "lastModifiedDateTime", d->modified, true);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(r, "parentReference"), "siteId", d->site->id);
    cJSON_AddStringToObject(r, "webUrl", url);
    free(display);
    free(url);
    return r;
}

/* The view page's name, not the library's; no driveType, quota or owner. */
static cJSON *drive_resource(const struct drive *d)
{
    cJSON *r = cJSON_CreateObject();
    char *url = list_view_url(d);
    cJSON *parent;
    cJSON *user;

    cJSON_AddStringToObject(r, "id", d->id);
    cJSON_AddStringToObject(r, "name", "AllItems.aspx");
    add_date(r, "lastModifiedDateTime", d->modified, false);
    user = cJSON_AddObjectToObject(cJSON_AddObjectToObject(r, "createdBy"), "user");
    cJSON_AddStringToObject(user, "displayName",
                            d->owner ? d->owner->display_name : "System Account");
    parent = cJSON_AddObjectToObject(r, "parentReference");
    cJSON_AddStringToObject(parent, "siteId", d->site->id);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(parent, "sharepointIds"), "listId",
                            d->list_guid);
    cJSON_AddStringToObject(r, "webUrl", url);
    free(url);
    return r;
}

/* As recorded: no eTag, cTag, file or folder. */
static cJSON *item_resource(const struct item *it, bool as_list_item)
{
    cJSON *r = cJSON_CreateObject();
    char *encoded = item_web_url(it, true);
    char *url = url_decode(encoded, strlen(encoded));
    char id[40];
    char number[24];
    cJSON *times;
    cJSON *parent;
    cJSON *ids;

    item_id(id, it);
    snprintf(number, sizeof(number), "%llu", (unsigned long long)it->serial);
    cJSON_AddStringToObject(r, "id", as_list_item ? number : id);
    cJSON_AddStringToObject(r, "name", it->name);
    cJSON_AddStringToObject(r, "webUrl", url ? url : encoded);
    add_date(r, "createdDateTime", it->created, false);
    add_date(r, "lastModifiedDateTime", it->modified, false);
    parent = cJSON_AddObjectToObject(r, "parentReference");
    cJSON_AddStringToObject(parent, "siteId", it->drive->site->id);
    ids = cJSON_CreateObject();
    cJSON_AddStringToObject(ids, "listId", it->drive->list_guid);
    cJSON_AddStringToObject(ids, "listItemId", number);
    if (as_list_item) {
        cJSON_AddItemToObject(r, "sharepointIds", ids);
    } else {
        char parent_id[40];

        item_id_of(parent_id, it->drive, it->parent_serial);
        cJSON_AddStringToObject(parent, "driveId", it->drive->id);
        cJSON_AddStringToObject(parent, "id", parent_id);
        cJSON_AddItemToObject(parent, "sharepointIds", ids);
        cJSON_AddNumberToObject(r, "size", (double)store_size(it));
        times = cJSON_AddObjectToObject(r, "fileSystemInfo");
        add_date(times, "createdDateTime", it->fs_created, false);
        add_date(times, "lastModifiedDateTime", it->fs_modified, false);
    }
    free(encoded);
    free(url);
    return r;
}

/* --- documents -----------------------------------------------------------------------------------
 */

static void add_property(struct kql_document *doc, const char *name, const char *value)
{
    doc->property[doc->n_properties].name = name;
    doc->property[doc->n_properties].value = value;
    doc->n_properties++;
}

static void add_place(struct kql_document *doc, const struct site *s)
{
    add_property(doc, "siteid", s->site_guid);
    add_property(doc, "webid", s->web_guid);
    add_property(doc, "sitetitle", s->title);
    add_property(doc, "webtemplate", s->template_name);
}

static void try_site(struct hits *h, const struct site *s)
{
    char *url = url_decode(s->web_url, strlen(s->web_url));
    char *text = xasprintf("%s %s %s %s", s->title, s->name, s->description ? s->description : "",
                           url ? url : "");
    struct kql_document doc = {.text = text};

    add_property(&doc, "contentclass", s->parent ? "STS_Web" : "STS_Site");
    add_property(&doc, "path", url);
    add_property(&doc, "title", s->title);
    add_place(&doc, s);
    if (kql_matches(h->query, &doc)) {
        add_hit(h, site_resource(h, s), "site", s->id);
    }
    free(text);
    free(url);
}

/* `drive` finds only by a word of the library's name; "*" lists nothing. */
static bool drive_is_named(const struct hits *h, const struct drive *d)
{
    char *words = kql_words(h->query);
    bool named = false;
    char *rest = words;

    while (*rest != '\0') {
        size_t n = strcspn(rest, " ");
        char *word = xstrndup(rest, n);

        named |= str_ifind(d->name, word) != NULL || str_ifind(d->site->title, word) != NULL;
        free(word);
        rest += n;
        rest += *rest == ' ';
    }
    free(words);
    return named;
}

static void try_library(struct hits *h, const struct drive *d)
{
    char *title = xasprintf("%s%s", d->search_is_stale ? "Old " : "", d->name);
    char *url = url_decode(d->web_url, strlen(d->web_url));
    char *text = xasprintf("%s %s %s %s", d->site->title, title, d->url_name, url ? url : "");
    struct kql_document doc = {.text = text};

    add_property(&doc, "contentclass", "STS_List_DocumentLibrary");
    add_property(&doc, "path", url);
    add_property(&doc, "title", title);
    add_property(&doc, "listid", d->list_guid);
    add_place(&doc, d->site);
    if (kql_matches(h->query, &doc)) {
        if (h->entities & LIST) {
            add_hit(h, list_resource(d, d->list_guid, d->url_name, title), "list", d->list_guid);
        }
        if ((h->entities & DRIVE) && drive_is_named(h, d)) {
            add_hit(h, drive_resource(d), "drive", d->id);
        }
    }
    free(title);
    free(text);
    free(url);
}

static bool try_item(const struct item *it, void *payload)
{
    struct hits *h = payload;
    const char *dot = strrchr(it->name, '.');
    bool is_file = it->kind == ITEM_FILE;
    char *encoded = item_web_url(it, true);
    char *url = url_decode(encoded, strlen(encoded));
    struct kql_document doc = {.text = it->name};

    add_property(&doc, "contentclass", "STS_ListItem_DocumentLibrary");
    add_property(&doc, "path", url);
    add_property(&doc, "title", it->name);
    add_property(&doc, "filename", it->name);
    add_property(&doc, "filetype", is_file && dot ? dot + 1 : "");
    add_property(&doc, "isdocument", is_file ? "true" : "false");
    add_property(&doc, "listid", it->drive->list_guid);
    add_place(&doc, it->drive->site);
    if (it->parent_serial != 0 && kql_matches(h->query, &doc)) {
        bool as_list_item = !(h->entities & DRIVE_ITEM);
        cJSON *resource = item_resource(it, as_list_item);

        add_hit(h, resource, as_list_item ? "listItem" : "driveItem",
                cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(resource, "id")));
    }
    free(encoded);
    free(url);
    return cJSON_GetArraySize(h->list) < h->limit;
}

/* A library that is gone but still in the index: its ids lead nowhere. */
static void add_ghost(struct hits *h, const struct drive *like, int n)
{
    char guid[GUID_TEXT];
    char name[32];

    snprintf(guid, sizeof(guid), "dead0000-0000-4000-8000-%012d", n);
    snprintf(name, sizeof(name), "Ghost %d", n);
    add_hit(h, list_resource(like, guid, name, name), "list", guid);
}

void search_collect(struct hits *h)
{
    struct tenant *t = h->rq->tenant;
    char *words = kql_words(h->query);

    for (size_t i = 0; (h->entities & SITE) && i < t->n_sites; i++) {
        const struct site *s = t->sites[i];

        if (!s->is_hidden && site_access(s, h->rq->user) != ACCESS_NONE) {
            try_site(h, s);
        }
    }
    for (size_t i = 0; i < t->n_drives; i++) {
        struct drive *d = t->drives[i];
        bool is_seen =
            !d->is_hidden && !d->site->is_hidden && drive_access(d, h->rq->user) != ACCESS_NONE;

        if (is_seen && (h->entities & (LIST | DRIVE))) {
            try_library(h, d);
        }
        if (is_seen && (h->entities & (DRIVE_ITEM | LIST_ITEM)) &&
            cJSON_GetArraySize(h->list) < h->limit) {
            store_search(d, words, try_item, h);
        }
    }
    for (int i = 0; (h->entities & LIST) && i < h->state->ghosts && t->n_drives > 0; i++) {
        add_ghost(h, t->drives[0], i);
    }
    free(words);
}
