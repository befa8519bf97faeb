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

struct call session_call(struct session *session, int64_t wait_ms)
{
    return (struct call){.priority = CALL_REFRESH,
                         .deadline_ms = clock_mono_ms(clock_system()) + wait_ms,
                         .is_cancelled = session_is_stopping,
                         .payload = session};
}

/* Waits until woken, stopped, or the time is over; and in any case for the end of a `mooring login`. */
static void account_wait(struct session_account *a, int64_t wait_ms)
{
    struct session *session = a->session;
    int64_t end = clock_mono_ms(clock_system()) + wait_ms;

    mutex_lock(&session->mutex);
    while (!atomic_load(&session->is_stopping)) {
        int64_t left = end - clock_mono_ms(clock_system());

        if (atomic_load(&a->is_login)) {
            cond_wait(&session->wake, &session->mutex);
        } else if (a->is_woken || left <= 0) {
            break;
        } else {
            cond_wait_ms(&session->wake, &session->mutex, left);
        }
    }
    a->is_woken = false;
    mutex_unlock(&session->mutex);
}

void session_account_wake(struct session_account *a)
{
    mutex_lock(&a->session->mutex);
    a->is_woken = true;
    cond_broadcast(&a->session->wake);
    mutex_unlock(&a->session->mutex);
}

void session_accounts_watch(struct session *session)
{
    for (size_t i = 0; i < session->account_count; i++) {
        struct session_account *a = &session->accounts[i];
        struct account_info info;
        bool is_lost;
        bool is_back;

        account_info(a->account, &info);
        mutex_lock(&session->mutex);
        is_lost = a->seen == ACCOUNT_SIGNED_IN && info.state == ACCOUNT_SIGNED_OUT;
        is_back =
            a->seen != ACCOUNT_SIGNED_IN && info.state == ACCOUNT_SIGNED_IN && a->failures > 0;
        a->seen = info.state;
        mutex_unlock(&session->mutex);
        if (is_lost || is_back) {
            session_account_wake(a);
        }
    }
}

/* AllowedTenants compares GUIDs: a domain could be registered by anybody tomorrow. */
static bool is_allowed(const struct session_account *a, const struct account_info *info)
{
    const struct str_list *allowed = &a->session->settings->allowed_tenants;

    return allowed->count == 0 || str_list_has_nocase(allowed, info->tenant_id);
}

