#include "graph/authorize.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/secret.h"
#include "base/str.h"

#define SECRET_BYTES 32

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

int authorize_begin(struct authorize *authorize, struct signin *signin, const char *redirect_uri,
                    struct error *err)
{
    int code;

    authorize->signin = signin;
    code = str_copy(&authorize->redirect_uri, redirect_uri, err);
    if (code == 0) {
        code = random_text(&authorize->state, err);
    }
    return code < 0 ? code : random_text(&authorize->verifier, err);
}

void authorize_clear(struct authorize *authorize)
{
    secret_free(&authorize->state);
    secret_free(&authorize->verifier);
    secret_free(&authorize->code);
    str_free(&authorize->redirect_uri);
    entra_failure_clear(&authorize->failure);
}

int authorize_url(char **out, const struct authorize *authorize, const char *prompt,
                  struct error *err)
{
    const struct account *account = authorize->signin->account;
    const char *base = authorize->signin->endpoints.authorize_url;
    struct entra_form form;
    char *challenge = NULL;
    int code = make_challenge(&challenge, authorize->verifier, err);

    entra_form_init(&form, account);
    entra_form_add(&form, "response_type", "code");
    entra_form_add(&form, "redirect_uri", authorize->redirect_uri);
    entra_form_add(&form, "response_mode", "query");
    entra_form_add(&form, "scope", account_permissions(account));
    entra_form_add(&form, "state", authorize->state);
    entra_form_add(&form, "code_challenge", challenge);
    entra_form_add(&form, "code_challenge_method", "S256"); /* else `plain` is assumed */
    entra_form_add(&form, "prompt", prompt);
    entra_form_add(&form, "login_hint", account->login_hint);
    entra_form_add(&form, "claims", authorize->signin->claims);
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

enum loopback_verdict authorize_judge(struct authorize *authorize, const char *query)
{
    enum loopback_verdict verdict = LOOPBACK_REFUSE;
    char *state = query_value(query, "state");
    char *code = query_value(query, "code");
    char *error = query_value(query, "error");
    char *description = query_value(query, "error_description");

    /* anybody here could send a code of his own, to sign us in as him: only who knows the state */
    if (str_equal(state, authorize->state)) {
        if (error) {
            entra_judge_redirect(&authorize->failure, error, description);
            verdict = LOOPBACK_DECLINED;
        } else if (code && code[0]) {
            secret_free(&authorize->code);
            authorize->code = code;
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

int authorize_redeem(struct entra_token *token, const struct authorize *authorize,
                     struct error *err)
{
    struct account *account = authorize->signin->account;
    struct entra_failure failure = {0};
    struct entra_form form;
    int64_t retry_after_ms = -1;
    int code;

    entra_form_init(&form, account);
    entra_form_add(&form, "grant_type", "authorization_code");
    entra_form_add(&form, "code", authorize->code);
    entra_form_add(&form, "redirect_uri", authorize->redirect_uri);
    entra_form_add(&form, "code_verifier", authorize->verifier);
    entra_form_add(&form, "scope", account_permissions(account));
    code = signin_ask_token(token, &failure, &retry_after_ms, authorize->signin, &form, err);
    entra_failure_clear(&failure);
    return code;
}
