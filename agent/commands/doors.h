/*
 * doors.h - what open, view, link, versions and `status PATH` share.
 */
#ifndef AGENT_COMMANDS_DOORS_H
#define AGENT_COMMANDS_DOORS_H

#include "commands/command.h"

/* The arguments of the control command "door" for `path`, in whatever form; the caller may add more
 * and deletes them. NULL and *err: this is no path. */
cJSON *door_arguments(const char *action, const char *path, struct error *err);

/* Asks the agent; takes `arguments` over, which may be NULL (*err says why then). */
int door_call(cJSON **result, cJSON *arguments, struct error *err);

/* `mooring status PATH`. */
int command_status_of(const char *path, bool is_json);

#endif
