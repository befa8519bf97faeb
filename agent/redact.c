#include "redact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "policy/schema.h"

#define NAMES_MAX 200000
#define NAME_MIN 3
#define LONG_LINE 1100 /* log.h cuts lines at about this: what is at the end may be cut, too */
#define SECRET_MIN 40  /* more characters of a token's alphabet than any word of ours has */
#define TEXT_MAX ((size_t)8 << 20)
#define BUCKETS 4096

struct name {
    struct name *next; /* in its bucket */
    unsigned number;
    size_t length;
    char text[];
};

struct redactor {
    struct name *buckets[BUCKETS]; /* by the first three bytes */
    unsigned count;
};

static unsigned char fold(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool is_word(char c)
{
    unsigned char folded = fold(c);

    return (folded >= 'a' && folded <= 'z') || (c >= '0' && c <= '9') || folded >= 0x80;
}

static bool is_same(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (fold(a[i]) != fold(b[i])) {
            return false;
        }
    }
    return true;
}

/* Of a text of at least NAME_MIN bytes; shorter ones have a bucket of their own. */
static size_t bucket_of(const char *text, size_t length)
{
    size_t hash = 0;

    for (size_t i = 0; i < NAME_MIN && length >= NAME_MIN; i++) {
        hash = hash * 31 + fold(text[i]);
    }
    return hash % BUCKETS;
}

int redactor_new(struct redactor **out, struct error *err)
{
    struct redactor *redactor = calloc(1, sizeof(*redactor));

    if (!redactor) {
        return error_set(err, ERR_NO_MEMORY, "no memory to leave names out");
    }
    *out = redactor;
    return 0;
}

void redactor_free(struct redactor *redactor)
{
    for (size_t i = 0; redactor && i < BUCKETS; i++) {
        while (redactor->buckets[i]) {
            struct name *name = redactor->buckets[i];

            redactor->buckets[i] = name->next;
            free(name);
        }
    }
    free(redactor);
}

/* *number = the name's, 0 when there are too many to count. */
static int number_of(unsigned *number, struct redactor *redactor, const char *text, size_t length,
                     struct error *err)
{
    struct name **bucket = &redactor->buckets[bucket_of(text, length)];
    struct name *name = *bucket;

    while (name && !(name->length == length && is_same(name->text, text, length))) {
        name = name->next;
    }
    if (!name && redactor->count < NAMES_MAX) {
        name = calloc(1, sizeof(*name) + length + 1);
        if (!name) {
            return error_set(err, ERR_NO_MEMORY, "no memory to leave names out");
        }
        memcpy(name->text, text, length);
        name->length = length;
        name->number = ++redactor->count;
        name->next = *bucket;
        *bucket = name;
    }
    *number = name ? name->number : 0;
    return 0;
}

int redactor_learn(struct redactor *redactor, const char *text, struct error *err)
{
    size_t length = strlen(text);
    unsigned number;
    int code = length > 0 ? number_of(&number, redactor, text, length, err) : 0;

    while (code == 0 && *text) {
        size_t part = strcspn(text, "/\\");

        if (part >= NAME_MIN) {
            code = number_of(&number, redactor, text, part, err);
        }
        text += part + (text[part] != '\0');
    }
    return code;
}

/* --- free text --- */

/* The longest learnt name that stands at `text`, as a word of its own; 0: none. */
static size_t find_name(const struct redactor *redactor, const char *text, size_t size)
{
    const struct name *name;
    size_t found = 0;

    if (size < NAME_MIN) {
        return 0;
    }
    for (name = redactor->buckets[bucket_of(text, size)]; name; name = name->next) {
        if (name->length > found && name->length >= NAME_MIN && name->length <= size &&
            is_same(name->text, text, name->length) &&
            (name->length == size || !is_word(text[name->length]))) {
            found = name->length;
        }
    }
    return found;
}

static int add_number(struct buf *out, struct redactor *redactor, const char *text, size_t length,
                      struct error *err)
{
    unsigned number = 0;
    int code = number_of(&number, redactor, text, length, err);

    return code < 0 ? code : buf_add_format(out, err, "<%u>", number);
}

