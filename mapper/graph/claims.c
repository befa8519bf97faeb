#include "graph/claims.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "graph/json.h"

#define HEADER_MAX (32u << 10)

static bool is_delimiter(char c)
{
    return c == '\0' || c == ' ' || c == '\t' || c == ',' || c == '=' || c == '"';
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/* Reads a quoted string or a bare word up to comma or blank into `value`; returns where it ends. */
static const char *read_value(const char *at, struct buf *value, struct error *err, int *code)
{
    size_t length;

    buf_reset(value);
    if (*at != '"') {
        length = strcspn(at, ", \t");
        *code = buf_add(value, at, length, err);
        return at + length;
    }
    for (at++; *at && *at != '"' && *code == 0; at++) {
        if (*at == '\\' && at[1]) {
            at++;
        }
        *code = buf_add(value, at, 1, err);
    }
    return *at == '"' ? at + 1 : at;
}

static int decode_claims(char **out, const char *value, struct error *err)
{
    char *text = NULL;
    void *data = NULL;
    size_t size = 0;
    cJSON *json = NULL;
    int code = 0;

    if (value[0] ==
        '{') { /* not base64 at all: seen nowhere, but there is only one way to mean it */
        code = str_copy(&text, value, err);
        size = strlen(value);
    } else {
        code = str_base64_decode(&data, &size, value, err);
        text = data;
    }
    if (code == 0 && (strlen(text) != size || !str_is_utf8(text, size))) {
        code = error_set(err, ERR_PROTOCOL, "the claims challenge is no text");
    }
    if (code == 0) {
        json = json_parse_object(text, size, "the claims challenge", err);
        code = json ? 0 : ERR_PROTOCOL;
    }
    cJSON_Delete(json);
    if (code == 0) {
        free(*out);
        *out = text; /* both ways end it with NUL */
        text = NULL;
    }
    free(text);
    return code == ERR_INVALID ? error_set(err, ERR_PROTOCOL, "claims challenge is not base64")
                               : code;
}

int claims_from_challenge(char **out, const char *www_authenticate, struct error *err)
{
    const char *at = www_authenticate ? www_authenticate : "";
    bool is_bearer = false;
    bool is_found = false;
    struct buf value;
    int code = 0;

    *out = NULL;
    buf_init(&value, HEADER_MAX);
    while (code == 0 && !is_found && *(at += strspn(at, " \t,"))) {
        const char *name = at;
        size_t length = 0;

        while (!is_delimiter(at[length])) {
            length++;
        }
        at = skip_blanks(at + length);
        if (*at == '=') {
            at = read_value(skip_blanks(at + 1), &value, err, &code);
            if (code == 0 && is_bearer && length == 6 && strncmp(name, "claims", 6) == 0) {
                code = decode_claims(out, buf_text(&value), err);
                is_found = true;
            }
        } else if (length > 0) {
            is_bearer = length == 6 && str_starts_with_nocase(name, "bearer");
        } else { /* a stray quote */
            at++;
        }
    }
    buf_clear(&value);
    return code;
}

static int add_capability(cJSON *root)
{
    cJSON *access = cJSON_GetObjectItemCaseSensitive(root, "access_token");
    cJSON *capability = NULL;
    cJSON *values = NULL;
    cJSON *cp1 = NULL;

    if (!cJSON_IsObject(access)) {
        cJSON_DeleteItemFromObjectCaseSensitive(root, "access_token");
        access = cJSON_AddObjectToObject(root, "access_token");
    }
    cJSON_DeleteItemFromObjectCaseSensitive(access, "xms_cc");
    capability = cJSON_AddObjectToObject(access, "xms_cc");
    values = cJSON_AddArrayToObject(capability, "values");
    cp1 = cJSON_CreateString("cp1");
    if (!values || !cJSON_AddItemToArray(values, cp1)) {
        cJSON_Delete(cp1);
        return ERR_NO_MEMORY;
    }
    return 0;
}

int claims_merge(char **out, const char *claims, struct error *err)
{
    cJSON *root = claims ? json_parse_object(claims, strlen(claims), "the claims", err)
                         : cJSON_CreateObject();
    char *text = NULL;
    int code = root || !claims ? 0 : ERR_PROTOCOL;

    if (code == 0 &&
        (!root || add_capability(root) < 0 || !(text = cJSON_PrintUnformatted(root)))) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for claims");
    }
    if (code == 0) {
        free(*out);
        *out = text;
    }
    cJSON_Delete(root);
    return code;
}
