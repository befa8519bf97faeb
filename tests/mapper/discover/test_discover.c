#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fake_graph.h"
#include "mapper/discover.h"
#include "merge.h"
#include "sample.h"

static struct fake fake;
static struct settings *settings;
static struct library_list known;
static struct discover_report report;

static int set_up(void **state)
{
    (void)state;
    settings = sample_settings();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    library_list_clear(&known);
    fake_clear(&fake);
    settings_unref(settings);
    return 0;
}

static void put(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text);
}

/* One round; its result is what the next one knows. */
static int try_round(struct error *err)
{
    struct library_list out = {0};
    struct call call = {.priority = CALL_LISTING};
    int code;

    fake_reset_counters(&fake);
    code = discover_run(&out, &report, fake_account(&fake), settings, &known, &call, err);
    if (code == 0) {
        library_list_clear(&known);
        known = out;
    }
    return code;
}

static void next_round(void)
{
    struct error err = {0};

    if (try_round(&err) < 0) {
        fail_msg("%s", err.message);
    }
}

static size_t count_of(enum library_verdict verdict)
{
    size_t count = 0;

    for (size_t i = 0; i < known.count; i++) {
        count += known.items[i].verdict == verdict ? 1 : 0;
    }
    return count;
}

static struct library *at_url(const char *url)
{
    for (size_t i = 0; i < known.count; i++) {
        if (str_equal(known.items[i].url, url)) {
            return &known.items[i];
        }
    }
    fail_msg("no library at '%s'", url);
    return NULL;
}

/* As if every library had been opened once. */
static void verify_all(void)
{
    for (size_t i = 0; i < known.count; i++) {
        known.items[i].is_verified = true;
    }
}

/* --- a good day --- */

static void discover_run__cold_takes_three_requests_for_300_libraries(void **state)
{
    (void)state;
    fake_fill(&fake, 150, 2);
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 301); /* with OneDrive */
    assert_int_equal(fake_requests(&fake), 3);
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
        assert_int_equal(fake_requests(&fake), 3);
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

/* --- bad days: nothing that was mapped may go --- */

static void known_survives(size_t mapped)
{
    assert_int_equal(count_of(LIBRARY_WANTED), mapped);
    assert_int_equal(count_of(LIBRARY_REMOVED), 0);
}

static void discover_run__search_down_removes_nothing(void **state)
{
    static const int codes[] = {ERR_SERVER, ERR_THROTTLED, ERR_TIMED_OUT,
                                ERR_DENIED, ERR_NOT_FOUND, ERR_INVALID};

    (void)state;
    fake_fill(&fake, 10, 2);
    next_round();
    verify_all();
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        fake.sites_code = codes[i];
        fake.lists_code = codes[i];
        for (int round = 0; round < 3; round++) {
            next_round();
            known_survives(21);
            assert_true(report.is_search_down);
            assert_non_null(strstr(report.message, "search"));
            assert_int_equal(fake.questions, 0); /* silence names nobody */
        }
    }
    fake.sites_code = fake.lists_code = 0;
    next_round();
    known_survives(21);
    assert_false(report.is_search_down);
    assert_false(at_url(FAKE_HOST "/sites/s1/Library 2")->sources & LIBRARY_FROM_STATE);
}

static void discover_run__one_search_down_removes_nothing(void **state)
{
    (void)state;
    fake_fill(&fake, 10, 2);
    next_round();
    verify_all();
    fake.sites_code = ERR_SERVER;
    for (int round = 0; round < 3; round++) {
        next_round();
        known_survives(21);
        assert_true(report.is_search_down);
    }
    fake.sites_code = 0;
    fake.lists_code = ERR_SERVER;
    for (int round = 0; round < 3; round++) {
        next_round();
        known_survives(21);
        assert_true(report.is_search_down);
    }
}

static void discover_run__a_page_that_breaks_off_removes_nothing(void **state)
{
    (void)state;
    fake_fill(&fake, 30, 2);
    next_round();
    verify_all();
    fake.page_size = 10;
    fake.lists_code = ERR_SERVER;
    fake.lists_from = 20;
    for (int round = 0; round < 3; round++) {
        next_round();
        known_survives(61);
        assert_true(report.is_search_down);
    }
    fake.lists_code = 0;
    fake.sites_code = ERR_TIMED_OUT;
    fake.sites_from = 10;
    for (int round = 0; round < 3; round++) {
        next_round();
        known_survives(61);
    }
}

static void discover_run__a_broken_page_reports_no_new_list_as_siteless(void **state)
{
    (void)state;
    fake_fill(&fake, 30, 1);
    fake.page_size = 10;
    fake.sites_code = ERR_SERVER;
    fake.sites_from = 20;
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 21); /* what can be told is told */
    assert_int_equal(count_of(LIBRARY_NO_SITE), 0);
}