static bool has(const char *text, size_t size, const char *part)
{
    size_t length = strlen(part);

    for (size_t i = 0; i + length <= size; i++) {
        if (is_same(text + i, part, length)) {
            return true;
        }
    }
    return false;
}

static bool is_guid(const char *text, size_t size)
{
    if (size != 36) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        unsigned char c = fold(text[i]);

        if (is_dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
    }
    return true;
}

/* Whether it could be a token, a code, a signature: a long run of their alphabet. */
static bool has_secret(const char *text, size_t size)
{
    size_t run = 0;

    for (size_t i = 0; i < size; i++) {
        run = is_word(text[i]) || strchr("-_+=.!~%", text[i]) ? run + 1 : 0;
        if (run >= SECRET_MIN) {
            return true;
        }
    }
    return false;
}

/* Of a URL the host stays, when it is the service's or a proxy's: the paths are names. */
static int add_url(struct buf *out, struct redactor *redactor, const char *text, size_t size,
                   size_t scheme, struct error *err)
{
    size_t host = 0;
    int code = buf_add(out, text, scheme, err);

    text += scheme;
    size -= scheme;
    while (host < size && !strchr("/?#\\", text[host])) {
        host++;
    }
    if (code == 0 && (memchr(text, '@', host) || has(text, host, ".sharepoint."))) {
        code = add_number(out, redactor, text, host, err);
    } else if (code == 0) {
        code = buf_add(out, text, host, err);
    }
    return code == 0 && host < size ? buf_add_text(out, "/...", err) : code;
}

/* One word between blanks, without a name that was learnt in it. */
static int add_word(struct buf *out, struct redactor *redactor, const char *text, size_t size,
                    struct error *err)
{
    for (size_t i = 0; i + 3 < size; i++) {
        if (memcmp(text + i, "://", 3) == 0) {
            return add_url(out, redactor, text, size, i + 3, err);
        }
    }
    if (memchr(text, '@', size) || has(text, size, ".sharepoint.") ||
        has(text, size, ".onmicrosoft.") || has_secret(text, size)) {
        return add_number(out, redactor, text, size, err);
    }
    return buf_add(out, text, size, err);
}

/* What stands outside of quotes: first the names that were learnt, and the words between them. */
static int add_prose(struct buf *out, struct redactor *redactor, const char *text, size_t size,
                     struct error *err)
{
    size_t start = 0; /* of the word that is being read */
    size_t i = 0;
    int code = 0;

    while (i < size && code == 0) {
        size_t length =
            i == 0 || !is_word(text[i - 1]) ? find_name(redactor, text + i, size - i) : 0;

        if (length > 0 || text[i] == ' ') {
            code = i > start ? add_word(out, redactor, text + start, i - start, err) : 0;
            if (code == 0) {
                code = length > 0 ? add_number(out, redactor, text + i, length, err)
                                  : buf_add(out, " ", 1, err);
            }
            i += length > 0 ? length : 1;
            start = i;
        } else {
            i++;
        }
    }
    return code == 0 && size > start ? add_word(out, redactor, text + start, size - start, err)
                                     : code;
}

/* Whether the quote at `i` begins a name: an apostrophe ("the user's") stands behind a letter. */
static bool is_opening(const char *text, size_t i)
{
    return text[i] == '\'' && (i == 0 || !is_word(text[i - 1]));
}

/* From the first quote to the last: a name may have quotes itself, so nothing between is safe. */
static int add_line(struct buf *out, struct redactor *redactor, const char *text, size_t size,
                    struct error *err)
{
    size_t from = 0;
    size_t to = size;
    int code;

    while (from < size && !is_opening(text, from)) {
        from++;
    }
    if (from == size) {
        return add_prose(out, redactor, text, size, err);
    }
    while (to > from + 1 && text[to - 1] != '\'') {
        to--;
    }
    if (to == from + 1 || size >= LONG_LINE || is_opening(text, to - 1)) {
        to = size; /* the end was cut off */
    }
    code = add_prose(out, redactor, text, from, err);
    if (code == 0) {
        code = add_number(out, redactor, text + from + 1,
                          to - from - 1 - (size_t)(text[to - 1] == '\'' && to > from + 1), err);
    }
    return code < 0 ? code : add_prose(out, redactor, text + to, size - to, err);
}

