#include "graph/token.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "graph/account_impl.h"
#include "graph/claims.h"

#define CALL_DEFAULT_MS 60000
#define RENEW_BEFORE_MS 300000
#define RENEW_EARLY_MS 10000 /* how long a renewal may take while the old token still works */
#define RETRY_FIRST_MS 1000
#define RETRY_MAX_MS 30000
#define RETRY_AFTER_MAX_MS 600000
#define RETRY_HURRY_MS \
    5000 /* a refresh that had less than this to end says nothing about Entra \
          */
#define REREAD_MS 5000
#define ASK_AGAIN_MS 900000 /* whether a policy still blocks us */
#define REFRESHES_MAX 3     /* in one call: challenged again while one runs */
#define REFUSALS_MAX 4
#define REFUSALS_PAUSE_MS 300000
#define REFUSED_EARLY_MS 60000

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How long the token still works; negative when there is none. */
static int64_t access_left(const struct account *account)
{
    return account->data.access_token ? account->access_ends_ms - now_ms() : -1;
}

/* Short-lived tokens are renewed at half their life, else every request would renew. */
static bool is_fresh(const struct account *account)
{
    return access_left(account) > smaller(RENEW_BEFORE_MS, account->data.access_life_ms / 2);
}

bool account_has_token(const struct account *account)
{
    return is_fresh(account);
}

/* Good enough while it cannot be renewed. */
static bool is_usable(const struct account *account)
{
    return access_left(account) > smaller(10000, account->data.access_life_ms / 10);
}

int account_copy_token(struct account *account, char **token, struct error *err)
{
    return str_copy(token, account->data.access_token, err);
}

int token_data_take(struct token_data *data, struct entra_token *token, struct error *err)
{
    const struct entra_identity *identity = &token->identity;

    if (token->refresh_token) { /* rotation: the old one is not used again (graph-facts 5.3) */
        secret_free(&data->refresh_token);
        data->refresh_token = token->refresh_token;
        token->refresh_token = NULL;
    }
    if (!data->refresh_token) {
        return error_set(err, ERR_PROTOCOL, "Entra gave no refresh token");
    }
    secret_free(&data->access_token);
    data->access_token = token->access_token;
    token->access_token = NULL;
    data->access_life_ms = token->expires_in_s * 1000;
    data->access_ends_ms = clock_wall_ms(clock_system()) + data->access_life_ms;
    str_free(&data->claims); /* what was asked for has come */
    data->serial++;
    if (identity->tenant_id[0]) {
        if (strcmp(identity->tenant_id, data->tenant_id) != 0) {
            data->tenant_name[0] = '\0';
            data->initial_domain[0] = '\0';
        }
        memcpy(data->tenant_id, identity->tenant_id, sizeof(data->tenant_id));
    }
    if (identity->user_name[0]) {
        memcpy(data->user_name, identity->user_name, sizeof(data->user_name));
        memcpy(data->user_id, identity->user_id, sizeof(data->user_id));
    }
    return 0;
}

/* --- one refresh --- */

/* What a refresh works on, without the account's lock. */
struct refresh {
    struct account *account;
    const struct call *call;
    int64_t deadline_ms;
    struct token_data data; /* a copy; taken over at the end */
    char *refused;          /* the access token that must not come back from the file */
    char *claims_before;    /* the challenge that was open when it began */
    bool is_stored;         /* `data` equals the file */
    bool is_done;           /* another process had renewed: nothing to ask */
    bool may_ask;
    bool is_forced; /* the token that is there does not do, however fresh it is */
    bool has_asked;
    struct error teams_refusal; /* of account_impl.h; for finish() */
    int64_t began_ms;
    int64_t retry_after_ms;
};

/* Writes what the refresh has. That a full disk cannot keep it is no reason to stop working. */
static void store(struct refresh *refresh)
{
    struct error err = {0};

    refresh->is_stored = token_store_write(refresh->account->token_path, &refresh->data, &err) == 0;
    if (!refresh->is_stored) {
        log_error(LOG_SIGNIN, &err, "the sign-in to '%s' is not kept for the next start",
                  refresh->account->tenant);
    }
}

