#include "graph/protect.h"
#include "graph/token_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/str.h"
#include "test.h"
#include "temp_dir.h"

#define LOGIN "https://login.microsoftonline.com"

static char *path_of(void **state)
{
    char *path = NULL;

    assert_int_equal(token_store_path(&path, *state, "contoso.example", "client", LOGIN, NULL), 0);
    return path;
}

static void put_text(const char *path, const char *text)
{
    struct buf sealed;

    buf_init(&sealed, 65536);
    assert_int_equal(protect_seal(&sealed, text, strlen(text), NULL), 0);
    assert_int_equal(file_write_atomic(path, sealed.data, sealed.size, NULL), 0);
    buf_clear(&sealed);
}

static void token_store_path__differs_by_tenant_client_and_host(void **state)
{
    static const char *const rows[][3] = {{"contoso.example", "client", LOGIN},
                                          {"fabrikam.example", "client", LOGIN},
                                          {"contoso.example", "other", LOGIN},
                                          {"contoso.example", "client", "https://login.other"}};
    char *paths[4] = {NULL};
    char *same = NULL;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(
            token_store_path(&paths[i], "/d", rows[i][0], rows[i][1], rows[i][2], NULL), 0);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(paths[i], paths[j]);
        }
    }
    assert_int_equal(token_store_path(&same, "/d", "CONTOSO.example", "Client", LOGIN, NULL), 0);
    assert_string_equal(same, paths[0]);
    assert_true(str_starts_with(same, "/d/token-contoso.example-"));
    for (size_t i = 0; i < 4; i++) {
        free(paths[i]);
    }
    free(same);
}

static void token_store_read__gives_back_what_was_written(void **state)
{
    char refresh[] = "R";
    char access[] = "A";
    char claims[] = "{\"x\":1}";
    char token_url[] = LOGIN "/t/token";
    char authorize_url[] = LOGIN "/t/authorize";
    struct token_data data = {.serial = 7,
                              .refresh_token = refresh,
                              .access_token = access,
                              .access_ends_ms = 1700000000123,
                              .access_life_ms = 3600000,
                              .claims = claims,
                              .tenant_id = "t",
                              .tenant_name = "Contoso \xC3\xA4",
                              .initial_domain = "c.onmicrosoft.com",
                              .user_id = "u",
                              .user_name = "ana@contoso.example"};
    struct token_data back = {0};
    struct stat st;
    char *path = path_of(state);

    data.endpoints.token_url = token_url;
    data.endpoints.authorize_url = authorize_url;
    assert_int_equal(token_store_write(path, &data, NULL), 0);
    assert_int_equal(stat(path, &st), 0);
#ifndef _WIN32 /* test_base_win32.c looks at who may read */
    assert_int_equal(st.st_mode & 0777, 0600);
#endif
    assert_int_equal(token_store_read(&back, path, LOGIN, NULL), 0);
    assert_int_equal(back.serial, 7);
    assert_string_equal(back.refresh_token, "R");
    assert_string_equal(back.access_token, "A");
    assert_true(back.access_ends_ms == data.access_ends_ms);
    assert_string_equal(back.claims, "{\"x\":1}");
    assert_string_equal(back.tenant_name, data.tenant_name);
    assert_string_equal(back.initial_domain, data.initial_domain);
    assert_string_equal(back.user_name, data.user_name);
    assert_string_equal(back.endpoints.token_url, LOGIN "/t/token");
    assert_null(back.endpoints.device_code_url);
    token_data_clear(&back);
    free(path);
}

#ifdef _WIN32
static void token_store_write__encrypts_for_this_user(void **state)
{
    char refresh[] = "the-refresh-token";
    struct token_data data = {.serial = 1, .refresh_token = refresh, .tenant_id = "tenant-id"};
    struct token_data back = {0};
    struct error err = {0};
    struct buf bytes;
    char *path = path_of(state);

    buf_init(&bytes, 65536);
    assert_int_equal(token_store_write(path, &data, NULL), 0);
    assert_int_equal(file_read_all(&bytes, path, NULL), 0);
    for (size_t i = 0; i + 9 < bytes.size; i++) {
        assert_int_not_equal(memcmp(bytes.data + i, "tenant-id", 9), 0);
        assert_int_not_equal(memcmp(bytes.data + i, "refresh-t", 9), 0);
    }
    bytes.data[bytes.size / 2] ^= 1;
    assert_int_equal(file_write_atomic(path, bytes.data, bytes.size, NULL), 0);
    assert_int_equal(token_store_read(&back, path, LOGIN, &err), ERR_INVALID);
    assert_non_null(strstr(err.message, "renamed to .bad"));
    buf_clear(&bytes);
    free(path);
}
#endif

static void token_store_read__says_when_there_is_none(void **state)
{
    struct token_data back = {0};
    char *path = path_of(state);

    assert_int_equal(token_store_read(&back, path, LOGIN, NULL), ERR_NOT_FOUND);
    free(path);
}

static void token_store_read__keeps_a_broken_file_aside(void **state)
{
    static const char *const broken[] = {"",
                                         "{",
                                         "[]",
                                         "{\"version\":\"x\"}",
                                         "{\"refresh_token\":\"R\"}",
                                         "{\"version\":2,\"refresh_token\":\"R\"}"};
    struct token_data back = {0};
    struct error err = {0};
    char *path = path_of(state);
    char *aside = NULL;

    assert_int_equal(str_format(&aside, NULL, "%s.bad", path), 0);
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        struct buf text;

        put_text(path, broken[i]);
        assert_int_equal(token_store_read(&back, path, LOGIN, &err), ERR_INVALID);
        assert_non_null(strstr(err.message, "renamed to .bad"));
        assert_null(back.refresh_token);
        assert_false(file_exists(path));
        buf_init(&text, 1024);
        assert_int_equal(file_read_all(&text, aside, NULL), 0);
        assert_int_equal(protect_open(&text, NULL), 0);
        assert_string_equal(buf_text(&text), broken[i]);
        buf_clear(&text);
    }
    free(aside);
    free(path);
}

static void token_store_read__does_not_believe_endpoints_elsewhere(void **state)
{
    struct token_data back = {0};
    char *path = path_of(state);

    put_text(path, "{\"version\":1,\"refresh_token\":\"R\",\"endpoints\":{\"token\":"
                   "\"https://evil.example/t\",\"authorize\":\"" LOGIN "/a\"}}");
    assert_int_equal(token_store_read(&back, path, LOGIN, NULL), 0);
    assert_string_equal(back.refresh_token, "R");
    assert_null(back.endpoints.token_url);
    token_data_clear(&back);
    free(path);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(token_store_path__differs_by_tenant_client_and_host),
    cmocka_unit_test_setup_teardown(token_store_read__gives_back_what_was_written, temp_dir_setup,
                                    temp_dir_teardown),
#ifdef _WIN32
    cmocka_unit_test_setup_teardown(token_store_write__encrypts_for_this_user, temp_dir_setup,
                                    temp_dir_teardown),
#endif
    cmocka_unit_test_setup_teardown(token_store_read__says_when_there_is_none, temp_dir_setup,
                                    temp_dir_teardown),
    cmocka_unit_test_setup_teardown(token_store_read__keeps_a_broken_file_aside, temp_dir_setup,
                                    temp_dir_teardown),
    cmocka_unit_test_setup_teardown(token_store_read__does_not_believe_endpoints_elsewhere,
                                    temp_dir_setup, temp_dir_teardown),
};
TEST_MAIN("token_store", tests)