int redact_text(struct buf *out, struct redactor *redactor, const char *text, size_t size,
                struct error *err)
{
    int code = 0;

    while (size > 0 && code == 0) {
        const char *newline = memchr(text, '\n', size);
        size_t length = newline ? (size_t)(newline - text) : size;

        code = add_line(out, redactor, text, length, err);
        if (code == 0 && newline) {
            code = buf_add(out, "\n", 1, err);
        }
        text += length + (newline != NULL);
        size -= length + (newline != NULL);
    }
    return code;
}

/* --- JSON --- */

enum treatment { KEEP, PROSE, NAME };

/* By the member's name, and where it stands. What is not listed is a name. */
static enum treatment treat(const char *key, const cJSON *object, const char *parent)
{
    static const char *const kept[] = {"version",  "started",    "state",   "code",     "level",
                                       "step",     "verdict",    "kind",    "type",     "since",
                                       "loaded",   "discovered", "retryAt", "letter",   "layer",
                                       "severity", "category",   "unit",    "tenantId", "nextStart",
                                       "system",   "libraries",  "made"};
    static const char *const prose[] = {"message", "text",     "advice",       "reason",
                                        "warning", "next",     "title",        "fallback",
                                        "notes",   "problems", "setupProblems"};

    for (size_t i = 0; key && i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (strcmp(key, kept[i]) == 0) {
            return KEEP;
        }
    }
    for (size_t i = 0; key && i < sizeof(prose) / sizeof(prose[0]); i++) {
        if (strcmp(key, prose[i]) == 0) {
            return PROSE;
        }
    }
    if (key && strcmp(key, "name") == 0 &&
        (cJSON_GetObjectItemCaseSensitive(object, "level") || str_equal(parent, "transport"))) {
        return KEEP; /* of a check, of a transport; an account's is the tenant's */
    }
    return NAME;
}

typedef int (*visit_fn)(cJSON *text, enum treatment treatment, struct redactor *redactor,
                        struct error *err);

/* Every text of the tree. `key` is the nearest member's name, `object` where that stands. */
static int walk(cJSON *json, const char *key, const cJSON *object, const char *parent,
                visit_fn visit, struct redactor *redactor, struct error *err)
{
    cJSON *child;
    int code = 0;

    if (cJSON_IsString(json)) {
        return visit(json, treat(key, object, parent), redactor, err);
    }
    cJSON_ArrayForEach(child, json)
    {
        bool is_member = cJSON_IsObject(json);

        code = walk(child, is_member ? child->string : key, is_member ? json : object,
                    is_member ? key : parent, visit, redactor, err);
        if (code < 0) {
            break;
        }
    }
    return code;
}

static int learn(cJSON *text, enum treatment treatment, struct redactor *redactor,
                 struct error *err)
{
    return treatment == NAME ? redactor_learn(redactor, text->valuestring, err) : 0;
}

int redactor_learn_json(struct redactor *redactor, const cJSON *json, struct error *err)
{
    /* learn() changes nothing: the tree is only walked */
    return walk((cJSON *)json, NULL, NULL, NULL, learn, redactor, err);
}

static int replace(cJSON *text, const char *by, struct error *err)
{
    return cJSON_SetValuestring(text, by)
               ? 0
               : error_set(err, ERR_NO_MEMORY, "no memory to leave names out");
}

static int replace_by_number(cJSON *text, struct redactor *redactor, struct error *err)
{
    char number[32];
    unsigned value = 0;
    int code = number_of(&value, redactor, text->valuestring, strlen(text->valuestring), err);

    snprintf(number, sizeof(number), "<%u>", value);
    return code < 0 ? code : replace(text, number, err);
}

static int redact_value(cJSON *text, enum treatment treatment, struct redactor *redactor,
                        struct error *err)
{
    struct buf line;
    int code = 0;

    if (treatment == KEEP || is_guid(text->valuestring, strlen(text->valuestring))) {
        return 0;
    }
    if (treatment == NAME) {
        return replace_by_number(text, redactor, err);
    }
    buf_init(&line, TEXT_MAX);
    code = redact_text(&line, redactor, text->valuestring, strlen(text->valuestring), err);
    if (code == 0) {
        code = replace(text, buf_text(&line), err);
    }
    buf_clear(&line);
    return code;
}

