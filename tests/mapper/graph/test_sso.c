/*
 * The session's own sign-in as the agent asks Windows for it: the real COM client (win32/sso.c)
 * against a double of the system's class (win32/sso_com_double.h), and a sign-in by it. Entra is
 * a script here; tests/wire has the same with the simulated tenant.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "graph/client.h"
#include "graph/governor.h"
#include "graph/sso.h"
#include "mapper/account.h"
#include "temp_dir.h"
#include "test.h"
#include "win32/sso_com_double.h"

#define LOGIN "https://login.test:1"
#define ENDPOINT LOGIN "/tenant/authorize"
#define PAGE ENDPOINT "?client_id=x&login_hint=a%20b"

/* --- Entra, in the place of governor.c; fake_client.c has the rest --- */

static struct {
    unsigned authorized; /* requests to /authorize ... */
    unsigned with_nonce; /* ... whose token had the nonce */
    unsigned redeemed;
} entra;

static bool has_header(const struct http_request *request, const char *line)
{
    for (const char *const *at = request->headers; at && *at; at++) {
        if (strcmp(*at, line) == 0) {
            return true;
        }
    }
    return false;
}

static int authorize(const struct http_request *request, struct http_response *response)
{
    const char *state = strstr(request->url, "&state=");

    entra.authorized++;
    response->status = 302;
    assert_non_null(state);
    state += strlen("&state=");
    if (!has_header(request, "x-ms-RefreshTokenCredential: signed.N1.x")) {
        return str_format(&response->location, NULL, "%s&sso_nonce=N1", request->url);
    }
    entra.with_nonce++;
    assert_true(has_header(request, "x-ms-DeviceCredential: device.x"));
    return str_format(&response->location, NULL, "http://localhost/?code=C&state=%.*s",
                      (int)strcspn(state, "&"), state);
}

int governor_perform(struct governor *governor, const struct http_request *request,
                     struct http_response *response, const struct call *call, struct error *err)
{
    (void)governor;
    (void)call;
    memset(response, 0, sizeof(*response));
    buf_init(&response->body, HTTP_BODY_MAX);
    response->content_length = -1;
    response->retry_after_ms = -1;
    response->status = 200;
    if (strstr(request->url, "/.well-known/openid-configuration")) {
        return buf_add_text(
            &response->body,
            "{\"authorization_endpoint\":\"" ENDPOINT "\",\"token_endpoint\":\"" LOGIN
            "/tenant/token\",\"device_authorization_endpoint\":\"" LOGIN "/tenant/device\"}",
            err);
    }
    if (str_starts_with(request->url, ENDPOINT)) {
        return authorize(request, response);
    }
    assert_string_equal(request->url, LOGIN "/tenant/token");
    entra.redeemed++;
    return buf_add_text(&response->body,
                        "{\"token_type\":\"Bearer\",\"expires_in\":3600,\"access_token\":\"A\","
                        "\"refresh_token\":\"R\"}",
                        err);
}

int graph_batch_get(struct graph_answer *answers, struct account *account, const char *const *urls,
                    size_t count, const struct call *call, struct error *err)
{
    (void)answers;
    (void)account;
    (void)urls;
    (void)count;
    (void)call;
    return error_set(err, ERR_UNREACHABLE, "nobody is asked who it is here");
}

/* --- the COM client --- */

static void assert_given_back(const struct sso_com_double *seen)
{
    assert_int_equal(seen->references, 0);
    assert_int_equal(seen->freed, seen->allocated);
    assert_int_equal(seen->unwiped, 0);
}

static void sso_system_ask__gives_headers_for_this_url(void **state)
{
    struct sso_com_double seen = {0};
    struct str_list headers = {0};
    struct error err = {0};

    (void)state;
    sso_com_double_begin(&seen);
    assert_int_equal(sso_system_ask(&headers, PAGE "&sso_nonce=N7", &err), 0);
    sso_com_double_end();
    assert_int_equal(seen.asked, 1);
    assert_string_equal(seen.urls[0], PAGE "&sso_nonce=N7");
    assert_int_equal(headers.count, 2);
    assert_string_equal(headers.items[0], "x-ms-RefreshTokenCredential: signed.N7.x");
    assert_string_equal(headers.items[1], "x-ms-DeviceCredential: device.x");
    assert_int_equal(seen.allocated, 10);
    assert_given_back(&seen);
    sso_clear_headers(&headers);
}

