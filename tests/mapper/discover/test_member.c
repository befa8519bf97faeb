/* Followed sites and Teams channels in rounds. */
#include "rounds.h"

/* The n-th site of the table becomes one that search does not know and the user follows. */
static void follow_hidden(size_t site)
{
    fake.sites[site].is_hidden = true;
    fake.sites[site].is_followed = true;
    for (size_t i = 0; i < fake.list_count; i++) {
        if (str_equal_nocase(fake.lists[i].site_id, fake.sites[site].id)) {
            fake.lists[i].is_hidden = true;
        }
    }
}

static void add_channel(size_t team, size_t list, enum graph_channel_kind kind)
{
    fake.channels[fake.channel_count++] =
        (struct fake_channel){.team = team, .host = team, .list = list, .kind = kind};
    fake.lists[list].is_hidden = true;
    for (size_t i = 0; i < fake.site_count; i++) {
        if (str_equal_nocase(fake.lists[list].site_id, fake.sites[i].id)) {
            fake.sites[i].is_hidden = true;
        }
    }
}

/* Two ordinary sites, then channels' sites: 2 private, 3 shared, 4 standard. */
static void fill_teams(void)
{
    fake_fill(&fake, 5, 1);
    fake.team_count = 2;
    add_channel(0, 2, GRAPH_CHANNEL_PRIVATE);
    add_channel(1, 3, GRAPH_CHANNEL_SHARED);
    add_channel(1, 4, GRAPH_CHANNEL_STANDARD);
    settings->teams_channels = true;
}

static bool is_known(const char *url)
{
    for (size_t i = 0; i < known.count; i++) {
        if (str_equal_nocase(known.items[i].url, url)) {
            return true;
        }
    }
    return false;
}

/* --- followed sites --- */

static void discover_run__maps_followed_sites_that_search_misses(void **state)
{
    struct library *library;

    (void)state;
    fake_fill(&fake, 3, 2);
    follow_hidden(2);
    next_round();
    library = at_url(FAKE_HOST "/sites/s3/Library 2");
    assert_int_equal(library->verdict, LIBRARY_WANTED);
    assert_true(library->sources & LIBRARY_FROM_FOLLOWED);
    assert_true(library->is_verified);
    assert_string_equal(library->site_title, "Site 3");
    assert_string_equal(library->reason, "you follow its site");
    assert_int_equal(count_of(LIBRARY_WANTED), 7);
    assert_int_equal(fake.followeds, 1);
    assert_int_equal(fake.batches, 1);
    assert_string_equal(report.message, "");
}

static void discover_run__followed_sites_that_search_names_cost_one_request(void **state)
{
    (void)state;
    fake_fill(&fake, 50, 2);
    for (size_t i = 0; i < fake.site_count; i++) {
        fake.sites[i].is_followed = true;
    }
    next_round();
    assert_int_equal(fake_requests(&fake), 4);
    assert_int_equal(count_of(LIBRARY_WANTED), 101);
    for (size_t i = 0; i < known.count; i++) {
        assert_false(known.items[i].sources & LIBRARY_FROM_FOLLOWED);
    }
}

static void discover_run__a_followed_site_gives_lists_of_search_their_site(void **state)
{
    (void)state;
    fake_fill(&fake, 2, 1);
    fake.sites[1].is_hidden = true;
    fake.sites[1].is_followed = true;
    next_round();
    assert_int_equal(at_url(FAKE_HOST "/sites/s2/Shared Documents")->verdict, LIBRARY_WANTED);
    assert_int_equal(fake.site_lists, 0);
}

static void discover_run__following_is_no_way_around_site_query(void **state)
{
    (void)state;
    fake_fill(&fake, 3, 1);
    follow_hidden(2);
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 4);
    sample_text(&settings->site_query, "path:https://contoso.sharepoint.com/sites/s1");
    next_round();
    assert_int_equal(fake.followeds, 0);
    assert_int_equal(at_url(FAKE_HOST "/sites/s3/Shared Documents")->verdict, LIBRARY_NO_SITE);
}

