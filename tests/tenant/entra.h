/*
 * entra.h - sign-in, v2 endpoints, for public clients (facts, section 5). Shared by the entra_*.c
 * files.
 *
 * A tenant's "signin" object in the scenario (and the verb "signin" of the control port) says how
 * its sign-in behaves; README.md lists the members.
 */
#ifndef TENANT_ENTRA_H
#define TENANT_ENTRA_H

#include "server.h"
#include "world.h"

/* One sign-in request: who is asked and with what. */
struct sign_in {
    const struct http_request *rq;
    struct http_response *rs;
    struct server *s;
    const char *authority; /* "common", "organizations", "consumers", a GUID or a domain */
    struct tenant *tenant; /* NULL for the first three */
    const char *form;      /* the body of a POST, or the query of a GET; NULL when empty */
};

/* A field of the form, decoded, for the caller to free; NULL when absent. */
char *sign_in_field(const struct sign_in *si, const char *name);

/* entra_errors.c. The error of a number: "invalid_grant" etc. */
const char *aadsts_error(int aadsts);
const char *aadsts_text(int aadsts);
/* As entra_error(), with another `error` than the table's. */
void entra_error_as(const struct http_request *rq, struct http_response *rs, const char *error,
                    int aadsts, const char *suberror, const char *claims);
/* An HTML page that says what is wrong, as /authorize shows when it must not redirect. */
void entra_error_page(struct http_response *rs, int aadsts);

/* entra_token.c */
void entra_token(struct sign_in *si);
void entra_device_code(struct sign_in *si);

/* entra_authorize.c: /authorize, the form behind it, and /adminconsent. */
void entra_authorize(struct sign_in *si);
void entra_login_form(struct sign_in *si);
void entra_admin_consent(struct sign_in *si);
void entra_device_page(struct sign_in *si);

/* entra_redirect.c: which redirect_uri is registered (loopback rules), pure. */
bool redirect_matches(const char *registered, const char *asked);
bool redirect_allowed(const struct tenant *t, const char *asked);

/* Settings of sign-in, from the tenant's "signin"; t NULL: the first tenant's. */
bool signin_flag(struct server *s, const struct tenant *t, const char *name);
int signin_number(struct server *s, const struct tenant *t, const char *name, int fallback);
char *signin_text(struct server *s, const struct tenant *t,
                  const char *name); /* for the caller to free, or NULL */

/* Fills scope, has_openid and has_offline of a grant from the scope parameter (NULL: none). */
void scope_read(struct grant *g, const char *scope);

#endif
