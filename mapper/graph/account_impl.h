/*
 * account_impl.h - inside the sign-in: what an account is made of, and what its files share.
 *
 *   account.c         life, state, silent sign-in, sign-out, who we are
 *   token.c           access tokens: when to renew, one at a time, claims challenges
 *   signin_device.c   device code            signin_browser.c  authorization code with PKCE
 *   signin_sso.c      the same by the session's own sign-in; authorize.c is of both
 *   entra.c           requests to Entra      entra_parse.c, entra_fault.c  what it answers (pure)
 *   token_store.c     the file               cloud.c   hosts and permissions
 *
 * Lock order: account->lock is never held during a request, a prompt, a file operation or a
 * callback. The file's lock (token_store_lock) is taken without account->lock held.
 */
#ifndef GRAPH_ACCOUNT_IMPL_H
#define GRAPH_ACCOUNT_IMPL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/thread.h"
#include "graph/entra_parse.h"
#include "graph/gather.h"
#include "graph/token_store.h"
#include "mapper/account.h"

struct account {
    /* Never change after account_new(). */
    struct graph *graph; /* held */
    enum cloud cloud;
    char *tenant;
    char *client_id;
    char *login_url;
    char *graph_url;
    char *login_hint; /* may be NULL */
    struct account_sso sso;
    char *permissions[2]; /* [true]: with those of TeamsChannels */
    char *graph_scope;    /* for the governor: pauses of Graph and of Entra are kept apart */
    char *entra_scope;
    char *token_path;

    atomic_bool wants_teams;
    struct gather writes; /* has its own mutex */

    struct mutex lock; /* guards all below */
    struct cond changed;
    unsigned refs;
    enum account_state state;
    char reason[240];
    char user_code[32];
    char verification_url[256];
    enum account_state under_state; /* while WAITING: what it would be without the person */
    char under_reason[240];

    struct token_data data;
    int64_t access_ends_ms;  /* monotonic twin of data.access_ends_ms */
    int64_t access_since_ms; /* since when we have it; monotonic */
    bool is_stored;          /* `data` is in the file: a missing file means signed out elsewhere */
    unsigned epoch;          /* raised by sign-out: what began before has no say after */
    bool is_refreshing;
    bool is_interactive;
    struct error last;      /* why the last refresh failed ... */
    int64_t retry_at_ms;    /* ... and no other is tried before this; monotonic */
    int64_t retry_pause_ms; /* grows with each failure */
    int64_t reread_at_ms;   /* signed out: another process may have signed in; look from then on */
    int64_t ask_at_ms;      /* signed out with a refresh token: Entra is not asked before this */
    struct error teams_refusal; /* why the last token is without the permissions of TeamsChannels;
                                   code 0: it has them, or nobody asked */
    char *refused;              /* the access token Graph refused last; a secret */
    unsigned refusals;          /* new tokens refused in a row */
};

/* --- account.c --- */

/* With the lock held: a new state and its reason. While a person is asked it is only noted, and
 * shown when that ends. */
void account_set_state(struct account *account, enum account_state state, const char *reason);

/* With the lock held: takes over what a file or a refresh brought. */
void account_adopt_data(struct account *account, struct token_data *data);

/* The scopes to ask for now. Lent. */
const char *account_permissions(const struct account *account);

/* When `call` ends; `default_ms` from now when it does not say. Monotonic. */
int64_t account_deadline(const struct call *call, int64_t default_ms);

/* 0, ERR_CANCELLED or ERR_TIMED_OUT. */
int account_check_call(const struct call *call, int64_t deadline_ms, struct error *err);

/* The file's lock, waited for until the deadline. Without it (folder gone, no locks on this file
 * system) one goes on: *out is NULL then. ERR_CANCELLED, ERR_TIMED_OUT. */
int account_lock_file(struct file_lock **out, struct account *account, const struct call *call,
                      int64_t deadline_ms, struct error *err);

/* --- token.c --- */

/* Puts a token into `data`: rotation, end, identity; serial grows. */
int token_data_take(struct token_data *data, struct entra_token *token, struct error *err);

