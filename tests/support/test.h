/*
 * test.h - what every test includes: cmocka in the order it asks for, and a main() that runs what
 * matches.
 *
 * The list at the end of a test file is the only registration; `./test_x PATTERN` runs what matches
 * the shell-like pattern (cmocka's filter: `*` and `?`).
 */
#ifndef MOORING_TEST_H
#define MOORING_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define TEST_MAIN(name, tests)                                               \
    int main(int argc, char **argv)                                          \
    {                                                                        \
        if (argc > 1) {                                                      \
            cmocka_set_test_filter(argv[1]);                                 \
        }                                                                    \
        return cmocka_run_group_tests_name(name, tests, NULL, NULL) ? 1 : 0; \
    }

#endif
