/*
 * session_private.h - what the files of session share.
 *
 *   session.c          start, tick, stop
 *   session_mount.c    the mount: made, looked after, moved
 *   session_policy.c   a new policy while the session runs
 *   session_account.c  the thread of one account: rounds of discovery
 *   session_accounts.c which accounts there are: made, ended, as Tenants says
 *   session_signin.c   signing in and out
 *   session_control.c  the commands of the control channel
 *   session_map.c      libraries -> plan -> transport
 *   session_status.c   what status, plan and explain answer
 *   session_uploads.c  what `mooring uploads` asks for
 *   session_events.c   what the system's event log is told (session_events.h)
 *   session_doors.c    open, view, link, versions (session_doors.h)
 *   np_session.c       what the network provider asks for (np_session.h)
 *   session_explorer.c what the file manager of Windows shows
 */
#ifndef AGENT_SESSION_PRIVATE_H
#define AGENT_SESSION_PRIVATE_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/file.h"
#include "base/process.h"
#include "base/str.h"
#include "base/thread.h"
#include "explorer.h"
#include "mapper/account.h"
#include "mapper/discover.h"
#include "mapper/graph.h"
#include "mapper/online_vfs.h"
#include "mapper/plan.h"
#include "mapper/state.h"
#include "policy/load.h"
#include "policy/watch.h"
#include "session.h"
#include "transport/transport.h"

/* What of an account the system's event log was told last (session_events.c). */
enum session_told {
    SESSION_TOLD_NOTHING,
    SESSION_TOLD_SIGNED_IN,
    SESSION_TOLD_OFFLINE,
    SESSION_TOLD_NEEDED,
    SESSION_TOLD_REFUSED
};

enum login_method { LOGIN_NONE, LOGIN_BROWSER, LOGIN_DEVICE_CODE };

struct session_account {
    struct session *session;
    struct account *account;
    struct thread thread;
    char *tenant_setting;  /* as in Tenants; "organizations" when none is named */
    char *identity;        /* all that policy says about it, as one text: never changes */
    atomic_bool is_ending; /* policy does not name it any more */
    atomic_bool is_login;  /* a `mooring login` runs: what the thread asks a person ends, and it
                             keeps out of the way until the login is over */

    /* of the account's thread alone */
    struct process *browser; /* that we opened and that still ran; to be reaped */
    char known_tenant[40];   /* whose libraries `libraries` are; "" none */

    /* guarded by session->mutex */
    unsigned references;           /* the session's, and one per command that works on it */
    struct library_list libraries; /* last round, or what state knew */
    struct str_list verified;      /* keys whose drive was confirmed while a round was on its way */
    struct discover_report report;
    int64_t discovered_ms;   /* wall clock; the last round whose libraries are mapped; 0: none */
    int64_t searching_ms;    /* monotonic; since when a round asks Graph; 0: none does */
    struct error last_error; /* of the last round that did not */
    unsigned failures;       /* rounds in a row that did not bring all */
    enum account_state seen; /* when session_accounts_watch() looked last */
    enum session_told told;
    bool is_refused;    /* AllowedTenants does not name this tenant, or cannot be known */
    int64_t wake_ms;    /* monotonic: the next round is due by then; 0: when it is its time */
    bool is_asking;     /* the thread waits for a person */
    bool may_ask;       /* false: somebody was asked and said no, or was not there */
    bool is_logged_out; /* by `mooring logout`: nobody is asked until `mooring login` */
};

struct session {
    const struct agent_paths *paths;
    struct session_terminal terminal;
    session_log_fn set_log;
    int64_t started_ms; /* wall clock */

    struct file_lock *lock;
    struct graph *graph;
    struct state *state;
    struct online_vfs *online;
    struct control *control;
    struct policy_watch *watch;
    struct explorer *explorer;     /* NULL where there is none */
    struct session_events *events; /* of the thread that ticks; NULL: there is no event log */

