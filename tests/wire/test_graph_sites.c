/* Sites, libraries, search and batches on a simulated tenant. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "wire.h"

static void graph_get_site__finds_sites_by_path_and_the_root(void **state)
{
    struct wire *wire = *state;
    struct graph_site site = {0};
    struct error err = {0};

    assert_ok(graph_get_site(&site, wire->account, wire->tenant->sharepoint_host,
                             "/sites/finance/hr", NULL, &err),
              err);
    assert_string_equal(site.title, "HR");
    graph_site_clear(&site);
    assert_ok(graph_get_site(&site, wire->account, wire->tenant->sharepoint_host, "/", NULL, &err),
              err);
    assert_true(str_ends_with(site.web_url, wire->tenant->sharepoint_host));
    graph_site_clear(&site);
    assert_int_equal(graph_get_site(&site, wire->account, wire->tenant->sharepoint_host,
                                    "/sites/none", NULL, &err),
                     ERR_NOT_FOUND);
}

static void graph_get_my_drive__is_the_onedrive(void **state)
{
    struct wire *wire = *state;
    struct graph_drive drive = {0};
    struct error err = {0};

    assert_ok(graph_get_my_drive(&drive, wire->account, NULL, &err), err);
    assert_string_equal(drive.drive_type, "business");
    assert_true(drive.quota_total > 0);
    graph_drive_clear(&drive);
}

static void graph_list_children__shows_a_shortcut_as_remote(void **state)
{
    struct wire *wire = *state;
    struct graph_drive drive = {0};
    struct graph_items page = {0};
    struct error err = {0};
    bool is_seen = false;

    assert_ok(graph_get_my_drive(&drive, wire->account, NULL, &err), err);
    assert_ok(graph_list_children(&page, wire->account, drive.id, NULL, NULL, 0, NULL, &err), err);
    for (size_t i = 0; i < page.count; i++) {
        if (page.items[i].kind == GRAPH_REMOTE) {
            is_seen = true;
            assert_true(page.items[i].is_remote_folder);
            assert_string_equal(page.items[i].remote_drive_id, wire->drive_id);
            assert_non_null(page.items[i].remote_item_id);
        }
    }
    assert_true(is_seen);
    graph_items_clear(&page);
    graph_drive_clear(&drive);
}

/* The list behind wire->drive_id: every drive id names it (graph-facts 2.2), and search knows it.
 */
static char *list_id_of(struct wire *wire, const char *url_end)
{
    struct graph_hits hits = {0};
    struct error err = {0};
    char *id = NULL;

    assert_ok(graph_search(&hits, wire->account, GRAPH_HIT_LIST,
                           "contentclass:STS_List_DocumentLibrary", 0, 200, NULL, &err),
              err);
    for (size_t i = 0; i < hits.count; i++) {
        if (str_equal(hits.hits[i].site_id, wire->site_id) &&
            str_ends_with(hits.hits[i].web_url, url_end)) {
            str_copy(&id, hits.hits[i].id, NULL);
        }
    }
    graph_hits_clear(&hits);
    assert_non_null(id);
    return id;
}

static void graph_drive_id_hint__is_the_drive_id(void **state)
{
    struct wire *wire = *state;
    struct error err = {0};
    char *list_id = list_id_of(wire, "/Shared Documents/Forms/AllItems.aspx");
    char *hint = NULL;

    assert_ok(graph_drive_id_hint(&hint, wire->site_id, list_id, &err), err);
    assert_string_equal(hint, wire->drive_id);
    free(list_id);
    free(hint);
}

static void graph_verify_drive__believes_a_hint_only_when_the_url_agrees(void **state)
{
    struct wire *wire = *state;
    struct graph_drive drive = {0};
    struct error err = {0};
    char *list_id = list_id_of(wire, "/Reports/Forms/AllItems.aspx");
    char *hint = NULL;
    char *url = NULL;

    assert_ok(graph_drive_id_hint(&hint, wire->site_id, list_id, &err), err);
    str_format(&url, NULL, "https://%s/sites/finance/Reports", wire->tenant->sharepoint_host);
    tenant_tell(wire->tenant, "clear-log", "{}");
    assert_ok(
        graph_verify_drive(&drive, wire->account, hint, wire->site_id, list_id, url, NULL, &err),
        err);
    assert_string_equal(drive.id, hint);
    graph_drive_clear(&drive);
    assert_int_equal(tenant_settled_count(wire->tenant, NULL, NULL, 1), 1);
    /* another library's id, and one that is none: asked by site and list instead */
    assert_ok(graph_verify_drive(&drive, wire->account, wire->drive_id, wire->site_id, list_id, url,
                                 NULL, &err),
              err);
    assert_string_equal(drive.id, hint);
    graph_drive_clear(&drive);
    assert_ok(
        graph_verify_drive(&drive, wire->account, "b!bad", wire->site_id, list_id, url, NULL, &err),
        err);
    assert_string_equal(drive.id, hint);
    graph_drive_clear(&drive);
    free(list_id);
    free(hint);
    free(url);
}

