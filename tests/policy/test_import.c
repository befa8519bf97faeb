#include "test.h"

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "policy/import.h"

#define HEAD "Windows Registry Editor Version 5.00\n\n"
#define MACHINE "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\GlueckKanja\\Konnekt]\n"
#define USER "[HKEY_CURRENT_USER\\Software\\Policies\\GlueckKanja\\Konnekt]\n"
#define DIALOGS "[HKEY_CURRENT_USER\\Software\\GlueckKanja\\Konnekt]\n"
#define SITES "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\GlueckKanja\\Konnekt\\SharepointSites]\n"

static void import(struct policy_import *out, struct fixture *f, const char *text)
{
    struct error err = {0};

    *out = (struct policy_import){0};
    fixture_write(f, "konnekt.reg", text);
    if (policy_import_konnekt(out, fixture_path(f, "konnekt.reg"), &err) < 0) {
        fail_msg("policy_import_konnekt: %s", err.message);
    }
}

static void assert_set(const struct policy_import *import, const char *name, const char *text)
{
    const char *found = policy_set_text(&import->set, schema_find(name));

    if (!str_equal(found, text)) {
        fail_msg("%s is '%s', not '%s'", name, found ? found : "(none)", text ? text : "(none)");
    }
}

/* The note about KONNEKT's value `name`; NULL when there is none. */
static const struct policy_note *find_note(const struct policy_import *import, const char *name)
{
    for (size_t i = 0; i < import->note_count; i++) {
        if (str_equal(import->notes[i].name, name)) {
            return &import->notes[i];
        }
    }
    return NULL;
}

static void assert_note(const struct policy_import *import, enum policy_note_kind kind,
                        const char *name, const char *value, const char *part)
{
    const struct policy_note *note = find_note(import, name);

    if (!note) {
        fail_msg("no note about %s", name);
    }
    assert_int_equal(note->kind, kind);
    assert_string_equal(note->value, value);
    if (!strstr(note->message, part)) {
        fail_msg("'%s' is not in '%s'", part, note->message);
    }
}

static const char everything[] = HEAD MACHINE
    "\"SkipAccountWizard\"=dword:00000001\n"
    "\"OpenFileSizeLimitations\"=dword:00000001\n"
    "\"OneDriveOpenFilesLargerThanReadOnly\"=dword:20000000\n"
    "\"OneDriveDoNotOpenFilesLargerThan\"=dword:ffffffff\n"
    "\"SharepointThrottling\"=dword:00000003\n"
    "\"ClientThrottling\"=dword:00000001\n"
    "\"ClientThrottlingSoftLimit\"=dword:000000fa\n"
    "\"ClientThrottlingHardLimit\"=dword:000003e8\n"
    "\"ClientThrottlingTimeWindow\"=dword:00000258\n"
    "\"LogLevel\"=dword:00000003\n"
    "\"LogRotation\"=dword:00200000\n"
    "\"DownloadDirectory\"=\"%USERPROFILE%\\\\Rescue\"\n"
    "\"CachePolicy\"=dword:00000001\n\"CacheTTL\"=dword:00000b40\n\"CacheSize\"=dword:00004e20\n"
    "\"OfflineAttributeFilter\"=\"pdf|png\"\n\"EnableOfflineAttribute\"=dword:00000000\n"
    "\"EnableCoAuthoring\"=dword:00000002\n\"SharepointLinkScope\"=dword:00000002\n"
    "\"SharepointSiteQuery\"=\"webtemplate:TEAMCHANNEL OR webtemplate:STS\"\n"
    "\"O365SharepointUsage\"=dword:00000000\n\"AddAllSharepointLibraries\"=dword:00000000\n"
    "\"ConnectDrivePolicy\"=dword:00000001\n\"ConnectDrive\"=\"O:\"\n"
    "\"PopupReauthenticateAccount\"=dword:00000000\n\"Language\"=\"de-DE\"\n"
    "\"SharepointSites\"=dword:00000001\n" SITES
    "\"https://contoso.sharepoint.com/sites/a/Docs|A|P:\"=\"https://contoso.sharepoint.com/sites/a/"
    "Docs|A|P:\"\n"
    "\"https://contoso.sharepoint.com/sites/b\"=\"\"\n";

