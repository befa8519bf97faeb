#include "check.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"
#include "policy/entry.h"

static int invalid(struct error *err, const char *clause)
{
    return error_set(err, ERR_INVALID, "%s", clause);
}

static bool has_only(const char *text, const char *more)
{
    for (; *text; text++) {
        if (!isalnum((unsigned char)*text) && !strchr(more, *text)) {
            return false;
        }
    }
    return true;
}

int check_guid(const char *text, struct error *err)
{
    return policy_is_guid(text) ? 0 : invalid(err, "is not a GUID");
}

/* "host", "host:port", "[::1]:port"; `length` bytes. */
static bool is_authority(const char *text, size_t length)
{
    size_t host = 0;
    size_t digits = 0;
    long port = 0;

    if (length > 0 && text[0] == '[') {
        const char *end = memchr(text, ']', length);

        if (!end || end == text + 1 ||
            strspn(text + 1, "0123456789abcdefABCDEF:.") != (size_t)(end - text - 1)) {
            return false;
        }
        host = (size_t)(end - text) + 1;
    } else {
        while (host < length && (isalnum((unsigned char)text[host]) || strchr("-._", text[host]))) {
            host++;
        }
    }
    if (host == 0 || host > 255 || host == length) {
        return host > 0 && host <= 255;
    }
    if (text[host] != ':') {
        return false;
    }
    for (size_t i = host + 1; i < length; i++, digits++) {
        if (!isdigit((unsigned char)text[i]) || digits == 5) {
            return false;
        }
        port = port * 10 + (text[i] - '0');
    }
    return digits > 0 && port > 0 && port <= 65535;
}

int check_service_url(const char *text, struct error *err)
{
    const char *host;
    size_t length;

    if (!str_starts_with_nocase(text, "https://")) {
        return invalid(err, "is not an https URL");
    }
    host = text + strlen("https://");
    length = strcspn(host, "/?#");
    if (memchr(host, '@', length)) {
        return invalid(err, "has a user name, which does not belong here");
    }
    if (!is_authority(host, length)) {
        return invalid(err, "has no proper host name and port");
    }
    if (host[length] != '\0' && strcmp(host + length, "/") != 0) {
        return invalid(err, "has a path, which does not belong here");
    }
    return 0;
}

/* The clauses must not repeat the text: it may hold a password. */
int check_proxy_url(const char *text, struct error *err)
{
    const char *host = strstr(text, "://");
    const char *at;
    size_t length;

    if (!str_starts_with_nocase(text, "http://") && !str_starts_with_nocase(text, "https://")) {
        return invalid(err, "is not an http or https URL");
    }
    host += 3;
    length = strcspn(host, "/?#");
    at = memchr(host, '@', length);
    if (at) {
        length -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    if (!is_authority(host, length)) {
        return invalid(err, at ? "has no proper host name and port after the user name"
                               : "has no proper host name and port");
    }
    if (host[length] != '\0' && strcmp(host + length, "/") != 0) {
        return invalid(err, "has a path, which does not belong here");
    }
    return 0;
}

int check_drive(const char *text, struct error *err)
{
    char letter = policy_letter_parse(text);

    if (letter >= 'F' || str_equal_nocase(text, "none")) {
        return 0;
    }
    return invalid(err, "is not a drive letter from F: to Z:, nor none");
}

int check_letter_pool(const char *text, struct error *err)
{
    char letters[27];

    return policy_letter_pool_parse(letters, text, err);
}

int check_letter_rule(const char *text, struct error *err)
{
    char *glob = NULL;
    char letter;
    int code = policy_letter_rule_parse(&glob, &letter, text, err);

    str_free(&glob);
    return code;
}

int check_tenant_id(const char *text, struct error *err)
{
    bool has_dot = strchr(text, '.') != NULL;

    if (policy_is_guid(text)) {
        return 0;
    }
    if (!has_dot || !has_only(text, "-.") || text[0] == '.' || text[0] == '-' ||
        strstr(text, "..") || text[strlen(text) - 1] == '.' || strlen(text) > 253) {
        return invalid(err, "does not name a tenant by its domain or its id");
    }
    return 0;
}

int check_tenant_entry(const char *text, struct error *err)
{
    struct policy_tenant tenant = {0};
    int code = policy_tenant_parse(&tenant, text, err);

    policy_tenant_clear(&tenant);
    return code;
}

int check_mapping_entry(const char *text, struct error *err)
{
    struct policy_mapping mapping = {0};
    int code = policy_mapping_parse(&mapping, text, err);

    policy_mapping_clear(&mapping);
    return code;
}

int check_glob(const char *text, struct error *err)
{
    if (str_equal_nocase(text, "title:")) {
        return invalid(err, "has no pattern after title:");
    }
    return 0;
}

int check_name_format(const char *text, struct error *err)
{
    static const char *const known[] = {"{site}", "{library}", "{tenant}"};

    for (; *text; text++) {
        size_t length = 0;

        if (*text == '}') {
            return invalid(err, "has a } without a {");
        }
        for (size_t i = 0; *text == '{' && i < sizeof(known) / sizeof(known[0]); i++) {
            if (str_starts_with(text, known[i])) {
                length = strlen(known[i]);
            }
        }
        if (*text == '{' && length == 0) {
            return invalid(err, "has a placeholder other than {site}, {library} and {tenant}");
        }
        text += length > 0 ? length - 1 : 0;
    }
    return 0;
}

int check_host_label(const char *text, struct error *err)
{
    size_t length = strlen(text);

    if (length > 63 || !has_only(text, "-") || text[0] == '-' || text[length - 1] == '-') {
        return invalid(err, "is not a name of letters, digits and -");
    }
    return 0;
}

int check_extension(const char *text, struct error *err)
{
    const char *rest = text + (text[0] == '.' ? 1 : 0);

    if (!*rest || strpbrk(rest, "/\\:*?\"<>| ")) {
        return invalid(err, "is not a file name extension");
    }
    return 0;
}

int check_extensions(const char *text, struct error *err)
{
    if (strpbrk(text, "/\\:*?\"<> ")) {
        return invalid(err, "is not a list of file name extensions separated by |");
    }
    return 0;
}

int check_file_name(const char *text, struct error *err)
{
    return strchr(text, '/') ? invalid(err, "has a slash; it is compared with a name, not a path")
                             : 0;
}

int check_header_text(const char *text, struct error *err)
{
    if (strlen(text) > 128) {
        return invalid(err, "is longer than 128 characters");
    }
    for (; *text; text++) {
        if (*text < 0x20 || *text > 0x7e) {
            return invalid(err, "has characters other than printable ASCII");
        }
    }
    return 0;
}

int normalise_drive(char **text, struct error *err)
{
    char letter = policy_letter_parse(*text);

    return letter ? str_format(text, err, "%c:", letter) : str_copy(text, "none", err);
}

int normalise_url(char **text, struct error *err)
{
    size_t length = strlen(*text);

    (void)err;
    if (length > 0 && (*text)[length - 1] == '/') {
        (*text)[length - 1] = '\0';
    }
    return 0;
}
