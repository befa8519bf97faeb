/*
 * Any body of PROPFIND, PROPPATCH or LOCK: what dav_xml_parse() accepts and writes back is XML that it
 * accepts again, and writes the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "webdav/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int write_whole(struct buf *out, const struct dav_xml *root)
{
    int code = buf_add_text(out, "<x>", NULL);

    if (code == 0) {
        code = dav_xml_write_inside(out, root, NULL);
    }
    return code < 0 ? code : buf_add_text(out, "</x>", NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dav_xml *root = NULL;
    struct dav_xml *again = NULL;
    struct buf first;
    struct buf second;

    buf_init(&first, 16u << 20);
    buf_init(&second, 16u << 20);
    if (dav_xml_parse(&root, (const char *)data, size, NULL) == 0 &&
        write_whole(&first, root) == 0 && first.size <= DAV_XML_BYTES_MAX) {
        if (dav_xml_parse(&again, first.data, first.size, NULL) < 0 ||
            write_whole(&second, again) < 0 || first.size != second.size ||
            memcmp(first.data, second.data, first.size) != 0) {
            abort();
        }
    }
    dav_xml_free(root);
    dav_xml_free(again);
    buf_clear(&first);
    buf_clear(&second);
    return 0;
}
