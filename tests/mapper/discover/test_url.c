#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "mapper/url.h"

struct row {
    const char *text;
    const char *expected; /* NULL: refused */
};

static void check(const struct row *rows, size_t count, enum url_origin origin)
{
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};
        char *out = NULL;
        int code = url_clean(&out, rows[i].text, origin, &err);

        if (rows[i].expected) {
            if (code < 0) {
                fail_msg("'%s': %s", rows[i].text, err.message);
            }
            assert_string_equal(out, rows[i].expected);
        } else {
            if (code != ERR_INVALID) {
                fail_msg("'%s' was taken as '%s'", rows[i].text, out ? out : "");
            }
            assert_true(err.message[0]);
        }
        free(out);
    }
}
#define CHECK(rows, origin) check(rows, sizeof(rows) / sizeof((rows)[0]), origin)
#define HOST "https://contoso.sharepoint.com"

static void url_clean__reads_what_search_sends(void **state)
{
    static const struct row rows[] = {
        {HOST "/sites/finance/Shared Documents/Forms/AllItems.aspx",
         HOST "/sites/finance/Shared Documents"},
        {HOST "/sites/finance/Shared%20Documents", HOST "/sites/finance/Shared Documents"},
        {HOST "/sites/finance/", HOST "/sites/finance"},
        {HOST "/", HOST},
        {HOST, HOST},
        {"https://Contoso.SharePoint.com:443/Sites/Finance", HOST "/Sites/Finance"},
        {HOST "/sites/a/Pläne/Forms/AllItems.aspx", HOST "/sites/a/Pläne"},
        {HOST "/sites/a/Pl%C3%A4ne/Forms/Meine.aspx", HOST "/sites/a/Pläne"},
        {HOST "/sites/a/C# Docs/Forms/AllItems.aspx", HOST "/sites/a/C# Docs"},
        {HOST "/sites/a/C%23/Forms/AllItems.aspx", HOST "/sites/a/C#"},
        {HOST "/sites/a/100% Plan/Forms/AllItems.aspx", HOST "/sites/a/100% Plan"},
        {HOST "/sites/a/100%/Forms/AllItems.aspx", HOST "/sites/a/100%"},
        {HOST "/sites/a/50%25 off", HOST "/sites/a/50%25 off"}, /* raw: it has a space */
        {HOST "/sites/a/50%25", HOST "/sites/a/50%"},
        {HOST "//sites///a//Docs", HOST "/sites/a/Docs"},
        {HOST "/sites/a/Docs/Forms/AllItems.aspx#InplviewHash1=2", HOST "/sites/a/Docs"},
        {"ftp://contoso.sharepoint.com/x", NULL},
        {"javascript:alert(1)", NULL},
        {"https:///sites/a", NULL},
        {"https://user@contoso.sharepoint.com/sites/a", NULL},
        {HOST "/sites/../a", NULL},
        {HOST "/sites/%2e%2e/a", NULL},
        {HOST "/sites/a\\b", NULL},
        {HOST "/sites/\xff", NULL},
        {"https://../sites/a", NULL},
        {"https://.sharepoint.com/sites/a", NULL},
        {"https://localhost/sites/a", NULL},
        {"", NULL},
    };

    (void)state;
    CHECK(rows, URL_FROM_SERVICE);
}

