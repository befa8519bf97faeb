/*
 * scratch.h - one temporary folder for all tests of a program.
 */
#ifndef TESTS_BASE_SCRATCH_H
#define TESTS_BASE_SCRATCH_H

/* The group's set-up and tear-down. */
int make_scratch(void **state);
int remove_scratch(void **state);

/* The path of `name` in it; the caller frees. */
char *in_scratch(const char *name);

#endif
