#include "graph/entra_parse.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/str.h"
#include "graph/json.h"

#define TOKEN_MAX (64u << 10)

/* Hosts whose endpoints are believed whatever login host was asked: a cloud may answer with another
 * of its own names (graph-facts 5.1 knows two for China). */
static const char *const entra_hosts[] = {
    "login.microsoftonline.com",        "login.microsoftonline.us",   "login.chinacloudapi.cn",
    "login.partner.microsoftonline.cn", "login.windows.net",          "login.microsoft.com",
    "login.sovcloud-identity.fr",       "login.sovcloud-identity.de",
};

bool entra_is_guid(const char *text)
{
    if (strlen(text) != 36) {
        return false;
    }
    for (size_t i = 0; i < 36; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (is_dash ? text[i] != '-' : !strchr("0123456789abcdefABCDEF", text[i])) {
            return false;
        }
    }
    return true;
}

/* What can stand in an Authorization header or a form without changing it. */
static bool is_token_text(const char *text)
{
    size_t length = text ? strlen(text) : 0;

    for (size_t i = 0; i < length; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return false;
        }
    }
    return length > 0 && length <= TOKEN_MAX;
}

/* "host[:port]" after "https://", without user-info. */
static bool split_authority(const char *url, const char **authority, size_t *length)
{
    if (!str_starts_with(url, "https://")) {
        return false;
    }
    *authority = url + strlen("https://");
    *length = strcspn(*authority, "/?#");
    return *length > 0 && !memchr(*authority, '@', *length);
}

static bool equal_n(const char *a, size_t a_length, const char *b, size_t b_length)
{
    char left[260];
    char right[260];

    if (a_length != b_length || a_length >= sizeof(left)) {
        return false;
    }
    memcpy(left, a, a_length);
    memcpy(right, b, b_length);
    left[a_length] = '\0';
    right[b_length] = '\0';
    return str_equal_nocase(left, right);
}

bool entra_is_trusted_url(const char *url, const char *login_url)
{
    const char *authority = NULL;
    const char *own = NULL;
    size_t length = 0;
    size_t own_length = 0;

    if (!split_authority(url, &authority, &length)) {
        return false;
    }
    if (split_authority(login_url, &own, &own_length) &&
        equal_n(authority, length, own, own_length)) {
        return true;
    }
    for (size_t i = 0; i < sizeof(entra_hosts) / sizeof(entra_hosts[0]); i++) {
        if (equal_n(authority, length, entra_hosts[i], strlen(entra_hosts[i]))) {
            return true;
        }
    }
    return false;
}

static int copy_endpoint(char **out, const cJSON *json, const char *name, const char *login_url,
                         bool is_required, struct error *err)
{
    const char *url = json_text(json, name);

    if (!url && !is_required) {
        return 0;
    }
    if (!url || !is_token_text(url) || !entra_is_trusted_url(url, login_url)) {
        error_set(err, ERR_PROTOCOL, "openid-configuration has no usable %s", name);
        return ERR_PROTOCOL;
    }
    return str_copy(out, url, err);
}

/* The tenant stands in the first path segment of the token endpoint. */
static void read_tenant_id(struct entra_endpoints *endpoints, const char *token_url)
{
    const char *authority = NULL;
    size_t length = 0;

    if (!split_authority(token_url, &authority, &length) || authority[length] != '/') {
        return;
    }
    authority += length + 1;
    if (strcspn(authority, "/") == 36) {
        memcpy(endpoints->tenant_id, authority, 36);
        endpoints->tenant_id[36] = '\0';
        if (!entra_is_guid(endpoints->tenant_id)) {
            endpoints->tenant_id[0] = '\0';
        }
    }
}

