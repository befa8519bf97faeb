#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "world.h"

#define HOLD_POLL_NS 10000000 /* how often a held request looks whether it may go */

#define JSON_TYPE  \
    "application/" \
    "json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"

const char *role_name(enum http_role role)
{
    return role == ROLE_GRAPH ? "graph" : role == ROLE_LOGIN ? "login" : "content";
}

/* The tenant whose switches apply; a request without a token is measured by the first one. */
static const struct switches *switches_of(const struct http_request *rq)
{
    return rq->tenant ? &rq->tenant->switches : &rq->server->world->tenants[0].switches;
}

bool server_swaps_inner_error(const struct http_request *rq)
{
    return rq->server && switches_of(rq)->inner_error_swapped;
}

/* --- bearer tokens -------------------------------------------------------------------------------
 */

static const char *bearer_of(const struct http_request *rq)
{
    const char *value = http_header(rq, "Authorization");

    if (!value || strncasecmp(value, "Bearer ", 7) != 0) {
        return NULL;
    }
    return value + 7 + strspn(value + 7, " ");
}

static void refuse_token(const struct http_request *rq, struct http_response *rs,
                         enum token_state state, const char *claims)
{
    char *encoded;

    switch (state) {
    case TOKEN_CHALLENGED:
        encoded = base64_encode(claims, strlen(claims));
        /* Two lines, this one second: a client must read them all. The value holds '=' and ','. */
        http_add_header(rs, "WWW-Authenticate", "Negotiate");
        http_add_header(
            rs, "WWW-Authenticate",
            "Bearer realm=\"\", authorization_uri=\"%s/common/oauth2/authorize\", "
            "client_id=\"00000003-0000-0000-c000-000000000000\", "
            "errorDescription=\"Continuous access evaluation, resulted in a challenge\", "
            "error=\"insufficient_claims\", claims=\"%s\"",
            rq->login_url, encoded);
        http_reply_error(
            rq, rs, 401, "InvalidAuthenticationToken", NULL,
            "Continuous access evaluation resulted in challenge with result: InteractionRequired");
        free(encoded);
        return;
    case TOKEN_EXPIRED:
        http_add_header(rs, "WWW-Authenticate",
                        "Bearer realm=\"OneDriveAPI\", error=\"expired_token\", "
                        "error_description=\"Auth token expired. Try refreshing.\"");
        http_reply_error(rq, rs, 401, "InvalidAuthenticationToken", "unauthenticated",
                         "Lifetime validation failed, the token is expired.");
        return;
    default:
        http_add_header(rs, "WWW-Authenticate",
                        "Bearer realm=\"\", authorization_uri=\"%s/common/oauth2/authorize\", "
                        "client_id=\"00000003-0000-0000-c000-000000000000\"",
                        rq->login_url);
        http_reply_error(rq, rs, 401, "InvalidAuthenticationToken", "unauthenticated", "%s",
                         bearer_of(rq) ? "Access token validation failure."
                                       : "Access token is empty.");
    }
}

/* One of the blank-separated words of `list`. */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = list; (at = strstr(at, word)) != NULL; at += n) {
        if ((at == list || at[-1] == ' ' || at[-1] == '/') && (at[n] == '\0' || at[n] == ' ')) {
            return true;
        }
    }
    return false;
}

static bool has_scope_for(const struct http_request *rq, const char *scope)
{
    bool write_all =
        has_word(scope, "Files.ReadWrite.All") || has_word(scope, "Sites.ReadWrite.All");
    bool sites = has_word(scope, "Sites.Read.All") || has_word(scope, "Sites.ReadWrite.All");
    bool files = write_all || sites || has_word(scope, "Files.Read.All") ||
                 has_word(scope, "Files.ReadWrite") || has_word(scope, "Files.Read");
    bool reads = strcmp(rq->method, "GET") == 0 || strcmp(rq->method, "HEAD") == 0;

    if (has_word(scope, ".default") || str_starts(rq->path, "/$batch")) {
        return true;
    }
    if (strstr(rq->path, "/joinedTeams")) {
        return has_word(scope, "Team.ReadBasic.All");
    }
    if (str_starts(rq->path, "/teams/") && strstr(rq->path, "hannels") &&
        !str_ends(rq->path, "/filesFolder")) {
        return has_word(scope, "Channel.ReadBasic.All");
    }
    if (str_ends(rq->path, "/filesFolder")) {
        return files;
    }
    if (str_starts(rq->path, "/search/") || str_starts(rq->path, "/me/followedSites")) {
        return sites;
    }
    if (str_starts(rq->path, "/sites") && !strstr(rq->path, "/drive")) {
        return sites;
    }
    if (strstr(rq->path, "/drive") || str_starts(rq->path, "/shares")) {
        bool looks = reads || str_ends(rq->path, "/preview");

        return looks ? files : write_all || has_word(scope, "Files.ReadWrite");
    }
    return true;
}

