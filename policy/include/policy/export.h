/*
 * export.h - a set of settings as a file that policy_load() reads back to the same set.
 *
 * The same set gives the same bytes: settings in the order of the schema, no dates. Passwords of a
 * SETTING_SECRET are written, since the file would not work without: it must be kept as a secret
 * then (policy_set_has_secret()).
 */
#ifndef POLICY_EXPORT_H
#define POLICY_EXPORT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "policy/set.h"

enum policy_format {
    POLICY_FORMAT_YAML,
    POLICY_FORMAT_REG, /* "Windows Registry Editor Version 5.00", UTF-16LE with a byte order mark */
    POLICY_FORMAT_REGPOL /* Registry.pol (PReg), which has no hive */
};

struct policy_export_options {
    bool is_user; /* REG: below HKEY_CURRENT_USER instead of HKEY_LOCAL_MACHINE */
};

/* Appends the file to `out` (binary for all but YAML). Lists replace what was in their key before
 * (`[-key]`, `**delvals.`). `options` NULL: all defaults. ERR_INVALID when is_user and the set has a
 * setting that only the machine's policy can set; ERR_LIMIT when `out` is full. */
int policy_export(struct buf *out, enum policy_format format, const struct policy_set *set,
                  const struct policy_export_options *options, struct error *err);

/* Whether a value has a password in it. */
bool policy_set_has_secret(const struct policy_set *set);

#endif
