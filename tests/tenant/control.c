/*
 * control.c - the control port: plain HTTP on loopback for those who hold the key in control.key.
 *
 * POST /VERB with a JSON object (or GET /VERB?name=value); README.md lists the verbs. Those of the
 * table below are about the service; all others are handed to edit_apply(), which changes the
 * world.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "edit.h"
#include "entra.h"
#include "graph_search.h"
#include "server.h"
#include "store.h"

#define MAX_CONTROL_BODY (64u << 20)

struct control_call {
    struct server *s;
    const cJSON *args;
    cJSON *out; /* answer, or ... */
    char *text; /* ... an answer that is JSON text already */
    const char *error;
};

/* --- arguments -----------------------------------------------------------------------------------
 */

static const char *text_arg(const struct control_call *c, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(c->args, name));
}

static double number_arg(const struct control_call *c, const char *name, double fallback)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(c->args, name);

    if (cJSON_IsString(v)) { /* from a query */
        return strtod(v->valuestring, NULL);
    }
    return cJSON_IsNumber(v) ? v->valuedouble : fallback;
}

static bool flag_arg(const struct control_call *c, const char *name, bool fallback)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(c->args, name);

    return cJSON_IsBool(v) ? cJSON_IsTrue(v) : fallback;
}

static int fail(struct control_call *c, int status, const char *why)
{
    c->error = why;
    return status;
}

/* The tenant named, or the first one. */
static struct tenant *tenant_arg(struct control_call *c)
{
    const char *name = text_arg(c, "tenant");
    struct tenant *t = name ? world_tenant(c->s->world, name) : &c->s->world->tenants[0];

    c->error = t ? NULL : "no such tenant";
    return t;
}

/* The user named, or the tenant's first one. */
static struct user *user_arg(struct control_call *c)
{
    struct tenant *t = tenant_arg(c);
    const char *name = text_arg(c, "user");
    struct user *u = !t ? NULL : name ? tenant_user(t, name) : &t->users[0];

    if (t && !u) {
        c->error = "no such user";
    }
    return u;
}

/* --- verbs: log and faults -----------------------------------------------------------------------
 */

static int verb_requests(struct control_call *c)
{
    c->text = reqlog_text(&c->s->log, (int64_t)number_arg(c, "since", 0));
    return 200;
}

static int verb_clear_log(struct control_call *c)
{
    reqlog_clear(&c->s->log);
    return 200;
}

static int verb_stats(struct control_call *c)
{
    struct server *s = c->s;

    c->out = cJSON_CreateObject();
    cJSON_AddNumberToObject(c->out, "requests", (double)atomic_load(&s->n_requests));
    cJSON_AddNumberToObject(c->out, "bytes_in", (double)atomic_load(&s->bytes_in));
    cJSON_AddNumberToObject(c->out, "bytes_out", (double)atomic_load(&s->bytes_out));
    cJSON_AddNumberToObject(c->out, "connections", atomic_load(&s->n_connections));
    cJSON_AddNumberToObject(c->out, "max_connections", atomic_load(&s->max_connections));
    cJSON_AddNumberToObject(c->out, "connections_ever", (double)atomic_load(&s->connection_number));
    cJSON_AddNumberToObject(c->out, "rtt_ms", atomic_load(&s->shaper.rtt_ms));
    cJSON_AddNumberToObject(c->out, "mbit", atomic_load(&s->shaper.mbit));
    cJSON_AddItemToObject(c->out, "ledger", ledger_stats(&s->ledger));
    return 200;
}

static int verb_faults(struct control_call *c)
{
    const char *why = NULL;
    int id;

    if (!c->args->child) { /* nothing given: list */
        c->out = cJSON_CreateObject();
        cJSON_AddItemToObject(c->out, "faults", faults_list(&c->s->faults));
        return 200;
    }
    id = faults_add(&c->s->faults, c->args, &why);
    if (id == 0) {
        return fail(c, 400, why);
    }
    c->out = cJSON_CreateObject();
    cJSON_AddNumberToObject(c->out, "id", id);
    return 200;
}

