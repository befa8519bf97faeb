/* test_account.c - tokens: when they are renewed, by whom, and where they are kept. */
#include "account_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/thread.h"
#include "test.h"

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

static const struct CMUnitTest tests[] = {
    ACCOUNT_ROW(account_new__insists_on_a_client_id_and_https),
    ACCOUNT_ROW(account_token__says_how_to_sign_in_when_there_is_nothing),
    ACCOUNT_ROW(account_token__refreshes_once_and_rotates),
    ACCOUNT_ROW(account_new__needs_no_request_in_a_warm_start),
    ACCOUNT_ROW(account_token__keeps_the_old_refresh_token_when_none_is_given),
    ACCOUNT_ROW(account_token__is_renewed_by_one_for_all_threads),
    ACCOUNT_ROW(account_token__takes_what_another_process_renewed),
    ACCOUNT_ROW(account_token__uses_the_refresh_token_another_process_stored),
    ACCOUNT_ROW(account_token__is_signed_out_when_another_process_did),
    ACCOUNT_ROW(account_token__sees_that_another_process_signed_in),
    ACCOUNT_ROW(account_token__is_offline_while_entra_is_not_reachable),
    ACCOUNT_ROW(account_token__serves_the_old_one_while_it_cannot_be_renewed),
    ACCOUNT_ROW(account_new__counts_a_broken_file_as_signed_out),
    ACCOUNT_ROW(account_token__holds_the_lock_while_it_asks),
    ACCOUNT_ROW(account_token__works_on_when_the_file_cannot_be_written),
    ACCOUNT_ROW(account_token__obeys_cancel_and_deadline_while_locked_out),
    ACCOUNT_ROW(account_sign_out__forgets_here_and_on_disk),
    ACCOUNT_ROW(account_identify__asks_once_and_remembers),
    ACCOUNT_ROW(account__survives_many_threads),
    cmocka_unit_test(cloud_permissions__carry_the_resource_outside_the_global_cloud),
};
TEST_MAIN("account", tests)
