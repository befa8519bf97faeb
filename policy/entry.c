#include "policy/entry.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "check.h"
#include "policy/schema.h"

enum { TENANT_FIELDS = 4, MAPPING_FIELDS = 5 };

#define MAPPING_EXAMPLE "https://contoso.sharepoint.com/sites/finance|Finance|F:"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* *out = a copy of the text without the blanks around it; NULL when nothing is left. */
static int copy_trimmed(char **out, const char *from, size_t length, struct error *err)
{
    while (length > 0 && is_blank(*from)) {
        from++;
        length--;
    }
    while (length > 0 && is_blank(from[length - 1])) {
        length--;
    }
    if (length == 0) {
        str_free(out);
        return 0;
    }
    return str_copy_n(out, from, length, err);
}

/* The `count` fields of an entry; those that are missing or empty are NULL. The caller frees. */
static int split_fields(char **fields, size_t count, const char *entry, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strcspn(entry, "|");
        int code = copy_trimmed(&fields[i], entry, length, err);

        if (code < 0) {
            return code;
        }
        entry += length;
        if (!*entry) {
            return 0;
        }
        entry++;
    }
    if (entry[strspn(entry, "| \t")] != '\0') {
        return error_set(err, ERR_INVALID, "has more than %zu fields", count);
    }
    return 0;
}

static void free_fields(char **fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        str_free(&fields[i]);
    }
}

/* Moves the text; *from is NULL after. */
static void take(char **out, char **from)
{
    *out = *from;
    *from = NULL;
}

bool policy_is_guid(const char *text)
{
    size_t length = strlen(text);

    if (length != 36) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (is_dash ? text[i] != '-' : !isxdigit((unsigned char)text[i])) {
            return false;
        }
    }
    return true;
}

static int parse_cloud(struct policy_tenant *out, const char *name, struct error *err)
{
    const struct setting *row = schema_find("Cloud");
    struct setting_value value = {0};
    int code = setting_parse(&value, row, name, NULL, NULL, NULL);

    if (code < 0) {
        return error_set(err, ERR_INVALID, "names the cloud '%s', which is unknown", name);
    }
    out->has_cloud = true;
    out->cloud = (enum policy_cloud)value.number;
    return 0;
}

int policy_tenant_parse(struct policy_tenant *out, const char *entry, struct error *err)
{
    char *fields[TENANT_FIELDS] = {NULL};
    struct policy_tenant tenant = {0};
    int code = split_fields(fields, TENANT_FIELDS, entry, err);

    if (code < 0) {
        goto out;
    }
    if (!fields[0]) {
        code = error_set(err, ERR_INVALID, "names no tenant before the first |");
        goto out;
    }
    code = check_tenant_id(fields[0], err);
    if (code < 0) {
        goto out;
    }
    if (fields[1] && !policy_is_guid(fields[1])) {
        code = error_set(err, ERR_INVALID, "has a client id that is not a GUID");
        goto out;
    }
    if (fields[2]) {
        code = parse_cloud(&tenant, fields[2], err);
        if (code < 0) {
            goto out;
        }
    }
    take(&tenant.tenant, &fields[0]);
    take(&tenant.client_id, &fields[1]);
    take(&tenant.login_hint, &fields[3]);
    *out = tenant;
out:
    free_fields(fields, TENANT_FIELDS);
    return code;
}

void policy_tenant_clear(struct policy_tenant *tenant)
{
    str_free(&tenant->tenant);
    str_free(&tenant->client_id);
    str_free(&tenant->login_hint);
    *tenant = (struct policy_tenant){0};
}

static int parse_option(struct policy_mapping *out, const char *word, struct error *err)
{
    if (str_equal_nocase(word, "readonly")) {
        out->is_read_only = true;
    } else if (str_equal_nocase(word, "favorite") || str_equal_nocase(word, "true")) {
        out->is_favorite = true; /* TRUE and FALSE are what KONNEKT writes here */
    } else if (str_equal_nocase(word, "all")) {
        out->has_all = true;
    } else if (!str_equal_nocase(word, "false")) {
        return error_set(
            err, ERR_INVALID,
            "has '%.40s' in its fifth field, the options: known are readonly, favorite "
            "and all, as in https://contoso.sharepoint.com/sites/hr||||readonly",
            word);
    }
    return 0;
}

