#include "graph_search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "item_json.h"
#include "kql.h"
#include "server.h"
#include "site_json.h"

#define MAX_ITEM_HITS 2000 /* of driveItem and listItem: more are not looked for */

enum entity {
    SITE = 1,
    LIST = 2,
    DRIVE = 4,
    DRIVE_ITEM = 8,
    LIST_ITEM = 16,
    ALONE = 32,
    OTHER = 64
};

/* How the index of one tenant behaves. */
struct search_state {
    pthread_mutex_t lock; /* guards all below */
    int outage;           /* this status instead of an answer; 0: none */
    int fail_from;        /* 500 for pages whose `from` is at least this; 0: none */
    int shrink;           /* only so many hits are left; -1: all */
    int ghosts;           /* so many libraries are still indexed that are gone */
    int max_size;         /* 500 or 1000: the documents disagree */
    bool duplicates;      /* a page begins with the last hit of the page before */
    bool site_names;      /* name and displayName on site hits: not known from the service */
    bool empty;           /* transiently nothing */
};

struct hits {
    cJSON *list; /* array of resources, each with "hitId" */
    const struct kql *query;
    const struct http_request *rq;
    const struct search_state *state;
    unsigned entities;
    int limit;
};

/* --- state ---------------------------------------------------------------------------------------
 */

static bool read_member(struct search_state *st, const cJSON *m)
{
    const struct {
        const char *name;
        int *number;
        bool *flag;
    } members[] = {{"outage", &st->outage, NULL},     {"fail_from", &st->fail_from, NULL},
                   {"shrink", &st->shrink, NULL},     {"ghosts", &st->ghosts, NULL},
                   {"max_size", &st->max_size, NULL}, {"duplicates", NULL, &st->duplicates},
                   {"empty", NULL, &st->empty},       {"site_names", NULL, &st->site_names}};

    for (size_t i = 0; i < COUNT_OF(members); i++) {
        if (strcmp(members[i].name, m->string) != 0) {
            continue;
        }
        if (members[i].number && cJSON_IsNumber(m)) {
            *members[i].number = m->valueint;
            return true;
        }
        if (members[i].flag && cJSON_IsBool(m)) {
            *members[i].flag = cJSON_IsTrue(m);
            return true;
        }
    }
    return false;
}

static struct search_state *state_of(struct server *s, const struct tenant *t)
{
    return &s->search[t - s->world->tenants];
}

bool search_configure(struct server *s, const struct tenant *t, const cJSON *members)
{
    struct search_state *st = state_of(s, t);
    bool good = true;
    const cJSON *m;

    pthread_mutex_lock(&st->lock);
    cJSON_ArrayForEach(m, members)
    {
        good = read_member(st, m) && good;
    }
    pthread_mutex_unlock(&st->lock);
    return good;
}

void search_init(struct server *s)
{
    s->search = xcalloc(s->world->n_tenants, sizeof(*s->search));
    for (size_t i = 0; i < s->world->n_tenants; i++) {
        struct tenant *t = &s->world->tenants[i];
        struct search_state *st = &s->search[i];

        *st = (struct search_state){.shrink = -1, .max_size = 500, .site_names = true};
        pthread_mutex_init(&st->lock, NULL);
        if (!search_configure(s, t, cJSON_GetObjectItemCaseSensitive(t->spec, "search"))) {
            die("tenant '%s': \"search\" has a member that is not known", t->name);
        }
    }
}

void search_free(struct server *s)
{
    free(s->search);
    s->search = NULL;
}

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
    char *url = url_decode(d->web_url, strlen(d->web_url));
    char *text = xasprintf("%s %s %s %s", d->site->title, d->name, d->url_name, url ? url : "");
    struct kql_document doc = {.text = text};

    add_property(&doc, "contentclass", "STS_List_DocumentLibrary");
    add_property(&doc, "path", url);
    add_property(&doc, "title", d->name);
    add_property(&doc, "listid", d->list_guid);
    add_place(&doc, d->site);
    if (kql_matches(h->query, &doc)) {
        if (h->entities & LIST) {
            add_hit(h, list_resource(d, d->list_guid, d->url_name, d->name), "list", d->list_guid);
        }
        if ((h->entities & DRIVE) && drive_is_named(h, d)) {
            add_hit(h, drive_resource(d), "drive", d->id);
        }
    }
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

