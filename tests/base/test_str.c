#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "test.h"

static void str_fold__compares_without_case(void **state)
{
    (void)state;
    assert_true(str_equal_nocase("Ärger Ж Ω", "äRGER ж ω"));
    assert_true(str_equal_nocase("ŁÓDŹ", "łódź"));
    assert_true(str_equal_nocase("ΆΈΌΎ", "άέόύ"));
    assert_false(str_equal_nocase("a", "b"));
    assert_false(str_equal_nocase("a", "ab"));
    assert_false(str_equal_nocase("a", NULL));
    assert_true(str_equal_nocase(NULL, NULL));
    assert_true(str_compare_nocase("Alpha", "beta") < 0);
    assert_true(str_compare_nocase("b", "A") > 0);
    assert_true(str_starts_with_nocase("Ünder", "ü"));
    assert_false(str_starts_with_nocase("U", "Und"));
}

static void str_hash__equals_for_equal_names(void **state)
{
    (void)state;
    assert_true(str_hash_nocase("Größe.TXT") == str_hash_nocase("GRÖßE.txt"));
    assert_false(str_hash_nocase("a") == str_hash_nocase("b"));
    assert_false(str_hash("A") == str_hash("a"));
}

/* Each byte, also one that no text begins with: names are compared and hashed by what str_fold() says of
 * what str_decode() reads. */
static void str_fold__is_what_comparing_and_hashing_go_by(void **state)
{
    (void)state;
    for (int i = 1; i < 256; i++) {
        for (int k = 1; k < 256; k++) {
            const char a[] = {'x', (char)i, '\0'};
            const char b[] = {'X', (char)k, '\0'};
            const char *left = a + 1;
            const char *right = b + 1;
            uint32_t x = str_fold(str_decode(&left));
            uint32_t y = str_fold(str_decode(&right));

            assert_int_equal(str_compare_nocase(a, b), x == y ? 0 : (x < y ? -1 : 1));
            assert_true(str_starts_with_nocase(a, b) == (x == y));
            assert_true((str_hash_nocase(a) == str_hash_nocase(b)) == (x == y));
        }
    }
}

static void str_is_utf8__refuses_what_is_not(void **state)
{
    (void)state;
    assert_true(str_is_utf8("\xE2\x82\xAC", 3));
    assert_true(str_is_utf8("\xF0\x9F\x98\x80", 4));
    assert_false(str_is_utf8("\xC0\x80", 2));         /* overlong NUL */
    assert_false(str_is_utf8("\xED\xA0\x80", 3));     /* surrogate */
    assert_false(str_is_utf8("\xF4\x90\x80\x80", 4)); /* above U+10FFFF */
    assert_false(str_is_utf8("\xE2\x82", 2));
    assert_false(str_is_utf8("\x80", 1));
}

static void str_decode__moves_over_every_byte(void **state)
{
    const char *at = "a\xFF\xE2\x82";
    int steps = 0;

    (void)state;
    while (*at) {
        str_decode(&at);
        steps++;
    }
    assert_in_range(steps, 3, 4);
}

