/*
 * tokens_flow.c - what lives for the minutes of a sign-in: codes, device codes, browser sessions,
 * nonces.
 */
#include "tokens.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"
#include "world.h"

#define NONCE_LIFE_MS (5 * 60 * 1000)

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

void tokens_clear_flow(struct token_store *t)
{
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
}

/* The user's browser sessions end; the lock is held. */
void tokens_end_sessions(struct token_store *t, const struct user *u)
{
    for (struct session *s = t->sessions; s; s = s->next) {
        s->user = s->user == u ? NULL : s->user;
    }
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

void tokens_approve_device(struct token_store *t, const char *device_code, struct user *u)
{
    pthread_mutex_lock(&t->lock);
    for (struct device_code *d = t->devices; d; d = d->next) {
        if (strcmp(d->code, device_code) == 0 && d->state == DEVICE_PENDING) {
            d->state = DEVICE_APPROVED;
            d->grant.user = u;
            d->grant.tenant = u->tenant;
        }
    }
    pthread_mutex_unlock(&t->lock);
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
