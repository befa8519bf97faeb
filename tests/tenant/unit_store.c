/* Ids, hashes, names and the store of the simulated tenant. */
#include "unit_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate.h"
#include "ids.h"
#include "item_json.h"
#include "quickxor.h"

static void ids_item_id__is_that_of_the_recorded_pair(void **state)
{
    uint8_t prefix[4];
    uint8_t guid[16];
    char text[37];
    char id[ITEM_ID_TEXT];
    (void)state;
    assert_true(item_id_parse(prefix, guid, "01LIL4APX5TEUXZZNPEVB3ZVSUV5G7VVYU"));
    guid_format(text, guid, true);
    assert_string_equal(text, "7C2999FD-AFE5-4325-BCD6-54AF4DFAD714");
    assert_true(guid_parse(guid, ROOT_UNIQUE_ID));
    item_id_format(id, prefix, guid);
    assert_string_equal(id, "01LIL4APV6Y2GOVW7725BZO354PWSELRRZ");
}

static void ids_drive_id__is_three_guids_of_site_web_and_list(void **state)
{
    char id[DRIVE_ID_TEXT];
    (void)state;
    drive_id_format(id, "a54dca18-2530-4b1d-ad13-2cded6237b2e",
                    "d91e3f72-1fcb-4971-9744-94d6493c9d5c", "3460be31-201e-49fe-9aa0-eee8b9997f5c");
    assert_string_equal(id, "b!GMpNpTAlHUutEyze1iN7LnI_HtnLH3FJl0SU1kk8nVwxvmA0HiD-SZqg7ui5mX9c");
}

static void ids_unique_id__leads_back_to_its_serial(void **state)
{
    static const uint64_t serials[] = {1, 2, 3, 1000, UINT64_C(1) << 40 | 999999};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(serials); i++) {
        uint8_t guid[16];
        uint64_t serial;
        unique_id_make(guid, 77, serials[i]);
        assert_true(unique_id_serial(&serial, 77, guid));
        assert_int_equal(serial, serials[i]);
        assert_true(i == 0 || !unique_id_serial(&serial, 78, guid));
    }
}

static void check_hash(const void *data, size_t n, const char *expected)
{
    struct quickxor q;
    uint8_t out[QUICKXOR_SIZE];
    for (size_t step = 1; step <= 200; step += 199) { /* in one piece and byte by byte */
        quickxor_init(&q);
        for (size_t at = 0; at < n; at += step) {
            quickxor_add(&q, (const uint8_t *)data + at, n - at < step ? n - at : step);
        }
        quickxor_finish(&q, out);
        char *text = base64_encode(out, sizeof(out));
        assert_string_equal(text, expected);
        free(text);
    }
}

static void quickxor__matches_the_known_vectors(void **state)
{
    uint8_t bytes[200];
    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    check_hash("", 0, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    check_hash("abc", 3, "YRDDGAAAAAAAAAAAAwAAAAAAAAA=");
    check_hash(bytes, sizeof(bytes), "4wTRmVq14WTAStOsg6tbwZMFVT0=");
}

static void seed_bytes__are_the_same_at_any_offset(void **state)
{
    uint8_t whole[300];
    uint8_t part[100];
    (void)state;
    seed_bytes(5, 0, whole, sizeof(whole));
    for (size_t at = 0; at < 200; at += 7) {
        seed_bytes(5, at, part, sizeof(part));
        assert_memory_equal(part, whole + at, sizeof(part));
    }
}

static void names__are_refused_as_the_service_does(void **state)
{
    static const char *const bad[] = {
        "",      "a:b",     "a/b",   " a",           "a ",       "a.",
        "CON",   "nul.txt", "com5",  "~$x",          "a_vti_b",  "desktop.ini",
        ".lock", "\xff",    "a\xc3", "\xed\xa0\x80", "\xc0\xaf", "tab\there"};
    static const char *const good[] = {"a",   ".hidden", "a b",  "#1 50%.txt",
                                       "COM", "console", "Über", "~file.txt"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_non_null(name_problem(bad[i], false, false));
    }
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_null(name_problem(good[i], false, false));
    }
    assert_non_null(name_problem("~folder", true, false));
    assert_non_null(name_problem("Forms", true, true));
    assert_null(name_problem("Forms", true, false));
}

