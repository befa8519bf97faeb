/* Answers of Graph, tolerantly read: what must be there, what may be missing, what is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/fault.h"
#include "graph/parse.h"
#include "mapper/quickxor.h"
#include "test.h"

static int item(struct graph_item *out, const char *text)
{
    return parse_item(out, text, strlen(text), NULL);
}

/* --- items --- */

static void parse_item__reads_the_recorded_default_fields(void **state)
{
    struct graph_item it = {0};

    (void)state;
    assert_int_equal(
        item(
            &it,
            "{\"@microsoft.graph.downloadUrl\":\"https://x/d?tempauth=1\",\"id\":\"01LI\","
            "\"name\":\"Budget.xlsx\",\"eTag\":\"\\\"{7C},4\\\"\",\"cTag\":\"\\\"c:{7C},6\\\"\","
            "\"size\":134144,\"createdDateTime\":\"2020-01-01T00:00:00Z\",\"webUrl\":\"https://w\","
            "\"parentReference\":{\"id\":\"01P\",\"path\":\"/drives/x/root:\"},"
            "\"file\":{\"hashes\":{\"quickXorHash\":\"4wyb\"}},\"unknown\":{\"a\":[1]},"
            "\"fileSystemInfo\":{\"createdDateTime\":\"1970-01-01T00:00:01Z\","
            "\"lastModifiedDateTime\":\"1970-01-01T00:00:02Z\"}}"),
        0);
    assert_int_equal(it.kind, GRAPH_FILE);
    assert_string_equal(it.etag, "\"{7C},4\"");
    assert_string_equal(it.ctag, "\"c:{7C},6\"");
    assert_string_equal(it.parent_id, "01P");
    assert_string_equal(it.quick_xor_hash, "4wyb");
    assert_string_equal(it.download_url, "https://x/d?tempauth=1");
    assert_int_equal(it.size_bytes, 134144);
    assert_int_equal(it.created_ms, 1000);
    assert_int_equal(it.modified_ms, 2000);
    assert_int_equal(it.child_count, -1);
    graph_item_clear(&it);
}

static void parse_item__takes_int64_as_text_and_missing_members_as_absent(void **state)
{
    struct graph_item it = {0};

    (void)state;
    assert_int_equal(item(&it, "{\"id\":\"a\",\"size\":\"12345678901\"}"), 0);
    assert_int_equal(it.size_bytes, 12345678901);
    assert_null(it.name);
    assert_null(it.ctag);
    assert_int_equal(it.modified_ms, 0);
    graph_item_clear(&it);
    assert_int_equal(item(&it, "{\"id\":\"a\",\"size\":-5,\"name\":7,\"file\":null}"), 0);
    assert_int_equal(it.size_bytes, 0);
    assert_null(it.name);
    graph_item_clear(&it);
}

static void parse_item__tells_the_kinds_apart(void **state)
{
    static const struct {
        const char *text;
        enum graph_item_kind kind;
    } rows[] = {
        {"{\"id\":\"a\",\"file\":{}}", GRAPH_FILE},
        {"{\"id\":\"a\",\"folder\":{\"childCount\":3}}", GRAPH_FOLDER},
        {"{\"id\":\"a\",\"root\":{}}", GRAPH_FOLDER},
        {"{\"id\":\"a\",\"package\":{\"type\":\"oneNote\"}}", GRAPH_PACKAGE},
        {"{\"id\":\"a\",\"deleted\":{\"state\":\"deleted\"},\"file\":{}}", GRAPH_DELETED},
        {"{\"id\":\"a\",\"remoteItem\":{\"id\":\"b\",\"folder\":{},"
         "\"parentReference\":{\"driveId\":\"d\"}}}",
         GRAPH_REMOTE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct graph_item it = {0};

        assert_int_equal(item(&it, rows[i].text), 0);
        assert_int_equal(it.kind, rows[i].kind);
        if (it.kind == GRAPH_REMOTE) {
            assert_true(it.is_remote_folder);
            assert_string_equal(it.remote_drive_id, "d");
            assert_string_equal(it.remote_item_id, "b");
        }
        graph_item_clear(&it);
    }
}

static void parse_item__knows_who_has_it_checked_out(void **state)
{
    struct graph_item it = {0};

    (void)state;
    assert_int_equal(item(&it,
                          "{\"id\":\"a\",\"publication\":{\"level\":\"checkout\","
                          "\"checkedOutBy\":{\"user\":{\"displayName\":\"Ana\",\"id\":\"u1\"}}}}"),
                     0);
    assert_true(it.is_checked_out);
    assert_string_equal(it.checked_out_by, "u1");
    graph_item_clear(&it);
    assert_int_equal(item(&it, "{\"id\":\"a\",\"publication\":{\"level\":\"published\"}}"), 0);
    assert_false(it.is_checked_out);
    graph_item_clear(&it);
}

static void parse_item__refuses_names_that_lead_elsewhere(void **state)
{
    static const char *const names[] = {"a/b", "..", ".", "", "/etc"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct graph_item it = {0};
        char text[64];

        snprintf(text, sizeof(text), "{\"id\":\"a\",\"name\":\"%s\"}", names[i]);
        assert_int_equal(item(&it, text), ERR_PROTOCOL);
        assert_null(it.id);
    }
}

static void parse_item__refuses_what_is_no_item(void **state)
{
    static const char *const texts[] = {"",       "null",          "[]",
                                        "{}",     "{\"id\":7}",    "{\"id\":\"\"}",
                                        "<html>", "{\"id\":\"a\"", "{\"id\":\"a\"}}"};

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        struct graph_item it = {0};

        assert_int_equal(item(&it, texts[i]), ERR_PROTOCOL);
    }
}

