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

/* --- every form of an entry --- */

#define LINK "?groupId=11111111-2222-3333-4444-555555555555&tenantId=" FAKE_TENANT_ID
#define TEAMS "https://teams.microsoft.com/l"

/* Site 1 is the root site, 2 is /sites/s2, 3 is below /teams, 4 is a subsite of 2. */
static void fill_forms(void)
{
    static const char *const urls[] = {FAKE_HOST, FAKE_HOST "/sites/s2", FAKE_HOST "/teams/Größe",
                                       FAKE_HOST "/sites/s2/sub"};

    fake_fill(&fake, 4, 2);
    for (size_t i = 0; i < 4; i++) {
        put(fake.sites[i].url, sizeof(fake.sites[i].url), urls[i]);
        snprintf(fake.lists[2 * i].url, sizeof(fake.lists[0].url), "%s/Shared Documents", urls[i]);
        snprintf(fake.lists[2 * i + 1].url, sizeof(fake.lists[0].url), "%s/Pläne [alt] 100%%",
                 urls[i]);
    }
    settings->auto_map = false;
    settings->one_drive = false;
}

static void discover_run__maps_every_form_of_an_entry(void **state)
{
    static const struct {
        const char *entry;
        const char *url;
        const char *name;
        char letter;
        bool is_favorite;
    } rows[] = {
        {FAKE_HOST, FAKE_HOST "/Shared Documents", NULL, 0, false},
        {FAKE_HOST "/", FAKE_HOST "/Shared Documents", NULL, 0, false},
        {FAKE_HOST "/|Home|P:||TRUE", FAKE_HOST "/Shared Documents", "Home", 'P', true},
        {FAKE_HOST "/||||FALSE", FAKE_HOST "/Shared Documents", NULL, 0, false},
        {FAKE_HOST "/Shared%20Documents", FAKE_HOST "/Shared Documents", NULL, 0, false},
        {FAKE_HOST "/sites/s2|Team%20Site||TRUE", FAKE_HOST "/sites/s2/Shared Documents",
         "Team Site", 0, true},
        {FAKE_HOST "/SITES/S2/||||", FAKE_HOST "/sites/s2/Shared Documents", NULL, 0, false},
        {FAKE_HOST "/sites/s2/shared documents/", FAKE_HOST "/sites/s2/Shared Documents", NULL, 0,
         false},
        {FAKE_HOST "/sites/s2/Pl%C3%A4ne%20%5Balt%5D%20100%25",
         FAKE_HOST "/sites/s2/Pläne [alt] 100%", NULL, 0, false},
        {FAKE_HOST "/sites/s2/Pläne [alt] 100%", FAKE_HOST "/sites/s2/Pläne [alt] 100%", NULL, 0,
         false},
        {FAKE_HOST "/sites/s2/Shared%20Documents/Forms/AllItems.aspx?viewid=1",
         FAKE_HOST "/sites/s2/Shared Documents", NULL, 0, false},
        {FAKE_HOST "/sites/s2/Shared%20Documents/Forms/AllItems.aspx?id=%2Fsites%2Fs2%2FShared%20"
                   "Documents%2Fa%20b",
         FAKE_HOST "/sites/s2/Shared Documents/a b", NULL, 0, false},
        {FAKE_HOST "/sites/s2/Shared%20Documents/a/b%20c|Deep|x",
         FAKE_HOST "/sites/s2/Shared Documents/a/b c", "Deep", 'X', false},
        {FAKE_HOST "/sites/s2/SitePages/Home.aspx", FAKE_HOST "/sites/s2/Shared Documents", NULL, 0,
         false},
        {FAKE_HOST "/:f:/r/sites/s2/Shared%20Documents/a?csf=1&web=1",
         FAKE_HOST "/sites/s2/Shared Documents/a", NULL, 0, false},
        {FAKE_HOST "/teams/Gr%C3%B6%C3%9Fe", FAKE_HOST "/teams/Größe/Shared Documents", NULL, 0,
         false},
        {FAKE_HOST "/sites/s2/sub", FAKE_HOST "/sites/s2/sub/Shared Documents", NULL, 0, false},
        {FAKE_HOST "/sites/s2/sub/Shared Documents/a", FAKE_HOST "/sites/s2/sub/Shared Documents/a",
         NULL, 0, false},
        {FAKE_HOST "/sites/s2|||contoso.onmicrosoft.com", FAKE_HOST "/sites/s2/Shared Documents",
         NULL, 0, false},
        {FAKE_HOST "/sites/s2|||" FAKE_TENANT_ID, FAKE_HOST "/sites/s2/Shared Documents", NULL, 0,
         false},
        {"https%3A%2F%2Fcontoso.sharepoint.com%2Fsites%2Fs2%7CSzwei%7CQ",
         FAKE_HOST "/sites/s2/Shared Documents", "Szwei", 'Q', false},
        {TEAMS "/team/19%3A3%40thread.tacv2/conversations" LINK "|Team|T",
         FAKE_HOST "/sites/s2/Shared Documents", "Team", 'T', false},
        {TEAMS "/channel/19%3A2%40thread.tacv2/Plans" LINK "|Plans",
         FAKE_HOST "/sites/s2/Shared Documents/Channel", "Plans", 0, false},
        {TEAMS "/file/1?objectUrl=https%3A%2F%2Fcontoso.sharepoint.com%2Fsites%2Fs2%2FShared%20"
               "Documents%2Fa",
         FAKE_HOST "/sites/s2/Shared Documents/a", NULL, 0, false},
    };

    (void)state;
    fill_forms();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct library *library;

        library_list_clear(&known);
        str_list_clear(&settings->managed_mappings);
        sample_entry(&settings->managed_mappings, rows[i].entry);
        for (int round = 0; round < 2; round++) { /* found, and kept */
            next_round();
            if (report.message[0] || count_of(LIBRARY_WANTED) != 1) {
                fail_msg("'%s': %zu mapped %s", rows[i].entry, count_of(LIBRARY_WANTED),
                         report.message);
            }
            library = at_url(rows[i].url);
            assert_int_equal(library->verdict, LIBRARY_WANTED);
            assert_int_equal(library->letter, rows[i].letter);
            assert_int_equal(library->is_favorite, rows[i].is_favorite);
            assert_string_equal(library->name ? library->name : "-",
                                rows[i].name ? rows[i].name : "-");
        }
    }
}

