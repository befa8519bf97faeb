/* test_account.c - tokens: when they are renewed, by whom, and what a failure leaves. */
#include "mapper/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/thread.h"
#include "fake_governor.h"
#include "graph/account_impl.h"
#include "graph/token.h"
#include "test.h"
#include "temp_dir.h"

#define LOGIN "https://login.test:1"
#define TENANT "6d1f0c6e-0000-4000-8000-5a5a5a5a5a5a"
#define CONFIGURATION                                                                              \
    {                                                                                              \
        .url_part = LOGIN "/contoso.example/v2.0/.well-known/openid-configuration", .status = 200, \
        .body = "{\"authorization_endpoint\":\"" LOGIN "/" TENANT "/authorize\","                  \
                "\"token_endpoint\":\"" LOGIN "/" TENANT "/token\","                               \
                "\"device_authorization_endpoint\":\"" LOGIN "/" TENANT "/device\"}"               \
    }
#define TOKEN(access, refresh, seconds)                                               \
    {                                                                                 \
        .url_part = LOGIN "/" TENANT "/token", .status = 200,                         \
        .body = "{\"token_type\":\"Bearer\",\"expires_in\":" #seconds                 \
                ",\"access_token\":\"" access "\",\"refresh_token\":\"" refresh "\"}" \
    }
#define REFUSED(error)                                          \
    {                                                           \
        .url_part = LOGIN "/" TENANT "/token", .status = 400,   \
        .body = "{\"error\":\"" error "\",\"error_codes\":[0]}" \
    }
#define SCRIPT(answers) fake_governor_script(answers, sizeof(answers) / sizeof((answers)[0]))

static struct account_options options_of(const char *directory)
{
    return (struct account_options){.tenant = "contoso.example",
                                    .client_id = "client-1",
                                    .cloud = CLOUD_CUSTOM,
                                    .login_url = LOGIN,
                                    .graph_url = "https://graph.test:1",
                                    .token_directory = directory};
}

static struct account *open_account(const char *directory)
{
    struct account_options options = options_of(directory);
    struct account *account = NULL;

    assert_int_equal(account_new(&account, NULL, &options, NULL), 0);
    return account;
}

static char *file_of(const char *directory)
{
    char *path = NULL;

    assert_int_equal(token_store_path(&path, directory, "contoso.example", "client-1", LOGIN, NULL),
                     0);
    return path;
}

/* A file as an earlier sign-in left it. */
static void put_file(const char *directory, int64_t serial, const char *refresh, const char *access,
                     int64_t left_s)
{
    struct token_data data = {.serial = serial,
                              .refresh_token = (char *)(uintptr_t)refresh,
                              .access_token = (char *)(uintptr_t)access,
                              .access_life_ms = 3600000,
                              .access_ends_ms = clock_wall_ms(clock_system()) + left_s * 1000};
    char *path = file_of(directory);

    assert_int_equal(token_store_write(path, &data, NULL), 0);
    free(path);
}

static void get_file(struct token_data *out, const char *directory)
{
    char *path = file_of(directory);

    assert_int_equal(token_store_read(out, path, LOGIN, NULL), 0);
    free(path);
}

static void expect_token(struct account *account, const char *expected)
{
    struct error err = {0};
    char *token = NULL;
    int code = account_token(account, &token, NULL, &err);

    if (code < 0) {
        print_error("%s\n", err.message);
    }
    assert_int_equal(code, 0);
    assert_string_equal(token, expected);
    secret_free(&token);
}

static void expect_no_token(struct account *account, int expected, const char *words)
{
    struct error err = {0};
    char *token = NULL;

    assert_int_equal(account_token(account, &token, NULL, &err), expected);
    assert_null(token);
    if (!strstr(err.message, words)) {
        print_error("'%s' does not say '%s'\n", err.message, words);
    }
    assert_non_null(strstr(err.message, words));
}

static enum account_state state_of(struct account *account)
{
    struct account_info info;

    account_info(account, &info);
    return info.state;
}

