/*
 * session_account.c - the thread of one account: sign in, identify, discover, map, wait.
 */
#include "session_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "policy/entry.h"

#define ROUND_DEADLINE_MS 120000
#define RETRY_FIRST_MS 5000
#define RETRY_REACH_MS 60000 /* the network may be back at any time; asking costs nobody anything */
#define RETRY_LATER_MS 600000 /* the service has trouble: 500 agents must not add to it */

bool session_account_is_over(void *payload)
{
    struct session_account *a = payload;

    return session_is_stopping(a->session) || atomic_load(&a->is_ending);
}

struct call session_account_call(struct session_account *a, int64_t wait_ms)
{
    return (struct call){.priority = CALL_REFRESH,
                         .deadline_ms = clock_mono_ms(clock_system()) + wait_ms,
                         .is_cancelled = session_account_is_over,
                         .payload = a};
}

/* In [0, most). */
static int64_t draw(int64_t most)
{
    uint32_t random = 0;

    return most > 0 && secret_random(&random, sizeof(random), NULL) == 0
               ? (int64_t)(random % (uint64_t)most)
               : 0;
}

static void wake_by(struct session_account *a, int64_t wake_ms)
{
    mutex_lock(&a->session->mutex);
    a->wake_ms = a->wake_ms && a->wake_ms < wake_ms ? a->wake_ms : wake_ms;
    cond_broadcast(&a->session->wake);
    mutex_unlock(&a->session->mutex);
}

void session_account_wake(struct session_account *a)
{
    wake_by(a, clock_mono_ms(clock_system()));
}

void session_account_wake_within(struct session_account *a, int64_t most_ms)
{
    wake_by(a, clock_mono_ms(clock_system()) + draw(most_ms));
}

const char *session_account_refusal(const struct session_account *a,
                                    const struct account_info *info)
{
    const struct policy *policy = a->session->policy;
    const struct str_list *allowed = &policy_settings(policy)->allowed_tenants;

    if (policy_is_restriction_unknown(policy)) {
        return "a policy of this machine cannot be read, so nobody knows whether this tenant is "
               "allowed; see `mooring policy show`";
    }
    /* GUIDs are compared: a domain could be registered by anybody tomorrow */
    if (allowed->count > 0 && info->tenant_id[0] &&
        !str_list_has_nocase(allowed, info->tenant_id)) {
        return "AllowedTenants does not name this tenant";
    }
    return NULL;
}

void session_accounts_watch(struct session *session)
{
    mutex_lock(&session->mutex);
    for (size_t i = 0; i < session->account_count; i++) {
        struct session_account *a = session->accounts[i];
        struct account_info info;
        bool is_lost;
        bool is_back;

        account_info(a->account, &info);
        if (a->seen != ACCOUNT_SIGNED_IN && info.state == ACCOUNT_SIGNED_IN) {
            online_vfs_wake_uploads(session->online);
        }
        is_lost = a->seen == ACCOUNT_SIGNED_IN && info.state == ACCOUNT_SIGNED_OUT;
        is_back =
            a->seen != ACCOUNT_SIGNED_IN && info.state == ACCOUNT_SIGNED_IN && a->failures > 0;
        a->seen = info.state;
        if (is_lost || is_back) {
            a->wake_ms = clock_mono_ms(clock_system());
            cond_broadcast(&session->wake);
        }
    }
    mutex_unlock(&session->mutex);
}

/* Looks what policy says about the tenant; *refusal NULL: nothing against it. */
static void judge(struct session_account *a, const struct account_info *info, bool is_new,
                  const char **refusal)
{
    mutex_lock(&a->session->mutex);
    *refusal = session_account_refusal(a, info);
    a->is_refused = *refusal != NULL;
    if (*refusal && is_new) {
        a->may_ask = false;
    }
    mutex_unlock(&a->session->mutex);
}

