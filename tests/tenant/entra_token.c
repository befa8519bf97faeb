/*
 * entra_token.c - POST /token in all its grant types, and POST /devicecode.
 */
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "entra.h"

#define DEVICE_GRANT "urn:ietf:params:oauth:grant-type:device_code"
#define CAE_SECONDS (28 * 3600)

static void fail(struct sign_in *si, int aadsts)
{
    entra_error(si->rq, si->rs, aadsts, NULL, NULL);
}

/* --- id_token ------------------------------------------------------------------------------------
 */

static void add_part(struct strbuf *out, cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);
    char *encoded = base64url_encode(text, strlen(text));

    sb_printf(out, "%s.", encoded);
    free(encoded);
    free(text);
    cJSON_Delete(json);
}

/* Shaped like the real one. Its signature is noise: a public client that got it by TLS need not
 * check it. */
static char *id_token(const struct sign_in *si, const struct grant *g, const char *nonce)
{
    cJSON *head = cJSON_CreateObject();
    cJSON *body = cJSON_CreateObject();
    struct strbuf out = {0};
    char *issuer = xasprintf("%s/%s/v2.0", si->rq->login_url, g->tenant->id);
    char *signature = random_token(256);
    int64_t seconds = now_ms() / 1000;
    double now = (double)seconds;

    cJSON_AddStringToObject(head, "typ", "JWT");
    cJSON_AddStringToObject(head, "alg", "RS256");
    cJSON_AddStringToObject(head, "kid", "simulated");
    cJSON_AddStringToObject(body, "aud", g->client_id);
    cJSON_AddStringToObject(body, "iss", issuer);
    cJSON_AddNumberToObject(body, "iat", now);
    cJSON_AddNumberToObject(body, "nbf", now);
    cJSON_AddNumberToObject(body, "exp", now + 3900);
    cJSON_AddStringToObject(body, "name", g->user->display_name);
    cJSON_AddStringToObject(body, "oid", g->user->id);
    cJSON_AddStringToObject(body, "sub", g->user->id);
    cJSON_AddStringToObject(body, "preferred_username", g->user->upn);
    cJSON_AddStringToObject(body, "tid", g->tenant->id);
    cJSON_AddStringToObject(body, "ver", "2.0");
    if (nonce) {
        cJSON_AddStringToObject(body, "nonce", nonce);
    }
    add_part(&out, head);
    add_part(&out, body);
    sb_puts(&out, signature);
    free(signature);
    free(issuer);
    return sb_take(&out);
}

/* --- success -------------------------------------------------------------------------------------
 */

static void add_taken(cJSON *root, const char *name, char *text)
{
    cJSON_AddStringToObject(root, name, text);
    free(text);
}

/* What a grant may not have although it is good: consent, conditional access. 0 or an AADSTS
 * number. */
static int policy_problem(struct sign_in *si, const struct grant *g)
{
    char *consent = signin_text(si->s, g->tenant, "consent");
    char *refused = signin_text(si->s, g->tenant, "refused_scope");
    char *scope = sign_in_field(si, "scope");
    int aadsts = 0;

    if (refused && *refused && scope && strstr(scope, refused)) {
        aadsts = 65001;
    }
    free(scope);
    free(refused);

    if (consent && strcmp(consent, "required") == 0) {
        aadsts = 65001;
    } else if (consent && strcmp(consent, "admin") == 0) {
        aadsts = 90094;
    }
    free(consent);
    return aadsts;
}

static void succeed(struct sign_in *si, struct grant *g, const char *nonce)
{
    char *scope = sign_in_field(si, "scope");
    char *claims = sign_in_field(si, "claims");
    char *info = sign_in_field(si, "client_info");
    int problem = policy_problem(si, g);
    int life = signin_number(si->s, g->tenant, "access_token_seconds", 3599);
    cJSON *root;

    if (problem != 0) {
        fail(si, problem);
        goto out;
    }
    if (scope && *scope) {
        struct grant asked = {0};

        scope_read(&asked, scope);
        if (*asked.scope) { /* a refresh may narrow or change the scope within one resource */
            free(g->scope);
            g->scope = asked.scope;
            asked.scope = NULL;
        }
        g->has_openid |= asked.has_openid;
        g->has_offline |= asked.has_offline;
        grant_clear(&asked);
    }
    g->has_cp1 = claims_have_cp1(claims);
    if (g->has_cp1) {
        life =
            signin_number(si->s, g->tenant, "cae_token_seconds", life > 3599 ? life : CAE_SECONDS);
    }
    root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "token_type", "Bearer");
    add_taken(root, "scope",
              xasprintf("%s%s", g->scope, g->has_openid ? " openid profile email" : ""));
    cJSON_AddNumberToObject(root, "expires_in", life);
    cJSON_AddNumberToObject(root, "ext_expires_in", life);
    add_taken(root, "access_token", tokens_issue_access(&si->s->tokens, g, life, claims));
    if (g->has_offline) {
        add_taken(root, "refresh_token", tokens_issue_refresh(&si->s->tokens, g));
    }
    if (g->has_openid) {
        add_taken(root, "id_token", id_token(si, g, nonce));
    }
    if (info && strcmp(info, "1") == 0) {
        char *text = xasprintf("{\"uid\":\"%s\",\"utid\":\"%s\"}", g->user->id, g->tenant->id);

        add_taken(root, "client_info", base64url_encode(text, strlen(text)));
        free(text);
    }
    http_reply_json(si->rs, 200, root);
