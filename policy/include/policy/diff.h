/*
 * diff.h - in which settings two policies differ. Pure.
 */
#ifndef POLICY_DIFF_H
#define POLICY_DIFF_H

#include <stddef.h>

#include "base/error.h"
#include "policy/load.h"

/* All lent by the two policies. Texts are not fit to be shown: setting_display(). */
struct policy_difference {
    const struct setting *row;
    const struct policy_result *a; /* ->text the value, ->winner where it comes from */
    const struct policy_result *b;
};

/* One row per setting whose value differs, in the order of the schema; sources do not count. Entries
 * of a list count in their order. *out (NULL when there is none) is the caller's to free(). */
int policy_diff(struct policy_difference **out, size_t *count, const struct policy *a,
                const struct policy *b, struct error *err);

#endif