static int items(struct graph_items *out, const char *text, bool is_delta)
{
    return parse_items(out, text, strlen(text), is_delta, NULL);
}

static void parse_items__is_whole_or_an_error(void **state)
{
    struct graph_items page = {0};

    (void)state;
    assert_int_equal(items(&page, "{\"value\":[]}", false), 0);
    assert_int_equal(page.count, 0);
    assert_null(page.next_link);
    graph_items_clear(&page);
    assert_int_equal(items(&page, "{}", false), ERR_PROTOCOL);
    assert_int_equal(items(&page, "{\"value\":{}}", false), ERR_PROTOCOL);
    assert_int_equal(
        items(&page, "{\"value\":[{\"id\":\"a\",\"name\":\"n\"},{\"name\":\"x\"}]}", false),
        ERR_PROTOCOL);
    assert_int_equal(items(&page, "{\"value\":[{\"id\":\"a\"}]}", false), ERR_PROTOCOL);
    assert_int_equal(page.count, 0);
    assert_int_equal(items(&page,
                           "{\"value\":[{\"id\":\"a\",\"name\":\"n\"}],\"@odata.nextLink\":\"L\"}",
                           false),
                     0);
    assert_int_equal(page.count, 1);
    assert_string_equal(page.next_link, "L");
    graph_items_clear(&page);
}

static void parse_items__of_delta_needs_a_link_and_no_names(void **state)
{
    struct graph_items page = {0};

    (void)state;
    assert_int_equal(items(&page, "{\"value\":[]}", true), ERR_PROTOCOL);
    assert_int_equal(items(&page,
                           "{\"value\":[{\"id\":\"a\",\"deleted\":{}}],"
                           "\"@odata.deltaLink\":\"D\"}",
                           true),
                     0);
    assert_int_equal(page.items[0].kind, GRAPH_DELETED);
    assert_string_equal(page.delta_link, "D");
    graph_items_clear(&page);
    assert_int_equal(items(&page, "{\"value\":[],\"@odata.nextLink\":\"N\"}", true), 0);
    graph_items_clear(&page);
}

/* --- search, sites, batch --- */

static void parse_hits__tells_no_hits_from_no_answer(void **state)
{
    struct graph_hits hits = {0};
    const char *none = "{\"value\":[{\"hitsContainers\":[{\"total\":0}]}]}";
    const char *broken = "{\"value\":[{}]}";

    (void)state;
    assert_int_equal(parse_hits(&hits, GRAPH_HIT_SITE, none, strlen(none), NULL), 0);
    assert_int_equal(hits.count, 0);
    assert_false(hits.has_more);
    graph_hits_clear(&hits);
    assert_int_equal(parse_hits(&hits, GRAPH_HIT_SITE, broken, strlen(broken), NULL), ERR_PROTOCOL);
    assert_int_equal(parse_hits(&hits, GRAPH_HIT_SITE, "{}", 2, NULL), ERR_PROTOCOL);
}

static void parse_hits__keeps_one_kind_and_raw_urls(void **state)
{
    struct graph_hits hits = {0};
    const char *text =
        "{\"value\":[{\"hitsContainers\":[{\"moreResultsAvailable\":true,\"hits\":["
        "{\"hitId\":\"d\",\"resource\":{\"@odata.type\":\"#microsoft.graph.drive\",\"id\":\"d\"}},"
        "{\"hitId\":\"l\",\"resource\":{\"@odata.type\":\"#microsoft.graph.list\","
        "\"name\":\"Shared Documents\",\"displayName\":\"F - Documents\","
        "\"parentReference\":{\"siteId\":\"h,s,w\"},"
        "\"webUrl\":\"https://x/Shared Documents/Forms/AllItems.aspx\"}}]}]}]}";

    (void)state;
    assert_int_equal(parse_hits(&hits, GRAPH_HIT_LIST, text, strlen(text), NULL), 0);
    assert_int_equal(hits.count, 1);
    assert_true(hits.has_more);
    assert_string_equal(hits.hits[0].id, "l");
    assert_string_equal(hits.hits[0].site_id, "h,s,w");
    assert_string_equal(hits.hits[0].web_url, "https://x/Shared Documents/Forms/AllItems.aspx");
    graph_hits_clear(&hits);
}

