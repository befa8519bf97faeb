#include "graph/json_array.h"

#include <string.h>

/* What comes next. cJSON reads each value, what stands between them is read here. */
enum state {
    OPENING,
    FIRST_KEY, /* or the end of the object */
    KEY,
    COLON,
    MEMBER,
    AFTER_MEMBER,
    FIRST_ELEMENT, /* or the end of the array */
    ELEMENT,
    AFTER_ELEMENT,
    CLOSED, /* what follows does not count */
};

struct text {
    const char *data;
    size_t size;
    bool is_whole;
};

static int no_json(struct json_array *array)
{
    return error_set(&array->err, ERR_PROTOCOL, "%s is no JSON object", array->what);
}

static int no_memory(struct json_array *array)
{
    return error_set(&array->err, ERR_NO_MEMORY, "no memory for %s", array->what);
}

/* Whether the value at `at`, in a text that grows, is there with the byte after it: without that a
 * number may go on. It need not be JSON, that is for cJSON to tell. Each byte is looked at once. */
static bool has_arrived(struct json_array *array, const struct text *text)
{
    if (array->scanned < array->at) {
        array->scanned = array->at;
        array->depth = 0;
        array->is_in_text = false;
        array->is_escaped = false;
    }
    for (; array->scanned < text->size; array->scanned++) {
        char c = text->data[array->scanned];

        if (array->is_in_text) {
            array->is_in_text = c != '"' || array->is_escaped;
            array->is_escaped = c == '\\' && !array->is_escaped;
        } else if (c == '"') {
            array->is_in_text = true;
        } else if (c == '{' || c == '[') {
            array->depth++;
        } else if (array->depth == 0 && (c == ',' || c == ':' || c == '}' || c == ']')) {
            return array->scanned - array->at <= JSON_ARRAY_VALUE_MAX;
        } else if (c == '}' || c == ']') {
            array->depth--;
        }
    }
    return false;
}

/* 1 and the value; 0 when it is not there yet. */
static int take_value(cJSON **value, struct json_array *array, const struct text *text)
{
    const char *end = NULL;

    if (!text->is_whole && !has_arrived(array, text)) {
        return 0;
    }
    *value = cJSON_ParseWithLengthOpts(text->data + array->at, text->size - array->at, &end, false);
    if (!*value) {
        return no_json(array);
    }
    array->at = (size_t)(end - text->data);
    return 1;
}

static int take(struct json_array *array, char c, char expected, enum state next)
{
    if (c != expected) {
        return no_json(array);
    }
    array->state = next;
    array->at++;
    return 1;
}

static int take_key(struct json_array *array, const struct text *text)
{
    int code = take_value(&array->key, array, text);

    array->state = COLON;
    if (code == 0) {
        array->state = KEY;
    }
    return code == 1 && !cJSON_IsString(array->key) ? no_json(array) : code;
}

/* The first of that name, as elsewhere. */
static bool is_wanted(const struct json_array *array)
{
    return !array->was_visited && strcmp(array->key->valuestring, array->name) == 0;
}

static int take_member(struct json_array *array, char c, const struct text *text)
{
    cJSON *value = NULL;
    int code = 1;

    if (c == '[' && is_wanted(array)) {
        array->was_visited = true;
        array->state = FIRST_ELEMENT;
        array->at++;
    } else {
        code = take_value(&value, array, text);
        if (code <= 0) {
            return code;
        }
        if (!cJSON_AddItemToObject(array->rest, array->key->valuestring, value)) {
            cJSON_Delete(value);
            return no_memory(array);
        }
        array->state = AFTER_MEMBER;
    }
    cJSON_Delete(array->key);
    array->key = NULL;
    return code;
}

static int take_element(struct json_array *array, const struct text *text)
{
    cJSON *element = NULL;
    int code = take_value(&element, array, text);

    array->state = ELEMENT;
    if (code == 1) {
        int visited = array->visit(array->payload, element, &array->err);

        array->state = AFTER_ELEMENT;
        code = visited < 0 ? visited : 1;
    }
    cJSON_Delete(element);
    return code;
}

/* 1; 0 when the text does not go far enough yet; or what is wrong with it. */
static int step(struct json_array *array, const struct text *text)
{
    char c = '\0';

    while (array->at < text->size && (unsigned char)text->data[array->at] <= ' ') {
        array->at++; /* blank, as cJSON has it */
    }
    if (array->at >= text->size) {
        return text->is_whole ? no_json(array) : 0;
    }
    c = text->data[array->at];
    switch (array->state) {
    case OPENING:
        return take(array, c, '{', FIRST_KEY);
    case FIRST_KEY:
        return c == '}' ? take(array, c, '}', CLOSED) : take_key(array, text);
    case KEY:
        return take_key(array, text);
    case COLON:
        return take(array, c, ':', MEMBER);
    case MEMBER:
        return take_member(array, c, text);
    case AFTER_MEMBER:
        return c == ',' ? take(array, c, ',', KEY) : take(array, c, '}', CLOSED);
    case FIRST_ELEMENT:
        return c == ']' ? take(array, c, ']', AFTER_MEMBER) : take_element(array, text);
    case ELEMENT:
        return take_element(array, text);
    default:
        return c == ',' ? take(array, c, ',', ELEMENT) : take(array, c, ']', AFTER_MEMBER);
    }
}

static void run(struct json_array *array, const struct text *text)
{
    int code = array->code;

    if (code == 0 && !array->rest) {
        array->rest = cJSON_CreateObject();
        code = array->rest ? 0 : no_memory(array);
    }
    if (code == 0) {
        do {
            code = array->state == CLOSED ? 0 : step(array, text);
        } while (code == 1);
    }
    array->code = code;
}

void json_array_begin(struct json_array *array, const char *what, const char *name,
                      json_visit_fn visit, void *payload)
{
    *array = (struct json_array){
        .what = what, .name = name, .visit = visit, .payload = payload, .state = OPENING};
}

void json_array_more(struct json_array *array, const char *text, size_t size)
{
    struct text part = {.data = text, .size = size};

    run(array, &part);
}

int json_array_end(cJSON **rest, struct json_array *array, const char *text, size_t size,
                   struct error *err)
{
    struct text whole = {.data = text, .size = text ? size : 0, .is_whole = true};
    int code = 0;

    *rest = NULL;
    run(array, &whole);
    code = array->code;
    if (code == 0) {
        *rest = array->rest;
        array->rest = NULL;
        code = array->was_visited ? 1 : 0;
    } else if (err) {
        *err = array->err;
    }
    json_array_clear(array);
    return code;
}

void json_array_clear(struct json_array *array)
{
    cJSON_Delete(array->rest);
    cJSON_Delete(array->key);
    array->rest = NULL;
    array->key = NULL;
}
