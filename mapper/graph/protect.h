/*
 * protect.h - what the system does for secrets at rest, beside the mode of the file: on Windows
 * they are encrypted with a key of this user (DPAPI), so that a copy of the file is worth nothing
 * to others. Linux has no such service that is always there; the bytes stay as they are.
 */
#ifndef GRAPH_PROTECT_H
#define GRAPH_PROTECT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/* Adds what is to be written instead of `data`. */
int protect_seal(struct buf *out, const void *data, size_t size, struct error *err);

/* Turns what was read into what it was made from. ERR_INVALID when it was not sealed by this user
 * (another one, a profile that was lost or is temporary): as good as no file. */
int protect_open(struct buf *data, struct error *err);

#endif
