/* One array of an answer, element by element: what cJSON would have read of it at once, in whatever
 * pieces it comes. */
#include "graph/json_array.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "graph/json.h"
#include "test.h"

struct seen {
    char ids[32];
    unsigned count;
    unsigned fails_at;
};

static int see(void *payload, const cJSON *element, struct error *err)
{
    struct seen *seen = payload;
    const char *id = json_text(element, "id");

    seen->count++;
    if (seen->count == seen->fails_at) {
        return error_set(err, ERR_NO_MEMORY, "enough");
    }
    strncat(seen->ids, id ? id : "?", sizeof(seen->ids) - strlen(seen->ids) - 1);
    return 0;
}

/* A text as it grows: each time in a block of its own, of just that length, so that neither a byte
 * more is read nor anything of where it stood before. */
static char *grown_to(const char *text, size_t size)
{
    char *block = malloc(size ? size : 1);

    assert_non_null(block);
    memcpy(block, text, size);
    return block;
}

static void see_part(struct json_array *array, const char *text, size_t size)
{
    char *part = grown_to(text, size);

    json_array_more(array, part, size);
    free(part);
}

static void begin(struct json_array *array, struct seen *seen)
{
    seen->ids[0] = '\0';
    seen->count = 0;
    json_array_begin(array, "the answer", "value", see, seen);
}

static int end(struct json_array *array, cJSON **rest, const char *text, size_t size,
               struct error *err)
{
    char *whole = grown_to(text, size);
    int code = json_array_end(rest, array, whole, size, err);

    free(whole);
    assert_int_equal(err->code, code < 0 ? code : 0);
    assert_true((*rest != NULL) == (code >= 0));
    return code;
}

static int visit(struct seen *seen, cJSON **rest, const char *text, size_t size)
{
    struct json_array array;
    struct error err = {0};

    begin(&array, seen);
    return end(&array, rest, text, size, &err);
}

static void assert_same_json(const cJSON *a, const cJSON *b)
{
    char *text_of_a = cJSON_PrintUnformatted(a);
    char *text_of_b = cJSON_PrintUnformatted(b);

    assert_string_equal(text_of_a, text_of_b);
    cJSON_free(text_of_a);
    cJSON_free(text_of_b);
}

/* The text in pieces that end at `first` and then every `step` bytes: as if it had come whole. */
static void expect_same(const char *text, size_t size, size_t first, size_t step)
{
    struct seen whole = {.fails_at = 0};
    struct seen split = {.fails_at = 0};
    struct json_array array;
    struct error whole_err = {0};
    struct error split_err = {0};
    cJSON *whole_rest = NULL;
    cJSON *split_rest = NULL;
    int code;

    begin(&array, &whole);
    code = end(&array, &whole_rest, text, size, &whole_err);
    begin(&array, &split);
    for (size_t at = first; at <= size; at += step) {
        see_part(&array, text, at);
    }
    assert_int_equal(end(&array, &split_rest, text, size, &split_err), code);
    assert_string_equal(split_err.message, whole_err.message);
    assert_string_equal(split.ids, whole.ids);
    assert_int_equal(split.count, whole.count);
    if (code >= 0) {
        assert_same_json(split_rest, whole_rest);
    }
    cJSON_Delete(whole_rest);
    cJSON_Delete(split_rest);
}

static void expect_same_however_split(const char *text, size_t size)
{
    expect_same(text, size, 0, 1);
    expect_same(text, size, 1, 3);
    for (size_t at = 0; at <= size; at++) {
        expect_same(text, size, at, size + 1);
    }
}

/* What came of a text that is an object: the ids, and 1 or 0. */
static void expect(const char *text, int wanted, const char *ids, const char *others)
{
    struct seen seen = {.fails_at = 0};
    cJSON *rest = NULL;
    char *kept = NULL;

    assert_int_equal(visit(&seen, &rest, text, strlen(text)), wanted);
    assert_string_equal(seen.ids, ids);
    kept = cJSON_PrintUnformatted(rest);
    assert_string_equal(kept, others);
    cJSON_free(kept);
    cJSON_Delete(rest);
    expect_same_however_split(text, strlen(text));
}

static void json_array__gives_elements_in_order_and_keeps_the_rest(void **state)
{
    (void)state;
    expect("{\"a\":1,\"value\":[{\"id\":\"x\"},{\"id\":\"y\"}],\"b\":{\"value\":[7]}}", 1, "xy",
           "{\"a\":1,\"b\":{\"value\":[7]}}");
    expect(" \r\n{ \"value\" :\t[ {\"id\" : \"x\"} , 7 ] , \"a\" : null } ", 1, "x?",
           "{\"a\":null}");
    expect("{\"val\\u0075e\":[{\"id\":\"x\"}]}", 1, "x", "{}");
    expect("{\"value\":[]}", 1, "", "{}");
}

