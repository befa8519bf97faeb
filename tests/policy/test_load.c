#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

static void policy_load__without_sources_gives_defaults(void **state)
{
    struct fixture *f = *state;
    const struct settings *settings;

    fixture_load(f);
    settings = policy_settings(f->policy);
    assert_warnings(f, "");
    assert_true(settings->enabled);
#ifdef _WIN32
    assert_string_equal(settings->mount_root, ""); /* means something on Linux only */
    assert_string_equal(settings->cache_directory,
                        "C:\\Users\\anna\\AppData\\Local\\Mooring\\cache");
#else
    assert_string_equal(settings->mount_root, "/home/anna/SharePoint");
    assert_string_equal(settings->cache_directory, "/home/anna/.cache/mooring");
    assert_string_equal(settings->journal_directory, "/home/anna/.local/state/mooring/journal");
#endif
    assert_int_equal(policy_result_find(f->policy, "MountRoot")->winner->layer,
                     POLICY_LAYER_DEFAULT);
}

static void policy_load__takes_a_scalar_from_the_highest_and_keeps_the_losers(void **state)
{
    struct fixture *f = *state;
    const struct policy_result *result;

    fixture_write(f, "machine.yaml", "# policy\nCacheSizeMB: 100\nMaxConnections: 4\n");
    fixture_write(f, "policy.d/10-a.yaml", "CacheSizeMB: 200\n");
    fixture_write(f, "policy.d/20-b.yaml", "\n\nCacheSizeMB: 300\n");
    fixture_write(f, "user.yaml", "CacheSizeMB: 400\nMaxConnections: 5\nCacheMinutes: 7\n");
    fixture_load(f);

    assert_warnings(f, "");
    assert_int_equal(policy_settings(f->policy)->cache_size_mb, 300);
    assert_int_equal(policy_settings(f->policy)->max_connections, 4);
    assert_int_equal(policy_settings(f->policy)->cache_minutes, 7);
    result = policy_result_find(f->policy, "CacheSizeMB");
    assert_int_equal(result->value_count, 5);
    assert_ptr_equal(result->winner, &result->values[0]);
    assert_string_equal(result->winner->file, fixture_path(f, "policy.d/20-b.yaml"));
    assert_int_equal(result->winner->line, 3);
    assert_string_equal(result->values[1].text, "200");
    assert_string_equal(result->values[2].text, "100");
    assert_int_equal(result->values[2].line, 2);
    assert_string_equal(result->values[3].text, "400");
    assert_int_equal(result->values[3].layer, POLICY_LAYER_USER_PREFERENCE);
    assert_int_equal(result->values[4].layer, POLICY_LAYER_DEFAULT);
    for (size_t i = 1; i < 5; i++) {
        assert_false(result->values[i].is_used);
    }
}

static void policy_load__lets_the_next_source_win_over_a_bad_value(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "machine.yaml", "CacheMinutes: lots\nTransport: Ftp\n");
    fixture_write(f, "user.yaml", "CacheMinutes: 9\n");
    fixture_load(f);
    assert_string_equal(fixture_text(f, "CacheMinutes"), "9");
    assert_string_equal(fixture_text(f, "Transport"), "Auto");
    assert_warnings(f, "warning 1 CacheMinutes\nwarning 2 Transport\n");
    assert_sentence(f, 1, "not used: the value 'Ftp' is not one of Auto, Np and WebDav");
}

static void policy_load__unites_lists_of_policies(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "machine.yaml", "ExcludeSites:\n- https://a/*\n- https://b/*\n");
    fixture_write(f, "policy.d/1.yaml", "ExcludeSites: ['https://c/*', 'HTTPS://A/*']\n");
    fixture_write(f, "user.yaml", "ExcludeSites:\n- https://user/*\nIncludeSites: [x]\n");
    fixture_load(f);
    assert_string_equal(fixture_text(f, "ExcludeSites"), "https://c/*\nHTTPS://A/*\nhttps://b/*");
    assert_int_equal(policy_settings(f->policy)->exclude_sites.count, 3);
    /* a preference counts only where no policy speaks */
    assert_string_equal(fixture_text(f, "IncludeSites"), "x");
    assert_false(policy_result_find(f->policy, "ExcludeSites")->values[2].is_used);
    assert_warnings(f, "");
}

static void policy_load__keeps_default_entries_unless_emptied(void **state)
{
    struct fixture *f = *state;

    fixture_load_machine(f, "LocalOnlyPatterns: ['*.bak']\n");
    assert_int_equal(policy_settings(f->policy)->local_only_patterns.count, 11);
    fixture_load_machine(f, "LocalOnlyPatterns: ['*.bak', '-']\n");
    assert_string_equal(fixture_text(f, "LocalOnlyPatterns"), "*.bak");
    fixture_load_machine(f, "LocalOnlyPatterns: ['-']\n");
    assert_string_equal(fixture_text(f, "LocalOnlyPatterns"), "");
    fixture_load_machine(f, "LocalOnlyPatterns: []\n");
    assert_int_equal(policy_settings(f->policy)->local_only_patterns.count, 10);
}

