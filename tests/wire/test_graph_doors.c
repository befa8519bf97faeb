/* Addresses, sharing links and the history of a file on a simulated tenant. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "mapper/graph_doors.h"
#include "wire.h"

static void ask(struct graph_address *out, struct wire *wire, const char *path)
{
    struct error err = {0};

    assert_ok(graph_get_address(out, wire->account, wire->drive_id, path, NULL, &err), err);
    assert_string_equal(out->drive_id, wire->drive_id);
}

/* --- addresses --- */

static void graph_get_address__escapes_each_name(void **state)
{
    struct wire *wire = *state;
    struct graph_address a = {0};

    ask(&a, wire, "Budget/100% #1.txt");
    assert_int_equal(a.kind, GRAPH_FILE);
    assert_string_equal(a.name, "100% #1.txt");
    assert_true(str_ends_with(a.document_url, "/Shared%20Documents/Budget/100%25%20%231.txt"));
    graph_address_clear(&a);
    ask(&a, wire, "Budget/Überblick.txt");
    assert_string_equal(a.name, "Überblick.txt");
    graph_address_clear(&a);
}

static void graph_get_address__of_an_office_file_has_page_and_document(void **state)
{
    struct wire *wire = *state;
    struct graph_address a = {0};

    ask(&a, wire, "Budget/Budget 2026.xlsx");
    assert_non_null(strstr(a.web_url, "/_layouts/15/Doc.aspx?sourcedoc="));
    assert_true(str_ends_with(a.document_url, "/Budget/Budget%202026.xlsx"));
    graph_address_clear(&a);
}

static void graph_get_address__knows_the_library_folders_and_notebooks(void **state)
{
    struct wire *wire = *state;
    struct graph_address a = {0};
    struct error err = {0};

    ask(&a, wire, "");
    assert_true(a.is_root);
    assert_true(str_ends_with(a.web_url, "/sites/finance/Shared%20Documents"));
    graph_address_clear(&a);
    ask(&a, wire, "Budget");
    assert_int_equal(a.kind, GRAPH_FOLDER);
    assert_null(a.document_url);
    graph_address_clear(&a);
    ask(&a, wire, "Notebook");
    assert_int_equal(a.kind, GRAPH_PACKAGE);
    graph_address_clear(&a);
    assert_int_equal(
        graph_get_address(&a, wire->account, wire->drive_id, "Budget/none.txt", NULL, &err),
        ERR_NOT_FOUND);
    assert_null(a.drive_id);
}

/* --- links --- */

static void graph_follow_link__leads_back_to_the_item(void **state)
{
    struct wire *wire = *state;
    struct graph_address a = {0};
    struct graph_address again = {0};
    struct error err = {0};
    char *link = NULL;
    char *same = NULL;

    ask(&a, wire, "Budget/Budget 2026.xlsx");
    assert_ok(graph_create_link(&link, wire->account, a.drive_id, a.item_id, "view", "organization",
                                NULL, &err),
              err);
    assert_true(str_starts_with(link, "https://"));
    assert_ok(graph_create_link(&same, wire->account, a.drive_id, a.item_id, "view", "organization",
                                NULL, &err),
              err);
    assert_string_equal(link, same);

    assert_ok(graph_follow_link(&again, wire->account, link, NULL, &err), err);
    assert_string_equal(again.item_id, a.item_id);
    assert_string_equal(again.drive_id, a.drive_id);
    graph_address_clear(&again);
    assert_ok(graph_follow_link(&again, wire->account, a.web_url, NULL, &err), err);
    assert_string_equal(again.item_id, a.item_id);
    graph_address_clear(&again);
    assert_ok(graph_follow_link(&again, wire->account, a.document_url, NULL, &err), err);
    assert_string_equal(again.item_id, a.item_id);
    graph_address_clear(&again);
    graph_address_clear(&a);
    free(link);
    free(same);
}

