/*
 * signin_browser.c - authorization code with PKCE S256, in the system's browser (graph-facts 5.2).
 */
#include "graph/account_impl.h"

#include <stdlib.h>

#include "base/secret.h"
#include "base/str.h"
#include "graph/authorize.h"

static enum loopback_verdict on_query(void *payload, const char *query)
{
    return authorize_judge(payload, query);
}

static int check(void *payload, struct error *err)
{
    const struct authorize *authorize = payload;

    return signin_check(authorize->signin, err);
}

static int wait_for_code(struct authorize *authorize, struct loopback *loopback, struct error *err)
{
    struct loopback_callbacks callbacks = {
        .on_query = on_query, .check = check, .payload = authorize};
    int code = loopback_wait(loopback, &callbacks, err);

    if (code == 0 && !authorize->code) {
        code = entra_failure_error(authorize->signin->account, &authorize->failure, err);
    }
    return code;
}

static int run(struct entra_token *token, struct authorize *authorize, struct signin *signin,
               account_prompt_fn prompt, void *payload, struct error *err)
{
    struct loopback *loopback = NULL;
    char *redirect_uri = NULL;
    char *url = NULL;
    int code = loopback_open(&loopback, err);

    if (code == 0) { /* registered as http://localhost; the port is free to choose there */
        code = str_format(&redirect_uri, err, "http://localhost:%u", loopback_port(loopback));
    }
    if (code == 0) {
        code = authorize_begin(authorize, signin, redirect_uri, err);
    }
    if (code == 0) {
        code = authorize_url(&url, authorize, NULL, err);
    }
    if (code == 0) {
        struct account_prompt shown = {.message = "Sign in in the browser window that opens.",
                                       .verification_url = url};

        signin_prompt(authorize->signin, &shown, prompt, payload);
        code = wait_for_code(authorize, loopback, err);
    }
    loopback_close(loopback);
    if (code == 0) {
        code = authorize_redeem(token, authorize, err);
    }
    secret_free(&url);
    free(redirect_uri);
    return code;
}

int account_sign_in_browser(struct account *account, account_prompt_fn prompt, void *payload,
                            const struct call *call, struct error *err)
{
    struct signin signin;
    struct authorize authorize = {0};
    struct entra_token token = {0};
    struct error failure = {0};
    int code = signin_begin(&signin, account, call, &failure);

    if (code < 0) {
        return error_set(err, code, "%s", failure.message);
    }
    code = run(&token, &authorize, &signin, prompt, payload, &failure);
    if (code == 0) {
        code = account_accept(account, signin.epoch, &signin.endpoints, &token, call, &failure);
    }
    entra_token_clear(&token);
    authorize_clear(&authorize);
    code = signin_end(&signin, code, &failure);
    return code < 0 ? error_set(err, code, "%s", failure.message) : 0;
}