static void names__compare_without_regard_to_case(void **state)
{
    (void)state;
    assert_int_equal(name_compare("ÜBER.txt", "über.TXT"), 0);
    assert_true(name_compare("a", "B") < 0);
    assert_true(name_compare("ab", "a") > 0);
}

/* ---- generated trees ---- */

static struct item *make_tree(struct fixture *f, unsigned folders, unsigned depth, unsigned files)
{
    struct item *top = store_add(f->d->root, "Tree", ITEM_FOLDER, NULL, f->ana);
    struct generator_spec spec = {
        .folders = folders, .depth = depth, .files_per_folder = files, .size = 10};
    store_generate(top, &spec);
    return top;
}

static uint64_t count_below(struct item *folder, int64_t *bytes)
{
    struct child_iter iter;
    const struct item *it;
    uint64_t n = 0;
    store_children(&iter, folder, NULL);
    while ((it = store_next_child(&iter)) != NULL) {
        n++;
        if (it->kind == ITEM_FOLDER) {
            n += count_below(store_get(folder->drive, it->serial), bytes);
        } else if (it->kind == ITEM_FILE) {
            *bytes += it->content->size;
        }
    }
    return n;
}

static void generate__walks_to_as_many_items_as_it_says(void **state)
{
    struct fixture *f = *state;
    struct item *top = make_tree(f, 3, 3, 4);
    int64_t bytes = 0;
    uint64_t folders = 3 + 9 + 27;
    assert_int_equal(store_generated_count(top->gen), folders + folders * 4);
    assert_int_equal(count_below(top, &bytes), folders + folders * 4);
    assert_int_equal(bytes, store_size(top));
    struct item *below = store_by_path(f->d, top, "Folder 2/folder 3");
    assert_non_null(below);
    bytes = 0;
    assert_int_equal(count_below(below, &bytes), 3 + 4 * 4);
    assert_int_equal(bytes, store_size(below));
}

static void generate__touches_nothing_while_listing(void **state)
{
    struct fixture *f = *state;
    struct item *top = make_tree(f, 0, 0, 100000);
    struct child_iter iter;
    uint64_t n = 0;
    for (store_children(&iter, top, NULL); store_next_child(&iter) != NULL; n++) {
    }
    assert_int_equal(n, 100000);
    assert_int_equal(f->d->n_touched, 0);
}

static void generate__goes_on_after_any_name(void **state)
{
    struct fixture *f = *state;
    struct item *top = make_tree(f, 0, 0, 1000);
    struct child_iter iter;
    store_children(&iter, top, "Document 0499.txt");
    assert_string_equal(store_next_child(&iter)->name, "Document 0500.txt");
    store_children(&iter, top, "Document 0499");
    assert_string_equal(store_next_child(&iter)->name, "Document 0499.txt");
    store_children(&iter, top, "Z");
    assert_null(store_next_child(&iter));
}

static void generate__finds_items_by_path_and_by_id(void **state)
{
    struct fixture *f = *state;
    struct item *top = make_tree(f, 3, 2, 4);
    struct item *it = store_by_path(f->d, top, "Folder 2/Folder 3/document 4.TXT");
    char id[40];
    assert_non_null(it);
    item_id(id, it);
    assert_ptr_equal(store_by_id(f->d, id), it);
    char *path = store_path(it);
    assert_string_equal(path, "/Tree/Folder 2/Folder 3/Document 4.txt");
    free(path);
    assert_null(store_by_path(f->d, top, "Folder 2/Folder 4"));
}