int session_account_check_tenant(struct session_account *a, bool is_new, struct error *err)
{
    struct account_info info;
    struct error failure = {0};
    const char *refusal;

    account_info(a->account, &info);
    judge(a, &info, is_new, &refusal);
    if (!refusal) {
        return 0;
    }
    if (is_new && account_sign_out(a->account, &failure) < 0) {
        log_error(LOG_SIGNIN, &failure, "the sign-in to a tenant that is not allowed is left");
    }
    if (session_remap(a->session, &failure) < 0) {
        log_error(LOG_PLAN, &failure, "the mappings stay as they are");
    }
    return error_set(err, ERR_DENIED, "'%s' %s: %s",
                     info.initial_domain[0] ? info.initial_domain : a->tenant_setting,
                     info.tenant_id, refusal);
}

/* Drives that were confirmed while the round was on its way: its list is older. Mutex held. */
static void keep_verified(struct session_account *a, struct library_list *found)
{
    for (size_t i = 0; i < a->verified.count; i++) {
        const struct library *old = library_list_find(&a->libraries, a->verified.items[i]);
        struct library *now = library_list_find(found, a->verified.items[i]);

        if (old && now && !now->is_verified && str_copy(&now->drive_id, old->drive_id, NULL) == 0) {
            now->is_verified = true;
        }
    }
    str_list_clear(&a->verified);
}

/* `before`: the settings that the scope of `found` was decided by. */
static int take_round(struct session_account *a, struct library_list *found,
                      struct discover_report *report, const struct settings *before,
                      struct error *err)
{
    struct session *session = a->session;
    const struct settings *settings;
    struct error failure = {0};
    int code = state_save_libraries(session->state, a->known_tenant, found, &failure);

    session_note_state(session, code < 0 ? &failure : NULL);
    mutex_lock(&session->mutex);
    settings = policy_settings(session->policy);
    code = settings == before ? 0 : scope_decide(found, settings, err);
    if (code < 0) {
        mutex_unlock(&session->mutex);
        return code;
    }
    keep_verified(a, found);
    library_list_clear(&a->libraries);
    a->libraries = *found;
    memset(found, 0, sizeof(*found));
    a->report = *report;
    error_clear(&a->last_error);
    mutex_unlock(&session->mutex);
    code = session_remap(session, err);
    if (code == 0) { /* whoever reads it in status finds the libraries */
        mutex_lock(&session->mutex);
        a->discovered_ms = clock_wall_ms(clock_system());
        mutex_unlock(&session->mutex);
    }
    return code;
}

/* A copy of what is known, to work on without the lock. */
static int copy_known(struct session_account *a, struct library_list *known, struct error *err)
{
    int code;

    mutex_lock(&a->session->mutex);
    str_list_clear(&a->verified);
    code = library_list_copy(known, &a->libraries, err);
    mutex_unlock(&a->session->mutex);
    return code;
}

/* Where any tenant will do, another one may have been signed in to: what is known is of that one
 * then. */
int session_account_know(struct session_account *a, const struct account_info *info,
                         struct error *err)
{
    struct library_list known = {0};
    int code = 0;

    if (strcmp(a->known_tenant, info->tenant_id) == 0) {
        return 0;
    }
    code = state_load_libraries(a->session->state, &known, info->tenant_id, err);
    mutex_lock(&a->session->mutex); /* so that no policy comes in between */
    if (code == 0) {
        code = scope_decide(&known, policy_settings(a->session->policy), err);
    }
    if (code == 0) {
        library_list_clear(&a->libraries);
        a->libraries = known;
        known = (struct library_list){0};
        snprintf(a->known_tenant, sizeof(a->known_tenant), "%s", info->tenant_id);
    }
    mutex_unlock(&a->session->mutex);
    library_list_clear(&known);
    return code;
}

static void set_searching(struct session_account *a, bool is_searching)
{
    mutex_lock(&a->session->mutex);
    a->searching_ms = is_searching ? clock_mono_ms(clock_system()) : 0;
    mutex_unlock(&a->session->mutex);
}