/* Sets rq->tenant and rq->user, or answers 401 or 403. */
static bool admit(struct server *s, struct http_request *rq, struct http_response *rs,
                  struct grant *grant)
{
    const char *token = bearer_of(rq);
    char *claims = NULL;
    enum token_state state;

    if (!rq->user) { /* set already: an inner request of a batch, admitted with it */
        state = token ? tokens_check_access(&s->tokens, token, grant, &claims) : TOKEN_UNKNOWN;
        if (state != TOKEN_GOOD) {
            refuse_token(rq, rs, state, claims);
            free(claims);
            return false;
        }
        rq->tenant = grant->tenant;
        rq->user = grant->user;
        rq->client_id = grant->client_id;
        rq->scope = grant->scope;
    }
    if (!has_scope_for(rq, rq->scope)) {
        http_reply_error(rq, rs, 403, "accessDenied", NULL,
                         "Either scp or roles claim need to be present in the token.");
        return false;
    }
    return true;
}

/* --- throttling ----------------------------------------------------------------------------------
 */

static void add_retry_after(struct http_response *rs, int seconds, int form)
{
    if (form == RETRY_SECONDS) {
        http_add_header(rs, "Retry-After", "%d", seconds);
    } else if (form == RETRY_DATE) {
        time_t when = (time_t)(now_ms() / 1000 + seconds);
        struct tm tm;
        char text[40];

        gmtime_r(&when, &tm);
        strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        http_add_header(rs, "Retry-After", "%s", text);
    }
}

static bool throttle(struct server *s, const struct http_request *rq, struct http_response *rs)
{
    struct throttle_answer answer;

    ledger_admit(&s->ledger, rq->tenant, rq->user, rq->client_id, &answer);
    if (answer.limit > 0) {
        http_add_header(rs, "RateLimit-Limit", "%lld", (long long)answer.limit);
        http_add_header(rs, "RateLimit-Remaining", "%lld", (long long)answer.remaining);
        http_add_header(rs, "RateLimit-Reset", "%lld", (long long)answer.reset_s);
    }
    if (answer.status == 0) {
        return false;
    }
    add_retry_after(rs, answer.retry_after, answer.form);
    http_reply_error(rq, rs, answer.status,
                     answer.status == 503 ? "serviceNotAvailable" : "activityLimitReached",
                     "throttledRequest", "The request has been throttled");
    return true;
}

/* --- faults --------------------------------------------------------------------------------------
 */

void server_match_fault(struct server *s, const struct http_request *rq, struct fault *out)
{
    char *path = xasprintf("%s%s", rq->role == ROLE_GRAPH ? "/v1.0" : "", rq->path);
    const char *token = rq->role == ROLE_GRAPH && !rq->user ? bearer_of(rq) : NULL;
    struct grant grant = {.tenant = rq->tenant, .user = rq->user};
    char *claims = NULL;
    struct fault_subject what = {.host = role_name(rq->role),
                                 .method = rq->method,
                                 .path = path,
                                 .query = rq->query,
                                 .in_batch = rq->in_batch};

    if (token) {
        tokens_check_access(&s->tokens, token, &grant, &claims);
    }
    what.tenant = grant.tenant ? grant.tenant->name : NULL;
    what.user = grant.user ? grant.user->name : NULL;
    faults_match(&s->faults, &what, out);
    if (token) {
        grant_clear(&grant);
    }
    free(claims);
    free(path);
}

static const char *text_of(const cJSON *object, const char *name, const char *fallback)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text ? text : fallback;
}

static const char *usual_code(int status)
{
    switch (status) {
    case 400:
        return "invalidRequest";
    case 401:
        return "unauthenticated";
    case 403:
        return "accessDenied";
    case 404:
        return "itemNotFound";
    case 409:
        return "nameAlreadyExists";
    case 410:
        return "resyncRequired";
    case 412:
        return "resourceModified";
    case 416:
        return "invalidRange";
    case 423:
        return "resourceLocked";
    case 429:
        return "activityLimitReached";
    case 503:
        return "serviceNotAvailable";
    case 507:
        return "quotaLimitReached";
    default:
        return "generalException";
    }
}

