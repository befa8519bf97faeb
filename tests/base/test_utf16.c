#include <stdlib.h>
#include <string.h>

#include "base/utf16.h"
#include "test.h"

static void utf16__goes_both_ways(void **state)
{
    static const struct {
        const char *text;
        uint16_t units[8];
        size_t count;
    } rows[] = {
        {"", {0}, 0},
        {"a/b", {'a', '/', 'b'}, 3},
        {"\xC3\xBC\xE2\x82\xAC", {0xFC, 0x20AC}, 2},
        {"\xF0\x9F\x93\x81x", {0xD83D, 0xDCC1, 'x'}, 3},
        {"\xEF\xBF\xBF\xF4\x8F\xBF\xBF", {0xFFFF, 0xDBFF, 0xDFFF}, 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint16_t *wide = NULL;
        char *text = NULL;
        size_t units = 99;

        assert_int_equal(utf16_from_utf8(&wide, &units, rows[i].text, NULL), 0);
        assert_int_equal(units, rows[i].count);
        assert_memory_equal(wide, rows[i].units, (units + 1) * sizeof(*wide));
        assert_int_equal(utf16_to_utf8(&text, wide, units, NULL), 0);
        assert_string_equal(text, rows[i].text);
        free(wide);
        free(text);
    }
}

static void utf16__refuses_what_is_none(void **state)
{
    static const uint16_t wrong[][2] = {{0xD83D, 'x'}, {0xDCC1, 'x'}, {'x', 0xD83D}, {'x', 0}};
    uint16_t *wide = NULL;
    char *text = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(utf16_to_utf8(&text, wrong[i], 2, NULL), ERR_INVALID);
        assert_null(text);
    }
    assert_int_equal(utf16_from_utf8(&wide, NULL, "a\xFF", NULL), ERR_INVALID);
    assert_int_equal(utf16_from_utf8(&wide, NULL, "\xED\xA0\x80", NULL), ERR_INVALID);
    assert_null(wide);
}

static void utf16le__reads_at_any_address_and_says_what_is_wrong(void **state)
{
    static const char good[] = "?a\0\xFC\0\x3D\xD8\xC1\xDC";
    struct error why = {0};
    struct buf again = {0};
    char *text = NULL;

    (void)state;
    assert_int_equal(utf16le_decode(&text, good + 1, 4, &why), 0);
    assert_string_equal(text, "a\xC3\xBC\xF0\x9F\x93\x81");
    buf_init(&again, 100);
    assert_int_equal(utf16le_add(&again, text, &why), 0);
    assert_int_equal(again.size, 8);
    assert_memory_equal(again.data, good + 1, 8);
    buf_clear(&again);

    assert_int_equal(utf16le_length("a\0\0\0b\0", 3), 1);
    assert_int_equal(utf16le_decode(&text, "a\0\0\0b\0", 3, &why), ERR_INVALID);
    assert_string_equal(why.message, "has a NUL character");
    assert_int_equal(utf16le_decode(&text, "\x3D\xD8", 1, &why), ERR_INVALID);
    assert_string_equal(why.message, "is not valid UTF-16");
    free(text);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf16__goes_both_ways),
        cmocka_unit_test(utf16__refuses_what_is_none),
        cmocka_unit_test(utf16le__reads_at_any_address_and_says_what_is_wrong),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("utf16", tests, NULL, NULL);
}
