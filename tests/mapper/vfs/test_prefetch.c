/* A walk through a tree is listed ahead, by counted requests, and is told the truth all the same. */
#include "fixture.h"

#include <stdio.h>

#include "still_clock.h"

#define FOLDERS 30u
#define FILES 2u

static void make_tree(struct fixture *f)
{
    char path[64];

    for (unsigned i = 0; i < FOLDERS; i++) {
        for (unsigned k = 0; k < FILES; k++) {
            snprintf(path, sizeof(path), "folder%u/file%u", i, k);
            fake_put_text(f->fake, path, "x");
        }
    }
    assert_int_equal(fixture_list(f, ""), FOLDERS);
}

static void walk(struct fixture *f, unsigned from, unsigned to)
{
    char path[64];

    for (unsigned i = from; i < to; i++) {
        snprintf(path, sizeof(path), "folder%u", i);
        assert_int_equal(fixture_list(f, path), FILES);
    }
}

static void online_prefetch__lists_ahead_of_a_walk(void **state)
{
    struct fixture *f = *state;

    make_tree(f);
    fake_set_latency(f->fake, 10);
    still_clock_begin(); /* it is one walk, on a slow machine, too */
    walk(f, 0, FOLDERS);
    assert_int_equal(fake_count(f->fake, FAKE_LIST), 1 + FOLDERS); /* each once */
    assert_in_range(fake_count(f->fake, FAKE_BATCH), 2, 10);
}

static void online_prefetch__leaves_two_looks_alone(void **state)
{
    struct fixture *f = *state;

    make_tree(f);
    walk(f, 0, 2);
    for (int i = 0; i < 5; i++) {
        walk(f, 1, 2); /* the same again */
    }
    fixture_stop(f); /* what was begun is counted by now */
    assert_int_equal(fake_count(f->fake, FAKE_BATCH), 0);
    assert_int_equal(fake_count(f->fake, FAKE_LIST), 1 + 2);
}

static void online_prefetch__that_fails_is_no_error(void **state)
{
    struct fixture *f = *state;

    make_tree(f);
    fake_set_latency(f->fake, 5);
    fake_fail(f->fake, FAKE_BATCH, ERR_THROTTLED, 0, 1000);
    walk(f, 0, FOLDERS);
    assert_int_equal(fake_count(f->fake, FAKE_LIST), 1 + FOLDERS);
}

static void online_prefetch__of_a_part_that_fails_is_no_error(void **state)
{
    struct fixture *f = *state;

    make_tree(f);
    walk(f, 0, 3);
    fake_fail(f->fake, FAKE_LIST, ERR_SERVER, 1, 1); /* in the batch that is under way */
    walk(f, 3, 4);
    fake_fail(f->fake, FAKE_LIST, ERR_SERVER, 0, 0);
    walk(f, 4, FOLDERS);
}

static void online_prefetch__shows_what_was_made_here_meanwhile(void **state)
{
    struct fixture *f = *state;

    make_tree(f);
    fake_set_latency(f->fake, 30);
    walk(f, 0, 3); /* folder3 and some more are asked for now */
    assert_int_equal(fixture_write_text(f, "folder4", "mine", "new"), 0);
    assert_int_equal(fixture_list(f, "folder4"), FILES + 1);
    assert_true(fixture_has_text(f, "folder4/mine", "new"));
}

static void online_prefetch__ends_with_the_vfs(void **state)
{
    struct fixture *f = *state;

    make_tree(f);
    walk(f, 0, 2);
    fake_set_latency(f->fake, 150);
    walk(f, 2, 3);
    fixture_stop(f); /* would wait for nothing, or crash */
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(online_prefetch__lists_ahead_of_a_walk, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(online_prefetch__leaves_two_looks_alone, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(online_prefetch__that_fails_is_no_error, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(online_prefetch__of_a_part_that_fails_is_no_error,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(online_prefetch__shows_what_was_made_here_meanwhile,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(online_prefetch__ends_with_the_vfs, fixture_setup,
                                        fixture_teardown),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("prefetch", tests, NULL, NULL);
}
