/*
 * prompt.h - reaching the person at this session.
 */
#ifndef AGENT_PROMPT_H
#define AGENT_PROMPT_H

#include <stdbool.h>

/* Whether there is a desktop that could show a browser. */
bool prompt_has_display(void);

/* Opens the system's browser. Whether a window came up cannot be known: the URL is shown as text as
 * well. */
void prompt_open_browser(const char *url);

#endif
