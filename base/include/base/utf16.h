/*
 * utf16.h - UTF-16 as Windows (the byte order of the machine) and its file formats (UTF-16LE) have it.
 *
 * Text is UTF-8 everywhere else; this is for the edge. Units are uint16_t so that readers of file
 * formats work on every system; on Windows a uint16_t is a WCHAR.
 */
#ifndef BASE_UTF16_H
#define BASE_UTF16_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* *out = `text` in UTF-16 with a final NUL, which *units (may be NULL) does not count. ERR_INVALID
 * when it is not UTF-8. Replaces and frees what *out held; the caller frees. */
int utf16_from_utf8(uint16_t **out, size_t *units, const char *text, struct error *err);

/* *out = `units` units in UTF-8. ERR_INVALID on half a surrogate pair and on a NUL. Replaces and
 * frees what *out held; the caller frees. */
int utf16_to_utf8(char **out, const uint16_t *text, size_t units, struct error *err);

/* UTF-16LE, as Registry.pol, .reg files and the registry's data hold it, at an address of any
 * alignment. *out = `units` units in UTF-8. ERR_INVALID with a clause that goes after "the text ":
 * half a surrogate pair, or a NUL. Replaces and frees what *out held; the caller frees. */
int utf16le_decode(char **out, const void *bytes, size_t units, struct error *err);

/* The units before the first NUL, or `units`. */
size_t utf16le_length(const void *bytes, size_t units);

/* Appends UTF-8 as UTF-16LE, without a NUL. ERR_INVALID when it is not UTF-8. */
int utf16le_add(struct buf *out, const char *text, struct error *err);

#endif