static void policy_import_konnekt__converts_every_counterpart(void **state)
{
    static const char *const expected[][2] = {
        {"Enabled", "false"},
        {"ReadOnlyAboveMB", "512"},
        {"BlockAboveMB", "4096"},
        {"ThrottlingLevel", "High"},
        {"RequestSoftLimit", "250"},
        {"RequestHardLimit", "1000"},
        {"RequestWindowSeconds", "600"},
        {"LogLevel", "Debug"},
        {"LogSizeKB", "2048"},
        {"LogFiles", "6"},
        {"RecoveryDirectory", "%USERPROFILE%\\Rescue"},
        {"CacheMinutes", "2880"},
        {"CacheSizeMB", "20000"},
        {"OfflineAttributeExclude", "pdf|png"},
        {"OfflineAttribute", "false"},
        {"CoAuthoring", "Browser"},
        {"LinkScope", "Organization"},
        {"SiteQuery", "webtemplate:TEAMCHANNEL OR webtemplate:STS"},
        {"TeamsChannels", "true"},
        {"AutoMap", "false"},
        {"LibraryScope", "Default"},
        {"OneDriveDrive", "O:"},
        {"SignIn", "SilentOnly"},
        {"Language", "German"},
        {"ManagedMappings", "https://contoso.sharepoint.com/sites/a/Docs|A|P:\n"
                            "https://contoso.sharepoint.com/sites/b"},
    };
    struct policy_import result;

    import(&result, *state, everything);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_set(&result, expected[i][0], expected[i][1]);
    }
    assert_int_equal(policy_set_count(&result.set), sizeof(expected) / sizeof(expected[0]));
    for (size_t i = 0; i < schema_count(); i++) { /* the schema's column promises no more */
        assert_true(!schema_at(i)->konnekt || policy_set_text(&result.set, schema_at(i)));
    }
    for (size_t i = 0; i < result.note_count; i++) {
        assert_int_equal(result.notes[i].kind, POLICY_NOTE_CHECK);
    }
    assert_note(&result, POLICY_NOTE_CHECK, "SkipAccountWizard", "1", "does not run at all");
    assert_note(&result, POLICY_NOTE_CHECK, "OneDriveDoNotOpenFilesLargerThan", "4294967295",
                "rounded");
    policy_import_clear(&result);
}

static void policy_import_konnekt__lists_what_has_no_counterpart(void **state)
{
    static const char *const names[] = {"EnhancedOAuth",     "DisableWebView2", "UpdateInterval",
                                        "ShellRestricted",   "ShellUploads",    "ShellHistory",
                                        "ShellOfflineFiles", "ShellAccounts",   "ShowTrayIcon",
                                        "SharepointMultiGeo"};
    struct policy_import result;
    char text[2048] = HEAD MACHINE;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t used = strlen(text);

        snprintf(text + used, sizeof(text) - used, "\"%s\"=dword:00000001\n", names[i]);
    }
    import(&result, *state, text);
    assert_int_equal(policy_set_count(&result.set), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_note(&result, POLICY_NOTE_NOT_CONVERTED, names[i], "1", "");
    }
    assert_int_equal(result.found, sizeof(names) / sizeof(names[0]));
    policy_import_clear(&result);
    import(&result, *state,
           HEAD MACHINE
           "\"License\"=hex(7):41,00,42,00,00,00,00,00\n\"FileSizeCheckFilter\"=\"docx\"\n"
           "\"Brandnew\"=\"x\"\n[HKEY_LOCAL_MACHINE\\Software\\Policies\\GlueckKanja\\"
           "Konnekt\\Sub]\n\"Deep\"=\"y\"\n");
    assert_note(&result, POLICY_NOTE_NOT_CONVERTED, "License", "***", "licence");
    assert_note(&result, POLICY_NOTE_NOT_CONVERTED, "FileSizeCheckFilter", "docx", "");
    assert_note(&result, POLICY_NOTE_NOT_CONVERTED, "Brandnew", "x", "not a policy of KONNEKT");
    assert_note(&result, POLICY_NOTE_NOT_CONVERTED, "Deep", "y", "not a policy of KONNEKT");
    policy_import_clear(&result);
}

