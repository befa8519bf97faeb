#include "registry.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf16.h"
#include "policy/schema.h"

enum { SHOWN_LIMIT = 200 };

void registry_image_init(struct registry_image *image, const char *const *roots)
{
    *image = (struct registry_image){.roots = roots};
}

static void value_clear(struct registry_value *value)
{
    str_free(&value->key);
    str_free(&value->name);
    free(value->data);
    value->data = NULL;
}

void registry_image_clear(struct registry_image *image)
{
    for (size_t i = 0; i < image->count; i++) {
        value_clear(&image->values[i]);
    }
    free(image->values);
    free(image->index);
    registry_image_init(image, image->roots);
}

bool registry_key_is_below(const char *key, const char *root, const char **rest)
{
    const char *from = key;

    while (*root) {
        if (!*from || str_fold(str_decode(&from)) != str_fold(str_decode(&root))) {
            return false;
        }
    }
    if (*from != '\0' && *from != '\\') {
        return false;
    }
    if (rest) {
        *rest = *from ? from + 1 : from;
    }
    return true;
}

static bool is_wanted(const struct registry_image *image, const char *key)
{
    for (size_t i = 0; image->roots && image->roots[i]; i++) {
        if (registry_key_is_below(key, image->roots[i], NULL)) {
            return true;
        }
    }
    return image->roots == NULL;
}

static uint64_t hash_of(enum registry_hive hive, const char *key, const char *name)
{
    return str_hash_nocase(key) * 31 + str_hash_nocase(name) + (uint64_t)hive;
}

static bool is_same(const struct registry_value *value, enum registry_hive hive, const char *key,
                    const char *name)
{
    return value->hive == hive && str_equal_nocase(value->name, name) &&
           str_equal_nocase(value->key, key);
}

/* The place in the index of the value, or the free one where it belongs. Dead values keep their
 * place, so that the chain holds. */
static size_t slot_of(const struct registry_image *image, enum registry_hive hive, const char *key,
                      const char *name)
{
    size_t mask = image->index_size - 1;
    size_t at = (size_t)hash_of(hive, key, name) & mask;

    while (image->index[at] != 0 &&
           !is_same(&image->values[image->index[at] - 1], hive, key, name)) {
        at = (at + 1) & mask;
    }
    return at;
}

/* Room for one more value, with the index never more than half full. */
static int grow(struct registry_image *image, struct error *err)
{
    size_t capacity = image->capacity ? 2 * image->capacity : 16;
    struct registry_value *values;
    size_t *index;

    if (image->count < image->capacity) {
        return 0;
    }
    index = calloc(2 * capacity, sizeof(*index));
    values = index ? realloc(image->values, capacity * sizeof(*values)) : NULL;
    if (!values) {
        free(index);
        return error_set(err, ERR_NO_MEMORY, "no memory for %zu registry values", capacity);
    }
    free(image->index);
    image->values = values;
    image->capacity = capacity;
    image->index = index;
    image->index_size = 2 * capacity;
    for (size_t i = 0; i < image->count; i++) {
        const struct registry_value *value = &image->values[i];

        index[slot_of(image, value->hive, value->key, value->name)] = i + 1;
    }
    return 0;
}

struct registry_value *registry_image_find(const struct registry_image *image,
                                           enum registry_hive hive, const char *key,
                                           const char *name)
{
    size_t found = image->index ? image->index[slot_of(image, hive, key, name)] : 0;

    return found == 0 || image->values[found - 1].is_dead ? NULL : &image->values[found - 1];
}

static int copy_value(struct registry_value *out, const struct registry_value *value,
                      struct error *err)
{
    *out = (struct registry_value){
        .hive = value->hive, .type = value->type, .size = value->size, .line = value->line};
    out->data = malloc(value->size ? value->size : 1);
    if (!out->data) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a registry value");
    }
    if (value->size > 0) {
        memcpy(out->data, value->data, value->size);
    }
    if (str_copy(&out->key, value->key, err) < 0 || str_copy(&out->name, value->name, err) < 0) {
        return ERR_NO_MEMORY;
    }
    return 0;
}

