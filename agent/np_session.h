/*
 * np_session.h - the session's answers to the network provider (Windows).
 */
#ifndef AGENT_NP_SESSION_H
#define AGENT_NP_SESSION_H

struct session;

/* Listens to the provider when it does not yet. What fails is logged and tried again with the next
 * call: another program may have the pipe. Main thread. */
void session_np_tick(struct session *session);

/* Returns when no question is being answered any more. */
void session_np_stop(struct session *session);

#endif
