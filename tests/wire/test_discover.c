/* Discovery on a simulated tenant: what a logon costs, what is found, and that no outage unmaps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "mapper/discover.h"
#include "mapper/plan.h"
#include "policy/settings.h"
#include "wire.h"

struct session {
    struct wire *wire;
    struct settings *settings;
    struct library_list known;
    struct discover_report report;
    struct plan_mapping_list want;
};

static struct session *session_start(const char *scenario)
{
    struct tenant_fixture_options options = {.scenario = scenario};
    struct session *session = calloc(1, sizeof(*session));

    assert_non_null(session);
    session->wire = wire_start_with(&options, NULL);
    assert_int_equal(settings_new_default(&session->settings, NULL), 0);
    return session;
}

static void session_stop(struct session *session)
{
    library_list_clear(&session->known);
    plan_mapping_list_clear(&session->want);
    settings_unref(session->settings);
    wire_stop(session->wire);
    free(session);
}

/* A round as the agent makes it, up to the mappings. */
static void next_round(struct session *session)
{
    struct library_list found = {0};
    struct call call = {.priority = CALL_LISTING};
    struct error err = {0};

    assert_ok(discover_run(&found, &session->report, session->wire->account, session->settings,
                           &session->known, &call, &err),
              err);
    library_list_clear(&session->known);
    session->known = found;
    plan_mapping_list_clear(&session->want);
    assert_ok(plan_wanted(&session->want, NULL, &session->known, session->settings, "", &err), err);
}

static bool has_path(const struct session *session, const char *path)
{
    for (size_t i = 0; i < session->want.count; i++) {
        if (str_equal(session->want.items[i].path, path)) {
            return true;
        }
    }
    return false;
}

static void expect_path(const struct session *session, const char *path)
{
    if (!has_path(session, path)) {
        for (size_t i = 0; i < session->want.count; i++) {
            print_message("  %s\n", session->want.items[i].path);
        }
        fail_msg("'%s' is not mapped: %s", path, session->report.message);
    }
}

static struct library *find_by_end(struct session *session, const char *url_end)
{
    for (size_t i = 0; i < session->known.count; i++) {
        if (str_ends_with(session->known.items[i].url, url_end)) {
            return &session->known.items[i];
        }
    }
    fail_msg("no library '%s'", url_end);
    return NULL;
}

/* Rounds until an answer has shown each library once: the removal rule then applies to all. */
static void verify_all(struct session *session)
{
    for (size_t round = 0; round < session->known.count / 20 + 2; round++) {
        next_round(session);
    }
    for (size_t i = 0; i < session->known.count; i++) {
        if (session->known.items[i].verdict == LIBRARY_WANTED) {
            assert_true(session->known.items[i].is_verified);
        }
    }
}

static void add_managed(struct session *session, const char *rest)
{
    char *entry = NULL;

    assert_int_equal(
        str_format(&entry, NULL, "https://%s%s", session->wire->tenant->sharepoint_host, rest), 0);
    assert_int_equal(str_list_add(&session->settings->managed_mappings, entry, NULL), 0);
    free(entry);
}

/* --- what is found --- */

static void discover__maps_a_small_tenant_by_its_addresses(void **state)
{
    struct session *session = session_start("tiny.json");
    struct library *reports;

    (void)state;
    next_round(session);
    expect_path(session, "contoso/OneDrive");
    expect_path(session, "contoso/finance/Shared Documents");
    expect_path(session, "contoso/finance/Reports");
    expect_path(session, "contoso/finance/Tiny quota");
    expect_path(session, "contoso/finance~hr/Shared Documents");
    assert_false(has_path(session, "contoso/finance/SiteAssets"));
    assert_string_equal(session->report.message, "");
    reports = find_by_end(session, "/Reports");
    assert_string_equal(reports->site_title, "Finance");
    assert_string_equal(reports->title, "Reports");
    assert_false(reports->is_verified);
    session_stop(session);
}

