/*
 * session_private.h - what the files of session share.
 *
 *   session.c          start, tick, stop
 *   session_account.c  the thread of one account: rounds of discovery
 *   session_signin.c   signing in and out
 *   session_control.c  the commands of the control channel
 *   session_map.c      libraries -> plan -> transport
 *   session_status.c   what status, plan and explain answer
 */
#ifndef AGENT_SESSION_PRIVATE_H
#define AGENT_SESSION_PRIVATE_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/file.h"
#include "base/process.h"
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
    atomic_bool is_login; /* a `mooring login` runs: what the thread asks a person ends, and it
                             keeps out of the way until the login is over */

    /* of the account's thread alone */
    struct process *browser; /* that we opened and that still ran; to be reaped */
    char known_tenant[40];   /* whose libraries `libraries` are; "" none */

    /* guarded by session->mutex */
    struct library_list libraries; /* last round, or what state knew */
    struct str_list verified;      /* keys whose drive was confirmed while a round was on its way */
    struct discover_report report;
    int64_t discovered_ms;   /* wall clock of the last round that worked; 0: none in this session */
    int64_t searching_ms;    /* monotonic; since when a round asks Graph; 0: none does */
    struct error last_error; /* of the last round that did not */
    unsigned failures;       /* rounds in a row that did not bring all */
    enum account_state seen; /* when session_accounts_watch() looked last */
    bool is_refused;         /* AllowedTenants does not name this tenant */
    bool is_woken;           /* do the next round now */
    bool is_asking;          /* the thread waits for a person */
    bool may_ask;            /* false: somebody was asked and said no, or was not there */
    bool is_logged_out;      /* by `mooring logout`: nobody is asked until `mooring login` */
};

struct session {
    const struct agent_paths *paths;
    struct policy *policy;
    const struct settings *settings;
    struct session_terminal terminal;
    int64_t started_ms; /* wall clock */

    struct file_lock *lock;
    struct graph *graph;
    struct state *state;
    struct online_vfs *online;
    struct transport *transport;
    struct control *control;
    struct session_account *accounts;
    size_t account_count;

    /* Taken in this order, and neither while waiting for the network or for a program. */
    struct mutex apply_mutex; /* one plan is applied at a time; guards have, roots, transport
                                 (NULL: not mounted now) */
    struct plan_mapping_list have;
    struct session_root *roots; /* what is carried by the vfs, one per entry of have */
    size_t root_count;
    size_t root_capacity;
    int64_t remounted_ms; /* of the main thread alone */

    struct mutex mutex; /* guards the accounts' fields above and all below */
    struct cond wake;
    struct str_list plan_notes;
    struct str_list
        setup_problems; /* tenants of policy that no account could be made for; fixed after start */
    struct error mount_error; /* why there is no mount, or was none a moment ago */
    struct error state_error; /* why something is not remembered for the next start */
    size_t failed_steps;
    struct error failed_step;
    atomic_bool is_stopping;
};

struct session_root {
    char *key;
    uint64_t id;
};

/* Remembers why something could not be written down, and logs it when it is news. NULL: it could. */
void session_note_state(struct session *session, const struct error *err);

void session_say(struct session *session, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool session_is_stopping(void *payload); /* for struct call; the payload is the session */

/* session_account.c */
int session_account_start(struct session_account *a, struct error *err);
int session_accounts_make(struct session *session, struct error *err);
void session_account_wake(struct session_account *a);
void session_account_clear(struct session_account *a);
struct call session_call(struct session *session, int64_t wait_ms);

/* Looks where the sign-ins stand: a round is due at once when one was lost (so that somebody is
 * asked), and when one came back after a round that failed. */
void session_accounts_watch(struct session *session);

/* How long to wait after `failures` rounds in a row that failed, the last with `code`. Pure. */
int64_t session_retry_ms(unsigned failures, int code, int64_t every_ms);

/* AllowedTenants: 0, or ERR_DENIED and nothing of this tenant is mapped any more. A sign-in that a
 * person has just made to it (`is_new`) is forgotten; an old one is kept, since a mistake in the
 * policy must not sign everybody out. */
int session_account_check_tenant(struct session_account *a, bool is_new, struct error *err);

/* session_signin.c: the account's own way in; *was_asked: a person did it. */
int session_sign_in(struct session_account *a, bool *was_asked, struct error *err);
int session_account_login(struct session_account *a, enum login_method method,
                          const struct control_request *request, struct error *err);
int session_account_logout(struct session_account *a, struct error *err);

/* session_map.c: brings the mappings in line with what the accounts know now; nothing while there is
 * no mount. Waits for no network. */
int session_remap(struct session *session, struct error *err);
int session_wanted(struct session *session, struct plan_mapping_list *want, struct str_list *notes,
                   struct error *err);
void session_roots_clear(struct session *session);

/* session_limits.c */
void session_add_limits(struct online_vfs_options *options, const struct settings *settings);
cJSON *session_deletes_json(struct session *session);
int session_deletes_allow(struct session *session, const struct control_request *request,
                          cJSON **result, struct error *err);

/* session_status.c */
cJSON *session_status(struct session *session);
cJSON *session_account_json(struct session_account *a); /* one of status.accounts */
cJSON *session_plan(struct session *session, struct error *err);
cJSON *session_explain(struct session *session, const char *url, struct error *err);

#endif
