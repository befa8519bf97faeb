/*
 * h2_faults.h - a small HTTP/2 server on loopback that breaks the protocol's promises on demand:
 * GOAWAY, RST_STREAM, streams and connections that fall silent. nghttpx does none of this.
 *
 * It answers GET with 200 and a body of H2_BODY bytes, anything else with 200 and no body.
 */
#ifndef H2_FAULTS_H
#define H2_FAULTS_H

#include <stddef.h>

#define H2_BODY 20000

enum h2_action {
    H2_ANSWER,
    H2_GOAWAY,       /* refuses the stream by GOAWAY and closes the connection */
    H2_REFUSE,       /* RST_STREAM with REFUSED_STREAM: nothing was done */
    H2_RESET,        /* RST_STREAM with INTERNAL_ERROR */
    H2_CUT,          /* half of the body, then RST_STREAM */
    H2_CLOSE,        /* half of the body, then the connection is closed */
    H2_STALL,        /* no answer on this stream; others are served */
    H2_STALL_MIDWAY, /* half of the body, then nothing more on this stream */
    H2_FREEZE        /* nothing more on the whole connection, which stays open */
};

struct h2_server;

/* Fails the test when it cannot start. */
struct h2_server *h2_server_start(const char *cert_path, const char *key_path);
void h2_server_stop(struct h2_server *server);
int h2_server_port(const struct h2_server *server);

/* What the next requests get, one each; after that H2_ANSWER. At most 32. Sets the counters to 0.
 */
void h2_server_script(struct h2_server *server, const enum h2_action *actions, size_t count);

/* Requests and connections since the script was set. */
int h2_server_requests(struct h2_server *server);
int h2_server_connections(struct h2_server *server);

#endif
