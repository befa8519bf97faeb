/*
 * Reading a policy again while it changes: what is broken now keeps what it said; and the registry as
 * a source, played by a table.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "policy/settings.h"
#include "registry.h"

static void reload(struct fixture *f)
{
    struct policy *old = f->policy;
    struct error err = {0};

    f->policy = NULL;
    if (policy_reload(&f->policy, old, &f->sources, &err) < 0) {
        fail_msg("policy_reload: %s", err.message);
    }
    policy_free(old); /* what was kept is a copy */
}

static enum policy_file_state state_of(struct fixture *f, const char *name)
{
    for (size_t i = 0; i < policy_file_count(f->policy); i++) {
        if (str_ends_with(policy_file_at(f->policy, i)->path, name)) {
            return policy_file_at(f->policy, i)->state;
        }
    }
    fail_msg("no file %s", name);
    return POLICY_FILE_ABSENT;
}

static const char guid[] = "11111111-2222-3333-4444-555555555555";

static void policy_reload__keeps_what_a_broken_file_said(void **state)
{
    struct fixture *f = *state;
    const struct policy_result *result;
    char text[256];

    snprintf(text, sizeof(text), "AllowedTenants: ['%s']\nMountRoot: ~/D\nCacheMinutes: 5\n", guid);
    fixture_write(f, "machine.yaml", text);
    fixture_write(f, "policy.d/1.yaml", "CacheMinutes: 6\nExcludeSites: [a]\n");
    fixture_write(f, "user.yaml", "CacheMinutes: 7\nLogFiles: 3\n");
    fixture_load(f);
    fixture_write(f, "machine.yaml", "AllowedTenants: [\n");
    fixture_write(f, "policy.d/1.yaml", "CacheMinutes: 8\n");
    for (int i = 0; i < 3; i++) { /* as often as it is tried */
        reload(f);
        assert_string_equal(fixture_text(f, "AllowedTenants"), guid);
        assert_string_equal(fixture_text(f, "MountRoot"), "/home/anna/D");
        assert_string_equal(policy_result_find(f->policy, "MountRoot")->winner->written, "~/D");
        assert_string_equal(fixture_text(f, "CacheMinutes"), "8");
        assert_string_equal(fixture_text(f, "ExcludeSites"), "");
        assert_int_equal(state_of(f, "machine.yaml"), POLICY_FILE_KEPT);
        assert_int_equal(state_of(f, "1.yaml"), POLICY_FILE_READ);
        assert_int_equal(policy_error_count(f->policy), 1);
        assert_warnings(f, "warning 0 -\nerror 2 -\n");
        assert_sentence(f, 0, "stays in force");
        assert_false(policy_is_restriction_unknown(f->policy));
    }
    result = policy_result_find(f->policy, "CacheMinutes");
    assert_int_equal(result->value_count, 4);
    assert_string_equal(result->values[1].text, "5");
    assert_int_equal(result->values[1].line, 3);
    assert_string_equal(result->values[1].file, fixture_path(f, "machine.yaml"));

    fixture_write(f, "machine.yaml", "CacheMinutes: 9\n"); /* mended */
    reload(f);
    assert_warnings(f, "");
    assert_string_equal(fixture_text(f, "AllowedTenants"), "");
    assert_int_equal(state_of(f, "machine.yaml"), POLICY_FILE_READ);
}

static void policy_reload__forgets_a_file_that_is_gone(void **state)
{
    struct fixture *f = *state;

    fixture_load_machine(f, "CacheMinutes: 5\n");
    unlink(fixture_path(f, "machine.yaml"));
    reload(f);
    assert_string_equal(fixture_text(f, "CacheMinutes"), "60");
    assert_int_equal(state_of(f, "machine.yaml"), POLICY_FILE_ABSENT);
    assert_warnings(f, "");
    fixture_write(f, "machine.yaml", "["); /* there is nothing to keep */
    reload(f);
    assert_int_equal(state_of(f, "machine.yaml"), POLICY_FILE_BROKEN);
    assert_true(policy_is_restriction_unknown(f->policy));
}

