/* What a round may take away, and what not. */
#include "rounds.h"

/* --- bad days: nothing that was mapped may go --- */

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

static const struct CMUnitTest tests[] = {
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
};

TEST_MAIN("outages", tests)
