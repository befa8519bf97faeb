#include "graph/entra_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#define LOGIN "https://login.microsoftonline.com"
#define TENANT "6d1f0c6e-0000-4000-8000-5a5a5a5a5a5a"

static int parse_configuration(struct entra_endpoints *out, const char *login_url, const char *body)
{
    return entra_parse_configuration(out, login_url, body, strlen(body), NULL);
}

static void entra_parse_configuration__takes_endpoints_and_tenant_id(void **state)
{
    struct entra_endpoints out = {0};

    (void)state;
    assert_int_equal(
        parse_configuration(
            &out, LOGIN,
            "{\"issuer\":\"" LOGIN "/" TENANT "/v2.0\",\"unknown\":[1,{}],"
            "\"authorization_endpoint\":\"" LOGIN "/" TENANT "/oauth2/v2.0/authorize\","
            "\"token_endpoint\":\"" LOGIN "/" TENANT "/oauth2/v2.0/token\","
            "\"device_authorization_endpoint\":\"" LOGIN "/" TENANT "/oauth2/v2.0/devicecode\"}"),
        0);
    assert_string_equal(out.tenant_id, TENANT);
    assert_string_equal(out.token_url, LOGIN "/" TENANT "/oauth2/v2.0/token");
    assert_non_null(out.device_code_url);
    entra_endpoints_clear(&out);
}

static void entra_parse_configuration__has_no_tenant_id_for_organizations(void **state)
{
    struct entra_endpoints out = {0};

    (void)state;
    assert_int_equal(parse_configuration(&out, LOGIN,
                                         "{\"authorization_endpoint\":\"" LOGIN
                                         "/organizations/a\","
                                         "\"token_endpoint\":\"" LOGIN "/organizations/t\"}"),
                     0);
    assert_string_equal(out.tenant_id, "");
    assert_null(out.device_code_url);
    entra_endpoints_clear(&out);
}

static void entra_parse_configuration__refuses_endpoints_elsewhere(void **state)
{
    static const char *const bad[] = {"http://login.microsoftonline.com/t",
                                      "https://evil.example/t",
                                      "https://login.microsoftonline.com.evil.example/t",
                                      "https://login.microsoftonline.com@evil.example/t",
                                      "https://login.microsoftonline.com:444/t",
                                      "https://",
                                      ""};
    struct entra_endpoints out = {0};
    char body[512];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(body, sizeof(body),
                 "{\"authorization_endpoint\":\"" LOGIN "/a\",\"token_endpoint\":\"%s\"}", bad[i]);
        assert_int_equal(parse_configuration(&out, LOGIN, body), ERR_PROTOCOL);
    }
    assert_int_equal(parse_configuration(&out, LOGIN, "{}"), ERR_PROTOCOL);
    assert_int_equal(parse_configuration(&out, LOGIN, "[]"), ERR_PROTOCOL);
    assert_int_equal(parse_configuration(&out, LOGIN, ""), ERR_PROTOCOL);
    assert_null(out.token_url);
}

static void entra_is_trusted_url__knows_the_own_host_with_its_port(void **state)
{
    (void)state;
    assert_true(
        entra_is_trusted_url("https://LOGIN.localhost:8443/x", "https://login.localhost:8443"));
    assert_false(
        entra_is_trusted_url("https://login.localhost:8444/x", "https://login.localhost:8443"));
    assert_true(entra_is_trusted_url("https://login.partner.microsoftonline.cn/x",
                                     "https://login.chinacloudapi.cn"));
}

static void entra_parse_token__takes_tokens_and_identity(void **state)
{
    /* {"tid":"6d1f0c6e-...","oid":"o-1","preferred_username":"ana@contoso.example"} */
    static const char body[] =
        "{\"token_type\":\"bearer\",\"scope\":\"x\",\"expires_in\":\"3599\",\"access_token\":\"A.b-"
        "c\","
        "\"refresh_token\":\"0.AAA\",\"id_token\":\"e30."
        "eyJ0aWQiOiI2ZDFmMGM2ZS0wMDAwLTQwMDAtODAwMC01YTVhNWE1YTVhNWEiLCJvaWQiOiJvLTEiLCJwcmVmZXJyZW"
        "RfdXNlcm5hbWUiOiJhbmFAY29udG9zby5leGFtcGxlIn0.s\"}";
    struct entra_token out = {0};

    (void)state;
    assert_int_equal(entra_parse_token(&out, body, strlen(body), NULL), 0);
    assert_string_equal(out.access_token, "A.b-c");
    assert_string_equal(out.refresh_token, "0.AAA");
    assert_int_equal(out.expires_in_s, 3599);
    assert_string_equal(out.identity.tenant_id, TENANT);
    assert_string_equal(out.identity.user_id, "o-1");
    assert_string_equal(out.identity.user_name, "ana@contoso.example");
    entra_token_clear(&out);
}

