/*
 * claims.h - claims challenges: reading them from WWW-Authenticate, and what we send back
 * (graph-facts 5.6). Pure.
 */
#ifndef GRAPH_CLAIMS_H
#define GRAPH_CLAIMS_H

#include "base/error.h"

/*
 * *out = the decoded JSON text of the claims in a WWW-Authenticate header (several joined with
 * commas are fine), NULL when it asks for none. Caller frees. Parameters may come in any order and
 * quoted, with commas and '=' inside. ERR_PROTOCOL: claims that cannot be decoded.
 */
int claims_from_challenge(char **out, const char *www_authenticate, struct error *err);

/*
 * *out = the `claims` parameter for /authorize and /token: `claims` (JSON text of a challenge or of
 * a token error, NULL: none) together with our capability `xms_cc: cp1`. Caller frees.
 */
int claims_merge(char **out, const char *claims, struct error *err);

#endif