out:
    free(scope);
    free(claims);
    free(info);
}

/* --- grants --------------------------------------------------------------------------------------
 */

static bool verifier_fits(const struct auth_code *code, const char *verifier)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char *encoded;
    bool fits;

    if (!code->challenge) {
        return true;
    }
    if (!verifier || strlen(verifier) < 43 || strlen(verifier) > 128) {
        return false;
    }
    if (!code->is_s256) {
        return strcmp(verifier, code->challenge) == 0;
    }
    SHA256((const unsigned char *)verifier, strlen(verifier), digest);
    encoded = base64url_encode(digest, sizeof(digest));
    fits = strcmp(encoded, code->challenge) == 0;
    free(encoded);
    return fits;
}

static void grant_by_code(struct sign_in *si, const char *client_id)
{
    char *text = sign_in_field(si, "code");
    char *redirect = sign_in_field(si, "redirect_uri");
    char *verifier = sign_in_field(si, "code_verifier");
    struct auth_code code = {0};
    int aadsts = text ? tokens_take_code(&si->s->tokens, text, &code) : 90014;

    if (aadsts != 0) {
        fail(si, aadsts);
    } else if (si->tenant && si->tenant != code.grant.tenant) {
        fail(si, 700005);
    } else if (strcmp(code.grant.client_id, client_id) != 0) {
        fail(si, 70000);
    } else if (!redirect || strcmp(redirect, code.redirect_uri) != 0) {
        fail(si, 50011);
    } else if (!verifier_fits(&code, verifier)) {
        fail(si, 501481);
    } else {
        tokens_signed_in(&si->s->tokens, code.grant.user);
        succeed(si, &code.grant, code.nonce);
    }
    auth_code_clear(&code);
    free(text);
    free(redirect);
    free(verifier);
}

static void grant_by_refresh(struct sign_in *si, const char *client_id)
{
    char *text = sign_in_field(si, "refresh_token");
    struct grant g = {0};
    enum token_state state;
    char *claims = NULL;
    int aadsts;

    if (!text) {
        fail(si, 90014);
        return;
    }
    state = tokens_check_refresh(&si->s->tokens, si->s->world, text, &g);
    if (state != TOKEN_GOOD) {
        fail(si, state == TOKEN_REVOKED ? 50173 : 70000);
    } else if (si->tenant && si->tenant != g.tenant) {
        fail(si, 50020);
    } else if (strcmp(g.client_id, client_id) != 0) {
        entra_error(si->rq, si->rs, 70000, "client_mismatch", NULL);
    } else if ((claims = tokens_refresh_blocked(&si->s->tokens, g.user)) != NULL) {
        entra_error_as(si->rq, si->rs, "interaction_required", 50076, "basic_action", claims);
    } else if ((aadsts = signin_number(si->s, g.tenant, "refresh_aadsts", 0)) != 0) {
        fail(si, aadsts);
    } else {
        succeed(si, &g, NULL);
    }
    free(claims);
    grant_clear(&g);
    free(text);
}

static void grant_by_device(struct sign_in *si, const char *client_id)
{
    char *text = sign_in_field(si, "device_code");
    struct grant g = {0};
    int aadsts = text ? tokens_poll_device(&si->s->tokens, text, &g) : 90014;

    if (aadsts == 70016 && signin_flag(si->s, si->tenant, "auto_approve")) {
        /* Nobody sits at a browser: the next poll finds it approved. */
        struct tenant *t = si->tenant ? si->tenant : &si->s->world->tenants[0];

        tokens_approve_device(&si->s->tokens, text, &t->users[0]);
    }
    if (aadsts == -1) {
        /* Not RFC 8628's access_denied. */
        entra_error_as(si->rq, si->rs, "authorization_declined", 70018, NULL, NULL);
    } else if (aadsts != 0) {
        fail(si, aadsts);
    } else if (strcmp(g.client_id, client_id) != 0) {
        fail(si, 70000);
    } else {
        tokens_signed_in(&si->s->tokens, g.user);
        succeed(si, &g, NULL);
    }
    grant_clear(&g);
    free(text);
}

