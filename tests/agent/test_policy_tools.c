/*
 * `mooring policy export`, `import` and `diff`, as a user calls them, without a terminal.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../policy/command_run.h"
#include "base/file.h"
#include "commands/policy.h"
#include "test.h"

static bool says(const struct buf *text, const char *part)
{
    return strstr(buf_text(text), part) != NULL;
}

static char *path(struct fixture *f, const char *name)
{
    char *copy = NULL;

    assert_int_equal(str_copy(&copy, fixture_path(f, name), NULL), 0);
    return copy;
}

static void write_sources(struct fixture *f)
{
    fixture_write(f, "machine.yaml",
                  "CacheSizeMB: 4096\nReadOnly: true\nTenants: [contoso.onmicrosoft.com]\n"
                  "LogLevel: Debug\nExcludeSites: ['*/sites/old*', 'title:Ä*']\n"
                  "MountRoot: $HOME/Drives\n");
}

/* Whatever the form: what is read back from it alone is the same. */
static void policy_export__says_the_same_in_every_form(void **state)
{
    static const char *const formats[] = {"yaml", "reg", "regpol"};
    struct fixture *f = *state;
    char *file = path(f, "exported");
    struct outcome outcome;

    write_sources(f);
    for (size_t i = 0; i < 3; i++) {
        POLICY_RUN(&outcome, f, "export", "--format", formats[i], "--output", file);
        assert_int_equal(outcome.exit_code, 0);
        assert_int_equal(outcome.out.size, 0);
        outcome_clear(&outcome);
        POLICY_RUN(&outcome, f, "check", file);
        assert_int_equal(outcome.exit_code, 0);
        outcome_clear(&outcome);
        POLICY_RUN(&outcome, f, "diff", "current", file);
        assert_string_equal(buf_text(&outcome.out), "");
        assert_int_equal(outcome.exit_code, 0);
        outcome_clear(&outcome);
    }
    free(file);
}

/* A script sees by the exit code alone that somebody should look, whatever the form. */
static void policy_export__ends_as_check_does(void **state)
{
    static const char *const formats[] = {"yaml", "reg", "regpol", "intune"};
    static const char *const policies[] = {"CacheSizeMB: 4096\n",
                                           "CacheSizeMB: 4096\nNoSuchSetting: 1\n"};
    struct fixture *f = *state;
    char *file = path(f, "exported.yaml");
    struct outcome outcome;

    for (int warns = 0; warns < 2; warns++) {
        fixture_write(f, "exported.yaml", policies[warns]);
        POLICY_RUN(&outcome, f, "check", file);
        assert_int_equal(outcome.exit_code, warns);
        outcome_clear(&outcome);
        for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
            POLICY_RUN(&outcome, f, "export", "--format", formats[i], file);
            assert_int_equal(outcome.exit_code, warns);
            assert_int_equal(says(&outcome.complaint, "NoSuchSetting"), warns);
            assert_true(outcome.out.size > 0);
            outcome_clear(&outcome);
        }
    }
    free(file);
}

static void policy_export__prints_without_a_file(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;

    write_sources(f);
    POLICY_RUN(&outcome, f, "export", "--format", "yaml");
    assert_int_equal(outcome.exit_code, 0);
    assert_true(says(&outcome.out, "CacheSizeMB: 4096"));
    assert_false(says(&outcome.out, "BlockAboveMB"));
    outcome_clear(&outcome);
    POLICY_RUN(&outcome, f, "export", "--format=yaml", "--all");
    assert_true(says(&outcome.out, "BlockAboveMB: 1024"));
    outcome_clear(&outcome);
}

static void policy_export__warns_of_a_password_and_hides_the_file(void **state)
{
    struct fixture *f = *state;
    char *file = path(f, "secret.yaml");
    struct outcome outcome;
    struct stat st;

    fixture_write(f, "machine.yaml", "ProxyUrl: http://anna:hunter2@proxy:8080\n");
    POLICY_RUN(&outcome, f, "export", "--format", "yaml", "--output", file);
    assert_true(says(&outcome.complaint, "password"));
    assert_false(says(&outcome.complaint, "hunter2"));
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    outcome_clear(&outcome);
    free(file);
}

