#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "command_run.h"

/* Puts "DIR" where the fixture's folder stands, so that a golden file can be compared. */
static void hide_directory(struct buf *out, const char *text, const char *directory)
{
    const char *at;

    while ((at = strstr(text, directory)) != NULL) {
        buf_add(out, text, (size_t)(at - text), NULL);
        buf_add_text(out, "DIR", NULL);
        text = at + strlen(directory);
    }
    buf_add_text(out, text, NULL);
}

/* MOORING_UPDATE_GOLDEN=1 writes the file anew: look at the difference before you commit it. */
static void assert_golden(struct fixture *f, const struct buf *actual, const char *name)
{
    char path[512];
    struct buf shown;
    struct buf expected;

    snprintf(path, sizeof(path), "%s/%s", POLICY_DATA, name);
    buf_init(&shown, 1 << 24);
    buf_init(&expected, 1 << 24);
    hide_directory(&shown, buf_text(actual), f->directory);
    if (getenv("MOORING_UPDATE_GOLDEN")) {
        assert_int_equal(file_write_atomic(path, buf_text(&shown), shown.size, NULL), 0);
    }
    assert_int_equal(file_read_all(&expected, path, NULL), 0);
    assert_string_equal(buf_text(&shown), buf_text(&expected));
    buf_clear(&shown);
    buf_clear(&expected);
}

static void write_sources(struct fixture *f)
{
    fixture_write(f, "machine.yaml",
                  "Tenants:\n  - contoso.onmicrosoft.com\n  - fabrikam.example|no guid\n"
                  "CacheSizeMB: 4096\nReadOnly: yes\nCacheSizeMb: 12\n"
                  "ProxyUrl: http://anna:hunter2@proxy:8080\n");
    fixture_write(f, "policy.d/50-branch.yaml",
                  "CacheSizeMB: 1024\nExcludeSites: ['*/sites/old*']\n");
    fixture_write(f, "user.yaml",
                  "CacheSizeMB: 1\nExcludeSites: [x]\nCaFile: /tmp/ca.pem\nMountRoot: ~/Drives\n");
}

static void policy_show__matches_the_golden_text(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;

    write_sources(f);
    POLICY_RUN(&outcome, f, "show");
    assert_int_equal(outcome.exit_code, 1);
    assert_string_equal(buf_text(&outcome.complaint), "");
    assert_golden(f, &outcome.out, "show.txt");
    assert_null(strstr(buf_text(&outcome.out), "hunter2"));
    outcome_clear(&outcome);
}

static void policy_show__matches_the_golden_json(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;

    write_sources(f);
    POLICY_RUN(&outcome, f, "show", "--json");
    assert_int_equal(outcome.exit_code, 1);
    assert_golden(f, &outcome.out, "show.json");
    assert_null(strstr(buf_text(&outcome.out), "hunter2"));
    outcome_clear(&outcome);
}

static void policy_show__lists_every_setting_with_all(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;

    POLICY_RUN(&outcome, f, "show", "--all");
    assert_int_equal(outcome.exit_code, 0);
    for (size_t i = 0; i < schema_count(); i++) {
        char line[64];

        snprintf(line, sizeof(line), "  %s = ", schema_at(i)->name);
        assert_non_null(strstr(buf_text(&outcome.out), line));
    }
    assert_golden(f, &outcome.out, "show-all.txt");
    outcome_clear(&outcome);
}

static void policy_show__says_when_nothing_is_set(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;

    POLICY_RUN(&outcome, f, "show");
    assert_int_equal(outcome.exit_code, 0);
    assert_non_null(strstr(buf_text(&outcome.out), "No source sets anything"));
    outcome_clear(&outcome);
}

static void policy_show__refuses_an_override_of_a_machine_policy(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;

    fixture_write(f, "demo.yaml", "CacheSizeMB: 5\n");
    POLICY_RUN(&outcome, f, "show", "--policy", fixture_path(f, "demo.yaml"));
    assert_int_equal(outcome.exit_code, 0);
    assert_non_null(strstr(buf_text(&outcome.out), "CacheSizeMB = 5 MB"));
    outcome_clear(&outcome);

    fixture_write(f, "machine.yaml", "");
    POLICY_RUN(&outcome, f, "show", "--policy", fixture_path(f, "demo.yaml"));
    assert_int_equal(outcome.exit_code, 2);
    assert_string_equal(buf_text(&outcome.out), "");
    assert_non_null(strstr(buf_text(&outcome.complaint), "refused"));
    outcome_clear(&outcome);
}

static void policy_check__tells_by_its_exit_code(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;

    /* a machine policy does not matter: one file is looked at, nothing is overridden */
    fixture_write(f, "machine.yaml", "Nonsense: 1\n");
    fixture_write(f, "good.yaml", "CacheSizeMB: 5\n");
    POLICY_RUN(&outcome, f, "check", fixture_path(f, "good.yaml"));
    assert_int_equal(outcome.exit_code, 0);
    assert_non_null(strstr(buf_text(&outcome.out), "good.yaml: nothing is wrong\n"));
    outcome_clear(&outcome);

    write_sources(f);
    POLICY_RUN(&outcome, f, "check", fixture_path(f, "machine.yaml"));
    assert_int_equal(outcome.exit_code, 1);
    assert_golden(f, &outcome.out, "check.txt");
    outcome_clear(&outcome);

    fixture_write(f, "bad.yaml", "CacheSizeMB: [1\n");
    POLICY_RUN(&outcome, f, "check", fixture_path(f, "bad.yaml"));
    assert_int_equal(outcome.exit_code, 2);
    assert_non_null(strstr(buf_text(&outcome.out), "bad.yaml:2: error: the file is not used"));
    outcome_clear(&outcome);

    POLICY_RUN(&outcome, f, "check", "--json", fixture_path(f, "gone.yaml"));
    assert_int_equal(outcome.exit_code, 2);
    assert_non_null(strstr(buf_text(&outcome.out), "\"severity\":\t\"error\""));
    outcome_clear(&outcome);
}

static void policy_command__refuses_what_it_does_not_know(void **state)
{
    static const char *const cases[][4] = {{"policy", NULL},
                                           {"policy", "frobnicate", NULL},
                                           {"policy", "check", NULL},
                                           {"policy", "show", "file", NULL},
                                           {"policy", "show", "--jsn", NULL},
                                           {"policy", "show", "--policy", NULL},
                                           {"policy", "check", "--all", "x"}};
    struct fixture *f = *state;
    struct outcome outcome;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const words[5] = {cases[i][0], cases[i][1], cases[i][2], cases[i][3], NULL};

        policy_run(&outcome, f, words);
        assert_int_equal(outcome.exit_code, 2);
        assert_non_null(strstr(buf_text(&outcome.complaint), "usage:"));
        outcome_clear(&outcome);
    }
    POLICY_RUN(&outcome, f, "--help");
    assert_int_equal(outcome.exit_code, 0);
    assert_non_null(strstr(buf_text(&outcome.out), "usage:"));
    outcome_clear(&outcome);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

static const struct CMUnitTest tests[] = {
    ROW(policy_show__matches_the_golden_text),
    ROW(policy_show__matches_the_golden_json),
    ROW(policy_show__lists_every_setting_with_all),
    ROW(policy_show__says_when_nothing_is_set),
    ROW(policy_show__refuses_an_override_of_a_machine_policy),
    ROW(policy_check__tells_by_its_exit_code),
    ROW(policy_command__refuses_what_it_does_not_know),
};

TEST_MAIN("policy command", tests)
