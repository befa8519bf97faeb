/*
 * utf16.h - UTF-16LE, as Registry.pol, .reg files and the registry's data hold it, and UTF-8. Pure.
 */
#ifndef POLICY_UTF16_H
#define POLICY_UTF16_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/* *out = `units` code units at `bytes` (of any alignment) as UTF-8 on the heap; the caller frees.
 * ERR_INVALID with a clause that goes after "the text ": a half of a pair that stands alone, or a
 * NUL. */
int utf16_decode(char **out, const void *bytes, size_t units, struct error *err);

/* The code units before the first NUL, or `units`. */
size_t utf16_length(const void *bytes, size_t units);

/* Appends valid UTF-8 as UTF-16LE, without a NUL. */
int utf16_add(struct buf *out, const char *text, struct error *err);

#endif
