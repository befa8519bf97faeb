/*
 * np_order.h - the list in which Windows asks its network providers: words with commas between
 * them. Words that are not ours stay as they are and where they are.
 */
#ifndef AGENT_NP_ORDER_H
#define AGENT_NP_ORDER_H

#include <stdbool.h>

#include "base/error.h"

/* Position of `word` from 1 on, without case; 0: it is not there. *count (may be NULL) = all words. */
unsigned np_order_find(const char *order, const char *word, unsigned *count);

/* *out = `order` with `word` in it: unchanged when it is there; else before WinFsp's provider, which
 * answers wrongly for letters that it did not make itself; else at the end. The caller frees. */
int np_order_add(char **out, const char *order, const char *word, struct error *err);

/* *out = `order` without `word`, however often it is there. The caller frees. */
int np_order_remove(char **out, const char *order, const char *word, struct error *err);

#endif
