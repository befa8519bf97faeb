/* What a round finds, and what it asks for. */
#include "rounds.h"

#include "merge.h"

/* --- a good day --- */

static void discover_run__cold_takes_four_requests_for_300_libraries(void **state)
{
    (void)state;
    fake_fill(&fake, 150, 2);
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 301); /* with OneDrive */
    assert_int_equal(fake_requests(&fake), 4);
    assert_int_equal(fake.searches, 2);
    assert_string_equal(report.message, "");
    assert_false(report.is_search_down);
    assert_int_equal(report.searched_sites, 150);
    assert_int_equal(report.searched_lists, 300);
    assert_string_equal(fake.last_site_query, settings->site_query);
}

static void discover_run__joins_titles_and_addresses(void **state)
{
    struct library *library;
    char site[37];
    char web[37];
    char list[37];

    (void)state;
    fake_fill(&fake, 2, 2);
    next_round();
    library = at_url(FAKE_HOST "/sites/s2/Library 2");
    assert_string_equal(library->site_url, FAKE_HOST "/sites/s2");
    assert_string_equal(library->site_title, "Site 2");
    assert_string_equal(library->title, "Library 2"); /* not "Site 2 - Library 2" */
    assert_string_equal(library->tenant, "contoso");
    assert_string_equal(library->tenant_id, FAKE_TENANT_ID);
    assert_false(library->is_verified); /* the id is a hint */
    assert_true(merge_drive_guids(library->drive_id, site, web, list));
    assert_string_equal(list, library->list_id);
    assert_string_equal(web, "b0000000-0000-0000-0000-000000000002");
    assert_int_equal(strspn(library->key, "abcdefghijklmnopqrstuvwxyz0123456789,.-/"),
                     strlen(library->key));
    library = at_url("https://contoso-my.sharepoint.com/personal/ana_contoso_com/Documents");
    assert_int_equal(library->kind, LIBRARY_ONEDRIVE);
    assert_string_equal(library->site_id, "contoso-my.sharepoint.com,"
                                          "d0000000-0000-0000-0000-000000000002,"
                                          "d0000000-0000-0000-0000-000000000003");
    assert_string_equal(library->list_id, "d0000000-0000-0000-0000-000000000001");
    assert_true(library->is_verified);
}

static void discover_run__reads_hits_without_titles(void **state)
{
    (void)state;
    fake_fill(&fake, 2, 1);
    fake.sites[0].title[0] = '\0';
    fake.sites[1].title[0] = '\0';
    fake.lists[1].title[0] = '\0';
    next_round();
    /* told apart by the list's own title */
    assert_string_equal(at_url(FAKE_HOST "/sites/s1/Shared Documents")->site_title, "Site 1");
    assert_string_equal(at_url(FAKE_HOST "/sites/s1/Shared Documents")->title, "Documents");
    assert_string_equal(at_url(FAKE_HOST "/sites/s2/Shared Documents")->title, "Shared Documents");
}

static void discover_run__pages_to_the_end_without_doubles(void **state)
{
    (void)state;
    fake_fill(&fake, 40, 3);
    fake.page_size = 7;
    fake.repeats = true;
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 121);
    assert_int_equal(fake.searches, 6 + 18);
    assert_false(report.is_search_down);
}

static void discover_run__asks_who_the_tenant_is_when_nobody_knows(void **state)
{
    (void)state;
    fake_fill(&fake, 1, 1);
    fake.is_unidentified = true;
    next_round();
    assert_int_equal(fake.identifies, 1);
    assert_string_equal(known.items[0].tenant, "contoso");
}

static void discover_run__warm_asks_for_one_batch_of_the_unverified(void **state)
{
    unsigned rounds = 0;

    (void)state;
    fake_fill(&fake, 25, 1);
    next_round();
    assert_int_equal(fake.questions, 0);
    next_round();
    assert_int_equal(fake.questions, 20);
    next_round();
    assert_int_equal(fake.questions, 5);
    for (size_t i = 0; i < known.count; i++) {
        assert_true(known.items[i].is_verified);
    }
    for (; rounds < 3; rounds++) {
        next_round();
        assert_int_equal(fake_requests(&fake), 4);
    }
}

