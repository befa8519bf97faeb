/* test_signin.c - sign-ins with a person: device code, and the browser that comes back. */
#include "mapper/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/thread.h"
#include "fake_governor.h"
#include "graph/account_impl.h"
#include "graph/token.h"
#include "temp_dir.h"
#include "test.h"
#include "test_socket.h"

#define LOGIN "https://login.test:1"
#define TENANT "6d1f0c6e-0000-4000-8000-5a5a5a5a5a5a"
#define CONFIGURATION                                                                    \
    {                                                                                    \
        .url_part = "/.well-known/openid-configuration", .status = 200,                  \
        .body = "{\"authorization_endpoint\":\"" LOGIN "/" TENANT "/authorize\","        \
                "\"token_endpoint\":\"" LOGIN "/" TENANT "/token\","                     \
                "\"device_authorization_endpoint\":\"" LOGIN "/" TENANT "/devicecode\"}" \
    }
#define DEVICE_CODE                                                                     \
    {                                                                                   \
        .url_part = "/devicecode", .status = 200,                                       \
        .body = "{\"device_code\":\"DEV\",\"user_code\":\"HJ5K\",\"verification_uri\":" \
                "\"https://login.test/device\",\"expires_in\":900,\"interval\":\"5\","  \
                "\"message\":\"Open the page and enter HJ5K.\"}"                        \
    }
#define TOKEN                                                                            \
    {                                                                                    \
        .url_part = "/token", .status = 200,                                             \
        .body = "{\"expires_in\":3600,\"access_token\":\"A1\",\"refresh_token\":\"R1\"}" \
    }
#define ERROR(text)                                                             \
    {                                                                           \
        .url_part = "/token", .status = 400, .body = "{\"error\":\"" text "\"}" \
    }
#define SCRIPT(answers) fake_governor_script(answers, sizeof(answers) / sizeof((answers)[0]))

/* Instead of signin_pause.c: time is turned by hand. */
static struct {
    int64_t pauses_ms[16];
    size_t count;
    void (*during)(struct account *account);
} fake_time;

int signin_pause(const struct signin *signin, int64_t pause_ms, struct error *err)
{
    assert_true(fake_time.count < 16);
    fake_time.pauses_ms[fake_time.count++] = pause_ms;
    if (fake_time.during) {
        fake_time.during(signin->account);
    }
    return signin_check(signin, err);
}

static struct account *open_account(const char *directory)
{
    struct account_options options = {.tenant = "contoso.example",
                                      .client_id = "client-1",
                                      .cloud = CLOUD_CUSTOM,
                                      .login_url = LOGIN,
                                      .graph_url = "https://graph.test:1",
                                      .login_hint = "ana@contoso.example",
                                      .token_directory = directory};
    struct account *account = NULL;

    memset(&fake_time, 0, sizeof(fake_time));
    assert_int_equal(account_new(&account, NULL, &options, NULL), 0);
    return account;
}

static void expect_token(struct account *account)
{
    char *token = NULL;

    assert_int_equal(account_token(account, &token, NULL, NULL), 0);
    assert_string_equal(token, "A1");
    secret_free(&token);
}

/* --- device code --- */

static void check_prompt(void *payload, const struct account_prompt *prompt)
{
    struct account_info info;

    account_info(payload, &info);
    assert_int_equal(info.state, ACCOUNT_WAITING);
    assert_string_equal(info.user_code, "HJ5K");
    assert_string_equal(info.verification_url, "https://login.test/device");
    assert_string_equal(prompt->user_code, "HJ5K");
    assert_string_equal(prompt->message, "Open the page and enter HJ5K.");
    assert_int_equal(prompt->expires_in_s, 900);
}

static void signin_device__asks_until_it_is_approved(void **state)
{
    static const struct fake_answer answers[] = {CONFIGURATION,
                                                 DEVICE_CODE,
                                                 ERROR("authorization_pending"),
                                                 ERROR("slow_down"),
                                                 ERROR("authorization_pending"),
                                                 {.url_part = "/token", .code = ERR_UNREACHABLE},
                                                 TOKEN};
    static const int64_t pauses[] = {5000, 5000, 10000, 10000, 20000};
    struct account_info info;
    struct account *account = open_account(*state);

    SCRIPT(answers);
    assert_int_equal(account_sign_in_device_code(account, check_prompt, account, NULL, NULL), 0);
    assert_true(fake_governor_is_done());
    assert_int_equal(fake_time.count, 5);
    assert_memory_equal(fake_time.pauses_ms, pauses, sizeof(pauses));
    assert_non_null(strstr(fake_governor_body(2), "device_code=DEV"));
    assert_non_null(
        strstr(fake_governor_body(2), "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant"));
    account_info(account, &info);
    assert_int_equal(info.state, ACCOUNT_SIGNED_IN);
    assert_string_equal(info.user_code, "");
    expect_token(account);
    account_unref(account);
    account = open_account(*state); /* it was kept */
    assert_int_equal(account_sign_in_silent(account, NULL, NULL), 0);
    account_unref(account);
}