    /* of the main thread */
    struct np_pipe *np_pipe; /* NULL: not listening */
    bool is_np_off;          /* there are no network providers here */
    int np_failure;          /* why it does not listen, as logged */

    /* All three: taken in this order. Mounting and ending an account are waited for with the first
     * one held; with the other two nobody waits for the network or for a program. */
    struct mutex change_mutex; /* one change of mount or policy at a time; guards these: */
    struct policy_sources sources;
    char *cache_directory;      /* what the vfs was opened with */
    char *journal_directory;    /* the same */
    int64_t remounted_ms;       /* when mounting again was tried last */
    char *mount_root;           /* what is, or is to be, mounted where; written with apply_mutex */
    char *unc_server;           /* the same */
    enum policy_transport kind; /* the same */
    uint16_t web_dav_port;      /* the same; as policy wants it */
    bool is_live;               /* `sources` are there, and read again */
    enum policy_web_dav_auth web_dav_auth; /* the same */
    char *fallback; /* why Auto took another transport than the best; NULL: it did not. The same */

    struct mutex apply_mutex; /* one plan is applied at a time; guards have, roots, transport
                                 (NULL: not mounted now) */
    struct transport *transport;
    struct plan_mapping_list have;
    struct session_root *roots; /* what is carried by the vfs, one per entry of have */
    size_t root_count;
    size_t root_capacity;

    struct mutex mutex; /* guards the accounts' fields above and all below */
    struct cond wake;
    struct policy *policy;  /* replaced with change_mutex held: who holds that may read it too */
    unsigned policy_serial; /* grows with each policy */
    bool is_override_over;  /* --policy was given, and a machine policy appeared since */
    int64_t policy_ms;      /* wall clock; when it was read last */
    struct str_list policy_problems; /* what of the policy could not be put into effect, and why */
    struct str_list next_start;      /* settings that take effect when the agent starts again */
    struct session_account **accounts;
    size_t account_count;
    struct str_list plan_notes;
    struct str_list setup_problems; /* tenants of policy that no account could be made for */
    struct error mount_error;       /* why there is no mount, or was none a moment ago */
    struct error state_error;       /* why something is not remembered for the next start */
    size_t failed_steps;
    struct error failed_step;
    atomic_bool is_stopping;
    atomic_bool is_disabled; /* policy Enabled was turned off */
};

struct session_root {
    char *key;
    uint64_t id;
};

/* Remembers why something could not be written down, and logs it when it is news. NULL: it could. */
void session_note_state(struct session *session, const struct error *err);

