/* A page of items that is read while it arrives: what it says never depends on how it came. */
#include "graph/page.h"

#include <stdlib.h>
#include <string.h>

#include "graph/parse.h"
#include "test.h"

static const char page_text[] =
    "{\"@odata.context\":\"x\",\"value\":[{\"id\":\"a\",\"name\":\"Budget "
    "[1],{2}.txt\",\"size\":12},"
    "{\"id\":\"b\",\"name\":\"\\\"q\\\\\",\"folder\":{\"childCount\":7}}, "
    "{\"id\":\"c\",\"name\":\"\xC3\x9C\"}],\"@odata.nextLink\":\"https://x/y\"}";
static const size_t page_size = sizeof(page_text) - 1;

/* In a block of its own, since a body moves while it grows. */
static void give(struct page_reader *reader, const char *text, size_t size)
{
    char *part = malloc(size ? size : 1);

    assert_non_null(part);
    memcpy(part, text, size);
    page_more(reader, part, size);
    free(part);
}

static void assert_is_the_page(const struct graph_items *page)
{
    assert_int_equal(page->count, 3);
    assert_string_equal(page->items[0].id, "a");
    assert_string_equal(page->items[0].name, "Budget [1],{2}.txt");
    assert_int_equal(page->items[0].size_bytes, 12);
    assert_string_equal(page->items[1].name, "\"q\\");
    assert_int_equal(page->items[1].child_count, 7);
    assert_string_equal(page->items[2].id, "c");
    assert_string_equal(page->next_link, "https://x/y");
}

/* What comes of `text`, of which the reader was given what is before `at` already. */
static int read_on(struct page_reader *reader, const char *text, size_t size)
{
    struct graph_items page = {0};
    struct error err = {0};
    int code = page_end(&page, reader, text, size, &err);

    assert_int_equal(err.code, code);
    if (code == 0) {
        assert_is_the_page(&page);
    } else {
        assert_int_equal(page.count, 0);
        assert_null(page.items);
        assert_null(page.next_link);
    }
    graph_items_clear(&page);
    return code;
}

static void page__is_the_same_however_it_came(void **state)
{
    struct page_reader reader;

    (void)state;
    for (size_t at = 1; at <= page_size; at++) {
        page_begin(&reader, false);
        give(&reader, page_text, at);
        assert_int_equal(read_on(&reader, page_text, page_size), 0);
    }
    page_begin(&reader, false);
    for (size_t at = 1; at <= page_size; at++) {
        give(&reader, page_text, at);
    }
    assert_int_equal(read_on(&reader, page_text, page_size), 0);
}

/* As long as the body is short of its end, there is nothing to be had of it. */
static void page__that_was_cut_is_an_error(void **state)
{
    struct page_reader reader;

    (void)state;
    for (size_t size = 1; size < page_size; size++) {
        page_begin(&reader, false);
        for (size_t at = 1; at <= size; at++) {
            give(&reader, page_text, at);
        }
        assert_int_equal(read_on(&reader, page_text, size), ERR_PROTOCOL);
        page_begin(&reader, false);
        give(&reader, page_text, size);
        page_clear(&reader);
    }
}

static void page__that_begins_anew_has_each_item_once(void **state)
{
    struct page_reader reader;

    (void)state;
    for (size_t at = 1; at <= page_size; at++) {
        page_begin(&reader, false);
        give(&reader, page_text, at);
        give(&reader, "", 0);
        give(&reader, page_text, page_size / 2);
        assert_int_equal(read_on(&reader, page_text, page_size), 0);
    }
    page_begin(&reader, false);
    give(&reader, "{\"value\":[7,", strlen("{\"value\":[7,")); /* nor is what was wrong with it */
    give(&reader, "", 0);
    assert_int_equal(read_on(&reader, page_text, page_size), 0);
}

/* The first thing that is wrong, in the words that the whole body would have got. */
static void page__tells_what_is_wrong_as_if_it_had_come_whole(void **state)
{
    static const struct {
        const char *text;
        const char *message;
    } pages[] = {
        {"{\"value\":[{\"id\":\"a\",\"name\":\"n\"},{\"name\":\"x\"},{\"id\":\"b\"}]}",
         "an item in the answer has no id"},
        {"{\"value\":[{\"id\":\"a\",\"name\":\"..\"},{\"name\":\"x\"}]}",
         "an item in the answer has an impossible name"},
        {"{\"value\":[{\"id\":\"a\"},[}", "an item in the listing has no name"},
        {"{\"value\":[{\"id\":\"a\",\"name\":\"\xFF\"},{}]}", "an item in the listing has no name"},
        {"{\"value\":[{\"id\":\"a\",\"name\":\"n\"},[}", "the answer is no JSON object"},
        {"{\"value\":{}}", "the answer has no 'value'"},
        {"{\"a\":[{\"id\":\"a\",\"name\":\"n\"}]}", "the answer has no 'value'"},
        {"<html>", "the answer is no JSON object"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        size_t size = strlen(pages[i].text);

        for (size_t step = 1; step <= size; step++) {
            struct graph_items page = {0};
            struct error err = {0};
            struct page_reader reader;

            page_begin(&reader, false);
            for (size_t at = step; at <= size; at += step) {
                give(&reader, pages[i].text, at);
            }
            assert_int_equal(page_end(&page, &reader, pages[i].text, size, &err), ERR_PROTOCOL);
            assert_string_equal(err.message, pages[i].message);
            assert_int_equal(page.count, 0);
        }
    }
}

static void page__of_delta_has_its_link_at_the_end(void **state)
{
    static const char text[] =
        "{\"value\":[{\"id\":\"a\",\"deleted\":{}}],\"@odata.deltaLink\":\"https://x/d\"}";
    struct page_reader reader;

    (void)state;
    for (size_t at = 1; at < sizeof(text); at++) {
        struct graph_items page = {0};

        page_begin(&reader, true);
        give(&reader, text, at);
        give(&reader, "", 0); /* is still one of delta */
        give(&reader, text, at);
        assert_int_equal(page_end(&page, &reader, text, sizeof(text) - 1, NULL), 0);
        assert_int_equal(page.count, 1);
        assert_string_equal(page.delta_link, "https://x/d");
        graph_items_clear(&page);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page__is_the_same_however_it_came),
        cmocka_unit_test(page__that_was_cut_is_an_error),
        cmocka_unit_test(page__that_begins_anew_has_each_item_once),
        cmocka_unit_test(page__tells_what_is_wrong_as_if_it_had_come_whole),
        cmocka_unit_test(page__of_delta_has_its_link_at_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
