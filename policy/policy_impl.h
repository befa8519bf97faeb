/*
 * policy_impl.h - the inside of a struct policy, for those who make one.
 */
#ifndef POLICY_POLICY_IMPL_H
#define POLICY_POLICY_IMPL_H

#include "base/error.h"
#include "policy/load.h"
#include "source.h"

struct policy {
    struct settings *settings;
    struct policy_result *results; /* one per row */
    struct policy_file *files;     /* whose paths the values lend */
    size_t file_count;
    struct warnings warnings;
};

/* Without files and values. */
int policy_new(struct policy **out, struct error *err);

/* One more file that was looked for, lent until the next one; NULL and *err without memory. */
struct policy_file *policy_add_file(struct policy *policy, enum policy_layer layer,
                                    const char *path, struct error *err);

/* Takes *value over, below all that a setting has so far. */
int policy_add_value(struct policy *policy, size_t row, struct policy_value *value,
                     struct error *err);

/* When all sources are read: defaults, winners, settings. */
int policy_finish(struct policy *policy, const struct policy_sources *sources, struct error *err);

#endif