/* Takes over what another process wrote since we looked. */
static int read_again(struct refresh *refresh, struct error *err)
{
    struct token_data file = {0};
    struct account *account = refresh->account;
    struct error read_error = {0};
    int code = token_store_read(&file, account->token_path, account->login_url, &read_error);

    if (code == ERR_NOT_FOUND && refresh->is_stored) {
        token_data_clear(&refresh->data);
        refresh->is_stored = false;
    } else if (code == ERR_INVALID) {
        log_error(LOG_SIGNIN, &read_error, "sign-in to '%s'", account->tenant);
        refresh->is_stored = false;
    } else if (code == 0 && (file.serial != refresh->data.serial || !refresh->data.refresh_token)) {
        int64_t left = file.access_ends_ms - clock_wall_ms(clock_system());

        refresh->is_done = !refresh->is_forced && file.access_token &&
                           !str_equal(file.access_token, refresh->refused) &&
                           left > smaller(RENEW_BEFORE_MS, file.access_life_ms / 2);
        if (!refresh->is_done && !file.claims) { /* a challenge of ours stays open */
            file.claims = refresh->data.claims;
            refresh->data.claims = NULL;
        }
        token_data_clear(&refresh->data);
        refresh->data = file;
        memset(&file, 0, sizeof(file));
        refresh->is_stored = true;
        refresh->may_ask = true; /* somebody signed in */
    }
    token_data_clear(&file);
    return refresh->data.refresh_token
               ? 0
               : error_set(err, ERR_SIGNED_OUT, "not signed in to '%s'; run `mooring login`",
                           account->tenant);
}

static int build_form(struct entra_form *form, const struct refresh *refresh, bool with_teams,
                      struct error *err)
{
    char *claims = NULL;
    int code = claims_merge(&claims, refresh->data.claims, err);

    entra_form_init(form, refresh->account);
    entra_form_add(form, "grant_type", "refresh_token");
    entra_form_add(form, "refresh_token", refresh->data.refresh_token);
    entra_form_add(form, "scope", refresh->account->permissions[with_teams]);
    entra_form_add(form, "claims", claims);
    entra_form_add(form, "client_info", "1");
    free(claims);
    return code;
}

/* What a refusal leaves of the sign-in. */
static void keep_after_failure(struct refresh *refresh, struct entra_failure *failure)
{
    bool is_changed = false;

    if (failure->action == ENTRA_FORGET) {
        secret_free(&refresh->data.refresh_token);
        secret_free(&refresh->data.access_token);
        is_changed = true;
    }
    if (failure->claims) { /* belongs into the next interactive sign-in */
        str_free(&refresh->data.claims);
        refresh->data.claims = failure->claims;
        failure->claims = NULL;
        is_changed = true;
    }
    if (failure->action == ENTRA_CONFIGURATION) { /* tenant moved or renamed: ask again */
        entra_endpoints_clear(&refresh->data.endpoints);
        is_changed = true;
    }
    if (is_changed) {
        refresh->data.serial++;
        store(refresh);
    }
}

/* Whether the failure may be for the permissions of TeamsChannels alone. */
static bool is_about_permissions(const struct entra_failure *failure)
{
    return failure->number == 65001 || failure->number == 65004 || failure->number == 90094 ||
           failure->number == 90095 || failure->number == 70011 ||
           strcmp(failure->error, "consent_required") == 0 ||
           strcmp(failure->error, "invalid_scope") == 0 ||
           strcmp(failure->suberror, "consent_required") == 0;
}

/* Asks for a token; without the permissions of TeamsChannels when those are what is refused, since
 * libraries that work must not stop for the sake of channels. */
static int ask_token(struct entra_token *token, struct entra_failure *failure,
                     struct refresh *refresh, const struct call *call, struct error *err)
{
    bool with_teams = refresh->account->wants_teams;
    int code = 0;

    for (bool is_again = true; is_again;) {
        struct entra_form form = {0};

        is_again = false;
        code = build_form(&form, refresh, with_teams, err);
        if (code == 0) {
            code = entra_ask_token(token, failure, &refresh->retry_after_ms, refresh->account,
                                   refresh->data.endpoints.token_url, &form, true, call, err);
        }
        if (code < 0 && with_teams && is_about_permissions(failure)) {
            char text[160];

            entra_failure_text(text, sizeof(text), failure);
            error_set(&refresh->teams_refusal, ERR_DENIED,
                      "TeamsChannels needs Team.ReadBasic.All and Channel.ReadBasic.All: %s", text);
            entra_failure_clear(failure);
            error_clear(err);
            with_teams = false;
            is_again = true;
        }
        entra_form_clear(&form);
    }
    return code;
}