static void answer_fault(const struct http_request *rq, struct http_response *rs,
                         const struct fault *fault)
{
    const cJSON *a = fault->action;
    const cJSON *body = cJSON_GetObjectItemCaseSensitive(a, "body");
    const cJSON *date = cJSON_GetObjectItemCaseSensitive(a, "retry_after_date");
    const cJSON *h;

    if (fault->run_first) {
        http_response_clear(rs); /* the request was done; only its answer is lost */
    }
    if (fault->aadsts != 0) {
        entra_error(rq, rs, fault->aadsts, text_of(a, "suberror", NULL),
                    text_of(a, "claims", NULL));
    } else if (cJSON_IsString(body)) {
        sb_puts(&rs->body, body->valuestring);
    } else if (body) {
        http_reply_json(rs, fault->status, cJSON_Duplicate(body, true));
    } else {
        http_reply_error(rq, rs, fault->status, text_of(a, "code", usual_code(fault->status)),
                         text_of(a, "inner", NULL), "%s",
                         text_of(a, "message", "A fault that was asked for."));
    }
    rs->status = fault->status != 0 ? fault->status : rs->status;
    cJSON_ArrayForEach(h, cJSON_GetObjectItemCaseSensitive(a, "headers"))
    {
        if (cJSON_IsString(h)) {
            http_add_header(rs, h->string, "%s", h->valuestring);
        }
    }
    if (cJSON_IsNumber(date)) {
        add_retry_after(rs, date->valueint, RETRY_DATE);
    }
}

/* --- the answer ----------------------------------------------------------------------------------
 */

static void run_handler(struct server *s, struct http_request *rq, struct http_response *rs,
                        struct grant *grant)
{
    switch (rq->role) {
    case ROLE_LOGIN:
        entra_dispatch(s->world, rq, rs);
        return;
    case ROLE_CONTENT:
        content_dispatch(s->world, rq, rs);
        return;
    case ROLE_GRAPH:
        break;
    }
    if (!admit(s, rq, rs, grant)) {
        return;
    }
    /* A batch costs what its inner requests cost, each admitted on its own. */
    if (!str_starts(rq->path, "/$batch") && throttle(s, rq, rs)) {
        return;
    }
    graph_dispatch(s->world, rq, rs);
    ledger_charge(&s->ledger, rq->tenant, rq->client_id, rs->ru);
}

void server_answer(struct server *s, struct http_request *rq, struct http_response *rs,
                   const struct fault *fault, struct grant *grant)
{
    bool replaces = fault->status != 0 || fault->aadsts != 0;
    bool is_lost = fault->is_reset || fault->stall_ms != 0;

    if (fault->delay_ms > 0) {
        shaper_wait_until(&s->shaper, mono_ns() + fault->delay_ms * 1000000);
    }
    while (fault->is_held && faults_has(&s->faults, fault->rule) &&
           shaper_wait_until(&s->shaper, mono_ns() + HOLD_POLL_NS)) {
    }
    if (fault->run_first || (!replaces && (!is_lost || fault->truncate_after >= 0))) {
        run_handler(s, rq, rs, grant);
    }
    if (replaces) {
        answer_fault(rq, rs, fault);
    }
    if (rs->status == 0 && !is_lost) {
        http_reply_error(rq, rs, 500, "generalException", NULL, "No handler answered.");
    }
}

/* Members that no client knows yet; it must not mind. */
static void add_unknown(cJSON *json)
{
    cJSON *extra;
    cJSON *member;

    if (!cJSON_IsObject(json) || cJSON_HasObjectItem(json, "futureFacet")) {
        return;
    }
    extra = cJSON_AddObjectToObject(json, "futureFacet");
    cJSON_AddNullToObject(extra, "nothing");
    cJSON_AddItemToObject(extra, "numbers", cJSON_CreateIntArray((const int[]){1, 2}, 2));
    cJSON_AddBoolToObject(extra, "isNew", true);
    cJSON_AddStringToObject(json, "@microsoft.graph.futureNote",
                            "value, \"quoted\" \\ and { braces }");
    cJSON_ArrayForEach(member, json)
    {
        bool is_list =
            strcmp(member->string, "value") == 0 || strcmp(member->string, "responses") == 0;
        cJSON *one;

        if (is_list) {
            cJSON_ArrayForEach(one, member)
            {
                cJSON *body = cJSON_GetObjectItemCaseSensitive(one, "body");

                add_unknown(body ? body : one);
            }
        } else if (member != extra && strcmp(member->string, "headers") != 0) {
            add_unknown(member);
        }
    }
}

