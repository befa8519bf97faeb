/*
 * export_write.h - how each form is written; policy/export.h chooses among them.
 */
#ifndef POLICY_EXPORT_WRITE_H
#define POLICY_EXPORT_WRITE_H

#include "base/buf.h"
#include "policy/set.h"
#include "registry.h"

/* The texts of the set are in normal form, so there is nothing to be refused. */
int export_yaml(struct buf *out, const struct policy_set *set, struct error *err);
int export_reg(struct buf *out, const struct policy_set *set, enum registry_hive hive,
               struct error *err);
int export_regpol(struct buf *out, const struct policy_set *set, struct error *err);

#endif
