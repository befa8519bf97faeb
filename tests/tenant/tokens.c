#include "tokens.h"

#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"
#include "world.h"

struct access_token {
    struct access_token *next;
    char *token;
    struct grant grant;
    int64_t expires_ms;
    bool is_revoked;
    bool is_challenged;
};

struct token_user {
    struct token_user *next;
    const struct user *user;
    unsigned generation; /* of refresh tokens */
    char *claims;        /* demanded; NULL: none */
    bool interactive;
};

void grant_clear(struct grant *g)
{
    free(g->client_id);
    free(g->scope);
    *g = (struct grant){0};
}

struct grant grant_copy(const struct grant *g)
{
    struct grant copy = *g;

    copy.client_id = xstrdup(g->client_id ? g->client_id : "");
    copy.scope = xstrdup(g->scope ? g->scope : "");
    return copy;
}

void tokens_init(struct token_store *t, const char *state_dir)
{
    char *path = xasprintf("%s/refresh.key", state_dir);
    size_t n = 0;
    char *key;

    *t = (struct token_store){0};
    pthread_mutex_init(&t->lock, NULL);
    key = read_file(path, sizeof(t->key), &n);
    if (key && n == sizeof(t->key)) {
        memcpy(t->key, key, n);
    } else {
        random_bytes(t->key, sizeof(t->key));
        if (write_file_atomic(path, t->key, sizeof(t->key), 0600) != 0) {
            die("cannot write '%s'", path);
        }
    }
    free(key);
    free(path);
}

void tokens_clear(struct token_store *t)
{
    while (t->access) {
        struct access_token *a = t->access;

        t->access = a->next;
        free(a->token);
        grant_clear(&a->grant);
        free(a);
    }
    tokens_clear_flow(t);
    while (t->users) {
        struct token_user *u = t->users;

        t->users = u->next;
        free(u->claims);
        free(u);
    }
}

static struct token_user *token_user(struct token_store *t, const struct user *u)
{
    struct token_user *tu;

    for (tu = t->users; tu; tu = tu->next) {
        if (tu->user == u) {
            return tu;
        }
    }
    tu = xcalloc(1, sizeof(*tu));
    tu->user = u;
    tu->next = t->users;
    t->users = tu;
    return tu;
}

/* --- claims --------------------------------------------------------------------------------------
 */

bool claims_have_cp1(const char *claims)
{
    cJSON *root = claims ? cJSON_Parse(claims) : NULL;
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(root, "access_token");
    const cJSON *cc = cJSON_GetObjectItemCaseSensitive(at, "xms_cc");
    const cJSON *value;
    bool found = false;

    cJSON_ArrayForEach(value, cJSON_GetObjectItemCaseSensitive(cc, "values"))
    {
        found |= cJSON_IsString(value) && strcmp(value->valuestring, "cp1") == 0;
    }
    cJSON_Delete(root);
    return found;
}

bool claims_contain(const char *claims, const char *wanted)
{
    cJSON *have_root = claims ? cJSON_Parse(claims) : NULL;
    cJSON *want_root = cJSON_Parse(wanted);
    const cJSON *have = cJSON_GetObjectItemCaseSensitive(have_root, "access_token");
    const cJSON *want = cJSON_GetObjectItemCaseSensitive(want_root, "access_token");
    const cJSON *member;
    bool all = have != NULL;

    cJSON_ArrayForEach(member, want)
    {
        const cJSON *got = cJSON_GetObjectItemCaseSensitive(have, member->string);

        all = all && got && cJSON_Compare(got, member, true);
    }
    cJSON_Delete(have_root);
    cJSON_Delete(want_root);
    return all;
}

/* --- access tokens -------------------------------------------------------------------------------
 */

char *tokens_issue_access(struct token_store *t, const struct grant *g, int lifetime_s,
                          const char *satisfied)
{
    struct access_token *a = xcalloc(1, sizeof(*a));
    char *secret = random_token(48);
    struct token_user *tu;

    /* "eyJ0" makes it look like the JWT it usually is; the rest must not be parsed by anybody. */
    a->token = xasprintf("eyJ0.%s.s", secret);
    free(secret);
    a->grant = grant_copy(g);
    a->expires_ms = now_ms() + (int64_t)lifetime_s * 1000;
    pthread_mutex_lock(&t->lock);
    tu = token_user(t, g->user);
    if (tu->claims && satisfied && claims_contain(satisfied, tu->claims)) {
        free(tu->claims); /* met: later tokens need nothing special */
        tu->claims = NULL;
    }
    a->is_challenged = tu->claims != NULL;
    a->next = t->access;
    t->access = a;
    pthread_mutex_unlock(&t->lock);
    return xstrdup(a->token);
}

enum token_state tokens_check_access(struct token_store *t, const char *token, struct grant *out,
                                     char **claims)
{
    enum token_state state = TOKEN_UNKNOWN;

    *claims = NULL;
    pthread_mutex_lock(&t->lock);
    for (struct access_token *a = t->access; a; a = a->next) {
        if (strcmp(a->token, token) != 0) {
            continue;
        }
        const struct token_user *tu = token_user(t, a->grant.user);

        if ((a->is_challenged || a->is_revoked) && a->grant.has_cp1) {
            state = TOKEN_CHALLENGED;
            *claims =
                tu->claims
                    ? xstrdup(tu->claims)
                    : xasprintf(
                          "{\"access_token\":{\"nbf\":{\"essential\":true,\"value\":\"%lld\"}}}",
                          (long long)(now_ms() / 1000));
        } else if (a->is_revoked) {
            state = TOKEN_REVOKED;
        } else if (a->expires_ms <= now_ms()) {
            state = TOKEN_EXPIRED;
        } else {
            state = TOKEN_GOOD;
            *out = grant_copy(&a->grant);
        }
        break;
    }
    pthread_mutex_unlock(&t->lock);
    return state;
}

