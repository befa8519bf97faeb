/*
 * rows.h - the parts that the table of settings consists of: one file for each category.
 *
 * What the rows need to be read easily. Nobody but schema.c and the parts themselves includes this.
 */
#ifndef POLICY_SCHEMA_ROWS_H
#define POLICY_SCHEMA_ROWS_H

#include <stddef.h>

#include "check.h"
#include "policy/schema.h"
#include "policy/settings.h"

#define AT(field) offsetof(struct settings, field)
#define BOTH (SETTING_MACHINE | SETTING_USER)
#define LATER (BOTH | SETTING_PLANNED)

struct schema_part {
    const struct setting *rows;
    size_t count;
};

extern const struct schema_part schema_account;
extern const struct schema_part schema_mappings;
extern const struct schema_part schema_transport;
extern const struct schema_part schema_files;
extern const struct schema_part schema_network;
extern const struct schema_part schema_diagnostics;

#endif
