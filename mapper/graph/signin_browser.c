/*
 * signin_browser.c - authorization code with PKCE S256, in the system's browser (graph-facts 5.2).
 */
#include "graph/account_impl.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/secret.h"
#include "base/str.h"
#include "graph/loopback.h"

#define SECRET_BYTES 32

struct redirect {
    struct signin *signin;
    char *state;    /* ours: who does not know it is not answered */
    char *verifier; /* secret */
    char *redirect_uri;
    char *code;                   /* secret; set when accepted ... */
    struct entra_failure failure; /* ... or this, when declined */
};

static int random_text(char **out, struct error *err)
{
    unsigned char bytes[SECRET_BYTES];
    int code = secret_random(bytes, sizeof(bytes), err);

    if (code == 0) {
        code = str_base64url_encode(out, bytes, sizeof(bytes), err);
    }
    secret_wipe(bytes, sizeof(bytes));
    return code;
}

static int make_challenge(char **out, const char *verifier, struct error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    if (EVP_Digest(verifier, strlen(verifier), digest, &size, EVP_sha256(), NULL) != 1) {
        return error_set(err, ERR_NO_MEMORY, "cannot compute SHA-256");
    }
    return str_base64url_encode(out, digest, size, err);
}

static int make_url(char **out, const struct redirect *redirect, struct error *err)
{
    const struct account *account = redirect->signin->account;
    const char *base = redirect->signin->endpoints.authorize_url;
    struct entra_form form;
    char *challenge = NULL;
    int code = make_challenge(&challenge, redirect->verifier, err);

    entra_form_init(&form, account);
    entra_form_add(&form, "response_type", "code");
    entra_form_add(&form, "redirect_uri", redirect->redirect_uri);
    entra_form_add(&form, "response_mode", "query");
    entra_form_add(&form, "scope", account_permissions(account));
    entra_form_add(&form, "state", redirect->state);
    entra_form_add(&form, "code_challenge", challenge);
    entra_form_add(&form, "code_challenge_method", "S256"); /* else `plain` is assumed */
    entra_form_add(&form, "login_hint", account->login_hint);
    entra_form_add(&form, "claims", redirect->signin->claims);
    if (code == 0 && form.code < 0) {
        code = error_set(err, form.code, "the sign-in URL cannot be built");
    }
    if (code == 0) {
        code = str_format(out, err, "%s%c%s", base, strchr(base, '?') ? '&' : '?',
                          buf_text(&form.text));
    }
    entra_form_clear(&form);
    free(challenge);
    return code;
}

/* The decoded value of a parameter; NULL when missing or broken. Caller frees. */
static char *query_value(const char *query, const char *name)
{
    size_t length = strlen(name);
    char *raw = NULL;
    char *value = NULL;

    while (*query) {
        size_t size = strcspn(query, "&");

        if (size > length && strncmp(query, name, length) == 0 && query[length] == '=') {
            if (str_copy_n(&raw, query + length + 1, size - length - 1, NULL) == 0) {
                for (char *c = raw; *c; c++) {
                    *c = *c == '+' ? ' ' : *c;
                }
                (void)str_percent_decode(&value, raw, NULL);
            }
            secret_free(&raw);
            return value;
        }
        query += size;
        query += *query == '&';
    }
    return NULL;
}

static enum loopback_verdict on_query(void *payload, const char *query)
{
    struct redirect *redirect = payload;
    enum loopback_verdict verdict = LOOPBACK_REFUSE;
    char *state = query_value(query, "state");
    char *code = query_value(query, "code");
    char *error = query_value(query, "error");
    char *description = query_value(query, "error_description");

    /* anybody here could send a code of his own, to sign us in as him: only who knows the state */
    if (str_equal(state, redirect->state)) {
        if (error) {
            entra_judge_redirect(&redirect->failure, error, description);
            verdict = LOOPBACK_DECLINED;
        } else if (code && code[0]) {
            redirect->code = code;
            code = NULL;
            verdict = LOOPBACK_ACCEPT;
        }
    }
    free(state);
    secret_free(&code);
    free(error);
    free(description);
    return verdict;
}

static int check(void *payload, struct error *err)
{
    struct redirect *redirect = payload;

    return signin_check(redirect->signin, err);
}

static int wait_for_code(struct redirect *redirect, struct loopback *loopback, struct error *err)
{
    struct loopback_callbacks callbacks = {
        .on_query = on_query, .check = check, .payload = redirect};
    int code = loopback_wait(loopback, &callbacks, err);

    if (code == 0 && !redirect->code) {
        code = entra_failure_error(redirect->signin->account, &redirect->failure, err);
    }
    return code;
}

static int redeem(struct entra_token *token, const struct redirect *redirect, struct error *err)
{
    struct signin *signin = redirect->signin;
    struct call call = signin_call(signin);
    struct entra_failure failure = {0};
    struct entra_form form;
    int64_t retry_after_ms = -1;
    int code;

    entra_form_init(&form, signin->account);
    entra_form_add(&form, "grant_type", "authorization_code");
    entra_form_add(&form, "code", redirect->code);
    entra_form_add(&form, "redirect_uri", redirect->redirect_uri);
    entra_form_add(&form, "code_verifier", redirect->verifier);
    entra_form_add(&form, "scope", account_permissions(signin->account));
    entra_form_add(&form, "claims", signin->claims);
    entra_form_add(&form, "client_info", "1");
    /* not repeatable: a code works once */
    code = entra_ask_token(token, &failure, &retry_after_ms, signin->account,
                           signin->endpoints.token_url, &form, false, &call, err);
    entra_form_clear(&form);
    entra_failure_clear(&failure);
    return code;
}

static int run(struct entra_token *token, struct redirect *redirect, account_prompt_fn prompt,
               void *payload, struct error *err)
{
    struct loopback *loopback = NULL;
    char *url = NULL;
    int code = loopback_open(&loopback, err);

    if (code == 0) { /* registered as http://localhost; the port is free to choose there */
        code = str_format(&redirect->redirect_uri, err, "http://localhost:%u",
                          loopback_port(loopback));
    }
    if (code == 0) {
        code = random_text(&redirect->state, err);
    }
    if (code == 0) {
        code = random_text(&redirect->verifier, err);
    }
    if (code == 0) {
        code = make_url(&url, redirect, err);
    }
    if (code == 0) {
        struct account_prompt shown = {.message = "Sign in in the browser window that opens.",
                                       .verification_url = url};

        signin_prompt(redirect->signin, &shown, prompt, payload);
        code = wait_for_code(redirect, loopback, err);
    }
    loopback_close(loopback);
    if (code == 0) {
        code = redeem(token, redirect, err);
    }
    secret_free(&url);
    return code;
}

int account_sign_in_browser(struct account *account, account_prompt_fn prompt, void *payload,
                            const struct call *call, struct error *err)
{
    struct signin signin;
    struct redirect redirect = {.signin = &signin};
    struct entra_token token = {0};
    struct error failure = {0};
    int code = signin_begin(&signin, account, call, &failure);

    if (code < 0) {
        return error_set(err, code, "%s", failure.message);
    }
    code = run(&token, &redirect, prompt, payload, &failure);
    if (code == 0) {
        code = account_accept(account, signin.epoch, &signin.endpoints, &token, call, &failure);
    }
    entra_token_clear(&token);
    secret_free(&redirect.state);
    secret_free(&redirect.verifier);
    secret_free(&redirect.code);
    free(redirect.redirect_uri);
    entra_failure_clear(&redirect.failure);
    code = signin_end(&signin, code, &failure);
    return code < 0 ? error_set(err, code, "%s", failure.message) : 0;
}
