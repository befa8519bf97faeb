/*
 * auth.h - who is at the other end of a connection, by Negotiate and NTLM (RFC 4559): the identity
 * check beside the secret in the path, for Windows, where a service connects for the programs of all
 * users, so that the owner of the socket says nothing.
 *
 * Both authenticate the connection, not the request. The protocol's part is here; what the system
 * knows of tokens and users is behind struct dav_sspi, which tests replace by a double.
 */
#ifndef TRANSPORT_WEBDAV_AUTH_H
#define TRANSPORT_WEBDAV_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "transport/transport.h"

#define DAV_TOKEN_BYTES_MAX (48u * 1024) /* of one leg; Kerberos tickets may be large */
#define DAV_LEGS_MAX 8u

/* All calls may come from any thread; those of one session come from one at a time. */
struct dav_sspi {
    /* What is needed to accept `package` ("Negotiate", "NTLM"). */
    int (*acquire)(void **credentials, const char *package, struct error *err);
    void (*release)(void *credentials);

    /* One leg: takes the client's token, appends ours to `answer`. *session is NULL before the first
     * leg. 1: another leg is needed; 0: it is over, and *is_us says whether the client is the user
     * that runs this process; ERR_DENIED: it proved nothing. */
    int (*accept)(void *credentials, void **session, const void *token, size_t size,
                  struct buf *answer, bool *is_us, struct error *err);
    void (*end)(void *session); /* NULL is fine */
};

/* win32/sspi.c; NULL where the system has nothing of the kind. */
const struct dav_sspi *dav_system_sspi(void);

/* What a gateway needs. ERR_UNSUPPORTED: `mode` is REQUIRED, and the system cannot. With PREFERRED
 * and nothing that works, nobody is asked. `sspi` may be NULL. */
struct dav_auth;
int dav_auth_new(struct dav_auth **out, enum transport_dav_auth mode, const struct dav_sspi *sspi,
                 struct error *err);
void dav_auth_free(struct dav_auth *auth); /* NULL is fine */

/* Of one connection; all zero at its beginning. */
struct dav_auth_peer {
    bool is_good;     /* it is us */
    unsigned package; /* of `session` */
    unsigned legs;
    void *session;
};
void dav_auth_peer_clear(struct dav_auth *auth, struct dav_auth_peer *peer);

/* What a request's header Authorization (NULL: it has none) proves. `agent`: its User-Agent, or NULL.
 * 0: it may go on; 401: ask, with `answer` (NUL-terminated) as the value of WWW-Authenticate, or with
 * one for each of dav_auth_package() when it is empty; 403: it is somebody else. With 0 and an answer,
 * that goes with the answer to the request. */
int dav_auth_check(struct dav_auth *auth, struct dav_auth_peer *peer, const char *header,
                   const char *agent, struct buf *answer);

/* The schemes to offer; NULL behind the last one. */
const char *dav_auth_package(const struct dav_auth *auth, unsigned index);

#endif
