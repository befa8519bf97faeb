/*
 * KONNEKT's values as they are in its templates 2.12 (25 policies), one rule each. Where what a value
 * means is not documented, or means something else here, a note says so.
 */
#include "konnekt.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEGABYTE = 1 << 20 };

struct rule;

/* What is done with the value that counts. */
typedef int (*convert_fn)(const struct konnekt *reader, const struct rule *rule,
                          const struct registry_value *value, struct error *err);

struct rule {
    const char *name; /* KONNEKT's */
    convert_fn convert;
    const char *setting; /* ours; NULL: none, or several */
    const char *remark;  /* a note when it is converted; or why it cannot be */
};

const struct konnekt_place konnekt_places[KONNEKT_PLACES] = {
    {REGISTRY_MACHINE, KONNEKT_POLICY_KEY}, {REGISTRY_ANY, KONNEKT_POLICY_KEY},
    {REGISTRY_USER, KONNEKT_POLICY_KEY},    {REGISTRY_MACHINE, KONNEKT_PREFERENCE_KEY},
    {REGISTRY_ANY, KONNEKT_PREFERENCE_KEY}, {REGISTRY_USER, KONNEKT_PREFERENCE_KEY},
};

int konnekt_note(const struct konnekt *reader, enum policy_note_kind kind,
                 const struct registry_value *value, const char *setting, struct error *err,
                 const char *fmt, ...)
{
    static const char *const hives[] = {"", "HKLM\\", "HKCU\\"};
    struct policy_note draft = {.kind = kind, .setting = (char *)setting};
    char message[512];
    va_list args;
    int code = 0;

    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    draft.message = message;
    if (value) {
        draft.name = *value->name ? value->name : (char *)"(Default)";
        code =
            str_format(&draft.where, err, "%s%s\\%s", hives[value->hive], value->key, draft.name);
        if (code == 0) {
            code = str_equal_nocase(value->name, "License")
                       ? str_copy(&draft.value, "***", err)
                       : registry_value_show(&draft.value, value, err);
        }
    }
    if (code == 0) {
        code = import_add_note(reader->out, &draft, err);
    }
    str_free(&draft.where);
    str_free(&draft.value);
    return code;
}

int konnekt_text(char **out, const struct registry_value *value, struct error *err)
{
    int code = ERR_INVALID;

    str_free(out);
    if (value->type == REGISTRY_SZ || value->type == REGISTRY_EXPAND_SZ) {
        code = registry_value_text(out, value, err);
    }
    return code == ERR_INVALID ? 0 : code;
}

/* A number, or digits in a text; -1 for neither. */
static int number_of(int64_t *number, const struct registry_value *value, struct error *err)
{
    uint64_t found = 0;
    char *text = NULL;
    int code = 0;

    *number = -1;
    if (registry_value_number(value, &found)) {
        *number = found <= INT64_MAX ? (int64_t)found : -1;
        return 0;
    }
    code = konnekt_text(&text, value, err);
    if (text && !str_to_int64(text, 0, INT64_MAX, number)) {
        *number = -1;
    }
    str_free(&text);
    return code;
}

static int refuse(const struct konnekt *reader, const struct registry_value *value,
                  const char *setting, const char *wanted, struct error *err)
{
    return konnekt_note(reader, POLICY_NOTE_NOT_CONVERTED, value, setting, err,
                        "this %s is not %s that KONNEKT knows", registry_type_name(value->type),
                        wanted);
}