static void account_new__insists_on_a_client_id_and_https(void **state)
{
    struct account_options options = options_of(*state);
    struct account *account = NULL;
    struct error err = {0};

    options.client_id = "";
    assert_int_equal(account_new(&account, NULL, &options, &err), ERR_INVALID);
    assert_non_null(strstr(err.message, "register"));
    options = options_of(*state);
    options.login_url = "http://login.test";
    assert_int_equal(account_new(&account, NULL, &options, &err), ERR_INVALID);
    options = options_of(*state);
    options.graph_url = "https://graph.test/v1.0";
    assert_int_equal(account_new(&account, NULL, &options, &err), ERR_INVALID);
    options = options_of(*state);
    options.tenant = "contoso/../x";
    assert_int_equal(account_new(&account, NULL, &options, &err), ERR_INVALID);
}

static void account_token__says_how_to_sign_in_when_there_is_nothing(void **state)
{
    struct account *account = open_account(*state);

    fake_governor_script(NULL, 0);
    expect_no_token(account, ERR_SIGNED_OUT, "mooring login");
    assert_int_equal(state_of(account), ACCOUNT_SIGNED_OUT);
    account_unref(account);
}

static void account_token__refreshes_once_and_rotates(void **state)
{
    static const struct fake_answer answers[] = {CONFIGURATION, TOKEN("A2", "R2", 3600)};
    struct token_data file = {0};
    struct account *account;

    put_file(*state, 5, "R1", NULL, 0);
    account = open_account(*state);
    SCRIPT(answers);
    expect_token(account, "A2");
    expect_token(account, "A2");
    assert_int_equal(fake_governor_count(), 2);
    assert_non_null(strstr(fake_governor_body(1), "grant_type=refresh_token"));
    assert_non_null(strstr(fake_governor_body(1), "&refresh_token=R1&"));
    assert_non_null(strstr(fake_governor_body(1), "client_id=client-1"));
    assert_non_null(strstr(fake_governor_body(1), "offline_access"));
    assert_non_null(strstr(fake_governor_body(1), "xms_cc"));
    assert_null(strstr(fake_governor_body(1), "client_secret"));
    get_file(&file, *state);
    assert_string_equal(file.refresh_token, "R2");
    assert_string_equal(file.access_token, "A2");
    assert_string_equal(file.endpoints.token_url, LOGIN "/" TENANT "/token");
    assert_true(file.serial > 5);
    assert_int_equal(state_of(account), ACCOUNT_SIGNED_IN);
    token_data_clear(&file);
    account_unref(account);
}

static void account_new__needs_no_request_in_a_warm_start(void **state)
{
    struct account *account;

    put_file(*state, 5, "R1", "A1", 3600);
    account = open_account(*state);
    fake_governor_script(NULL, 0);
    assert_int_equal(account_sign_in_silent(account, NULL, NULL), 0);
    expect_token(account, "A1");
    assert_int_equal(state_of(account), ACCOUNT_SIGNED_IN);
    account_unref(account);
}

static void account_token__keeps_the_old_refresh_token_when_none_is_given(void **state)
{
    static const struct fake_answer answers[] = {
        CONFIGURATION, {.url_part = "/token", .status = 200, .body = "{\"access_token\":\"A2\"}"}};
    struct token_data file = {0};
    struct account *account;

    put_file(*state, 5, "R1", NULL, 0);
    account = open_account(*state);
    SCRIPT(answers);
    expect_token(account, "A2");
    get_file(&file, *state);
    assert_string_equal(file.refresh_token, "R1");
    token_data_clear(&file);
    account_unref(account);
}

static void *take_token(void *payload)
{
    struct account *account = payload;
    char *token = NULL;
    int code = account_token(account, &token, NULL, NULL);
    bool is_right = code == 0 && strcmp(token, "A2") == 0;

    secret_free(&token);
    return is_right ? payload : NULL;
}

static void account_token__is_renewed_by_one_for_all_threads(void **state)
{
    static const struct fake_answer answers[] = {CONFIGURATION, TOKEN("A2", "R2", 3600)};
    struct thread threads[16] = {0};
    struct account *account;

    put_file(*state, 5, "R1", NULL, 0);
    account = open_account(*state);
    SCRIPT(answers);
    for (size_t i = 0; i < 16; i++) {
        assert_int_equal(thread_start(&threads[i], "token", take_token, account, NULL), 0);
    }
    for (size_t i = 0; i < 16; i++) {
        void *result = NULL;

        assert_int_equal(pthread_join(threads[i].impl, &result), 0);
        assert_non_null(result);
    }
    assert_true(fake_governor_is_done());
    account_unref(account);
}

