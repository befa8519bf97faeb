/*
 * wire.h - what the tests of the Graph client on a simulated tenant share: a client and a signed-in
 * account.
 */
#ifndef WIRE_H
#define WIRE_H

#include "mapper/graph.h"
#include "tenant_fixture.h"
#include "test.h"

struct wire {
    struct tenant_fixture *tenant;
    struct graph *graph;
    struct account *account; /* of the first user of the first tenant */
    char *drive_id;          /* "Shared Documents" of /sites/finance */
    char *site_id;
};

/* Starts a tenant (tiny.json) and signs in with a refresh token. `WIRE_HTTP2` in the environment
 * puts nghttpx in between, so that every test here also runs over HTTP/2. */
struct wire *wire_start(void);
struct wire *wire_start_with(const struct tenant_fixture_options *tenant,
                             const struct graph_options *graph);
void wire_stop(struct wire *wire);

/* Another account on the same client. Ends with account_unref(). */
struct account *wire_account(struct wire *wire, const char *tenant, const char *user);

/* cmocka setup and teardown of a group: *state is a struct wire. */
int wire_setup(void **state);
int wire_teardown(void **state);

/* Between tests of a group: faults and the log are cleared. */
int wire_reset(void **state);

/* The id of an item by path in wire->drive_id. Caller frees. */
char *wire_item_id(struct wire *wire, const char *path);

/* A source of `size` bytes that depend on `seed` and their offset. */
struct wire_source {
    struct graph_source source;
    unsigned seed;
};
void wire_source_init(struct wire_source *source, uint64_t size, unsigned seed);
unsigned char wire_byte(unsigned seed, uint64_t offset);

/* Fails when `code` is not 0, with the sentence. */
#define assert_ok(result, why)                                         \
    do {                                                               \
        if ((result) < 0) {                                            \
            fail_msg("%s: %s", error_name((why).code), (why).message); \
        }                                                              \
    } while (0)

#endif
