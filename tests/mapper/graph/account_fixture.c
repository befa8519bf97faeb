#include "account_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "test.h"

struct account_options options_of(const char *directory)
{
    return (struct account_options){.tenant = "contoso.example",
                                    .client_id = "client-1",
                                    .cloud = CLOUD_CUSTOM,
                                    .login_url = LOGIN,
                                    .graph_url = "https://graph.test:1",
                                    .token_directory = directory};
}

struct account *open_account(const char *directory)
{
    struct account_options options = options_of(directory);
    struct account *account = NULL;

    assert_int_equal(account_new(&account, NULL, &options, NULL), 0);
    return account;
}

char *file_of(const char *directory)
{
    char *path = NULL;

    assert_int_equal(token_store_path(&path, directory, "contoso.example", "client-1", LOGIN, NULL),
                     0);
    return path;
}

void put_file(const char *directory, int64_t serial, const char *refresh, const char *access,
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

void get_file(struct token_data *out, const char *directory)
{
    char *path = file_of(directory);

    assert_int_equal(token_store_read(out, path, LOGIN, NULL), 0);
    free(path);
}

void expect_token(struct account *account, const char *expected)
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

void expect_no_token(struct account *account, int expected, const char *words)
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

enum account_state state_of(struct account *account)
{
    struct account_info info;

    account_info(account, &info);
    return info.state;
}
