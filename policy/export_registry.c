/*
 * The two registry forms. Both write scalars of the key first, then each list as a subkey with the
 * names 1, 2, 3, ..., emptied before.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/utf16.h"
#include "export_write.h"

enum { FILE_LIMIT = 64 << 20, HEX_PER_LINE = 25, DATA_LIMIT = 64 << 10 };

/* One value as the registry would hold it. */
struct value {
    uint32_t type;
    uint32_t number;  /* REG_DWORD */
    const char *text; /* REG_SZ, REG_EXPAND_SZ */
};

/* A scalar. */
static int value_of(struct value *out, const struct setting *row, const char *text,
                    struct error *err)
{
    struct setting_value parsed = {0};
    int code = 0;

    *out = (struct value){.type = REGISTRY_SZ, .text = text};
    if (row->type == SETTING_TEXT) {
        bool has_variable = (row->flags & SETTING_PATH) && strchr(text, '%');

        out->type = has_variable ? REGISTRY_EXPAND_SZ : REGISTRY_SZ;
    } else {
        out->type = REGISTRY_DWORD;
        code = setting_parse(&parsed, row, text, NULL, NULL, err);
        out->number = row->type == SETTING_SWITCH ? parsed.is_on : (uint32_t)parsed.number;
        setting_value_clear(&parsed);
    }
    return code;
}

/* The next line of a list; *at moves on. The caller frees *line. */
static int next_entry(char **line, const char **at, struct error *err)
{
    size_t length = strcspn(*at, "\n");
    int code = str_copy_n(line, *at, length, err);

    *at += length + ((*at)[length] ? 1 : 0);
    return code;
}

/* UTF-16LE with its NUL. */
static int add_data(struct buf *out, const struct value *value, struct error *err)
{
    unsigned char number[4] = {(unsigned char)value->number, (unsigned char)(value->number >> 8),
                               (unsigned char)(value->number >> 16),
                               (unsigned char)(value->number >> 24)};
    int code;

    if (value->type == REGISTRY_DWORD) {
        return buf_add(out, number, sizeof(number), err);
    }
    code = utf16le_add(out, value->text, err);
    return code < 0 ? code : buf_add(out, "\0", 2, err);
}

/* "..." with \ and " escaped. */
static int reg_add_quoted(struct buf *out, const char *text, struct error *err)
{
    int code = buf_add_text(out, "\"", err);

    for (; code == 0 && *text; text++) {
        code = *text == '\\' || *text == '"' ? buf_add_format(out, err, "\\%c", *text)
                                             : buf_add(out, text, 1, err);
    }
    return code < 0 ? code : buf_add_text(out, "\"", err);
}

/* hex(2):25,00,... as regedit breaks it. */
static int reg_add_hex(struct buf *out, const struct value *value, struct error *err)
{
    struct buf data;
    int code;

    buf_init(&data, DATA_LIMIT);
    code = add_data(&data, value, err);
    if (code == 0) {
        code = buf_add_format(out, err, "hex(%x):", (unsigned)value->type);
    }
    for (size_t i = 0; code == 0 && i < data.size; i++) {
        bool is_last = i + 1 == data.size;
        bool is_break = !is_last && (i + 1) % HEX_PER_LINE == 0;

        code = buf_add_format(out, err, "%02x%s%s", (unsigned char)data.data[i], is_last ? "" : ",",
                              is_break ? "\\\r\n  " : "");
    }
    buf_clear(&data);
    return code;
}

static int reg_add_value(struct buf *out, const char *name, const struct value *value,
                         struct error *err)
{
    int code = reg_add_quoted(out, name, err);

    if (code == 0) {
        code = buf_add_text(out, "=", err);
    }
    if (code < 0) {
        return code;
    }
    if (value->type == REGISTRY_DWORD) {
        code = buf_add_format(out, err, "dword:%08x", (unsigned)value->number);
    } else if (value->type == REGISTRY_SZ) {
        code = reg_add_quoted(out, value->text, err);
    } else {
        code = reg_add_hex(out, value, err);
    }
    return code < 0 ? code : buf_add_text(out, "\r\n", err);
}

static int reg_add_list(struct buf *out, const char *hive, const struct setting *row,
                        const char *entries, struct error *err)
{
    char name[24];
    char *entry = NULL;
    int code = buf_add_format(out, err, "\r\n[-%s\\%s\\%s]\r\n\r\n[%s\\%s\\%s]\r\n", hive,
                              REGISTRY_POLICY_KEY, row->name, hive, REGISTRY_POLICY_KEY, row->name);

    for (unsigned i = 1; code == 0 && *entries; i++) {
        code = next_entry(&entry, &entries, err);
        if (code == 0) {
            struct value value = {.type = REGISTRY_SZ, .text = entry};

            snprintf(name, sizeof(name), "%u", i);
            code = reg_add_value(out, name, &value, err);
        }
    }
    str_free(&entry);
    return code;
}

static int reg_add_scalars(struct buf *out, const char *hive, const struct policy_set *set,
                           struct error *err)
{
    bool has_key = false;
    int code = 0;

