#include "test.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "policy/load.h"
#include "sample.h"
#include "scope.h"

static struct library_list list;
static struct settings *settings;

static int set_up(void **state)
{
    (void)state;
    settings = sample_settings();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    library_list_clear(&list);
    settings_unref(settings);
    return 0;
}

static void decide(void)
{
    struct error err = {0};

    if (scope_decide(&list, settings, &err) < 0) {
        fail_msg("%s", err.message);
    }
    for (size_t i = 0; i < list.count; i++) {
        assert_non_null(list.items[i].reason);
    }
}

/* The verdict of the library of that name after deciding. */
static void expect(const char *name, enum library_verdict verdict)
{
    for (size_t i = 0; i < list.count; i++) {
        if (str_equal(list.items[i].title, name)) {
            if (list.items[i].verdict != verdict) {
                fail_msg("%s is %d: %s", name, (int)list.items[i].verdict, list.items[i].reason);
            }
            return;
        }
    }
    fail_msg("no library '%s'", name);
}

static void scope_decide__takes_all_by_default(void **state)
{
    (void)state;
    sample_add(&list, "/sites/a", "Docs");
    sample_add(&list, "", "Root");
    sample_add_onedrive(&list);
    decide();
    expect("Docs", LIBRARY_WANTED);
    expect("Root", LIBRARY_WANTED);
    expect("Documents", LIBRARY_WANTED);
    assert_int_equal(list.items[2].letter, 'H'); /* OneDriveDrive */
}

static void scope_decide__leaves_out_system_lists_of_any_language(void **state)
{
    static const char *const names[] = {"SiteAssets",
                                        "siteassets",
                                        "SitePages",
                                        "Style Library",
                                        "FormServerTemplates",
                                        "PreservationHoldLibrary",
                                        "Teams Wiki Data",
                                        "_catalogs/masterpage",
                                        "appdata",
                                        "Site Collection Documents",
                                        "Formatbibliothek"};
    static const char *const ours[] = {"Social",    "Bilder",  "Pages",
                                       "Formulare", "_Archiv", "SiteAssets2"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        sample_add(&list, "/sites/a", names[i]);
    }
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        sample_add(&list, "/sites/a", ours[i]);
    }
    decide();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        expect(names[i], LIBRARY_SYSTEM);
    }
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        expect(ours[i], LIBRARY_WANTED);
    }
}

static void scope_decide__maps_a_system_list_that_is_named(void **state)
{
    (void)state;
    sample_add(&list, "/sites/a", "SiteAssets");
    sample_add(&list, "/sites/a", "SitePages");
    sample_add(&list, "/sites/a", "Docs");
    sample_entry(&settings->include_libraries, "a/*"); /* everything, but by no name */
    decide();
    expect("SiteAssets", LIBRARY_SYSTEM);
    sample_entry(&settings->include_libraries, "*/SiteAssets");
    decide();
    expect("SiteAssets", LIBRARY_WANTED);
    expect("SitePages", LIBRARY_SYSTEM);
    expect("Docs", LIBRARY_WANTED);
}

static void scope_decide__exclude_wins_over_everything(void **state)
{
    (void)state;
    sample_add(&list, "/sites/a", "Docs");
    sample_add(&list, "/sites/b", "Plans");
    sample_add_onedrive(&list);
    sample_entry(&settings->include_sites, SAMPLE_HOST "/sites/*");
    sample_entry(&settings->include_libraries, "a/Docs");
    sample_entry(&settings->include_libraries, "b/Plans");
    sample_entry(&settings->managed_mappings, SAMPLE_HOST "/sites/a/Docs");
    sample_entry(&settings->exclude_libraries, "a/Docs");
    sample_entry(&settings->exclude_sites, "https://contoso-my.sharepoint.com/**");
    decide();
    expect("Docs", LIBRARY_EXCLUDED);
    expect("Plans", LIBRARY_WANTED);
    expect("Documents", LIBRARY_EXCLUDED);
    assert_non_null(strstr(list.items[0].reason, "a/Docs")); /* the rule is named */
}

static void scope_decide__narrows_by_both_includes(void **state)
{
    (void)state;
    sample_add(&list, "/sites/a", "Docs");
    sample_add(&list, "/sites/a", "Plans");
    sample_add(&list, "/sites/b", "Docs b");
    sample_entry(&settings->include_sites, SAMPLE_HOST "/sites/a");
    sample_entry(&settings->include_libraries, "*/Docs*");
    decide();
    expect("Docs", LIBRARY_WANTED);
    expect("Plans", LIBRARY_EXCLUDED);
    expect("Docs b", LIBRARY_EXCLUDED);
}

