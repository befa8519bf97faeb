/* Managed mappings in rounds. */
#include "rounds.h"

static void discover_run__resolves_managed_mappings_by_url_once(void **state)
{
    (void)state;
    fake_fill(&fake, 4, 3);
    put(fake.sites[3].url, sizeof(fake.sites[3].url), FAKE_HOST "/sites/s1/sub");
    for (size_t i = 0; i < 3; i++) {
        char name[100];

        snprintf(name, sizeof(name), "%.90s", strrchr(fake.lists[9 + i].url, '/'));
        snprintf(fake.lists[9 + i].url, sizeof(fake.lists[9 + i].url), FAKE_HOST "/sites/s1/sub%s",
                 name);
    }
    settings->auto_map = false;
    settings->one_drive = false;
    sample_entry(&settings->managed_mappings, FAKE_HOST "/sites/s1|Team site|S");
    sample_entry(&settings->managed_mappings, FAKE_HOST "/sites/s2/Library%202|Lib");
    sample_entry(&settings->managed_mappings, FAKE_HOST "/sites/s3/Shared%20Documents/a/b%20c|F");
    sample_entry(&settings->managed_mappings, FAKE_HOST "/sites/s1/sub/Library%203");
    sample_entry(&settings->managed_mappings, FAKE_HOST "/sites/nowhere/Docs");
    next_round();
    assert_string_equal(at_url(FAKE_HOST "/sites/s1/Shared Documents")->name, "Team site");
    assert_int_equal(at_url(FAKE_HOST "/sites/s1/Shared Documents")->letter, 'S');
    assert_string_equal(at_url(FAKE_HOST "/sites/s2/Library 2")->name, "Lib");
    assert_int_equal(at_url(FAKE_HOST "/sites/s1/sub/Library 3")->verdict, LIBRARY_WANTED);
    assert_int_equal(at_url(FAKE_HOST "/sites/s3/Shared Documents/a/b c")->kind, LIBRARY_FOLDER);
    assert_string_equal(at_url(FAKE_HOST "/sites/s3/Shared Documents/a/b c")->url,
                        FAKE_HOST "/sites/s3/Shared Documents");
    assert_string_equal(at_url(FAKE_HOST "/sites/s3/Shared Documents/a/b c")->folder_path, "a/b c");
    assert_int_equal(at_url(FAKE_HOST "/sites/s3/Shared Documents")->verdict, LIBRARY_EXCLUDED);
    assert_int_equal(count_of(LIBRARY_WANTED), 4);
    assert_non_null(strstr(report.message, "nowhere"));
    str_list_clear(&settings->managed_mappings);
    sample_entry(&settings->managed_mappings, FAKE_HOST "/sites/s1|Team site|S");
    sample_entry(&settings->managed_mappings, FAKE_HOST "/sites/s2/Library%202|Lib");
    next_round();
    assert_int_equal(fake.gets, 0); /* known */
    assert_int_equal(count_of(LIBRARY_WANTED), 2);
}

static void discover_run__managed_all_takes_every_library_of_the_site(void **state)
{
    (void)state;
    fake_fill(&fake, 2, 4);
    settings->auto_map = false;
    settings->one_drive = false;
    sample_entry(&settings->managed_mappings, FAKE_HOST "/sites/s2||||all");
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 4);
}

static void discover_run__managed_folder_of_a_found_library_costs_nothing(void **state)
{
    (void)state;
    fake_fill(&fake, 2, 2);
    sample_entry(&settings->managed_mappings, FAKE_HOST "/sites/s2/library 2/Sub/Deep");
    next_round();
    assert_int_equal(fake_requests(&fake), 4);
    assert_int_equal(at_url(FAKE_HOST "/sites/s2/Library 2/Sub/Deep")->verdict, LIBRARY_WANTED);
    assert_int_equal(count_of(LIBRARY_WANTED), 6);
    verify_all();
    next_round();
    assert_int_equal(fake_requests(&fake), 4); /* it is there as long as its library is */
    assert_int_equal(count_of(LIBRARY_WANTED), 6);
}

static void discover_run__a_managed_library_outside_search_is_asked_for(void **state)
{
    (void)state;
    fake_fill(&fake, 10, 1);
    fake.lists[3].is_hidden = true;
    sample_entry(&settings->managed_mappings, FAKE_HOST "/sites/s4/Shared Documents");
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 11);
    verify_all();
    next_round();
    assert_int_equal(fake.questions, 1);
    fake.lists[3].code = ERR_NOT_FOUND;
    next_round();
    known_survives(11);
    next_round();
    assert_int_equal(count_of(LIBRARY_REMOVED), 1);
}

static void discover_run__does_not_ask_for_mappings_of_other_tenants(void **state)
{
    (void)state;
    fake_fill(&fake, 2, 1);
    sample_entry(&settings->managed_mappings, "https://fabrikam.sharepoint.com/sites/x/Docs");
    sample_entry(&settings->managed_mappings,
                 FAKE_HOST "/sites/x/Docs|||99999999-2222-3333-4444-555555555555");
    next_round();
    assert_int_equal(fake.gets, 0);
    assert_string_equal(report.message, "");
}

static void discover_run__needs_no_particular_form_of_drive_ids(void **state)
{
    (void)state;
    fake_fill(&fake, 3, 2);
    fake.has_odd_ids = true;
    settings->library_scope = POLICY_LIBRARY_SCOPE_DEFAULT;
    sample_entry(&settings->managed_mappings, FAKE_HOST "/sites/s1/Library 2");
    fake.lists[1].is_hidden = true; /* this one has no list id but what the drive says */
    for (int i = 0; i < 3; i++) {
        next_round();
        assert_int_equal(known.count, 7);
        assert_int_equal(count_of(LIBRARY_WANTED), 5); /* three, a managed one, OneDrive */
        assert_true(at_url(FAKE_HOST "/sites/s2/Shared Documents")->sources & LIBRARY_FROM_DEFAULT);
    }
}

static const struct CMUnitTest tests[] = {
    CASE(discover_run__resolves_managed_mappings_by_url_once),
    CASE(discover_run__managed_all_takes_every_library_of_the_site),
    CASE(discover_run__managed_folder_of_a_found_library_costs_nothing),
    CASE(discover_run__a_managed_library_outside_search_is_asked_for),
    CASE(discover_run__does_not_ask_for_mappings_of_other_tenants),
    CASE(discover_run__needs_no_particular_form_of_drive_ids),
};

TEST_MAIN("managed", tests)
