/* entra.c - requests to Entra. What the answers mean is entra_parse.c's and entra_fault.c's. */
#include "graph/account_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/secret.h"
#include "base/str.h"
#include "graph/client.h"
#include "graph/governor.h"

#define FORM_MAX (256u << 10)

void entra_form_init(struct entra_form *form, const struct account *account)
{
    buf_init(&form->text, FORM_MAX);
    form->code = 0;
    entra_form_add(form, "client_id", account->client_id);
}

void entra_form_add(struct entra_form *form, const char *name, const char *value)
{
    char *encoded = NULL;
    int code = form->code;

    if (!value || code < 0) {
        return;
    }
    code = str_percent_encode(&encoded, value, false, NULL);
    if (code == 0 && form->text.size > 0) {
        code = buf_add_text(&form->text, "&", NULL);
    }
    if (code == 0) {
        code = buf_add_format(&form->text, NULL, "%s=%s", name, encoded);
    }
    secret_free(&encoded);
    form->code = code;
}

void entra_form_clear(struct entra_form *form)
{
    secret_wipe(form->text.data, form->text.capacity);
    buf_clear(&form->text);
}

static void wipe_response(struct http_response *response)
{
    secret_wipe(response->body.data, response->body.capacity);
    http_response_clear(response);
}

static int post_form(struct http_response *response, struct account *account, const char *url,
                     const struct entra_form *form, bool is_repeatable, const struct call *call,
                     struct error *err)
{
    static const char *const headers[] = {
        "Content-Type: application/x-www-form-urlencoded", "Accept: application/json",
        "x-ms-lib-capability: retry-after, h429", /* asks for honest throttling (graph-facts 4) */
        NULL};
    struct http_request request = {.method = "POST",
                                   .url = url,
                                   .headers = headers,
                                   .scope = account->entra_scope,
                                   .body = form->text.data,
                                   .body_size = form->text.size,
                                   .priority = CALL_READ,
                                   .deadline_ms = call ? call->deadline_ms : 0,
                                   .is_idempotent = is_repeatable,
                                   .keeps_redirect = true, /* secrets follow no redirect */
                                   .max_body = ENTRA_BODY_MAX};

    if (form->code < 0) {
        return error_set(err, form->code, "the sign-in request cannot be built");
    }
    return governor_perform(graph_governor(account->graph), &request, response, call, err);
}

int entra_failure_error(const struct account *account, const struct entra_failure *failure,
                        struct error *err)
{
    char text[200];

    entra_failure_text(text, sizeof(text), failure);
    switch (failure->action) {
    case ENTRA_RETRY:
        return error_set(err, ERR_UNREACHABLE, "sign-in to '%s' is not possible for now: %s",
                         account->tenant, text);
    case ENTRA_BLOCKED:
        return error_set(err, ERR_SIGNED_OUT,
                         "sign-in to '%s': %s; meet that, or run `mooring login`", account->tenant,
                         text);
    case ENTRA_CONFIGURATION:
        return error_set(err, ERR_SIGNED_OUT,
                         "sign-in to '%s': %s; an administrator has to correct this",
                         account->tenant, text);
    case ENTRA_PENDING:
    case ENTRA_SLOW_DOWN:
        return error_set(err, ERR_BUSY, "sign-in to '%s': the code was not entered yet",
                         account->tenant);
    case ENTRA_DECLINED:
        return error_set(err, ERR_DENIED, "sign-in to '%s' was declined: %s; run `mooring login`",
                         account->tenant, text);
    case ENTRA_EXPIRED:
        return error_set(err, ERR_TIMED_OUT,
                         "sign-in to '%s': the code has expired; run `mooring login`",
                         account->tenant);
    case ENTRA_INTERACTIVE:
    case ENTRA_FORGET:
        break;
    }
    return error_set(err, ERR_SIGNED_OUT, "sign-in to '%s': %s; run `mooring login`",
                     account->tenant, text);
}

static int refused(struct entra_failure *failure, const struct account *account,
                   const struct http_response *response, struct error *err)
{
    int code;

    entra_parse_failure(failure, response->status, response->body.data, response->body.size);
    code = entra_failure_error(account, failure, err);
    if (response->status == 429) {
        code = error_set(err, ERR_THROTTLED, "sign-in to '%s': Entra asks us to wait",
                         account->tenant);
    }
    return code;
}

int entra_ask_token(struct entra_token *out, struct entra_failure *failure, int64_t *retry_after_ms,
                    struct account *account, const char *token_url, const struct entra_form *form,
                    bool is_repeatable, const struct call *call, struct error *err)
{
    struct http_response response = {0};
    int code;

    memset(failure, 0, sizeof(*failure));
    failure->action = ENTRA_RETRY;
    code = post_form(&response, account, token_url, form, is_repeatable, call, err);
    *retry_after_ms = code == 0 ? response.retry_after_ms : -1;
    if (code == 0 && response.status == 200) {
        code = entra_parse_token(out, response.body.data, response.body.size, err);
    } else if (code == 0) {
        code = refused(failure, account, &response, err);
    }
    wipe_response(&response);
    return code;
}

int entra_ask_device_code(struct entra_device_code *out, struct account *account, const char *url,
                          const struct entra_form *form, const struct call *call, struct error *err)
{
    struct http_response response = {0};
    struct entra_failure failure = {0};
    int code = post_form(&response, account, url, form, true, call, err);

    if (code == 0 && response.status == 200) {
        code = entra_parse_device_code(out, response.body.data, response.body.size, err);
    } else if (code == 0) {
        code = refused(&failure, account, &response, err);
    }
    entra_failure_clear(&failure);
    wipe_response(&response);
    return code;
}

static int discover_at(struct entra_endpoints *out, struct account *account, const char *login_url,
                       const struct call *call, struct error *err)
{
    static const char *const headers[] = {"Accept: application/json", NULL};
    struct http_request request = {.method = "GET",
                                   .headers = headers,
                                   .scope = account->entra_scope,
                                   .priority = CALL_READ,
                                   .deadline_ms = call ? call->deadline_ms : 0,
                                   .is_idempotent = true,
                                   .keeps_redirect = true,
                                   .max_body = ENTRA_BODY_MAX};
    struct http_response response = {0};
    struct entra_failure failure = {0};
    char *url = NULL;
    int code = str_format(&url, err, "%s/%s/v2.0/.well-known/openid-configuration", login_url,
                          account->tenant);

    if (code == 0) {
        request.url = url;
        code = governor_perform(graph_governor(account->graph), &request, &response, call, err);
    }
    if (code == 0 && response.status == 200) {
        code =
            entra_parse_configuration(out, login_url, response.body.data, response.body.size, err);
    } else if (code == 0) {
        code = refused(&failure, account, &response, err);
    }
    http_response_clear(&response);
    entra_failure_clear(&failure);
    free(url);
    return code;
}

int entra_discover(struct entra_endpoints *out, struct account *account, const struct call *call,
                   struct error *err)
{
    const char *other = cloud_other_login_url(account->cloud);
    int code = discover_at(out, account, account->login_url, call, err);

    if (code == ERR_UNREACHABLE && other) {
        code = discover_at(out, account, other, call, err);
    }
    return code;
}