static void sso_system_ask__gives_all_back_when_one_is_forged(void **state)
{
    struct sso_com_double seen = {.forged = "a\r\nCookie: b"};
    struct str_list headers = {0};
    struct error err = {0};

    (void)state;
    sso_com_double_begin(&seen);
    assert_int_equal(sso_system_ask(&headers, PAGE, &err), ERR_PROTOCOL);
    sso_com_double_end();
    assert_int_equal(seen.allocated, 10);
    assert_given_back(&seen);
    sso_clear_headers(&headers);
}

static void sso_system_ask__of_a_device_without_a_token(void **state)
{
    struct sso_com_double seen = {.is_empty = true};
    struct str_list headers = {0};
    struct error err = {0};

    (void)state;
    sso_com_double_begin(&seen);
    assert_int_equal(sso_system_ask(&headers, PAGE, &err), 0);
    assert_int_equal(headers.count, 0);
    seen.result = (long)0x80004005; /* E_FAIL */
    assert_int_equal(sso_system_ask(&headers, PAGE, &err), ERR_NOT_FOUND);
    sso_com_double_end();
    assert_non_null(strstr(err.message, "0x80004005"));
    assert_int_equal(headers.count, 0);
    assert_given_back(&seen);
}

static void sso_system_ask__where_the_class_is_not_registered(void **state)
{
    struct str_list headers = {0};
    struct error err = {0};

    (void)state;
    assert_int_equal(sso_system_ask(&headers, PAGE, &err), ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "0x80040154"));
    assert_int_equal(headers.count, 0);
}

/* --- the sign-in --- */

static struct account *open_account(const char *directory)
{
    struct account_options options = {.tenant = "contoso.example",
                                      .client_id = "client-1",
                                      .cloud = CLOUD_CUSTOM,
                                      .login_url = LOGIN,
                                      .graph_url = "https://graph.test:1",
                                      .token_directory = directory};
    struct account *account = NULL;

    memset(&entra, 0, sizeof(entra));
    assert_int_equal(account_new(&account, NULL, &options, NULL), 0);
    return account;
}

static enum account_state state_of(struct account *account)
{
    struct account_info info;

    account_info(account, &info);
    return info.state;
}

static void account_sign_in_session__asks_windows_again_with_the_nonce(void **state)
{
    struct account *account = open_account(*state);
    struct sso_com_double seen = {0};
    struct error err = {0};

    sso_com_double_begin(&seen);
    if (account_sign_in_session(account, NULL, &err) < 0) {
        fail_msg("%s", err.message);
    }
    sso_com_double_end();
    assert_int_equal(seen.asked, 2);
    assert_null(strstr(seen.urls[0], "sso_nonce="));
    assert_non_null(strstr(seen.urls[0], "prompt=none"));
    assert_non_null(strstr(seen.urls[1], "&sso_nonce=N1"));
    assert_int_equal(entra.authorized, 2);
    assert_int_equal(entra.with_nonce, 1);
    assert_int_equal(entra.redeemed, 1);
    assert_int_equal(state_of(account), ACCOUNT_SIGNED_IN);
    assert_given_back(&seen);
    account_unref(account);
}

/* The agent goes on to the other ways then, by these codes. */
static void account_sign_in_session__falls_through_without_the_class(void **state)
{
    struct account *account = open_account(*state);
    struct sso_com_double seen = {.is_empty = true};
    struct error err = {0};

    assert_int_equal(account_sign_in_session(account, NULL, &err), ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "0x80040154"));
    sso_com_double_begin(&seen);
    assert_int_equal(account_sign_in_session(account, NULL, &err), ERR_NOT_FOUND);
    sso_com_double_end();
    assert_int_equal(entra.authorized, 0);
    assert_int_not_equal(state_of(account), ACCOUNT_SIGNED_IN);
    account_unref(account);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sso_system_ask__gives_headers_for_this_url),
        cmocka_unit_test(sso_system_ask__gives_all_back_when_one_is_forged),
        cmocka_unit_test(sso_system_ask__of_a_device_without_a_token),
        cmocka_unit_test(sso_system_ask__where_the_class_is_not_registered),
        cmocka_unit_test_setup_teardown(account_sign_in_session__asks_windows_again_with_the_nonce,
                                        temp_dir_setup, temp_dir_teardown),
        cmocka_unit_test_setup_teardown(account_sign_in_session__falls_through_without_the_class,
                                        temp_dir_setup, temp_dir_teardown),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