static int check_limits(const struct registry_image *image, const struct registry_value *value,
                        struct error *err)
{
    if (strlen(value->key) > REGISTRY_KEY_LIMIT) {
        return error_set(err, ERR_LIMIT, "a key is longer than %d bytes", REGISTRY_KEY_LIMIT);
    }
    if (strlen(value->name) > REGISTRY_NAME_LIMIT) {
        return error_set(err, ERR_LIMIT, "a name is longer than %d bytes", REGISTRY_NAME_LIMIT);
    }
    if (value->size > REGISTRY_DATA_LIMIT) {
        return error_set(err, ERR_LIMIT, "a value is larger than %d bytes", REGISTRY_DATA_LIMIT);
    }
    if (image->count >= REGISTRY_VALUE_LIMIT) {
        return error_set(err, ERR_LIMIT, "there are more than %d values", REGISTRY_VALUE_LIMIT);
    }
    return 0;
}

static size_t bytes_of(const struct registry_value *value)
{
    return value->size + strlen(value->key) + strlen(value->name);
}

int registry_image_put(struct registry_image *image, const struct registry_value *value,
                       struct error *err)
{
    struct registry_value copy = {0};
    struct registry_value *place;
    size_t slot;
    int code;

    if (!is_wanted(image, value->key)) {
        image->skipped++;
        return 0;
    }
    code = check_limits(image, value, err);
    if (code == 0 && image->bytes + bytes_of(value) > REGISTRY_BYTES_LIMIT) {
        code = error_set(err, ERR_LIMIT, "the values together are larger than %d bytes",
                         REGISTRY_BYTES_LIMIT);
    }
    if (code == 0) {
        code = grow(image, err);
    }
    if (code == 0) {
        code = copy_value(&copy, value, err);
    }
    if (code != 0) {
        value_clear(&copy);
        return code;
    }
    slot = slot_of(image, value->hive, value->key, value->name);
    if (image->index[slot] == 0) {
        image->index[slot] = ++image->count;
        place = &image->values[image->count - 1];
    } else {
        place = &image->values[image->index[slot] - 1];
        image->bytes -= bytes_of(place);
        value_clear(place);
    }
    *place = copy;
    image->bytes += bytes_of(place);
    return 0;
}

void registry_image_delete(struct registry_image *image, enum registry_hive hive, const char *key,
                           const char *name)
{
    struct registry_value *value = registry_image_find(image, hive, key, name);

    if (value) {
        value->is_dead = true;
    }
}

/* Each of them looks at all values: few enough that no file can make us work for long. */
static int count_bulk(struct registry_image *image, struct error *err)
{
    return image->bulk_count++ < REGISTRY_BULK_LIMIT
               ? 0
               : error_set(err, ERR_LIMIT, "it empties more than %d keys", REGISTRY_BULK_LIMIT);
}

/* Whether something that is kept can stand in `key`, or below it. */
static bool concerns(const struct registry_image *image, const char *key, bool is_deep)
{
    for (size_t i = 0; is_deep && image->roots && image->roots[i]; i++) {
        if (registry_key_is_below(image->roots[i], key, NULL)) {
            return true;
        }
    }
    return is_wanted(image, key);
}

static int delete_all(struct registry_image *image, enum registry_hive hive, const char *key,
                      bool is_deep, struct error *err)
{
    int code;

    if (!concerns(image, key, is_deep)) {
        return 0;
    }
    code = count_bulk(image, err);
    for (size_t i = 0; code == 0 && i < image->count; i++) {
        struct registry_value *value = &image->values[i];
        const char *rest = "";

        if (!value->is_dead && value->hive == hive &&
            registry_key_is_below(value->key, key, &rest) && (is_deep || !*rest)) {
            value->is_dead = true;
        }
    }
    return code;
}

int registry_image_delete_values(struct registry_image *image, enum registry_hive hive,
                                 const char *key, struct error *err)
{
    return delete_all(image, hive, key, false, err);
}

int registry_image_delete_key(struct registry_image *image, enum registry_hive hive,
                              const char *key, struct error *err)
{
    return delete_all(image, hive, key, true, err);
}

void registry_image_compact(struct registry_image *image)
{
    size_t kept = 0;

    for (size_t i = 0; i < image->count; i++) {
        if (image->values[i].is_dead) {
            image->bytes -= bytes_of(&image->values[i]);
            value_clear(&image->values[i]);
        } else {
            image->values[kept++] = image->values[i];
        }
    }
    image->count = kept;
    free(image->index);
    image->index = NULL;
    image->index_size = 0;
    image->capacity = kept; /* whoever puts again makes the index anew */
}