static void policy_export__makes_a_profile_of_what_the_template_has(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;

    write_sources(f);
    POLICY_RUN(&outcome, f, "export", "--format", "intune");
    assert_int_equal(outcome.exit_code, 1); /* MountRoot means something on Linux only */
    assert_true(says(&outcome.complaint, "MountRoot is left out"));
    assert_true(says(&outcome.out, "./Device/Vendor/MSFT/Policy/ConfigOperations/ADMXInstall"));
    assert_true(says(&outcome.out, "CacheSizeMB"));
    outcome_clear(&outcome);
}

static void policy_export__writes_the_templates_into_a_folder(void **state)
{
    struct fixture *f = *state;
    char *folder = path(f, "admx");
    struct outcome outcome;

    POLICY_RUN(&outcome, f, "export", "--format", "admx");
    assert_int_equal(outcome.exit_code, 2);
    assert_true(says(&outcome.complaint, "--output"));
    outcome_clear(&outcome);
    POLICY_RUN(&outcome, f, "export", "--format", "admx", "--output", folder);
    assert_int_equal(outcome.exit_code, 0);
    assert_true(file_exists(fixture_path(f, "admx/Mooring.admx")));
    assert_true(file_exists(fixture_path(f, "admx/de-DE/Mooring.adml")));
    outcome_clear(&outcome);
    free(folder);
}

static void policy_export__refuses_what_it_cannot_write(void **state)
{
    struct fixture *f = *state;
    char *broken = path(f, "broken.yaml");
    struct outcome outcome;

    write_sources(f);
    POLICY_RUN(&outcome, f, "export", "--format", "toml");
    assert_int_equal(outcome.exit_code, 2);
    assert_true(says(&outcome.complaint, "toml"));
    outcome_clear(&outcome);
    fixture_write(f, "broken.yaml", "A: [1\n");
    POLICY_RUN(&outcome, f, "export", "--format", "yaml", broken);
    assert_int_equal(outcome.exit_code, 2);
    assert_int_equal(outcome.out.size, 0);
    outcome_clear(&outcome);
    POLICY_RUN(&outcome, f, "export", "--format", "yaml", "--output", "/nowhere/x.yaml");
    assert_int_equal(outcome.exit_code, 2);
    outcome_clear(&outcome);
    free(broken);
}

static void policy_diff__names_value_and_source_of_both(void **state)
{
    struct fixture *f = *state;
    char *other = path(f, "other.yaml");
    struct outcome outcome;

    write_sources(f);
    fixture_write(f, "other.yaml",
                  "CacheSizeMB: 1\nReadOnly: true\nTenants: [contoso.onmicrosoft.com]\n"
                  "LogLevel: Debug\nExcludeSites: ['*/sites/old*', 'title:Ä*']\n"
                  "MountRoot: $HOME/Drives\n");
    POLICY_RUN(&outcome, f, "diff", "current", other);
    assert_int_equal(outcome.exit_code, 1);
    assert_true(says(&outcome.out, "CacheSizeMB\n  - 4096\n  + 1\n"));
    assert_true(says(&outcome.out, "machine.yaml:1"));
    assert_true(says(&outcome.out, "other.yaml:1"));
    assert_false(says(&outcome.out, "ReadOnly"));
    outcome_clear(&outcome);
    POLICY_RUN(&outcome, f, "diff", "--json", "current", other);
    assert_int_equal(outcome.exit_code, 1);
    assert_true(says(&outcome.out, "\"name\":\t\"CacheSizeMB\""));
    outcome_clear(&outcome);
    POLICY_RUN(&outcome, f, "diff", other, other);
    assert_int_equal(outcome.exit_code, 0);
    outcome_clear(&outcome);
    POLICY_RUN(&outcome, f, "diff", other, "/nowhere");
    assert_int_equal(outcome.exit_code, 2);
    outcome_clear(&outcome);
    free(other);
}

static void policy_diff__shows_no_password(void **state)
{
    struct fixture *f = *state;
    char *other = path(f, "other.yaml");
    struct outcome outcome;

    fixture_write(f, "other.yaml", "ProxyUrl: http://anna:hunter2@proxy:8080\n");
    POLICY_RUN(&outcome, f, "diff", "current", other);
    assert_int_equal(outcome.exit_code, 1);
    assert_false(says(&outcome.out, "hunter2"));
    outcome_clear(&outcome);
    POLICY_RUN(&outcome, f, "diff", "--json", "current", other);
    assert_false(says(&outcome.out, "hunter2"));
    outcome_clear(&outcome);
    free(other);
}

static const char konnekt[] = "Windows Registry Editor Version 5.00\r\n\r\n"
                              "[HKEY_LOCAL_MACHINE\\Software\\Policies\\GlueckKanja\\Konnekt]\r\n"
                              "\"ConnectDrive\"=\"P:\"\r\n"
                              "\"NobodyKnowsThis\"=\"1\"\r\n";

