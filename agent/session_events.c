#include "session_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/event_log.h"
#include "session_private.h"

#define SOURCE "Mooring"
#define TEXT_MAX 700

struct session_events {
    struct session *session;
    struct event_log *log;
    enum policy_event_log level; /* as it was at the last look */

    /* what was told last */
    int mount_code;
    size_t failed_steps;
    unsigned unsaved;
    unsigned conflict_copies;
    bool is_sending; /* uploads waited */
    bool is_paused;
    unsigned policy_serial;
    bool has_policy; /* false: not looked at yet */
};

static enum event_kind kind_of(enum session_event event)
{
    switch (event) {
#define SESSION_EVENT(name, number, kind) \
    case SESSION_EVENT_##name:            \
        return EVENT_##kind;
        SESSION_EVENTS(SESSION_EVENT)
#undef SESSION_EVENT
    }
    return EVENT_ERROR;
}

static void tell(struct session_events *events, enum session_event event, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static void tell(struct session_events *events, enum session_event event, const char *fmt, ...)
{
    enum event_kind kind = kind_of(event);
    char text[TEXT_MAX];
    va_list args;

    if (events->level == POLICY_EVENT_LOG_OFF ||
        (events->level == POLICY_EVENT_LOG_ERRORS && kind == EVENT_INFO)) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    event_log_write(events->log, kind, (unsigned)event, text);
}

static void read_level(struct session_events *events)
{
    const struct settings *settings = session_settings(events->session);

    events->level = settings->event_log;
    settings_unref(settings);
}

/* --- the parts --- */

static void tell_account(struct session_events *events, const struct session_account *a,
                         const struct account_info *info)
{
    const char *tenant = info->initial_domain[0] ? info->initial_domain : a->tenant_setting;

    switch (a->told) {
    case SESSION_TOLD_SIGNED_IN:
        tell(events, SESSION_EVENT_SIGNED_IN, "signed in to '%s'", tenant);
        break;
    case SESSION_TOLD_OFFLINE:
        tell(events, SESSION_EVENT_OFFLINE, "'%s': %s", tenant,
             info->reason[0] ? info->reason : "the service is not reached");
        break;
    case SESSION_TOLD_NEEDED:
        tell(events, SESSION_EVENT_SIGN_IN_NEEDED, "'%s': somebody has to sign in%s%s", tenant,
             info->state == ACCOUNT_SIGNED_OUT && info->reason[0] ? ": " : "",
             info->state == ACCOUNT_SIGNED_OUT ? info->reason : "");
        break;
    case SESSION_TOLD_REFUSED:
        tell(events, SESSION_EVENT_TENANT_REFUSED, "'%s' is not used: %s", tenant,
             session_account_refusal(a, info));
        break;
    case SESSION_TOLD_NOTHING:
        break;
    }
}

/* Waiting and signed out are one state: somebody is needed, and codes come and go meanwhile. */
static enum session_told standing(const struct session_account *a, const struct account_info *info)
{
    if (a->is_refused && session_account_refusal(a, info)) {
        return SESSION_TOLD_REFUSED;
    }
    switch (info->state) {
    case ACCOUNT_SIGNED_IN:
        return SESSION_TOLD_SIGNED_IN;
    case ACCOUNT_OFFLINE:
        return SESSION_TOLD_OFFLINE;
    case ACCOUNT_WAITING:
        return SESSION_TOLD_NEEDED;
    case ACCOUNT_SIGNED_OUT:
        return a->is_logged_out ? SESSION_TOLD_NOTHING : SESSION_TOLD_NEEDED;
    case ACCOUNT_UNKNOWN:
        break;
    }
    return a->told;
}

static void look_at_accounts(struct session_events *events)
{
    struct session *session = events->session;

    mutex_lock(&session->mutex);
    for (size_t i = 0; i < session->account_count; i++) {
        struct session_account *a = session->accounts[i];
        struct account_info info;
        enum session_told now;

        account_info(a->account, &info);
        now = standing(a, &info);
        if (now != a->told) {
            a->told = now;
            tell_account(events, a, &info);
        }
    }
    mutex_unlock(&session->mutex);
}

static void look_at_mount(struct session_events *events)
{
    struct session *session = events->session;
    struct error mount;
    struct error failed;
    size_t count;

    mutex_lock(&session->mutex);
    mount = session->mount_error;
    failed = session->failed_step;
    count = session->failed_steps;
    mutex_unlock(&session->mutex);
    if (mount.code != 0 && events->mount_code == 0) {
        tell(events, SESSION_EVENT_NOT_MOUNTED, "no library is shown: %s", mount.message);
    } else if (mount.code == 0 && events->mount_code != 0) {
        tell(events, SESSION_EVENT_MOUNTED_AGAIN, "the libraries are shown again");
    }
    events->mount_code = mount.code;
    if (count > 0 && count != events->failed_steps) {
        tell(events, SESSION_EVENT_MAPPING_FAILED,
             "%zu mappings could not be made or taken away; "
             "the first: %s",
             count, failed.message);
    }
    events->failed_steps = count;
}

static void look_at_files(struct session_events *events)
{
    struct online_vfs_deletes deletes;
    struct online_vfs_stats stats;
    bool is_sending;

    online_vfs_stats(events->session->online, &stats);
    online_vfs_deletes(events->session->online, &deletes);
    if (stats.unsaved > events->unsaved) {
        tell(events, SESSION_EVENT_FILES_BLOCKED,
             "%u closed files are not on the server and need a person; `mooring uploads list` "
             "names them",
             stats.unsaved);
    } else if (stats.unsaved == 0 && events->unsaved > 0) {
        tell(events, SESSION_EVENT_FILES_UNBLOCKED, "no closed file needs a person any more");
    }
    events->unsaved = stats.unsaved;
    if (stats.conflict_copies > events->conflict_copies) {
        tell(events, SESSION_EVENT_CONFLICT_COPY,
             "someone else saved meanwhile: both versions of %u files were kept",
             stats.conflict_copies - events->conflict_copies);
    }
    events->conflict_copies = stats.conflict_copies;
    if (deletes.is_paused && !events->is_paused) {
        tell(events, SESSION_EVENT_DELETES_PAUSED,
             "more than %u files were deleted within a minute: deleting is paused until "
             "`mooring deletes allow`",
             (unsigned)deletes.threshold);
    }
    events->is_paused = deletes.is_paused;
    is_sending = stats.uploads_running + stats.uploads_waiting > 0;
    if (events->is_sending && !is_sending && stats.unsaved == 0) {
        tell(events, SESSION_EVENT_FILES_SENT, "all files that waited are on the server");
    }
    events->is_sending = is_sending;
}

/* The first warning that is as bad as `severity`. */
static const struct policy_warning *find_warning(const struct policy *policy,
                                                 enum policy_severity severity)
{
    for (size_t i = 0; i < policy_warning_count(policy); i++) {
        if (policy_warning_at(policy, i)->severity == severity) {
            return policy_warning_at(policy, i);
        }
    }
    return NULL;
}

static void tell_policy(struct session_events *events, const struct policy *policy)
{
    const struct policy_warning *error = find_warning(policy, POLICY_ERROR);
    const struct policy_warning *warning = find_warning(policy, POLICY_WARNING);

    if (events->has_policy) {
        tell(events, SESSION_EVENT_POLICY_CHANGED, "the policy was read again");
    }
    if (error) {
        tell(events, SESSION_EVENT_POLICY_BROKEN, "'%s' cannot be used: %s",
             error->file ? error->file : "policy", error->message);
    }
    if (warning) {
        tell(events, SESSION_EVENT_POLICY_WARNINGS,
             "%zu values of the policy are not used as written; the first: '%s' in '%s': %s",
             policy_warning_count(policy) - policy_error_count(policy),
             warning->key ? warning->key : "-", warning->file ? warning->file : "policy",
             warning->message);
    }
}

static void look_at_policy(struct session_events *events)
{
    struct session *session = events->session;

    mutex_lock(&session->mutex);
    if (!events->has_policy || session->policy_serial != events->policy_serial) {
        tell_policy(events, session->policy);
        events->policy_serial = session->policy_serial;
        events->has_policy = true;
    }
    mutex_unlock(&session->mutex);
}

/* --- all of them --- */

int session_events_start(struct session_events **out, struct session *session, const char *address,
                         struct error *err)
{
    struct session_events *events = calloc(1, sizeof(*events));
    int code;

    if (!events) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the event log");
    }
    events->session = session;
    code = event_log_open(&events->log, SOURCE, address, err);
    if (code < 0) {
        free(events);
        return code;
    }
    read_level(events);
    tell(events, SESSION_EVENT_AGENT_STARTED, "version %s of the agent started", MOORING_VERSION);
    *out = events;
    return 0;
}

void session_events_look(struct session_events *events)
{
    if (events) {
        read_level(events);
        look_at_policy(events);
        look_at_accounts(events);
        look_at_mount(events);
        look_at_files(events);
    }
}

void session_events_stop(struct session_events *events)
{
    if (events) {
        look_at_files(events); /* the rest has ended already, and is no news */
        tell(events, SESSION_EVENT_AGENT_ENDED, "the agent ends");
        event_log_close(events->log);
        free(events);
    }
}
