/*
 * session_accounts.c - which accounts there are: one for each entry of Tenants, at the start and
 * whenever policy changes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "policy/entry.h"
#include "session_private.h"

static void account_free(struct session_account *a)
{
    if (!a) {
        return;
    }
    account_unref(a->account);
    library_list_clear(&a->libraries);
    str_list_clear(&a->verified);
    process_free(a->browser);
    free(a->tenant_setting);
    free(a->identity);
    free(a);
}

void session_account_unref(struct session_account *a)
{
    struct session *session = a ? a->session : NULL;
    bool is_last;

    if (!a) {
        return;
    }
    mutex_lock(&session->mutex);
    is_last = --a->references == 0;
    mutex_unlock(&session->mutex);
    if (is_last) {
        account_free(a);
    }
}

/* What policy says about the account of one entry of Tenants; NULL: of whoever signs in. */
static int read_options(struct account_options *options, struct policy_tenant *tenant,
                        const struct session *session, const struct settings *settings,
                        const char *entry, struct error *err)
{
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

/* Two accounts with one identity are one: nothing that account_new() never changes differs. */
static int make_identity(char **out, const struct account_options *options, struct error *err)
{
    bool is_custom = options->cloud == CLOUD_CUSTOM;

    return str_format(out, err, "%s|%s|%d|%s|%s|%s", options->tenant, options->client_id,
                      (int)options->cloud, is_custom ? options->login_url : "",
                      is_custom ? options->graph_url : "",
                      options->login_hint ? options->login_hint : "");
}

/* *out owns what it got also on failure. */
static int make_account(struct session_account **out, struct session *session,
                        const struct account_options *options, char **identity, struct error *err)
{
    struct session_account *a = calloc(1, sizeof(*a));
    struct account_info info;
    int code;

    if (!a) {
        return error_set(err, ERR_NO_MEMORY, "no memory for an account");
    }
    *out = a;
    a->session = session;
    a->references = 1;
    a->may_ask = true;
    a->identity = *identity;
    *identity = NULL;
    code = str_copy(&a->tenant_setting, options->tenant, err);
    if (code == 0) {
        a->is_logged_out = session_account_was_left(a);
        code = account_new(&a->account, session->graph, options, err);
    }
    if (code < 0) {
        return code;
    }
    account_info(a->account, &info);
    mutex_lock(&session->mutex);
    a->seen = info.state;
    a->is_refused = session_account_refusal(a, &info) != NULL;
    mutex_unlock(&session->mutex);
    return info.tenant_id[0] ? session_account_know(a, &info, err) : 0;
}

/* The accounts of a policy while they are put together. */
struct roll {
    struct session_account **items; /* those of the session, and new ones */
    bool *is_new;
    size_t count;
    struct str_list problems;
};

static void roll_clear(struct roll *roll)
{
    for (size_t i = 0; i < roll->count; i++) {
        if (roll->is_new[i]) {
            account_free(roll->items[i]);
        }
    }
    free(roll->items);
    free(roll->is_new);
    str_list_clear(&roll->problems);
}

static bool roll_has(const struct roll *roll, const struct session_account *a)
{
    for (size_t i = 0; i < roll->count; i++) {
        if (roll->items[i] == a) {
            return true;
        }
    }
    return false;
}

/* A tenant that policy describes wrongly is left out and said so: the agent and the other tenants go on. */
static int leave_out(struct roll *roll, struct session *session, const char *tenant,
                     const struct error *why, struct error *err)
{
    char *problem = NULL;
    bool is_news;
    int code = str_format(&problem, err, "tenant '%s' is left out: %s", tenant, why->message);

    if (code == 0) {
        mutex_lock(&session->mutex);
        is_news = !str_list_has_nocase(&session->setup_problems, problem);
        mutex_unlock(&session->mutex);
        if (is_news) {
            log_write(LOG_LEVEL_ERROR, LOG_AGENT, "%s", problem);
            session_say(session, "%s", problem);
        }
        code = str_list_add(&roll->problems, problem, err);
    }
    free(problem);
    return code;
}

static struct session_account *find_account(struct session_account *const *items, size_t count,
                                            const char *identity)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(items[i]->identity, identity)) {
            return items[i];
        }
    }
    return NULL;
}

