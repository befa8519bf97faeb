#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "policy/schema.h"
#include "policy/settings.h"

static const char *const categories[] = {"Account", "Mappings", "Transport",
                                         "Files",   "Network",  "Diagnostics"};

static const char *variable(const char *name, void *payload)
{
    (void)name;
    (void)payload;
    return "/somewhere";
}

static void add_row(struct buf *out, const struct setting *row)
{
    buf_add_format(out, NULL, "%s; %s; %s; %s; ", row->category, row->name,
                   setting_type_name(row->type), row->flags & SETTING_USER ? "Both" : "Machine");
    for (const char *c = row->default_text; *c; c++) {
        buf_add(out, *c == '\n' ? ", " : c, *c == '\n' ? 2 : 1, NULL);
    }
    buf_add_text(out, "; ", NULL);
    if (row->type == SETTING_INT) {
        buf_add_format(out, NULL, "%lld..%lld", (long long)row->min, (long long)row->max);
    }
    for (size_t i = 0; row->type == SETTING_ENUM && row->choices[i]; i++) {
        buf_add_format(out, NULL, "%s%s", i > 0 ? ", " : "", row->choices[i]);
    }
    buf_add_format(out, NULL, "; %s\n", row->konnekt ? row->konnekt : "");
}

/* A row cannot get lost or change its name, type, class, default, range or order of choices. */
static void schema_rows__are_those_agreed_on(void **state)
{
    struct buf file;
    struct buf table;
    const char *at;

    (void)state;
    buf_init(&file, 1 << 20);
    buf_init(&table, 1 << 20);
    assert_int_equal(file_read_all(&file, POLICY_DATA "/settings.txt", NULL), 0);
    for (size_t i = 0; i < schema_count(); i++) {
        add_row(&table, schema_at(i));
    }
    at = buf_text(&file);
    while (*at == '#') {
        at = strchr(at, '\n') + 1;
    }
    assert_string_equal(buf_text(&table), at);
    buf_clear(&file);
    buf_clear(&table);
}

static void schema_rows__are_unique_and_grouped_by_category(void **state)
{
    size_t category = 0;

    (void)state;
    for (size_t i = 0; i < schema_count(); i++) {
        const struct setting *row = schema_at(i);

        while (strcmp(row->category, categories[category]) != 0) {
            category++;
            assert_true(category < sizeof(categories) / sizeof(categories[0]));
        }
        for (size_t j = 0; j < i; j++) {
            assert_false(str_equal_nocase(row->name, schema_at(j)->name));
            assert_int_not_equal(row->offset, schema_at(j)->offset);
        }
        assert_ptr_equal(schema_find(row->name), row);
    }
    assert_null(schema_at(schema_count()));
}

static void schema_rows__have_all_that_is_shown(void **state)
{
    (void)state;
    for (size_t i = 0; i < schema_count(); i++) {
        const struct setting *row = schema_at(i);

        assert_non_null(row->title);
        assert_non_null(row->title_de);
        assert_non_null(row->help);
        assert_non_null(row->since);
        assert_true(strlen(row->title) > 4 && strlen(row->title) < 60);
        assert_true(strlen(row->help) > 20 && row->help[strlen(row->help) - 1] == '.');
        assert_true(str_is_utf8(row->title_de, strlen(row->title_de)));
        assert_true((row->flags & SETTING_MACHINE) != 0);
        assert_true((row->type == SETTING_ENUM) == (row->choices != NULL));
        assert_true((row->type == SETTING_INT) == (row->max > row->min));
        assert_true(!(row->flags & SETTING_PATH) || row->type == SETTING_TEXT);
    }
}

static void schema_rows__speak_german(void **state)
{
    (void)state;
    for (size_t i = 0; i < schema_count(); i++) {
        const struct setting *row = schema_at(i);
        size_t length;

        assert_non_null(row->help_de);
        length = strlen(row->help_de);
        assert_true(str_is_utf8(row->help_de, length));
        assert_true(length > 20 && row->help_de[length - 1] == '.');
        assert_string_not_equal(row->help, row->help_de);
        assert_true((row->unit == NULL) == (row->unit_de == NULL) || str_equal(row->unit, "MB") ||
                    str_equal(row->unit, "KB"));
    }
}

