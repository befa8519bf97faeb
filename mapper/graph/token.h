/*
 * token.h - inside graph/: access tokens for the request makers.
 */
#ifndef GRAPH_TOKEN_H
#define GRAPH_TOKEN_H

#include "mapper/account.h"

struct gather;

/* A valid access token, refreshed when it ends within 5 minutes (one refresh at a time per account,
 * other callers wait for it; the token file is locked against other processes and read again
 * first). *token is the caller's, to be freed with secret_free(). ERR_SIGNED_OUT, ERR_UNREACHABLE,
 * ... */
int account_token(struct account *account, char **token, const struct call *call,
                  struct error *err);

/* The service refused `token` with 401: `www_authenticate` may carry a claims challenge
 * (graph-facts 5.6). Drops the token; 0 when a new one can be had and the request should be sent
 * again, once. */
int account_token_refused(struct account *account, const char *token, const char *www_authenticate,
                          const struct call *call, struct error *err);

/* "https://graph.microsoft.com" and the scope for the governor (tenant). Lent. */
const char *account_graph_url(const struct account *account);
const char *account_scope(const struct account *account);
struct graph *account_graph(const struct account *account);

/* Its small writes that wait (gather.h). Lent. */
struct gather *account_gather(struct account *account);

#endif