/* The account of one entry of Tenants: the one that is there, or a new one. */
static int enroll(struct roll *roll, struct session *session, const struct settings *settings,
                  const char *entry, struct error *err)
{
    struct policy_tenant tenant = {0};
    struct account_options options;
    struct session_account *a = NULL;
    struct error why = {0};
    char *identity = NULL;
    int code = read_options(&options, &tenant, session, settings, entry, err);

    if (code == 0) {
        code = make_identity(&identity, &options, err);
    }
    if (code < 0) {
        goto out;
    }
    a = find_account(roll->items, roll->count, identity);
    a = a ? a : find_account(session->accounts, session->account_count, identity);
    if (a) {
        account_want_teams(a->account, settings->teams_channels);
    } else {
        code = make_account(&a, session, &options, &identity, &why);
        roll->is_new[roll->count] = true;
    }
    if (code == ERR_INVALID) {
        account_free(a);
        code = leave_out(roll, session, options.tenant, &why, err);
    } else if (code < 0) {
        account_free(a);
        *err = why;
    } else if (!roll_has(roll, a)) { /* a tenant that is named twice is one account */
        roll->items[roll->count++] = a;
    }
out:
    free(identity);
    policy_tenant_clear(&tenant);
    return code;
}

static int call_roll(struct roll *roll, struct session *session, const struct settings *settings,
                     struct error *err)
{
    size_t count = settings->tenants.count ? settings->tenants.count : 1;
    int code = 0;

    roll->items = calloc(count, sizeof(struct session_account *));
    roll->is_new = calloc(count, sizeof(*roll->is_new));
    if (!roll->items || !roll->is_new) {
        return error_set(err, ERR_NO_MEMORY, "no memory for %zu accounts", count);
    }
    for (size_t i = 0; i < count && code == 0; i++) {
        roll->is_new[roll->count] = false;
        code = enroll(roll, session, settings,
                      settings->tenants.count ? settings->tenants.items[i] : NULL, err);
    }
    return code;
}

static void end_thread(struct session_account *a)
{
    mutex_lock(&a->session->mutex);
    atomic_store(&a->is_ending, true);
    cond_broadcast(&a->session->wake);
    mutex_unlock(&a->session->mutex);
    thread_join(&a->thread);
}

/* Ends the accounts that are not called any more. Their libraries are taken away before another
 * account may bring the same ones. */
static int dismiss(struct session *session, const struct roll *roll, struct error *err)
{
    struct session_account **ended =
        calloc(session->account_count + 1, sizeof(struct session_account *));
    struct error failure = {0};
    size_t count = 0;
    size_t kept = 0;

    if (!ended) {
        return error_set(err, ERR_NO_MEMORY, "no memory to end accounts");
    }
    for (size_t i = 0; i < session->account_count; i++) {
        if (!roll_has(roll, session->accounts[i])) {
            ended[count++] = session->accounts[i];
            log_info(LOG_AGENT, "policy does not name '%s' any more, or not as it was",
                     session->accounts[i]->tenant_setting);
            end_thread(session->accounts[i]);
        }
    }
    mutex_lock(&session->mutex);
    for (size_t i = 0; i < session->account_count; i++) {
        if (roll_has(roll, session->accounts[i])) {
            session->accounts[kept++] = session->accounts[i];
        }
    }
    session->account_count = kept;
    mutex_unlock(&session->mutex);
    if (count > 0 && session_remap(session, &failure) < 0) {
        log_error(LOG_PLAN, &failure, "the mappings stay as they are");
    }
    for (size_t i = 0; i < count; i++) {
        session_account_unref(ended[i]);
    }
    free(ended);
    return 0;
}

int session_accounts_sync(struct session *session, struct error *err)
{
    const struct settings *settings = session_settings(session);
    struct session_account **old;
    struct roll roll = {0};
    int code = call_roll(&roll, session, settings, err);

    settings_unref(settings);
    if (code == 0) {
        code = dismiss(session, &roll, err);
    }
    if (code < 0) {
        roll_clear(&roll);
        return code;
    }
    mutex_lock(&session->mutex);
    old = session->accounts;
    session->accounts = roll.items;
    session->account_count = roll.count;
    str_list_clear(&session->setup_problems);
    session->setup_problems = roll.problems;
    mutex_unlock(&session->mutex);
    free(old);
    free(roll.is_new);
    return 0;
}

int session_accounts_start(struct session *session, struct error *err)
{
    int code = 0;

    for (size_t i = 0; i < session->account_count && code == 0; i++) {
        if (!session->accounts[i]->thread.is_running) {
            code = session_account_start(session->accounts[i], err);
        }
    }
    return code;
}

void session_accounts_stop(struct session *session)
{
    mutex_lock(&session->mutex);
    atomic_store(&session->is_stopping, true);
    cond_broadcast(&session->wake);
    mutex_unlock(&session->mutex);
    for (size_t i = 0; i < session->account_count; i++) {
        thread_join(&session->accounts[i]->thread);
    }
}

void session_accounts_clear(struct session *session)
{
    for (size_t i = 0; i < session->account_count; i++) {
        session_account_unref(session->accounts[i]);
    }
    free(session->accounts);
    session->accounts = NULL;
    session->account_count = 0;
}
