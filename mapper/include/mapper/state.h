/*
 * state.h - what the agent remembers between sessions: libraries, mappings it made, verified drive
 * ids. SQLite, one file in the user's state folder, written by one agent; any thread (one lock
 * inside).
 *
 * A state file that is broken or of a newer version is moved aside with a name that says so, never
 * deleted, and the agent starts with an empty one.
 */
#ifndef MAPPER_STATE_H
#define MAPPER_STATE_H

#include "mapper/discover.h"
#include "mapper/plan.h"

struct state;

/* `directory` is made private. `note` (may be NULL) gets a sentence when an old file was set aside.
 */
int state_open(struct state **out, const char *directory, struct str_list *note, struct error *err);
void state_close(struct state *state);

/* Libraries of one tenant (GUID), or of all when NULL; saving replaces the tenant's in one
 * transaction. */
int state_load_libraries(struct state *state, struct library_list *out, const char *tenant_id,
                         struct error *err);
int state_save_libraries(struct state *state, const char *tenant_id,
                         const struct library_list *list, struct error *err);

/* A drive id that an answer of the service has confirmed for the library `key` (unknown keys are
 * fine). state_save_libraries() keeps it, whatever its list says, until it has another confirmed
 * one.
 */
int state_save_drive(struct state *state, const char *key, const char *drive_id, struct error *err);

/* Mappings this agent (or one that died) made and did not take away. state_record() is
 * plan_actions.record: it survives the end of this process without waiting for the disk; after
 * power loss there are no mappings either. */
int state_load_mappings(struct state *state, struct plan_mapping_list *out, struct error *err);
int state_record(struct state *state, const struct plan_step *step, struct error *err);

#endif
