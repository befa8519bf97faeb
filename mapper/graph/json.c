#include "graph/json.h"

#include <math.h>
#include <string.h>

#include "base/str.h"

cJSON *json_parse_object(const char *text, size_t size, const char *what, struct error *err)
{
    cJSON *json = text ? cJSON_ParseWithLength(text, size) : NULL;

    if (!cJSON_IsObject(json)) {
        cJSON_Delete(json);
        error_set(err, ERR_PROTOCOL, "%s is no JSON object", what);
        return NULL;
    }
    return json;
}

const char *json_text(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text && str_is_utf8(text, strlen(text)) ? text : NULL;
}

cJSON *json_text_object(const cJSON *object, const char *name)
{
    const char *text = json_text(object, name);

    return text ? json_parse_object(text, strlen(text), name, NULL) : NULL;
}

bool json_number(const cJSON *member, int64_t *out)
{
    if (cJSON_IsString(member)) {
        return str_to_int64(member->valuestring, INT64_MIN, INT64_MAX, out);
    }
    /* 2^53: above, a double no longer holds every whole number */
    if (!cJSON_IsNumber(member) || !(fabs(member->valuedouble) <= 9007199254740992.0)) {
        return false;
    }
    *out = (int64_t)member->valuedouble;
    return true;
}

bool json_int64(const cJSON *object, const char *name, int64_t *out)
{
    return json_number(cJSON_GetObjectItemCaseSensitive(object, name), out);
}

int json_copy_text(char **out, const cJSON *object, const char *name, struct error *err)
{
    const char *text = json_text(object, name);

    return text ? str_copy(out, text, err) : 0;
}

void json_show_text(char *out, size_t size, const cJSON *object, const char *name)
{
    const char *text = json_text(object, name);
    size_t used = 0;

    while (text && *text) {
        const char *start = text;
        uint32_t c = str_decode(&text);
        size_t length = (size_t)(text - start);

        if (used + length >= size) {
            break;
        }
        if (c < 0x20 || (c >= 0x7F && c < 0xA0)) {
            out[used++] = ' ';
        } else {
            memcpy(out + used, start, length);
            used += length;
        }
    }
    out[used] = '\0';
}