static void policy_reload__keeps_a_named_file_of_any_form(void **state)
{
    struct fixture *f = *state;

    fixture_write(
        f, "x.reg",
        "Windows Registry Editor Version 5.00\n[HKLM\\Software\\Policies\\Mooring]\n"
        "\"CacheMinutes\"=dword:5\n[HKCU\\Software\\Mooring]\n\"CacheMinutes\"=dword:6\n");
    assert_int_equal(policy_sources_override(&f->sources, fixture_path(f, "x.reg"), NULL), 0);
    fixture_load(f);
    fixture_write(f, "x.reg", "Windows Registry Editor Version 5.00\nrubbish\n");
    reload(f);
    assert_string_equal(fixture_text(f, "CacheMinutes"), "5");
    assert_int_equal(policy_result_find(f->policy, "CacheMinutes")->value_count, 3);
    assert_warnings(f, "warning 0 -\nerror 2 -\n");
}

/* A folder that is a file now stands for one that cannot be read, which root always can. */
static void policy_reload__keeps_the_files_of_a_folder(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "policy.d/1.yaml", "CacheMinutes: 5\nExcludeSites: [a]\n");
    fixture_write(f, "policy.d/2.yaml", "CacheMinutes: 6\n");
    fixture_load(f);
    unlink(fixture_path(f, "policy.d/1.yaml"));
    unlink(fixture_path(f, "policy.d/2.yaml"));
    assert_int_equal(rmdir(fixture_path(f, "policy.d")), 0);
    fixture_write(f, "policy.d", "not a folder");
    for (int i = 0; i < 2; i++) {
        reload(f);
        assert_string_equal(fixture_text(f, "CacheMinutes"), "6");
        assert_string_equal(fixture_text(f, "ExcludeSites"), "a");
        assert_int_equal(policy_error_count(f->policy), 1);
        assert_false(policy_is_restriction_unknown(f->policy));
    }
    fixture_load(f);
    assert_string_equal(fixture_text(f, "CacheMinutes"), "60");
    assert_true(policy_is_restriction_unknown(f->policy));
}

static void policy_is_restriction_unknown__looks_at_policies_only(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "user.yaml", "[");
    fixture_load(f);
    assert_int_equal(policy_error_count(f->policy), 1);
    assert_false(policy_is_restriction_unknown(f->policy));
    fixture_write(f, "policy.d/1.yaml", "[");
    fixture_load(f);
    assert_true(policy_is_restriction_unknown(f->policy));
}

/* Root's own tests see the mode, others the owner: both are told. */
static void policy_load__warns_when_others_can_change_the_machine_policy(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "machine.yaml", "");
    fixture_write(f, "user.yaml", "");
    assert_int_equal(chmod(fixture_path(f, "user.yaml"), 0666), 0);
    fixture_load(f);
    assert_warnings(f, ""); /* sources of a test or a tool are not asked */
    f->sources.checks_owner = true;
    assert_int_equal(chmod(fixture_path(f, "machine.yaml"), 0646), 0);
    fixture_load(f);
    assert_warnings(f, "warning 0 -\n");
    assert_sentence(f, 0, "others than root can change this policy");
    assert_int_equal(chmod(fixture_path(f, "machine.yaml"), 0644), 0);
    fixture_load(f);
    if (geteuid() == 0) {
        assert_warnings(f, "");
        assert_int_equal(chmod(f->directory, 0777), 0);
        fixture_load(f);
    }
    assert_warnings(f, "warning 0 -\n");
}

/* The registry as a table. */
struct row {
    bool is_machine;
    const char *key;
    const char *name;
    char number; /* a REG_DWORD */
};
struct table {
    const struct row *rows;
    size_t count;
    bool is_denied; /* the machine's policy */
};

static int read_table(struct registry_image *image, bool is_machine, const char *key, void *payload,
                      struct error *err)
{
    const struct table *table = payload;
    int code = 0;

