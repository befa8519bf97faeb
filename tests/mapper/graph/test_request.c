/* URLs and bodies of Graph requests. */
#include <stdlib.h>
#include <string.h>

#include "graph/request.h"
#include "test.h"

#define BASE "https://graph.example"
#define DRIVE "b!GMp-_1"

static void check(char *got, const char *wanted)
{
    assert_non_null(got);
    assert_string_equal(got, wanted);
    free(got);
}

static void request_item_url__keeps_ids_readable_and_encodes_the_rest(void **state)
{
    char *url = NULL;

    (void)state;
    assert_int_equal(request_item_url(&url, BASE, DRIVE, "01ABC", "/children?$top=5", NULL), 0);
    check(url, BASE "/v1.0/drives/" DRIVE "/items/01ABC/children?$top=5");
    url = NULL;
    assert_int_equal(request_item_url(&url, BASE, DRIVE, NULL, NULL, NULL), 0);
    check(url, BASE "/v1.0/drives/" DRIVE "/root");
    url = NULL;
    assert_int_equal(request_item_url(&url, BASE, DRIVE, "a/../b?c#d", NULL, NULL), 0);
    check(url, BASE "/v1.0/drives/" DRIVE "/items/a%2F..%2Fb%3Fc%23d");
}

static void request_item_url__refuses_an_empty_id(void **state)
{
    char *url = NULL;

    (void)state;
    assert_int_equal(request_item_url(&url, BASE, "", "x", NULL, NULL), ERR_INVALID);
    assert_int_equal(request_item_url(&url, BASE, DRIVE, "..", NULL, NULL), ERR_INVALID);
    assert_null(url);
}

static void request_child_url__encodes_names_as_one_segment(void **state)
{
    char *url = NULL;

    (void)state;
    assert_int_equal(
        request_child_url(&url, BASE, DRIVE, "01ABC", "100% #1+\xC3\xBC.txt", "/content", NULL), 0);
    check(url, BASE "/v1.0/drives/" DRIVE "/items/01ABC:/100%25%20%231%2B%C3%BC.txt:/content");
    url = NULL;
    assert_int_equal(request_child_url(&url, BASE, DRIVE, NULL, "a", "?x=1", NULL), 0);
    check(url, BASE "/v1.0/drives/" DRIVE "/root:/a?x=1");
    url = NULL;
    assert_int_equal(request_child_url(&url, BASE, DRIVE, NULL, "%41", NULL, NULL), 0);
    check(url, BASE "/v1.0/drives/" DRIVE "/root:/%2541");
    url = NULL;
    assert_int_equal(request_child_url(&url, BASE, DRIVE, NULL, "..", NULL, NULL), ERR_BAD_NAME);
    assert_int_equal(request_child_url(&url, BASE, DRIVE, NULL, "", NULL, NULL), ERR_BAD_NAME);
    assert_null(url);
}

static void request_path_url__drops_empty_segments(void **state)
{
    char *url = NULL;

    (void)state;
    assert_int_equal(request_path_url(&url, BASE, DRIVE, "/a b//c/", "/children", NULL), 0);
    check(url, BASE "/v1.0/drives/" DRIVE "/root:/a%20b/c:/children");
    url = NULL;
    assert_int_equal(request_path_url(&url, BASE, DRIVE, "/", "/children", NULL), 0);
    check(url, BASE "/v1.0/drives/" DRIVE "/root/children");
    url = NULL;
    assert_int_equal(request_path_url(&url, BASE, DRIVE, "a/../b", NULL, NULL), ERR_BAD_NAME);
}

static void request_path_url__refuses_what_is_too_long(void **state)
{
    char *path = malloc(5000);
    char *url = NULL;

    (void)state;
    memset(path, ' ', 4999);
    path[4999] = '\0';
    assert_int_equal(request_path_url(&url, BASE, DRIVE, path, NULL, NULL), ERR_NAME_TOO_LONG);
    free(path);
}

static void request_site_path_url__keeps_commas_and_colons_where_they_belong(void **state)
{
    char *url = NULL;

    (void)state;
    assert_int_equal(
        request_site_path_url(&url, BASE, "a.sharepoint.com", "/sites/f \xC3\xBC", NULL), 0);
    check(url, BASE "/v1.0/sites/a.sharepoint.com:/sites/f%20%C3%BC");
    url = NULL;
    assert_int_equal(request_site_path_url(&url, BASE, "a.sharepoint.com", "/", NULL), 0);
    check(url, BASE "/v1.0/sites/a.sharepoint.com");
    url = NULL;
    assert_int_equal(request_list_drive_url(&url, BASE, "h,1-2,3-4", "5-6", "?x", NULL), 0);
    check(url, BASE "/v1.0/sites/h,1-2,3-4/lists/5-6/drive?x");
}

static void request_update_body__has_only_what_changes(void **state)
{
    struct graph_update update = {.modified_ms = -1, .created_ms = -1};
    char *body = NULL;

    (void)state;
    update.name = "a\"b";
    assert_int_equal(request_update_body(&body, &update, NULL), 0);
    check(body, "{\"name\":\"a\\\"b\"}");
    body = NULL;
    update.name = NULL;
    update.parent_id = "01P";
    update.modified_ms = 1700000000999;
    assert_int_equal(request_update_body(&body, &update, NULL), 0);
    check(body, "{\"parentReference\":{\"id\":\"01P\"},"
                "\"fileSystemInfo\":{\"lastModifiedDateTime\":\"2023-11-14T22:13:20Z\"}}");
}