static void json_array__tells_when_there_is_none(void **state)
{
    (void)state;
    expect("{}", 0, "", "{}");
    expect("{\"a\":[{\"id\":\"x\"}]}", 0, "", "{\"a\":[{\"id\":\"x\"}]}");
    expect("{\"value\":{\"id\":\"x\"}}", 0, "", "{\"value\":{\"id\":\"x\"}}");
    expect("{\"Value\":[{\"id\":\"x\"}]}", 0, "", "{\"Value\":[{\"id\":\"x\"}]}");
    /* the first one of a name counts, as in json_text() */
    expect("{\"value\":[{\"id\":\"x\"}],\"value\":[{\"id\":\"y\"}]}", 1, "x",
           "{\"value\":[{\"id\":\"y\"}]}");
}

static void json_array__takes_no_part_for_the_whole(void **state)
{
    static const char text[] =
        "{\"a\":\"b\",\"value\":[{\"id\":\"x\"},{\"id\":\"y\"}],\"c\":[1,2]}";

    (void)state;
    for (size_t size = 0; size + 1 < sizeof(text); size++) {
        struct seen seen = {.fails_at = 0};
        cJSON *rest = NULL;

        assert_int_equal(visit(&seen, &rest, text, size), ERR_PROTOCOL);
        expect_same(text, size, 0, 1);
    }
}

static void json_array__refuses_what_is_no_object(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "null",
        "{\"value\"}",
        "{\"value\":[,]}",
        "{\"value\":[{\"id\":\"x\"},]}",
        "{\"value\":[{\"id\":\"x\"}{\"id\":\"y\"}]}",
        "{\"value\":[],}",
        "{value:[]}",
        "{7:[]}",
        "{\"value\":[{\"id\":\"x\"]}",
        "{\"value\":[] \"a\":1}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct seen seen = {.fails_at = 0};
        cJSON *rest = NULL;

        assert_int_equal(visit(&seen, &rest, texts[i], strlen(texts[i])), ERR_PROTOCOL);
        expect_same_however_split(texts[i], strlen(texts[i]));
    }
}

static void json_array__reads_strange_texts_alike_whole_and_split(void **state)
{
    static const struct {
        const char *text;
        size_t size;
    } texts[] = {
#define TEXT(literal) {literal, sizeof(literal) - 1}
        TEXT("{\"value\":[{\"id\":\"x\"}]} and more"),
        TEXT("{\"value\":[1,22,333,-4.5e+6,true,false,null,\"a\"]}"),
        TEXT("{\"value\":[1-2]}"),
        TEXT("{\"value\":[truely]}"),
        TEXT("{\"value\":[tru"),
        TEXT("{\"value\":[{\"id\":\"]},{[\"},{\"id\":\"\\\\\"},{\"id\":\"\\\"}]\"}]}"),
        TEXT("{\"value\":[{\"id\":\"\\ud83d\\ude00\"},{\"id\":\"\\ud83d\"}]}"),
        TEXT("{\"value\":[{\"id\":\"\xC3\x9C\"},{\"id\":\"\xFF\xC0\"}]}"),
        TEXT("{\"value\":[\xEF\xBB\xBF{\"id\":\"x\"}]}"),
        TEXT("\xEF\xBB\xBF{\"value\":[]}"),
        TEXT("{\"value\":[{\"id\":\"a\0b\"},\0{\"id\":\"y\"}]\0}\0"),
        TEXT("\0{\"value\":[]}"),
        TEXT("{\"value\":[{\"id\":\"x\"},{\"id\":\"y\"]},{\"id\":\"z\"}]}"),
        TEXT("{\"value\":[[{\"id\":\"x\"}],{\"id\":[\"x\"]}]}"),
        TEXT("{\"value\":[\"a\":1]}"),
        TEXT("{\"value\":[a:b,c]}"),
        TEXT("{\"value\":[}]}"),
        TEXT("{\"value\":{\"value\":[{\"id\":\"x\"}]},\"value\":[{\"id\":\"y\"}]}"),
        TEXT("{\"value\":null,\"value\":[{\"id\":\"y\"}]}"),
        TEXT("{\"value\":[{\"id\":\"x\"}],\"value\":[{\"id\":\"y\"}],\"value\":7}"),
        TEXT("{\"a\":[{\"value\":[{\"id\":\"x\"}]}],\"value\":[]}"),
        TEXT("{\"a\" \"value\":[]}"),
        TEXT("{\"value\":[{\"id\":\"x\"}],\"a"),
        TEXT("{\"value\":[111111111111111111111111111111111111111111111111111111111111111111111]}"),
#undef TEXT
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        expect_same_however_split(texts[i].text, texts[i].size);
    }
}

