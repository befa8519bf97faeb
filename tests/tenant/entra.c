/*
 * entra.c - which page of the sign-in service answers; discovery documents; settings.
 */
#include "entra.h"

#include <stdlib.h>
#include <string.h>

/* --- settings ------------------------------------------------------------------------------------
 */

void signin_configure(struct server *s, const struct tenant *t, const cJSON *members)
{
    const cJSON *m;
    cJSON *own;

    pthread_mutex_lock(&s->signin_lock);
    own = cJSON_GetObjectItemCaseSensitive(s->signin, t->id);
    cJSON_ArrayForEach(m, members)
    {
        cJSON_DeleteItemFromObjectCaseSensitive(own, m->string);
        cJSON_AddItemToObject(own, m->string, cJSON_Duplicate(m, true));
    }
    pthread_mutex_unlock(&s->signin_lock);
}

void signin_init(struct server *s)
{
    pthread_mutex_init(&s->signin_lock, NULL);
    s->signin = cJSON_CreateObject();
    for (size_t i = 0; i < s->world->n_tenants; i++) {
        const struct tenant *t = &s->world->tenants[i];

        cJSON_AddObjectToObject(s->signin, t->id);
        signin_configure(s, t, cJSON_GetObjectItemCaseSensitive(t->spec, "signin"));
    }
}

/* A copy of the setting, for the caller to delete; NULL when absent. */
static cJSON *setting(struct server *s, const struct tenant *t, const char *name)
{
    const cJSON *own;
    cJSON *copy;

    pthread_mutex_lock(&s->signin_lock);
    own = cJSON_GetObjectItemCaseSensitive(s->signin, t ? t->id : s->world->tenants[0].id);
    copy = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(own, name), true);
    pthread_mutex_unlock(&s->signin_lock);
    return copy;
}

bool signin_flag(struct server *s, const struct tenant *t, const char *name)
{
    cJSON *v = setting(s, t, name);
    bool is_on = cJSON_IsTrue(v);

    cJSON_Delete(v);
    return is_on;
}

int signin_number(struct server *s, const struct tenant *t, const char *name, int fallback)
{
    cJSON *v = setting(s, t, name);
    int number = cJSON_IsNumber(v) ? v->valueint : fallback;

    cJSON_Delete(v);
    return number;
}

char *signin_text(struct server *s, const struct tenant *t, const char *name)
{
    cJSON *v = setting(s, t, name);
    char *text = cJSON_IsString(v) ? xstrdup(v->valuestring) : NULL;

    cJSON_Delete(v);
    return text;
}

/* --- small things --------------------------------------------------------------------------------
 */

char *sign_in_field(const struct sign_in *si, const char *name)
{
    return si->form ? form_get(si->form, name) : NULL;
}

void scope_read(struct grant *g, const char *scope)
{
    struct strbuf out = {0};
    const char *p = scope ? scope : "";

    while (*p != '\0') {
        size_t n = strcspn(p, " ");
        char *word = xstrndup(p, n);

        if (strcmp(word, "openid") == 0 || strcmp(word, "profile") == 0 ||
            strcmp(word, "email") == 0) {
            g->has_openid |= strcmp(word, "openid") == 0;
        } else if (strcmp(word, "offline_access") == 0) {
            g->has_offline = true;
        } else if (n > 0) {
            /* "https://graph.microsoft.com/Files.Read" and "Files.Read" are the same */
            const char *name = str_starts(word, "https://") ? strrchr(word, '/') + 1 : word;

            sb_printf(&out, "%s%s", out.len ? " " : "", name);
        }
        free(word);
        p += n;
        p += *p == ' ';
    }
    free(g->scope);
    g->scope = sb_take(&out);
}

/* --- discovery -----------------------------------------------------------------------------------
 */

static void add_url(cJSON *root, const char *name, const char *base, const char *authority,
                    const char *tail)
{
    char *url = xasprintf("%s/%s%s", base, authority, tail);

    cJSON_AddStringToObject(root, name, url);
    free(url);
}

static void openid_configuration(struct sign_in *si)
{
    const char *base = si->rq->login_url;
    /* Asked by domain, it answers with the GUID: that is how a client learns the tenant's id. */
    const char *a = si->tenant ? si->tenant->id : si->authority;
    cJSON *root = cJSON_CreateObject();

    add_url(root, "token_endpoint", base, a, "/oauth2/v2.0/token");
    add_url(root, "jwks_uri", base, a, "/discovery/v2.0/keys");
    add_url(root, "issuer", base, si->tenant ? a : "{tenantid}", "/v2.0");
    add_url(root, "authorization_endpoint", base, a, "/oauth2/v2.0/authorize");
    add_url(root, "device_authorization_endpoint", base, a, "/oauth2/v2.0/devicecode");
    add_url(root, "end_session_endpoint", base, a, "/oauth2/v2.0/logout");
    if (si->tenant) {
        cJSON_AddStringToObject(root, "tenant_region_scope", "EU");
    } else {
        cJSON_AddNullToObject(root, "tenant_region_scope");
    }
    cJSON_AddStringToObject(root, "cloud_instance_name", "microsoftonline.com");
    cJSON_AddStringToObject(root, "cloud_graph_host_name", "graph.windows.net");
    cJSON_AddStringToObject(root, "msgraph_host", si->rq->graph_url + strlen("https://"));
    http_reply_json(si->rs, 200, root);
}