static void discover_run__reports_entries_that_name_nothing_of_sharepoint(void **state)
{
    (void)state;
    fill_forms();
    sample_entry(&settings->managed_mappings, FAKE_HOST "/sites/../s2");
    sample_entry(&settings->managed_mappings, FAKE_HOST "/sites/s2");
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 1);
    assert_non_null(strstr(report.message, "segment '..'"));
}

static void discover_run__a_link_to_teams_that_fails_unmaps_nothing(void **state)
{
    static const int codes[] = {ERR_SERVER, ERR_NOT_FOUND, ERR_DENIED};

    (void)state;
    fill_forms();
    fake.channels[fake.channel_count++] = (struct fake_channel){.list = 2};
    sample_entry(&settings->managed_mappings,
                 TEAMS "/channel/19%3A2%40thread.tacv2/x" LINK "|Plans|P||readonly");
    next_round();
    known_survives(1);
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        fake.channels[0].code = codes[i];
        next_round();
        known_survives(1);
        assert_non_null(strstr(report.message, "managed mapping 'https://teams."));
        assert_int_equal(scope_decide(&known, settings, NULL), 0); /* policy alone, too */
        known_survives(1);
        assert_int_equal(at_url(FAKE_HOST "/sites/s2/Shared Documents/Channel")->letter, 'P');
        assert_true(at_url(FAKE_HOST "/sites/s2/Shared Documents/Channel")->is_read_only);
    }
    str_list_clear(&settings->managed_mappings);
    assert_int_equal(scope_decide(&known, settings, NULL), 0);
    assert_int_equal(count_of(LIBRARY_WANTED), 0);
}

static void discover_run__links_to_teams_cost_one_batch(void **state)
{
    (void)state;
    fill_forms();
    for (int i = 0; i < 8; i += 2) {
        char *entry = NULL;

        assert_int_equal(str_format(&entry, NULL, TEAMS "/team/19%%3A%d%%40thread.tacv2/x" LINK, i),
                         0);
        sample_entry(&settings->managed_mappings, entry);
        str_free(&entry);
    }
    sample_entry(&settings->managed_mappings,
                 TEAMS "/team/19%3A1%40thread.tacv2/x?groupId="
                       "11111111-2222-3333-4444-555555555555&"
                       "tenantId=99999999-2222-3333-4444-555555555555");
    next_round();
    assert_int_equal(fake.folders, 4); /* not those of another tenant */
    next_round();
    assert_int_equal(fake.folders, 4);
    assert_int_equal(fake.gets, 0);
    assert_string_equal(report.message, "");
}

static const struct CMUnitTest tests[] = {
    CASE(discover_run__resolves_managed_mappings_by_url_once),
    CASE(discover_run__managed_all_takes_every_library_of_the_site),
    CASE(discover_run__managed_folder_of_a_found_library_costs_nothing),
    CASE(discover_run__a_managed_library_outside_search_is_asked_for),
    CASE(discover_run__does_not_ask_for_mappings_of_other_tenants),
    CASE(discover_run__needs_no_particular_form_of_drive_ids),
    CASE(discover_run__maps_every_form_of_an_entry),
    CASE(discover_run__reports_entries_that_name_nothing_of_sharepoint),
    CASE(discover_run__a_link_to_teams_that_fails_unmaps_nothing),
    CASE(discover_run__links_to_teams_cost_one_batch),
};

TEST_MAIN("managed", tests)
