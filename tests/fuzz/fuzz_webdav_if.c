/*
 * Any If header: what dav_if_parse() accepts has conditions with values, in lists that count up.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/str.h"
#include "webdav/if_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dav_if header = {.count = 0};
    char *text = NULL;

    if (str_copy_n(&text, (const char *)data, size, NULL) < 0) {
        return 0;
    }
    if (dav_if_parse(&header, text, NULL) == 0) {
        if (header.count == 0 || header.count > DAV_IF_CONDITIONS_MAX ||
            header.items[0].list != 0) {
            abort();
        }
        for (size_t i = 0; i < header.count; i++) {
            const struct dav_if_condition *c = &header.items[i];

            if (!c->value || !c->value[0] || (i > 0 && c->list > header.items[i - 1].list + 1)) {
                abort();
            }
        }
    } else if (header.count != 0) {
        abort();
    }
    dav_if_clear(&header);
    free(text);
    return 0;
}