static void expect_device_end(const char *directory, const struct fake_answer *end, int expected,
                              const char *words)
{
    const struct fake_answer answers[] = {CONFIGURATION, DEVICE_CODE, *end};
    struct account *account = open_account(directory);
    struct account_info info;
    struct error err = {0};

    SCRIPT(answers);
    assert_int_equal(account_sign_in_device_code(account, NULL, NULL, NULL, &err), expected);
    assert_non_null(strstr(err.message, words));
    account_info(account, &info);
    assert_int_equal(info.state, ACCOUNT_SIGNED_OUT);
    assert_string_equal(info.reason, err.message);
    account_unref(account);
}

static void signin_device__ends_when_declined_or_expired_or_blocked(void **state)
{
    static const struct fake_answer declined = ERROR("authorization_declined");
    static const struct fake_answer expired = ERROR("expired_token");
    static const struct fake_answer unknown = ERROR("bad_verification_code");
    static const struct fake_answer blocked = {
        .url_part = "/token",
        .status = 400,
        .body = "{\"error\":\"access_denied\",\"error_codes\":[53003]}"};
    static const struct fake_answer nonsense = {
        .url_part = "/token", .status = 200, .body = "hello"};

    expect_device_end(*state, &declined, ERR_DENIED, "declined");
    expect_device_end(*state, &expired, ERR_TIMED_OUT, "expired");
    expect_device_end(*state, &unknown, ERR_TIMED_OUT, "expired");
    expect_device_end(*state, &blocked, ERR_DENIED, "Conditional Access");
    expect_device_end(*state, &nonsense, ERR_PROTOCOL, "JSON");
}

static void sign_out_during(struct account *account)
{
    assert_int_equal(account_sign_out(account, NULL), 0);
}

static void signin_device__ends_when_signed_out_meanwhile(void **state)
{
    static const struct fake_answer answers[] = {CONFIGURATION, DEVICE_CODE};
    struct account *account = open_account(*state);
    struct account_info info;

    SCRIPT(answers);
    fake_time.during = sign_out_during;
    assert_int_equal(account_sign_in_device_code(account, NULL, NULL, NULL, NULL), ERR_CANCELLED);
    account_info(account, &info);
    assert_int_equal(info.state, ACCOUNT_SIGNED_OUT);
    account_unref(account);
}

static void second_during(struct account *account)
{
    assert_int_equal(account_sign_in_device_code(account, NULL, NULL, NULL, NULL), ERR_BUSY);
}

static void signin_device__is_one_at_a_time(void **state)
{
    static const struct fake_answer answers[] = {CONFIGURATION, DEVICE_CODE, TOKEN};
    struct account *account = open_account(*state);

    SCRIPT(answers);
    fake_time.during = second_during;
    assert_int_equal(account_sign_in_device_code(account, NULL, NULL, NULL, NULL), 0);
    account_unref(account);
}

static void signin_device__leaves_a_working_account_as_it_was(void **state)
{
    static const struct fake_answer first[] = {CONFIGURATION, DEVICE_CODE, TOKEN};
    static const struct fake_answer second[] = {DEVICE_CODE, ERROR("authorization_declined")};
    struct account *account = open_account(*state);
    struct account_info info;

    SCRIPT(first);
    assert_int_equal(account_sign_in_device_code(account, NULL, NULL, NULL, NULL), 0);
    SCRIPT(second);
    fake_time.during = expect_token; /* works on while the person is asked */
    assert_int_equal(account_sign_in_device_code(account, NULL, NULL, NULL, NULL), ERR_DENIED);
    account_info(account, &info);
    assert_int_equal(info.state, ACCOUNT_SIGNED_IN);
    expect_token(account);
    account_unref(account);
}

/* {"tid":"00000000-0000-4000-8000-000000000000"} */
static void signin_device__refuses_a_token_of_another_tenant(void **state)
{
    static const struct fake_answer answers[] = {
        CONFIGURATION,
        DEVICE_CODE,
        {.url_part = "/token",
         .status = 200,
         .body = "{\"access_token\":\"A1\",\"refresh_token\":\"R1\",\"id_token\":\"e30."
                 "eyJ0aWQiOiIwMDAwMDAwMC0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDAifQ.s\"}"}};
    struct account *account = open_account(*state);
    struct error err = {0};

    SCRIPT(answers);
    assert_int_equal(account_sign_in_device_code(account, NULL, NULL, NULL, &err), ERR_DENIED);
    assert_non_null(strstr(err.message, "not to 'contoso.example'"));
    account_unref(account);
}