static int ask(struct refresh *refresh, struct error *err)
{
    struct call call = {.deadline_ms = refresh->deadline_ms,
                        .is_cancelled = refresh->call ? refresh->call->is_cancelled : NULL,
                        .payload = refresh->call ? refresh->call->payload : NULL};
    struct entra_token token = {0};
    struct entra_failure failure = {0};
    int code = 0;

    if (!refresh->data.endpoints.token_url) {
        code = entra_discover(&refresh->data.endpoints, refresh->account, &call, err);
    }
    if (code == 0) {
        code = ask_token(&token, &failure, refresh, &call, err);
        if (code < 0) {
            keep_after_failure(refresh, &failure);
        }
    }
    if (code == 0) {
        code = token_data_take(&refresh->data, &token, err);
    }
    if (code == 0) {
        store(refresh); /* before it is used: an unused old token would be replayed after a crash */
    }
    entra_token_clear(&token);
    entra_failure_clear(&failure);
    return code;
}

static int run(struct refresh *refresh, struct error *err)
{
    struct file_lock *lock = NULL;
    int code = account_lock_file(&lock, refresh->account, refresh->call, refresh->deadline_ms, err);

    if (code == 0) {
        code = read_again(refresh, err);
    }
    if (code == 0 && !refresh->is_done) {
        refresh->has_asked = refresh->may_ask;
        code = refresh->may_ask ? ask(refresh, err)
                                : error_set(err, ERR_SIGNED_OUT, "still signed out");
    }
    file_unlock(lock);
    return code;
}

/* Nobody tries again before a pause that grows. Lock held. */
static void pause_retries(struct account *account, int64_t retry_after_ms)
{
    int64_t pause_ms = account->retry_pause_ms;

    pause_ms = pause_ms ? smaller(pause_ms * 2, RETRY_MAX_MS) : RETRY_FIRST_MS;
    account->retry_pause_ms = pause_ms;
    if (retry_after_ms > pause_ms) {
        pause_ms = smaller(retry_after_ms, RETRY_AFTER_MAX_MS);
    }
    account->retry_at_ms = now_ms() + pause_ms;
}

static bool is_signed_out(const struct account *account)
{
    return (account->is_interactive ? account->under_state : account->state) == ACCOUNT_SIGNED_OUT;
}

static void conclude_well(struct account *account)
{
    account->retry_pause_ms = 0;
    account->retry_at_ms = 0;
    account_set_state(account, ACCOUNT_SIGNED_IN, "");
}

/* How a refresh failed, for state and for those who come next. Lock held. */
static void conclude_badly(struct account *account, const struct refresh *refresh,
                           const struct error *err)
{
    if (err->code == ERR_CANCELLED || err->code == ERR_NO_MEMORY) {
        return; /* says nothing about the sign-in */
    }
    if (err->code == ERR_SIGNED_OUT) {
        account->reread_at_ms = now_ms() + REREAD_MS;
        if (refresh->has_asked) {
            account->ask_at_ms = now_ms() + ASK_AGAIN_MS;
        }
        if (refresh->has_asked || !is_signed_out(account)) { /* else the old reason says more */
            account_set_state(account, ACCOUNT_SIGNED_OUT, err->message);
        }
        return;
    }
    if (err->code != ERR_TIMED_OUT || now_ms() - refresh->began_ms >= RETRY_HURRY_MS) {
        pause_retries(account, refresh->retry_after_ms);
    }
    account->last = *err;
    if (!is_usable(account)) {
        account_set_state(account, ACCOUNT_OFFLINE, err->message);
    }
}

/* Takes the outcome over; what happened to the account meanwhile is not undone by it. Lock held. */
static void finish(struct account *account, struct refresh *refresh, int code,
                   const struct error *err)
{
    struct token_data *data = &refresh->data;
    bool is_same_tenant = str_equal_nocase(data->tenant_id, account->data.tenant_id);

    if (!data->initial_domain[0] && is_same_tenant) { /* account_identify() was faster */
        memcpy(data->initial_domain, account->data.initial_domain, sizeof(data->initial_domain));
        memcpy(data->tenant_name, account->data.tenant_name, sizeof(data->tenant_name));
    }
    if (account->data.claims && !str_equal(account->data.claims, refresh->claims_before)) {
        /* challenged while it ran: the token it brought does not answer that yet */
        secret_free(&data->access_token);
        free(data->claims);
        data->claims = account->data.claims;
        account->data.claims = NULL;
    }
    if (!(code == 0 && refresh->has_asked) && data->access_token &&
        str_equal(data->access_token, account->refused)) { /* an old copy of it comes back */
        secret_free(&data->access_token);
    }
    account->is_stored = refresh->is_stored;
    account_adopt_data(account, data);
    if (code == 0 && refresh->has_asked) {
        account->teams_refusal = refresh->teams_refusal;
    }
    if (code == 0) {
        conclude_well(account);
    } else {
        conclude_badly(account, refresh, err);
    }
}