/* Puts `text` as the setting's value; what is no value of it becomes a note. */
static int put(const struct konnekt *reader, const char *name, const char *text,
               const struct registry_value *value, const char *remark, struct error *err)
{
    const struct setting *row = schema_find(name);
    struct error why = {0};
    int code = policy_set_put(&reader->out->set, row, text, &why);

    if (code == ERR_INVALID) {
        return konnekt_note(reader, POLICY_NOTE_NOT_CONVERTED, value, name, err,
                            "as a value of %s, '%.80s' %s", name, text, why.message);
    }
    if (code < 0) {
        return error_set(err, code, "%s", why.message);
    }
    if (remark) {
        code = konnekt_note(reader, POLICY_NOTE_CHECK, value, name, err, "%s", remark);
    }
    if (code == 0 && (row->flags & SETTING_PLANNED)) {
        code = konnekt_note(reader, POLICY_NOTE_CHECK, value, name, err,
                            "%s is accepted, but has no effect in this version", name);
    }
    return code;
}

static int put_number(const struct konnekt *reader, const char *name, int64_t number,
                      const struct registry_value *value, const char *remark, struct error *err)
{
    char digits[24];

    snprintf(digits, sizeof(digits), "%lld", (long long)number);
    return put(reader, name, digits, value, remark, err);
}

static int convert_number(const struct konnekt *reader, const struct rule *rule,
                          const struct registry_value *value, struct error *err)
{
    int64_t number;
    int code = number_of(&number, value, err);

    if (code < 0) {
        return code;
    }
    return number >= 0 ? put_number(reader, rule->setting, number, value, rule->remark, err)
                       : refuse(reader, value, rule->setting, "a number", err);
}

/* words[0] for off, words[1] for on. */
static int put_switch(const struct konnekt *reader, const struct rule *rule,
                      const struct registry_value *value, const char *const *words,
                      struct error *err)
{
    int64_t number;
    int code = number_of(&number, value, err);

    if (code < 0) {
        return code;
    }
    return number == 0 || number == 1
               ? put(reader, rule->setting, words[number], value, rule->remark, err)
               : refuse(reader, value, rule->setting, "a switch", err);
}

static int convert_switch(const struct konnekt *reader, const struct rule *rule,
                          const struct registry_value *value, struct error *err)
{
    static const char *const words[] = {"false", "true"};

    return put_switch(reader, rule, value, words, err);
}

static int convert_inverted(const struct konnekt *reader, const struct rule *rule,
                            const struct registry_value *value, struct error *err)
{
    static const char *const words[] = {"true", "false"};

    return put_switch(reader, rule, value, words, err);
}

static int convert_scope(const struct konnekt *reader, const struct rule *rule,
                         const struct registry_value *value, struct error *err)
{
    static const char *const words[] = {"Default", "All"};

    return put_switch(reader, rule, value, words, err);
}

static int convert_popup(const struct konnekt *reader, const struct rule *rule,
                         const struct registry_value *value, struct error *err)
{
    static const char *const words[] = {"SilentOnly", "Auto"};

    return put_switch(reader, rule, value, words, err);
}

/* Both have the same choices in the same order. */
static int convert_enum(const struct konnekt *reader, const struct rule *rule,
                        const struct registry_value *value, struct error *err)
{
    const struct setting *row = schema_find(rule->setting);
    int64_t number;
    int64_t count = 0;
    int code = number_of(&number, value, err);

    if (code < 0) {
        return code;
    }
    while (row->choices[count]) {
        count++;
    }
    return number >= 0 && number < count
               ? put(reader, rule->setting, row->choices[number], value, rule->remark, err)
               : refuse(reader, value, rule->setting, "a choice", err);
}

static int convert_text(const struct konnekt *reader, const struct rule *rule,
                        const struct registry_value *value, struct error *err)
{
    char *text = NULL;
    int code = konnekt_text(&text, value, err);

    if (code == 0) {
        code = text ? put(reader, rule->setting, text, value, rule->remark, err)
                    : refuse(reader, value, rule->setting, "a text", err);
    }
    str_free(&text);
    return code;
}

