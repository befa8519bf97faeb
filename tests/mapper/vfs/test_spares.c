/*
 * test_spares.c - small files that go round instead of being removed.
 */
#include <stdio.h>

#include "base/file.h"
#include "base/str.h"
#include "local.h"
#include "spares.h"
#include "test.h"

#define MORE_THAN_ARE_KEPT 100

static char *directory;

static int setup(void **state)
{
    *state = NULL;
    return file_make_temporary_directory(&directory, "mooring-spares", NULL) < 0 ||
           spares_new((struct spares **)state, directory, "tag", NULL) < 0;
}

static int teardown(void **state)
{
    spares_free(*state);
    (void)file_remove_tree(directory, NULL);
    str_free(&directory);
    return 0;
}

static void place(char *out, size_t size, unsigned number)
{
    assert_in_range(snprintf(out, size, "%s/%u.note", directory, number), 1, size - 1);
}

static void make(unsigned number)
{
    char path[256];

    place(path, sizeof(path), number);
    assert_int_equal(file_write_atomic(path, "note", 4, NULL), 0);
}

static void give(struct spares *spares, unsigned number)
{
    char path[256];

    place(path, sizeof(path), number);
    spares_give(spares, path);
    assert_false(file_exists(path));
}

static bool take(struct spares *spares, unsigned number)
{
    char path[256];
    bool is_taken;

    place(path, sizeof(path), number);
    is_taken = spares_take(spares, path);
    assert_int_equal(file_exists(path), is_taken);
    return is_taken;
}

static void count_one(void *payload, const char *name)
{
    (void)name;
    ++*(unsigned *)payload;
}

static unsigned files(void)
{
    unsigned count = 0;

    assert_int_equal(local_each(directory, count_one, &count, NULL), 0);
    return count;
}

static void spares_take__gives_what_was_given(void **state)
{
    make(1);
    assert_false(take(*state, 2));
    give(*state, 1);
    assert_int_equal(files(), 1);
    assert_true(take(*state, 2));
    assert_int_equal(files(), 1);
    assert_false(take(*state, 3));
}

static void spares_take__goes_over_what_is_there(void **state)
{
    char path[256];
    int64_t size = 0;

    make(1);
    give(*state, 1);
    place(path, sizeof(path), 2);
    assert_int_equal(file_write_atomic(path, "older and longer", 16, NULL), 0);
    assert_true(take(*state, 2));
    assert_int_equal(file_size(path, &size, NULL), 0);
    assert_int_equal(size, 4);
}

static void spares_give__of_nothing_gives_nothing(void **state)
{
    give(*state, 1);
    assert_false(take(*state, 2));
}

static void spares_give__keeps_some_and_removes_the_rest(void **state)
{
    unsigned taken = 0;

    for (unsigned i = 0; i < MORE_THAN_ARE_KEPT; i++) {
        make(i);
    }
    for (unsigned i = 0; i < MORE_THAN_ARE_KEPT; i++) {
        give(*state, i);
    }
    assert_in_range(files(), 1, MORE_THAN_ARE_KEPT - 1);
    while (take(*state, taken)) {
        taken++;
    }
    assert_int_equal(taken, files());
}

/* Somebody else removed it: as if there had been none. */
static void spares_take__does_without_one_that_is_gone(void **state)
{
    make(1);
    give(*state, 1);
    assert_int_equal(file_remove_tree(directory, NULL), 0);
    assert_int_equal(file_make_private_directory(directory, NULL), 0);
    assert_false(take(*state, 2));
}

static void spares_free__leaves_none(void **state)
{
    make(1);
    make(2);
    give(*state, 1);
    give(*state, 2);
    spares_free(*state);
    *state = NULL;
    assert_int_equal(files(), 0);
}

#define SPARES_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static const struct CMUnitTest tests[] = {
    SPARES_TEST(spares_take__gives_what_was_given),
    SPARES_TEST(spares_take__goes_over_what_is_there),
    SPARES_TEST(spares_give__of_nothing_gives_nothing),
    SPARES_TEST(spares_give__keeps_some_and_removes_the_rest),
    SPARES_TEST(spares_take__does_without_one_that_is_gone),
    SPARES_TEST(spares_free__leaves_none),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