static void graph_parse_site__cuts_the_slash_off(void **state)
{
    struct graph_site site = {0};
    const char *text = "{\"id\":\"h,s,w\",\"webUrl\":\"https://x/sites/a/\"}";

    (void)state;
    assert_int_equal(graph_parse_site(&site, text, strlen(text), NULL), 0);
    assert_string_equal(site.web_url, "https://x/sites/a");
    assert_null(site.title);
    graph_site_clear(&site);
}

static void parse_batch__puts_unordered_parts_in_their_place(void **state)
{
    struct graph_answer answers[3] = {{0}};
    const size_t indexes[] = {2, 0};
    int64_t retry[2] = {-1, -1};
    const char *text =
        "{\"responses\":[{\"id\":\"2\",\"status\":200,\"body\":{\"a\":1}},"
        "{\"id\":\"1\",\"status\":429,\"headers\":{\"retry-after\":\"17\"},\"body\":{}},"
        "{\"id\":\"9\",\"status\":200},{\"id\":\"0\",\"status\":200},{\"status\":200},7]}";

    (void)state;
    assert_int_equal(parse_batch(answers, indexes, retry, 2, text, strlen(text), 0, NULL), 0);
    assert_int_equal(answers[0].status, 200);
    assert_string_equal(answers[0].body, "{\"a\":1}");
    assert_int_equal(answers[2].status, 429);
    assert_int_equal(retry[0], 17000);
    assert_int_equal(answers[1].status, 0);
    graph_answers_clear(answers, 3);
    assert_int_equal(parse_batch(answers, indexes, retry, 2, "{\"responses\":{}}", 16, 0, NULL),
                     ERR_PROTOCOL);
}

/* --- uploads, ranges, hashes --- */

static void parse_next_range__reads_the_first_range(void **state)
{
    uint64_t offset = 0;
    const char *text = "{\"nextExpectedRanges\":[\"10485760-\",\"99-100\"]}";

    (void)state;
    assert_int_equal(parse_next_range(&offset, text, strlen(text), NULL), 0);
    assert_int_equal(offset, 10485760);
    text = "{\"nextExpectedRanges\":[]}";
    assert_int_equal(parse_next_range(&offset, text, strlen(text), NULL), ERR_PROTOCOL);
    text = "{\"nextExpectedRanges\":[\"-5\"]}";
    assert_int_equal(parse_next_range(&offset, text, strlen(text), NULL), ERR_PROTOCOL);
}

static void parse_content_range__is_exact(void **state)
{
    uint64_t first;
    uint64_t last;
    int64_t total;

    (void)state;
    assert_true(parse_content_range("bytes 5-9/100", &first, &last, &total));
    assert_int_equal(first, 5);
    assert_int_equal(last, 9);
    assert_int_equal(total, 100);
    assert_true(parse_content_range("Bytes 0-0/*", &first, &last, &total));
    assert_int_equal(total, -1);
    assert_false(parse_content_range("bytes */100", &first, &last, &total));
    assert_false(parse_content_range("bytes 9-5/100", &first, &last, &total));
    assert_false(parse_content_range("bytes 5-100/100", &first, &last, &total));
    assert_false(parse_content_range("bytes 5-9/100x", &first, &last, &total));
    assert_false(parse_content_range("bytes 5-9", &first, &last, &total));
    assert_false(parse_content_range("", &first, &last, &total));
}

static void quickxor__agrees_with_the_known_vectors(void **state)
{
    unsigned char bytes[200];
    struct quickxor hash;
    char text[29];

    (void)state;
    quickxor_init(&hash);
    quickxor_text(&hash, text);
    assert_string_equal(text, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    quickxor_add(&hash, "abc", 3);
    quickxor_text(&hash, text);
    assert_string_equal(text, "YRDDGAAAAAAAAAAAAwAAAAAAAAA=");
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)i;
    }
    quickxor_init(&hash);
    quickxor_add(&hash, bytes, 33);
    quickxor_add(&hash, bytes + 33, sizeof(bytes) - 33);
    quickxor_text(&hash, text);
    assert_string_equal(text, "4wTRmVq14WTAStOsg6tbwZMFVT0=");
}

/* --- errors --- */

static int fault(int status, const char *body, bool is_naming, struct error *err)
{
    return fault_set(status, body, strlen(body), NULL, is_naming, err);
}

