/* One array of an answer, element by element: what cJSON would have read of it at once. */
#include "graph/json_array.h"

#include <stdlib.h>
#include <string.h>

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

static int visit(struct seen *seen, cJSON **rest, const char *text, size_t size)
{
    struct error err = {0};
    int code = 0;

    seen->ids[0] = '\0';
    seen->count = 0;
    code = json_visit_array(rest, text, size, "the answer", "value", see, seen, &err);
    assert_int_equal(err.code, code < 0 ? code : 0);
    assert_true((*rest != NULL) == (code >= 0));
    return code;
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
}

static void json_visit_array__gives_elements_in_order_and_keeps_the_rest(void **state)
{
    (void)state;
    expect("{\"a\":1,\"value\":[{\"id\":\"x\"},{\"id\":\"y\"}],\"b\":{\"value\":[7]}}", 1, "xy",
           "{\"a\":1,\"b\":{\"value\":[7]}}");
    expect(" \r\n{ \"value\" :\t[ {\"id\" : \"x\"} , 7 ] , \"a\" : null } ", 1, "x?",
           "{\"a\":null}");
    expect("{\"val\\u0075e\":[{\"id\":\"x\"}]}", 1, "x", "{}");
    expect("{\"value\":[]}", 1, "", "{}");
}

static void json_visit_array__tells_when_there_is_none(void **state)
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

static void json_visit_array__takes_no_part_for_the_whole(void **state)
{
    static const char text[] =
        "{\"a\":\"b\",\"value\":[{\"id\":\"x\"},{\"id\":\"y\"}],\"c\":[1,2]}";

    (void)state;
    for (size_t size = 0; size + 1 < sizeof(text); size++) {
        char *part = malloc(size ? size : 1); /* of that length, so that a byte more is found */
        struct seen seen = {.fails_at = 0};
        cJSON *rest = NULL;

        assert_non_null(part);
        memcpy(part, text, size);
        assert_int_equal(visit(&seen, &rest, part, size), ERR_PROTOCOL);
        free(part);
    }
}

static void json_visit_array__refuses_what_is_no_object(void **state)
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
    }
}

static void json_visit_array__ends_when_the_visitor_does(void **state)
{
    static const char text[] = "{\"value\":[{\"id\":\"x\"},{\"id\":\"y\"},{\"id\":\"z\"}]}";
    struct seen seen = {.fails_at = 2};
    cJSON *rest = NULL;

    (void)state;
    assert_int_equal(visit(&seen, &rest, text, strlen(text)), ERR_NO_MEMORY);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.ids, "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_visit_array__gives_elements_in_order_and_keeps_the_rest),
        cmocka_unit_test(json_visit_array__tells_when_there_is_none),
        cmocka_unit_test(json_visit_array__takes_no_part_for_the_whole),
        cmocka_unit_test(json_visit_array__refuses_what_is_no_object),
        cmocka_unit_test(json_visit_array__ends_when_the_visitor_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
