/*
 * prompt.h - reaching the person at this session.
 */
#ifndef AGENT_PROMPT_H
#define AGENT_PROMPT_H

#include <stdbool.h>

/* Whether there is a desktop that could show a browser. */
bool prompt_has_display(void);

/* Opens the system's browser on an http or https URL. Whether a window came up cannot be known: the
 * URL is shown as text as well. When *browser is not NULL it is a former one, and freed; what still
 * runs after two seconds is left in it, to be reaped by process_wait() and freed by the caller. */
struct process;
void prompt_open_browser(struct process **browser, const char *url);

#endif