static void discover__cold_logon_takes_at_most_ten_requests_for_300_libraries(void **state)
{
    struct session *session = session_start("big.json");
    int requests;

    (void)state;
    tenant_tell(session->wire->tenant, "clear-log", "{}");
    next_round(session);
    assert_int_equal(session->want.count, 301);
    assert_true(session->report.searched_sites >= 150);
    assert_true(session->report.searched_lists >= 300); /* the index may have the OneDrive, too */
    assert_int_equal(tenant_settled_count(session->wire->tenant, "POST", "/v1.0/search/query", 2),
                     2);
    assert_int_equal(tenant_count(session->wire->tenant, NULL, "/v1.0/me/drive"), 1);
    assert_int_equal(tenant_count(session->wire->tenant, NULL, "/v1.0/sites/**"), 0);
    requests = tenant_count(session->wire->tenant, NULL, NULL);
    if (requests > 10) {
        fail_msg("%d requests", requests);
    }
    for (size_t i = 1; i < session->want.count; i++) {
        assert_true(
            str_compare_nocase(session->want.items[i - 1].path, session->want.items[i].path) < 0);
    }
    session_stop(session);
}

static void discover__copes_with_sparse_and_repeated_hits(void **state)
{
    struct session *session = session_start("big.json");

    (void)state;
    tenant_tell(session->wire->tenant, "search", "{'site_names': false, 'duplicates': true}");
    next_round(session);
    assert_int_equal(session->want.count, 301);
    session_stop(session);
}

static void discover__default_scope_asks_in_batches_and_remembers(void **state)
{
    struct session *session = session_start("big.json");

    (void)state;
    session->settings->library_scope = POLICY_LIBRARY_SCOPE_DEFAULT;
    next_round(session);
    assert_int_equal(session->want.count, 151);
    assert_int_equal(tenant_settled_count(session->wire->tenant, "POST", "/v1.0/$batch", 9), 9);
    tenant_tell(session->wire->tenant, "clear-log", "{}");
    next_round(session);
    assert_int_equal(session->want.count, 151);
    assert_int_equal(tenant_count(session->wire->tenant, NULL, "/v1.0/$batch"), 0);
    session_stop(session);
}

static void discover__resolves_managed_mappings_by_url(void **state)
{
    struct session *session = session_start("tiny.json");

    (void)state;
    session->settings->auto_map = false;
    session->settings->one_drive = false;
    add_managed(session, "/sites/finance|Money|M");
    add_managed(session, "/sites/finance/Shared%20Documents/Budget|Budget");
    add_managed(session, "/sites/finance/hr/Shared%20Documents/Forms/AllItems.aspx|People");
    add_managed(session, "/sites/finance/nothing");
    next_round(session);
    expect_path(session, "contoso/finance/Shared Documents");
    expect_path(session, "contoso/finance/Shared Documents~Budget");
    expect_path(session, "contoso/finance~hr/Shared Documents");
    assert_int_equal(session->want.count, 3);
    assert_int_equal(session->want.items[0].letter, 'M');
    assert_string_equal(session->want.items[0].label, "Money");
    assert_non_null(strstr(session->report.message, "nothing"));
    session_stop(session);
}

/* --- outages: what is mapped stays --- */

static void stays_whole(struct session *session, size_t mapped, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        next_round(session);
        assert_int_equal(session->want.count, mapped);
    }
}

static void discover__search_outage_unmaps_nothing(void **state)
{
    struct session *session = session_start("tiny.json");
    size_t mapped;

    (void)state;
    next_round(session);
    verify_all(session);
    mapped = session->want.count;
    tenant_tell(session->wire->tenant, "search", "{'outage': 400}");
    stays_whole(session, mapped, 3);
    assert_true(session->report.is_search_down);
    assert_true(session->report.message[0]);
    tenant_tell(session->wire->tenant, "search", "{'outage': 0, 'empty': true}");
    stays_whole(session, mapped, 3);
    assert_false(session->report.is_search_down);
    tenant_tell(session->wire->tenant, "search", "{'empty': false, 'shrink': 1}");
    stays_whole(session, mapped, 3);
    tenant_tell(session->wire->tenant, "search", "{'shrink': -1}");
    stays_whole(session, mapped, 1);
    session_stop(session);
}

