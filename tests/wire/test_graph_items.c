/* Items on a simulated tenant: listing, looking up, changing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "wire.h"

static const struct graph_item *find(const struct graph_items *page, const char *name)
{
    for (size_t i = 0; i < page->count; i++) {
        if (str_equal(page->items[i].name, name)) {
            return &page->items[i];
        }
    }
    return NULL;
}

static void graph_list_children__knows_each_kind(void **state)
{
    struct wire *wire = *state;
    struct graph_items page = {0};
    struct error err = {0};
    const struct graph_item *item;

    assert_ok(graph_list_children(&page, wire->account, wire->drive_id, NULL, NULL, 0, NULL, &err),
              err);
    item = find(&page, "readme.txt");
    assert_non_null(item);
    assert_int_equal(item->kind, GRAPH_FILE);
    assert_int_equal(item->size_bytes, strlen("hello world\n"));
    assert_non_null(item->id);
    assert_non_null(item->etag);
    assert_non_null(item->ctag);
    assert_int_equal(item->modified_ms / 1000, 1768820464);
    item = find(&page, "Budget");
    assert_non_null(item);
    assert_int_equal(item->kind, GRAPH_FOLDER);
    assert_int_equal(item->child_count, 3);
    item = find(&page, "Notebook");
    assert_non_null(item);
    assert_int_equal(item->kind, GRAPH_PACKAGE);
    item = find(&page, "Virus.txt");
    assert_non_null(item);
    assert_true(item->is_infected);
    graph_items_clear(&page);
}

/* Lists a folder whole; how many items, or ERR_*. */
static int count_children(struct wire *wire, const char *folder_id, unsigned page_size,
                          struct error *err)
{
    char *next = NULL;
    int count = 0;
    int code = 0;

    do {
        struct graph_items page = {0};

        code = graph_list_children(&page, wire->account, wire->drive_id, folder_id, next, page_size,
                                   NULL, err);
        count += (int)page.count;
        str_free(&next);
        if (code == 0) {
            str_copy(&next, page.next_link, NULL);
        }
        graph_items_clear(&page);
    } while (code == 0 && next);
    free(next);
    return code < 0 ? code : count;
}

static void graph_list_children__follows_pages_to_the_end(void **state)
{
    struct wire *wire = *state;
    struct error err = {0};
    char *id = wire_item_id(wire, "Many");

    assert_int_equal(count_children(wire, id, 100, &err), 450);
    free(id);
}

static void graph_list_children__of_a_failing_page_is_an_error(void **state)
{
    struct wire *wire = *state;
    struct error err = {0};
    char *id = wire_item_id(wire, "Many");

    tenant_tell(wire->tenant, "faults",
                "{'match':{'path':'*/children','query':'*skiptoken*'},'count':-1,"
                "'action':{'status':404,'code':'itemNotFound'}}");
    assert_int_equal(count_children(wire, id, 100, &err), ERR_NOT_FOUND);
    free(id);
}

static void graph_get_item_by_path__escapes_each_segment(void **state)
{
    struct wire *wire = *state;
    struct graph_item item = {0};
    struct error err = {0};

    assert_ok(graph_get_item_by_path(&item, wire->account, wire->drive_id, "/Budget/100% #1.txt",
                                     NULL, &err),
              err);
    assert_string_equal(item.name, "100% #1.txt");
    graph_item_clear(&item);
    assert_ok(graph_get_item_by_path(&item, wire->account, wire->drive_id,
                                     "Budget/\xC3\x9C"
                                     "berblick.txt",
                                     NULL, &err),
              err);
    assert_int_equal(item.size_bytes, strlen("Gr\xC3\xBC\xC3\x9F"
                                             "e\n"));
    assert_non_null(item.download_url);
    graph_item_clear(&item);
}

static void graph_get_item__of_nothing_is_not_found(void **state)
{
    struct wire *wire = *state;
    struct graph_item item = {0};
    struct error err = {0};

    assert_int_equal(
        graph_get_child(&item, wire->account, wire->drive_id, NULL, "no such", NULL, &err),
        ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "itemNotFound"));
}

static void graph_create_folder__refuses_a_taken_name(void **state)
{
    struct wire *wire = *state;
    struct graph_item item = {0};
    struct error err = {0};

    assert_ok(
        graph_create_folder(&item, wire->account, wire->drive_id, NULL, "New one", NULL, &err),
        err);
    assert_int_equal(item.kind, GRAPH_FOLDER);
    graph_item_clear(&item);
    assert_int_equal(
        graph_create_folder(&item, wire->account, wire->drive_id, NULL, "new ONE", NULL, &err),
        ERR_EXISTS);
}