int session_account_check_tenant(struct session_account *a, bool is_new, struct error *err)
{
    struct account_info info;
    struct error failure = {0};
    bool is_refused;

    account_info(a->account, &info);
    is_refused = !is_allowed(a, &info);
    mutex_lock(&a->session->mutex);
    a->is_refused = is_refused;
    if (is_refused && is_new) {
        a->may_ask = false;
    }
    mutex_unlock(&a->session->mutex);
    if (!is_refused) {
        return 0;
    }
    if (is_new && account_sign_out(a->account, &failure) < 0) {
        log_error(LOG_SIGNIN, &failure, "the sign-in to a tenant that is not allowed is left");
    }
    if (session_remap(a->session, &failure) < 0) {
        log_error(LOG_PLAN, &failure, "the mappings stay as they are");
    }
    return error_set(err, ERR_DENIED, "AllowedTenants does not name the tenant %s (%s)",
                     info.tenant_id, info.initial_domain);
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

static int take_round(struct session_account *a, struct library_list *found,
                      struct discover_report *report, struct error *err)
{
    struct session *session = a->session;
    struct error failure = {0};
    int code = state_save_libraries(session->state, a->known_tenant, found, &failure);

    session_note_state(session, code < 0 ? &failure : NULL);
    mutex_lock(&session->mutex);
    keep_verified(a, found);
    library_list_clear(&a->libraries);
    a->libraries = *found;
    memset(found, 0, sizeof(*found));
    a->report = *report;
    a->discovered_ms = clock_wall_ms(clock_system());
    error_clear(&a->last_error);
    mutex_unlock(&session->mutex);
    return session_remap(session, err);
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
static int know_tenant(struct session_account *a, const struct account_info *info,
                       struct error *err)
{
    struct library_list known = {0};
    int code = 0;

    if (strcmp(a->known_tenant, info->tenant_id) == 0) {
        return 0;
    }
    code = state_load_libraries(a->session->state, &known, info->tenant_id, err);
    if (code == 0) {
        code = scope_decide(&known, a->session->settings, err);
    }
    if (code < 0) {
        library_list_clear(&known);
        return code;
    }
    snprintf(a->known_tenant, sizeof(a->known_tenant), "%s", info->tenant_id);
    mutex_lock(&a->session->mutex);
    library_list_clear(&a->libraries);
    a->libraries = known;
    mutex_unlock(&a->session->mutex);
    return 0;
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
    struct session *session = a->session;
    struct library_list known = {0};
    struct library_list found = {0};
    struct discover_report report = {0};
    int code = copy_known(a, &known, err);

    if (code == 0) {
        code = discover_run(&found, &report, a->account, session->settings, &known, call, err);
    }
    if (code == 0) {
        code = take_round(a, &found, &report, err);
    }
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
    int code = session_sign_in(a, &was_asked, err);

    *is_whole = false;
    if (code < 0) {
        return code;
    }
    set_searching(a, true);
    call = session_call(a->session, ROUND_DEADLINE_MS);
    code = account_identify(a->account, &call, err);
    if (code == 0) {
        code = session_account_check_tenant(a, was_asked, err);
    }
    if (code == 0) {
        account_info(a->account, &info);
        code = know_tenant(a, &info, err);
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
        session_say(a->session, "%s: %zu libraries at %s", info.initial_domain, mapped,
                    a->session->settings->mount_root);
    }
}

/* In [0, most). */
static int64_t draw(int64_t most)
{
    uint32_t random = 0;

    return most > 0 && secret_random(&random, sizeof(random), NULL) == 0
               ? (int64_t)(random % (uint64_t)most)
               : 0;
}

/* 500 logons at 8:00 must not arrive as one wave; somebody without a last session must not wait. */
static void wait_jitter(struct session_account *a)
{
    int64_t most = a->session->settings->startup_jitter_seconds * 1000;
    bool is_warm;

    mutex_lock(&a->session->mutex);
    is_warm = a->libraries.count > 0;
    mutex_unlock(&a->session->mutex);
    if (is_warm && most > 0) {
        account_wait(a, draw(most));
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

static int64_t pause_after(struct session_account *a, int code, bool is_whole)
{
    int64_t every_ms = a->session->settings->refresh_minutes * 60000;
    unsigned failures;
    int64_t wait;

    if (code == 0 && is_whole) {
        return every_ms;
    }
    mutex_lock(&a->session->mutex);
    failures = a->failures;
    mutex_unlock(&a->session->mutex);
    wait = session_retry_ms(failures, code < 0 ? code : ERR_SERVER, every_ms);
    return wait / 2 + draw(wait / 2 + 1); /* whoever lost the server together comes back apart */
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
    struct session *session = a->session;
    bool is_first = true;

    wait_jitter(a);
    while (!atomic_load(&session->is_stopping)) {
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
        account_wait(a, pause_after(a, code, is_whole));
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
        const struct session_account *a = &session->accounts[i];

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

void session_account_clear(struct session_account *a)
{
    account_unref(a->account);
    library_list_clear(&a->libraries);
    str_list_clear(&a->verified);
    process_free(a->browser);
    free(a->tenant_setting);
}

static int make_account(struct session_account *a, const struct account_options *options,
                        struct error *err)
{
    struct session *session = a->session;
    struct account_info info;
    int code = str_copy(&a->tenant_setting, options->tenant, err);

    if (code == 0) {
        code = account_new(&a->account, session->graph, options, err);
    }
    if (code < 0) {
        return code;
    }
    account_info(a->account, &info);
    if (!info.tenant_id[0]) {
        return 0;
    }
    a->is_refused = !is_allowed(a, &info);
    return know_tenant(a, &info, err);
}

/* What policy says about the account of one entry of Tenants; NULL: of whoever signs in. */
static int read_options(struct account_options *options, struct policy_tenant *tenant,
                        const struct session *session, const char *entry, struct error *err)
{
    const struct settings *settings = session->settings;
    int code = entry ? policy_tenant_parse(tenant, entry, err) : 0;

    *options = (struct account_options){
        .tenant = tenant->tenant ? tenant->tenant : "organizations",
        .client_id = tenant->client_id ? tenant->client_id : settings->client_id,
        .cloud = (enum cloud)(tenant->has_cloud ? tenant->cloud : settings->cloud),
        .login_url = settings->custom_login_url,
        .graph_url = settings->custom_graph_url,
        .login_hint = tenant->login_hint,
        .token_directory = session->paths->tokens,
        .wants_teams = settings->teams_channels};
    return code;
}

/* A tenant that policy describes wrongly is left out and said so: the agent and the other tenants go on. */
static int leave_out(struct session *session, struct session_account *a, const struct error *why,
                     struct error *err)
{
    char *problem = NULL;
    int code =
        str_format(&problem, err, "tenant '%s' is left out: %s", a->tenant_setting, why->message);

    if (code == 0) {
        log_write(LOG_LEVEL_ERROR, LOG_AGENT, "%s", problem);
        session_say(session, "%s", problem);
        code = str_list_add(&session->setup_problems, problem, err);
    }
    free(problem);
    session_account_clear(a);
    memset(a, 0, sizeof(*a));
    return code;
}

int session_accounts_make(struct session *session, struct error *err)
{
    const struct str_list *tenants = &session->settings->tenants;
    size_t count = tenants->count ? tenants->count : 1;
    int code = 0;

    session->accounts = calloc(count, sizeof(*session->accounts));
    if (!session->accounts) {
        return error_set(err, ERR_NO_MEMORY, "no memory for %zu accounts", count);
    }
    for (size_t i = 0; i < count && code == 0; i++) {
        struct session_account *a = &session->accounts[session->account_count];
        struct policy_tenant tenant = {0};
        struct account_options options;
        struct error why = {0};

        a->session = session;
        a->may_ask = true;
        code = read_options(&options, &tenant, session, tenants->count ? tenants->items[i] : NULL,
                            err);
        if (code == 0) {
            code = make_account(a, &options, &why);
            session->account_count++;
        }
        if (code == ERR_INVALID) {
            session->account_count--;
            code = leave_out(session, a, &why, err);
        } else if (code < 0 && why.code) {
            *err = why;
        }
        policy_tenant_clear(&tenant);
    }
    return code;
}
