/*
 * zip.h - writes a ZIP archive in memory, its files stored as they are. For `mooring report`: a
 * bundle that opens by a double click everywhere is worth these hundred lines; what goes in is a few
 * megabytes and gets no smaller than the mail's own compression makes it.
 * Format: PKWARE APPNOTE 6.3.x, sections 4.3.7, 4.3.12, 4.3.16; no ZIP64, so 4 GiB and 65,535 files.
 */
#ifndef AGENT_ZIP_H
#define AGENT_ZIP_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct zip {
    struct buf bytes;     /* what is written so far; the archive after zip_end() */
    struct buf directory; /* of what is in it, to be written at the end */
    unsigned count;
    uint32_t dos_time; /* of every file */
};

/* `limit`: how many bytes the archive may have at most. */
void zip_init(struct zip *zip, size_t limit, int64_t wall_ms);

/* Adds a file; `name` with '/' between folders, UTF-8. ERR_LIMIT, ERR_NO_MEMORY: the archive is of
 * no use any more. */
int zip_add(struct zip *zip, const char *name, const void *data, size_t size, struct error *err);
int zip_end(struct zip *zip, struct error *err);
void zip_clear(struct zip *zip);

#endif