static void policy_load__empties_lower_sources_only(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "policy.d/2.yaml", "Tenants: [high.example]\n");
    fixture_write(f, "policy.d/1.yaml", "Tenants: [middle.example, '-']\n");
    fixture_write(f, "machine.yaml", "Tenants: [low.example]\n");
    fixture_load(f);
    assert_string_equal(fixture_text(f, "Tenants"), "high.example\nmiddle.example");
    assert_false(policy_result_find(f->policy, "Tenants")->values[2].is_used);
}

static void policy_load__keeps_machine_settings_from_users(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "user.yaml", "CaFile: /tmp/evil.pem\n");
    fixture_load(f);
    assert_string_equal(fixture_text(f, "CaFile"), "");
    assert_warnings(f, "warning 1 CaFile\n");
    fixture_load_machine(f, "CaFile: " FIXTURE_DISK "/etc/ssl/corp.pem\n");
    assert_string_equal(fixture_text(f, "CaFile"), FIXTURE_DISK "/etc/ssl/corp.pem");
}

/* An allow-list that lost its only entry would allow everything. */
static void policy_load__never_widens_an_allow_list(void **state)
{
    struct fixture *f = *state;

    fixture_load_machine(f, "AllowedTenants: ['contoso com']\n");
    assert_string_equal(fixture_text(f, "AllowedTenants"), "contoso com");
    assert_warnings(f, "warning 1 AllowedTenants\n");
    fixture_load_machine(f, "AllowedTenants: [{a: b}]\n");
    assert_int_equal(policy_settings(f->policy)->allowed_tenants.count, 1);
    fixture_load_machine(f, "AllowedTenants: {a: b}\n");
    assert_int_equal(policy_settings(f->policy)->allowed_tenants.count, 1);
}

static void policy_load__says_what_has_no_effect_yet(void **state)
{
    struct fixture *f = *state;

    fixture_load_machine(f, "LogLevel: Debug\nLanguage: German\n");
    assert_string_equal(fixture_text(f, "Language"), "German");
    assert_warnings(f, "warning 2 Language\n");
    assert_sentence(f, 0, "no effect in this version");
}

static void policy_load__reports_a_path_without_its_variable(void **state)
{
    struct fixture *f = *state;

#ifdef _WIN32
    fixture_load_machine(f, "MountRoot: '%NOWHERE%/x'\nCacheDirectory: relative\n");
#else
    fixture_load_machine(f, "MountRoot: $NOWHERE/x\nCacheDirectory: relative\n");
#endif
    assert_warnings(f, "warning 1 MountRoot\nwarning 2 CacheDirectory\n");
    assert_sentence(f, 0, "needs the variable NOWHERE");
#ifndef _WIN32
    assert_string_equal(fixture_text(f, "MountRoot"), "/home/anna/SharePoint");
#endif
}

static const char *no_variable(const char *name, void *payload)
{
    (void)name;
    (void)payload;
    return NULL;
}

static void policy_load__starts_without_a_home(void **state)
{
    struct fixture *f = *state;

    f->sources.variable = no_variable;
    fixture_load_machine(f, "MountRoot: " FIXTURE_DISK "/mnt/x\n");
    assert_string_equal(policy_settings(f->policy)->mount_root, FIXTURE_DISK "/mnt/x");
    assert_string_equal(policy_settings(f->policy)->cache_directory, "");
    assert_warnings(f, "warning 0 CacheDirectory\nwarning 0 JournalDirectory\nwarning 0 "
                       "LogDirectory\n");
}

static void policy_load__uses_an_override_alone(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "user.yaml", "CacheSizeMB: 7\n");
    fixture_write(f, "demo.yaml", "CaFile: " FIXTURE_DISK "/x.pem\n");
    assert_int_equal(policy_sources_override(&f->sources, fixture_path(f, "demo.yaml"), NULL), 0);
    fixture_load(f);
    assert_string_equal(fixture_text(f, "CacheSizeMB"), "0");
    assert_string_equal(fixture_text(f, "CaFile"), FIXTURE_DISK "/x.pem");
    assert_int_equal(policy_result_find(f->policy, "CaFile")->winner->layer, POLICY_LAYER_OVERRIDE);
}

static void policy_sources_override__is_refused_beside_a_machine_policy(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};

    fixture_write(f, "policy.d/readme.txt", "no policy");
    assert_int_equal(policy_sources_override(&f->sources, "/x.yaml", &err), 0);
    str_free(&f->sources.override_file);
    fixture_write(f, "policy.d/1.yaml", "");
    assert_int_equal(policy_sources_override(&f->sources, "/x.yaml", &err), ERR_DENIED);
    assert_non_null(strstr(err.message, "--policy is refused"));
    assert_null(f->sources.override_file);
    unlink(fixture_path(f, "policy.d/1.yaml"));