static void graph_follow_link__asks_nothing_for_what_is_no_address(void **state)
{
    struct wire *wire = *state;
    struct graph_address a = {0};
    struct error err = {0};
    char *url = malloc(10000);

    assert_non_null(url);
    memset(url, 'x', 9999);
    memcpy(url, "https://", 8);
    url[9999] = '\0';
    tenant_tell(wire->tenant, "clear-log", NULL);
    assert_int_equal(graph_follow_link(&a, wire->account, "http://c/x", NULL, &err), ERR_INVALID);
    assert_int_equal(graph_follow_link(&a, wire->account, url, NULL, &err), ERR_INVALID);
    assert_int_equal(tenant_count(wire->tenant, NULL, "/v1.0/shares/**"), 0);
    free(url);
}

static void graph_follow_link__of_nobody_is_not_found(void **state)
{
    struct wire *wire = *state;
    struct graph_address a = {0};
    struct error err = {0};
    char *url = NULL;

    assert_ok(
        str_format(&url, &err, "https://%s/:x:/s/finance/Enothing", wire->tenant->sharepoint_host),
        err);
    assert_int_equal(graph_follow_link(&a, wire->account, url, NULL, &err), ERR_NOT_FOUND);
    free(url);
}

static void graph_create_link__that_the_tenant_forbids_is_denied(void **state)
{
    struct wire *wire = *state;
    struct graph_address a = {0};
    struct error err = {0};
    char *link = NULL;

    ask(&a, wire, "readme.txt");
    tenant_tell(wire->tenant, "switch", "{'name': 'links_disabled', 'value': true}");
    assert_int_equal(graph_create_link(&link, wire->account, a.drive_id, a.item_id, "view",
                                       "anonymous", NULL, &err),
                     ERR_DENIED);
    assert_null(link);
    tenant_tell(wire->tenant, "switch", "{'name': 'links_disabled', 'value': false}");
    graph_address_clear(&a);
}

/* --- history --- */

struct saved {
    struct buf data;
};

static int take(void *payload, const void *data, size_t size, struct error *err)
{
    struct saved *saved = payload;

    return buf_add(&saved->data, data, size, err);
}

static void history(struct graph_history *out, struct wire *wire, const struct graph_address *a)
{
    struct error err = {0};

    assert_ok(graph_list_history(out, wire->account, a->drive_id, a->item_id, NULL, &err), err);
}

static void graph_list_history__is_newest_first_and_whole(void **state)
{
    struct wire *wire = *state;
    struct graph_address a = {0};
    struct graph_history versions = {0};

    ask(&a, wire, "readme.txt");
    history(&versions, wire, &a);
    assert_int_equal(versions.count, 2);
    assert_string_equal(versions.entries[0].id, "2.0");
    assert_int_equal(versions.entries[0].size_bytes, strlen("hello world\n"));
    assert_string_equal(versions.entries[1].id, "1.0");
    assert_non_null(versions.entries[0].user);
    assert_false(versions.has_more);
    graph_history_clear(&versions);
    graph_address_clear(&a);
}

static void graph_list_history__goes_beyond_the_first_page(void **state)
{
    struct wire *wire = *state;
    struct graph_address a = {0};
    struct graph_history versions = {0};

    ask(&a, wire, "readme.txt");
    tenant_tell(wire->tenant, "switch", "{'name': 'versions_page', 'value': 1}");
    tenant_tell(wire->tenant, "clear-log", NULL);
    history(&versions, wire, &a);
    assert_int_equal(tenant_settled_count(wire->tenant, "GET", "**/versions", 2), 2);
    assert_int_equal(versions.count, 2);
    assert_string_equal(versions.entries[0].id, "2.0");
    assert_string_equal(versions.entries[1].id, "1.0");
    assert_false(versions.has_more);
    graph_history_clear(&versions);

    tenant_tell(wire->tenant, "switch", "{'name': 'versions_page', 'value': 0}");
    graph_address_clear(&a);
}