static void discover__a_broken_page_unmaps_nothing(void **state)
{
    struct session *session =
        session_start("{\"tenants\": [{\"name\": \"contoso\", \"users\": [{\"name\": \"ana\"}],"
                      " \"generate\": {\"sites\": 300, \"libraries_per_site\": 2}}]}");

    (void)state;
    next_round(session);
    assert_int_equal(session->want.count, 601);
    tenant_tell(session->wire->tenant, "faults",
                "{'match': {'path': '*/search/query'}, 'after': 2, 'count': 1,"
                " 'action': {'status': 400}}");
    next_round(session); /* the second page of the lists, the third request of the round */
    assert_true(session->report.is_search_down);
    assert_int_equal(session->want.count, 601);
    session_stop(session);
}

static void discover__everything_denied_is_an_outage(void **state)
{
    struct session *session = session_start("tiny.json");
    size_t mapped;

    (void)state;
    next_round(session);
    verify_all(session);
    mapped = session->want.count;
    tenant_tell(session->wire->tenant, "search", "{'empty': true}");
    tenant_tell(session->wire->tenant, "faults",
                "{'match': {'path': '*/lists/*', 'in_batch': true}, 'count': -1,"
                " 'action': {'status': 403}}");
    tenant_tell(session->wire->tenant, "faults",
                "{'match': {'path': '*/followedSites'}, 'count': -1, 'action': {'status': 403}}");
    stays_whole(session, mapped, 4);
    assert_true(session->report.is_outage);
    assert_non_null(strstr(session->report.message, "nothing is removed"));
    session_stop(session);
}

static void discover__a_denied_onedrive_is_not_gone_at_once(void **state)
{
    struct session *session = session_start("tiny.json");

    (void)state;
    next_round(session);
    tenant_tell(session->wire->tenant, "faults",
                "{'match': {'path': '*/me/drive'}, 'count': 1, 'action': {'status': 403}}");
    next_round(session);
    expect_path(session, "contoso/OneDrive");
    next_round(session);
    expect_path(session, "contoso/OneDrive");
    session_stop(session);
}

/* --- what is gone goes --- */

static void discover__access_removed_unmaps_in_the_second_round(void **state)
{
    struct session *session = session_start("big.json");

    (void)state;
    session->settings->max_mappings = 5000;
    next_round(session);
    verify_all(session);
    assert_int_equal(session->want.count, 301);
    tenant_tell(
        session->wire->tenant, "access",
        "{'library': '/sites/project-001/Shared Documents', 'user': 'ana', 'access': 'none'}");
    next_round(session);
    assert_int_equal(session->want.count, 301);
    assert_int_equal(find_by_end(session, "/sites/project-001/Shared Documents")->missing, 1);
    next_round(session);
    assert_int_equal(session->want.count, 300);
    assert_int_equal(find_by_end(session, "/sites/project-001/Shared Documents")->verdict,
                     LIBRARY_REMOVED);
    tenant_tell(
        session->wire->tenant, "access",
        "{'library': '/sites/project-001/Shared Documents', 'user': 'ana', 'access': 'write'}");
    next_round(session);
    assert_int_equal(session->want.count, 301); /* and back */
    session_stop(session);
}

static void discover__a_library_that_search_forgot_stays(void **state)
{
    struct session *session = session_start("tiny.json");

    (void)state;
    next_round(session);
    verify_all(session);
    tenant_tell(session->wire->tenant, "hide",
                "{'library': '/sites/finance/Reports', 'hidden': true}");
    stays_whole(session, session->want.count, 3);
    assert_true(find_by_end(session, "/Reports")->sources & LIBRARY_FROM_STATE);
    assert_int_equal(find_by_end(session, "/Reports")->missing, 0);
    session_stop(session);
}

