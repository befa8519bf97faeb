/* Uploads of new files that arrive, and whose answers get lost. */
#include "fixture.h"

#include <stdlib.h>

#include "still_clock.h"
#include "waiting.h"

static int setup(void **state)
{
    struct fixture *f = fixture_new();

    f->options.saves_in_background = true;
    fixture_start(f);
    still_clock_begin(); /* nothing is sent again by itself */
    *state = f;
    return 0;
}

/* "a" arrives, and nobody here knows. */
static void save_with_lost_answer(struct fixture *f, const char *text)
{
    fake_lose_uploads(f->fake, 1);
    assert_int_equal(fixture_write_text(f, "", "a", text), 0);
    waiting_until_sent(f);
}

static void arrival_delete__takes_back_what_arrived_without_an_answer(void **state)
{
    struct fixture *f = *state;

    save_with_lost_answer(f, "text");
    assert_true(fake_has_text(f->fake, "a", "text"));
    assert_int_equal(vfs_unlink(f->vfs, f->root, "a", NULL, NULL), 0);
    assert_int_equal(fake_children(f->fake, ""), 0);
    assert_int_equal(fixture_list(f, ""), 0);
}

static void arrival_rename__takes_back_what_arrived_without_an_answer(void **state)
{
    struct fixture *f = *state;

    save_with_lost_answer(f, "text");
    assert_int_equal(vfs_rename(f->vfs, f->root, "a", f->root, "b", 0, NULL, NULL), 0);
    waiting_send_all(f);
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_true(fake_has_text(f->fake, "b", "text"));
}

static void arrival_times__are_set_though_the_bytes_were_there(void **state)
{
    struct fixture *f = *state;
    struct vfs_set set = {.flags = VFS_SET_MODIFIED, .modified_ms = 1600000000000};
    struct vfs_attr attr;

    save_with_lost_answer(f, "text");
    assert_int_not_equal(fixture_find(f, "a", &attr), 0);
    assert_int_equal(vfs_setattr(f->vfs, &attr, attr.id, NULL, &set, NULL, NULL), 0);
    waiting_send_all(f);
    assert_int_equal(fake_modified(f->fake, "a"), 1600000000000);
    assert_int_not_equal(fixture_find(f, "a", &attr), 0);
    assert_int_equal(attr.modified_ms, 1600000000000);
}

static void arrival_replace__goes_over_what_arrived_without_an_answer(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "a", "old");
    fake_put_text(f->fake, "b", "the new text");
    assert_int_equal(fixture_list(f, ""), 2);
    save_with_lost_answer(f, "lost answer");
    assert_true(fake_has_text(f->fake, "a", "lost answer"));
    assert_int_equal(vfs_rename(f->vfs, f->root, "b", f->root, "a", 0, NULL, NULL), 0);
    assert_int_equal(fixture_list(f, ""), 1);
    assert_true(fixture_has_text(f, "a", "the new text"));
    waiting_until_sent(f);
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_true(fake_has_text(f->fake, "a", "the new text"));
}

/* The first save arrived, and its answer did not; the second waits for it when the agent ends. The
 * next one has no line either. */
static void save_twice_and_restart(struct fixture *f)
{
    save_with_lost_answer(f, "the first text");
    fake_fail(f->fake, FAKE_UPLOAD, ERR_UNREACHABLE, 0, UINT32_MAX);
    assert_int_equal(fixture_write_text(f, "", "a", "second"), 0);
    fixture_restart(f);
    assert_true(fake_has_text(f->fake, "a", "the first text"));
    assert_int_equal(fixture_list(f, ""), 1);
}

static void arrival_restart__shows_the_last_save_over_what_arrived(void **state)
{
    struct fixture *f = *state;
    struct vfs_attr attr;

    save_twice_and_restart(f);
    assert_int_not_equal(fixture_find(f, "a", &attr), 0);
    assert_int_equal(attr.size_bytes, 6);
    assert_true(fixture_has_text(f, "a", "second"));
    fake_fail(f->fake, FAKE_UPLOAD, 0, 0, 0);
    waiting_send_all(f);
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_true(fake_has_text(f->fake, "a", "second"));
    assert_true(fixture_has_text(f, "a", "second"));
}

/* Both may have arrived, as the next agent sees it; it was the first. */
static void arrival_delete__after_a_restart_takes_back_either_save(void **state)
{
    struct fixture *f = *state;

    save_twice_and_restart(f);
    assert_true(fixture_has_text(f, "a", "second"));
    assert_true(fake_has_text(f->fake, "a", "the first text"));
    assert_int_equal(vfs_unlink(f->vfs, f->root, "a", NULL, NULL), 0);
    assert_int_equal(fake_children(f->fake, ""), 0);
    assert_int_equal(fixture_list(f, ""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(arrival_delete__takes_back_what_arrived_without_an_answer,
                                        setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(arrival_delete__after_a_restart_takes_back_either_save,
                                        setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(arrival_times__are_set_though_the_bytes_were_there, setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(arrival_restart__shows_the_last_save_over_what_arrived,
                                        setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(arrival_replace__goes_over_what_arrived_without_an_answer,
                                        setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(arrival_rename__takes_back_what_arrived_without_an_answer,
                                        setup, fixture_teardown),
    };

    return cmocka_run_group_tests_name("arrival", tests, NULL, NULL);
}
