/* A folder's page on a simulated tenant, which is read while it arrives: whole and once, or an error. */
#include <stdlib.h>

#include "base/str.h"
#include "base/thread.h"
#include "wire.h"

/* Of a page that breaks off, wherever it does, nothing is left. */
static void graph_list_children__of_a_page_that_breaks_off_has_each_item_once(void **state)
{
    static const char *const endings[] = {"", ",'reset':true"};
    struct wire *wire = *state;
    struct graph_items whole = {0};
    struct error err = {0};
    char *id = wire_item_id(wire, "Many");

    assert_ok(graph_list_children(&whole, wire->account, wire->drive_id, id, NULL, 200, NULL, &err),
              err);
    assert_int_equal(whole.count, 200);
    for (int at = 1; at < 90000; at = at * 3 + 7) {
        struct graph_items page = {0};

        tenant_tell(wire->tenant, "clear-log", "{}");
        tenant_tell(wire->tenant, "faults",
                    "{'match':{'path':'*/children'},'action':{'truncate_after':%d%s}}", at,
                    endings[at % 2]);
        assert_ok(
            graph_list_children(&page, wire->account, wire->drive_id, id, NULL, 200, NULL, &err),
            err);
        assert_int_equal(tenant_settled_count(wire->tenant, NULL, "**/children", 2), 2);
        assert_int_equal(page.count, whole.count);
        for (size_t i = 0; i < whole.count; i++) {
            assert_string_equal(page.items[i].id, whole.items[i].id);
            assert_string_equal(page.items[i].name, whole.items[i].name);
        }
        assert_string_equal(page.next_link, whole.next_link);
        graph_items_clear(&page);
    }
    graph_items_clear(&whole);
    free(id);
}

/* What came of it the first time was another page. */
static void graph_list_children__of_a_page_that_changes_when_repeated_is_the_last(void **state)
{
    struct wire *wire = *state;
    struct graph_items page = {0};
    struct error err = {0};
    char *id = wire_item_id(wire, "Many");

    tenant_tell(wire->tenant, "clear-log", "{}");
    tenant_tell(wire->tenant, "faults",
                "{'match':{'path':'*/children'},'action':{'status':200,'truncate_after':60,'body':"
                "{'value':[{'id':'a','name':'old 1'},{'id':'b','name':'old 2'},"
                "{'id':'c','name':'old 3'}]}}}");
    assert_ok(graph_list_children(&page, wire->account, wire->drive_id, id, NULL, 200, NULL, &err),
              err);
    assert_int_equal(tenant_settled_count(wire->tenant, NULL, "**/children", 2), 2);
    assert_int_equal(page.count, 200);
    for (size_t i = 0; i < page.count; i++) {
        assert_false(str_starts_with_nocase(page.items[i].name, "old "));
    }
    graph_items_clear(&page);
    free(id);
}

static void graph_list_children__of_a_page_that_never_ends_is_an_error(void **state)
{
    static const char *const bodies[] = {
        /* as a proxy may cut it, with the length to match */
        "{\\\"value\\\":[{\\\"id\\\":\\\"a\\\",\\\"name\\\":\\\"n\\\"},{\\\"id\\\"",
        "{\\\"value\\\":[{\\\"id\\\":\\\"a\\\",\\\"name\\\":\\\"n\\\"}]",
        "{\\\"value\\\":[{\\\"id\\\":\\\"a\\\",\\\"name\\\":\\\"n\\\"},{\\\"name\\\":\\\"m\\\"}]}",
        "<html>",
    };
    struct wire *wire = *state;
    struct graph_items page = {0};
    struct error err = {0};
    char *id = wire_item_id(wire, "Many");

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        tenant_tell(wire->tenant, "faults",
                    "{'match':{'path':'*/children'},'action':{'status':200,'body':'%s'}}",
                    bodies[i]);
        assert_int_equal(
            graph_list_children(&page, wire->account, wire->drive_id, id, NULL, 200, NULL, &err),
            ERR_PROTOCOL);
        assert_int_equal(page.count, 0);
        assert_null(page.items);
    }
    /* a page it is only when the status says so */
    tenant_tell(wire->tenant, "faults",
                "{'match':{'path':'*/children'},'action':{'status':404,'body':"
                "{'value':[{'id':'a','name':'n'}]}}}");
    assert_int_equal(
        graph_list_children(&page, wire->account, wire->drive_id, id, NULL, 200, NULL, &err),
        ERR_NOT_FOUND);
    assert_int_equal(page.count, 0);
    free(id);
}

struct lister {
    struct wire *wire;
    struct thread thread;
    const char *folder_id;
    struct graph_items page;
    int code;
};

static void *run_lister(void *payload)
{
    struct lister *lister = payload;

    lister->code = graph_list_children(&lister->page, lister->wire->account, lister->wire->drive_id,
                                       lister->folder_id, NULL, 200, NULL, NULL);
    return NULL;
}

/* One answer for all of them, the first time broken off. */
static void graph_list_children__of_several_at_once_is_whole_for_each(void **state)
{
    struct wire *wire = *state;
    struct lister listers[6];
    char *id = wire_item_id(wire, "Many");

    tenant_tell(wire->tenant, "faults",
                "{'match':{'path':'*/children'},'action':{'delay_ms':200,'truncate_after':9000}}");
    for (size_t i = 0; i < 6; i++) {
        listers[i] = (struct lister){.wire = wire, .folder_id = id};
        assert_int_equal(thread_start(&listers[i].thread, "list", run_lister, &listers[i], NULL),
                         0);
    }
    for (size_t i = 0; i < 6; i++) {
        thread_join(&listers[i].thread);
        assert_int_equal(listers[i].code, 0);
        assert_int_equal(listers[i].page.count, 200);
        for (size_t n = 0; n < 200; n++) {
            assert_string_equal(listers[i].page.items[n].id, listers[0].page.items[n].id);
        }
    }
    for (size_t i = 0; i < 6; i++) {
        graph_items_clear(&listers[i].page);
    }
    free(id);
}

#define TEST(name) cmocka_unit_test_setup(name, wire_reset)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(graph_list_children__of_a_page_that_breaks_off_has_each_item_once),
        TEST(graph_list_children__of_a_page_that_changes_when_repeated_is_the_last),
        TEST(graph_list_children__of_a_page_that_never_ends_is_an_error),
        TEST(graph_list_children__of_several_at_once_is_whole_for_each),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("graph_listing", tests, wire_setup, wire_teardown);
}
