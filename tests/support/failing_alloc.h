/*
 * failing_alloc.h - an allocator of which one call fails, so that a test can try what happens at each.
 *
 * Link `test_failing_alloc`: it wraps malloc, calloc and realloc of the code under test (not of shared libraries).
 *
 * Set it to 1, 2, 3 ... before each run of what is tested; what is left above 0 afterwards says that it needed fewer
 * allocations, and that all have been tried. It
 * counts what the thread that set it allocates.
 */
#ifndef TEST_FAILING_ALLOC_H
#define TEST_FAILING_ALLOC_H

/* Counts down with each allocation; the one that brings it to 0 fails. 0: none. */
extern _Thread_local long failing_alloc_at;

#endif
