/*
 * tokens.h - what Entra has handed out: access tokens, refresh tokens, codes, device codes,
 * sessions.
 *
 * Access tokens are opaque and live in memory. Refresh tokens carry their contents under an HMAC of
 * a key in the state folder, so that they outlive a restart of the tenant; revoking them raises a
 * generation number of the user (in memory only). All calls are thread-safe; pointers to tenants
 * and users are borrowed from the world.
 */
#ifndef TENANT_TOKENS_H
#define TENANT_TOKENS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct tenant;
struct user;
struct world;
struct token_user;

/* What a sign-in granted. Texts are owned by whoever holds the grant; grant_clear() frees them. */
struct grant {
    struct tenant *tenant;
    struct user *user;
    char *client_id;
    char *scope; /* granted, separated by blanks, without openid, profile, offline_access */
    bool has_openid;
    bool has_offline;
    bool has_cp1;
};
void grant_clear(struct grant *g);
struct grant grant_copy(const struct grant *g);

enum token_state {
    TOKEN_GOOD,
    TOKEN_UNKNOWN,
    TOKEN_EXPIRED,
    TOKEN_REVOKED,    /* and its client did not declare cp1 */
    TOKEN_CHALLENGED, /* 401 insufficient_claims */
};

struct auth_code {
    char *code;
    struct grant grant;
    char *redirect_uri;
    char *challenge; /* NULL: no PKCE */
    bool is_s256;
    char *nonce;
    int64_t expires_ms;
    bool is_used;
    struct auth_code *next;
};

enum device_state { DEVICE_PENDING, DEVICE_APPROVED, DEVICE_DECLINED, DEVICE_USED };

struct device_code {
    char *code;
    char *user_code;
    struct grant grant; /* tenant NULL for common/organizations; user NULL until approved */
    int64_t expires_ms;
    int64_t last_poll_ms;
    int interval_s;
    enum device_state state;
    struct device_code *next;
};

struct token_store {
    pthread_mutex_t lock; /* guards all below */
    unsigned char key[32];
    struct access_token *access;
    struct auth_code *codes;
    struct device_code *devices;
    struct session *sessions;
    struct nonce *nonces;
    struct token_user *users;
};

void tokens_init(struct token_store *t, const char *state_dir);
void tokens_clear(struct token_store *t);

/* A new access token for the caller to free. satisfied: the claims parameter of the request, or
 * NULL; decides whether a pending challenge is met. */
char *tokens_issue_access(struct token_store *t, const struct grant *g, int lifetime_s,
                          const char *satisfied);
/* TOKEN_GOOD fills *out (a copy); TOKEN_CHALLENGED sets *claims (for the caller to free). */
enum token_state tokens_check_access(struct token_store *t, const char *token, struct grant *out,
                                     char **claims);

/* A refresh token for the caller to free. */
char *tokens_issue_refresh(struct token_store *t, const struct grant *g);
/* TOKEN_GOOD fills *out; TOKEN_UNKNOWN: never issued; TOKEN_REVOKED. */
enum token_state tokens_check_refresh(struct token_store *t, struct world *w, const char *token,
                                      struct grant *out);

/* Ends what a user holds. */
void tokens_revoke(struct token_store *t, const struct user *u, bool access, bool refresh);
void tokens_expire_access(struct token_store *t, const struct user *u); /* u NULL: everybody's */
/* From now on tokens of this user need these claims (JSON text); NULL ends it. interactive: refresh
 * does not help, only a new sign-in. */
void tokens_challenge(struct token_store *t, const struct user *u, const char *claims,
                      bool interactive);
/* A person has just signed in: an interactive challenge is met. */
void tokens_signed_in(struct token_store *t, const struct user *u);
/* The claims that a refresh must be refused with, for the caller to free; NULL: it may go on. */
char *tokens_refresh_blocked(struct token_store *t, const struct user *u);

/* Codes: add takes over *code's members and returns the code (borrowed until tokens_clear). */
const char *tokens_add_code(struct token_store *t, const struct auth_code *code);
/* 0 and a copy of the members in *out (grant and texts for the caller: auth_code_clear), or the
 * AADSTS number that says what is wrong (70000 unknown, 54005 used before, 70008 expired). Marks it
 * used. */
int tokens_take_code(struct token_store *t, const char *code, struct auth_code *out);
void auth_code_clear(struct auth_code *code);

/* Device codes. */
void tokens_add_device(struct token_store *t, struct grant *take, int lifetime_s, int interval_s,
                       char **device_code, char **user_code);
/* 0 and *out when approved; else the AADSTS number: 70016 pending, 50199 too fast, 70018 unknown,
 * 70019 expired, 90120 redeemed before, -1 declined. */
int tokens_poll_device(struct token_store *t, const char *device_code, struct grant *out);
/* user_code NULL: the oldest pending one. false: there is none such, or of another tenant. */
bool tokens_decide_device(struct token_store *t, const char *user_code, struct user *u,
                          bool approve);
/* Approves by the device code, whatever its tenant; nothing happens when it does not wait. */
void tokens_approve_device(struct token_store *t, const char *device_code, struct user *u);
void tokens_expire_devices(struct token_store *t);
/* user codes that wait, as a JSON array text for the caller to free. */
char *tokens_pending_devices(struct token_store *t);

/* Browser sessions (cookie) and nonces of single sign-on. */
char *tokens_new_session(struct token_store *t, struct user *u);
struct user *tokens_session_user(struct token_store *t, const char *session);
char *tokens_new_nonce(struct token_store *t);
bool tokens_use_nonce(struct token_store *t, const char *nonce);

/* Between tokens.c and tokens_flow.c: both with the lock held, or with nobody else there. */
void tokens_clear_flow(struct token_store *t);
void tokens_end_sessions(struct token_store *t, const struct user *u);

/* `claims` (the parameter of a request) contains what `wanted` asks for below "access_token". */
bool claims_contain(const char *claims, const char *wanted);
bool claims_have_cp1(const char *claims);

#endif