/* 1,000 levels are cJSON's limit. */
static void json_array__refuses_what_is_nested_too_deep(void **state)
{
    static const size_t levels[] = {900, 1100, 100000};

    (void)state;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        struct seen seen = {.fails_at = 0};
        struct buf text;
        cJSON *rest = NULL;

        buf_init(&text, 1u << 20);
        assert_int_equal(buf_add_text(&text, "{\"value\":[", NULL), 0);
        for (size_t n = 0; n < 2 * levels[i]; n++) {
            assert_int_equal(buf_add(&text, n < levels[i] ? "[" : "]", 1, NULL), 0);
        }
        assert_int_equal(buf_add_text(&text, ",{\"id\":\"x\"}]}", NULL), 0);
        assert_int_equal(visit(&seen, &rest, text.data, text.size),
                         levels[i] < 1000 ? 1 : ERR_PROTOCOL);
        cJSON_Delete(rest);
        expect_same(text.data, text.size, 5, 997);
        buf_clear(&text);
    }
}

/* What this is for: each element when the byte behind it has come, and none before. */
static void json_array__gives_elements_while_the_text_grows(void **state)
{
    static const char text[] = "{\"a\":1,\"value\":[{\"id\":\"x\"},{\"id\":\"y\"}],\"b\":2}";
    size_t ends_of[] = {strlen("{\"a\":1,\"value\":[{\"id\":\"x\"},"),
                        strlen("{\"a\":1,\"value\":[{\"id\":\"x\"},{\"id\":\"y\"}]")};
    struct seen seen = {.fails_at = 0};
    struct json_array array;

    (void)state;
    begin(&array, &seen);
    for (size_t size = 0; size < sizeof(text); size++) {
        see_part(&array, text, size);
        assert_int_equal(seen.count, (size >= ends_of[0]) + (size >= ends_of[1]));
    }
    json_array_clear(&array);
}

/* A long one would hold up whoever gives the pieces. */
static void json_array__leaves_long_values_to_the_end(void **state)
{
    struct seen seen = {.fails_at = 0};
    struct json_array array;
    struct error err = {0};
    struct buf text;
    cJSON *rest = NULL;

    (void)state;
    buf_init(&text, 1u << 20);
    assert_int_equal(buf_add_text(&text, "{\"value\":[{\"id\":\"x\"},{\"id\":\"y\",\"a\":\"", NULL),
                     0);
    for (size_t n = 0; n <= JSON_ARRAY_VALUE_MAX; n += 8) {
        assert_int_equal(buf_add_text(&text, "aaaaaaaa", NULL), 0);
    }
    assert_int_equal(buf_add_text(&text, "\"},{\"id\":\"z\"}]}", NULL), 0);
    begin(&array, &seen);
    for (size_t size = 0; size <= text.size; size += 1000) {
        see_part(&array, text.data, size);
    }
    see_part(&array, text.data, text.size);
    assert_string_equal(seen.ids, "x");
    assert_int_equal(end(&array, &rest, text.data, text.size, &err), 1);
    assert_string_equal(seen.ids, "xyz");
    cJSON_Delete(rest);
    buf_clear(&text);
}

static void json_array__ends_when_the_visitor_does(void **state)
{
    static const char text[] = "{\"value\":[{\"id\":\"x\"},{\"id\":\"y\"},{\"id\":\"z\"}]}";
    struct seen seen = {.fails_at = 2};
    struct json_array array;
    struct error err = {0};
    cJSON *rest = NULL;

    (void)state;
    assert_int_equal(visit(&seen, &rest, text, strlen(text)), ERR_NO_MEMORY);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.ids, "x");
    begin(&array, &seen);
    for (size_t size = 0; size < sizeof(text); size++) {
        see_part(&array, text, size);
    }
    assert_int_equal(seen.count, 2); /* not asked again */
    assert_int_equal(end(&array, &rest, text, strlen(text), &err), ERR_NO_MEMORY);
    assert_string_equal(err.message, "enough");
    assert_int_equal(seen.count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_array__gives_elements_in_order_and_keeps_the_rest),
        cmocka_unit_test(json_array__tells_when_there_is_none),
        cmocka_unit_test(json_array__takes_no_part_for_the_whole),
        cmocka_unit_test(json_array__refuses_what_is_no_object),
        cmocka_unit_test(json_array__reads_strange_texts_alike_whole_and_split),
        cmocka_unit_test(json_array__refuses_what_is_nested_too_deep),
        cmocka_unit_test(json_array__gives_elements_while_the_text_grows),
        cmocka_unit_test(json_array__leaves_long_values_to_the_end),
        cmocka_unit_test(json_array__ends_when_the_visitor_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