static void graph_read_version__gives_the_bytes_of_an_old_one(void **state)
{
    struct wire *wire = *state;
    struct graph_address a = {0};
    struct saved saved;
    struct error err = {0};

    ask(&a, wire, "readme.txt");
    buf_init(&saved.data, 4096);
    assert_ok(graph_read_version(wire->account, a.drive_id, a.item_id, "1.0", strlen("hello\n"),
                                 take, &saved, NULL, &err),
              err);
    assert_string_equal(buf_text(&saved.data), "hello\n");
    buf_clear(&saved.data);

    buf_init(&saved.data, 4096);
    assert_int_equal(graph_read_version(wire->account, a.drive_id, a.item_id, "7.0", 6, take,
                                        &saved, NULL, &err),
                     ERR_NOT_FOUND);
    assert_int_equal(
        graph_read_version(wire->account, a.drive_id, a.item_id, "..", 6, take, &saved, NULL, &err),
        ERR_INVALID);
    assert_int_equal(saved.data.size, 0);
    buf_clear(&saved.data);
    graph_address_clear(&a);
}

static int refuse(void *payload, const void *data, size_t size, struct error *err)
{
    (void)payload;
    (void)data;
    (void)size;
    return error_set(err, ERR_NO_SPACE, "the disk is full");
}

static void graph_read_version__ends_when_the_bytes_are_not_taken(void **state)
{
    struct wire *wire = *state;
    struct graph_address a = {0};
    struct error err = {0};

    ask(&a, wire, "readme.txt");
    assert_int_equal(graph_read_version(wire->account, a.drive_id, a.item_id, "1.0", 6, refuse,
                                        NULL, NULL, &err),
                     ERR_NO_SPACE);
    assert_string_equal(err.message, "the disk is full");
    graph_address_clear(&a);
}

static void graph_restore_version__makes_the_old_one_a_new_one(void **state)
{
    struct wire *wire = *state;
    struct graph_address a = {0};
    struct graph_history versions = {0};
    struct error err = {0};

    ask(&a, wire, "readme.txt");
    assert_ok(graph_restore_version(wire->account, a.drive_id, a.item_id, "1.0", NULL, &err), err);
    history(&versions, wire, &a);
    assert_int_equal(versions.count, 3);
    assert_string_equal(versions.entries[0].id, "3.0");
    assert_int_equal(versions.entries[0].size_bytes, strlen("hello\n"));
    graph_history_clear(&versions);
    assert_int_equal(graph_restore_version(wire->account, a.drive_id, a.item_id, "9.0", NULL, &err),
                     ERR_NOT_FOUND);
    graph_address_clear(&a);

    ask(&a, wire, "Locked.docx");
    assert_int_equal(graph_restore_version(wire->account, a.drive_id, a.item_id, "1.0", NULL, &err),
                     ERR_LOCKED);
    graph_address_clear(&a);
}

#define TEST(name) cmocka_unit_test_setup(name, wire_reset)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(graph_get_address__escapes_each_name),
        TEST(graph_get_address__of_an_office_file_has_page_and_document),
        TEST(graph_get_address__knows_the_library_folders_and_notebooks),
        TEST(graph_follow_link__leads_back_to_the_item),
        TEST(graph_follow_link__asks_nothing_for_what_is_no_address),
        TEST(graph_follow_link__of_nobody_is_not_found),
        TEST(graph_create_link__that_the_tenant_forbids_is_denied),
        TEST(graph_list_history__is_newest_first_and_whole),
        TEST(graph_list_history__goes_beyond_the_first_page),
        TEST(graph_read_version__gives_the_bytes_of_an_old_one),
        TEST(graph_read_version__ends_when_the_bytes_are_not_taken),
        TEST(graph_restore_version__makes_the_old_one_a_new_one), /* last: it changes the file */
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("graph_doors", tests, wire_setup, wire_teardown);
}
