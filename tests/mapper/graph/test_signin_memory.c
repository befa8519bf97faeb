/*
 * test_signin_memory.c - signing in with each allocation failing once: an error and no leak (the
 * address sanitizer watches), never a crash, and never a sign-in that is lost by it.
 */
#include "mapper/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "failing_alloc.h"
#include "fake_governor.h"
#include "graph/account_impl.h"
#include "graph/token.h"
#include "temp_dir.h"
#include "test.h"

#define LOGIN "https://login.test:1"
#define TENANT "6d1f0c6e-0000-4000-8000-5a5a5a5a5a5a"

int __wrap_fsync(int fd);

/* Hundreds of files that nobody needs after the test. */
int __wrap_fsync(int fd)
{
    (void)fd;
    return 0;
}

/* Time is turned by hand: no pause. */
int signin_pause(const struct signin *signin, int64_t pause_ms, struct error *err)
{
    (void)pause_ms;
    return signin_check(signin, err);
}

static const struct fake_answer answers[] = {
    {.url_part = "openid-configuration",
     .status = 200,
     .body = "{\"authorization_endpoint\":\"" LOGIN "/" TENANT "/authorize\","
             "\"token_endpoint\":\"" LOGIN "/" TENANT "/token\","
             "\"device_authorization_endpoint\":\"" LOGIN "/" TENANT "/devicecode\"}"},
    {.url_part = "/devicecode",
     .status = 200,
     .body = "{\"device_code\":\"D\",\"user_code\":\"H\",\"verification_uri\":\"https://l.test/d\","
             "\"message\":\"m\"}"},
    {.url_part = "/token",
     .status = 200,
     .body = "{\"expires_in\":3600,\"access_token\":\"A2\",\"refresh_token\":\"R2\",\"id_token\":"
             "\"e30.e30.s\"}"}};

static int open_account(struct account **out, const char *directory, struct error *err)
{
    const struct account_options options = {.tenant = "contoso.example",
                                            .client_id = "client-1",
                                            .cloud = CLOUD_CUSTOM,
                                            .login_url = LOGIN,
                                            .graph_url = "https://graph.test:1",
                                            .token_directory = directory};

    return account_new(out, NULL, &options, err);
}

static void put_file(const char *directory)
{
    char refresh[] = "R1";
    struct token_data data = {.serial = 1, .refresh_token = refresh};
    char *path = NULL;

    assert_int_equal(token_store_path(&path, directory, "contoso.example", "client-1", LOGIN, NULL),
                     0);
    assert_int_equal(token_store_write(path, &data, NULL), 0);
    free(path);
}

static int refresh_and_answer_a_challenge(const char *directory, struct error *err)
{
    struct account *account = NULL;
    char *token = NULL;
    int code = open_account(&account, directory, err);

    if (code == 0) {
        code = account_token(account, &token, NULL, err);
    }
    if (code == 0) { /* {"access_token":{}} */
        code = account_token_refused(account, token, "Bearer claims=\"eyJhY2Nlc3NfdG9rZW4iOnt9fQ\"",
                                     NULL, err);
    }
    secret_free(&token);
    account_unref(account);
    return code;
}

static int sign_in_by_code(const char *directory, struct error *err)
{
    struct account *account = NULL;
    int code = open_account(&account, directory, err);

    if (code == 0) {
        code = account_sign_in_device_code(account, NULL, NULL, NULL, err);
    }
    account_unref(account);
    return code;
}

static void run_with_failures(const char *directory, bool has_file,
                              int (*run)(const char *directory, struct error *err), long at_least)
{
    struct log_options quiet = {.level = LOG_LEVEL_OFF};
    cJSON_Hooks hooks = {.malloc_fn = malloc, .free_fn = free};
    long n = 0;
    bool is_over = false;

    cJSON_InitHooks(&hooks); /* the library is not wrapped by the linker */
    assert_int_equal(log_open(&quiet, NULL), 0);
    fake_governor_script(answers, sizeof(answers) / sizeof(answers[0]));
    fake_governor_free_order();
    while (!is_over) {
        struct error err = {0};
        int code;

        if (has_file) {
            put_file(directory);
        }
        failing_alloc_at = ++n;
        code = run(directory, &err);
        is_over = failing_alloc_at > 0; /* nothing failed any more */
        failing_alloc_at = 0;
        assert_true(n < 10000);
        assert_true(code == 0 || err.code == code);
        if (is_over && code != 0) {
            fail_msg("%s", err.message);
        }
        /* whatever failed: what is on disk still signs in */
        if (has_file && refresh_and_answer_a_challenge(directory, &err) != 0) {
            fail_msg("after allocation %ld: %s", n, err.message);
        }
    }
    assert_true(n > at_least);
    cJSON_InitHooks(NULL);
    log_close();
}

static void account_token__survives_each_failing_allocation(void **state)
{
    run_with_failures(*state, true, refresh_and_answer_a_challenge, 100);
}

static void signin_device__survives_each_failing_allocation(void **state)
{
    run_with_failures(*state, false, sign_in_by_code, 50);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(account_token__survives_each_failing_allocation, temp_dir_setup,
                                    temp_dir_teardown),
    cmocka_unit_test_setup_teardown(signin_device__survives_each_failing_allocation, temp_dir_setup,
                                    temp_dir_teardown),
};
TEST_MAIN("signin_memory", tests)