static void policy_import_konnekt__lists_values_it_cannot_convert(void **state)
{
    struct policy_import result;

    import(&result, *state,
           HEAD MACHINE
           "\"SharepointThrottling\"=dword:00000009\n\"CacheTTL\"=dword:7fffffff\n"
           "\"EnableOfflineAttribute\"=\"maybe\"\n\"ConnectDrive\"=\"C:\"\n\"Language\"=\"fr-FR\"\n"
           "\"LogRotation\"=dword:00000001\n\"SharepointSiteQuery\"=dword:00000001\n");
    assert_int_equal(policy_set_count(&result.set), 1); /* LogFiles */
    assert_note(&result, POLICY_NOTE_NOT_CONVERTED, "SharepointThrottling", "9", "");
    assert_note(&result, POLICY_NOTE_NOT_CONVERTED, "CacheTTL", "2147483647", "outside 0 to 60480");
    assert_note(&result, POLICY_NOTE_NOT_CONVERTED, "EnableOfflineAttribute", "maybe", "REG_SZ");
    assert_note(&result, POLICY_NOTE_NOT_CONVERTED, "ConnectDrive", "C:", "OneDriveDrive");
    assert_note(&result, POLICY_NOTE_NOT_CONVERTED, "Language", "fr-FR", "");
    assert_note(&result, POLICY_NOTE_NOT_CONVERTED, "LogRotation", "1", "outside");
    assert_note(&result, POLICY_NOTE_NOT_CONVERTED, "SharepointSiteQuery", "1", "REG_DWORD");
    policy_import_clear(&result);
}

static void policy_import_konnekt__takes_the_highest_and_names_the_losers(void **state)
{
    struct policy_import result;

    import(&result, *state,
           HEAD DIALOGS "\"CacheTTL\"=dword:00000003\n\"LogLevel\"=dword:00000000\n" USER
                        "\"CacheTTL\"=dword:00000002\n" MACHINE "\"CacheTTL\"=dword:00000001\n");
    assert_set(&result, "CacheMinutes", "1");
    assert_set(&result, "LogLevel", "Off");
    assert_int_equal(result.note_count, 3); /* the third is about LibraryScope */
    assert_string_equal(result.notes[0].where,
                        "HKCU\\Software\\Policies\\GlueckKanja\\Konnekt\\CacheTTL");
    assert_string_equal(result.notes[1].value, "3");
    assert_string_equal(result.notes[2].setting, "LibraryScope");
    policy_import_clear(&result);
}

static void policy_import_konnekt__obeys_the_switch_of_a_policy(void **state)
{
    struct policy_import result;

    import(&result, *state,
           HEAD MACHINE
           "\"OpenFileSizeLimitations\"=dword:00000000\n"
           "\"OneDriveDoNotOpenFilesLargerThan\"=dword:00100000\n"
           "\"ClientThrottling\"=dword:00000000\n\"ConnectDrivePolicy\"=dword:00000002\n"
           "\"ConnectDrive\"=\"H:\"\n\"SharepointSites\"=dword:00000000\n" SITES
           "\"1\"=\"https://contoso.sharepoint.com/sites/a\"\n");
    assert_set(&result, "ReadOnlyAboveMB", "0");
    assert_set(&result, "BlockAboveMB", "0");
    assert_set(&result, "RequestSoftLimit", "0");
    assert_set(&result, "OneDriveDrive", "none");
    assert_set(&result, "ManagedMappings", NULL);
    assert_note(&result, POLICY_NOTE_NOT_CONVERTED, "1", "https://contoso.sharepoint.com/sites/a",
                "switched off");
    policy_import_clear(&result);
}