static void signin_device__does_not_reach_an_unknown_tenant(void **state)
{
    static const struct fake_answer answers[] = {
        {.url_part = "openid-configuration",
         .status = 400,
         .body = "{\"error\":\"invalid_tenant\",\"error_codes\":[90002]}"}};
    struct account *account = open_account(*state);
    struct error err = {0};

    SCRIPT(answers);
    assert_int_equal(account_sign_in_device_code(account, NULL, NULL, NULL, &err), ERR_SIGNED_OUT);
    assert_non_null(strstr(err.message, "no such tenant"));
    account_unref(account);
}

/* --- browser --- */

struct browser {
    struct thread thread;
    char url[4096];
    unsigned port;
    char state[64];
    void (*visit)(struct browser *browser);
};

/* Sends `request` in two pieces and gives the answer's status; 0 when there was none. */
static int ask(unsigned port, bool is_v6, const char *request)
{
    char text[4096] = "";
    size_t used = 0;
    size_t half = strlen(request) / 2;
    long got;
    int fd = test_socket_connect(port, is_v6);

    if (fd < 0) {
        return -1;
    }
    (void)test_socket_send(fd, request, half);
    (void)test_socket_send(fd, request + half, strlen(request) - half);
    while (used < sizeof(text) - 1 &&
           (got = test_socket_receive(fd, text + used, sizeof(text) - 1 - used)) > 0) {
        used += (size_t)got;
    }
    test_socket_close(fd);
    return strncmp(text, "HTTP/1.1 ", 9) == 0 ? (int)strtol(text + 9, NULL, 10) : 0;
}

static int get(struct browser *browser, bool is_v6, const char *query)
{
    char request[8192];

    snprintf(request, sizeof(request), "GET /%s HTTP/1.1\r\nHost: localhost:%u\r\n\r\n", query,
             browser->port);
    return ask(browser->port, is_v6, request);
}

static void *run_browser(void *payload)
{
    struct browser *browser = payload;

    browser->visit(browser);
    return NULL;
}

/* What the agent does with the URL: here it is a thread. */
static void open_browser(void *payload, const struct account_prompt *prompt)
{
    struct browser *browser = payload;
    const char *at;

    snprintf(browser->url, sizeof(browser->url), "%s", prompt->verification_url);
    at = strstr(browser->url, "redirect_uri=http%3A%2F%2Flocalhost%3A");
    assert_non_null(at);
    at = strstr(at, "localhost%3A") + strlen("localhost%3A");
    browser->port = (unsigned)strtoul(at, NULL, 10);
    at = strstr(browser->url, "&state=");
    assert_non_null(at);
    snprintf(browser->state, sizeof(browser->state), "%.*s", (int)strcspn(at + 7, "&"), at + 7);
    assert_int_equal(thread_start(&browser->thread, "browser", run_browser, browser, NULL), 0);
}

static void visit_well(struct browser *browser)
{
    char query[256];

    snprintf(query, sizeof(query), "?code=CODE%%2B1&session_state=x&state=%s", browser->state);
    assert_int_equal(get(browser, false, query), 200);
}

static void signin_browser__redeems_the_code_it_is_brought(void **state)
{
    static const struct fake_answer answers[] = {CONFIGURATION, TOKEN};
    struct account *account = open_account(*state);
    struct browser browser = {.visit = visit_well};
    const char *body;

    SCRIPT(answers);
    assert_int_equal(account_sign_in_browser(account, open_browser, &browser, NULL, NULL), 0);
    thread_join(&browser.thread);
    assert_true(str_starts_with(browser.url, LOGIN "/" TENANT "/authorize?"));
    assert_non_null(strstr(browser.url, "response_type=code"));
    assert_non_null(strstr(browser.url, "code_challenge_method=S256"));
    assert_non_null(strstr(browser.url, "login_hint=ana%40contoso.example"));
    assert_non_null(strstr(browser.url, "xms_cc"));
    body = fake_governor_body(1);
    assert_non_null(strstr(body, "grant_type=authorization_code"));
    assert_non_null(strstr(body, "&code=CODE%2B1&"));
    assert_non_null(strstr(body, "redirect_uri=http%3A%2F%2Flocalhost%3A"));
    assert_non_null(strstr(body, "code_verifier="));
    assert_null(strstr(browser.url, "code_verifier"));
    expect_token(account);
    account_unref(account);
}