/* *is_whole: every source has answered. */
static int discover(struct session_account *a, const struct call *call, bool *is_whole,
                    struct error *err)
{
    const struct settings *settings = session_settings(a->session);
    struct library_list known = {0};
    struct library_list found = {0};
    struct discover_report report = {0};
    int code = copy_known(a, &known, err);

    if (code == 0) {
        code = discover_run(&found, &report, a->account, settings, &known, call, err);
    }
    if (code == 0) {
        code = take_round(a, &found, &report, settings, err);
    }
    settings_unref(settings);
    *is_whole = !report.is_search_down && !report.is_outage;
    if (report.message[0]) {
        log_write(LOG_LEVEL_ERROR, LOG_DISCOVER, "'%s': %s", a->tenant_setting, report.message);
    }
    library_list_clear(&found);
    library_list_clear(&known);
    return code;
}

static int one_round(struct session_account *a, bool *is_whole, struct error *err)
{
    struct account_info info;
    struct call call;
    bool was_asked = false;
    int code = session_account_check_tenant(a, false, err); /* as far as it is known who that is */

    *is_whole = false;
    if (code == 0) {
        code = session_sign_in(a, &was_asked, err);
    }
    if (code < 0) {
        return code;
    }
    set_searching(a, true);
    call = session_account_call(a, ROUND_DEADLINE_MS);
    code = account_identify(a->account, &call, err);
    if (code == 0) {
        code = session_account_check_tenant(a, was_asked, err);
    }
    if (code == 0) {
        account_info(a->account, &info);
        code = session_account_know(a, &info, err);
    }
    if (code == 0) {
        code = discover(a, &call, is_whole, err);
    }
    set_searching(a, false);
    return code;
}

/* Logged when it is news: a laptop without a network would fill the log. */
static void note_failure(struct session_account *a, int code, const struct error *err)
{
    bool is_news;

    mutex_lock(&a->session->mutex);
    a->failures++;
    is_news = strcmp(a->last_error.message, err->message) != 0;
    if (code != ERR_CANCELLED) {
        a->last_error = *err;
    }
    mutex_unlock(&a->session->mutex);
    if (code != ERR_CANCELLED && is_news) {
        log_error(LOG_DISCOVER, err, "account '%s'", a->tenant_setting);
    }
}

static void note_success(struct session_account *a, bool is_whole, bool is_first)
{
    const struct settings *settings;
    struct account_info info;
    size_t mapped = 0;

    mutex_lock(&a->session->mutex);
    a->failures = is_whole ? 0 : a->failures + 1;
    a->may_ask = true;
    for (size_t i = 0; i < a->libraries.count; i++) {
        mapped += a->libraries.items[i].verdict == LIBRARY_WANTED;
    }
    mutex_unlock(&a->session->mutex);
    account_info(a->account, &info);
    log_info(LOG_DISCOVER, "'%s': %zu libraries wanted", a->tenant_setting, mapped);
    if (is_first) {
        settings = session_settings(a->session);
        session_say(a->session, "%s: %zu libraries at %s", info.initial_domain, mapped,
                    settings->mount_root);
        settings_unref(settings);
    }
}

int64_t session_retry_ms(unsigned failures, int code, int64_t every_ms)
{
    bool is_away = code == ERR_UNREACHABLE || code == ERR_TIMED_OUT;
    int64_t most = is_away                            ? RETRY_REACH_MS
                   : error_retry(code) == RETRY_LATER ? RETRY_LATER_MS
                                                      : every_ms;
    int64_t wait = (int64_t)RETRY_FIRST_MS << (failures < 1    ? 0
                                               : failures > 12 ? 11
                                                               : failures - 1);

    most = most < every_ms ? most : every_ms;
    return wait < most ? wait : most;
}

static int64_t pause_after(const struct settings *settings, unsigned failures, int code,
                           bool is_whole)
{
    int64_t every_ms = settings->refresh_minutes * 60000;

    return code == 0 && is_whole
               ? every_ms
               : session_retry_ms(failures, code < 0 ? code : ERR_SERVER, every_ms);
}

