#include "graph_search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search_index.h"
#include "server.h"
#include "site_json.h"

#define MAX_ITEM_HITS 2000 /* of driveItem and listItem: more are not looked for */

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

    if (strcmp(m->string, "outage") == 0 && cJSON_IsBool(m)) {
        st->outage = cJSON_IsTrue(m) ? 503 : 0;
        return true;
    }
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
            search_collect(&h);
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