static void policy_import_konnekt__mends_managed_mappings(void **state)
{
    struct policy_import result;

    import(&result, *state,
           HEAD SITES "\"1\"=\"contoso.sharepoint.com/sites/a|A\"\n"
                      "\"2\"=\"https://contoso.sharepoint.com/sites/b|B|Q:|TRUE\"\n"
                      "\"3\"=\"https://contoso.sharepoint.com/sites/c|C|Q:|contoso.com|TRUE\"\n"
                      "\"4\"=\"https://contoso.sharepoint.com/sites/d|D|7:\"\n"
                      "\"5\"=\"HTTPS://contoso.sharepoint.com/sites/c|C|Q:|contoso.com|TRUE\"\n"
                      "\"6\"=dword:00000001\n");
    assert_set(&result, "ManagedMappings",
               "https://contoso.sharepoint.com/sites/a|A\n"
               "https://contoso.sharepoint.com/sites/b|B|Q:|TRUE\n"
               "https://contoso.sharepoint.com/sites/c|C|Q:|contoso.com|TRUE");
    assert_note(&result, POLICY_NOTE_CHECK, "1", "contoso.sharepoint.com/sites/a|A", "read as");
    assert_note(&result, POLICY_NOTE_NOT_CONVERTED, "4",
                "https://contoso.sharepoint.com/sites/d|D|7:", "letter");
    assert_note(&result, POLICY_NOTE_NOT_CONVERTED, "5",
                "HTTPS://contoso.sharepoint.com/sites/c|C|Q:|contoso.com|TRUE", "already");
    assert_note(&result, POLICY_NOTE_NOT_CONVERTED, "6", "1", "no text");
    policy_import_clear(&result);
}

static void policy_import_konnekt__says_when_there_is_nothing(void **state)
{
    struct fixture *f = *state;
    struct policy_import result;
    struct error err = {0};

    import(&result, f, HEAD "[HKEY_LOCAL_MACHINE\\Software\\Other]\n\"a\"=\"b\"\n");
    assert_int_equal(result.found, 0);
    assert_int_equal(result.note_count, 0);
    policy_import_clear(&result);
    assert_int_equal(policy_import_konnekt(&result, fixture_path(f, "gone.reg"), &err),
                     ERR_NOT_FOUND);
    fixture_write(f, "x.reg", "CacheTTL: 7\n");
    assert_int_equal(policy_import_konnekt(&result, fixture_path(f, "x.reg"), &err), ERR_INVALID);
    assert_non_null(strstr(err.message, "neither a Registry.pol nor a .reg file"));
    fixture_write(f, "x.reg", HEAD "[HKEY_LOCAL_MACHINE\\x\n");
    assert_int_equal(policy_import_konnekt(&result, fixture_path(f, "x.reg"), &err), ERR_INVALID);
    assert_non_null(strstr(err.message, "line 3"));
#ifndef _WIN32
    assert_int_equal(policy_import_konnekt(&result, NULL, &err), ERR_UNSUPPORTED);
#endif
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

static const struct CMUnitTest tests[] = {
    ROW(policy_import_konnekt__converts_every_counterpart),
    ROW(policy_import_konnekt__lists_what_has_no_counterpart),
    ROW(policy_import_konnekt__lists_values_it_cannot_convert),
    ROW(policy_import_konnekt__takes_the_highest_and_names_the_losers),
    ROW(policy_import_konnekt__obeys_the_switch_of_a_policy),
    ROW(policy_import_konnekt__mends_managed_mappings),
    ROW(policy_import_konnekt__says_when_there_is_nothing),
};

TEST_MAIN("import", tests)
