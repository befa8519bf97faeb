/*
 * buffers.c - memory for reads, used again. The kernel reads 128 KiB at a time, and a fresh piece of
 * memory for each would be a mapping with its page faults: a sixth of what a long read costs us.
 */
#include <stdlib.h>

#include "np_internal.h"

#define BUFFER_BYTES (128u * 1024) /* the kernel's read-ahead; what is larger is made each time */

char *np_buffer_take(struct np *np, size_t size)
{
    char *data = NULL;

    if (size > BUFFER_BYTES) {
        return malloc(size);
    }
    mutex_lock(&np->buffers.lock);
    if (np->buffers.count > 0) {
        data = np->buffers.kept[--np->buffers.count];
    }
    mutex_unlock(&np->buffers.lock);
    return data ? data : malloc(BUFFER_BYTES);
}

void np_buffer_give(struct np *np, char *data, size_t size)
{
    if (data && size <= BUFFER_BYTES) {
        mutex_lock(&np->buffers.lock);
        if (np->buffers.count < NP_BUFFERS_KEPT) {
            np->buffers.kept[np->buffers.count++] = data;
            data = NULL;
        }
        mutex_unlock(&np->buffers.lock);
    }
    free(data);
}

void np_buffers_clear(struct np *np)
{
    while (np->buffers.count > 0) {
        free(np->buffers.kept[--np->buffers.count]);
    }
}