static void entra_parse_token__lives_without_what_it_does_not_need(void **state)
{
    static const char body[] = "{\"access_token\":\"a\",\"id_token\":\"nonsense\"}";
    struct entra_token out = {0};

    (void)state;
    assert_int_equal(entra_parse_token(&out, body, strlen(body), NULL), 0);
    assert_null(out.refresh_token);
    assert_int_equal(out.expires_in_s, 300);
    assert_string_equal(out.identity.user_id, "");
    entra_token_clear(&out);
}

static void entra_parse_token__refuses_what_would_break_a_header(void **state)
{
    static const char *const bad[] = {"{\"access_token\":\"a\\r\\nX: y\"}",
                                      "{\"access_token\":\"\"}",
                                      "{\"access_token\":7}",
                                      "{\"access_token\":\"a b\"}",
                                      "{\"access_token\":\"a\",\"refresh_token\":\"\\u00e4\"}",
                                      "{\"access_token\":\"a\",\"token_type\":\"mac\"}",
                                      "{}",
                                      "null",
                                      "",
                                      "{"};
    struct entra_token out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(entra_parse_token(&out, bad[i], strlen(bad[i]), NULL), ERR_PROTOCOL);
        assert_null(out.access_token);
    }
}

static void entra_parse_device_code__takes_numbers_as_text(void **state)
{
    static const char body[] =
        "{\"device_code\":\"D\",\"user_code\":\"HJ5K\",\"verification_uri\":\"https://m.example/"
        "d\","
        "\"expires_in\":\"900\",\"interval\":\"7\",\"message\":\"To sign in\\u001b[31m, open\"}";
    struct entra_device_code out = {0};

    (void)state;
    assert_int_equal(entra_parse_device_code(&out, body, strlen(body), NULL), 0);
    assert_int_equal(out.interval_s, 7);
    assert_int_equal(out.expires_in_s, 900);
    assert_string_equal(out.user_code, "HJ5K");
    assert_string_equal(out.message, "To sign in [31m, open"); /* terminals obey escapes */
    entra_device_code_clear(&out);
}

static void entra_parse_device_code__refuses_a_page_that_is_not_https(void **state)
{
    static const char body[] = "{\"device_code\":\"D\",\"user_code\":\"H\",\"verification_uri\":"
                               "\"http://m.example/d\"}";
    struct entra_device_code out = {0};

    (void)state;
    assert_int_equal(entra_parse_device_code(&out, body, strlen(body), NULL), ERR_PROTOCOL);
}

static void expect_action(int status, const char *body, enum entra_action action)
{
    struct entra_failure failure = {0};

    entra_parse_failure(&failure, status, body, strlen(body));
    if (failure.action != action) {
        print_error("%d %s\n", status, body);
    }
    assert_int_equal(failure.action, action);
    entra_failure_clear(&failure);
}

static void entra_parse_failure__maps_every_error_to_an_action(void **state)
{
    static const struct {
        const char *error;
        enum entra_action action;
    } rows[] = {
        {"interaction_required", ENTRA_INTERACTIVE},
        {"consent_required", ENTRA_INTERACTIVE},
        {"login_required", ENTRA_INTERACTIVE},
        {"invalid_grant", ENTRA_FORGET},
        {"invalid_client", ENTRA_CONFIGURATION},
        {"unauthorized_client", ENTRA_CONFIGURATION},
        {"invalid_scope", ENTRA_CONFIGURATION},
        {"invalid_resource", ENTRA_CONFIGURATION},
        {"unsupported_grant_type", ENTRA_CONFIGURATION},
        {"temporarily_unavailable", ENTRA_RETRY},
        {"server_error", ENTRA_RETRY},
        {"authorization_pending", ENTRA_PENDING},
        {"slow_down", ENTRA_SLOW_DOWN},
        {"authorization_declined", ENTRA_DECLINED},
        {"bad_verification_code", ENTRA_EXPIRED},
        {"expired_token", ENTRA_EXPIRED},
        {"of_tomorrow", ENTRA_CONFIGURATION},
    };
    char body[128];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(body, sizeof(body), "{\"error\":\"%s\"}", rows[i].error);
        expect_action(400, body, rows[i].action);
        expect_action(401, body, rows[i].action);
    }
}