/* 0 is no limit here, so the smallest limit is 1. */
static int convert_bytes(const struct konnekt *reader, const struct rule *rule,
                         const struct registry_value *value, struct error *err)
{
    const char *remark = NULL;
    int64_t bytes;
    int64_t megabytes;
    int code = number_of(&bytes, value, err);

    if (code < 0) {
        return code;
    }
    if (bytes < 0) {
        return refuse(reader, value, rule->setting, "a number of bytes", err);
    }
    megabytes = bytes / MEGABYTE + (bytes % MEGABYTE >= MEGABYTE / 2 ? 1 : 0);
    megabytes = megabytes == 0 && bytes > 0 ? 1 : megabytes;
    if (bytes == 0) {
        remark = "0 means here that there is no such limit";
    } else if (bytes % MEGABYTE != 0) {
        remark = "bytes were rounded to whole megabytes";
    }
    return put_number(reader, rule->setting, megabytes, value, remark, err);
}

/* 0 lets the program choose, in another way. */
static int convert_cache_size(const struct konnekt *reader, const struct rule *rule,
                              const struct registry_value *value, struct error *err)
{
    int64_t number;
    int code = number_of(&number, value, err);

    if (code < 0) {
        return code;
    }
    return number >= 0 ? put_number(reader, rule->setting, number, value,
                                    number == 0 ? rule->remark : NULL, err)
                       : refuse(reader, value, rule->setting, "a number", err);
}

static int convert_query(const struct konnekt *reader, const struct rule *rule,
                         const struct registry_value *value, struct error *err)
{
    char *text = NULL;
    bool has_channels = false;
    int code = convert_text(reader, rule, value, err);

    if (code == 0) {
        code = konnekt_text(&text, value, err);
    }
    for (const char *at = text; at && *at && !has_channels; at++) {
        has_channels = str_starts_with_nocase(at, "TEAMCHANNEL");
    }
    if (code == 0 && has_channels) {
        code = put(reader, "TeamsChannels", "true", value,
                   "the query asks for TEAMCHANNEL: private and shared channels are found by a "
                   "setting of their own here, which needs two more permissions",
                   err);
    }
    str_free(&text);
    return code;
}

static int convert_language(const struct konnekt *reader, const struct rule *rule,
                            const struct registry_value *value, struct error *err)
{
    char *text = NULL;
    int code = konnekt_text(&text, value, err);
    bool is_english = text && str_starts_with_nocase(text, "en");

    if (code == 0 && (is_english || (text && str_starts_with_nocase(text, "de")))) {
        code = put(reader, rule->setting, is_english ? "English" : "German", value, NULL, err);
    } else if (code == 0) {
        code = refuse(reader, value, rule->setting, "a language", err);
    }
    str_free(&text);
    return code;
}

/* KONNEKT's documentation calls the unit bits, and its files are of one megabyte by default. */
static int convert_rotation(const struct konnekt *reader, const struct rule *rule,
                            const struct registry_value *value, struct error *err)
{
    int64_t bytes;
    int code = number_of(&bytes, value, err);

    if (code == 0 && bytes < 0) {
        return refuse(reader, value, "LogSizeKB", "a size", err);
    }
    if (code == 0) {
        code = put_number(reader, "LogSizeKB", bytes / 1024, value, rule->remark, err);
    }
    return code < 0 ? code : put(reader, "LogFiles", "6", value, NULL, err);
}

static int convert_none(const struct konnekt *reader, const struct rule *rule,
                        const struct registry_value *value, struct error *err)
{
    return konnekt_note(reader, POLICY_NOTE_NOT_CONVERTED, value, NULL, err, "%s", rule->remark);
}

int konnekt_is_off(bool *is_off, const struct registry_value *value, struct error *err)
{
    int64_t number;
    int code = number_of(&number, value, err);

    *is_off = number >= 0 && number != 1;
    return code;
}

/* The switch of a policy is off: what stands for that in up to two of our settings. */
static int put_off(const struct konnekt *reader, const struct rule *rule,
                   const struct registry_value *value, const char *text, const char *second,
                   struct error *err)
{
    bool is_off = false;
    int code = konnekt_is_off(&is_off, value, err);

