/*
 * test_parse_memory.c - building requests and reading answers with each allocation failing once: an error
 * and no leak (the address sanitizer watches), never a crash and never a shorter result.
 */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "failing_alloc.h"
#include "graph/op.h"
#include "graph/page.h"
#include "graph/parse.h"
#include "graph/request.h"
#include "test.h"

static const char items_text[] =
    "{\"value\":[{\"id\":\"a\",\"name\":\"n\",\"eTag\":\"e\",\"cTag\":\"c\",\"webUrl\":\"w\","
    "\"parentReference\":{\"id\":\"p\"},\"file\":{\"hashes\":{\"quickXorHash\":\"h\"}}},"
    "{\"id\":\"b\",\"name\":\"m\",\"remoteItem\":{\"id\":\"r\",\"parentReference\":"
    "{\"driveId\":\"d\"}}}],\"@odata.nextLink\":\"l\"}";

static int check_items(struct graph_items *page, int code)
{
    if (code == 0) {
        assert_int_equal(page->count, 2);
        assert_string_equal(page->next_link, "l");
        assert_string_equal(page->items[0].quick_xor_hash, "h");
        assert_string_equal(page->items[1].remote_drive_id, "d");
    } else {
        assert_int_equal(page->count, 0);
    }
    graph_items_clear(page);
    return code;
}

static int do_items(void)
{
    struct graph_items page = {0};

    return check_items(&page, parse_items(&page, items_text, strlen(items_text), false, NULL));
}

static int do_items_in_pieces(void)
{
    struct graph_items page = {0};
    struct page_reader reader;

    page_begin(&reader, false);
    for (size_t size = 1; size < sizeof(items_text); size += 20) {
        page_more(&reader, items_text, size);
    }
    return check_items(&page, page_end(&page, &reader, items_text, strlen(items_text), NULL));
}

static int do_hits(void)
{
    static const char text[] =
        "{\"value\":[{\"hitsContainers\":[{\"hits\":[{\"hitId\":\"l\",\"resource\":{"
        "\"name\":\"n\",\"displayName\":\"d\",\"webUrl\":\"w\",\"parentReference\":{\"siteId\":"
        "\"s\"}}}]}]}]}";
    struct graph_hits hits = {0};
    int code = parse_hits(&hits, GRAPH_HIT_LIST, text, strlen(text), NULL);

    if (code == 0) {
        assert_string_equal(hits.hits[0].id, "l");
        assert_string_equal(hits.hits[0].web_url, "w");
    }
    graph_hits_clear(&hits);
    return code;
}

static int do_sites(void)
{
    static const char text[] =
        "{\"value\":[{\"id\":\"a\",\"name\":\"n\",\"driveType\":\"t\",\"webUrl\":\"w\"}],"
        "\"@odata.nextLink\":\"l\"}";
    struct graph_drives drives = {0};
    char *next = NULL;
    int code = parse_drives(&drives, &next, text, strlen(text), NULL);

    if (code == 0) {
        assert_string_equal(next, "l");
        assert_string_equal(drives.drives[0].web_url, "w");
    }
    graph_drives_clear(&drives);
    free(next);
    return code;
}

static int do_batch(void)
{
    static const char text[] = "{\"responses\":[{\"id\":\"1\",\"status\":200,\"body\":{\"a\":1}}]}";
    struct graph_answer answer = {0};
    const size_t index = 0;
    int64_t retry = -1;
    int code = parse_batch(&answer, &index, &retry, 1, text, strlen(text), 0, NULL);

    if (code == 0) {
        assert_string_equal(answer.body, "{\"a\":1}");
    }
    graph_answers_clear(&answer, 1);
    return code;
}

static int do_requests(void)
{
    struct graph_upload upload = {.name = "n", .created_ms = 1, .modified_ms = 2};
    struct graph_update update = {.name = "n", .parent_id = "p", .created_ms = 1};
    const char *urls[] = {"/a", "/b"};
    const size_t indexes[] = {0, 1};
    char *text = NULL;
    int code = request_session_body(&text, &upload, 5, NULL);

    if (code == 0) {
        assert_non_null(strstr(text, "lastModifiedDateTime"));
        code = request_update_body(&text, &update, NULL);
    }
    if (code == 0) {
        assert_non_null(strstr(text, "parentReference"));
        code = request_search_body(&text, GRAPH_HIT_SITE, "q", 0, 5, NULL);
    }
    if (code == 0) {
        assert_non_null(strstr(text, "queryString"));
        code = request_batch_body(&text, "GET", urls, indexes, 2, NULL);
    }
    if (code == 0) {
        assert_non_null(strstr(text, "/b"));
        code = request_folder_body(&text, "n", NULL);
    }
    if (code == 0) {
        assert_non_null(strstr(text, "conflictBehavior"));
        code = request_child_url(&text, "https://x", "d", "f", "n", "/content", NULL);
    }
    free(text);
    return code;
}

static int do_op(void)
{
    const char *headers[] = {"A: b", NULL};
    struct http_request request = {.method = "POST",
                                   .url = "https://x/",
                                   .headers = headers,
                                   .bearer = "t",
                                   .body = "abc",
                                   .body_size = 3};
    struct http_op *op = NULL;
    int code = op_new(&op, NULL, clock_system(), &request, NULL, NULL);

    if (code == 0) {
        op_free(op);
    }
    return code;
}

static void each_allocation__may_fail(void **state)
{
    static int (*const work[])(void) = {do_items, do_items_in_pieces, do_hits, do_sites,
                                        do_batch, do_requests,        do_op};
    cJSON_Hooks hooks = {.malloc_fn = malloc, .free_fn = free};

    (void)state;
    cJSON_InitHooks(&hooks); /* its own calls are in a library, out of the linker's reach */
    for (size_t i = 0; i < sizeof(work) / sizeof(work[0]); i++) {
        long n = 1;
        int code;

        assert_int_equal(work[i](), 0);
        do {
            failing_alloc_at = n++;
            code = work[i]();
            assert_true(code == 0 || code == ERR_NO_MEMORY || code == ERR_PROTOCOL);
            /* a failure that nobody noticed must not change the result */
            assert_true(code < 0 || failing_alloc_at > 0);
            assert_true(n < 10000);
        } while (code < 0);
        failing_alloc_at = 0;
    }
    cJSON_InitHooks(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation__may_fail)};

    return cmocka_run_group_tests_name("parse_memory", tests, NULL, NULL);
}
