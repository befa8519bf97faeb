/*
 * process_text.h - the texts that Windows starts a program with: its path, one command line, one
 * environment block. The caller frees what they give.
 */
#ifndef BASE_PROCESS_TEXT_H
#define BASE_PROCESS_TEXT_H

#include <wchar.h>

#include "base/error.h"

/* The full path of `name`: as it is when it has a folder, else looked for in PATH only - never in
 * the current folder - with ".exe" behind it when it has no ending. */
int process_text_program(wchar_t **out, const char *name, struct error *err);

/* argv as one line that CommandLineToArgvW() and the C library take apart into the same argv. */
int process_text_command(wchar_t **out, const char *const *argv, struct error *err);

/* Our environment with "NAME=value" of `add` (may be NULL) over it, as CreateProcess() wants it. */
int process_text_environment(wchar_t **out, const char *const *add, struct error *err);

/* A command line as argv in UTF-8, NULL at its end. Half a surrogate pair becomes '?'. Kept until
 * the process ends. */
int process_text_arguments(char ***argv, int *argc, const wchar_t *command, struct error *err);

#endif