static void discover_run__search_that_never_ends_is_an_error(void **state)
{
    (void)state;
    fake_fill(&fake, 10, 1);
    next_round();
    fake.promises_more = true;
    next_round();
    assert_true(report.is_search_down);
    assert_true(fake.searches < 20);
    known_survives(11);
}

static void discover_run__a_shrunk_result_is_asked_about(void **state)
{
    (void)state;
    fake_fill(&fake, 10, 2);
    next_round();
    verify_all();
    for (size_t i = 5; i < 20; i++) {
        fake.lists[i].is_hidden = true;
    }
    for (int round = 0; round < 4; round++) {
        next_round();
        known_survives(21);
        assert_int_equal(fake.questions, 15);
        assert_int_equal(fake.batches, 1);
    }
    assert_true(at_url(FAKE_HOST "/sites/s9/Library 2")->sources & LIBRARY_FROM_STATE);
}

static void discover_run__an_empty_result_is_an_outage_when_all_deny(void **state)
{
    (void)state;
    fake_fill(&fake, 10, 2);
    next_round();
    verify_all();
    for (size_t i = 0; i < 20; i++) {
        fake.lists[i].is_hidden = true;
        fake.lists[i].code = i % 2 ? ERR_DENIED : ERR_NOT_FOUND;
    }
    for (int round = 0; round < 4; round++) {
        next_round();
        known_survives(21);
        assert_true(report.is_outage);
    }
}

static void discover_run__shrunk_sites_keep_what_the_same_query_found(void **state)
{
    (void)state;
    fake_fill(&fake, 10, 1);
    next_round();
    verify_all();
    for (size_t i = 2; i < 10; i++) {
        fake.sites[i].is_hidden = true;
    }
    for (int round = 0; round < 3; round++) {
        next_round();
        known_survives(11);
    }
}

static void discover_run__another_query_is_policy(void **state)
{
    (void)state;
    fake_fill(&fake, 10, 1);
    next_round();
    verify_all();
    for (size_t i = 2; i < 10; i++) {
        fake.sites[i].is_hidden = true;
    }
    fake.lists[9].is_hidden = true; /* its list is out of the index too */
    sample_text(&settings->site_query, "contentclass:STS_Site");
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 3);
    assert_int_equal(at_url(FAKE_HOST "/sites/s5/Shared Documents")->verdict, LIBRARY_NO_SITE);
    assert_int_equal(at_url(FAKE_HOST "/sites/s10/Shared Documents")->verdict, LIBRARY_NO_SITE);
}

static void discover_run__a_batch_that_fails_removes_nothing(void **state)
{
    (void)state;
    fake_fill(&fake, 10, 2);
    next_round();
    verify_all();
    fake.lists[3].is_hidden = true;
    fake.batch_code = ERR_SERVER;
    for (int round = 0; round < 4; round++) {
        next_round();
        known_survives(21);
        assert_int_equal(at_url(fake.lists[3].url)->missing, 0);
    }
}

/* --- what is really gone goes --- */

static void discover_run__removes_what_is_gone_twice(void **state)
{
    static const int codes[] = {ERR_NOT_FOUND, ERR_DENIED};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        fake_fill(&fake, 10, 2);
        next_round();
        verify_all();
        fake.lists[3].is_hidden = true;
        fake.lists[3].code = codes[i];
        next_round();
        known_survives(21);
        next_round();
        assert_int_equal(at_url(fake.lists[3].url)->verdict, LIBRARY_REMOVED);
        assert_int_equal(count_of(LIBRARY_WANTED), 20);
        next_round();
        assert_int_equal(known.count, 20); /* told once, then forgotten */
        fake.lists[3].is_hidden = false;   /* and back, as if new */
        fake.lists[3].code = 0;
        next_round();
        assert_int_equal(count_of(LIBRARY_WANTED), 21);
        library_list_clear(&known);
        fake_clear(&fake);
    }
}

static void discover_run__a_round_in_between_starts_the_count_again(void **state)
{
    (void)state;
    fake_fill(&fake, 10, 2);
    next_round();
    verify_all();
    for (int i = 0; i < 3; i++) {
        fake.lists[3].is_hidden = true;
        fake.lists[3].code = ERR_NOT_FOUND;
        next_round();
        known_survives(21);
        fake.lists[3].is_hidden = false;
        next_round();
        known_survives(21);
    }
}