void tokens_expire_access(struct token_store *t, const struct user *u)
{
    pthread_mutex_lock(&t->lock);
    for (struct access_token *a = t->access; a; a = a->next) {
        if (!u || a->grant.user == u) {
            a->expires_ms = 0;
        }
    }
    pthread_mutex_unlock(&t->lock);
}

void tokens_revoke(struct token_store *t, const struct user *u, bool access, bool refresh)
{
    pthread_mutex_lock(&t->lock);
    for (struct access_token *a = t->access; a && access; a = a->next) {
        a->is_revoked |= a->grant.user == u;
    }
    if (refresh) {
        token_user(t, u)->generation++;
        tokens_end_sessions(t, u);
    }
    pthread_mutex_unlock(&t->lock);
}

void tokens_challenge(struct token_store *t, const struct user *u, const char *claims,
                      bool interactive)
{
    struct token_user *tu;

    pthread_mutex_lock(&t->lock);
    tu = token_user(t, u);
    free(tu->claims);
    tu->claims = claims ? xstrdup(claims) : NULL;
    tu->interactive = interactive;
    for (struct access_token *a = t->access; a; a = a->next) {
        if (a->grant.user == u) {
            a->is_challenged = claims != NULL;
        }
    }
    pthread_mutex_unlock(&t->lock);
}

void tokens_signed_in(struct token_store *t, const struct user *u)
{
    struct token_user *tu;

    pthread_mutex_lock(&t->lock);
    tu = token_user(t, u);
    if (tu->interactive) {
        free(tu->claims);
        tu->claims = NULL;
        tu->interactive = false;
    }
    pthread_mutex_unlock(&t->lock);
}

char *tokens_refresh_blocked(struct token_store *t, const struct user *u)
{
    const struct token_user *tu;
    char *claims = NULL;

    pthread_mutex_lock(&t->lock);
    tu = token_user(t, u);
    if (tu->claims && tu->interactive) {
        claims = xstrdup(tu->claims);
    }
    pthread_mutex_unlock(&t->lock);
    return claims;
}

/* --- refresh tokens ------------------------------------------------------------------------------
 */

static char *sign(const struct token_store *t, const char *text)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (!HMAC(EVP_sha256(), t->key, sizeof(t->key), (const unsigned char *)text, strlen(text), mac,
              &n)) {
        die("HMAC failed");
    }
    return base64url_encode(mac, n);
}

char *tokens_issue_refresh(struct token_store *t, const struct grant *g)
{
    cJSON *root = cJSON_CreateObject();
    char *nonce = random_token(12);
    char *json;
    char *body;
    char *mac;
    char *token;

    pthread_mutex_lock(&t->lock);
    cJSON_AddNumberToObject(root, "g", token_user(t, g->user)->generation);
    pthread_mutex_unlock(&t->lock);
    cJSON_AddStringToObject(root, "t", g->tenant->id);
    cJSON_AddStringToObject(root, "u", g->user->id);
    cJSON_AddStringToObject(root, "c", g->client_id);
    cJSON_AddStringToObject(root, "s", g->scope);
    cJSON_AddBoolToObject(root, "o", g->has_openid);
    cJSON_AddStringToObject(root, "n", nonce); /* no two are alike: rotation */
    json = cJSON_PrintUnformatted(root);
    body = base64url_encode(json, strlen(json));
    mac = sign(t, body);
    token = xasprintf("0.%s.%s", body, mac);
    cJSON_Delete(root);
    free(nonce);
    free(json);
    free(body);
    free(mac);
    return token;
}

static const char *text_of(const cJSON *root, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, name));

    return text ? text : "";
}

enum token_state tokens_check_refresh(struct token_store *t, struct world *w, const char *token,
                                      struct grant *out)
{
    const char *dot = strrchr(token, '.');
    enum token_state state = TOKEN_UNKNOWN;
    char *body = str_starts(token, "0.") && dot > token + 2
                     ? xstrndup(token + 2, (size_t)(dot - token - 2))
                     : NULL;
    char *mac = body ? sign(t, body) : NULL;
    cJSON *root = NULL;
    size_t n = 0;

    if (mac && strlen(mac) == strlen(dot + 1) && CRYPTO_memcmp(mac, dot + 1, strlen(mac)) == 0) {
        char *json = base64url_decode(body, strlen(body), &n);

        root = json ? cJSON_ParseWithLength(json, n) : NULL;
        free(json);
    }
    if (root) {
        struct grant g = {.has_offline = true};
        unsigned generation =
            (unsigned)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(root, "g"));

        g.tenant = world_tenant(w, text_of(root, "t"));
        g.user = g.tenant ? tenant_user(g.tenant, text_of(root, "u")) : NULL;
        if (g.user) {
            g.has_openid = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "o"));
            pthread_mutex_lock(&t->lock);
            state = token_user(t, g.user)->generation == generation ? TOKEN_GOOD : TOKEN_REVOKED;
            pthread_mutex_unlock(&t->lock);
        }
        if (state == TOKEN_GOOD) {
            g.client_id = xstrdup(text_of(root, "c"));
            g.scope = xstrdup(text_of(root, "s"));
            *out = g;
        }
    }
    cJSON_Delete(root);
    free(body);
    free(mac);
    return state;
}
