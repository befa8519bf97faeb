/*
 * graph_misc.c - Graph without files: people, the organisation, sites, lists, groups and teams.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "graph_search.h"
#include "http.h"
#include "item_json.h"
#include "site_json.h"
#include "world.h"

#define MAX_SEGMENTS 8

/* The path of a request, cut at '/'; each segment decoded. */
struct path {
    char *part[MAX_SEGMENTS];
    size_t n;
};

static bool path_read(struct path *p, const char *raw)
{
    *p = (struct path){0};
    while (*raw == '/') {
        size_t n = strcspn(raw + 1, "/");

        if (n == 0 && raw[1] == '\0') {
            break;
        }
        if (p->n == MAX_SEGMENTS) {
            return false;
        }
        p->part[p->n] = url_decode(raw + 1, n);
        if (!p->part[p->n++]) {
            return false;
        }
        raw += 1 + n;
    }
    return p->n > 0;
}

static void path_clear(struct path *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->part[i]);
    }
    p->n = 0;
}

/* The path is exactly these segments; "*" stands for any. */
static bool path_is(const struct path *p, size_t from, const char *pattern)
{
    size_t i = from;

    while (*pattern != '\0') {
        size_t n = strcspn(pattern, "/");

        if (i >= p->n || !((n == 1 && *pattern == '*') ||
                           (strlen(p->part[i]) == n && strncasecmp(p->part[i], pattern, n) == 0))) {
            return false;
        }
        i++;
        pattern += n;
        pattern += *pattern == '/';
    }
    return i == p->n;
}

static void reply(const struct http_request *rq, struct http_response *rs, cJSON *json,
                  const char *context, unsigned ru)
{
    char *url = xasprintf("%s/v1.0/$metadata#%s", rq->graph_url, context);

    cJSON_AddStringToObject(json, "@odata.context", url);
    http_reply_json(rs, 200, json);
    rs->ru = ru;
    free(url);
}

static cJSON *collection(cJSON **list)
{
    cJSON *root = cJSON_CreateObject();

    *list = cJSON_AddArrayToObject(root, "value");
    return root;
}

static void not_found(const struct http_request *rq, struct http_response *rs)
{
    http_reply_error(rq, rs, 404, "itemNotFound", NULL, "The requested resource is not found.");
    rs->ru = 1;
}

/* --- people and the organisation -----------------------------------------------------------------
 */

static cJSON *user_json(const struct user *u)
{
    cJSON *root = cJSON_CreateObject();

    cJSON_AddArrayToObject(root, "businessPhones");
    cJSON_AddStringToObject(root, "displayName", u->display_name);
    cJSON_AddNullToObject(root, "givenName");
    cJSON_AddNullToObject(root, "jobTitle");
    cJSON_AddStringToObject(root, "mail", u->upn);
    cJSON_AddNullToObject(root, "mobilePhone");
    cJSON_AddNullToObject(root, "officeLocation");
    cJSON_AddStringToObject(root, "preferredLanguage", "en-US");
    cJSON_AddNullToObject(root, "surname");
    cJSON_AddStringToObject(root, "userPrincipalName", u->upn);
    cJSON_AddStringToObject(root, "id", u->id);
    return root;
}

static void get_user(const struct http_request *rq, struct http_response *rs, const struct user *u)
{
    char *select = http_query(rq, "select");
    cJSON *json;

    if (!u) {
        http_reply_error(rq, rs, 404, "Request_ResourceNotFound", NULL, "Resource does not exist.");
    } else {
        json = user_json(u);
        json_select(json, select);
        reply(rq, rs, json, "users/$entity", 0);
    }
    free(select);
}

