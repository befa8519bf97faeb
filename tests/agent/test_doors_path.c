/* What people call PATH. Pure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "doors_path.h"

static void expect(const char *given, enum door_form form, const char *text)
{
    struct door_path path;
    struct error err = {0};

    if (door_path_read(&path, given, "mooring", &err) < 0) {
        fail_msg("'%s': %s", given, err.message);
    }
    assert_int_equal(path.form, form);
    assert_string_equal(path.text, text);
    door_path_clear(&path);
}

static int refused(const char *given)
{
    struct door_path path;
    struct error err = {0};
    int code = door_path_read(&path, given, "mooring", &err);

    assert_true(code == 0 || err.message[0]);
    assert_true(code == 0 || !path.text);
    door_path_clear(&path);
    return code;
}

static void door_path_read__takes_paths_as_they_are(void **state)
{
    (void)state;
    expect("/home/ana/100% #1.txt", DOOR_FILE, "/home/ana/100% #1.txt");
    expect("a/../b", DOOR_FILE, "a/../b");
    expect("file:///home/a%20b", DOOR_FILE, "/home/a b");
    expect("//tmp/x", DOOR_FILE, "//tmp/x"); /* a name of no server of ours */
    expect("ab:/x", DOOR_FILE, "ab:/x");
}

static void door_path_read__knows_unc_paths_in_both_slashes(void **state)
{
    (void)state;
    expect("\\\\mooring\\contoso\\a b", DOOR_SHARE, "contoso/a b");
    expect("//MOORING/contoso//a", DOOR_SHARE, "contoso/a");
    expect("\\\\mooring", DOOR_SHARE, "");
    expect("\\\\?\\UNC\\mooring\\contoso\\a", DOOR_SHARE, "contoso/a");
    expect("\\\\localhost@8080\\DavWWWRoot\\t\\contoso\\a", DOOR_SHARE, "t/contoso/a");
    expect("\\\\localhost@8080\\t\\contoso", DOOR_SHARE, "t/contoso");
}

static void door_path_read__makes_an_address_of_sharepoints_unc_path(void **state)
{
    (void)state;
    expect("\\\\contoso.sharepoint.com@SSL\\DavWWWRoot\\sites\\a b\\100%", DOOR_URL,
           "https://contoso.sharepoint.com/sites/a%20b/100%25");
    expect("//contoso.sharepoint.com@SSL/sites/x", DOOR_URL,
           "https://contoso.sharepoint.com/sites/x");
}

static void door_path_read__knows_letters(void **state)
{
    struct door_path path;

    (void)state;
    expect("f:\\a\\b c.txt", DOOR_LETTER, "a/b c.txt");
    expect("F:", DOOR_LETTER, "");
    expect("\\\\?\\K:\\a", DOOR_LETTER, "a");
    assert_int_equal(door_path_read(&path, "k:/x", "mooring", NULL), 0);
    assert_int_equal(path.letter, 'K');
    door_path_clear(&path);
}

static void door_path_read__takes_addresses_and_what_office_makes_of_them(void **state)
{
    (void)state;
    expect("https://a.b/c%20d?x=1", DOOR_URL, "https://a.b/c%20d?x=1");
    expect("HTTP://a.b/c", DOOR_URL, "https://a.b/c"); /* the service answers by https alone */
    expect("ms-word:ofe|u|https://a.b/c.docx", DOOR_URL, "https://a.b/c.docx");
}

static void door_path_read__refuses_what_it_cannot_mean(void **state)
{
    char *huge = malloc(40000);

    (void)state;
    assert_non_null(huge);
    memset(huge, 'a', 39999);
    huge[39999] = '\0';
    assert_true(refused("") < 0);
    assert_true(refused("a\xff") < 0);
    assert_true(refused(huge) < 0);
    assert_true(refused("\\\\nowhere\\x") < 0);
    assert_true(refused("F:\\a\\..\\b") < 0);
    assert_true(refused("file://other/x") < 0);
    assert_true(refused("file:///a%00b") < 0);
    free(huge);
}

static void door_path_absolute__needs_no_system(void **state)
{
    static const char *const rows[][3] = {
        {"/a/./b//../c", "/x", "/a/c"},
        {"b", "/x/y", "/x/y/b"},
        {"../../../b", "/x", "/b"},
        {"/", "/x", "/"},
        {"..", "/", "/"},
        {"/a/..", "/x", "/"},
        {"/...", "/x", "/..."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *out = NULL;

        assert_int_equal(door_path_absolute(&out, rows[i][0], rows[i][1], NULL), 0);
        assert_string_equal(out, rows[i][2]);
        free(out);
    }
}

static void door_url_is_opaque__tells_links_from_paths(void **state)
{
    (void)state;
    assert_true(door_url_is_opaque("https://a.b/:w:/s/finance/Eabc?e=1"));
    assert_true(door_url_is_opaque("https://a.b/sites/x/_layouts/15/Doc.aspx?sourcedoc=%7B1%7D"));
    assert_true(
        door_url_is_opaque("https://a.b/:w:/r/sites/x/_layouts/15/Doc.aspx?a=1&SourceDoc=2"));
    assert_false(door_url_is_opaque("https://a.b/:w:/r/sites/x/Docs/a.docx?d=1"));
    assert_false(door_url_is_opaque("https://a.b/sites/x/Docs/a.docx?mysourcedoc=1"));
    assert_false(door_url_is_opaque("https://a.b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(door_path_read__takes_paths_as_they_are),
        cmocka_unit_test(door_path_read__knows_unc_paths_in_both_slashes),
        cmocka_unit_test(door_path_read__makes_an_address_of_sharepoints_unc_path),
        cmocka_unit_test(door_path_read__knows_letters),
        cmocka_unit_test(door_path_read__takes_addresses_and_what_office_makes_of_them),
        cmocka_unit_test(door_path_read__refuses_what_it_cannot_mean),
        cmocka_unit_test(door_path_absolute__needs_no_system),
        cmocka_unit_test(door_url_is_opaque__tells_links_from_paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