static void library_matches__takes_every_spelling(void **state)
{
    static const char *const sites[] = {SAMPLE_HOST "/sites/Ärzte",
                                        SAMPLE_HOST "/sites/%C3%84rzte",
                                        SAMPLE_HOST "/sites/ärzte/",
                                        SAMPLE_HOST "/sites/*",
                                        "contoso.sharepoint.com/sites/*",
                                        "/sites/Ä*",
                                        "sites/ärzte",
                                        "ärz*",
                                        "title:Ärz*",
                                        "**/ÄRZTE"};
    static const char *const not_sites[] = {
        SAMPLE_HOST "/sites", "/sites/",      "rzte",  "title:rzte",
        SAMPLE_HOST "/*",     "*/Ärzte/Docs", "title:"};
    static const char *const libraries[] = {SAMPLE_HOST "/sites/Ärzte/Docs 1",
                                            SAMPLE_HOST "/sites/%C3%84rzte/Docs%201",
                                            "Ärzte/Docs 1",
                                            "*/docs ?",
                                            "Docs*",
                                            "title:Docs 1",
                                            "/sites/Ärzte/**"};
    static const char *const not_libraries[] = {"Ärzte", "Ärzte/Docs", "Docs", "*/Docs 1/*"};
    struct library *library;

    (void)state;
    library = sample_add(&list, "/sites/Ärzte", "Docs 1");
    for (size_t i = 0; i < sizeof(sites) / sizeof(sites[0]); i++) {
        if (!library_site_matches(library, sites[i])) {
            fail_msg("'%s' does not match", sites[i]);
        }
    }
    for (size_t i = 0; i < sizeof(not_sites) / sizeof(not_sites[0]); i++) {
        if (library_site_matches(library, not_sites[i])) {
            fail_msg("'%s' matches", not_sites[i]);
        }
    }
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        if (!library_matches(library, libraries[i])) {
            fail_msg("'%s' does not match", libraries[i]);
        }
    }
    for (size_t i = 0; i < sizeof(not_libraries) / sizeof(not_libraries[0]); i++) {
        if (library_matches(library, not_libraries[i])) {
            fail_msg("'%s' matches", not_libraries[i]);
        }
    }
}

static void scope_decide__switches_turn_sources_off(void **state)
{
    (void)state;
    sample_add(&list, "/sites/a", "Docs");
    sample_add_onedrive(&list);
    settings->auto_map = false;
    settings->one_drive = false;
    decide();
    expect("Docs", LIBRARY_EXCLUDED);
    expect("Documents", LIBRARY_EXCLUDED);
    settings->auto_map = true;
    settings->one_drive = true;
    decide();
    expect("Docs", LIBRARY_WANTED);
    expect("Documents", LIBRARY_WANTED);
}

static void scope_decide__managed_needs_no_other_rule(void **state)
{
    (void)state;
    sample_add(&list, "/sites/a", "Docs")->query_hash = 0;
    sample_add(&list, "/sites/b", "Plans");
    settings->auto_map = false;
    settings->library_scope = POLICY_LIBRARY_SCOPE_DEFAULT;
    sample_entry(&settings->include_sites, "/sites/other");
    sample_entry(&settings->managed_mappings, SAMPLE_HOST "/sites/a/docs|Our docs|p||readonly");
    decide();
    expect("Docs", LIBRARY_WANTED);
    expect("Plans", LIBRARY_EXCLUDED);
    assert_string_equal(list.items[0].name, "Our docs");
    assert_int_equal(list.items[0].letter, 'P');
    assert_true(list.items[0].is_read_only);
    assert_true(list.items[0].sources & LIBRARY_FROM_MANAGED);
}

static void scope_decide__forgets_a_mapping_that_is_managed_no_more(void **state)
{
    (void)state;
    sample_add(&list, "/sites/a", "Docs");
    list.items[0].query_hash = 0;
    list.items[0].sources = LIBRARY_FROM_MANAGED;
    list.items[0].letter = 'P';
    sample_text(&list.items[0].name, "Old name");
    decide();
    expect("Docs", LIBRARY_NO_SITE);
    assert_null(list.items[0].name);
    assert_int_equal(list.items[0].letter, 0);
    assert_false(list.items[0].sources & LIBRARY_FROM_MANAGED);
}

