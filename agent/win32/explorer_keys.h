/*
 * explorer_keys.h - what stands in the user's registry for Explorer. All keys have fixed names, or
 * bear our mark, so that they are found again without a record.
 */
#ifndef AGENT_EXPLORER_KEYS_H
#define AGENT_EXPLORER_KEYS_H

#include "explorer.h"

/* The folder in the navigation pane, whose content is that of `target`. */
int explorer_keys_add_node(const char *target, const char *program, struct error *err);

/* The entries of menus, for what the view says. Again: the condition is taken over. */
int explorer_keys_add_verbs(const struct explorer_view *view, const char *program,
                            struct error *err);

/* The name and the icon of a letter. A name that the user gave stays. */
int explorer_keys_add_letter(const struct explorer_letter *letter, const char *program,
                             struct error *err);
void explorer_keys_remove_letter(const struct explorer_letter *letter);

/* All of it, also what another agent made. The first failure is told; the rest goes on. */
int explorer_keys_remove_all(struct error *err);

#endif
