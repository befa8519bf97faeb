/* test_account_refused.c - tokens that Entra or Graph refuse: what is asked again, and when no more. */
#include "account_fixture.h"

#include <string.h>

#include "base/str.h"
#include "test.h"

/* Conditional Access refused once; it would not again. */
static struct account *open_blocked(const char *directory)
{
    static const struct fake_answer answers[] = {
        CONFIGURATION,
        {.url_part = "/token",
         .status = 400,
         .body = "{\"error\":\"invalid_grant\",\"error_codes\":[53003]}"},
        TOKEN("A2", "R2", 3600)};
    struct account *account;

    put_file(directory, 5, "R1", NULL, 0);
    account = open_account(directory);
    SCRIPT(answers);
    expect_no_token(account, ERR_SIGNED_OUT, "Conditional Access");
    return account;
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
    struct account *account = open_blocked(*state);

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
    struct account *account = open_blocked(*state);

    account->reread_at_ms = 0;
    account->ask_at_ms = 0;
    expect_token(account, "A2");
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

static const struct CMUnitTest tests[] = {
    ACCOUNT_ROW(account_token__forgets_a_dead_refresh_token),
    ACCOUNT_ROW(account_token__keeps_the_refresh_token_when_policy_blocks),
    ACCOUNT_ROW(account_token__asks_again_later_when_policy_blocked),
    ACCOUNT_ROW(account_token__reports_a_registration_error_and_keeps_the_token),
    ACCOUNT_ROW(account_token_refused__answers_a_claims_challenge),
    ACCOUNT_ROW(account_token_refused__does_not_take_the_refused_one_from_the_file),
    ACCOUNT_ROW(account_token_refused__ends_when_every_token_is_refused),
    ACCOUNT_ROW(account_token_refused__does_not_loop_when_entra_repeats_itself),
};
TEST_MAIN("account_refused", tests)
