#include "graph/token_store.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/secret.h"
#include "base/str.h"
#include "graph/json.h"
#include "graph/protect.h"

#define FILE_VERSION 1
#define FILE_MAX (512u << 10)

void token_data_clear(struct token_data *data)
{
    secret_free(&data->refresh_token);
    secret_free(&data->access_token);
    free(data->claims);
    entra_endpoints_clear(&data->endpoints);
    memset(data, 0, sizeof(*data));
}

int token_data_copy(struct token_data *out, const struct token_data *from, struct error *err)
{
    struct token_data made = *from;
    int code;

    made.refresh_token = NULL;
    made.access_token = NULL;
    made.claims = NULL;
    made.endpoints.authorize_url = NULL;
    made.endpoints.token_url = NULL;
    made.endpoints.device_code_url = NULL;
    code = str_copy(&made.refresh_token, from->refresh_token, err);
    if (code == 0) {
        code = str_copy(&made.access_token, from->access_token, err);
    }
    if (code == 0) {
        code = str_copy(&made.claims, from->claims, err);
    }
    if (code == 0) {
        code = str_copy(&made.endpoints.authorize_url, from->endpoints.authorize_url, err);
    }
    if (code == 0) {
        code = str_copy(&made.endpoints.token_url, from->endpoints.token_url, err);
    }
    if (code == 0) {
        code = str_copy(&made.endpoints.device_code_url, from->endpoints.device_code_url, err);
    }
    if (code < 0) {
        token_data_clear(&made);
        return code;
    }
    token_data_clear(out);
    *out = made;
    return 0;
}

/* 16 hexadecimal digits that stand for tenant, client and host together. */
static int hash_key(char out[17], const char *key, struct error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    if (EVP_Digest(key, strlen(key), digest, &size, EVP_sha256(), NULL) != 1) {
        return error_set(err, ERR_NO_MEMORY, "cannot compute SHA-256");
    }
    for (size_t i = 0; i < 8; i++) {
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    }
    return 0;
}

int token_store_path(char **out, const char *directory, const char *tenant, const char *client_id,
                     const char *login_url, struct error *err)
{
    char readable[33] = "";
    char hash[17] = "";
    char *key = NULL;
    int code = str_format(&key, err, "%s\n%s\n%s", login_url, tenant, client_id);

    if (code < 0) {
        return code;
    }
    for (char *c = key; *c; c++) { /* GUIDs and domains know no case */
        *c = (char)tolower((unsigned char)*c);
    }
    for (size_t i = 0; i < sizeof(readable) - 1 && tenant[i]; i++) {
        unsigned char c = (unsigned char)tenant[i];

        readable[i] = c < 0x80 && (isalnum(c) || c == '.' || c == '-') ? (char)tolower(c) : '_';
    }
    code = hash_key(hash, key, err);
    if (code == 0) {
        code = str_format(out, err, "%s/token-%s-%s.json", directory, readable, hash);
    }
    free(key);
    return code;
}

static int keep_aside(const char *path, const char *why, struct error *err)
{
    char *aside = NULL;

    if (str_format(&aside, err, "%s.bad", path) < 0) {
        return ERR_NO_MEMORY;
    }
    (void)file_remove(aside, NULL);
    if (file_rename(path, aside, NULL) < 0) {
        error_set(err, ERR_INVALID, "token file '%s' %s and cannot be renamed", path, why);
    } else {
        error_set(err, ERR_INVALID, "token file '%s' %s; it was renamed to .bad", path, why);
    }
    free(aside);
    return ERR_INVALID;
}

static int read_endpoints(struct entra_endpoints *out, const cJSON *json, const char *login_url,
                          struct error *err)
{
    const cJSON *from = cJSON_GetObjectItemCaseSensitive(json, "endpoints");
    const char *token_url = json_text(from, "token");
    const char *authorize_url = json_text(from, "authorize");
    const char *device_url = json_text(from, "device_code");
    int code;

    /* refresh tokens go there: believed no more than a fresh answer is */
    if (!token_url || !authorize_url || !entra_is_trusted_url(token_url, login_url) ||
        !entra_is_trusted_url(authorize_url, login_url) ||
        (device_url && !entra_is_trusted_url(device_url, login_url))) {
        return 0;
    }
    code = str_copy(&out->token_url, token_url, err);
    if (code == 0) {
        code = str_copy(&out->authorize_url, authorize_url, err);
    }
    if (code == 0) {
        code = str_copy(&out->device_code_url, device_url, err);
    }
    json_show_text(out->tenant_id, sizeof(out->tenant_id), from, "tenant_id");
    return code;
}

static int read_members(struct token_data *out, const cJSON *json, const char *login_url,
                        struct error *err)
{
    cJSON *claims = json_text_object(json, "claims");
    int code = json_copy_text(&out->refresh_token, json, "refresh_token", err);