static void discover_run__keeps_a_verified_drive_id(void **state)
{
    struct library *library;

    (void)state;
    fake_fill(&fake, 1, 1);
    next_round();
    library = at_url(FAKE_HOST "/sites/s1/Shared Documents");
    sample_text(&library->drive_id, "b!another");
    library->is_verified = true;
    next_round();
    library = at_url(FAKE_HOST "/sites/s1/Shared Documents");
    assert_true(library->is_verified);
    assert_string_equal(library->drive_id, "b!another");
}

static void discover_run__reports_a_list_whose_site_is_not_found(void **state)
{
    (void)state;
    fake_fill(&fake, 2, 1);
    fake.sites[1].is_hidden = true;
    next_round();
    assert_int_equal(at_url(FAKE_HOST "/sites/s2/Shared Documents")->verdict, LIBRARY_NO_SITE);
    assert_int_equal(at_url(FAKE_HOST "/sites/s1/Shared Documents")->verdict, LIBRARY_WANTED);
}

static void discover_run__skips_hits_with_nonsense(void **state)
{
    (void)state;
    fake_fill(&fake, 4, 1);
    put(fake.lists[0].id, sizeof(fake.lists[0].id), "../../me");
    put(fake.lists[1].url, sizeof(fake.lists[1].url), "javascript:x/y");
    put(fake.lists[2].site_id, sizeof(fake.lists[2].site_id), "a b?c");
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 2); /* one library and OneDrive */
}

/* --- OneDrive --- */

static void discover_run__onedrive_follows_the_same_rule(void **state)
{
    (void)state;
    fake_fill(&fake, 10, 1);
    next_round();
    fake.onedrive_code = ERR_SERVER;
    for (int i = 0; i < 3; i++) {
        next_round();
        known_survives(11);
        assert_non_null(strstr(report.message, "OneDrive"));
    }
    fake.onedrive_code = ERR_NOT_FOUND;
    next_round();
    known_survives(11);
    next_round();
    assert_int_equal(count_of(LIBRARY_REMOVED), 1);
    assert_int_equal(count_of(LIBRARY_WANTED), 10);
}

static void discover_run__a_new_onedrive_takes_the_place_of_the_old(void **state)
{
    size_t onedrives = 0;

    (void)state;
    fake_fill(&fake, 1, 1);
    next_round();
    sample_text(
        &at_url("https://contoso-my.sharepoint.com/personal/ana_contoso_com/Documents")->key,
        "an/older/one");
    next_round();
    for (size_t i = 0; i < known.count; i++) {
        onedrives += known.items[i].kind == LIBRARY_ONEDRIVE ? 1 : 0;
    }
    assert_int_equal(onedrives, 1);
}

/* The first list and its site become what the fake's /me/drive is. */
static void index_onedrive(void)
{
    put(fake.sites[0].id, sizeof(fake.sites[0].id),
        "contoso-my.sharepoint.com,d0000000-0000-0000-0000-000000000002,"
        "d0000000-0000-0000-0000-000000000003");
    put(fake.lists[0].site_id, sizeof(fake.lists[0].site_id), fake.sites[0].id);
    put(fake.lists[0].id, sizeof(fake.lists[0].id), "D0000000-0000-0000-0000-000000000001");
    put(fake.sites[0].url, sizeof(fake.sites[0].url),
        "https://contoso-my.sharepoint.com/personal/ana_contoso_com");
    put(fake.lists[0].url, sizeof(fake.lists[0].url),
        "https://contoso-my.sharepoint.com/personal/ana_contoso_com/Documents");
}

static void discover_run__onedrive_in_search_is_one_library(void **state)
{
    (void)state;
    fake_fill(&fake, 1, 1);
    index_onedrive();
    next_round();
    assert_int_equal(known.count, 1);
    assert_int_equal(known.items[0].kind, LIBRARY_ONEDRIVE);
    assert_int_equal(known.items[0].sources, LIBRARY_FROM_SEARCH | LIBRARY_FROM_ONEDRIVE);
}

static void discover_run__an_indexed_onedrive_stays_when_it_is_denied_once(void **state)
{
    static const char url[] =
        "https://contoso-my.sharepoint.com/personal/ana_contoso_com/Documents";

    (void)state;
    fake_fill(&fake, 10, 1);
    index_onedrive();
    fake.sites[0].is_hidden = true; /* SiteQuery does not name personal sites */
    next_round();
    known_survives(10);
    fake.onedrive_code = ERR_DENIED;
    next_round();
    known_survives(10);
    assert_int_equal(at_url(url)->kind, LIBRARY_ONEDRIVE);
    assert_int_equal(at_url(url)->missing, 1);
    fake.onedrive_code = 0;
    next_round();
    assert_int_equal(at_url(url)->missing, 0);
    fake.onedrive_code = ERR_DENIED;
    next_round();
    next_round();
    assert_int_equal(at_url(url)->verdict, LIBRARY_REMOVED); /* whatever the index says */
}