static void discover_run__search_down_does_not_count_as_a_round(void **state)
{
    (void)state;
    fake_fill(&fake, 10, 2);
    next_round();
    verify_all();
    fake.lists[3].is_hidden = true;
    fake.lists[3].code = ERR_NOT_FOUND;
    next_round();
    fake.lists_code = ERR_SERVER;
    next_round();
    next_round();
    known_survives(21);
}

static void discover_run__policy_removes_at_once_and_asks_nothing(void **state)
{
    (void)state;
    fake_fill(&fake, 10, 2);
    next_round();
    verify_all();
    fake.lists_code = fake.sites_code = ERR_SERVER;
    sample_entry(&settings->exclude_sites, "/sites/s1");
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 19);
    assert_int_equal(count_of(LIBRARY_EXCLUDED), 2);
    assert_int_equal(fake.questions, 0);
}

static void discover_run__follows_a_rename(void **state)
{
    (void)state;
    fake_fill(&fake, 2, 2);
    next_round();
    verify_all();
    put(fake.lists[1].url, sizeof(fake.lists[1].url), FAKE_HOST "/sites/s1/Renamed");
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 5);
    assert_true(at_url(FAKE_HOST "/sites/s1/Renamed")->is_verified);
    fake.lists[1].is_hidden = true; /* and when only the direct answer knows */
    put(fake.lists[1].url, sizeof(fake.lists[1].url), FAKE_HOST "/sites/s1/Again");
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 5);
    at_url(FAKE_HOST "/sites/s1/Again");
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

/* --- managed mappings --- */

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
    assert_int_equal(fake_requests(&fake), 3);
    assert_int_equal(at_url(FAKE_HOST "/sites/s2/Library 2/Sub/Deep")->verdict, LIBRARY_WANTED);
    assert_int_equal(count_of(LIBRARY_WANTED), 6);
    verify_all();
    next_round();
    assert_int_equal(fake_requests(&fake), 3); /* it is there as long as its library is */
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
    assert_int_equal(fake_requests(&fake), 3); /* all verified by the answers, all remembered */
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

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
static const struct CMUnitTest tests[] = {
    CASE(discover_run__cold_takes_three_requests_for_300_libraries),
    CASE(discover_run__joins_titles_and_addresses),
    CASE(discover_run__reads_hits_without_titles),
    CASE(discover_run__pages_to_the_end_without_doubles),
    CASE(discover_run__asks_who_the_tenant_is_when_nobody_knows),
    CASE(discover_run__warm_asks_for_one_batch_of_the_unverified),
    CASE(discover_run__keeps_a_verified_drive_id),
    CASE(discover_run__reports_a_list_whose_site_is_not_found),
    CASE(discover_run__skips_hits_with_nonsense),
    CASE(discover_run__search_down_removes_nothing),
    CASE(discover_run__one_search_down_removes_nothing),
    CASE(discover_run__a_page_that_breaks_off_removes_nothing),
    CASE(discover_run__a_broken_page_reports_no_new_list_as_siteless),
    CASE(discover_run__search_that_never_ends_is_an_error),
    CASE(discover_run__a_shrunk_result_is_asked_about),
    CASE(discover_run__an_empty_result_is_an_outage_when_all_deny),
    CASE(discover_run__shrunk_sites_keep_what_the_same_query_found),
    CASE(discover_run__another_query_is_policy),
    CASE(discover_run__a_batch_that_fails_removes_nothing),
    CASE(discover_run__removes_what_is_gone_twice),
    CASE(discover_run__a_round_in_between_starts_the_count_again),
    CASE(discover_run__search_down_does_not_count_as_a_round),
    CASE(discover_run__policy_removes_at_once_and_asks_nothing),
    CASE(discover_run__follows_a_rename),
    CASE(discover_run__onedrive_follows_the_same_rule),
    CASE(discover_run__a_new_onedrive_takes_the_place_of_the_old),
    CASE(discover_run__onedrive_in_search_is_one_library),
    CASE(discover_run__an_indexed_onedrive_stays_when_it_is_denied_once),
    CASE(discover_run__an_older_onedrive_in_the_index_is_none),
    CASE(discover_run__fails_only_when_nothing_answers),
    CASE(discover_run__resolves_managed_mappings_by_url_once),
    CASE(discover_run__managed_all_takes_every_library_of_the_site),
    CASE(discover_run__managed_folder_of_a_found_library_costs_nothing),
    CASE(discover_run__a_managed_library_outside_search_is_asked_for),
    CASE(discover_run__does_not_ask_for_mappings_of_other_tenants),
    CASE(discover_run__asks_for_default_libraries_in_batches_once),
    CASE(discover_run__an_unanswered_default_unmaps_nothing),
};

TEST_MAIN("discover", tests)