/* With the mutex held, until the next round is due: woken, or `end_ms`; and in any case for the end of
 * a `mooring login`. False when policy changed meanwhile, so that `end_ms` may be another. */
static bool wait_until(struct session_account *a, int64_t end_ms)
{
    struct session *session = a->session;
    unsigned serial = session->policy_serial;

    while (!session_account_is_over(a)) {
        int64_t due = a->wake_ms && a->wake_ms < end_ms ? a->wake_ms : end_ms;
        int64_t left = due - clock_mono_ms(clock_system());

        if (atomic_load(&a->is_login)) {
            cond_wait(&session->wake, &session->mutex);
        } else if (left <= 0) {
            break;
        } else if (session->policy_serial != serial) {
            return false;
        } else {
            cond_wait_ms(&session->wake, &session->mutex, left);
        }
    }
    a->wake_ms = 0;
    return true;
}

/* 500 logons at 8:00 must not arrive as one wave; somebody without a last session must not wait. */
static void wait_jitter(struct session_account *a)
{
    struct session *session = a->session;
    int64_t started = clock_mono_ms(clock_system());
    int64_t most;

    mutex_lock(&session->mutex);
    do {
        most = a->libraries.count > 0
                   ? policy_settings(session->policy)->startup_jitter_seconds * 1000
                   : 0;
    } while (!wait_until(a, started + draw(most)));
    mutex_unlock(&session->mutex);
}

static void wait_for_round(struct session_account *a, int code, bool is_whole)
{
    struct session *session = a->session;
    int64_t started = clock_mono_ms(clock_system());
    int64_t pause;

    process_give_back(); /* the answers of hundreds of libraries; and now there is time */
    mutex_lock(&session->mutex);
    do {
        pause = pause_after(policy_settings(session->policy), a->failures, code, is_whole);
        if (code < 0 || !is_whole) { /* whoever lost the server together comes back apart */
            pause = pause / 2 + draw(pause / 2 + 1);
        }
    } while (!wait_until(a, started + pause));
    mutex_unlock(&session->mutex);
}

/* A browser that ran longer than its start was watched. */
static void reap_browser(struct session_account *a)
{
    int status;

    if (a->browser && process_wait(a->browser, &status, 0, NULL) == 0) {
        process_free(a->browser);
        a->browser = NULL;
    }
}

static void *account_loop(void *payload)
{
    struct session_account *a = payload;
    bool is_first = true;

    wait_jitter(a);
    while (!session_account_is_over(a)) {
        struct error err = {0};
        bool is_whole = false;
        int code = one_round(a, &is_whole, &err);

        if (code == 0) {
            note_success(a, is_whole, is_first);
            is_first = false;
        } else {
            note_failure(a, code, &err);
        }
        reap_browser(a);
        wait_for_round(a, code, is_whole);
    }
    return NULL;
}

int session_account_start(struct session_account *a, struct error *err)
{
    return thread_start(&a->thread, "account", account_loop, a, err);
}

bool session_show_progress(struct session *session)
{
    int64_t now = clock_mono_ms(clock_system());
    struct graph_stats stats;
    char line[200] = "";
    bool is_going_on = false;

    if (!session->terminal.progress) {
        return false;
    }
    graph_stats(session->graph, &stats);
    mutex_lock(&session->mutex);
    for (size_t i = 0; i < session->account_count; i++) {
        const struct session_account *a = session->accounts[i];

        is_going_on = is_going_on || !a->discovered_ms;
        if (!a->discovered_ms && a->searching_ms && !line[0]) {
            snprintf(line, sizeof(line), "%s: looking for libraries, %d s, %llu requests so far",
                     a->tenant_setting, (int)((now - a->searching_ms) / 1000),
                     (unsigned long long)stats.requests);
        }
    }
    mutex_unlock(&session->mutex);
    session->terminal.progress(session->terminal.payload, line);
    return is_going_on;
}
