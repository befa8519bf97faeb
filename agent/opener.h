/*
 * opener.h - the one way in which we start what a person wants to see: the system's own opener.
 */
#ifndef AGENT_OPENER_H
#define AGENT_OPENER_H

#include "base/error.h"

/* Opens an https address, a command of Office ("ms-word:...") or an absolute path with what the
 * system has for it: xdg-open, found in PATH, or the shell of Windows. Anything else is
 * ERR_INVALID, so that nothing can be taken for an option or a program. Waits at most a moment to
 * learn that it failed (ERR_UNSUPPORTED: nothing is there for it; ERR_IO); what was started goes
 * on by itself. */
int opener_open(const char *target, struct error *err);

/* Puts text into the clipboard of the desktop. ERR_UNSUPPORTED when there is no program for that.
 */
int opener_copy(const char *text, struct error *err);

/* A local file's name from the root on: as it stands, and with all links followed (ERR_NOT_FOUND:
 * not there). Caller frees. */
int opener_absolute(char **out, const char *path, struct error *err);
int opener_real(char **out, const char *path, struct error *err);

#endif
