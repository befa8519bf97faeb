/*
 * signin_sso.c - authorization code with the session's own sign-in, and nobody asked: /authorize
 * with prompt=none and the headers of sso.h.
 *
 * The first answer is a redirect back to /authorize with an `sso_nonce` (graph-facts 5.8): the
 * headers are asked for again, for that URL. Then comes the redirect to our redirect URI, which
 * nobody follows: it holds the code, or why a person is needed. Anything else is not believed, and
 * the headers are sent to the authority of our own configuration only.
 */
#include "graph/account_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/str.h"
#include "graph/authorize.h"
#include "graph/client.h"
#include "graph/governor.h"
#include "graph/sso.h"

#define REDIRECT_URI "http://localhost" /* as registered; nothing listens there */
#define HOPS_MAX 4
#define NONCE "sso_nonce="

int sso_add_header(struct str_list *headers, const char *name, const char *data, struct error *err)
{
    size_t size = strcspn(data, ";");
    char *line = NULL;
    int code;

    if (!str_starts_with_nocase(name, "x-ms-")) {
        return 0;
    }
    for (const char *c = name; *c; c++) {
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '-' ||
              (*c >= '0' && *c <= '9'))) {
            return error_set(err, ERR_PROTOCOL, "the session's sign-in has a name of no header");
        }
    }
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)data[i] <= 0x20 || (unsigned char)data[i] >= 0x7F) {
            return error_set(err, ERR_PROTOCOL, "the session's sign-in is no value of a header");
        }
    }
    code = str_format(&line, err, "%s: %.*s", name, (int)size, data);
    if (code == 0) {
        code = str_list_add(headers, line, err);
    }
    secret_free(&line);
    return code;
}

void sso_clear_headers(struct str_list *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        secret_wipe(headers->items[i], strlen(headers->items[i]));
    }
    str_list_clear(headers);
}

static int ask_headers(struct str_list *headers, struct account *account, const char *url,
                       struct error *err)
{
    int code = account->sso.ask ? account->sso.ask(account->sso.payload, headers, url, err)
                                : sso_system_ask(headers, url, err);

    if (code == 0 && headers->count == 0) {
        code =
            error_set(err, ERR_NOT_FOUND, "this device has no sign-in for '%s'", account->tenant);
    }
    return code;
}

static int get(struct http_response *response, const struct signin *signin, const char *url,
               struct error *err)
{
    struct account *account = signin->account;
    struct call call = signin_call(signin);
    struct str_list headers = {0};
    struct http_request request = {.method = "GET",
                                   .url = url,
                                   .scope = account->entra_scope,
                                   .priority = CALL_READ,
                                   .deadline_ms = call.deadline_ms,
                                   .keeps_redirect = true,
                                   .max_body = ENTRA_BODY_MAX};
    const char **list = NULL;
    int code = ask_headers(&headers, account, url, err);

    if (code == 0) {
        list = calloc(headers.count + 1, sizeof(*list));
        code = list ? 0 : error_set(err, ERR_NO_MEMORY, "no memory for a sign-in");
    }
    if (code == 0) {
        for (size_t i = 0; i < headers.count; i++) {
            list[i] = headers.items[i];
        }
        request.headers = list;
        code = governor_perform(graph_governor(account->graph), &request, response, &call, err);
    }
    free(list);
    sso_clear_headers(&headers);
    return code;
}

/* Whether `url` is the authorize endpoint itself, up to its query. */
static bool is_same_endpoint(const char *url, const char *authorize_url)
{
    size_t length = strcspn(authorize_url, "?");

    return strcspn(url, "?") == length && strncmp(url, authorize_url, length) == 0;
}

/* The query of a redirect to our own URI, with or without the slash that servers add; NULL: it goes
 * elsewhere. */
static const char *own_query(const char *location)
{
    if (!str_starts_with(location, REDIRECT_URI)) {
        return NULL;
    }
    location += strlen(REDIRECT_URI);
    location += *location == '/';
    return *location == '?' ? location + 1 : NULL;
}

static int needs_person(const struct account *account, struct error *err)
{
    return error_set(err, ERR_SIGNED_OUT,
                     "sign-in to '%s': this device's sign-in is not enough; run `mooring login`",
                     account->tenant);
}

/* One answer: *url is the next one to ask, when there is one. Else the code, or why not. */
static int follow(char **url, struct authorize *authorize, const struct http_response *response,
                  struct error *err)
{
    const struct account *account = authorize->signin->account;
    const char *location = response->location;
    const char *query = location ? own_query(location) : NULL;

    if (response->status < 300 || response->status >= 400 || !location) {
        return needs_person(account, err); /* a page for a person */
    }
    if (!query) {
        return strstr(location, NONCE) &&
                       is_same_endpoint(location, authorize->signin->endpoints.authorize_url)
                   ? str_copy(url, location, err)
                   : needs_person(account, err);
    }
    switch (authorize_judge(authorize, query)) {
    case LOOPBACK_ACCEPT:
        return 0;
    case LOOPBACK_DECLINED:
        return entra_failure_error(account, &authorize->failure, err);
    case LOOPBACK_REFUSE:
        break;
    }
    return error_set(err, ERR_PROTOCOL, "sign-in to '%s': the answer is not to our question",
                     account->tenant);
}

static int run(struct entra_token *token, struct authorize *authorize, struct signin *signin,
               struct error *err)
{
    char *url = NULL;
    int code = authorize_begin(authorize, signin, REDIRECT_URI, err);

    if (code == 0) {
        code = authorize_url(&url, authorize, "none", err);
    }
    for (int hop = 0; hop < HOPS_MAX && code == 0 && !authorize->code; hop++) {
        struct http_response response = {0};

        code = get(&response, signin, url, err);
        if (code == 0) {
            secret_wipe(url, strlen(url));
            code = follow(&url, authorize, &response, err);
        }
        http_response_clear(&response);
    }
    if (code == 0 && !authorize->code) {
        code = needs_person(signin->account, err);
    }
    secret_free(&url);
    return code < 0 ? code : authorize_redeem(token, authorize, err);
}

int account_sign_in_session(struct account *account, const struct call *call, struct error *err)
{
    struct signin signin;
    struct authorize authorize = {0};
    struct entra_token token = {0};
    struct error failure = {0};
    int code;

    if (!account->sso.ask && !sso_system_exists()) {
        return error_set(err, ERR_UNSUPPORTED, "this system has no sign-in of the device");
    }
    code = signin_begin(&signin, account, call, &failure);
    if (code < 0) {
        return error_set(err, code, "%s", failure.message);
    }
    code = run(&token, &authorize, &signin, &failure);
    if (code == 0) {
        code = account_accept(account, signin.epoch, &signin.endpoints, &token, call, &failure);
    }
    entra_token_clear(&token);
    authorize_clear(&authorize);
    /* one that did not work leaves the account as it was: why it is signed out is better known */
    (void)signin_end(&signin, code < 0 ? ERR_CANCELLED : 0, &failure);
    return code < 0 ? error_set(err, code, "%s", failure.message) : 0;
}