/* Options stand apart by commas, semicolons or blanks. */
static int parse_options(struct policy_mapping *out, const char *text, struct error *err)
{
    static const char separators[] = ",; \t";
    int code = 0;

    for (text += strspn(text, separators); code == 0 && *text; text += strspn(text, separators)) {
        size_t length = strcspn(text, separators);
        char *word = NULL;

        code = str_copy_n(&word, text, length, err);
        if (code == 0) {
            code = parse_option(out, word, err);
        }
        str_free(&word);
        text += length;
    }
    return code;
}

static bool is_switch(const char *text)
{
    return str_equal_nocase(text, "true") || str_equal_nocase(text, "false");
}

/* KONNEKT's template shows TRUE or FALSE as the fourth field, where its documents have the tenant;
 * neither can be a tenant. */
static int move_switch(char **fields, struct error *err)
{
    if (!fields[3] || !is_switch(fields[3])) {
        return 0;
    }
    if (fields[4]) {
        return error_set(
            err, ERR_INVALID,
            "has '%.10s' in its fourth field, the tenant, and options behind it; write "
            "||contoso.onmicrosoft.com|favorite",
            fields[3]);
    }
    take(&fields[4], &fields[3]);
    return 0;
}

/* Decodes a field if it is encoded; "100% sure" is not. */
static int decode_field(char **field, struct error *err)
{
    struct error why = {0};
    char *decoded = NULL;
    int code;

    if (!*field || !strchr(*field, '%')) {
        return 0;
    }
    code = str_percent_decode(&decoded, *field, &why);
    if (code == 0) {
        str_free(field);
        code = copy_trimmed(field, decoded, strlen(decoded), err);
        str_free(&decoded);
        return code;
    }
    return code == ERR_NO_MEMORY ? error_set(err, code, "%s", why.message) : 0;
}

static bool has_control(const char *text)
{
    for (; text && *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7F) {
            return true;
        }
    }
    return false;
}

/* --- links to Teams --- */

static bool host_ends_with(const char *host, size_t length, const char *end)
{
    size_t size = strlen(end);

    return length >= size && str_starts_with_nocase(host + length - size, end) &&
           (length == size || host[length - size - 1] == '.');
}

static bool is_teams_host(const char *host, size_t length)
{
    /* beside the first one not in graph-facts; one too many does no harm */
    static const char *const hosts[] = {"teams.microsoft.com", "teams.cloud.microsoft",
                                        "teams.microsoft.us", "teams.microsoftonline.cn"};

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        if (host_ends_with(host, length, hosts[i])) {
            return true;
        }
    }
    return false;
}

/* The decoded value of `name` in the query of a link; NULL when it has none. */
static int link_value(char **out, const char *link, const char *name, struct error *err)
{
    const char *at = strchr(link, '?');
    size_t length = strlen(name);
    int code = 0;

    while (at && *at && *at != '#') {
        size_t size = strcspn(++at, "&#");

        if (size > length && at[length] == '=' && str_starts_with_nocase(at, name)) {
            code = str_copy_n(out, at + length + 1, size - length - 1, err);
            return code < 0 ? code : decode_field(out, err);
        }
        at += size;
    }
    return 0;
}

/* The channel: what follows /l/channel/ or /l/team/. */
static int read_channel(struct policy_mapping *out, const char *path, struct error *err)
{
    int code;

    if (str_starts_with_nocase(path, "/l/channel/")) {
        out->is_channel = true;
        path += strlen("/l/channel/");
    } else if (str_starts_with_nocase(path, "/l/team/")) {
        path += strlen("/l/team/");
    } else {
        return 0;
    }
    code = str_copy_n(&out->channel_id, path, strcspn(path, "/?#"), err);
    return code < 0 ? code : decode_field(&out->channel_id, err);
}

