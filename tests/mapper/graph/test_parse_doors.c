/* Addresses, links and versions, tolerantly read: what must be there, and what never gets further. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/parse_doors.h"
#include "test.h"

static int address(struct graph_address *out, const char *text)
{
    return parse_address(out, text, strlen(text), NULL);
}

static void parse_address__takes_the_document_from_its_webdav_url(void **state)
{
    struct graph_address a = {0};

    (void)state;
    assert_int_equal(
        address(&a,
                "{\"id\":\"01A\",\"name\":\"Plan.docx\",\"eTag\":\"\\\"1\\\"\",\"size\":\"7\","
                "\"file\":{},\"webUrl\":\"https://c/_layouts/15/Doc.aspx?sourcedoc=x\","
                "\"webDavUrl\":\"https://c/s/Plan.docx\",\"parentReference\":{\"driveId\":\"b!\"},"
                "\"lastModifiedDateTime\":\"1970-01-01T00:00:02Z\"}"),
        0);
    assert_int_equal(a.kind, GRAPH_FILE);
    assert_false(a.is_root);
    assert_string_equal(a.document_url, "https://c/s/Plan.docx");
    assert_string_equal(a.web_url, "https://c/_layouts/15/Doc.aspx?sourcedoc=x");
    assert_string_equal(a.drive_id, "b!");
    assert_int_equal(a.size_bytes, 7);
    assert_int_equal(a.modified_ms, 2000);
    graph_address_clear(&a);
}

static void parse_address__takes_the_page_only_where_it_is_the_document(void **state)
{
    struct graph_address a = {0};

    (void)state;
    assert_int_equal(address(&a, "{\"id\":\"1\",\"file\":{},\"webUrl\":\"https://c/s/a.txt\"}"), 0);
    assert_string_equal(a.document_url, "https://c/s/a.txt");
    graph_address_clear(&a);
    assert_int_equal(
        address(&a, "{\"id\":\"1\",\"file\":{},\"webUrl\":\"https://c/_layouts/15/Doc.aspx\"}"), 0);
    assert_null(a.document_url);
    graph_address_clear(&a);
    assert_int_equal(address(&a, "{\"id\":\"1\",\"folder\":{},\"webUrl\":\"https://c/s\"}"), 0);
    assert_int_equal(a.kind, GRAPH_FOLDER);
    assert_null(a.document_url);
    graph_address_clear(&a);
}

static void parse_address__keeps_what_is_no_https_from_browser_and_office(void **state)
{
    static const char *const urls[] = {
        "file:///etc/passwd", "http://c/s", "calc.exe", "ms-word:x", "\\\\evil\\share\\x.exe", ""};
    char text[400];

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct graph_address a = {0};
        const char *escaped = strstr(urls[i], "evil") ? "\\\\\\\\evil\\\\share" : urls[i];

        snprintf(text, sizeof(text),
                 "{\"id\":\"1\",\"file\":{},\"webUrl\":\"%s\",\"webDavUrl\":\"%s\"}", escaped,
                 escaped);
        assert_int_equal(address(&a, text), 0);
        assert_null(a.web_url);
        assert_null(a.document_url);
        graph_address_clear(&a);
    }
}

static void parse_address__knows_roots_notebooks_and_shortcuts(void **state)
{
    struct graph_address a = {0};

    (void)state;
    assert_int_equal(address(&a, "{\"id\":\"1\",\"root\":{},\"folder\":{}}"), 0);
    assert_true(a.is_root);
    assert_int_equal(a.kind, GRAPH_FOLDER);
    graph_address_clear(&a);
    assert_int_equal(address(&a, "{\"id\":\"1\",\"package\":{\"type\":\"oneNote\"}}"), 0);
    assert_int_equal(a.kind, GRAPH_PACKAGE);
    graph_address_clear(&a);
    assert_int_equal(address(&a, "{\"id\":\"1\",\"remoteItem\":{},\"folder\":{}}"), 0);
    assert_int_equal(a.kind, GRAPH_REMOTE);
    graph_address_clear(&a);
}

static void parse_address__needs_an_id_and_keeps_the_drive_it_was_given(void **state)
{
    struct graph_address a = {0};

    (void)state;
    assert_int_equal(address(&a, "{\"name\":\"x\",\"webUrl\":\"https://c\"}"), ERR_PROTOCOL);
    graph_address_clear(&a);
    assert_int_equal(address(&a, "no json"), ERR_PROTOCOL);
    graph_address_clear(&a);
    a.drive_id = strdup("ours");
    assert_int_equal(address(&a, "{\"id\":\"1\",\"parentReference\":{\"driveId\":\"theirs\"}}"), 0);
    assert_string_equal(a.drive_id, "ours");
    graph_address_clear(&a);
}

static int link_of(char **url, const char *text)
{
    return parse_link(url, text, strlen(text), NULL);
}

static void parse_link__needs_an_https_address(void **state)
{
    char *url = NULL;

    (void)state;
    assert_int_equal(link_of(&url, "{\"link\":{\"webUrl\":\"https://c/:w:/s/E1\"}}"), 0);
    assert_string_equal(url, "https://c/:w:/s/E1");
    free(url);
    url = NULL;
    assert_int_equal(link_of(&url, "{\"link\":{\"webUrl\":\"http://c/:w:/s/E1\"}}"), ERR_PROTOCOL);
    assert_int_equal(link_of(&url, "{\"link\":{}}"), ERR_PROTOCOL);
    assert_int_equal(link_of(&url, "[]"), ERR_PROTOCOL);
    assert_null(url);
}

static void parse_history__puts_page_behind_page(void **state)
{
    static const char *const pages[] = {
        "{\"value\":[{\"id\":\"3.0\",\"size\":9,\"lastModifiedBy\":{\"user\":"
        "{\"displayName\":\"Ana\"}}},{\"id\":\"2.0\"}],\"@odata.nextLink\":\"https://g/2\"}",
        "{\"value\":[{\"id\":\"1.0\",\"lastModifiedDateTime\":\"1970-01-01T00:00:01Z\"}]}"};
    struct graph_history history = {0};
    char *next = NULL;

    (void)state;
    assert_int_equal(parse_history(&history, &next, pages[0], strlen(pages[0]), NULL), 0);
    assert_string_equal(next, "https://g/2");
    assert_int_equal(parse_history(&history, &next, pages[1], strlen(pages[1]), NULL), 0);
    assert_null(next);
    assert_int_equal(history.count, 3);
    assert_string_equal(history.entries[0].id, "3.0");
    assert_string_equal(history.entries[0].user, "Ana");
    assert_int_equal(history.entries[0].size_bytes, 9);
    assert_null(history.entries[1].user);
    assert_string_equal(history.entries[2].id, "1.0");
    assert_int_equal(history.entries[2].modified_ms, 1000);
    assert_false(history.has_more);
    graph_history_clear(&history);
}

static void parse_history__refuses_half_a_page(void **state)
{
    static const char *const bad[] = {"{\"value\":[{\"id\":\"3.0\"},{\"size\":1}]}", "{}",
                                      "{\"value\":{}}", "{\"value\":[7]}", "x"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct graph_history history = {0};
        char *next = NULL;

        assert_int_equal(parse_history(&history, &next, bad[i], strlen(bad[i]), NULL),
                         ERR_PROTOCOL);
        assert_null(next);
        graph_history_clear(&history);
    }
}

static void parse_history__says_when_there_are_too_many(void **state)
{
    struct graph_history history = {0};
    size_t size = 0;
    size_t room = (PARSE_HISTORY_MAX + 5) * 20 + 100;
    char *text = malloc(room);
    char *next = NULL;

    (void)state;
    assert_non_null(text);
    size += (size_t)snprintf(text, room, "{\"value\":[");
    for (int i = 0; i < PARSE_HISTORY_MAX + 5; i++) {
        size += (size_t)snprintf(text + size, room - size, "%s{\"id\":\"%d.0\"}", i ? "," : "",
                                 PARSE_HISTORY_MAX + 5 - i);
    }
    size += (size_t)snprintf(text + size, room - size, "]}");
    assert_int_equal(parse_history(&history, &next, text, size, NULL), 0);
    assert_int_equal(history.count, PARSE_HISTORY_MAX);
    assert_true(history.has_more);
    assert_int_equal(parse_history(&history, &next, text, size, NULL), 0);
    assert_int_equal(history.count, PARSE_HISTORY_MAX);
    graph_history_clear(&history);
    free(text);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_address__takes_the_document_from_its_webdav_url),
        cmocka_unit_test(parse_address__takes_the_page_only_where_it_is_the_document),
        cmocka_unit_test(parse_address__keeps_what_is_no_https_from_browser_and_office),
        cmocka_unit_test(parse_address__knows_roots_notebooks_and_shortcuts),
        cmocka_unit_test(parse_address__needs_an_id_and_keeps_the_drive_it_was_given),
        cmocka_unit_test(parse_link__needs_an_https_address),
        cmocka_unit_test(parse_history__puts_page_behind_page),
        cmocka_unit_test(parse_history__refuses_half_a_page),
        cmocka_unit_test(parse_history__says_when_there_are_too_many),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("parse_doors", tests, NULL, NULL);
}