static void visit_with_strangers(struct browser *browser)
{
    char big[20000];
    char query[256];
    int idle[20];

    for (size_t i = 0; i < 20; i++) { /* more than it has places for */
        idle[i] = test_socket_connect(browser->port, false);
    }
    assert_int_equal(get(browser, false, "favicon.ico"), 404);
    assert_int_equal(get(browser, false, ""), 400);
    assert_int_equal(get(browser, false, "?code=EVIL&state=guess"), 400);
    assert_int_equal(get(browser, false, "?error=access_denied&state=guess"), 400);
    assert_int_equal(get(browser, false, "?code=EVIL"), 400);
    snprintf(query, sizeof(query), "callback?code=EVIL&state=%s", browser->state);
    assert_int_equal(get(browser, false, query), 404);
    snprintf(query, sizeof(query), "POST /?code=EVIL&state=%s HTTP/1.1\r\n\r\n", browser->state);
    assert_int_equal(ask(browser->port, false, query), 400);
    assert_int_equal(ask(browser->port, false, "\r\n\r\n"), 400);
    memset(big, 'a', sizeof(big));
    memcpy(big, "GET /?", 6);
    big[sizeof(big) - 1] = '\0';
    assert_int_equal(ask(browser->port, false, big), 0); /* cut off */
    visit_well(browser);
    for (size_t i = 0; i < 20; i++) {
        test_socket_close(idle[i]);
    }
}

static void signin_browser__waits_on_when_strangers_knock(void **state)
{
    static const struct fake_answer answers[] = {CONFIGURATION, TOKEN};
    struct account *account = open_account(*state);
    struct browser browser = {.visit = visit_with_strangers};

    SCRIPT(answers);
    assert_int_equal(account_sign_in_browser(account, open_browser, &browser, NULL, NULL), 0);
    thread_join(&browser.thread);
    assert_non_null(strstr(fake_governor_body(1), "&code=CODE%2B1&"));
    account_unref(account);
}

static void visit_by_ipv6(struct browser *browser)
{
    char query[256];

    snprintf(query, sizeof(query), "?state=%s&code=CODE%%2B1", browser->state);
    if (get(browser, true, query) != 200) { /* a machine without IPv6 */
        assert_int_equal(get(browser, false, query), 200);
    }
}

static void signin_browser__listens_on_both_loopback_addresses(void **state)
{
    static const struct fake_answer answers[] = {CONFIGURATION, TOKEN};
    struct account *account = open_account(*state);
    struct browser browser = {.visit = visit_by_ipv6};

    SCRIPT(answers);
    assert_int_equal(account_sign_in_browser(account, open_browser, &browser, NULL, NULL), 0);
    thread_join(&browser.thread);
    account_unref(account);
}

static void visit_and_cancel(struct browser *browser)
{
    char query[256];

    snprintf(query, sizeof(query),
             "?error=access_denied&error_description=AADSTS65004%%3A+User+declined&state=%s",
             browser->state);
    assert_int_equal(get(browser, false, query), 200);
}

static void signin_browser__ends_when_the_user_cancels(void **state)
{
    static const struct fake_answer answers[] = {CONFIGURATION};
    struct account *account = open_account(*state);
    struct browser browser = {.visit = visit_and_cancel};
    struct error err = {0};

    SCRIPT(answers);
    assert_int_equal(account_sign_in_browser(account, open_browser, &browser, NULL, &err),
                     ERR_DENIED);
    thread_join(&browser.thread);
    assert_non_null(strstr(err.message, "declined"));
    account_unref(account);
}

static void visit_never(struct browser *browser)
{
    (void)browser;
}

static void signin_browser__obeys_its_deadline(void **state)
{
    static const struct fake_answer answers[] = {CONFIGURATION};
    struct call call = {.deadline_ms = clock_mono_ms(clock_system()) + 300};
    struct account *account = open_account(*state);
    struct browser browser = {.visit = visit_never};
    struct account_info info;

    SCRIPT(answers);
    assert_int_equal(account_sign_in_browser(account, open_browser, &browser, &call, NULL),
                     ERR_TIMED_OUT);
    thread_join(&browser.thread);
    account_info(account, &info);
    assert_int_equal(info.state, ACCOUNT_SIGNED_OUT);
    assert_string_equal(info.verification_url, "");
    account_unref(account);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, temp_dir_setup, temp_dir_teardown)
static const struct CMUnitTest tests[] = {
    ROW(signin_device__asks_until_it_is_approved),
    ROW(signin_device__ends_when_declined_or_expired_or_blocked),
    ROW(signin_device__ends_when_signed_out_meanwhile),
    ROW(signin_device__is_one_at_a_time),
    ROW(signin_device__leaves_a_working_account_as_it_was),
    ROW(signin_device__refuses_a_token_of_another_tenant),
    ROW(signin_device__does_not_reach_an_unknown_tenant),
    ROW(signin_browser__redeems_the_code_it_is_brought),
    ROW(signin_browser__waits_on_when_strangers_knock),
    ROW(signin_browser__listens_on_both_loopback_addresses),
    ROW(signin_browser__ends_when_the_user_cancels),
    ROW(signin_browser__obeys_its_deadline),
};
TEST_MAIN("signin", tests)
