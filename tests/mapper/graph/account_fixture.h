/*
 * account_fixture.h - an account over the scripted governor, with its token file in a temporary
 * folder.
 */
#ifndef TESTS_GRAPH_ACCOUNT_FIXTURE_H
#define TESTS_GRAPH_ACCOUNT_FIXTURE_H

#include <stdint.h>

#include "fake_governor.h"
#include "graph/account_impl.h"
#include "graph/token.h"
#include "mapper/account.h"
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

/* A test with a temporary folder as its *state. */
#define ACCOUNT_ROW(name) cmocka_unit_test_setup_teardown(name, temp_dir_setup, temp_dir_teardown)

/* Tenant contoso.example, client client-1, tokens in `directory`. */
struct account_options options_of(const char *directory);
/* The caller unrefs. */
struct account *open_account(const char *directory);
/* The path of the token file; the caller frees. */
char *file_of(const char *directory);
/* A file as an earlier sign-in left it. */
void put_file(const char *directory, int64_t serial, const char *refresh, const char *access,
              int64_t left_s);
/* What is in the file; the caller clears. */
void get_file(struct token_data *out, const char *directory);
/* account_token() gives `expected`, or fails with a sentence that has `words`. */
void expect_token(struct account *account, const char *expected);
void expect_no_token(struct account *account, int expected, const char *words);
enum account_state state_of(struct account *account);

#endif