    if (code == 0 && is_off) {
        code = put(reader, rule->setting, text, value, rule->remark, err);
    }
    return code == 0 && is_off && second ? put(reader, second, text, value, NULL, err) : code;
}

static int convert_sizes(const struct konnekt *reader, const struct rule *rule,
                         const struct registry_value *value, struct error *err)
{
    return put_off(reader, rule, value, "0", "BlockAboveMB", err);
}

static int convert_throttling(const struct konnekt *reader, const struct rule *rule,
                              const struct registry_value *value, struct error *err)
{
    return put_off(reader, rule, value, "0", "RequestHardLimit", err);
}

static int convert_drive_policy(const struct konnekt *reader, const struct rule *rule,
                                const struct registry_value *value, struct error *err)
{
    return put_off(reader, rule, value, "none", NULL, err);
}

static int convert_gate(const struct konnekt *reader, const struct rule *rule,
                        const struct registry_value *value, struct error *err)
{
    bool is_off = false;
    int code = konnekt_is_off(&is_off, value, err);

    return code == 0 && is_off
               ? konnekt_note(reader, POLICY_NOTE_CHECK, value, NULL, err, "%s", rule->remark)
               : code;
}

/* In this order: the switch of a policy after its values, since off is the stronger word. */
static const struct rule rules[] = {
    {"SkipAccountWizard", convert_inverted, "Enabled",
     "KONNEKT only left out its first dialog; here the agent does not run at all where this is "
     "off, "
     "so take it out if that is not meant"},
    {"EnhancedOAuth", convert_none, NULL, "there is one way to sign in here, with its own app"},
    {"DisableWebView2", convert_none, NULL, "sign-in uses the system's browser, never a control"},
    {"OneDriveOpenFilesLargerThanReadOnly", convert_bytes, "ReadOnlyAboveMB", NULL},
    {"OneDriveDoNotOpenFilesLargerThan", convert_bytes, "BlockAboveMB", NULL},
    {"OpenFileSizeLimitations", convert_sizes, "ReadOnlyAboveMB",
     "the limits of file sizes were switched off, so both are 0 (none) here"},
    {"SharepointThrottling", convert_enum, "ThrottlingLevel", NULL},
    {"ClientThrottlingSoftLimit", convert_number, "RequestSoftLimit", NULL},
    {"ClientThrottlingHardLimit", convert_number, "RequestHardLimit", NULL},
    {"ClientThrottlingTimeWindow", convert_number, "RequestWindowSeconds", NULL},
    {"ClientThrottling", convert_throttling, "RequestSoftLimit",
     "throttling by the client was switched off, so both limits are 0 (off) here"},
    {"LogLevel", convert_enum, "LogLevel", NULL},
    {"LogRotation", convert_rotation, NULL,
     "read as bytes, since KONNEKT's documentation is not clear about the unit; it keeps 6 files"},
    {"UpdateInterval", convert_none, NULL, "Mooring does not update itself"},
    {"DownloadDirectory", convert_text, "RecoveryDirectory", NULL},
    {"CacheTTL", convert_number, "CacheMinutes", NULL},
    {"CacheSize", convert_cache_size, "CacheSizeMB",
     "0 is a quarter of the free disk here, at most 10 GB; in KONNEKT it is three quarters"},
    {"CachePolicy", convert_gate, NULL,
     "the cache's policy was switched off in KONNEKT; values beside it were converted all the "
     "same"},
    {"OfflineAttributeFilter", convert_text, "OfflineAttributeExclude", NULL},
    {"EnableOfflineAttribute", convert_switch, "OfflineAttribute", NULL},
    {"FileSizeCheckFilter", convert_none, NULL,
     "file sizes that the server changes on the way are expected for all types here"},
    {"EnableCoAuthoring", convert_enum, "CoAuthoring", NULL},
    {"SharepointLinkScope", convert_enum, "LinkScope", NULL},
    {"SharepointSiteQuery", convert_query, "SiteQuery", NULL},
    {"O365SharepointUsage", convert_switch, "AutoMap", NULL},
    {"AddAllSharepointLibraries", convert_scope, "LibraryScope", NULL},
    {"ConnectDrive", convert_text, "OneDriveDrive", NULL},
    {"ConnectDrivePolicy", convert_drive_policy, "OneDriveDrive",
     "the drive letter was switched off, so there is none"},
    {"ShellRestricted", convert_none, NULL, "there is no Explorer node with views to hide"},
    {"ShellUploads", convert_none, NULL, "there is no Explorer node with views to hide"},
    {"ShellHistory", convert_none, NULL, "there is no Explorer node with views to hide"},
    {"ShellOfflineFiles", convert_none, NULL, "there is no Explorer node with views to hide"},
    {"ShellAccounts", convert_none, NULL, "there is no Explorer node with views to hide"},
    {"PopupReauthenticateAccount", convert_popup, "SignIn", NULL},
    {"ShowTrayIcon", convert_none, NULL, "the agent has no tray icon"},
    {"Language", convert_language, "Language", NULL},
    {"License", convert_none, NULL, "Mooring needs no licence key"},
    {"SharepointMultiGeo", convert_none, NULL, "all regions of a tenant are always searched"},
};