/* Everything this user may see that matches, in the order of the world. World locked. */
static void collect(struct hits *h)
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
        bool is_seen = !d->is_hidden && !d->search_is_stale && !d->site->is_hidden &&
                       drive_access(d, h->rq->user) != ACCESS_NONE;

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

/* --- request -------------------------------------------------------------------------------------
 */

static unsigned entity_of(const char *name)
{
    static const struct {
        const char *name;
        unsigned entity;
    } known[] = {
        {"site", SITE},          {"list", LIST},     {"drive", DRIVE}, {"driveItem", DRIVE_ITEM},
        {"listItem", LIST_ITEM}, {"message", ALONE}, {"event", ALONE}, {"externalItem", OTHER}};

    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcmp(known[i].name, name) == 0) {
            return known[i].entity;
        }
    }
    return 0;
}

struct search_request {
    unsigned entities;
    char *query;
    int from, size;
    const cJSON *fields;
};

static const char *read_entities(const cJSON *types, unsigned *out)
{
    const cJSON *one;
    int n = 0;

    cJSON_ArrayForEach(one, types)
    {
        unsigned e = cJSON_IsString(one) ? entity_of(one->valuestring) : 0;

        if (e == 0) {
            return "The value of EntityType is not valid.";
        }
        *out |= e;
        n++;
    }
    if (n == 0) {
        return "EntityTypes is required.";
    }
    return (*out & ALONE) && n > 1 ? "This combination of entity types is not supported." : NULL;
}

static const char *known_members(const cJSON *one)
{
    static const char *const known[] = {"entityTypes",
                                        "query",
                                        "from",
                                        "size",
                                        "fields",
                                        "sortProperties",
                                        "region",
                                        "enableTopResults",
                                        "aggregations",
                                        "aggregationFilters",
                                        "contentSources",
                                        "collapseProperties",
                                        "queryAlterationOptions",
                                        "resultTemplateOptions",
                                        "sharePointOneDriveOptions"};
    const cJSON *m;

    cJSON_ArrayForEach(m, one)
    {
        bool found = m->string[0] == '@';

        for (size_t i = 0; i < COUNT_OF(known) && !found; i++) {
            found = strcmp(known[i], m->string) == 0;
        }
        if (!found) { /* trimDuplicates is not in v1.0: a closed type refuses it */
            return "The property does not exist on type 'microsoft.graph.searchRequest'.";
        }
    }
    return NULL;
}

static char *full_query(const cJSON *query)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(query, "queryString"));
    const char *form =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(query, "queryTemplate"));
    const char *mark = form ? strstr(form, "{searchTerms}") : NULL;

    if (!text) {
        return NULL;
    }
    if (!mark) {
        return xstrdup(form ? form : text);
    }
    return xasprintf("%.*s%s%s", (int)(mark - form), form, text, mark + strlen("{searchTerms}"));
}

/* NULL, or why it is a 400. */
static const char *read_request(struct search_request *out, const cJSON *root,
                                const struct search_state *st)
{
    static const char *const sortable[] = {"lastModifiedDateTime", "createdDateTime", "name",
                                           "size", "title"};
    const cJSON *requests = cJSON_GetObjectItemCaseSensitive(root, "requests");
    const cJSON *one = cJSON_GetArrayItem(requests, 0);
    const cJSON *from = cJSON_GetObjectItemCaseSensitive(one, "from");
    const cJSON *size = cJSON_GetObjectItemCaseSensitive(one, "size");
    const cJSON *sort;
    const char *problem;

    if (!cJSON_IsArray(requests) || !cJSON_IsObject(one) || cJSON_GetArraySize(requests) != 1) {
        return "Exactly one search request is supported.";
    }
    problem = known_members(one);
    if (!problem) {
        problem =
            read_entities(cJSON_GetObjectItemCaseSensitive(one, "entityTypes"), &out->entities);
    }
    if (problem) {
        return problem;
    }
    out->query = full_query(cJSON_GetObjectItemCaseSensitive(one, "query"));
    out->from = cJSON_IsNumber(from) ? from->valueint : 0;
    out->size = cJSON_IsNumber(size) ? size->valueint : 25;
    out->fields = cJSON_GetObjectItemCaseSensitive(one, "fields");
    if (!out->query) {
        return "Query is required.";
    }
    if (out->from < 0 || out->size < 0 || out->size > st->max_size) {
        return "The value of 'from' or 'size' is out of range.";
    }
    cJSON_ArrayForEach(sort, cJSON_GetObjectItemCaseSensitive(one, "sortProperties"))
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(sort, "name"));
        bool good = false;

        for (size_t i = 0; name && i < COUNT_OF(sortable); i++) {
            good |= strcmp(name, sortable[i]) == 0;
        }
        if (!good || (out->entities & DRIVE)) {
            return "The sort property is not sortable.";
        }
    }
    return NULL;
}

