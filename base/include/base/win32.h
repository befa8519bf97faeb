/*
 * win32.h - what the win32/ folders share: codes, UTF-16 at the edge, paths, who we are. Nothing
 * else includes it.
 *
 * Names of files are turned into absolute paths of the form \\?\C:\..., so that they may be longer
 * than 260 characters on every Windows, with '/' or '\' between the parts.
 */
#ifndef BASE_WIN32_H
#define BASE_WIN32_H

#include <stddef.h>
#include <wchar.h>

#include "base/error.h"

/* ERR_* for what GetLastError() or a registry function said; ERR_IO for the rest. */
int win32_error_code(unsigned long os_code);

/* error_set_os() with that code. */
int win32_failed(struct error *err, unsigned long os_code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The caller frees *out. As utf16.h says, with WCHAR. */
int win32_wide(wchar_t **out, const char *text, struct error *err);
int win32_utf8(char **out, const wchar_t *text, struct error *err);

/* The path for the functions of the system. The caller frees *out. */
int win32_wide_path(wchar_t **out, const char *path, struct error *err);

/* The value of an environment variable in UTF-8, expanded by nobody. ERR_NOT_FOUND when it is not
 * set. The caller frees *out. */
int win32_environment(char **out, const char *name, struct error *err);

/* "S-1-5-21-...": the user this process runs as. The caller frees *out. */
int win32_user_sid(char **out, struct error *err);

/* A security descriptor (SDDL) for the user and the system alone; `rights` is what both get, "FA"
 * for files, "GRGW" for pipes. To be freed with LocalFree(). NULL and *err on failure. */
void *win32_private_descriptor(const char *rights, struct error *err);

/* A DLL of Windows itself, from its own folder and nowhere else. NULL when there is none. The
 * result is an HMODULE and is kept until the process ends. */
void *win32_system_library(const wchar_t *name);

#endif