static void entra_parse_failure__blames_the_way_when_entra_said_nothing(void **state)
{
    (void)state;
    expect_action(429, "", ENTRA_RETRY);
    expect_action(503, "{\"error\":\"invalid_grant\"}", ENTRA_RETRY);
    expect_action(403, "<html>proxy</html>", ENTRA_RETRY);
    expect_action(302, "", ENTRA_RETRY);
    expect_action(400, "{}", ENTRA_RETRY);
}

/* Every number of graph-facts 5.5 has words; those of policy keep the token. */
static void entra_parse_failure__has_words_for_every_number(void **state)
{
    static const struct {
        long number;
        enum entra_action with_invalid_grant;
    } rows[] = {
        {50076, ENTRA_FORGET},  {50074, ENTRA_FORGET},   {50079, ENTRA_FORGET},
        {50072, ENTRA_FORGET},  {50078, ENTRA_FORGET},   {50158, ENTRA_BLOCKED},
        {53000, ENTRA_BLOCKED}, {53001, ENTRA_BLOCKED},  {53002, ENTRA_BLOCKED},
        {53003, ENTRA_BLOCKED}, {530032, ENTRA_BLOCKED}, {530035, ENTRA_BLOCKED},
        {50005, ENTRA_BLOCKED}, {50097, ENTRA_BLOCKED},  {50129, ENTRA_BLOCKED},
        {50155, ENTRA_BLOCKED}, {65001, ENTRA_FORGET},   {65004, ENTRA_FORGET},
        {90094, ENTRA_FORGET},  {90095, ENTRA_FORGET},   {70000, ENTRA_FORGET},
        {70008, ENTRA_FORGET},  {700082, ENTRA_FORGET},  {700084, ENTRA_FORGET},
        {70043, ENTRA_FORGET},  {50173, ENTRA_FORGET},   {50132, ENTRA_FORGET},
        {50133, ENTRA_FORGET},  {50055, ENTRA_FORGET},   {50057, ENTRA_FORGET},
        {50053, ENTRA_FORGET},  {50126, ENTRA_FORGET},   {50011, ENTRA_FORGET},
        {900971, ENTRA_FORGET}, {70011, ENTRA_FORGET},   {700016, ENTRA_FORGET},
        {500011, ENTRA_FORGET}, {650057, ENTRA_FORGET},  {50020, ENTRA_FORGET},
        {51004, ENTRA_FORGET},  {90072, ENTRA_FORGET},   {16000, ENTRA_FORGET},
        {50014, ENTRA_FORGET},  {50058, ENTRA_FORGET},   {50194, ENTRA_FORGET},
        {90002, ENTRA_FORGET},  {90013, ENTRA_FORGET},   {50059, ENTRA_FORGET},
        {50128, ENTRA_FORGET},  {700005, ENTRA_FORGET},  {50196, ENTRA_RETRY},
        {140000, ENTRA_FORGET}, {50168, ENTRA_FORGET},   {70016, ENTRA_FORGET},
        {70018, ENTRA_FORGET},  {70019, ENTRA_FORGET},   {90120, ENTRA_FORGET},
        {54005, ENTRA_FORGET},  {7000218, ENTRA_FORGET}, {700025, ENTRA_FORGET},
    };
    char body[256];
    char text[200];
    char tail[32];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct entra_failure failure = {0};

        snprintf(body, sizeof(body),
                 "{\"error\":\"invalid_grant\",\"error_codes\":[%ld],"
                 "\"error_description\":\"AADSTS%ld: no words. Trace ID: 1\"}",
                 rows[i].number, rows[i].number);
        entra_parse_failure(&failure, 400, body, strlen(body));
        assert_int_equal(failure.action, rows[i].with_invalid_grant);
        entra_failure_text(text, sizeof(text), &failure);
        snprintf(tail, sizeof(tail), "(AADSTS%ld)", rows[i].number);
        assert_non_null(strstr(text, tail));
        assert_null(strstr(text, "no words"));
        entra_failure_clear(&failure);
    }
}

