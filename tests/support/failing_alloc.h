/*
 * failing_alloc.h - an allocator of which one call fails, so that a test can try what happens at each.
 *
 * Link `test_failing_alloc`: it wraps malloc, calloc and realloc of the code under test (not of shared libraries).
 *
 * Set it to 1, 2, 3 ... before each run of what is tested; what is left above 0 afterwards says that it needed fewer
 * allocations, and that all have been tried. Not thread-safe.
 */
#ifndef TEST_FAILING_ALLOC_H
#define TEST_FAILING_ALLOC_H

extern long
    failing_alloc_at; /* counts down with each allocation; the one that brings it to 0 fails. 0: none */

#endif