static void discover_run__followed_sites_obey_scope(void **state)
{
    (void)state;
    fake_fill(&fake, 3, 1);
    follow_hidden(2);
    sample_entry(&settings->exclude_sites, "*/s3");
    next_round();
    assert_int_equal(at_url(FAKE_HOST "/sites/s3/Shared Documents")->verdict, LIBRARY_EXCLUDED);
}

static void discover_run__asks_for_twenty_followed_sites_when_cold_and_the_rest_later(void **state)
{
    (void)state;
    fake_fill(&fake, 60, 1);
    for (size_t i = 0; i < 60; i++) {
        follow_hidden(i);
    }
    next_round();
    assert_int_equal(fake.site_lists, 20);
    assert_int_equal(fake_requests(&fake), 5);
    assert_int_equal(count_of(LIBRARY_WANTED), 21);
    next_round();
    assert_int_equal(fake.site_lists, 60);
    assert_int_equal(count_of(LIBRARY_WANTED), 61);
    next_round();
    assert_int_equal(fake.batches, 3); /* nothing is missing, all is verified */
}

static void discover_run__an_outage_of_followed_sites_removes_nothing(void **state)
{
    static const int codes[] = {ERR_SERVER, ERR_TIMED_OUT, ERR_DENIED, ERR_NOT_FOUND};

    (void)state;
    fake_fill(&fake, 4, 1);
    follow_hidden(3);
    next_round();
    fake.lists[3].code = ERR_NOT_FOUND; /* what a direct question would say */
    for (size_t i = 0; i < 4; i++) {
        fake.followed_code = codes[i];
        next_round();
        next_round();
        known_survives(5);
        assert_int_equal(fake.questions, 0);
        assert_int_equal(report.message[0] != '\0', codes[i] != ERR_NOT_FOUND);
    }
    fake.followed_code = 0;
    fake.sites[3].drives_code = ERR_SERVER;
    next_round();
    next_round();
    known_survives(5);
    fake.batch_code = ERR_SERVER;
    next_round();
    next_round();
    known_survives(5);
}

static void discover_run__a_followed_library_that_is_gone_goes_after_two_rounds(void **state)
{
    (void)state;
    fake_fill(&fake, 4, 1);
    follow_hidden(3);
    next_round();
    fake.sites[3].drives_code = ERR_NOT_FOUND;
    fake.lists[3].code = ERR_NOT_FOUND;
    next_round();
    known_survives(5);
    next_round();
    assert_int_equal(count_of(LIBRARY_REMOVED), 1);
    assert_int_equal(count_of(LIBRARY_WANTED), 4);
}

static void discover_run__unfollowing_unmaps_nothing_by_itself(void **state)
{
    (void)state;
    fake_fill(&fake, 4, 1);
    follow_hidden(3);
    next_round();
    fake.sites[3].is_followed = false; /* the service's list is known to be incomplete at times */
    next_round();
    next_round();
    known_survives(5);
}

/* --- channels --- */

static void discover_run__asks_nothing_of_teams_unless_told(void **state)
{
    (void)state;
    fill_teams();
    settings->teams_channels = false;
    next_round();
    assert_int_equal(fake.teams, 0);
    assert_false(fake.wants_teams);
    assert_int_equal(count_of(LIBRARY_WANTED), 3);
    settings->teams_channels = true;
    settings->auto_map = false;
    next_round();
    assert_int_equal(fake.teams, 0);
}

static void discover_run__maps_private_and_shared_channels(void **state)
{
    struct library *library;

    (void)state;
    fill_teams();
    next_round();
    assert_true(fake.wants_teams);
    assert_int_equal(count_of(LIBRARY_WANTED), 5);
    library = at_url(FAKE_HOST "/sites/s3/Shared Documents"); /* the library, not the folder */
    assert_int_equal(library->kind, LIBRARY_SITE);
    assert_int_equal(library->verdict, LIBRARY_WANTED);
    assert_string_equal(library->site_title, "Team 0 - Channel 0");
    assert_string_equal(library->site_url, FAKE_HOST "/sites/s3");
    assert_true(library->is_verified);
    assert_string_equal(library->reason, "it holds the files of a Teams channel");
    assert_int_equal(at_url(FAKE_HOST "/sites/s4/Shared Documents")->verdict, LIBRARY_WANTED);
    assert_false(is_known(FAKE_HOST "/sites/s5/Shared Documents")); /* a standard channel */
}