static void request_session_body__always_says_what_a_conflict_does(void **state)
{
    struct graph_upload upload = {.name = "n", .modified_ms = -1, .created_ms = -1};
    char *body = NULL;

    (void)state;
    assert_int_equal(request_session_body(&body, &upload, 12345678901, NULL), 0);
    check(body, "{\"item\":{\"@microsoft.graph.conflictBehavior\":\"fail\","
                "\"fileSize\":12345678901,\"name\":\"n\"}}");
    body = NULL;
    upload.item_id = "01X";
    upload.created_ms = 0;
    assert_int_equal(request_session_body(&body, &upload, 1, NULL), 0);
    check(body, "{\"item\":{\"@microsoft.graph.conflictBehavior\":\"replace\",\"fileSize\":1,"
                "\"fileSystemInfo\":{\"createdDateTime\":\"1970-01-01T00:00:00Z\"}}}");
}

static void request_batch_body__numbers_its_parts(void **state)
{
    const char *urls[] = {"/a", "/b", "/c"};
    const size_t indexes[] = {2, 0};
    char *body = NULL;

    (void)state;
    assert_int_equal(request_batch_body(&body, "DELETE", urls, indexes, 2, NULL), 0);
    check(body, "{\"requests\":[{\"id\":\"1\",\"method\":\"DELETE\",\"url\":\"/c\"},"
                "{\"id\":\"2\",\"method\":\"DELETE\",\"url\":\"/a\"}]}");
}

static void request_search_body__is_one_request(void **state)
{
    char *body = NULL;

    (void)state;
    assert_int_equal(request_search_body(&body, GRAPH_HIT_LIST, "a \"b\"", 200, 100, NULL), 0);
    check(body, "{\"requests\":[{\"entityTypes\":[\"list\"],"
                "\"query\":{\"queryString\":\"a \\\"b\\\"\"},\"from\":200,\"size\":100}]}");
}

static void request_writes_body__keeps_what_each_has(void **state)
{
    static const struct request_part parts[] = {
        {.method = "POST", .url = "/drives/d/items/p/children", .body = "{\"name\":\"a \\\"b\"}"},
        {.method = "PATCH", .url = "/drives/d/items/i", .if_match = "\"{1},2\"", .body = "{}"},
        {.method = "DELETE", .url = "/drives/d/items/j"},
    };
    char *body = NULL;

    (void)state;
    assert_int_equal(request_writes_body(&body, parts, 3, NULL), 0);
    check(body,
          "{\"requests\":["
          "{\"id\":\"1\",\"method\":\"POST\",\"url\":\"/drives/d/items/p/children\","
          "\"headers\":{\"Content-Type\":\"application/json\"},"
          "\"body\":{\"name\":\"a \\\"b\"}},"
          "{\"id\":\"2\",\"method\":\"PATCH\",\"url\":\"/drives/d/items/i\","
          "\"headers\":{\"If-Match\":\"\\\"{1},2\\\"\",\"Content-Type\":\"application/json\"},"
          "\"body\":{}},"
          "{\"id\":\"3\",\"method\":\"DELETE\",\"url\":\"/drives/d/items/j\"}]}");
}

static void graph_drive_id_hint__is_the_three_guids_little_endian(void **state)
{
    char *hint = NULL;

    (void)state;
    assert_int_equal(
        graph_drive_id_hint(&hint,
                            "northwind.sharepoint.com,a54dca18-2530-4b1d-ad13-2cded6237b2e,"
                            "d91e3f72-1fcb-4971-9744-94d6493c9d5c",
                            "3460be31-201e-49fe-9aa0-eee8b9997f5c", NULL),
        0);
    check(hint, "b!GMpNpTAlHUutEyze1iN7LnI_HtnLH3FJl0SU1kk8nVwxvmA0HiD-SZqg7ui5mX9c");
    hint = NULL;
    assert_int_equal(graph_drive_id_hint(&hint, "host,guid", "x", NULL), ERR_INVALID);
    assert_int_equal(graph_drive_id_hint(&hint, "h,,", "", NULL), ERR_INVALID);
    assert_null(hint);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_item_url__keeps_ids_readable_and_encodes_the_rest),
        cmocka_unit_test(request_item_url__refuses_an_empty_id),
        cmocka_unit_test(request_child_url__encodes_names_as_one_segment),
        cmocka_unit_test(request_path_url__drops_empty_segments),
        cmocka_unit_test(request_path_url__refuses_what_is_too_long),
        cmocka_unit_test(request_site_path_url__keeps_commas_and_colons_where_they_belong),
        cmocka_unit_test(request_update_body__has_only_what_changes),
        cmocka_unit_test(request_session_body__always_says_what_a_conflict_does),
        cmocka_unit_test(request_batch_body__numbers_its_parts),
        cmocka_unit_test(request_writes_body__keeps_what_each_has),
        cmocka_unit_test(request_search_body__is_one_request),
        cmocka_unit_test(graph_drive_id_hint__is_the_three_guids_little_endian),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