static void trim_fields(cJSON *resource, const cJSON *fields)
{
    struct strbuf select = {0};
    const cJSON *f;

    cJSON_ArrayForEach(f, fields)
    {
        sb_printf(&select, "%s%s", select.len ? "," : "", cJSON_IsString(f) ? f->valuestring : "");
    }
    json_select(resource, select.data);
    sb_clear(&select);
}

/* --- response ------------------------------------------------------------------------------------
 */

static cJSON *answer(const struct search_request *req, const struct search_state *st, cJSON *all,
                     const char *words)
{
    int total = cJSON_GetArraySize(all);
    int from = req->from;
    cJSON *root = cJSON_CreateObject();
    cJSON *value = cJSON_CreateObject();
    cJSON *container = cJSON_CreateObject();
    cJSON *hits = cJSON_CreateArray();

    if (st->shrink >= 0 && total > st->shrink) {
        total = st->shrink;
    }
    from -= st->duplicates && from > 0;
    for (int i = 0; i < req->size && from < total; i++) {
        cJSON *hit = cJSON_DetachItemFromArray(all, from); /* the rest moves up */

        total--;
        cJSON_AddNumberToObject(hit, "rank", req->from + i + 1);
        cJSON_AddStringToObject(hit, "summary", "");
        if (cJSON_IsArray(req->fields)) {
            trim_fields(cJSON_GetObjectItemCaseSensitive(hit, "resource"), req->fields);
        }
        cJSON_AddItemToArray(hits, hit);
    }
    cJSON_AddNumberToObject(container, "total", total + cJSON_GetArraySize(hits));
    cJSON_AddBoolToObject(container, "moreResultsAvailable", from < total);
    if (cJSON_GetArraySize(hits) > 0) {
        cJSON_AddItemToObject(container, "hits", hits);
    } else {
        cJSON_Delete(hits); /* an empty result has no "hits" */
    }
    cJSON_AddItemToArray(cJSON_AddArrayToObject(value, "searchTerms"), cJSON_CreateString(words));
    cJSON_AddItemToArray(cJSON_AddArrayToObject(value, "hitsContainers"), container);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(root, "value"), value);
    return root;
}

void graph_search(struct world *w, const struct http_request *rq, struct http_response *rs)
{
    struct search_state *shared = state_of(rq->server, rq->tenant);
    struct search_state st;
    struct search_request req = {0};
    cJSON *root = http_body_json(rq);
    const char *problem;
    struct kql *query = NULL;

    pthread_mutex_lock(&shared->lock);
    st = *shared;
    pthread_mutex_unlock(&shared->lock);
    rs->ru = 2;
    problem = root ? read_request(&req, root, &st) : "The request body is not JSON.";
    query = problem ? NULL : kql_parse(req.query);
    if (!problem && !query) {
        problem = "The query is malformed.";
    }
    if (problem) {
        http_reply_error(rq, rs, 400, "BadRequest", NULL, "SearchRequest Invalid (%s)", problem);
    } else if (st.outage != 0 || (st.fail_from > 0 && req.from >= st.fail_from)) {
        http_reply_error(rq, rs, st.outage ? st.outage : 500, "generalException", NULL,
                         "An internal error occurred in search.");
    } else {
        struct hits h = {.list = cJSON_CreateArray(),
                         .query = query,
                         .rq = rq,
                         .state = &st,
                         .entities = req.entities,
                         .limit = MAX_ITEM_HITS};
        char *words = kql_words(query);
        char *context = xasprintf("%s/v1.0/$metadata#Collection(microsoft.graph.searchResponse)",
                                  rq->graph_url);
        cJSON *out;

        if (!st.empty) {
            world_lock(w);
            collect(&h);
            world_unlock(w);
        }
        out = answer(&req, &st, h.list, words);
        cJSON_AddStringToObject(out, "@odata.context", context);
        http_reply_json(rs, 200, out);
        cJSON_Delete(h.list);
        free(words);
        free(context);
    }
    kql_free(query);
    free(req.query);
    cJSON_Delete(root);
}