static void discover_run__channels_cost_a_batch_for_each_twenty(void **state)
{
    (void)state;
    fake_fill(&fake, 40, 1);
    fake.team_count = 45;
    for (size_t i = 0; i < 30; i++) {
        add_channel(i, i, GRAPH_CHANNEL_PRIVATE);
    }
    settings->teams_channels = true;
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 41);
    assert_int_equal(fake.channel_lists, 45);
    assert_int_equal(fake.folders, 30);
    assert_int_equal(fake.questions, 30);
    assert_int_equal(fake.batches, 3 + 2 + 2);
    next_round(); /* known and verified ones are not asked for again; search's are verified */
    assert_int_equal(fake.questions, 10);
    next_round();
    assert_int_equal(fake.questions, 0);
    assert_int_equal(fake.batches, 3 + 2);
    assert_int_equal(count_of(LIBRARY_WANTED), 41);
}

static void discover_run__a_channel_of_two_teams_is_one_library(void **state)
{
    (void)state;
    fill_teams();
    fake.channels[fake.channel_count++] =
        (struct fake_channel){.team = 0, .host = 1, .list = 3, .kind = GRAPH_CHANNEL_SHARED};
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 5);
    assert_int_equal(fake.folders, 2);
}

static void discover_run__leaves_out_channels_of_other_tenants(void **state)
{
    (void)state;
    fill_teams();
    fake.channels[1].tenant_id = "99999999-2222-3333-4444-555555555555";
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 4);
    fake.channels[1].tenant_id = FAKE_TENANT_ID;
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 5);
}

static void discover_run__a_channel_that_search_names_too_is_one_library(void **state)
{
    struct library *library;

    (void)state;
    fill_teams();
    fake.sites[2].is_hidden = false;
    fake.lists[2].is_hidden = false;
    next_round();
    library = at_url(FAKE_HOST "/sites/s3/Shared Documents");
    assert_true(library->sources & LIBRARY_FROM_SEARCH);
    assert_true(library->sources & LIBRARY_FROM_TEAMS);
    assert_int_equal(count_of(LIBRARY_WANTED), 5);
}

static void discover_run__renews_a_token_that_is_older_than_the_setting(void **state)
{
    (void)state;
    fill_teams();
    fake.teams_code = ERR_DENIED;
    next_round();
    assert_int_equal(fake.renewals, 1);
    assert_int_equal(count_of(LIBRARY_WANTED), 5);
    assert_string_equal(report.message, "");
}

static void discover_run__missing_consent_is_reported_and_stops_nothing_else(void **state)
{
    (void)state;
    fill_teams();
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 5);
    fake.teams_code = ERR_DENIED;
    fake.renew_code = ERR_DENIED;
    fake.lists[2].code = ERR_DENIED;
    for (int i = 0; i < 3; i++) {
        next_round();
        assert_int_equal(fake.renewals, 1);
        assert_non_null(strstr(report.message, "Teams channels: nobody consented"));
        known_survives(5);
    }
}

static void discover_run__an_outage_of_teams_removes_nothing(void **state)
{
    (void)state;
    fill_teams();
    next_round();
    fake.lists[2].code = ERR_NOT_FOUND;
    fake.lists[3].code = ERR_NOT_FOUND;
    fake.teams_code = ERR_SERVER;
    next_round();
    next_round();
    known_survives(5);
    fake.teams_code = 0;
    fake.channels_code = ERR_THROTTLED; /* of team 0 alone */
    next_round();
    next_round();
    known_survives(5);
    assert_non_null(strstr(report.message, "1 teams do not tell"));
    fake.channels_code = 0;
    fake.channels[0].code = ERR_SERVER;
    fake.channels[1].code = ERR_SERVER;
    next_round();
    next_round();
    known_survives(5);
    assert_non_null(strstr(report.message, "where their files are"));
}

