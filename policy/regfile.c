/*
 * .reg files, "Windows Registry Editor Version 5.00": UTF-16LE with a byte order mark as regedit
 * writes them, or UTF-8. [key] and "name"=value lines; [-key] and "name"=- delete. A line that is
 * not understood makes the file broken, where regedit would pass over it: half of a policy could be
 * the more dangerous half.
 */
#include "registry.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf16.h"

struct reader {
    const char *at; /* the rest of the text */
    int line;
    struct registry_image *image;
    enum registry_hive hive;
    char *key;    /* below the hive; NULL before the first, after [-key], and in other hives */
    bool has_key; /* there was one */
};

static int invalid(struct error *err, const char *clause)
{
    return error_set(err, ERR_INVALID, "%s", clause);
}

static void skip_blanks(struct reader *reader)
{
    reader->at += strspn(reader->at, " \t");
}

/* Past the end of the line, which must be empty or a comment. */
static int end_line(struct reader *reader, struct error *err)
{
    skip_blanks(reader);
    if (*reader->at == ';') {
        reader->at += strcspn(reader->at, "\n");
    }
    reader->at += *reader->at == '\r' ? 1 : 0;
    if (*reader->at != '\0' && *reader->at != '\n') {
        return invalid(err, "there is something after the end of a value");
    }
    reader->line += *reader->at ? 1 : 0;
    reader->at += *reader->at ? 1 : 0;
    return 0;
}

