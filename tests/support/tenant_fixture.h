/*
 * tenant_fixture.h - a simulated tenant (tests/tenant) for the time of a test: started on free
 * loopback ports in a temporary folder, told what to do by its control port, stopped and removed
 * after.
 *
 * Whatever goes wrong here fails the test that called, with the reason. The tenant stops by itself
 * after max_seconds and when the test dies. Not thread-safe, except tenant_control().
 */
#ifndef TENANT_FIXTURE_H
#define TENANT_FIXTURE_H

#include <stdbool.h>
#include <cjson/cJSON.h>

#include "base/process.h"

struct tenant_fixture_options {
    const char
        *scenario; /* file name in tests/tenant/scenarios, a path, or JSON text; NULL: tiny.json */
    int max_seconds; /* 0 = 600 */
    int rtt_ms;
    int mbit;
    bool has_http2; /* behind nghttpx; skips the test where nghttpx is not installed */
};

struct tenant_fixture {
    char *directory; /* temporary; for the test's own files too */
    char *login_url; /* of all tenants */
    char *graph_url;
    char *content_url;
    char *ca_file;
    char *tenant_id; /* of the first tenant */
    char *domain;
    char *sharepoint_host;
    char *user;   /* userPrincipalName of its first user */
    cJSON *ready; /* the whole ready file */
    char *control_key;
    int control_port;
    struct process *tenant;
    struct process *proxy; /* NULL: none */
};

/* NULL options: all defaults. */
struct tenant_fixture *tenant_fixture_start(const struct tenant_fixture_options *options);

/* Ends the programs and removes the folder. NULL is fine. */
void tenant_fixture_stop(struct tenant_fixture *fixture);

/* One verb of the control port with a JSON object made like printf (NULL: {}). The answer, which
 * must be a success; cJSON_Delete() it. In the JSON, ' stands for " (no text of ours holds a '). */
cJSON *tenant_control(struct tenant_fixture *fixture, const char *verb, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same without looking at the answer. */
void tenant_tell(struct tenant_fixture *fixture, const char *verb, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A refresh token for a user (NULL: the first) of a tenant (NULL: the first). Caller frees. */
char *tenant_refresh_token(struct tenant_fixture *fixture, const char *tenant, const char *user);

/* How many requests the log holds whose path and method match (globs of base/str.h, NULL: any) since the
 * last tenant_tell(fixture, "clear-log", NULL). */
int tenant_count(struct tenant_fixture *fixture, const char *method, const char *path);

/* The same, waiting up to two seconds until it is `wanted`: the log has a request when all of its answer
 * is sent, which may be after the client has it. */
int tenant_settled_count(struct tenant_fixture *fixture, const char *method, const char *path,
                         int wanted);

#endif