static void strip_odata(cJSON *json)
{
    cJSON *member = json ? json->child : NULL;

    while (member) {
        cJSON *next = member->next;

        if (cJSON_IsObject(json) && str_starts(member->string, "@odata.") &&
            strcmp(member->string, "@odata.nextLink") != 0 &&
            strcmp(member->string, "@odata.deltaLink") != 0) {
            cJSON_Delete(cJSON_DetachItemViaPointer(json, member));
        } else if (cJSON_IsObject(member) || cJSON_IsArray(member)) {
            strip_odata(member);
        }
        member = next;
    }
}

static bool has_content_type(const struct http_response *rs)
{
    for (size_t i = 0; i < rs->n_headers; i++) {
        if (str_ieq(rs->headers[i].name, "Content-Type")) {
            return true;
        }
    }
    return false;
}

void server_render(const struct http_request *rq, struct http_response *rs)
{
    const char *client_id = http_header(rq, "client-request-id");
    const char *accept = http_header(rq, "Accept");
    char id[37];
    char *text;

    if (rs->json) {
        if (rq->role != ROLE_LOGIN && switches_of(rq)->unknown_members) {
            add_unknown(rs->json);
        }
        if (accept && str_ifind(accept, "odata.metadata=none")) {
            strip_odata(rs->json);
        }
        text = cJSON_PrintUnformatted(rs->json);
        sb_puts(&rs->body, text);
        free(text);
        if (!has_content_type(rs)) {
            http_add_header(rs, "Content-Type", "%s",
                            rq->role == ROLE_GRAPH ? JSON_TYPE : "application/json; charset=utf-8");
        }
        cJSON_Delete(rs->json);
        rs->json = NULL;
    }
    random_guid(id);
    if (rq->role == ROLE_LOGIN) {
        http_add_header(rs, "x-ms-request-id", "%s", id);
        http_add_header(rs, "Cache-Control", "no-store, no-cache");
        return;
    }
    http_add_header(rs, "request-id", "%s", id);
    http_add_header(rs, "client-request-id", "%s", client_id ? client_id : id);
    http_add_header(rs, "x-ms-ags-diagnostic",
                    "{\"ServerInfo\":{\"DataCenter\":\"Loopback\",\"Slice\":\"E\"}}");
    if (rq->role == ROLE_GRAPH) {
        http_add_header(rs, "Cache-Control", "no-store, no-cache");
    }
}

void server_log(struct server *s, const struct http_request *rq, const struct http_response *rs,
                const struct log_facts *facts)
{
    cJSON *e = cJSON_CreateObject();
    char *query = reqlog_query(rq->query);
    char *path = xasprintf("%s%s", rq->role == ROLE_GRAPH ? "/v1.0" : "", rq->path);
    char when[40];

    format_iso_ms(when, now_ms());
    cJSON_AddStringToObject(e, "time", when);
    cJSON_AddNumberToObject(e, "conn", (double)facts->connection);
    cJSON_AddStringToObject(e, "host", role_name(rq->role));
    cJSON_AddStringToObject(e, "method", rq->method);
    cJSON_AddStringToObject(e, "path", path);
    cJSON_AddStringToObject(e, "query", query);
    cJSON_AddNumberToObject(e, "status", rs->status);
    cJSON_AddNumberToObject(e, "in", (double)facts->bytes_in);
    cJSON_AddNumberToObject(e, "out", (double)facts->bytes_out);
    cJSON_AddNumberToObject(e, "ru", rs->ru);
    cJSON_AddNumberToObject(e, "ms", facts->ms);
    if (rq->user) {
        cJSON_AddStringToObject(e, "tenant", rq->tenant->name);
        cJSON_AddStringToObject(e, "user", rq->user->name);
    }
    if (rq->client_id) {
        cJSON_AddStringToObject(e, "client", rq->client_id);
    }
    if (http_header(rq, "User-Agent")) {
        cJSON_AddStringToObject(e, "agent", http_header(rq, "User-Agent"));
    }
    if (http_header(rq, "Range")) {
        cJSON_AddStringToObject(e, "range", http_header(rq, "Range"));
    }
    cJSON_AddBoolToObject(e, "batch", rq->in_batch);
    if (facts->fault_rule != 0) {
        cJSON_AddNumberToObject(e, "fault", facts->fault_rule);
    }
    free(query);
    free(path);
    reqlog_add(&s->log, e);
}