static void graph_search__pages_by_from_and_size(void **state)
{
    struct wire *wire = *state;
    struct graph_hits first = {0};
    struct graph_hits second = {0};
    struct error err = {0};

    assert_ok(graph_search(&first, wire->account, GRAPH_HIT_SITE, "contentclass:STS_Site", 0, 1,
                           NULL, &err),
              err);
    assert_int_equal(first.count, 1);
    assert_true(first.has_more);
    assert_ok(graph_search(&second, wire->account, GRAPH_HIT_SITE, "contentclass:STS_Site", 1, 1,
                           NULL, &err),
              err);
    assert_int_equal(second.count, 1);
    assert_string_not_equal(first.hits[0].id, second.hits[0].id);
    graph_hits_clear(&first);
    graph_hits_clear(&second);
}

static void graph_search__that_is_down_is_an_error(void **state)
{
    struct wire *wire = *state;
    struct graph_hits hits = {0};
    struct error err = {0};
    struct call call = {.deadline_ms = clock_mono_ms(clock_system()) + 60000};

    /* It is not asked again: that would be too late. */
    tenant_tell(wire->tenant, "faults",
                "{'match':{'path':'**/search/query'},'count':-1,'action':{'status':500,"
                "'code':'generalException','headers':{'Retry-After':'600'}}}");
    assert_int_equal(graph_search(&hits, wire->account, GRAPH_HIT_SITE, "x", 0, 10, &call, &err),
                     ERR_SERVER);
    assert_int_equal(hits.count, 0);
}

/* --- $batch --- */

static void graph_batch_get__keeps_the_order_over_several_batches(void **state)
{
    struct wire *wire = *state;
    struct graph_answer answers[45];
    const char *urls[45];
    struct error err = {0};
    char *known = NULL;

    str_format(&known, NULL, "/drives/%s?$select=id,name", wire->drive_id);
    for (size_t i = 0; i < 45; i++) {
        urls[i] = i % 3 == 0 ? known : "/sites/no-such-site";
    }
    assert_ok(graph_batch_get(answers, wire->account, urls, 45, NULL, &err), err);
    for (size_t i = 0; i < 45; i++) {
        if (i % 3 == 0) {
            struct graph_drive drive = {0};

            assert_int_equal(answers[i].code, 0);
            assert_ok(graph_parse_drive(&drive, answers[i].body, answers[i].body_size, &err), err);
            assert_string_equal(drive.id, wire->drive_id);
            graph_drive_clear(&drive);
        } else {
            assert_true(answers[i].code == ERR_NOT_FOUND || answers[i].code == ERR_INVALID);
        }
    }
    assert_int_equal(tenant_settled_count(wire->tenant, "POST", "**/$batch", 3), 3);
    graph_answers_clear(answers, 45);
    free(known);
}

static void graph_batch_get__sends_a_throttled_part_again_alone(void **state)
{
    struct wire *wire = *state;
    struct graph_answer answers[3];
    const char *urls[3] = {"/me", "/organization", "/me/drive"};
    struct error err = {0};

    tenant_tell(wire->tenant, "faults",
                "{'match':{'in_batch':true,'path':'**/organization'},"
                "'action':{'status':429,'headers':{'Retry-After':'1'}}}");
    assert_ok(graph_batch_get(answers, wire->account, urls, 3, NULL, &err), err);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(answers[i].status, 200);
    }
    assert_int_equal(tenant_settled_count(wire->tenant, "POST", "**/$batch", 2), 2);
    assert_int_equal(tenant_count(wire->tenant, "GET", "**/me"), 1);
    graph_answers_clear(answers, 3);
}

static void graph_batch_get__fails_when_no_batch_can_be_had(void **state)
{
    struct wire *wire = *state;
    struct graph_answer answers[1];
    const char *urls[1] = {"/me"};
    struct error err = {0};

    tenant_tell(wire->tenant, "faults",
                "{'match':{'path':'**/$batch'},'count':-1,'action':{'status':403,"
                "'code':'accessDenied'}}");
    assert_int_equal(graph_batch_get(answers, wire->account, urls, 1, NULL, &err), ERR_DENIED);
}

#define TEST(name) cmocka_unit_test_setup(name, wire_reset)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(graph_get_site__finds_sites_by_path_and_the_root),
        TEST(graph_get_my_drive__is_the_onedrive),
        TEST(graph_list_children__shows_a_shortcut_as_remote),
        TEST(graph_drive_id_hint__is_the_drive_id),
        TEST(graph_verify_drive__believes_a_hint_only_when_the_url_agrees),
        TEST(graph_search__pages_by_from_and_size),
        TEST(graph_search__that_is_down_is_an_error),
        TEST(graph_batch_get__keeps_the_order_over_several_batches),
        TEST(graph_batch_get__sends_a_throttled_part_again_alone),
        TEST(graph_batch_get__fails_when_no_batch_can_be_had),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("graph_sites", tests, wire_setup, wire_teardown);
}
