/*
 * letters.h - drive letters of this logon session. A letter is a link in the system's table of
 * devices, to the network path below which WinFsp serves: mooringnp.dll reads it there too.
 */
#ifndef NP_LETTERS_H
#define NP_LETTERS_H

#include <stdbool.h>

#include "base/error.h"

/* Makes `letter` lead to \\server\path ('/' between its components). A letter that leads below
 * \\server already (of an agent that died, or of ours) is taken over when `takes_over`; any other
 * one is ERR_EXISTS. */
int letter_set(char letter, const char *server, const char *path, bool takes_over,
               struct error *err);

/* Takes it away when it leads to \\server\path. */
void letter_remove(char letter, const char *server, const char *path);

#endif
