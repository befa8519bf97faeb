/*
 * all_saves.h - runs something for each sequence in tests/data/saves, and tells how it went.
 */
#ifndef TESTS_SAVES_ALL_SAVES_H
#define TESTS_SAVES_ALL_SAVES_H

#include "base/str.h"
#include "sequence.h"

/* False, and in `why` what went wrong. */
typedef bool (*save_fn)(void *payload, const struct sequence *sequence, char *why, size_t size);

/* `pattern`: only files whose name without ending matches; NULL: all. The exit code for main(): 1
 * when one failed or none matched. */
int all_saves(const char *title, const char *pattern, save_fn run, void *payload);

/* The default of LocalOnlyPatterns. */
void saves_patterns(struct str_list *out);

#endif