static void discover_run__an_older_onedrive_in_the_index_is_none(void **state)
{
    size_t onedrives = 0;

    (void)state;
    fake_fill(&fake, 2, 1);
    index_onedrive();
    next_round();
    put(fake.lists[0].id, sizeof(fake.lists[0].id), "e0000000-0000-0000-0000-000000000009");
    put(fake.lists[0].url, sizeof(fake.lists[0].url),
        "https://contoso-my.sharepoint.com/personal/ana_contoso_com1/Documents");
    for (size_t i = 0; i < known.count; i++) { /* as if it had been the user's before */
        if (known.items[i].kind == LIBRARY_ONEDRIVE) {
            assert_int_equal(library_key(&known.items[i].key, FAKE_TENANT_ID, fake.sites[0].id,
                                         fake.lists[0].id, NULL, NULL),
                             0);
        }
    }
    next_round();
    for (size_t i = 0; i < known.count; i++) {
        onedrives += known.items[i].kind == LIBRARY_ONEDRIVE ? 1 : 0;
    }
    assert_int_equal(onedrives, 1);
}

static void discover_run__fails_only_when_nothing_answers(void **state)
{
    struct error err = {0};

    (void)state;
    fake_fill(&fake, 1, 1);
    fake.sites_code = fake.lists_code = fake.onedrive_code = ERR_SIGNED_OUT;
    assert_int_equal(try_round(&err), ERR_SIGNED_OUT);
    fake.onedrive_code = 0;
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 1);
}

/* --- LibraryScope=Default --- */

static void discover_run__asks_for_default_libraries_in_batches_once(void **state)
{
    (void)state;
    fake_fill(&fake, 45, 3);
    settings->library_scope = POLICY_LIBRARY_SCOPE_DEFAULT;
    next_round();
    assert_int_equal(fake.questions, 45);
    assert_int_equal(fake.batches, 3);
    assert_int_equal(count_of(LIBRARY_WANTED), 46);
    assert_int_equal(count_of(LIBRARY_NOT_DEFAULT), 90);
    next_round();
    assert_int_equal(fake_requests(&fake), 4); /* all verified by the answers, all remembered */
    assert_int_equal(count_of(LIBRARY_WANTED), 46);
}

static void discover_run__an_unanswered_default_unmaps_nothing(void **state)
{
    (void)state;
    fake_fill(&fake, 5, 2);
    next_round();
    verify_all();
    settings->library_scope = POLICY_LIBRARY_SCOPE_DEFAULT;
    fake.batch_code = ERR_SERVER;
    next_round();
    known_survives(11);
    fake.batch_code = 0;
    fake.sites[2].default_list[0] = '\0'; /* Graph says 404 for some sites */
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 7); /* both of the third site stay */
}

static const struct CMUnitTest tests[] = {
    CASE(discover_run__cold_takes_four_requests_for_300_libraries),
    CASE(discover_run__joins_titles_and_addresses),
    CASE(discover_run__reads_hits_without_titles),
    CASE(discover_run__pages_to_the_end_without_doubles),
    CASE(discover_run__asks_who_the_tenant_is_when_nobody_knows),
    CASE(discover_run__warm_asks_for_one_batch_of_the_unverified),
    CASE(discover_run__keeps_a_verified_drive_id),
    CASE(discover_run__reports_a_list_whose_site_is_not_found),
    CASE(discover_run__skips_hits_with_nonsense),
    CASE(discover_run__onedrive_follows_the_same_rule),
    CASE(discover_run__a_new_onedrive_takes_the_place_of_the_old),
    CASE(discover_run__onedrive_in_search_is_one_library),
    CASE(discover_run__an_indexed_onedrive_stays_when_it_is_denied_once),
    CASE(discover_run__an_older_onedrive_in_the_index_is_none),
    CASE(discover_run__fails_only_when_nothing_answers),
    CASE(discover_run__asks_for_default_libraries_in_batches_once),
    CASE(discover_run__an_unanswered_default_unmaps_nothing),
};

TEST_MAIN("rounds", tests)
