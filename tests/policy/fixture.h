/*
 * fixture.h - a folder of its own for each test, and a policy loaded from files in it.
 *
 * Variables are the fixture's, not the environment's: HOME is "/home/anna", and LOCALAPPDATA what
 * it is on Windows.
 */
#ifndef TESTS_POLICY_FIXTURE_H
#define TESTS_POLICY_FIXTURE_H

#include "policy/load.h"

/* What an absolute path begins with. */
#ifdef _WIN32
#define FIXTURE_DISK "C:"
#else
#define FIXTURE_DISK ""
#endif

struct fixture {
    char *directory;
    struct policy_sources sources; /* machine.yaml, policy.d, user.yaml below it */
    struct policy *policy;         /* after fixture_load() */
};

/* For cmocka_unit_test_setup_teardown(). */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* The path of `name` below the fixture's folder. Lent until the next call. */
const char *fixture_path(struct fixture *fixture, const char *name);

/* Writes a file below the fixture's folder, with the folders it needs. */
void fixture_write(struct fixture *fixture, const char *name, const char *text);
void fixture_write_bytes(struct fixture *fixture, const char *name, const void *data, size_t size);

/* (Re)loads fixture->policy; must succeed. */
void fixture_load(struct fixture *fixture);

/* Writes `text` to machine.yaml and loads. */
void fixture_load_machine(struct fixture *fixture, const char *text);

/* The result of a setting as text, e.g. "512". */
const char *fixture_text(struct fixture *fixture, const char *name);

/* "warning 3 CacheSizeMB" lines of all warnings of the last load, without their sentences; the
 * sentences, one a line. Lent until the next call. */
void assert_warnings(struct fixture *fixture, const char *expected);
void assert_sentence(struct fixture *fixture, size_t index, const char *part);

#endif
