#include "test.h"

#include <string.h>

#include "base/str.h"
#include "policy/entry.h"

static const char *or_dash(const char *text)
{
    return text ? text : "-";
}

static void policy_tenant_parse__takes_up_to_four_fields(void **state)
{
    static const struct {
        const char *entry;
        const char *tenant; /* NULL: refused */
        const char *client_id;
        int cloud; /* -1: none */
        const char *login_hint;
    } cases[] = {
        {"contoso.example", "contoso.example", "-", -1, "-"},
        {" contoso.example | | | ", "contoso.example", "-", -1, "-"},
        {"11111111-2222-3333-4444-555555555555|99999999-2222-3333-4444-555555555555",
         "11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555", -1, "-"},
        {"c.example||usgovdod|anna@c.example", "c.example", "-", POLICY_CLOUD_US_GOV_DOD,
         "anna@c.example"},
        {"", NULL, NULL, 0, NULL},
        {"|x", NULL, NULL, 0, NULL},
        {"contoso", NULL, NULL, 0, NULL},
        {"con toso.example", NULL, NULL, 0, NULL},
        {"c..example", NULL, NULL, 0, NULL},
        {"c.example|notaguid", NULL, NULL, 0, NULL},
        {"c.example||Mars", NULL, NULL, 0, NULL},
        {"c.example||||more", NULL, NULL, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct policy_tenant tenant = {0};
        struct error err = {0};
        int code = policy_tenant_parse(&tenant, cases[i].entry, &err);

        if (!cases[i].tenant) {
            assert_int_equal(code, ERR_INVALID);
            assert_null(tenant.tenant);
            assert_true(strlen(err.message) > 0);
            continue;
        }
        assert_int_equal(code, 0);
        assert_string_equal(tenant.tenant, cases[i].tenant);
        assert_string_equal(or_dash(tenant.client_id), cases[i].client_id);
        assert_string_equal(or_dash(tenant.login_hint), cases[i].login_hint);
        assert_int_equal(tenant.has_cloud ? (int)tenant.cloud : -1, cases[i].cloud);
        policy_tenant_clear(&tenant);
    }
}

#define TEAM "11111111-2222-3333-4444-555555555555"
#define TENANT "99999999-2222-3333-4444-555555555555"
#define CHANNEL "19%3Aabc123%40thread.tacv2"

struct mapping_row {
    const char *entry;
    const char *url; /* NULL: refused */
    const char *name;
    char letter;
    const char *tenant;
    const char *options; /* r f a, those that are set */
};

static void check_mapping(const struct mapping_row *row)
{
    struct policy_mapping mapping = {0};
    struct error err = {0};
    int code = policy_mapping_parse(&mapping, row->entry, &err);

    if (!row->url) {
        if (code != ERR_INVALID || mapping.url || !err.message[0]) {
            fail_msg("'%s' is taken", row->entry);
        }
        return;
    }
    if (code < 0) {
        fail_msg("'%s' %s", row->entry, err.message);
    }
    assert_string_equal(mapping.url, row->url);
    assert_string_equal(or_dash(mapping.name), row->name);
    assert_int_equal(mapping.letter, row->letter);
    assert_string_equal(or_dash(mapping.tenant), row->tenant);
    assert_int_equal(mapping.is_read_only, strchr(row->options, 'r') != NULL);
    assert_int_equal(mapping.is_favorite, strchr(row->options, 'f') != NULL);
    assert_int_equal(mapping.has_all, strchr(row->options, 'a') != NULL);
    assert_null(mapping.team_id);
    policy_mapping_clear(&mapping);
}

static void policy_mapping_parse__takes_up_to_five_fields(void **state)
{
    static const struct mapping_row rows[] = {
        {"https://c.sharepoint.com/", "https://c.sharepoint.com/", "-", 0, "-", ""},
        {"https://c.sharepoint.com", "https://c.sharepoint.com", "-", 0, "-", ""},
        {"  https://c/sites/a | Name ", "https://c/sites/a", "Name", 0, "-", ""},
        {"HTTPS://c/sites/a||p:|c.example|readonly, ALL", "HTTPS://c/sites/a", "-", 'P',
         "c.example", "ra"},
        {"https://c/sites/a||P||readonly", "https://c/sites/a", "-", 'P', "-", "r"},
        {"https://c/sites/a||||readonly;favorite all", "https://c/sites/a", "-", 0, "-", "rfa"},
        {"https://c/sites/a|||" TENANT, "https://c/sites/a", "-", 0, TENANT, ""},
        {"https://c/sites/a/Shared Documents|N", "https://c/sites/a/Shared Documents", "N", 0, "-",
         ""},
        {"https://c/sites/a/Shared%20Documents/b|N", "https://c/sites/a/Shared%20Documents/b", "N",
         0, "-", ""},
        {"https://c/sites/a|100% sure", "https://c/sites/a", "100% sure", 0, "-", ""},
        {"https://c/sites/a|Größe 7", "https://c/sites/a", "Größe 7", 0, "-", ""},
        {"", NULL, NULL, 0, NULL, NULL},
        {"|n", NULL, NULL, 0, NULL, NULL},
        {"||||", NULL, NULL, 0, NULL, NULL},
        {"http://c", NULL, NULL, 0, NULL, NULL},
        {"c.sharepoint.com/sites/a", NULL, NULL, 0, NULL, NULL},
        {"https:///x", NULL, NULL, 0, NULL, NULL},
        {"https://?x", NULL, NULL, 0, NULL, NULL},
        {"https://c|n|PQ", NULL, NULL, 0, NULL, NULL},
        {"https://c|n|C:", NULL, NULL, 0, NULL, NULL},
        {"https://c|n|P|not a tenant", NULL, NULL, 0, NULL, NULL},
        {"https://c|n|P||hidden", NULL, NULL, 0, NULL, NULL},
        {"https://c|n|P||all|more", NULL, NULL, 0, NULL, NULL},
        {"https://c|a%0Ab", NULL, NULL, 0, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_mapping(&rows[i]);
    }
}

static void policy_mapping_parse__takes_what_konnekt_takes(void **state)
{
    static const struct mapping_row rows[] = {
        {"https://c|n|||TRUE", "https://c", "n", 0, "-", "f"},
        {"https://c|n|||FALSE", "https://c", "n", 0, "-", ""},
        {"https://c|n|||true|", "https://c", "n", 0, "-", "f"},
        {"https://c|n|P|c.example|favorite|", "https://c", "n", 'P', "c.example", "f"},
        /* its template has the favourite as the fourth field */
        {"https://c/sites/a|n|P|TRUE", "https://c/sites/a", "n", 'P', "-", "f"},
        {"https://c/sites/a|n|P|false|", "https://c/sites/a", "n", 'P', "-", ""},
        {"https://c/sites/a||P:|c.onmicrosoft.com|FALSE", "https://c/sites/a", "-", 'P',
         "c.onmicrosoft.com", ""},
        {"https://c/sites/a|||", "https://c/sites/a", "-", 0, "-", ""},
        {"https://c/sites/a||||", "https://c/sites/a", "-", 0, "-", ""},
        {"https://c/sites/a|Team%20Site|", "https://c/sites/a", "Team Site", 0, "-", ""},
        {"https://c/sites/a|Gr%C3%B6%C3%9Fe", "https://c/sites/a", "Größe", 0, "-", ""},
        {"https%3A%2F%2Fc%2Fsites%2Fa%2FShared%20Documents%7CDocs%7CP%7C%7CTRUE",
         "https://c/sites/a/Shared Documents", "Docs", 'P', "-", "f"},
        {"https%3a%2f%2fc%2Fsites%2Fa|n", "https://c/sites/a", "n", 0, "-", ""},
        {"https://c/teams/a", "https://c/teams/a", "-", 0, "-", ""},
        {"https://c/sites/a|n|P|TRUE|readonly", NULL, NULL, 0, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_mapping(&rows[i]);
    }
}

static void policy_mapping_parse__takes_links_to_teams(void **state)
{
    static const struct {
        const char *entry;
        const char *team; /* NULL: refused; "": no link */
        const char *tenant;
        bool is_channel;
    } rows[] = {
        {"https://teams.microsoft.com/l/channel/" CHANNEL "/Plans?groupId=" TEAM "&tenantId=" TENANT
         "|Plans|P",
         TEAM, TENANT, true},
        {"https://teams.microsoft.com/l/team/" CHANNEL "/conversations?groupId=" TEAM
         "&tenantId=" TENANT,
         TEAM, TENANT, false},
        {"https://Teams.Microsoft.com/L/Channel/19:abc123@thread.tacv2/x?ngc=true&groupid=" TEAM,
         TEAM, "-", true},
        {"https://teams.cloud.microsoft/l/team/" CHANNEL "/c?groupId=" TEAM
         "|||contoso.onmicrosoft.com",
         TEAM, "contoso.onmicrosoft.com", false},
        {"https://gov.teams.microsoft.us/l/channel/" CHANNEL "/x?groupId=" TEAM, TEAM, "-", true},
        /* the address of the file is in it */
        {"https://teams.microsoft.com/l/file/1?objectUrl=https%3A%2F%2Fc.sharepoint.com%2Fsites%2F"
         "a%2FDocs&tenantId=" TENANT,
         "", "-", false},
        {"https://teams.microsoft.com/l/channel/" CHANNEL "/Plans", NULL, NULL, false},
        {"https://teams.microsoft.com/l/channel/" CHANNEL "/Plans?groupId=none", NULL, NULL, false},
        {"https://teams.microsoft.com/l/channel/../x?groupId=" TEAM, NULL, NULL, false},
        {"https://teams.microsoft.com/l/channel/19%3A%2F..%2Fx/y?groupId=" TEAM, NULL, NULL, false},
        {"https://teams.microsoft.com/l/channel/" CHANNEL "/x?groupId=" TEAM "&tenantId=..", NULL,
         NULL, false},
        {"https://teams.microsoft.com/_#/school/files/General?groupId=" TEAM, NULL, NULL, false},
        {"https://teams.microsoft.com/", NULL, NULL, false},
        {"https://notteams.microsoft.com.example/sites/a", "", "-", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct policy_mapping mapping = {0};
        struct error err = {0};
        int code = policy_mapping_parse(&mapping, rows[i].entry, &err);

        if (!rows[i].team) {
            if (code != ERR_INVALID || mapping.url ||
                !strstr(err.message, "as in https://teams.")) {
                fail_msg("'%s': %s", rows[i].entry, err.message);
            }
            continue;
        }
        if (code < 0) {
            fail_msg("'%s' %s", rows[i].entry, err.message);
        }
        assert_string_equal(mapping.team_id ? mapping.team_id : "", rows[i].team);
        assert_string_equal(or_dash(mapping.channel_id),
                            rows[i].team[0] ? "19:abc123@thread.tacv2" : "-");
        assert_string_equal(or_dash(mapping.tenant), rows[i].tenant);
        assert_int_equal(mapping.is_channel, rows[i].is_channel);
        policy_mapping_clear(&mapping);
    }
}

static void policy_mapping_parse__names_the_field_and_gives_an_example(void **state)
{
    static const struct {
        const char *entry;
        const char *field;
    } rows[] = {
        {"|Finance", "before the first |"},
        {"ftp://c/sites/a", "'ftp://c/sites/a' in its first field"},
        {"https://c/sites/a|n|42", "'42' in its third field"},
        {"https://c/sites/a|n||x y", "'x y' in its fourth field"},
        {"https://c/sites/a|n|||loud", "'loud' in its fifth field"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct policy_mapping mapping = {0};
        struct error err = {0};

        assert_int_equal(policy_mapping_parse(&mapping, rows[i].entry, &err), ERR_INVALID);
        if (!strstr(err.message, rows[i].field) ||
            !strstr(err.message, "as in https://contoso.sharepoint.com/sites/")) {
            fail_msg("'%s': %s", rows[i].entry, err.message);
        }
    }
}

static void policy_letter_rule_parse__splits_at_the_last_equals_sign(void **state)
{
    char *glob = NULL;
    char letter = 0;

    (void)state;
    assert_int_equal(policy_letter_rule_parse(&glob, &letter, "https://c/a?x=1* = p:", NULL), 0);
    assert_string_equal(glob, "https://c/a?x=1*");
    assert_int_equal(letter, 'P');
    str_free(&glob);
    assert_int_equal(policy_letter_rule_parse(&glob, &letter, "x", NULL), ERR_INVALID);
    assert_int_equal(policy_letter_rule_parse(&glob, &letter, "x=", NULL), ERR_INVALID);
    assert_int_equal(policy_letter_rule_parse(&glob, &letter, "=P", NULL), ERR_INVALID);
    assert_int_equal(policy_letter_rule_parse(&glob, &letter, "x=PP", NULL), ERR_INVALID);
    assert_null(glob);
}

static void policy_letter_pool_parse__keeps_the_order_written(void **state)
{
    static const struct {
        const char *text;
        const char *letters; /* NULL: refused */
    } cases[] = {{"P-T,V", "PQRSTV"},
                 {"v,p-r,q", "VPQR"},
                 {"", ""},
                 {"none", ""},
                 {"D-Z", "DEFGHIJKLMNOPQRSTUVWXYZ"},
                 {"Z:", "Z"},
                 {" P , Q ", "PQ"},
                 {"P:-R:", "PQR"},
                 {"R-P", NULL},
                 {"A", NULL},
                 {"P-", NULL},
                 {"-P", NULL},
                 {"P-Q-R", NULL},
                 {"PQ", NULL},
                 {"P;Q", NULL},
                 {"PPPPPPPPPPPPPPPPPPPPPPPPPPP", NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char letters[27] = "?";
        int code = policy_letter_pool_parse(letters, cases[i].text, NULL);

        assert_int_equal(code, cases[i].letters ? 0 : ERR_INVALID);
        assert_string_equal(letters, cases[i].letters ? cases[i].letters : "?");
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(policy_tenant_parse__takes_up_to_four_fields),
    cmocka_unit_test(policy_mapping_parse__takes_up_to_five_fields),
    cmocka_unit_test(policy_mapping_parse__takes_what_konnekt_takes),
    cmocka_unit_test(policy_mapping_parse__takes_links_to_teams),
    cmocka_unit_test(policy_mapping_parse__names_the_field_and_gives_an_example),
    cmocka_unit_test(policy_letter_rule_parse__splits_at_the_last_equals_sign),
    cmocka_unit_test(policy_letter_pool_parse__keeps_the_order_written),
};

TEST_MAIN("entry", tests)