static void graph_create_folder__finds_its_folder_when_the_answer_was_lost(void **state)
{
    struct wire *wire = *state;
    struct graph_item item = {0};
    struct error err = {0};

    tenant_tell(wire->tenant, "faults",
                "{'match':{'method':'POST','path':'*/children'},"
                "'action':{'run_first':true,'reset':true}}");
    assert_ok(graph_create_folder(&item, wire->account, wire->drive_id, NULL, "Once", NULL, &err),
              err);
    assert_string_equal(item.name, "Once");
    graph_item_clear(&item);
}

static void graph_create_folder__says_a_bad_name(void **state)
{
    struct wire *wire = *state;
    struct graph_item item = {0};
    struct error err = {0};

    assert_int_equal(
        graph_create_folder(&item, wire->account, wire->drive_id, NULL, "a:b", NULL, &err),
        ERR_BAD_NAME);
}

static void graph_update_item__renames_and_moves_and_keeps_times(void **state)
{
    struct wire *wire = *state;
    struct graph_update update = {.modified_ms = 1700000000000, .created_ms = 1600000000000};
    struct graph_item made = {0};
    struct graph_item item = {0};
    struct error err = {0};
    char *target = wire_item_id(wire, "General");

    assert_ok(graph_create_folder(&made, wire->account, wire->drive_id, NULL, "Moving", NULL, &err),
              err);
    update.name = "Moved";
    update.parent_id = target;
    update.if_match = made.etag;
    assert_ok(graph_update_item(&item, wire->account, wire->drive_id, made.id, &update, NULL, &err),
              err);
    assert_string_equal(item.name, "Moved");
    assert_string_equal(item.parent_id, target);
    assert_int_equal(item.modified_ms, update.modified_ms);
    assert_int_equal(item.created_ms, update.created_ms);
    graph_item_clear(&item);
    update.name = "Again";
    assert_int_equal(
        graph_update_item(&item, wire->account, wire->drive_id, made.id, &update, NULL, &err),
        ERR_CHANGED);
    graph_item_clear(&made);
    free(target);
}

static void graph_delete_item__of_a_lost_answer_is_done(void **state)
{
    struct wire *wire = *state;
    struct graph_item item = {0};
    struct error err = {0};

    assert_ok(graph_create_folder(&item, wire->account, wire->drive_id, NULL, "Doomed", NULL, &err),
              err);
    tenant_tell(wire->tenant, "faults",
                "{'match':{'method':'DELETE'},'action':{'run_first':true,'reset':true}}");
    assert_ok(graph_delete_item(wire->account, wire->drive_id, item.id, NULL, &err), err);
    assert_int_equal(graph_delete_item(wire->account, wire->drive_id, item.id, NULL, &err),
                     ERR_NOT_FOUND);
    graph_item_clear(&item);
}

/* Four folders: one goes, of the next the answer is that it is gone already, the third is refused for
 * good, and the last for now. */
static void graph_delete_items__tells_each_ones_success(void **state)
{
    struct wire *wire = *state;
    struct graph_item items[4] = {{.name = NULL}};
    const char *ids[4];
    char name[16];
    struct error err = {0};
    int codes[4] = {1, 1, 1, 1};

    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "Doomed %zu", i);
        assert_ok(
            graph_create_folder(&items[i], wire->account, wire->drive_id, NULL, name, NULL, &err),
            err);
        ids[i] = items[i].id;
    }
    assert_ok(graph_delete_item(wire->account, wire->drive_id, ids[1], NULL, &err), err);
    tenant_tell(wire->tenant, "faults",
                "{'match':{'in_batch':true,'method':'DELETE','path':'**/%s'},"
                "'action':{'status':403}}",
                ids[2]);
    tenant_tell(wire->tenant, "faults",
                "{'match':{'in_batch':true,'method':'DELETE','path':'**/%s'},"
                "'action':{'status':429,'headers':{'Retry-After':'1'}}}",
                ids[3]);
    assert_ok(graph_delete_items(codes, wire->account, wire->drive_id, ids, 4, NULL, &err), err);
    assert_int_equal(graph_delete_items(codes, wire->account, wire->drive_id, ids,
                                        GRAPH_BATCH_ITEMS + 1, NULL, &err),
                     ERR_LIMIT);
    assert_int_equal(codes[0], 0);
    assert_int_equal(codes[1], 0);
    assert_int_equal(codes[2], ERR_DENIED);
    assert_int_equal(codes[3], ERR_THROTTLED);
    assert_int_equal(tenant_settled_count(wire->tenant, "POST", "**/$batch", 1), 1);
    for (size_t i = 0; i < 4; i++) {
        struct graph_item item = {0};
        int code = graph_get_item(&item, wire->account, wire->drive_id, ids[i], NULL, &err);

        assert_int_equal(code, i < 2 ? ERR_NOT_FOUND : 0);
        graph_item_clear(&item);
        graph_item_clear(&items[i]);
    }
}