int entra_parse_configuration(struct entra_endpoints *out, const char *login_url, const char *body,
                              size_t size, struct error *err)
{
    struct entra_endpoints made = {0};
    cJSON *json = json_parse_object(body, size, "openid-configuration", err);
    int code = json ? 0 : ERR_PROTOCOL;

    if (code == 0) {
        code = copy_endpoint(&made.authorize_url, json, "authorization_endpoint", login_url, true,
                             err);
    }
    if (code == 0) {
        code = copy_endpoint(&made.token_url, json, "token_endpoint", login_url, true, err);
    }
    if (code == 0) {
        code = copy_endpoint(&made.device_code_url, json, "device_authorization_endpoint",
                             login_url, false, err);
    }
    if (code == 0) {
        read_tenant_id(&made, made.token_url);
        *out = made;
        memset(&made, 0, sizeof(made));
    }
    cJSON_Delete(json);
    entra_endpoints_clear(&made);
    return code;
}

void entra_endpoints_clear(struct entra_endpoints *endpoints)
{
    free(endpoints->authorize_url);
    free(endpoints->token_url);
    free(endpoints->device_code_url);
    memset(endpoints, 0, sizeof(*endpoints));
}

/* Payload of the JWT; whatever is wrong with it leaves the identity empty: it is not needed. */
static void read_identity(struct entra_identity *out, const char *id_token)
{
    const char *start = id_token ? strchr(id_token, '.') : NULL;
    char *payload = NULL;
    void *data = NULL;
    size_t size = 0;
    cJSON *json = NULL;

    if (start && strlen(start) <= TOKEN_MAX &&
        str_copy_n(&payload, start + 1, strcspn(start + 1, "."), NULL) == 0 &&
        str_base64_decode(&data, &size, payload, NULL) == 0) {
        json = json_parse_object(data, size, "the id_token", NULL);
    }
    if (json) {
        json_show_text(out->tenant_id, sizeof(out->tenant_id), json, "tid");
        json_show_text(out->user_id, sizeof(out->user_id), json, "oid");
        json_show_text(out->user_name, sizeof(out->user_name), json, "preferred_username");
        if (!entra_is_guid(out->tenant_id)) {
            out->tenant_id[0] = '\0';
        }
    }
    cJSON_Delete(json);
    free(data);
    free(payload);
}

/* Wipes what cJSON copied out of the body: cJSON_Delete() would leave the tokens in freed memory.
 */
static void delete_secret_json(cJSON *json)
{
    static const char *const secrets[] = {"access_token", "refresh_token", "id_token",
                                          "device_code"};

    for (size_t i = 0; json && i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, secrets[i]));

        if (text) {
            secret_wipe(text, strlen(text));
        }
    }
    cJSON_Delete(json);
}

int entra_parse_token(struct entra_token *out, const char *body, size_t size, struct error *err)
{
    struct entra_token made = {0};
    cJSON *json = json_parse_object(body, size, "the token answer", err);
    const char *access = json ? json_text(json, "access_token") : NULL;
    const char *refresh = json ? json_text(json, "refresh_token") : NULL;
    const char *type = json ? json_text(json, "token_type") : NULL;
    int code = json ? 0 : ERR_PROTOCOL;

    if (code == 0 && (!is_token_text(access) || (refresh && !is_token_text(refresh)))) {
        code = error_set(err, ERR_PROTOCOL, "the token answer has no usable token");
    }
    if (code == 0 && type && !str_equal_nocase(type, "bearer")) {
        code = error_set(err, ERR_PROTOCOL, "the token answer is of an unknown type");
    }
    if (code == 0) {
        code = str_copy(&made.access_token, access, err);
    }
    if (code == 0) {
        code = str_copy(&made.refresh_token, refresh, err);
    }
    if (code == 0) {
        if (!json_int64(json, "expires_in", &made.expires_in_s)) {
            made.expires_in_s =
                300; /* not said: long enough to be used, too short to be relied on */
        }
        if (made.expires_in_s < 0 || made.expires_in_s > 30 * 3600) {
            made.expires_in_s = made.expires_in_s < 0 ? 0 : 30 * 3600; /* CAE tokens: up to 28 h */
        }
        read_identity(&made.identity, json_text(json, "id_token"));
        *out = made;
        memset(&made, 0, sizeof(made));
    }
    delete_secret_json(json);
    entra_token_clear(&made);
    return code;
}

