/*
 * user_registry.h - keys of this user's registry that are ours for a session. What we make there is
 * volatile: it is never on the disk, and ends with the session whatever becomes of us. The keys
 * around it that others may use as well are made to stay, because below a volatile key nobody can
 * make one that stays; they go again when they are empty.
 *
 * Names are UTF-8, below HKEY_CURRENT_USER, in the 64-bit view. Key names have up to 255 characters.
 */
#ifndef AGENT_USER_REGISTRY_H
#define AGENT_USER_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum user_registry_kind { USER_REGISTRY_TEXT, USER_REGISTRY_EXPAND };

/* `name` "" is the key's default value. `shared` is the key around ours; `own` is what is below it:
 * "Mooring.Open\\command". */
int user_registry_set_text(const char *shared, const char *own, const char *name,
                           enum user_registry_kind kind, const char *text, struct error *err);
int user_registry_set_number(const char *shared, const char *own, const char *name, uint32_t number,
                             struct error *err);

/* *out = the text of a value, not expanded; NULL when there is none. The caller frees. */
int user_registry_get_text(char **out, const char *key, const char *name, struct error *err);

/* What is not there counts as removed. The whole of our key, and then what is empty around it, up to
 * and without `stop`, which `shared` begins with. */
int user_registry_remove(const char *shared, const char *own, const char *stop, struct error *err);
int user_registry_remove_value(const char *key, const char *name, struct error *err);

/* Removes `key` and those around it while they are empty, up to and without `stop`. */
void user_registry_prune(const char *key, const char *stop);

/* Calls `visit` for the name of each key right below `key`, as they were at the beginning. */
int user_registry_visit(const char *key, void (*visit)(void *payload, const char *name),
                        void *payload, struct error *err);

#endif