static void policy_import__converts_and_lists_the_rest(void **state)
{
    struct fixture *f = *state;
    char *reg = path(f, "konnekt.reg");
    struct outcome outcome;

    fixture_write(f, "konnekt.reg", konnekt);
    POLICY_RUN(&outcome, f, "import", "--from", "konnekt", reg);
    assert_int_equal(outcome.exit_code, 1);
    assert_true(says(&outcome.out, "OneDriveDrive"));
    assert_true(says(&outcome.out, "P:"));
    assert_true(says(&outcome.complaint, "NobodyKnowsThis"));
    outcome_clear(&outcome);
    POLICY_RUN(&outcome, f, "import", "--from", "konnekt", "--json", reg);
    assert_int_equal(outcome.exit_code, 1);
    assert_true(says(&outcome.out, "\"notes\""));
    assert_true(says(&outcome.out, "NobodyKnowsThis"));
    outcome_clear(&outcome);
    free(reg);
}

static void policy_import__says_when_there_is_nothing(void **state)
{
    struct fixture *f = *state;
    char *reg = path(f, "empty.reg");
    struct outcome outcome;

    fixture_write(f, "empty.reg", "Windows Registry Editor Version 5.00\r\n\r\n");
    POLICY_RUN(&outcome, f, "import", "--from", "konnekt", reg);
    assert_int_equal(outcome.exit_code, 2);
    assert_true(says(&outcome.complaint, "no policy of KONNEKT"));
    outcome_clear(&outcome);
    POLICY_RUN(&outcome, f, "import", "--from", "other", reg);
    assert_int_equal(outcome.exit_code, 2);
    outcome_clear(&outcome);
    POLICY_RUN(&outcome, f, "import", "--from", "konnekt", "/nowhere.reg");
    assert_int_equal(outcome.exit_code, 2);
    outcome_clear(&outcome);
    free(reg);
}

static void policy_command__asks_the_agent_only_for_show(void **state)
{
    struct policy_show show = {0};
    const char *const plain[] = {"policy", "show"};
    const char *const all[] = {"policy", "show", "--all", "--json"};
    const char *const other[] = {"policy", "show", "--policy", "x"};
    const char *const check[] = {"policy", "check", "x"};

    (void)state;
    assert_true(policy_command_is_show(&show, 2, plain));
    assert_false(show.is_all || show.is_json);
    assert_true(policy_command_is_show(&show, 4, all));
    assert_true(show.is_all && show.is_json);
    assert_false(policy_command_is_show(&show, 4, other));
    assert_false(policy_command_is_show(&show, 3, check));
}

static void policy_command__refuses_options_of_other_verbs(void **state)
{
    static const char *const cases[][6] = {{"policy", "export", NULL},
                                           {"policy", "export", "--format", "yaml", "a", "b"},
                                           {"policy", "diff", "a", NULL},
                                           {"policy", "diff", "--all", "a", "b", NULL},
                                           {"policy", "import", "x", NULL},
                                           {"policy", "show", "--user", NULL},
                                           {"policy", "check", "--output", "y", "x", NULL}};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *words[7] = {NULL};
        struct outcome outcome;

        memcpy(words, cases[i], sizeof(cases[i]));
        policy_run(&outcome, f, words);
        assert_int_equal(outcome.exit_code, 2);
        assert_true(says(&outcome.complaint, "usage:"));
        outcome_clear(&outcome);
    }
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

static const struct CMUnitTest tests[] = {
    ROW(policy_export__says_the_same_in_every_form),
    ROW(policy_export__ends_as_check_does),
    ROW(policy_export__prints_without_a_file),
    ROW(policy_export__warns_of_a_password_and_hides_the_file),
    ROW(policy_export__makes_a_profile_of_what_the_template_has),
    ROW(policy_export__writes_the_templates_into_a_folder),
    ROW(policy_export__refuses_what_it_cannot_write),
    ROW(policy_diff__names_value_and_source_of_both),
    ROW(policy_diff__shows_no_password),
    ROW(policy_import__converts_and_lists_the_rest),
    ROW(policy_import__says_when_there_is_nothing),
    cmocka_unit_test(policy_command__asks_the_agent_only_for_show),
    ROW(policy_command__refuses_options_of_other_verbs),
};

TEST_MAIN("policy tools", tests)