/* Refreshes once, whatever is there, unless another process just did; without `may_ask` only looks
 * whether another process did. Lock held on entry and on return, not in between; the caller saw
 * !is_refreshing. */
int account_refresh(struct account *account, bool may_ask, const struct call *call,
                    struct error *err);

/* With the lock held: copies the access token that is there. */
int account_copy_token(struct account *account, char **token, struct error *err);

/* With the lock held: whether there is an access token that is worth sending. */
bool account_has_token(const struct account *account);

/* A person signed in: stores the token, then uses it. */
int account_accept(struct account *account, unsigned epoch, struct entra_endpoints *endpoints,
                   struct entra_token *token, const struct call *call, struct error *err);

/* --- entra.c --- */

/* Asks openid-configuration, if need be at the cloud's other host. */
int entra_discover(struct entra_endpoints *out, struct account *account, const struct call *call,
                   struct error *err);

/* A form: names are ours, values are encoded. The first failure sticks in `code`. */
struct entra_form {
    struct buf text;
    int code;
};
void entra_form_init(struct entra_form *form, const struct account *account);
void entra_form_add(struct entra_form *form, const char *name, const char *value);
void entra_form_clear(struct entra_form *form); /* wipes */

/*
 * POSTs `form` and reads a token. On failure the code says what is left to do, and `failure` what
 * Entra said; its action is ENTRA_RETRY when Entra said nothing. Both are the caller's to clear.
 *   UNREACHABLE, THROTTLED, TIMED_OUT   again later       SIGNED_OUT  a person or an admin is
 * needed BUSY  (device code) not answered yet     DENIED  declined     PROTOCOL, CANCELLED, ...
 * *retry_after_ms: -1 = not said.
 */
int entra_ask_token(struct entra_token *out, struct entra_failure *failure, int64_t *retry_after_ms,
                    struct account *account, const char *token_url, const struct entra_form *form,
                    bool is_repeatable, const struct call *call, struct error *err);

int entra_ask_device_code(struct entra_device_code *out, struct account *account, const char *url,
                          const struct entra_form *form, const struct call *call,
                          struct error *err);

/* The code and sentence (with the next step) for what Entra refused. */
int entra_failure_error(const struct account *account, const struct entra_failure *failure,
                        struct error *err);

/* --- cloud.c --- */

const char *cloud_other_login_url(enum cloud cloud); /* NULL: none */

/* *out = the scopes to ask for, by cloud with or without the resource in front. Caller frees. */
int cloud_permissions(char **out, enum cloud cloud, const char *graph_url, bool wants_teams,
                      struct error *err);

/* --- signin.c --- */

/* A sign-in in which a person takes part, one at a time. */
struct signin {
    struct account *account;
    const struct call *call;
    int64_t deadline_ms;
    unsigned epoch;
    struct entra_endpoints endpoints;
    char *claims; /* the `claims` parameter, merged */
};
/* `err` must not be NULL here and in signin_end(): its sentence becomes the reason in status. */
int signin_begin(struct signin *signin, struct account *account, const struct call *call,
                 struct error *err);

/* Shows WAITING and tells the person. */
void signin_prompt(struct signin *signin, const struct account_prompt *prompt,
                   account_prompt_fn tell, void *payload);

/* 0, or why to stop: cancelled, deadline, signed out meanwhile. */
int signin_check(const struct signin *signin, struct error *err);

/* Waits `pause_ms` or until signin_check() says stop. */
int signin_pause(const struct signin *signin, int64_t pause_ms, struct error *err);

/* A call for one request within the sign-in: at most 30 s. */
struct call signin_call(const struct signin *signin);

/* Exchanges what the person did, which `form` says, for a token, as entra_ask_token() does; adds
 * what all such forms have, and clears `form`. Not repeatable: a code works once. */
int signin_ask_token(struct entra_token *out, struct entra_failure *failure,
                     int64_t *retry_after_ms, const struct signin *signin, struct entra_form *form,
                     struct error *err);

/* Leaves WAITING: signed in for code 0, else what it was before, or signed out with the reason. */
int signin_end(struct signin *signin, int code, const struct error *err);

#endif
