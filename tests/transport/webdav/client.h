/*
 * client.h - a client of the gateway that says each byte itself: honest ones, and others. Linux only.
 */
#ifndef TESTS_WEBDAV_CLIENT_H
#define TESTS_WEBDAV_CLIENT_H

#include "base/buf.h"
#include "gateway.h"

struct client {
    struct gateway gateway; /* of its own; the library is t/s/l, the label "Label", the letter H */
    uint16_t port;
    char *authorization; /* the value of the header */
    struct buf answer;   /* the last one, with its head */
};

/* For cmocka: *state is a struct client. */
int client_set_up(void **state);
int client_tear_down(void **state);

/* A connection, with limits of 30 seconds; -1: none. */
int client_dial(const struct client *c);

/* Sends bytes and reads to the end of the connection. The status, or 0 without an answer. */
int client_exchange(struct client *c, const char *data, size_t size);

/* A request of an honest client; `headers` end with CRLF each. */
int client_ask(struct client *c, const char *method, const char *target, const char *headers,
               const char *body);

/* Of the last answer; the ETag must be there. */
const char *client_body(const struct client *c);
void client_etag(const struct client *c, char out[64]);

#endif
