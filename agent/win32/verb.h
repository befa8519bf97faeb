/*
 * verb.h - mooring-agent.exe as Explorer's menus start it: `mooring-agent.exe --verb open PATH`,
 * with open, view or link. The same commands as those of mooring.exe, without a console window; what
 * went wrong is shown in a window.
 */
#ifndef AGENT_VERB_H
#define AGENT_VERB_H

#include <stdbool.h>

bool verb_is(int argc, char **argv);

/* The exit code of the command. */
int verb_run(int argc, char **argv);

#endif
