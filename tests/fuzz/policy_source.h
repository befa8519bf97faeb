/*
 * policy_source.h - what must hold for a source, whatever bytes it was read from.
 */
#ifndef FUZZ_POLICY_SOURCE_H
#define FUZZ_POLICY_SOURCE_H

#include <stdbool.h>

#include "source.h"

/* Aborts when it does not hold. */
void must(bool holds);

/* Judges all values; what is accepted must be in normal form, and written as YAML, .reg and Registry.pol
 * come back as it is. Ends the file of `warnings`, looks at them, and clears both. */
void check_source(struct source *source, struct warnings *warnings);

/* HOME is "/home/anna"; nothing else has a value. A setting_variable_fn. */
const char *fuzz_variable(const char *name, void *payload);

#endif
