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

#define NONCE_LIFE_MS (5 * 60 * 1000)

struct access_token {
    struct access_token *next;
    char *token;
    struct grant grant;
    int64_t expires_ms;
    bool is_revoked;
    bool is_challenged;
};

struct session {
    struct session *next;
    char *id;
    struct user *user;
};

struct nonce {
    struct nonce *next;
    char *text;
    int64_t expires_ms;
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
    while (t->codes) {
        struct auth_code *c = t->codes;

        t->codes = c->next;
        auth_code_clear(c);
        free(c);
    }
    while (t->devices) {
        struct device_code *d = t->devices;

        t->devices = d->next;
        free(d->code);
        free(d->user_code);
        grant_clear(&d->grant);
        free(d);
    }
    while (t->sessions) {
        struct session *s = t->sessions;

        t->sessions = s->next;
        free(s->id);
        free(s);
    }
    while (t->nonces) {
        struct nonce *n = t->nonces;

        t->nonces = n->next;
        free(n->text);
        free(n);
    }
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
        for (struct session *s = t->sessions; s; s = s->next) {
            s->user = s->user == u ? NULL : s->user;
        }
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

/* --- authorization codes -------------------------------------------------------------------------
 */

void auth_code_clear(struct auth_code *code)
{
    free(code->code);
    grant_clear(&code->grant);
    free(code->redirect_uri);
    free(code->challenge);
    free(code->nonce);
    *code = (struct auth_code){0};
}

const char *tokens_add_code(struct token_store *t, const struct auth_code *code)
{
    struct auth_code *c = xmalloc(sizeof(*c));
    char *secret = random_token(32);

    *c = *code;
    c->code = xasprintf("1.%s", secret);
    c->is_used = false;
    free(secret);
    pthread_mutex_lock(&t->lock);
    c->next = t->codes;
    t->codes = c;
    pthread_mutex_unlock(&t->lock);
    return c->code;
}

int tokens_take_code(struct token_store *t, const char *code, struct auth_code *out)
{
    int aadsts = 70000;

    *out = (struct auth_code){0};
    pthread_mutex_lock(&t->lock);
    for (struct auth_code *c = t->codes; c; c = c->next) {
        if (strcmp(c->code, code) != 0) {
            continue;
        }
        aadsts = c->is_used ? 54005 : c->expires_ms <= now_ms() ? 70008 : 0;
        if (aadsts == 0) {
            c->is_used = true;
            *out = *c;
            out->next = NULL;
            out->code = xstrdup(c->code);
            out->grant = grant_copy(&c->grant);
            out->redirect_uri = xstrdup(c->redirect_uri);
            out->challenge = c->challenge ? xstrdup(c->challenge) : NULL;
            out->nonce = c->nonce ? xstrdup(c->nonce) : NULL;
        }
        break;
    }
    pthread_mutex_unlock(&t->lock);
    return aadsts;
}

/* --- device codes --------------------------------------------------------------------------------
 */

void tokens_add_device(struct token_store *t, struct grant *take, int lifetime_s, int interval_s,
                       char **device_code, char **user_code)
{
    static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ23456789"; /* none that is misread */
    struct device_code *d = xcalloc(1, sizeof(*d));
    struct device_code **end;
    unsigned char raw[9];
    char text[10];

    random_bytes(raw, sizeof(raw));
    for (size_t i = 0; i < sizeof(raw); i++) {
        text[i] = letters[raw[i] % (sizeof(letters) - 1)];
    }
    text[9] = '\0';
    d->code = random_token(48);
    d->user_code = xstrdup(text);
    d->grant = *take;
    *take = (struct grant){0};
    d->interval_s = interval_s;
    d->expires_ms = now_ms() + (int64_t)lifetime_s * 1000;
    *device_code = xstrdup(d->code);
    *user_code = xstrdup(d->user_code);
    pthread_mutex_lock(&t->lock);
    for (end = &t->devices; *end; end = &(*end)->next) {
    }
    *end = d;
    pthread_mutex_unlock(&t->lock);
}

static int device_answer(struct device_code *d, struct grant *out)
{
    int64_t now = now_ms();
    bool too_fast =
        d->last_poll_ms > 0 && now - d->last_poll_ms < (int64_t)d->interval_s * 1000 - 500;

    d->last_poll_ms = now;
    if (d->expires_ms <= now && d->state != DEVICE_USED) {
        return 70019;
    }
    switch (d->state) {
    case DEVICE_PENDING:
        return too_fast ? 50199 : 70016;
    case DEVICE_DECLINED:
        return -1;
    case DEVICE_USED:
        return 90120;
    case DEVICE_APPROVED:
        break;
    }
    d->state = DEVICE_USED;
    *out = grant_copy(&d->grant);
    return 0;
}

int tokens_poll_device(struct token_store *t, const char *device_code, struct grant *out)
{
    int aadsts = 70018;

    pthread_mutex_lock(&t->lock);
    for (struct device_code *d = t->devices; d; d = d->next) {
        if (strcmp(d->code, device_code) == 0) {
            aadsts = device_answer(d, out);
            break;
        }
    }
    pthread_mutex_unlock(&t->lock);
    return aadsts;
}

bool tokens_decide_device(struct token_store *t, const char *user_code, struct user *u,
                          bool approve)
{
    bool found = false;

    pthread_mutex_lock(&t->lock);
    for (struct device_code *d = t->devices; d && !found; d = d->next) {
        if (d->state != DEVICE_PENDING || d->expires_ms <= now_ms() ||
            (user_code && !str_ieq(user_code, d->user_code)) ||
            (u && d->grant.tenant && d->grant.tenant != u->tenant)) {
            continue;
        }
        d->state = approve ? DEVICE_APPROVED : DEVICE_DECLINED;
        if (u) {
            d->grant.user = u;
            d->grant.tenant = u->tenant;
        }
        found = true;
    }
    pthread_mutex_unlock(&t->lock);
    return found;
}

void tokens_expire_devices(struct token_store *t)
{
    pthread_mutex_lock(&t->lock);
    for (struct device_code *d = t->devices; d; d = d->next) {
        d->expires_ms = 0;
    }
    pthread_mutex_unlock(&t->lock);
}

char *tokens_pending_devices(struct token_store *t)
{
    cJSON *list = cJSON_CreateArray();
    char *text;

    pthread_mutex_lock(&t->lock);
    for (const struct device_code *d = t->devices; d; d = d->next) {
        if (d->state == DEVICE_PENDING && d->expires_ms > now_ms()) {
            cJSON_AddItemToArray(list, cJSON_CreateString(d->user_code));
        }
    }
    pthread_mutex_unlock(&t->lock);
    text = cJSON_PrintUnformatted(list);
    cJSON_Delete(list);
    return text;
}

/* --- sessions and nonces -------------------------------------------------------------------------
 */

char *tokens_new_session(struct token_store *t, struct user *u)
{
    struct session *s = xcalloc(1, sizeof(*s));

    s->id = random_token(24);
    s->user = u;
    pthread_mutex_lock(&t->lock);
    s->next = t->sessions;
    t->sessions = s;
    pthread_mutex_unlock(&t->lock);
    return xstrdup(s->id);
}

struct user *tokens_session_user(struct token_store *t, const char *session)
{
    struct user *u = NULL;

    pthread_mutex_lock(&t->lock);
    for (const struct session *s = t->sessions; s && !u; s = s->next) {
        u = strcmp(s->id, session) == 0 ? s->user : NULL;
    }
    pthread_mutex_unlock(&t->lock);
    return u;
}

char *tokens_new_nonce(struct token_store *t)
{
    struct nonce *n = xcalloc(1, sizeof(*n));

    n->text = random_token(32);
    n->expires_ms = now_ms() + NONCE_LIFE_MS;
    pthread_mutex_lock(&t->lock);
    n->next = t->nonces;
    t->nonces = n;
    pthread_mutex_unlock(&t->lock);
    return xstrdup(n->text);
}

bool tokens_use_nonce(struct token_store *t, const char *nonce)
{
    bool good = false;

    pthread_mutex_lock(&t->lock);
    for (struct nonce *n = t->nonces; n && !good; n = n->next) {
        good = strcmp(n->text, nonce) == 0 && n->expires_ms > now_ms();
    }
    pthread_mutex_unlock(&t->lock);
    return good;
}
