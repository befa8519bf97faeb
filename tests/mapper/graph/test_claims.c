#include "graph/claims.h"

#include <stdlib.h>
#include <string.h>

#include "test.h"

/* {"access_token":{"nbf":{"essential":true,"value":"1604106651"}}} */
#define CLAIMS_JSON "{\"access_token\":{\"nbf\":{\"essential\":true,\"value\":\"1604106651\"}}}"
#define CLAIMS_BASE64 \
    "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNjA0MTA2NjUxIn19fQ"

static void expect(const char *header, const char *claims)
{
    char *out = NULL;

    assert_int_equal(claims_from_challenge(&out, header, NULL), 0);
    if (claims) {
        assert_non_null(out);
        assert_string_equal(out, claims);
    } else {
        assert_null(out);
    }
    free(out);
}

static void claims_from_challenge__reads_what_graph_sends(void **state)
{
    (void)state;
    expect("Bearer realm=\"\", "
           "authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", "
           "error=\"insufficient_claims\", claims=\"" CLAIMS_BASE64 "==\"",
           CLAIMS_JSON);
}

static void claims_from_challenge__copes_with_any_order_and_padding(void **state)
{
    (void)state;
    expect("Bearer claims=\"" CLAIMS_BASE64 "\", error=\"insufficient_claims\"", CLAIMS_JSON);
    expect("bearer  claims = " CLAIMS_BASE64 "==,error=insufficient_claims", CLAIMS_JSON);
    expect("Bearer realm=\"a, claims=b\",client_id=\"x\",claims=\"" CLAIMS_BASE64 "\"",
           CLAIMS_JSON);
    expect("Bearer realm=\"quote \\\" and , comma\",claims=\"" CLAIMS_BASE64 "\"", CLAIMS_JSON);
}

static void claims_from_challenge__finds_them_in_the_second_header(void **state)
{
    (void)state;
    expect("Negotiate YIIabc==, Bearer error=\"insufficient_claims\", claims=\"" CLAIMS_BASE64 "\"",
           CLAIMS_JSON);
    expect("Bearer realm=\"\", PoP nonce=\"x\", Bearer claims=\"" CLAIMS_BASE64 "\"", CLAIMS_JSON);
}

static void claims_from_challenge__asks_for_nothing_when_there_are_none(void **state)
{
    (void)state;
    expect(NULL, NULL);
    expect("", NULL);
    expect("Bearer realm=\"\", error=\"invalid_token\"", NULL);
    expect("Basic realm=\"x\", claims=\"" CLAIMS_BASE64 "\"", NULL);
    expect("Bearer realm=\"claims=\\\"x\\\"\"", NULL);
    expect("\"\"\",,=,=\"", NULL);
    expect("Bearer realm=\"never closed", NULL);
}

static void claims_from_challenge__refuses_what_is_no_json(void **state)
{
    char *out = NULL;

    (void)state;
    assert_int_equal(claims_from_challenge(&out, "Bearer claims=\"????\"", NULL), ERR_PROTOCOL);
    assert_int_equal(claims_from_challenge(&out, "Bearer claims=\"YWJj\"", NULL), ERR_PROTOCOL);
    assert_int_equal(claims_from_challenge(&out, "Bearer claims=\"\"", NULL), ERR_PROTOCOL);
    /* {"a":"<NUL>"} */
    assert_int_equal(claims_from_challenge(&out, "Bearer claims=\"eyJhIjoiACJ9\"", NULL),
                     ERR_PROTOCOL);
    assert_null(out);
}

static void claims_merge__adds_our_capability(void **state)
{
    char *out = NULL;

    (void)state;
    assert_int_equal(claims_merge(&out, NULL, NULL), 0);
    assert_string_equal(out, "{\"access_token\":{\"xms_cc\":{\"values\":[\"cp1\"]}}}");
    assert_int_equal(claims_merge(&out, CLAIMS_JSON, NULL), 0);
    assert_string_equal(out, "{\"access_token\":{\"nbf\":{\"essential\":true,\"value\":"
                             "\"1604106651\"},\"xms_cc\":{\"values\":[\"cp1\"]}}}");
    assert_int_equal(claims_merge(&out, "{\"id_token\":{},\"access_token\":null}", NULL), 0);
    assert_string_equal(out,
                        "{\"id_token\":{},\"access_token\":{\"xms_cc\":{\"values\":[\"cp1\"]}}}");
    assert_int_equal(claims_merge(&out, "[1]", NULL), ERR_PROTOCOL);
    free(out);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(claims_from_challenge__reads_what_graph_sends),
    cmocka_unit_test(claims_from_challenge__copes_with_any_order_and_padding),
    cmocka_unit_test(claims_from_challenge__finds_them_in_the_second_header),
    cmocka_unit_test(claims_from_challenge__asks_for_nothing_when_there_are_none),
    cmocka_unit_test(claims_from_challenge__refuses_what_is_no_json),
    cmocka_unit_test(claims_merge__adds_our_capability),
};
TEST_MAIN("claims", tests)
