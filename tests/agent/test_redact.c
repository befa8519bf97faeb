/* What a support bundle may say. Pure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "redact.h"
#include "zip.h"

static struct redactor *fresh(void)
{
    struct redactor *redactor = NULL;

    assert_int_equal(redactor_new(&redactor, NULL), 0);
    return redactor;
}

static char *redacted(struct redactor *redactor, const char *text)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    assert_int_equal(redact_text(&out, redactor, text, strlen(text), NULL), 0);
    return buf_take(&out);
}

static void expect(struct redactor *redactor, const char *text, const char *wanted)
{
    char *got = redacted(redactor, text);

    assert_string_equal(got, wanted);
    free(got);
}

static void redact_text__leaves_out_what_is_quoted(void **state)
{
    static const char *const rows[][2] = {
        {"drive 'Salary list.xlsx' is not mapped [DENIED]", "drive <1> is not mapped [DENIED]"},
        {"'a.docx'", "<1>"},
        {"the user's file 'a.docx' waits", "the user's file <1> waits"},
        {"cannot open 'Bob's plans.docx': no such file", "cannot open <1>: no such file"},
        {"from 'a' to 'b's c' now", "from <1> now"},
        {"cut off in 'the middle of a na", "cut off in <1>"},
        {"cut off in 'a' and 'the mid", "cut off in <1>"},
        {"an empty ''", "an empty <1>"},
        {"nothing to hide", "nothing to hide"},
        {"two\nlines 'x'\n", "two\nlines <1>\n"},
        {"", ""}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct redactor *redactor = fresh();

        expect(redactor, rows[i][0], rows[i][1]);
        redactor_free(redactor);
    }
}

static void redact_text__gives_the_same_name_the_same_number(void **state)
{
    struct redactor *redactor = fresh();

    (void)state;
    expect(redactor, "'a.docx' is open", "<1> is open");
    expect(redactor, "'b.docx' is open", "<2> is open");
    expect(redactor, "'A.DOCX' is closed", "<1> is closed");
    redactor_free(redactor);
}

static void redact_text__leaves_out_names_it_was_taught(void **state)
{
    struct redactor *redactor = fresh();

    (void)state;
    assert_int_equal(redactor_learn(redactor, "contoso/Finance/Shared Documents", NULL), 0);
    assert_int_equal(redactor_learn(redactor, "IT", NULL), 0);
    expect(redactor, "the site finance, of contoso: 3 folders in Shared Documents",
           "the site <3>, of <2>: 3 folders in <4>");
    expect(redactor, "refinanced; IT is short", "refinanced; IT is short");
    expect(redactor, "/home/contoso/x", "/home/<2>/x");
    expect(redactor, "contoso/Finance/Shared Documents", "<1>");
    redactor_free(redactor);
}

static void redact_text__knows_addresses_and_secrets_by_their_form(void **state)
{
    static const char *const rows[][2] = {
        {"signed in as ada@contoso.com now", "signed in as <1> now"},
        {"GET https://graph.microsoft.com/v1.0/drives/b!x/root:/Salaries: 200",
         "GET https://graph.microsoft.com/... 200"},
        {"at https://contoso.sharepoint.com/sites/hr", "at https://<1>/..."},
        {"by http://user:pass@proxy:80 now", "by http://<1> now"},
        {"contoso.onmicrosoft.com is unknown", "<1> is unknown"},
        {"by the proxy http://10.0.0.1:8080", "by the proxy http://10.0.0.1:8080"},
        {"code eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIx.abc end", "code <1> end"},
        {"request 3f2504e0-4f89-11d3-9a0c-0305e82c3301 failed",
         "request 3f2504e0-4f89-11d3-9a0c-0305e82c3301 failed"},
        {"2026-03-02T08:11:45.123Z info  graph     12 requests",
         "2026-03-02T08:11:45.123Z info  graph     12 requests"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct redactor *redactor = fresh();

        expect(redactor, rows[i][0], rows[i][1]);
        redactor_free(redactor);
    }
}

static void redact_text__trusts_no_quote_of_a_line_that_was_cut(void **state)
{
    struct redactor *redactor = fresh();
    char line[1300];
    char *got;

    (void)state;
    memset(line, 'x', sizeof(line));
    memcpy(line, "in 'a", 5);
    memcpy(line + sizeof(line) - 20, " 'Bob's secret fil", 19); /* as log.c cuts it */
    got = redacted(redactor, line);
    assert_string_equal(got, "in <1>");
    free(got);
    redactor_free(redactor);
}