static void get_organization(const struct http_request *rq, struct http_response *rs)
{
    const struct tenant *t = rq->tenant;
    char *select = http_query(rq, "select");
    char *domain = xasprintf("%s.example", t->name);
    cJSON *list;
    cJSON *root = collection(&list);
    cJSON *org = cJSON_CreateObject();
    cJSON *domains;
    cJSON *one;

    cJSON_AddStringToObject(org, "id", t->id);
    cJSON_AddStringToObject(org, "displayName", t->display_name);
    cJSON_AddStringToObject(org, "tenantType", "AAD");
    domains = cJSON_AddArrayToObject(org, "verifiedDomains");
    for (int i = 0; i < 2; i++) { /* the initial one is not the first */
        one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "capabilities", "Email, OfficeCommunicationsOnline");
        cJSON_AddBoolToObject(one, "isDefault", i == 0);
        cJSON_AddBoolToObject(one, "isInitial", i == 1);
        cJSON_AddStringToObject(one, "name", i == 0 ? domain : t->initial_domain);
        cJSON_AddStringToObject(one, "type", "Managed");
        cJSON_AddItemToArray(domains, one);
    }
    json_select(org, select);
    cJSON_AddItemToArray(list, org);
    reply(rq, rs, root, "organization", 0);
    free(domain);
    free(select);
}

/* --- sites ---------------------------------------------------------------------------------------
 */

static bool sees_site(const struct site *s, const struct user *u)
{
    return site_access(s, u) != ACCESS_NONE;
}

/* The words of a site search: all must be in the title, the name or the URL. */
static bool site_matches(const struct site *s, const char *text)
{
    const char *p = text;

    while (*p != '\0') {
        size_t n = strcspn(p, " ");
        char *word = xstrndup(p, n);
        bool found;

        if (n > 0 && word[n - 1] == '*') {
            word[n - 1] = '\0';
        }
        found =
            str_ifind(s->title, word) || str_ifind(s->name, word) || str_ifind(s->web_url, word);
        free(word);
        if (!found) {
            return false;
        }
        p += n;
        p += *p == ' ';
    }
    return true;
}

/* Facts, 1.2: `search=*` gives many sites but not all of them, and some twice. */
static bool is_forgotten_by_search(size_t i)
{
    return i % 10 == 9;
}

/* How many sites the pages before had: the token is opaque to clients. */
static int64_t read_skip(const struct http_request *rq)
{
    char *token = http_query(rq, "skiptoken");
    size_t n = 0;
    char *page = token ? base64url_decode(token, strlen(token), &n) : NULL;
    const char *at = page ? strstr(page, "p=") : NULL;
    int64_t skip = at ? strtoll(at + 2, NULL, 10) : 0;

    free(page);
    free(token);
    return skip > 0 ? skip : 0;
}

static void search_sites(const struct http_request *rq, struct http_response *rs, const char *text)
{
    struct tenant *t = rq->tenant;
    char *select = http_query(rq, "select");
    int64_t top = http_query_int(rq, "top", 200);
    int64_t skip = read_skip(rq);
    int64_t seen = 0;
    bool all = strcmp(text, "*") == 0 || *text == '\0';
    cJSON *list;
    cJSON *root = collection(&list);
    size_t i;

    top = top < 1 ? 1 : top > 500 ? 500 : top;
    world_lock(t->world);
    for (i = 0; i < t->n_sites; i++) {
        const struct site *s = t->sites[i];

        if (s->is_hidden || !sees_site(s, rq->user) || !site_matches(s, all ? "" : text) ||
            (all && is_forgotten_by_search(i))) {
            continue;
        }
        if (seen++ < skip) {
            continue;
        }
        if (cJSON_GetArraySize(list) >= top) {
            char *encoded = url_encode(text);
            char *page = xasprintf("Paged=TRUE&p=%" PRIi64, skip + top);
            char *token = base64url_encode(page, strlen(page));
            char *link = xasprintf("%s/v1.0/sites?search=%s&$top=%lld&$skiptoken=%s", rq->graph_url,
                                   encoded, (long long)top, token);

            cJSON_AddStringToObject(root, "@odata.nextLink", link);
            free(link);
            free(encoded);
            free(page);
            free(token);
            break;
        }
        cJSON_AddItemToArray(list, site_json(s, select));
        if (all && i % 16 == 3) {
            cJSON_AddItemToArray(list, site_json(s, select)); /* twice on one page */
        }
    }
    world_unlock(t->world);
    reply(rq, rs, root, "sites", 2);
    free(select);
}