/* Why there is no token, without asking anybody. Lock held. */
static int say_why(const struct account *account, struct error *err)
{
    if (account->state == ACCOUNT_WAITING) {
        return error_set(err, ERR_SIGNED_OUT, "sign-in to '%s' waits for the user",
                         account->tenant);
    }
    if (account->state == ACCOUNT_SIGNED_OUT) {
        return error_set(err, ERR_SIGNED_OUT, "%s", account->reason);
    }
    return error_set(err, account->last.code < 0 ? account->last.code : ERR_UNREACHABLE, "%s",
                     account->last.message);
}

static int refresh_once(struct account *account, bool may_ask, bool is_forced,
                        const struct call *call, struct error *err)
{
    struct refresh refresh = {.account = account,
                              .call = call,
                              .may_ask = may_ask,
                              .is_forced = is_forced,
                              .began_ms = now_ms(),
                              .retry_after_ms = -1};
    struct error failure = {0};
    unsigned epoch = account->epoch;
    int code;

    refresh.deadline_ms = account_deadline(call, CALL_DEFAULT_MS);
    if (is_usable(account)) { /* nobody has to wait long for what is not urgent */
        refresh.deadline_ms = smaller(refresh.deadline_ms, now_ms() + RENEW_EARLY_MS);
    }
    refresh.is_stored = account->is_stored;
    code = token_data_copy(&refresh.data, &account->data, &failure);
    if (code == 0) {
        code = str_copy(&refresh.refused, account->refused, &failure);
    }
    if (code == 0) {
        code = str_copy(&refresh.claims_before, account->data.claims, &failure);
    }
    if (code == 0) {
        account->is_refreshing = true;
        mutex_unlock(&account->lock);
        code = run(&refresh, &failure);
        mutex_lock(&account->lock);
        account->is_refreshing = false;
        cond_broadcast(&account->changed);
        if (account->epoch == epoch) {
            finish(account, &refresh, code, &failure);
        } else if (is_usable(account)) { /* a person signed in meanwhile */
            code = 0;
        } else {
            code = error_set(&failure, ERR_SIGNED_OUT, "signed out meanwhile; run `mooring login`");
        }
    }
    token_data_clear(&refresh.data);
    secret_free(&refresh.refused);
    free(refresh.claims_before);
    if (code == ERR_SIGNED_OUT && !refresh.has_asked && is_signed_out(account)) {
        return say_why(account, err);
    }
    return code < 0 ? error_set(err, code, "%s", failure.message) : 0;
}

int account_refresh(struct account *account, bool may_ask, const struct call *call,
                    struct error *err)
{
    return refresh_once(account, may_ask, false, call, err);
}

/* --- for the request makers --- */

/* Signed out: fails at once, but looks into the file now and then, since another process of the
 * user may have signed in. */
static bool is_hopeless(const struct account *account)
{
    return (account->state == ACCOUNT_SIGNED_OUT || account->state == ACCOUNT_WAITING) &&
           now_ms() < account->reread_at_ms;
}

/* A refresh token that Entra has just refused is not sent again and again. */
static bool may_ask(const struct account *account)
{
    return !is_signed_out(account) || now_ms() >= account->ask_at_ms;
}

int account_token(struct account *account, char **token, const struct call *call, struct error *err)
{
    int64_t deadline_ms = account_deadline(call, CALL_DEFAULT_MS);
    int refreshes = 0;
    int code = 0;

    mutex_lock(&account->lock);
    while (code == 0 && !is_fresh(account)) {
        bool is_early = is_usable(account);

        if (is_early && (account->is_refreshing || now_ms() < account->retry_at_ms)) {
            break;
        }
        if (is_hopeless(account) || now_ms() < account->retry_at_ms) {
            code = say_why(account, err);
        } else if (!account->is_refreshing) {
            code = account_refresh(account, may_ask(account), call, err);
            if (code < 0 && code != ERR_SIGNED_OUT && is_usable(account)) {
                code = 0; /* works until its end */
            }
            if (account->data.access_token || ++refreshes == REFRESHES_MAX) {
                break; /* however short the new one lives */
            }
        } else {
            cond_wait_ms(&account->changed, &account->lock, 100);
            mutex_unlock(&account->lock); /* the caller's function runs without our lock */
            code = account_check_call(call, deadline_ms, err);
            mutex_lock(&account->lock);
        }
    }
    if (code == 0) {
        code =
            account->data.access_token
                ? account_copy_token(account, token, err)
                : error_set(err, ERR_UNREACHABLE, "no token stays valid for '%s'", account->tenant);
    }
    mutex_unlock(&account->lock);
    return code;
}