/* A text in quotes, with \\ and \" inside; lines may end in it. The caller frees *out. */
static int read_quoted(char **out, struct reader *reader, struct error *err)
{
    const char *at = reader->at + 1;
    struct buf text;
    int code = 0;

    buf_init(&text, REGISTRY_DATA_LIMIT);
    while (code == 0 && *at && *at != '"') {
        at += *at == '\\' && (at[1] == '\\' || at[1] == '"') ? 1 : 0;
        reader->line += *at == '\n' ? 1 : 0;
        code = *at == '\r' && at[1] == '\n' ? 0 : buf_add(&text, at, 1, err);
        at++;
    }
    if (code == 0 && !*at) {
        code = invalid(err, "a text in quotes has no end");
    }
    if (code == 0) {
        reader->at = at + 1;
        code = str_copy(out, buf_text(&text), err);
    }
    buf_clear(&text);
    return code;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Up to eight digits. */
static int read_hex_number(uint32_t *out, struct reader *reader, struct error *err)
{
    int digits = 0;

    *out = 0;
    while (hex_digit(*reader->at) >= 0 && digits < 8) {
        *out = *out << 4 | (uint32_t)hex_digit(*reader->at++);
        digits++;
    }
    return digits > 0 && hex_digit(*reader->at) < 0 ? 0
                                                    : invalid(err, "this is no hexadecimal number");
}

/* A backslash at the end of a line: the bytes go on in the next one. */
static bool skip_continuation(struct reader *reader)
{
    const char *at = reader->at;

    if (*at != '\\') {
        return false;
    }
    at += 1 + strspn(at + 1, " \t\r");
    if (*at != '\n') {
        return false;
    }
    reader->at = at + 1;
    reader->line++;
    return true;
}

static int read_bytes(struct buf *out, struct reader *reader, struct error *err)
{
    int code = 0;

    for (;;) {
        uint32_t byte;
        unsigned char small;

        skip_blanks(reader);
        if (skip_continuation(reader)) {
            continue;
        }
        if (out->size == 0 && hex_digit(*reader->at) < 0) {
            return 0; /* no bytes at all */
        }
        code = read_hex_number(&byte, reader, err);
        if (code == 0 && byte > 0xff) {
            code = invalid(err, "this is no byte");
        }
        small = (unsigned char)byte;
        if (code == 0) {
            code = buf_add(out, &small, 1, err);
        }
        skip_blanks(reader);
        if (code < 0 || *reader->at != ',') {
            return code;
        }
        reader->at++;
    }
}

/* "dword:", "hex:" or "hex(7):"; *type is what it says, *is_number when digits follow, not bytes. */
static int read_type(uint32_t *type, bool *is_number, struct reader *reader, struct error *err)
{
    int code = 0;

    *is_number = str_starts_with_nocase(reader->at, "dword:");
    if (*is_number) {
        *type = REGISTRY_DWORD;
        reader->at += strlen("dword:");
        return 0;
    }
    if (!str_starts_with_nocase(reader->at, "hex")) {
        return invalid(err, "this is no value: text stands in quotes, a number after dword:");
    }
    reader->at += strlen("hex");
    *type = REGISTRY_BINARY;
    if (*reader->at == '(') {
        reader->at++;
        code = read_hex_number(type, reader, err);
        if (code == 0 && *reader->at++ != ')') {
            code = invalid(err, "the type of a value has no end");
        }
    }
    if (code == 0 && *reader->at++ != ':') {
        code = invalid(err, "a ':' is missing before the bytes of a value");
    }
    return code;
}

static int read_typed(struct buf *data, uint32_t *type, struct reader *reader, struct error *err)
{
    bool is_number = false;
    uint32_t number = 0;
    int code = read_type(type, &is_number, reader, err);

    if (code == 0 && !is_number) {
        return read_bytes(data, reader, err);
    }
    if (code == 0) {
        code = read_hex_number(&number, reader, err);
    }
    if (code == 0) {
        unsigned char bytes[4] = {(unsigned char)number, (unsigned char)(number >> 8),
                                  (unsigned char)(number >> 16), (unsigned char)(number >> 24)};

        code = buf_add(data, bytes, sizeof(bytes), err);
    }
    return code;
}

static int read_text_value(struct buf *data, struct reader *reader, struct error *err)
{
    char *text = NULL;
    int code = read_quoted(&text, reader, err);

    if (code == 0) {
        code = utf16le_add(data, text, err);
    }
    if (code == 0) {
        code = buf_add(data, "\0", 2, err);
    }
    str_free(&text);
    return code;
}

static int put(struct reader *reader, const char *name, uint32_t type, const struct buf *data,
               int line, struct error *err)
{
    struct registry_value value = {.hive = reader->hive,
                                   .key = reader->key,
                                   .name = (char *)name,
                                   .type = type,
                                   .data = (unsigned char *)data->data,
                                   .size = data->size,
                                   .line = line};

    return reader->key ? registry_image_put(reader->image, &value, err) : 0;
}

/* What stands after "name"=. */
static int read_value(struct reader *reader, const char *name, struct error *err)
{
    uint32_t type = REGISTRY_SZ;
    int line = reader->line;
    struct buf data;
    int code;

    if (*reader->at == '-') {
        reader->at++;
        if (reader->key) {
            registry_image_delete(reader->image, reader->hive, reader->key, name);
        }
        return end_line(reader, err);
    }
    buf_init(&data, REGISTRY_DATA_LIMIT);
    code = *reader->at == '"' ? read_text_value(&data, reader, err)
                              : read_typed(&data, &type, reader, err);
    if (code == 0) {
        code = end_line(reader, err);
    }
    if (code == 0) {
        code = put(reader, name, type, &data, line, err);
    }
    buf_clear(&data);
    return code;
}

static int read_named(struct reader *reader, struct error *err)
{
    char *name = NULL;
    int code = 0;

    if (!reader->has_key) {
        return invalid(err, "a value stands before the first [key]");
    }
    if (*reader->at == '@') {
        reader->at++;
        code = str_copy(&name, "", err);
    } else {
        code = read_quoted(&name, reader, err);
    }
    skip_blanks(reader);
    if (code == 0 && *reader->at != '=') {
        code = invalid(err, "a '=' is missing after the name of a value");
    }
    if (code == 0) {
        reader->at++;
        skip_blanks(reader);
        code = read_value(reader, name, err);
    }
    str_free(&name);
    return code;
}

/* The hive at the start of a key, and what is below it; false for another hive. */
static bool split_hive(enum registry_hive *hive, const char **below, const char *key)
{
    static const struct {
        const char *name;
        enum registry_hive hive;
    } hives[] = {
        {"HKEY_LOCAL_MACHINE", REGISTRY_MACHINE},
        {"HKLM", REGISTRY_MACHINE},
        {"HKEY_CURRENT_USER", REGISTRY_USER},
        {"HKCU", REGISTRY_USER},
        {"HKEY_USERS", REGISTRY_USER},
    };

    for (size_t i = 0; i < sizeof(hives) / sizeof(hives[0]); i++) {
        if (registry_key_is_below(key, hives[i].name, below)) {
            *hive = hives[i].hive;
            if (str_equal(hives[i].name, "HKEY_USERS")) { /* the user's SID comes first */
                *below += strcspn(*below, "\\");
                *below += **below ? 1 : 0;
            }
            return true;
        }
    }
    return false;
}

/* [key] and [-key]. A key may have a ']' in it: the last of the line counts. */
static int read_key(struct reader *reader, struct error *err)
{
    bool is_delete = reader->at[1] == '-';
    const char *from = reader->at + (is_delete ? 2 : 1);
    const char *end = from + strcspn(from, "\r\n");
    const char *below = NULL;
    char *key = NULL;
    int code;

    while (end > from && *end != ']') {
        end--;
    }
    if (end == from) {
        return invalid(err, "the name of a key has no end");
    }
    reader->at = end + 1;
    reader->has_key = true;
    str_free(&reader->key);
    code = str_copy_n(&key, from, (size_t)(end - from), err);
    if (code == 0 && split_hive(&reader->hive, &below, key)) {
        code = is_delete ? registry_image_delete_key(reader->image, reader->hive, below, err)
                         : str_copy(&reader->key, below, err);
    }
    str_free(&key);
    return code < 0 ? code : end_line(reader, err);
}

static int read_lines(struct reader *reader, struct error *err)
{
    int code = 0;

    while (code == 0 && *reader->at) {
        skip_blanks(reader);
        if (*reader->at == '[') {
            code = read_key(reader, err);
        } else if (*reader->at == '"' || *reader->at == '@') {
            code = read_named(reader, err);
        } else {
            code = end_line(reader, NULL);
            if (code < 0) {
                code = invalid(err, "this line is neither a [key] nor a \"name\"=value");
            }
        }
    }
    return code;
}

/* UTF-8 without byte order mark, whatever it was. */
static int decode(char **out, const char *data, size_t size, struct error *err)
{
    if (size >= 2 && memcmp(data, "\xff\xfe", 2) == 0) {
        struct error why = {0};
        int code = size % 2 == 0 ? utf16le_decode(out, data + 2, size / 2 - 1, &why)
                                 : error_set(&why, ERR_INVALID, "has half a character at its end");

        return code == 0 ? 0 : error_set(err, code, "its text %s", why.message);
    }
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        data += 3;
        size -= 3;
    }
    if (memchr(data, '\0', size)) {
        return invalid(err, "it has a NUL character");
    }
    return str_is_utf8(data, size) ? str_copy_n(out, data, size, err)
                                   : invalid(err, "it is neither UTF-16 nor UTF-8");
}