int redact_json(cJSON *json, struct redactor *redactor, struct error *err)
{
    return walk(json, NULL, NULL, NULL, redact_value, redactor, err);
}

/* --- policy --- */

static bool has_text(const cJSON *json, const char *text)
{
    const cJSON *entry;

    if (json && cJSON_IsString(json)) {
        return strcmp(json->valuestring, text) == 0;
    }
    cJSON_ArrayForEach(entry, json)
    {
        if (cJSON_IsString(entry) && strcmp(entry->valuestring, text) == 0) {
            return true;
        }
    }
    return false;
}

/* `json`: a value, or a list of them. */
static int redact_setting_value(cJSON *json, const cJSON *by_default, struct redactor *redactor,
                                struct error *err)
{
    cJSON *entry;
    int code = 0;

    if (cJSON_IsString(json)) {
        return *json->valuestring == '\0' || has_text(by_default, json->valuestring) ||
                       is_guid(json->valuestring, strlen(json->valuestring))
                   ? 0
                   : replace_by_number(json, redactor, err);
    }
    cJSON_ArrayForEach(entry, json)
    {
        code = redact_setting_value(entry, by_default, redactor, err);
        if (code < 0) {
            break;
        }
    }
    return code;
}

static int redact_origins(cJSON *origins, const cJSON *by_default, bool is_open,
                          struct redactor *redactor, struct error *err)
{
    cJSON *origin;
    int code = 0;

    cJSON_ArrayForEach(origin, origins)
    {
        if (!is_open) {
            code = redact_setting_value(cJSON_GetObjectItemCaseSensitive(origin, "value"),
                                        by_default, redactor, err);
        }
        if (code < 0) {
            break;
        }
    }
    return code;
}

static int redact_setting(cJSON *setting, struct redactor *redactor, struct error *err)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(setting, "name"));
    const struct setting *row = name ? schema_find(name) : NULL;
    bool is_open = row && (row->type == SETTING_ENUM || row->type == SETTING_INT ||
                           row->type == SETTING_SWITCH);
    const cJSON *by_default = cJSON_GetObjectItemCaseSensitive(setting, "default");
    int code = 0;

    if (!is_open) {
        code = redact_setting_value(cJSON_GetObjectItemCaseSensitive(setting, "value"),
                                    row && !(row->flags & SETTING_PATH) ? by_default : NULL,
                                    redactor, err);
    }
    if (code == 0 && row && row->flags & SETTING_PATH) { /* holds the home folder */
        code = redact_setting_value(cJSON_GetObjectItemCaseSensitive(setting, "default"), NULL,
                                    redactor, err);
    }
    if (code == 0) {
        code = redact_origins(cJSON_GetObjectItemCaseSensitive(setting, "sources"), by_default,
                              is_open, redactor, err);
    }
    return code < 0 ? code
                    : redact_origins(cJSON_GetObjectItemCaseSensitive(setting, "overrides"),
                                     by_default, is_open, redactor, err);
}

/* Paths of policy files are known places, but for the user's own folder, which was learnt. */
static int redact_places(cJSON *json, struct redactor *redactor, struct error *err)
{
    cJSON *child;
    int code = 0;

    cJSON_ArrayForEach(child, json)
    {
        const char *key = child->string ? child->string : "";

        if (cJSON_IsString(child) &&
            (strcmp(key, "file") == 0 || strcmp(key, "message") == 0 ||
             (strcmp(key, "key") == 0 && !schema_find(child->valuestring)))) {
            code = redact_value(child, PROSE, redactor, err);
        } else {
            code = redact_places(child, redactor, err);
        }
        if (code < 0) {
            break;
        }
    }
    return code;
}

int redact_policy(cJSON *json, struct redactor *redactor, struct error *err)
{
    cJSON *setting;
    int code = 0;

    cJSON_ArrayForEach(setting, cJSON_GetObjectItemCaseSensitive(json, "settings"))
    {
        code = redact_setting(setting, redactor, err);
        if (code < 0) {
            return code;
        }
    }
    return redact_places(json, redactor, err);
}