static void account_token__takes_what_another_process_renewed(void **state)
{
    struct account *account;

    put_file(*state, 5, "R1", NULL, 0);
    account = open_account(*state);
    put_file(*state, 6, "R2", "A2", 3600);
    fake_governor_script(NULL, 0);
    expect_token(account, "A2");
    account_unref(account);
}

static void account_token__uses_the_refresh_token_another_process_stored(void **state)
{
    static const struct fake_answer answers[] = {CONFIGURATION, TOKEN("A3", "R3", 3600)};
    struct account *account;

    put_file(*state, 5, "R1", NULL, 0);
    account = open_account(*state);
    put_file(*state, 6, "R2", "A2", 10);
    SCRIPT(answers);
    expect_token(account, "A3");
    assert_non_null(strstr(fake_governor_body(1), "&refresh_token=R2&"));
    account_unref(account);
}

static void account_token__is_signed_out_when_another_process_did(void **state)
{
    struct account *account;
    char *path = file_of(*state);

    put_file(*state, 5, "R1", NULL, 0);
    account = open_account(*state);
    assert_int_equal(file_remove(path, NULL), 0);
    fake_governor_script(NULL, 0);
    expect_no_token(account, ERR_SIGNED_OUT, "mooring login");
    account_unref(account);
    free(path);
}

static void account_token__forgets_a_dead_refresh_token(void **state)
{
    static const struct fake_answer answers[] = {
        CONFIGURATION,
        {.url_part = "/token",
         .status = 400,
         .body = "{\"error\":\"invalid_grant\",\"error_codes\":[50173],\"error_description\":"
                 "\"AADSTS50173: x\",\"claims\":\"{\\\"access_token\\\":{\\\"a\\\":1}}\"}"}};
    struct token_data file = {0};
    struct account_info info;
    struct account *account;

    put_file(*state, 5, "R1", NULL, 0);
    account = open_account(*state);
    SCRIPT(answers);
    expect_no_token(account, ERR_SIGNED_OUT, "AADSTS50173");
    expect_no_token(account, ERR_SIGNED_OUT, "mooring login"); /* and asks Entra no more */
    account->reread_at_ms = 0;
    expect_no_token(account, ERR_SIGNED_OUT, "AADSTS50173"); /* looks into the file: same reason */
    account_info(account, &info);
    assert_int_equal(info.state, ACCOUNT_SIGNED_OUT);
    assert_non_null(strstr(info.reason, "mooring login"));
    get_file(&file, *state);
    assert_null(file.refresh_token);
    assert_string_equal(file.claims, "{\"access_token\":{\"a\":1}}");
    token_data_clear(&file);
    account_unref(account);
}

static void account_token__keeps_the_refresh_token_when_policy_blocks(void **state)
{
    static const struct fake_answer answers[] = {
        CONFIGURATION,
        {.url_part = "/token",
         .status = 400,
         .body = "{\"error\":\"invalid_grant\",\"error_codes\":[53003]}"},
        TOKEN("A2", "R2", 3600)};
    struct account *account;

    put_file(*state, 5, "R1", NULL, 0);
    account = open_account(*state);
    SCRIPT(answers);
    expect_no_token(account, ERR_SIGNED_OUT, "Conditional Access");
    account->reread_at_ms = 0;
    expect_no_token(account, ERR_SIGNED_OUT, "Conditional Access"); /* not asked in a loop */
    assert_int_equal(fake_governor_count(), 2);
    assert_int_equal(account_sign_in_silent(account, NULL, NULL), 0); /* back in the office */
    expect_token(account, "A2");
    assert_non_null(strstr(fake_governor_body(2), "&refresh_token=R1&"));
    account_unref(account);
}

