#include "policy/entry.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "check.h"
#include "policy/schema.h"

enum { TENANT_FIELDS = 4, MAPPING_FIELDS = 5 };

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
        return error_set(err, ERR_INVALID,
                         "has the option '%.40s'; known are readonly, favorite and all", word);
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

static int check_mapping_fields(struct policy_mapping *out, char *const *fields, struct error *err)
{
    if (!fields[0]) {
        return error_set(err, ERR_INVALID, "has no URL before the first |");
    }
    if (!str_starts_with_nocase(fields[0], "https://") || !fields[0][8] || fields[0][8] == '/') {
        return error_set(err, ERR_INVALID, "does not begin with an https URL");
    }
    if (fields[2]) {
        out->letter = policy_letter_parse(fields[2]);
        if (!out->letter) {
            return error_set(err, ERR_INVALID, "has '%.20s' where a drive letter D to Z belongs",
                             fields[2]);
        }
    }
    if (fields[3] && check_tenant_id(fields[3], NULL) < 0) {
        return error_set(err, ERR_INVALID, "names a tenant that is neither a domain nor a GUID");
    }
    return fields[4] ? parse_options(out, fields[4], err) : 0;
}

int policy_mapping_parse(struct policy_mapping *out, const char *entry, struct error *err)
{
    char *fields[MAPPING_FIELDS] = {NULL};
    struct policy_mapping mapping = {0};
    int code = split_fields(fields, MAPPING_FIELDS, entry, err);

    if (code == 0) {
        code = check_mapping_fields(&mapping, fields, err);
    }
    if (code == 0) {
        take(&mapping.url, &fields[0]);
        take(&mapping.name, &fields[1]);
        take(&mapping.tenant, &fields[3]);
        *out = mapping;
    }
    free_fields(fields, MAPPING_FIELDS);
    return code;
}

void policy_mapping_clear(struct policy_mapping *mapping)
{
    str_free(&mapping->url);
    str_free(&mapping->name);
    str_free(&mapping->tenant);
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
