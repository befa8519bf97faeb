#include "mapper/account.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "graph/account_impl.h"
#include "graph/client.h"
#include "graph/token.h"
#include "mapper/graph.h"

#define CALL_DEFAULT_MS 60000
#define SIGN_OUT_LOCK_MS 5000

int64_t account_deadline(const struct call *call, int64_t default_ms)
{
    return call && call->deadline_ms ? call->deadline_ms
                                     : clock_mono_ms(clock_system()) + default_ms;
}

int account_check_call(const struct call *call, int64_t deadline_ms, struct error *err)
{
    if (call && call->is_cancelled && call->is_cancelled(call->payload)) {
        return error_set(err, ERR_CANCELLED, "sign-in was cancelled");
    }
    if (clock_mono_ms(clock_system()) >= deadline_ms) {
        return error_set(err, ERR_TIMED_OUT, "sign-in took too long");
    }
    return 0;
}

int account_lock_file(struct file_lock **out, struct account *account, const struct call *call,
                      int64_t deadline_ms, struct error *err)
{
    int code;

    *out = NULL;
    do {
        struct error lock_error = {0};

        code = token_store_lock(out, account->token_path, 100, &lock_error);
        if (code < 0 && code != ERR_BUSY) {
            log_error(LOG_SIGNIN, &lock_error, "sign-in goes on without its lock");
            return 0;
        }
    } while (code == ERR_BUSY && (code = account_check_call(call, deadline_ms, err)) == 0 && !*out);
    return code;
}

/* --- state --- */

void account_set_state(struct account *account, enum account_state state, const char *reason)
{
    struct error text; /* cuts at a character and keeps it one line */

    (void)error_set(&text, 0, "%s", reason);
    if (account->is_interactive && state != ACCOUNT_WAITING) {
        account->under_state = state;
        memcpy(account->under_reason, text.message, sizeof(account->under_reason));
    } else if (account->state != state || strcmp(account->reason, text.message) != 0) {
        account->state = state;
        memcpy(account->reason, text.message, sizeof(account->reason));
    }
}

void account_adopt_data(struct account *account, struct token_data *data)
{
    int64_t wall = clock_wall_ms(clock_system());
    int64_t left = data->access_ends_ms - wall;

    if (left > data->access_life_ms) { /* the clock was set back since it was written */
        left = data->access_life_ms;
    }
    account->access_ends_ms = clock_mono_ms(clock_system()) + left;
    if (!str_equal(account->data.access_token, data->access_token)) {
        account->access_since_ms = clock_mono_ms(clock_system());
    }
    token_data_clear(&account->data);
    account->data = *data;
    memset(data, 0, sizeof(*data));
}

/* --- life --- */

