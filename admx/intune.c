#include "intune.h"

#include <string.h>

#include "admx/admx.h"
#include "base/str.h"
#include "template.h"
#include "text.h"
#include "xml.h"

/* Between the parts of a list: the private use character that the Policy CSP takes for it. */
#define SEPARATOR "\xef\x80\x80"

enum { VALUE_LIMIT = 1 << 20 };

int intune_uri(char **out, const struct setting *row, bool is_user, struct error *err)
{
    return str_format(out, err, "./%s/Vendor/MSFT/Policy/Config/%s~Policy~%s~%s%s/%s",
                      is_user ? "User" : "Device", ADMX_APP, ADMX_ROOT, ADMX_CATEGORY,
                      row->category, row->name);
}

void admx_oma_clear(struct admx_oma *oma)
{
    str_free(&oma->uri);
    str_free(&oma->value);
}

/* A list is name, value, name, value. The names are free; numbers keep the order. */
static int add_entries(struct buf *out, const char *text, struct error *err)
{
    int code = 0;

    for (size_t number = 1; code == 0 && *text; number++) {
        size_t length = strcspn(text, "\n");

        code = buf_add_format(out, err, "%s%zu" SEPARATOR, number > 1 ? SEPARATOR : "", number);
        if (code == 0) {
            code = buf_add(out, text, length, err);
        }
        text += length + (text[length] ? 1 : 0);
    }
    return code;
}

static int write_enabled(struct buf *out, const struct setting *row, const char *text,
                         struct error *err)
{
    struct xml xml;
    struct buf value;

    buf_init(&value, VALUE_LIMIT);
    xml_begin(&xml, out, NULL, err);
    xml_open(&xml, "enabled");
    xml_close(&xml);
    if (row->type != SETTING_SWITCH) {
        int code = row->type == SETTING_LIST ? add_entries(&value, text, err)
                                             : text_registry_value(&value, row, text, err);

        xml.code = xml.code == 0 ? code : xml.code;
        xml_open(&xml, "data");
        xml_attribute(&xml, "id", row->name);
        xml_attribute(&xml, "value", buf_text(&value));
        xml_close(&xml);
    }
    buf_clear(&value);
    return xml_end(&xml);
}

static int check_row(const struct setting *row, bool is_user, struct error *err)
{
    if (!admx_has(row)) {
        return error_set(err, ERR_NOT_FOUND, "%s is not in the administrative template", row->name);
    }
    if (is_user && !(row->flags & SETTING_USER)) {
        return error_set(err, ERR_NOT_FOUND, "%s is a setting of the computer, not of users",
                         row->name);
    }
    return 0;
}

/* Whether `text` is a value of the row in normal form. An empty list cannot be sent: the value of
 * a data element must not be empty. */
static int check_value(const struct setting *row, const char *text, struct error *err)
{
    struct setting_value value = {0};
    struct error reason = {0};
    int code = setting_parse(&value, row, text, NULL, NULL, &reason);

    setting_value_clear(&value);
    if (code == ERR_INVALID) {
        return error_set(err, code, "%s: the value %s", row->name, reason.message);
    }
    if (code == 0 && row->type != SETTING_SWITCH && !*text) {
        return error_set(err, ERR_INVALID, "%s: an empty value cannot be sent; disable it instead",
                         row->name);
    }
    return code < 0 ? error_set(err, code, "%s", reason.message) : 0;
}

int admx_oma_disabled(struct admx_oma *out, const struct setting *row, bool is_user,
                      struct error *err)
{
    int code = check_row(row, is_user, err);

    if (code == 0) {
        code = intune_uri(&out->uri, row, is_user, err);
    }
    return code < 0 ? code : str_copy(&out->value, "<disabled/>", err);
}

int admx_oma(struct admx_oma *out, const struct setting *row, const char *text, bool is_user,
             struct error *err)
{
    struct buf value;
    int code = check_row(row, is_user, err);

    if (code == 0) {
        code = check_value(row, text, err);
    }
    if (code < 0 || (row->type == SETTING_SWITCH && str_equal_nocase(text, "false"))) {
        return code < 0 ? code : admx_oma_disabled(out, row, is_user, err);
    }
    buf_init(&value, VALUE_LIMIT);
    code = write_enabled(&value, row, text, err);
    if (code == 0) {
        code = intune_uri(&out->uri, row, is_user, err);
    }
    if (code == 0) {
        code = str_copy(&out->value, buf_text(&value), err);
    }
    buf_clear(&value);
    return code;
}
