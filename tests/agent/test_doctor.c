/* How bad what was found is. Pure; tests/e2e/test_doctor.sh has the finding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "commands/command.h"
#include "doctor.h"

static void setup_checks(struct doctor *doctor)
{
    memset(doctor, 0, sizeof(*doctor));
    doctor->checks = cJSON_CreateArray();
}

static const cJSON *find(const struct doctor *doctor, const char *name)
{
    const cJSON *check;

    cJSON_ArrayForEach(check, doctor->checks)
    {
        if (strcmp(answer_text(check, "name"), name) == 0) {
            return check;
        }
    }
    return NULL;
}

static void expect_level(const struct doctor *doctor, const char *name, const char *level)
{
    const cJSON *check = find(doctor, name);

    assert_non_null(check);
    assert_string_equal(answer_text(check, "level"), level);
    /* what is wrong says what to do; what is right does not */
    assert_int_equal(*answer_text(check, "advice") != '\0', strcmp(level, "ok") != 0);
}

static void doctor_judge_clock__allows_a_minute_and_fails_at_five(void **state)
{
    static const struct {
        int64_t skew_ms;
        const char *level;
    } rows[] = {{0, "ok"},           {59000, "ok"},       {-59000, "ok"},
                {61000, "warning"},  {-61000, "warning"}, {299000, "warning"},
                {-301000, "failed"}, {86400000, "failed"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct doctor doctor;

        setup_checks(&doctor);
        doctor_judge_clock(&doctor, INT64_C(1800000000000) + rows[i].skew_ms,
                           INT64_C(1800000000000));
        expect_level(&doctor, "clock", rows[i].level);
        cJSON_Delete(doctor.checks);
    }
}

static void doctor_judge_clock__says_which_way(void **state)
{
    struct doctor doctor;

    (void)state;
    setup_checks(&doctor);
    doctor_judge_clock(&doctor, 1000000, 1000000 + 400000);
    assert_string_equal(answer_text(find(&doctor, "clock"), "text"),
                        "this machine's is 400 seconds slow");
    cJSON_Delete(doctor.checks);
}

static void doctor_judge_issuer__suspects_only_strangers_before_microsofts_hosts(void **state)
{
    static const struct {
        const char *issuer;
        bool is_microsoft;
        const char *level; /* NULL: no line */
    } rows[] = {{"C = US, O = Microsoft Corporation, CN = Microsoft Azure RSA TLS", true, "ok"},
                {"C=US,O=DigiCert Inc,CN=DigiCert Global G2", true, "ok"},
                {"C = US, O = Zscaler Inc., CN = Zscaler Intermediate", true, "warning"},
                {"CN = Microsoft Corporation", true, "warning"}, /* a name anybody may take */
                {"CN = test CA", false, "ok"},
                {"", true, NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct doctor doctor;

        setup_checks(&doctor);
        doctor_judge_issuer(&doctor, "https://login.microsoftonline.com", rows[i].issuer,
                            rows[i].is_microsoft);
        if (rows[i].level) {
            expect_level(&doctor, "certificate", rows[i].level);
        } else {
            assert_int_equal(cJSON_GetArraySize(doctor.checks), 0);
        }
        cJSON_Delete(doctor.checks);
    }
}

/* Checks of the answer to `status`. */
static void check_status(struct doctor *doctor, const char *text)
{
    struct error none = {0};
    cJSON *status = cJSON_Parse(text);

    assert_non_null(status);
    setup_checks(doctor);
    doctor_check_agent(doctor, status, &none);
    cJSON_Delete(status);
}

static void doctor_check_agent__is_content_with_a_healthy_one(void **state)
{
    struct doctor doctor;

    (void)state;
    check_status(&doctor,
                 "{\"version\":\"" MOORING_VERSION "\",\"started\":\"2026-03-02T08:11:45Z\","
                 "\"transport\":{\"name\":\"np\",\"root\":\"/mnt\",\"mounted\":true},"
                 "\"accounts\":[{\"tenant\":\"contoso\",\"state\":\"signed-in\","
                 "\"libraries\":3,\"mapped\":2}],\"files\":{\"unsaved\":[]}}");
    expect_level(&doctor, "agent", "ok");
    expect_level(&doctor, "sign-in", "ok");
    expect_level(&doctor, "mount", "ok");
    expect_level(&doctor, "uploads", "ok");
    assert_int_equal(doctor.counts[DOCTOR_WARNING] + doctor.counts[DOCTOR_FAILED], 0);
    cJSON_Delete(doctor.checks);
}

static void doctor_check_agent__names_each_thing_that_is_wrong(void **state)
{
    struct doctor doctor;

    (void)state;
    check_status(&doctor,
                 "{\"version\":\"0.0.9\",\"transport\":{\"name\":\"np\",\"mounted\":false,"
                 "\"error\":{\"code\":\"IO\",\"message\":\"somebody unmounted it\"}},"
                 "\"accounts\":[{\"tenant\":\"contoso\",\"state\":\"signed-out\","
                 "\"reason\":\"the token was revoked\",\"next\":\"mooring login\"}],"
                 "\"files\":{\"unsaved\":[{\"path\":\"a.docx\"}],\"deletes\":{\"paused\":true,"
                 "\"threshold\":200}},\"setupProblems\":[\"the tenant 'x' is left out\"],"
                 "\"policy\":{\"problems\":[\"no log file\"]},"
                 "\"stateError\":{\"code\":\"IO\",\"message\":\"disk full\"},"
                 "\"failedMappings\":2,\"firstFailure\":{\"message\":\"letter taken\"}}");
    expect_level(&doctor, "agent", "warning");
    expect_level(&doctor, "mount", "failed");
    expect_level(&doctor, "sign-in", "failed");
    expect_level(&doctor, "uploads", "failed");
    expect_level(&doctor, "deletes", "warning");
    expect_level(&doctor, "tenant", "failed");
    expect_level(&doctor, "policy", "warning");
    expect_level(&doctor, "memory", "warning");
    expect_level(&doctor, "mappings", "warning");
    assert_non_null(strstr(answer_text(find(&doctor, "sign-in"), "advice"), "mooring login"));
    assert_null(strstr(answer_text(find(&doctor, "uploads"), "text"), "a.docx"));
    cJSON_Delete(doctor.checks);
}

static void doctor_check_agent__fails_without_one(void **state)
{
    struct doctor doctor;
    struct error why = {0};

    (void)state;
    setup_checks(&doctor);
    error_set(&why, ERR_NOT_FOUND, "no agent runs");
    doctor_check_agent(&doctor, NULL, &why);
    assert_int_equal(doctor.counts[DOCTOR_FAILED], 1);
    assert_string_equal(answer_text(find(&doctor, "agent"), "text"), "no agent runs");
    cJSON_Delete(doctor.checks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doctor_judge_clock__allows_a_minute_and_fails_at_five),
        cmocka_unit_test(doctor_judge_clock__says_which_way),
        cmocka_unit_test(doctor_judge_issuer__suspects_only_strangers_before_microsofts_hosts),
        cmocka_unit_test(doctor_check_agent__is_content_with_a_healthy_one),
        cmocka_unit_test(doctor_check_agent__names_each_thing_that_is_wrong),
        cmocka_unit_test(doctor_check_agent__fails_without_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