static void account_token__asks_again_later_when_policy_blocked(void **state)
{
    static const struct fake_answer answers[] = {
        CONFIGURATION,
        {.url_part = "/token",
         .status = 400,
         .body = "{\"error\":\"invalid_grant\",\"error_codes\":[53003]}"},
        TOKEN("A2", "R2", 3600)};
    struct account *account;

    put_file(*state, 5, "R1", NULL, 0);
    account = open_account(*state);
    SCRIPT(answers);
    expect_no_token(account, ERR_SIGNED_OUT, "Conditional Access");
    account->reread_at_ms = 0;
    account->ask_at_ms = 0;
    expect_token(account, "A2");
    account_unref(account);
}

static void account_token__sees_that_another_process_signed_in(void **state)
{
    struct account *account = open_account(*state);

    fake_governor_script(NULL, 0);
    expect_no_token(account, ERR_SIGNED_OUT, "mooring login");
    put_file(*state, 1, "R1", "A1", 3600);
    account->reread_at_ms = 0;
    expect_token(account, "A1");
    assert_int_equal(state_of(account), ACCOUNT_SIGNED_IN);
    account_unref(account);
}

static void account_token__is_offline_while_entra_is_not_reachable(void **state)
{
    static const struct fake_answer answers[] = {
        CONFIGURATION,
        {.url_part = "/token", .code = ERR_UNREACHABLE},
        {.url_part = "/token", .status = 503, .body = "", .retry_after_ms = 5000},
        REFUSED("temporarily_unavailable"),
        TOKEN("A2", "R2", 3600)};
    struct account *account;

    put_file(*state, 5, "R1", NULL, 0);
    account = open_account(*state);
    SCRIPT(answers);
    expect_no_token(account, ERR_UNREACHABLE, "network fails");
    assert_int_equal(state_of(account), ACCOUNT_OFFLINE);
    expect_no_token(account, ERR_UNREACHABLE, "network fails"); /* at once: no second request */
    assert_int_equal(fake_governor_count(), 2);
    assert_int_equal(account_sign_in_silent(account, NULL, NULL), ERR_UNREACHABLE);
    assert_int_equal(account_sign_in_silent(account, NULL, NULL), ERR_UNREACHABLE);
    assert_int_equal(state_of(account), ACCOUNT_OFFLINE);
    assert_int_equal(account_sign_in_silent(account, NULL, NULL), 0);
    assert_int_equal(state_of(account), ACCOUNT_SIGNED_IN);
    expect_token(account, "A2");
    account_unref(account);
}

static void account_token__serves_the_old_one_while_it_cannot_be_renewed(void **state)
{
    static const struct fake_answer answers[] = {CONFIGURATION,
                                                 {.url_part = "/token", .code = ERR_UNREACHABLE}};
    struct account *account;

    put_file(*state, 5, "R1", "A1", 200); /* ends within five minutes */
    account = open_account(*state);
    SCRIPT(answers);
    expect_token(account, "A1");
    expect_token(account, "A1");
    assert_int_equal(fake_governor_count(), 2);
    account_unref(account);
}

static void account_token__reports_a_registration_error_and_keeps_the_token(void **state)
{
    static const struct fake_answer answers[] = {
        CONFIGURATION,
        {.url_part = "/token",
         .status = 401,
         .body = "{\"error\":\"unauthorized_client\",\"error_codes\":[700016]}"}};
    struct token_data file = {0};
    struct account *account;

    put_file(*state, 5, "R1", NULL, 0);
    account = open_account(*state);
    SCRIPT(answers);
    expect_no_token(account, ERR_SIGNED_OUT, "administrator");
    get_file(&file, *state);
    assert_string_equal(file.refresh_token, "R1");
    token_data_clear(&file);
    account_unref(account);
}

static void account_new__counts_a_broken_file_as_signed_out(void **state)
{
    struct account_info info;
    struct account *account;
    char *path = file_of(*state);

    assert_int_equal(file_write_atomic(path, "{", 1, NULL), 0);
    account = open_account(*state);
    account_info(account, &info);
    assert_int_equal(info.state, ACCOUNT_SIGNED_OUT);
    assert_non_null(strstr(info.reason, "damaged"));
    account_unref(account);
    free(path);
}

