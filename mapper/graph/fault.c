#include "graph/fault.h"

#include <string.h>

#include "base/str.h"
#include "graph/json.h"

#define NESTING_MAX 8
#define CODE_SIZE 48

/* Codes that say more than their status; what is not here is told by the status. */
static const struct {
    const char *name;
    int code;
} known_codes[] = {
    {"resourceLocked", ERR_LOCKED},
    {"nameAlreadyExists", ERR_EXISTS},
    {"upload_name_conflict", ERR_EXISTS},
    {"quotaLimitReached", ERR_NO_SPACE},
    {"insufficientStorage", ERR_NO_SPACE},
    {"pathIsTooLong", ERR_NAME_TOO_LONG},
    {"invalidPath", ERR_BAD_NAME},
    {"malwareDetected", ERR_DENIED},
    {"entityTagDoesNotMatch", ERR_CHANGED},
    {"resourceModified", ERR_CHANGED},
    {"itemNotFound", ERR_NOT_FOUND},
    {"accessDenied", ERR_DENIED},
    {"notAllowed", ERR_DENIED},
};

static int code_of_name(const char *name)
{
    for (size_t i = 0; i < sizeof(known_codes) / sizeof(known_codes[0]); i++) {
        if (str_equal(known_codes[i].name, name)) {
            return known_codes[i].code;
        }
    }
    return 0;
}

struct fault {
    char name[CODE_SIZE]; /* the deepest known code, else the outermost */
    int code;             /* of the name; 0: says nothing */
    char request_id[CODE_SIZE];
};

static void read_fault(struct fault *fault, const char *body, size_t size)
{
    cJSON *json = size ? json_parse_object(body, size, "an error", NULL) : NULL;
    const cJSON *at = json ? cJSON_GetObjectItemCaseSensitive(json, "error") : NULL;

    for (int depth = 0; cJSON_IsObject(at) && depth < NESTING_MAX; depth++) {
        const char *name = json_text(at, "code");
        const cJSON *inner = cJSON_GetObjectItemCaseSensitive(at, "innerError");

        if (name && (fault->name[0] == '\0' || code_of_name(name) < 0)) {
            json_show_text(fault->name, sizeof(fault->name), at, "code");
            fault->code = code_of_name(name);
        }
        if (json_text(at, "request-id")) {
            json_show_text(fault->request_id, sizeof(fault->request_id), at, "request-id");
        }
        at = inner ? inner : cJSON_GetObjectItemCaseSensitive(at, "innererror");
    }
    cJSON_Delete(json);
}

static int code_of_status(int status, const struct fault *fault, bool is_naming)
{
    if (fault->code == ERR_LOCKED || status == 423) {
        return ERR_LOCKED; /* accessDenied under 423 is a lock as well */
    }
    switch (status) {
    case 400:
    case 422:
        if (fault->code < 0) {
            return fault->code;
        }
        return is_naming ? ERR_BAD_NAME : ERR_INVALID;
    case 401:
        return ERR_SIGNED_OUT;
    case 402:
    case 403:
        return fault->code == ERR_NO_SPACE ? ERR_NO_SPACE : ERR_DENIED;
    case 404:
        return ERR_NOT_FOUND;
    case 409:
        return fault->code == ERR_EXISTS ? ERR_EXISTS : ERR_CHANGED;
    case 410:
        return ERR_GONE;
    case 412:
        return ERR_CHANGED;
    case 413:
        return ERR_TOO_LARGE;
    case 429:
    case 503:
    case 509:
        return ERR_THROTTLED;
    case 507:
        return ERR_NO_SPACE;
    case 408:
    case 424:
        return ERR_SERVER;
    default:
        return status >= 500 ? ERR_SERVER : ERR_INVALID;
    }
}

int fault_set(int status, const char *body, size_t size, const char *request_id, bool is_naming,
              struct error *err)
{
    struct fault fault = {0};

    if (status < 400) {
        return error_set(err, ERR_PROTOCOL, "the service answered %d where that has no meaning",
                         status);
    }
    read_fault(&fault, body, size);
    return error_set(
        err, code_of_status(status, &fault, is_naming),
        "the service answered %d%s%s (request %.40s)", status, fault.name[0] ? " " : "", fault.name,
        request_id ? request_id : (fault.request_id[0] ? fault.request_id : "unknown"));
}

int fault_from_response(const struct http_response *response, bool is_naming, struct error *err)
{
    int code = fault_set(response->status, response->body.data, response->body.size,
                         response->request_id, is_naming, err);

    if (response->virus && code == ERR_DENIED) {
        error_prefix(err, "the file is infected (%.60s)", response->virus);
    }
    return code;
}