int account_renew_for_teams(struct account *account, const struct call *call, struct error *err)
{
    int64_t deadline_ms = account_deadline(call, CALL_DEFAULT_MS);
    int code = 0;

    mutex_lock(&account->lock);
    while (code == 0 && account->is_refreshing) {
        cond_wait_ms(&account->changed, &account->lock, 100);
        mutex_unlock(&account->lock); /* the caller's function runs without our lock */
        code = account_check_call(call, deadline_ms, err);
        mutex_lock(&account->lock);
    }
    if (code == 0 && now_ms() < account->retry_at_ms) {
        code = say_why(account, err);
    } else if (code == 0) {
        code = refresh_once(account, may_ask(account), true, call, err);
    }
    if (code == 0 && account->teams_refusal.code < 0) {
        code = error_set(err, account->teams_refusal.code, "%s", account->teams_refusal.message);
    }
    mutex_unlock(&account->lock);
    return code;
}

/* Each new token is refused at once: refreshing does not help. Lock held. */
static bool is_loop(struct account *account)
{
    if (now_ms() - account->access_since_ms > REFUSED_EARLY_MS) { /* this one has worked */
        account->refusals = 0;
    }
    return ++account->refusals > REFUSALS_MAX;
}

int account_token_refused(struct account *account, const char *token, const char *www_authenticate,
                          const struct call *call, struct error *err)
{
    struct error claims_error = {0};
    char *claims = NULL;
    char *fresh = NULL;
    int code;

    if (claims_from_challenge(&claims, www_authenticate, &claims_error) < 0) {
        log_error(LOG_SIGNIN, &claims_error, "Graph refused the token of '%s'", account->tenant);
    }
    mutex_lock(&account->lock);
    if (str_equal(token, account->data.access_token)) { /* else another caller was faster */
        secret_free(&account->refused);
        account->refused = account->data.access_token;
        account->data.access_token = NULL;
        account->retry_at_ms = 0;
        if (claims) {
            str_free(&account->data.claims);
            account->data.claims = claims;
            claims = NULL;
        }
        if (is_loop(account)) {
            account->ask_at_ms = now_ms() + REFUSALS_PAUSE_MS;
            account_set_state(account, ACCOUNT_SIGNED_OUT,
                              "Microsoft Graph refuses every token of this sign-in; run `mooring "
                              "login`");
        }
    }
    mutex_unlock(&account->lock);
    free(claims);
    code = account_token(account, &fresh, call, err);
    secret_free(&fresh);
    return code;
}

/* Policy names tenants by id: a token of another one must not pass for it. */
static int check_tenant(const struct account *account, const struct entra_endpoints *endpoints,
                        const struct entra_token *token, struct error *err)
{
    const char *got = token->identity.tenant_id;

    if (got[0] && endpoints->tenant_id[0] && !str_equal_nocase(got, endpoints->tenant_id)) {
        return error_set(err, ERR_DENIED, "this sign-in is to tenant %s and not to '%s'", got,
                         account->tenant);
    }
    return 0;
}

int account_accept(struct account *account, unsigned epoch, struct entra_endpoints *endpoints,
                   struct entra_token *token, const struct call *call, struct error *err)
{
    struct refresh refresh = {.account = account};
    struct token_data file = {0};
    struct file_lock *lock = NULL;
    int code = check_tenant(account, endpoints, token, err);

    if (code == 0) {
        code =
            account_lock_file(&lock, account, call, account_deadline(call, CALL_DEFAULT_MS), err);
    }
    if (code == 0 && token_store_read(&file, account->token_path, account->login_url, NULL) == 0) {
        refresh.data.serial = file.serial; /* others see that theirs is older */
    }
    if (code == 0) {
        refresh.data.endpoints = *endpoints;
        memset(endpoints, 0, sizeof(*endpoints));
        code = token_data_take(&refresh.data, token, err);
    }
    if (code == 0) {
        store(&refresh);
        mutex_lock(&account->lock);
        if (account->epoch == epoch) {
            account->epoch++; /* a refresh of the old sign-in that still runs has no say */
            account->is_stored = refresh.is_stored;
            account->refusals = 0;
            account_adopt_data(account, &refresh.data);
            conclude_well(account);
        } else { /* account_sign_out() waits for our lock and removes what we stored */
            code = error_set(err, ERR_SIGNED_OUT, "signed out meanwhile; run `mooring login`");
        }
        mutex_unlock(&account->lock);
    }
    file_unlock(lock);
    token_data_clear(&file);
    token_data_clear(&refresh.data);
    return code;
}
