/*
 * session_private.h - what the files of session share.
 *
 *   session.c          start, tick, stop
 *   session_account.c  the thread of one account
 *   session_map.c      libraries -> plan -> transport
 *   session_status.c   what status, plan and explain answer
 */
#ifndef AGENT_SESSION_PRIVATE_H
#define AGENT_SESSION_PRIVATE_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/file.h"
#include "base/str.h"
#include "base/thread.h"
#include "mapper/account.h"
#include "mapper/discover.h"
#include "mapper/graph.h"
#include "mapper/online_vfs.h"
#include "mapper/plan.h"
#include "mapper/state.h"
#include "policy/load.h"
#include "session.h"
#include "transport/transport.h"

enum login_method { LOGIN_NONE, LOGIN_BROWSER, LOGIN_DEVICE_CODE };

struct session_account {
    struct session *session;
    struct account *account;
    struct thread thread;
    char *tenant_setting; /* as in Tenants; "organizations" when none is named */

    /* guarded by session->mutex */
    struct library_list libraries; /* last round, or what state knew */
    struct discover_report report;
    int64_t discovered_ms;   /* wall clock of the last round that worked; 0: none in this session */
    struct error last_error; /* of the last round that did not */
    bool is_refused;         /* AllowedTenants does not name this tenant */
    bool is_woken;           /* do the next round now */
    bool is_signing_in;             /* a `mooring login` is running: the thread keeps out of its way */
    bool is_logged_out;             /* by `mooring logout`: nobody is asked until `mooring login` */
};

struct session {
    const struct agent_paths *paths;
    struct policy *policy;
    const struct settings *settings;
    session_say_fn say;
    void *say_payload;
    int64_t started_ms; /* wall clock */

    struct file_lock *lock;
    struct graph *graph;
    struct state *state;
    struct online_vfs *online;
    struct transport *transport;
    struct control *control;
    struct session_account *accounts;
    size_t account_count;

    struct mutex apply_mutex; /* one plan is applied at a time; guards have, roots, transport */
    struct plan_mapping_list have;
    struct session_root *roots; /* what is carried by the vfs, one per entry of have */
    size_t root_count;
    size_t root_capacity;
    int64_t remounted_ms;

    struct mutex mutex; /* guards the accounts' fields above, plan_notes and mount_error; taken
                           after apply_mutex */
    struct cond wake;
    struct str_list plan_notes;
    struct error mount_error;
    size_t failed_steps;
    struct error failed_step;
    atomic_bool is_stopping;
};

struct session_root {
    char *key;
    uint64_t id;
};

void session_say(struct session *session, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool session_is_stopping(void *payload); /* for struct call; the payload is the session */

/* session_account.c */
int session_account_start(struct session_account *a, struct error *err);
int session_accounts_make(struct session *session, struct error *err);
void session_account_wake(struct session_account *a);
int session_account_login(struct session_account *a, enum login_method method,
                          const struct control_request *request, struct error *err);
int session_account_logout(struct session_account *a, struct error *err);

/* session_map.c: brings the mappings in line with what the accounts know now. Waits for no network.
 */
int session_remap(struct session *session, struct error *err);
int session_wanted(struct session *session, struct plan_mapping_list *want, struct str_list *notes,
                   struct error *err);
void session_roots_clear(struct session *session);

/* session_status.c */
cJSON *session_status(struct session *session);
cJSON *session_plan(struct session *session, struct error *err);
cJSON *session_explain(struct session *session, const char *url, struct error *err);

#endif
