/*
 * letter.h - who gets which drive letter. Pure.
 */
#ifndef MAPPER_RECONCILE_LETTER_H
#define MAPPER_RECONCILE_LETTER_H

#include "mapper/plan.h"

/* `mappings[i]` is the mapping of `libraries[i]`; both in order of path. Sets `letter` of each. See
 * plan_wanted(). */
int letter_assign(struct plan_mapping *mappings, const struct library *const *libraries,
                  size_t count, const struct settings *settings, const char *taken,
                  struct str_list *notes, struct error *err);

#endif
