/*
 * session_signin.c - signing in and out: by the account's own thread, and by `mooring login`.
 *
 * One of them asks a person at a time. `mooring login` goes first: somebody sits there now, while
 * the browser window that the thread opened may be closed long since.
 */
#include "session_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "prompt.h"

#define CODE_REPEATS 4 /* a device code lives 15 minutes; after an hour nobody is there */
#define ASK_MS ((int64_t)CODE_REPEATS * 16 * 60000)
#define SILENT_MS 60000
#define IDENTIFY_MS 60000

static void show_prompt(void *payload, const struct account_prompt *prompt)
{
    struct session_account *a = payload;

    if (prompt->user_code) {
        session_say(a->session, "Sign in to '%s': open %s and enter the code %s", a->tenant_setting,
                    prompt->verification_url, prompt->user_code);
    } else {
        session_say(a->session, "Sign in to '%s': opening the browser; if none appears, open %s",
                    a->tenant_setting, prompt->verification_url);
        prompt_open_browser(&a->browser, prompt->verification_url);
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

static enum login_method method_now(struct session *session)
{
    const struct settings *settings = session_settings(session);
    enum login_method method = allowed_method(settings);

    settings_unref(settings);
    return method;
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

/* What a person answers by doing, or by not doing anything. */
static bool is_persons_answer(int code)
{
    return code == ERR_SIGNED_OUT || code == ERR_DENIED || code == ERR_TIMED_OUT;
}

static bool is_asking_over(void *payload)
{
    struct session_account *a = payload;

    return session_account_is_over(a) || atomic_load(&a->is_login);
}

static bool begin_asking(struct session_account *a)
{
    bool is_free;

    mutex_lock(&a->session->mutex);
    is_free = a->may_ask && !a->is_logged_out && !atomic_load(&a->is_login);
    a->is_asking = is_free;
    mutex_unlock(&a->session->mutex);
    return is_free;
}

static void end_asking(struct session_account *a, int code)
{
    mutex_lock(&a->session->mutex);
    a->is_asking = false;
    if (is_persons_answer(code)) { /* is asked again by `mooring login`, not every minute */
        a->may_ask = false;
    }
    cond_broadcast(&a->session->wake);
    mutex_unlock(&a->session->mutex);
}

/* Without anybody: by the refresh token, or else by the session's own sign-in. Whoever signed out
 * by himself stays so. Why the first way failed is what the user is told. */
static int sign_in_alone(struct session_account *a, struct error *err)
{
    struct call call = session_account_call(a, SILENT_MS);
    struct error why = {0};
    bool is_left;
    int code = account_sign_in_silent(a->account, &call, err);

    mutex_lock(&a->session->mutex);
    is_left = a->is_logged_out;
    mutex_unlock(&a->session->mutex);
    if (code != ERR_SIGNED_OUT || is_left) {
        return code;
    }
    call = session_account_call(a, SILENT_MS);
    code = account_sign_in_session(a->account, &call, &why);
    if (code == 0) {
        log_info(LOG_SIGNIN, "'%s': signed in by this session's own sign-in", a->tenant_setting);
        error_clear(err);
        return 0;
    }
    if (code != ERR_UNSUPPORTED) {
        log_error(LOG_SIGNIN, &why, "'%s': the session's own sign-in", a->tenant_setting);
    }
    return ERR_SIGNED_OUT;
}

int session_sign_in(struct session_account *a, bool *was_asked, struct error *err)
{
    struct call call;
    enum login_method method = method_now(a->session);
    int code = sign_in_alone(a, err);

    *was_asked = false;
    if (code != ERR_SIGNED_OUT || method == LOGIN_NONE || !begin_asking(a)) {
        return code;
    }
    *was_asked = true;
    call = session_account_call(a, ASK_MS);
    call.is_cancelled = is_asking_over;
    call.payload = a;
    code = ask_person(a, method, show_prompt, a, &call, err);
    end_asking(a, code);
    return code;
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

/* Whose request, and to what. */
struct login {
    const struct control_request *request;
    struct session_account *account;
};

static bool is_login_cancelled(void *payload)
{
    const struct login *login = payload;

    return login->request->is_cancelled(login->request) || atomic_load(&login->account->is_ending);
}

/* Ends what the thread asks, and waits until it is over. */
static int begin_login(struct session_account *a, const struct control_request *request,
                       struct error *err)
{
    struct session *session = a->session;
    int code = 0;

    mutex_lock(&session->mutex);
    if (atomic_load(&a->is_login)) {
        code = error_set(err, ERR_BUSY, "another `mooring login` to '%s' waits for its answer",
                         a->tenant_setting);
    } else {
        atomic_store(&a->is_login, true);
        while (a->is_asking && !request->is_cancelled(request) && !atomic_load(&a->is_ending)) {
            cond_wait_ms(&session->wake, &session->mutex, 100);
        }
    }
    mutex_unlock(&session->mutex);
    return code;
}

/* A file for each tenant that was left: nobody is asked to sign in to it, also by the next agent. */
static int left_file(char **out, const struct session_account *a, struct error *err)
{
    return str_format(out, err, "%s/signed-out-%016llx", a->session->paths->tokens,
                      (unsigned long long)str_hash_nocase(a->tenant_setting));
}

bool session_account_was_left(const struct session_account *a)
{
    char *path = NULL;
    bool was_left = left_file(&path, a, NULL) == 0 && file_exists(path);

    free(path);
    return was_left;
}

static void remember_left(struct session_account *a, bool is_left)
{
    struct error err = {0};
    char *path = NULL;
    int code = left_file(&path, a, &err);

    if (code == 0) {
        code = is_left ? file_write_atomic(path, a->tenant_setting, strlen(a->tenant_setting), &err)
                       : file_remove(path, &err);
    }
    if (code < 0) {
        session_note_state(a->session, &err);
    }
    free(path);
}

static void end_login(struct session_account *a, int code)
{
    if (code == 0) {
        remember_left(a, false);
    }
    mutex_lock(&a->session->mutex);
    if (code == 0) {
        a->is_logged_out = false;
        a->wake_ms = clock_mono_ms(clock_system());
    } else if (is_persons_answer(code) || code == ERR_CANCELLED) {
        a->may_ask = false; /* who was here went away */
    }
    atomic_store(&a->is_login, false);
    cond_broadcast(&a->session->wake);
    mutex_unlock(&a->session->mutex);
}

static int choose_method(enum login_method *method, struct session *session, struct error *err)
{
    const struct settings *settings = session_settings(session);
    int code = 0;

    if (settings->sign_in == POLICY_SIGN_IN_SILENT_ONLY) {
        code = error_set(err, ERR_DENIED,
                         "policy SignIn is SilentOnly: nobody may be asked to sign in");
    } else if (*method == LOGIN_DEVICE_CODE && settings->sign_in == POLICY_SIGN_IN_BROWSER) {
        code = error_set(err, ERR_DENIED,
                         "policy SignIn is Browser: signing in by a code is not allowed; leave "
                         "--device-code out");
    } else if (*method == LOGIN_NONE) {
        *method = allowed_method(settings);
    }
    settings_unref(settings);
    return code;
}

/* A policy that cannot be read may name the tenants that are allowed. */
static int check_restrictions(struct session *session, struct error *err)
{
    bool is_unknown;

    mutex_lock(&session->mutex);
    is_unknown = policy_is_restriction_unknown(session->policy);
    mutex_unlock(&session->mutex);
    return is_unknown ? error_set(err, ERR_DENIED,
                                  "a policy of this machine cannot be read, so nobody knows which "
                                  "tenants are allowed; see `mooring policy show`")
                      : 0;
}

/* Says at once what the next round would find: a tenant that may not be signed in to. */
static int check_new_sign_in(struct session_account *a, const struct call *login, struct error *err)
{
    struct call call = *login;
    struct error identify = {0};

    call.deadline_ms = clock_mono_ms(clock_system()) + IDENTIFY_MS;
    if (account_identify(a->account, &call, &identify) < 0) {
        return 0; /* signed in all the same; the round says what is wrong */
    }
    return session_account_check_tenant(a, true, err);
}

int session_account_login(struct session_account *a, enum login_method method,
                          const struct control_request *request, struct error *err)
{
    struct login login = {.request = request, .account = a};
    struct call call = {.deadline_ms = clock_mono_ms(clock_system()) + ASK_MS,
                        .is_cancelled = is_login_cancelled,
                        .payload = &login};
    int code = check_restrictions(a->session, err);

    if (code == 0) {
        code = choose_method(&method, a->session, err);
    }
    if (code == 0) {
        code = begin_login(a, request, err);
    }
    if (code < 0) {
        return code;
    }
    code = ask_person(a, method, send_prompt, (void *)request, &call, err);
    if (code == 0) {
        code = check_new_sign_in(a, &call, err);
    }
    end_login(a, code);
    return code;
}

int session_account_logout(struct session_account *a, struct error *err)
{
    int code;

    mutex_lock(&a->session->mutex);
    a->is_logged_out = true;
    mutex_unlock(&a->session->mutex);
    remember_left(a, true);
    code = account_sign_out(a->account, err);
    if (code == 0) {
        code = online_vfs_wipe_cache(a->session->online, err);
    }
    return code;
}