    for (size_t i = 0; code == 0 && i < schema_count(); i++) {
        const struct setting *row = schema_at(i);
        const char *text = policy_set_text(set, row);
        struct value value;

        if (!text || row->type == SETTING_LIST) {
            continue;
        }
        if (!has_key) {
            has_key = true;
            code = buf_add_format(out, err, "\r\n[%s\\%s]\r\n", hive, REGISTRY_POLICY_KEY);
        }
        code = code == 0 ? value_of(&value, row, text, err) : code;
        code = code == 0 ? reg_add_value(out, row->name, &value, err) : code;
    }
    return code;
}

int export_reg(struct buf *out, const struct policy_set *set, enum registry_hive hive,
               struct error *err)
{
    const char *name = hive == REGISTRY_USER ? "HKEY_CURRENT_USER" : "HKEY_LOCAL_MACHINE";
    struct buf text;
    int code;

    buf_init(&text, FILE_LIMIT);
    code = buf_add_text(&text, "Windows Registry Editor Version 5.00\r\n", err);
    if (code == 0) {
        code = reg_add_scalars(&text, name, set, err);
    }
    for (size_t i = 0; code == 0 && i < schema_count(); i++) {
        const char *entries = policy_set_text(set, schema_at(i));

        if (entries && schema_at(i)->type == SETTING_LIST) {
            code = reg_add_list(&text, name, schema_at(i), entries, err);
        }
    }
    if (code == 0) {
        code = buf_add_text(&text, "\r\n", err);
    }
    if (code == 0) {
        code = buf_add(out, "\xff\xfe", 2, err);
    }
    if (code == 0) {
        code = utf16le_add(out, buf_text(&text), err);
    }
    buf_clear(&text);
    return code;
}

/* Bytes one after the other; after a failure the rest is passed over. */
struct writer {
    struct buf *out;
    int code;
    struct error *err;
};

static void write_mark(struct writer *writer, const char *mark)
{
    writer->code = writer->code == 0 ? utf16le_add(writer->out, mark, writer->err) : writer->code;
}

static void write_text(struct writer *writer, const char *text)
{
    struct value value = {.type = REGISTRY_SZ, .text = text};

    writer->code = writer->code == 0 ? add_data(writer->out, &value, writer->err) : writer->code;
}

static void write_32(struct writer *writer, size_t number)
{
    struct value value = {.type = REGISTRY_DWORD, .number = (uint32_t)number};

    writer->code = writer->code == 0 ? add_data(writer->out, &value, writer->err) : writer->code;
}

/* [key;name;type;size;data] */
static int regpol_add(struct buf *out, const char *key, const char *name, const struct value *value,
                      struct error *err)
{
    struct writer writer = {.out = out, .err = err};
    struct buf data;

    buf_init(&data, DATA_LIMIT);
    writer.code = add_data(&data, value, err);
    write_mark(&writer, "[");
    write_text(&writer, key);
    write_mark(&writer, ";");
    write_text(&writer, name);
    write_mark(&writer, ";");
    write_32(&writer, value->type);
    write_mark(&writer, ";");
    write_32(&writer, data.size);
    write_mark(&writer, ";");
    if (writer.code == 0) {
        writer.code = buf_add(out, data.data, data.size, err);
    }
    write_mark(&writer, "]");
    buf_clear(&data);
    return writer.code;
}

static int regpol_add_list(struct buf *out, const struct setting *row, const char *entries,
                           struct error *err)
{
    /* What the Group Policy editor writes before the entries of a list that is not additive. */
    static const struct value nothing = {.type = REGISTRY_SZ, .text = " "};
    char name[24];
    char *key = NULL;
    char *entry = NULL;
    int code = str_format(&key, err, "%s\\%s", REGISTRY_POLICY_KEY, row->name);

    if (code == 0) {
        code = regpol_add(out, key, "**delvals.", &nothing, err);
    }
    for (unsigned i = 1; code == 0 && *entries; i++) {
        code = next_entry(&entry, &entries, err);
        if (code == 0) {
            struct value value = {.type = REGISTRY_SZ, .text = entry};

            snprintf(name, sizeof(name), "%u", i);
            code = regpol_add(out, key, name, &value, err);
        }
    }
    str_free(&key);
    str_free(&entry);
    return code;
}

int export_regpol(struct buf *out, const struct policy_set *set, struct error *err)
{
    int code = buf_add(out, "PReg\1\0\0\0", 8, err);

    for (size_t i = 0; code == 0 && i < schema_count(); i++) {
        const struct setting *row = schema_at(i);
        const char *text = policy_set_text(set, row);

        if (text && row->type != SETTING_LIST) {
            struct value value;

            code = value_of(&value, row, text, err);
            code = code == 0 ? regpol_add(out, REGISTRY_POLICY_KEY, row->name, &value, err) : code;
        }
    }
    for (size_t i = 0; code == 0 && i < schema_count(); i++) {
        const char *text = policy_set_text(set, schema_at(i));

        if (text && schema_at(i)->type == SETTING_LIST) {
            code = regpol_add_list(out, schema_at(i), text, err);
        }
    }
    return code;
}