static bool is_tenant_name(const char *tenant)
{
    size_t length = strlen(tenant);

    return length > 0 && length < 254 && tenant[0] != '.' &&
           strspn(tenant, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") ==
               length;
}

/* "https://host[:port]", a slash at the end forgiven. */
static int copy_base_url(char **out, const char *url, const char *what, struct error *err)
{
    size_t length = url ? strlen(url) : 0;

    while (length > 0 && url[length - 1] == '/') {
        length--;
    }
    if (length <= strlen("https://") || !str_starts_with(url, "https://") ||
        strcspn(url + strlen("https://"), "/?#@ ") < length - strlen("https://")) {
        return error_set(err, ERR_INVALID, "%s must be an https URL without a path", what);
    }
    return str_copy_n(out, url, length, err);
}

static int copy_options(struct account *account, const struct account_options *options,
                        struct error *err)
{
    bool is_custom = options->cloud == CLOUD_CUSTOM;
    const char *tenant = options->tenant && options->tenant[0] ? options->tenant : "organizations";
    int code;

    if (!options->client_id || !options->client_id[0]) {
        return error_set(err, ERR_INVALID,
                         "no ClientId is set for '%s': register a public client app in Entra and "
                         "set it by policy",
                         tenant);
    }
    if (!is_tenant_name(tenant)) {
        return error_set(err, ERR_INVALID, "'%s' is neither a tenant id nor a domain", tenant);
    }
    account->cloud = options->cloud;
    code = copy_base_url(&account->login_url,
                         is_custom ? options->login_url : cloud_login_url(options->cloud),
                         "CustomLoginUrl", err);
    if (code == 0) {
        code = copy_base_url(&account->graph_url,
                             is_custom ? options->graph_url : cloud_graph_url(options->cloud),
                             "CustomGraphUrl", err);
    }
    if (code == 0) {
        code = str_copy(&account->tenant, tenant, err);
    }
    if (code == 0) {
        code = str_copy(&account->client_id, options->client_id, err);
    }
    account->sso = options->sso;
    if (code == 0 && options->login_hint && options->login_hint[0]) {
        code = str_copy(&account->login_hint, options->login_hint, err);
    }
    for (int with_teams = 0; code == 0 && with_teams < 2; with_teams++) {
        code = cloud_permissions(&account->permissions[with_teams], account->cloud,
                                 account->graph_url, with_teams == 1, err);
    }
    account->wants_teams = options->wants_teams;
    if (code == 0) {
        code = str_format(&account->graph_scope, err, "graph:%s", tenant);
    }
    if (code == 0) {
        code = str_format(&account->entra_scope, err, "sign-in:%s", tenant);
    }
    return code;
}

/* A broken file is reported and counts as signed out; it never stops the account. */
static int read_file(struct account *account, struct error *err)
{
    struct token_data data = {0};
    struct error read_error = {0};
    int code = token_store_read(&data, account->token_path, account->login_url, &read_error);

    if (code == ERR_NO_MEMORY) {
        return error_set(err, code, "%s", read_error.message);
    }
    if (code == 0) {
        account->is_stored = true;
        account_adopt_data(account, &data);
    } else if (code != ERR_NOT_FOUND) {
        log_error(LOG_SIGNIN, &read_error, "tenant '%s' counts as signed out", account->tenant);
        account_set_state(account, ACCOUNT_SIGNED_OUT, read_error.message);
    }
    token_data_clear(&data);
    return 0;
}

static void account_free(struct account *account)
{
    graph_unref(account->graph);
    token_data_clear(&account->data);
    secret_free(&account->refused);
    free(account->tenant);
    free(account->client_id);
    free(account->login_url);
    free(account->graph_url);
    free(account->login_hint);
    free(account->permissions[false]);
    free(account->permissions[true]);
    free(account->graph_scope);
    free(account->entra_scope);
    free(account->token_path);
    cond_clear(&account->changed);
    mutex_clear(&account->lock);
    mutex_clear(&account->writes.mutex);
    free(account);
}

int account_new(struct account **out, struct graph *graph, const struct account_options *options,
                struct error *err)
{
    struct account *account = calloc(1, sizeof(*account));
    int code;

    if (!account) {
        return error_set(err, ERR_NO_MEMORY, "no memory for an account");
    }
    mutex_init(&account->lock);
    mutex_init(&account->writes.mutex);
    cond_init(&account->changed);
    account->refs = 1;
    account->graph = graph_ref(graph);
    code = copy_options(account, options, err);
    if (code == 0) {
        code = file_make_private_directory(options->token_directory, err);
    }
    if (code == 0) {
        code = token_store_path(&account->token_path, options->token_directory, account->tenant,
                                account->client_id, account->login_url, err);
    }
    if (code == 0) {
        code = read_file(account, err);
    }
    if (code < 0) {
        account_free(account);
        return code;
    }
    *out = account;
    return 0;
}

const char *account_permissions(const struct account *account)
{
    return account->permissions[account->wants_teams];
}

void account_want_teams(struct account *account, bool wants_teams)
{
    account->wants_teams = wants_teams;
}

struct account *account_ref(struct account *account)
{
    mutex_lock(&account->lock);
    account->refs++;
    mutex_unlock(&account->lock);
    return account;
}

void account_unref(struct account *account)
{
    bool is_last;

    if (!account) {
        return;
    }
    mutex_lock(&account->lock);
    is_last = --account->refs == 0;
    mutex_unlock(&account->lock);
    if (is_last) {
        account_free(account);
    }
}

void account_info(struct account *account, struct account_info *out)
{
    memset(out, 0, sizeof(*out));
    mutex_lock(&account->lock);
    out->state = account->state;
    memcpy(out->tenant_id,
           account->data.tenant_id[0] ? account->data.tenant_id : account->data.endpoints.tenant_id,
           sizeof(out->tenant_id));
    memcpy(out->tenant_name, account->data.tenant_name, sizeof(out->tenant_name));
    memcpy(out->initial_domain, account->data.initial_domain, sizeof(out->initial_domain));
    memcpy(out->user_name, account->data.user_name, sizeof(out->user_name));
    memcpy(out->user_id, account->data.user_id, sizeof(out->user_id));
    memcpy(out->reason, account->reason, sizeof(out->reason));
    memcpy(out->user_code, account->user_code, sizeof(out->user_code));
    memcpy(out->verification_url, account->verification_url, sizeof(out->verification_url));
    mutex_unlock(&account->lock);
}

const char *account_graph_url(const struct account *account)
{
    return account->graph_url;
}

const char *account_scope(const struct account *account)
{
    return account->graph_scope;
}

struct graph *account_graph(const struct account *account)
{
    return account->graph;
}

struct gather *account_gather(struct account *account)
{
    return &account->writes;
}

/* --- in and out --- */

int account_sign_in_silent(struct account *account, const struct call *call, struct error *err)
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
    if (code == 0 && account_has_token(account)) {
        account_set_state(account, ACCOUNT_SIGNED_IN, "");
    } else if (code == 0) {
        code = account_refresh(account, true, call, err);
    }
    mutex_unlock(&account->lock);
    return code;
}

