/*
 * terminal.h - stdout as a person sees it.
 */
#ifndef AGENT_TERMINAL_H
#define AGENT_TERMINAL_H

#include <stdbool.h>

/* Whether stdout is a terminal, where a line can be overwritten. */
bool terminal_is_output(void);

/* Around several writes to stdout that belong together; other threads wait. */
void terminal_lock(void);
void terminal_unlock(void);

#endif