static void schema_rows__label_each_choice(void **state)
{
    (void)state;
    for (size_t i = 0; i < schema_count(); i++) {
        const struct setting *row = schema_at(i);
        size_t count = 0;

        assert_true((row->type == SETTING_ENUM) == (row->labels && row->labels_de));
        for (; row->choices && row->choices[count]; count++) {
            assert_non_null(row->labels[count]);
            assert_non_null(row->labels_de[count]);
        }
        assert_true(!row->choices || (!row->labels[count] && !row->labels_de[count]));
    }
}

static void schema_categories__cover_the_rows(void **state)
{
    size_t count = 0;

    (void)state;
    for (; schema_category_at(count); count++) {
        const struct setting_category *category = schema_category_at(count);

        assert_string_equal(category->name, categories[count]);
        assert_non_null(category->title);
        assert_non_null(category->title_de);
        assert_non_null(category->help);
        assert_non_null(category->help_de);
    }
    assert_int_equal(count, sizeof(categories) / sizeof(categories[0]));
}

static void assert_parses(const struct setting *row, const char *text)
{
    struct setting_value value = {0};
    struct error err = {0};
    char *again = NULL;

    if (setting_parse(&value, row, text, NULL, NULL, &err) < 0) {
        fail_msg("%s: '%s' %s", row->name, text, err.message);
    }
    /* and is in normal form, so that what is shown can be written back */
    assert_int_equal(setting_format(&again, row, &value, NULL), 0);
    assert_string_equal(again, text);
    str_free(&again);
    setting_value_clear(&value);
}

static void schema_rows__parse_their_own_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < schema_count(); i++) {
#ifdef _WIN32
        if (schema_at(i)->flags & SETTING_LINUX) { /* has no value here */
            continue;
        }
#endif
        assert_parses(schema_at(i), schema_at(i)->default_text);
        assert_parses(schema_at(i), setting_disabled_text(schema_at(i)));
        if (schema_at(i)->default_windows) {
            assert_parses(schema_at(i), schema_at(i)->default_windows);
        }
        assert_non_null(schema_at(i)->example);
        assert_parses(schema_at(i), schema_at(i)->example);
        assert_string_not_equal(schema_at(i)->example, schema_at(i)->default_text);
        for (size_t j = 0; schema_at(i)->picks && schema_at(i)->picks[j]; j++) {
            assert_parses(schema_at(i), schema_at(i)->picks[j]);
        }
    }
}

/* Checked against the fields by name, so that an offset cannot point at a neighbour. */
static void settings_new_default__fills_each_field(void **state)
{
    struct settings *settings = NULL;

    (void)state;
    assert_int_equal(settings_new_default(&settings, NULL), 0);
    assert_true(settings->enabled && settings->auto_map && settings->one_drive);
    assert_true(settings->remove_on_logoff && settings->offline_attribute);
    assert_false(settings->teams_channels || settings->read_only);
    assert_int_equal(settings->library_scope, POLICY_LIBRARY_SCOPE_ALL);
    assert_int_equal(settings->cloud, POLICY_CLOUD_GLOBAL);
    assert_int_equal(settings->co_authoring, POLICY_CO_AUTHORING_DESKTOP_APPS);
    assert_int_equal(settings->log_level, POLICY_LOG_LEVEL_INFO);
    assert_int_equal(settings->event_log, POLICY_EVENT_LOG_ERRORS);
    assert_int_equal(settings->refresh_minutes, 60);
    assert_int_equal(settings->max_mappings, 1000);
    assert_int_equal(settings->web_dav_port, 0);
    assert_int_equal(settings->read_only_above_mb, 512);
    assert_int_equal(settings->block_above_mb, 1024);
    assert_int_equal(settings->upload_block_above_mb, 0);
    assert_int_equal(settings->cache_size_mb, 0);
    assert_int_equal(settings->mass_delete_threshold, 200);
    assert_int_equal(settings->request_soft_limit, 250);
    assert_int_equal(settings->request_hard_limit, 0);
    assert_int_equal(settings->request_window_seconds, 300);
    assert_int_equal(settings->max_connections, 8);
    assert_int_equal(settings->log_size_kb, 1024);
    assert_int_equal(settings->log_files, 6);
    assert_string_equal(settings->one_drive_drive, "H:");
    assert_string_equal(settings->name_format, "{site} - {library}");
    assert_string_equal(settings->unc_server, "mooring");
    assert_string_equal(settings->offline_attribute_exclude, "pdf");
    assert_string_equal(settings->proxy_url, "");
    assert_int_equal(settings->local_only_patterns.count, 10);
    assert_string_equal(settings->local_only_patterns.items[8], "~WR[DL]*.tmp");
    assert_int_equal(settings->managed_mappings.count, 0);
    settings_unref(settings);
}

