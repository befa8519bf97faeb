#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "mapper/plan.h"
#include "sample.h"

static struct library_list list;
static struct settings *settings;
static struct plan_mapping_list want;
static struct str_list notes;

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
    plan_mapping_list_clear(&want);
    str_list_clear(&notes);
    settings_unref(settings);
    return 0;
}

static void make(const char *taken)
{
    struct error err = {0};

    plan_mapping_list_clear(&want);
    str_list_clear(&notes);
    if (plan_wanted(&want, &notes, &list, settings, taken, &err) < 0) {
        fail_msg("%s", err.message);
    }
    for (size_t i = 1; i < want.count; i++) { /* in order, and no two alike */
        assert_true(str_compare_nocase(want.items[i - 1].path, want.items[i].path) < 0);
    }
}

static const struct plan_mapping *at_path(const char *path)
{
    for (size_t i = 0; i < want.count; i++) {
        if (str_equal(want.items[i].path, path)) {
            return &want.items[i];
        }
    }
    fail_msg("nothing at '%s' (%zu mappings, first '%s')", path, want.count,
             want.count ? want.items[0].path : "");
    return NULL;
}

static char letter_at(const char *path)
{
    return at_path(path)->letter;
}

/* --- paths and labels --- */

static void name_path__comes_from_the_address(void **state)
{
    static const struct {
        const char *site;
        const char *library;
        const char *path;
    } rows[] = {
        {"/sites/finance", "Shared Documents", "contoso/finance/Shared Documents"},
        {"", "Shared Documents", "contoso/~root/Shared Documents"},
        {"/teams/a", "Docs", "contoso/teams~a/Docs"},
        {"/sites/a/sub", "Docs", "contoso/a~sub/Docs"},
        {"/sites/Ärzte", "Pläne & C#", "contoso/Ärzte/Pläne & C#"},
        {"/sites/a", "100% sure", "contoso/a/100% sure"},
        {"/sites/a", "Lists/Docs", "contoso/a/Lists~Docs"},
        {"/sites/OneDrive", "Docs", "contoso/OneDrive~/Docs"},
        {"/sites/onedrive", "OneDrive", "contoso/onedrive~/OneDrive"},
        {"/sites/drives", "Docs", "contoso/drives~/Docs"},
        {"/sites/a.b", "v1.", "contoso/a.b/v1.~"},
        {"/sites/x", "a:b", "contoso/x/a_b"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *path = NULL;

        sample_add(&list, rows[i].site, rows[i].library);
        assert_int_equal(name_path(&path, &list.items[i], NULL), 0);
        assert_string_equal(path, rows[i].path);
        free(path);
    }
}

static void name_path__of_onedrive_folders_and_reserved_tenants(void **state)
{
    char *path = NULL;
    struct library *library;

    (void)state;
    library = sample_add_onedrive(&list);
    assert_int_equal(name_path(&path, library, NULL), 0);
    assert_string_equal(path, "contoso/OneDrive");
    library = sample_add(&list, "/sites/a", "Docs");
    library->kind = LIBRARY_FOLDER;
    sample_text(&library->folder_path, "x/y");
    assert_int_equal(name_path(&path, library, NULL), 0);
    assert_string_equal(path, "contoso/a/Docs~x~y");
    sample_text(&library->tenant, "drives"); /* a tenant of that name */
    assert_int_equal(name_path(&path, library, NULL), 0);
    assert_string_equal(path, "drives~/a/Docs~x~y");
    free(path);
}

static void name_path__knows_no_title_and_no_setting(void **state)
{
    char *before = NULL;
    char *after = NULL;
    struct library *library;

    (void)state;
    library = sample_add(&list, "/sites/a", "Docs");
    assert_int_equal(name_path(&before, library, NULL), 0);
    sample_text(&library->title, "Dokumente");
    sample_text(&library->site_title, "Abteilung A");
    sample_text(&library->name, "Ours");
    library->letter = 'X';
    assert_int_equal(name_path(&after, library, NULL), 0);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void name_label__fills_the_format(void **state)
{
    static const struct {
        const char *format;
        const char *label;
    } rows[] = {
        {"{site} - {library}", "Finance - Documents"},
        {"{library}", "Documents"},
        {"{tenant}: {Site}", "contoso_ Finance"},
        {"{unknown} {", "{unknown} {"},
        {"", "~"},
    };
    char *label = NULL;
    struct library *library;

    (void)state;
    library = sample_add(&list, "/sites/finance", "Shared Documents");
    sample_text(&library->title, "Documents");
    sample_text(&library->site_title, "Finance");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(name_label(&label, library, rows[i].format, NULL), 0);
        assert_string_equal(label, rows[i].label);
    }
    str_free(&library->title);
    str_free(&library->site_title);
    assert_int_equal(name_label(&label, library, "{site} - {library}", NULL), 0);
    assert_string_equal(label, "finance - Shared Documents");
    sample_text(&library->site_title, "{library}/{site}"); /* not filled in twice */
    assert_int_equal(name_label(&label, library, "{site}", NULL), 0);
    assert_string_equal(label, "{library}_{site}");
    sample_text(&library->name, "As I say");
    assert_int_equal(name_label(&label, library, "{site}", NULL), 0);
    assert_string_equal(label, "As I say");
    library = sample_add_onedrive(&list);
    assert_int_equal(name_label(&label, library, "{site} - {library}", NULL), 0);
    assert_string_equal(label, "OneDrive - contoso");
    free(label);
}

static void plan_wanted__takes_only_what_is_wanted(void **state)
{
    (void)state;
    for (int verdict = LIBRARY_WANTED; verdict <= LIBRARY_REMOVED; verdict++) {
        char name[8];

        snprintf(name, sizeof(name), "L%d", verdict);
        sample_add(&list, "/sites/a", name)->verdict = (enum library_verdict)verdict;
    }
    make("");
    assert_int_equal(want.count, 1);
    assert_string_equal(want.items[0].path, "contoso/a/L0");
    assert_string_equal(want.items[0].key, list.items[0].key);
}

static void plan_wanted__makes_equal_paths_distinct_by_their_address(void **state)
{
    char *other = NULL;
    char *again = NULL;

    (void)state;
    /* another geography of the tenant, found first */
    sample_add_at(&list, "https://contosoeur.sharepoint.com", "/sites/finance", "Docs");
    sample_add(&list, "/sites/Finance", "docs");
    sample_add(&list, "/sites/x", "a:b");
    sample_add(&list, "/sites/x", "a*b");
    make("");
    assert_int_equal(want.count, 4);
    at_path("contoso/Finance/docs"); /* the tenant's own host keeps it */
    at_path("contoso/x/a_b");
    for (size_t i = 0; i < want.count; i++) {
        if (str_starts_with(want.items[i].path, "contoso/finance/Docs~")) {
            assert_int_equal(str_copy(&other, want.items[i].path, NULL), 0);
        }
    }
    assert_non_null(other);
    assert_int_equal(strlen(other), strlen("contoso/finance/Docs~abcdef"));
    /* the order in which they are found, and what else is there, change nothing */
    for (size_t i = 0; i < 2; i++) {
        struct library first = list.items[0];

        list.items[0] = list.items[i + 1];
        list.items[i + 1] = first;
        sample_add(&list, "/sites/more", i ? "B" : "A");
        make("");
        for (size_t j = 0; j < want.count; j++) {
            if (str_starts_with(want.items[j].path, "contoso/finance/Docs~")) {
                assert_int_equal(str_copy(&again, want.items[j].path, NULL), 0);
            }
        }
        assert_string_equal(again, other);
    }
    free(other);
    free(again);
}

static void plan_wanted__keeps_300_paths_apart(void **state)
{
    (void)state;
    for (int i = 0; i < 150; i++) {
        char site[40];

        snprintf(site, sizeof(site), i % 3 ? "/sites/s%d" : "/teams/s%d", i);
        sample_add(&list, site, "Shared Documents");
        sample_add(&list, site, "Freigegebene Dokumente & 100 % äöü");
    }
    sample_add_onedrive(&list);
    make("");
    assert_int_equal(want.count, 301);
}

static void plan_wanted__read_only_by_policy_or_mapping(void **state)
{
    (void)state;
    sample_add(&list, "/sites/a", "A");
    sample_add(&list, "/sites/a", "B")->is_read_only = true;
    make("");
    assert_false(at_path("contoso/a/A")->is_read_only);
    assert_true(at_path("contoso/a/B")->is_read_only);
    settings->read_only = true;
    make("");
    assert_true(at_path("contoso/a/A")->is_read_only);
}

/* --- letters --- */

static void letters__come_from_managed_then_onedrive_then_rules_then_pool(void **state)
{
    struct library *library;

    (void)state;
    library = sample_add(&list, "/sites/m", "Managed");
    library->letter = 'P';
    library->sources |= LIBRARY_FROM_MANAGED;
    sample_add(&list, "/sites/a", "Rule");
    sample_add(&list, "/sites/b", "Pool 1");
    sample_add(&list, "/sites/c", "Pool 2");
    sample_add_onedrive(&list)->letter = 'H';
    sample_entry(&settings->drive_letter_rules, "*/Rule=Q");
    sample_text(&settings->drive_letter_pool, "H,P-S");
    make("");
    assert_int_equal(letter_at("contoso/m/Managed"), 'P');
    assert_int_equal(letter_at("contoso/OneDrive"), 'H');
    assert_int_equal(letter_at("contoso/a/Rule"), 'Q');
    assert_int_equal(letter_at("contoso/b/Pool 1"), 'R');
    assert_int_equal(letter_at("contoso/c/Pool 2"), 'S');
    assert_int_equal(notes.count, 0);
}

static void letters__no_pool_means_no_letters(void **state)
{
    (void)state;
    sample_add(&list, "/sites/a", "A");
    make("");
    assert_int_equal(letter_at("contoso/a/A"), 0);
    assert_int_equal(notes.count, 0);
}

static void letters__never_take_what_others_use(void **state)
{
    struct library *library;

    (void)state;
    library = sample_add(&list, "/sites/m", "Managed");
    library->letter = 'P';
    library->sources |= LIBRARY_FROM_MANAGED;
    sample_add_onedrive(&list)->letter = 'H';
    sample_add(&list, "/sites/a", "A");
    sample_add(&list, "/sites/b", "B");
    sample_entry(&settings->drive_letter_rules, "b/B=Q");
    sample_text(&settings->drive_letter_pool, "P-S");
    make("hPqR");
    assert_int_equal(letter_at("contoso/m/Managed"), 0);
    assert_int_equal(letter_at("contoso/OneDrive"), 0);
    assert_int_equal(letter_at("contoso/b/B"), 0);
    assert_int_equal(letter_at("contoso/a/A"), 'S');
    assert_true(notes.count >= 3);
    assert_non_null(strstr(notes.items[0], "P:"));
}

static void letters__of_policy_are_not_for_the_pool(void **state)
{
    (void)state;
    sample_add(&list, "/sites/a", "A");
    sample_add(&list, "/sites/b", "B");
    /* none of the three is there, but each may come back */
    sample_entry(&settings->managed_mappings, SAMPLE_HOST "/sites/later/Docs||P");
    sample_entry(&settings->drive_letter_rules, "*/Nothing=Q");
    sample_text(&settings->one_drive_drive, "R:");
    sample_text(&settings->drive_letter_pool, "P-T");
    make("");
    assert_int_equal(letter_at("contoso/a/A"), 'S');
    assert_int_equal(letter_at("contoso/b/B"), 'T');
    settings->one_drive = false; /* then its letter is nobody's */
    make("");
    assert_int_equal(letter_at("contoso/a/A"), 'R');
}

static void letters__wanted_twice_go_to_the_first_path(void **state)
{
    struct library *library;

    (void)state;
    for (int i = 0; i < 2; i++) {
        library = sample_add(&list, i ? "/sites/a" : "/sites/b", "Docs");
        library->letter = 'P';
        library->sources |= LIBRARY_FROM_MANAGED;
    }
    sample_add(&list, "/sites/c", "C1");
    sample_add(&list, "/sites/c", "C2");
    sample_entry(&settings->drive_letter_rules, "c/*=X"); /* the first only; that is no conflict */
    make("");
    assert_int_equal(letter_at("contoso/a/Docs"), 'P');
    assert_int_equal(letter_at("contoso/b/Docs"), 0);
    assert_int_equal(letter_at("contoso/c/C1"), 'X');
    assert_int_equal(letter_at("contoso/c/C2"), 0);
    assert_int_equal(notes.count, 1);
    assert_non_null(strstr(notes.items[0], "contoso/b/Docs"));
    assert_non_null(strstr(notes.items[0], "contoso/a/Docs"));
}

static void letters__a_used_up_pool_is_said_once(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        char name[8];

        snprintf(name, sizeof(name), "L%02d", i);
        sample_add(&list, "/sites/a", name);
    }
    sample_text(&settings->drive_letter_pool, "K-L");
    make("");
    assert_int_equal(letter_at("contoso/a/L00"), 'K');
    assert_int_equal(letter_at("contoso/a/L01"), 'L');
    assert_int_equal(letter_at("contoso/a/L02"), 0);
    assert_int_equal(notes.count, 1);
    assert_non_null(strstr(notes.items[0], "28"));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
static const struct CMUnitTest tests[] = {
    CASE(name_path__comes_from_the_address),
    CASE(name_path__of_onedrive_folders_and_reserved_tenants),
    CASE(name_path__knows_no_title_and_no_setting),
    CASE(name_label__fills_the_format),
    CASE(plan_wanted__takes_only_what_is_wanted),
    CASE(plan_wanted__makes_equal_paths_distinct_by_their_address),
    CASE(plan_wanted__keeps_300_paths_apart),
    CASE(plan_wanted__read_only_by_policy_or_mapping),
    CASE(letters__come_from_managed_then_onedrive_then_rules_then_pool),
    CASE(letters__no_pool_means_no_letters),
    CASE(letters__never_take_what_others_use),
    CASE(letters__of_policy_are_not_for_the_pool),
    CASE(letters__wanted_twice_go_to_the_first_path),
    CASE(letters__a_used_up_pool_is_said_once),
};

TEST_MAIN("wanted", tests)