static void entra_parse_failure__keeps_claims_and_first_sentence(void **state)
{
    static const char body[] =
        "{\"error\":\"interaction_required\",\"suberror\":\"basic_action\",\"error_codes\":[123456]"
        ","
        "\"error_description\":\"AADSTS123456: Something new happened. Trace ID: 0000aaaa "
        "Correlation ID: x\",\"claims\":\"{\\\"access_token\\\":{}}\"}";
    struct entra_failure failure = {0};
    char text[200];

    (void)state;
    entra_parse_failure(&failure, 400, body, strlen(body));
    assert_string_equal(failure.suberror, "basic_action");
    assert_string_equal(failure.claims, "{\"access_token\":{}}");
    assert_int_equal(failure.number, 123456);
    entra_failure_text(text, sizeof(text), &failure);
    assert_string_equal(text, "AADSTS123456: Something new happened (interaction_required)");
    entra_failure_clear(&failure);
}

static void entra_parse_failure__drops_claims_that_could_not_be_sent(void **state)
{
    static const char body[] = "{\"error\":\"invalid_grant\",\"claims\":\"[not an object\"}";
    struct entra_failure failure = {0};

    (void)state;
    entra_parse_failure(&failure, 400, body, strlen(body));
    assert_null(failure.claims);
    entra_failure_clear(&failure);
}

static void entra_judge_redirect__knows_who_said_no(void **state)
{
    struct entra_failure failure = {0};

    (void)state;
    entra_judge_redirect(&failure, "access_denied", "AADSTS65004: User declined.");
    assert_int_equal(failure.action, ENTRA_DECLINED);
    assert_int_equal(failure.number, 65004);
    entra_failure_clear(&failure);
    entra_judge_redirect(&failure, "server_error", NULL);
    assert_int_equal(failure.action, ENTRA_RETRY);
    entra_failure_clear(&failure);
}

static int parse_organization(struct entra_organization *out, const char *body)
{
    return entra_parse_organization(out, body, strlen(body), NULL);
}

static void entra_parse_organization__takes_the_initial_domain(void **state)
{
    struct entra_organization out = {0};

    (void)state;
    assert_int_equal(parse_organization(
                         &out, "{\"value\":[{\"id\":\"" TENANT "\",\"displayName\":\"Contoso\","
                               "\"verifiedDomains\":[{\"name\":\"contoso.com\",\"isDefault\":true},"
                               "{\"name\":\"contoso.onmicrosoft.com\",\"isInitial\":true}]}]}"),
                     0);
    assert_string_equal(out.id, TENANT);
    assert_string_equal(out.name, "Contoso");
    assert_string_equal(out.initial_domain, "contoso.onmicrosoft.com");
}

static void entra_parse_organization__refuses_a_domain_that_is_a_path(void **state)
{
    struct entra_organization out = {0};

    (void)state;
    assert_int_equal(parse_organization(&out, "{\"value\":[{\"id\":\"" TENANT
                                              "\",\"verifiedDomains\":[{\"name\":"
                                              "\"../../etc\",\"isInitial\":true}]}]}"),
                     ERR_PROTOCOL);
    assert_int_equal(parse_organization(&out, "{\"value\":[]}"), ERR_PROTOCOL);
    assert_int_equal(parse_organization(&out, "{\"value\":[{\"id\":\"" TENANT "\"}]}"),
                     ERR_PROTOCOL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(entra_parse_configuration__takes_endpoints_and_tenant_id),
    cmocka_unit_test(entra_parse_configuration__has_no_tenant_id_for_organizations),
    cmocka_unit_test(entra_parse_configuration__refuses_endpoints_elsewhere),
    cmocka_unit_test(entra_is_trusted_url__knows_the_own_host_with_its_port),
    cmocka_unit_test(entra_parse_token__takes_tokens_and_identity),
    cmocka_unit_test(entra_parse_token__lives_without_what_it_does_not_need),
    cmocka_unit_test(entra_parse_token__refuses_what_would_break_a_header),
    cmocka_unit_test(entra_parse_device_code__takes_numbers_as_text),
    cmocka_unit_test(entra_parse_device_code__refuses_a_page_that_is_not_https),
    cmocka_unit_test(entra_parse_failure__maps_every_error_to_an_action),
    cmocka_unit_test(entra_parse_failure__blames_the_way_when_entra_said_nothing),
    cmocka_unit_test(entra_parse_failure__has_words_for_every_number),
    cmocka_unit_test(entra_parse_failure__keeps_claims_and_first_sentence),
    cmocka_unit_test(entra_parse_failure__drops_claims_that_could_not_be_sent),
    cmocka_unit_test(entra_judge_redirect__knows_who_said_no),
    cmocka_unit_test(entra_parse_organization__takes_the_initial_domain),
    cmocka_unit_test(entra_parse_organization__refuses_a_domain_that_is_a_path),
};
TEST_MAIN("entra_parse", tests)
