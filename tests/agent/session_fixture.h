/*
 * session_fixture.h - one agent's session inside a test, on a simulated tenant and a real mount, with files of its own.
 *
 * Skipped where /dev/fuse cannot be opened.
 */
#ifndef TESTS_SESSION_FIXTURE_H
#define TESTS_SESSION_FIXTURE_H

#include <stdatomic.h>

#include "session_private.h"
#include "tenant_fixture.h"

#define ONE "Tenants: [contoso.onmicrosoft.com]\n"
#define BOTH "Tenants: [contoso.onmicrosoft.com, fabrikam.onmicrosoft.com]\n"
#define WAIT_MS 60000

struct fixture {
    struct tenant_fixture *tenant;
    struct agent_paths paths;
    char *root;
    char *policy_file;
    struct session *session;
    atomic_int said;
    atomic_int progressed;
    atomic_int log_told; /* how often the log was set */
};

/* For cmocka_unit_test_setup_teardown(). */
int set_up(void **state);
int tear_down(void **state);
struct fixture *begin(void **state);

void pause_ms(long ms);

/* Writes the policy: what leads to the tenant, and `yaml`. */
void write_policy(const struct fixture *f, const char *yaml);

/* Starts with this policy; live: it is watched, and read again. */
int try_start(struct fixture *f, const char *yaml, bool is_live, struct session **out,
              struct error *err);
void start(struct fixture *f, const char *yaml);
void start_live(struct fixture *f, const char *yaml);
void stop(struct fixture *f);

/* What `mooring status` gets; the caller deletes it. */
cJSON *status(const struct fixture *f);

/* A text of the first account; "" when missing. The caller frees. */
char *account_text(const struct fixture *f, const char *name);
bool is_account(const struct fixture *f, const char *name, const char *wanted);

/* Ticks as the main loop does, until the first account has `wanted` ("*": anything). */
void wait_for_account(const struct fixture *f, const char *name, const char *wanted);
void approve(const struct fixture *f, const char *tenant, const char *user_code);
/* The sign-in of the first account, once it is asked for. */
void approve_first(const struct fixture *f);
/* ... and ticks until anything was said of how a search goes on. */
void wait_for_progress(const struct fixture *f);
/* The first account is signed in, and its libraries are found. */
void sign_in(const struct fixture *f);

/* Lists a folder below the root from another process, as everybody does: its exit code. */
int list(const struct fixture *f, const char *path);

#endif
