/*
 * peer.c - who connects, on Windows. A service (WebClient) does it for the programs of all users, so
 * that the owner of a socket says nothing of the user: the secret in the path does, and Negotiate
 * (auth.h).
 */
#include "webdav/webdav_internal.h"

#include <winsock2.h>

int dav_check_peer(const struct sockaddr *peer, uint16_t port, struct error *err)
{
    const struct sockaddr_in *address = (const struct sockaddr_in *)(const void *)peer;

    (void)port;
    if (peer->sa_family != AF_INET || address->sin_addr.s_addr != htonl(INADDR_LOOPBACK)) {
        return error_set(err, ERR_DENIED, "a connection did not come from this machine");
    }
    return 0;
}

bool dav_system_needs_path(void)
{
    return true;
}