void session_say(struct session *session, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool session_is_stopping(void *payload); /* for struct call; the payload is the session */
void session_show_line(struct session *session, const char *line); /* of progress */

/* The settings of now: a reference, which the caller gives back with settings_unref(). Not with
 * `mutex` held: policy_settings(session->policy) then. */
const struct settings *session_settings(struct session *session);

/* session_account.c */
int session_account_start(struct session_account *a, struct error *err);
void session_account_wake(struct session_account *a);

/* The next round within `most_ms`, at a moment of chance: who is told the same thing at the same
 * time does not come at the same time. */
void session_account_wake_within(struct session_account *a, int64_t most_ms);
bool session_account_is_over(void *payload); /* for struct call; the payload is the account */
struct call session_account_call(struct session_account *a, int64_t wait_ms);

/* Takes up what is known of the tenant that the account is signed in to. */
int session_account_know(struct session_account *a, const struct account_info *info,
                         struct error *err);

/* How long to wait after `failures` rounds in a row that failed, the last with `code`. Pure. */
int64_t session_retry_ms(unsigned failures, int code, int64_t every_ms);

/* Why nothing of the account's tenant may be signed in to or mapped; NULL when it may. Mutex held.
 */
const char *session_account_refusal(const struct session_account *a,
                                    const struct account_info *info);

/* 0, or ERR_DENIED and nothing of this tenant is mapped any more. A sign-in that a person has just
 * made to it (`is_new`) is forgotten; an old one is kept, since a mistake in the policy must not
 * sign everybody out. */
int session_account_check_tenant(struct session_account *a, bool is_new, struct error *err);

/* Looks where the sign-ins stand: a round is due at once when one was lost (so that somebody is
 * asked), and when one came back after a round that failed. */
void session_accounts_watch(struct session *session);

/* session_accounts.c: makes the accounts that policy names and that are not there (their threads
 * are not started), and ends the others, whose mappings go at once. Change_mutex held, or nobody
 * else there yet. */
int session_accounts_sync(struct session *session, struct error *err);
int session_accounts_start(struct session *session, struct error *err);

/* All of them: ends their threads, and forgets them. */
void session_accounts_stop(struct session *session);
void session_accounts_clear(struct session *session);

/* Gives back what pick_account() gave. NULL is fine. */
void session_account_unref(struct session_account *a);

/* session_signin.c: the account's own way in; *was_asked: a person did it. */
int session_sign_in(struct session_account *a, bool *was_asked, struct error *err);
int session_account_login(struct session_account *a, enum login_method method,
                          const struct control_request *request, struct error *err);
int session_account_logout(struct session_account *a, struct error *err);
bool session_account_was_left(const struct session_account *a); /* and nobody came back since */

/* session_map.c: brings the mappings in line with what the accounts know now; nothing while there is
 * no mount. Waits for no network. */
int session_remap(struct session *session, struct error *err);
int session_wanted(struct session *session, struct plan_mapping_list *want, struct str_list *notes,
                   struct error *err);
void session_roots_clear(struct session *session);

/* session_mount.c: mounts as policy says; looks whether it is still there, and mounts again; moves
 * it when policy wants it elsewhere (when that fails, it stays where it was, and *err says why). */
int session_mount(struct session *session, struct error *err);
void session_mount_check(struct session *session);
int session_mount_move(struct session *session, struct error *err);

/* Everything that was mapped is recorded as gone. Apply_mutex held, or nobody else there any more.
 */
void session_record_all_detached(struct session *session);

/* session_policy.c: what policy says about the parts, and how they are told when it changes. */
struct graph_options session_graph_options(const struct settings *settings);
struct online_vfs_options session_vfs_options(const struct settings *settings);
int session_policy_start(struct session *session, struct error *err); /* watches the sources */
void session_policy_stop(struct session *session);

/* session_limits.c */
void session_add_limits(struct online_vfs_options *options, const struct settings *settings);
cJSON *session_deletes_json(struct session *session);
int session_deletes_allow(struct session *session, const struct control_request *request,
                          cJSON **result, struct error *err);

/* session_status.c */
cJSON *session_status(struct session *session);
/* "library": where it appears, or its key when it is not mapped now. */
void session_add_library(cJSON *item, struct session *session, const char *key);
cJSON *session_account_json(struct session_account *a); /* one of status.accounts */
cJSON *session_plan(struct session *session, struct error *err);
cJSON *session_explain(struct session *session, const char *url, struct error *err);

/* session_uploads.c */

/* As `mooring uploads list` says it. */
const char *session_upload_state_name(enum online_vfs_upload_state state);
int session_uploads(struct session *session, const struct control_request *request, cJSON **result,
                    struct error *err);
/* Of one tenant. */
int session_uploads_count(struct session *session, const char *tenant_id, unsigned *count,
                          struct error *err);
int session_uploads_discard(struct session *session, const char *tenant_id, struct error *err);

/* session_doors.c */
int session_doors(struct session *session, const struct control_request *request, cJSON **result,
                  struct error *err);

/* session_explorer.c: shows what is mapped now, without waiting. Apply_mutex held. */
void session_explorer_update(struct session *session);

/* session_control.c: what `mooring policy show` asks for. */
cJSON *session_policy_show(struct session *session, bool is_all, bool is_json, struct error *err);

#endif
