/* The command lines that Office is given. Pure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "office.h"

static char *command(const char *name, const char *url)
{
    char *out = NULL;

    assert_int_equal(office_command(&out, name, url, NULL), 0);
    return out;
}

static void expect(const char *name, const char *url, const char *wanted)
{
    char *out = command(name, url);

    assert_non_null(out);
    assert_string_equal(out, wanted);
    free(out);
}

static void office_command__names_the_program_of_the_extension(void **state)
{
    (void)state;
    expect("a.DOCX", "https://h/a%20b.docx", "ms-word:ofe|u|https://h/a%20b.docx");
    expect("a.xlsm", "https://h/a", "ms-excel:ofe|u|https://h/a");
    expect("a.pptx", "https://h/a", "ms-powerpoint:ofe|u|https://h/a");
    expect("a.vsdx", "https://h/a", "ms-visio:ofe|u|https://h/a");
}

static void office_command__makes_new_documents_of_templates(void **state)
{
    (void)state;
    expect("a.dotx", "https://h/a", "ms-word:nft|u|https://h/a");
    expect("a.xltm", "https://h/a", "ms-excel:nft|u|https://h/a");
    expect("a.potx", "https://h/a", "ms-powerpoint:nft|u|https://h/a");
}

/* `size` bytes of command for a file of Word or Excel */
static char *command_of(const char *name, const char *prefix, size_t size)
{
    char url[400] = "https://h/";
    size_t length = size - strlen(prefix);

    memset(url + 10, 'a', sizeof(url) - 10);
    url[length] = '\0';
    return command(name, url);
}

static void office_command__keeps_to_what_office_takes(void **state)
{
    char *longest = command_of("a.docx", "ms-word:ofe|u|", 256);
    char *longest_excel = command_of("a.xlsx", "ms-excel:ofe|u|", 216);

    (void)state;
    assert_non_null(longest);
    assert_int_equal(strlen(longest), 256);
    assert_null(command_of("a.docx", "ms-word:ofe|u|", 257));
    assert_non_null(longest_excel);
    assert_null(command_of("a.xlsx", "ms-excel:ofe|u|", 217));
    free(longest);
    free(longest_excel);
}

static void office_command__takes_no_address_that_could_end_it(void **state)
{
    static const char *const urls[] = {"https://h/a b.docx",  "https://h/a|s|x",   "https://h/a\"b",
                                       "file:///etc/passwd",  "http://h/a.docx",   "",
                                       "https://h/a\nb.docx", "https://h/\xc3\xbc"};

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        assert_null(command("a.docx", urls[i]));
    }
    assert_null(command("a.docx", NULL));
    assert_null(command("a.txt", "https://h/a.txt"));
    assert_null(command("docx", "https://h/docx"));
}

static void office_web_url__asks_for_editing(void **state)
{
    static const char *const rows[][2] = {
        {"https://h/_layouts/15/Doc.aspx?sourcedoc=1&action=default&m=1",
         "https://h/_layouts/15/Doc.aspx?sourcedoc=1&action=edit&m=1"},
        {"https://h/a.docx", "https://h/a.docx?web=1"},
        {"https://h/a.docx?x=1", "https://h/a.docx?x=1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *out = NULL;

        assert_int_equal(office_web_url(&out, rows[i][0], NULL), 0);
        assert_string_equal(out, rows[i][1]);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(office_command__names_the_program_of_the_extension),
        cmocka_unit_test(office_command__makes_new_documents_of_templates),
        cmocka_unit_test(office_command__keeps_to_what_office_takes),
        cmocka_unit_test(office_command__takes_no_address_that_could_end_it),
        cmocka_unit_test(office_web_url__asks_for_editing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
