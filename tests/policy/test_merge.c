#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "merge.h"

/* One layer's list: entries separated by blanks. The default is appended by merge(). */
struct layer {
    enum policy_layer layer;
    const char *entries;
};

#define P POLICY_LAYER_MACHINE_POLICY
#define U POLICY_LAYER_USER_POLICY
#define M POLICY_LAYER_MACHINE_PREFERENCE
#define Q POLICY_LAYER_USER_PREFERENCE
#define D POLICY_LAYER_DEFAULT

static void fill(struct policy_value *value, const struct layer *layer)
{
    const char *at = layer->entries;

    value->layer = layer->layer;
    while (*at) {
        size_t length = strcspn(at, " ");
        char *entry = NULL;

        assert_int_equal(str_copy_n(&entry, at, length, NULL), 0);
        assert_int_equal(str_list_add(&value->entries, entry, NULL), 0);
        str_free(&entry);
        at += length + (at[length] ? 1 : 0);
    }
}

static void merge_values__unites_lists_as_documented(void **state)
{
    static const struct {
        struct layer layers[6];
        size_t count;
        const char *result;
        const char *used; /* one letter a layer: u used, - not */
    } cases[] = {
        {{{D, ""}}, 1, "", "u"},
        {{{D, "d e"}}, 1, "d\ne", "u"},
        {{{P, "a"}, {D, "d"}}, 2, "a\nd", "uu"},
        {{{P, "a"}, {D, ""}}, 2, "a", "u-"},
        {{{P, ""}, {D, "d"}}, 2, "d", "uu"},
        {{{P, "a -"}, {D, "d"}}, 2, "a", "u-"},
        {{{P, "- a"}, {U, "b"}, {D, "d"}}, 3, "a", "u--"},
        {{{P, "a"}, {U, "b -"}, {D, "d"}}, 3, "a\nb", "uu-"},
        {{{P, "a"}, {U, "b"}, {M, "c"}, {Q, "e"}, {D, "d"}}, 5, "a\nb\nd", "uu--u"},
        {{{U, "b"}, {Q, "e"}, {D, "d"}}, 3, "b\nd", "u-u"},
        {{{M, "c"}, {Q, "e"}, {D, "d"}}, 3, "c\nd", "u-u"},
        {{{Q, "e -"}, {D, "d"}}, 2, "e", "u-"},
        {{{P, "A b A"}, {U, "B a c"}, {D, "C"}}, 3, "A\nb\nc", "uuu"},
        {{{P, "a"}, {P, "b"}, {D, ""}}, 3, "a\nb", "uu-"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct policy_value values[6] = {0};
        struct policy_result result = {
            .row = schema_find("IncludeSites"), .values = values, .value_count = cases[i].count};

        for (size_t j = 0; j < cases[i].count; j++) {
            fill(&values[j], &cases[i].layers[j]);
        }
        assert_int_equal(merge_values(&result, NULL), 0);
        assert_string_equal(result.text, cases[i].result);
        assert_ptr_equal(result.winner, &values[0]);
        for (size_t j = 0; j < cases[i].count; j++) {
            assert_int_equal(values[j].is_used, cases[i].used[j] == 'u');
            str_list_clear(&values[j].entries);
        }
        str_free(&result.text);
        str_list_clear(&result.entries);
    }
}

static void merge_values__takes_the_highest_scalar(void **state)
{
    char high[] = "high";
    char low[] = "low";
    struct policy_value values[2] = {{.layer = Q, .text = high}, {.layer = D, .text = low}};
    struct policy_result result = {
        .row = schema_find("NameFormat"), .values = values, .value_count = 2};

    (void)state;
    assert_int_equal(merge_values(&result, NULL), 0);
    assert_string_equal(result.text, "high");
    assert_true(values[0].is_used);
    assert_false(values[1].is_used);
    str_free(&result.text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(merge_values__unites_lists_as_documented),
    cmocka_unit_test(merge_values__takes_the_highest_scalar),
};

TEST_MAIN("merge", tests)
