#include "graph/json_array.h"

#include <stdbool.h>
#include <string.h>

/* What was read so far; cJSON reads each value, what stands between them is read here. */
struct cursor {
    const char *at;
    const char *end;
};

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end && (unsigned char)*c->at <= ' ') { /* as cJSON has it */
        c->at++;
    }
}

static bool is_next(struct cursor *c, char expected)
{
    skip_blanks(c);
    return c->at < c->end && *c->at == expected;
}

static bool take(struct cursor *c, char expected)
{
    bool is_there = is_next(c, expected);

    c->at += is_there ? 1 : 0;
    return is_there;
}

static cJSON *take_value(struct cursor *c)
{
    const char *end = NULL;
    cJSON *value = NULL;

    skip_blanks(c);
    value = c->at < c->end ? cJSON_ParseWithLengthOpts(c->at, (size_t)(c->end - c->at), &end, false)
                           : NULL;
    if (value) {
        c->at = end;
    }
    return value;
}

static int no_json(const char *what, struct error *err)
{
    return error_set(err, ERR_PROTOCOL, "%s is no JSON object", what);
}

static int visit_elements(struct cursor *c, const char *what, json_visit_fn visit, void *payload,
                          struct error *err)
{
    int code = 0;

    if (!take(c, '[')) {
        return no_json(what, err);
    }
    if (take(c, ']')) {
        return 0;
    }
    do {
        cJSON *element = take_value(c);

        code = element ? visit(payload, element, err) : no_json(what, err);
        cJSON_Delete(element);
    } while (code == 0 && take(c, ','));
    return code == 0 && !take(c, ']') ? no_json(what, err) : code;
}

/* One member, its value visited (1) or put into `rest` (0). */
static int take_member(struct cursor *c, cJSON *rest, const char *what, const char *name,
                       json_visit_fn visit, void *payload, struct error *err)
{
    cJSON *key = take_value(c);
    cJSON *value = NULL;
    int code = cJSON_IsString(key) && take(c, ':') ? 0 : no_json(what, err);

    if (code == 0 && name && strcmp(key->valuestring, name) == 0 && is_next(c, '[')) {
        code = visit_elements(c, what, visit, payload, err);
        code = code == 0 ? 1 : code;
    } else if (code == 0) {
        value = take_value(c);
        code = value ? 0 : no_json(what, err);
        if (value && !cJSON_AddItemToObject(rest, key->valuestring, value)) {
            cJSON_Delete(value);
            code = error_set(err, ERR_NO_MEMORY, "no memory for %s", what);
        }
    }
    cJSON_Delete(key);
    return code;
}

static int take_object(struct cursor *c, cJSON *rest, const char *what, const char *name,
                       json_visit_fn visit, void *payload, struct error *err)
{
    bool was_visited = false;
    int code = 0;

    if (!take(c, '{')) {
        return no_json(what, err);
    }
    if (take(c, '}')) {
        return 0;
    }
    do { /* the first of that name, as elsewhere */
        code = take_member(c, rest, what, was_visited ? NULL : name, visit, payload, err);
        was_visited = was_visited || code == 1;
    } while (code >= 0 && take(c, ','));
    if (code >= 0 && !take(c, '}')) {
        code = no_json(what, err);
    }
    return code < 0 ? code : was_visited;
}

int json_visit_array(cJSON **rest, const char *text, size_t size, const char *what,
                     const char *name, json_visit_fn visit, void *payload, struct error *err)
{
    struct cursor c = {.at = text, .end = text ? text + size : NULL};
    cJSON *others = cJSON_CreateObject();
    int code = 0;

    *rest = NULL;
    if (!others) {
        return error_set(err, ERR_NO_MEMORY, "no memory for %s", what);
    }
    code = take_object(&c, others, what, name, visit, payload, err);
    if (code < 0) {
        cJSON_Delete(others);
        return code;
    }
    *rest = others;
    return code;
}
