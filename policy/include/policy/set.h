/*
 * set.h - settings with the values that a file shall give them: what export writes and import
 * makes.
 *
 * Texts are as an administrator writes them, checked and in normal form; variables in paths are
 * left as they are. At most one value per setting; the order is that of the schema, whatever the
 * order of putting. Not thread-safe.
 */
#ifndef POLICY_SET_H
#define POLICY_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "policy/schema.h"

struct policy;

/* Zero-initialise. */
struct policy_set {
    char **texts; /* one per row of the schema, NULL: not in the set; a LIST: one entry a line */
};

/* Checks `text` and puts it in, replacing what was there. A LIST without entries says nothing and is
 * left out. ERR_INVALID with a clause that goes after "the value ", as setting_parse(). */
int policy_set_put(struct policy_set *set, const struct setting *row, const char *text,
                   struct error *err);

/* Puts what "Disabled" in the Group Policy editor writes. */
int policy_set_disable(struct policy_set *set, const struct setting *row, struct error *err);

/* Puts every setting that a source of `policy` sets (is_all: every setting), so that a policy read
 * from it alone has the same values: "-" is added to a list where the default must not count. */
int policy_set_from_policy(struct policy_set *set, const struct policy *policy, bool is_all,
                           struct error *err);

/* Lent; NULL when the set has no value for it. */
const char *policy_set_text(const struct policy_set *set, const struct setting *row);
size_t policy_set_count(const struct policy_set *set);

void policy_set_clear(struct policy_set *set);

#endif
