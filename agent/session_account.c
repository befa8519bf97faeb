#include "session_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "policy/entry.h"
#include "prompt.h"

#define ROUND_DEADLINE_MS 120000
#define RETRY_FIRST_MS 5000
#define CODE_REPEATS 4 /* a device code lives 15 minutes; after an hour nobody is there */

static struct call session_call(struct session *session, int64_t wait_ms)
{
    return (struct call){.priority = CALL_REFRESH,
                         .deadline_ms = clock_mono_ms(clock_system()) + wait_ms,
                         .is_cancelled = session_is_stopping,
                         .payload = session};
}

/* Waits until woken, stopped, or the time is over. */
static void account_wait(struct session_account *a, int64_t wait_ms)
{
    struct session *session = a->session;
    int64_t end = clock_mono_ms(clock_system()) + wait_ms;

    mutex_lock(&session->mutex);
    while (!a->is_woken && !atomic_load(&session->is_stopping)) {
        int64_t left = end - clock_mono_ms(clock_system());

        if (left <= 0) {
            break;
        }
        cond_wait_ms(&session->wake, &session->mutex, left);
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

static void show_prompt(void *payload, const struct account_prompt *prompt)
{
    struct session_account *a = payload;

    if (prompt->user_code) {
        session_say(a->session, "Sign in to '%s': open %s and enter the code %s", a->tenant_setting,
                    prompt->verification_url, prompt->user_code);
    } else {
        session_say(a->session, "Sign in to '%s': opening the browser; if none appears, open %s",
                    a->tenant_setting, prompt->verification_url);
        prompt_open_browser(prompt->verification_url);
    }
}

/* Which way of asking a person policy allows, and this machine has. */
static enum login_method allowed_method(const struct settings *settings)
{
    switch (settings->sign_in) {
    case POLICY_SIGN_IN_BROWSER:
        return LOGIN_BROWSER;
    case POLICY_SIGN_IN_DEVICE_CODE:
        return LOGIN_DEVICE_CODE;
    case POLICY_SIGN_IN_AUTO:
        return prompt_has_display() ? LOGIN_BROWSER : LOGIN_DEVICE_CODE;
    case POLICY_SIGN_IN_SILENT_ONLY:
        break;
    }
    return LOGIN_NONE;
}

static int ask_person(struct session_account *a, enum login_method method, account_prompt_fn prompt,
                      void *payload, const struct call *call, struct error *err)
{
    int code = ERR_TIMED_OUT;

    if (method == LOGIN_BROWSER) {
        return account_sign_in_browser(a->account, prompt, payload, call, err);
    }
    for (int i = 0; i < CODE_REPEATS && code == ERR_TIMED_OUT; i++) {
        code = account_sign_in_device_code(a->account, prompt, payload, call, err);
    }
    return code;
}

static bool is_logged_out(struct session_account *a)
{
    bool is_out;

    mutex_lock(&a->session->mutex);
    is_out = a->is_logged_out;
    mutex_unlock(&a->session->mutex);
    return is_out;
}

static bool begin_sign_in(struct session_account *a)
{
    bool is_free;

    mutex_lock(&a->session->mutex);
    is_free = !a->is_signing_in;
    a->is_signing_in = true;
    mutex_unlock(&a->session->mutex);
    return is_free;
}

static void end_sign_in(struct session_account *a)
{
    mutex_lock(&a->session->mutex);
    a->is_signing_in = false;
    cond_broadcast(&a->session->wake);
    mutex_unlock(&a->session->mutex);
}

/* The thread's own way in: silently, else by what policy allows. A running `mooring login` goes
 * first. */
static int sign_in(struct session_account *a, bool may_ask, struct error *err)
{
    struct call call = session_call(a->session, 60000);
    enum login_method method = allowed_method(a->session->settings);
    int code = account_sign_in_silent(a->account, &call, err);

    if (code != ERR_SIGNED_OUT || !may_ask || method == LOGIN_NONE || is_logged_out(a)) {
        return code;
    }
    if (!begin_sign_in(a)) {
        return error_set(err, ERR_BUSY, "a sign-in is running already");
    }
    call = session_call(a->session, (int64_t)CODE_REPEATS * 16 * 60000);
    code = ask_person(a, method, show_prompt, a, &call, err);
    end_sign_in(a);
    return code;
}

/* AllowedTenants compares GUIDs: a domain could be registered by anybody tomorrow. */
static bool is_allowed(const struct session_account *a, const struct account_info *info)
{
    const struct str_list *allowed = &a->session->settings->allowed_tenants;

    return allowed->count == 0 || str_list_has_nocase(allowed, info->tenant_id);
}

static int take_round(struct session_account *a, struct library_list *found,
                      struct discover_report *report, struct error *err)
{
    struct session *session = a->session;
    struct account_info info;
    int code;

    account_info(a->account, &info);
    code = state_save_libraries(session->state, info.tenant_id, found, err);
    if (code < 0) {
        log_error(LOG_DISCOVER, err, "the libraries of '%s' are not remembered", a->tenant_setting);
    }
    mutex_lock(&session->mutex);
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
    int code = 0;

    mutex_lock(&a->session->mutex);
    for (size_t i = 0; i < a->libraries.count && code == 0; i++) {
        struct library copy = {0};

        code = library_copy(&copy, &a->libraries.items[i], err);
        if (code == 0) {
            code = library_list_add(known, &copy, err);
        }
        library_clear(&copy);
    }
    mutex_unlock(&a->session->mutex);
    return code;
}

static int refuse_tenant(struct session_account *a, const struct account_info *info,
                         struct error *err)
{
    struct error remap = {0};

    mutex_lock(&a->session->mutex);
    a->is_refused = true;
    mutex_unlock(&a->session->mutex);
    session_remap(a->session, &remap);
    return error_set(err, ERR_DENIED, "AllowedTenants does not name the tenant %s (%s)",
                     info->tenant_id, info->initial_domain);
}

static int one_round(struct session_account *a, bool may_ask, struct error *err)
{
    struct session *session = a->session;
    struct library_list known = {0};
    struct library_list found = {0};
    struct discover_report report = {0};
    struct account_info info;
    struct call call;
    int code = sign_in(a, may_ask, err);

    if (code < 0) {
        return code;
    }
    call = session_call(session, ROUND_DEADLINE_MS);
    code = account_identify(a->account, &call, err);
    if (code < 0) {
        return code;
    }
    account_info(a->account, &info);
    if (!is_allowed(a, &info)) {
        return refuse_tenant(a, &info, err);
    }
    code = copy_known(a, &known, err);
    if (code == 0) {
        code = discover_run(&found, &report, a->account, session->settings, &known, &call, err);
    }
    if (code == 0) {
        code = take_round(a, &found, &report, err);
    }
    if (report.message[0]) {
        log_write(LOG_LEVEL_ERROR, LOG_DISCOVER, "'%s': %s", a->tenant_setting, report.message);
    }
    library_list_clear(&found);
    library_list_clear(&known);
    return code;
}

static void note_result(struct session_account *a, int code, const struct error *err, bool is_first)
{
    struct account_info info;
    size_t mapped = 0;

    if (code < 0) {
        if (code != ERR_CANCELLED) {
            log_error(LOG_DISCOVER, err, "account '%s'", a->tenant_setting);
            mutex_lock(&a->session->mutex);
            a->last_error = *err;
            mutex_unlock(&a->session->mutex);
        }
        return;
    }
    mutex_lock(&a->session->mutex);
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

/* 500 logons at 8:00 must not arrive as one wave; somebody without a last session must not wait. */
static void wait_jitter(struct session_account *a)
{
    int64_t most = a->session->settings->startup_jitter_seconds * 1000;
    uint32_t random = 0;

    if (a->libraries.count > 0 && most > 0 && secret_random(&random, sizeof(random), NULL) == 0) {
        account_wait(a, (int64_t)(random % (uint64_t)most));
    }
}

static void *account_loop(void *payload)
{
    struct session_account *a = payload;
    struct session *session = a->session;
    int64_t retry_ms = RETRY_FIRST_MS;
    bool is_first = true;
    bool may_ask = true;

    wait_jitter(a);
    while (!atomic_load(&session->is_stopping)) {
        struct error err = {0};
        int64_t every_ms = session->settings->refresh_minutes * 60000;
        int code = one_round(a, may_ask, &err);

        note_result(a, code, &err, is_first);
        if (code == 0) {
            is_first = false;
            may_ask = true;
            retry_ms = RETRY_FIRST_MS;
            account_wait(a, every_ms);
        } else {
            /* a person who declined or was not there is asked again by `mooring login`, not every
             * minute */
            may_ask =
                may_ask && code != ERR_SIGNED_OUT && code != ERR_DENIED && code != ERR_TIMED_OUT;
            account_wait(a, retry_ms < every_ms ? retry_ms : every_ms);
            retry_ms *= 2;
        }
    }
    return NULL;
}

int session_account_start(struct session_account *a, struct error *err)
{
    return thread_start(&a->thread, "account", account_loop, a, err);
}

static void send_prompt(void *payload, const struct account_prompt *prompt)
{
    const struct control_request *request = payload;
    cJSON *event = cJSON_CreateObject();

    cJSON_AddStringToObject(event, "type", prompt->user_code ? "device_code" : "browser");
    if (prompt->message) {
        cJSON_AddStringToObject(event, "message", prompt->message);
    }
    if (prompt->verification_url) {
        cJSON_AddStringToObject(event, "url", prompt->verification_url);
    }
    if (prompt->user_code) {
        cJSON_AddStringToObject(event, "code", prompt->user_code);
    }
    request->send_event(request, event);
}

static bool is_request_cancelled(void *payload)
{
    const struct control_request *request = payload;

    return request->is_cancelled(request);
}

int session_account_login(struct session_account *a, enum login_method method,
                          const struct control_request *request, struct error *err)
{
    struct call call = {.deadline_ms =
                            clock_mono_ms(clock_system()) + (int64_t)CODE_REPEATS * 16 * 60000,
                        .is_cancelled = is_request_cancelled,
                        .payload = (void *)request};
    int code;

    if (a->session->settings->sign_in == POLICY_SIGN_IN_SILENT_ONLY) {
        return error_set(err, ERR_DENIED,
                         "policy SignIn is SilentOnly: nobody may be asked to sign in");
    }
    if (method == LOGIN_NONE) {
        method = allowed_method(a->session->settings);
    }
    if (!begin_sign_in(a)) {
        return error_set(err, ERR_BUSY,
                         "a sign-in to '%s' is running already; `mooring status` shows its code",
                         a->tenant_setting);
    }
    code = ask_person(a, method, send_prompt, (void *)request, &call, err);
    end_sign_in(a);
    if (code == 0) {
        mutex_lock(&a->session->mutex);
        a->is_logged_out = false;
        mutex_unlock(&a->session->mutex);
        session_account_wake(a);
    }
    return code;
}

int session_account_logout(struct session_account *a, struct error *err)
{
    int code;

    mutex_lock(&a->session->mutex);
    a->is_logged_out = true;
    mutex_unlock(&a->session->mutex);
    code = account_sign_out(a->account, err);
    if (code == 0) {
        code = online_vfs_wipe_cache(a->session->online, err);
    }
    return code;
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
    code = state_load_libraries(session->state, &a->libraries, info.tenant_id, err);
    if (code == 0) {
        code = scope_decide(&a->libraries, session->settings, err);
    }
    return code;
}

int session_accounts_make(struct session *session, struct error *err)
{
    const struct settings *settings = session->settings;
    size_t count = settings->tenants.count ? settings->tenants.count : 1;
    int code = 0;

    session->accounts = calloc(count, sizeof(*session->accounts));
    if (!session->accounts) {
        return error_set(err, ERR_NO_MEMORY, "no memory for %zu accounts", count);
    }
    for (size_t i = 0; i < count && code == 0; i++) {
        struct policy_tenant tenant = {0};
        struct account_options options = {.tenant = "organizations",
                                          .client_id = settings->client_id,
                                          .cloud = (enum cloud)settings->cloud,
                                          .login_url = settings->custom_login_url,
                                          .graph_url = settings->custom_graph_url,
                                          .token_directory = session->paths->tokens,
                                          .wants_teams = settings->teams_channels};

        if (settings->tenants.count) {
            code = policy_tenant_parse(&tenant, settings->tenants.items[i], err);
            if (code < 0) {
                break; /* the table checked every entry: this is no memory */
            }
            options.tenant = tenant.tenant;
            options.client_id = tenant.client_id ? tenant.client_id : options.client_id;
            options.cloud = tenant.has_cloud ? (enum cloud)tenant.cloud : options.cloud;
            options.login_hint = tenant.login_hint;
        }
        session->accounts[i].session = session;
        session->account_count = i + 1;
        code = make_account(&session->accounts[i], &options, err);
        policy_tenant_clear(&tenant);
    }
    return code;
}