static int verb_clear_faults(struct control_call *c)
{
    int id = (int)number_arg(c, "id", 0);

    if (id == 0) {
        faults_clear(&c->s->faults);
    } else if (!faults_remove(&c->s->faults, id)) {
        return fail(c, 404, "no such fault");
    }
    return 200;
}

/* --- verbs: network ------------------------------------------------------------------------------
 */

static int verb_pause(struct control_call *c)
{
    socket_pause(c->s, number_arg(c, "seconds", 0));
    return 200;
}

static int verb_reset_connections(struct control_call *c)
{
    socket_reset_all(c->s);
    return 200;
}

static int verb_network(struct control_call *c)
{
    atomic_store(&c->s->shaper.rtt_ms,
                 (int)number_arg(c, "rtt_ms", atomic_load(&c->s->shaper.rtt_ms)));
    atomic_store(&c->s->is_chunked, flag_arg(c, "chunked", atomic_load(&c->s->is_chunked)));
    atomic_store(&c->s->shaper.mbit, (int)number_arg(c, "mbit", atomic_load(&c->s->shaper.mbit)));
    return 200;
}

static int verb_throttle(struct control_call *c)
{
    struct tenant *t = tenant_arg(c);

    if (!t) {
        return 404;
    }
    ledger_configure(&c->s->ledger, t, c->args);
    return 200;
}

/* The index knows the library by an older title. */
static int mark_stale(struct control_call *c, struct tenant *t)
{
    struct drive *d;

    world_lock(c->s->world);
    d = tenant_drive_by_path(t, text_arg(c, "library"));
    if (d) {
        d->search_is_stale = flag_arg(c, "stale", true);
    }
    world_unlock(c->s->world);
    return d ? 200 : fail(c, 404, "no such library");
}

static int verb_search(struct control_call *c)
{
    struct tenant *t = tenant_arg(c);
    cJSON *members;
    bool good;

    if (!t) {
        return 404;
    }
    if (text_arg(c, "library")) {
        return mark_stale(c, t);
    }
    members = cJSON_Duplicate(c->args, true);
    cJSON_DeleteItemFromObjectCaseSensitive(members, "tenant");
    good = search_configure(c->s, t, members);
    cJSON_Delete(members);
    return good ? 200 : fail(c, 400, "a member is not known or of the wrong type");
}

/* --- verbs: sign-in ------------------------------------------------------------------------------
 */

/* A sign-in without a browser: tokens for a client id. */
static int verb_mint(struct control_call *c)
{
    struct user *u = user_arg(c);
    const char *client = text_arg(c, "client_id");
    const char *scope = text_arg(c, "scope");
    struct grant g = {.user = u, .has_offline = true, .has_openid = true};
    int life = (int)number_arg(c, "seconds", 3599);
    char *access;
    char *refresh;

    if (!u) {
        return 404;
    }
    g.tenant = u->tenant;
    g.client_id = xstrdup(client ? client : "00000000-0000-0000-0000-000000000001");
    g.has_cp1 = flag_arg(c, "cp1", false);
    scope_read(&g, scope ? scope : "User.Read Files.ReadWrite.All Sites.Read.All");
    access = tokens_issue_access(&c->s->tokens, &g, life, NULL);
    refresh = tokens_issue_refresh(&c->s->tokens, &g);
    c->out = cJSON_CreateObject();
    cJSON_AddStringToObject(c->out, "access_token", access);
    cJSON_AddStringToObject(c->out, "refresh_token", refresh);
    cJSON_AddStringToObject(c->out, "tenant_id", u->tenant->id);
    cJSON_AddStringToObject(c->out, "user_id", u->id);
    cJSON_AddStringToObject(c->out, "upn", u->upn);
    cJSON_AddNumberToObject(c->out, "expires_in", life);
    free(access);
    free(refresh);
    grant_clear(&g);
    return 200;
}