/* Three folders: one is there, one was deleted, and the last one is not to be had now. */
static void graph_get_items__tells_of_each_how_it_is(void **state)
{
    struct wire *wire = *state;
    struct graph_item made[3] = {{.name = NULL}};
    struct graph_item items[3];
    const char *ids[3];
    int codes[3] = {1, 1, 1};
    char name[16];
    struct error err = {0};

    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "Asked %zu", i);
        assert_ok(
            graph_create_folder(&made[i], wire->account, wire->drive_id, NULL, name, NULL, &err),
            err);
        ids[i] = made[i].id;
    }
    assert_ok(graph_delete_item(wire->account, wire->drive_id, ids[1], NULL, &err), err);
    tenant_tell(wire->tenant, "faults",
                "{'match':{'in_batch':true,'path':'**/%s'},'action':{'status':403}}", ids[2]);
    assert_ok(graph_get_items(items, codes, wire->account, wire->drive_id, ids, 3, NULL, &err),
              err);
    assert_int_equal(codes[0], 0);
    assert_string_equal(items[0].etag, made[0].etag);
    assert_string_equal(items[0].ctag, made[0].ctag);
    assert_int_equal(codes[1], ERR_NOT_FOUND);
    assert_int_equal(codes[2], ERR_DENIED);
    assert_int_equal(tenant_settled_count(wire->tenant, "POST", "**/$batch", 1), 1);
    for (size_t i = 0; i < 3; i++) {
        graph_item_clear(&items[i]);
        graph_item_clear(&made[i]);
    }
}

static void graph_delta__tells_what_changed_since_latest(void **state)
{
    struct wire *wire = *state;
    struct graph_items page = {0};
    struct graph_item item = {0};
    struct error err = {0};
    char *link = NULL;
    bool is_seen = false;

    assert_ok(graph_delta(&page, wire->account, wire->drive_id, NULL, true, NULL, &err), err);
    assert_non_null(page.delta_link);
    str_copy(&link, page.delta_link, NULL);
    graph_items_clear(&page);
    assert_ok(graph_create_folder(&item, wire->account, wire->drive_id, NULL, "Since", NULL, &err),
              err);
    while (link) {
        assert_ok(graph_delta(&page, wire->account, wire->drive_id, link, false, NULL, &err), err);
        for (size_t i = 0; i < page.count; i++) {
            is_seen = is_seen || str_equal(page.items[i].id, item.id);
        }
        str_free(&link);
        str_copy(&link, page.next_link, NULL);
        graph_items_clear(&page);
    }
    assert_true(is_seen);
    graph_item_clear(&item);
}

static void graph_delta__of_a_stale_token_is_gone(void **state)
{
    struct wire *wire = *state;
    struct graph_items page = {0};
    struct error err = {0};
    char *link = NULL;

    assert_ok(graph_delta(&page, wire->account, wire->drive_id, NULL, true, NULL, &err), err);
    str_copy(&link, page.delta_link, NULL);
    graph_items_clear(&page);
    tenant_tell(wire->tenant, "resync", "{'library':'/sites/finance/Shared Documents'}");
    assert_int_equal(graph_delta(&page, wire->account, wire->drive_id, link, false, NULL, &err),
                     ERR_GONE);
    free(link);
}

static void graph_list_latest__takes_a_token_and_a_page_in_one_request(void **state)
{
    struct wire *wire = *state;
    struct graph_items page = {0};
    struct graph_items changes = {0};
    struct error err = {0};
    char *link = NULL;
    bool is_listed = false;

    assert_ok(graph_list_latest(&page, &is_listed, &link, wire->account, wire->drive_id, NULL, 1000,
                                NULL, &err),
              err);
    assert_true(is_listed);
    assert_non_null(find(&page, "readme.txt"));
    assert_int_equal(tenant_settled_count(wire->tenant, "POST", "**/$batch", 1), 1);
    assert_ok(graph_delta(&changes, wire->account, wire->drive_id, link, false, NULL, &err), err);
    assert_null(find(&changes, "readme.txt"));
    graph_items_clear(&page);
    graph_items_clear(&changes);
    free(link);
}

