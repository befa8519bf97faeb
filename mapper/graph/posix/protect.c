#include "graph/protect.h"

int protect_seal(struct buf *out, const void *data, size_t size, struct error *err)
{
    return buf_add(out, data, size, err);
}

int protect_open(struct buf *data, struct error *err)
{
    (void)data;
    (void)err;
    return 0;
}