/* A link that `Get link to team` or `Get link to channel` copies; a link to a file has the file's
 * address in it and needs nothing here. */
static int read_teams_link(struct policy_mapping *out, const char *url, struct error *err)
{
    const char *host = url + strlen("https://");
    size_t length = strcspn(host, "/?#");
    char *object = NULL;
    char *tenant = NULL;
    int code = 0;

    if (!is_teams_host(host, length)) {
        return 0;
    }
    code = link_value(&object, url, "objectUrl", err);
    if (code == 0 && object && *object) {
        goto out;
    }
    code = code < 0 ? code : read_channel(out, host + length, err);
    code = code < 0 ? code : link_value(&out->team_id, url, "groupId", err);
    code = code < 0 ? code : link_value(&tenant, url, "tenantId", err);
    if (code == 0 &&
        (!out->channel_id || !str_starts_with(out->channel_id, "19:") ||
         strpbrk(out->channel_id, "/\\ ?#") || has_control(out->channel_id) || !out->team_id ||
         !policy_is_guid(out->team_id) || (tenant && !policy_is_guid(tenant)))) {
        code = error_set(err, ERR_INVALID,
                         "has a link to Teams in its first field that names no team or channel; "
                         "take it from 'Get link to channel', as in "
                         "https://teams.microsoft.com/l/channel/19%%3A.../General?groupId=...");
    }
    if (code == 0 && tenant && !out->tenant) {
        take(&out->tenant, &tenant);
    }
out:
    str_free(&object);
    str_free(&tenant);
    return code;
}

static int check_mapping_fields(struct policy_mapping *out, char **fields, struct error *err)
{
    const char *url = fields[0];
    int code;

    if (!url) {
        return error_set(err, ERR_INVALID, "has no URL before the first |, as in " MAPPING_EXAMPLE);
    }
    if (!str_starts_with_nocase(url, "https://") || !url[8] || strchr("/?#|", url[8])) {
        return error_set(
            err, ERR_INVALID,
            "has '%.60s' in its first field, which is no https URL as in " MAPPING_EXAMPLE, url);
    }
    if (fields[2]) {
        out->letter = policy_letter_parse(fields[2]);
        if (!out->letter) {
            return error_set(err, ERR_INVALID,
                             "has '%.20s' in its third field, which is no drive letter D to Z as "
                             "in " MAPPING_EXAMPLE,
                             fields[2]);
        }
    }
    code = move_switch(fields, err);
    if (code == 0 && fields[3] && check_tenant_id(fields[3], NULL) < 0) {
        code =
            error_set(err, ERR_INVALID,
                      "has '%.60s' in its fourth field, which is no tenant as in " MAPPING_EXAMPLE
                      "|contoso.onmicrosoft.com",
                      fields[3]);
    }
    code = code < 0 || !fields[4] ? code : parse_options(out, fields[4], err);
    if (code == 0) {
        take(&out->tenant, &fields[3]);
        code = read_teams_link(out, url, err);
    }
    code = code < 0 ? code : decode_field(&fields[1], err);
    if (code == 0 && has_control(fields[1])) {
        code = error_set(err, ERR_INVALID, "has control characters in its second field, the name");
    }
    return code;
}

/* An entry that was encoded as a whole, bars and all, is decoded once. */
static int decode_entry(char **out, const char *entry, struct error *err)
{
    static const char encoded[] = "https%3A%2F%2F";

    entry += strspn(entry, " \t");
    if (str_starts_with_nocase(entry, encoded)) {
        struct error why = {0};
        int code = str_percent_decode(out, entry, &why);

        if (code != ERR_INVALID) {
            return code < 0 ? error_set(err, code, "%s", why.message) : 0;
        }
    }
    return str_copy(out, entry, err);
}