int konnekt_take(const struct registry_value **out, const struct konnekt *reader, const char *name,
                 struct error *err)
{
    const struct registry_value *winner = NULL;
    int code = 0;

    for (size_t i = 0; code == 0 && i < KONNEKT_PLACES; i++) {
        for (size_t j = 0; code == 0 && j < reader->image->count; j++) {
            const struct registry_value *value = &reader->image->values[j];

            if (value->hive != konnekt_places[i].hive || !str_equal_nocase(value->name, name) ||
                !str_equal_nocase(value->key, konnekt_places[i].key)) {
                continue;
            }
            reader->is_taken[j] = true;
            if (winner) {
                code = konnekt_note(reader, POLICY_NOTE_NOT_CONVERTED, value, NULL, err,
                                    "the same value in a higher place wins over it");
            } else {
                winner = value;
            }
        }
    }
    *out = winner;
    return code;
}

static int note_rest(const struct konnekt *reader, struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < reader->image->count; i++) {
        if (!reader->is_taken[i]) {
            code = konnekt_note(reader, POLICY_NOTE_NOT_CONVERTED, &reader->image->values[i], NULL,
                                err, "it is not a policy of KONNEKT 2.12");
        }
    }
    return code;
}

int konnekt_convert(struct policy_import *out, const struct registry_image *image,
                    struct error *err)
{
    struct konnekt reader = {.image = image, .out = out};
    int code = 0;

    out->found = image->count;
    reader.is_taken = calloc(image->count + 1, sizeof(*reader.is_taken));
    if (!reader.is_taken) {
        return error_set(err, ERR_NO_MEMORY, "no memory to convert a policy");
    }
    for (size_t i = 0; code == 0 && i < sizeof(rules) / sizeof(rules[0]); i++) {
        const struct registry_value *value = NULL;

        code = konnekt_take(&value, &reader, rules[i].name, err);
        if (code == 0 && value) {
            code = rules[i].convert(&reader, &rules[i], value, err);
        }
    }
    if (code == 0) {
        code = konnekt_convert_sites(&reader, err);
    }
    if (code == 0) {
        code = note_rest(&reader, err);
    }
    if (code == 0 && image->count > 0 && !policy_set_text(&out->set, schema_find("LibraryScope"))) {
        code = konnekt_note(
            &reader, POLICY_NOTE_CHECK, NULL, "LibraryScope", err,
            "KONNEKT maps only the default library of a site when AddAllSharepointLibraries "
            "is not set; Mooring maps all unless LibraryScope is Default");
    }
    free(reader.is_taken);
    return code;
}