static void scope_decide__managed_site_means_default_or_all(void **state)
{
    (void)state;
    settings->auto_map = false;
    sample_add(&list, "/sites/a", "Docs")->sources |= LIBRARY_FROM_DEFAULT;
    sample_add(&list, "/sites/a", "Plans");
    sample_add(&list, "/sites/a", "SiteAssets");
    sample_entry(&settings->managed_mappings, SAMPLE_HOST "/sites/a|Team|T");
    decide();
    expect("Docs", LIBRARY_WANTED);
    expect("Plans", LIBRARY_EXCLUDED);
    assert_string_equal(list.items[0].name, "Team");
    str_list_clear(&settings->managed_mappings);
    sample_entry(&settings->managed_mappings, SAMPLE_HOST "/sites/a|Team|T||all,favorite");
    decide();
    expect("Docs", LIBRARY_WANTED);
    expect("Plans", LIBRARY_WANTED);
    expect("SiteAssets", LIBRARY_SYSTEM);
    assert_null(list.items[1].name); /* one name cannot be of all */
    assert_int_equal(list.items[1].letter, 0);
}

static void scope_decide__a_managed_mapping_of_another_tenant_is_not_ours(void **state)
{
    (void)state;
    settings->auto_map = false;
    sample_add(&list, "/sites/a", "Docs");
    sample_entry(&settings->managed_mappings,
                 SAMPLE_HOST "/sites/a/Docs|||99999999-2222-3333-4444-555555555555");
    sample_entry(&settings->managed_mappings,
                 SAMPLE_HOST "/sites/a/Docs|||fabrikam.onmicrosoft.com");
    decide();
    expect("Docs", LIBRARY_EXCLUDED);
    sample_entry(&settings->managed_mappings,
                 SAMPLE_HOST "/sites/a/Docs|||contoso.onmicrosoft.com");
    decide();
    expect("Docs", LIBRARY_WANTED);
}

static void scope_decide__reports_a_list_without_its_site(void **state)
{
    (void)state;
    sample_add(&list, "/sites/a", "Docs")->query_hash = 0;
    decide();
    expect("Docs", LIBRARY_NO_SITE);
}

static void scope_decide__default_scope_takes_one_of_each_site(void **state)
{
    (void)state;
    settings->library_scope = POLICY_LIBRARY_SCOPE_DEFAULT;
    sample_add(&list, "/sites/a", "Docs")->sources |= LIBRARY_FROM_DEFAULT;
    sample_add(&list, "/sites/a", "Plans");
    decide();
    expect("Docs", LIBRARY_WANTED);
    expect("Plans", LIBRARY_NOT_DEFAULT);
}

static void scope_decide__unknown_default_changes_nothing(void **state)
{
    (void)state;
    settings->library_scope = POLICY_LIBRARY_SCOPE_DEFAULT;
    sample_add(&list, "/sites/a", "Mapped")->verdict = LIBRARY_WANTED;
    sample_add(&list, "/sites/a", "New")->verdict = LIBRARY_NOT_DEFAULT;
    decide();
    expect("Mapped", LIBRARY_WANTED);
    expect("New", LIBRARY_NOT_DEFAULT);
    decide(); /* and again */
    expect("Mapped", LIBRARY_WANTED);
}

static void scope_decide__limits_by_url_after_what_was_asked_for(void **state)
{
    (void)state;
    sample_add(&list, "/sites/d", "D");
    sample_add(&list, "/sites/c", "C");
    sample_add(&list, "/sites/b", "B");
    sample_add(&list, "/sites/z", "Z");
    sample_add_onedrive(&list);
    sample_entry(&settings->managed_mappings, SAMPLE_HOST "/sites/z/Z");
    settings->max_mappings = 3;
    decide();
    expect("Z", LIBRARY_WANTED);
    expect("Documents", LIBRARY_WANTED);
    expect("B", LIBRARY_WANTED);
    expect("C", LIBRARY_OVER_LIMIT);
    expect("D", LIBRARY_OVER_LIMIT);
    settings->max_mappings = 5;
    decide();
    expect("D", LIBRARY_WANTED);
}

static void scope_decide__removed_stays_removed(void **state)
{
    (void)state;
    sample_add(&list, "/sites/a", "Docs");
    list.items[0].verdict = LIBRARY_REMOVED;
    sample_text(&list.items[0].reason, "gone");
    decide();
    expect("Docs", LIBRARY_REMOVED);
}

/* --- explain --- */

static struct policy *policy;

static void explain(const char *url, int expected, const char *const *words)
{
    struct buf out;
    struct error err = {0};
    int code;

    buf_init(&out, 100000);
    code = discover_explain(&out, &list, settings, policy, url, &err);
    assert_int_equal(code, expected);
    for (; *words; words++) {
        if (!strstr(buf_text(&out), *words)) {
            fail_msg("'%s' is not in: %s", *words, buf_text(&out));
        }
    }
    buf_clear(&out);
}