static void discover__follows_links_to_teams(void **state)
{
#define GROUP "?groupId=aaaaaaaa-1111-4222-8333-bbbbbbbbbbbb"
    static const char *const entries[] = {
        "https://teams.microsoft.com/l/team/19%3Ageneral%40thread.tacv2/conversations" GROUP "|All",
        "https://teams.microsoft.com/l/channel/19%3Aboard%40thread.tacv2/Board" GROUP "|Board|D:",
        "https://teams.microsoft.com/l/channel/19%3Agone%40thread.tacv2/Gone" GROUP};
    struct session *session = session_start("teams.json");

    (void)state;
    session->settings->auto_map = false;
    session->settings->one_drive = false;
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        assert_int_equal(str_list_add(&session->settings->managed_mappings, entries[i], NULL), 0);
    }
    for (int i = 0; i < 2; i++) {
        next_round(session);
        expect_path(session, "contoso/projects/Shared Documents");
        expect_path(session, "contoso/projects-board/Shared Documents~Board");
        assert_int_equal(session->want.count, 2);
        assert_non_null(strstr(session->report.message, "no such team or channel"));
    }
    session_stop(session);
}

/* --- what the user takes part in --- */

static void discover__maps_followed_sites_that_search_misses(void **state)
{
    struct session *session = session_start("teams.json");

    (void)state;
    tenant_tell(session->wire->tenant, "switch", "{'name': 'list_pages', 'value': true}");
    next_round(session);
    expect_path(session, "contoso/projects/Shared Documents");
    expect_path(session, "contoso/quiet/Shared Documents");
    expect_path(session, "contoso/quiet/Plans");
    assert_false(has_path(session, "contoso/unseen/Shared Documents"));
    assert_false(has_path(session, "contoso/projects-board/Shared Documents"));
    assert_string_equal(session->report.message, "");
    session_stop(session);
}

static void discover__an_outage_of_followed_sites_unmaps_nothing(void **state)
{
    struct session *session = session_start("teams.json");
    size_t mapped;

    (void)state;
    next_round(session);
    verify_all(session);
    mapped = session->want.count;
    tenant_tell(session->wire->tenant, "faults",
                "{'match': {'path': '*/sites/*/drives'}, 'count': -1, 'action': {'status': 400}}");
    stays_whole(session, mapped, 3);
    tenant_tell(session->wire->tenant, "clear-faults", "{}");
    tenant_tell(session->wire->tenant, "faults",
                "{'match': {'path': '*/followedSites'}, 'count': -1, 'action': {'status': 400}}");
    stays_whole(session, mapped, 3);
    assert_non_null(strstr(session->report.message, "follow"));
    session_stop(session);
}

static void discover__teams_channels_follow_the_setting_without_a_new_sign_in(void **state)
{
    struct session *session = session_start("teams.json");
    size_t mapped;

    (void)state;
    next_round(session);
    mapped = session->want.count;
    assert_int_equal(tenant_count(session->wire->tenant, NULL, "/v1.0/me/joinedTeams"), 0);
    session->settings->teams_channels = true;
    next_round(session); /* the token is renewed with two more permissions */
    assert_string_equal(session->report.message, "");
    expect_path(session, "contoso/projects-board/Shared Documents");
    expect_path(session, "contoso/design-joint/Shared Documents");
    assert_false(has_path(session, "contoso/projects-secret/Shared Documents"));
    assert_int_equal(session->want.count, mapped + 2);
    assert_string_equal(find_by_end(session, "/projects-board/Shared Documents")->site_title,
                        "Projects-Board"); /* of its hit in search */
    tenant_tell(session->wire->tenant, "switch", "{'name': 'list_pages', 'value': true}");
    tenant_tell(session->wire->tenant, "clear-log", "{}");
    stays_whole(session, mapped + 2, 1);
    assert_int_equal(tenant_count(session->wire->tenant, "POST", "/**/token"), 0);
    session->settings->teams_channels = false;
    stays_whole(session, mapped, 1);
    session_stop(session);
}

