/* What is done in the root of a library before anybody had to ask for its id, which the listing of an
 * empty root does not tell: what goes to the journal needs no line for that. */
#include "fixture.h"

#include "still_clock.h"
#include "waiting.h"

static int setup_settling(void **state)
{
    struct fixture *f = fixture_new_settling();

    fixture_start(f);
    *state = f;
    return 0;
}

static void root_close__of_the_first_new_file_needs_no_line(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_list(f, ""), 0);
    waiting_hold(f, WAITING_NEVER_MS);
    fake_fail(f->fake, FAKE_GET, ERR_TIMED_OUT, 0, UINT32_MAX);
    fake_reset(f->fake);
    assert_int_equal(fixture_write_text(f, "", "a", "without a line"), 0);
    assert_int_equal(fake_total(f->fake), 0);
    fake_fail(f->fake, FAKE_GET, 0, 0, 0);
    waiting_drain(f);
    assert_true(fake_has_text(f->fake, "a", "without a line"));
    fake_reset(f->fake);
    waiting_hold(f, 0);
    assert_int_equal(fixture_write_text(f, "", "b", "with one"), 0);
    waiting_drain(f);
    assert_int_equal(fake_count(f->fake, FAKE_GET), 0); /* it is known by now */
}

/* The names that they get before there is a line again: free ones, and that of another file that waits. */
static void name_first_files(struct fixture *f)
{
    assert_int_equal(fixture_list(f, ""), 0);
    waiting_hold(f, WAITING_NEVER_MS);
    fixture_cut_line(f, true);
    fake_reset(f->fake);
    assert_int_equal(fixture_write_text(f, "", "a", "first"), 0);
    assert_int_equal(fixture_rename(f, "a", "b"), 0);
    assert_int_equal(fixture_write_text(f, "", "c", "second"), 0);
    assert_int_equal(fixture_rename(f, "c", "b"), 0);
    assert_int_equal(fixture_write_text(f, "", "d", "third"), 0);
    assert_int_equal(fixture_rename(f, "d", "e"), 0);
    assert_int_equal(fake_total(f->fake), 0);
    assert_int_equal(waiting_look(f).count, 2);
    assert_string_equal(waiting_look(f).path, "e");
}

static void check_first_files(struct fixture *f)
{
    assert_true(fake_has_text(f->fake, "b", "second"));
    assert_true(fake_has_text(f->fake, "e", "third"));
    assert_int_equal(fake_children(f->fake, ""), 2);
    assert_int_equal(fake_versions(f->fake, "b"), 1);
    assert_int_equal(fixture_list(f, ""), 2);
    assert_int_equal(fixture_unsaved(f), 0);
}

static void root_rename__of_the_first_new_files_needs_no_line(void **state)
{
    struct fixture *f = *state;

    name_first_files(f);
    fixture_cut_line(f, false);
    waiting_drain(f);
    check_first_files(f);
}

static void root_rename__of_the_first_new_files_outlives_the_agent(void **state)
{
    struct fixture *f = *state;

    name_first_files(f);
    fixture_restart(f);
    assert_int_equal(fixture_list(f, ""), 2);
    assert_true(fixture_has_text(f, "b", "second"));
    assert_true(fixture_has_text(f, "e", "third"));
    fixture_cut_line(f, false);
    waiting_send_all(f);
    check_first_files(f);
}

/* The line was dead before it came to the bytes: nothing can have arrived that would have to be found. */
static void root_rename__of_what_was_tried_without_a_line_needs_none(void **state)
{
    struct fixture *f = *state;

    still_clock_begin(); /* it is not sent again by itself */
    assert_int_equal(fixture_list(f, ""), 0);
    fixture_cut_line(f, true);
    assert_int_equal(fixture_write_text(f, "", "a", "text"), 0);
    waiting_until_sent(f); /* nothing that can be sent now */
    assert_int_equal(waiting_look(f).tried, 1);
    fake_reset(f->fake);
    assert_int_equal(fixture_rename(f, "a", "b"), 0);
    assert_int_equal(fake_total(f->fake), 0);
    fixture_cut_line(f, false);
    waiting_send_now(f);
    assert_true(fake_has_text(f->fake, "b", "text"));
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_int_equal(waiting_look(f).count, 0);
}

/* Also those that may be temporary, and what a save by another name makes of one. */
static void root_crash__of_the_first_new_files_forgets_none(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_list(f, ""), 0);
    fixture_cut_line(f, true);
    assert_int_equal(fixture_write(f, "", "empty", "", 0), 0);
    assert_int_equal(fixture_write_text(f, "", "1a2b3c4d", "kept"), 0);
    assert_int_equal(fixture_write_text(f, "", "5e6f7a8b", "older"), 0);
    assert_int_equal(fixture_rename(f, "5e6f7a8b", "doc"), 0);
    assert_int_equal(fixture_write_text(f, "", "9c0d1e2f", "newer"), 0);
    assert_int_equal(fixture_rename(f, "9c0d1e2f", "doc"), 0);
    assert_true(fixture_has_text(f, "doc", "newer"));
    fixture_crash(f, false);
    waiting_send_all(f);
    assert_int_equal(fake_size(f->fake, "empty"), 0);
    assert_true(fake_has_text(f->fake, "1a2b3c4d", "kept"));
    assert_true(fake_has_text(f->fake, "doc", "newer"));
    assert_int_equal(fake_children(f->fake, ""), 3);
    assert_int_equal(fixture_list(f, ""), 3);
    assert_int_equal(fixture_unsaved(f), 0);
}

#define ROOT_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup_background, fixture_teardown)

static const struct CMUnitTest tests[] = {
    ROOT_TEST(root_close__of_the_first_new_file_needs_no_line),
    ROOT_TEST(root_rename__of_the_first_new_files_needs_no_line),
    ROOT_TEST(root_rename__of_the_first_new_files_outlives_the_agent),
    ROOT_TEST(root_rename__of_what_was_tried_without_a_line_needs_none),
    cmocka_unit_test_setup_teardown(root_crash__of_the_first_new_files_forgets_none, setup_settling,
                                    fixture_teardown),
};

TEST_MAIN("the root of a library, whose id is not known", tests)