static void graph_list_latest__of_a_library_without_delta_is_the_tokens_error(void **state)
{
    struct wire *wire = *state;
    struct graph_items page = {0};
    struct error err = {0};
    char *link = NULL;
    bool is_listed = false;

    tenant_tell(wire->tenant, "faults",
                "{'match':{'in_batch':true,'path':'**/delta'},"
                "'action':{'status':403,'code':'accessDenied'}}");
    assert_int_equal(graph_list_latest(&page, &is_listed, &link, wire->account, wire->drive_id,
                                       NULL, 1000, NULL, &err),
                     ERR_DENIED);
    assert_false(is_listed);
    assert_null(link);
}

static void graph_list_latest__without_its_page_still_has_the_token(void **state)
{
    struct wire *wire = *state;
    struct graph_items page = {0};
    struct error err = {0};
    char *link = NULL;
    bool is_listed = false;

    tenant_tell(wire->tenant, "faults",
                "{'match':{'in_batch':true,'path':'**/children'},"
                "'action':{'status':503,'headers':{'Retry-After':'1'}}}");
    assert_ok(graph_list_latest(&page, &is_listed, &link, wire->account, wire->drive_id, NULL, 1000,
                                NULL, &err),
              err);
    assert_non_null(link);
    assert_false(is_listed);
    free(link);
}

static void graph_list_folders__tells_each_folders_success(void **state)
{
    struct wire *wire = *state;
    struct graph_page pages[3];
    struct graph_item folder = {0};
    struct error err = {0};
    const char *ids[3] = {NULL, "NO-SUCH-FOLDER", NULL};

    assert_ok(graph_get_item_by_path(&folder, wire->account, wire->drive_id, "Budget", NULL, &err),
              err);
    ids[0] = folder.id;
    assert_ok(graph_list_folders(pages, wire->account, wire->drive_id, ids, 3, 1000, NULL, &err),
              err);
    assert_int_equal(pages[0].code, 0);
    assert_int_equal(pages[0].items.count, 3);
    assert_int_equal(pages[1].code, ERR_NOT_FOUND);
    assert_int_equal(pages[2].code, 0);
    assert_non_null(find(&pages[2].items, "readme.txt"));
    graph_pages_clear(pages, 3);
    graph_item_clear(&folder);
}

static void graph_send__never_takes_the_token_to_another_host(void **state)
{
    struct wire *wire = *state;
    struct graph_items page = {0};
    struct error err = {0};

    assert_int_equal(graph_list_children(&page, wire->account, wire->drive_id, NULL,
                                         "https://evil.localhost/v1.0/x", 0, NULL, &err),
                     ERR_PROTOCOL);
    assert_int_equal(graph_list_children(&page, wire->account, wire->drive_id, NULL,
                                         "http://graph.localhost/v1.0/x", 0, NULL, &err),
                     ERR_PROTOCOL);
    assert_int_equal(tenant_count(wire->tenant, NULL, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, wire_reset)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(graph_list_children__knows_each_kind),
        TEST(graph_list_children__follows_pages_to_the_end),
        TEST(graph_list_children__of_a_failing_page_is_an_error),
        TEST(graph_get_item_by_path__escapes_each_segment),
        TEST(graph_get_item__of_nothing_is_not_found),
        TEST(graph_create_folder__refuses_a_taken_name),
        TEST(graph_create_folder__finds_its_folder_when_the_answer_was_lost),
        TEST(graph_create_folder__says_a_bad_name),
        TEST(graph_update_item__renames_and_moves_and_keeps_times),
        TEST(graph_delete_item__of_a_lost_answer_is_done),
        TEST(graph_delete_items__tells_each_ones_success),
        TEST(graph_get_items__tells_of_each_how_it_is),
        TEST(graph_delta__tells_what_changed_since_latest),
        TEST(graph_delta__of_a_stale_token_is_gone),
        TEST(graph_list_latest__takes_a_token_and_a_page_in_one_request),
        TEST(graph_list_latest__of_a_library_without_delta_is_the_tokens_error),
        TEST(graph_list_latest__without_its_page_still_has_the_token),
        TEST(graph_list_folders__tells_each_folders_success),
        TEST(graph_send__never_takes_the_token_to_another_host),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("graph_items", tests, wire_setup, wire_teardown);
}