static void url_clean__reads_what_people_paste(void **state)
{
    static const struct row rows[] = {
        {"  " HOST "/sites/finance/Shared%20Documents  ", HOST "/sites/finance/Shared Documents"},
        {"contoso.sharepoint.com/sites/finance", HOST "/sites/finance"},
        {HOST "/sites/a/Shared%20Documents/Übersicht", HOST "/sites/a/Shared Documents/Übersicht"},
        {HOST "/sites/a/Shared%20Documents/Forms/AllItems.aspx?id=%2Fsites%2Fa%2FShared%20"
              "Documents%2F2026&viewid=1",
         HOST "/sites/a/Shared Documents/2026"},
        {HOST "/sites/a/Docs/Forms/AllItems.aspx?RootFolder=%2Fsites%2Fa%2FDocs%2Fx",
         HOST "/sites/a/Docs/x"},
        {HOST "/sites/a/Docs?web=1", HOST "/sites/a/Docs"},
        {HOST "/sites/a/Docs#top", HOST "/sites/a/Docs"},
        {HOST "/sites/a/SitePages/Home.aspx", HOST "/sites/a"},
        {HOST "/sites/a/_layouts/15/viewlsts.aspx?view=14", HOST "/sites/a"},
        {HOST "/:w:/r/sites/a/Docs/Plan.docx?d=w1&csf=1", HOST "/sites/a/Docs/Plan.docx"},
        {HOST "/:f:/s/finance/EaBcD?e=1", HOST "/sites/finance"},
        {HOST "/:f:/t/one/EaBcD", HOST "/teams/one"},
        {HOST "/:f:/g/EaBcD", NULL},
        {"https://teams.microsoft.com/l/file/1?tenantId=2&objectUrl=https%3A%2F%2Fcontoso."
         "sharepoint.com%2Fsites%2Fa%2FDocs%2Fx.docx&baseUrl=y",
         HOST "/sites/a/Docs/x.docx"},
        {"https://teams.microsoft.com/l/channel/19%3aabc/General", NULL},
        {"https://teams.microsoft.com/?objectUrl=https%3A%2F%2Fteams.microsoft.com%2F%3FobjectUrl"
         "%3Dhttps%253A%252F%252Fa.b%252F",
         NULL},
        {"not an address", NULL},
    };

    (void)state;
    CHECK(rows, URL_FROM_PERSON);
}

static void url_clean__gives_a_fixed_point(void **state)
{
    static const char *const names[] = {
        "Shared Documents", "C# Docs", "Pläne", "a'b", "x.y", "R&D", "[x]", "100% sure"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *raw = NULL;
        char *encoded = NULL;
        char *segment = NULL;
        char *a = NULL;
        char *b = NULL;

        assert_int_equal(str_percent_encode(&segment, names[i], false, NULL), 0);
        assert_int_equal(str_format(&raw, NULL, HOST "/sites/a/%s/Forms/AllItems.aspx", names[i]),
                         0);
        assert_int_equal(str_format(&encoded, NULL, HOST "/sites/a/%s", segment), 0);
        assert_int_equal(url_clean(&a, raw, URL_FROM_SERVICE, NULL), 0);
        assert_int_equal(url_clean(&b, encoded, URL_FROM_SERVICE, NULL), 0);
        assert_string_equal(a, b); /* search and drive agree on every path */
        free(raw);
        free(encoded);
        free(segment);
        free(a);
        free(b);
    }
}

static void url_below__compares_by_segment_without_case(void **state)
{
    (void)state;
    assert_string_equal(url_below(HOST "/sites/a/Docs/x/y", HOST "/sites/A/docs"), "x/y");
    assert_string_equal(url_below(HOST "/sites/a", HOST "/sites/a"), "");
    assert_string_equal(url_below(HOST "/sites/ÄRZTE/x", HOST "/sites/ärzte"), "x");
    assert_null(url_below(HOST "/sites/ab", HOST "/sites/a"));
    assert_null(url_below(HOST "/sites", HOST "/sites/a"));
    assert_null(url_below("https://other.sharepoint.com/sites/a", HOST));
}

