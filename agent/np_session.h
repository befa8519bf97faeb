/*
 * np_session.h - the session's answers to the network provider (Windows).
 */
#ifndef AGENT_NP_SESSION_H
#define AGENT_NP_SESSION_H

#include "base/error.h"

struct session;

/* Listens to the provider when it does not yet. What fails is logged and tried again with the next
 * call: another program may have the pipe. Main thread. */
void session_np_tick(struct session *session);

/* Returns when no question is being answered any more. */
void session_np_stop(struct session *session);

/* *out = `asked` as mappings spell it: people may name a tenant with the tag of the user or without
 * it. ERR_NOT_FOUND: no mapping has such a tenant. Apply_mutex held; the caller frees. */
int session_np_untag(char **out, const struct session *session, const char *asked,
                     struct error *err);

#endif