static cJSON *parse(const char *text)
{
    cJSON *json = cJSON_Parse(text);

    assert_non_null(json);
    return json;
}

static void expect_json(cJSON *json, const char *wanted)
{
    char *text = cJSON_PrintUnformatted(json);

    assert_string_equal(text, wanted);
    cJSON_free(text);
    cJSON_Delete(json);
}

static void redact_json__keeps_only_members_that_it_knows(void **state)
{
    struct redactor *redactor = fresh();
    cJSON *json =
        parse("{\"version\":\"1\",\"somethingNew\":\"Ada\",\"accounts\":[{\"name\":\"Contoso\","
              "\"state\":\"signed-in\",\"user\":\"ada@contoso.com\",\"userCode\":\"ABCD\"}],"
              "\"transport\":{\"name\":\"np\",\"root\":\"/home/ada\"},\"count\":3,"
              "\"checks\":[{\"name\":\"clock\",\"level\":\"ok\",\"text\":\"at 'x'\"}],"
              "\"notes\":[\"the letter of 'y' is taken\"]}");

    (void)state;
    assert_int_equal(redact_json(json, redactor, NULL), 0);
    expect_json(json, "{\"version\":\"1\",\"somethingNew\":\"<1>\",\"accounts\":[{\"name\":\"<2>\","
                      "\"state\":\"signed-in\",\"user\":\"<3>\",\"userCode\":\"<4>\"}],"
                      "\"transport\":{\"name\":\"np\",\"root\":\"<5>\"},\"count\":3,"
                      "\"checks\":[{\"name\":\"clock\",\"level\":\"ok\",\"text\":\"at <6>\"}],"
                      "\"notes\":[\"the letter of <7> is taken\"]}");
    redactor_free(redactor);
}

static void redactor_learn_json__learns_the_names_and_not_our_words(void **state)
{
    struct redactor *redactor = fresh();
    cJSON *json = parse("{\"state\":\"waiting\",\"path\":\"Merger plan.docx\"}");

    (void)state;
    assert_int_equal(redactor_learn_json(redactor, json, NULL), 0);
    expect(redactor, "waiting for Merger plan.docx", "waiting for <1>");
    cJSON_Delete(json);
    redactor_free(redactor);
}