static void discover__missing_consent_for_channels_stops_nothing_else(void **state)
{
    struct session *session = session_start("teams.json");
    size_t mapped;

    (void)state;
    tenant_tell(session->wire->tenant, "signin", "{'refused_scope': 'Channel.ReadBasic.All'}");
    session->settings->teams_channels = true;
    next_round(session);
    expect_path(session, "contoso/projects/Shared Documents");
    assert_non_null(strstr(session->report.message, "Channel.ReadBasic.All"));
    assert_non_null(strstr(session->report.message, "consent"));
    mapped = session->want.count;
    stays_whole(session, mapped, 2);
    tenant_tell(session->wire->tenant, "signin", "{'refused_scope': ''}"); /* somebody consents */
    stays_whole(session, mapped + 2, 1);
    assert_string_equal(session->report.message, "");
    session_stop(session);
}

static void discover__an_outage_of_teams_unmaps_nothing(void **state)
{
    static const char *const paths[] = {"*/joinedTeams", "*/allChannels", "*/filesFolder"};
    struct session *session = session_start("teams.json");
    size_t mapped;

    (void)state;
    session->settings->teams_channels = true;
    next_round(session);
    verify_all(session);
    mapped = session->want.count;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        tenant_tell(session->wire->tenant, "faults",
                    "{'match': {'path': '%s'}, 'count': -1, 'action': {'status': 409}}", paths[i]);
        stays_whole(session, mapped, 3);
        assert_non_null(strstr(session->report.message, "Teams channels"));
        tenant_tell(session->wire->tenant, "clear-faults", "{}");
    }
    stays_whole(session, mapped, 1);
    assert_string_equal(session->report.message, "");
    session_stop(session);
}

static void discover__falls_back_to_the_teams_own_channels(void **state)
{
    struct session *session = session_start("teams.json");

    (void)state;
    tenant_tell(session->wire->tenant, "faults",
                "{'match': {'path': '*/allChannels'}, 'count': -1, 'action': {'status': 400}}");
    session->settings->teams_channels = true;
    next_round(session);
    expect_path(session, "contoso/projects-board/Shared Documents");
    assert_false(has_path(session, "contoso/design-joint/Shared Documents"));
    session_stop(session);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(discover__maps_a_small_tenant_by_its_addresses),
    cmocka_unit_test(discover__cold_logon_takes_at_most_ten_requests_for_300_libraries),
    cmocka_unit_test(discover__copes_with_sparse_and_repeated_hits),
    cmocka_unit_test(discover__default_scope_asks_in_batches_and_remembers),
    cmocka_unit_test(discover__resolves_managed_mappings_by_url),
    cmocka_unit_test(discover__search_outage_unmaps_nothing),
    cmocka_unit_test(discover__a_broken_page_unmaps_nothing),
    cmocka_unit_test(discover__everything_denied_is_an_outage),
    cmocka_unit_test(discover__a_denied_onedrive_is_not_gone_at_once),
    cmocka_unit_test(discover__access_removed_unmaps_in_the_second_round),
    cmocka_unit_test(discover__a_library_that_search_forgot_stays),
    cmocka_unit_test(discover__follows_links_to_teams),
    cmocka_unit_test(discover__maps_followed_sites_that_search_misses),
    cmocka_unit_test(discover__an_outage_of_followed_sites_unmaps_nothing),
    cmocka_unit_test(discover__teams_channels_follow_the_setting_without_a_new_sign_in),
    cmocka_unit_test(discover__missing_consent_for_channels_stops_nothing_else),
    cmocka_unit_test(discover__an_outage_of_teams_unmaps_nothing),
    cmocka_unit_test(discover__falls_back_to_the_teams_own_channels),
};

TEST_MAIN("discover on the wire", tests)