void entra_token_clear(struct entra_token *token)
{
    secret_free(&token->access_token);
    secret_free(&token->refresh_token);
    memset(token, 0, sizeof(*token));
}

int entra_parse_device_code(struct entra_device_code *out, const char *body, size_t size,
                            struct error *err)
{
    struct entra_device_code made = {0};
    cJSON *json = json_parse_object(body, size, "the device code answer", err);
    const char *device_code = json ? json_text(json, "device_code") : NULL;
    int code = json ? 0 : ERR_PROTOCOL;

    if (code == 0) {
        json_show_text(made.user_code, sizeof(made.user_code), json, "user_code");
        json_show_text(made.verification_url, sizeof(made.verification_url), json,
                       "verification_uri");
        json_show_text(made.message, sizeof(made.message), json, "message");
        if (!is_token_text(device_code) || !made.user_code[0] ||
            !str_starts_with(made.verification_url, "https://")) {
            code = error_set(err, ERR_PROTOCOL, "the device code answer lacks what is needed");
        }
    }
    if (code == 0) {
        code = str_copy(&made.device_code, device_code, err);
    }
    if (code == 0) {
        if (!json_int64(json, "expires_in", &made.expires_in_s) || made.expires_in_s < 1) {
            made.expires_in_s = 900;
        }
        if (made.expires_in_s > 3600) {
            made.expires_in_s = 3600;
        }
        if (!json_int64(json, "interval", &made.interval_s)) {
            made.interval_s = 5;
        }
        made.interval_s = made.interval_s < 1 ? 1 : made.interval_s > 60 ? 60 : made.interval_s;
        *out = made;
        memset(&made, 0, sizeof(made));
    }
    delete_secret_json(json);
    entra_device_code_clear(&made);
    return code;
}

void entra_device_code_clear(struct entra_device_code *code)
{
    secret_free(&code->device_code);
    memset(code, 0, sizeof(*code));
}

/* It becomes a folder's name: nothing but what a domain can have. */
static bool is_domain(const char *text)
{
    size_t length =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.");

    return length > 0 && text[length] == '\0' && text[0] != '.' && text[0] != '-';
}

int entra_parse_organization(struct entra_organization *out, const char *body, size_t size,
                             struct error *err)
{
    cJSON *json = json_parse_object(body, size, "the answer of /organization", err);
    const cJSON *first =
        cJSON_GetArrayItem(json ? cJSON_GetObjectItemCaseSensitive(json, "value") : NULL, 0);
    const cJSON *domain;
    int code = 0;

    memset(out, 0, sizeof(*out));
    if (!json) {
        return ERR_PROTOCOL;
    }
    if (!cJSON_IsObject(first)) {
        cJSON_Delete(json);
        return error_set(err, ERR_PROTOCOL, "/organization names no tenant");
    }
    json_show_text(out->id, sizeof(out->id), first, "id");
    json_show_text(out->name, sizeof(out->name), first, "displayName");
    cJSON_ArrayForEach(domain, cJSON_GetObjectItemCaseSensitive(first, "verifiedDomains"))
    {
        if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(domain, "isInitial"))) {
            json_show_text(out->initial_domain, sizeof(out->initial_domain), domain, "name");
        }
    }
    if (!entra_is_guid(out->id) || !is_domain(out->initial_domain)) {
        code = error_set(err, ERR_PROTOCOL, "/organization does not say id and initial domain");
    }
    cJSON_Delete(json);
    return code;
}

int entra_parse_me(struct entra_identity *out, const char *body, size_t size, struct error *err)
{
    cJSON *json = json_parse_object(body, size, "the answer of /me", err);

    memset(out, 0, sizeof(*out));
    if (!json) {
        return ERR_PROTOCOL;
    }
    json_show_text(out->user_id, sizeof(out->user_id), json, "id");
    json_show_text(out->user_name, sizeof(out->user_name), json, "userPrincipalName");
    cJSON_Delete(json);
    return 0;
}