static void generate__takes_changes_in_and_out(void **state)
{
    struct fixture *f = *state;
    struct item *top = make_tree(f, 2, 1, 5);
    struct item *from = store_by_path(f->d, top, "Folder 1");
    struct item *to = store_by_path(f->d, top, "Folder 2");
    struct item *it = store_by_path(f->d, from, "Document 3.txt");
    int64_t size = store_size(top);
    store_move(it, to, "Moved.txt", f->ana);
    store_delete(store_by_path(f->d, from, "Document 1.txt"), f->ana);
    store_add(from, "Document 2b.txt", ITEM_FILE, content_new_text("12345", 5), f->ana);
    assert_int_equal(store_child_count(from), 4);
    assert_int_equal(store_child_count(to), 6);
    assert_null(store_child(from, "Document 3.txt"));
    assert_ptr_equal(store_child(to, "MOVED.txt"), it);
    assert_int_equal(store_size(from), 3 * 10 + 5);
    assert_int_equal(store_size(to), 6 * 10);
    assert_int_equal(store_size(top), size - 10 + 5);
    static const char *const names[] = {"Document 2.txt", "Document 2b.txt", "Document 4.txt",
                                        "Document 5.txt"};
    struct child_iter iter;
    store_children(&iter, from, NULL);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_string_equal(store_next_child(&iter)->name, names[i]);
    }
    assert_null(store_next_child(&iter));
}

static void store_delete__hides_all_below_and_restore_brings_it_back(void **state)
{
    struct fixture *f = *state;
    struct item *top = make_tree(f, 2, 1, 5);
    struct item *it = store_by_path(f->d, top, "Folder 1/Document 1.txt");
    int64_t used = store_used(f->d);
    char id[40];
    item_id(id, it);
    store_delete(top, f->ana);
    assert_null(store_by_id(f->d, id));
    assert_int_equal(store_used(f->d), used - 100);
    assert_int_equal(f->d->quota_deleted, 100);
    assert_true(store_restore(top, f->ana));
    assert_ptr_equal(store_by_id(f->d, id), it);
    assert_int_equal(store_used(f->d), used);
    store_purge(top, f->ana);
    assert_false(store_restore(top, f->ana));
    assert_int_equal(f->d->quota_deleted, 0);
}

static void store_content__moves_both_tags_and_times_only_one(void **state)
{
    struct fixture *f = *state;
    struct item *it = store_by_path(f->d, NULL, "readme.txt");
    unsigned etag = it->etag_n;
    unsigned ctag = it->ctag_n;
    store_set_times(it, -1, 5, f->ben);
    assert_int_equal(it->etag_n, etag + 1);
    assert_int_equal(it->ctag_n, ctag);
    store_set_content(it, content_new_text("new", 3), f->ben);
    assert_int_equal(it->etag_n, etag + 2);
    assert_int_equal(it->ctag_n, ctag + 1);
}

static void store_next_item__meets_every_live_item_once_parents_first(void **state)
{
    struct fixture *f = *state;
    struct item *top = make_tree(f, 3, 2, 4);
    struct child_iter *scratch = xcalloc(1, sizeof(*scratch));
    uint64_t cursor = 0;
    uint64_t n = 0;
    const struct item *it;
    int64_t bytes = 0;
    store_delete(store_by_path(f->d, top, "Folder 1"), f->ana);
    while ((it = store_next_item(f->d, &cursor, scratch)) != NULL) {
        n++;
    }
    assert_int_equal(n, 1 + count_below(f->d->root, &bytes));
    free(scratch);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_item_id__is_that_of_the_recorded_pair),
        cmocka_unit_test(ids_drive_id__is_three_guids_of_site_web_and_list),
        cmocka_unit_test(ids_unique_id__leads_back_to_its_serial),
        cmocka_unit_test(quickxor__matches_the_known_vectors),
        cmocka_unit_test(seed_bytes__are_the_same_at_any_offset),
        cmocka_unit_test(names__are_refused_as_the_service_does),
        cmocka_unit_test_setup_teardown(names__compare_without_regard_to_case, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(generate__walks_to_as_many_items_as_it_says, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(generate__touches_nothing_while_listing, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(generate__goes_on_after_any_name, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(generate__finds_items_by_path_and_by_id, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(generate__takes_changes_in_and_out, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(store_delete__hides_all_below_and_restore_brings_it_back,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(store_content__moves_both_tags_and_times_only_one,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(store_next_item__meets_every_live_item_once_parents_first,
                                        fixture_setup, fixture_teardown),
    };
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