static void account_token_refused__answers_a_claims_challenge(void **state)
{
    static const struct fake_answer answers[] = {CONFIGURATION,
                                                 {.url_part = "/token", .code = ERR_UNREACHABLE},
                                                 TOKEN("A2", "R2", 3600),
                                                 TOKEN("A3", "R3", 3600)};
    /* {"access_token":{"nbf":{"value":"1"}}} */
    static const char challenge[] =
        "Bearer error=\"insufficient_claims\", "
        "claims=\"eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7InZhbHVlIjoiMSJ9fX0=\"";
    struct account *account;

    put_file(*state, 5, "R1", "A1", 3600);
    account = open_account(*state);
    SCRIPT(answers);
    expect_token(account, "A1");
    assert_int_equal(account_token_refused(account, "A1", challenge, NULL, NULL), ERR_UNREACHABLE);
    assert_int_equal(account_sign_in_silent(account, NULL, NULL), 0); /* claims until success */
    assert_non_null(strstr(fake_governor_body(2), "nbf"));
    assert_non_null(strstr(fake_governor_body(2), "cp1"));
    expect_token(account, "A2");
    /* an old news: somebody else was faster */
    assert_int_equal(account_token_refused(account, "A1", challenge, NULL, NULL), 0);
    assert_int_equal(fake_governor_count(), 3);
    assert_int_equal(account_token_refused(account, "A2", "Bearer", NULL, NULL), 0);
    assert_null(strstr(fake_governor_body(3), "nbf")); /* then no more */
    expect_token(account, "A3");
    account_unref(account);
}

static void account_token_refused__does_not_take_the_refused_one_from_the_file(void **state)
{
    static const struct fake_answer answers[] = {CONFIGURATION, TOKEN("A2", "R2", 3600)};
    struct account *account;

    put_file(*state, 5, "R1", "A1", 3600);
    account = open_account(*state);
    put_file(*state, 6, "R1", "A1", 3600);
    SCRIPT(answers);
    assert_int_equal(account_token_refused(account, "A1", NULL, NULL, NULL), 0);
    expect_token(account, "A2");
    account_unref(account);
}

static void account_token_refused__ends_when_every_token_is_refused(void **state)
{
    static const struct fake_answer answers[] = {CONFIGURATION,           TOKEN("A1", "R1", 3600),
                                                 TOKEN("A2", "R2", 3600), TOKEN("A3", "R3", 3600),
                                                 TOKEN("A4", "R4", 3600), TOKEN("A5", "R5", 3600)};
    struct account *account;
    char token[3] = "A1";
    int code = 0;

    put_file(*state, 5, "R0", NULL, 0);
    account = open_account(*state);
    SCRIPT(answers);
    expect_token(account, "A1");
    for (int i = 1; i <= 5 && code == 0; i++) {
        token[1] = (char)('0' + i);
        code = account_token_refused(account, token, "Bearer error=\"x\"", NULL, NULL);
    }
    assert_int_equal(code, ERR_SIGNED_OUT);
    assert_int_equal(state_of(account), ACCOUNT_SIGNED_OUT);
    expect_no_token(account, ERR_SIGNED_OUT, "refuses every token");
    account_unref(account);
}

static void account_token_refused__does_not_loop_when_entra_repeats_itself(void **state)
{
    static const struct fake_answer answers[] = {CONFIGURATION, TOKEN("A1", "R2", 3600)};
    struct account *account;

    put_file(*state, 5, "R1", "A1", 3600);
    account = open_account(*state);
    SCRIPT(answers);
    assert_int_equal(account_token_refused(account, "A1", "Bearer", NULL, NULL), 0);
    expect_token(account, "A1");
    account_unref(account);
}

static const char *store_directory; /* set by the one test that uses look_at_file() */

static void look_at_file(void)
{
    struct file_lock *lock = NULL;
    char *path = file_of(store_directory);

    /* one refresh per machine user: nobody else gets the lock while we ask */
    assert_int_equal(token_store_lock(&lock, path, 0, NULL), ERR_BUSY);
    free(path);
}

static void account_token__holds_the_lock_while_it_asks(void **state)
{
    static const struct fake_answer answers[] = {
        CONFIGURATION,
        {.url_part = "/token",
         .status = 200,
         .body = "{\"access_token\":\"A2\",\"refresh_token\":\"R2\"}",
         .before = look_at_file}};
    struct account *account;

    store_directory = *state;
    put_file(*state, 5, "R1", NULL, 0);
    account = open_account(*state);
    SCRIPT(answers);
    expect_token(account, "A2");
    account_unref(account);
}

