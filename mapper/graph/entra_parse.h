/*
 * entra_parse.h - what Entra's answers say. Pure: bytes in, structs out; fuzzed.
 *
 * Tolerant as graph-facts 5.1 to 5.5 ask: unknown members are ignored, numbers may come as text,
 * only what we cannot do without is required. Texts that a person will see are stripped of control
 * characters; what goes into a header or a URL is checked to be fit for it.
 */
#ifndef GRAPH_ENTRA_PARSE_H
#define GRAPH_ENTRA_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Largest answer of Entra that we read. */
#define ENTRA_BODY_MAX (256u << 10)

/* Where a tenant's sign-in lives. All heap, owned. */
struct entra_endpoints {
    char *authorize_url;
    char *token_url;
    char *device_code_url; /* NULL: this tenant offers none */
    char tenant_id[40];    /* GUID out of token_url; "" for `organizations` */
};
void entra_endpoints_clear(struct entra_endpoints *endpoints);

/*
 * The openid-configuration that `login_url` ("https://host[:port]") gave. Endpoints that are not
 * https, or on a host that is neither login_url's nor one of Entra's own, are ERR_PROTOCOL: secrets
 * are sent there.
 */
int entra_parse_configuration(struct entra_endpoints *out, const char *login_url, const char *body,
                              size_t size, struct error *err);

/* Whether `url` is https and its host that of `login_url` or a well-known one of Entra. */
bool entra_is_trusted_url(const char *url, const char *login_url);

/* Whether `text` is a GUID in its 36-character form. */
bool entra_is_guid(const char *text);

/* Who signed in, out of an id_token. It is not verified: it came over TLS from the token endpoint
 * itself. "" what is not there. */
struct entra_identity {
    char tenant_id[40];
    char user_id[40];
    char user_name[128];
};

struct entra_token {
    char *access_token;  /* secrets: entra_token_clear() wipes */
    char *refresh_token; /* NULL when none was given */
    int64_t expires_in_s;
    struct entra_identity identity;
};
void entra_token_clear(struct entra_token *token);
int entra_parse_token(struct entra_token *out, const char *body, size_t size, struct error *err);

struct entra_device_code {
    char *device_code; /* a secret */
    char user_code[32];
    char verification_url[256];
    char message[512];
    int64_t expires_in_s;
    int64_t interval_s;
};
void entra_device_code_clear(struct entra_device_code *code);
int entra_parse_device_code(struct entra_device_code *out, const char *body, size_t size,
                            struct error *err);

/* What an error of /authorize, /token or /devicecode asks of us (graph-facts 5.5). */
enum entra_action {
    ENTRA_RETRY,         /* Entra's own trouble: again later */
    ENTRA_INTERACTIVE,   /* a person has to sign in; what we have may still be good */
    ENTRA_FORGET,        /* refresh token or code is dead: forget it, a person has to sign in */
    ENTRA_BLOCKED,       /* policy refuses now (place, device): the token lives, later may work */
    ENTRA_CONFIGURATION, /* an administrator has to change the registration or our policy */
    ENTRA_PENDING,       /* device code: nobody has answered yet */
    ENTRA_SLOW_DOWN,     /* device code: ask less often */
    ENTRA_DECLINED,      /* the person said no */
    ENTRA_EXPIRED        /* device code: nobody answered in time */
};

struct entra_failure {
    enum entra_action action;
    char error[64];        /* "invalid_grant"; "HTTP 503" when the body said nothing */
    char suberror[64];     /* "" = none */
    long number;           /* first AADSTS number, 0 = none */
    char description[160]; /* first sentence of error_description, for numbers we do not know */
    char *claims;          /* JSON text for the next /authorize; NULL = none */
};
void entra_failure_clear(struct entra_failure *failure);

/* Never fails: a body that says nothing is judged by `status` alone. */
void entra_parse_failure(struct entra_failure *out, int status, const char *body, size_t size);

/* The same for the query of a redirect (`error`, `error_description`). Either may be NULL. */
void entra_judge_redirect(struct entra_failure *out, const char *error, const char *description);

/* One English sentence: what happened, and the AADSTS number. Without "what to do". */
void entra_failure_text(char *out, size_t size, const struct entra_failure *failure);

/* The tenant in the answer of GET /organization: first entry of `value`. "" what is missing. */
struct entra_organization {
    char id[40];
    char name[128];
    char initial_domain[128];
};
int entra_parse_organization(struct entra_organization *out, const char *body, size_t size,
                             struct error *err);
/* The user in the answer of GET /me. */
int entra_parse_me(struct entra_identity *out, const char *body, size_t size, struct error *err);

#endif
