/*
 * private.h - what file.c and folder.c share. Included after windows.h.
 */
#ifndef BASE_PRIVATE_H
#define BASE_PRIVATE_H

#include "base/error.h"

/* CreateFileW(); what it makes is for the user alone. INVALID_HANDLE_VALUE with *err and
 * GetLastError(). */
HANDLE private_open(const char *path, DWORD access, DWORD disposition, DWORD flags,
                    struct error *err);

/* "cannot <what> '<path>'" with GetLastError(). */
int private_failed(struct error *err, const char *what, const char *path);

/* *out = stem, separator and 16 random digits. The caller frees. */
int private_random_name(char **out, const char *stem, const char *separator, struct error *err);

#endif