static void fault_set__knows_a_lock_in_all_its_shapes(void **state)
{
    static const char *const bodies[] = {
        "{\"error\":{\"code\":\"resourceLocked\"}}",
        "{\"error\":{\"code\":\"notAllowed\",\"innerError\":{\"code\":\"resourceLocked\"}}}",
        "{\"error\":{\"code\":\"accessDenied\"}}",
        "<html>",
        "",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(fault(423, bodies[i], false, NULL), ERR_LOCKED);
    }
    assert_int_equal(fault(403, bodies[1], false, NULL), ERR_LOCKED);
}

static void fault_set__maps_each_status(void **state)
{
    static const struct {
        int status;
        const char *code;
        int naming; /* -1: both */
        int wanted;
    } rows[] = {
        {400, "invalidRequest", 0, ERR_INVALID},
        {400, "invalidRequest", 1, ERR_BAD_NAME},
        {400, "pathIsTooLong", 0, ERR_NAME_TOO_LONG},
        {401, "unauthenticated", 0, ERR_SIGNED_OUT},
        {403, "accessDenied", 0, ERR_DENIED},
        {403, "quotaLimitReached", 0, ERR_NO_SPACE},
        {404, "itemNotFound", 0, ERR_NOT_FOUND},
        {409, "nameAlreadyExists", 1, ERR_EXISTS},
        {409, "upload_name_conflict", 1, ERR_EXISTS},
        {409, "conflict", 1, ERR_CHANGED},
        {410, "resyncRequired", 0, ERR_GONE},
        {412, "resourceModified", 0, ERR_CHANGED},
        {413, "x", 0, ERR_TOO_LARGE},
        {416, "invalidRange", 0, ERR_INVALID},
        {429, "activityLimitReached", 0, ERR_THROTTLED},
        {500, "generalException", 0, ERR_SERVER},
        {503, "serviceNotAvailable", 0, ERR_THROTTLED},
        {504, "x", 0, ERR_SERVER},
        {507, "quotaLimitReached", 0, ERR_NO_SPACE},
        {200, "x", 0, ERR_PROTOCOL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char body[128];

        snprintf(body, sizeof(body), "{\"error\":{\"code\":\"%s\"}}", rows[i].code);
        assert_int_equal(fault(rows[i].status, body, rows[i].naming, NULL), rows[i].wanted);
    }
}

static void fault_set__takes_the_deepest_code_it_knows_and_the_request_id(void **state)
{
    struct error err = {0};

    (void)state;
    assert_int_equal(fault(400,
                           "{\"error\":{\"code\":\"invalidRequest\",\"innererror\":{\"code\":"
                           "\"pathIsTooLong\",\"innerError\":{\"code\":\"whatever\","
                           "\"request-id\":\"r-1\"}}}}",
                           false, &err),
                     ERR_NAME_TOO_LONG);
    assert_non_null(strstr(err.message, "400 pathIsTooLong"));
    assert_non_null(strstr(err.message, "r-1"));
    assert_null(strstr(err.message, "whatever"));
}

static void fault_set__never_repeats_what_could_break_a_terminal(void **state)
{
    struct error err = {0};

    (void)state;
    fault(500, "{\"error\":{\"code\":\"a\\u001b[2Jb\\nc\"}}", false, &err);
    assert_null(strchr(err.message, '\033'));
    assert_null(strchr(err.message, '\n'));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_item__reads_the_recorded_default_fields),
        cmocka_unit_test(parse_item__takes_int64_as_text_and_missing_members_as_absent),
        cmocka_unit_test(parse_item__tells_the_kinds_apart),
        cmocka_unit_test(parse_item__knows_who_has_it_checked_out),
        cmocka_unit_test(parse_item__refuses_names_that_lead_elsewhere),
        cmocka_unit_test(parse_item__refuses_what_is_no_item),
        cmocka_unit_test(parse_items__is_whole_or_an_error),
        cmocka_unit_test(parse_items__of_delta_needs_a_link_and_no_names),
        cmocka_unit_test(parse_hits__tells_no_hits_from_no_answer),
        cmocka_unit_test(parse_hits__keeps_one_kind_and_raw_urls),
        cmocka_unit_test(graph_parse_site__cuts_the_slash_off),
        cmocka_unit_test(parse_batch__puts_unordered_parts_in_their_place),
        cmocka_unit_test(parse_next_range__reads_the_first_range),
        cmocka_unit_test(parse_content_range__is_exact),
        cmocka_unit_test(quickxor__agrees_with_the_known_vectors),
        cmocka_unit_test(fault_set__knows_a_lock_in_all_its_shapes),
        cmocka_unit_test(fault_set__maps_each_status),
        cmocka_unit_test(fault_set__takes_the_deepest_code_it_knows_and_the_request_id),
        cmocka_unit_test(fault_set__never_repeats_what_could_break_a_terminal),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
