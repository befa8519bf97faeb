/* The pure parts of the service around the files: query language, redirects, encodings, faults,
 * claims. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "entra.h"
#include "faults.h"
#include "kql.h"
#include "reqlog.h"
#include "tokens.h"
#include "util.h"

static bool finds(const char *query, const struct kql_document *doc)
{
    struct kql *q = kql_parse(query);
    bool found;

    assert_non_null(q);
    found = kql_matches(q, doc);
    kql_free(q);
    return found;
}

static const struct kql_document library = {
    .text = "Finance - Documents",
    .property = {{"contentclass", "STS_List_DocumentLibrary"},
                 {"path", "https://contoso.sharepoint.com/sites/finance/Shared Documents"},
                 {"title", "Documents"}},
    .n_properties = 3,
};

static void kql_matches__words_phrases_and_prefixes(void **state)
{
    (void)state;
    assert_true(finds("finance", &library));
    assert_true(finds("finance documents", &library));
    assert_true(finds("\"Finance - Documents\"", &library));
    assert_true(finds("fin*", &library));
    assert_true(finds("*", &library));
    assert_true(finds("", &library));
    assert_false(finds("fin", &library));
    assert_false(finds("finance holiday", &library));
    assert_false(finds("-finance", &library));
}

static void kql_matches__properties_and_operators(void **state)
{
    (void)state;
    assert_true(finds("contentclass:STS_List_DocumentLibrary", &library));
    assert_true(finds("ContentClass=sts_list_documentlibrary", &library));
    assert_true(finds("contentclass:STS_Site contentclass:STS_List_DocumentLibrary", &library));
    assert_false(
        finds("contentclass:STS_Site AND contentclass:STS_List_DocumentLibrary", &library));
    assert_true(finds("path:\"https://contoso.sharepoint.com/sites/fin\"", &library));
    assert_true(
        finds("path:https://contoso.sharepoint.com/sites/finance/Shared%20Documents", &library));
    assert_true(finds("(title:x OR title:Documents) NOT path:https://fabrikam", &library));
    assert_false(finds("author:anybody", &library));
}

static void kql_parse__refuses_what_is_malformed(void **state)
{
    static const char *const bad[] = {
        "(", "a OR", "\"open", "()", "NOT", "a AND", ")", "((((((((((((((((((((((((((((((((((a"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct kql *q = kql_parse(bad[i]);

        if (q) {
            print_error("accepted: %s\n", bad[i]);
        }
        assert_null(q);
    }
}

static void redirect_matches__ignores_the_port_of_localhost_only(void **state)
{
    (void)state;
    assert_true(redirect_matches("http://localhost", "http://localhost:49152"));
    assert_true(redirect_matches("http://localhost", "http://localhost:49152/"));
    assert_true(redirect_matches("http://localhost:1/cb", "http://localhost:2/cb"));
    assert_true(redirect_matches("http://127.0.0.1", "http://127.0.0.1:2"));
    assert_false(redirect_matches("http://localhost", "http://127.0.0.1:2"));
    assert_false(redirect_matches("http://localhost", "http://localhost:2/cb"));
    assert_false(redirect_matches("http://localhost", "http://localhost:2x/"));
    assert_false(redirect_matches("http://localhost", "http://localhost@evil.example"));
    assert_false(redirect_matches("https://app.example", "https://app.example:444"));
}

static void url_decode__refuses_broken_escapes(void **state)
{
    static const struct {
        const char *in;
        const char *strict; /* NULL: refused */
        const char *form;
    } cases[] = {{"a%20b", "a b", "a b"}, {"a+b", "a+b", "a b"}, {"%", NULL, "%"},
                 {"%2", NULL, "%2"},      {"%zz", NULL, "%zz"},  {"%C3%BC", "ü", "ü"},
                 {"%00", NULL, NULL},     {"a%2", NULL, "a%2"},  {"%41", "A", "A"},
                 {"%2541", "%41", "%41"}, {"", "", ""},          {"%%20", NULL, "% "}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *strict = url_decode(cases[i].in, strlen(cases[i].in));
        char *form = url_decode_form(cases[i].in, strlen(cases[i].in));

        assert_string_equal(strict ? strict : "refused",
                            cases[i].strict ? cases[i].strict : "refused");
        assert_string_equal(form ? form : "refused", cases[i].form ? cases[i].form : "refused");
        free(strict);
        free(form);
    }
}