static void url_site_component__follows_the_address_only(void **state)
{
    static const struct row rows[] = {
        {HOST, "~root"},
        {HOST "/sites/finance", "finance"},
        {HOST "/teams/a", "teams~a"},
        {HOST "/sites/a/sub", "a~sub"},
        {HOST "/sites/a/sub/deeper", "a~sub~deeper"},
        {HOST "/teams/a/sub", "teams~a~sub"},
        {HOST "/portals/hub", "portals~hub"},
        {HOST "/hr", "~root~hr"},
        {HOST "/hr/jobs", "~root~hr~jobs"},
        {HOST "/sites", "~root~sites"}, /* a subsite of the root with an unlucky name */
        {HOST "/sites/teams", "teams"},
        {HOST "/sites/teams/a", "sites~teams~a"}, /* not /teams/a */
        {HOST "/sites/site.with.dots", "site.with.dots"},
        {HOST "/sites/Ärzte", "Ärzte"},
        {"https://contoso-my.sharepoint.com/personal/ana_contoso_com", "personal~ana_contoso_com"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *out = NULL;

        assert_int_equal(url_site_component(&out, rows[i].text, NULL), 0);
        assert_string_equal(out, rows[i].expected);
        for (size_t j = 0; j < i; j++) { /* no two of one host are the same */
            assert_string_not_equal(out, rows[j].expected);
        }
        free(out);
    }
}

static void url_library_component__is_what_is_below_the_site(void **state)
{
    static const struct {
        const char *site;
        const char *url;
        const char *expected;
    } rows[] = {
        {HOST "/sites/a", HOST "/sites/a/Shared Documents", "Shared Documents"},
        {HOST "/Sites/A", HOST "/sites/a/Docs", "Docs"},
        {HOST, HOST "/Shared Documents", "Shared Documents"},
        {HOST "/sites/a", HOST "/sites/a/Lists/Docs", "Lists~Docs"},
        {HOST "/sites/a", HOST "/sites/a/Docs/x/y", "Docs~x~y"}, /* a folder */
        {HOST "/sites/a", "https://eu.sharepoint.com/sites/b/Docs", "Docs"},
        {HOST "/sites/a", HOST "/sites/a/con", "con~"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *out = NULL;

        assert_int_equal(url_library_component(&out, rows[i].site, rows[i].url, NULL), 0);
        assert_string_equal(out, rows[i].expected);
        free(out);
    }
}

static void url_legal_component__mends_what_windows_refuses(void **state)
{
    static const struct row rows[] = {
        {"Shared Documents", "Shared Documents"},
        {"Pläne & mehr #1 100%", "Pläne & mehr #1 100%"},
        {"a:b*c?d\"e<f>g|h\\i/j", "a_b_c_d_e_f_g_h_i_j"},
        {"tab\there", "tab_here"},
        {"dot.", "dot.~"},
        {"blank ", "blank ~"},
        {"", "~"},
        {"..", "..~"},
        {"CON", "CON~"},
        {"nul.txt", "nul.txt~"},
        {"COM7", "COM7~"},
        {"COMX", "COMX"},
        {"console", "console"},
        {"a\xff", "a_"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *out = NULL;

        assert_int_equal(url_legal_component(&out, rows[i].text, NULL), 0);
        assert_string_equal(out, rows[i].expected);
        free(out);
    }
}

static void url_legal_component__cuts_long_names_apart(void **state)
{
    char a[601];
    char b[601];
    char *left = NULL;
    char *right = NULL;

    (void)state;
    memset(a, 'x', 600);
    memset(b, 'x', 600);
    a[600] = b[600] = '\0';
    b[599] = 'y';
    assert_int_equal(url_legal_component(&left, a, NULL), 0);
    assert_int_equal(url_legal_component(&right, b, NULL), 0);
    assert_true(strlen(left) <= 255);
    assert_string_not_equal(left, right);
    free(left);
    free(right);
}

static void url_site_collection__stops_at_the_managed_path(void **state)
{
    static const struct row rows[] = {
        {HOST "/sites/a/sub/Docs", HOST "/sites/a"},
        {HOST "/teams/a", HOST "/teams/a"},
        {HOST "/sites", HOST},
        {HOST "/Shared Documents/x", HOST},
        {HOST, HOST},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *out = NULL;

        assert_int_equal(url_site_collection(&out, rows[i].text, NULL), 0);
        assert_string_equal(out, rows[i].expected);
        free(out);
    }
}

static void url_fold__makes_equal_what_is_equal_without_case(void **state)
{
    char *a = NULL;
    char *b = NULL;

    (void)state;
    assert_int_equal(url_fold(&a, "ÄRZTE/Σχέδιο/Привет/x", NULL), 0);
    assert_int_equal(url_fold(&b, "ärzte/ΣΧέδιο/ПРИВЕТ/X", NULL), 0);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(url_clean__reads_what_search_sends),
    cmocka_unit_test(url_clean__reads_what_people_paste),
    cmocka_unit_test(url_clean__gives_a_fixed_point),
    cmocka_unit_test(url_below__compares_by_segment_without_case),
    cmocka_unit_test(url_site_component__follows_the_address_only),
    cmocka_unit_test(url_library_component__is_what_is_below_the_site),
    cmocka_unit_test(url_legal_component__mends_what_windows_refuses),
    cmocka_unit_test(url_legal_component__cuts_long_names_apart),
    cmocka_unit_test(url_site_collection__stops_at_the_managed_path),
    cmocka_unit_test(url_fold__makes_equal_what_is_equal_without_case),
};

TEST_MAIN("url", tests)
