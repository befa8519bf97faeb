/*
 * Registry.pol, the file that Group Policy and Samba write (windows-facts 4.4, [MS-GPREG] 2.2.1):
 * "PReg", version 1, then records [key;name;type;size;data] whose brackets, semicolons and texts
 * are UTF-16LE. Key and name end with a NUL; type and size are 32 bits.
 */
#include "registry.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf16.h"

struct reader {
    const unsigned char *at;
    size_t left;
    size_t record; /* from 1, for messages */
};

static int broken(const struct reader *reader, const char *what, struct error *err)
{
    return error_set(err, ERR_INVALID, "record %zu %s; it is cut off or damaged", reader->record,
                     what);
}

static uint32_t read_32(struct reader *reader)
{
    uint32_t number = (uint32_t)reader->at[0] | (uint32_t)reader->at[1] << 8 |
                      (uint32_t)reader->at[2] << 16 | (uint32_t)reader->at[3] << 24;

    reader->at += 4;
    reader->left -= 4;
    return number;
}

static int expect(struct reader *reader, char mark, struct error *err)
{
    char what[] = "has no '?' where one belongs";

    if (reader->left < 2 || reader->at[0] != (unsigned char)mark || reader->at[1] != 0) {
        what[8] = mark;
        return broken(reader, what, err);
    }
    reader->at += 2;
    reader->left -= 2;
    return 0;
}

/* A text up to its NUL. What is not UTF-16 gives *out NULL: no key or name of ours is written so. */
static int read_text(char **out, struct reader *reader, struct error *err)
{
    size_t units = reader->left / 2;
    size_t length = utf16le_length(reader->at, units);
    int code;

    if (length == units) {
        return broken(reader, "has a text without an end", err);
    }
    str_free(out);
    code = utf16le_decode(out, reader->at, length, err);
    reader->at += 2 * (length + 1);
    reader->left -= 2 * (length + 1);
    return code == ERR_INVALID ? 0 : code;
}

static int read_number(uint32_t *out, struct reader *reader, struct error *err)
{
    if (reader->left < 4) {
        return broken(reader, "ends in a number", err);
    }
    *out = read_32(reader);
    return 0;
}

/* `value->data` points into the file. */
static int read_record(struct registry_value *value, struct reader *reader, struct error *err)
{
    uint32_t size = 0;
    int code = expect(reader, '[', err);

    if (code == 0) {
        code = read_text(&value->key, reader, err);
    }
    if (code == 0) {
        code = expect(reader, ';', err);
    }
    if (code == 0) {
        code = read_text(&value->name, reader, err);
    }
    if (code == 0) {
        code = expect(reader, ';', err);
    }
    if (code == 0) {
        code = read_number(&value->type, reader, err);
    }
    if (code == 0) {
        code = expect(reader, ';', err);
    }
    if (code == 0) {
        code = read_number(&size, reader, err);
    }
    if (code == 0) {
        code = expect(reader, ';', err);
    }
    if (code == 0 && size > reader->left) {
        code = broken(reader, "says to be longer than the file", err);
    }
    if (code == 0) {
        value->data = (unsigned char *)reader->at;
        value->size = size;
        reader->at += size;
        reader->left -= size;
        code = expect(reader, ']', err);
    }
    return code;
}

/* The next of the names in "a;b;c"; *at moves on, NULL after the last. The caller frees *out. */
static int next_name(char **out, const char **at, struct error *err)
{
    size_t length = strcspn(*at, ";");
    int code = str_copy_n(out, *at, length, err);

    *at = (*at)[length] ? *at + length + 1 : NULL;
    return code;
}

/* **DeleteValues and **DeleteKeys: the data names what goes, separated by semicolons. */
static int delete_named(struct registry_image *image, const struct registry_value *value,
                        bool are_keys, struct error *err)
{
    char *names = NULL;
    char *name = NULL;
    char *key = NULL;
    int code = registry_value_text(&names, value, err);

    for (const char *at = names; code == 0 && at;) {
        code = next_name(&name, &at, err);
        if (code == 0 && *name && !are_keys) {
            registry_image_delete(image, value->hive, value->key, name);
        } else if (code == 0 && *name) {
            code = str_format(&key, err, "%s\\%s", value->key, name);
            if (code == 0) {
                code = registry_image_delete_key(image, value->hive, key, err);
            }
        }
    }
    str_free(&names);
    str_free(&name);
    str_free(&key);
    return code == ERR_INVALID ? 0 : code; /* what is not UTF-16 names nothing of ours */
}

/* **soft.: only when there is no such value. */
static int put_soft(struct registry_image *image, const struct registry_value *value,
                    const char *name, struct error *err)
{
    struct registry_value soft = *value;
    int code = 0;

    soft.name = NULL;
    if (!registry_image_find(image, value->hive, value->key, name)) {
        code = str_copy(&soft.name, name, err);
        if (code == 0) {
            code = registry_image_put(image, &soft, err);
        }
        str_free(&soft.name);
    }
    return code;
}

/* Names that begin with ** are orders (windows-facts 4.4); those we do not know are no values, and
 * **SecureKey is about the key's access list. */
static int apply(struct registry_image *image, const struct registry_value *value,
                 struct error *err)
{
    const char *name = value->name;

    if (!str_starts_with(name, "**")) {
        return registry_image_put(image, value, err);
    }
    if (str_starts_with_nocase(name, "**del.")) {
        registry_image_delete(image, value->hive, value->key, name + strlen("**del."));
        return 0;
    }
    if (str_starts_with_nocase(name, "**delvals")) {
        return registry_image_delete_values(image, value->hive, value->key, err);
    }
    if (str_equal_nocase(name, "**DeleteValues")) {
        return delete_named(image, value, false, err);
    }
    if (str_equal_nocase(name, "**DeleteKeys")) {
        return delete_named(image, value, true, err);
    }
    if (str_starts_with_nocase(name, "**soft.")) {
        return put_soft(image, value, name + strlen("**soft."), err);
    }
    return 0;
}

bool regpol_is(const void *data, size_t size)
{
    return size >= 4 && memcmp(data, "PReg", 4) == 0;
}

int regpol_read(struct registry_image *image, const void *data, size_t size, struct error *err)
{
    struct reader reader = {.at = data, .left = size};
    struct registry_value value = {.hive = REGISTRY_ANY};
    int code = 0;

    if (size < 8 || !regpol_is(data, size)) {
        return error_set(err, ERR_INVALID, "it does not begin as a Registry.pol");
    }
    reader.at += 4;
    reader.left -= 4;
    if (read_32(&reader) != 1) {
        return error_set(err, ERR_INVALID,
                         "it is a Registry.pol of a version that is not known; only 1 is");
    }
    while (code == 0 && reader.left > 0) {
        reader.record++;
        code = read_record(&value, &reader, err);
        if (code == 0 && value.key && value.name) {
            code = apply(image, &value, err);
        } else if (code == 0) {
            image->skipped++;
        }
    }
    str_free(&value.key);
    str_free(&value.name);
    registry_image_compact(image);
    return code == ERR_LIMIT
               ? error_set(err, ERR_INVALID, "record %zu: it is too large", reader.record)
               : code;
}