static void server_challenge(struct sign_in *si)
{
    cJSON *root = cJSON_CreateObject();

    add_taken(root, "Nonce", tokens_new_nonce(&si->s->tokens));
    http_reply_json(si->rs, 200, root);
}

/* The scenario may name the apps that the tenant knows. */
static bool knows_client(struct sign_in *si, const char *client_id)
{
    const struct tenant *t = si->tenant ? si->tenant : &si->s->world->tenants[0];
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(t->spec, "signin"), "client_ids");
    const cJSON *one;

    if (!cJSON_IsArray(list)) {
        return true;
    }
    cJSON_ArrayForEach(one, list)
    {
        if (cJSON_IsString(one) && strcasecmp(one->valuestring, client_id) == 0) {
            return true;
        }
    }
    return false;
}

/* Client id and secret by HTTP Basic instead of the form (client_secret_basic). */
static void read_basic(struct sign_in *si, char **client_id, char **secret)
{
    const char *value = http_header(si->rq, "Authorization");
    char *encoded;
    char *text;
    char *colon;
    size_t n = 0;

    if (!value || strncasecmp(value, "Basic ", 6) != 0) {
        return;
    }
    encoded = xstrdup(value + 6);
    for (char *c = encoded; *c != '\0'; c++) {
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    }
    text = base64url_decode(encoded, strlen(encoded), &n);
    colon = text ? strchr(text, ':') : NULL;
    if (colon) {
        free(*client_id);
        free(*secret);
        *client_id = url_decode_form(text, (size_t)(colon - text));
        *secret = url_decode_form(colon + 1, strlen(colon + 1));
    }
    free(text);
    free(encoded);
}

void entra_token(struct sign_in *si)
{
    char *type = sign_in_field(si, "grant_type");
    char *client_id = sign_in_field(si, "client_id");
    char *secret = sign_in_field(si, "client_secret");

    read_basic(si, &client_id, &secret);
    if (!type) {
        fail(si, 90014);
    } else if (strcmp(type, "srv_challenge") == 0) {
        server_challenge(si);
    } else if (!client_id || *client_id == '\0') {
        fail(si, 90014);
    } else if (!knows_client(si, client_id)) {
        fail(si, 700016);
    } else if (secret && *secret && !signin_flag(si->s, si->tenant, "accept_client_secret")) {
        fail(si, 700025);
    } else if (!secret && signin_flag(si->s, si->tenant, "not_public_client")) {
        fail(si, 7000218);
    } else if (!si->tenant && signin_flag(si->s, NULL, "single_tenant")) {
        fail(si, 50194);
    } else if (strcmp(type, "authorization_code") == 0) {
        grant_by_code(si, client_id);
    } else if (strcmp(type, "refresh_token") == 0) {
        grant_by_refresh(si, client_id);
    } else if (strcmp(type, DEVICE_GRANT) == 0 || strcmp(type, "device_code") == 0) {
        grant_by_device(si, client_id);
    } else {
        fail(si, 70003);
    }
    free(type);
    free(client_id);
    free(secret);
}

/* --- device code ---------------------------------------------------------------------------------
 */

void entra_device_code(struct sign_in *si)
{
    char *client_id = sign_in_field(si, "client_id");
    char *scope = sign_in_field(si, "scope");
    struct grant g = {.tenant = si->tenant};
    int life = signin_number(si->s, si->tenant, "device_code_seconds", 900);
    int interval = signin_number(si->s, si->tenant, "device_code_interval", 5);
    char *device_code;
    char *user_code;
    char *uri;
    char *message;
    cJSON *root;

    if (!client_id || *client_id == '\0' || !scope || *scope == '\0') {
        fail(si, 90014);
    } else if (!knows_client(si, client_id)) {
        fail(si, 700016);
    } else if (signin_flag(si->s, si->tenant, "device_code_blocked")) {
        fail(si, 53003);
    } else {
        g.client_id = xstrdup(client_id);
        scope_read(&g, scope);
        tokens_add_device(&si->s->tokens, &g, life, interval, &device_code, &user_code);
        uri = xasprintf("%s/devicelogin", si->rq->login_url);
        message = xasprintf("To sign in, use a web browser to open the page %s and enter the code "
                            "%s to authenticate.",
                            uri, user_code);
        root = cJSON_CreateObject();
        add_taken(root, "device_code", device_code);
        add_taken(root, "user_code", user_code);
        add_taken(root, "verification_uri", uri);
        cJSON_AddNumberToObject(root, "expires_in", life);
        cJSON_AddNumberToObject(root, "interval", interval);
        add_taken(root, "message", message);
        http_reply_json(si->rs, 200, root);
    }
    free(client_id);
    free(scope);
}
