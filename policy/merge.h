/*
 * merge.h - who won, and over whom. Pure: reads and writes its argument and nothing else.
 */
#ifndef POLICY_MERGE_H
#define POLICY_MERGE_H

#include "base/error.h"
#include "policy/load.h"

/* From `values`, highest first with the default last, to is_used, winner, text and entries, by the
 * rules in load.h. ERR_NO_MEMORY. */
int merge_values(struct policy_result *result, struct error *err);

#endif
