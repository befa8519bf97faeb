/* Which files the kernel may know by name: told once, by one name, until it is over or left. */
#include "test.h"

#include <stdlib.h>

#include "np/posix/np_internal.h"

#define LATER 6000 /* ms: what was told is over */

static void np_names__are_told_by_one_spelling(void **state)
{
    struct np_names names;

    (void)state;
    np_names_init(&names);
    assert_true(np_names_tell(&names, 7, 2, "a.txt", 100));
    assert_true(np_names_tell(&names, 7, 2, "a.txt", 200)); /* again is fine */
    assert_false(np_names_tell(&names, 7, 2, "A.TXT", 300));
    assert_false(np_names_tell(&names, 7, 3, "a.txt", 300));
    assert_int_equal(np_names_other(&names, 7, 2, "a.txt", 300), 0);
    assert_int_equal(np_names_other(&names, 7, 2, "A.TXT", 300), 2);
    assert_int_equal(np_names_other(&names, 7, 3, "a.txt", 300), 2);
    assert_int_equal(np_names_other(&names, 8, 2, "a.txt", 300), 0);
    assert_int_equal(np_names_other(&names, 7, 2, "A.TXT", 200 + LATER), 0);
    assert_true(np_names_tell(&names, 7, 2, "A.TXT", 200 + LATER));
    assert_int_equal(np_names_other(&names, 7, 2, "a.txt", 200 + LATER), 2);
    np_names_clear(&names);
}

static void np_names__move_with_a_rename(void **state)
{
    struct np_names names;

    (void)state;
    np_names_init(&names);
    np_names_move(&names, 0, 2, "b.txt", true, 100); /* nothing was told: nothing happens */
    np_names_move(&names, 7, 2, "b.txt", true, 100);
    assert_false(np_names_is_left(&names, 7, 100));
    assert_true(np_names_tell(&names, 7, 2, "a.txt", 100));
    np_names_move(&names, 7, 3, "b.txt", false, 200);
    assert_int_equal(np_names_other(&names, 7, 3, "b.txt", 300), 0);
    assert_int_equal(np_names_other(&names, 7, 2, "a.txt", 300), 3);
    assert_false(np_names_is_left(&names, 7, 300));
    np_names_clear(&names);
}

static void np_names__of_what_took_another_over_are_left(void **state)
{
    struct np_names names;

    (void)state;
    np_names_init(&names);
    assert_true(np_names_tell(&names, 7, 2, "tmp", 100));
    np_names_move(&names, 7, 2, "doc", true, 200);
    assert_true(np_names_is_left(&names, 7, 300));
    assert_false(np_names_tell(&names, 7, 2, "doc", 300));
    np_names_end(&names, 2, 400);
    assert_true(np_names_is_left(&names, 7, 400));
    assert_false(np_names_is_left(&names, 7, 100 + LATER));
    np_names_clear(&names);
}

static void np_names__end_with_their_folder(void **state)
{
    struct np_names names;

    (void)state;
    np_names_init(&names);
    assert_true(np_names_tell(&names, 7, 2, "a.txt", 100));
    assert_true(np_names_tell(&names, 8, 2, "b.txt", 300)); /* told since */
    assert_true(np_names_tell(&names, 9, 3, "c.txt", 100));
    np_names_end(&names, 2, 200);
    assert_int_equal(np_names_other(&names, 7, 2, "A.TXT", 300), 0);
    assert_int_equal(np_names_other(&names, 8, 2, "B.TXT", 300), 2);
    assert_int_equal(np_names_other(&names, 9, 3, "C.TXT", 300), 3);
    assert_true(np_names_tell(&names, 7, 2, "A.TXT", 300));
    np_names_clear(&names);
}

/* What does not fit is not remembered, and there is room again when the rest is over. */
static void np_names__are_limited(void **state)
{
    enum { MANY = 100000 };
    struct np_names names;
    unsigned told = 0;

    (void)state;
    np_names_init(&names);
    for (unsigned i = 0; i < MANY; i++) {
        told += np_names_tell(&names, 2 + i, 1, "name", 100 + i % 10);
    }
    assert_in_range(told, 5000, 10000);
    assert_true(names.capacity <= 2 * told);
    for (unsigned i = 0; i < MANY; i++) { /* each that was told is known */
        told -= np_names_other(&names, 2 + i, 1, "NAME", 200) != 0;
    }
    assert_int_equal(told, 0);
    assert_true(np_names_tell(&names, MANY, 1, "name", 110 + LATER));
    assert_true(names.capacity < 1000); /* and the memory is given back */
    np_names_clear(&names);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(np_names__are_told_by_one_spelling),
    cmocka_unit_test(np_names__move_with_a_rename),
    cmocka_unit_test(np_names__of_what_took_another_over_are_left),
    cmocka_unit_test(np_names__end_with_their_folder),
    cmocka_unit_test(np_names__are_limited),
};

TEST_MAIN("the names that the kernel may know", tests)