int policy_mapping_parse(struct policy_mapping *out, const char *entry, struct error *err)
{
    char *fields[MAPPING_FIELDS] = {NULL};
    struct policy_mapping mapping = {0};
    char *decoded = NULL;
    int code = decode_entry(&decoded, entry, err);

    code = code < 0 ? code : split_fields(fields, MAPPING_FIELDS, decoded, err);
    if (code == 0) {
        code = check_mapping_fields(&mapping, fields, err);
    }
    if (code == 0) {
        take(&mapping.url, &fields[0]);
        take(&mapping.name, &fields[1]);
        *out = mapping;
    } else {
        policy_mapping_clear(&mapping);
    }
    free_fields(fields, MAPPING_FIELDS);
    str_free(&decoded);
    return code;
}

void policy_mapping_clear(struct policy_mapping *mapping)
{
    str_free(&mapping->url);
    str_free(&mapping->name);
    str_free(&mapping->tenant);
    str_free(&mapping->team_id);
    str_free(&mapping->channel_id);
    *mapping = (struct policy_mapping){0};
}

char policy_letter_parse(const char *text)
{
    int letter = toupper((unsigned char)text[0]);

    if (letter < 'D' || letter > 'Z' || (text[1] != '\0' && strcmp(text + 1, ":") != 0)) {
        return 0;
    }
    return (char)letter;
}

int policy_letter_rule_parse(char **glob, char *letter, const char *entry, struct error *err)
{
    const char *equals = strrchr(entry, '='); /* a URL may have one too */
    char *right = NULL;
    char *left = NULL;
    char found = 0;
    int code;

    if (!equals) {
        return error_set(err, ERR_INVALID, "is not of the form pattern=letter");
    }
    code = copy_trimmed(&right, equals + 1, strlen(equals + 1), err);
    if (code == 0) {
        code = copy_trimmed(&left, entry, (size_t)(equals - entry), err);
    }
    if (code < 0) {
        goto out;
    }
    found = right ? policy_letter_parse(right) : 0;
    if (!found) {
        code = error_set(err, ERR_INVALID, "has no drive letter D to Z after the =");
        goto out;
    }
    if (!left) {
        code = error_set(err, ERR_INVALID, "has no pattern before the =");
        goto out;
    }
    *letter = found;
    take(glob, &left);
out:
    str_free(&right);
    str_free(&left);
    return code;
}

static void add_letters(char *out, char from, char to)
{
    for (char letter = from; letter <= to; letter++) {
        if (!strchr(out, letter)) {
            size_t length = strlen(out);

            out[length] = letter;
            out[length + 1] = '\0';
        }
    }
}

/* "P", "P:" or "P-T". */
static int parse_range(char *out, const char *text, struct error *err)
{
    const char *dash = strchr(text, '-');
    char first[8] = "";
    char from;
    char to;

    if (dash && (size_t)(dash - text) < sizeof(first)) {
        memcpy(first, text, (size_t)(dash - text));
    }
    from = policy_letter_parse(dash ? first : text);
    to = dash ? policy_letter_parse(dash + 1) : from;
    if (!from || !to || from > to) {
        return error_set(err, ERR_INVALID, "has '%.20s' where letters as in P-T,V belong", text);
    }
    add_letters(out, from, to);
    return 0;
}

int policy_letter_pool_parse(char out[27], const char *text, struct error *err)
{
    char letters[27] = "";
    char word[16];

    if (str_equal_nocase(text, "none")) {
        text = "";
    }
    for (text += strspn(text, ", \t"); *text; text += strspn(text, ", \t")) {
        size_t length = strcspn(text, ", \t");
        int code;

        if (length >= sizeof(word)) {
            return error_set(err, ERR_INVALID, "is not of the form P-T,V");
        }
        memcpy(word, text, length);
        word[length] = '\0';
        code = parse_range(letters, word, err);
        if (code < 0) {
            return code;
        }
        text += length;
    }
    memcpy(out, letters, sizeof(letters));
    return 0;
}
