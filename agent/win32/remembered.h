/*
 * remembered.h - network drives that Windows remembers for this user over the end of the session:
 * it shows them at the next logon, as not connected, until the agent makes them (RemoveOnLogoff).
 */
#ifndef AGENT_REMEMBERED_H
#define AGENT_REMEMBERED_H

#include "explorer.h"

/* The letters of `view`; those that the user has of another provider are left. */
int remembered_write(const struct explorer_view *view, struct error *err);

/* All that are ours. */
int remembered_remove(struct error *err);

#endif