static void redact_policy__keeps_what_no_administrator_worded(void **state)
{
    struct redactor *redactor = fresh();
    cJSON *json = parse(
        "{\"files\":[{\"file\":\"/etc/mooring/policy.yaml\",\"state\":\"read\"}],\"settings\":["
        "{\"name\":\"Cloud\",\"value\":\"Custom\",\"default\":\"Global\"},"
        "{\"name\":\"CacheMinutes\",\"value\":5,\"default\":60},"
        "{\"name\":\"ClientId\",\"value\":\"3f2504e0-4f89-11d3-9a0c-0305e82c3301\","
        "\"default\":\"\"},"
        "{\"name\":\"Tenants\",\"value\":[\"contoso.com\"],\"default\":[],"
        "\"sources\":[{\"layer\":\"machinePolicy\",\"value\":[\"contoso.com\"]}],"
        "\"overrides\":[{\"layer\":\"userPolicy\",\"value\":[\"fabrikam.com\"]}]},"
        "{\"name\":\"LocalOnlyPatterns\",\"value\":[\"*.tmp\",\"*.secret\"],"
        "\"default\":[\"*.tmp\"]},"
        "{\"name\":\"MountRoot\",\"value\":\"/home/ada/S\",\"default\":\"/home/ada/S\"}],"
        "\"warnings\":[{\"message\":\"the value 'x' is not a number\"}]}");

    (void)state;
    assert_int_equal(redact_policy(json, redactor, NULL), 0);
    expect_json(json, "{\"files\":[{\"file\":\"/etc/mooring/policy.yaml\",\"state\":\"read\"}],"
                      "\"settings\":["
                      "{\"name\":\"Cloud\",\"value\":\"Custom\",\"default\":\"Global\"},"
                      "{\"name\":\"CacheMinutes\",\"value\":5,\"default\":60},"
                      "{\"name\":\"ClientId\",\"value\":\"3f2504e0-4f89-11d3-9a0c-0305e82c3301\","
                      "\"default\":\"\"},"
                      "{\"name\":\"Tenants\",\"value\":[\"<1>\"],\"default\":[],"
                      "\"sources\":[{\"layer\":\"machinePolicy\",\"value\":[\"<1>\"]}],"
                      "\"overrides\":[{\"layer\":\"userPolicy\",\"value\":[\"<2>\"]}]},"
                      "{\"name\":\"LocalOnlyPatterns\",\"value\":[\"*.tmp\",\"<3>\"],"
                      "\"default\":[\"*.tmp\"]},"
                      "{\"name\":\"MountRoot\",\"value\":\"<4>\",\"default\":\"<4>\"}],"
                      "\"warnings\":[{\"message\":\"the value <5> is not a number\"}]}");
    redactor_free(redactor);
}

/* tests/e2e/test_report.sh opens archives with another program. */
static void zip_end__writes_what_the_format_says(void **state)
{
    static const unsigned char wanted[] = {
        /* local header, 2026-03-02 08:11:44, crc of "123456789" */
        'P', 'K', 3, 4, 20, 0, 0, 8, 0, 0, 0x76, 0x41, 0x62, 0x5C, 0x26, 0x39, 0xF4, 0xCB, 9, 0, 0,
        0, 9, 0, 0, 0, 1, 0, 0, 0, 'a', '1', '2', '3', '4', '5', '6', '7', '8', '9',
        /* directory */
        'P', 'K', 1, 2, 20, 0, 20, 0, 0, 8, 0, 0, 0x76, 0x41, 0x62, 0x5C, 0x26, 0x39, 0xF4, 0xCB, 9,
        0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'a',
        /* end */
        'P', 'K', 5, 6, 0, 0, 0, 0, 1, 0, 1, 0, 47, 0, 0, 0, 40, 0, 0, 0, 0, 0};
    struct zip zip;

    (void)state;
    zip_init(&zip, 4096, INT64_C(1772439105000)); /* 2026-03-02T08:11:45Z */
    assert_int_equal(zip_add(&zip, "a", "123456789", 9, NULL), 0);
    assert_int_equal(zip_end(&zip, NULL), 0);
    assert_int_equal(zip.bytes.size, sizeof(wanted));
    assert_memory_equal(zip.bytes.data, wanted, sizeof(wanted));
    zip_clear(&zip);
}

static void zip_add__keeps_its_limit(void **state)
{
    struct error err = {0};
    struct zip zip;

    (void)state;
    zip_init(&zip, 64, 0);
    assert_int_equal(zip_add(&zip, "a", "123456789012345678901234567890123456789", 39, &err),
                     ERR_LIMIT);
    zip_clear(&zip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redact_text__leaves_out_what_is_quoted),
        cmocka_unit_test(redact_text__gives_the_same_name_the_same_number),
        cmocka_unit_test(redact_text__leaves_out_names_it_was_taught),
        cmocka_unit_test(redact_text__knows_addresses_and_secrets_by_their_form),
        cmocka_unit_test(redact_text__trusts_no_quote_of_a_line_that_was_cut),
        cmocka_unit_test(redact_json__keeps_only_members_that_it_knows),
        cmocka_unit_test(redactor_learn_json__learns_the_names_and_not_our_words),
        cmocka_unit_test(redact_policy__keeps_what_no_administrator_worded),
        cmocka_unit_test(zip_end__writes_what_the_format_says),
        cmocka_unit_test(zip_add__keeps_its_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