#ifndef _WIN32
    /* a link to nowhere is a machine policy that is broken, not one that is absent */
    assert_int_equal(symlink("/nowhere", fixture_path(f, "machine.yaml")), 0);
    assert_int_equal(policy_sources_override(&f->sources, "/x.yaml", &err), ERR_DENIED);
#endif
}

static void policy_load__reports_an_override_that_is_missing(void **state)
{
    struct fixture *f = *state;

    str_copy(&f->sources.override_file, fixture_path(f, "gone.yaml"), NULL);
    fixture_load(f);
    assert_warnings(f, "error 0 -\n");
    assert_int_equal(policy_error_count(f->policy), 1);
}

static void policy_load__names_the_limit_of_a_large_file(void **state)
{
    struct fixture *f = *state;
    FILE *file = fopen(fixture_path(f, "machine.yaml"), "wb");

    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), 50 << 20), 0);
    fclose(file);
    fixture_write(f, "user.yaml", "CacheSizeMB: 7\n");
    fixture_load(f);
    assert_warnings(f, "error 0 -\n");
    assert_sentence(f, 0, "larger than the limit of 1024 KiB");
    assert_string_equal(fixture_text(f, "CacheSizeMB"), "7");
}

#ifndef _WIN32
static void policy_load__does_not_wait_for_a_pipe(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mkfifo(fixture_path(f, "machine.yaml"), 0600), 0);
    assert_int_equal(mkdir(fixture_path(f, "user.yaml"), 0700), 0);
    fixture_load(f);
    assert_warnings(f, "error 0 -\nerror 0 -\n");
}
#endif

static void policy_load__names_every_file_it_looked_for(void **state)
{
    static const struct {
        const char *name;
        enum policy_file_state state;
    } cases[] = {{"policy.d/b.yaml", POLICY_FILE_BROKEN},
                 {"policy.d/a.yaml", POLICY_FILE_READ},
                 {"machine.yaml", POLICY_FILE_ABSENT},
                 {"user.yaml", POLICY_FILE_READ}};
    struct fixture *f = *state;

    fixture_load(f);
    assert_int_equal(policy_file_count(f->policy), 3);
    assert_string_equal(policy_file_at(f->policy, 0)->path, fixture_path(f, "policy.d"));
    assert_int_equal(policy_file_at(f->policy, 0)->state, POLICY_FILE_ABSENT);

    fixture_write(f, "policy.d/a.yaml", "");
    fixture_write(f, "policy.d/b.yaml", "[");
    fixture_write(f, "user.yaml", "Nope: 1\n");
    fixture_load(f);
    assert_int_equal(policy_file_count(f->policy), 4);
    for (size_t i = 0; i < 4; i++) {
        const struct policy_file *file = policy_file_at(f->policy, i);

        assert_string_equal(file->path, fixture_path(f, cases[i].name));
        assert_int_equal(file->state, cases[i].state);
    }
    assert_null(policy_file_at(f->policy, 4));
}

static void policy_load__names_files_it_does_not_read(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "policy.d/10.yml", "CacheSizeMB: 1\n");
    fixture_write(f, "policy.d/.hidden.yaml", "CacheSizeMB: 1\n");
    fixture_load(f);
    assert_warnings(f, "warning 0 -\n");
    assert_sentence(f, 0, "must end in .yaml");
    assert_string_equal(fixture_text(f, "CacheSizeMB"), "0");
}

static void policy_load__reports_a_folder_with_too_many_files(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 257; i++) {
        char name[64];

        snprintf(name, sizeof(name), "policy.d/%03d.yaml", i);
        fixture_write(f, name, "");
    }
    fixture_load(f);
    assert_warnings(f, "error 0 -\n");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

static const struct CMUnitTest tests[] = {
    ROW(policy_load__without_sources_gives_defaults),
    ROW(policy_load__takes_a_scalar_from_the_highest_and_keeps_the_losers),
    ROW(policy_load__lets_the_next_source_win_over_a_bad_value),
    ROW(policy_load__unites_lists_of_policies),
    ROW(policy_load__keeps_default_entries_unless_emptied),
    ROW(policy_load__empties_lower_sources_only),
    ROW(policy_load__keeps_machine_settings_from_users),
    ROW(policy_load__never_widens_an_allow_list),
    ROW(policy_load__says_what_has_no_effect_yet),
    ROW(policy_load__reports_a_path_without_its_variable),
    ROW(policy_load__starts_without_a_home),
    ROW(policy_load__uses_an_override_alone),
    ROW(policy_sources_override__is_refused_beside_a_machine_policy),
    ROW(policy_load__reports_an_override_that_is_missing),
    ROW(policy_load__names_the_limit_of_a_large_file),
#ifndef _WIN32
    ROW(policy_load__does_not_wait_for_a_pipe),
#endif
    ROW(policy_load__names_every_file_it_looked_for),
    ROW(policy_load__names_files_it_does_not_read),
    ROW(policy_load__reports_a_folder_with_too_many_files),
};

TEST_MAIN("load", tests)
