/*
 * registry_source.h - one key of a registry image as a source.
 *
 * Scalars are values of the key: switches, numbers and enumerations REG_DWORD (an enumeration by its
 * position), text REG_SZ or REG_EXPAND_SZ. A list is a subkey; each of its values is an entry,
 * whatever its name, in the order of numeric names and then of names; where the data is empty the
 * name is the entry. A wrong type is warned about, and converted where it can mean one thing only.
 */
#ifndef POLICY_REGISTRY_SOURCE_H
#define POLICY_REGISTRY_SOURCE_H

#include "base/error.h"
#include "registry.h"
#include "source.h"

/* Fills `source` from `key` of `hive`. The image must be compacted. REG_EXPAND_SZ is expanded with
 * the variables of `sources`; a variable without a value stays as it is written. Fails only without
 * memory. */
int registry_fill(struct source *source, const struct registry_image *image,
                  enum registry_hive hive, const char *key, const struct policy_sources *sources,
                  struct warnings *warnings, struct error *err);

/* How many values stand in `key` and below. */
size_t registry_count(const struct registry_image *image, enum registry_hive hive, const char *key);

/* Replaces %NAME% by the variable's value, where it has one. */
int registry_expand(char **text, setting_variable_fn variable, void *payload, struct error *err);

#endif
