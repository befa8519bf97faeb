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

static void policy_mapping_parse__takes_up_to_five_fields(void **state)
{
    static const struct {
        const char *entry;
        const char *url; /* NULL: refused */
        const char *name;
        char letter;
        const char *tenant;
        const char *options; /* r f a, those that are set */
    } cases[] = {
        {"https://c.sharepoint.com/", "https://c.sharepoint.com/", "-", 0, "-", ""},
        {"https://c/sites/a|Name", "https://c/sites/a", "Name", 0, "-", ""},
        {"HTTPS://c/sites/a||p:|c.example|readonly, ALL", "HTTPS://c/sites/a", "-", 'P',
         "c.example", "ra"},
        {"https://c|n|||TRUE", "https://c", "n", 0, "-", "f"},
        {"https://c|n|||FALSE", "https://c", "n", 0, "-", ""},
        {"https://c|n|P|c.example|favorite|", "https://c", "n", 'P', "c.example", "f"},
        {"", NULL, NULL, 0, NULL, NULL},
        {"|n", NULL, NULL, 0, NULL, NULL},
        {"http://c", NULL, NULL, 0, NULL, NULL},
        {"https:///x", NULL, NULL, 0, NULL, NULL},
        {"https://c|n|PQ", NULL, NULL, 0, NULL, NULL},
        {"https://c|n|C:", NULL, NULL, 0, NULL, NULL},
        {"https://c|n|P|not a tenant", NULL, NULL, 0, NULL, NULL},
        {"https://c|n|P||hidden", NULL, NULL, 0, NULL, NULL},
        {"https://c|n|P||all|more", NULL, NULL, 0, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct policy_mapping mapping = {0};
        int code = policy_mapping_parse(&mapping, cases[i].entry, NULL);

        if (!cases[i].url) {
            assert_int_equal(code, ERR_INVALID);
            assert_null(mapping.url);
            continue;
        }
        assert_int_equal(code, 0);
        assert_string_equal(mapping.url, cases[i].url);
        assert_string_equal(or_dash(mapping.name), cases[i].name);
        assert_int_equal(mapping.letter, cases[i].letter);
        assert_string_equal(or_dash(mapping.tenant), cases[i].tenant);
        assert_int_equal(mapping.is_read_only, strchr(cases[i].options, 'r') != NULL);
        assert_int_equal(mapping.is_favorite, strchr(cases[i].options, 'f') != NULL);
        assert_int_equal(mapping.has_all, strchr(cases[i].options, 'a') != NULL);
        policy_mapping_clear(&mapping);
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
    cmocka_unit_test(policy_letter_rule_parse__splits_at_the_last_equals_sign),
    cmocka_unit_test(policy_letter_pool_parse__keeps_the_order_written),
};

TEST_MAIN("entry", tests)