static int verb_revoke(struct control_call *c)
{
    struct user *u = user_arg(c);

    if (!u) {
        return 404;
    }
    tokens_revoke(&c->s->tokens, u, flag_arg(c, "access", true), flag_arg(c, "refresh", true));
    return 200;
}

static int verb_expire_tokens(struct control_call *c)
{
    struct user *u = text_arg(c, "user") ? user_arg(c) : NULL;

    if (text_arg(c, "user") && !u) {
        return 404;
    }
    tokens_expire_access(&c->s->tokens, u);
    return 200;
}

static int verb_claims_challenge(struct control_call *c)
{
    struct user *u = user_arg(c);
    const char *claims = text_arg(c, "claims");
    char *usual = xasprintf("{\"access_token\":{\"nbf\":{\"essential\":true,\"value\":\"%lld\"}}}",
                            (long long)(now_ms() / 1000));

    if (u) {
        tokens_challenge(&c->s->tokens, u,
                         flag_arg(c, "off", false) ? NULL
                         : claims                  ? claims
                                                   : usual,
                         flag_arg(c, "interactive", false));
    }
    free(usual);
    return u ? 200 : 404;
}

static int verb_signin(struct control_call *c)
{
    struct tenant *t = tenant_arg(c);
    cJSON *members;

    if (!t) {
        return 404;
    }
    members = cJSON_Duplicate(c->args, true);
    cJSON_DeleteItemFromObjectCaseSensitive(members, "tenant");
    signin_configure(c->s, t, members);
    cJSON_Delete(members);
    return 200;
}

static int verb_device(struct control_call *c)
{
    const char *action = text_arg(c, "action");
    struct user *u = user_arg(c);

    if (!action || strcmp(action, "list") == 0) {
        c->text = tokens_pending_devices(&c->s->tokens);
        return 200;
    }
    if (strcmp(action, "expire") == 0) {
        tokens_expire_devices(&c->s->tokens);
        return 200;
    }
    if (strcmp(action, "approve") != 0 && strcmp(action, "decline") != 0) {
        return fail(c, 400, "action is list, approve, decline or expire");
    }
    if (!u) {
        return 404;
    }
    if (!tokens_decide_device(&c->s->tokens, text_arg(c, "user_code"), u,
                              strcmp(action, "approve") == 0)) {
        return fail(c, 404, "no device code waits");
    }
    return 200;
}

static const struct {
    const char *name;
    int (*run)(struct control_call *c);
} verbs[] = {
    {"requests", verb_requests},
    {"clear-log", verb_clear_log},
    {"stats", verb_stats},
    {"faults", verb_faults},
    {"clear-faults", verb_clear_faults},
    {"pause", verb_pause},
    {"reset-connections", verb_reset_connections},
    {"network", verb_network},
    {"throttle", verb_throttle},
    {"search", verb_search},
    {"mint", verb_mint},
    {"revoke", verb_revoke},
    {"expire-tokens", verb_expire_tokens},
    {"claims-challenge", verb_claims_challenge},
    {"signin", verb_signin},
    {"device", verb_device},
};

void control_list_verbs(void)
{
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        puts(verbs[i].name);
    }
    for (size_t i = 0; edit_verb(i); i++) {
        puts(edit_verb(i));
    }
}

/* --- HTTP ----------------------------------------------------------------------------------------
 */

struct control_request {
    struct strbuf body;
};

static bool has_key(struct server *s, struct MHD_Connection *mhd)
{
    const char *given = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Authorization");
    char *want = xasprintf("Bearer %s", s->control_key);
    bool good =
        given && strlen(given) == strlen(want) && CRYPTO_memcmp(given, want, strlen(want)) == 0;

    free(want);
    return good;
}

