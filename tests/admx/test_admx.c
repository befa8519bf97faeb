#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "admx/admx.h"
#include "base/file.h"
#include "base/str.h"

#define URI(category, name) \
    "./Device/Vendor/MSFT/Policy/Config/Mooring~Policy~Mooring~Mooring" category "/" name

static void admx_oma__writes_the_payload_of_each_type(void **state)
{
    static const struct {
        const char *name;
        const char *text;
        const char *uri;
        const char *value;
    } cases[] = {
        {"ReadOnly", "true", URI("Transport", "ReadOnly"), "<enabled/>"},
        {"ReadOnly", "false", URI("Transport", "ReadOnly"), "<disabled/>"},
        {"CacheMinutes", "1440", URI("Files", "CacheMinutes"),
         "<enabled/><data id=\"CacheMinutes\" value=\"1440\"/>"},
        {"Cloud", "UsGovDod", URI("Account", "Cloud"),
         "<enabled/><data id=\"Cloud\" value=\"2\"/>"},
        {"OneDriveDrive", "O:", URI("Mappings", "OneDriveDrive"),
         "<enabled/><data id=\"OneDriveDrive\" value=\"O:\"/>"},
        {"SiteQuery", "a<b & \"c\"", URI("Mappings", "SiteQuery"),
         "<enabled/><data id=\"SiteQuery\" value=\"a&lt;b &amp; &quot;c&quot;\"/>"},
        {"ExcludeSites", "-\n**/x;y", URI("Mappings", "ExcludeSites"),
         "<enabled/><data id=\"ExcludeSites\" value=\"1&#xF000;-&#xF000;2&#xF000;**/x;y\"/>"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct admx_oma oma = {0};
        struct error err = {0};

        if (admx_oma(&oma, schema_find(cases[i].name), cases[i].text, false, &err) < 0) {
            fail_msg("%s: %s", cases[i].name, err.message);
        }
        assert_string_equal(oma.uri, cases[i].uri);
        assert_string_equal(oma.value, cases[i].value);
        admx_oma_clear(&oma);
    }
}

static void admx_oma__goes_to_the_user_when_asked(void **state)
{
    struct admx_oma oma = {0};

    (void)state;
    assert_int_equal(admx_oma(&oma, schema_find("OneDrive"), "true", true, NULL), 0);
    assert_string_equal(
        oma.uri,
        "./User/Vendor/MSFT/Policy/Config/Mooring~Policy~Mooring~MooringMappings/OneDrive");
    admx_oma_clear(&oma);
    assert_int_equal(admx_oma_disabled(&oma, schema_find("Tenants"), true, NULL), 0);
    assert_string_equal(oma.value, "<disabled/>");
    admx_oma_clear(&oma);
}

static void admx_oma__refuses_what_the_template_cannot_say(void **state)
{
    static const struct {
        const char *name;
        const char *text;
        bool is_user;
        int code;
        const char *clause;
    } cases[] = {
        {"MountRoot", "/srv", false, ERR_NOT_FOUND, "not in the administrative template"},
        {"CaFile", "/etc/x.pem", true, ERR_NOT_FOUND, "of the computer"},
        {"CacheMinutes", "soon", false, ERR_INVALID, "CacheMinutes: the value is not a"},
        {"CacheMinutes", "99999999", false, ERR_INVALID, "outside"},
        {"Cloud", "Mars", false, ERR_INVALID, "is not one of"},
        {"ClientId", "", false, ERR_INVALID, "disable it instead"},
        {"Tenants", "", false, ERR_INVALID, "disable it instead"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct admx_oma oma = {0};
        struct error err = {0};

        assert_int_equal(
            admx_oma(&oma, schema_find(cases[i].name), cases[i].text, cases[i].is_user, &err),
            cases[i].code);
        assert_non_null(strstr(err.message, cases[i].clause));
        assert_null(oma.value);
        admx_oma_clear(&oma);
    }
}

static void admx_has__leaves_out_linux_and_planned(void **state)
{
    (void)state;
    for (size_t i = 0; i < schema_count(); i++) {
        const struct setting *row = schema_at(i);

        assert_int_equal(admx_has(row), !(row->flags & (SETTING_PLANNED | SETTING_LINUX)));
    }
    assert_false(admx_has(schema_find("MountRoot")));
}

static void admx_write_intune_profile__holds_the_values_after_the_template(void **state)
{
    const struct admx_value values[] = {
        {schema_find("ReadOnly"), "true", false},
        {schema_find("ExcludeSites"), NULL, true},
    };
    const struct admx_value bad = {schema_find("Cloud"), "Mars", false};
    const char *at;
    struct buf out;

    (void)state;
    buf_init(&out, 2 * ADMX_SIZE_LIMIT);
    assert_int_equal(admx_write_intune_profile(&out, values, 2, NULL), 0);
    at = strstr(buf_text(&out), "ADMXInstall/Mooring/Policy/Mooring");
    assert_non_null(at);
    at = strstr(at, URI("Transport", "ReadOnly"));
    assert_non_null(at);
    assert_non_null(strstr(at, "\"<enabled/>\""));
    at = strstr(at,
                "./User/Vendor/MSFT/Policy/Config/Mooring~Policy~Mooring~MooringMappings/Exclude");
    assert_non_null(at);
    assert_non_null(strstr(at, "\"<disabled/>\""));
    assert_int_equal(admx_write_intune_profile(&out, &bad, 1, NULL), ERR_INVALID);
    buf_clear(&out);
}

static void admx_write__stays_within_the_limit(void **state)
{
    struct error err = {0};
    struct buf out;

    (void)state;
    for (size_t limit = 1; limit < 40000; limit += 997) {
        buf_init(&out, limit);
        assert_int_equal(admx_write_language(&out, ADMX_GERMAN, &err), ERR_LIMIT);
        assert_true(out.size <= limit);
        buf_clear(&out);
    }
}

static void admx_check_files__names_the_stale_file(void **state)
{
    struct error err = {0};
    char *folder = NULL;
    char *file = NULL;

    (void)state;
    assert_int_equal(file_make_temporary_directory(&folder, "mooring-admx", NULL), 0);
    assert_int_equal(admx_check_files(folder, &err), ERR_NOT_FOUND);
    assert_int_equal(admx_write_files(folder, &err), 0);
    assert_int_equal(admx_check_files(folder, &err), 0);
    assert_int_equal(str_format(&file, NULL, "%s/de-DE/Mooring.adml", folder), 0);
    assert_int_equal(file_write_atomic(file, "x", 1, NULL), 0);
    assert_int_equal(admx_check_files(folder, &err), ERR_CHANGED);
    assert_non_null(strstr(err.message, "de-DE/Mooring.adml"));
    assert_int_equal(file_remove_tree(folder, NULL), 0);
    str_free(&file);
    str_free(&folder);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(admx_oma__writes_the_payload_of_each_type),
    cmocka_unit_test(admx_oma__goes_to_the_user_when_asked),
    cmocka_unit_test(admx_oma__refuses_what_the_template_cannot_say),
    cmocka_unit_test(admx_has__leaves_out_linux_and_planned),
    cmocka_unit_test(admx_write_intune_profile__holds_the_values_after_the_template),
    cmocka_unit_test(admx_write__stays_within_the_limit),
    cmocka_unit_test(admx_check_files__names_the_stale_file),
};

TEST_MAIN("admx", tests)
