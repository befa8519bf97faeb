/*
 * notice.h - a sentence for the person at this session, from a program that has no console.
 */
#ifndef AGENT_NOTICE_H
#define AGENT_NOTICE_H

#include <stdbool.h>

/* Shows it in a window and waits until it is closed. */
void notice_show(const char *text, bool is_failure);

#endif
