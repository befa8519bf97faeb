/* The forms of entries of IncludeSites, ExcludeLibraries and their like. */
#include "sample.h"

#define SITE "/sites/Größe & Co"
#define LIBRARY "Übersicht [alt] 100%"

static struct library_list list;

static int tear_down(void **state)
{
    (void)state;
    library_list_clear(&list);
    return 0;
}

struct row {
    const char *entry;
    bool matches;
};

static void check(const struct library *library, bool is_site, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool matches = is_site ? library_site_matches(library, rows[i].entry)
                               : library_matches(library, rows[i].entry);

        if (matches != rows[i].matches) {
            fail_msg("'%s' %s", rows[i].entry, matches ? "matches" : "does not match");
        }
    }
}

#define CHECK(library, is_site, rows) check(library, is_site, rows, sizeof(rows) / sizeof(rows[0]))

static void library_site_matches__takes_every_form(void **state)
{
    static const struct row rows[] = {
        {"https://contoso.sharepoint.com/sites/Größe & Co", true},
        {"https://contoso.sharepoint.com/sites/Gr%C3%B6%C3%9Fe%20%26%20Co", true},
        {"https://contoso.sharepoint.com/sites/Gr%c3%b6%c3%9fe%20&%20Co/", true},
        {"HTTPS://CONTOSO.SHAREPOINT.COM/SITES/GRÖßE & CO", true},
        {"contoso.sharepoint.com/sites/*", true},
        {"/sites/größe*", true},
        {"sites/größe*", true},
        {"größe*", true},
        {"gr?ße & co", true},
        {"gr[a-ö]ße*", true},
        {"gr[!a-z]ße*", true},
        {"gr[!ö]ße*", false},
        {"gr[^ö]ße*", false},
        {"*", true},
        {"**", true},
        {"https://*", false}, /* '*' stops at a slash ... */
        {"https://**", true}, /* ... and '**' does not */
        {"https://*/sites/*", true},
        {"https://*/*", false},
        {"**/teams/**", false},
        {"https://contoso.sharepoint.com/sites/Gr%C3%B6%C3%9Fe%20%26%20Co/SitePages/Home.aspx",
         true},
        {"https://contoso.sharepoint.com/sites/Gr%C3%B6%C3%9Fe%20%26%20Co/SitePages/Home.aspx?x=1",
         true},
        {"https://fabrikam.sharepoint.com/sites/Größe & Co", false},
        {"title:Q3/Q4 [neu]", false}, /* a class, and not one for all of it */
        {"title:Q3/Q4 [[]neu]", true},
        {"title:q3/q4 \\[NEU]", true},
        {"title: Q3*", true},
        {"TITLE:q3?q4*", true}, /* a slash in a title separates nothing */
        {"title:*", true},
        {"title:*q4*", true},
        {"title:Q5*", false},
        {"", false},
    };
    struct library *library = sample_add(&list, SITE, LIBRARY);

    (void)state;
    sample_text(&library->site_title, "Q3/Q4 [neu]");
    CHECK(library, true, rows);
}

static void library_matches__takes_every_form(void **state)
{
    static const struct row rows[] = {
        {"Größe & Co/Übersicht*", true},
        {"größe & co/ÜBERSICHT*", true},
        {"Gr%C3%B6%C3%9Fe%20%26%20Co/*", true}, /* site/library, encoded */
        {"*/Übersicht \\[alt] 100%", true},
        {"*/Übersicht [[]alt] 100%", true},
        {"*/Übersicht [alt] 100%", false}, /* a class */
        {"*/%C3%9Cbersicht%20%5Balt%5D%20100%25", true},
        {"%C3%9Cbersicht%20%5Balt%5D%20100%25", true},
        {"%C3%9Cbersicht*", true},
        {"https://contoso.sharepoint.com/sites/Gr%C3%B6%C3%9Fe%20%26%20Co/"
         "%C3%9Cbersicht%20%5Balt%5D%20100%25",
         true},
        {"https://contoso.sharepoint.com/sites/Gr%C3%B6%C3%9Fe%20%26%20Co/"
         "%C3%9Cbersicht%20%5Balt%5D%20100%25/Forms/AllItems.aspx?viewid=1",
         true},
        {"/sites/*/*100%", true},
        {"**100%", true},
        {"**/[u-ü]bersicht*", true},
        {"title:Übersicht*", true},
        {"title:übersicht \\[alt\\] 100%", true},
        {"Co/*", false},
        {"sites/Übersicht*", false},
        {"*/Überblick*", false},
        {"%zz", false},
        {"*%2A*", false}, /* an encoded star is a star in the name */
    };
    struct library *library = sample_add(&list, SITE, LIBRARY);

    (void)state;
    CHECK(library, false, rows);
}

static void library_matches__knows_sites_that_are_not_below_sites(void **state)
{
    static const struct row rows[] = {
        {"teams~a/Docs", true},
        {"teams~*/Docs", true},
        {"/teams/a/Docs", true},
        {"a/Docs", false},
    };
    static const struct row root[] = {
        {"~root/Docs", true},
        {"/Docs", true},
        {"https://contoso.sharepoint.com/Docs", true},
        {"https://contoso.sharepoint.com/*", true},
    };

    (void)state;
    CHECK(sample_add(&list, "/teams/a", "Docs"), false, rows);
    CHECK(sample_add(&list, "", "Docs"), false, root);
}

static void library_site_matches__names_the_root_site(void **state)
{
    static const struct row rows[] = {
        {"https://contoso.sharepoint.com", true},
        {"https://contoso.sharepoint.com/", true},
        {"contoso.sharepoint.com/", true},
        {"https://contoso.sharepoint.com/sites/*", false},
        {"**", true},
    };

    (void)state;
    CHECK(sample_add(&list, "", "Docs"), true, rows);
}

/* A matcher that tries all ways would not come back from this in a lifetime. */
static void library_matches__ends_on_hostile_entries(void **state)
{
    char name[256];
    char entry[2048] = "";
    struct library *library;

    (void)state;
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    library = sample_add(&list, "/sites/a", name);
    for (size_t i = 0; i + 4 < sizeof(entry); i += 4) {
        memcpy(entry + i, i % 8 ? "*a*a" : "**a?", 5);
    }
    entry[sizeof(entry) - 5] = 'b';
    assert_false(library_matches(library, entry));
    for (size_t i = 0; i + 7 < sizeof(entry); i += 7) {
        memcpy(entry + i, "%2a*%5b", 8);
    }
    assert_false(library_matches(library, entry));
}

#define CASE(test) cmocka_unit_test_teardown(test, tear_down)

static const struct CMUnitTest tests[] = {
    CASE(library_site_matches__takes_every_form),
    CASE(library_matches__takes_every_form),
    CASE(library_matches__knows_sites_that_are_not_below_sites),
    CASE(library_site_matches__names_the_root_site),
    CASE(library_matches__ends_on_hostile_entries),
};

TEST_MAIN("match", tests)