static void discover_explain__names_the_rule(void **state)
{
    (void)state;
    sample_add(&list, "/sites/a", "Docs");
    sample_add(&list, "/sites/a", "SiteAssets");
    sample_add(&list, "/sites/b", "Plans");
    sample_entry(&settings->exclude_sites, "/sites/b");
    decide();
    explain(SAMPLE_HOST "/sites/a/docs/2026/plan.docx", 0,
            (const char *const[]){"mapped", "search", "ExcludeSites: no entry names it", NULL});
    explain(
        SAMPLE_HOST "/sites/b", 0,
        (const char *const[]){"not mapped, by policy", "ExcludeSites: '/sites/b' names it", NULL});
    explain(SAMPLE_HOST "/sites/a/_layouts/15/viewlsts.aspx", 0,
            (const char *const[]){"/Docs", "/SiteAssets", "system library: yes", NULL});
    explain(SAMPLE_HOST "/sites/nowhere", ERR_NOT_FOUND,
            (const char *const[]){"not known", "ManagedMappings", NULL});
    explain("rubbish", ERR_INVALID, (const char *const[]){NULL});
}

/* A policy out of a file, as an administrator writes one. */
static void load_policy(const char *text)
{
    struct policy_sources sources = {0};
    struct error err = {0};
    char path[] = "/tmp/mooring-test-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
    assert_int_equal(str_copy(&sources.override_file, path, NULL), 0);
    if (policy_load(&policy, &sources, &err) < 0) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(policy_warning_count(policy), 0);
    policy_sources_clear(&sources);
    assert_int_equal(unlink(path), 0);
}

static void discover_explain__names_the_file_and_line_of_a_rule(void **state)
{
    (void)state;
    load_policy("TeamsChannels: true\n"
                "ExcludeSites:\n"
                "  - 'title:B*'\n"
                "ManagedMappings:\n"
                "  - https://contoso.sharepoint.com/sites/a/Docs|Mine\n");
    sample_add(&list, "/sites/a", "Docs");
    sample_text(&sample_add(&list, "/sites/b", "Plans")->site_title, "Big");
    sample_entry(&settings->exclude_sites, "title:B*"); /* the same, to be changed by tests */
    sample_entry(&settings->managed_mappings, SAMPLE_HOST "/sites/a/Docs|Mine");
    settings->teams_channels = true;
    list.items[0].sources |= LIBRARY_FROM_TEAMS;
    decide();
    explain(SAMPLE_HOST "/sites/b/Plans", 0,
            (const char *const[]){"by policy: ExcludeSites has 'title:B*'",
                                  "ExcludeSites: 'title:B*' names it (--policy file, /tmp/",
                                  ":2)\n", "AutoMap: on (default)", NULL});
    explain(SAMPLE_HOST "/sites/a/Docs", 0,
            (const char *const[]){"ManagedMappings: 'https://contoso.sharepoint.com/sites/a/Docs|"
                                  "Mine' names it itself (--policy file, /tmp/",
                                  ":4)\n", "TeamsChannels: on (--policy file, /tmp/", ":1)\n",
                                  NULL});
    policy_free(policy);
    policy = NULL;
}

static void discover_explain__tells_every_verdict(void **state)
{
    (void)state;
    for (int verdict = LIBRARY_WANTED; verdict <= LIBRARY_REMOVED; verdict++) {
        char name[8];

        snprintf(name, sizeof(name), "L%d", verdict);
        sample_add(&list, "/sites/a", name)->verdict = (enum library_verdict)verdict;
        sample_text(&list.items[verdict].reason, "because of a test");
        explain(list.items[verdict].url, 0, (const char *const[]){"because of a test", NULL});
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
static const struct CMUnitTest tests[] = {
    CASE(scope_decide__takes_all_by_default),
    CASE(scope_decide__leaves_out_system_lists_of_any_language),
    CASE(scope_decide__maps_a_system_list_that_is_named),
    CASE(scope_decide__exclude_wins_over_everything),
    CASE(scope_decide__narrows_by_both_includes),
    CASE(library_matches__takes_every_spelling),
    CASE(scope_decide__switches_turn_sources_off),
    CASE(scope_decide__managed_needs_no_other_rule),
    CASE(scope_decide__forgets_a_mapping_that_is_managed_no_more),
    CASE(scope_decide__managed_site_means_default_or_all),
    CASE(scope_decide__a_managed_mapping_of_another_tenant_is_not_ours),
    CASE(scope_decide__reports_a_list_without_its_site),
    CASE(scope_decide__default_scope_takes_one_of_each_site),
    CASE(scope_decide__unknown_default_changes_nothing),
    CASE(scope_decide__limits_by_url_after_what_was_asked_for),
    CASE(scope_decide__removed_stays_removed),
    CASE(discover_explain__names_the_rule),
    CASE(discover_explain__names_the_file_and_line_of_a_rule),
    CASE(discover_explain__tells_every_verdict),
};

TEST_MAIN("scope", tests)
