#include <string.h>

#include "base/xml_text.h"
#include "test.h"

static void xml_text_add__leaves_nothing_to_be_taken_for_markup(void **state)
{
    static const struct {
        const char *text;
        const char *element;
        const char *attribute;
    } rows[] = {
        {"", "", ""},
        {"a b/c", "a b/c", "a b/c"},
        {"R&D <x> ]]>", "R&amp;D &lt;x&gt; ]]&gt;", "R&amp;D &lt;x&gt; ]]&gt;"},
        {"&amp;", "&amp;amp;", "&amp;amp;"},
        {"say \"it's\"", "say \"it's\"", "say &quot;it's&quot;"},
        {"a\tb\r\nc", "a\tb&#13;\nc", "a&#9;b&#13;&#10;c"},
        {"\xC3\xBC\xF0\x9F\x93\x81", "\xC3\xBC\xF0\x9F\x93\x81", "\xC3\xBC\xF0\x9F\x93\x81"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out;

        buf_init(&out, 100);
        assert_int_equal(xml_text_add(&out, rows[i].text, false, NULL), 0);
        assert_string_equal(buf_text(&out), rows[i].element);
        buf_reset(&out);
        assert_int_equal(xml_text_add(&out, rows[i].text, true, NULL), 0);
        assert_string_equal(buf_text(&out), rows[i].attribute);
        buf_clear(&out);
    }
}

static void xml_text_add__appends(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(buf_add_text(&out, "<a>", NULL), 0);
    assert_int_equal(xml_text_add(&out, "<", false, NULL), 0);
    assert_int_equal(xml_text_add(&out, "b", false, NULL), 0);
    assert_string_equal(buf_text(&out), "<a>&lt;b");
    buf_clear(&out);
}

static void xml_text_add__says_when_there_is_no_room(void **state)
{
    static const char *const texts[] = {"123456", "12345&", "&&", "\r\r"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct error err = {0};
        struct buf out;

        buf_init(&out, 5);
        assert_int_equal(xml_text_add(&out, texts[i], true, &err), ERR_LIMIT);
        assert_true(strlen(err.message) > 0);
        assert_in_range(out.size, 0, 5);
        buf_clear(&out);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(xml_text_add__leaves_nothing_to_be_taken_for_markup),
    cmocka_unit_test(xml_text_add__appends),
    cmocka_unit_test(xml_text_add__says_when_there_is_no_room),
};

TEST_MAIN("base/xml_text", tests)
