#include "base/xml_text.h"

#include <string.h>

int xml_text_add(struct buf *out, const char *text, bool in_quotes, struct error *err)
{
    int code = 0;

    while (*text && code == 0) {
        size_t plain = strcspn(text, in_quotes ? "&<>\"\r\n\t" : "&<>\r");

        code = buf_add(out, text, plain, err);
        text += plain;
        if (code < 0 || !*text) {
            break;
        }
        switch (*text) {
        case '&':
            code = buf_add_text(out, "&amp;", err);
            break;
        case '<':
            code = buf_add_text(out, "&lt;", err);
            break;
        case '>':
            code = buf_add_text(out, "&gt;", err);
            break;
        case '"':
            code = buf_add_text(out, "&quot;", err);
            break;
        default: /* would be read as a blank or a newline */
            code = buf_add_format(out, err, "&#%d;", *text);
            break;
        }
        text++;
    }
    return code;
}