static void settings_ref__keeps_until_the_last_unref(void **state)
{
    struct settings *settings = NULL;
    const struct settings *second;

    (void)state;
    assert_int_equal(settings_new_default(&settings, NULL), 0);
    second = settings_ref(settings);
    settings_unref(settings);
    assert_string_equal(second->unc_server, "mooring"); /* the address sanitizer watches */
    settings_unref(second);
    settings_unref(NULL);
    assert_null(settings_ref(NULL));
}

static void schema_find_nearest__guesses_typos_only(void **state)
{
    static const struct {
        const char *typed;
        const char *meant;
    } cases[] = {{"CacheSizeMb", "CacheSizeMB"},
                 {"cachesizemb", "CacheSizeMB"},
                 {"CacheSize", "CacheSizeMB"},
                 {"Tenant", "Tenants"},
                 {"ExludeSites", "ExcludeSites"},
                 {"Onedrive", "OneDrive"},
                 {"Frobnicate", NULL},
                 {"", NULL},
                 {"x", NULL},
                 {"<<", NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct setting *row = schema_find_nearest(cases[i].typed);

        if (cases[i].meant) {
            assert_non_null(row);
            assert_string_equal(row->name, cases[i].meant);
        } else {
            assert_null(row);
        }
    }
    assert_null(schema_find("cachesizemb"));
}

static void setting_parse__takes_the_form_of_the_type_only(void **state)
{
    static const struct {
        const char *name;
        const char *text;
        const char *result; /* NULL: refused */
        const char *clause; /* part of the sentence */
    } cases[] = {
        {"ReadOnly", "TRUE", "true", NULL},
        {"ReadOnly", "yes", NULL, "write true"},
        {"ReadOnly", "Off", NULL, "write false"},
        {"ReadOnly", "maybe", NULL, "true or false"},
        {"CacheSizeMB", " 512 ", "512", NULL},
        {"CacheSizeMB", "512 MB", NULL, "without a unit"},
        {"CacheSizeMB", "1e3", NULL, "whole number"},
        {"CacheSizeMB", "0x10", NULL, "whole number"},
        {"CacheSizeMB", "-1", NULL, "outside 0 to 1048576 MB"},
        {"CacheSizeMB", "1048577", NULL, "outside"},
        {"CacheSizeMB", "99999999999999999999999", NULL, "outside"},
        {"CacheSizeMB", "-", NULL, "whole number"},
        {"CacheSizeMB", "", NULL, "whole number"},
        {"Transport", "webdav", "WebDav", NULL},
        {"Transport", "Ftp", NULL, "is not one of Auto, Np and WebDav"},
        {"Transport", "1", NULL, "is not one of"},
        {"OneDriveDrive", "p", "P:", NULL},
        {"OneDriveDrive", "P:\\", NULL, "drive letter"},
        {"OneDriveDrive", "E:", NULL, "drive letter"},
        {"OneDriveDrive", "NONE", "none", NULL},
        {"OneDriveDrive", "", NULL, "empty"},
        {"ClientId", "11111111-2222-3333-4444-555555555555", "11111111-2222-3333-4444-555555555555",
         NULL},
        {"ClientId", "111111112222333344445555555555555555", NULL, "GUID"},
        {"CustomGraphUrl", "https://graph.example:8443/", "https://graph.example:8443", NULL},
        {"CustomGraphUrl", "https://[::1]:8443", "https://[::1]:8443", NULL},
        {"CustomGraphUrl", "http://graph.example", NULL, "https"},
        {"CustomGraphUrl", "https://graph.example/v1.0", NULL, "path"},
        {"CustomGraphUrl", "https://graph.example?x", NULL, "path"},
        {"CustomGraphUrl", "https://a:b@graph.example", NULL, "user name"},
        {"CustomGraphUrl", "https://", NULL, "host"},
        {"CustomGraphUrl", "https://x:0", NULL, "host"},
        {"CustomGraphUrl", "https://x:65536", NULL, "host"},
        {"CustomGraphUrl", "https://x:", NULL, "host"},
        {"CustomGraphUrl", "https://x y", NULL, "host"},
        {"DriveLetterPool", "P-T,V", "P-T,V", NULL},
        {"DriveLetterPool", "T-P", NULL, "P-T,V"},
        {"DriveLetterPool", "A", NULL, "P-T,V"},
        {"NameFormat", "{site}/{library}", "{site}/{library}", NULL},
        {"NameFormat", "{Site}", NULL, "placeholder"},
        {"NameFormat", "{site", NULL, "placeholder"},
        {"NameFormat", "site}", NULL, "}"},
        {"MountRoot", "x", NULL, "absolute"},
#ifdef _WIN32
        {"CaFile", "C:%Home%\\x", "C:/somewhere\\x", NULL},
        {"CaFile", "\\\\server\\share\\", "\\\\server\\share", NULL},
        {"CaFile", "C:\\", "C:\\", NULL},
        {"CaFile", "C:x", NULL, "absolute"},
        {"CaFile", "\\x", NULL, "absolute"},
        {"CaFile", "C:\\100%", NULL, "variable"},
        {"CaFile", "C:\\%HOME", NULL, "variable"},
        {"CaFile", "%HOME%\\x", NULL, "absolute"},
#else
        {"MountRoot", "$HOME/x", "/somewhere/x", NULL},
        {"MountRoot", "${HOME}/x/", "/somewhere/x", NULL},
        {"MountRoot", "~/x", "/somewhere/x", NULL},
        {"MountRoot", "/a/$", NULL, "variable"},
        {"MountRoot", "/a/${HOME", NULL, "variable"},
#endif
        {"UncServer", "a.b", NULL, "name"},
        {"UserAgentTag", "Contoso\x01", NULL, "control"},
        {"UserAgentTag",
         "Gr\xc3\xbc\xc3\x9f"
         "e",
         NULL, "ASCII"},
        {"SiteQuery", "\xff", NULL, "UTF-8"},
        {"SiteQuery", "a\nb", NULL, "line"},
        {"SiteQuery",
         "a\xc2\x9b"
         "b",
         NULL, "control"},
        {"ProxyUrl", "http://u:p@proxy:8080/", "http://u:p@proxy:8080", NULL},
        {"ProxyUrl", "proxy:8080", NULL, "URL"},
        {"IncludeSites", "a\n  b \n", "a\nb", NULL},
        {"DriveLetterRules", "finance/*", NULL, "pattern=letter"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct setting *row = schema_find(cases[i].name);
        struct setting_value value = {0};
        struct error err = {0};
        char *text = NULL;
        int code = setting_parse(&value, row, cases[i].text, variable, NULL, &err);

        if (!cases[i].result) {
            if (code != ERR_INVALID || !strstr(err.message, cases[i].clause)) {
                fail_msg("%s '%s': code %d, '%s'", row->name, cases[i].text, code, err.message);
            }
        } else {
            if (code != 0) {
                fail_msg("%s '%s': %s", row->name, cases[i].text, err.message);
            }
            assert_int_equal(setting_format(&text, row, &value, NULL), 0);
            assert_string_equal(text, cases[i].result);
        }
        str_free(&text);
        setting_value_clear(&value);
    }
}

static void setting_display__hides_what_is_secret(void **state)
{
    static const struct {
        const char *text;
        const char *shown;
    } cases[] = {{"http://anna:hunter2@proxy:8080", "http://***@proxy:8080"},
                 {"http://anna:hun@ter2@proxy:8080", "http://***@proxy:8080"},
                 {"http://proxy:8080", "http://proxy:8080"},
                 {"a@http://x", "***@http://x"}};
    char *shown = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(setting_display(&shown, schema_find("ProxyUrl"), cases[i].text, NULL), 0);
        assert_string_equal(shown, cases[i].shown);
    }
    assert_int_equal(setting_display(&shown, NULL, "a\x1b[2J\xc2\x9b\xff", NULL), 0);
    assert_string_equal(shown, "a?[2J?\xef\xbf\xbd");
    str_free(&shown);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(schema_rows__are_those_agreed_on),
    cmocka_unit_test(schema_rows__are_unique_and_grouped_by_category),
    cmocka_unit_test(schema_rows__have_all_that_is_shown),
    cmocka_unit_test(schema_rows__speak_german),
    cmocka_unit_test(schema_rows__label_each_choice),
    cmocka_unit_test(schema_categories__cover_the_rows),
    cmocka_unit_test(schema_rows__parse_their_own_texts),
    cmocka_unit_test(settings_new_default__fills_each_field),
    cmocka_unit_test(settings_ref__keeps_until_the_last_unref),
    cmocka_unit_test(schema_find_nearest__guesses_typos_only),
    cmocka_unit_test(setting_parse__takes_the_form_of_the_type_only),
    cmocka_unit_test(setting_display__hides_what_is_secret),
};

TEST_MAIN("schema", tests)
