#include "test.h"

#include <string.h>

#include "base/buf.h"
#include "xml.h"

static void assert_written(const char *newline, const char *attribute, const char *text,
                           const char *expected)
{
    struct error err = {0};
    struct buf out;
    struct xml xml;

    buf_init(&out, 4096);
    xml_begin(&xml, &out, newline, &err);
    xml_open(&xml, "a");
    xml_attribute(&xml, "b", attribute);
    if (*text) {
        xml_text(&xml, text);
    }
    xml_close(&xml);
    assert_int_equal(xml_end(&xml), 0);
    assert_string_equal(buf_text(&out), expected);
    buf_clear(&out);
}

static void xml_text__is_escaped(void **state)
{
    (void)state;
    assert_written(NULL, "", "a < b && c > d]]>",
                   "<a b=\"\">a &lt; b &amp;&amp; c &gt; d]]&gt;</a>");
    assert_written(NULL, "", "\"'\xc3\xbc\xf0\x9f\x99\x82",
                   "<a b=\"\">\"'\xc3\xbc\xf0\x9f\x99\x82</a>");
    assert_written("\r\n", "", "one\ntwo\rthree", "<a b=\"\">one\r\ntwo&#xD;three</a>\r\n");
}

static void xml_attribute__is_escaped(void **state)
{
    (void)state;
    assert_written(NULL, "<\"&'>", "", "<a b=\"&lt;&quot;&amp;'&gt;\"/>");
    assert_written(NULL, "1\xef\x80\x80x\n\t", "", "<a b=\"1&#xF000;x&#xA;&#x9;\"/>");
}

static void xml_text__refuses_what_xml_cannot_hold(void **state)
{
    static const char *const texts[] = {"\x01", "a\x1b", "\xff", "\xef\xbf\xbe", "\xed\xa0\x80"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct error err = {0};
        struct buf out;
        struct xml xml;

        buf_init(&out, 4096);
        xml_begin(&xml, &out, NULL, &err);
        xml_element(&xml, "a", texts[i]);
        xml_element(&xml, "b", "after it");
        assert_int_equal(xml_end(&xml), ERR_INVALID);
        assert_int_equal(err.code, ERR_INVALID);
        assert_null(strstr(buf_text(&out), "after"));
        buf_clear(&out);
    }
}

static void xml_open__indents_what_has_no_text(void **state)
{
    struct buf out;
    struct xml xml;

    (void)state;
    buf_init(&out, 4096);
    xml_begin(&xml, &out, "\n", NULL);
    xml_declaration(&xml);
    xml_open(&xml, "a");
    xml_open(&xml, "b");
    xml_element(&xml, "c", "text");
    xml_close(&xml);
    xml_open(&xml, "d");
    xml_close(&xml);
    xml_close(&xml);
    assert_int_equal(xml_end(&xml), 0);
    assert_string_equal(buf_text(&out), "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<a>\n  <b>\n"
                                        "    <c>text</c>\n  </b>\n  <d/>\n</a>\n");
    buf_clear(&out);
}

static void xml_end__tells_that_the_limit_was_reached(void **state)
{
    struct error err = {0};
    struct buf out;
    struct xml xml;

    (void)state;
    buf_init(&out, 8);
    xml_begin(&xml, &out, NULL, &err);
    xml_element(&xml, "abc", "defghijk");
    assert_int_equal(xml_end(&xml), ERR_LIMIT);
    assert_int_equal(err.code, ERR_LIMIT);
    buf_clear(&out);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(xml_text__is_escaped),
    cmocka_unit_test(xml_attribute__is_escaped),
    cmocka_unit_test(xml_text__refuses_what_xml_cannot_hold),
    cmocka_unit_test(xml_open__indents_what_has_no_text),
    cmocka_unit_test(xml_end__tells_that_the_limit_was_reached),
};

TEST_MAIN("xml", tests)