static void discover_run__a_channels_list_in_search_does_not_unmap_it(void **state)
{
    (void)state;
    fill_teams();
    fake.lists[2].is_hidden = false; /* the list, not its site */
    next_round();
    assert_int_equal(count_of(LIBRARY_WANTED), 5);
    fake.teams_code = ERR_SERVER;
    next_round();
    known_survives(5);
    fake.teams_code = 0;
    fake.channels[0].team = 99;
    next_round();
    known_survives(5); /* search shows that the user may still open it */
    settings->teams_channels = false;
    next_round();
    assert_int_equal(at_url(FAKE_HOST "/sites/s3/Shared Documents")->verdict, LIBRARY_EXCLUDED);
}

static void discover_run__a_channel_that_was_left_goes_after_two_rounds(void **state)
{
    (void)state;
    fill_teams();
    next_round();
    fake.channels[0].team = 99; /* not listed any more */
    fake.lists[2].code = ERR_DENIED;
    next_round();
    known_survives(5);
    next_round();
    assert_int_equal(count_of(LIBRARY_REMOVED), 1);
}

static void discover_run__channels_go_when_the_setting_does(void **state)
{
    (void)state;
    fill_teams();
    next_round();
    settings->teams_channels = false;
    assert_int_equal(scope_decide(&known, settings, NULL), 0); /* at once ... */
    assert_int_equal(at_url(FAKE_HOST "/sites/s3/Shared Documents")->verdict, LIBRARY_EXCLUDED);
    assert_string_equal(at_url(FAKE_HOST "/sites/s3/Shared Documents")->reason,
                        "TeamsChannels is off");
    next_round(); /* ... and for good */
    assert_int_equal(count_of(LIBRARY_WANTED), 3);
    next_round();
    assert_false(is_known(FAKE_HOST "/sites/s3/Shared Documents"));
}

static void discover_run__needs_no_particular_form_of_channels_drive_ids(void **state)
{
    (void)state;
    fill_teams();
    fake.has_odd_ids = true;
    for (int i = 0; i < 3; i++) {
        next_round();
        assert_int_equal(count_of(LIBRARY_WANTED), 5);
    }
}

static const struct CMUnitTest tests[] = {
    CASE(discover_run__maps_followed_sites_that_search_misses),
    CASE(discover_run__followed_sites_that_search_names_cost_one_request),
    CASE(discover_run__a_followed_site_gives_lists_of_search_their_site),
    CASE(discover_run__following_is_no_way_around_site_query),
    CASE(discover_run__followed_sites_obey_scope),
    CASE(discover_run__asks_for_twenty_followed_sites_when_cold_and_the_rest_later),
    CASE(discover_run__an_outage_of_followed_sites_removes_nothing),
    CASE(discover_run__a_followed_library_that_is_gone_goes_after_two_rounds),
    CASE(discover_run__unfollowing_unmaps_nothing_by_itself),
    CASE(discover_run__asks_nothing_of_teams_unless_told),
    CASE(discover_run__maps_private_and_shared_channels),
    CASE(discover_run__channels_cost_a_batch_for_each_twenty),
    CASE(discover_run__a_channel_of_two_teams_is_one_library),
    CASE(discover_run__leaves_out_channels_of_other_tenants),
    CASE(discover_run__a_channel_that_search_names_too_is_one_library),
    CASE(discover_run__renews_a_token_that_is_older_than_the_setting),
    CASE(discover_run__missing_consent_is_reported_and_stops_nothing_else),
    CASE(discover_run__an_outage_of_teams_removes_nothing),
    CASE(discover_run__a_channels_list_in_search_does_not_unmap_it),
    CASE(discover_run__a_channel_that_was_left_goes_after_two_rounds),
    CASE(discover_run__channels_go_when_the_setting_does),
    CASE(discover_run__needs_no_particular_form_of_channels_drive_ids),
};

TEST_MAIN("member", tests)