/* With the switch `list_pages`: one entry of the list, and a link to the next. */
static void cut_page(const struct http_request *rq, cJSON *root, cJSON *list)
{
    int64_t skip = read_skip(rq);
    bool has_more = cJSON_GetArraySize(list) > skip + 1;
    char *select;
    char *page;
    char *token;
    char *link;

    if (!rq->tenant->switches.list_pages) {
        return;
    }
    for (int64_t i = 0; i < skip; i++) {
        cJSON_DeleteItemFromArray(list, 0);
    }
    while (cJSON_GetArraySize(list) > 1) {
        cJSON_DeleteItemFromArray(list, 1);
    }
    if (!has_more) {
        return;
    }
    select = http_query(rq, "select");
    page = xasprintf("p=%" PRIi64, skip + 1);
    token = base64url_encode(page, strlen(page));
    link = xasprintf("%s/v1.0%s?%s%s%s$skiptoken=%s", rq->graph_url, rq->path,
                     select ? "$select=" : "", select ? select : "", select ? "&" : "", token);
    cJSON_AddStringToObject(root, "@odata.nextLink", link);
    free(link);
    free(token);
    free(page);
    free(select);
}

static void get_sites(const struct http_request *rq, struct http_response *rs)
{
    char *text = http_query(rq, "search");
    cJSON *list;

    if (text) {
        search_sites(rq, rs, text);
    } else {
        reply(rq, rs, collection(&list), "sites", 2); /* delegated: always empty */
    }
    free(text);
}

static void get_followed(const struct http_request *rq, struct http_response *rs)
{
    struct tenant *t = rq->tenant;
    cJSON *list;
    cJSON *root = collection(&list);

    world_lock(t->world);
    for (size_t i = 0; i < t->n_sites; i++) {
        const struct site *s = t->sites[i];
        bool followed = rq->user->followed_sites == NULL && s->is_followed;
        const cJSON *path;

        cJSON_ArrayForEach(path, rq->user->followed_sites)
        {
            followed |= cJSON_IsString(path) && tenant_site_by_path(t, path->valuestring) == s;
        }
        if (followed && !s->is_personal && sees_site(s, rq->user)) {
            cJSON_AddItemToArray(
                list, site_json(s, "id,webUrl,displayName,name,sharepointIds,siteCollection"));
        }
    }
    cut_page(rq, root, list);
    world_unlock(t->world);
    reply(rq, rs, root, "sites", 2);
}

static void get_subsites(const struct http_request *rq, struct http_response *rs,
                         const struct site *parent)
{
    struct tenant *t = rq->tenant;
    char *select = http_query(rq, "select");
    cJSON *list;
    cJSON *root = collection(&list);

    world_lock(t->world);
    for (size_t i = 0; i < t->n_sites; i++) {
        if (t->sites[i]->parent == parent && sees_site(t->sites[i], rq->user)) {
            cJSON_AddItemToArray(list, site_json(t->sites[i], select));
        }
    }
    world_unlock(t->world);
    reply(rq, rs, root, "sites", 2);
    free(select);
}

static void get_lists(const struct http_request *rq, struct http_response *rs, const struct site *s)
{
    char *select = http_query(rq, "select");
    bool system = select && list_names(select, "system");
    cJSON *list;
    cJSON *root = collection(&list);

    world_lock(rq->tenant->world);
    for (size_t i = 0; i < s->n_drives; i++) {
        struct drive *d = s->drives[i];

        if (drive_access(d, rq->user) != ACCESS_NONE && (system || !d->is_system)) {
            cJSON *one = list_json(d);

            if (system && d->is_system) {
                cJSON_AddObjectToObject(one, "system");
            }
            json_select(one, select);
            cJSON_AddItemToArray(list, one);
        }
    }
    world_unlock(rq->tenant->world);
    reply(rq, rs, root, "lists", 2);
    free(select);
}

