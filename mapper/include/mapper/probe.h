/*
 * probe.h - one look at a host of the service, for `mooring doctor`: is it reached, by which way, who
 * vouches for it, and what time it thinks it is. Asks without any token, and what it answers is no
 * failure: an HTTP status of any kind shows that the way is open.
 */
#ifndef MAPPER_PROBE_H
#define MAPPER_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct graph_options; /* mapper/graph.h */

struct graph_probe {
    int status;       /* of HTTP; 0: there was no answer */
    int64_t date_ms;  /* the Date of the answer, wall clock; 0: none */
    int64_t asked_ms; /* our own wall clock when the answer came */
    int64_t took_ms;  /* from the first byte sent to the answer, with connecting */
    bool is_proxied;  /* a proxy stood between */
    int proxy_status; /* what the proxy answered to CONNECT; 0: nothing */
    char address[80]; /* "10.0.0.1:8080": who we spoke to, the proxy if there is one */
    char issuer[200]; /* of the certificate the host showed; "" unknown */
    bool is_http2;
    bool is_untrusted; /* the failure: the certificate is not trusted here */
};

/* Looks at `url` (https, or http on loopback) as the client would: same proxy, same trust. 0 with an
 * answer; ERR_UNREACHABLE, ERR_TIMED_OUT, ERR_PROTOCOL and why otherwise, with what was learnt until
 * then in *out. When the certificate is not trusted a second connection asks who issued it, and
 * sends nothing. Waits for at most about 2 * wait_ms; any thread. */
int graph_probe(struct graph_probe *out, const struct graph_options *options, const char *url,
                int64_t wait_ms, struct error *err);

/* The libraries below us and their versions, for a support bundle: "libcurl/7.88.1 OpenSSL/3.0 ..."
 * Static. */
const char *graph_libraries(void);

#endif
