/* Uploads of new files that arrive, and whose answers get lost. */
#include "fixture.h"

#include <stdlib.h>

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    fixture_prepare(f);
    f->options.saves_in_background = true;
    fixture_start(f);
    *state = f;
    return 0;
}

static void arrival_delete__takes_back_what_arrived_without_an_answer(void **state)
{
    struct fixture *f = *state;

    fake_lose_uploads(f->fake, 1);
    assert_int_equal(fixture_write_text(f, "", "a", "text"), 0);
    (void)online_vfs_wait_uploads(f->online, 5000);
    assert_true(fake_has_text(f->fake, "a", "text"));
    assert_int_equal(vfs_unlink(f->vfs, f->root, "a", NULL, NULL), 0);
    assert_int_equal(fake_children(f->fake, ""), 0);
    assert_int_equal(fixture_list(f, ""), 0);
}

static void arrival_rename__takes_back_what_arrived_without_an_answer(void **state)
{
    struct fixture *f = *state;

    fake_lose_uploads(f->fake, 1);
    assert_int_equal(fixture_write_text(f, "", "a", "text"), 0);
    (void)online_vfs_wait_uploads(f->online, 5000);
    assert_int_equal(vfs_rename(f->vfs, f->root, "a", f->root, "b", 0, NULL, NULL), 0);
    assert_int_equal(online_vfs_retry_uploads(f->online, NULL, NULL, NULL), 0);
    (void)online_vfs_wait_uploads(f->online, 5000);
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_true(fake_has_text(f->fake, "b", "text"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(arrival_delete__takes_back_what_arrived_without_an_answer,
                                        setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(arrival_rename__takes_back_what_arrived_without_an_answer,
                                        setup, fixture_teardown),
    };

    return cmocka_run_group_tests_name("arrival", tests, NULL, NULL);
}