const char *registry_type_name(uint32_t type)
{
    switch (type) {
    case REGISTRY_NONE:
        return "REG_NONE";
    case REGISTRY_SZ:
        return "REG_SZ";
    case REGISTRY_EXPAND_SZ:
        return "REG_EXPAND_SZ";
    case REGISTRY_BINARY:
        return "REG_BINARY";
    case REGISTRY_DWORD:
        return "REG_DWORD";
    case REGISTRY_DWORD_BE:
        return "REG_DWORD_BIG_ENDIAN";
    case REGISTRY_MULTI_SZ:
        return "REG_MULTI_SZ";
    case REGISTRY_QWORD:
        return "REG_QWORD";
    default:
        return "a type that is not known";
    }
}

static int check_even(const struct registry_value *value, struct error *err)
{
    return value->size % 2 == 0 ? 0
                                : error_set(err, ERR_INVALID, "has half a character at its end");
}

int registry_value_text(char **out, const struct registry_value *value, struct error *err)
{
    size_t units = value->size / 2;
    int code = check_even(value, err);

    while (units > 0 && value->data[2 * units - 2] == 0 && value->data[2 * units - 1] == 0) {
        units--;
    }
    return code < 0 ? code : utf16le_decode(out, value->data, units, err);
}

int registry_value_texts(struct str_list *out, const struct registry_value *value,
                         struct error *err)
{
    const unsigned char *at = value->data;
    size_t units = value->size / 2;
    char *text = NULL;
    int code = check_even(value, err);

    while (code == 0 && units > 0) {
        size_t length = utf16le_length(at, units);

        if (length > 0) {
            code = utf16le_decode(&text, at, length, err);
            if (code == 0) {
                code = str_list_add(out, text, err);
            }
        }
        length += length < units ? 1 : 0; /* the NUL */
        at += 2 * length;
        units -= length;
    }
    str_free(&text);
    return code;
}

bool registry_value_number(const struct registry_value *value, uint64_t *number)
{
    size_t size = value->type == REGISTRY_QWORD ? 8 : 4;

    if ((value->type != REGISTRY_DWORD && value->type != REGISTRY_DWORD_BE &&
         value->type != REGISTRY_QWORD) ||
        value->size != size) {
        return false;
    }
    *number = 0;
    for (size_t i = 0; i < size; i++) {
        size_t at = value->type == REGISTRY_DWORD_BE ? i : size - 1 - i;

        *number = *number << 8 | value->data[at];
    }
    return true;
}

static int show_bytes(struct buf *out, const struct registry_value *value, struct error *err)
{
    int code = buf_add_text(out, "hex", err);

    for (size_t i = 0; code == 0 && i < value->size && i < 32; i++) {
        code = buf_add_format(out, err, " %02x", value->data[i]);
    }
    return code == 0 && value->size > 32 ? buf_add_text(out, " ...", err) : code;
}

/* The texts joined by " | "; ERR_INVALID when they are none. */
static int show_texts(struct buf *out, const struct registry_value *value, struct error *err)
{
    struct str_list texts = {0};
    int code = registry_value_texts(&texts, value, err);

    for (size_t i = 0; code == 0 && i < texts.count && out->size < SHOWN_LIMIT; i++) {
        code = buf_add_format(out, err, "%s%s", i > 0 ? " | " : "", texts.items[i]);
    }
    str_list_clear(&texts);
    return code;
}

/* Cuts at a character. */
static void cut(char *text)
{
    size_t length = strlen(text);

    if (length <= SHOWN_LIMIT) {
        return;
    }
    length = SHOWN_LIMIT - 3;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) {
        length--;
    }
    memcpy(text + length, "...", sizeof("..."));
}

int registry_value_show(char **out, const struct registry_value *value, struct error *err)
{
    struct buf text;
    uint64_t number;
    bool is_text = value->type == REGISTRY_SZ || value->type == REGISTRY_EXPAND_SZ ||
                   value->type == REGISTRY_MULTI_SZ;
    int code;

    buf_init(&text, REGISTRY_DATA_LIMIT * 4);
    if (registry_value_number(value, &number)) {
        code = buf_add_format(&text, err, "%llu", (unsigned long long)number);
    } else {
        code = is_text ? show_texts(&text, value, err) : ERR_INVALID;
        if (code == ERR_INVALID) {
            buf_reset(&text);
            code = show_bytes(&text, value, err);
        }
    }
    if (code == 0) {
        code = setting_display(out, NULL, buf_text(&text), err);
    }
    if (code == 0) {
        cut(*out);
    }
    for (char *c = code == 0 ? *out : NULL; c && *c; c++) {
        *c = *c == '\n' ? ' ' : *c;
    }
    buf_clear(&text);
    return code;
}