static void str_glob__matches(void **state)
{
    static const struct {
        const char *pattern;
        const char *text;
        int matches;
    } rows[] = {
        {"*", "abc", 1},
        {"*", "a/b", 0},
        {"**", "a/b/c", 1},
        {"a*c", "abbbc", 1},
        {"a*c", "ab/c", 0},
        {"a**c", "ab/c", 1},
        {"https://*/sites/hr-*", "https://contoso.sharepoint.com/sites/HR-Berlin", 1},
        {"https://*/sites/hr-*", "https://contoso.sharepoint.com/sites/hr-berlin/docs", 0},
        {"**/archive", "https://c/sites/x/Archive", 1},
        {"?at", "CAT", 1},
        {"?at", "/at", 0},
        {"[a-c]x", "Bx", 1},
        {"[!a-c]x", "bx", 0},
        {"[!a-c]x", "dx", 1},
        {"[]]x", "]x", 1},
        {"[x", "[x", 1},
        {"\\*", "*", 1},
        {"\\*", "x", 0},
        {"Größe*", "GRÖßE 1", 1},
        {"", "", 1},
        {"", "a", 0},
        {"a", "", 0},
        {"*a*b*", "xxaxxbxx", 1},
        {"**a*b", "a/ab/axb", 1},
        {"**/x/*/y", "q/x/1/z/x/2/y", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (str_glob_match(rows[i].pattern, rows[i].text) != rows[i].matches) {
            fail_msg("'%s' on '%s' should be %d", rows[i].pattern, rows[i].text, rows[i].matches);
        }
    }
}

static void str_glob__ends_on_hostile_patterns(void **state)
{
    char pattern[200];
    char text[2000];

    (void)state;
    memset(pattern, 0, sizeof(pattern));
    for (size_t i = 0; i + 2 < sizeof(pattern); i += 2) {
        memcpy(pattern + i, "*a", 2);
    }
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    text[sizeof(text) - 2] = 'b';
    assert_false(str_glob_match(pattern, text));
}

static void str_percent__goes_both_ways(void **state)
{
    char *text = NULL;
    struct error err = {0};

    (void)state;
    assert_int_equal(str_percent_encode(&text, "a b#%/ü", true, &err), 0);
    assert_string_equal(text, "a%20b%23%25/%C3%BC");
    assert_int_equal(str_percent_encode(&text, "a/b", false, &err), 0);
    assert_string_equal(text, "a%2Fb");
    assert_int_equal(str_percent_decode(&text, "a%20b%23%25/%C3%BC+", &err), 0);
    assert_string_equal(text, "a b#%/ü+");
    assert_int_equal(str_percent_decode(&text, "%4", &err), ERR_INVALID);
    assert_int_equal(str_percent_decode(&text, "%00", &err), ERR_INVALID);
    assert_int_equal(str_percent_decode(&text, "%FF", &err), ERR_INVALID);
    assert_int_equal(str_percent_decode(&text, "%zz", &err), ERR_INVALID);
    assert_string_equal(text, "a b#%/ü+"); /* unchanged by failures */
    free(text);
}

static void str_base64__goes_both_ways(void **state)
{
    static const char *const texts[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
    char *encoded = NULL;
    void *decoded = NULL;
    size_t size = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(str_base64url_encode(&encoded, texts[i], strlen(texts[i]), NULL), 0);
        assert_int_equal(str_base64_decode(&decoded, &size, encoded, NULL), 0);
        assert_int_equal(size, strlen(texts[i]));
        assert_memory_equal(decoded, texts[i], size);
        free(decoded);
    }
    assert_int_equal(str_base64_decode(&decoded, &size, "Zm9vYg==", NULL), 0);
    assert_memory_equal(decoded, "foob", 4);
    free(decoded);
    assert_int_equal(str_base64_decode(&decoded, &size, "Z", NULL), ERR_INVALID);
    assert_int_equal(str_base64_decode(&decoded, &size, "Zm9v*mFy", NULL), ERR_INVALID);
    assert_int_equal(str_base64_decode(&decoded, &size, "Zm=v", NULL), ERR_INVALID);
    free(encoded);
}

static void str_to_int64__takes_whole_numbers_only(void **state)
{
    int64_t value = 7;

    (void)state;
    assert_true(str_to_int64("42", 0, 100, &value));
    assert_int_equal(value, 42);
    assert_true(str_to_int64("-5", -10, 0, &value));
    assert_false(str_to_int64("101", 0, 100, &value));
    assert_false(str_to_int64("4x", 0, 100, &value));
    assert_false(str_to_int64(" 4", 0, 100, &value));
    assert_false(str_to_int64("+4", 0, 100, &value));
    assert_false(str_to_int64("", 0, 100, &value));
    assert_false(str_to_int64("99999999999999999999", 0, INT64_MAX, &value));
}

static void str_list__holds_its_limit(void **state)
{
    struct str_list list = {.limit = 2};
    struct error err = {0};

    (void)state;
    assert_int_equal(str_list_add(&list, "a", &err), 0);
    assert_int_equal(str_list_add(&list, "B", &err), 0);
    assert_int_equal(str_list_add(&list, "c", &err), ERR_LIMIT);
    assert_true(str_list_has_nocase(&list, "b"));
    assert_int_equal(list.count, 2);
    str_list_clear(&list);
    assert_int_equal(list.count, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(str_fold__compares_without_case),
        cmocka_unit_test(str_hash__equals_for_equal_names),
        cmocka_unit_test(str_fold__is_what_comparing_and_hashing_go_by),
        cmocka_unit_test(str_is_utf8__refuses_what_is_not),
        cmocka_unit_test(str_decode__moves_over_every_byte),
        cmocka_unit_test(str_glob__matches),
        cmocka_unit_test(str_glob__ends_on_hostile_patterns),
        cmocka_unit_test(str_percent__goes_both_ways),
        cmocka_unit_test(str_base64__goes_both_ways),
        cmocka_unit_test(str_to_int64__takes_whole_numbers_only),
        cmocka_unit_test(str_list__holds_its_limit),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