static void get_list(const struct http_request *rq, struct http_response *rs, struct site *s,
                     const char *key)
{
    char *select = http_query(rq, "select");
    struct drive *d;
    cJSON *json = NULL;

    world_lock(rq->tenant->world);
    d = site_drive(s, key);
    if (d && drive_access(d, rq->user) != ACCESS_NONE) {
        json = list_json(d);
        if (d->is_system) {
            cJSON_AddObjectToObject(json, "system");
        }
        json_select(json, select);
    }
    world_unlock(rq->tenant->world);
    if (json) {
        reply(rq, rs, json, "lists/$entity", 1);
    } else {
        not_found(rq, rs);
    }
    free(select);
}

/* What follows a site, p->part[from...]: nothing, sites, lists, lists/{l}. */
static bool dispatch_site(const struct http_request *rq, struct http_response *rs, struct site *s,
                          const struct path *p, size_t from)
{
    bool visible;
    char *select;

    if (p->n > from && !path_is(p, from, "sites") && !path_is(p, from, "lists") &&
        !path_is(p, from, "lists/*")) {
        return false; /* drives are files' business */
    }
    world_lock(rq->tenant->world);
    visible = s && sees_site(s, rq->user);
    world_unlock(rq->tenant->world);
    if (!visible) {
        http_reply_error(rq, rs, 404, "itemNotFound", NULL,
                         "The provided path does not exist, or does not represent a site");
        rs->ru = 1;
    } else if (p->n == from) {
        select = http_query(rq, "select");
        world_lock(rq->tenant->world);
        reply(rq, rs, site_json(s, select), "sites/$entity", 1);
        world_unlock(rq->tenant->world);
        free(select);
    } else if (path_is(p, from, "sites")) {
        get_subsites(rq, rs, s);
    } else if (path_is(p, from, "lists")) {
        get_lists(rq, rs, s);
    } else {
        get_list(rq, rs, s, p->part[from + 1]);
    }
    return true;
}

/* /sites/{host}:/{path} and /sites/{host}:/{path}:/{rest} */
static bool dispatch_site_path(const struct http_request *rq, struct http_response *rs)
{
    const char *start = rq->path + strlen("/sites/");
    const char *colon = strstr(start, ":/");
    size_t len = strcspn(colon + 1, ":");
    char *host = url_decode(start, (size_t)(colon - start));
    char *path = url_decode(colon + 1, len);
    const char *rest = colon[1 + len] == ':' ? colon + 2 + len : "";
    struct tenant *t = rq->tenant;
    struct site *s = NULL;
    struct path p;
    bool ours = true;

    if (host && path &&
        (str_ieq(host, t->sharepoint_host) || str_ieq(host, t->my_host) || str_ieq(host, "root"))) {
        s = tenant_site_by_path(t, path);
    }
    path_read(&p, rest);
    ours = dispatch_site(rq, rs, s, &p, 0);
    path_clear(&p);
    free(host);
    free(path);
    return ours;
}

static bool dispatch_sites(const struct http_request *rq, struct http_response *rs,
                           const struct path *p)
{
    if (p->n == 1) {
        get_sites(rq, rs);
        return true;
    }
    if (strcmp(p->part[1], "getAllSites") == 0) {
        http_reply_error(rq, rs, 403, "accessDenied", NULL,
                         "This API requires application permissions.");
        return true;
    }
    if (strstr(rq->path, ":/")) {
        return dispatch_site_path(rq, rs);
    }
    return dispatch_site(rq, rs, tenant_site_by_key(rq->tenant, p->part[1]), p, 2);
}

/* --- groups and teams ----------------------------------------------------------------------------
 */