static void base64url__comes_back_as_it_went(void **state)
{
    unsigned char raw[70];

    (void)state;
    random_bytes(raw, sizeof(raw));
    for (size_t n = 0; n <= sizeof(raw); n++) {
        char *text = base64url_encode(raw, n);
        size_t len = 99;
        void *back = base64url_decode(text, strlen(text), &len);

        assert_non_null(back);
        assert_int_equal(len, n);
        assert_memory_equal(back, raw, n);
        free(back);
        free(text);
    }
    size_t len;
    assert_null(base64url_decode("a", 1, &len));
    assert_null(base64url_decode("ab*d", 4, &len));
}

static void parse_iso__knows_offsets_and_fractions(void **state)
{
    int64_t t;

    (void)state;
    assert_true(parse_iso(&t, "1970-01-02T00:00:00Z") && t == 86400);
    assert_true(parse_iso(&t, "1970-01-02T01:00:00.1234567+01:00") && t == 86400);
    assert_true(parse_iso(&t, "1970-01-01T23:00:00-01:00") && t == 86400);
    assert_false(parse_iso(&t, "yesterday"));
    assert_false(parse_iso(&t, "1970-01-02T00:00:00+x"));
}

static void glob_match__star_and_question_mark(void **state)
{
    (void)state;
    assert_true(glob_match("*/children*", "/v1.0/drives/x/root/children"));
    assert_true(glob_match("a?c", "abc"));
    assert_true(glob_match("*", ""));
    assert_true(glob_match("*a*b*c", "xxaxxbxxbc"));
    assert_false(glob_match("a", "ab"));
    assert_false(glob_match("*b", "abc"));
}

static void claims_contain__asks_for_the_same_values(void **state)
{
    static const char wanted[] =
        "{\"access_token\":{\"nbf\":{\"essential\":true,\"value\":\"7\"}}}";

    (void)state;
    assert_true(claims_contain("{\"access_token\":{\"xms_cc\":{\"values\":[\"cp1\"]},"
                               "\"nbf\":{\"value\":\"7\",\"essential\":true}}}",
                               wanted));
    assert_false(claims_contain("{\"access_token\":{\"nbf\":{\"essential\":true,\"value\":\"8\"}}}",
                                wanted));
    assert_false(claims_contain("{\"access_token\":{}}", wanted));
    assert_false(claims_contain(NULL, wanted));
    assert_true(claims_have_cp1("{\"access_token\":{\"xms_cc\":{\"values\":[\"cp1\"]}}}"));
    assert_false(claims_have_cp1("{\"id_token\":{\"xms_cc\":{\"values\":[\"cp1\"]}}}"));
    assert_false(claims_have_cp1("nonsense"));
}

static void faults_match__first_rule_that_is_not_used_up(void **state)
{
    struct faults f;
    struct fault hit;
    struct fault_subject what = {.host = "graph", .method = "GET", .path = "/v1.0/me"};
    cJSON *once = cJSON_Parse("{\"match\":{\"host\":\"graph\"},\"action\":{\"status\":500}}");
    cJSON *ever = cJSON_Parse("{\"count\":-1,\"action\":{\"status\":503,\"truncate_after\":0}}");
    const char *why;

    (void)state;
    faults_init(&f);
    assert_int_equal(faults_add(&f, once, &why), 1);
    assert_int_equal(faults_add(&f, ever, &why), 2);
    for (int i = 0; i < 3; i++) {
        faults_match(&f, &what, &hit);
        assert_int_equal(hit.status, i == 0 ? 500 : 503);
        assert_int_equal(hit.truncate_after, i == 0 ? -1 : 0);
        fault_clear(&hit);
    }
    assert_true(faults_remove(&f, 2));
    faults_match(&f, &what, &hit);
    assert_int_equal(hit.rule, 0);
    faults_clear(&f);
    cJSON_Delete(once);
    cJSON_Delete(ever);
}

static void reqlog_query__blanks_secrets(void **state)
{
    char *text = reqlog_query("a=1&tempauth=v1.x&$top=5&code=z");

    (void)state;
    assert_string_equal(text, "a=1&tempauth=...&$top=5&code=...");
    free(text);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kql_matches__words_phrases_and_prefixes),
        cmocka_unit_test(kql_matches__properties_and_operators),
        cmocka_unit_test(kql_parse__refuses_what_is_malformed),
        cmocka_unit_test(redirect_matches__ignores_the_port_of_localhost_only),
        cmocka_unit_test(url_decode__refuses_broken_escapes),
        cmocka_unit_test(base64url__comes_back_as_it_went),
        cmocka_unit_test(parse_iso__knows_offsets_and_fractions),
        cmocka_unit_test(glob_match__star_and_question_mark),
        cmocka_unit_test(claims_contain__asks_for_the_same_values),
        cmocka_unit_test(faults_match__first_rule_that_is_not_used_up),
        cmocka_unit_test(reqlog_query__blanks_secrets),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("tenant_service", tests, NULL, NULL);
}
