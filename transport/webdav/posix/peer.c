/*
 * peer.c - which user runs the program at the other end of a connection on this machine.
 *
 * The kernel tells it: by sock_diag(7), one question for one connection; where that is not to be had
 * (a sandbox, a kernel without inet_diag), by /proc/net/tcp. Both say uid 0 of a socket that its
 * program has closed already, so that only a connection that stands, and whose socket somebody has
 * (its inode is not 0), proves anything.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "webdav/webdav_internal.h"

struct owner {
    unsigned uid;
    unsigned long inode;
    unsigned state;
};

static bool ask(int fd, struct owner *out, uint16_t peer_port, uint16_t our_port)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 body;
    } question = {
        .head = {.nlmsg_len = sizeof(question),
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST},
        .body = {.sdiag_family = AF_INET,
                 .sdiag_protocol = IPPROTO_TCP,
                 .idiag_states = ~0u,
                 .id = {.idiag_sport = htons(peer_port), /* the other end's view */
                        .idiag_dport = htons(our_port),
                        .idiag_src = {htonl(INADDR_LOOPBACK)},
                        .idiag_dst = {htonl(INADDR_LOOPBACK)},
                        .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
    };
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    union {
        struct nlmsghdr head;
        char bytes[4096];
    } answer;
    const struct inet_diag_msg *found = NLMSG_DATA(&answer.head);
    ssize_t size = 0;

    if (sendto(fd, &question, sizeof(question), 0, (const struct sockaddr *)&kernel,
               sizeof(kernel)) != (ssize_t)sizeof(question)) {
        return false;
    }
    size = recv(fd, &answer, sizeof(answer), 0);
    if (size < (ssize_t)NLMSG_LENGTH(sizeof(*found)) ||
        answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        found->id.idiag_sport != htons(peer_port) || found->id.idiag_dport != htons(our_port)) {
        return false;
    }
    *out = (struct owner){found->idiag_uid, found->idiag_inode, found->idiag_state};
    return true;
}

static bool owner_by_diag(struct owner *out, uint16_t peer_port, uint16_t our_port)
{
    struct timeval limit = {.tv_sec = 1};
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    bool is_found = false;

    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        is_found = ask(fd, out, peer_port, our_port);
        close(fd);
    }
    return is_found;
}

/* "  0: 0100007F:1F90 0100007F:A1B2 01 00000000:00000000 00:00000000 00000000  1000  0 12345 ..." */
static bool owner_by_proc(struct owner *out, uint16_t peer_port, uint16_t our_port)
{
    const unsigned long loopback = htonl(INADDR_LOOPBACK);
    FILE *table = fopen("/proc/net/tcp", "re");
    char line[512];
    bool is_found = false;

    while (table && !is_found && fgets(line, sizeof(line), table)) {
        unsigned long from = 0;
        unsigned long to = 0;
        unsigned from_port = 0;
        unsigned to_port = 0;

        /* NOLINTNEXTLINE(cert-err34-c): the text is the kernel's */
        is_found = sscanf(line, " %*u: %lx:%x %lx:%x %x %*s %*s %*s %u %*u %lu", &from, &from_port,
                          &to, &to_port, &out->state, &out->uid, &out->inode) == 7 &&
                   from == loopback && to == loopback && from_port == peer_port &&
                   to_port == our_port;
    }
    if (table) {
        fclose(table);
    }
    return is_found;
}

int dav_check_peer(const struct sockaddr *peer, uint16_t port, struct error *err)
{
    const struct sockaddr_in *address = (const struct sockaddr_in *)(const void *)peer;
    struct owner owner = {.uid = 0};
    uint16_t peer_port = 0;

    if (peer->sa_family != AF_INET || address->sin_addr.s_addr != htonl(INADDR_LOOPBACK)) {
        return error_set(err, ERR_DENIED, "a connection did not come from this machine");
    }
    peer_port = ntohs(address->sin_port);
    if (!owner_by_diag(&owner, peer_port, port) && !owner_by_proc(&owner, peer_port, port)) {
        return error_set(err, ERR_DENIED, "the system does not say whose a connection is");
    }
    if (owner.state != TCP_ESTABLISHED || owner.inode == 0) {
        return error_set(err, ERR_DENIED, "a connection was given up before it could be looked at");
    }
    if (owner.uid != getuid() && owner.uid != 0) {
        return error_set(err, ERR_DENIED, "a connection comes from another user (uid %u)",
                         owner.uid);
    }
    return 0;
}

/* Clients here send a password. */
bool dav_system_needs_path(void)
{
    return false;
}

const struct dav_sspi *dav_system_sspi(void)
{
    return NULL;
}
