/*
 * setup.h - what an installer needs, for all sessions of the machine: agents are ended and started
 * while nobody's Explorer is touched, and one scheduled task starts them at logon. Windows only;
 * elsewhere ERR_UNSUPPORTED, and listening does nothing (Linux has SIGTERM and systemd).
 *
 * No pipe of an agent lets in anybody but its user, and an installer is not the user. So each agent
 * listens to an event of its own, Global\Mooring-stop-<process id>, which its user and the system may
 * set. A name that another program took first is not used: that agent is ended by force.
 */
#ifndef AGENT_SETUP_H
#define AGENT_SETUP_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* In the agent, after process_block_stop(): ends it as SIGTERM does when the installer asks. */
struct setup_listener;
int setup_listen(struct setup_listener **out, struct error *err);
void setup_listen_end(struct setup_listener *listener); /* NULL is fine */

struct setup_stopped {
    size_t ended;  /* when they were asked */
    size_t killed; /* still there after wait_ms; what was not sent yet is in their journals */
};

/* Ends the agents whose program lies in the folder of this one, in all sessions. Only the system
 * reaches all of them: of another user's, ERR_DENIED is in *err after the others were ended. */
int setup_stop_agents(struct setup_stopped *out, int64_t wait_ms, struct error *err);

/* Starts mooring-agent.exe of this program's folder in each session that somebody is signed in to,
 * with that user's rights; *count = how many. One that runs there already stays the only one. Needs
 * the rights of the system (ERR_DENIED). */
int setup_start_agents(size_t *count, struct error *err);

/* The task that starts mooring-agent.exe of this program's folder when any user logs on, with the
 * rights of that user; again: written anew. Needs an administrator (ERR_DENIED). */
int setup_add_task(struct error *err);

/* What is not there is fine. */
int setup_remove_task(struct error *err);

/* The task as XML (schema 1.2 of the Task Scheduler) for a program. Pure. The caller frees *out. */
int setup_task_xml(char **out, const char *program, struct error *err);

#endif