static const char header[] = "Windows Registry Editor Version 5.00";

bool regfile_is(const void *data, size_t size)
{
    static const char first[] = "W\0i\0n\0d\0o\0w\0s";
    const char *text = data;

    if (size >= 2 + sizeof(first) && memcmp(text, "\xff\xfe", 2) == 0) {
        return memcmp(text + 2, first, sizeof(first)) == 0; /* the NUL is half of the last letter */
    }
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        size -= 3;
    }
    return (size >= strlen("REGEDIT4") && memcmp(text, "REGEDIT4", strlen("REGEDIT4")) == 0) ||
           (size >= strlen(header) && memcmp(text, header, strlen(header)) == 0);
}

static int read_header(struct reader *reader, struct error *err)
{
    if (str_starts_with(reader->at, "REGEDIT4")) {
        return error_set(err, ERR_INVALID, "it is of the old form REGEDIT4; export it as \"%s\"",
                         header);
    }
    if (!str_starts_with(reader->at, header)) {
        return error_set(err, ERR_INVALID, "it does not begin with \"%s\"", header);
    }
    reader->at += strlen(header);
    return end_line(reader, err);
}

int regfile_read(struct registry_image *image, int *line, const void *data, size_t size,
                 struct error *err)
{
    struct reader reader = {.line = 1, .image = image};
    char *text = NULL;
    int code = decode(&text, data, size, err);

    *line = 0;
    if (code == 0) {
        reader.at = text;
        code = read_header(&reader, err);
        if (code == 0) {
            code = read_lines(&reader, err);
        }
        *line = code < 0 ? reader.line : 0;
    }
    if (code == ERR_LIMIT) {
        code = error_set(err, ERR_INVALID, "a value is too large, or there are too many");
    }
    registry_image_compact(image);
    str_free(&reader.key);
    str_free(&text);
    return code;
}