static void account_token__works_on_when_the_file_cannot_be_written(void **state)
{
    static const struct fake_answer answers[] = {CONFIGURATION, TOKEN("A2", "R2", 3600)};
    struct account *account;
    char *path = file_of(*state);

    put_file(*state, 5, "R1", NULL, 0);
    account = open_account(*state);
    /* a folder where the file was: reading and replacing fail, also for root */
    assert_int_equal(file_remove(path, NULL), 0);
    assert_int_equal(file_make_directories(path, NULL), 0);
    SCRIPT(answers);
    expect_token(account, "A2");
    assert_int_equal(state_of(account), ACCOUNT_SIGNED_IN);
    account_unref(account);
    free(path);
}

static bool always(void *payload)
{
    (void)payload;
    return true;
}

static void account_token__obeys_cancel_and_deadline_while_locked_out(void **state)
{
    struct call cancelled = {.is_cancelled = always};
    struct call late = {.deadline_ms = 1};
    struct file_lock *lock = NULL;
    struct account *account;
    char *token = NULL;
    char *path = file_of(*state);

    put_file(*state, 5, "R1", NULL, 0);
    account = open_account(*state);
    assert_int_equal(token_store_lock(&lock, path, 0, NULL), 0);
    fake_governor_script(NULL, 0);
    assert_int_equal(account_token(account, &token, &cancelled, NULL), ERR_CANCELLED);
    assert_int_equal(account_token(account, &token, &late, NULL), ERR_TIMED_OUT);
    file_unlock(lock);
    account_unref(account);
    free(path);
}

static void account_sign_out__forgets_here_and_on_disk(void **state)
{
    struct account_info info;
    struct account *account;
    char *path = file_of(*state);

    put_file(*state, 5, "R1", "A1", 3600);
    account = open_account(*state);
    fake_governor_script(NULL, 0);
    assert_int_equal(account_sign_in_silent(account, NULL, NULL), 0);
    account_info(account, &info);
    assert_int_equal(info.state, ACCOUNT_SIGNED_IN);
    assert_int_equal(account_sign_out(account, NULL), 0);
    account_info(account, &info);
    assert_int_equal(info.state, ACCOUNT_SIGNED_OUT);
    assert_false(file_exists(path));
    expect_no_token(account, ERR_SIGNED_OUT, "mooring login");
    account_unref(account);
    free(path);
}

static void account_identify__asks_once_and_remembers(void **state)
{
    static const struct fake_answer answers[] = {
        {.url_part = "/organization",
         .status = 200,
         .body = "{\"value\":[{\"id\":\"" TENANT "\",\"displayName\":\"Contoso\","
                 "\"verifiedDomains\":[{\"name\":\"contoso.onmicrosoft.com\",\"isInitial\":true}]}]"
                 "}"},
        {.url_part = "/me",
         .status = 200,
         .body = "{\"id\":\"u-1\",\"userPrincipalName\":\"ana@contoso.example\"}"}};
    struct account_info info;
    struct account *account;

    put_file(*state, 5, "R1", "A1", 3600);
    account = open_account(*state);
    SCRIPT(answers);
    assert_int_equal(account_identify(account, NULL, NULL), 0);
    assert_int_equal(account_identify(account, NULL, NULL), 0);
    account_unref(account);
    account = open_account(*state);
    assert_int_equal(account_identify(account, NULL, NULL), 0);
    account_info(account, &info);
    assert_string_equal(info.tenant_name, "Contoso");
    assert_string_equal(info.initial_domain, "contoso.onmicrosoft.com");
    assert_string_equal(info.user_name, "ana@contoso.example");
    assert_string_equal(info.tenant_id, TENANT);
    account_unref(account);
}

/* --- everything at once, for the thread sanitizer --- */