int account_sign_out(struct account *account, struct error *err)
{
    struct file_lock *lock = NULL;
    char *bad_path = NULL;
    int code = str_format(&bad_path, err, "%s.bad", account->token_path);

    mutex_lock(&account->lock);
    account->epoch++;
    token_data_clear(&account->data);
    account->is_stored = false;
    account->user_code[0] = '\0';
    account->verification_url[0] = '\0';
    account_set_state(account, ACCOUNT_SIGNED_OUT, "signed out; run `mooring login` to sign in");
    cond_broadcast(&account->changed);
    mutex_unlock(&account->lock);

    /* a refresh that runs here or elsewhere writes before it lets the lock go: wait, then remove */
    (void)token_store_lock(&lock, account->token_path, SIGN_OUT_LOCK_MS, NULL);
    if (code == 0) {
        code = token_store_remove(account->token_path, err);
    }
    if (code == 0) {
        code = token_store_remove(bad_path, err);
    }
    file_unlock(lock);
    free(bad_path);
    return code;
}

/* --- who we are --- */

static int merge_identity(struct account *account, unsigned epoch,
                          const struct entra_organization *organization,
                          const struct entra_identity *me, const struct call *call,
                          struct error *err)
{
    struct token_data data = {0};
    struct token_data on_disk = {0};
    struct file_lock *lock = NULL;
    int code =
        account_lock_file(&lock, account, call, account_deadline(call, CALL_DEFAULT_MS), err);

    if (code < 0) {
        return code;
    }
    mutex_lock(&account->lock);
    if (account->epoch == epoch) {
        memcpy(account->data.tenant_id, organization->id, sizeof(organization->id));
        memcpy(account->data.tenant_name, organization->name, sizeof(organization->name));
        memcpy(account->data.initial_domain, organization->initial_domain,
               sizeof(organization->initial_domain));
        if (me->user_name[0]) {
            memcpy(account->data.user_name, me->user_name, sizeof(me->user_name));
            memcpy(account->data.user_id, me->user_id, sizeof(me->user_id));
        }
        code = token_data_copy(&data, &account->data, err);
    } else {
        code = error_set(err, ERR_SIGNED_OUT, "signed out meanwhile; run `mooring login`");
    }
    mutex_unlock(&account->lock);
    /* the tokens of the file are kept: another process may have newer ones than we */
    if (code == 0 &&
        token_store_read(&on_disk, account->token_path, account->login_url, NULL) == 0) {
        memcpy(on_disk.tenant_id, data.tenant_id, sizeof(data.tenant_id));
        memcpy(on_disk.tenant_name, data.tenant_name, sizeof(data.tenant_name));
        memcpy(on_disk.initial_domain, data.initial_domain, sizeof(data.initial_domain));
        memcpy(on_disk.user_name, data.user_name, sizeof(data.user_name));
        memcpy(on_disk.user_id, data.user_id, sizeof(data.user_id));
        code = token_store_write(account->token_path, &on_disk, err);
    }
    file_unlock(lock);
    token_data_clear(&data);
    token_data_clear(&on_disk);
    return code;
}

int account_identify(struct account *account, const struct call *call, struct error *err)
{
    static const char *const urls[] = {"/organization?$select=id,displayName,verifiedDomains",
                                       "/me?$select=id,displayName,userPrincipalName"};
    struct graph_answer answers[2] = {{0}};
    struct entra_organization organization = {0};
    struct entra_identity me = {0};
    unsigned epoch;
    bool is_known;
    int code;

    mutex_lock(&account->lock);
    is_known =
        account->data.tenant_id[0] && account->data.initial_domain[0] && account->data.user_name[0];
    epoch = account->epoch;
    mutex_unlock(&account->lock);
    if (is_known) {
        return 0;
    }
    code = graph_batch_get(answers, account, urls, 2, call, err);
    if (code == 0 && answers[0].code < 0) {
        code = error_set(err, answers[0].code,
                         "tenant '%s' does not say who it is (HTTP %d on /organization)",
                         account->tenant, answers[0].status);
    }
    if (code == 0) {
        code = entra_parse_organization(&organization, answers[0].body, answers[0].body_size, err);
    }
    /* without /me the user is who the id_token named, or nobody: that is for show only */
    if (code == 0 && answers[1].code == 0) {
        (void)entra_parse_me(&me, answers[1].body, answers[1].body_size, NULL);
    }
    if (code == 0) {
        code = merge_identity(account, epoch, &organization, &me, call, err);
    }
    graph_answers_clear(answers, 2);
    return code;
}