    if (code == 0) {
        code = json_copy_text(&out->access_token, json, "access_token", err);
    }
    if (code == 0 && claims) {
        code = json_copy_text(&out->claims, json, "claims", err);
    }
    cJSON_Delete(claims);
    if (code == 0) {
        code = read_endpoints(&out->endpoints, json, login_url, err);
    }
    if (!json_int64(json, "access_ends_ms", &out->access_ends_ms) ||
        !json_int64(json, "access_life_ms", &out->access_life_ms)) {
        secret_free(&out->access_token);
    }
    (void)json_int64(json, "serial", &out->serial);
    json_show_text(out->tenant_id, sizeof(out->tenant_id), json, "tenant_id");
    json_show_text(out->tenant_name, sizeof(out->tenant_name), json, "tenant_name");
    json_show_text(out->initial_domain, sizeof(out->initial_domain), json, "initial_domain");
    json_show_text(out->user_id, sizeof(out->user_id), json, "user_id");
    json_show_text(out->user_name, sizeof(out->user_name), json, "user_name");
    return code;
}

/* Wipes the tokens that cJSON holds, then frees it. */
static void delete_json(cJSON *json)
{
    static const char *const secrets[] = {"refresh_token", "access_token"};

    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, secrets[i]));

        if (text) {
            secret_wipe(text, strlen(text));
        }
    }
    cJSON_Delete(json);
}

int token_store_read(struct token_data *out, const char *path, const char *login_url,
                     struct error *err)
{
    struct token_data made = {0};
    struct buf text;
    cJSON *json = NULL;
    int64_t version = 0;
    int code;

    buf_init(&text, FILE_MAX);
    code = file_read_all(&text, path, err);
    if (code == ERR_LIMIT) {
        code = keep_aside(path, "is far too large", err);
    }
    if (code < 0) {
        goto out;
    }
    code = protect_open(&text, err);
    if (code == ERR_INVALID) {
        code = keep_aside(path, "is damaged, or was encrypted for another user", err);
    }
    if (code < 0) {
        goto out;
    }
    json = json_parse_object(buf_text(&text), text.size, path, NULL);
    if (!json) { /* lack of memory looks the same, and must not cost the user the sign-in */
        json = json_parse_object(buf_text(&text), text.size, path, NULL);
    }
    if (!json || !json_int64(json, "version", &version)) {
        code = keep_aside(path, "is damaged", err);
        goto out;
    }
    if (version != FILE_VERSION) {
        code = keep_aside(path, "was written by another version of this program", err);
        goto out;
    }
    code = read_members(&made, json, login_url, err);
    if (code == 0) {
        token_data_clear(out);
        *out = made;
        memset(&made, 0, sizeof(made));
    }
out:
    if (text.data) {
        secret_wipe(text.data, text.capacity);
    }
    buf_clear(&text);
    delete_json(json);
    token_data_clear(&made);
    return code;
}

static bool add_text(cJSON *to, const char *name, const char *text)
{
    return !text || !text[0] || cJSON_AddStringToObject(to, name, text);
}

static bool add_members(cJSON *json, const struct token_data *data)
{
    cJSON *endpoints = NULL;
    bool is_added = cJSON_AddNumberToObject(json, "version", FILE_VERSION) &&
                    cJSON_AddNumberToObject(json, "serial", (double)data->serial) &&
                    add_text(json, "tenant_id", data->tenant_id) &&
                    add_text(json, "tenant_name", data->tenant_name) &&
                    add_text(json, "initial_domain", data->initial_domain) &&
                    add_text(json, "user_id", data->user_id) &&
                    add_text(json, "user_name", data->user_name) &&
                    add_text(json, "refresh_token", data->refresh_token) &&
                    add_text(json, "access_token", data->access_token) &&
                    cJSON_AddNumberToObject(json, "access_ends_ms", (double)data->access_ends_ms) &&
                    cJSON_AddNumberToObject(json, "access_life_ms", (double)data->access_life_ms) &&
                    add_text(json, "claims", data->claims);

    if (!is_added || !data->endpoints.token_url) {
        return is_added;
    }
    endpoints = cJSON_AddObjectToObject(json, "endpoints");
    return endpoints && add_text(endpoints, "token", data->endpoints.token_url) &&
           add_text(endpoints, "authorize", data->endpoints.authorize_url) &&
           add_text(endpoints, "device_code", data->endpoints.device_code_url) &&
           add_text(endpoints, "tenant_id", data->endpoints.tenant_id);
}

int token_store_write(const char *path, const struct token_data *data, struct error *err)
{
    cJSON *json = cJSON_CreateObject();
    char *text = NULL;
    struct buf sealed;
    int code = 0;

    buf_init(&sealed, 2 * FILE_MAX);
    if (!json || !add_members(json, data) || !(text = cJSON_Print(json))) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for the token file");
    } else {
        code = protect_seal(&sealed, text, strlen(text), err);
    }
    if (code == 0) {
        code = file_write_atomic(path, sealed.data, sealed.size, err);
    }
    if (sealed.data) {
        secret_wipe(sealed.data, sealed.capacity);
    }
    buf_clear(&sealed);
    secret_free(&text);
    delete_json(json);
    return code;
}

int token_store_remove(const char *path, struct error *err)
{
    return file_remove(path, err);
}

int token_store_lock(struct file_lock **out, const char *path, int64_t wait_ms, struct error *err)
{
    char *lock_path = NULL;
    int code = str_format(&lock_path, err, "%s.lock", path);

    if (code == 0) {
        code = file_lock(out, lock_path, wait_ms, err);
    }
    free(lock_path);
    return code;
}