static cJSON *team_json(const struct group *g)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "id", g->id);
    cJSON_AddStringToObject(json, "displayName", g->display_name);
    cJSON_AddStringToObject(json, "description", g->description ? g->description : "");
    return json;
}

static void get_joined_teams(const struct http_request *rq, struct http_response *rs)
{
    struct tenant *t = rq->tenant;
    cJSON *list;
    cJSON *root = collection(&list);

    world_lock(t->world);
    for (size_t i = 0; i < t->n_groups; i++) {
        const struct group *g = &t->groups[i];

        if (g->is_team && g->site && sees_site(g->site, rq->user)) {
            cJSON_AddItemToArray(list, team_json(g));
        }
    }
    cut_page(rq, root, list);
    world_unlock(t->world);
    reply(rq, rs, root, "teams", 0);
}

/* Private and shared channels are shown to their members alone: those who may open the files. */
static bool sees_channel(const struct channel *ch, const struct user *u)
{
    return (!ch->is_private && !ch->is_shared) || drive_access(ch->drive, u) != ACCESS_NONE;
}

static void add_channel(const struct http_request *rq, cJSON *list, const struct group *host,
                        const struct channel *ch, bool is_all)
{
    cJSON *one = cJSON_CreateObject();
    const char *tenant = ch->foreign_tenant ? ch->foreign_tenant : rq->tenant->id;
    char *select = http_query(rq, "select");

    if (is_all) {
        char *link = xasprintf("%s/v1.0/tenants/%s/teams/%s/channels/%s", rq->graph_url, tenant,
                               host->id, ch->id);

        cJSON_AddStringToObject(one, "@odata.id", link);
        cJSON_AddStringToObject(one, "tenantId", tenant);
        free(link);
    }
    cJSON_AddStringToObject(one, "id", ch->id);
    cJSON_AddStringToObject(one, "displayName", ch->name);
    cJSON_AddStringToObject(one, "membershipType",
                            ch->is_private  ? "private"
                            : ch->is_shared ? "shared"
                                            : "standard");
    json_select(one, select);
    cJSON_AddItemToArray(list, one);
    free(select);
}

static bool is_shared_with(const struct channel *ch, const struct group *g)
{
    const cJSON *path;

    cJSON_ArrayForEach(path, ch->shared_with)
    {
        if (cJSON_IsString(path) && g->site &&
            tenant_site_by_path(g->tenant, path->valuestring) == g->site) {
            return true;
        }
    }
    return false;
}

/* The team's own channels and, `is_all`, those of other teams that are shared with it. */
static void get_channels(const struct http_request *rq, struct http_response *rs,
                         const struct group *g, bool is_all)
{
    struct tenant *t = rq->tenant;
    cJSON *list;
    cJSON *root = collection(&list);

    world_lock(t->world);
    for (size_t k = 0; k < t->n_groups; k++) {
        const struct group *host = &t->groups[k];

        for (size_t i = 0; i < host->n_channels; i++) {
            const struct channel *ch = &host->channels[i];

            if (sees_channel(ch, rq->user) && (host == g || (is_all && is_shared_with(ch, g)))) {
                add_channel(rq, list, host, ch, is_all);
            }
        }
    }
    cut_page(rq, root, list);
    world_unlock(t->world);
    reply(rq, rs, root, "channels", 0);
}

/* Members of a shared channel need not be members of the team that hosts it. */
static bool is_guest_of_channel(const struct group *g, const char *channel_id, const struct user *u)
{
    for (size_t i = 0; g && g->is_team && i < g->n_channels; i++) {
        if (g->channels[i].is_shared && strcmp(g->channels[i].id, channel_id) == 0) {
            return sees_channel(&g->channels[i], u);
        }
    }
    return false;
}

