/*
 * authorize.h - authorization code with PKCE S256 (graph-facts 5.2): the URL, what comes back, and
 * the token for it. Who carries the URL to Entra is the caller's: a browser, or the session's own
 * sign-in (sso.h).
 */
#ifndef GRAPH_AUTHORIZE_H
#define GRAPH_AUTHORIZE_H

#include "graph/account_impl.h"
#include "graph/loopback.h"

struct authorize {
    struct signin *signin;
    char *state;    /* ours: who does not know it is not answered */
    char *verifier; /* secret */
    char *redirect_uri;
    char *code;                   /* secret; set when accepted ... */
    struct entra_failure failure; /* ... or this, when declined */
};

/* A new state and verifier. `authorize` is zeroed, and cleared by the caller whatever the result. */
int authorize_begin(struct authorize *authorize, struct signin *signin, const char *redirect_uri,
                    struct error *err);
void authorize_clear(struct authorize *authorize); /* wipes */

/* *out = where to go. `prompt` as Entra knows it, "none" for one that asks nobody; NULL: not said.
 * Holds the state: the caller wipes it. */
int authorize_url(char **out, const struct authorize *authorize, const char *prompt,
                  struct error *err);

/* What the redirect's query says; fills in code or failure. Refused: not an answer to ours. */
enum loopback_verdict authorize_judge(struct authorize *authorize, const char *query);

/* The token for the code. */
int authorize_redeem(struct entra_token *token, const struct authorize *authorize,
                     struct error *err);

#endif