    if (table->is_denied && is_machine && strcmp(key, REGISTRY_POLICY_KEY) == 0) {
        return error_set(err, ERR_DENIED, "the key must not be read");
    }
    for (size_t i = 0; code == 0 && i < table->count; i++) {
        unsigned char data[4] = {(unsigned char)table->rows[i].number, 0, 0, 0};
        struct registry_value value = {.hive = is_machine ? REGISTRY_MACHINE : REGISTRY_USER,
                                       .key = (char *)table->rows[i].key,
                                       .name = (char *)table->rows[i].name,
                                       .type = REGISTRY_DWORD,
                                       .data = data,
                                       .size = sizeof(data)};

        if (table->rows[i].is_machine == is_machine && strcmp(table->rows[i].key, key) == 0) {
            code = registry_image_put(image, &value, err);
        }
    }
    return code;
}

static const char *no_variable(const char *name, void *payload)
{
    (void)payload;
    return strcmp(name, "HOME") == 0 ? "/home/anna" : NULL;
}

static void policy_load__reads_the_registry_as_four_layers(void **state)
{
    static const struct row rows[] = {
        {false, REGISTRY_PREFERENCE_KEY, "CacheMinutes", 4},
        {true, REGISTRY_PREFERENCE_KEY, "CacheMinutes", 3},
        {false, REGISTRY_POLICY_KEY, "CacheMinutes", 2},
        {true, REGISTRY_POLICY_KEY, "CacheMinutes", 1},
        {false, REGISTRY_POLICY_KEY, "ReadOnly", 1},
    };
    struct table table = {.rows = rows, .count = 5};
    struct policy_sources sources = {
        .registry = read_table, .variable = no_variable, .payload = &table};
    struct fixture *f = *state;
    struct policy *old;
    const struct policy_result *result;

    assert_int_equal(policy_load(&f->policy, &sources, NULL), 0);
    result = policy_result_find(f->policy, "CacheMinutes");
    assert_int_equal(result->value_count, 5);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(result->values[i].layer, POLICY_LAYER_MACHINE_POLICY + i);
        assert_int_equal(result->values[i].text[0], '1' + i);
    }
    assert_string_equal(result->winner->file, "HKLM\\Software\\Policies\\Mooring");
    assert_string_equal(result->values[3].file, "HKCU\\Software\\Mooring");
    assert_warnings(f, "");
    assert_int_equal(policy_sources_override(&sources, "/x.yaml", NULL), ERR_DENIED);

    table.is_denied = true;
    old = f->policy;
    assert_int_equal(policy_reload(&f->policy, old, &sources, NULL), 0);
    policy_free(old);
    assert_string_equal(fixture_text(f, "CacheMinutes"), "1");
    assert_int_equal(state_of(f, "HKLM\\Software\\Policies\\Mooring"), POLICY_FILE_KEPT);
    assert_int_equal(policy_sources_override(&sources, "/x.yaml", NULL), ERR_DENIED);
    policy_free(f->policy);
    f->policy = NULL;
    assert_int_equal(policy_load(&f->policy, &sources, NULL), 0);
    assert_string_equal(fixture_text(f, "CacheMinutes"), "2");
    assert_true(policy_is_restriction_unknown(f->policy));

    table = (struct table){.rows = rows, .count = 2}; /* preferences only */
    assert_int_equal(policy_sources_override(&sources, "/x.yaml", NULL), 0);
    policy_sources_clear(&sources);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

static const struct CMUnitTest tests[] = {
    ROW(policy_reload__keeps_what_a_broken_file_said),
    ROW(policy_reload__forgets_a_file_that_is_gone),
    ROW(policy_reload__keeps_a_named_file_of_any_form),
    ROW(policy_reload__keeps_the_files_of_a_folder),
    ROW(policy_is_restriction_unknown__looks_at_policies_only),
    ROW(policy_load__warns_when_others_can_change_the_machine_policy),
    ROW(policy_load__reads_the_registry_as_four_layers),
};

TEST_MAIN("reload", tests)
