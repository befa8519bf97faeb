/*
 * account.h - the user's sign-in to one tenant: where it stands, how to get further, and the access
 * tokens it gives.
 *
 * Entra v2 endpoints, public client, delegated permissions only (DESIGN.md, "Sign-in"; graph-facts
 * section 5). Order: cached refresh token; the session's own sign-in; then, if policy allows, browser (authorization code,
 * PKCE S256, loopback redirect) or device code. The client declares `cp1` and answers claims
 * challenges. No token, code or verifier is ever logged.
 *
 * All functions may be called from any thread.
 */
#ifndef MAPPER_ACCOUNT_H
#define MAPPER_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "mapper/call.h"

struct graph; /* mapper/graph.h: the client all accounts share */
struct account;

/* National clouds, in the order of the setting Cloud. */
enum cloud { CLOUD_GLOBAL, CLOUD_US_GOV_HIGH, CLOUD_US_GOV_DOD, CLOUD_CHINA, CLOUD_CUSTOM };

/* "https://login.microsoftonline.com" and "https://graph.microsoft.com" by cloud; NULL for
 * CLOUD_CUSTOM. Static. */
const char *cloud_login_url(enum cloud cloud);
const char *cloud_graph_url(enum cloud cloud);

enum account_state {
    ACCOUNT_UNKNOWN,   /* not tried yet */
    ACCOUNT_SIGNED_IN, /* a token works, or worked last and is renewed by itself */
    ACCOUNT_OFFLINE,   /* a refresh token is there, Entra was not reachable */
    ACCOUNT_WAITING,   /* somebody has to approve: device code shown or browser open */
    ACCOUNT_SIGNED_OUT /* `mooring login` is needed; status says why */
};

/* Whom to ask for the session's own sign-in (graph/sso.h); `ask` NULL: the system. Another one is for
 * tests: it is a double of the system then. Adds "Name: value" header lines for this URL. */
struct str_list;
struct account_sso {
    int (*ask)(void *payload, struct str_list *headers, const char *url, struct error *err);
    void *payload;
};

struct account_options {
    const char *tenant; /* GUID or verified domain; "organizations" for the home tenant of whoever
                           signs in */
    const char *client_id; /* GUID of the app registration */
    enum cloud cloud;
    const char *login_url; /* CLOUD_CUSTOM only: https URL without path */
    const char *graph_url;
    const char *login_hint;      /* may be NULL */
    const char *token_directory; /* private folder; the token file is made in it, 0600 */
    bool wants_teams;            /* TeamsChannels, as account_want_teams() */
    struct account_sso sso;
};

/* Makes an account that is not signed in yet; reads the token file. Holds `graph`. Ends with
 * account_unref(); libraries in use keep references. */
int account_new(struct account **out, struct graph *graph, const struct account_options *options,
                struct error *err);
struct account *account_ref(struct account *account);
void account_unref(struct account *account);

/* What a person has to do now. Lent for the time of the call. */
struct account_prompt {
    const char *message;          /* as the service words it, or ours */
    const char *verification_url; /* device code: where to go; browser: the URL to open */
    const char *user_code;        /* device code only */
    int64_t expires_in_s;
};
typedef void (*account_prompt_fn)(void *payload, const struct account_prompt *prompt);

/* Signs in without any person: refresh token. 0, ERR_SIGNED_OUT (why, and the next step),
 * ERR_UNREACHABLE... */
int account_sign_in_silent(struct account *account, const struct call *call, struct error *err);

/* Signs in by the session's own sign-in to this device (Windows, joined to Entra: the primary refresh
 * token), without any person. Only after account_sign_in_silent() said ERR_SIGNED_OUT, and not when
 * the user signed out. ERR_UNSUPPORTED, ERR_NOT_FOUND: there is none; ERR_SIGNED_OUT: Entra wants a
 * person all the same; ERR_BUSY, ERR_UNREACHABLE... The account is left as it was then. */
int account_sign_in_session(struct account *account, const struct call *call, struct error *err);

/*
 * The two sign-ins in which a person takes part. One at a time per account: ERR_BUSY. Without a
 * deadline in `call` they last 15 minutes. Requests go on with the old tokens meanwhile, and an
 * account that works stays as it is when they fail. ERR_DENIED (declined, or another tenant),
 * ERR_TIMED_OUT (not answered in time), ERR_CANCELLED (also by account_sign_out()), ERR_SIGNED_OUT
 * (refused, and why), ERR_UNREACHABLE, ERR_UNSUPPORTED...
 */

/* Shows the code by `prompt` and waits until it is approved, declined, expired, cancelled or the
 * deadline passes. */
int account_sign_in_device_code(struct account *account, account_prompt_fn prompt, void *payload,
                                const struct call *call, struct error *err);

/* Listens on loopback, hands the URL to `prompt` (which opens the system's browser) and waits for
 * the redirect. */
int account_sign_in_browser(struct account *account, account_prompt_fn prompt, void *payload,
                            const struct call *call, struct error *err);

/* Whether tokens are asked for with Team.ReadBasic.All and Channel.ReadBasic.All from now on. Where
 * nobody consented to these two, tokens come without them and all else works. */
void account_want_teams(struct account *account, bool wants_teams);

/* Graph denied what these two permissions allow: renews the token, since the one that is there may
 * be older than the wish. 0 when Entra gave one with them (as far as it says); ERR_DENIED and why
 * when nobody consented; otherwise as account_sign_in_silent(), and the old token goes on to be
 * used while it works. */
int account_renew_for_teams(struct account *account, const struct call *call, struct error *err);

/* Forgets the tokens here and in the file (the service knows no sign-out for them), and ends a
 * sign-in that waits for a person. What another process holds in memory works until it ends. */
int account_sign_out(struct account *account, struct error *err);

struct account_info {
    enum account_state state;
    char tenant_id[40];       /* GUID, "" until known */
    char tenant_name[128];    /* displayName of the organisation */
    char initial_domain[128]; /* contoso.onmicrosoft.com */
    char user_name[128];      /* userPrincipalName */
    char user_id[40];
    char reason[240];   /* for SIGNED_OUT and OFFLINE: why, and what to do */
    char user_code[32]; /* while WAITING by device code */
    char verification_url[256];
};
void account_info(struct account *account, struct account_info *out);

/* Who the tenant and the user are: GET /organization and /me in one $batch; after sign-in, then
 * remembered in the token file so that a warm start knows them without a request. */
int account_identify(struct account *account, const struct call *call, struct error *err);

#endif