/* Is this authority host one we are? error `invalid_instance` otherwise. */
static void instance_discovery(struct sign_in *si)
{
    char *endpoint = http_query(si->rq, "authorization_endpoint");
    const char *host = si->rq->login_url + strlen("https://");
    bool known =
        endpoint && str_starts(endpoint, "https://") &&
        (str_starts(endpoint + 8, host) || str_starts(endpoint + 8, "login.microsoftonline.com/"));
    cJSON *root = cJSON_CreateObject();
    const char *path = known ? strchr(endpoint + 8, '/') : NULL;
    char *authority = path ? xstrndup(path + 1, strcspn(path + 1, "/")) : NULL;

    if (authority) {
        add_url(root, "tenant_discovery_endpoint", si->rq->login_url, authority,
                "/v2.0/.well-known/openid-configuration");
        cJSON_AddStringToObject(root, "api-version", "1.1");
        cJSON_AddArrayToObject(root, "metadata");
        http_reply_json(si->rs, 200, root);
    } else {
        cJSON_Delete(root);
        entra_error_as(si->rq, si->rs, "invalid_instance", 50049, NULL, NULL);
    }
    free(authority);
    free(endpoint);
}

static void user_realm(struct sign_in *si, const char *path)
{
    const char *at = strstr(path, "/userrealm/") + strlen("/userrealm/");
    char *upn = url_decode(at, strlen(at));
    const char *domain = upn && strchr(upn, '@') ? strchr(upn, '@') + 1 : "";
    struct tenant *t = *domain ? world_tenant(si->s->world, domain) : NULL;
    char *federation = t ? signin_text(si->s, t, "federation_url") : NULL;
    cJSON *root = cJSON_CreateObject();

    cJSON_AddStringToObject(root, "ver", "1.0");
    cJSON_AddStringToObject(root, "account_type",
                            federation ? "Federated"
                            : t        ? "Managed"
                                       : "Unknown");
    cJSON_AddStringToObject(root, "domain_name", domain);
    cJSON_AddStringToObject(root, "cloud_instance_name", "microsoftonline.com");
    cJSON_AddStringToObject(root, "cloud_audience_urn", "urn:federation:MicrosoftOnline");
    if (federation) {
        cJSON_AddStringToObject(root, "federation_protocol", "WSTrust");
        cJSON_AddStringToObject(root, "federation_active_auth_url", federation);
    }
    http_reply_json(si->rs, 200, root);
    free(federation);
    free(upn);
}

/* --- dispatch ------------------------------------------------------------------------------------
 */

static bool is_post(const struct http_request *rq)
{
    return strcmp(rq->method, "POST") == 0;
}

static void dispatch_path(struct sign_in *si, const char *rest)
{
    if (strcmp(rest, "/v2.0/.well-known/openid-configuration") == 0 ||
        strcmp(rest, "/.well-known/openid-configuration") == 0) {
        openid_configuration(si);
    } else if (strcmp(rest, "/oauth2/v2.0/authorize") == 0 ||
               strcmp(rest, "/oauth2/authorize") == 0) {
        entra_authorize(si);
    } else if (strcmp(rest, "/login") == 0 && is_post(si->rq)) {
        entra_login_form(si);
    } else if ((strcmp(rest, "/oauth2/v2.0/token") == 0 || strcmp(rest, "/oauth2/token") == 0) &&
               is_post(si->rq)) {
        entra_token(si);
    } else if (strcmp(rest, "/oauth2/v2.0/devicecode") == 0 && is_post(si->rq)) {
        entra_device_code(si);
    } else if (strcmp(rest, "/v2.0/adminconsent") == 0) {
        entra_admin_consent(si);
    } else if (strcmp(rest, "/discovery/v2.0/keys") == 0) {
        cJSON *root = cJSON_CreateObject();

        cJSON_AddArrayToObject(root,
                               "keys"); /* nobody checks signatures of tokens that came by TLS */
        http_reply_json(si->rs, 200, root);
    } else if (strcmp(rest, "/oauth2/v2.0/logout") == 0) {
        http_reply_text(
            si->rs, 200, "text/html; charset=utf-8",
            "<!DOCTYPE html><title>Signed out</title><p>You signed out of your account</p>");
    } else {
        http_reply_text(si->rs, 404, "text/html; charset=utf-8",
                        "<!DOCTYPE html><title>Not found</title>");
    }
}

void entra_dispatch(struct world *w, const struct http_request *rq, struct http_response *rs)
{
    struct sign_in si = {.rq = rq, .rs = rs, .s = rq->server};
    size_t n = strcspn(rq->path + 1, "/");
    char *authority = url_decode(rq->path + 1, n);
    const char *rest = rq->path + 1 + n;
    char *body = is_post(rq) && rq->body ? xstrndup(rq->body, (size_t)rq->body_len) : NULL;

    si.authority = authority ? authority : "";
    si.form = is_post(rq) ? body : rq->query;
    if (strcmp(si.authority, "devicelogin") == 0) {
        entra_device_page(&si);
    } else if (strcmp(rest, "/discovery/instance") == 0) {
        instance_discovery(&si);
    } else if (str_starts(rest, "/userrealm/")) {
        user_realm(&si, rq->path);
    } else if (strcmp(si.authority, "common") == 0 || strcmp(si.authority, "organizations") == 0 ||
               strcmp(si.authority, "consumers") == 0) {
        dispatch_path(&si, rest);
    } else {
        si.tenant = world_tenant(w, si.authority);
        /* Entra knows tenants by GUID and domain; the scenario's short name is no domain. */
        if (!si.tenant || (!strchr(si.authority, '.') && !str_ieq(si.authority, si.tenant->id))) {
            entra_error(rq, rs, strcmp(rest, "") == 0 ? 50059 : 90002, NULL, NULL);
        } else {
            dispatch_path(&si, rest);
        }
    }
    free(authority);
    free(body);
}
