/* signin.c - what sign-ins with a person have in common: one at a time, and what status shows. */
#include "graph/account_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "graph/claims.h"

#define SIGNIN_DEFAULT_MS 900000
#define REQUEST_MS 30000

static int take_endpoints(struct signin *signin, struct error *err)
{
    struct account *account = signin->account;
    struct call call = signin_call(signin);
    struct token_data copy = {0};
    int code;

    mutex_lock(&account->lock);
    signin->epoch = account->epoch;
    code = token_data_copy(&copy, &account->data, err);
    mutex_unlock(&account->lock);
    if (code == 0) {
        code = claims_merge(&signin->claims, copy.claims, err);
    }
    if (code == 0) {
        signin->endpoints = copy.endpoints;
        memset(&copy.endpoints, 0, sizeof(copy.endpoints));
    }
    token_data_clear(&copy);
    if (code == 0 && !signin->endpoints.token_url) {
        code = entra_discover(&signin->endpoints, account, &call, err);
    }
    return code;
}

int signin_begin(struct signin *signin, struct account *account, const struct call *call,
                 struct error *err)
{
    int code = 0;

    memset(signin, 0, sizeof(*signin));
    signin->account = account;
    signin->call = call;
    signin->deadline_ms = account_deadline(call, SIGNIN_DEFAULT_MS);
    mutex_lock(&account->lock);
    if (account->is_interactive) {
        code = error_set(err, ERR_BUSY, "a sign-in to '%s' is already waiting for the user",
                         account->tenant);
    } else {
        account->is_interactive = true;
        account->under_state = account->state;
        memcpy(account->under_reason, account->reason, sizeof(account->under_reason));
    }
    mutex_unlock(&account->lock);
    if (code == 0) {
        code = take_endpoints(signin, err);
        if (code < 0) {
            (void)signin_end(signin, code, err);
        }
    }
    return code;
}

void signin_prompt(struct signin *signin, const struct account_prompt *prompt,
                   account_prompt_fn tell, void *payload)
{
    struct account *account = signin->account;

    mutex_lock(&account->lock);
    if (prompt->user_code) { /* a browser's URL is for the browser only: it holds our state */
        snprintf(account->user_code, sizeof(account->user_code), "%s", prompt->user_code);
        snprintf(account->verification_url, sizeof(account->verification_url), "%s",
                 prompt->verification_url);
    }
    account_set_state(account, ACCOUNT_WAITING, prompt->message);
    mutex_unlock(&account->lock);
    if (tell) {
        tell(payload, prompt);
    }
}

int signin_check(const struct signin *signin, struct error *err)
{
    struct account *account = signin->account;
    bool is_current;

    mutex_lock(&account->lock);
    is_current = account->epoch == signin->epoch;
    mutex_unlock(&account->lock);
    if (!is_current) {
        return error_set(err, ERR_CANCELLED, "signed out while waiting for the sign-in");
    }
    return account_check_call(signin->call, signin->deadline_ms, err);
}

struct call signin_call(const struct signin *signin)
{
    struct call call = {.priority = CALL_READ};
    int64_t end = clock_mono_ms(clock_system()) + REQUEST_MS;

    if (signin->call) {
        call = *signin->call;
    }
    call.deadline_ms = end < signin->deadline_ms ? end : signin->deadline_ms;
    return call;
}

int signin_ask_token(struct entra_token *out, struct entra_failure *failure,
                     int64_t *retry_after_ms, const struct signin *signin, struct entra_form *form,
                     struct error *err)
{
    struct call call = signin_call(signin);
    int code;

    entra_form_add(form, "claims", signin->claims);
    entra_form_add(form, "client_info", "1");
    code = entra_ask_token(out, failure, retry_after_ms, signin->account,
                           signin->endpoints.token_url, form, false, &call, err);
    entra_form_clear(form);
    return code;
}

int signin_end(struct signin *signin, int code, const struct error *err)
{
    struct account *account = signin->account;

    mutex_lock(&account->lock);
    account->is_interactive = false;
    account->user_code[0] = '\0';
    account->verification_url[0] = '\0';
    /* an account that works is not harmed by a sign-in that did not come to its end */
    if (code < 0 && !account->data.refresh_token && code != ERR_CANCELLED) {
        account_set_state(account, ACCOUNT_SIGNED_OUT, err->message);
    } else {
        account_set_state(account, account->under_state, account->under_reason);
    }
    mutex_unlock(&account->lock);
    entra_endpoints_clear(&signin->endpoints);
    str_free(&signin->claims);
    return code;
}