static void *disturb(void *payload)
{
    struct account *account = payload;

    for (int i = 0; i < 200; i++) {
        struct account_info info;
        char *token = NULL;

        if (account_token(account, &token, NULL, NULL) == 0 && i % 3 == 0) {
            (void)account_token_refused(account, token, "Bearer claims=\"e30\"", NULL, NULL);
        }
        secret_free(&token);
        account_info(account, &info);
        if (i % 50 == 0) {
            (void)account_sign_in_silent(account, NULL, NULL);
        }
        account_unref(account_ref(account));
    }
    return NULL;
}

static void account__survives_many_threads(void **state)
{
    static const struct fake_answer answers[] = {CONFIGURATION, TOKEN("A", "R", 3600)};
    struct thread threads[6] = {0};
    struct account *account;

    put_file(*state, 5, "R1", NULL, 0);
    account = open_account(*state);
    SCRIPT(answers);
    fake_governor_free_order();
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(thread_start(&threads[i], "disturb", disturb, account, NULL), 0);
    }
    for (int i = 0; i < 3; i++) {
        put_file(*state, 100 + i, "R1", "B", 3600);
        assert_int_equal(account_sign_out(account, NULL), 0);
    }
    for (size_t i = 0; i < 6; i++) {
        thread_join(&threads[i]);
    }
    account_unref(account);
}

static void cloud_permissions__carry_the_resource_outside_the_global_cloud(void **state)
{
    char *text = NULL;

    (void)state;
    assert_int_equal(
        cloud_permissions(&text, CLOUD_GLOBAL, cloud_graph_url(CLOUD_GLOBAL), false, NULL), 0);
    assert_string_equal(text, "openid profile offline_access User.Read Files.ReadWrite.All "
                              "Sites.Read.All");
    assert_int_equal(
        cloud_permissions(&text, CLOUD_US_GOV_HIGH, cloud_graph_url(CLOUD_US_GOV_HIGH), true, NULL),
        0);
    assert_string_equal(text, "openid profile offline_access https://graph.microsoft.us/User.Read "
                              "https://graph.microsoft.us/Files.ReadWrite.All "
                              "https://graph.microsoft.us/Sites.Read.All "
                              "https://graph.microsoft.us/Team.ReadBasic.All "
                              "https://graph.microsoft.us/Channel.ReadBasic.All");
    free(text);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, temp_dir_setup, temp_dir_teardown)
static const struct CMUnitTest tests[] = {
    ROW(account_new__insists_on_a_client_id_and_https),
    ROW(account_token__says_how_to_sign_in_when_there_is_nothing),
    ROW(account_token__refreshes_once_and_rotates),
    ROW(account_new__needs_no_request_in_a_warm_start),
    ROW(account_token__keeps_the_old_refresh_token_when_none_is_given),
    ROW(account_token__is_renewed_by_one_for_all_threads),
    ROW(account_token__takes_what_another_process_renewed),
    ROW(account_token__uses_the_refresh_token_another_process_stored),
    ROW(account_token__is_signed_out_when_another_process_did),
    ROW(account_token__forgets_a_dead_refresh_token),
    ROW(account_token__keeps_the_refresh_token_when_policy_blocks),
    ROW(account_token__asks_again_later_when_policy_blocked),
    ROW(account_token__sees_that_another_process_signed_in),
    ROW(account_token__is_offline_while_entra_is_not_reachable),
    ROW(account_token__serves_the_old_one_while_it_cannot_be_renewed),
    ROW(account_token__reports_a_registration_error_and_keeps_the_token),
    ROW(account_new__counts_a_broken_file_as_signed_out),
    ROW(account_token_refused__answers_a_claims_challenge),
    ROW(account_token_refused__does_not_take_the_refused_one_from_the_file),
    ROW(account_token_refused__does_not_loop_when_entra_repeats_itself),
    ROW(account_token_refused__ends_when_every_token_is_refused),
    ROW(account_token__holds_the_lock_while_it_asks),
    ROW(account_token__works_on_when_the_file_cannot_be_written),
    ROW(account_token__obeys_cancel_and_deadline_while_locked_out),
    ROW(account_sign_out__forgets_here_and_on_disk),
    ROW(account_identify__asks_once_and_remembers),
    ROW(account__survives_many_threads),
    cmocka_unit_test(cloud_permissions__carry_the_resource_outside_the_global_cloud),
};
TEST_MAIN("account", tests)