/* The channel's folder; its creation date is the year 1, as the service gives it. */
static void get_files_folder(const struct http_request *rq, struct http_response *rs,
                             const struct group *g, const char *channel_id)
{
    struct item *folder = NULL;
    struct item_view view;
    cJSON *json = NULL;

    world_lock(rq->tenant->world);
    for (size_t i = 0; i < g->n_channels && !folder; i++) {
        const struct channel *ch = &g->channels[i];

        if (strcmp(ch->id, channel_id) == 0 && !ch->foreign_tenant &&
            drive_access(ch->drive, rq->user) != ACCESS_NONE) {
            folder = store_by_path(ch->drive, ch->drive->root, ch->folder);
        }
    }
    if (folder) {
        item_view_init(&view, rq);
        json = item_json(folder, &view);
        item_view_clear(&view);
        cJSON_ReplaceItemInObjectCaseSensitive(json, "createdDateTime",
                                               cJSON_CreateString("0001-01-01T00:00:00Z"));
    }
    world_unlock(rq->tenant->world);
    if (json) {
        reply(rq, rs, json, "driveItem", 1);
    } else {
        not_found(rq, rs);
    }
}

static bool dispatch_groups(const struct http_request *rq, struct http_response *rs,
                            const struct path *p)
{
    const struct group *g = p->n > 1 ? tenant_group(rq->tenant, p->part[1]) : NULL;
    bool is_team = str_ieq(p->part[0], "teams");
    bool visible;

    if (p->n < 2 || (!is_team && p->n > 2 && !path_is(p, 2, "sites/root") &&
                     !path_is(p, 2, "sites/root/sites") && !path_is(p, 2, "sites/root/lists"))) {
        return false;
    }
    world_lock(rq->tenant->world);
    visible = g && g->site && sees_site(g->site, rq->user) && (!is_team || g->is_team);
    visible = visible || (is_team && path_is(p, 2, "channels/*/filesFolder") &&
                          is_guest_of_channel(g, p->part[3], rq->user));
    world_unlock(rq->tenant->world);
    if (!visible) {
        not_found(rq, rs);
    } else if (p->n == 2) {
        reply(rq, rs, team_json(g), is_team ? "teams/$entity" : "groups/$entity", 0);
    } else if (!is_team) {
        return dispatch_site(rq, rs, g->site, p, 4);
    } else if (path_is(p, 2, "channels") || path_is(p, 2, "allChannels")) {
        get_channels(rq, rs, g, path_is(p, 2, "allChannels"));
    } else if (path_is(p, 2, "channels/*/filesFolder")) {
        get_files_folder(rq, rs, g, p->part[3]);
    } else {
        return false;
    }
    return true;
}

/* --- dispatch ------------------------------------------------------------------------------------
 */

bool graph_misc_dispatch(struct world *w, const struct http_request *rq, struct http_response *rs)
{
    struct path p;
    bool ours = true;
    bool reads = strcmp(rq->method, "GET") == 0 || strcmp(rq->method, "HEAD") == 0;

    if (!path_read(&p, rq->path)) {
        path_clear(&p);
        return false;
    }
    if (path_is(&p, 0, "search/query") && strcmp(rq->method, "POST") == 0) {
        graph_search(w, rq, rs);
    } else if (!reads) {
        ours = false;
    } else if (path_is(&p, 0, "me")) {
        get_user(rq, rs, rq->user);
    } else if (path_is(&p, 0, "users/*")) {
        get_user(rq, rs, tenant_user(rq->tenant, p.part[1]));
    } else if (path_is(&p, 0, "organization")) {
        get_organization(rq, rs);
    } else if (path_is(&p, 0, "me/followedSites")) {
        get_followed(rq, rs);
    } else if (path_is(&p, 0, "me/joinedTeams")) {
        get_joined_teams(rq, rs);
    } else if (str_ieq(p.part[0], "sites")) {
        ours = dispatch_sites(rq, rs, &p);
    } else if (str_ieq(p.part[0], "groups") || str_ieq(p.part[0], "teams")) {
        ours = dispatch_groups(rq, rs, &p);
    } else {
        ours = false;
    }
    path_clear(&p);
    return ours;
}