static enum MHD_Result add_query(void *cls, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    (void)kind;
    cJSON_AddStringToObject(cls, name, value ? value : "");
    return MHD_YES;
}

static enum MHD_Result send_text(struct MHD_Connection *mhd, int status, char *text)
{
    struct MHD_Response *r =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    enum MHD_Result ok;

    MHD_add_response_header(r, "Content-Type", "application/json");
    ok = MHD_queue_response(mhd, (unsigned)status, r);
    MHD_destroy_response(r);
    return ok;
}

static int run_verb(struct control_call *c, const char *verb)
{
    cJSON *edited = NULL;
    int status;

    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        if (strcmp(verbs[i].name, verb) == 0) {
            return verbs[i].run(c);
        }
    }
    status = edit_apply(c->s->world, verb, c->args, &edited);
    c->out = edited;
    return status;
}

static enum MHD_Result answer(struct server *s, struct MHD_Connection *mhd, const char *verb,
                              const struct control_request *cr)
{
    struct control_call c = {.s = s};
    cJSON *args = cr->body.len > 0 ? cJSON_ParseWithLength(cr->body.data, cr->body.len)
                                   : cJSON_CreateObject();
    int status;

    if (!cJSON_IsObject(args)) {
        cJSON_Delete(args);
        return send_text(mhd, 400, xstrdup("{\"error\":\"the body is no JSON object\"}"));
    }
    MHD_get_connection_values(mhd, MHD_GET_ARGUMENT_KIND, add_query, args);
    c.args = args;
    status = run_verb(&c, verb);
    if (!c.text) {
        if (!c.out) {
            c.out = cJSON_CreateObject();
        }
        if (status >= 400 && c.error) {
            cJSON_AddStringToObject(c.out, "error", c.error);
        }
        c.text = cJSON_PrintUnformatted(c.out);
    }
    cJSON_Delete(c.out);
    cJSON_Delete(args);
    return send_text(mhd, status, c.text);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *n_data, void **context)
{
    struct control_request *cr = *context;

    (void)version;
    if (!cr) {
        *context = xcalloc(1, sizeof(*cr));
        return MHD_YES;
    }
    if (*n_data > 0) {
        if (cr->body.len + *n_data > MAX_CONTROL_BODY) {
            return MHD_NO;
        }
        sb_add(&cr->body, data, *n_data);
        *n_data = 0;
        return MHD_YES;
    }
    if (!has_key(cls, mhd)) {
        return send_text(mhd, 401, xstrdup("{\"error\":\"the key of control.key is needed\"}"));
    }
    if (strcmp(method, "DELETE") == 0 && strcmp(url, "/faults") == 0) {
        url = "/clear-faults";
    }
    return answer(cls, mhd, url + 1, cr);
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode why)
{
    struct control_request *cr = *context;

    (void)cls;
    (void)mhd;
    (void)why;
    if (cr) {
        sb_clear(&cr->body);
        free(cr);
    }
}

void control_start(struct server *s)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)s->options->control_port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char *path = xasprintf("%s/control.key", s->options->state_dir);
    const union MHD_DaemonInfo *info;

    s->control_key = random_token(32);
    if (write_file_atomic(path, s->control_key, strlen(s->control_key), 0600) != 0) {
        die("cannot write '%s': %s", path, strerror(errno));
    }
    free(path);
    s->control = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL,
        (uint16_t)s->options->control_port, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR, &addr,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_CONNECTION_LIMIT, (unsigned)64,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)60, MHD_OPTION_END);
    if (!s->control) {
        die("cannot listen on 127.0.0.1 port %d: %s", s->options->control_port, strerror(errno));
    }
    info = MHD_get_daemon_info(s->control, MHD_DAEMON_INFO_BIND_PORT);
    s->control_port = info ? info->port : s->options->control_port;
}

void control_stop(struct server *s)
{
    MHD_stop_daemon(s->control);
    s->control = NULL;
    free(s->control_key);
}
