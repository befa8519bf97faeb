/*
 * event_log.h - the event log of the system, where an administrator's monitoring looks: Windows'
 * Application log, on Linux the local syslog socket, which journald reads too. For few things that
 * somebody should act on, or wants to count; all else is in log.h.
 *
 * Nothing waits for it, and nothing fails by it: an event that the system does not take is lost. The
 * text is one sentence, English, without secrets and paths of users.
 */
#ifndef BASE_EVENT_LOG_H
#define BASE_EVENT_LOG_H

#include "base/error.h"

enum event_kind { EVENT_INFO, EVENT_WARNING, EVENT_ERROR };

struct event_log;

/* `source`: the program's name there; kept. On Windows also the name of the registry key that says
 * where the texts of the numbers are. `address` is for tests on Linux, another socket than
 * /dev/log; NULL. */
int event_log_open(struct event_log **out, const char *source, const char *address,
                   struct error *err);
void event_log_close(struct event_log *log); /* NULL is fine */

/* `number` (1 to 65,535) says what happened and never changes its meaning. Any thread. */
void event_log_write(struct event_log *log, enum event_kind kind, unsigned number,
                     const char *text);

#endif
